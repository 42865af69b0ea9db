//! What `record` is asked to do, the two spellings of `--report`, and what is wrong with a request.
//! Everything here is known before the command is run.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

use crate::evidence::Format;
use crate::model::{CommitSha, EvidenceId, RelPath, RelPathError, sanitize};

use super::manifest_file::Clash;

/// One report that the command is expected to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportRequest {
    /// The evidence id of the policy.
    pub id: EvidenceId,
    pub format: Format,
    /// Absolute, or relative to the request's directory.
    pub path: PathBuf,
}

/// What to run and what to record of it.
#[derive(Debug, Clone)]
pub struct RecordRequest {
    /// Where the command is run, and what relative paths start from: the current directory.
    pub directory: PathBuf,
    /// At least one.
    pub reports: Vec<ReportRequest>,
    pub tool: Option<String>,
    pub tool_version: Option<String>,
    /// Files and folders the command looks at; hashed before it is run.
    pub inputs: Vec<PathBuf>,
    /// The commit, for work outside git.
    pub head: Option<CommitSha>,
    /// How long the command may take; above zero.
    pub timeout: Option<Duration>,
    /// The root of the artifact.
    pub out: PathBuf,
    /// The program and its arguments.
    pub command: Vec<OsString>,
}

/// What is wrong with a request. All are the caller's to mend; the command was not run.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    #[error("no command was given: write it after `--`")]
    NoCommand,
    #[error("no report was given: `--report PATH` with `--id` and `--format`, or `--report ID=FORMAT:PATH`")]
    NoReport,
    #[error("`--timeout` must be longer than nothing")]
    ZeroTimeout,
    #[error(
        "`--report {0}` has no id and format: write `--report ID=FORMAT:PATH`, or give `--id` and `--format` once"
    )]
    ReportWithoutId(String),
    #[error("in `--report {report}`: {reason}")]
    ReportFormat { report: String, reason: String },
    #[error("`--id` and `--format` name a report, but no `--report PATH` was given for them")]
    IdWithoutReport,
    #[error("two reports have the id `{0}`")]
    IdTwice(EvidenceId),
    #[error("two reports would lie at `{}` in the artifact: give one another name", sanitize(.0.as_str(), 200))]
    PathTwice(RelPath),
    #[error("report `{0}` has a `*`: name each file by its own `--report ID=FORMAT:PATH`")]
    Pattern(String),
    #[error("report `{path}` cannot be listed in a manifest: {reason}")]
    ReportPath { path: String, reason: ReportPathReason },
    #[error("report `{path}` is {kind}, not a file: name each file by its own `--report ID=FORMAT:PATH`")]
    ReportKind { path: String, kind: &'static str },
    #[error("report `{path}` of an earlier run could not be read, so it could not be told from a new one")]
    ReportUnreadable { path: String, source: std::io::Error },
    #[error("input `{0}` has a name that is not UTF-8, which a manifest cannot list")]
    InputName(String),
    #[error("input `{0}` is neither a file nor a folder")]
    InputKind(String),
    #[error("input `{path}` could not be read")]
    Input { path: String, source: std::io::Error },
    #[error(transparent)]
    Clash(#[from] Clash),
}

/// Why a report's path fits no manifest.
#[derive(Debug, thiserror::Error)]
pub enum ReportPathReason {
    #[error("it names no file")]
    NoName,
    #[error("its name is not UTF-8")]
    NotUtf8,
    #[error("that is the manifest's own name")]
    Reserved,
    #[error(transparent)]
    Path(#[from] RelPathError),
}

impl RecordRequest {
    /// Whether the request can be carried out at all.
    pub(super) fn check(&self) -> Result<(), UsageError> {
        if self.command.is_empty() {
            return Err(UsageError::NoCommand);
        }
        if self.reports.is_empty() {
            return Err(UsageError::NoReport);
        }
        if self.timeout == Some(Duration::ZERO) {
            return Err(UsageError::ZeroTimeout);
        }
        Ok(())
    }
}

impl ReportRequest {
    /// The reports that `--report` names, each as `ID=FORMAT:PATH`, at most one as a bare `PATH` for which
    /// `--id` and `--format` speak.
    ///
    /// # Errors
    /// [`UsageError`]: a bare path too many, an unknown format, or an id without a report.
    pub fn of_arguments(
        id: Option<EvidenceId>,
        format: Option<Format>,
        reports: &[OsString],
    ) -> Result<Vec<Self>, UsageError> {
        let mut named = id.zip(format);
        let mut requests = Vec::new();
        for report in reports {
            let text = || sanitize(&report.to_string_lossy(), 200);
            match Self::long_form(report) {
                Some(Ok(request)) => requests.push(request),
                other => match (named.take(), other) {
                    (Some((id, format)), _) => requests.push(Self { id, format, path: report.into() }),
                    (None, Some(Err(reason))) => {
                        return Err(UsageError::ReportFormat { report: text(), reason });
                    }
                    (None, _) => return Err(UsageError::ReportWithoutId(text())),
                },
            }
        }
        if named.is_some() {
            return Err(UsageError::IdWithoutReport);
        }
        Ok(requests)
    }

    /// `ID=FORMAT:PATH`; `None` where the text has not that shape, an error where only the format is unknown.
    fn long_form(text: &OsStr) -> Option<Result<Self, String>> {
        let (id, rest) = split(text.as_bytes(), b'=')?;
        let (format, path) = split(rest, b':')?;
        let id = std::str::from_utf8(id).ok()?.parse().ok()?;
        let format = std::str::from_utf8(format).ok()?;
        if format.contains('/') || path.is_empty() {
            return None;
        }
        Some(format.parse().map(|format| Self { id, format, path: OsStr::from_bytes(path).into() }))
    }
}

/// What stands before and after the first `at`.
fn split(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let place = bytes.iter().position(|byte| *byte == at)?;
    Some((bytes.get(..place)?, bytes.get(place + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(id: Option<&str>, reports: &[&str]) -> Result<Vec<ReportRequest>, UsageError> {
        let reports: Vec<OsString> = reports.iter().map(OsString::from).collect();
        let format = id.map(|_| Format::Junit);
        ReportRequest::of_arguments(id.map(|id| id.parse().unwrap()), format, &reports)
    }

    #[test]
    fn a_report_is_named_by_options_or_by_itself() {
        let requests = read(Some("unit"), &["lint=sarif:a:b=c.sarif", "target/junit.xml"]).unwrap();
        let lint = ReportRequest {
            id: "lint".parse().unwrap(),
            format: Format::Sarif,
            path: PathBuf::from("a:b=c.sarif"),
        };
        let unit = ReportRequest {
            id: "unit".parse().unwrap(),
            format: Format::Junit,
            path: PathBuf::from("target/junit.xml"),
        };
        assert_eq!(requests, [lint, unit]);
    }

    #[test]
    fn a_bare_path_may_look_like_a_long_one() {
        let requests = read(Some("unit"), &["out/a=b:c.xml"]).unwrap();
        assert_eq!(requests[0].path, PathBuf::from("out/a=b:c.xml"));
    }

    #[test]
    fn what_nobody_named_is_refused() {
        assert!(matches!(read(None, &["junit.xml"]), Err(UsageError::ReportWithoutId(_))));
        assert!(matches!(read(Some("unit"), &["a.xml", "b.xml"]), Err(UsageError::ReportWithoutId(_))));
        assert!(matches!(read(Some("unit"), &["a=junit:b.xml"]), Err(UsageError::IdWithoutReport)));
        let error = read(None, &["unit=xunit:a.xml"]).unwrap_err();
        assert!(error.to_string().contains("`xunit` is not a format"), "{error}");
    }
}
