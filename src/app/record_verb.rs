//! `patchwarden record` as a verb: the process's environment and clock in, warnings and failures to standard error, the
//! artifact to the forge where asked. Standard output belongs to the command that is recorded.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use crate::error::{EXIT_CONTEXT, EXIT_OUTPUT, EXIT_USAGE, Failure};
use crate::forge::check_artifact_name;
use crate::model::{ArtifactName, sanitize};
use crate::sink;

use super::artifact::pack;
use super::in_run::InRun;
use super::record::{RecordError, RecordRequest, record};
use super::{Ended, clock};

/// The settings of `record`.
#[derive(Debug)]
pub struct Request {
    pub record: RecordRequest,
    /// Upload the folder under this name afterwards.
    pub upload: Option<ArtifactName>,
}

/// Records a command, and uploads what it made where asked: of a command that failed as well.
///
/// # Errors
/// Exits 2, 4 and 5 of DESIGN section 6; otherwise the command's own code.
pub fn run(request: &Request) -> Ended {
    let env: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    // Before the command is run: an hour of tests whose report has nowhere to go helps nobody.
    let destination = request.upload.as_ref().map(destination).transpose()?;
    let mut warnings = Vec::new();
    let recorded = record(&request.record, &env, &|| clock(None), &mut warnings);
    for warning in &warnings {
        sink::say(&format!("warning: {warning}"));
    }
    match recorded {
        Ok(recorded) => {
            if let Some(error) = &recorded.failure {
                failure(EXIT_OUTPUT, "the command failed, and its record could not be written", error)
                    .print();
                return Ok(recorded.exit_code);
            }
            let Some((name, place)) = &destination else { return Ok(recorded.exit_code) };
            match (upload(name, place, &request.record.out), recorded.exit_code) {
                (Ok(()), code) => Ok(code),
                (Err(failure), 0) => Err(failure),
                (Err(failure), code) => {
                    failure.print();
                    Ok(code)
                }
            }
        }
        Err(RecordError::Usage(error)) => Err(failure(EXIT_USAGE, "the command was not run", &error)),
        Err(RecordError::Head(error)) => Err(failure(EXIT_CONTEXT, "the command was not run", &error)
            .hint("run it inside the git checkout, or name the commit with `--head`")),
        Err(RecordError::Output(error)) => {
            let what = if error.is_early() {
                "the command was not run"
            } else {
                "the command succeeded, and its record could not be written"
            };
            Err(failure(EXIT_OUTPUT, what, &error))
        }
    }
}

/// Where the artifact would go.
fn destination(name: &ArtifactName) -> Result<(&ArtifactName, InRun), Failure> {
    const WHAT: &str = "the command was not run";
    check_artifact_name(name).map_err(|error| Failure::new(EXIT_USAGE, WHAT).caused_by(error))?;
    let place = InRun::of_environment(WHAT)?;
    place.service(WHAT)?;
    Ok((name, place))
}

fn upload(name: &ArtifactName, place: &InRun, out: &Path) -> Result<(), Failure> {
    const WHAT: &str = "the record was written and not uploaded";
    let failed = |cause: &dyn std::fmt::Display| Failure::new(EXIT_OUTPUT, WHAT).caused_by(cause);
    let files = pack::files(out).map_err(|error| failed(&error))?;
    let zip = pack::zip(&files).map_err(|error| failed(&error))?;
    place.service(WHAT)?.upload(name, &zip, None).map_err(|error| failed(&error))?;
    let digest = zip.digest().map_err(|error| failed(&error))?;
    sink::say(&format!("artifact `{}` {digest}", sanitize(name.as_str(), 120)));
    Ok(())
}

/// A failure with the whole chain of causes.
fn failure(exit_code: u8, what: &str, error: &dyn Error) -> Failure {
    let mut failure = Failure::new(exit_code, what).caused_by(error);
    let mut source = error.source();
    while let Some(cause) = source {
        failure = failure.caused_by(cause);
        source = cause.source();
    }
    failure
}
