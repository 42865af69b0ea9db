//! Code Climate's issues, as GitLab's code quality reports have them: one array, of any tool, which is not named.
//! A clean report is `[]`, and so is one of a tool that saw nothing.

use std::io::BufRead;

use serde::Deserialize;

use super::super::content::{ParseError, Parsed};
use super::super::finding::Level;
use super::super::json_stream::JsonStream;
use super::super::limits::Limits;
use super::super::place::Place;
use super::super::shape::Shape;
use super::super::tally::Seen;
use super::super::wire::{Text, str_of};
use super::{Reading, at, level_of, unproven};

#[derive(Deserialize)]
struct IssueWire<'a> {
    /// Absent in GitLab's subset; `measurement` is no issue.
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    check_name: Option<Text<'a>>,
    #[serde(borrow)]
    description: Text<'a>,
    #[serde(borrow)]
    severity: Option<Text<'a>>,
    #[serde(borrow)]
    location: Option<LocationWire<'a>>,
}

#[derive(Deserialize)]
struct LocationWire<'a> {
    #[serde(borrow)]
    path: Option<Text<'a>>,
    lines: Option<LinesWire>,
    positions: Option<PositionsWire>,
}

#[derive(Deserialize)]
struct LinesWire {
    begin: Option<i64>,
}

#[derive(Deserialize)]
struct PositionsWire {
    begin: Option<SpotWire>,
}

#[derive(Deserialize)]
struct SpotWire {
    line: Option<i64>,
    column: Option<i64>,
}

/// Reads Code Climate's issues.
///
/// # Errors
/// [`ParseError`]: not such issues, or beyond a bound.
pub fn parse(reader: &mut dyn BufRead, limits: &Limits) -> Result<Parsed, ParseError> {
    let mut json = JsonStream::open(reader, limits)?;
    let mut reading = Reading::new(limits, "");
    json.array(&mut |json| issue(json, &mut reading))?;
    json.end()?;
    let substance = reading.unless_found(unproven("`[]` does not say what was looked at"));
    let mut parsed = reading.finish(substance);
    parsed.tool = None;
    Ok(parsed)
}

fn issue(json: &mut JsonStream<'_>, reading: &mut Reading) -> Result<(), ParseError> {
    let wire: IssueWire<'_> = json.value()?;
    if str_of(&wire.kind).is_some_and(|kind| kind != "issue") {
        return Ok(());
    }
    let location = wire.location.as_ref();
    let begin = location.and_then(|l| l.positions.as_ref()).and_then(|positions| positions.begin.as_ref());
    let line = location.and_then(|l| l.lines.as_ref()).and_then(|lines| lines.begin);
    let seen = Seen {
        level: Some(level_of(str_of(&wire.severity)).unwrap_or(Level::Warning)),
        message: wire.description.as_str(),
        place: location.and_then(|l| str_of(&l.path)).map(Place::of_path).unwrap_or_default(),
        region: begin.map_or_else(|| at(line, None), |begin| at(begin.line, begin.column)),
        ..Seen::default()
    };
    reading.add(str_of(&wire.check_name).unwrap_or(""), &seen)
}

/// Whether these are such issues by the keys of the first.
pub fn fits(shape: &Shape) -> bool {
    matches!(shape, Shape::JsonArray { keys, .. }
        if ["description", "fingerprint", "location"].iter().all(|key| keys.contains(*key)))
}
