//! The intake for a terminal or a log: every threshold with what it saw, then what it suggests.

use std::fmt::Write as _;

use crate::model::count;

use super::intake::FeedbackIntake;

/// The intake as text.
pub fn render(intake: &FeedbackIntake) -> String {
    let signals = count(intake.signals.len() as u64, "signal");
    let mut out = format!("{signals} since {}, {} older\n\n", intake.since, intake.older);
    for row in &intake.thresholds {
        let _ = write!(out, "{:<14} ", row.name);
        let _ = match row.threshold {
            0 => writeln!(out, "off: seen {}", row.seen),
            threshold => writeln!(
                out,
                "seen {} ({} different, the most frequent {} times), threshold {threshold}: {}",
                row.seen,
                row.groups,
                row.most,
                if row.reached > 0 {
                    format!("reached by {}", row.reached)
                } else {
                    "not reached".to_owned()
                }
            ),
        };
    }
    let _ = writeln!(out, "\n{}", count(intake.candidates.len() as u64, "follow-up candidate"));
    for candidate in &intake.candidates {
        let _ = writeln!(out, "  {}  {}  ({})", candidate.dedupe_key.short(), candidate.title, candidate.why);
    }
    if !intake.issues.is_empty() {
        out.push_str("\nissues\n");
    }
    for issue in &intake.issues {
        let number = issue.number.map(|number| format!(" #{number}")).unwrap_or_default();
        let _ = writeln!(
            out,
            "  {}  {}{number}: {}",
            issue.dedupe_key.short(),
            issue.outcome.as_str(),
            issue.title
        );
    }
    if !intake.not_seen.is_empty() {
        out.push_str("\nnot seen\n");
    }
    for one in &intake.not_seen {
        let _ = writeln!(out, "  {}: {}", one.what, one.why);
    }
    out
}
