//! fallow (npm): `--format json` of `audit`, `dead-code` and the bare command (FORMATS 3.2).
//! What `actions` propose is not read. Its exit code is 0 for the bare command whatever it found.

use std::io::BufRead;

use serde::Deserialize;

use super::super::content::{ParseError, Parsed, Substance};
use super::super::finding::Level;
use super::super::json_stream::JsonStream;
use super::super::limits::Limits;
use super::super::place::Place;
use super::super::shape::Shape;
use super::super::tally::Seen;
use super::super::wire::{First, Text, str_of};
use super::{Reading, at, level_of, malformed, nothing, text, unproven};
use crate::model::{count, sanitize};

/// Lists beside those of findings.
const NO_FINDINGS: [&str; 3] = ["next_steps", "workspace_diagnostics", "sections"];

/// A finding of any category; each fills its own keys.
#[derive(Deserialize)]
struct IssueWire<'a> {
    #[serde(borrow)]
    path: Option<Text<'a>>,
    #[serde(borrow, default)]
    files: First<Text<'a>>,
    #[serde(borrow, default)]
    imported_from: First<SpotWire<'a>>,
    #[serde(borrow, default)]
    instances: First<SpotWire<'a>>,
    line: Option<i64>,
    col: Option<i64>,
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    export_name: Option<Text<'a>>,
    #[serde(borrow)]
    package_name: Option<Text<'a>>,
    #[serde(borrow)]
    member_name: Option<Text<'a>>,
    #[serde(borrow)]
    specifier: Option<Text<'a>>,
    /// From 3.36 on; the only severity of dead code.
    #[serde(borrow)]
    effective_severity: Option<Text<'a>>,
    /// Of complexity.
    #[serde(borrow)]
    severity: Option<Text<'a>>,
    introduced: Option<bool>,
}

#[derive(Deserialize)]
struct SpotWire<'a> {
    #[serde(borrow, alias = "file")]
    path: Option<Text<'a>>,
    #[serde(alias = "start_line")]
    line: Option<i64>,
    col: Option<i64>,
}

#[derive(Deserialize)]
struct DiagnosticWire<'a> {
    #[serde(borrow)]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    message: Option<Text<'a>>,
    degrades_analysis: Option<bool>,
}

#[derive(Default)]
struct Report {
    kind: Option<String>,
    failure: Option<String>,
    failed: bool,
    verdict: Option<String>,
    changed_files: Option<u64>,
    dead_code: u64,
    stated: Option<u64>,
    degraded: u64,
    no_sources: bool,
}

/// Reads fallow's JSON.
///
/// # Errors
/// [`ParseError`]: not fallow's JSON, a kind that has no findings, or beyond a bound.
pub fn parse(reader: &mut dyn BufRead, limits: &Limits) -> Result<Parsed, ParseError> {
    let mut json = JsonStream::open(reader, limits)?;
    let mut reading = Reading::new(limits, "fallow");
    let mut report = Report::default();
    json.object(&mut |json, key| match key {
        "kind" => keep(&mut report.kind, json),
        "message" => keep(&mut report.failure, json),
        "error" => {
            report.failed = json.value()?;
            Ok(())
        }
        "verdict" => keep(&mut report.verdict, json),
        "version" => {
            reading.version(&text(json)?.unwrap_or_default());
            Ok(())
        }
        "changed_files_count" => {
            report.changed_files = json.value()?;
            Ok(())
        }
        "head_sha" => {
            // Abbreviated by design: it can contradict the head, never prove it.
            reading.commit(&text(json)?.unwrap_or_default(), None);
            Ok(())
        }
        "dead_code" | "check" => json.object(&mut |json, key| report.dead_code(json, key, &mut reading)),
        "complexity" | "health" => json.object(&mut |json, key| match key {
            "findings" => json.list(&mut |json| issue(json, "high-complexity", &mut reading)).map(drop),
            _ => json.skip(),
        }),
        "duplication" | "dupes" => json.object(&mut |json, key| match key {
            "clone_groups" => json.list(&mut |json| issue(json, "code-duplication", &mut reading)).map(drop),
            _ => json.skip(),
        }),
        _ if report.kind.as_deref() == Some("dead-code") || key == "workspace_diagnostics" => {
            report.dead_code(json, key, &mut reading)
        }
        _ => json.skip(),
    })?;
    json.end()?;
    report.finish(reading)
}

fn keep(slot: &mut Option<String>, json: &mut JsonStream<'_>) -> Result<(), ParseError> {
    *slot = text(json)?;
    Ok(())
}

impl Report {
    /// One key of the dead-code part: every list is a category of findings, known to us or not.
    fn dead_code(
        &mut self,
        json: &mut JsonStream<'_>,
        key: &str,
        reading: &mut Reading,
    ) -> Result<(), ParseError> {
        match key {
            "total_issues" => {
                self.stated = json.value()?;
                Ok(())
            }
            "cascade_hidden" => {
                if let Some(hidden) = json.value::<Option<u64>>()?.filter(|hidden| *hidden > 0) {
                    reading.notes.push(format!("{} hidden behind others", count(hidden, "finding")));
                }
                Ok(())
            }
            "workspace_diagnostics" => json
                .list(&mut |json| {
                    let wire: DiagnosticWire<'_> = json.value()?;
                    self.no_sources |= str_of(&wire.kind) == Some("no-source-files-analyzed");
                    if wire.degrades_analysis == Some(true) {
                        self.degraded += 1;
                        if self.degraded <= 3 {
                            let said = sanitize(str_of(&wire.message).unwrap_or(""), 200);
                            reading.notes.push(format!("fallow says that it saw less: {said}"));
                        }
                    }
                    Ok(())
                })
                .map(drop),
            _ if json.peek()? == Some(b'[') && !NO_FINDINGS.contains(&key) => {
                let rule = rule_of(key);
                json.array(&mut |json| {
                    self.dead_code += 1;
                    issue(json, &rule, reading)
                })
            }
            _ => json.skip(),
        }
    }

    fn finish(self, mut reading: Reading) -> Result<Parsed, ParseError> {
        if self.failed {
            reading.errors.add("fallow could not analyse", self.failure.as_deref().unwrap_or(""));
            return Ok(reading.finish(nothing("it is fallow's error object, no report")));
        }
        match self.kind.as_deref() {
            Some("audit" | "dead-code" | "combined") => {}
            Some(other) => {
                let other = sanitize(other, 40);
                return Err(malformed(&format!(
                    "fallow's kind `{other}` is not read; `audit`, `dead-code` and `combined` are"
                )));
            }
            None => return Err(malformed("it is no report of fallow: it has no `kind`")),
        }
        reading.check_count("dead-code issues", self.stated, self.dead_code);
        if self.verdict.as_deref() == Some("fail") && reading.found == 0 {
            reading.errors.add("its verdict is `fail` and it lists no finding", "");
        }
        let substance = match self.changed_files {
            _ if self.no_sources => nothing("fallow says that it analysed no source file"),
            Some(0) => nothing("`changed_files_count` is 0: no file was looked at"),
            Some(_) => Substance::Measured,
            None => reading.unless_found(unproven("it does not say how many files were analysed")),
        };
        Ok(reading.finish(substance))
    }
}

fn issue(json: &mut JsonStream<'_>, rule: &str, reading: &mut Reading) -> Result<(), ParseError> {
    let wire: IssueWire<'_> = json.value()?;
    let spot = wire.imported_from.first.as_ref().or(wire.instances.first.as_ref());
    let path = str_of(&wire.path).or(spot.and_then(|spot| str_of(&spot.path))).or(wire
        .files
        .first
        .as_ref()
        .map(Text::as_str));
    let names = [&wire.export_name, &wire.package_name, &wire.member_name, &wire.specifier, &wire.name];
    let message = match names.into_iter().find_map(str_of) {
        Some(name) => format!("{rule}: {name}"),
        None => rule.to_owned(),
    };
    let own = level_of(str_of(&wire.effective_severity)).or(level_of(str_of(&wire.severity)));
    let seen = Seen {
        // Without a word on it fallow's default is `error`.
        level: Some(own.unwrap_or(Level::Error)),
        message: &message,
        place: path.map(Place::of_path).unwrap_or_default(),
        region: at(wire.line.or(spot.and_then(|s| s.line)), wire.col.or(spot.and_then(|s| s.col))),
        claimed_new: wire.introduced,
        ..Seen::default()
    };
    reading.add(rule, &seen)
}

/// `unused_dependencies` → `fallow/unused-dependency`, which is how fallow's SARIF names its rules.
fn rule_of(category: &str) -> String {
    let dashed = category.replace('_', "-");
    let single = match dashed.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None => dashed.strip_suffix('s').unwrap_or(&dashed).to_owned(),
    };
    format!("fallow/{single}")
}

/// Whether this is fallow's by its outer keys, its error object included.
pub fn fits(shape: &Shape) -> bool {
    let Shape::JsonObject { keys, texts } = shape else { return false };
    let kind =
        texts.get("kind").is_some_and(|kind| matches!(kind.as_str(), "audit" | "dead-code" | "combined"));
    (kind && keys.contains("schema_version")) || (keys.contains("error") && keys.contains("exit_code"))
}
