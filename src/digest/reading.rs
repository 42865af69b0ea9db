//! One run's artifacts as rows. A finding that stands in two artifacts of the run is counted once: by its fingerprint,
//! and across documents that word it differently (a report and its fix plan) by rule, path and line.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use super::row::{
    BlockerRow, BucketRow, FindingRow, GateRow, Judgement, Key, PacketRow, Place, ReportRow, Row, RunRow,
    Standing, UnreadRow, VerdictRow, Why,
};
use super::week::IsoWeek;
use crate::evidence::finding::{FindingReport, Level};
use crate::evidence::read::{Inspection, Reading, inspect};
use crate::evidence::source::{ArtifactSource, Bounded, SourceError, checked_files};
use crate::evidence::{Content, Format, Limits, ParseError, Parsed, Substance, document};
use crate::model::{Owner, RelPath, Timestamp, sanitize};
use crate::repair::RepairPacket;
use crate::report::GateReport;

/// What is known of a run before its artifacts are read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFacts {
    /// `owner/name`.
    pub repo: String,
    pub run: Option<u64>,
    pub number: Option<u64>,
    /// When it was created: what puts it into a week.
    pub at: Timestamp,
    pub event: String,
    pub workflow: String,
    pub status: String,
    pub head: Option<String>,
    pub pull: Option<u64>,
}

/// The rows of one run in the making.
#[derive(Debug)]
pub struct RunReading {
    place: Place,
    rows: BTreeSet<Row>,
    counted: BTreeMap<Key, Counted>,
    /// The fingerprints counted at a place a document names.
    spots: BTreeMap<Spot, BTreeSet<Key>>,
}

#[derive(Debug)]
struct Counted {
    tool: String,
    tool_version: Option<String>,
    rule: String,
    level: Level,
}

/// Tool, rule, path and line.
type Spot = (String, String, String, NonZeroU32);

/// The bounds artifacts of other repositories are read within: every finding with its rule, and no giants.
pub fn limits() -> Limits {
    const MIB: u64 = 1024 * 1024;
    Limits {
        archive_bytes: 512 * MIB,
        file_bytes: 256 * MIB,
        kept_details: 20_000,
        kept_keys: 100_000,
        kept_text: 120,
        rolls: false,
        ..Limits::default()
    }
}

impl RunReading {
    /// Nothing of the run read yet.
    pub fn new(facts: &RunFacts) -> Self {
        let place = Place { week: IsoWeek::of(facts.at), repo: facts.repo.clone(), run: facts.run };
        let run = RunRow {
            place: place.clone(),
            number: facts.number,
            at: facts.at,
            event: sanitize(&facts.event, 60),
            workflow: sanitize(&facts.workflow, 120),
            status: sanitize(&facts.status, 40),
            head: facts.head.clone(),
            pull: facts.pull,
        };
        Self { place, rows: [Row::Run(run)].into(), counted: BTreeMap::new(), spots: BTreeMap::new() }
    }

    /// Reads one artifact. What of it cannot be read becomes a row as well. Artifacts are read in the order of their
    /// names, so that the rows do not depend on the order of their arrival.
    pub fn artifact(&mut self, name: &str, source: &mut dyn ArtifactSource, limits: &Limits) {
        let Inspection { readings, manifest } = match inspect(source, None, limits) {
            Ok(inspection) => inspection,
            Err(error) => {
                let why = match &error {
                    SourceError::Malformed(_) => Why::Malformed,
                    SourceError::TooLarge(_) => Why::TooLarge,
                    SourceError::Unreadable(_) => Why::Unavailable,
                };
                return self.unread(Some(name), None, why, &error.to_string());
            }
        };
        if let Some(Err(error)) = manifest {
            self.unread(Some(name), None, Why::Malformed, &format!("its manifest: {error}"));
        }
        for reading in &readings {
            self.file(name, reading, source, limits);
        }
    }

    /// Notes what could not be read.
    pub fn unread(&mut self, artifact: Option<&str>, path: Option<&str>, why: Why, detail: &str) {
        self.rows.insert(Row::Unread(UnreadRow {
            place: self.place.clone(),
            artifact: artifact.map(|name| sanitize(name, 120)),
            path: path.map(|path| sanitize(path, 200)),
            why,
            detail: sanitize(detail, 200),
        }));
    }

    /// The rows of the run.
    pub fn finish(mut self) -> BTreeSet<Row> {
        let mut rules: BTreeMap<(String, Option<String>, String, Level), Vec<Key>> = BTreeMap::new();
        for (key, one) in self.counted {
            rules.entry((one.tool, one.tool_version, one.rule, one.level)).or_default().push(key);
        }
        for ((tool, tool_version, rule, level), keys) in rules {
            self.rows.insert(Row::Finding(FindingRow {
                place: self.place.clone(),
                tool,
                tool_version,
                rule,
                level,
                count: keys.len() as u64,
                keys,
            }));
        }
        self.rows
    }

    fn file(&mut self, artifact: &str, reading: &Reading, source: &mut dyn ArtifactSource, limits: &Limits) {
        let path = reading.path.as_str();
        match (&reading.result, reading.format) {
            (Ok(parsed), Some(format)) => {
                if let Content::Document(document) = parsed.content.as_ref() {
                    match document.get("schema").and_then(|schema| schema.as_text()) {
                        Some(crate::report::SCHEMA) => {
                            return self.own(artifact, reading, source, limits, Self::report);
                        }
                        Some(crate::repair::SCHEMA) => {
                            return self.own(artifact, reading, source, limits, Self::packet);
                        }
                        _ => {}
                    }
                }
                self.evidence(artifact, reading, format, parsed);
            }
            (Err(error), format) => {
                let why = match error {
                    ParseError::TooLarge(_) => Why::TooLarge,
                    ParseError::Unreadable(_) => Why::Unavailable,
                    // A log or a page beside the reports is no broken report.
                    ParseError::Malformed(_) if format.is_none() && !looks_like_a_report(path) => {
                        Why::Unrecognised
                    }
                    ParseError::Malformed(_) => Why::Malformed,
                };
                self.unread(Some(artifact), Some(path), why, &error.to_string());
            }
            (Ok(_), None) => {}
        }
    }

    fn evidence(&mut self, artifact: &str, reading: &Reading, format: Format, parsed: &Parsed) {
        let (tool, tool_version) = match &parsed.tool {
            Some(tool) if !tool.name.is_empty() => (sanitize(&tool.name, 80), tool.version.clone()),
            _ => (format.as_str().to_owned(), None),
        };
        let mut row = ReportRow {
            place: self.place.clone(),
            artifact: sanitize(artifact, 120),
            path: sanitize(reading.path.as_str(), 200),
            sha256: reading.facts.sha256.clone(),
            bytes: reading.facts.bytes,
            format,
            tool: tool.clone(),
            tool_version: tool_version.clone(),
            substance: match parsed.substance {
                Substance::Measured => "measured",
                Substance::Nothing(_) => "nothing",
                Substance::Unproven(_) => "unproven",
            }
            .to_owned(),
            tests: 0,
            tests_failed: 0,
            suppressed: 0,
        };
        match parsed.content.as_ref() {
            Content::Tests(tests) => {
                row.tests = tests.counts.total();
                row.tests_failed = tests.counts.failed + tests.counts.errored;
            }
            Content::Findings(findings) => {
                row.suppressed = findings.suppressed;
                for (bucket, items) in &findings.buckets {
                    self.rows.insert(Row::Bucket(BucketRow {
                        place: self.place.clone(),
                        plan: reading.facts.sha256.clone(),
                        tool: tool.clone(),
                        bucket: bucket.clone(),
                        items: *items,
                    }));
                }
                self.findings(&tool, tool_version.as_ref(), findings);
            }
            _ => {}
        }
        self.rows.insert(Row::Report(row));
    }

    fn findings(&mut self, tool: &str, tool_version: Option<&String>, report: &FindingReport) {
        let mut texts = BTreeMap::new();
        for finding in &report.findings {
            texts.insert(Key::of(finding.key), finding);
        }
        // Of each place, how many fingerprints of this document are there.
        let mut here: BTreeMap<Spot, u64> = BTreeMap::new();
        let spot = |key: Key| -> Option<Spot> {
            let finding = texts.get(&key)?;
            let path = finding.path.as_ref().or(finding.stated_path.as_ref())?;
            Some((tool.to_owned(), finding.rule.to_string(), path.to_string(), finding.line?))
        };
        let keys: Vec<(Key, Level)> =
            report.keys.iter().map(|(key, level)| (Key::of(*key), *level)).collect();
        for place in keys.iter().filter_map(|(key, _)| spot(*key)) {
            *here.entry(place).or_insert(0) += 1;
        }
        for (key, level) in keys {
            if let Some(known) = self.counted.get_mut(&key) {
                known.level = known.level.min(level);
                continue;
            }
            if let Some(place) = spot(key) {
                let wanted = here.get(&place).copied().unwrap_or(0);
                let counted = self.spots.entry(place).or_default();
                if counted.len() as u64 >= wanted {
                    continue;
                }
                counted.insert(key);
            }
            let rule = texts.get(&key).map_or("", |finding| finding.rule.as_ref());
            self.counted.insert(
                key,
                Counted {
                    tool: tool.to_owned(),
                    tool_version: tool_version.cloned(),
                    rule: sanitize(rule, 120),
                    level,
                },
            );
        }
    }

    /// Reads a document of our own again, as its type.
    fn own<T: for<'de> Deserialize<'de>>(
        &mut self,
        artifact: &str,
        reading: &Reading,
        source: &mut dyn ArtifactSource,
        limits: &Limits,
        take: fn(&mut Self, &Reading, &T),
    ) {
        match read_again(source, &reading.path, limits).and_then(|bytes| document::from_slice(&bytes)) {
            Ok(document) => take(self, reading, &document),
            Err(error) => {
                self.unread(Some(artifact), Some(reading.path.as_str()), Why::Malformed, &error.to_string());
            }
        }
    }

    fn report(&mut self, reading: &Reading, report: &GateReport) {
        let target = &report.target;
        let judgement = Judgement {
            pull: target.pull_request.map(crate::model::PullNumber::get),
            head: target.target_sha.as_ref().map(ToString::to_string),
            evaluated_at: report.evaluated_at,
            report: reading.facts.sha256.clone(),
        };
        let place = &self.place;
        let mut rows = vec![Row::Verdict(VerdictRow {
            place: place.clone(),
            judgement: judgement.clone(),
            verdict: report.verdict,
        })];
        for gate in &report.gates {
            let blocker = |code, subject: &str, standing| {
                Row::Blocker(BlockerRow {
                    place: place.clone(),
                    judgement: judgement.clone(),
                    gate: gate.id.to_string(),
                    code,
                    subject: sanitize(subject, 160),
                    standing,
                })
            };
            rows.extend(gate.blockers.iter().map(|one| blocker(one.code, &one.subject, Standing::Blocks)));
            rows.extend(gate.waived.iter().map(|one| blocker(one.code, &one.subject, Standing::Waived)));
            rows.extend(gate.cleared.iter().map(|one| blocker(one.code, &one.subject, Standing::Cleared)));
            rows.push(Row::Gate(GateRow {
                place: place.clone(),
                judgement: judgement.clone(),
                gate: gate.id.to_string(),
                kind: sanitize(&gate.kind, 60),
                outcome: gate.outcome,
                enforced: gate.enforced,
            }));
        }
        self.rows.extend(rows);
    }

    fn packet(&mut self, reading: &Reading, packet: &RepairPacket) {
        let at_operator = packet.entries.iter().filter(|entry| entry.owner == Owner::Operator).count();
        self.rows.insert(Row::Packet(PacketRow {
            place: self.place.clone(),
            packet: reading.facts.sha256.clone(),
            pull: packet.pull_request.map(crate::model::PullNumber::get),
            head: packet.target_sha.to_string(),
            attempt: packet.attempt,
            progress: packet.progress,
            entries: packet.entries.len() as u64,
            at_operator: at_operator as u64,
        }));
    }
}

/// Whether a file that fits no format was probably meant as a report.
fn looks_like_a_report(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    [".json", ".jsonl", ".ndjson", ".sarif", ".xml", ".trx", ".lcov", ".info"]
        .iter()
        .any(|end| name.ends_with(end))
}

fn read_again(
    source: &mut dyn ArtifactSource,
    path: &RelPath,
    limits: &Limits,
) -> Result<Vec<u8>, ParseError> {
    let files = checked_files(source, limits).map_err(refused)?;
    let file = files.into_iter().find(|(one, _)| one == path).map(|(_, file)| file);
    let file = file.ok_or_else(|| ParseError::Unreadable("the file is gone".to_owned()))?;
    let mut bytes = Vec::new();
    let opened = source.open(&file, limits).map_err(refused)?;
    Bounded::new(opened, limits.document_bytes).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn refused(error: SourceError) -> ParseError {
    match error {
        SourceError::Malformed(words) => ParseError::Malformed(words),
        SourceError::TooLarge(words) => ParseError::TooLarge(words),
        SourceError::Unreadable(words) => ParseError::Unreadable(words),
    }
}
