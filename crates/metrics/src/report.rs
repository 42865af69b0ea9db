//! `patchwarden.metrics.v1` and the event `metric.threshold_crossed`: what the log says, with every number it rests on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Digest, Timestamp};

use super::series::Series;

/// The contract's name.
pub const SCHEMA: &str = "patchwarden.metrics.v1";
/// The contract of the event row.
pub const CROSSING_SCHEMA: &str = "metric.threshold_crossed.v1";

/// The rates of one log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MetricsReport {
    /// Always `patchwarden.metrics.v1`.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: String,
    /// The files, in the order they were named.
    pub files: Vec<String>,
    pub log: LogCounts,
    /// Lines that are not what they should be, the first hundred of them.
    pub issues: Vec<LineIssue>,
    /// Merged with `attempts == 1` ÷ merged, last 50, global.
    pub first_pass_merge_rate: RateMetric,
    /// Final verdict `rebase_conflict` ÷ merged, last 100, global.
    pub rebase_conflict_rate: RateMetric,
    /// The same for each project: its own, or the global one where it has fewer than 100 merges.
    pub rebase_conflict_rate_by_project: Vec<ProjectRate>,
    /// Attempts until merged, 95th percentile by nearest rank, last 100, global.
    pub p95_attempts_to_merge: CountMetric,
    /// How often a threshold was crossed in the whole log.
    pub crossings_total: u64,
    /// The crossings, oldest first; of very many the latest.
    pub crossings: Vec<Crossing>,
    /// The rolling rates over the whole log, thinned out.
    pub series: Series,
}

/// The lines of the log by what they are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogCounts {
    pub lines: u64,
    /// First `merged` rows of a work item: what every rate counts.
    pub merged: u64,
    /// Rows of other kinds.
    pub other: u64,
    /// Crossings that were written back to the log.
    pub crossings_recorded: u64,
    /// Further `merged` rows of a work item, left out.
    pub duplicate: u64,
    /// `merged` rows earlier than one before them; counted in their place by time.
    pub out_of_order: u64,
    /// Lines that are no row, or a `merged` row without what every rate needs.
    pub malformed: u64,
    /// Last lines whose writer is not done.
    pub half_written: u64,
    /// `merged` rows that do not say their final verdict.
    pub without_final_verdict: u64,
    /// Work items merged so long ago that a duplicate of theirs would not be recognised.
    pub forgotten: u64,
}

/// A line that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LineIssue {
    pub file: String,
    /// Counted from 1.
    pub line: u64,
    pub problem: LineProblem,
    /// Why, where the problem's name does not say it all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LineProblem {
    Malformed,
    HalfWritten,
    Duplicate,
    OutOfOrder,
    WithoutFinalVerdict,
}

impl LineProblem {
    /// The words used in text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::HalfWritten => "half-written",
            Self::Duplicate => "duplicate",
            Self::OutOfOrder => "out of order",
            Self::WithoutFinalVerdict => "without a final verdict",
        }
    }
}

/// A rate that has thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    FirstPassMergeRate,
    RebaseConflictRate,
}

impl Metric {
    /// The name used in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FirstPassMergeRate => "first_pass_merge_rate",
            Self::RebaseConflictRate => "rebase_conflict_rate",
        }
    }
}

/// Whether a metric has a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MetricState {
    /// The window is full and every line in it could be read.
    Measured,
    /// The window is not full.
    Undefined,
    /// The window holds a line that could not be read.
    Unmeasured,
}

/// What hysteresis makes of a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RollState {
    Trusted,
    Untrusted,
    Tightened,
    Relaxed,
}

impl RollState {
    /// The word used in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trusted => "trusted",
            Self::Untrusted => "untrusted",
            Self::Tightened => "tightened",
            Self::Relaxed => "relaxed",
        }
    }
}

/// A rate over a window. Numerator, denominator and value are there only where it is measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RateMetric {
    pub state: MetricState,
    /// Merges in the window.
    pub n: u64,
    /// Merges a full window has.
    pub window: u64,
    pub numerator: Option<u64>,
    pub denominator: Option<u64>,
    pub value: Option<f64>,
    /// Why it is unmeasured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// The state that hysteresis holds.
    pub roll_state: RollState,
    /// The healthy window it is compared with.
    pub pinned: Option<Pinned>,
    /// Value minus the pinned value.
    pub drift: Option<f64>,
}

/// A window that was healthy, kept to show slow drift.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Pinned {
    pub numerator: u64,
    pub denominator: u64,
    pub value: f64,
    /// The merge that ended the window.
    pub ended_by: String,
    pub ended_at: Timestamp,
}

/// The rebase-conflict rate that holds for a project.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProjectRate {
    pub project: String,
    /// Merges of the project itself in its window.
    pub own_n: u64,
    /// `project`, or `global` where the project has fewer than a full window.
    pub scope: String,
    pub rate: RateMetric,
}

/// A count over a window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CountMetric {
    pub state: MetricState,
    pub n: u64,
    pub window: u64,
    pub value: Option<u64>,
    /// Why it is unmeasured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

/// Over whose merges.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    Global,
    /// One project's.
    Project(String),
}

impl Scope {
    /// `global`, or `project` and its name.
    pub fn words(&self) -> String {
        match self {
            Self::Global => "global".to_owned(),
            Self::Project(name) => format!("project `{}`", crate::model::sanitize(name, 80)),
        }
    }
}

/// Which way a rate went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Up,
    Down,
}

impl Direction {
    /// The word used in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// One crossing of a threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Crossing {
    /// The same crossing has the same id however often the log is read.
    pub id: Digest,
    pub metric: Metric,
    pub scope: Scope,
    pub direction: Direction,
    /// The state from then on.
    pub roll_state: RollState,
    pub numerator: u64,
    pub denominator: u64,
    pub value: f64,
    /// Merges in the window.
    pub n: u64,
    /// In percent.
    pub threshold: u64,
    /// The merge that caused it.
    pub caused_by: Cause,
}

/// The row that caused a crossing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cause {
    pub work_item_id: String,
    pub project: String,
    pub created_at: Timestamp,
    /// Its number among the merges of the log, from 1.
    pub merge: u64,
}

/// A crossing as a row of the event log, ready to be appended to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CrossingEvent {
    /// Always `metric.threshold_crossed.v1`.
    #[schemars(extend("const" = CROSSING_SCHEMA))]
    pub schema: String,
    /// Always `metric.threshold_crossed`.
    #[schemars(extend("const" = super::event::CROSSING_KIND))]
    pub kind: String,
    pub work_item_id: String,
    pub project: String,
    pub payload: Crossing,
    pub created_at: Timestamp,
}

impl From<&Crossing> for CrossingEvent {
    fn from(crossing: &Crossing) -> Self {
        Self {
            schema: CROSSING_SCHEMA.to_owned(),
            kind: super::event::CROSSING_KIND.to_owned(),
            work_item_id: crossing.caused_by.work_item_id.clone(),
            project: crossing.caused_by.project.clone(),
            payload: crossing.clone(),
            created_at: crossing.caused_by.created_at,
        }
    }
}
