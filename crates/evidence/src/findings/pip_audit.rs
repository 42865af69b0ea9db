//! `pip-audit -f json`: dependencies with their vulnerabilities, or with the reason why they were skipped.
//! Where all are skipped nothing was audited, and the exit code is 0 all the same (FORMATS 1.0).

use std::io::BufRead;

use serde::Deserialize;

use super::super::content::{ParseError, Parsed, Substance};
use super::super::finding::Level;
use super::super::json_stream::JsonStream;
use super::super::limits::Limits;
use super::super::shape::Shape;
use super::super::tally::Seen;
use super::super::wire::{Few, Text, str_of};
use super::{Reading, malformed, nothing};
use crate::model::{count, cut_list, sanitize};

#[derive(Deserialize)]
struct DependencyWire<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    version: Option<Text<'a>>,
    #[serde(borrow)]
    skip_reason: Option<Text<'a>>,
    #[serde(borrow, default)]
    vulns: Few<VulnerabilityWire<'a>>,
}

#[derive(Deserialize)]
struct VulnerabilityWire<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow, default)]
    fix_versions: Few<Text<'a>>,
}

#[derive(Default)]
struct Audit {
    audited: u64,
    skipped: u64,
    skipped_names: Vec<String>,
}

/// Reads pip-audit's JSON, also the bare list that versions before 2.0 write.
///
/// # Errors
/// [`ParseError`]: not pip-audit's JSON, or beyond a bound.
pub fn parse(reader: &mut dyn BufRead, limits: &Limits) -> Result<Parsed, ParseError> {
    let mut json = JsonStream::open(reader, limits)?;
    let mut reading = Reading::new(limits, "pip-audit");
    let mut audit = Audit::default();
    let mut listed = false;
    if json.peek()? == Some(b'[') {
        listed = true;
        json.array(&mut |json| dependency(json, &mut reading, &mut audit))?;
    } else {
        json.object(&mut |json, key| match key {
            "dependencies" => {
                listed = true;
                json.array(&mut |json| dependency(json, &mut reading, &mut audit))
            }
            // `fixes` are what pip-audit itself changed.
            _ => json.skip(),
        })?;
    }
    json.end()?;
    if !listed {
        return Err(malformed("it is no report of pip-audit: it has no `dependencies`"));
    }
    if audit.skipped > 0 {
        let skipped = count(audit.skipped, "dependency");
        reading.notes.push(format!("{skipped} not audited: {}", cut_list(&audit.skipped_names, 5)));
    }
    let substance = match (audit.audited, audit.skipped) {
        (0, 0) => nothing("there was no dependency to audit"),
        (0, _) => nothing("every dependency was skipped"),
        _ => Substance::Measured,
    };
    Ok(reading.finish(substance))
}

fn dependency(json: &mut JsonStream<'_>, reading: &mut Reading, audit: &mut Audit) -> Result<(), ParseError> {
    let wire: DependencyWire<'_> = json.value()?;
    if wire.skip_reason.is_some() {
        audit.skipped += 1;
        if audit.skipped_names.len() < 6 {
            audit.skipped_names.push(format!("`{}`", sanitize(wire.name.as_str(), 60)));
        }
        return Ok(());
    }
    audit.audited += 1;
    for vulnerability in &wire.vulns.0 {
        let package = format!("{} {}", wire.name.as_str(), str_of(&wire.version).unwrap_or(""));
        let fixed: Vec<&str> = vulnerability.fix_versions.0.iter().take(8).map(Text::as_str).collect();
        let message = if fixed.is_empty() {
            package.clone()
        } else {
            format!("{package} (fixed in {})", fixed.join(", "))
        };
        let seen =
            Seen { level: Some(Level::Error), message: &message, snippet: Some(&package), ..Seen::default() };
        reading.add(vulnerability.id.as_str(), &seen)?;
    }
    Ok(())
}

/// Whether this is pip-audit's by its outer keys.
pub fn fits(shape: &Shape) -> bool {
    match shape {
        Shape::JsonObject { keys, .. } => {
            keys.contains("dependencies") && keys.iter().all(|key| key == "dependencies" || key == "fixes")
        }
        Shape::JsonArray { keys, .. } => {
            keys.contains("name") && (keys.contains("vulns") || keys.contains("skip_reason"))
        }
        _ => false,
    }
}
