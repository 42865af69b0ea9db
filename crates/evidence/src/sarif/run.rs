//! One run of a SARIF log: its results folded as they come, its tool, invocations and bases remembered.

use std::collections::BTreeMap;

use crate::model::sanitize;

use super::super::content::{EmbeddedCommit, ParseError, ToolName};
use super::super::finding::Level;
use super::super::json_stream::JsonStream;
use super::super::place::Place;
use super::super::tally::{Region, Seen};
use super::super::wire::{Text, str_of};
use super::rules::{RuleRef, Rules};
use super::wire::{
    ArtifactLocationWire, BaselineState, Kind, NotificationWire, OverrideWire, ProvenanceOfCodeWire,
    RegionWire, ResultWire, RuleWire,
};
use super::{Log, elsewhere};

/// Names of folders that paths of one run may be relative to, and how long a chain of them may be.
const BASES: usize = 100;
const BASE_CHAIN: usize = 8;

/// What of a run is known before its end.
#[derive(Default)]
struct Run {
    tool: ToolName,
    rules: Rules,
    has_results: bool,
    results: u64,
    artifacts: u64,
    invocations: usize,
    succeeded: bool,
    /// Base name → folder and the base that is relative to (3.14.14).
    bases: BTreeMap<String, (String, Option<String>)>,
}

/// Runs of one log; a merged file has one a tool or target.
const RUNS: u64 = 1_000;

/// Reads a run into the log.
pub fn read(json: &mut JsonStream<'_>, log: &mut Log) -> Result<(), ParseError> {
    if log.runs >= RUNS {
        return Err(ParseError::TooLarge(format!("it has more than {RUNS} runs")));
    }
    let mut run = Run::default();
    json.object(&mut |json, key| run.part(json, key, log))?;
    run.close(log);
    Ok(())
}

impl Run {
    fn part(&mut self, json: &mut JsonStream<'_>, key: &str, log: &mut Log) -> Result<(), ParseError> {
        match key {
            "tool" => json.map(&mut |json, key| self.tool_part(json, key)).map(drop),
            "results" => {
                self.has_results = json.list(&mut |json| self.result(json, log))?;
                Ok(())
            }
            "invocations" => json
                .list(&mut |json| {
                    let index = self.invocations;
                    self.invocations += 1;
                    json.object(&mut |json, key| self.invocation(json, key, index, log))
                })
                .map(drop),
            "artifacts" => json
                .list(&mut |json| {
                    self.artifacts += 1;
                    json.skip()
                })
                .map(drop),
            "versionControlProvenance" => json.list(&mut |json| provenance(json, log)).map(drop),
            "originalUriBaseIds" => json.map(&mut |json, name| self.base(json, name)).map(drop),
            "externalPropertyFileReferences" => json
                .map(&mut |json, key| match key {
                    "results" => {
                        json.list(&mut |_| Err(elsewhere("externalPropertyFileReferences"))).map(drop)
                    }
                    _ => json.skip(),
                })
                .map(drop),
            _ => json.skip(),
        }
    }

    fn tool_part(&mut self, json: &mut JsonStream<'_>, key: &str) -> Result<(), ParseError> {
        match key {
            "driver" => {
                let mut semantic = None;
                json.object(&mut |json, key| {
                    match key {
                        "name" => self.tool.name = sanitize(json.value::<Text<'_>>()?.as_str(), 120),
                        "version" => self.tool.version = version(json)?,
                        "semanticVersion" => semantic = version(json)?,
                        "rules" => self.rules(json, 0)?,
                        _ => json.skip()?,
                    }
                    Ok(())
                })?;
                self.tool.version = self.tool.version.take().or(semantic);
                Ok(())
            }
            "extensions" => {
                let mut component = 0;
                json.list(&mut |json| {
                    component += 1;
                    json.object(&mut |json, key| match key {
                        "rules" => self.rules(json, component),
                        _ => json.skip(),
                    })
                })
                .map(drop)
            }
            _ => json.skip(),
        }
    }

    fn rules(&mut self, json: &mut JsonStream<'_>, component: usize) -> Result<(), ParseError> {
        json.list(&mut |json| {
            let rule: RuleWire<'_> = json.value()?;
            self.rules.add(component, &rule)
        })
        .map(drop)
    }

    fn result(&mut self, json: &mut JsonStream<'_>, log: &mut Log) -> Result<(), ParseError> {
        self.results += 1;
        let result: ResultWire<'_> = json.value()?;
        if result.baseline_state == Some(BaselineState::Absent) {
            return Ok(());
        }
        let judged = result.kind.is_none_or(|kind| kind == Kind::Fail);
        if !judged && result.level.is_some_and(|level| level != Level::None) {
            log.contradictions += 1;
        }
        let physical = result.locations.first.as_ref().and_then(|place| place.physical_location.as_ref());
        let location = physical.and_then(|physical| physical.artifact_location.as_ref());
        let region = physical.and_then(|physical| physical.region.as_ref());
        let seen = Seen {
            // 3.27.10: a result of another kind than `fail` has no level.
            level: if judged { result.level } else { Some(Level::None) },
            message: result.message.as_ref().map_or("", |message| message.words()),
            snippet: region.and_then(|r| r.snippet.as_ref()).and_then(|snippet| str_of(&snippet.text)),
            place: location.and_then(|l| str_of(&l.uri)).map(Place::of_uri).unwrap_or_default(),
            base: location.and_then(|l| str_of(&l.uri_base_id)),
            region: region.map(region_of).unwrap_or_default(),
            suppressed: result.suppressions.as_ref().and_then(|suppressions| suppressions.0),
            claimed_new: result.baseline_state.map(|state| state != BaselineState::Unchanged),
            security_severity: result.properties.as_ref().and_then(|bag| bag.security_severity.as_str()),
        };
        log.tally.add(&RuleRef::of(&result)?, &seen)
    }

    fn invocation(
        &mut self,
        json: &mut JsonStream<'_>,
        key: &str,
        index: usize,
        log: &mut Log,
    ) -> Result<(), ParseError> {
        match key {
            "executionSuccessful" => {
                match json.value::<Option<bool>>()? {
                    Some(true) => self.succeeded = true,
                    Some(false) => log.errors.add("the tool says that its run did not succeed", ""),
                    None => {}
                }
                Ok(())
            }
            "toolExecutionNotifications" | "toolConfigurationNotifications" => json
                .list(&mut |json| {
                    let notification: NotificationWire<'_> = json.value()?;
                    if notification.level == Some(Level::Error) {
                        let said = notification.message.as_ref().map_or("", |message| message.words());
                        log.errors.add("the tool reports an error of its own", said);
                    }
                    Ok(())
                })
                .map(drop),
            "processStartFailureMessage" => {
                if let Some(said) = json.value::<Option<Text<'_>>>()? {
                    log.errors.add("the tool did not start", said.as_str());
                }
                Ok(())
            }
            "ruleConfigurationOverrides" => json
                .list(&mut |json| {
                    let wire: OverrideWire<'_> = json.value()?;
                    self.rules.add_override(index, &wire)
                })
                .map(drop),
            _ => json.skip(),
        }
    }

    fn base(&mut self, json: &mut JsonStream<'_>, name: &str) -> Result<(), ParseError> {
        let location: ArtifactLocationWire<'_> = json.value()?;
        if self.bases.len() < BASES {
            let folder = str_of(&location.uri).unwrap_or("").to_owned();
            self.bases.insert(name.to_owned(), (folder, str_of(&location.uri_base_id).map(str::to_owned)));
        }
        Ok(())
    }

    /// The folder a base stands for, relative to the repository. A base without a URI, or with an absolute one,
    /// is taken for the repository's root: where else it lies is not for a reader to know.
    fn folder(&self, name: &str) -> Option<String> {
        let mut folder = String::new();
        let mut next = Some(name);
        for _ in 0..BASE_CHAIN {
            let Some((uri, above)) = next.and_then(|name| self.bases.get(name)) else { break };
            if uri.contains(':') || uri.starts_with('/') {
                break;
            }
            if !uri.is_empty() {
                let own = Place::of_uri(uri).path?;
                folder = format!("{own}/{folder}");
            }
            next = above.as_deref();
        }
        Some(folder)
    }

    fn close(mut self, log: &mut Log) {
        log.runs += 1;
        if !self.has_results {
            log.without_results.push(log.runs.to_string());
        }
        self.rules.seal();
        let (rules, run) = (&self.rules, &self);
        log.tally.close(&self.tool.name, &mut |rule| rules.settle(rule), &|base| run.folder(base));
        let something = self.results > 0 || self.artifacts > 0 || self.succeeded;
        log.tool(self.tool, something);
    }
}

fn version(json: &mut JsonStream<'_>) -> Result<Option<String>, ParseError> {
    Ok(json.value::<Option<Text<'_>>>()?.map(|text| sanitize(text.as_str(), 60)))
}

fn provenance(json: &mut JsonStream<'_>, log: &mut Log) -> Result<(), ParseError> {
    let wire: ProvenanceOfCodeWire<'_> = json.value()?;
    if let Some(id) = str_of(&wire.revision_id) {
        log.commit(EmbeddedCommit {
            id: sanitize(id, 200),
            repository: str_of(&wire.repository_uri).map(|uri| sanitize(uri, 400)),
        });
    }
    Ok(())
}

fn region_of(wire: &RegionWire<'_>) -> Region {
    let number = |number: Option<i64>, least: i64| {
        number.filter(|number| *number >= least).and_then(|number| u64::try_from(number).ok())
    };
    Region {
        line: number(wire.start_line, 1),
        column: number(wire.start_column, 1),
        end_line: number(wire.end_line, 1),
        end_column: number(wire.end_column, 1),
        offset: number(wire.byte_offset, 0).or_else(|| number(wire.char_offset, 0)),
    }
}
