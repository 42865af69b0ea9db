//! The cache of a digest: per repository its listing, per artifact its zip, keyed by run, artifact and digest. A zip
//! whose bytes are not those its name says is as good as none, so a torn write harms nothing.

use std::fs::{self, File};
use std::io::{self, Seek};
use std::path::{Path, PathBuf};

use super::listing::{ListedArtifact, Listing};
use crate::context::ServerUrl;
use crate::model::{Digest, Hashing, RepoSlug};
use crate::sink;

/// A folder with what earlier runs fetched from one forge.
#[derive(Debug, Clone)]
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    /// The cache of this forge in a folder that may hold those of others.
    pub fn new(folder: &Path, server: &ServerUrl) -> Self {
        let server = Digest::of(server.as_str().to_lowercase());
        Self { root: folder.join("v1").join(server.short()) }
    }

    fn repository(&self, repo: &RepoSlug) -> PathBuf {
        // Two slugs never share a folder: an owner has no dot-only name and no slash.
        self.root.join(repo.owner()).join(repo.name())
    }

    fn run(&self, repo: &RepoSlug, run: u64) -> PathBuf {
        self.repository(repo).join(run.to_string())
    }

    /// Keeps a listing, together with the runs that earlier ones had and this one has not.
    ///
    /// # Errors
    /// Those of writing.
    pub fn keep_listing(&self, listing: &Listing) -> io::Result<()> {
        let mut all = listing.clone();
        if let Some(earlier) = self.listing(&listing.repo) {
            let known: std::collections::BTreeSet<_> = all.runs.iter().map(|run| run.facts.run).collect();
            all.runs.extend(earlier.runs.into_iter().filter(|run| !known.contains(&run.facts.run)));
        }
        let text = crate::output::json(&all);
        sink::write_file(&self.repository(&listing.repo).join("listing.json"), text.as_bytes())
    }

    /// What was listed of a repository; `None` where nothing was, or nothing readable.
    pub fn listing(&self, repo: &RepoSlug) -> Option<Listing> {
        let bytes = fs::read(self.repository(repo).join("listing.json")).ok()?;
        crate::evidence::document::from_slice(&bytes).ok()
    }

    /// Whether there seems to be a zip of this artifact; its bytes are not looked at.
    pub fn has(&self, repo: &RepoSlug, run: u64, artifact: &ListedArtifact) -> bool {
        self.find(repo, run, artifact).is_some()
    }

    fn find(&self, repo: &RepoSlug, run: u64, artifact: &ListedArtifact) -> Option<(PathBuf, Digest)> {
        let key = key(artifact);
        for entry in fs::read_dir(self.run(repo, run)).ok()? {
            let entry = entry.ok()?;
            let name = entry.file_name().into_string().ok()?;
            let digest =
                name.strip_suffix(".zip").and_then(|name| name.strip_prefix(&key)?.strip_prefix('-'));
            if let Some(digest) = digest.and_then(|hex| format!("sha256:{hex}").parse().ok()) {
                return Some((entry.path(), digest));
            }
        }
        None
    }

    /// The zip of an artifact, its bytes checked.
    pub fn zip(&self, repo: &RepoSlug, run: u64, artifact: &ListedArtifact) -> Option<File> {
        let (path, digest) = self.find(repo, run, artifact)?;
        let mut file = File::open(path).ok()?;
        let (found, _) = Hashing::new(&mut file).finish().ok()?;
        file.rewind().ok()?;
        (found == digest).then_some(file)
    }

    /// Keeps a zip; the file stands at its start again afterwards.
    ///
    /// # Errors
    /// Those of writing.
    pub fn keep_zip(
        &self,
        repo: &RepoSlug,
        run: u64,
        artifact: &ListedArtifact,
        file: &mut File,
        digest: &Digest,
    ) -> io::Result<()> {
        let folder = self.run(repo, run);
        fs::create_dir_all(&folder)?;
        let mut copy = tempfile::Builder::new().prefix(".patchwarden-").tempfile_in(&folder)?;
        io::copy(file, &mut copy)?;
        file.rewind()?;
        copy.persist(folder.join(format!("{}-{}.zip", key(artifact), digest.hex())))
            .map_err(|error| error.error)?;
        Ok(())
    }
}

/// Of everything that changes when the artifact does; its name could be any path.
fn key(artifact: &ListedArtifact) -> String {
    let number = |number: Option<String>| number.unwrap_or_default();
    let digest = Digest::of_parts(&[
        &number(artifact.id.map(|id| id.to_string())),
        artifact.name.as_str(),
        &artifact.size.to_string(),
        &number(artifact.updated.map(|time| time.to_string())),
    ]);
    digest.hex().get(..16).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;

    fn artifact(name: &str, updated: i64) -> ListedArtifact {
        let updated = Some(crate::model::Timestamp::from_unix(updated));
        ListedArtifact { id: Some(7), name: name.parse().unwrap(), size: 5, expired: false, updated }
    }

    #[test]
    fn an_artifact_is_found_again_until_it_changes_or_its_bytes_do() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path(), &"https://forge.example".parse().unwrap());
        let repo: RepoSlug = "o/r".parse().unwrap();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"bytes").unwrap();
        file.rewind().unwrap();
        for name in ["unit", "../../climb", "a/b"] {
            cache.keep_zip(&repo, 46, &artifact(name, 1), &mut file, &Digest::of("bytes")).unwrap();
            let mut text = String::new();
            cache.zip(&repo, 46, &artifact(name, 1)).unwrap().read_to_string(&mut text).unwrap();
            assert_eq!(text, "bytes");
        }
        assert!(cache.zip(&repo, 46, &artifact("unit", 2)).is_none(), "uploaded again");
        assert!(cache.zip(&repo, 47, &artifact("unit", 1)).is_none(), "of another run");
        let other = Cache::new(folder.path(), &"https://other.example".parse().unwrap());
        assert!(other.zip(&repo, 46, &artifact("unit", 1)).is_none(), "of another forge");
        let (path, _) = cache.find(&repo, 46, &artifact("unit", 1)).unwrap();
        assert!(path.starts_with(folder.path()));
        fs::write(path, b"torn").unwrap();
        assert!(cache.zip(&repo, 46, &artifact("unit", 1)).is_none(), "its bytes are others");
    }
}
