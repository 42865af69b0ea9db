//! The digest as Markdown: what changed and what wants a person, then tables. Always under 64 KB: long tables are cut,
//! and the rest is in the files beside it.

use std::fmt::Write as _;

use super::document::{EvidenceDigest, RuleLine, Spread, Trend};
use super::row::RepositoryState;
use crate::model::{count, sanitize};
use crate::output::markdown_line;

/// A comment of 64 KB is the longest the server takes for sure; a marker stands before it.
pub(super) const MAX_BYTES: usize = 60_000;
/// Lines of a table, tried from the longest.
const CUTS: [usize; 6] = [60, 30, 15, 8, 3, 0];

/// The digest as Markdown, of at most `MAX_BYTES`.
pub fn render(digest: &EvidenceDigest) -> String {
    let mut text = String::new();
    for cut in CUTS {
        text = with_tables(digest, cut);
        if text.len() <= MAX_BYTES {
            break;
        }
    }
    text
}

fn with_tables(digest: &EvidenceDigest, cut: usize) -> String {
    let mut out = Page { out: String::new(), cut };
    head(digest, &mut out);
    changes(digest, &mut out);
    attention(digest, &mut out);
    findings(digest, &mut out);
    repositories(digest, &mut out);
    tools(digest, &mut out);
    gates(digest, &mut out);
    unread(digest, &mut out);
    out.out
}

struct Page {
    out: String,
    cut: usize,
}

impl Page {
    fn line(&mut self, text: &str) {
        self.out.push_str(&markdown_line(text));
        self.out.push('\n');
    }

    fn heading(&mut self, text: &str) {
        let _ = write!(self.out, "\n## {text}\n\n");
    }

    /// A list, cut.
    fn list(&mut self, items: &[String]) {
        for item in items.iter().take(self.cut) {
            let _ = writeln!(self.out, "- {}", markdown_line(item));
        }
        self.rest(items.len());
    }

    /// A table, cut; nothing where it has no rows.
    fn table(&mut self, head: &[&str], rows: &[Vec<String>]) {
        if rows.is_empty() {
            return;
        }
        let _ = writeln!(self.out, "| {} |", head.join(" | "));
        let _ = writeln!(self.out, "|{}", "---|".repeat(head.len()));
        for row in rows.iter().take(self.cut) {
            let cells: Vec<String> = row.iter().map(|cell| markdown_line(cell)).collect();
            let _ = writeln!(self.out, "| {} |", cells.join(" | "));
        }
        self.rest(rows.len());
    }

    fn rest(&mut self, all: usize) {
        if all > self.cut {
            let rest = count((all - self.cut) as u64, "other");
            let _ = writeln!(self.out, "\n… and {rest} in the `.json` beside this.");
        }
    }
}

/// A name as code; `what` where there is none.
fn code(name: &str, what: &str) -> String {
    if name.is_empty() { what.to_owned() } else { format!("`{}`", sanitize(name, 120)) }
}

fn head(digest: &EvidenceDigest, out: &mut Page) {
    let totals = &digest.totals;
    let _ = writeln!(out.out, "# Evidence digest {}\n", digest.week);
    out.line(&format!(
        "{} of {} active, {} ({} failed), {}, {} ({}, {}, {}).",
        totals.active_repositories,
        plural(totals.repositories, "repository", "repositories"),
        count(totals.runs, "run"),
        totals.failed_runs,
        count(totals.reports, "report"),
        plural(totals.findings, "finding", "findings"),
        count(totals.errors, "error"),
        count(totals.warnings, "warning"),
        count(totals.notes, "note"),
    ));
    let judged =
        totals.passed + totals.blocked + totals.needs_human + totals.unmeasured + totals.without_verdict;
    if judged > 0 {
        out.line(&format!(
            "{}: {} passed, {} blocked, {} for a person, {} unmeasured, {} without a verdict.",
            count(judged, "judgement"),
            totals.passed,
            totals.blocked,
            totals.needs_human,
            totals.unmeasured,
            totals.without_verdict
        ));
    }
    let unreadable = digest
        .repositories
        .iter()
        .filter(|one| !matches!(one.state, RepositoryState::Read | RepositoryState::Renamed))
        .count() as u64;
    if totals.unread + unreadable > 0 {
        out.line(&format!(
            "Not counted, because it could not be read: {} and all or part of {}; see the end.",
            count(totals.unread, "file"),
            plural(unreadable, "repository", "repositories")
        ));
    }
}

fn changes(digest: &EvidenceDigest, out: &mut Page) {
    out.heading("What changed");
    let mut items = Vec::new();
    for (trend, words) in [
        (Trend::New, "new"),
        (Trend::Up, "up"),
        (Trend::Gone, "gone"),
        (Trend::Down, "down"),
        (Trend::Unmeasured, "not measured again"),
    ] {
        items.extend(digest.rules.iter().filter(|rule| rule.trend == trend).map(|rule| change(rule, words)));
    }
    if items.is_empty() {
        out.line("No rule is new, gone, up or down, as far as the same repositories were measured before.");
    } else {
        out.list(&items);
    }
}

fn change(rule: &RuleLine, words: &str) -> String {
    let name = format!("{} of {}", code(&rule.rule, "findings without a rule"), code(&rule.tool, "a tool"));
    match rule.compared {
        Some(compared) if rule.trend != Trend::Unmeasured => format!(
            "{words}: {name}, {} after {} in {}",
            compared.now,
            compared.before,
            plural(compared.repositories, "comparable repository", "comparable repositories")
        ),
        _ => format!("{words}: {name}"),
    }
}

fn attention(digest: &EvidenceDigest, out: &mut Page) {
    out.heading("What wants a person");
    if digest.attention.is_empty() {
        out.line("Nothing.");
        return;
    }
    let items: Vec<String> =
        digest.attention.iter().map(|one| format!("{}: {}", one.what, one.because)).collect();
    out.list(&items);
}

fn findings(digest: &EvidenceDigest, out: &mut Page) {
    let rows: Vec<Vec<String>> = digest
        .rules
        .iter()
        .filter(|rule| rule.findings > 0)
        .map(|rule| {
            vec![
                code(&rule.rule, "(none)"),
                code(&rule.tool, "(none)"),
                rule.level.as_str().to_owned(),
                rule.findings.to_string(),
                rule.repositories.to_string(),
                rule.trend.as_str().to_owned(),
                by_week(&rule.weeks),
            ]
        })
        .collect();
    if !rows.is_empty() {
        out.heading("Findings by rule");
        out.line("Different findings of each repository. By week: the earliest first.");
        out.out.push('\n');
        out.table(&["rule", "tool", "level", "findings", "repositories", "trend", "by week"], &rows);
    }
    let rows: Vec<Vec<String>> = digest
        .buckets
        .iter()
        .map(|one| {
            vec![
                code(&one.bucket, "(none)"),
                code(&one.tool, "(none)"),
                one.items.to_string(),
                one.plans.to_string(),
                one.repositories.to_string(),
                by_week(&one.weeks),
            ]
        })
        .collect();
    if !rows.is_empty() {
        out.heading("Fix plans");
        out.table(&["bucket", "tool", "items", "plans", "repositories", "by week"], &rows);
    }
}

fn repositories(digest: &EvidenceDigest, out: &mut Page) {
    out.heading("Repositories");
    let rows: Vec<Vec<String>> = digest
        .repositories
        .iter()
        .map(|one| {
            vec![
                code(&one.repo, "(none)"),
                one.state.as_str().to_owned(),
                format!("{} ({} failed)", one.runs, one.failed_runs),
                one.reports.to_string(),
                format!("{} ({})", one.findings, count(one.errors, "error")),
                one.not_passed.to_string(),
                one.unread.to_string(),
            ]
        })
        .collect();
    out.table(&["repository", "state", "runs", "reports", "findings", "not passed", "unread"], &rows);
    let rows: Vec<Vec<String>> = digest
        .weeks
        .iter()
        .rev()
        .map(|one| {
            vec![
                one.week.to_string(),
                format!("{} ({} failed)", one.runs, one.failed_runs),
                one.reports.to_string(),
                one.findings.to_string(),
                format!("{} of {}", one.passed, one.judgements),
                one.unread.to_string(),
            ]
        })
        .collect();
    out.heading("Weeks");
    out.table(&["week", "runs", "reports", "findings", "passed", "unread"], &rows);
}

fn tools(digest: &EvidenceDigest, out: &mut Page) {
    let rows: Vec<Vec<String>> = digest
        .tools
        .iter()
        .map(|one| {
            vec![
                code(&one.tool, "(none)"),
                code(one.version.as_deref().unwrap_or(""), "not said"),
                one.reports.to_string(),
                one.repositories.to_string(),
                one.findings.to_string(),
                one.measured_nothing.to_string(),
            ]
        })
        .collect();
    if !rows.is_empty() {
        out.heading("Tools");
        out.table(&["tool", "version", "reports", "repositories", "findings", "nothing measured"], &rows);
    }
}

fn gates(digest: &EvidenceDigest, out: &mut Page) {
    let rows: Vec<Vec<String>> = digest
        .gates
        .iter()
        .map(|one| {
            let mut row = vec![code(&one.gate, "(none)"), code(&one.kind, "(none)")];
            let counts = [one.judgements, one.pass, one.fail, one.needs_human, one.unmeasured, one.skipped];
            row.extend(counts.iter().map(u64::to_string));
            row
        })
        .collect();
    if !rows.is_empty() {
        out.heading("Gates");
        let head = ["gate", "kind", "judged", "pass", "fail", "needs human", "unmeasured", "skipped"];
        out.table(&head, &rows);
    }
    let rows: Vec<Vec<String>> = digest
        .codes
        .iter()
        .map(|one| {
            vec![
                format!("`{}`", one.code.as_str()),
                one.blockers.to_string(),
                one.repositories.to_string(),
                format!("{} ({} still red)", one.turned_green, one.still_red),
                spread(one.time_to_green_seconds, duration),
                spread(one.heads_to_green, |heads| heads.to_string()),
                one.false_blocks.map_or_else(
                    || "–".to_owned(),
                    |wrong| {
                        format!("{} of {} ({:.0} %)", wrong.overridden, wrong.blockers, wrong.rate * 100.0)
                    },
                ),
            ]
        })
        .collect();
    if !rows.is_empty() {
        out.heading("Blockers");
        out.line("Time and heads to green: the median, then the most.");
        out.out.push('\n');
        let head = ["code", "blockers", "repositories", "green", "time to green", "heads", "overridden"];
        out.table(&head, &rows);
    }
}

fn unread(digest: &EvidenceDigest, out: &mut Page) {
    if digest.unread.is_empty() {
        return;
    }
    out.heading("Not read");
    let words: Vec<String> =
        digest.unread.iter().map(|one| format!("{} {}", one.count, one.why.as_str())).collect();
    out.line(&format!("{}.", words.join(", ")));
    out.out.push('\n');
    let rows: Vec<Vec<String>> = digest
        .unread_list
        .iter()
        .map(|one| {
            let run = one.run.map_or_else(String::new, |run| run.to_string());
            let file = one.path.as_deref().unwrap_or("");
            let artifact = code(one.artifact.as_deref().unwrap_or(""), "–");
            let place = if file.is_empty() { artifact } else { format!("{artifact} {}", code(file, "")) };
            vec![code(&one.repo, "(none)"), run, place, one.why.as_str().to_owned(), one.detail.clone()]
        })
        .collect();
    out.table(&["repository", "run", "file", "why", "detail"], &rows);
}

pub(super) fn by_week(weeks: &[u64]) -> String {
    let words: Vec<String> = weeks.iter().map(u64::to_string).collect();
    words.join(" ")
}

pub(super) fn plural(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

pub(super) fn spread(spread: Option<Spread>, words: impl Fn(u64) -> String) -> String {
    spread.map_or_else(|| "–".to_owned(), |one| format!("{}, {}", words(one.median), words(one.most)))
}

/// Seconds as people say them, in the largest unit that keeps one decimal honest.
pub(super) fn duration(seconds: u64) -> String {
    let tenths = |unit: u64| {
        let tenths = seconds.saturating_mul(10) / unit;
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", tenths(60)),
        7200..=172_799 => format!("{} h", tenths(3600)),
        _ => format!("{} d", tenths(86_400)),
    }
}
