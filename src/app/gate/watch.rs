//! Waiting for the runs of the head, as a machine that is fed answers and the time gone by: it never asks, sleeps or
//! reads a clock itself. One listing is asked for in each interval; an answer that did not come changes nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::forge::rest::{Run, RunStatus};
use crate::model::{RunId, count, cut_list, sanitize};

use super::wanted::{Want, chosen};

/// How long is waited, and how often is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For the runs to end.
    pub wait: Duration,
    /// For them to begin, and for somebody to approve them.
    pub start: Duration,
    /// The first pause between two questions; each is half as long again as the one before.
    pub first: Duration,
    /// No pause is longer.
    pub longest: Duration,
}

/// A line is said about this often.
const SAY_EVERY: Duration = Duration::from_mins(1);

/// The next question, one listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// The runs of the head.
    Runs,
    /// Whether every job of this run is done: a run says `failure` while others still run (LIVE section 10).
    Jobs(RunId),
}

/// What to do after an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Ask again after this long.
    Pause(Duration),
    /// There is nothing more to wait for.
    Over(Over),
}

/// Why the wait is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// Every run that counts is done, or awaits what no waiting brings.
    Settled,
    /// The pull request has another head.
    HeadMoved,
    /// The time is up.
    OutOfTime,
}

/// The state of one wait.
pub struct Watch<'w> {
    wants: &'w [Want],
    patience: Patience,
    pause: Duration,
    said: Duration,
    /// As last listed, those that count.
    runs: Vec<Run>,
    /// Runs whose every job was seen done.
    done: BTreeSet<RunId>,
    head_moved: bool,
}

impl<'w> Watch<'w> {
    /// A wait that has just begun.
    pub fn new(wants: &'w [Want], patience: Patience) -> Self {
        let pause = patience.first.min(patience.longest);
        Self {
            wants,
            patience,
            pause,
            said: Duration::ZERO,
            runs: Vec::new(),
            done: BTreeSet::new(),
            head_moved: false,
        }
    }

    /// What to ask now.
    pub fn ask(&self) -> Ask {
        let unsure = self.runs.iter().find(|run| is_red(run.status) && !self.done.contains(&run.id));
        // The listing finds new runs and the end of those that run; jobs are asked for only once nothing else is open.
        match unsure {
            Some(run) if self.runs.iter().all(|run| run.status.is_done()) => Ask::Jobs(run.id),
            _ => Ask::Runs,
        }
    }

    /// Takes in the runs of the head, all of them; `None` where the question failed. Gives those that count.
    pub fn saw_runs(&mut self, listed: Option<Vec<Run>>, gone_by: Duration) -> &[Run] {
        if let Some(listed) = listed {
            let runs = chosen(self.wants, &listed, gone_by >= self.patience.start);
            // A run that was started again is not done, whatever was seen of it.
            self.done.retain(|id| runs.iter().any(|run| run.id == *id && run.status.is_done()));
            self.runs = runs;
        }
        &self.runs
    }

    /// The runs that count, as last listed.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// Takes in whether every job of the run is done; `None` where the question failed.
    pub fn saw_jobs(&mut self, run: RunId, all_done: Option<bool>) {
        if all_done == Some(true) {
            self.done.insert(run);
        }
    }

    /// Takes in that a newer head has come.
    pub fn saw_newer_head(&mut self) {
        self.head_moved = true;
    }

    /// Whether to go on. `gone_by` is the time since the wait began.
    pub fn next(&mut self, gone_by: Duration) -> Next {
        if self.head_moved {
            return Next::Over(Over::HeadMoved);
        }
        let started = gone_by >= self.patience.start;
        let begun = self.wants.iter().all(|want| want.excused.is_some() || want.is_met(&self.runs));
        let settled = |run: &Run| {
            run.status == RunStatus::Success
                || run.status == RunStatus::Skipped
                || self.done.contains(&run.id)
                || started && run.needs_approval
        };
        if (begun || started) && self.runs.iter().all(settled) {
            return Next::Over(Over::Settled);
        }
        if gone_by >= self.patience.wait {
            return Next::Over(Over::OutOfTime);
        }
        let left = self.patience.wait.saturating_sub(gone_by);
        let pause = self.pause.min(left);
        self.pause = (self.pause * 3 / 2).min(self.patience.longest);
        Next::Pause(pause)
    }

    /// A line about what is waited for, about once a minute.
    pub fn say(&mut self, gone_by: Duration) -> Option<String> {
        if gone_by.saturating_sub(self.said) < SAY_EVERY {
            return None;
        }
        self.said = gone_by;
        let open: Vec<String> = self
            .runs
            .iter()
            .filter(|run| !matches!(run.status, RunStatus::Success | RunStatus::Skipped))
            .filter(|run| !self.done.contains(&run.id))
            .map(|run| {
                format!("run {} of `{}` ({})", run.number, sanitize(&run.workflow_file, 60), word(run))
            })
            .collect();
        let minutes = count(gone_by.as_secs() / 60, "minute");
        Some(if open.is_empty() {
            format!("waiting for {minutes} for a run of the head to begin")
        } else {
            format!("waiting for {minutes} for {}", cut_list(&open, 3))
        })
    }
}

/// Where jobs may still run although the run itself says that it ended.
fn is_red(status: RunStatus) -> bool {
    matches!(status, RunStatus::Failure | RunStatus::Cancelled)
}

fn word(run: &Run) -> &'static str {
    if run.needs_approval { "awaits approval" } else { run.status.as_str() }
}

#[cfg(test)]
#[path = "watch_tests.rs"]
pub mod tests;
