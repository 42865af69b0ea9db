//! One judgement as OpenMetrics 1.0 text. What was not measured has no sample, never a 0.

use std::fmt::Write as _;

use crate::model::{Outcome, Verdict};
use crate::report::GateReport;

/// The report as an exposition.
pub fn render(report: &GateReport) -> String {
    let mut out = String::new();
    head(&mut out, "patchwarden_verdict", "stateset", "The verdict of the judgement.");
    if let Some(verdict) = report.verdict {
        for one in [Verdict::Pass, Verdict::NeedsHuman, Verdict::Blocked, Verdict::Unmeasured] {
            let on = u8::from(one == verdict);
            let _ = writeln!(out, "patchwarden_verdict{{patchwarden_verdict=\"{}\"}} {on}", one.as_str());
        }
    }
    head(&mut out, "patchwarden_gate_outcome", "gauge", "1 for the outcome a gate has.");
    for gate in &report.gates {
        let _ = writeln!(
            out,
            "patchwarden_gate_outcome{{gate=\"{}\",kind=\"{}\",outcome=\"{}\",enforced=\"{}\"}} 1",
            escape(gate.id.as_str()),
            escape(&gate.kind),
            gate.outcome.as_str(),
            gate.enforced
        );
    }
    head(&mut out, "patchwarden_gates", "gauge", "Gates by outcome.");
    // Without a verdict no gate was judged: there is nothing to count.
    if report.verdict.is_some() {
        for outcome in
            [Outcome::Pass, Outcome::Fail, Outcome::NeedsHuman, Outcome::Unmeasured, Outcome::Skipped]
        {
            let number = report.gates.iter().filter(|gate| gate.outcome == outcome).count();
            let _ = writeln!(out, "patchwarden_gates{{outcome=\"{}\"}} {number}", outcome.as_str());
        }
    }
    head(&mut out, "patchwarden_blockers", "gauge", "Blockers of a gate.");
    for gate in &report.gates {
        let _ = writeln!(
            out,
            "patchwarden_blockers{{gate=\"{}\"}} {}",
            escape(gate.id.as_str()),
            gate.blockers.len()
        );
    }
    head(&mut out, "patchwarden_waived", "gauge", "Blockers that waivers accept.");
    let waived: usize = report.gates.iter().map(|gate| gate.waived.len()).sum();
    if report.verdict.is_some() {
        let _ = writeln!(out, "patchwarden_waived {waived}");
    }
    head(&mut out, "patchwarden_evidence_age_seconds", "gauge", "Age of a piece of evidence.");
    for item in &report.evidence {
        if let Some(age) = item.age_seconds {
            let _ = writeln!(
                out,
                "patchwarden_evidence_age_seconds{{evidence=\"{}\"}} {age}",
                escape(item.id.as_str())
            );
        }
    }
    head(
        &mut out,
        "patchwarden_evaluated_timestamp_seconds",
        "gauge",
        "The time the judgement was made for.",
    );
    let _ = writeln!(out, "patchwarden_evaluated_timestamp_seconds {}", report.evaluated_at.unix());
    out.push_str("# EOF\n");
    out
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# TYPE {name} {kind}");
    if let Some(unit) = name.strip_suffix("_seconds").map(|_| "seconds") {
        let _ = writeln!(out, "# UNIT {name} {unit}");
    }
    let _ = writeln!(out, "# HELP {name} {help}");
}

/// Label values: backslash, quote and line feed (OpenMetrics 1.0 section 4.1.5).
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
