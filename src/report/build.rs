//! A judgement in, the report out: plain copying, so that the report holds nothing the judgement does not.

use crate::evidence::{Evidence, Limits};
use crate::gate::{Cleared, Evaluation, GateResult, UnmatchedWaiver};
use crate::model::{CommitSha, Digest, PullNumber, RepoSlug, RunId, Timestamp, Verdict, sanitize};
use crate::repair::{RepairPacket, Words, entry_key};

use super::gate_report::{
    BlockerReport, ClearedReport, EvidenceReport, FaultReport, GateReport, GateSection, HistorySection,
    PolicySection, ReportError, SCHEMA, TargetSection, ToolSection, WaivedReport, WaiverReport,
};

/// What was judged, as far as it is known.
#[derive(Debug, Clone, Default)]
pub struct TargetFacts {
    pub server_url: Option<String>,
    pub repo: Option<RepoSlug>,
    pub pull_request: Option<PullNumber>,
    pub target_sha: Option<CommitSha>,
    pub base_sha: Option<CommitSha>,
    pub merge_base: Option<CommitSha>,
    pub event: Option<String>,
    pub run_id: Option<RunId>,
    pub run_number: Option<u64>,
    pub run_attempt: Option<u64>,
    pub fork: Option<bool>,
}

/// Where the policy came from.
#[derive(Debug, Clone)]
pub struct PolicyFacts {
    pub origin: &'static str,
    pub path: Option<String>,
    pub git_ref: Option<CommitSha>,
    pub sha256: Digest,
}

/// Everything that was decided.
pub struct Judgement<'a> {
    pub target: &'a TargetFacts,
    pub policy: &'a PolicyFacts,
    pub now: Timestamp,
    pub verdict: Verdict,
    pub evaluation: &'a Evaluation,
    /// In the policy's order.
    pub evidence: Vec<&'a Evidence>,
    pub packet: &'a RepairPacket,
    /// What was found out about earlier heads; `None` where nobody looked.
    pub history: Option<HistorySection>,
    pub notes: Vec<String>,
    pub proposed_policy: Option<String>,
    pub limits: &'a Limits,
}

/// The report of a judgement.
pub fn build(judgement: &Judgement<'_>) -> GateReport {
    let results = &judgement.evaluation.results;
    GateReport {
        schema: SCHEMA.to_owned(),
        target: target(judgement.target),
        policy: Some(policy(judgement.policy)),
        evaluated_at: judgement.now,
        verdict: Some(judgement.verdict),
        error: None,
        enforced: results.iter().any(|result| result.enforced),
        external_write_allowed: false,
        gates: results.iter().map(|result| gate(result, &judgement.packet.target_sha)).collect(),
        evidence: judgement.evidence.iter().map(|evidence| evidence_report(evidence)).collect(),
        unmatched_waivers: judgement.evaluation.unmatched_waivers.iter().map(waiver).collect(),
        history: judgement.history.clone(),
        notes: judgement.notes.clone(),
        proposed_policy: judgement.proposed_policy.clone(),
        limits: judgement.limits.clone(),
        tool: tool(),
    }
}

/// The report of a run that reached no verdict (exits 3 and 4).
pub fn without_verdict(
    facts: &TargetFacts,
    policy_facts: Option<&PolicyFacts>,
    now: Timestamp,
    error: ReportError,
    limits: &Limits,
) -> GateReport {
    GateReport {
        schema: SCHEMA.to_owned(),
        target: target(facts),
        policy: policy_facts.map(policy),
        evaluated_at: now,
        verdict: None,
        error: Some(error),
        enforced: false,
        external_write_allowed: false,
        gates: Vec::new(),
        evidence: Vec::new(),
        unmatched_waivers: Vec::new(),
        history: None,
        notes: Vec::new(),
        proposed_policy: None,
        limits: limits.clone(),
        tool: tool(),
    }
}

fn tool() -> ToolSection {
    ToolSection {
        name: env!("CARGO_PKG_NAME").to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: option_env!("PATCHWARDEN_COMMIT").map(str::to_owned),
    }
}

fn target(facts: &TargetFacts) -> TargetSection {
    let TargetFacts {
        server_url,
        repo,
        pull_request,
        target_sha,
        base_sha,
        merge_base,
        event,
        run_id,
        run_number,
        run_attempt,
        fork,
    } = facts.clone();
    TargetSection {
        server_url,
        repo,
        pull_request,
        target_sha,
        base_sha,
        merge_base,
        event,
        run_id,
        run_number,
        run_attempt,
        fork,
    }
}

fn policy(facts: &PolicyFacts) -> PolicySection {
    let PolicyFacts { origin, path, git_ref, sha256 } = facts.clone();
    PolicySection { origin: origin.to_owned(), path, git_ref, sha256 }
}

fn gate(result: &GateResult, head: &CommitSha) -> GateSection {
    let blockers = result
        .blockers
        .iter()
        .map(|blocker| {
            let Words { reason, paths, quotes } = Words::of(blocker);
            BlockerReport {
                code: blocker.code,
                subject: blocker.subject.clone(),
                reason,
                key: entry_key(head, &result.id, blocker.code, &blocker.subject),
                evidence: blocker.evidence.clone(),
                artifact: blocker.artifact.clone(),
                section: blocker.section.clone(),
                lane: blocker.lane.clone(),
                remedy: blocker.remedy.clone(),
                paths,
                untrusted: quotes,
            }
        })
        .collect();
    let waived = result
        .waived
        .iter()
        .map(|waived| WaivedReport {
            code: waived.blocker.code,
            subject: waived.blocker.subject.clone(),
            reason: waived.blocker.reason.clone(),
            waiver: waived.reason.clone(),
            expires: waived.expires.clone(),
        })
        .collect();
    GateSection {
        id: result.id.clone(),
        kind: result.kind.clone(),
        title: result.title.clone(),
        outcome: result.outcome,
        enforced: result.enforced,
        observed: result.observed.clone(),
        threshold: result.threshold.clone(),
        blockers,
        evidence: result.evidence.clone(),
        waived,
        cleared: result.cleared.iter().map(cleared).collect(),
        skipped: result.skipped.clone(),
        notes: result.notes.clone(),
    }
}

fn cleared(cleared: &Cleared) -> ClearedReport {
    ClearedReport {
        code: cleared.blocker.code,
        subject: cleared.blocker.subject.clone(),
        reason: cleared.blocker.reason.clone(),
        by: cleared.by.clone(),
        review: cleared.review,
    }
}

fn evidence_report(evidence: &Evidence) -> EvidenceReport {
    EvidenceReport {
        id: evidence.id.clone(),
        artifact: evidence.artifact.clone(),
        // A file's name is its maker's: no character of it may steer a terminal.
        path: evidence.path.as_deref().map(|path| sanitize(path, 1024)),
        sha256: evidence.sha256.clone(),
        bytes: evidence.bytes,
        artifact_sha256: evidence.artifact_sha256.clone(),
        producer_job: evidence.producer_job.clone(),
        format: evidence.format,
        tool: evidence.tool.as_ref().map(|tool| tool.name.clone()),
        tool_version: evidence.tool.as_ref().and_then(|tool| tool.version.clone()),
        state: evidence.state(),
        optional: evidence.optional,
        bindings: evidence.bindings.clone(),
        age_seconds: evidence.age_seconds,
        faults: evidence
            .faults
            .iter()
            .map(|fault| FaultReport { code: fault.code, detail: fault.detail.clone() })
            .collect(),
        notes: evidence.notes.clone(),
    }
}

fn waiver(waiver: &UnmatchedWaiver) -> WaiverReport {
    let UnmatchedWaiver { code, gate, subject, reason, expires, expired } = waiver.clone();
    WaiverReport { code, gate, subject, waiver: reason, expires, expired }
}
