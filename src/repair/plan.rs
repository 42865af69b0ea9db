//! Blockers in, instructions out: one entry per blocker, keyed such that the same head gives the same packet.

use std::collections::BTreeSet;

use crate::gate::{Blocker, GateResult};
use crate::model::{ActionKind, Code, CommitSha, Digest, GateId, Owner, PullNumber, RepoSlug, Verdict};
use crate::policy::Policy;

use super::packet::{Acceptance, AcceptanceHead, Action, Entry, RepairPacket, SCHEMA, Source};
use super::recurrence::History;
use super::words::Words;
use super::{order, recurrence};

/// What a packet is made from.
pub struct PlanInput<'a> {
    pub target_sha: &'a CommitSha,
    pub repo: Option<&'a RepoSlug>,
    pub pull_request: Option<PullNumber>,
    pub verdict: Verdict,
    pub policy: &'a Policy,
    pub results: &'a [GateResult],
    /// Whether evidence can be made anew for the same head: offline it can, a workflow's run belongs to one push.
    pub evidence_head: AcceptanceHead,
    /// What is known of the heads before: a hint about recurrence, never evidence.
    pub history: &'a History,
}

/// Plans the repair.
pub fn plan(input: &PlanInput<'_>) -> RepairPacket {
    let entries: Vec<Entry> = input
        .results
        .iter()
        .flat_map(|result| result.blockers.iter().map(move |blocker| (result, blocker)))
        .map(|(result, blocker)| entry(input, result, blocker))
        .collect();
    let packet_key = packet_key(input, &entries);
    let blockers: BTreeSet<Digest> = entries.iter().map(|entry| entry.blocker_key.clone()).collect();
    let total = entries.len() as u64;
    // What is kept, and in which order, must not depend on memory: the same head gives the same packet.
    let mut entries = order::bound(order::sort(entries));
    let standing =
        recurrence::apply(&mut entries, &blockers, input.history, input.target_sha, &input.policy.limits);
    RepairPacket {
        schema: SCHEMA.to_owned(),
        target_sha: input.target_sha.clone(),
        repo: input.repo.cloned(),
        pull_request: input.pull_request,
        verdict: input.verdict,
        policy_sha256: input.policy.sha256.clone(),
        external_write_allowed: false,
        packet_key,
        attempt: standing.attempt,
        progress: standing.progress,
        change: standing.change,
        next: order::next(&entries).map(|entry| entry.key.clone()),
        omitted: total - entries.len() as u64,
        entries,
    }
}

fn packet_key(input: &PlanInput<'_>, entries: &[Entry]) -> Digest {
    let mut keys: Vec<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
    keys.sort_unstable();
    let mut parts = vec![input.target_sha.as_str(), input.policy.sha256.as_str()];
    parts.extend(keys);
    Digest::of_parts(&parts)
}

/// The key of a blocker's entry: the same head, gate, code and subject give the same key.
pub fn entry_key(head: &CommitSha, gate: &GateId, code: Code, subject: &str) -> Digest {
    Digest::of_parts(&[head.as_str(), gate.as_str(), code.as_str(), subject])
}

fn entry(input: &PlanInput<'_>, result: &GateResult, blocker: &Blocker) -> Entry {
    let source = Source {
        gate: result.id.clone(),
        kind: result.kind.clone(),
        code: blocker.code,
        subject: blocker.subject.clone(),
    };
    let Words { reason, paths, quotes } = Words::of(blocker);
    let (action, owner) = action(input, result, blocker, paths);
    let head = acceptance_head(input, action.kind);
    Entry {
        key: entry_key(input.target_sha, &result.id, blocker.code, &blocker.subject),
        blocker_key: Digest::of_parts(&[result.id.as_str(), blocker.code.as_str(), &blocker.subject]),
        heads_seen: 1,
        attempts: 1,
        enforced: result.enforced,
        source,
        reason,
        owner,
        action,
        acceptance: Acceptance { gate: result.id.clone(), check: blocker.code, head },
        untrusted: quotes,
    }
}

fn action(
    input: &PlanInput<'_>,
    result: &GateResult,
    blocker: &Blocker,
    paths: Vec<String>,
) -> (Action, Owner) {
    let info = blocker.code.info();
    let demand =
        blocker.evidence.as_ref().and_then(|id| input.policy.evidence(id)).map(|entry| &entry.demand);
    let mut action = Action {
        kind: info.action,
        summary: blocker.remedy.clone().unwrap_or_else(|| info.remedy.to_owned()),
        command: demand.map(|demand| demand.command.clone()).unwrap_or_default(),
        evidence: blocker.evidence.clone(),
        artifact: demand.map(|demand| demand.artifact.clone()).or_else(|| blocker.artifact.clone()),
        path: demand.and_then(|demand| demand.path.as_ref()).map(|path| path.as_str().to_owned()),
        section: blocker.section.clone(),
        lane: blocker.lane.clone(),
        paths,
    };
    let mut owner = info.owner;
    if let Some(on_fail) = &result.on_fail
        && about_the_measured(blocker.code)
    {
        action.kind = on_fail.action;
        action.summary.clone_from(&on_fail.summary);
        action.command.clone_from(&on_fail.command);
        owner = match on_fail.action {
            ActionKind::AskOperator | ActionKind::RerunWorkflow => Owner::Operator,
            ActionKind::RedriveReviewLane => Owner::Reviewer,
            _ => Owner::Agent,
        };
    }
    (action, owner)
}

/// Whether the blocker is about what was measured; `on_fail` does not speak for evidence that is not there,
/// nor for what only a person can end.
fn about_the_measured(code: Code) -> bool {
    !code.as_str().starts_with("evidence.") && code.info().outcome == crate::model::Outcome::Fail
}

fn acceptance_head(input: &PlanInput<'_>, kind: ActionKind) -> AcceptanceHead {
    match kind {
        ActionKind::ProduceEvidence => input.evidence_head,
        ActionKind::RerunWorkflow
        | ActionKind::AddSection
        | ActionKind::EditPullRequest
        | ActionKind::RedriveReviewLane
        | ActionKind::AskOperator
        | ActionKind::None => AcceptanceHead::Same,
        ActionKind::RunCommand
        | ActionKind::PushEmptyCommit
        | ActionKind::FixTests
        | ActionKind::FixFindings
        | ActionKind::RaiseCoverage
        | ActionKind::SplitChange
        | ActionKind::FixReviewFindings
        | ActionKind::Rebase => AcceptanceHead::Next,
    }
}
