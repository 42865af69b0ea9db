//! `patchwarden.review_quorum.v1`: each lane's state and next action, and the count against the need.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::review_verdict::ReviewerClass;
use crate::model::{CommitSha, Verdict};

use super::settings::BindingLevel;

/// The contract's name.
pub const SCHEMA: &str = "patchwarden.review_quorum.v1";

/// The quorum for one head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReviewQuorum {
    /// Always `patchwarden.review_quorum.v1`.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: String,
    pub target_sha: CommitSha,
    /// What the quorum says by itself, before waivers and an operator's approval.
    pub verdict: Verdict,
    /// The loosest tie to the head that the policy takes.
    pub binding: BindingLevel,
    pub lanes: Vec<LaneReport>,
    pub count: QuorumCount,
    /// The lanes that are still wanted, in the policy's order.
    pub wanted: Vec<String>,
    /// The same in one line, for people.
    pub summary: String,
    pub notes: Vec<String>,
}

/// One lane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LaneReport {
    pub name: String,
    pub class: ReviewerClass,
    pub family: Option<String>,
    pub source: String,
    pub state: LaneState,
    pub next_action: NextAction,
    /// How the answer that counts is tied to the head.
    pub bound_by: Option<BindingLevel>,
    /// Why it is in this state.
    pub detail: String,
}

/// What a lane says about the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LaneState {
    Approved,
    ChangesRequested,
    /// It answered and takes no side.
    Abstained,
    /// It has not answered.
    Missing,
    /// It answered about another commit.
    Stale,
    /// It is the author's own and never counts.
    #[serde(rename = "self")]
    Own,
    /// What it uploaded is no verdict of that lane.
    Unparsable,
}

impl LaneState {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Approved,
        Self::ChangesRequested,
        Self::Abstained,
        Self::Missing,
        Self::Stale,
        Self::Own,
        Self::Unparsable,
    ];

    /// The word used in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::ChangesRequested => "changes_requested",
            Self::Abstained => "abstained",
            Self::Missing => "missing",
            Self::Stale => "stale",
            Self::Own => "self",
            Self::Unparsable => "unparsable",
        }
    }
}

/// What is to be done about a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NextAction {
    None,
    RedriveReviewLane,
    FixReviewFindings,
}

impl NextAction {
    /// The word used in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::RedriveReviewLane => "redrive_review_lane",
            Self::FixReviewFindings => "fix_review_findings",
        }
    }
}

/// The count against the need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QuorumCount {
    pub approvals: u64,
    pub need: u64,
    pub human_approvals: u64,
    pub need_human: u64,
    pub families: u64,
    pub need_families: u64,
    /// Requests for changes that block.
    pub dissents: u64,
    /// Requests for changes that the policy ranks below blocking.
    pub minor_dissents: u64,
}
