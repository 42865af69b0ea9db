//! The gates as JUnit, one test case a gate: for dashboards that show tests and nothing else.
//! Refused is a failure, unseen and a wanted person are errors of their own type, skipped says why.

use std::fmt::Write as _;

use crate::model::{Outcome, count};
use crate::report::{GateReport, GateSection};

/// The report as JUnit XML.
pub fn render(report: &GateReport) -> String {
    let number = |outcomes: &[Outcome]| {
        report.gates.iter().filter(|gate| counts(gate) && outcomes.contains(&gate.outcome)).count()
    };
    let failures = number(&[Outcome::Fail]);
    // A report without a verdict is an error even where no gate is left to say so.
    let errors = number(&[Outcome::Unmeasured, Outcome::NeedsHuman]) + usize::from(report.verdict.is_none());
    let skipped =
        report.gates.iter().filter(|gate| !counts(gate) || gate.outcome == Outcome::Skipped).count();
    let tests = report.gates.len() + usize::from(report.verdict.is_none());
    let at = report.evaluated_at.to_string();
    let numbers = format!(
        "tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\" time=\"0\""
    );
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(out, "<testsuites name=\"patchwarden\" {numbers}>");
    let _ = writeln!(
        out,
        "  <testsuite name=\"patchwarden\" {numbers} timestamp=\"{}\">",
        escape(at.trim_end_matches('Z'))
    );
    properties(report, &mut out);
    for gate in &report.gates {
        case(gate, &mut out);
    }
    if let (None, Some(error)) = (report.verdict, &report.error) {
        let words = error.lines.join("\n");
        let _ = writeln!(
            out,
            "    <testcase classname=\"patchwarden\" name=\"verdict\" time=\"0\">\n      <error type=\"no_verdict\" message=\"no verdict was produced\">{}</error>\n    </testcase>",
            escape(&words)
        );
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

/// Whether the gate may turn the suite red: an advisory one is shown as skipped.
fn counts(gate: &GateSection) -> bool {
    gate.enforced || matches!(gate.outcome, Outcome::Pass | Outcome::Skipped)
}

fn properties(report: &GateReport, out: &mut String) {
    let verdict = report.verdict.map_or("none", crate::model::Verdict::as_str);
    let head = report.target.target_sha.as_ref().map_or("", crate::model::CommitSha::as_str);
    let policy = report.policy.as_ref().map_or(String::new(), |policy| policy.sha256.to_string());
    out.push_str("    <properties>\n");
    for (name, value) in [("verdict", verdict), ("target_sha", head), ("policy_sha256", policy.as_str())] {
        let _ = writeln!(out, "      <property name=\"{name}\" value=\"{}\"/>", escape(value));
    }
    out.push_str("    </properties>\n");
}

fn case(gate: &GateSection, out: &mut String) {
    let name = format!(
        "classname=\"patchwarden.{}\" name=\"{}\" time=\"0\"",
        escape(&gate.kind),
        escape(gate.id.as_str())
    );
    let blockers: Vec<String> =
        gate.blockers.iter().map(|one| format!("{}: {}", one.code.as_str(), one.reason)).collect();
    let what = match gate.outcome {
        Outcome::Pass => {
            let _ = writeln!(out, "    <testcase {name}/>");
            return;
        }
        Outcome::Skipped => format!("<skipped message=\"{}\"/>", escape(&gate.skipped.join("; "))),
        _ if !gate.enforced => {
            format!("<skipped message=\"{}\"/>", escape(&format!("advisory: {}", blockers.join("; "))))
        }
        Outcome::Fail => element("failure", "blocked", &blockers),
        Outcome::Unmeasured => element("error", "unmeasured", &blockers),
        Outcome::NeedsHuman => element("error", "needs_human", &blockers),
    };
    let _ = writeln!(out, "    <testcase {name}>\n      {what}\n    </testcase>");
}

fn element(name: &str, kind: &str, blockers: &[String]) -> String {
    let message = count(blockers.len() as u64, "blocker");
    format!("<{name} type=\"{kind}\" message=\"{message}\">{}</{name}>", escape(&blockers.join("\n")))
}

/// Text and attribute values of XML 1.0; what XML cannot hold at all becomes a question mark.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\n' => out.push_str("&#10;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('?'),
            c => out.push(c),
        }
    }
    out
}
