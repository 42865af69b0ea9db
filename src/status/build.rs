//! What was read becomes a status. Each layer says what its state rests on; a layer nobody could see says that.

use crate::audit::Audit;
use crate::ledger::{Gap, Ledger, Severity, Status};
use crate::metrics::{MetricState, MetricsReport, RollState};
use crate::model::{Code, Outcome, Owner, Verdict, count, sanitize};
use crate::repair::{Progress, RepairPacket};
use crate::report::{EvidenceReport, GateReport};

use super::audit;
use super::document::{
    ArtifactRow, EvidenceRow, FollowUp, GapsSection, Layer, LayerState, NextAction, NotSeen, OpenLoop,
    OperatorStatus, SCHEMA,
};

/// Supports of one layer before the rest is counted.
pub(super) const SHOWN: usize = 8;

/// One judgement that was read.
#[derive(Debug, Clone)]
pub struct Seen {
    /// What the reader knows it by, where the report does not say which change it is about.
    pub name: String,
    pub report: GateReport,
    pub packet: Option<RepairPacket>,
}

impl Seen {
    /// The change: `owner/name#4` where the report says.
    fn subject(&self) -> String {
        let target = &self.report.target;
        match (&target.repo, target.pull_request) {
            (Some(repo), Some(pull)) => format!("{repo}#{pull}"),
            (Some(repo), None) => repo.to_string(),
            _ => sanitize(&self.name, 120),
        }
    }
}

/// What the forge itself shows of a change or a branch, beside what a gate reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    pub kind: Observed,
    /// `owner/name#4`, or `owner/name` for its default branch.
    pub subject: String,
    /// A run, a status, a report, by the name the server gives it.
    pub what: String,
    /// The server's word.
    pub state: String,
    pub detail: String,
}

/// What was observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observed {
    /// A run that is not green.
    Run,
    /// A commit status that is not green.
    Status,
    /// A result that ought to be there and is not.
    NoResult,
}

/// What a status is made from.
#[derive(Debug, Default)]
pub struct Inputs<'a> {
    pub as_of: Option<String>,
    pub ledger: Option<&'a Ledger>,
    pub seen: &'a [Seen],
    pub audits: Vec<Audit>,
    pub metrics: Option<MetricsReport>,
    pub follow_ups: Vec<FollowUp>,
    /// What the forge shows, where it was asked.
    pub observations: Vec<Observation>,
    /// Artifacts that are there and that no report speaks of.
    pub artifacts: Vec<ArtifactRow>,
    pub not_seen: Vec<NotSeen>,
}

/// Builds the status.
pub fn build(inputs: Inputs<'_>) -> OperatorStatus {
    let Inputs {
        as_of,
        ledger,
        seen,
        audits,
        metrics,
        follow_ups,
        observations,
        artifacts: others,
        not_seen,
    } = inputs;
    let mut not_seen = not_seen;
    not_seen.extend(audits.iter().flat_map(audit::unread));
    let open_loops: Vec<OpenLoop> = seen.iter().filter_map(open_loop).collect();
    let (mut missing, mut stale, mut artifacts) = (Vec::new(), Vec::new(), Vec::new());
    for one in seen {
        for evidence in &one.report.evidence {
            match evidence.state {
                crate::evidence::State::Present if evidence.faults.is_empty() => {
                    artifacts.push(artifact(one, evidence));
                }
                crate::evidence::State::Missing => missing.push(row(one, evidence)),
                _ => stale.push(row(one, evidence)),
            }
        }
    }
    let mut layers = vec![
        transport(seen),
        evidence_layer(seen, &missing, &stale),
        gates(seen),
        repair_loop(seen, &open_loops),
        observability(metrics.as_ref()),
    ];
    artifacts.extend(others);
    for one in observations {
        add_observation(&mut layers, &one);
        let row =
            EvidenceRow { subject: one.subject, evidence: one.what, state: one.state, detail: one.detail };
        if one.kind == Observed::NoResult { missing.push(row) } else { stale.push(row) }
    }
    for audit in &audits {
        audit::add(&mut layers, audit);
    }
    if let Some(ledger) = ledger {
        for layer in &mut layers {
            add_gaps(layer, ledger);
        }
    }
    let gaps = ledger.map(gaps_section);
    let next_actions = next_actions(gaps.as_ref(), seen, &audits, metrics.as_ref());
    OperatorStatus {
        schema: SCHEMA.to_owned(),
        as_of: as_of.or_else(|| ledger.and_then(|ledger| ledger.updated().map(str::to_owned))),
        layers,
        next_actions,
        gaps,
        open_loops,
        missing_evidence: missing,
        stale_states: stale,
        artifacts,
        audits,
        metrics,
        follow_ups,
        not_seen,
    }
}

fn layer(name: &str, state: LayerState, supports: Vec<String>) -> Layer {
    Layer { name: name.to_owned(), state, supports }
}

fn unseen(name: &str, why: &str) -> Layer {
    layer(name, LayerState::NotSeen, vec![why.to_owned()])
}

const NO_REPORT: &str = "no gate report was given";

/// Whether artifacts could be fetched.
fn transport(seen: &[Seen]) -> Layer {
    if seen.is_empty() {
        return unseen("transport", NO_REPORT);
    }
    let lost = [
        Code::EvidenceUnavailable,
        Code::EvidenceUnfinished,
        Code::EvidenceExpired,
        Code::EvidenceSuperseded,
    ];
    let mut supports = Vec::new();
    for one in seen {
        for evidence in &one.report.evidence {
            for fault in evidence.faults.iter().filter(|fault| lost.contains(&fault.code)) {
                supports.push(format!(
                    "{}: evidence `{}` is {}",
                    one.subject(),
                    evidence.id,
                    fault.code.as_str()
                ));
            }
        }
    }
    if !supports.is_empty() {
        return layer("transport", LayerState::Attention, cut(supports));
    }
    let pieces: u64 = seen.iter().map(|one| one.report.evidence.len() as u64).sum();
    let words = format!(
        "{} of {} read",
        count(pieces, "piece of evidence").replace("evidences", "evidence"),
        count(seen.len() as u64, "report")
    );
    layer("transport", LayerState::Good, vec![words])
}

fn evidence_layer(seen: &[Seen], missing: &[EvidenceRow], not_counted: &[EvidenceRow]) -> Layer {
    if seen.is_empty() {
        return unseen("evidence", NO_REPORT);
    }
    let supports: Vec<String> = missing
        .iter()
        .chain(not_counted)
        .map(|row| format!("{}: evidence `{}` is {}", row.subject, row.evidence, row.state))
        .collect();
    if supports.is_empty() {
        return layer("evidence", LayerState::Good, vec!["every piece of evidence counted".to_owned()]);
    }
    let state = if missing.is_empty() { LayerState::Attention } else { LayerState::Broken };
    layer("evidence", state, cut(supports))
}

fn gates(seen: &[Seen]) -> Layer {
    if seen.is_empty() {
        return unseen("gates", NO_REPORT);
    }
    let mut state = LayerState::Good;
    let mut supports = Vec::new();
    for one in seen {
        let (worse, words) = match one.report.verdict {
            Some(Verdict::Pass) => (LayerState::Good, "pass"),
            Some(verdict @ (Verdict::Blocked | Verdict::NeedsHuman)) => {
                (LayerState::Attention, verdict.as_str())
            }
            Some(Verdict::Unmeasured) => (LayerState::Broken, "unmeasured"),
            None => (LayerState::Broken, "no verdict"),
        };
        state = state.max(worse);
        supports.push(format!("{}: {words}", one.subject()));
    }
    layer("gates", state, cut(supports))
}

fn repair_loop(seen: &[Seen], loops: &[OpenLoop]) -> Layer {
    if seen.iter().all(|one| one.packet.is_none()) {
        return unseen("repair_loop", "no repair packet was given");
    }
    let stuck: Vec<String> = loops
        .iter()
        .filter(|one| one.at_operator || one.progress == "no_progress")
        .map(|one| format!("{}: attempt {}, {}", one.subject, one.attempt, one.progress))
        .collect();
    if stuck.is_empty() {
        let words = format!("{}, none at the operator", count(loops.len() as u64, "open loop"));
        return layer("repair_loop", LayerState::Good, vec![words]);
    }
    layer("repair_loop", LayerState::Attention, cut(stuck))
}

fn observability(metrics: Option<&MetricsReport>) -> Layer {
    let Some(metrics) = metrics else { return unseen("observability", "no event log was given") };
    let states = [
        ("first_pass_merge_rate", metrics.first_pass_merge_rate.state),
        ("rebase_conflict_rate", metrics.rebase_conflict_rate.state),
        ("p95_attempts_to_merge", metrics.p95_attempts_to_merge.state),
    ];
    let mut state = LayerState::Good;
    let mut supports = Vec::new();
    for (name, measured) in states {
        let (worse, word) = match measured {
            MetricState::Measured => (LayerState::Good, "measured"),
            MetricState::Undefined => (LayerState::Attention, "undefined"),
            MetricState::Unmeasured => (LayerState::Broken, "unmeasured"),
        };
        state = state.max(worse);
        supports.push(format!("`{name}` is {word}"));
    }
    layer("observability", state, supports)
}

/// What is not green on the forge supports the layer it belongs to: runs carry evidence, statuses stand for gates.
fn add_observation(layers: &mut [Layer], one: &Observation) {
    let (name, worse) = match one.kind {
        Observed::Run => ("transport", LayerState::Attention),
        Observed::Status => ("gates", LayerState::Attention),
        Observed::NoResult => ("evidence", LayerState::Broken),
    };
    let Some(layer) = layers.iter_mut().find(|layer| layer.name == name) else { return };
    if layer.state == LayerState::NotSeen {
        layer.supports.clear();
    }
    layer.state = layer.state.max(worse);
    if layer.supports.len() < SHOWN {
        layer.supports.push(format!("{}: {} is {}", one.subject, one.what, one.state));
    }
}

/// A gap in an area of this name supports the layer; a severe one wants a look.
fn add_gaps(layer: &mut Layer, ledger: &Ledger) {
    let open = ledger.gaps.iter().filter(|gap| !gap.status.is_closed() && gap.area == layer.name);
    let mut gaps: Vec<&Gap> = open.collect();
    gaps.sort_by_key(|gap| gap.severity);
    if layer.state == LayerState::Good && gaps.first().is_some_and(|gap| gap.severity <= Severity::High) {
        layer.state = LayerState::Attention;
    }
    let lines = gaps.iter().map(|gap| format!("gap {}: {}", gap.id, sanitize(&gap.title, 120)));
    layer.supports.extend(cut(lines.collect()));
}

fn gaps_section(ledger: &Ledger) -> GapsSection {
    let closed = ledger.gaps.iter().filter(|gap| gap.status.is_closed()).count() as u64;
    let mut open: Vec<Gap> = ledger.gaps.iter().filter(|gap| !gap.status.is_closed()).cloned().collect();
    open.sort_by(|a, b| (a.severity, &a.id).cmp(&(b.severity, &b.id)));
    GapsSection { closed, open }
}

fn open_loop(one: &Seen) -> Option<OpenLoop> {
    let packet = one.packet.as_ref().filter(|packet| !packet.entries.is_empty())?;
    let progress = match packet.progress {
        Progress::First => "first",
        Progress::Progress => "progress",
        Progress::NoProgress => "no_progress",
        Progress::Unknown => "unknown",
    };
    let blockers = packet
        .entries
        .iter()
        .map(|entry| format!("{} ({}): {}", entry.source.gate, entry.owner.as_str(), entry.reason))
        .collect();
    Some(OpenLoop {
        subject: one.subject(),
        head: packet.target_sha.as_str().to_owned(),
        verdict: packet.verdict.as_str().to_owned(),
        attempt: packet.attempt,
        progress: progress.to_owned(),
        blockers: cut(blockers),
        at_operator: packet.entries.iter().any(|entry| entry.owner == Owner::Operator),
    })
}

fn row(one: &Seen, evidence: &EvidenceReport) -> EvidenceRow {
    let detail = evidence.faults.iter().map(|fault| sanitize(&fault.detail, 200)).collect::<Vec<_>>();
    let state = match evidence.state {
        crate::evidence::State::Present => evidence.faults.first().map_or("present", |f| f.code.as_str()),
        state => state.as_str(),
    };
    EvidenceRow {
        subject: one.subject(),
        evidence: evidence.id.to_string(),
        state: state.to_owned(),
        detail: detail.join("; "),
    }
}

fn artifact(one: &Seen, evidence: &EvidenceReport) -> ArtifactRow {
    ArtifactRow {
        subject: one.subject(),
        artifact: sanitize(evidence.artifact.as_str(), 120),
        evidence: evidence.id.to_string(),
        counted: true,
        tool: evidence.tool.as_ref().map(|tool| sanitize(tool, 60)),
        age_seconds: evidence.age_seconds,
    }
}

/// What only a person can do: what got through first, then decisions, rates that turned, and the gaps that are next.
fn next_actions(
    gaps: Option<&GapsSection>,
    seen: &[Seen],
    audits: &[Audit],
    metrics: Option<&MetricsReport>,
) -> Vec<NextAction> {
    let mut actions = audit::next_actions(audits);
    for one in seen {
        let entries = one.packet.iter().flat_map(|packet| &packet.entries);
        for entry in entries.filter(|entry| entry.owner == Owner::Operator) {
            actions.push(NextAction {
                what: entry.action.summary.clone(),
                because: format!("{}: {}", one.subject(), entry.reason),
            });
        }
        let waits = one.report.gates.iter().filter(|gate| gate.outcome == Outcome::NeedsHuman);
        if one.packet.is_none() {
            actions.extend(waits.map(|gate| NextAction {
                what: format!("decide gate `{}`", gate.id),
                because: format!("{}: {}", one.subject(), gate.observed),
            }));
        }
    }
    if let Some(metrics) = metrics {
        let rates = [
            (&metrics.first_pass_merge_rate, RollState::Untrusted, "first_pass_merge_rate"),
            (&metrics.rebase_conflict_rate, RollState::Tightened, "rebase_conflict_rate"),
        ];
        for (rate, alarm, name) in rates {
            if rate.state == MetricState::Measured && rate.roll_state == alarm {
                actions.push(NextAction {
                    what: format!("find out why `{name}` is {}", alarm.as_str()),
                    because: crate::metrics::rate_words(rate),
                });
            }
        }
    }
    let pressing = |gap: &&Gap| gap.severity <= Severity::High || gap.status == Status::Next;
    for gap in gaps.iter().flat_map(|gaps| &gaps.open).filter(pressing).take(20) {
        actions.push(NextAction {
            what: sanitize(&gap.next_action, 400),
            because: format!("gap {} ({}): {}", gap.id, gap.severity.as_str(), sanitize(&gap.title, 200)),
        });
    }
    actions
}

fn cut(mut lines: Vec<String>) -> Vec<String> {
    let more = lines.len().saturating_sub(SHOWN);
    if more > 0 {
        lines.truncate(SHOWN);
        lines.push(format!("and {}", count(more as u64, "other")));
    }
    lines
}
