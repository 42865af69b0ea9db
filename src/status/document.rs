//! `operator_status.v1`: what an operator needs to know, and what nobody could see.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::audit::Audit;
use crate::ledger::Gap;
use crate::metrics::MetricsReport;
use crate::model::Timestamp;

/// The contract's name.
pub const SCHEMA: &str = "operator_status.v1";

/// The whole status.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OperatorStatus {
    /// Always `operator_status.v1`.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: String,
    /// The time or day it is about; null where nothing says.
    pub as_of: Option<String>,
    /// The parts of the gate, in the order evidence goes through them.
    pub layers: Vec<Layer>,
    /// What a person should do, the most pressing first.
    pub next_actions: Vec<NextAction>,
    /// What is still missing, from the ledger alone.
    pub gaps: Option<GapsSection>,
    /// Changes that wait for a repair.
    pub open_loops: Vec<OpenLoop>,
    /// Evidence that was not there.
    pub missing_evidence: Vec<EvidenceRow>,
    /// Evidence that was there and did not count.
    pub stale_states: Vec<EvidenceRow>,
    /// Evidence that counted.
    pub artifacts: Vec<ArtifactRow>,
    /// What audits of merged pull requests found to have got through.
    #[serde(default)]
    pub audits: Vec<Audit>,
    pub metrics: Option<MetricsReport>,
    pub follow_ups: Vec<FollowUp>,
    /// What was looked for and could not be read.
    pub not_seen: Vec<NotSeen>,
}

/// One part of the gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Layer {
    /// `transport`, `evidence`, `gates`, `repair_loop` or `observability`.
    pub name: String,
    pub state: LayerState,
    /// What the state rests on.
    pub supports: Vec<String>,
}

/// How a part is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LayerState {
    /// Nothing was given that could tell.
    NotSeen,
    Good,
    /// It works, and something wants a look.
    Attention,
    Broken,
}

impl LayerState {
    /// The words used in text and page.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotSeen => "not seen",
            Self::Good => "good",
            Self::Attention => "attention",
            Self::Broken => "broken",
        }
    }
}

/// Something for a person to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NextAction {
    pub what: String,
    /// What asks for it: a gap, a gate of a pull request, a rate.
    pub because: String,
}

/// The ledger in the status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GapsSection {
    pub closed: u64,
    /// The gaps that are not closed, the most severe first.
    pub open: Vec<Gap>,
}

/// A change that waits for a repair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpenLoop {
    /// The change, as `owner/name#4`, else what was read.
    pub subject: String,
    pub head: String,
    pub verdict: String,
    /// Heads judged so far.
    pub attempt: u64,
    pub progress: String,
    /// What blocks, each with who can end it.
    pub blockers: Vec<String>,
    /// Whether a person must act.
    pub at_operator: bool,
}

/// A piece of evidence that did not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceRow {
    pub subject: String,
    pub evidence: String,
    pub state: String,
    /// Why.
    pub detail: String,
}

/// A piece of evidence that counted, or an artifact that is there and that no report speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ArtifactRow {
    pub subject: String,
    pub artifact: String,
    /// What the policy calls it; empty where no report speaks of it.
    pub evidence: String,
    /// Whether a gate counted it.
    pub counted: bool,
    pub tool: Option<String>,
    pub age_seconds: Option<u64>,
}

/// Something that happened after a merge and may become work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FollowUp {
    pub title: String,
    pub why: String,
    /// What recognises it when it is seen again.
    pub dedupe_key: String,
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotSeen {
    pub what: String,
    pub why: String,
    /// When it was there, or could be read, for the last time; null where nobody knows.
    pub last_seen: Option<Timestamp>,
    /// From then to the time the status is about.
    pub age_seconds: Option<u64>,
}

impl NotSeen {
    /// Something that was never seen, as far as is known.
    pub fn new(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { what: what.into(), why: why.into(), last_seen: None, age_seconds: None }
    }

    /// The same, seen for the last time then.
    #[must_use]
    pub fn last_seen(mut self, then: Option<Timestamp>, now: Timestamp) -> Self {
        self.last_seen = then;
        self.age_seconds = then.and_then(|then| now.seconds_since(then));
        self
    }

    /// Its age in words; empty where nobody knows.
    pub fn age(&self) -> String {
        match self.age_seconds {
            None => String::new(),
            Some(seconds) => format!("last seen {} ago", span_words(seconds)),
        }
    }
}

/// A span in its largest whole unit.
fn span_words(seconds: u64) -> String {
    let (number, unit) = match seconds {
        0..60 => (seconds, "second"),
        60..3600 => (seconds / 60, "minute"),
        3600..86_400 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    crate::model::count(number, unit)
}
