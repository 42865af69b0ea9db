//! Findings formats other than SARIF, one file each (FORMATS 1.4, 1.5, 3.1, 3.2).
//! What they share: the reading in the making, words for levels, counts that must agree with what is listed.

pub mod bandit;
pub mod cargo_audit;
pub mod cargo_messages;
pub mod checkstyle;
pub mod codeclimate;
pub mod eslint;
pub mod fallow;
pub mod fallow_py;
pub mod mypy;
pub mod npm_audit;
pub mod osv_scanner;
pub mod pip_audit;
pub mod rdjson;
pub mod ruff;
pub mod semgrep;
pub mod trivy;

mod plan;

use std::collections::BTreeMap;

use super::content::{Content, EmbeddedCommit, ParseError, Parsed, Substance, ToolName};
use super::finding::{FindingReport, Level};
use super::json_stream::JsonStream;
use super::limits::Limits;
use super::tally::{Region, Seen, Settled, Tally};
use super::tool_errors::ToolErrors;
use super::wire::Text;
use crate::model::sanitize;

/// Commits kept of those a report names.
const COMMITS: usize = 10;

/// A report of one tool in the making.
struct Reading {
    tally: Tally<String>,
    errors: ToolErrors,
    tool: ToolName,
    notes: Vec<String>,
    commits: Vec<EmbeddedCommit>,
    /// Findings taken, suppressed ones left out.
    found: u64,
    /// The level of findings that state none.
    default: Level,
    /// Items by bucket, of a fix plan.
    buckets: BTreeMap<String, u64>,
}

impl Reading {
    fn new(limits: &Limits, tool: &str) -> Self {
        Self {
            tally: Tally::new(limits),
            errors: ToolErrors::new(limits),
            tool: ToolName { name: tool.to_owned(), version: None },
            notes: Vec::new(),
            commits: Vec::new(),
            found: 0,
            default: Level::Warning,
            buckets: BTreeMap::new(),
        }
    }

    fn version(&mut self, version: &str) {
        self.tool.version = Some(sanitize(version, 60)).filter(|version| !version.is_empty());
    }

    fn commit(&mut self, id: &str, repository: Option<&str>) {
        if self.commits.len() < COMMITS && !id.is_empty() {
            let repository = repository.map(|uri| sanitize(uri, 400));
            self.commits.push(EmbeddedCommit { id: sanitize(id, 200), repository });
        }
    }

    fn add(&mut self, rule: &str, seen: &Seen<'_>) -> Result<(), ParseError> {
        self.found += u64::from(seen.suppressed.is_none());
        self.tally.add(&rule.to_owned(), seen)
    }

    /// Blocks where a report's own count is higher than what it lists: then something is missing.
    fn check_count(&mut self, what: &str, stated: Option<u64>, listed: u64) {
        if let Some(stated) = stated.filter(|stated| *stated > listed) {
            self.errors.add(&format!("its summary counts {stated} {what}, it lists {listed}"), "");
        }
    }

    /// What a report proves that lists neither findings nor what was looked at.
    fn unless_found(&self, otherwise: Substance) -> Substance {
        if self.found > 0 { Substance::Measured } else { otherwise }
    }

    fn finish(mut self, substance: Substance) -> Parsed {
        let default = self.default;
        let mut settle =
            |rule: &String| Settled { rule: rule.clone(), level: Some(default), security_severity: None };
        self.tally.close(&self.tool.name, &mut settle, &|_| None);
        self.notes.extend(self.tally.note());
        let findings = FindingReport { buckets: self.buckets, ..self.tally.finish() };
        Parsed {
            tool: Some(self.tool),
            substance,
            tool_errors: self.errors.finish(),
            commits: self.commits,
            notes: self.notes,
            ..Parsed::new(Content::Findings(findings))
        }
    }
}

/// A severity word as a level; `None` where there is no word or it is unknown.
fn level_of(word: Option<&str>) -> Option<Level> {
    Some(match word?.to_ascii_lowercase().as_str() {
        "error" | "fatal" | "critical" | "blocker" | "high" | "major" => Level::Error,
        "warning" | "warn" | "medium" | "moderate" | "minor" => Level::Warning,
        "info" | "information" | "note" | "low" | "help" | "hint" | "notice" => Level::Note,
        "none" | "ignore" | "off" => Level::None,
        _ => return None,
    })
}

/// A place by line and column, both counted from 1; other numbers mean that there is none.
fn at(line: Option<i64>, column: Option<i64>) -> Region {
    let number =
        |number: Option<i64>| number.filter(|number| *number > 0).and_then(|n| u64::try_from(n).ok());
    Region { line: number(line), column: number(column), ..Region::default() }
}

/// A short text value, or `None` for `null`.
fn text(json: &mut JsonStream<'_>) -> Result<Option<String>, ParseError> {
    Ok(json.value::<Option<Text<'_>>>()?.map(|text| text.as_str().to_owned()))
}

fn malformed(words: &str) -> ParseError {
    ParseError::Malformed(words.to_owned())
}

fn nothing(words: &str) -> Substance {
    Substance::Nothing(words.to_owned())
}

fn unproven(words: &str) -> Substance {
    Substance::Unproven(words.to_owned())
}

#[cfg(test)]
mod tests;
