//! The judgement itself, as `gate`, `accept` and `replay` share it: policy and artifacts in, everything decided out.

use std::collections::BTreeMap;

use crate::evidence::read::{ArtifactState, Artifacts};
use crate::evidence::{Demand, Evidence, Limits, Target, assess};
use crate::gate::{Evaluation, EvidenceSet, GateKind, Gates};
use crate::model::{ArtifactName, GateId, Verdict};
use crate::policy::{Policy, Problem};
use crate::repair::{AcceptanceHead, History, PlanInput, RepairPacket, plan};
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

    /// The policy with the gates of one kind alone, and what they judge.
    #[must_use]
    pub fn only(self, kind: GateKind, id: Option<&GateId>) -> Self {
        let Self { mut policy, gates } = self;
        let gates = gates.only(kind, id);
        let kept: Vec<GateId> = gates.ids().cloned().collect();
        policy.gates.retain(|entry| kept.contains(&entry.id));
        let gates_left = &policy.gates;
        policy.evidence.retain(|one| gates_left.iter().any(|gate| gate.evidence.contains(&one.demand.id)));
        policy.waivers.retain(|waiver| waiver.gate.as_ref().is_none_or(|gate| kept.contains(gate)));
        Self { policy, gates }
    }

    /// What the policy asks for, in its order: declared evidence, then what its gates imply.
    pub fn demands(&self) -> Vec<&Demand> {
        self.policy.evidence.iter().map(|entry| &entry.demand).chain(self.gates.implied()).collect()
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
    pub fn evidence_in_order(&self, sound: &SoundPolicy) -> Vec<&Evidence> {
        sound.demands().into_iter().filter_map(|demand| self.evidence.get(&demand.id)).collect()
    }
}

/// Every piece of evidence the policy asks for, judged on its own.
pub fn assess_all(sound: &SoundPolicy, artifacts: &Artifacts, target: &Target) -> EvidenceSet {
    let mut place: BTreeMap<&ArtifactName, usize> = BTreeMap::new();
    let mut set = EvidenceSet::new();
    for demand in sound.demands() {
        // The artifact was read with the demands on it in the policy's order.
        let next = place.entry(&demand.artifact).or_default();
        let index = *next;
        *next += 1;
        let artifact = artifacts.get(&demand.artifact).unwrap_or(&ArtifactState::Missing);
        set.insert(demand.id.clone(), assess(demand, artifact, index, target));
    }
    set
}

/// The verdict over everything evaluated, and what to do about it, with no earlier head known.
pub fn conclude(
    sound: &SoundPolicy,
    target: &Target,
    evidence: EvidenceSet,
    evaluation: Evaluation,
    evidence_head: AcceptanceHead,
) -> Judged {
    conclude_after(sound, target, evidence, evaluation, evidence_head, &History::default())
}

/// As [`conclude`], after what is known of earlier heads.
pub fn conclude_after(
    sound: &SoundPolicy,
    target: &Target,
    evidence: EvidenceSet,
    evaluation: Evaluation,
    evidence_head: AcceptanceHead,
    history: &History,
) -> Judged {
    let verdict = decide(&evaluation.results);
    let packet = plan(&PlanInput {
        target_sha: &target.head,
        repo: target.repo.as_ref(),
        pull_request: target.pull_request,
        verdict,
        policy: &sound.policy,
        results: &evaluation.results,
        evidence_head,
        history,
    });
    Judged { evidence, evaluation, verdict, packet }
}

/// The limits in force.
pub fn limits() -> Limits {
    Limits::default()
}
