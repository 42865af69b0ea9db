//! ESLint's `-f json`: one array of files, clean ones too. Edits in `fix` and `suggestions` are not read.
//! `[]` shows that no file was linted (`--pass-on-no-patterns`, FORMATS 1.5).

use std::io::BufRead;

use serde::Deserialize;

use super::super::content::{ParseError, Parsed, Substance};
use super::super::finding::Level;
use super::super::json_stream::JsonStream;
use super::super::limits::Limits;
use super::super::place::Place;
use super::super::shape::Shape;
use super::super::tally::{Region, Seen, Suppressed};
use super::super::wire::{First, Text, str_of};
use super::{Reading, at, malformed, nothing, text};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MessageWire<'a> {
    /// Null for a file that could not be parsed and for ESLint's own remarks.
    #[serde(borrow)]
    rule_id: Option<Text<'a>>,
    severity: Option<u8>,
    #[serde(default)]
    fatal: bool,
    #[serde(borrow)]
    message: Option<Text<'a>>,
    line: Option<i64>,
    column: Option<i64>,
    end_line: Option<i64>,
    end_column: Option<i64>,
    #[serde(borrow, default)]
    suppressions: First<SuppressionWire<'a>>,
}

#[derive(Deserialize)]
struct SuppressionWire<'a> {
    #[serde(borrow)]
    kind: Option<Text<'a>>,
}

#[derive(Default)]
struct File {
    path: Option<String>,
    errors: u64,
    warnings: u64,
    stated_errors: Option<u64>,
    stated_warnings: Option<u64>,
}

/// Reads ESLint's JSON.
///
/// # Errors
/// [`ParseError`]: not ESLint's JSON, or beyond a bound.
pub fn parse(reader: &mut dyn BufRead, limits: &Limits) -> Result<Parsed, ParseError> {
    let mut json = JsonStream::open(reader, limits)?;
    let mut reading = Reading::new(limits, "eslint");
    let mut files = 0_u64;
    json.array(&mut |json| {
        files += 1;
        let mut file = File::default();
        json.object(&mut |json, key| {
            match key {
                "filePath" => file.path = text(json)?,
                "messages" | "suppressedMessages" if file.path.is_none() => {
                    return Err(malformed("a file's messages come before its `filePath`"));
                }
                "messages" => json.array(&mut |json| message(json, &mut reading, &mut file, false))?,
                "suppressedMessages" => {
                    json.array(&mut |json| message(json, &mut reading, &mut file, true))?;
                }
                "errorCount" => file.stated_errors = json.value()?,
                "warningCount" => file.stated_warnings = json.value()?,
                _ => json.skip()?,
            }
            Ok(())
        })?;
        reading.check_count("errors of a file", file.stated_errors, file.errors);
        reading.check_count("warnings of a file", file.stated_warnings, file.warnings);
        Ok(())
    })?;
    json.end()?;
    let substance = if files > 0 {
        Substance::Measured
    } else {
        nothing("`[]`: no file was linted, for ESLint lists clean files too")
    };
    Ok(reading.finish(substance))
}

fn message(
    json: &mut JsonStream<'_>,
    reading: &mut Reading,
    file: &mut File,
    suppressed: bool,
) -> Result<(), ParseError> {
    let wire: MessageWire<'_> = json.value()?;
    let message = str_of(&wire.message).unwrap_or("");
    let level = if wire.severity == Some(1) && !wire.fatal { Level::Warning } else { Level::Error };
    if !suppressed {
        *(if level == Level::Error { &mut file.errors } else { &mut file.warnings }) += 1;
    }
    if wire.fatal {
        reading.errors.add("a file could not be parsed, so no rule saw it", message);
    }
    let by = match wire.suppressions.first.as_ref().and_then(|one| str_of(&one.kind)) {
        Some("directive") | None => Suppressed::InSource,
        Some(_) => Suppressed::External,
    };
    let end = at(wire.end_line, wire.end_column);
    let seen = Seen {
        level: Some(level),
        message,
        place: file.path.as_deref().map(Place::of_path).unwrap_or_default(),
        region: Region { end_line: end.line, end_column: end.column, ..at(wire.line, wire.column) },
        suppressed: suppressed.then_some(by),
        ..Seen::default()
    };
    reading.add(str_of(&wire.rule_id).unwrap_or(""), &seen)
}

/// Whether this is ESLint's by the keys of its first file.
pub fn fits(shape: &Shape) -> bool {
    matches!(shape, Shape::JsonArray { keys, .. } if keys.contains("filePath") && keys.contains("messages"))
}
