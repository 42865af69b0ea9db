//! `npm audit --json`, of npm 7 and later (`vulnerabilities`) and of npm 6 (`advisories`).
//! A failure writes another object with the exit code of findings; only its keys tell (FORMATS 1.4).

use std::io::BufRead;

use serde::Deserialize;

use super::super::content::{ParseError, Parsed, Substance};
use super::super::finding::Level;
use super::super::json_stream::JsonStream;
use super::super::limits::Limits;
use super::super::place::Place;
use super::super::shape::Shape;
use super::super::tally::Seen;
use super::super::wire::{Few, Loose, Text, str_of};
use super::{Reading, level_of, malformed, nothing, text, unproven};

/// One vulnerable package, of npm 7 and later.
#[derive(Deserialize)]
struct PackageWire<'a> {
    #[serde(borrow)]
    severity: Option<Text<'a>>,
    #[serde(default)]
    via: Few<ViaWire>,
    #[serde(borrow)]
    range: Option<Text<'a>>,
}

/// What makes a package vulnerable: an advisory, or the name of a dependency that is.
#[derive(Deserialize)]
#[serde(untagged)]
enum ViaWire {
    Advisory {
        url: Option<String>,
        title: Option<String>,
        #[serde(default)]
        source: Loose,
    },
    Dependency(String),
}

/// One advisory of npm 6.
#[derive(Deserialize)]
struct AdvisoryWire<'a> {
    #[serde(borrow)]
    module_name: Option<Text<'a>>,
    #[serde(borrow)]
    title: Option<Text<'a>>,
    #[serde(borrow)]
    severity: Option<Text<'a>>,
    #[serde(borrow)]
    vulnerable_versions: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct MetadataWire {
    vulnerabilities: Option<CountsWire>,
    /// A table of counts in npm 7 and later, one number in npm 6.
    dependencies: Option<DependenciesWire>,
    #[serde(rename = "totalDependencies")]
    total_dependencies: Option<u64>,
}

#[derive(Deserialize)]
struct CountsWire {
    total: Option<u64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum DependenciesWire {
    Table { total: Option<u64> },
    Number(u64),
}

#[derive(Deserialize)]
struct ErrorWire<'a> {
    #[serde(borrow)]
    summary: Option<Text<'a>>,
}

/// Reads npm audit's JSON.
///
/// # Errors
/// [`ParseError`]: not npm's JSON, or beyond a bound.
pub fn parse(reader: &mut dyn BufRead, limits: &Limits) -> Result<Parsed, ParseError> {
    let mut json = JsonStream::open(reader, limits)?;
    let mut reading = Reading::new(limits, "npm-audit");
    let (mut listed, mut packages, mut metadata, mut said, mut failed) = (false, 0, None, None, false);
    json.object(&mut |json, key| {
        match key {
            "vulnerabilities" => {
                listed = true;
                json.object(&mut |json, name| {
                    packages += 1;
                    package(json, name, &mut reading)
                })?;
            }
            "advisories" => {
                listed = true;
                json.object(&mut |json, id| advisory(json, id, &mut reading))?;
            }
            "metadata" => metadata = Some(json.value::<MetadataWire>()?),
            "message" => said = text(json)?,
            "error" => {
                failed = true;
                if json.peek()? == Some(b'{') {
                    let wire: ErrorWire<'_> = json.value()?;
                    said = said.take().or(str_of(&wire.summary).map(str::to_owned));
                } else {
                    json.skip()?;
                }
            }
            _ => json.skip()?,
        }
        Ok(())
    })?;
    json.end()?;
    if failed || (said.is_some() && !listed) {
        reading.errors.add("npm could not audit", said.as_deref().unwrap_or(""));
        return Ok(reading.finish(nothing("it is npm's error object, no audit")));
    }
    if !listed {
        return Err(malformed(
            "it is no report of npm audit: it has no `vulnerabilities` and no `advisories`",
        ));
    }
    let stated = metadata.as_ref().and_then(|m| m.vulnerabilities.as_ref()).and_then(|counts| counts.total);
    if packages > 0 || reading.found == 0 {
        reading.check_count("vulnerable packages", stated, packages);
    }
    let dependencies = metadata.and_then(|metadata| match metadata.dependencies {
        Some(DependenciesWire::Table { total }) => total,
        Some(DependenciesWire::Number(number)) => metadata.total_dependencies.or(Some(number)),
        None => metadata.total_dependencies,
    });
    let substance = match dependencies {
        Some(0) => nothing("there was no dependency to audit"),
        Some(_) => Substance::Measured,
        None => reading.unless_found(unproven("it does not say how many dependencies were audited")),
    };
    Ok(reading.finish(substance))
}

/// npm counts packages, so each is one finding, with the first advisory behind it.
fn package(json: &mut JsonStream<'_>, name: &str, reading: &mut Reading) -> Result<(), ParseError> {
    let wire: PackageWire<'_> = json.value()?;
    let (mut rule, mut title) = (None, None);
    for via in &wire.via.0 {
        match via {
            ViaWire::Advisory { url, title: own, source } => {
                rule = url.as_deref().and_then(|url| url.rsplit('/').next()).or(source.as_str());
                title.clone_from(own);
                break;
            }
            ViaWire::Dependency(by) => {
                title.get_or_insert_with(|| format!("depends on a vulnerable version of {by}"));
            }
        }
    }
    let range = str_of(&wire.range).unwrap_or("");
    let identity = format!("{name}: {}", title.unwrap_or_default());
    add(reading, rule.unwrap_or("vulnerable-dependency"), str_of(&wire.severity), &identity, range)
}

fn advisory(json: &mut JsonStream<'_>, id: &str, reading: &mut Reading) -> Result<(), ParseError> {
    let wire: AdvisoryWire<'_> = json.value()?;
    let parts = [str_of(&wire.module_name), str_of(&wire.title)].map(|part| part.unwrap_or(""));
    add(
        reading,
        id,
        str_of(&wire.severity),
        &parts.join(": "),
        str_of(&wire.vulnerable_versions).unwrap_or(""),
    )
}

fn add(
    reading: &mut Reading,
    rule: &str,
    severity: Option<&str>,
    identity: &str,
    range: &str,
) -> Result<(), ParseError> {
    let message = format!("{identity} (vulnerable: {range})");
    let seen = Seen {
        level: Some(level_of(severity).unwrap_or(Level::Error)),
        message: &message,
        snippet: Some(identity),
        place: Place::of_path("package-lock.json"),
        security_severity: severity,
        ..Seen::default()
    };
    reading.add(rule, &seen)
}

/// Whether this is npm's by its outer keys, its error object included.
pub fn fits(shape: &Shape) -> bool {
    let Shape::JsonObject { keys, .. } = shape else { return false };
    let all = |names: &[&str]| names.iter().all(|name| keys.contains(*name));
    all(&["auditReportVersion"])
        || all(&["advisories", "metadata"])
        || all(&["message", "error", "statusCode"])
}
