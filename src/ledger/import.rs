//! Gaps from elsewhere: Markdown task lists, SARIF results, packets that ended at the operator.
//! All of it is foreign: titles are cleaned and cut, and a fingerprint recognises what was imported before.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::model::{ActionKind, Digest, Owner, sanitize};
use crate::repair::RepairPacket;

use super::gap::{Ledger, Severity, Source};

/// Longest title, in characters.
const MAX_TITLE: usize = 160;

/// The input is not what it was said to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    #[error("not a SARIF log: {0}")]
    Sarif(String),
    #[error("not a repair packet: {0}")]
    Packet(String),
}

/// Something that may become a gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub title: String,
    pub fingerprint: String,
    pub evidence: Vec<String>,
    pub source: Source,
    pub severity: Severity,
}

/// What an input held.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    pub candidates: Vec<Candidate>,
    /// What is settled already: ticked tasks, suppressed results, entries an agent can end.
    pub settled: u64,
}

/// The candidates that the ledger does not have yet, each once.
pub fn fresh(ledger: &Ledger, candidates: Vec<Candidate>) -> (Vec<Candidate>, u64) {
    let mut known: BTreeSet<String> = BTreeSet::new();
    for gap in &ledger.gaps {
        known.extend(gap.fingerprint.clone());
        known.insert(task_fingerprint(&gap.title));
    }
    let before = candidates.len();
    let fresh: Vec<Candidate> =
        candidates.into_iter().filter(|candidate| known.insert(candidate.fingerprint.clone())).collect();
    let duplicates = (before - fresh.len()) as u64;
    (fresh, duplicates)
}

/// The open tasks of a Markdown text; `name` is what the reader knows it by. Code blocks are not looked at.
pub fn markdown(text: &str, name: &str) -> Imported {
    let mut imported = Imported::default();
    let mut fence: Option<&str> = None;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_start();
        if let Some(open) = fence {
            if line.starts_with(open) {
                fence = None;
            }
            continue;
        }
        if let Some(mark) = ["```", "~~~"].into_iter().find(|mark| line.starts_with(mark)) {
            fence = Some(mark);
            continue;
        }
        let Some((ticked, task)) = task(line) else { continue };
        let title = sanitize(task, MAX_TITLE);
        if ticked || title.is_empty() {
            imported.settled += 1;
            continue;
        }
        imported.candidates.push(Candidate {
            fingerprint: task_fingerprint(&title),
            title,
            evidence: vec![format!("{}:{}", sanitize(name, 120), index + 1)],
            source: Source::OperatorNote,
            severity: Severity::Medium,
        });
    }
    imported
}

/// A line as a task (GitHub Flavored Markdown, section 5.3): whether it is ticked, and its words.
fn task(line: &str) -> Option<(bool, &str)> {
    let rest = match line.strip_prefix(['-', '*', '+']) {
        Some(rest) => rest,
        None => line.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix(['.', ')'])?,
    };
    let rest = rest.strip_prefix(' ')?.trim_start();
    let (ticked, rest) = match rest.strip_prefix("[ ]") {
        Some(rest) => (false, rest),
        None => (true, rest.strip_prefix("[x]").or_else(|| rest.strip_prefix("[X]"))?),
    };
    rest.starts_with(char::is_whitespace).then(|| (ticked, rest.trim()))
}

fn task_fingerprint(title: &str) -> String {
    let words = title.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ");
    Digest::of_parts(&["task", &words]).as_str().to_owned()
}

#[derive(Deserialize)]
struct SarifLog {
    runs: Vec<SarifRun>,
}

#[derive(Deserialize)]
struct SarifRun {
    tool: SarifTool,
    #[serde(default)]
    results: Vec<SarifResult>,
}

#[derive(Deserialize)]
struct SarifTool {
    driver: SarifDriver,
}

#[derive(Deserialize)]
struct SarifDriver {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult {
    #[serde(default)]
    rule_id: String,
    #[serde(default)]
    level: Option<String>,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    message: SarifMessage,
    #[serde(default)]
    locations: Vec<SarifLocation>,
    #[serde(default)]
    suppressions: Vec<serde::de::IgnoredAny>,
    #[serde(default)]
    baseline_state: Option<String>,
}

#[derive(Default, Deserialize)]
struct SarifMessage {
    #[serde(default)]
    text: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SarifLocation {
    physical_location: SarifPhysical,
    logical_locations: Vec<SarifLogical>,
}

/// What a finding about no file is located by, as one of an audit by its pull request.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SarifLogical {
    fully_qualified_name: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SarifPhysical {
    artifact_location: SarifArtifact,
    region: SarifRegion,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SarifArtifact {
    uri: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SarifRegion {
    start_line: Option<u64>,
}

/// The results of a SARIF 2.1.0 log that are neither suppressed nor gone nor mere information.
///
/// # Errors
/// The bytes are no SARIF log.
pub fn sarif(bytes: &[u8]) -> Result<Imported, ImportError> {
    let log: SarifLog = crate::evidence::document::from_slice(bytes)
        .map_err(|error| ImportError::Sarif(error.to_string()))?;
    let mut imported = Imported::default();
    for run in &log.runs {
        for result in &run.results {
            match candidate(&run.tool.driver.name, result) {
                Some(candidate) => imported.candidates.push(candidate),
                None => imported.settled += 1,
            }
        }
    }
    Ok(imported)
}

fn name(logical: &SarifLogical) -> &str {
    &logical.fully_qualified_name
}

fn candidate(tool: &str, result: &SarifResult) -> Option<Candidate> {
    let gone = result.baseline_state.as_deref() == Some("absent");
    let finding = matches!(result.kind.as_deref(), None | Some("fail" | "open" | "review"));
    if !result.suppressions.is_empty() || gone || !finding {
        return None;
    }
    let severity = match result.level.as_deref() {
        Some("error") => Severity::High,
        None | Some("warning") => Severity::Medium,
        Some(_) => Severity::Low,
    };
    let place = result.locations.first().map(|location| &location.physical_location);
    let uri = match place.map_or("", |place| place.artifact_location.uri.as_str()) {
        "" => {
            result.locations.first().and_then(|location| location.logical_locations.first()).map_or("", name)
        }
        uri => uri,
    };
    let line = place.and_then(|place| place.region.start_line);
    let words = format!("{}: {}", result.rule_id, result.message.text);
    let mut evidence = sanitize(uri, 200);
    if let Some(line) = line.filter(|_| !evidence.is_empty()) {
        evidence = format!("{evidence}:{line}");
    }
    // Without the line: code that moves does not make a finding new.
    let identity = ["sarif", tool, &result.rule_id, uri, &result.message.text];
    Some(Candidate {
        title: sanitize(words.trim_start_matches(": "), MAX_TITLE),
        fingerprint: Digest::of_parts(&identity).as_str().to_owned(),
        evidence: if evidence.is_empty() { Vec::new() } else { vec![evidence] },
        source: Source::Audit,
        severity,
    })
}

/// The entries of a repair packet that ended at the operator.
///
/// # Errors
/// The bytes are no repair packet.
pub fn packet(bytes: &[u8]) -> Result<Imported, ImportError> {
    let packet: RepairPacket = crate::evidence::document::from_slice(bytes)
        .map_err(|error| ImportError::Packet(error.to_string()))?;
    let mut imported = Imported::default();
    for entry in &packet.entries {
        if entry.owner != Owner::Operator && entry.action.kind != ActionKind::None {
            imported.settled += 1;
            continue;
        }
        let mut evidence = format!("head {}", packet.target_sha);
        if let (Some(repo), Some(pull)) = (&packet.repo, packet.pull_request) {
            evidence = format!("{repo}#{pull}, {evidence}");
        }
        let words = format!("{}: {} ({})", entry.source.gate, entry.reason, entry.source.code.as_str());
        // The key is the same for one gate, code and subject in every repository.
        let repo = packet.repo.as_ref().map_or("", crate::model::RepoSlug::as_str);
        imported.candidates.push(Candidate {
            title: sanitize(&words, MAX_TITLE),
            fingerprint: Digest::of_parts(&["packet", repo, entry.blocker_key.as_str()]).as_str().to_owned(),
            evidence: vec![evidence],
            source: Source::RepairLoop,
            severity: Severity::High,
        });
    }
    Ok(imported)
}
