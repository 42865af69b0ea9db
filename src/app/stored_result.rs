//! The result artifacts of gates as a forge keeps them: listed by REST, before v16 by the web route of a public
//! repository, and read within bounds. Any job of a run can write one, so nothing in them is believed here.

use std::fs::File;
use std::io::{BufReader, Read as _};

use crate::evidence::Limits;
use crate::evidence::archive::ZipSource;
use crate::evidence::source::{ArtifactSource as _, SourceError, checked_files};
use crate::forge::ForgeError;
use crate::forge::rest::{Archive, Repo, Run};
use crate::model::{ArtifactName, Timestamp, sanitize};

use super::gate::RESULT_PREFIX;
use super::judge::limits;

/// Bytes of one result artifact; a report of many thousand findings has fewer.
const MAX_ARTIFACT: u64 = 64 << 20;
/// A gate writes three files.
const MAX_FILES: u64 = 100;

/// One artifact that is called as a gate calls its own.
pub struct StoredResult {
    /// REST's id; none where the web route listed it, which knows neither ids nor times.
    pub id: Option<u64>,
    pub name: ArtifactName,
    pub expired: bool,
    pub created: Option<Timestamp>,
}

/// The result artifacts of a run.
///
/// # Errors
/// [`ForgeError`] where neither route lists them.
pub fn list(repo: Repo<'_>, run: &Run) -> Result<Vec<StoredResult>, ForgeError> {
    let mut listed: Vec<StoredResult> = match repo.actions().run(run.id).artifacts() {
        Ok(artifacts) => artifacts
            .into_iter()
            .map(|one| StoredResult {
                id: Some(one.id),
                name: one.name,
                expired: one.expired,
                created: one.created,
            })
            .collect(),
        Err(error) if error.is_not_found() => repo
            .web_artifacts(run.number)?
            .into_iter()
            .filter_map(|one| {
                let name = one.name.parse().ok()?;
                Some(StoredResult { id: None, name, expired: one.expired, created: None })
            })
            .collect(),
        Err(error) => return Err(error),
    };
    listed.retain(|one| one.name.as_str().starts_with(RESULT_PREFIX));
    Ok(listed)
}

impl StoredResult {
    /// The attempt at the end of its name, where a job of this id made it; of any job where none is named.
    pub fn attempt_of(&self, job: Option<&str>) -> Option<u64> {
        let (of, attempt) = self.name.as_str().strip_prefix(RESULT_PREFIX)?.rsplit_once('-')?;
        if job.is_some_and(|job| job != of) {
            return None;
        }
        attempt.parse().ok()
    }

    /// Downloads it.
    ///
    /// # Errors
    /// [`ForgeError`]; that it is gone or not finished is an answer.
    pub fn download(&self, repo: Repo<'_>, run: &Run) -> Result<Archive, ForgeError> {
        match self.id {
            Some(id) => repo.actions().artifact_zip(id, MAX_ARTIFACT),
            None => repo.web_artifact_zip(run.id, &self.name, MAX_ARTIFACT),
        }
    }
}

/// The files of a result that was downloaded.
pub struct ResultFiles(ZipSource<BufReader<File>>);

impl ResultFiles {
    /// Opens the zip; nothing in it is read yet.
    ///
    /// # Errors
    /// [`SourceError`] where it is no sound zip.
    pub fn open(zip: File) -> Result<Self, SourceError> {
        ZipSource::open(BufReader::new(zip)).map(Self)
    }

    /// One file, `None` where the artifact has none of this name.
    ///
    /// # Errors
    /// [`SourceError`] where the artifact is refused as a whole, or the file has more than `most` bytes.
    pub fn read(&mut self, name: &str, most: u64) -> Result<Option<Vec<u8>>, SourceError> {
        let whole = Limits { file_bytes: MAX_ARTIFACT, archive_entries: MAX_FILES, ..limits() };
        let files = checked_files(&mut self.0, &whole)?;
        let Some((_, file)) = files.into_iter().find(|(path, _)| path.as_str() == name) else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        let reader = self.0.open(&file, &Limits { file_bytes: most, ..whole });
        reader?
            .read_to_end(&mut bytes)
            .map_err(|error| SourceError::Unreadable(sanitize(&error.to_string(), 200)))?;
        Ok(Some(bytes))
    }
}
