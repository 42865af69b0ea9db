//! Trivy's `--format json`: targets with vulnerabilities, misconfigurations, secrets and licences.
//! A secret's `Match` is never read. What a policy of trivy's ignores counts as suppressed.

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
use super::{Reading, at, level_of, malformed, text, unproven};

/// One finding of any class; each class fills its own keys.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EntryWire<'a> {
    #[serde(borrow, rename = "VulnerabilityID")]
    vulnerability: Option<Text<'a>>,
    #[serde(borrow, rename = "ID")]
    id: Option<Text<'a>>,
    #[serde(borrow, rename = "RuleID")]
    rule: Option<Text<'a>>,
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    pkg_name: Option<Text<'a>>,
    #[serde(borrow)]
    installed_version: Option<Text<'a>>,
    #[serde(borrow)]
    fixed_version: Option<Text<'a>>,
    #[serde(borrow)]
    title: Option<Text<'a>>,
    #[serde(borrow)]
    message: Option<Text<'a>>,
    #[serde(borrow)]
    severity: Option<Text<'a>>,
    /// Of misconfigurations: `FAIL`, `PASS` or `EXCEPTION`.
    #[serde(borrow)]
    status: Option<Text<'a>>,
    start_line: Option<i64>,
    cause_metadata: Option<CauseWire>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CauseWire {
    start_line: Option<i64>,
}

/// A finding that an ignore file or a VEX statement takes out.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ModifiedWire<'a> {
    #[serde(borrow)]
    finding: Option<EntryWire<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MetadataWire<'a> {
    #[serde(borrow)]
    commit: Option<Text<'a>>,
    #[serde(borrow, rename = "RepoURL")]
    repository: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TrivyWire<'a> {
    #[serde(borrow)]
    version: Option<Text<'a>>,
}

/// Reads trivy's JSON of schema version 2.
///
/// # Errors
/// [`ParseError`]: not trivy's JSON, another schema version, its keys in another order, or beyond a bound.
pub fn parse(reader: &mut dyn BufRead, limits: &Limits) -> Result<Parsed, ParseError> {
    let mut json = JsonStream::open(reader, limits)?;
    let mut reading = Reading::new(limits, "trivy");
    let (mut schema, mut targets) = (None, 0_u64);
    json.object(&mut |json, key| {
        match key {
            "SchemaVersion" => schema = Some(json.value::<u64>()?),
            "Trivy" => {
                let wire: TrivyWire<'_> = json.value()?;
                reading.version(str_of(&wire.version).unwrap_or(""));
            }
            "Metadata" => {
                if let Some(wire) = json.value::<Option<MetadataWire<'_>>>()? {
                    reading.commit(str_of(&wire.commit).unwrap_or(""), str_of(&wire.repository));
                }
            }
            "Results" => {
                json.list(&mut |json| {
                    targets += 1;
                    target(json, &mut reading)
                })?;
            }
            _ => json.skip()?,
        }
        Ok(())
    })?;
    json.end()?;
    match schema {
        Some(2) => {}
        Some(other) => return Err(malformed(&format!("trivy's schema version {other} is not read, 2 is"))),
        None => return Err(malformed("it is no report of trivy: it has no `SchemaVersion`")),
    }
    let substance =
        if targets > 0 { Substance::Measured } else { unproven("it lists no target that was looked at") };
    Ok(reading.finish(substance))
}

fn target(json: &mut JsonStream<'_>, reading: &mut Reading) -> Result<(), ParseError> {
    let mut place = None;
    json.object(&mut |json, key| match key {
        "Target" => {
            place = Some(Place::of_path(&text(json)?.unwrap_or_default()));
            Ok(())
        }
        "Vulnerabilities" | "Misconfigurations" | "Secrets" | "Licenses" | "ExperimentalModifiedFindings" => {
            let place = place.as_ref().ok_or_else(|| malformed("findings come before their `Target`"))?;
            json.list(&mut |json| {
                if key == "ExperimentalModifiedFindings" {
                    let wire: ModifiedWire<'_> = json.value()?;
                    return wire.finding.map_or(Ok(()), |finding| add(&finding, place, reading, true));
                }
                let wire: EntryWire<'_> = json.value()?;
                add(&wire, place, reading, false)
            })
            .map(drop)
        }
        _ => json.skip(),
    })
}

fn add(wire: &EntryWire<'_>, place: &Place, reading: &mut Reading, modified: bool) -> Result<(), ParseError> {
    let status = str_of(&wire.status).unwrap_or("");
    if status == "PASS" {
        return Ok(());
    }
    let first =
        |texts: &[&Option<Text<'_>>]| texts.iter().find_map(|text| str_of(text)).unwrap_or("").to_owned();
    let package = [&wire.pkg_name, &wire.installed_version].map(|part| str_of(part).unwrap_or("")).join(" ");
    let identity = format!("{package} {}", first(&[&wire.message, &wire.title, &wire.name]));
    let message = match str_of(&wire.fixed_version).filter(|fixed| !fixed.is_empty()) {
        Some(fixed) => format!("{identity} (fixed in {fixed})"),
        None => identity.clone(),
    };
    let line = wire.start_line.or(wire.cause_metadata.as_ref().and_then(|cause| cause.start_line));
    let severity = str_of(&wire.severity);
    let seen = Seen {
        level: Some(level_of(severity).unwrap_or(Level::Warning)),
        message: &message,
        snippet: Some(&identity),
        place: place.clone(),
        region: at(line, None),
        suppressed: (modified || status == "EXCEPTION").then_some(Suppressed::External),
        security_severity: severity,
        ..Seen::default()
    };
    reading.add(&first(&[&wire.vulnerability, &wire.rule, &wire.id, &wire.name]), &seen)
}

/// Whether this is trivy's by its outer keys.
pub fn fits(shape: &Shape) -> bool {
    matches!(shape, Shape::JsonObject { keys, .. }
        if keys.contains("SchemaVersion") && (keys.contains("ArtifactName") || keys.contains("Results")))
}
