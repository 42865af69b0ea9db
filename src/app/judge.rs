//! The judgement itself, as `gate`, `accept` and `replay` share it: policy and artifacts in, everything decided out.

use crate::evidence::read::{ArtifactState, Artifacts};
use crate::evidence::{Demand, Evidence, Limits, Provenance, Target, assess};
use crate::forge::processors;
use crate::gate::{Evaluation, EvidenceSet, GateKind, Gates, require_named_head};
use crate::model::{ArtifactName, GateId, Verdict};
use crate::policy::{Policy, Problem};
use crate::repair::{AcceptanceHead, History, PlanInput, RepairPacket, plan};
use crate::verdict::decide;

use super::replay::bundle::Raw;

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
        let (mut policy, mut problems) = Policy::read(text)?;
        match Gates::build(&policy) {
            Ok(gates) if problems.is_empty() => {
                for entry in &mut policy.evidence {
                    entry.demand.compared = gates.compare(&entry.demand.id);
                }
                Ok(Self { policy, gates })
            }
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

/// An artifact as it was found, and what its place among the runs says of the evidence in it.
pub struct Piece {
    /// What the policy calls it, or the server where a pattern found it in a run.
    pub name: ArtifactName,
    /// Read with the demands on it in the policy's order.
    pub state: ArtifactState,
    /// Its bytes, where they were fetched to be kept.
    pub raw: Option<Raw>,
    pub provenance: Provenance,
}

impl Piece {
    /// An artifact that every demand of its name means.
    pub fn new(name: ArtifactName, state: ArtifactState) -> Self {
        Self { name, state, raw: None, provenance: Provenance::default() }
    }

    /// Its evidence, each judged on its own.
    fn assess(&self, demands: &[&Demand], target: &Target) -> EvidenceSet {
        let Provenance { job_starts, named_head_only, not_due, .. } = &self.provenance;
        let job_starts = job_starts.as_ref().unwrap_or(&target.job_starts).clone();
        let target = Target { job_starts, ..target.clone() };
        let meant = demands.iter().filter(|demand| self.provenance.is_meant(&self.name, demand));
        let mut judged: EvidenceSet = meant
            .enumerate()
            .map(|(index, demand)| (demand.id.clone(), assess(demand, &self.state, index, &target)))
            .collect();
        if *named_head_only {
            require_named_head(&mut judged);
        }
        if let Some(reason) = not_due {
            for evidence in judged.values_mut() {
                evidence.excuse(reason.clone());
            }
        }
        judged
    }
}

/// Artifacts of one place, each for every demand of its name.
pub fn pieces(artifacts: Artifacts) -> Vec<Piece> {
    artifacts.into_iter().map(|(name, state)| Piece::new(name, state)).collect()
}

/// Every piece of evidence the policy asks for; what no artifact was looked up for is missing.
pub fn assess_all(sound: &SoundPolicy, pieces: &[Piece], target: &Target) -> EvidenceSet {
    let demands = sound.demands();
    let mut set: EvidenceSet = pieces.iter().flat_map(|piece| piece.assess(&demands, target)).collect();
    for demand in demands {
        set.entry(demand.id.clone()).or_insert_with(|| assess(demand, &ArtifactState::Missing, 0, target));
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

/// How many artifacts are read at once: where there are more processors, each may hold thousands of findings meanwhile.
pub fn readers() -> usize {
    processors().min(4)
}

/// The limits in force.
pub fn limits() -> Limits {
    Limits::default()
}
