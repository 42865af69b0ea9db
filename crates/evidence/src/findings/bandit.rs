//! Bandit's `-f json`: results, the files it could not read, and per-file metrics.
//! A file that does not parse leaves `results` empty and exit code 0; only `errors` tells (FORMATS 1.0).

use std::io::BufRead;

use serde::Deserialize;

use super::super::content::{ParseError, Parsed, Substance};
use super::super::finding::Level;
use super::super::json_stream::JsonStream;
use super::super::limits::Limits;
use super::super::place::Place;
use super::super::shape::Shape;
use super::super::tally::{Seen, Suppressed};
use super::super::wire::{Text, str_of};
use super::{Reading, at, level_of, malformed, nothing, unproven};

#[derive(Deserialize)]
struct ResultWire<'a> {
    #[serde(borrow)]
    test_id: Text<'a>,
    #[serde(borrow)]
    issue_text: Option<Text<'a>>,
    #[serde(borrow)]
    issue_severity: Option<Text<'a>>,
    #[serde(borrow)]
    filename: Option<Text<'a>>,
    line_number: Option<i64>,
    /// Counted from 0.
    col_offset: Option<i64>,
}

#[derive(Deserialize)]
struct ErrorWire<'a> {
    #[serde(borrow)]
    filename: Option<Text<'a>>,
    #[serde(borrow)]
    reason: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct MetricsWire {
    loc: Option<u64>,
    nosec: Option<u64>,
}

/// Reads bandit's JSON.
///
/// # Errors
/// [`ParseError`]: not bandit's JSON, or beyond a bound.
pub fn parse(reader: &mut dyn BufRead, limits: &Limits) -> Result<Parsed, ParseError> {
    let mut json = JsonStream::open(reader, limits)?;
    let mut reading = Reading::new(limits, "bandit");
    let (mut has_results, mut lines) = (false, None);
    json.object(&mut |json, key| {
        match key {
            "results" => {
                has_results = true;
                json.array(&mut |json| result(json, &mut reading))?;
            }
            "errors" => json.array(&mut |json| {
                let wire: ErrorWire<'_> = json.value()?;
                let said =
                    [str_of(&wire.filename), str_of(&wire.reason)].map(|part| part.unwrap_or("")).join(": ");
                reading.errors.add("a file was not scanned", &said);
                Ok(())
            })?,
            "metrics" => {
                let total = lines.insert(0_u64);
                json.object(&mut |json, file| metrics(json, file, &mut reading, total))?;
            }
            _ => json.skip()?,
        }
        Ok(())
    })?;
    json.end()?;
    if !has_results {
        return Err(malformed("it is no report of bandit: it has no `results`"));
    }
    let substance = match lines {
        Some(0) => nothing("its metrics count no line of code"),
        Some(_) => Substance::Measured,
        None => reading.unless_found(unproven("it has no metrics that say what was scanned")),
    };
    Ok(reading.finish(substance))
}

/// Each `# nosec` of a file is a suppression; the report counts them and says nothing more of them.
fn metrics(
    json: &mut JsonStream<'_>,
    file: &str,
    reading: &mut Reading,
    lines: &mut u64,
) -> Result<(), ParseError> {
    let wire: MetricsWire = json.value()?;
    if file == "_totals" {
        return Ok(());
    }
    *lines += wire.loc.unwrap_or(0);
    for _ in 0..wire.nosec.unwrap_or(0) {
        let seen = Seen {
            message: "nosec",
            place: Place::of_path(file),
            suppressed: Some(Suppressed::InSource),
            ..Seen::default()
        };
        reading.add("nosec", &seen)?;
    }
    Ok(())
}

fn result(json: &mut JsonStream<'_>, reading: &mut Reading) -> Result<(), ParseError> {
    let wire: ResultWire<'_> = json.value()?;
    let seen = Seen {
        level: Some(level_of(str_of(&wire.issue_severity)).unwrap_or(Level::Warning)),
        message: str_of(&wire.issue_text).unwrap_or(""),
        place: str_of(&wire.filename).map(Place::of_path).unwrap_or_default(),
        region: at(wire.line_number, wire.col_offset.map(|column| column.saturating_add(1))),
        ..Seen::default()
    };
    reading.add(wire.test_id.as_str(), &seen)
}

/// Whether this is bandit's by its outer keys.
pub fn fits(shape: &Shape) -> bool {
    // Others have a time and errors too: bandit has no key beside its own four.
    let own = ["errors", "generated_at", "metrics", "results"];
    matches!(shape, Shape::JsonObject { keys, .. }
        if keys.contains("generated_at") && keys.contains("errors")
            && keys.iter().all(|key| own.contains(&key.as_str())))
}
