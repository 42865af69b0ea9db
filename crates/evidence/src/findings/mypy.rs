//! Mypy's `-O json`: one object a line, nothing at all for a clean run.
//! Lines that are no JSON are its summary, or what it says when it breaks down.

use std::io::BufRead;

use serde::Deserialize;

use super::super::content::{ParseError, Parsed, Substance};
use super::super::document::json_error;
use super::super::finding::Level;
use super::super::limits::Limits;
use super::super::place::Place;
use super::super::shape::Shape;
use super::super::tally::Seen;
use super::super::text::{Controls, Text as Source};
use super::super::wire::{Text, str_of};
use super::{Reading, at, level_of, unproven};

/// Bytes of one line.
const LINE_BYTES: u64 = 1024 * 1024;

#[derive(Deserialize)]
struct MessageWire<'a> {
    #[serde(borrow)]
    file: Option<Text<'a>>,
    line: Option<i64>,
    /// Counted from 0.
    column: Option<i64>,
    #[serde(borrow)]
    message: Text<'a>,
    #[serde(borrow)]
    code: Option<Text<'a>>,
    #[serde(borrow)]
    severity: Text<'a>,
}

/// Reads mypy's JSON lines.
///
/// # Errors
/// [`ParseError`]: a line of another JSON, or beyond a bound.
pub fn parse(reader: &mut dyn BufRead, limits: &Limits) -> Result<Parsed, ParseError> {
    let mut source = Source::open(reader, Controls::Kept)?;
    let mut reading = Reading::new(limits, "mypy");
    let mut line = String::new();
    let mut summary = false;
    while source.line(&mut line, LINE_BYTES)? {
        let trimmed = line.trim();
        if trimmed.is_empty() {
            continue;
        }
        if trimmed.starts_with("Success: no issues found in ") || trimmed.starts_with("Found ") {
            summary = true;
            continue;
        }
        if !trimmed.starts_with('{') {
            reading.errors.add("mypy printed text instead of a message", trimmed);
            continue;
        }
        let wire: MessageWire<'_> = borrowed(trimmed)?;
        let seen = Seen {
            level: Some(level_of(Some(wire.severity.as_str())).unwrap_or(Level::Error)),
            message: wire.message.as_str(),
            place: str_of(&wire.file).map(Place::of_path).unwrap_or_default(),
            region: at(wire.line, wire.column.map(|column| column.saturating_add(1))),
            ..Seen::default()
        };
        reading.add(str_of(&wire.code).unwrap_or(""), &seen)?;
    }
    let substance = if summary {
        Substance::Measured
    } else {
        reading.unless_found(unproven("mypy writes nothing when it is clean and when it saw no file"))
    };
    Ok(reading.finish(substance))
}

fn borrowed<'a, T: Deserialize<'a>>(line: &'a str) -> Result<T, ParseError> {
    serde_json::from_str(line).map_err(|error| json_error(&error))
}

/// Whether this is mypy's by the keys of its first line.
pub fn fits(shape: &Shape) -> bool {
    let (Shape::JsonLines { keys } | Shape::JsonObject { keys, .. }) = shape else { return false };
    ["file", "line", "hint", "severity"].iter().all(|key| keys.contains(*key))
}
