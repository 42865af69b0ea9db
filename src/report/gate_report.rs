//! `patchwarden.gate_report.v1`: what was judged, on which evidence, against which policy, with which outcome.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::{Binding, Format, Limits, State};
use crate::model::{
    ArtifactName, Code, CommitSha, Digest, EvidenceId, GateId, Outcome, PullNumber, Quote, RepoSlug, RunId,
    Timestamp, Verdict,
};

/// The contract's name.
pub const SCHEMA: &str = "patchwarden.gate_report.v1";

/// The master document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GateReport {
    /// Always `patchwarden.gate_report.v1`.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: String,
    pub target: TargetSection,
    /// Null where no policy could be read.
    pub policy: Option<PolicySection>,
    /// The time the judgement was made for.
    pub evaluated_at: Timestamp,
    /// Null where no verdict could be reached; `error` then says why.
    pub verdict: Option<Verdict>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ReportError>,
    /// Whether at least one gate counts towards the verdict.
    pub enforced: bool,
    /// Always false: the gate writes nothing but its own artifact.
    #[schemars(extend("const" = false))]
    pub external_write_allowed: bool,
    pub gates: Vec<GateSection>,
    pub evidence: Vec<EvidenceReport>,
    /// Waivers of the policy that accepted nothing.
    pub unmatched_waivers: Vec<WaiverReport>,
    /// What was found out about earlier heads of the pull request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<HistorySection>,
    /// What a reader should know beside all this, such as which promise is off.
    pub notes: Vec<String>,
    /// A policy for what was seen, as TOML, where the repository has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposed_policy: Option<String>,
    pub limits: Limits,
    pub tool: ToolSection,
}

/// Why there is no verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReportError {
    /// The exit code of the run.
    pub exit_code: u8,
    /// What did not happen and why, one line each.
    pub lines: Vec<String>,
    pub hints: Vec<String>,
}

/// What was judged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TargetSection {
    pub server_url: Option<String>,
    pub repo: Option<RepoSlug>,
    pub pull_request: Option<PullNumber>,
    /// The head; null where it could not be established.
    pub target_sha: Option<CommitSha>,
    pub base_sha: Option<CommitSha>,
    pub merge_base: Option<CommitSha>,
    pub event: Option<String>,
    pub run_id: Option<RunId>,
    pub run_number: Option<u64>,
    pub run_attempt: Option<u64>,
    /// Whether the change comes from another repository.
    pub fork: Option<bool>,
}

/// What was found out about earlier heads. A hint about recurrence: no outcome depends on it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HistorySection {
    /// Heads the pull request had so far, this one included; null where the server did not say.
    pub heads: Option<u64>,
    /// The packet that recurrence is counted from.
    pub previous: Option<PreviousPacket>,
    /// What could not be found out, and why.
    pub unknown: Vec<String>,
}

/// A packet of an earlier judgement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PreviousPacket {
    /// The head it is about.
    pub target_sha: CommitSha,
    /// Of the file as it was read.
    pub sha256: Digest,
    /// The run it was found in; null where the caller gave it.
    pub run_id: Option<RunId>,
    /// The artifact it was found in.
    pub artifact: Option<ArtifactName>,
}

/// The policy that judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicySection {
    /// `file`, `base` or `embedded`.
    pub origin: String,
    pub path: Option<String>,
    /// The commit it was read at.
    #[serde(rename = "ref")]
    pub git_ref: Option<CommitSha>,
    pub sha256: Digest,
}

/// One gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GateSection {
    pub id: GateId,
    pub kind: String,
    pub title: String,
    pub outcome: Outcome,
    /// Whether the outcome counts towards the verdict.
    pub enforced: bool,
    pub observed: String,
    pub threshold: String,
    pub blockers: Vec<BlockerReport>,
    pub evidence: Vec<EvidenceId>,
    pub waived: Vec<WaivedReport>,
    /// What a person's approval of the head ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cleared: Vec<ClearedReport>,
    /// Why something was not judged.
    pub skipped: Vec<String>,
    /// What a reader should know of this judgement and what does not block.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// One thing that keeps a gate from passing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BlockerReport {
    pub code: Code,
    pub subject: String,
    pub reason: String,
    /// The key of its entry in the repair packet.
    pub key: Digest,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<EvidenceId>,
    /// The artifact it is about, where no declared evidence names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact: Option<ArtifactName>,
    /// The heading it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
    /// The review lane it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<String>,
    /// How this very blocker is ended, where that is more exact than the code's own remedy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// Repository paths it is about, as the evidence names them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub untrusted: Vec<Quote>,
}

/// A blocker that a waiver accepts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WaivedReport {
    pub code: Code,
    pub subject: String,
    pub reason: String,
    /// Why it is accepted.
    pub waiver: String,
    /// The last day, `YYYY-MM-DD`.
    pub expires: String,
}

/// A blocker that wanted a person and that a person's approval of the head ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClearedReport {
    pub code: Code,
    pub subject: String,
    pub reason: String,
    /// The login of who approved.
    pub by: String,
    /// The review's number on the server.
    pub review: u64,
}

/// A waiver that accepted nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WaiverReport {
    pub code: Code,
    pub gate: Option<GateId>,
    pub subject: Option<String>,
    pub waiver: String,
    pub expires: String,
    /// Whether it is past its day.
    pub expired: bool,
}

/// One piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceReport {
    pub id: EvidenceId,
    pub artifact: ArtifactName,
    pub path: Option<String>,
    pub sha256: Option<Digest>,
    pub bytes: Option<u64>,
    /// Of the artifact as it was downloaded; null offline.
    pub artifact_sha256: Option<Digest>,
    /// The job that made it, where policy or manifest name one.
    pub producer_job: Option<String>,
    pub format: Option<Format>,
    pub tool: Option<String>,
    pub tool_version: Option<String>,
    pub state: State,
    pub optional: bool,
    pub bindings: Vec<Binding>,
    pub age_seconds: Option<u64>,
    pub faults: Vec<FaultReport>,
    pub notes: Vec<String>,
}

/// One thing that is wrong with a piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FaultReport {
    pub code: Code,
    pub detail: String,
}

/// The program that judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ToolSection {
    pub name: String,
    pub version: String,
    /// The commit it was built from, where the build says so.
    pub commit: Option<String>,
}
