//! Judging every gate: faults of evidence become blockers, the kind judges what counts, waivers are applied,
//! and what remains decides the outcome.

use std::collections::BTreeMap;

use crate::context::PullFacts;
use crate::evidence::baseline::BaselineFiles;
use crate::evidence::changed_lines::ChangedLines;
use crate::evidence::{Demand, Evidence};
use crate::model::{Code, CommitSha, EvidenceId, GateId, Outcome, PullNumber, RepoSlug, Timestamp, count};
use crate::policy::{GateEntry, Policy, Waiver};

use super::builtin::no_gates;
use super::clearance::clear;
use super::guards::{Reread, judge_reread};
use super::registry::{GateKind, Gates, Input, Judge, Judgement};
use super::result::{Blocker, GateResult, UnmatchedWaiver, Waived};

/// All evidence of one judgement, by id.
pub type EvidenceSet = BTreeMap<EvidenceId, Evidence>;

/// What gates may know of the run beside evidence.
#[derive(Debug, Clone)]
pub struct Facts {
    pub head: CommitSha,
    pub base: Option<CommitSha>,
    pub repo: Option<RepoSlug>,
    pub pull_request: Option<PullNumber>,
    pub event: Option<String>,
    /// What the forge says of the pull request; `None` for a push, offline without a file, or where it did not answer.
    pub pull: Option<PullFacts>,
    pub now: Timestamp,
    /// The files of the policy's repository that gates name as their baseline.
    pub baselines: BaselineFiles,
    /// The lines the change adds or alters, or why they are not known.
    pub changed_lines: Result<ChangedLines, String>,
}

impl Facts {
    /// A head of which nothing more is known.
    pub fn of_head(head: CommitSha, now: Timestamp) -> Self {
        Self {
            head,
            base: None,
            repo: None,
            pull_request: None,
            event: None,
            pull: None,
            now,
            baselines: BaselineFiles::default(),
            changed_lines: Err("no diff was given".to_owned()),
        }
    }

    /// What the forge says of the pull request, where it is about the head that is judged.
    pub fn pull_of_head(&self) -> Option<&PullFacts> {
        self.pull.as_ref().filter(|pull| pull.head == self.head)
    }
}

/// Every gate judged.
#[derive(Debug)]
pub struct Evaluation {
    /// In the policy's order.
    pub results: Vec<GateResult>,
    /// Waivers that accepted nothing, in the policy's order.
    pub unmatched_waivers: Vec<UnmatchedWaiver>,
}

impl Evaluation {
    /// Adds what reading head and base again found, before everything else.
    pub fn confirm(&mut self, head: &CommitSha, reread: &Reread) {
        self.results.splice(0..0, judge_reread(head, reread));
    }
}

/// Judges every gate of the policy. `builtin` holds what the built-in gates said; it comes first in the results.
pub fn evaluate(
    policy: &Policy,
    gates: &Gates,
    evidence: &EvidenceSet,
    facts: &Facts,
    builtin: Vec<GateResult>,
) -> Evaluation {
    let mut used = vec![false; policy.waivers.len()];
    let mut results = builtin;
    for (entry, kind, judge, implied) in gates.iter() {
        let gate = Gate { entry, kind, judge, implied };
        results.push(judge_gate(policy, &gate, evidence, facts, &mut used));
    }
    clear(&mut results, policy, evidence, facts);
    results.extend(no_gates(&results));
    let unmatched_waivers = policy
        .waivers
        .iter()
        .zip(used)
        .filter(|(_, used)| !used)
        .map(|(waiver, _)| UnmatchedWaiver {
            code: waiver.code,
            gate: waiver.gate.clone(),
            subject: waiver.subject.clone(),
            reason: waiver.reason.clone(),
            expires: waiver.expires.clone(),
            expired: !waiver.holds(facts.now),
        })
        .collect();
    Evaluation { results, unmatched_waivers }
}

/// One gate of the policy, ready to judge.
struct Gate<'a> {
    entry: &'a GateEntry,
    kind: GateKind,
    judge: &'a dyn Judge,
    implied: &'a [Demand],
}

fn judge_gate(
    policy: &Policy,
    gate: &Gate<'_>,
    set: &EvidenceSet,
    facts: &Facts,
    used: &mut [bool],
) -> GateResult {
    let Gate { entry, kind, judge, implied } = *gate;
    let mut blockers = Vec::new();
    let mut skipped = Vec::new();
    let mut judgeable = Vec::new();
    let mut complete = true;
    for id in &entry.evidence {
        let Some(evidence) = set.get(id) else {
            complete = false;
            blockers.push(Blocker::on_evidence(
                Code::EvidenceMissing,
                id,
                format!("evidence `{id}` was not looked for"),
            ));
            continue;
        };
        if let Some(why) = &evidence.not_due {
            skipped.push(format!("evidence `{id}` is not due: {why}"));
            continue;
        }
        if evidence.optional && evidence.faults.iter().any(|fault| fault.code == Code::EvidenceMissing) {
            skipped.push(format!("optional evidence `{id}` is not there"));
            continue;
        }
        blockers.extend(fault_blockers(evidence));
        complete &= evidence.counts();
        match evidence.judgeable() {
            Some(content) if kind.judges_content(content.kind()) => judgeable.push(evidence),
            Some(_) => {
                complete = false;
                let reason = format!("evidence `{id}` is not what a gate of kind `{}` judges", kind.as_str());
                blockers.push(Blocker::on_evidence(Code::EvidenceMalformed, id, reason));
            }
            None => {}
        }
    }
    // Offline no event is known, and a pull request whose facts were not given is one that could not be seen.
    let has_no_pull = facts.event.is_some() && facts.pull_request.is_none();
    let judgement = if has_no_pull && kind.wants_a_pull() {
        skipped.push("the run is about no pull request".to_owned());
        Judgement { observed: "no pull request".to_owned(), ..Judgement::default() }
    } else if judgeable.is_empty() && !kind.judges_facts() {
        Judgement { observed: "nothing to judge".to_owned(), ..Judgement::default() }
    } else {
        let implied = implied.iter().map(|demand| set.get(&demand.id)).collect();
        judge.judge(&Input { evidence: judgeable, complete, implied, all: set, facts })
    };
    blockers.extend(judgement.blockers);
    blockers.sort_by(|a, b| (a.code, &a.subject).cmp(&(b.code, &b.subject)));
    blockers.dedup_by(|later, first| (later.code, &later.subject) == (first.code, &first.subject));

    let (waived, blockers) = apply_waivers(&policy.waivers, &entry.id, blockers, facts.now, used);
    let outcome = fold(&blockers, judgement.judged);
    if outcome == Outcome::Skipped {
        match waived.len() {
            0 if skipped.is_empty() => skipped.push("there is nothing to judge".to_owned()),
            0 => {}
            some => skipped
                .push(format!("{} waived, and nothing is left to judge", count(some as u64, "blocker"))),
        }
    }
    GateResult {
        id: entry.id.clone(),
        kind: kind.as_str().to_owned(),
        title: entry.title.clone().unwrap_or_else(|| entry.id.to_string()),
        outcome,
        enforced: entry.enforce,
        observed: judgement.observed,
        threshold: judgement.threshold,
        blockers,
        evidence: entry.evidence.clone(),
        waived,
        cleared: Vec::new(),
        skipped,
        notes: judgement.notes,
        detail: judgement.detail,
        on_fail: entry.on_fail.clone(),
    }
}

/// The outcome that remains: refused before unseen before a person, and a pass only where something was judged.
fn fold(blockers: &[Blocker], judged: bool) -> Outcome {
    let worst = blockers.iter().map(|blocker| blocker.code.info().outcome).min();
    match worst {
        Some(outcome) => outcome,
        None if judged => Outcome::Pass,
        None => Outcome::Skipped,
    }
}

/// One blocker per code of a piece of evidence, its details joined.
fn fault_blockers(evidence: &Evidence) -> Vec<Blocker> {
    let mut by_code: BTreeMap<Code, Vec<&crate::evidence::Fault>> = BTreeMap::new();
    for fault in &evidence.faults {
        by_code.entry(fault.code).or_default().push(fault);
    }
    by_code
        .into_iter()
        .map(|(code, faults)| {
            let details: Vec<&str> = faults.iter().map(|fault| fault.detail.as_str()).collect();
            let reason = format!("evidence `{}`: {}", evidence.id, cut_details(&details));
            let quotes = faults.iter().flat_map(|fault| fault.quotes.clone()).take(10).collect();
            Blocker::on_evidence(code, &evidence.id, reason).with_quotes(quotes)
        })
        .collect()
}

fn cut_details(details: &[&str]) -> String {
    let shown = details.iter().take(3).copied().collect::<Vec<_>>().join("; ");
    match details.len() {
        0..=3 => shown,
        more => format!("{shown}; and {}", count(more as u64 - 3, "other")),
    }
}

fn apply_waivers(
    waivers: &[Waiver],
    gate: &GateId,
    blockers: Vec<Blocker>,
    now: Timestamp,
    used: &mut [bool],
) -> (Vec<Waived>, Vec<Blocker>) {
    let mut accepted = Vec::new();
    let mut left = Vec::new();
    for blocker in blockers {
        let covering = waivers.iter().enumerate().find(|(_, waiver)| {
            waiver.holds(now)
                && blocker.code.waivable()
                && waiver.covers(gate, blocker.code, &blocker.subject)
        });
        match covering {
            Some((index, waiver)) => {
                if let Some(slot) = used.get_mut(index) {
                    *slot = true;
                }
                accepted.push(Waived {
                    blocker,
                    reason: waiver.reason.clone(),
                    expires: waiver.expires.clone(),
                });
            }
            None => left.push(blocker),
        }
    }
    (accepted, left)
}
