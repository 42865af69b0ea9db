//! fallow-py: the full report, or one of the three fix plans that share its file name (FORMATS 3.1).
//! They are told apart by their keys, for all say `schema_version` 1.x and none says which it is.

use std::io::BufRead;

use serde::Deserialize;

use super::super::content::{ParseError, Parsed, Substance};
use super::super::finding::Level;
use super::super::json_stream::JsonStream;
use super::super::limits::Limits;
use super::super::place::Place;
use super::super::shape::Shape;
use super::super::tally::{Region, Seen};
use super::super::wire::{First, Text, str_of};
use super::plan::{self, Plan};
use super::{Reading, at, level_of, malformed, nothing, text, unproven};
use crate::model::sanitize;

/// Names that the tool gave itself over time.
const TOOLS: [&str; 3] = ["fallow", "fallow-py", "pyfallow"];

/// The rule of a file that does not parse.
pub(super) const PARSE_ERROR: &str = "PY000";

#[derive(Deserialize)]
struct IssueWire<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    severity: Option<Text<'a>>,
    #[serde(borrow)]
    path: Option<Text<'a>>,
    range: Option<RangeWire>,
    #[serde(borrow)]
    message: Option<Text<'a>>,
    #[serde(borrow)]
    baseline_status: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct RangeWire {
    start: Option<SpotWire>,
    end: Option<SpotWire>,
}

#[derive(Deserialize)]
struct SpotWire {
    line: Option<i64>,
    column: Option<i64>,
}

#[derive(Deserialize)]
struct SummaryWire {
    /// Of a fix plan.
    total: Option<u64>,
    /// Of the full report.
    total_issues: Option<u64>,
    parse_errors: Option<u64>,
}

/// What a diff-aware run looked at.
#[derive(Deserialize)]
pub(super) struct ScopeWire<'a> {
    #[serde(borrow, default)]
    changed_files: First<Text<'a>>,
    #[serde(default)]
    filtering_active: bool,
}

#[derive(Default)]
struct Report {
    has_analysis: bool,
    has_issues: bool,
    files: Option<u64>,
    stated: Option<u64>,
    parse_errors: Option<u64>,
    /// How many files a diff-aware run looked at.
    scope: Option<u64>,
    plan: Plan,
    tool: Option<String>,
}

/// Reads either document.
///
/// # Errors
/// [`ParseError`]: neither of them, a plan with a bucket that no revision has, or beyond a bound.
pub fn parse(reader: &mut dyn BufRead, limits: &Limits) -> Result<Parsed, ParseError> {
    let mut json = JsonStream::open(reader, limits)?;
    let mut reading = Reading::new(limits, "fallow-py");
    let mut report = Report::default();
    json.object(&mut |json, key| report.part(json, key, &mut reading))?;
    json.end()?;
    report.finish(reading)
}

impl Report {
    fn part(
        &mut self,
        json: &mut JsonStream<'_>,
        key: &str,
        reading: &mut Reading,
    ) -> Result<(), ParseError> {
        match key {
            "tool" => self.tool = text(json)?,
            "version" => reading.version(&text(json)?.unwrap_or_default()),
            "analysis" => {
                self.has_analysis = true;
                json.object(&mut |json, key| {
                    match key {
                        "files_analyzed" => self.files = json.value()?,
                        "diff_scope" => self.scope = scope(json)?,
                        _ => json.skip()?,
                    }
                    Ok(())
                })?;
            }
            "issues" => {
                self.has_issues = true;
                json.array(&mut |json| issue(json, reading))?;
            }
            "summary" => {
                let wire: SummaryWire = json.value()?;
                (self.stated, self.parse_errors) = (wire.total.or(wire.total_issues), wire.parse_errors);
            }
            "diff_scope" => self.scope = scope(json)?,
            // Of the full report.
            "schema_version"
            | "source_report_schema_version"
            | "limitations"
            | "language"
            | "root"
            | "config_path"
            | "generated_at"
            | "metrics"
            | "graphs"
            | "config"
            | "baseline" => json.skip()?,
            _ => self.plan.bucket(json, key, reading)?,
        }
        Ok(())
    }

    fn finish(self, mut reading: Reading) -> Result<Parsed, ParseError> {
        match self.tool.as_deref() {
            Some(tool) if TOOLS.contains(&tool) => {}
            Some(other) => {
                return Err(malformed(&format!(
                    "it is a document of `{}`, not of fallow-py",
                    sanitize(other, 60)
                )));
            }
            None => return Err(malformed("it is no document of fallow-py: it has no `tool`")),
        }
        let is_report = self.has_analysis && self.has_issues;
        let substance = match (is_report, self.plan.is_one()) {
            (true, false) => self.report(&mut reading),
            (false, true) if !self.has_analysis && !self.has_issues => {
                self.plan.finish(&mut reading, self.stated)?
            }
            _ => {
                return Err(malformed(
                    "it is neither fallow-py's full report (`analysis`, `issues`) nor one of its fix plans",
                ));
            }
        };
        let substance = match self.scope {
            Some(0) if reading.found == 0 => nothing(
                "it looked only at changed files and found none; paths that are not ASCII are lost this way",
            ),
            _ => substance,
        };
        Ok(reading.finish(substance))
    }

    fn report(&self, reading: &mut Reading) -> Substance {
        reading.check_count("issues", self.stated, reading.found);
        match (self.files, self.parse_errors) {
            (Some(0), _) => nothing("`analysis.files_analyzed` is 0"),
            (Some(files), Some(errors)) if errors >= files => nothing("no file could be parsed"),
            (Some(_), _) => Substance::Measured,
            (None, _) => unproven("it does not say how many files were analysed"),
        }
    }
}

fn scope(json: &mut JsonStream<'_>) -> Result<Option<u64>, ParseError> {
    let wire: Option<ScopeWire<'_>> = json.value()?;
    Ok(wire.filter(|scope| scope.filtering_active).map(|scope| scope.changed_files.count))
}

fn issue(json: &mut JsonStream<'_>, reading: &mut Reading) -> Result<(), ParseError> {
    let wire: IssueWire<'_> = json.value()?;
    let range = wire.range.as_ref();
    let spot = |spot: Option<&SpotWire>| spot.map(|spot| at(spot.line, spot.column)).unwrap_or_default();
    let end = spot(range.and_then(|range| range.end.as_ref()));
    let seen = Seen {
        level: Some(level_of(str_of(&wire.severity)).unwrap_or(Level::Error)),
        message: str_of(&wire.message).unwrap_or(""),
        place: str_of(&wire.path).map(Place::of_path).unwrap_or_default(),
        region: Region {
            end_line: end.line,
            end_column: end.column,
            ..spot(range.and_then(|range| range.start.as_ref()))
        },
        claimed_new: str_of(&wire.baseline_status).map(|status| status != "existing"),
        ..Seen::default()
    };
    reading.add(wire.id.as_str(), &seen)
}

/// Whether this is one of the documents by its outer keys.
pub fn fits(shape: &Shape) -> bool {
    let Shape::JsonObject { keys, texts } = shape else { return false };
    let plan = keys.contains("source_report_schema_version") || keys.iter().any(|key| plan::is_bucket(key));
    let report = keys.contains("analysis") && keys.contains("config_path");
    let named = texts.get("tool").is_none_or(|tool| TOOLS.contains(&tool.as_str()));
    named && !keys.contains("kind") && (plan || report)
}
