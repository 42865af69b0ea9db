//! `patchwarden.runtime_repair.v1`: whether a bundle makes its repair class eligible for a dry run, and why not.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Code, Digest, Timestamp, Verdict};

use super::classes::Mutation;

/// The contract's name.
pub const SCHEMA: &str = "patchwarden.runtime_repair.v1";

/// The answer about one bundle under one class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuntimeRepair {
    /// Always `patchwarden.runtime_repair.v1`.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: String,
    pub verdict: RepairVerdict,
    pub repair_class: String,
    pub mutates: Vec<Mutation>,
    /// The class the bundle itself names.
    pub bundle_class: Option<String>,
    pub evaluated_at: Timestamp,
    /// Over the paths and hashes of all files of the bundle.
    pub bundle_sha256: Digest,
    /// The evidence the class requires, in its order.
    pub evidence: Vec<EvidenceAxes>,
    /// Why it is not eligible; empty where it is.
    pub reasons: Vec<Reason>,
    pub notes: Vec<String>,
    /// Always false: nothing here carries anything out.
    #[schemars(extend("const" = false))]
    pub external_write_allowed: bool,
}

/// What may be done with the bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RepairVerdict {
    /// A class that changes nothing, with complete and fresh evidence: its dry run may run.
    EligibleRepairDryRun,
    /// Only a person may go on.
    NeedsHuman,
    /// Something is refused.
    Blocked,
}

impl RepairVerdict {
    /// The word used in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EligibleRepairDryRun => "eligible_repair_dry_run",
            Self::NeedsHuman => "needs_human",
            Self::Blocked => "blocked",
        }
    }

    /// The verdict that decides the exit code.
    pub fn verdict(self) -> Verdict {
        match self {
            Self::EligibleRepairDryRun => Verdict::Pass,
            Self::NeedsHuman => Verdict::NeedsHuman,
            Self::Blocked => Verdict::Blocked,
        }
    }
}

/// One required document by its three axes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceAxes {
    pub role: String,
    /// Null where it is missing.
    pub path: Option<String>,
    pub sha256: Option<Digest>,
    pub age_seconds: Option<u64>,
    pub observation: Observation,
    pub freshness: Freshness,
    pub completeness: Completeness,
}

impl EvidenceAxes {
    /// Role, file and the three axes in one line.
    pub fn words(&self) -> String {
        let axis = |word: String| word.to_lowercase();
        let place = self.path.as_ref().map(|path| format!(" in `{path}`")).unwrap_or_default();
        format!(
            "`{}`{place}: observation {}, freshness {}, completeness {}",
            self.role,
            axis(format!("{:?}", self.observation)),
            axis(format!("{:?}", self.freshness)),
            axis(format!("{:?}", self.completeness))
        )
    }
}

/// Whether what was to be seen was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Observation {
    Success,
    Failed,
}

/// Whether it is recent enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Freshness {
    Fresh,
    Stale,
    Unknown,
}

/// Whether everything that was to be seen was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Completeness {
    Complete,
    Incomplete,
    Unknown,
}

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    pub code: Code,
    /// What it is about: a role, a file, a class.
    pub subject: String,
    pub text: String,
}
