//! Verdicts that were reached elsewhere or earlier, as gate results again: what `patchwarden repair` plans from.
//! A document that contradicts itself is refused, never mended.

use crate::evidence::{Content, Parsed, finding::Level};
use crate::gate::review_quorum::{LaneReport, LaneState, NextAction, ReviewQuorum};
use crate::gate::runtime_repair::RuntimeRepair;
use crate::gate::{Blocker, GateResult};
use crate::model::{ArtifactName, Code, CommitSha, GateId, Outcome, Quote, Verdict, count, sanitize};
use crate::verdict::decide;

/// Why a document is no verdict that can be planned from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForeignError {
    #[error("its verdict is `{}`, and its parts make `{}`", .0.as_str(), .1.as_str())]
    Contradicts(Verdict, Verdict),
    #[error("it is about {0}, not about the head {1}")]
    OtherHead(String, CommitSha),
    #[error("it is no report of findings")]
    NoFindings,
}

/// Quotes and paths of findings one entry carries.
const QUOTES: usize = 10;

/// The one gate that a document is the answer of.
fn gate(id: GateId, kind: &str, observed: String, mut blockers: Vec<Blocker>) -> GateResult {
    blockers.sort_by(|a, b| (a.code, &a.subject).cmp(&(b.code, &b.subject)));
    blockers.dedup_by(|a, b| (a.code, &a.subject) == (b.code, &b.subject));
    let worst = blockers.iter().map(|blocker| blocker.code.info().outcome).min();
    GateResult::plain(id, kind, worst.unwrap_or(Outcome::Pass), observed, blockers)
}

/// Results that must make this verdict.
///
/// # Errors
/// [`ForeignError::Contradicts`] where they do not.
pub fn agreed(results: Vec<GateResult>, verdict: Verdict) -> Result<Vec<GateResult>, ForeignError> {
    match decide(&results) {
        made if made == verdict => Ok(results),
        made => Err(ForeignError::Contradicts(verdict, made)),
    }
}

/// A quorum: one blocker per lane that is to act, else the one that says why there is no quorum.
///
/// # Errors
/// [`ForeignError`] where it is of another head or contradicts itself.
pub fn of_quorum(
    quorum: &ReviewQuorum,
    id: GateId,
    head: &CommitSha,
) -> Result<Vec<GateResult>, ForeignError> {
    if quorum.target_sha != *head {
        return Err(ForeignError::OtherHead(quorum.target_sha.to_string(), head.clone()));
    }
    let mut blockers: Vec<Blocker> = Vec::new();
    if quorum.verdict == Verdict::Blocked {
        blockers = quorum.lanes.iter().filter_map(lane).collect();
    }
    if blockers.is_empty() {
        let code = match quorum.verdict {
            Verdict::Pass => None,
            Verdict::Blocked => Some(Code::ReviewQuorumUnreachable),
            Verdict::NeedsHuman => Some(Code::ReviewTie),
            Verdict::Unmeasured => Some(Code::ReviewUnseen),
        };
        blockers.extend(code.map(|code| Blocker::new(code, "quorum", sanitize(&quorum.summary, 300))));
    }
    let result = gate(id, "review_quorum", sanitize(&quorum.summary, 300), blockers);
    agreed(vec![result], quorum.verdict)
}

fn lane(lane: &LaneReport) -> Option<Blocker> {
    let name = sanitize(&lane.name, 100);
    let code = match (lane.next_action, lane.state) {
        (NextAction::None, _) => return None,
        // As the gate has it: what is asked for is about the change, not about the lane.
        (NextAction::FixReviewFindings, _) => {
            let reason = format!("lane `{name}` asks for changes");
            return Some(Blocker::new(Code::ReviewChangesRequested, "quorum", reason));
        }
        (NextAction::RedriveReviewLane, LaneState::Stale) => Code::ReviewLaneStale,
        (NextAction::RedriveReviewLane, LaneState::Unparsable) => Code::ReviewLaneUnparsable,
        (NextAction::RedriveReviewLane, _) => Code::ReviewLaneMissing,
    };
    let mut blocker =
        Blocker::new(code, name.as_str(), format!("lane `{name}` is {}", lane.state.as_str())).on_lane(name);
    blocker.artifact =
        lane.source.strip_prefix("artifact:").and_then(|text| text.parse::<ArtifactName>().ok());
    Some(blocker.with_quotes(vec![Quote::new("lane", &lane.detail)]))
}

/// A runtime's answer: one blocker per reason.
///
/// # Errors
/// [`ForeignError::Contradicts`].
pub fn of_runtime(repair: &RuntimeRepair, id: GateId) -> Result<Vec<GateResult>, ForeignError> {
    let blockers = repair
        .reasons
        .iter()
        .map(|reason| Blocker::new(reason.code, sanitize(&reason.subject, 200), sanitize(&reason.text, 300)))
        .collect();
    let observed = repair.verdict.as_str().to_owned();
    agreed(vec![gate(id, "runtime_repair", observed, blockers)], repair.verdict.verdict())
}

/// Suggestions of an analyser: one blocker per level that has any. Where the report names a commit, it must be the head.
///
/// # Errors
/// [`ForeignError`] for another head and for anything but findings.
pub fn of_findings(parsed: &Parsed, id: GateId, head: &CommitSha) -> Result<Vec<GateResult>, ForeignError> {
    let Content::Findings(report) = parsed.content.as_ref() else { return Err(ForeignError::NoFindings) };
    if let Some(other) = parsed.commits.iter().find(|commit| commit.id != head.as_str()) {
        return Err(ForeignError::OtherHead(sanitize(&other.id, 80), head.clone()));
    }
    let blockers = Level::ALL
        .into_iter()
        .filter(|level| report.counts.get(*level) > 0 && *level != Level::None)
        .map(|level| {
            let found = count(report.counts.get(level), "suggestion");
            let reason = format!("{found} of level {} of an analyser", level.as_str());
            let mut blocker = Blocker::new(Code::FindingsOverLimit, level.as_str(), reason);
            for finding in report.findings.iter().filter(|finding| finding.level == level).take(QUOTES) {
                blocker.quote_finding(finding);
            }
            blocker
        })
        .collect();
    let observed = count(report.counts.total(), "suggestion");
    Ok(vec![gate(id, "findings", observed, blockers)])
}
