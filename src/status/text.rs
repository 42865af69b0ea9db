//! The status for a terminal: layers, what to do, what is missing.

use std::fmt::Write as _;

use crate::model::{count, sanitize};

use super::document::{EvidenceRow, OperatorStatus};

/// Lines of one part before the rest is counted.
const SHOWN: usize = 20;

/// The status as text.
pub fn render(status: &OperatorStatus) -> String {
    let mut out = String::new();
    if let Some(as_of) = &status.as_of {
        let _ = writeln!(out, "status as of {as_of}\n");
    }
    for layer in &status.layers {
        let _ = writeln!(out, "{:<14} {}", layer.name, layer.state.as_str());
        for support in &layer.supports {
            let _ = writeln!(out, "               {support}");
        }
    }
    let actions = status.next_actions.iter().map(|one| format!("{} ({})", one.what, one.because));
    part("next", &actions.collect::<Vec<_>>(), &mut out);
    let loops = status
        .open_loops
        .iter()
        .map(|one| format!("{}: {} after {}", one.subject, one.verdict, count(one.attempt, "attempt")));
    part("open loops", &loops.collect::<Vec<_>>(), &mut out);
    part("missing evidence", &rows(&status.missing_evidence), &mut out);
    part("did not count", &rows(&status.stale_states), &mut out);
    if let Some(gaps) = &status.gaps {
        let lines = gaps.open.iter().map(|gap| {
            let (status, title) = (gap.status.as_str(), sanitize(&gap.title, 100));
            format!("{}  {:<11}  {:<8}  {title}", gap.id, status, gap.severity.as_str())
        });
        part(&format!("still missing ({} closed)", gaps.closed), &lines.collect::<Vec<_>>(), &mut out);
    }
    let got_through = status.audits.iter().flat_map(|audit| {
        audit
            .findings
            .iter()
            .map(move |one| format!("{}: {} ({})", one.place(&audit.repo), one.message, one.rule.as_str()))
    });
    part("got through", &got_through.collect::<Vec<_>>(), &mut out);
    if let Some(metrics) = &status.metrics {
        let _ = write!(out, "\nrates\n{}", crate::metrics::text(metrics));
    }
    let follow_ups = status.follow_ups.iter().map(|one| format!("{}: {}", one.title, one.why));
    part("follow-ups", &follow_ups.collect::<Vec<_>>(), &mut out);
    let not_seen = status.not_seen.iter().map(|one| {
        let age = one.age();
        format!("{}: {}{}{age}", one.what, one.why, if age.is_empty() { "" } else { "; " })
    });
    part("not seen", &not_seen.collect::<Vec<_>>(), &mut out);
    out
}

fn rows(rows: &[EvidenceRow]) -> Vec<String> {
    rows.iter()
        .map(|row| format!("{}: `{}` {}: {}", row.subject, row.evidence, row.state, row.detail))
        .collect()
}

fn part(title: &str, lines: &[String], out: &mut String) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{title}");
    for line in lines.iter().take(SHOWN) {
        let _ = writeln!(out, "  {line}");
    }
    if lines.len() > SHOWN {
        let _ = writeln!(out, "  … and {}", count((lines.len() - SHOWN) as u64, "other"));
    }
}
