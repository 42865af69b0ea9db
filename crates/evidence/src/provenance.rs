//! What the run that an artifact was found in says of the evidence in it. A gate on the base judges several runs, each
//! with jobs of its own.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{ArtifactName, EvidenceId, Timestamp};

use super::demand::Demand;

/// Where an artifact comes from. The default is one that every demand of its name means.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Provenance {
    /// The evidence that is read from it; null for all that names the artifact.
    pub evidence: Option<BTreeSet<EvidenceId>>,
    /// When the latest attempt of each job of its run began; null for what holds of the whole judgement.
    pub job_starts: Option<BTreeMap<String, Timestamp>>,
    /// Whether the run's jobs check out another commit than the run's own, so that evidence has to name the head.
    pub named_head_only: bool,
    /// Why no run was to be expected.
    pub not_due: Option<String>,
}

impl Provenance {
    /// Whether a demand is read from the artifact of this name.
    pub fn is_meant(&self, artifact: &ArtifactName, demand: &Demand) -> bool {
        match &self.evidence {
            Some(ids) => ids.contains(&demand.id),
            None => demand.artifact == *artifact,
        }
    }
}
