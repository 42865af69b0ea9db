//! Semgrep's `--json`: results, errors and the files that were scanned. Edits in `extra.fix` are not read.
//! `fingerprint` and `lines` say `requires login` without an account, so neither is believed (FORMATS 1.2).

use std::io::BufRead;

use serde::Deserialize;

use super::super::content::{ParseError, Parsed, Substance};
use super::super::finding::Level;
use super::super::json_stream::JsonStream;
use super::super::limits::Limits;
use super::super::place::Place;
use super::super::shape::Shape;
use super::super::tally::{Region, Seen, Suppressed};
use super::super::wire::{Text, str_of};
use super::{Reading, at, level_of, malformed, nothing, text, unproven};
use crate::model::count;

#[derive(Deserialize)]
struct ResultWire<'a> {
    #[serde(borrow)]
    check_id: Text<'a>,
    #[serde(borrow)]
    path: Option<Text<'a>>,
    start: Option<SpotWire>,
    end: Option<SpotWire>,
    #[serde(borrow)]
    extra: ExtraWire<'a>,
}

#[derive(Deserialize)]
struct SpotWire {
    line: Option<i64>,
    col: Option<i64>,
}

#[derive(Deserialize)]
struct ExtraWire<'a> {
    #[serde(borrow)]
    message: Option<Text<'a>>,
    #[serde(borrow)]
    severity: Option<Text<'a>>,
    /// Set where a `nosemgrep` comment stands and `--disable-nosem` shows it all the same.
    is_ignored: Option<bool>,
}

#[derive(Deserialize)]
struct ErrorWire<'a> {
    #[serde(borrow)]
    level: Option<Text<'a>>,
    #[serde(borrow)]
    message: Option<Text<'a>>,
}

/// Reads semgrep's JSON.
///
/// # Errors
/// [`ParseError`]: not semgrep's JSON, or beyond a bound.
pub fn parse(reader: &mut dyn BufRead, limits: &Limits) -> Result<Parsed, ParseError> {
    let mut json = JsonStream::open(reader, limits)?;
    let mut reading = Reading::new(limits, "semgrep");
    let (mut has_results, mut scanned, mut milder) = (false, None, 0);
    json.object(&mut |json, key| {
        match key {
            "version" => reading.version(&text(json)?.unwrap_or_default()),
            "results" => {
                has_results = true;
                json.array(&mut |json| result(json, &mut reading))?;
            }
            "errors" => json.array(&mut |json| {
                let wire: ErrorWire<'_> = json.value()?;
                // `warn` is what a file that was parsed in part gets.
                if level_of(str_of(&wire.level)) == Some(Level::Warning) {
                    milder += 1;
                } else {
                    reading.errors.add("semgrep reports an error", str_of(&wire.message).unwrap_or(""));
                }
                Ok(())
            })?,
            "paths" => json.object(&mut |json, key| {
                if key != "scanned" {
                    return json.skip();
                }
                let files = scanned.insert(0_u64);
                json.array(&mut |json| {
                    *files += 1;
                    json.skip()
                })
            })?,
            _ => json.skip()?,
        }
        Ok(())
    })?;
    json.end()?;
    if !has_results {
        return Err(malformed("it is no report of semgrep: it has no `results`"));
    }
    if milder > 0 {
        reading.notes.push(format!("{} of semgrep about files it saw in part", count(milder, "warning")));
    }
    let substance = match scanned {
        Some(0) => nothing("`paths.scanned` is empty: no file was scanned"),
        Some(_) => Substance::Measured,
        None => reading.unless_found(unproven("it does not say which files were scanned")),
    };
    Ok(reading.finish(substance))
}

fn result(json: &mut JsonStream<'_>, reading: &mut Reading) -> Result<(), ParseError> {
    let wire: ResultWire<'_> = json.value()?;
    let spot =
        |spot: &Option<SpotWire>| spot.as_ref().map(|spot| at(spot.line, spot.col)).unwrap_or_default();
    let end = spot(&wire.end);
    let seen = Seen {
        level: Some(level_of(str_of(&wire.extra.severity)).unwrap_or(Level::Warning)),
        message: str_of(&wire.extra.message).unwrap_or(""),
        place: str_of(&wire.path).map(Place::of_path).unwrap_or_default(),
        region: Region { end_line: end.line, end_column: end.column, ..spot(&wire.start) },
        suppressed: (wire.extra.is_ignored == Some(true)).then_some(Suppressed::InSource),
        ..Seen::default()
    };
    reading.add(wire.check_id.as_str(), &seen)
}

/// Whether this is semgrep's by its outer keys.
pub fn fits(shape: &Shape) -> bool {
    matches!(shape, Shape::JsonObject { keys, .. }
        if keys.contains("results") && keys.contains("version") && !keys.contains("runs") && !keys.contains("metrics"))
}
