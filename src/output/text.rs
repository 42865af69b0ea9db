//! The result for a terminal or a log. Foreign words never begin a line, so no workflow command can be smuggled in.

use std::fmt::Write as _;

use crate::model::{Outcome, Verdict, count};
use crate::repair::{AcceptanceHead, RepairPacket};
use crate::report::GateReport;

use super::alike::{Alike, join};

/// Blockers shown before the rest is counted; every gate they belong to is still named below them.
const SHOWN: usize = 20;

/// Gates shown that passed, before the rest is counted.
const SHOWN_PASSED: usize = 20;

/// The result as text: what did not pass first, one line each, then how it ends.
pub fn render(report: &GateReport, packet: Option<&RepairPacket>) -> String {
    let mut out = String::new();
    let Some(verdict) = report.verdict else {
        out.push_str("no verdict was produced\n");
        return out;
    };
    let entries = packet.map(|packet| packet.entries.as_slice()).unwrap_or_default();
    let joined = join(entries);
    for alike in joined.iter().take(SHOWN) {
        blocker(alike, &mut out);
    }
    if joined.len() > SHOWN {
        let _ = writeln!(out, "… and {}", count((joined.len() - SHOWN) as u64, "other blocker"));
    }
    if !entries.is_empty() {
        out.push('\n');
    }
    let width = report.gates.iter().map(|gate| gate.id.as_str().len()).max().unwrap_or(0).min(40);
    let mut passed = 0;
    for gate in &report.gates {
        if gate.outcome == Outcome::Pass && gate.waived.is_empty() && gate.skipped.is_empty() {
            passed += 1;
            if passed > SHOWN_PASSED {
                continue;
            }
        }
        let advisory = if gate.enforced { "" } else { " (advisory)" };
        let _ = writeln!(
            out,
            "  {:<11} {:<width$}  {}{advisory}",
            gate.outcome.as_str(),
            gate.id.as_str(),
            gate.observed
        );
        for why in &gate.skipped {
            let _ = writeln!(out, "              skipped: {why}");
        }
        for cleared in &gate.cleared {
            let _ = writeln!(
                out,
                "              cleared by `{}` in review {}: {} ({})",
                cleared.by,
                cleared.review,
                cleared.reason,
                cleared.code.as_str()
            );
        }
        for note in &gate.notes {
            let _ = writeln!(out, "              note: {note}");
        }
        for waived in &gate.waived {
            let _ = writeln!(
                out,
                "              waived until {}: {} ({})",
                waived.expires, waived.reason, waived.waiver
            );
        }
    }
    if passed > SHOWN_PASSED {
        let rest = count((passed - SHOWN_PASSED) as u64, "other gate");
        let _ = writeln!(out, "  … and {rest} passed");
    }
    for waiver in &report.unmatched_waivers {
        let why = if waiver.expired { "expired" } else { "unmatched" };
        let _ = writeln!(out, "  waiver of {} is {why}: {}", waiver.code.as_str(), waiver.waiver);
    }
    for note in &report.notes {
        let _ = writeln!(out, "  note: {note}");
    }
    if let Some(words) = packet.and_then(super::standing::standing) {
        let _ = writeln!(out, "  note: {words}");
    }
    let _ = writeln!(out, "\nverdict: {}{}", verdict.as_str(), head_words(report));
    out
}

fn head_words(report: &GateReport) -> String {
    report.target.target_sha.as_ref().map(|sha| format!(" for {sha}")).unwrap_or_default()
}

fn blocker(alike: &Alike<'_>, out: &mut String) {
    let entry = alike.first;
    let (word, verb) = match entry.source.code.info().outcome {
        Outcome::NeedsHuman if alike.several() => (Verdict::NeedsHuman.as_str(), "need a person"),
        Outcome::NeedsHuman => (Verdict::NeedsHuman.as_str(), "needs a person"),
        Outcome::Unmeasured => (Verdict::Unmeasured.as_str(), "could not be judged"),
        _ => (Verdict::Blocked.as_str(), "failed"),
    };
    let word = if entry.enforced { word } else { "advisory" };
    let _ =
        writeln!(out, "{word}: {} {verb}: {} ({})", alike.gates(), entry.reason, entry.source.code.as_str());
    for quote in entry.untrusted.iter().take(5) {
        let _ = writeln!(out, "    | {}: {}", quote.label, quote.text);
    }
    if entry.untrusted.len() > 5 {
        let _ = writeln!(out, "    | … and {}", count(entry.untrusted.len() as u64 - 5, "other quote"));
    }
    let head = match entry.acceptance.head {
        AcceptanceHead::Same => "this head",
        AcceptanceHead::Next => "the new head",
    };
    let command = if entry.action.command.is_empty() {
        String::new()
    } else {
        format!(" (command: `{}`)", entry.action.command.join(" "))
    };
    let _ = writeln!(
        out,
        "hint: {}{command}; accepted when {} no {} for {head} ({})",
        entry.action.summary,
        if alike.several() { "they show".to_owned() } else { format!("`{}` shows", entry.acceptance.gate) },
        entry.acceptance.check.as_str(),
        alike.keys("")
    );
}
