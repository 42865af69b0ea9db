//! What is known of one merged pull request: its statuses, the jobs of its runs with their tries, its results, its
//! approvals. Plain data between asking and judging.

use crate::forge::rest::{CommitStatus, RunStatus};
use crate::model::{CommitSha, PullNumber, Timestamp, Verdict};

/// One merged pull request.
#[derive(Debug, Clone)]
pub struct Merged {
    pub number: PullNumber,
    pub head: CommitSha,
    pub at: Option<Timestamp>,
    /// The contexts the base branch requires today, perhaps globs.
    pub required: Vec<String>,
    /// Every status of the head, oldest first.
    pub statuses: Vec<CommitStatus>,
    pub runs: Vec<RunFact>,
    pub verdicts: Verdicts,
    pub touches_policy: bool,
    pub approvals: Vec<Approval>,
    /// What could not be read, each with why.
    pub unread: Vec<String>,
}

/// One run of the head.
#[derive(Debug, Clone)]
pub struct RunFact {
    pub number: u64,
    pub event: String,
    pub started: Option<Timestamp>,
    pub jobs: Vec<JobFact>,
}

/// One job of a run.
#[derive(Debug, Clone)]
pub struct JobFact {
    /// The display name.
    pub name: String,
    /// At its latest attempt.
    pub status: RunStatus,
    /// Every try that a runner took, oldest first; empty where only the latest attempt was asked for.
    pub tries: Vec<Try>,
}

/// One try of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Try {
    pub status: RunStatus,
    pub started: Option<Timestamp>,
    /// When the server last touched it, which is its end or later.
    pub ended: Option<Timestamp>,
}

/// The gate's results of the head as they stood at the merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdicts {
    Says(Option<Verdict>),
    /// What it said no longer held at the merge, and why.
    Superseded(String),
    None,
    /// The only one was made after the merge.
    Late(Timestamp),
    Unread(String),
}

/// An undismissed approval.
#[derive(Debug, Clone, Copy)]
pub struct Approval {
    pub of_head: bool,
    pub by: By,
    /// Whether branch protection counted it.
    pub official: bool,
}

/// Who gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The author of the change.
    Author,
    /// The identity all jobs share.
    Job,
    Person,
}
