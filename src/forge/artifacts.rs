//! The run's artifacts over both protocols: listed by v3, which sees everything, and by v4, which alone says what is
//! finished; downloaded by the one that holds it. What can be expected to happen is an outcome, not an error.

use std::sync::atomic::{AtomicU64, Ordering};

use super::artifacts_v3::{self as v3, V3};
use super::artifacts_v4::V4;
use super::blob::Blob;
use super::body::Downloaded;
use super::client::Client;
use super::error::ForgeError;
use super::parallel::{self, WORKERS};
use crate::context::Runtime;
use crate::model::{ArtifactName, Digest, RelPath, RunId, Timestamp, sanitize};

/// The artifact service for the run of this step; no other run can be asked (FORGEJO section 2.1).
pub struct Artifacts<'a> {
    v3: Option<V3<'a>>,
    v4: Option<V4<'a>>,
}

/// What the run holds.
#[derive(Debug)]
pub struct Listing {
    /// By name.
    pub artifacts: Vec<Listed>,
    /// Set where v3 did not answer: an artifact that is not listed may exist all the same.
    pub incomplete: Option<ForgeError>,
}

/// One artifact of the run. That it is listed does not make it fresh: see [`crate::forge::attempts`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub name: ArtifactName,
    /// Of the zip, for a finished artifact of v4.
    pub size: Option<u64>,
    held: Held,
    container: Option<v3::Entry>,
}

/// Which protocol serves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    /// v4, finished.
    Zip,
    /// v4, created and not finished: a download would be answered 500.
    Unfinished,
    /// v3, or both under one name, which hides it from v4's listing.
    Files,
    /// v4 did not answer: `<name>/<name>.zip` alone is then taken for a zip of v4.
    Either,
}

/// How an artifact was uploaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// As files.
    V3,
    /// As one zip.
    V4,
}

impl Protocol {
    /// The word used in outputs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V3 => "v3",
            Self::V4 => "v4",
        }
    }
}

impl Listed {
    /// The protocol it was uploaded by; `None` where only v3 answered, which lists both.
    pub fn protocol(&self) -> Option<Protocol> {
        match self.held {
            Held::Zip | Held::Unfinished => Some(Protocol::V4),
            Held::Files => Some(Protocol::V3),
            Held::Either => None,
        }
    }

    /// Whether its upload was finished; `None` where the protocol does not say.
    pub fn is_finished(&self) -> Option<bool> {
        match self.held {
            Held::Zip => Some(true),
            Held::Unfinished => Some(false),
            Held::Files | Held::Either => None,
        }
    }
}

/// What fetching an artifact came to.
#[derive(Debug)]
pub enum Fetched {
    /// By v4: one zip, whose content nobody has checked.
    Zip(Downloaded),
    /// By v3: files by path.
    Files(Vec<FetchedFile>),
    /// Not there, or gone since it was listed.
    Missing,
    /// Created and not finished.
    Unfinished,
    /// Recorded as finished, and its bytes are gone: expired, or cleaned up after a re-run.
    Expired,
    /// Uploaded by both protocols under one name; neither can be told from the other.
    Collides,
    /// More bytes or files than allowed.
    TooLarge,
}

/// One file of a v3 artifact.
#[derive(Debug)]
pub struct FetchedFile {
    /// As the uploader wrote it. Untrusted text, and no path of ours.
    pub path: String,
    pub content: Downloaded,
}

/// How much may be downloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchLimits {
    /// Bytes of one artifact.
    pub artifact_bytes: u64,
    /// Files of one v3 artifact.
    pub files: usize,
    /// Bytes of everything; checked between downloads, so up to one artifact per worker may go beyond it.
    pub total_bytes: u64,
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self { artifact_bytes: 512 << 20, files: 2000, total_bytes: 4 << 30 }
    }
}

/// Characters no v3 name may have (FORGEJO section 2.2); v4 takes any, and whoever lists it by v3 could not fetch it.
const FORBIDDEN: [char; 11] = ['\\', '/', ':', '"', '<', '>', '|', '*', '?', '\r', '\n'];

impl<'a> Artifacts<'a> {
    /// The service as the runner announces it.
    ///
    /// # Errors
    /// [`ForgeError::NoService`] where neither address is set.
    pub fn new(client: &'a Client, runtime: &Runtime, run: RunId) -> Result<Self, ForgeError> {
        let v3 = runtime.pipeline_url.clone().map(|base| V3 { client, base, run });
        let job = runtime.job_id.unwrap_or(1);
        let v4 = runtime.results_url.clone().map(|base| V4 { client, base, run, job });
        if v3.is_none() && v4.is_none() {
            return Err(ForgeError::NoService("ACTIONS_RUNTIME_URL"));
        }
        Ok(Self { v3, v4 })
    }

    /// Everything the run holds: two requests at once.
    ///
    /// # Errors
    /// [`ForgeError`] where neither protocol answers.
    pub fn list(&self) -> Result<Listing, ForgeError> {
        let (by_v3, by_v4) = parallel::both(
            || self.v3.as_ref().map_or(Err(ForgeError::NoService("ACTIONS_RUNTIME_URL")), V3::list),
            || self.v4.as_ref().map_or(Err(ForgeError::NoService("ACTIONS_RESULTS_URL")), V4::list),
        );
        // Each answers 404 where the run has nothing of either protocol: believed where the other says no different.
        let says_none = |err: &ForgeError| err.is_not_found();
        let nothing_by_v4 = by_v4.as_ref().map_or_else(says_none, Vec::is_empty);
        let nothing_by_v3 = by_v3.as_ref().map_or_else(says_none, Vec::is_empty);
        let (containers, incomplete) = match by_v3 {
            Ok(containers) => (containers, None),
            Err(err) if says_none(&err) && nothing_by_v4 => (Vec::new(), None),
            Err(err) => (Vec::new(), Some(err)),
        };
        let by_v4 = match by_v4 {
            Err(err) if says_none(&err) && nothing_by_v3 => Ok(Vec::new()),
            other => other,
        };
        let zips = match (by_v4, incomplete.is_some()) {
            (Ok(zips), _) => Some(zips),
            (Err(_), false) => None,
            (Err(err), true) => return Err(incomplete.unwrap_or(err)),
        };
        let unlisted = if zips.is_some() { Held::Files } else { Held::Either };
        let mut artifacts: Vec<Listed> = containers
            .into_iter()
            .map(|entry| Listed {
                name: entry.name.clone(),
                size: None,
                held: unlisted,
                container: Some(entry),
            })
            .collect();
        for zip in zips.unwrap_or_default() {
            let held = if zip.size.is_some() { Held::Zip } else { Held::Unfinished };
            match artifacts.iter_mut().find(|listed| listed.name == zip.name) {
                Some(listed) => (listed.size, listed.held) = (zip.size, held),
                None => artifacts.push(Listed { name: zip.name, size: zip.size, held, container: None }),
            }
        }
        artifacts.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Listing { artifacts, incomplete })
    }

    /// Fetches artifacts, several at once, each into temporary files; the results are in the order asked.
    ///
    /// Two requests per v4 artifact, one plus its files for a v3 one; by v3 as well where v4 fails.
    pub fn fetch(&self, wanted: &[&Listed], limits: &FetchLimits) -> Vec<Result<Fetched, ForgeError>> {
        let spent = AtomicU64::new(0);
        // What is left of the workers for the files of one artifact.
        let workers = (WORKERS / wanted.len().max(1)).max(1);
        parallel::each(wanted, WORKERS, |listed| {
            let fetched = self.fetch_one(listed, limits, &spent, workers);
            if let Ok(fetched) = &fetched {
                spent.fetch_add(fetched.bytes(), Ordering::Relaxed);
            }
            fetched
        })
    }

    fn fetch_one(
        &self,
        listed: &Listed,
        limits: &FetchLimits,
        spent: &AtomicU64,
        workers: usize,
    ) -> Result<Fetched, ForgeError> {
        let left = limits.total_bytes.saturating_sub(spent.load(Ordering::Relaxed));
        let limit = limits.artifact_bytes.min(left);
        let files = |entry| self.fetch_files(entry, listed.held, limits.files, limit, workers);
        match listed.held {
            Held::Unfinished => Ok(Fetched::Unfinished),
            Held::Zip if listed.size.is_some_and(|size| size > limit) => Ok(Fetched::TooLarge),
            Held::Zip => match (self.fetch_zip(&listed.name, limit), &listed.container) {
                (Err(_), Some(entry)) => files(entry),
                (result, _) => result,
            },
            Held::Files | Held::Either => match &listed.container {
                Some(entry) => files(entry),
                None => Ok(Fetched::Missing),
            },
        }
    }

    fn fetch_zip(&self, name: &ArtifactName, limit: u64) -> Result<Fetched, ForgeError> {
        let Some(v4) = &self.v4 else { return Ok(Fetched::Missing) };
        let found = v4.download(name, limit).map(|found| found.map_or(Fetched::Missing, Fetched::Zip));
        outcome(found, Fetched::Expired)
    }

    fn fetch_files(
        &self,
        entry: &v3::Entry,
        held: Held,
        most: usize,
        limit: u64,
        workers: usize,
    ) -> Result<Fetched, ForgeError> {
        let Some(v3) = &self.v3 else { return Ok(Fetched::Missing) };
        let Some(files) = v3.files(entry)? else { return Ok(Fetched::Missing) };
        let zip_name = format!("{}.zip", entry.name);
        let has_zip = files.iter().any(|file| file.path == zip_name);
        if files.len() > most {
            return Ok(Fetched::TooLarge);
        }
        if has_zip && files.len() > 1 && self.is_known_to_v4(&entry.name)? {
            return Ok(Fetched::Collides);
        }
        if let ([only], Held::Either | Held::Zip, true) = (files.as_slice(), held, has_zip) {
            return outcome(v3.download(only, limit).map(Fetched::Zip), Fetched::Unfinished);
        }
        let mut fetched = Vec::with_capacity(files.len());
        let mut left = limit;
        // A batch at a time, so that what is left for the artifact is known before the next.
        for batch in files.chunks(WORKERS) {
            for (file, content) in
                batch.iter().zip(parallel::each(batch, workers, |file| v3.download(file, left)))
            {
                let content = match content {
                    Ok(content) => content,
                    Err(err) => return outcome(Err(err), Fetched::Unfinished),
                };
                let Some(rest) = left.checked_sub(content.bytes) else { return Ok(Fetched::TooLarge) };
                left = rest;
                fetched.push(FetchedFile { path: file.path.clone(), content });
            }
        }
        Ok(Fetched::Files(fetched))
    }

    fn is_known_to_v4(&self, name: &ArtifactName) -> Result<bool, ForgeError> {
        self.v4.as_ref().map_or(Ok(false), |v4| v4.signed_url(name).map(|url| url.is_some()))
    }

    /// Uploads one zip by v4, in place of any earlier artifact of that name.
    ///
    /// The server cuts `expires` to whole days from now: give an hour more than the days meant (FORGEJO section 2.3).
    /// Three requests for a file of one piece, its pieces plus three beyond.
    ///
    /// # Errors
    /// [`ForgeError`]; [`ForgeError::ArtifactName`] for a name that could not be fetched by every client.
    pub fn upload(
        &self,
        name: &ArtifactName,
        zip: &Blob,
        expires: Option<Timestamp>,
    ) -> Result<(), ForgeError> {
        check_name(name)?;
        let v4 = self.v4.as_ref().ok_or(ForgeError::NoService("ACTIONS_RESULTS_URL"))?;
        v4.upload(name, zip, expires)
    }

    /// Uploads files by v3, for consumers that know nothing else.
    ///
    /// # Errors
    /// As [`Artifacts::upload`].
    pub fn upload_v3(
        &self,
        name: &ArtifactName,
        files: &[(RelPath, Blob)],
        days: Option<u32>,
    ) -> Result<(), ForgeError> {
        check_name(name)?;
        let v3 = self.v3.as_ref().ok_or(ForgeError::NoService("ACTIONS_RUNTIME_URL"))?;
        if let Some((path, _)) = files.iter().find(|(_, blob)| blob.bytes() == 0) {
            let reason =
                format!("`{}` is empty, which the protocol cannot carry", sanitize(path.as_str(), 120));
            return Err(ForgeError::Upload { name: sanitize(name.as_str(), 120), reason });
        }
        v3.upload(name, files, days)
    }
}

impl Fetched {
    /// The digest that stands for the artifact in the report: of the zip, or of all paths with their digests.
    pub fn digest(&self) -> Option<Digest> {
        match self {
            Self::Zip(zip) => Some(zip.digest.clone()),
            Self::Files(files) => {
                let parts: Vec<&str> = files
                    .iter()
                    .flat_map(|file| [file.path.as_str(), file.content.digest.as_str()])
                    .collect();
                Some(Digest::of_parts(&parts))
            }
            Self::Missing | Self::Unfinished | Self::Expired | Self::Collides | Self::TooLarge => None,
        }
    }

    /// How many bytes were fetched.
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Zip(zip) => zip.bytes,
            Self::Files(files) => files.iter().map(|file| file.content.bytes).sum(),
            Self::Missing | Self::Unfinished | Self::Expired | Self::Collides | Self::TooLarge => 0,
        }
    }
}

/// Sorts what can be expected from what cannot. `unreadable` is what a record without bytes means: by v4 it was
/// finished once, by v3 nobody can tell.
fn outcome(result: Result<Fetched, ForgeError>, unreadable: Fetched) -> Result<Fetched, ForgeError> {
    match result {
        Err(ForgeError::TooLarge { .. }) => Ok(Fetched::TooLarge),
        Err(err) if err.status() == Some(500) && err.body().contains("unable to read") => Ok(unreadable),
        Err(err) if err.is_not_found() => Ok(Fetched::Missing),
        other => other,
    }
}

/// Whether an artifact of this name could be fetched by every client.
///
/// # Errors
/// [`ForgeError::ArtifactName`] where it could not.
pub fn check_name(name: &ArtifactName) -> Result<(), ForgeError> {
    let text = name.as_str();
    let refuse = |reason| Err(ForgeError::ArtifactName { name: sanitize(text, 120), reason });
    if text.chars().count() > 255 {
        return refuse("it is longer than 255 characters");
    }
    if text.contains(FORBIDDEN) {
        return refuse("it has one of the characters \\ / : \" < > | * ? or a line break");
    }
    if matches!(text, "." | "..") {
        return refuse("it would be taken for a folder");
    }
    Ok(())
}

#[cfg(test)]
#[path = "artifacts_tests.rs"]
mod tests;
