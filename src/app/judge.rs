//! The judgement itself, as `gate`, `accept` and `replay` share it: policy and artifacts in, everything decided out.

use std::collections::BTreeMap;

use crate::evidence::read::Artifacts;
use crate::evidence::{Demand, Evidence, Limits, Target, assess};
use crate::gate::{Evaluation, EvidenceSet, Facts, GateResult, Gates, evaluate};
use crate::model::{ArtifactName, Verdict};
use crate::policy::{Policy, Problem};
use crate::repair::{AcceptanceHead, PlanInput, RepairPacket, plan};
use crate::verdict::decide;

/// A policy whose every part is sound, its gates included.
pub struct SoundPolicy {
    pub policy: Policy,
    pub gates: Gates,
}

impl SoundPolicy {
    /// Reads a policy.
    ///
    /// # Errors
    /// Every problem it has.
    pub fn read(text: &str) -> Result<Self, Vec<Problem>> {
        let (policy, mut problems) = Policy::read(text)?;
        match Gates::build(&policy) {
            Ok(gates) if problems.is_empty() => Ok(Self { policy, gates }),
            Ok(_) => Err(problems),
            Err(more) => {
                problems.extend(more);
                Err(problems)
            }
        }
    }

    /// What the policy asks for, in its order.
    pub fn demands(&self) -> Vec<&Demand> {
        self.policy.evidence.iter().map(|entry| &entry.demand).collect()
    }
}

/// What was decided.
pub struct Judged {
    pub evidence: EvidenceSet,
    pub evaluation: Evaluation,
    pub verdict: Verdict,
    pub packet: RepairPacket,
}

impl Judged {
    /// The evidence in the policy's order.
    pub fn evidence_in_order(&self, policy: &Policy) -> Vec<&Evidence> {
        policy.evidence.iter().filter_map(|entry| self.evidence.get(&entry.demand.id)).collect()
    }
}

/// Judges.
pub fn judge(
    sound: &SoundPolicy,
    artifacts: &Artifacts,
    target: &Target,
    facts: &Facts,
    builtin: Vec<GateResult>,
    evidence_head: AcceptanceHead,
) -> Judged {
    let mut place: BTreeMap<&ArtifactName, usize> = BTreeMap::new();
    let mut set = EvidenceSet::new();
    for demand in sound.demands() {
        // The artifact was read with the demands on it in the policy's order.
        let next = place.entry(&demand.artifact).or_default();
        let index = *next;
        *next += 1;
        let missing = crate::evidence::read::ArtifactState::Missing;
        let artifact = artifacts.get(&demand.artifact).unwrap_or(&missing);
        set.insert(demand.id.clone(), assess(demand, artifact, index, target));
    }
    let evaluation = evaluate(&sound.policy, &sound.gates, &set, facts, builtin);
    let verdict = decide(&evaluation.results);
    let packet = plan(&PlanInput {
        target_sha: &target.head,
        repo: target.repo.as_ref(),
        pull_request: target.pull_request,
        verdict,
        policy: &sound.policy,
        results: &evaluation.results,
        evidence_head,
    });
    Judged { evidence: set, evaluation, verdict, packet }
}

/// The limits in force.
pub fn limits() -> Limits {
    Limits::default()
}
