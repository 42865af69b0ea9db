//! osv-scanner's `--format json`: sources, their packages, and groups of aliases, which are what counts.
//! A clean report and one that looked at nothing are the same bytes (FORMATS 1.4).

use std::io::BufRead;

use serde::Deserialize;

use super::super::content::{ParseError, Parsed};
use super::super::finding::Level;
use super::super::json_stream::JsonStream;
use super::super::limits::Limits;
use super::super::place::Place;
use super::super::shape::Shape;
use super::super::tally::Seen;
use super::super::wire::{First, Text, str_of};
use super::{Reading, malformed, unproven};

#[derive(Deserialize)]
struct SourceWire<'a> {
    #[serde(borrow)]
    path: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct PackageWire<'a> {
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    version: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct GroupWire<'a> {
    #[serde(borrow, default)]
    ids: First<Text<'a>>,
    /// The highest CVSS score in the group, as text; may be empty.
    #[serde(borrow)]
    max_severity: Option<Text<'a>>,
}

/// Reads osv-scanner's JSON.
///
/// # Errors
/// [`ParseError`]: not osv-scanner's JSON, its keys in another order, or beyond a bound.
pub fn parse(reader: &mut dyn BufRead, limits: &Limits) -> Result<Parsed, ParseError> {
    let mut json = JsonStream::open(reader, limits)?;
    let mut reading = Reading::new(limits, "osv-scanner");
    let mut listed = false;
    json.object(&mut |json, key| match key {
        "results" => {
            listed = true;
            json.list(&mut |json| source(json, &mut reading)).map(drop)
        }
        _ => json.skip(),
    })?;
    json.end()?;
    if !listed {
        return Err(malformed("it is no report of osv-scanner: it has no `results`"));
    }
    let substance = reading.unless_found(unproven("it lists no source that was looked at"));
    Ok(reading.finish(substance))
}

fn source(json: &mut JsonStream<'_>, reading: &mut Reading) -> Result<(), ParseError> {
    let mut place = None;
    json.object(&mut |json, key| match key {
        "source" => {
            let wire: SourceWire<'_> = json.value()?;
            place = Some(str_of(&wire.path).map(Place::of_path).unwrap_or_default());
            Ok(())
        }
        "packages" => {
            let place = place.as_ref().ok_or_else(|| malformed("`packages` come before their `source`"))?;
            json.list(&mut |json| package(json, place, reading)).map(drop)
        }
        _ => json.skip(),
    })
}

fn package(json: &mut JsonStream<'_>, place: &Place, reading: &mut Reading) -> Result<(), ParseError> {
    let mut name = None;
    json.object(&mut |json, key| match key {
        "package" => {
            let wire: PackageWire<'_> = json.value()?;
            let parts = [str_of(&wire.name), str_of(&wire.version)].map(|part| part.unwrap_or(""));
            name = Some(parts.join(" "));
            Ok(())
        }
        "groups" => {
            let name = name.as_deref().ok_or_else(|| malformed("`groups` come before their `package`"))?;
            json.list(&mut |json| {
                let wire: GroupWire<'_> = json.value()?;
                let score = str_of(&wire.max_severity).filter(|score| !score.is_empty());
                let seen = Seen {
                    level: Some(level_of_score(score)),
                    message: name,
                    place: place.clone(),
                    security_severity: score,
                    ..Seen::default()
                };
                reading.add(wire.ids.first.as_ref().map_or("", Text::as_str), &seen)
            })
            .map(drop)
        }
        // Whole OSV records: the same vulnerabilities again, under every alias.
        _ => json.skip(),
    })
}

/// CVSS's own bands (v3.1 section 5); what has no score is taken for grave.
fn level_of_score(score: Option<&str>) -> Level {
    match score.and_then(|score| score.parse::<f64>().ok()) {
        Some(score) if score < 4.0 => Level::Note,
        Some(score) if score < 7.0 => Level::Warning,
        _ => Level::Error,
    }
}

/// Whether this is osv-scanner's by its outer keys.
pub fn fits(shape: &Shape) -> bool {
    let Shape::JsonObject { keys, .. } = shape else { return false };
    let foreign = ["version", "errors", "metrics", "paths", "runs", "SchemaVersion"];
    keys.contains("results") && !foreign.iter().any(|key| keys.contains(*key))
}
