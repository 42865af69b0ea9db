//! The reports before and after the command: where each goes, whether the command wrote it, its copy and its hash.
//! A file that the command left as it was is of an earlier run, and passes for nothing.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use crate::evidence::Format;
use crate::evidence::manifest::{FILE_NAME, ReportState};
use crate::model::{Digest, EvidenceId, Hashing, RelPath};

use super::manifest_file::{self, OutputError};
use super::request::{ReportPathReason, ReportRequest, UsageError};
use super::shown;

/// A report and its place in the artifact.
#[derive(Debug, Clone)]
pub struct Planned {
    pub id: EvidenceId,
    pub format: Format,
    /// Where the command writes it; absolute.
    pub source: PathBuf,
    /// Where it lies in the artifact.
    pub path: RelPath,
    /// Whether `source` is that place already.
    inside: bool,
}

/// What a report was before the command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    digest: Digest,
    modified: SystemTime,
}

/// What became of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    pub state: ReportState,
    pub sha256: Option<Digest>,
    pub bytes: Option<u64>,
}

/// Gives each report its place: where it is, if that is below `out` (a real path), else the root of `out` under its
/// file name.
///
/// # Errors
/// [`UsageError`]: a path that no manifest can list, or that has a `*`; two reports of one id or place.
pub fn plan(reports: &[ReportRequest], directory: &Path, out: &Path) -> Result<Vec<Planned>, UsageError> {
    let planned =
        reports.iter().map(|report| place(report, directory, out)).collect::<Result<Vec<_>, _>>()?;
    let (mut ids, mut paths) = (BTreeSet::new(), BTreeSet::new());
    for report in &planned {
        if !ids.insert(&report.id) {
            return Err(UsageError::IdTwice(report.id.clone()));
        }
        if !paths.insert(&report.path) {
            return Err(UsageError::PathTwice(report.path.clone()));
        }
    }
    Ok(planned)
}

fn place(report: &ReportRequest, directory: &Path, out: &Path) -> Result<Planned, UsageError> {
    if report.path.as_os_str().as_encoded_bytes().contains(&b'*') {
        return Err(UsageError::Pattern(shown(&report.path)));
    }
    let refused = |reason| UsageError::ReportPath { path: shown(&report.path), reason };
    let source =
        real_place(&directory.join(&report.path)).ok_or_else(|| refused(ReportPathReason::NoName))?;
    let below = source.strip_prefix(out).ok().map(Path::as_os_str);
    let path = below
        .or(source.file_name())
        .and_then(OsStr::to_str)
        .ok_or_else(|| refused(ReportPathReason::NotUtf8))?
        .parse::<RelPath>()
        .map_err(|error| refused(error.into()))?;
    if path.as_str() == FILE_NAME {
        return Err(refused(ReportPathReason::Reserved));
    }
    let inside = below.is_some();
    Ok(Planned { id: report.id.clone(), format: report.format, source, path, inside })
}

/// The path with its folders resolved as far as they exist; the file itself is not followed. `None` for a path that
/// ends in no name.
fn real_place(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?;
    let mut folder = path.parent()?;
    let mut missing = Vec::new();
    let mut real = loop {
        if let Ok(real) = fs::canonicalize(folder) {
            break real;
        }
        missing.push(folder.components().next_back()?);
        folder = folder.parent()?;
    };
    for component in missing.into_iter().rev() {
        match component {
            Component::ParentDir => drop(real.pop()),
            other => real.push(other),
        }
    }
    real.push(name);
    Some(real)
}

/// Looks at a report before the command; `None` where there is none yet.
///
/// # Errors
/// [`UsageError`]: it is a folder, a link or the like, or could not be read.
pub fn snapshot(report: &Planned) -> Result<Option<Snapshot>, UsageError> {
    let path = || shown(&report.source);
    let unread = |source| UsageError::ReportUnreadable { path: path(), source };
    let Some(metadata) = look(&report.source).map_err(unread)? else { return Ok(None) };
    if let Some(kind) = no_file(&metadata) {
        return Err(UsageError::ReportKind { path: path(), kind });
    }
    let file = File::open(&report.source).map_err(unread)?;
    let modified = metadata.modified().map_err(unread)?;
    let (digest, _) = Hashing::new(file).finish().map_err(unread)?;
    Ok(Some(Snapshot { digest, modified }))
}

/// Looks at a report after the command, copies it into `out` if it was written, and hashes what was copied.
///
/// # Errors
/// [`OutputError`]: it could not be read or copied.
pub fn settle(
    report: &Planned,
    before: Option<&Snapshot>,
    out: &Path,
    warnings: &mut Vec<String>,
) -> Result<Settled, OutputError> {
    let path = shown(&report.source);
    let unread = |source| OutputError::Report { path: path.clone(), source };
    let Some(metadata) = look(&report.source).map_err(unread)? else {
        warnings.push(format!("report `{path}` was not written by the command"));
        return Ok(Settled::without_file(ReportState::NotWritten));
    };
    if let Some(kind) = no_file(&metadata) {
        warnings.push(format!("report `{path}` was not written by the command: it is {kind}, not a file"));
        return Ok(Settled::without_file(ReportState::NotWritten));
    }
    let mut reader = Hashing::new(File::open(&report.source).map_err(unread)?);
    let modified = metadata.modified().map_err(unread)?;
    let copy = if report.inside {
        None
    } else {
        let mut copy = manifest_file::temporary(out)?;
        io::copy(&mut reader, &mut copy).map_err(unread)?;
        Some(copy)
    };
    let (digest, bytes) = reader.finish().map_err(unread)?;
    let after = Snapshot { digest, modified };
    if before == Some(&after) {
        warnings.push(format!(
            "report `{path}` was left as it was by the command: a stale file of an earlier run"
        ));
        return Ok(Settled::without_file(ReportState::Unchanged));
    }
    if let Some(copy) = copy {
        manifest_file::put(copy, &out.join(report.path.as_str()))?;
    }
    Ok(Settled { state: ReportState::Written, sha256: Some(after.digest), bytes: Some(bytes) })
}

impl Settled {
    fn without_file(state: ReportState) -> Self {
        Self { state, sha256: None, bytes: None }
    }
}

/// What stands at a path, links not followed; `None` for nothing.
fn look(path: &Path) -> io::Result<Option<Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// What this is, where it is no regular file. A link is none: turned from one stale file to another it would pass for
/// written.
fn no_file(metadata: &Metadata) -> Option<&'static str> {
    let kind = metadata.file_type();
    match (kind.is_file(), kind.is_dir(), kind.is_symlink()) {
        (true, _, _) => None,
        (_, true, _) => Some("a folder"),
        (_, _, true) => Some("a link"),
        _ => Some("a device or pipe"),
    }
}
