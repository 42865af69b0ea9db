//! The files that gates compare with: fetched from the repository at the base, or read from the checkout that the
//! policy lies in.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::app::judge::limits;
use crate::app::replay::bundle::FileBytes;
use crate::evidence::baseline::{BaselineFile, BaselineFiles};
use crate::forge::rest::{FileAt, Repo};
use crate::gate::Gates;
use crate::model::{CommitSha, RelPath};

/// Each file a gate names, by its path in the repository.
pub type RawBaselines = Vec<(RelPath, FileBytes)>;

/// A baseline is a report of one tool; a larger one is better cut by tool.
const MAX_FILE: u64 = 16 * 1024 * 1024;

/// Reads a baseline of a workflow's judgement at the base. Only a confirmed absence is one (DESIGN section 4).
pub fn file_at_base(repo: Repo<'_>, path: &RelPath, base: Option<&CommitSha>) -> FileBytes {
    let Some(base) = base else {
        return FileBytes::Unreadable("no base is known to read it at".to_owned());
    };
    match repo.file_at(path, base, MAX_FILE) {
        Ok(FileAt::Present(bytes)) => FileBytes::Read(bytes),
        Ok(FileAt::Absent) => FileBytes::Absent,
        Err(error) => FileBytes::Unreadable(error.to_string()),
    }
}

/// Reads the baselines of an offline judgement from the checkout that the policy lies in: that it is of the base is
/// what the caller says.
pub fn beside_policy(policy: Option<&Path>, gates: &Gates) -> BaselineFiles {
    parsed(&raw_beside_policy(policy, gates))
}

/// As [`beside_policy`], unread.
pub fn raw_beside_policy(policy: Option<&Path>, gates: &Gates) -> RawBaselines {
    let root = policy.map(checkout_of).unwrap_or_default();
    let read = |path: &RelPath| read_file(&root.join(path.as_str()));
    gates.baseline_files().into_iter().map(|path| (path.clone(), read(path))).collect()
}

/// What the files say.
pub fn parsed(raw: &[(RelPath, FileBytes)]) -> BaselineFiles {
    let parse = |bytes: &FileBytes| match bytes {
        FileBytes::Absent => BaselineFile::Absent,
        FileBytes::Unreadable(why) => BaselineFile::Unreadable(why.clone()),
        FileBytes::Read(bytes) => BaselineFile::parse(bytes, &limits()),
    };
    raw.iter().map(|(path, bytes)| (path.clone(), parse(bytes))).collect()
}

fn read_file(path: &Path) -> FileBytes {
    let unreadable = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => FileBytes::Absent,
        kind => FileBytes::Unreadable(kind.to_string()),
    };
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes));
    match read {
        Err(error) => unreadable(error),
        Ok(_) if bytes.len() as u64 > MAX_FILE => {
            FileBytes::Unreadable(format!("it is larger than {MAX_FILE} bytes"))
        }
        Ok(_) => FileBytes::Read(bytes),
    }
}

/// The folder that paths of the repository begin at: above `.forgejo`, where the policy lies in that, else its own.
fn checkout_of(policy: &Path) -> PathBuf {
    let folder = policy.parent().unwrap_or(Path::new(""));
    let inside = folder.file_name().is_some_and(|name| name == ".forgejo");
    let root = if inside { folder.parent().unwrap_or(Path::new("")) } else { folder };
    root.to_path_buf()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checkout_begins_above_the_forges_folder() {
        for (policy, root) in [
            (".forgejo/patchwarden.toml", ""),
            ("a/.forgejo/patchwarden.toml", "a"),
            ("a/policy.toml", "a"),
            ("policy.toml", ""),
        ] {
            assert_eq!(checkout_of(Path::new(policy)), Path::new(root), "{policy}");
        }
    }

    #[test]
    fn only_a_file_that_is_not_there_is_absent() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(read_file(&folder.path().join("none")), FileBytes::Absent));
        assert!(matches!(read_file(folder.path()), FileBytes::Unreadable(_)));
        let file = folder.path().join("b.sarif");
        std::fs::write(&file, "{").unwrap();
        let path: RelPath = "b.sarif".parse().unwrap();
        let files = parsed(&[(path.clone(), read_file(&file))]);
        assert!(matches!(files[&path], BaselineFile::Unreadable(_)));
    }
}
