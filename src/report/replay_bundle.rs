//! `patchwarden.replay_bundle.v1`: everything one judgement was made from, so that it can be made again offline.
//! It holds no token and no environment: what a forge said is in it as the gates saw it.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::context::PullFacts;
use crate::evidence::changed_lines::ChangedLines;
use crate::evidence::{Binding, Limits, Provenance};
use crate::gate::{Guards, Reread};
use crate::model::{ArtifactName, Code, Digest, RelPath, Timestamp};
use crate::repair::{AcceptanceHead, RepairPacket};

use super::gate_report::{HistorySection, PolicySection, TargetSection, ToolSection};

/// The contract's name.
pub const SCHEMA: &str = "patchwarden.replay_bundle.v1";

/// The manifest of a bundle. What a later version adds is optional, so that it reads what an earlier one recorded.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ReplayBundle {
    /// Always `patchwarden.replay_bundle.v1`.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: String,
    /// The program that recorded it.
    pub tool: ToolSection,
    /// Every other file of the bundle.
    pub files: Vec<BundledFile>,
    pub target: TargetSection,
    pub policy: PolicySection,
    /// Whether the embedded policy judged; its text is in the bundle and in the report.
    pub embedded_policy: bool,
    /// The time the judgement was made for.
    pub evaluated_at: Timestamp,
    pub limits: Limits,
    /// How evidence came to be of the head at all.
    pub origin: Option<Binding>,
    /// Whether evidence can be made anew for the same head.
    pub evidence_head: AcceptanceHead,
    pub passed_digests: BTreeSet<Digest>,
    pub job_starts: BTreeMap<String, Timestamp>,
    /// By the names the policy uses, or the server where a pattern found them in a run.
    pub artifacts: Vec<CapturedArtifact>,
    pub baselines: Vec<CapturedBaseline>,
    /// The lines the change adds or alters, or why they are not known.
    pub changed_lines: CapturedLines,
    pub pull: Option<PullFacts>,
    pub previous: Option<RepairPacket>,
    pub heads: Option<u64>,
    pub history: Option<HistorySection>,
    pub notes: Vec<String>,
    /// What the built-in gates judged; null for a judgement over a folder.
    pub guards: Option<Guards>,
    #[serde(default)]
    pub reread: Reread,
}

/// One file of the bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BundledFile {
    pub path: RelPath,
    pub sha256: Digest,
    pub bytes: u64,
}

/// One artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CapturedArtifact {
    pub name: ArtifactName,
    pub state: CapturedState,
    #[serde(default)]
    pub provenance: Provenance,
}

/// How an artifact was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum CapturedState {
    Missing,
    Unfinished,
    Expired,
    Ambiguous {
        why: String,
    },
    Superseded {
        why: String,
    },
    Unavailable {
        why: String,
    },
    /// Its run had not come so far.
    RunNotReady {
        code: Code,
        why: String,
    },
    /// It was fetched and refused as a whole without being kept.
    Refused {
        /// `malformed`, `too_large` or `unreadable`.
        fault: String,
        why: String,
    },
    /// A zip, whole.
    Zip {
        file: RelPath,
        /// Of the artifact as it was downloaded.
        sha256: Option<Digest>,
    },
    /// Single files below a folder of the bundle.
    Files {
        files: Vec<CapturedEntry>,
        /// Of all paths with their hashes, where they were downloaded.
        sha256: Option<Digest>,
    },
}

/// One file of an artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CapturedEntry {
    /// As the artifact spells it; hostile.
    pub name: String,
    pub file: RelPath,
}

/// The lines of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum CapturedLines {
    Unknown { why: String },
    Known { lines: ChangedLines },
}

/// One baseline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CapturedBaseline {
    /// In the policy's repository.
    pub path: RelPath,
    pub content: CapturedFile,
}

/// A file, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum CapturedFile {
    Absent,
    Unreadable { why: String },
    Read { file: RelPath },
}
