//! Failed runs of the default branch: what is merged is broken, whatever the pull request said.

use super::signal::{Signal, SignalKind, SignalSource};

/// A run as far as it can be a signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedRun {
    /// `owner/name`
    pub repo: String,
    pub number: u64,
    pub workflow: String,
    pub event: String,
    /// `YYYY-MM-DD`
    pub day: Option<String>,
    /// The commit, shortened; empty where unknown.
    pub head: String,
}

/// Failed runs, counted under repository and workflow.
pub fn failed_runs(runs: &[FailedRun]) -> Vec<Signal> {
    runs.iter()
        .map(|run| {
            let subject = format!("{} of {} fails on the default branch", run.workflow, run.repo);
            let place = format!("{} run {}", run.repo, run.number);
            let detail = format!("{} of {}", run.event, run.head);
            Signal::new(SignalKind::Incident, SignalSource::CiRun, &subject, &place)
                .on(run.day.clone())
                .detailed(if run.head.is_empty() { &run.event } else { &detail })
        })
        .collect()
}
