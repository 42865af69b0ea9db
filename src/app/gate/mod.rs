//! `patchwarden gate`: over a folder with no forge, or inside a workflow over the run's own artifacts.

mod await_runs;
mod baselines;
mod beside;
mod capture;
mod change;
mod connect;
mod fetch;
mod fetched;
mod from_base;
mod head_runs;
mod in_the_run;
mod lookups;
mod memory;
pub mod offline;
mod outputs;
mod place;
mod policy_source;
mod pull_facts;
mod reread;
mod same_diff;
mod scene;
mod status_lookups;
mod step;
pub mod this_run;
mod wanted;
mod watch;
mod workflow_changes;

use super::Ended;

pub use baselines::beside_policy;
pub use connect::{pause_for_tests, tune};
pub use fetch::RESULT_PREFIX;
pub use from_base::Waits;
pub use memory::remembered_file;
pub use offline::{embedded, read_policy_file};
pub use outputs::{PACKET_FILE, REPORT_FILE, SUMMARY_FILE};

/// The settings of `gate`.
#[derive(Debug)]
pub enum Request {
    /// Over a folder.
    Offline(Box<offline::Request>),
    /// Inside a workflow, over the artifacts of its own run.
    ThisRun(Box<this_run::Request>),
}

/// Judges.
///
/// # Errors
/// Exits 3 and 4, after the report and the summary that say so were written.
pub fn run(request: &Request) -> Ended {
    match request {
        Request::Offline(request) => offline::run(request),
        Request::ThisRun(request) => this_run::run(request),
    }
}
