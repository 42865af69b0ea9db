//! Reviewdog's rdjson: diagnostics of any tool. The edits in `suggestions` are not read.
//! A diagnostic without a severity has the document's, which may come after it.

use std::io::BufRead;

use serde::Deserialize;

use super::super::content::{ParseError, Parsed};
use super::super::finding::Level;
use super::super::json_stream::JsonStream;
use super::super::limits::Limits;
use super::super::place::Place;
use super::super::shape::Shape;
use super::super::tally::{Region, Seen};
use super::super::wire::{Text, str_of};
use super::{Reading, at, level_of, malformed, text, unproven};
use crate::model::sanitize;

#[derive(Deserialize)]
struct DiagnosticWire<'a> {
    #[serde(borrow)]
    message: Option<Text<'a>>,
    #[serde(borrow)]
    location: Option<LocationWire<'a>>,
    #[serde(borrow)]
    severity: Option<Text<'a>>,
    #[serde(borrow)]
    code: Option<CodeWire<'a>>,
}

#[derive(Deserialize)]
struct LocationWire<'a> {
    #[serde(borrow)]
    path: Option<Text<'a>>,
    range: Option<RangeWire>,
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
struct CodeWire<'a> {
    #[serde(borrow)]
    value: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct SourceWire<'a> {
    #[serde(borrow)]
    name: Option<Text<'a>>,
}

/// Reads rdjson.
///
/// # Errors
/// [`ParseError`]: not rdjson, or beyond a bound.
pub fn parse(reader: &mut dyn BufRead, limits: &Limits) -> Result<Parsed, ParseError> {
    let mut json = JsonStream::open(reader, limits)?;
    let mut reading = Reading::new(limits, "");
    let mut listed = false;
    json.object(&mut |json, key| {
        match key {
            "diagnostics" => {
                listed = true;
                json.list(&mut |json| diagnostic(json, &mut reading))?;
            }
            "severity" => reading.default = level_of(text(json)?.as_deref()).unwrap_or(Level::Warning),
            "source" => {
                if let Some(wire) = json.value::<Option<SourceWire<'_>>>()? {
                    reading.tool.name = sanitize(str_of(&wire.name).unwrap_or(""), 120);
                }
            }
            _ => json.skip()?,
        }
        Ok(())
    })?;
    json.end()?;
    if !listed {
        return Err(malformed("it is no rdjson: it has no `diagnostics`"));
    }
    let substance =
        reading.unless_found(unproven("it has no diagnostics and does not say what was looked at"));
    Ok(reading.finish(substance))
}

fn diagnostic(json: &mut JsonStream<'_>, reading: &mut Reading) -> Result<(), ParseError> {
    let wire: DiagnosticWire<'_> = json.value()?;
    let range = wire.location.as_ref().and_then(|location| location.range.as_ref());
    let spot = |spot: Option<&SpotWire>| spot.map(|spot| at(spot.line, spot.column)).unwrap_or_default();
    let end = spot(range.and_then(|range| range.end.as_ref()));
    let seen = Seen {
        level: level_of(str_of(&wire.severity)),
        message: str_of(&wire.message).unwrap_or(""),
        place: wire.location.as_ref().and_then(|l| str_of(&l.path)).map(Place::of_path).unwrap_or_default(),
        region: Region {
            end_line: end.line,
            end_column: end.column,
            ..spot(range.and_then(|range| range.start.as_ref()))
        },
        ..Seen::default()
    };
    reading.add(wire.code.as_ref().and_then(|code| str_of(&code.value)).unwrap_or(""), &seen)
}

/// Whether this is rdjson by its outer keys.
pub fn fits(shape: &Shape) -> bool {
    matches!(shape, Shape::JsonObject { keys, .. } if keys.contains("diagnostics"))
}
