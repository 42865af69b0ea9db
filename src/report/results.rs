//! A report read back: its gates as results, so that what was planned from them can be planned again.

use crate::gate::{Blocker, GateResult};
use crate::model::{CommitSha, Verdict};
use crate::policy::Policy;
use crate::repair::entry_key;
use crate::repair::foreign::{ForeignError, agreed};

use super::gate_report::{GateReport, GateSection};

/// Why a report cannot be planned from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReportUnusable {
    #[error("it has no verdict")]
    NoVerdict,
    #[error("it names no head")]
    NoHead,
    #[error("the key of a blocker of gate `{0}` is not that of this head, gate, code and subject")]
    WrongKey(String),
    #[error(transparent)]
    Foreign(#[from] ForeignError),
}

/// Head, verdict and results of a report. `on_fail` of a gate comes from the policy, as it did when it was judged.
///
/// # Errors
/// [`ReportUnusable`] where the report has no verdict, is of another head, or contradicts itself.
pub fn results(
    report: &GateReport,
    policy: &Policy,
    head: &CommitSha,
) -> Result<(Verdict, Vec<GateResult>), ReportUnusable> {
    let verdict = report.verdict.ok_or(ReportUnusable::NoVerdict)?;
    let judged = report.target.target_sha.as_ref().ok_or(ReportUnusable::NoHead)?;
    if judged != head {
        return Err(ForeignError::OtherHead(judged.to_string(), head.clone()).into());
    }
    let results = report
        .gates
        .iter()
        .map(|section| {
            let right = section
                .blockers
                .iter()
                .all(|one| one.key == entry_key(judged, &section.id, one.code, &one.subject));
            if right {
                Ok(result(section, policy))
            } else {
                Err(ReportUnusable::WrongKey(section.id.to_string()))
            }
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok((verdict, agreed(results, verdict)?))
}

fn result(section: &GateSection, policy: &Policy) -> GateResult {
    let entry = policy.gates.iter().find(|gate| gate.id == section.id);
    let blockers = section
        .blockers
        .iter()
        .map(|one| Blocker {
            code: one.code,
            subject: one.subject.clone(),
            reason: one.reason.clone(),
            evidence: one.evidence.clone(),
            artifact: one.artifact.clone(),
            lane: one.lane.clone(),
            section: one.section.clone(),
            remedy: one.remedy.clone(),
            paths: one.paths.clone(),
            quotes: one.untrusted.clone(),
        })
        .collect();
    GateResult {
        id: section.id.clone(),
        kind: section.kind.clone(),
        title: section.title.clone(),
        outcome: section.outcome,
        enforced: section.enforced,
        observed: section.observed.clone(),
        threshold: section.threshold.clone(),
        blockers,
        evidence: section.evidence.clone(),
        waived: Vec::new(),
        cleared: Vec::new(),
        skipped: section.skipped.clone(),
        notes: section.notes.clone(),
        detail: None,
        on_fail: entry.and_then(|entry| entry.on_fail.clone()),
    }
}
