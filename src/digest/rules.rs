//! Findings by rule, with the trend. Two counts are compared only over repositories the tool measured both times:
//! a repository that could not be read this week fixed nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::aggregate::Table;
use super::document::{Compared, RuleLine, Trend};
use super::row::FindingRow;
use super::week::IsoWeek;
use crate::evidence::Kind;

/// The weeks in which a tool measured a repository; a report that itself shows that nothing was looked at is none.
type Measured<'a> = BTreeMap<(&'a str, &'a str), BTreeSet<IsoWeek>>;

/// A line for each rule of the window.
pub(super) fn lines(table: &Table<'_>) -> Vec<RuleLine> {
    let mut measured: Measured<'_> = BTreeMap::new();
    for row in
        table.reports.iter().filter(|row| row.format.kind() == Kind::Findings && row.substance != "nothing")
    {
        measured.entry((&row.tool, &row.place.repo)).or_default().insert(row.place.week);
    }
    let mut by_rule: BTreeMap<(&str, &str), Vec<&FindingRow>> = BTreeMap::new();
    for row in &table.findings {
        by_rule.entry((&row.tool, &row.rule)).or_default().push(row);
    }
    let mut lines: Vec<RuleLine> = by_rule
        .into_iter()
        .filter_map(|((tool, rule), rows)| line(table, &measured, tool, rule, &rows))
        .collect();
    lines.sort_by(|a, b| {
        (b.findings, a.level, a.trend, &a.tool, &a.rule)
            .cmp(&(a.findings, b.level, b.trend, &b.tool, &b.rule))
    });
    lines
}

fn line(
    table: &Table<'_>,
    measured: &Measured<'_>,
    tool: &str,
    rule: &str,
    rows: &[&FindingRow],
) -> Option<RuleLine> {
    let level = rows.iter().map(|row| row.level).min()?;
    let now = || rows.iter().copied().filter(|row| row.place.week == table.week);
    let repositories: BTreeSet<&str> = now().map(|row| row.place.repo.as_str()).collect();
    let findings = Table::different(now());
    let compared = compared(table, measured, tool, rows);
    let seen_where_unmeasured = rows.iter().any(|row| {
        let weeks = measured.get(&(tool, row.place.repo.as_str()));
        !weeks.is_some_and(|weeks| weeks.contains(&table.week))
    });
    let trend = match compared.map(|compared| (compared.before, compared.now)) {
        None | Some((0, 0)) if findings > 0 => Trend::First,
        None | Some((0, 0)) if seen_where_unmeasured => Trend::Unmeasured,
        Some((0, now)) if now > 0 => Trend::New,
        Some((before, 0)) if before > 0 => Trend::Gone,
        Some((before, now)) if now > before => Trend::Up,
        Some((before, now)) if now < before => Trend::Down,
        _ => Trend::Same,
    };
    let in_week =
        |week: &IsoWeek| Table::different(rows.iter().copied().filter(|row| row.place.week == *week));
    Some(RuleLine {
        tool: tool.to_owned(),
        rule: rule.to_owned(),
        level,
        findings,
        occurrences: now().map(|row| row.count).sum(),
        repositories: repositories.len() as u64,
        trend,
        compared,
        weeks: table.weeks.iter().map(in_week).collect(),
    })
}

/// The rule's findings in the repositories that the tool measured in this week and before, now and then.
fn compared(
    table: &Table<'_>,
    measured: &Measured<'_>,
    tool: &str,
    rows: &[&FindingRow],
) -> Option<Compared> {
    let mut compared = Compared { repositories: 0, now: 0, before: 0 };
    let of_tool = measured.iter().filter(|((one, _), _)| *one == tool);
    for ((_, repo), weeks) in of_tool.filter(|(_, weeks)| weeks.contains(&table.week)) {
        let Some(earlier) = weeks.range(..table.week).next_back() else { continue };
        let in_week = |week: IsoWeek| {
            let here = rows.iter().copied().filter(|row| row.place.repo == **repo && row.place.week == week);
            Table::different(here)
        };
        compared.repositories += 1;
        compared.now += in_week(table.week);
        compared.before += in_week(*earlier);
    }
    (compared.repositories > 0).then_some(compared)
}
