//! Why a gate in a report decided as it did: observed, threshold, evidence, blockers, waivers, as text.

use std::fmt::Write as _;

use crate::report::{EvidenceReport, GateReport, GateSection};

/// The explanation of one gate.
pub fn explain_gate(report: &GateReport, gate: &GateSection) -> String {
    let mut out = String::new();
    let enforced = if gate.enforced { "counts towards the verdict" } else { "is advisory" };
    let _ =
        writeln!(out, "gate `{}` of kind `{}`: {}; it {enforced}", gate.id, gate.kind, gate.outcome.as_str());
    if gate.title != gate.id.as_str() {
        let _ = writeln!(out, "  title:     {}", gate.title);
    }
    let _ = writeln!(out, "  observed:  {}", gate.observed);
    let _ = writeln!(out, "  threshold: {}", gate.threshold);
    for id in &gate.evidence {
        match report.evidence.iter().find(|item| &item.id == id) {
            Some(item) => evidence(item, &mut out),
            None => {
                let _ = writeln!(out, "  evidence `{id}`: not in the report");
            }
        }
    }
    for blocker in &gate.blockers {
        let _ = writeln!(out, "  blocker {}: {}", blocker.code.as_str(), blocker.reason);
        for quote in &blocker.untrusted {
            let _ = writeln!(out, "    | {}: {}", quote.label, quote.text);
        }
        let _ = writeln!(out, "    {}", blocker.code.info().meaning);
        let _ = writeln!(out, "    repair entry {}", blocker.key);
    }
    for waived in &gate.waived {
        let _ = writeln!(
            out,
            "  waived until {}: {} {} ({})",
            waived.expires,
            waived.code.as_str(),
            waived.reason,
            waived.waiver
        );
    }
    for why in &gate.skipped {
        let _ = writeln!(out, "  skipped: {why}");
    }
    out
}

fn evidence(item: &EvidenceReport, out: &mut String) {
    let path = item.path.as_deref().map(|path| crate::model::sanitize(path, 100));
    let _ = writeln!(
        out,
        "  evidence `{}`: {}, `{}` in artifact `{}`",
        item.id,
        item.state.as_str(),
        path.as_deref().unwrap_or("?"),
        crate::model::sanitize(item.artifact.as_str(), 100)
    );
    if let Some(digest) = &item.sha256 {
        let _ = writeln!(out, "    {digest}, {} bytes", item.bytes.unwrap_or(0));
    }
    if let Some(tool) = &item.tool {
        let version = item.tool_version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
        let _ = writeln!(out, "    tool {tool}{version}");
    }
    let bindings: Vec<_> = item.bindings.iter().map(|binding| binding.as_str()).collect();
    let _ = writeln!(
        out,
        "    bound by {}",
        if bindings.is_empty() { "nothing".to_owned() } else { bindings.join(", ") }
    );
    for fault in &item.faults {
        let _ = writeln!(out, "    fault {}: {}", fault.code.as_str(), fault.detail);
    }
    for note in &item.notes {
        let _ = writeln!(out, "    note: {note}");
    }
}
