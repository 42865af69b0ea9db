//! `summary.md`: the verdict first, then gates, blockers with what to do, evidence, waivers and what was not judged.

use std::fmt::Write as _;

use crate::model::{Outcome, Verdict, count};
use crate::repair::{AcceptanceHead, RepairPacket};
use crate::report::{EvidenceReport, GateReport, GateSection};

use super::alike::{Alike, join};
use super::escape::{markdown_code, markdown_fence, markdown_line};

/// Rows of a table or entries of a list before the rest is counted.
const SHOWN: usize = 50;

/// Rows for gates that passed: beyond these nobody reads on.
const SHOWN_PASSED: usize = 20;

/// Quotes shown per blocker.
const QUOTES: usize = 6;

/// Paths shown per blocker.
const PATHS: usize = 5;

/// The summary of a report and its packet.
pub fn render(report: &GateReport, packet: Option<&RepairPacket>) -> String {
    let mut out = String::new();
    headline(report, &mut out);
    gates(report, &mut out);
    if let Some(packet) = packet {
        blockers(packet, &mut out);
    }
    evidence(report, &mut out);
    cleared(report, &mut out);
    waivers(report, &mut out);
    not_judged(report, &mut out);
    proposal(report, &mut out);
    footer(report, &mut out);
    out
}

fn headline(report: &GateReport, out: &mut String) {
    let Some(verdict) = report.verdict else {
        out.push_str("# ✖ No verdict was produced\n\n");
        if let Some(error) = &report.error {
            // The first line says what did not happen, as the headline does.
            for line in error.lines.iter().skip(1) {
                let _ = writeln!(out, "- {}", markdown_line(line));
            }
            out.push('\n');
            for hint in &error.hints {
                let _ = writeln!(out, "Hint: {}\n", markdown_line(hint));
            }
        }
        return;
    };
    let _ = writeln!(out, "# {} {}\n", mark(verdict), headline_words(report, verdict));
    let head = report.target.target_sha.as_ref().map_or("unknown", crate::model::CommitSha::as_str);
    let mut what = format!("Head `{head}`");
    if let Some(repo) = &report.target.repo {
        let _ = write!(what, " of `{repo}`");
    }
    if let Some(pull) = report.target.pull_request {
        let _ = write!(what, ", pull request {pull}");
    }
    if let Some(policy) = &report.policy {
        let path = policy.path.as_ref().map(|path| format!(" `{path}`")).unwrap_or_default();
        let _ = write!(what, ", policy {}{path}", policy.origin);
    }
    let _ = writeln!(out, "{}.\n", markdown_line(&what));
}

fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "✔",
        Verdict::NeedsHuman => "!",
        Verdict::Blocked => "✖",
        Verdict::Unmeasured => "?",
    }
}

fn headline_words(report: &GateReport, verdict: Verdict) -> String {
    let with =
        |outcome| report.gates.iter().filter(|gate| gate.enforced && gate.outcome == outcome).count() as u64;
    let total = count(report.gates.len() as u64, "gate");
    match verdict {
        Verdict::Pass => format!("pass: {} of {total} passed", with(Outcome::Pass)),
        Verdict::Blocked => format!("blocked: {} of {total} failed", with(Outcome::Fail)),
        Verdict::NeedsHuman => {
            let number = with(Outcome::NeedsHuman);
            let verb = if number == 1 { "wants" } else { "want" };
            format!("needs\\_human: {number} of {total} {verb} a person")
        }
        Verdict::Unmeasured => {
            format!("unmeasured: {} of {total} could not be judged", with(Outcome::Unmeasured))
        }
    }
}

fn gates(report: &GateReport, out: &mut String) {
    if report.gates.is_empty() {
        return;
    }
    out.push_str("| gate | outcome | observed | threshold |\n|---|---|---|---|\n");
    // What does not pass stands first, then what passes by a waiver, so that sixty gates read as quickly as three.
    let (passed, mut others): (Vec<&GateSection>, Vec<&GateSection>) =
        report.gates.iter().partition(|gate| gate.outcome == Outcome::Pass && gate.waived.is_empty());
    others.sort_by_key(|gate| (gate.outcome == Outcome::Pass, !gate.enforced));
    // Which gates did not pass is never cut.
    for gate in others.iter().chain(passed.iter().take(SHOWN_PASSED)) {
        gate_row(gate, out);
    }
    if passed.len() > SHOWN_PASSED {
        let rest = count((passed.len() - SHOWN_PASSED) as u64, "more gate");
        let _ = writeln!(out, "\n… and {rest} that passed, in `gate_report.json`.");
    }
    out.push('\n');
}

fn gate_row(gate: &GateSection, out: &mut String) {
    let advisory = if gate.enforced { "" } else { " (advisory)" };
    let waived = match gate.waived.len() {
        0 => String::new(),
        some => format!(" ({some} waived)"),
    };
    let id = format!("`{}`", gate.id);
    let title = if gate.title == gate.id.as_str() { id } else { format!("{} ({id})", gate.title) };
    let _ = writeln!(
        out,
        "| {} | {}{waived}{advisory} | {} | {} |",
        markdown_line(&title),
        outcome_words(gate.outcome),
        markdown_line(&gate.observed),
        if gate.threshold.is_empty() { "–".to_owned() } else { markdown_line(&gate.threshold) }
    );
}

fn outcome_words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "✔ pass",
        Outcome::Fail => "✖ **fail**",
        Outcome::NeedsHuman => "! **needs\\_human**",
        Outcome::Unmeasured => "? **unmeasured**",
        Outcome::Skipped => "– skipped",
    }
}

fn cut(total: usize, one: &str, many: &str, out: &mut String) {
    if total > SHOWN {
        let rest = total - SHOWN;
        let noun = if rest == 1 { one } else { many };
        let _ = writeln!(out, "\n… and {rest} more {noun}, in `gate_report.json`.");
    }
}

fn blockers(packet: &RepairPacket, out: &mut String) {
    if packet.entries.is_empty() {
        return;
    }
    out.push_str("## What to do\n\n");
    if let Some(words) = super::standing::standing(packet) {
        let _ = writeln!(out, "{}.\n", markdown_line(&words));
    }
    let joined = join(&packet.entries);
    for (index, alike) in joined.iter().take(SHOWN).enumerate() {
        blocker(index + 1, alike, out);
    }
    cut(joined.len(), "thing to do", "things to do", out);
    if packet.omitted > 0 {
        let _ = writeln!(out, "\n… and {}, in `gate_report.json`.", count(packet.omitted, "more blocker"));
    }
}

fn blocker(number: usize, alike: &Alike<'_>, out: &mut String) {
    let entry = alike.first;
    let advisory = if entry.enforced { "" } else { ", advisory" };
    let _ = writeln!(
        out,
        "{number}. **{}** (`{}` in {}, {}{advisory})",
        markdown_line(&entry.reason),
        entry.source.code.as_str(),
        alike.gates(),
        alike.keys("`")
    );
    let _ = writeln!(
        out,
        "   - **{}**: {} (`{}`)",
        entry.owner.as_str(),
        markdown_line(&entry.action.summary),
        entry.action.kind.as_str()
    );
    if !entry.action.command.is_empty() {
        let command = entry.action.command.join(" ").replace('`', "'");
        let _ = writeln!(out, "   - command: `{command}`");
    }
    if !entry.action.paths.is_empty() {
        let paths: Vec<String> =
            entry.action.paths.iter().map(|path| format!("`{}`", path.replace('`', "'"))).collect();
        let _ = writeln!(out, "   - look at: {}", crate::model::cut_list(&paths, PATHS));
    }
    let head = match entry.acceptance.head {
        AcceptanceHead::Same => "this head",
        AcceptanceHead::Next => "the head that carries the fix",
    };
    let _ = writeln!(
        out,
        "   - accepted when {} no `{}` for {head}",
        if alike.several() { "they show".to_owned() } else { format!("`{}` shows", entry.acceptance.gate) },
        entry.acceptance.check.as_str()
    );
    if !entry.untrusted.is_empty() {
        let mut lines: Vec<String> = entry
            .untrusted
            .iter()
            .take(QUOTES)
            .map(|quote| format!("{}: {}", quote.label, quote.text))
            .collect();
        if entry.untrusted.len() > QUOTES {
            lines.push(format!("… and {} more", entry.untrusted.len() - QUOTES));
        }
        out.push_str("   - quoted from the evidence, not instructions:\n\n");
        for line in markdown_fence(&lines).lines() {
            let _ = writeln!(out, "     {line}");
        }
    }
    out.push('\n');
}

fn evidence(report: &GateReport, out: &mut String) {
    if report.evidence.is_empty() {
        return;
    }
    out.push_str("## Evidence\n\n| evidence | state | file | sha256 | bound by |\n|---|---|---|---|---|\n");
    for item in report.evidence.iter().take(SHOWN) {
        let _ = writeln!(
            out,
            "| `{}` | {} | {} | {} | {} |",
            item.id,
            item.state.as_str(),
            markdown_line(&file_words(item)),
            item.sha256.as_ref().map_or_else(
                || "–".to_owned(),
                |digest| format!("`{}`", &digest.hex().get(..16).unwrap_or(""))
            ),
            markdown_line(&binding_words(item))
        );
    }
    cut(report.evidence.len(), "piece of evidence", "pieces of evidence", out);
    out.push('\n');
    let with_notes: Vec<_> = report.evidence.iter().filter(|item| !item.notes.is_empty()).collect();
    for item in with_notes.iter().take(SHOWN) {
        for note in item.notes.iter().take(3) {
            let _ = writeln!(out, "- `{}`: {}", item.id, markdown_line(note));
        }
    }
    if !with_notes.is_empty() {
        out.push('\n');
    }
}

fn file_words(item: &EvidenceReport) -> String {
    let name = crate::model::sanitize(item.artifact.as_str(), 80);
    match &item.path {
        Some(path) => format!("`{}` in `{name}`", crate::model::sanitize(path, 80)),
        None => format!("`{name}`"),
    }
}

fn binding_words(item: &EvidenceReport) -> String {
    if item.bindings.is_empty() {
        return "nothing".to_owned();
    }
    item.bindings.iter().map(|binding| binding.as_str().replace('_', " ")).collect::<Vec<_>>().join(", ")
}

fn cleared(report: &GateReport, out: &mut String) {
    let all: Vec<_> =
        report.gates.iter().flat_map(|gate| gate.cleared.iter().map(move |one| (gate, one))).collect();
    if all.is_empty() {
        return;
    }
    out.push_str("## Cleared by a person\n\n");
    for (gate, one) in all.iter().take(SHOWN) {
        let _ = writeln!(
            out,
            "- gate `{}`: `{}` by `{}` in review {}: {}",
            gate.id,
            one.code.as_str(),
            one.by.replace('`', "'"),
            one.review,
            markdown_line(&one.reason)
        );
    }
    cut(all.len(), "clearance", "clearances", out);
    out.push('\n');
}

fn waivers(report: &GateReport, out: &mut String) {
    let waived: Vec<_> =
        report.gates.iter().flat_map(|gate| gate.waived.iter().map(move |one| (gate, one))).collect();
    if waived.is_empty() && report.unmatched_waivers.is_empty() {
        return;
    }
    out.push_str("## Waivers\n\n");
    for (gate, one) in waived.iter().take(SHOWN) {
        let _ = writeln!(
            out,
            "- gate `{}`: `{}` accepted until {}: {} ({})",
            gate.id,
            one.code.as_str(),
            one.expires,
            markdown_line(&one.waiver),
            markdown_line(&one.reason)
        );
    }
    for one in report.unmatched_waivers.iter().take(SHOWN) {
        let why =
            if one.expired { "expired, accepts nothing" } else { "unmatched: there is nothing it accepts" };
        let _ = writeln!(
            out,
            "- `{}` until {}: {why}: {}",
            one.code.as_str(),
            one.expires,
            markdown_line(&one.waiver)
        );
    }
    cut(waived.len().max(report.unmatched_waivers.len()), "waiver", "waivers", out);
    out.push('\n');
}

fn not_judged(report: &GateReport, out: &mut String) {
    let skips: Vec<_> =
        report.gates.iter().flat_map(|gate| gate.skipped.iter().map(move |why| (&gate.id, why))).collect();
    let gate_notes: Vec<_> =
        report.gates.iter().flat_map(|gate| gate.notes.iter().map(move |note| (&gate.id, note))).collect();
    if skips.is_empty() && gate_notes.is_empty() && report.notes.is_empty() {
        return;
    }
    out.push_str("## Not judged, and notes\n\n");
    for (gate, why) in skips.iter().take(SHOWN) {
        let _ = writeln!(out, "- gate `{gate}`: skipped: {}", markdown_line(why));
    }
    for (gate, note) in gate_notes.iter().take(SHOWN) {
        let _ = writeln!(out, "- gate `{gate}`: {}", markdown_line(note));
    }
    for note in report.notes.iter().take(SHOWN) {
        let _ = writeln!(out, "- {}", markdown_line(note));
    }
    cut(skips.len().max(report.notes.len()), "line", "lines", out);
    out.push('\n');
}

fn proposal(report: &GateReport, out: &mut String) {
    if let Some(policy) = &report.proposed_policy {
        let _ = writeln!(
            out,
            "## A policy for what was seen\n\nCommit this as `{}` on the base branch, then adjust it:\n",
            crate::policy::DEFAULT_PATH
        );
        out.push_str(&markdown_code("toml", policy));
        out.push('\n');
    }
}

fn footer(report: &GateReport, out: &mut String) {
    let agents = match report.verdict {
        Some(_) => "; agents act on `repair_instruction.json`",
        None => "; there is no `repair_instruction.json`",
    };
    let _ = writeln!(
        out,
        "{} {}, judged for {}. The whole of it is in `gate_report.json`{agents}.",
        report.tool.name, report.tool.version, report.evaluated_at
    );
}
