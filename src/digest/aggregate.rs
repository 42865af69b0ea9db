//! From rows to the digest: what is counted per week, per repository, per tool, and what could not be read.
//! Rules, gates and codes have files of their own.

use std::collections::{BTreeMap, BTreeSet};

use super::document::{
    BucketLine, EvidenceDigest, PacketLine, RepositoryLine, SCHEMA, ToolLine, Totals, UnreadCount,
    UnreadLine, WeekLine,
};
use super::partial::Partial;
use super::row::{
    BucketRow, FindingRow, Key, PacketRow, ReportRow, RepositoryState, Row, RunRow, UnreadRow, VerdictRow,
    Why,
};
use super::week::IsoWeek;
use super::{attention, codes, gates, rules};
use crate::evidence::finding::Level;
use crate::model::Verdict;
use crate::repair::Progress;

/// The rows of the window, sorted by kind, with what every count needs.
pub(super) struct Table<'a> {
    /// The week it is about.
    pub week: IsoWeek,
    pub weeks: Vec<IsoWeek>,
    pub runs: Vec<&'a RunRow>,
    pub reports: Vec<&'a ReportRow>,
    pub findings: Vec<&'a FindingRow>,
    pub buckets: Vec<&'a BucketRow>,
    pub verdicts: Vec<&'a VerdictRow>,
    pub gates: Vec<&'a super::row::GateRow>,
    pub blockers: Vec<&'a super::row::BlockerRow>,
    pub packets: Vec<&'a PacketRow>,
    pub merged: Vec<&'a super::row::MergedRow>,
    pub unread: Vec<&'a UnreadRow>,
    /// State and detail of each repository, and of those that only rows name.
    pub repositories: BTreeMap<&'a str, (RepositoryState, &'a str)>,
}

/// The digest of a partial.
pub fn aggregate(partial: &Partial) -> EvidenceDigest {
    let table = Table::of(partial);
    let rules = rules::lines(&table);
    let codes = codes::lines(&table);
    let repositories = repositories(&table);
    let (unread, unread_list) = unread(&table);
    EvidenceDigest {
        schema: SCHEMA.to_owned(),
        week: table.week,
        window: partial.window,
        totals: totals(&table),
        attention: attention::lines(&table, &codes, &repositories),
        rules,
        tools: tools(&table),
        weeks: weeks(&table),
        buckets: buckets(&table),
        gates: gates::lines(&table),
        codes,
        packets: packets(&table),
        repositories,
        unread,
        unread_list,
    }
}

impl<'a> Table<'a> {
    fn of(partial: &'a Partial) -> Self {
        let mut table = Self {
            week: partial.window.week(),
            weeks: partial.window.weeks(),
            runs: Vec::new(),
            reports: Vec::new(),
            findings: Vec::new(),
            buckets: Vec::new(),
            verdicts: Vec::new(),
            gates: Vec::new(),
            blockers: Vec::new(),
            packets: Vec::new(),
            merged: Vec::new(),
            unread: Vec::new(),
            repositories: BTreeMap::new(),
        };
        for row in &partial.rows {
            match row {
                // The worst of several: of two shards that read one repository, one may have failed.
                Row::Repository(row) => {
                    let known = table.repositories.entry(&row.repo).or_insert((row.state, &row.detail));
                    *known = (*known).max((row.state, &row.detail));
                }
                Row::Run(row) => table.runs.push(row),
                Row::Report(row) => table.reports.push(row),
                Row::Finding(row) => table.findings.push(row),
                Row::Bucket(row) => table.buckets.push(row),
                Row::Verdict(row) => table.verdicts.push(row),
                Row::Gate(row) => table.gates.push(row),
                Row::Blocker(row) => table.blockers.push(row),
                Row::Packet(row) => table.packets.push(row),
                Row::Merged(row) => table.merged.push(row),
                Row::Unread(row) => table.unread.push(row),
            }
        }
        for row in &partial.rows {
            table.repositories.entry(row.repo()).or_insert((RepositoryState::Read, ""));
        }
        table
    }

    /// The number of different findings that some rows hold, by repository.
    pub(super) fn different<'r>(rows: impl Iterator<Item = &'r FindingRow>) -> u64 {
        let keys: BTreeSet<(&str, Key)> =
            rows.flat_map(|row| row.keys.iter().map(|key| (row.place.repo.as_str(), *key))).collect();
        keys.len() as u64
    }

    fn findings_in(&self, week: IsoWeek) -> impl Iterator<Item = &'a FindingRow> + '_ {
        self.findings.iter().copied().filter(move |row| row.place.week == week)
    }

    /// What could not be read in a week, files that were no report left out.
    fn unread_in(&self, week: IsoWeek) -> impl Iterator<Item = &'a UnreadRow> + '_ {
        let unread = self.unread.iter().copied();
        unread.filter(move |row| row.place.week == week && row.why != Why::Unrecognised)
    }
}

/// The number of items that fit, as the contracts count.
fn number<T>(items: impl Iterator<Item = T>) -> u64 {
    items.count() as u64
}

fn failed(run: &RunRow) -> bool {
    run.status == "failure"
}

fn totals(table: &Table<'_>) -> Totals {
    let week = table.week;
    let runs = || table.runs.iter().filter(|row| row.place.week == week);
    let reports = || table.reports.iter().filter(|row| row.place.week == week);
    let levels = levels(table);
    let of_level = |level: Level| number(levels.values().filter(|one| **one == level));
    let verdicts = |verdict: Option<Verdict>| {
        number(table.verdicts.iter().filter(|row| row.place.week == week && row.verdict == verdict))
    };
    let active: BTreeSet<&str> = runs().map(|row| row.place.repo.as_str()).collect();
    Totals {
        repositories: table.repositories.len() as u64,
        active_repositories: active.len() as u64,
        runs: number(runs()),
        failed_runs: number(runs().filter(|row| failed(row))),
        reports: number(reports()),
        findings: Table::different(table.findings_in(week)),
        errors: of_level(Level::Error),
        warnings: of_level(Level::Warning),
        notes: of_level(Level::Note),
        tests: reports().map(|row| row.tests).sum(),
        tests_failed: reports().map(|row| row.tests_failed).sum(),
        passed: verdicts(Some(Verdict::Pass)),
        blocked: verdicts(Some(Verdict::Blocked)),
        needs_human: verdicts(Some(Verdict::NeedsHuman)),
        unmeasured: verdicts(Some(Verdict::Unmeasured)),
        without_verdict: verdicts(None),
        unread: number(table.unread_in(week)),
    }
}

/// The gravest level of each of the week's findings: a fix plan may call blocking what its report calls a warning.
fn levels<'a>(table: &Table<'a>) -> BTreeMap<(&'a str, Key), Level> {
    let mut levels = BTreeMap::new();
    for row in table.findings_in(table.week) {
        for key in &row.keys {
            let level = levels.entry((row.place.repo.as_str(), *key)).or_insert(row.level);
            *level = row.level.min(*level);
        }
    }
    levels
}

fn repositories(table: &Table<'_>) -> Vec<RepositoryLine> {
    let week = table.week;
    let line = |(repo, (state, detail)): (&&str, &(RepositoryState, &str))| {
        let here = |other: &str| other == *repo;
        let runs = || table.runs.iter().filter(|row| row.place.week == week && here(&row.place.repo));
        let findings = |week| table.findings_in(week).filter(|row| here(&row.place.repo));
        let reports = table.reports.iter().filter(|row| row.place.week == week && here(&row.place.repo));
        let judged = table.verdicts.iter().filter(|row| row.place.week == week && here(&row.place.repo));
        RepositoryLine {
            repo: (*repo).to_owned(),
            state: *state,
            detail: (*detail).to_owned(),
            runs: number(runs()),
            failed_runs: number(runs().filter(|row| failed(row))),
            reports: number(reports),
            findings: Table::different(findings(week)),
            errors: Table::different(findings(week).filter(|row| row.level == Level::Error)),
            not_passed: number(judged.filter(|row| row.verdict != Some(Verdict::Pass))),
            unread: number(table.unread_in(week).filter(|row| here(&row.place.repo))),
            weeks: table.weeks.iter().map(|week| Table::different(findings(*week))).collect(),
        }
    };
    let mut lines: Vec<RepositoryLine> = table.repositories.iter().map(line).collect();
    lines.sort_by(|a, b| (b.findings, b.runs, &a.repo).cmp(&(a.findings, a.runs, &b.repo)));
    lines
}

fn tools(table: &Table<'_>) -> Vec<ToolLine> {
    let mut by_version: BTreeMap<(&str, Option<&str>), Vec<&ReportRow>> = BTreeMap::new();
    for row in table.reports.iter().filter(|row| row.place.week == table.week) {
        by_version.entry((&row.tool, row.tool_version.as_deref())).or_default().push(row);
    }
    let line = |((tool, version), rows): ((&str, Option<&str>), Vec<&ReportRow>)| {
        let repositories: BTreeSet<&str> = rows.iter().map(|row| row.place.repo.as_str()).collect();
        let findings = table
            .findings_in(table.week)
            .filter(|row| row.tool == tool && row.tool_version.as_deref() == version);
        ToolLine {
            tool: tool.to_owned(),
            version: version.map(str::to_owned),
            reports: rows.len() as u64,
            repositories: repositories.len() as u64,
            findings: Table::different(findings),
            measured_nothing: number(rows.iter().filter(|row| row.substance != "measured")),
        }
    };
    by_version.into_iter().map(line).collect()
}

fn weeks(table: &Table<'_>) -> Vec<WeekLine> {
    let line = |week: &IsoWeek| {
        let week = *week;
        let runs = || table.runs.iter().filter(|row| row.place.week == week);
        let judged = || table.verdicts.iter().filter(|row| row.place.week == week);
        WeekLine {
            week,
            runs: number(runs()),
            failed_runs: number(runs().filter(|row| failed(row))),
            reports: number(table.reports.iter().filter(|row| row.place.week == week)),
            findings: Table::different(table.findings_in(week)),
            judgements: number(judged()),
            passed: number(judged().filter(|row| row.verdict == Some(Verdict::Pass))),
            unread: number(table.unread_in(week)),
        }
    };
    table.weeks.iter().map(line).collect()
}

fn buckets(table: &Table<'_>) -> Vec<BucketLine> {
    let mut by_name: BTreeMap<(&str, &str), Vec<&BucketRow>> = BTreeMap::new();
    for row in &table.buckets {
        by_name.entry((&row.tool, &row.bucket)).or_default().push(row);
    }
    let line = |((tool, bucket), rows): ((&str, &str), Vec<&BucketRow>)| {
        let items = |week: IsoWeek| -> u64 {
            rows.iter().filter(|row| row.place.week == week).map(|row| row.items).sum()
        };
        let now = || rows.iter().filter(|row| row.place.week == table.week);
        let repositories: BTreeSet<&str> = now().map(|row| row.place.repo.as_str()).collect();
        BucketLine {
            tool: tool.to_owned(),
            bucket: bucket.to_owned(),
            items: items(table.week),
            plans: number(now()),
            repositories: repositories.len() as u64,
            weeks: table.weeks.iter().map(|week| items(*week)).collect(),
        }
    };
    by_name.into_iter().map(line).collect()
}

fn packets(table: &Table<'_>) -> PacketLine {
    let mut line = PacketLine::default();
    for row in table.packets.iter().filter(|row| row.place.week == table.week) {
        line.packets += 1;
        line.entries += row.entries;
        line.at_operator += row.at_operator;
        match row.progress {
            Progress::First => line.first += 1,
            Progress::Progress => line.progress += 1,
            Progress::NoProgress => line.no_progress += 1,
            Progress::Unknown => line.unknown += 1,
        }
    }
    line
}

fn unread(table: &Table<'_>) -> (Vec<UnreadCount>, Vec<UnreadLine>) {
    let mut counts: BTreeMap<Why, u64> = BTreeMap::new();
    for row in table.unread.iter().filter(|row| row.place.week == table.week) {
        *counts.entry(row.why).or_insert(0) += 1;
    }
    let list = table.unread_in(table.week).map(|row| UnreadLine {
        repo: row.place.repo.clone(),
        run: row.place.run,
        artifact: row.artifact.clone(),
        path: row.path.clone(),
        why: row.why,
        detail: row.detail.clone(),
    });
    (counts.into_iter().map(|(why, count)| UnreadCount { why, count }).collect(), list.collect())
}
