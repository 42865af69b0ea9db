//! Blockers in, instructions out: one entry per blocker, keyed such that the same head gives the same packet.

use crate::gate::{Blocker, GateResult};
use crate::model::{ActionKind, Code, CommitSha, Digest, Owner, PullNumber, RepoSlug, Verdict};
use crate::policy::Policy;

use super::packet::{Acceptance, AcceptanceHead, Action, Entry, Progress, RepairPacket, SCHEMA, Source};

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
}

/// Plans the repair.
pub fn plan(input: &PlanInput<'_>) -> RepairPacket {
    let mut entries: Vec<(u8, Entry)> = input
        .results
        .iter()
        .flat_map(|result| result.blockers.iter().map(move |blocker| (result, blocker)))
        .map(|(result, blocker)| {
            let entry = entry(input, result, blocker);
            (rank(entry.action.kind), entry)
        })
        .collect();
    // Stable: entries of one rank stay in the order of the policy's gates.
    entries.sort_by_key(|(rank, _)| *rank);
    let entries: Vec<Entry> = entries.into_iter().map(|(_, entry)| entry).collect();
    let mut keys: Vec<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
    keys.sort_unstable();
    let mut parts = vec![input.target_sha.as_str(), input.policy.sha256.as_str()];
    parts.extend(keys);
    RepairPacket {
        schema: SCHEMA.to_owned(),
        target_sha: input.target_sha.clone(),
        repo: input.repo.cloned(),
        pull_request: input.pull_request,
        verdict: input.verdict,
        policy_sha256: input.policy.sha256.clone(),
        external_write_allowed: false,
        packet_key: Digest::of_parts(&parts),
        attempt: 1,
        progress: Progress::Unknown,
        entries,
    }
}

/// The order in which doing one never undoes another: a new base first, then what makes a new head,
/// then what needs the final head, and people last.
fn rank(kind: ActionKind) -> u8 {
    match kind {
        ActionKind::Rebase => 0,
        ActionKind::SplitChange => 1,
        ActionKind::FixFindings
        | ActionKind::FixTests
        | ActionKind::RaiseCoverage
        | ActionKind::FixReviewFindings => 2,
        ActionKind::RunCommand => 3,
        ActionKind::ProduceEvidence => 4,
        ActionKind::PushEmptyCommit => 5,
        ActionKind::AddSection | ActionKind::EditPullRequest => 6,
        ActionKind::RerunWorkflow => 7,
        ActionKind::RedriveReviewLane => 8,
        ActionKind::AskOperator => 9,
        ActionKind::None => 10,
    }
}

fn entry(input: &PlanInput<'_>, result: &GateResult, blocker: &Blocker) -> Entry {
    let source = Source {
        gate: result.id.clone(),
        kind: result.kind.clone(),
        code: blocker.code,
        subject: blocker.subject.clone(),
    };
    let identity = [result.id.as_str(), blocker.code.as_str(), blocker.subject.as_str()];
    let mut with_head = vec![input.target_sha.as_str()];
    with_head.extend(identity);
    let (action, owner) = action(input, result, blocker);
    let head = acceptance_head(input, action.kind);
    Entry {
        key: Digest::of_parts(&with_head),
        blocker_key: Digest::of_parts(&identity),
        heads_seen: 1,
        enforced: result.enforced,
        source,
        reason: blocker.reason.clone(),
        owner,
        action,
        acceptance: Acceptance { gate: result.id.clone(), check: blocker.code, head },
        untrusted: blocker.quotes.clone(),
    }
}

fn action(input: &PlanInput<'_>, result: &GateResult, blocker: &Blocker) -> (Action, Owner) {
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
        paths: blocker.paths.clone(),
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
