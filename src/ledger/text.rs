//! The ledger for a terminal: a line per gap, or one gap with everything it says.

use std::fmt::Write as _;

use crate::model::{count, sanitize};

use super::gap::{Gap, LedgerDocument};

/// One line per gap.
pub fn list(document: &LedgerDocument) -> String {
    let mut out = String::new();
    for gap in &document.gaps {
        let _ = writeln!(
            out,
            "{}  {:<11}  {:<8}  {:<14}  {}",
            gap.id,
            gap.status.as_str(),
            gap.severity.as_str(),
            sanitize(&gap.area, 14),
            sanitize(&gap.title, 100)
        );
    }
    let _ = writeln!(out, "{}", count(document.gaps.len() as u64, "gap"));
    out
}

/// One gap in full.
pub fn show(gap: &Gap) -> String {
    let mut out = format!("{}: {}\n", gap.id, sanitize(&gap.title, 400));
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(out, "  {name:<12} {}", sanitize(value, 400));
        }
    };
    line("status:", gap.status.as_str());
    line("severity:", gap.severity.as_str());
    line("area:", &gap.area);
    line("source:", gap.source.as_str());
    line("owner:", &gap.owner);
    line("next action:", &gap.next_action);
    for link in &gap.evidence {
        line("evidence:", link);
    }
    line("opened:", &gap.opened);
    line("updated:", &gap.updated);
    line("closed:", gap.closed.as_deref().unwrap_or(""));
    line("closed by:", gap.closed_by.as_deref().unwrap_or(""));
    out
}
