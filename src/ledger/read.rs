//! The file's shape, and every rule that one file alone can break. All problems at once, each with its line.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::value::Datetime;

use crate::model::sanitize;
use crate::policy::{Problem, Table};

use super::DEFAULT_PREFIX;
use super::gap::{Gap, Ledger, Severity, Source, Status, gap_id, gap_number};

/// Longest text of one key, in characters.
const MAX_TEXT: usize = 400;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRoot {
    version: i64,
    #[serde(default)]
    prefix: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawGap {
    id: String,
    title: String,
    area: String,
    status: Status,
    severity: Severity,
    source: Source,
    #[serde(default)]
    evidence: Vec<String>,
    owner: String,
    #[serde(default)]
    next_action: String,
    opened: Datetime,
    updated: Datetime,
    closed: Option<Datetime>,
    closed_by: Option<String>,
    fingerprint: Option<String>,
}

/// Reads a ledger.
///
/// # Errors
/// Every problem.
pub fn read(text: &str) -> Result<Ledger, Vec<Problem>> {
    let (ledger, problems) = read_loosely(text)?;
    if problems.is_empty() { Ok(ledger) } else { Err(problems) }
}

/// Reads a ledger whose ids may clash: the problems of its ids come with it, so that `renumber` can mend them.
///
/// # Errors
/// Every problem, where there is one that is not about ids.
pub fn read_loosely(text: &str) -> Result<(Ledger, Vec<Problem>), Vec<Problem>> {
    let mut problems = Vec::new();
    let mut root = Table::parse(text).map_err(|problems| joined_by_git(text, problems))?;
    let tables = root.take_array("gap", &mut problems);
    let place = root.clone();
    let raw: Option<RawRoot> = root.read("the ledger", &mut problems);
    if raw.as_ref().is_some_and(|raw| raw.version != 1) {
        problems.push(place.problem("version", "`version` is not 1, the only version there is"));
    }
    let prefix = raw.and_then(|raw| raw.prefix).unwrap_or_else(|| DEFAULT_PREFIX.to_owned());
    if prefix.is_empty() || !prefix.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
        problems.push(place.problem("prefix", "`prefix` is not made of letters, digits, `-` and `_`"));
    }
    let gaps = tables.into_iter().filter_map(|table| read_gap(table, &mut problems)).collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    let ledger = Ledger { prefix, gaps };
    let problems = id_problems(&ledger);
    Ok((ledger, problems))
}

/// Two adds on two branches meet in the same lines: git leaves its marks there, or folds two tables into one.
fn joined_by_git(text: &str, mut problems: Vec<Problem>) -> Vec<Problem> {
    let mark = text.lines().position(|line| line.starts_with("<<<<<<< "));
    let folded = problems.iter().any(|problem| problem.message.contains("duplicate key"));
    let mend = "run `patchwarden gaps renumber --onto REF`, REF being the branch that was first";
    if let Some(index) = mark {
        let message = "two branches changed the ledger, and git left its conflict marks".to_owned();
        let hint = Some(mend.to_owned());
        return vec![Problem { line: index as u64 + 1, key: "gap".to_owned(), message, hint }];
    }
    if folded {
        for problem in &mut problems {
            problem
                .message
                .push_str(": two branches may have added a gap each, and git folded them into one");
            problem.hint = Some(mend.to_owned());
        }
    }
    problems
}

fn read_gap(table: Table, problems: &mut Vec<Problem>) -> Option<Gap> {
    let named = table.values.get("id").and_then(toml::Value::as_str).unwrap_or("?").to_owned();
    let what = format!("gap `{}`", sanitize(&named, 40));
    let place = table.clone();
    let raw: RawGap = table.read(&what, problems)?;
    let before = problems.len();
    let mut keep = |key: &str, message: String| problems.push(place.problem(key, message));
    let texts = [("title", &raw.title), ("area", &raw.area), ("owner", &raw.owner)];
    for (key, text) in texts {
        if text.trim().is_empty() {
            keep(key, format!("`{key}` of {what} is empty"));
        }
    }
    for (key, text) in texts.into_iter().chain([("next_action", &raw.next_action)]) {
        if text.chars().count() > MAX_TEXT || text.chars().any(char::is_control) {
            keep(key, format!("`{key}` of {what} is not one line of at most {MAX_TEXT} characters"));
        }
    }
    let mut day = |key: &str, value: Datetime| {
        if let Datetime { date: Some(date), time: None, offset: None } = value {
            return date.to_string();
        }
        keep(key, format!("`{key}` of {what} is not a day such as 2026-11-21"));
        String::new()
    };
    let opened = day("opened", raw.opened);
    let updated = day("updated", raw.updated);
    let closed = raw.closed.map(|closed| day("closed", closed));
    let gap = Gap {
        id: raw.id,
        title: raw.title,
        area: raw.area,
        status: raw.status,
        severity: raw.severity,
        source: raw.source,
        evidence: raw.evidence,
        owner: raw.owner,
        next_action: raw.next_action,
        opened,
        updated,
        closed,
        closed_by: raw.closed_by,
        fingerprint: raw.fingerprint,
        line: place.problem("", "").line,
    };
    for (key, message) in story_problems(&gap) {
        problems.push(place.problem(key, format!("{what} {message}")));
    }
    (problems.len() == before).then_some(gap)
}

/// What a gap's status and days say about each other.
fn story_problems(gap: &Gap) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let status = gap.status.as_str();
    if gap.updated < gap.opened {
        found.push(("updated", format!("was updated {}, before it was opened {}", gap.updated, gap.opened)));
    }
    if gap.status.is_closed() {
        match &gap.closed {
            None => found.push(("status", format!("is `{status}` and has no `closed` day"))),
            Some(closed) if *closed < gap.opened => {
                found.push(("closed", format!("was closed {closed}, before it was opened {}", gap.opened)));
            }
            Some(_) => {}
        }
        if gap.closed_by.as_ref().is_none_or(|by| by.trim().is_empty()) {
            found.push(("status", format!("is `{status}` and names nothing in `closed_by` that closed it")));
        }
    } else {
        if gap.closed.is_some() || gap.closed_by.is_some() {
            let key = if gap.closed.is_some() { "closed" } else { "closed_by" };
            found.push((key, format!("is `{status}` and has `{key}`, which only a closed gap has")));
        }
        if gap.next_action.trim().is_empty() {
            found.push(("next_action", format!("is `{status}` and has no `next_action`")));
        }
    }
    found
}

/// Ids that are misspelled, used twice, or left out.
fn id_problems(ledger: &Ledger) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut by_number: BTreeMap<u64, Vec<&Gap>> = BTreeMap::new();
    for gap in &ledger.gaps {
        match gap_number(&ledger.prefix, &gap.id) {
            Some(number) => by_number.entry(number).or_default().push(gap),
            None => problems.push(id_problem(
                gap.line,
                format!("`{}` is no id: write `{}`", sanitize(&gap.id, 40), gap_id(&ledger.prefix, 1)),
                None,
            )),
        }
    }
    for gaps in by_number.values() {
        let [first, rest @ ..] = gaps.as_slice() else { continue };
        for other in rest {
            problems.push(id_problem(
                other.line,
                format!(
                    "two gaps have the id `{}`: `{}` on line {} and `{}`",
                    other.id,
                    sanitize(&first.title, 80),
                    first.line,
                    sanitize(&other.title, 80)
                ),
                Some(
                    "run `patchwarden gaps renumber --onto REF`, REF being the branch that was first"
                        .to_owned(),
                ),
            ));
        }
    }
    let mut expected = 1;
    for number in by_number.keys() {
        if *number != expected {
            let (from, to) = (gap_id(&ledger.prefix, expected), gap_id(&ledger.prefix, number - 1));
            let missing = if from == to { format!("`{from}`") } else { format!("`{from}` to `{to}`") };
            problems.push(id_problem(
                0,
                format!("no gap has the id {missing}: ids are contiguous and never reused"),
                Some("put the gap back and set it to `declined`, naming why in `closed_by`".to_owned()),
            ));
        }
        expected = number + 1;
    }
    problems
}

fn id_problem(line: u64, message: String, hint: Option<String>) -> Problem {
    Problem { line, key: "gap".to_owned(), message, hint }
}
