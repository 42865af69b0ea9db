//! Review lanes and runtime repairs as text for a terminal or a log.

use std::fmt::Write as _;

use crate::gate::review_quorum::ReviewQuorum;
use crate::gate::runtime_repair::RuntimeRepair;

/// Each lane on a line: name, state, what is to be done, why; then who is still wanted.
pub fn lanes(quorum: &ReviewQuorum) -> String {
    let mut out = String::new();
    let width = quorum.lanes.iter().map(|lane| lane.name.len()).max().unwrap_or(0).min(40);
    for lane in &quorum.lanes {
        let _ = writeln!(
            out,
            "  {:<width$}  {:<17}  {:<19}  {} ({})",
            lane.name,
            lane.state.as_str(),
            lane.next_action.as_str(),
            lane.detail,
            lane.class.as_str()
        );
    }
    let _ = writeln!(out, "  {}", quorum.summary);
    out
}

/// The evidence by its axes, every reason, and the verdict last.
pub fn runtime_repair(repair: &RuntimeRepair) -> String {
    let mut out = String::new();
    for axes in &repair.evidence {
        let _ = writeln!(out, "  {}", axes.words());
    }
    for reason in &repair.reasons {
        let _ = writeln!(out, "  {}: {}", reason.code.as_str(), reason.text);
        let _ = writeln!(out, "    hint: {}", reason.code.info().remedy);
    }
    for note in &repair.notes {
        let _ = writeln!(out, "  note: {note}");
    }
    let _ = writeln!(out, "\nverdict: {} for class `{}`", repair.verdict.as_str(), repair.repair_class);
    out
}
