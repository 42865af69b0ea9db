//! Cargo's `--message-format=json`: one object a line, closed by `build-finished` (required, FORMATS 1.5).
//! Replacements that the compiler suggests are not read.

use std::fmt;
use std::io::BufRead;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};

use super::super::content::{ParseError, Parsed, Substance};
use super::super::document::json_error;
use super::super::finding::Level;
use super::super::limits::Limits;
use super::super::place::Place;
use super::super::shape::Shape;
use super::super::tally::{Region, Seen};
use super::super::text::{Controls, Text as Source};
use super::super::wire::{Text, str_of};
use super::{Reading, at, malformed, nothing};
use crate::model::count;

/// Bytes of one line; a diagnostic carries its rendered form and every note.
const LINE_BYTES: u64 = 8 * 1024 * 1024;

#[derive(Deserialize)]
struct LineWire<'a> {
    #[serde(borrow)]
    reason: Text<'a>,
    #[serde(borrow)]
    message: Option<DiagnosticWire<'a>>,
    success: Option<bool>,
}

#[derive(Deserialize)]
struct DiagnosticWire<'a> {
    #[serde(borrow)]
    level: Text<'a>,
    #[serde(borrow)]
    message: Text<'a>,
    #[serde(borrow)]
    code: Option<CodeWire<'a>>,
    #[serde(borrow, default)]
    spans: Primary<'a>,
}

#[derive(Deserialize)]
struct CodeWire<'a> {
    #[serde(borrow)]
    code: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct SpanWire<'a> {
    #[serde(borrow)]
    file_name: Option<Text<'a>>,
    #[serde(default)]
    is_primary: bool,
    line_start: Option<i64>,
    column_start: Option<i64>,
    line_end: Option<i64>,
    column_end: Option<i64>,
}

/// The first primary span of a list, else its first.
#[derive(Default)]
struct Primary<'a>(Option<SpanWire<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for Primary<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Spans;
        impl<'de> Visitor<'de> for Spans {
            type Value = Primary<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of spans")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Primary<'de>, A::Error> {
                let mut found: Option<SpanWire<'de>> = None;
                while let Some(span) = list.next_element::<SpanWire<'de>>()? {
                    if found.as_ref().is_none_or(|found| span.is_primary && !found.is_primary) {
                        found = Some(span);
                    }
                }
                Ok(Primary(found))
            }
        }
        deserializer.deserialize_seq(Spans)
    }
}

#[derive(Default)]
struct Build {
    /// Whether the line read last says that the build ended, and how.
    finished: Option<bool>,
    failed: bool,
    units: u64,
    errors: u64,
    other_lines: u64,
}

/// Reads cargo's messages.
///
/// # Errors
/// [`ParseError`]: a line of another JSON, no closing `build-finished`, or beyond a bound.
pub fn parse(reader: &mut dyn BufRead, limits: &Limits) -> Result<Parsed, ParseError> {
    let mut source = Source::open(reader, Controls::Kept)?;
    let mut reading = Reading::new(limits, "cargo");
    let mut line = String::new();
    let mut build = Build::default();
    while source.line(&mut line, LINE_BYTES)? {
        let trimmed = line.trim();
        if trimmed.is_empty() {
            continue;
        }
        build.finished = None;
        if trimmed.starts_with('{') {
            message(trimmed, &mut reading, &mut build)?;
        } else {
            // `cargo run` and `cargo test` mix in what the program prints.
            build.other_lines += 1;
        }
    }
    if build.finished.is_none() {
        return Err(malformed("it is cut off: its last line is no `build-finished`"));
    }
    if build.other_lines > 0 {
        reading.notes.push(format!("{} that is no message of cargo", count(build.other_lines, "line")));
    }
    if build.failed && build.errors == 0 {
        reading.errors.add("the build failed and no message says why", "");
    }
    let substance = if build.units > 0 {
        Substance::Measured
    } else {
        nothing("nothing was compiled: no artifact, no message")
    };
    Ok(reading.finish(substance))
}

fn message(line: &str, reading: &mut Reading, build: &mut Build) -> Result<(), ParseError> {
    let wire: LineWire<'_> = serde_json::from_str(line).map_err(|error| json_error(&error))?;
    match wire.reason.as_str() {
        "build-finished" => {
            build.finished = wire.success;
            build.failed |= wire.success == Some(false);
        }
        "compiler-artifact" => build.units += 1,
        "compiler-message" => {
            build.units += 1;
            if let Some(diagnostic) = &wire.message {
                return diagnose(diagnostic, reading, build);
            }
        }
        _ => {}
    }
    Ok(())
}

fn diagnose(wire: &DiagnosticWire<'_>, reading: &mut Reading, build: &mut Build) -> Result<(), ParseError> {
    let rule = wire.code.as_ref().and_then(|code| str_of(&code.code));
    let message = wire.message.as_str();
    let level = match wire.level.as_str() {
        "warning" => Level::Warning,
        "note" | "help" => Level::Note,
        // `For more information about this error, try …`
        "failure-note" => return Ok(()),
        // `error` and `error: internal compiler error`
        _ => Level::Error,
    };
    build.errors += u64::from(level == Level::Error);
    if rule.is_none() && wire.spans.0.is_none() && is_summary(message) {
        return Ok(());
    }
    let span = wire.spans.0.as_ref();
    let region = span.map_or_else(Region::default, |span| {
        let end = at(span.line_end, span.column_end);
        Region { end_line: end.line, end_column: end.column, ..at(span.line_start, span.column_start) }
    });
    let place = span.and_then(|span| str_of(&span.file_name)).map(Place::of_path).unwrap_or_default();
    let seen = Seen { level: Some(level), message, place, region, ..Seen::default() };
    reading.add(rule.unwrap_or(""), &seen)
}

/// What the compiler says at the end of a unit about the messages before it.
fn is_summary(message: &str) -> bool {
    message.starts_with("aborting due to ")
        || message.ends_with(" warning emitted")
        || message.ends_with(" warnings emitted")
}

/// Whether these are cargo's by the key of the first.
pub fn fits(shape: &Shape) -> bool {
    let (Shape::JsonLines { keys } | Shape::JsonObject { keys, .. }) = shape else { return false };
    keys.contains("reason") && (keys.contains("package_id") || keys.contains("success"))
}
