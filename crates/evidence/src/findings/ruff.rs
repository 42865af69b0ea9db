//! Ruff's `--output-format json`: one array of diagnostics. The code edits in `fix` are not read.
//! A clean run and a run that saw no file both write `[]` (FORMATS 1.0).

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
use super::{Reading, at, level_of, unproven};

#[derive(Deserialize)]
struct DiagnosticWire<'a> {
    /// Null for a syntax error in older versions.
    #[serde(borrow)]
    code: Option<Text<'a>>,
    #[serde(borrow)]
    message: Text<'a>,
    #[serde(borrow)]
    filename: Option<Text<'a>>,
    location: Option<SpotWire>,
    end_location: Option<SpotWire>,
    /// Absent in older versions, which know errors only.
    #[serde(borrow)]
    severity: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct SpotWire {
    row: Option<i64>,
    column: Option<i64>,
}

/// Reads ruff's JSON.
///
/// # Errors
/// [`ParseError`]: not ruff's JSON, or beyond a bound.
pub fn parse(reader: &mut dyn BufRead, limits: &Limits) -> Result<Parsed, ParseError> {
    let mut json = JsonStream::open(reader, limits)?;
    let mut reading = Reading::new(limits, "ruff");
    json.array(&mut |json| {
        let wire: DiagnosticWire<'_> = json.value()?;
        let spot =
            |spot: &Option<SpotWire>| spot.as_ref().map_or((None, None), |spot| (spot.row, spot.column));
        let ((line, column), (end_line, end_column)) = (spot(&wire.location), spot(&wire.end_location));
        let end = at(end_line, end_column);
        let seen = Seen {
            level: Some(level_of(str_of(&wire.severity)).unwrap_or(Level::Error)),
            message: wire.message.as_str(),
            place: str_of(&wire.filename).map(Place::of_path).unwrap_or_default(),
            region: Region { end_line: end.line, end_column: end.column, ..at(line, column) },
            ..Seen::default()
        };
        reading.add(str_of(&wire.code).unwrap_or("invalid-syntax"), &seen)
    })?;
    json.end()?;
    let substance =
        reading.unless_found(unproven("`[]` is what ruff writes when it is clean and when it saw no file"));
    Ok(reading.finish(substance))
}

/// Whether this is ruff's by the keys of its first diagnostic.
pub fn fits(shape: &Shape) -> bool {
    matches!(shape, Shape::JsonArray { keys, .. }
        if ["code", "filename", "location"].iter().all(|key| keys.contains(*key)))
}
