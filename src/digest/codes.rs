//! Blocker codes: how often, how long until green, over how many heads, and how often operators overrode them.
//! A stretch begins with the first judgement that has the code and ends with the first that was measured without it.

use std::collections::{BTreeMap, BTreeSet};

use super::aggregate::Table;
use super::document::{CodeLine, FalseBlocks, Spread};
use super::row::{BlockerRow, GateRow, Judgement, MergedRow, Place, Standing};
use super::week::IsoWeek;
use crate::model::{Code, Outcome, Timestamp};

/// A gate of one change: the pull request where there is one, else the head.
type Subject<'a> = (&'a str, Option<u64>, Option<&'a str>, &'a str);

fn subject<'a>(place: &'a Place, judgement: &'a Judgement, gate: &'a str) -> Subject<'a> {
    let head = if judgement.pull.is_some() { None } else { judgement.head.as_deref() };
    (&place.repo, judgement.pull, head, gate)
}

/// From red to green, or to nowhere.
struct Stretch {
    /// The last week in which it was seen red.
    last_red: IsoWeek,
    /// Seconds and heads until green.
    green: Option<(u64, u64)>,
}

/// A line for each code of the week.
pub(super) fn lines(table: &Table<'_>) -> Vec<CodeLine> {
    let mut judgements: BTreeMap<Subject<'_>, Vec<&GateRow>> = BTreeMap::new();
    for row in &table.gates {
        judgements.entry(subject(&row.place, &row.judgement, &row.gate)).or_default().push(row);
    }
    for rows in judgements.values_mut() {
        rows.sort_by_key(|row| (row.judgement.evaluated_at, &row.judgement.report));
    }
    let mut by_code: BTreeMap<Code, Vec<&BlockerRow>> = BTreeMap::new();
    for row in &table.blockers {
        by_code.entry(row.code).or_default().push(row);
    }
    let mut lines: Vec<CodeLine> =
        by_code.into_iter().filter_map(|(code, rows)| line(table, &judgements, code, &rows)).collect();
    lines.sort_by_key(|line| (std::cmp::Reverse(line.blockers), line.code));
    lines
}

fn line<'a>(
    table: &Table<'a>,
    judgements: &BTreeMap<Subject<'a>, Vec<&'a GateRow>>,
    code: Code,
    rows: &[&'a BlockerRow],
) -> Option<CodeLine> {
    let now = |standings: &[Standing]| -> BTreeSet<(Subject<'a>, &'a str)> {
        let week =
            rows.iter().filter(|row| row.place.week == table.week && standings.contains(&row.standing));
        week.map(|row| (subject(&row.place, &row.judgement, &row.gate), row.subject.as_str())).collect()
    };
    let blockers = now(&[Standing::Blocks, Standing::Waived, Standing::Cleared]);
    if blockers.is_empty() {
        return None;
    }
    let repositories: BTreeSet<&str> = blockers.iter().map(|((repo, ..), _)| *repo).collect();
    let mut overridden = now(&[Standing::Waived]);
    overridden.extend(merged_over(table, judgements, rows));
    let overridden = overridden.len() as u64;
    let stretches: Vec<Stretch> =
        stretches(judgements, rows).into_iter().filter(|stretch| stretch.last_red >= table.week).collect();
    let green: Vec<(u64, u64)> = stretches.iter().filter_map(|stretch| stretch.green).collect();
    Some(CodeLine {
        code,
        owner: code.info().owner,
        blockers: blockers.len() as u64,
        repositories: repositories.len() as u64,
        turned_green: green.len() as u64,
        still_red: (stretches.len() - green.len()) as u64,
        time_to_green_seconds: spread(green.iter().map(|(seconds, _)| *seconds).collect()),
        heads_to_green: spread(green.iter().map(|(_, heads)| *heads).collect()),
        approved: now(&[Standing::Cleared]).len() as u64,
        false_blocks: (overridden > 0).then(|| FalseBlocks {
            overridden,
            blockers: blockers.len() as u64,
            rate: share(overridden, blockers.len() as u64),
        }),
    })
}

/// The week's blockers of a code over which a change was merged: they stood in the last judgement of the merged head.
fn merged_over<'a>(
    table: &Table<'a>,
    judgements: &BTreeMap<Subject<'a>, Vec<&'a GateRow>>,
    rows: &[&'a BlockerRow],
) -> BTreeSet<(Subject<'a>, &'a str)> {
    let merged: BTreeMap<(&str, u64), &MergedRow> =
        table.merged.iter().map(|row| ((row.place.repo.as_str(), row.pull), *row)).collect();
    let over = |row: &&&'a BlockerRow| {
        let pull = row.judgement.pull.and_then(|pull| merged.get(&(row.place.repo.as_str(), pull)));
        let Some(merge) = pull else { return false };
        let judged = judgements.get(&subject(&row.place, &row.judgement, &row.gate));
        let before = |gate: &GateRow| {
            gate.judgement.head.as_deref() == Some(&merge.head) && gate.judgement.evaluated_at <= merge.at
        };
        judged.and_then(|gates| gates.iter().rfind(|gate| before(gate))).is_some_and(|last| {
            last.judgement == row.judgement && last.enforced && last.outcome == Outcome::Fail
        })
    };
    let week = rows.iter().filter(|row| row.place.week == table.week && row.standing == Standing::Blocks);
    week.filter(over)
        .map(|row| (subject(&row.place, &row.judgement, &row.gate), row.subject.as_str()))
        .collect()
}

/// Every stretch of one code, over all changes and gates.
fn stretches(judgements: &BTreeMap<Subject<'_>, Vec<&GateRow>>, rows: &[&BlockerRow]) -> Vec<Stretch> {
    let standing = rows.iter().filter(|row| row.standing == Standing::Blocks);
    let mut red: BTreeMap<Subject<'_>, BTreeSet<&Judgement>> = BTreeMap::new();
    for row in standing {
        red.entry(subject(&row.place, &row.judgement, &row.gate)).or_default().insert(&row.judgement);
    }
    let mut stretches = Vec::new();
    for (subject, red) in red {
        let mut open: Option<(Timestamp, IsoWeek, BTreeSet<Option<&str>>)> = None;
        for row in judgements.get(&subject).into_iter().flatten() {
            let head = row.judgement.head.as_deref();
            if red.contains(&row.judgement) {
                let (_, last_red, heads) =
                    open.get_or_insert_with(|| (row.judgement.evaluated_at, row.place.week, BTreeSet::new()));
                *last_red = row.place.week;
                heads.insert(head);
            } else if row.outcome == Outcome::Unmeasured {
                // Nobody could see whether it was still there; the head was judged all the same.
                if let Some((_, _, heads)) = &mut open {
                    heads.insert(head);
                }
            } else if let Some((since, last_red, mut heads)) = open.take() {
                heads.insert(head);
                let seconds = row.judgement.evaluated_at.seconds_since(since).unwrap_or(0);
                stretches.push(Stretch { last_red, green: Some((seconds, heads.len() as u64 - 1)) });
            }
        }
        stretches.extend(open.map(|(_, last_red, _)| Stretch { last_red, green: None }));
    }
    stretches
}

fn spread(mut numbers: Vec<u64>) -> Option<Spread> {
    numbers.sort_unstable();
    let median = *numbers.get(numbers.len().checked_sub(1)? / 2)?;
    Some(Spread { median, most: *numbers.last()? })
}

#[expect(clippy::cast_precision_loss, reason = "counts of blockers are far below what a float holds exactly")]
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}
