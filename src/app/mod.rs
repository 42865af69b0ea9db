//! The shell: one file per verb. Each reads, calls the core, writes, and gives an exit code; nothing is decided here.

pub mod accept;
pub mod artifact;
pub mod audit;
#[cfg(test)]
mod comparison_tests;
pub mod digest;
pub mod doctor;
pub mod explain;
pub mod feedback;
pub mod folder;
pub mod forge_access;
pub mod gaps;
pub mod gate;
mod git;
mod in_run;
pub mod inspect;
mod judge;
mod live;
#[cfg(test)]
mod loop_tests;
mod merged_rows;
pub mod metrics;
pub mod one_gate;
mod parse_threads;
pub mod policy;
mod pull_file;
mod read_ahead;
pub mod record;
pub mod record_verb;
pub mod render;
pub mod repair;
pub mod replay;
mod result_artifact;
pub mod runtime_repair_check;
pub mod schema;
pub mod status;
mod stored_result;
mod watch;

use crate::error::Failure;
use crate::model::Timestamp;

/// What a verb gives: its exit code, or why it failed.
pub type Ended = Result<u8, Failure>;

/// A verb with its settings, as `cli.rs` hands it over.
#[derive(Debug)]
pub enum Command {
    Gate(gate::Request),
    Inspect(inspect::Request),
    Accept(accept::Request),
    Artifact(artifact::Request),
    Audit(audit::Request),
    Doctor(doctor::Request),
    Digest(Box<digest::Request>),
    Explain(explain::Request),
    Feedback(feedback::Request),
    Gaps(gaps::Request),
    Metrics(metrics::Request),
    Policy(policy::Request),
    Record(record_verb::Request),
    Render(render::Request),
    Repair(repair::Request),
    Replay(replay::Request),
    OneGate(one_gate::Request),
    RuntimeRepairCheck(runtime_repair_check::Request),
    Schema(schema::Request),
    Status(status::Request),
}

/// The form of what goes to standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputForm {
    Text,
    Json,
}

/// Runs a verb.
///
/// # Errors
/// Why it failed, with its exit code.
pub fn run(command: Command) -> Ended {
    match command {
        Command::Gate(request) => gate::run(&request),
        Command::Inspect(request) => inspect::run(&request),
        Command::Accept(request) => accept::run(&request),
        Command::Artifact(request) => artifact::run(&request),
        Command::Audit(request) => audit::run(&request),
        Command::Doctor(request) => doctor::run(&request),
        Command::Digest(request) => digest::run(&request),
        Command::Explain(request) => explain::run(&request),
        Command::Feedback(request) => feedback::run(&request),
        Command::Gaps(request) => gaps::run(&request),
        Command::Metrics(request) => metrics::run(&request),
        Command::Policy(request) => policy::run(&request),
        Command::Record(request) => record_verb::run(&request),
        Command::Render(request) => render::run(&request),
        Command::Repair(request) => repair::run(&request),
        Command::Replay(request) => replay::run(&request),
        Command::OneGate(request) => one_gate::run(&request),
        Command::RuntimeRepairCheck(request) => runtime_repair_check::run(&request),
        Command::Schema(request) => schema::run(&request),
        Command::Status(request) => status::run(&request),
    }
}

/// The time of this moment, unless the caller gave one.
fn clock(given: Option<Timestamp>) -> Timestamp {
    given.unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_unix(i64::try_from(now.as_secs()).unwrap_or(i64::MAX))
    })
}

/// Prints a result; a result nobody got is an output that failed.
fn give(text: &str) -> Result<(), Failure> {
    crate::sink::print(text).map_err(|error| {
        Failure::new(crate::error::EXIT_OUTPUT, "the result could not be printed").caused_by(error)
    })
}

/// Reads a file the caller named.
fn read_named(path: &std::path::Path, what: &str, exit_code: u8) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| {
        Failure::new(exit_code, format!("{what} `{}` could not be read", path.display())).caused_by(error)
    })
}
