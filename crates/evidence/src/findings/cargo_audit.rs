//! `cargo audit --json`: vulnerabilities are errors, warnings (unmaintained, unsound, notice, yanked) warnings.
//! Advisories that the configuration ignores count as suppressed from outside the source (FORMATS 1.4).

use std::io::BufRead;

use serde::Deserialize;

use super::super::content::{ParseError, Parsed, Substance};
use super::super::finding::Level;
use super::super::json_stream::JsonStream;
use super::super::limits::Limits;
use super::super::place::Place;
use super::super::shape::Shape;
use super::super::tally::{Seen, Suppressed};
use super::super::wire::{Few, Text, str_of};
use super::{Reading, malformed, nothing, unproven};

#[derive(Deserialize)]
struct EntryWire<'a> {
    #[serde(borrow)]
    advisory: Option<AdvisoryWire<'a>>,
    #[serde(borrow)]
    package: PackageWire<'a>,
    #[serde(borrow, default)]
    versions: Option<VersionsWire<'a>>,
}

#[derive(Deserialize)]
struct AdvisoryWire<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    title: Option<Text<'a>>,
    #[serde(borrow)]
    cvss: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct PackageWire<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    version: Text<'a>,
}

#[derive(Deserialize)]
struct VersionsWire<'a> {
    #[serde(borrow, default)]
    patched: Few<Text<'a>>,
}

#[derive(Deserialize)]
struct DatabaseWire<'a> {
    #[serde(rename = "advisory-count")]
    advisories: Option<u64>,
    #[serde(borrow, rename = "last-updated")]
    last_updated: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct LockfileWire {
    #[serde(rename = "dependency-count")]
    dependencies: Option<u64>,
}

#[derive(Deserialize)]
struct SettingsWire<'a> {
    #[serde(borrow, default)]
    ignore: Few<Text<'a>>,
}

/// Reads cargo-audit's JSON.
///
/// # Errors
/// [`ParseError`]: not cargo-audit's JSON, or beyond a bound.
pub fn parse(reader: &mut dyn BufRead, limits: &Limits) -> Result<Parsed, ParseError> {
    let mut json = JsonStream::open(reader, limits)?;
    let mut reading = Reading::new(limits, "cargo-audit");
    let (mut advisories, mut dependencies, mut listed) = (None, None, false);
    json.object(&mut |json, key| {
        match key {
            "database" => {
                let wire: DatabaseWire<'_> = json.value()?;
                advisories = wire.advisories;
                if wire.last_updated.is_none() {
                    reading.notes.push("the age of its advisory database is not known".to_owned());
                }
            }
            "lockfile" => dependencies = json.value::<LockfileWire>()?.dependencies,
            "settings" => {
                let wire: SettingsWire<'_> = json.value()?;
                for id in &wire.ignore.0 {
                    let message = "ignored by the configuration";
                    let seen = Seen { message, suppressed: Some(Suppressed::External), ..Seen::default() };
                    reading.add(id.as_str(), &seen)?;
                }
            }
            "vulnerabilities" => {
                listed = true;
                vulnerabilities(json, &mut reading)?;
            }
            "warnings" => json.object(&mut |json, kind| {
                json.array(&mut |json| entry(json, &mut reading, Level::Warning, kind))
            })?,
            _ => json.skip()?,
        }
        Ok(())
    })?;
    json.end()?;
    if !listed {
        return Err(malformed("it is no report of cargo-audit: it has no `vulnerabilities`"));
    }
    let substance = match (dependencies, advisories) {
        (Some(0), _) => nothing("the lockfile has no dependencies"),
        (_, Some(0)) => nothing("the advisory database is empty"),
        (Some(_), Some(_)) => Substance::Measured,
        _ => unproven("it does not say how many dependencies and advisories were compared"),
    };
    Ok(reading.finish(substance))
}

fn vulnerabilities(json: &mut JsonStream<'_>, reading: &mut Reading) -> Result<(), ParseError> {
    let (mut stated, mut listed) = (None, 0);
    json.object(&mut |json, key| {
        match key {
            "count" => stated = json.value()?,
            "list" => json.array(&mut |json| {
                listed += 1;
                entry(json, reading, Level::Error, "vulnerability")
            })?,
            _ => json.skip()?,
        }
        Ok(())
    })?;
    reading.check_count("vulnerabilities", stated, listed);
    Ok(())
}

fn entry(
    json: &mut JsonStream<'_>,
    reading: &mut Reading,
    level: Level,
    kind: &str,
) -> Result<(), ParseError> {
    let wire: EntryWire<'_> = json.value()?;
    let advisory = wire.advisory.as_ref();
    let title = advisory.and_then(|advisory| str_of(&advisory.title)).unwrap_or(kind);
    let package = format!("{} {}: {title}", wire.package.name.as_str(), wire.package.version.as_str());
    let patched: Vec<&str> =
        wire.versions.iter().flat_map(|v| &v.patched.0).take(8).map(Text::as_str).collect();
    let message = if patched.is_empty() {
        package.clone()
    } else {
        format!("{package} (patched: {})", patched.join(" or "))
    };
    let seen = Seen {
        level: Some(level),
        message: &message,
        // Which versions are patched may change without the finding being another.
        snippet: Some(&package),
        place: Place::of_path("Cargo.lock"),
        security_severity: advisory.and_then(|advisory| str_of(&advisory.cvss)),
        ..Seen::default()
    };
    reading.add(advisory.map_or(kind, |advisory| advisory.id.as_str()), &seen)
}

/// Whether this is cargo-audit's by its outer keys.
pub fn fits(shape: &Shape) -> bool {
    matches!(shape, Shape::JsonObject { keys, .. } if keys.contains("database") && keys.contains("lockfile"))
}
