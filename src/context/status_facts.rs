//! Commit statuses of the judged head as plain data, each with what stands behind it.
//! A status names no author and any job may post any context (LIVE section 8), so its word alone is worth little.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The latest status of one context.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatusFact {
    /// Untrusted text.
    pub context: String,
    /// What it says.
    pub says: StatusWord,
    /// What stands behind it.
    pub source: StatusSource,
}

/// What a status says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StatusWord {
    /// `success`.
    Green,
    /// `pending`.
    Pending,
    /// `failure`, `error`, `warning`, `skipped`, and any other word.
    Red,
}

/// What the forge, asked for the run and job a status names, says of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StatusSource {
    /// The gate's own job or its own commit status: not evidence of anything.
    Own,
    /// A job of a run of this head, by its own result.
    Job(JobWord),
    /// Nothing that can be asked: no run of this head with a job of that name, or another system's status.
    Unverifiable,
    /// There may be a job behind it, and the forge did not answer.
    Unanswered,
}

/// How a job ended, as the API says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobWord {
    Success,
    /// Failed, was cancelled or skipped.
    NotSuccess,
    Unfinished,
}
