//! What wants a person: changes that wait for one, repositories and reports nobody could read, overridden codes.

use std::collections::BTreeMap;

use super::aggregate::Table;
use super::document::{Attention, AttentionKind, CodeLine, RepositoryLine};
use super::row::{PacketRow, RepositoryState, VerdictRow, Why};
use crate::model::{Verdict, count};

/// The lines, the most pressing first.
pub(super) fn lines(
    table: &Table<'_>,
    codes: &[CodeLine],
    repositories: &[RepositoryLine],
) -> Vec<Attention> {
    let mut lines = Vec::new();
    for row in latest_verdicts(table).values() {
        if row.verdict == Some(Verdict::NeedsHuman) {
            let what = change(&row.place.repo, row.judgement.pull, row.judgement.head.as_deref());
            let because =
                format!("its latest judgement, of {}, is `needs_human`", row.judgement.evaluated_at);
            lines.push(Attention { kind: AttentionKind::NeedsHuman, what, because });
        }
    }
    for row in latest_packets(table).values().filter(|row| row.at_operator > 0) {
        let what = change(&row.place.repo, row.pull, Some(&row.head));
        let entries = count(row.entries, "blocker");
        let because = format!("{} of {entries} can only be ended by an operator", row.at_operator);
        lines.push(Attention { kind: AttentionKind::AtOperator, what, because });
    }
    for one in repositories {
        if !matches!(one.state, RepositoryState::Read | RepositoryState::Renamed) {
            let because = if one.detail.is_empty() {
                one.state.as_str().to_owned()
            } else {
                format!("{}: {}", one.state.as_str(), one.detail)
            };
            lines.push(Attention {
                kind: AttentionKind::Repository,
                what: format!("`{}`", one.repo),
                because,
            });
        }
    }
    lines.extend(unread(table));
    for line in codes {
        if let Some(wrong) = line.false_blocks {
            let what = format!("code `{}`", line.code.as_str());
            let because =
                format!("operators overrode {} of {}", wrong.overridden, count(wrong.blockers, "blocker"));
            lines.push(Attention { kind: AttentionKind::FalseBlocks, what, because });
        }
    }
    lines.sort();
    lines
}

/// By repository and reason, how much could not be read.
fn unread(table: &Table<'_>) -> Vec<Attention> {
    let mut by_repo: BTreeMap<(&str, Why), u64> = BTreeMap::new();
    for row in table.unread.iter().filter(|row| row.place.week == table.week && row.artifact.is_some()) {
        // Reports expire by design, and what is no report needs nobody.
        if !matches!(row.why, Why::Expired | Why::Unrecognised) {
            *by_repo.entry((&row.place.repo, row.why)).or_insert(0) += 1;
        }
    }
    let line = |((repo, why), number): ((&str, Why), u64)| Attention {
        kind: AttentionKind::Unread,
        what: format!("`{repo}`"),
        because: format!("{} could not be read: {}", count(number, "file"), why.as_str()),
    };
    by_repo.into_iter().map(line).collect()
}

type Change<'a> = (&'a str, Option<u64>, Option<&'a str>);

fn latest_verdicts<'a>(table: &Table<'a>) -> BTreeMap<Change<'a>, &'a VerdictRow> {
    let mut latest: BTreeMap<Change<'a>, &VerdictRow> = BTreeMap::new();
    for row in table.verdicts.iter().copied().filter(|row| row.place.week == table.week) {
        let judgement = &row.judgement;
        let head = if judgement.pull.is_some() { None } else { judgement.head.as_deref() };
        let known = latest.entry((&row.place.repo, judgement.pull, head)).or_insert(row);
        if (judgement.evaluated_at, &judgement.report)
            > (known.judgement.evaluated_at, &known.judgement.report)
        {
            *known = row;
        }
    }
    latest
}

fn latest_packets<'a>(table: &Table<'a>) -> BTreeMap<Change<'a>, &'a PacketRow> {
    let mut latest: BTreeMap<Change<'a>, &PacketRow> = BTreeMap::new();
    for row in table.packets.iter().copied().filter(|row| row.place.week == table.week) {
        let head = if row.pull.is_some() { None } else { Some(row.head.as_str()) };
        let known = latest.entry((&row.place.repo, row.pull, head)).or_insert(row);
        if (row.attempt, row.place.run) > (known.attempt, known.place.run) {
            *known = row;
        }
    }
    latest
}

fn change(repo: &str, pull: Option<u64>, head: Option<&str>) -> String {
    match (pull, head) {
        (Some(pull), _) => format!("`{repo}#{pull}`"),
        (None, Some(head)) => format!("`{repo}@{}`", head.get(..12).unwrap_or(head)),
        (None, None) => format!("`{repo}`"),
    }
}
