//! `patchwarden.repair_instruction.v1`: what an agent downloads and does.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{
    ActionKind, ArtifactName, Code, CommitSha, Digest, EvidenceId, GateId, Owner, PullNumber, Quote,
    RepoSlug, Verdict,
};

/// The contract's name.
pub const SCHEMA: &str = "patchwarden.repair_instruction.v1";

/// The whole packet for one head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RepairPacket {
    /// Always `patchwarden.repair_instruction.v1`.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: String,
    /// The head that was judged.
    pub target_sha: CommitSha,
    pub repo: Option<RepoSlug>,
    pub pull_request: Option<PullNumber>,
    pub verdict: Verdict,
    /// The policy that judged; `accept` refuses another.
    pub policy_sha256: Digest,
    /// Always false: the gate writes nothing but its own artifact.
    #[schemars(extend("const" = false))]
    pub external_write_allowed: bool,
    /// The same head, policy and blockers give the same key.
    pub packet_key: Digest,
    /// How many heads were judged so far, this one included, as far as is known.
    pub attempt: u64,
    pub progress: Progress,
    /// How the blockers compare with those of the head before; absent where they could not be compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// The key of the entry to do next; null where nothing is left that the verdict depends on.
    #[serde(default)]
    pub next: Option<Digest>,
    /// One per blocker, in the order in which to do them.
    pub entries: Vec<Entry>,
    /// Blockers without an entry here, so that the packet stays within 64 KiB; the report has them all.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub omitted: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// How a set of blockers compares with that of the head before, gate by gate, code by code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Some are gone and none is new.
    Fewer,
    /// Exactly the same.
    Same,
    /// None is gone and some are new.
    More,
    /// Some are gone and some are new.
    Different,
}

impl Change {
    /// The word used in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fewer => "fewer",
            Self::Same => "same",
            Self::More => "more",
            Self::Different => "different",
        }
    }
}

/// Whether the repair comes nearer to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// There is no head before.
    First,
    /// Fewer blockers, or others.
    Progress,
    /// The same blockers, or more; or one of them stood on as many heads as the policy allows.
    NoProgress,
    /// No earlier packet could be found.
    Unknown,
}

impl Progress {
    /// The word used in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Progress => "progress",
            Self::NoProgress => "no_progress",
            Self::Unknown => "unknown",
        }
    }
}

/// One instruction for one blocker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// The same head, gate, code and subject give the same key.
    pub key: Digest,
    /// The same without the head: recognises a blocker across heads.
    pub blocker_key: Digest,
    /// Heads this blocker was seen on, this one included, as far as is known.
    pub heads_seen: u64,
    /// Of these, the heads on which its turn had come: a review is not asked for while a push is still to be made.
    #[serde(default)]
    pub attempts: u64,
    /// Whether the verdict depends on it; an advisory gate's blocker may stay.
    pub enforced: bool,
    pub source: Source,
    /// One sentence, in the tool's own words.
    pub reason: String,
    /// Who can end it.
    pub owner: Owner,
    pub action: Action,
    pub acceptance: Acceptance,
    /// Bounded quotes from evidence, written by the judged party; never needed to act.
    pub untrusted: Vec<Quote>,
}

/// Where the blocker comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Source {
    pub gate: GateId,
    /// The gate's kind.
    pub kind: String,
    pub code: Code,
    /// What it is about, stable across heads.
    pub subject: String,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Action {
    pub kind: ActionKind,
    /// One sentence in the imperative.
    pub summary: String,
    /// An argument vector from the policy, never a shell string.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<EvidenceId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact: Option<ArtifactName>,
    /// The file in the artifact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The heading to add to the pull request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
    /// The review lane to ask again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<String>,
    /// Repository paths the blocker is about, as the evidence names them: where to look, never what to run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
}

/// When the blocker is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Acceptance {
    /// The gate that is judged again.
    pub gate: GateId,
    /// The code that must no longer be among its blockers.
    pub check: Code,
    /// For which head.
    pub head: AcceptanceHead,
}

/// The head that a repair is accepted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AcceptanceHead {
    /// The head that was judged.
    Same,
    /// The head that carries the fix.
    Next,
}
