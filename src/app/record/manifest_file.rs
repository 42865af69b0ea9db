//! The manifest of an output folder: read, checked against what is to be added, and written whole or not at all.
//! The folder's own handle is the lock, so no lock file ends up in the artifact.

use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::evidence::manifest::{FILE_NAME, Manifest};
use crate::evidence::{Limits, ParseError};
use crate::model::{CommitSha, EvidenceId, RelPath, sanitize};

use super::reports::Planned;
use super::shown;

/// Why a folder that holds a manifest cannot take this record.
#[derive(Debug, thiserror::Error)]
pub enum Clash {
    #[error("the id `{0}` is recorded already: give another `--id`, or start from an empty `--out` folder")]
    Id(EvidenceId),
    #[error(
        "`{}` is recorded already: give the report another name, or another `--out` folder",
        sanitize(.0.as_str(), 200)
    )]
    Path(RelPath),
    #[error("the manifest there is for head `{there}`, this is `{here}`: start from an empty `--out` folder")]
    Head { there: CommitSha, here: CommitSha },
    #[error("the manifest there has another {0}: start from an empty `--out` folder")]
    Origin(&'static str),
}

/// Why a record could not be written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    #[error("the command was not run, because nothing could be recorded of it")]
    Early(#[source] Box<OutputError>),
    #[error("folder `{path}` cannot be used")]
    Folder { path: String, source: io::Error },
    #[error("the manifest in `{path}` could not be read")]
    Unreadable { path: String, source: io::Error },
    #[error("the manifest in `{path}` is not one that can be added to: {reason}")]
    Malformed { path: String, reason: ParseError },
    #[error(transparent)]
    Clash(#[from] Clash),
    #[error("report `{path}` could not be copied")]
    Report { path: String, source: io::Error },
    #[error("`{path}` could not be written")]
    Write { path: String, source: io::Error },
    #[error("the manifest would have {bytes} bytes, more than the {limit} that the gate reads")]
    TooLarge { bytes: u64, limit: u64 },
}

impl OutputError {
    /// Says that the command was not run.
    pub(super) fn early(self) -> Self {
        Self::Early(Box::new(self))
    }

    /// Whether this was found before the command was run.
    pub fn is_early(&self) -> bool {
        matches!(self, Self::Early(_))
    }
}

/// Where the manifest of a folder is.
pub fn path(out: &Path) -> PathBuf {
    out.join(FILE_NAME)
}

/// Makes the folder where it is not there; gives its real path.
pub fn prepare(out: &Path) -> Result<PathBuf, OutputError> {
    fs::create_dir_all(out)
        .and_then(|()| fs::canonicalize(out))
        .map_err(|source| OutputError::Folder { path: shown(out), source })
}

/// Waits for, and takes, the folder's lock; it is held until the handle is dropped, or the process dies.
pub fn lock(out: &Path) -> Result<File, OutputError> {
    File::open(out)
        .and_then(|folder| folder.lock().map(|()| folder))
        .map_err(|source| OutputError::Folder { path: shown(out), source })
}

/// The manifest of a folder; `None` where there is none yet.
pub fn read(out: &Path) -> Result<Option<Manifest>, OutputError> {
    let unreadable = |source| OutputError::Unreadable { path: shown(out), source };
    let file = match File::open(path(out)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    let limit = Limits::default().document_bytes;
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > limit {
        return Err(OutputError::TooLarge { bytes: bytes.len() as u64, limit });
    }
    Manifest::parse(&bytes).map(Some).map_err(|reason| OutputError::Malformed { path: shown(out), reason })
}

/// Whether the reports can be added to a manifest that is there: same head, same origin, ids and paths of their own.
/// Its head, repository and job are said once for all entries, so entries of two jobs cannot share one.
pub fn check(existing: &Manifest, header: &Manifest, planned: &[Planned]) -> Result<(), Clash> {
    if existing.target_sha != header.target_sha {
        let (there, here) = (existing.target_sha.clone(), header.target_sha.clone());
        return Err(Clash::Head { there, here });
    }
    let origins = [
        ("repository", existing.repo == header.repo),
        ("pull request", existing.pull_request == header.pull_request),
        ("base", existing.base_sha == header.base_sha),
        ("run, attempt or job", existing.producer == header.producer),
    ];
    if let Some((what, _)) = origins.iter().find(|(_, same)| !same) {
        return Err(Clash::Origin(what));
    }
    for report in planned {
        if existing.by_id(&report.id).is_some() {
            return Err(Clash::Id(report.id.clone()));
        }
        if existing.by_path(&report.path).is_some() {
            return Err(Clash::Path(report.path.clone()));
        }
    }
    Ok(())
}

/// The manifest that is there, with what a further record learnt of the checkout: dirty if it was so before any of
/// the commands, clean only if it was so before all.
pub fn join(existing: Manifest, further: Manifest) -> Manifest {
    let dirty = match (existing.dirty, further.dirty) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), Some(false)) => Some(false),
        _ => None,
    };
    Manifest { dirty, tree_sha: existing.tree_sha.or(further.tree_sha), ..existing }
}

/// Writes the manifest under its name in one step.
pub fn write(out: &Path, manifest: &Manifest) -> Result<(), OutputError> {
    let target = path(out);
    let unwritten = |source| OutputError::Write { path: shown(&target), source };
    let mut bytes = serde_json::to_vec_pretty(manifest).map_err(|error| unwritten(error.into()))?;
    bytes.push(b'\n');
    let limit = Limits::default().document_bytes;
    if bytes.len() as u64 > limit {
        return Err(OutputError::TooLarge { bytes: bytes.len() as u64, limit });
    }
    let mut file = temporary(out)?;
    file.write_all(&bytes).map_err(unwritten)?;
    put(file, &target)
}

/// A new file in the folder, with the rights that a plain new file has: whoever uploads it must be able to read it.
pub fn temporary(out: &Path) -> Result<NamedTempFile, OutputError> {
    tempfile::Builder::new()
        .prefix(".patchwarden-")
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(out)
        .map_err(|source| OutputError::Folder { path: shown(out), source })
}

/// Gives a new file its name.
pub fn put(file: NamedTempFile, target: &Path) -> Result<(), OutputError> {
    match file.persist(target) {
        Ok(_) => Ok(()),
        Err(error) => Err(OutputError::Write { path: shown(target), source: error.error }),
    }
}
