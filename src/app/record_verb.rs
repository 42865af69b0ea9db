//! `patchwarden record` as a verb: the process's environment and clock in, warnings and failures to standard error.
//! Standard output belongs to the command that is recorded.

use std::collections::BTreeMap;
use std::error::Error;

use crate::error::{EXIT_CONTEXT, EXIT_OUTPUT, EXIT_USAGE, Failure};
use crate::sink;

use super::record::{RecordError, RecordRequest, record};
use super::{Ended, clock};

/// Records a command.
///
/// # Errors
/// Exits 2, 4 and 5 of DESIGN section 6; otherwise the command's own code.
pub fn run(request: &RecordRequest) -> Ended {
    let env: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let mut warnings = Vec::new();
    let recorded = record(request, &env, &|| clock(None), &mut warnings);
    for warning in &warnings {
        sink::say(&format!("warning: {warning}"));
    }
    match recorded {
        Ok(recorded) => {
            if let Some(error) = &recorded.failure {
                failure(EXIT_OUTPUT, "the command failed, and its record could not be written", error)
                    .print();
            }
            Ok(recorded.exit_code)
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
