//! What one piece of evidence is worth: the demand, what was found, and the head it must be for, in; its state,
//! bindings, age and faults out. The checks and their order are DESIGN section 6.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{
    ArtifactName, Code, CommitSha, Digest, EvidenceId, PullNumber, Quote, RelPath, RepoSlug, Timestamp,
    sanitize,
};

use super::content::{Content, ParseError, Parsed, Substance, ToolName};
use super::demand::Demand;
use super::exit_codes::{self, Meaning};
use super::format::Format;
use super::manifest::{Manifest, ManifestEntry, ReportState};
use super::read::{ArtifactContents, ArtifactState, FileFacts, Found, Reading};
use super::source::SourceError;

/// What ties a piece of evidence to the head (DESIGN section 4, *Binding*).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Binding {
    /// It came from a run whose commit is the head.
    Run,
    /// A sidecar names the head and the file's hash.
    Manifest,
    /// The format itself names the full head.
    Embedded,
    /// Its hash was passed through a job output.
    Digest,
    /// A signature by a key of the policy.
    Signed,
    /// Offline: whoever called says so. Good for offline verdicts only.
    AssertedByCaller,
}

impl Binding {
    /// The word used in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Manifest => "manifest",
            Self::Embedded => "embedded",
            Self::Digest => "digest",
            Self::Signed => "signed",
            Self::AssertedByCaller => "asserted_by_caller",
        }
    }
}

/// In what state a piece of evidence was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Present,
    Missing,
    Unfinished,
    Ambiguous,
    Unavailable,
    Malformed,
    Stale,
    Superseded,
    WrongHead,
    TooLarge,
    Expired,
    Unbound,
}

impl State {
    /// The state a fault of this code puts evidence in.
    fn of(code: Code) -> Self {
        match code {
            Code::EvidenceMissing => Self::Missing,
            Code::EvidenceUnfinished => Self::Unfinished,
            Code::EvidenceAmbiguous => Self::Ambiguous,
            Code::EvidenceUnavailable => Self::Unavailable,
            Code::EvidenceMalformed
            | Code::EvidenceManifestMalformed
            | Code::EvidenceHashMismatch
            | Code::EvidenceTimesOutOfOrder
            | Code::EvidenceUnlisted
            | Code::EvidenceIdMismatch => Self::Malformed,
            Code::EvidenceStale => Self::Stale,
            Code::EvidenceSuperseded => Self::Superseded,
            Code::EvidenceWrongHead | Code::EvidenceWrongRepo => Self::WrongHead,
            Code::EvidenceTooLarge => Self::TooLarge,
            Code::EvidenceExpired => Self::Expired,
            Code::EvidenceUnbound => Self::Unbound,
            _ => Self::Present,
        }
    }

    /// The word used in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Missing => "missing",
            Self::Unfinished => "unfinished",
            Self::Ambiguous => "ambiguous",
            Self::Unavailable => "unavailable",
            Self::Malformed => "malformed",
            Self::Stale => "stale",
            Self::Superseded => "superseded",
            Self::WrongHead => "wrong_head",
            Self::TooLarge => "too_large",
            Self::Expired => "expired",
            Self::Unbound => "unbound",
        }
    }
}

/// What all evidence of one judgement is held against.
#[derive(Debug, Clone)]
pub struct Target {
    pub head: CommitSha,
    pub repo: Option<RepoSlug>,
    pub pull_request: Option<PullNumber>,
    /// How evidence comes to be of this head at all: `Run` in a workflow, `AssertedByCaller` offline.
    pub origin: Binding,
    /// Hashes that jobs passed through their outputs.
    pub passed_digests: BTreeSet<Digest>,
    pub now: Timestamp,
}

/// One thing that is wrong with a piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub code: Code,
    /// What exactly, in our words; foreign words in it are sanitized and short.
    pub detail: String,
    pub quotes: Vec<Quote>,
}

impl Fault {
    fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), quotes: Vec::new() }
    }
}

/// One piece of evidence, judged on its own.
#[derive(Debug, Clone)]
pub struct Evidence {
    pub id: EvidenceId,
    pub artifact: ArtifactName,
    /// The file, or the pattern where several or none were found.
    pub path: Option<String>,
    pub format: Option<Format>,
    pub optional: bool,
    pub sha256: Option<Digest>,
    pub bytes: Option<u64>,
    pub tool: Option<ToolName>,
    pub bindings: Vec<Binding>,
    pub age_seconds: Option<u64>,
    /// In the order of the checks; empty means that it counts.
    pub faults: Vec<Fault>,
    pub notes: Vec<String>,
    /// What was parsed, also where faults keep it from counting.
    pub content: Option<Content>,
}

impl Evidence {
    /// The state, by the first fault that has one of its own.
    pub fn state(&self) -> State {
        self.faults
            .iter()
            .map(|fault| State::of(fault.code))
            .find(|state| *state != State::Present)
            .unwrap_or(State::Present)
    }

    /// Whether nothing is wrong with it.
    pub fn counts(&self) -> bool {
        self.faults.is_empty()
    }

    /// The content a gate may judge: of the right head and file, even where the tool then failed,
    /// so that a red report still shows what is red.
    pub fn judgeable(&self) -> Option<&Content> {
        let shows_content = |code: Code| {
            matches!(
                code,
                Code::EvidenceExitCodeDisagrees
                    | Code::EvidenceToolCrashed
                    | Code::EvidenceToolError
                    | Code::EvidenceDirtyTree
            )
        };
        self.content.as_ref().filter(|_| self.faults.iter().all(|fault| shows_content(fault.code)))
    }
}

/// Judges one piece of evidence on its own.
///
/// `artifact` is what the shell found under the demand's artifact name; `index` the demand's place in the list
/// the artifact was read with; `job_started` when the producing job's latest attempt began, where that is known.
pub fn assess(
    demand: &Demand,
    artifact: &ArtifactState,
    index: usize,
    target: &Target,
    job_started: Option<Timestamp>,
) -> Evidence {
    let mut evidence = Evidence {
        id: demand.id.clone(),
        artifact: demand.artifact.clone(),
        path: demand.path.as_ref().map(|path| path.as_str().to_owned()),
        format: demand.format,
        optional: demand.optional,
        sha256: None,
        bytes: None,
        tool: None,
        bindings: Vec::new(),
        age_seconds: None,
        faults: Vec::new(),
        notes: Vec::new(),
        content: None,
    };
    let contents = match present(demand, artifact) {
        Ok(contents) => contents,
        Err(fault) => {
            evidence.faults.push(fault);
            return evidence;
        }
    };
    evidence.bindings.push(target.origin);

    let manifest = match &contents.manifest {
        None => None,
        Some(Ok(manifest)) => {
            evidence.faults.extend(manifest_faults(manifest, contents, target));
            Some(manifest)
        }
        Some(Err(error)) => {
            evidence
                .faults
                .push(Fault::new(Code::EvidenceManifestMalformed, format!("the manifest: {error}")));
            None
        }
    };
    match contents.found.get(index) {
        Some(Found::Files(readings)) if !readings.is_empty() => {
            judge_files(&mut evidence, demand, readings, manifest, target);
        }
        Some(Found::Several(which)) => {
            evidence.faults.push(Fault::new(Code::EvidenceAmbiguous, which.clone()));
        }
        Some(Found::NoFile(why)) => evidence.faults.push(no_file(demand, manifest, why)),
        Some(Found::Files(_)) | None => {
            evidence.faults.push(Fault::new(Code::EvidenceMissing, "no file was read"));
        }
    }
    judge_age(&mut evidence, demand, manifest, target, job_started);
    judge_bindings(&mut evidence, demand);
    evidence.faults.dedup();
    evidence
}

/// The artifact's contents, or the fault that there are none.
fn present<'a>(demand: &Demand, artifact: &'a ArtifactState) -> Result<&'a ArtifactContents, Fault> {
    let name = format!("artifact `{}`", sanitize(demand.artifact.as_str(), 100));
    Err(match artifact {
        ArtifactState::Read(read) => match read.as_ref() {
            Ok(contents) => return Ok(contents),
            Err(error) => {
                let code = match error {
                    SourceError::Malformed(_) => Code::EvidenceMalformed,
                    SourceError::TooLarge(_) => Code::EvidenceTooLarge,
                    SourceError::Unreadable(_) => Code::EvidenceUnavailable,
                };
                Fault::new(code, format!("{name}: {error}"))
            }
        },
        ArtifactState::Missing => Fault::new(Code::EvidenceMissing, format!("there is no {name}")),
        ArtifactState::Ambiguous(which) => {
            Fault::new(Code::EvidenceAmbiguous, format!("there are several of {name}: {which}"))
        }
        ArtifactState::Unfinished => {
            Fault::new(Code::EvidenceUnfinished, format!("the upload of {name} never finished"))
        }
        ArtifactState::Expired => Fault::new(Code::EvidenceExpired, format!("{name} has expired")),
        ArtifactState::Superseded(why) => Fault::new(Code::EvidenceSuperseded, format!("{name}: {why}")),
        ArtifactState::Unavailable(why) => {
            Fault::new(Code::EvidenceUnavailable, format!("{name} could not be fetched: {why}"))
        }
    })
}

/// A report that is not there, with what the manifest says about why.
fn no_file(demand: &Demand, manifest: Option<&Manifest>, why: &str) -> Fault {
    let entry = manifest.and_then(|manifest| manifest.by_id(&demand.id));
    match entry {
        Some(entry) if entry.report == ReportState::Unchanged => Fault::new(
            Code::EvidenceStale,
            format!("the command left the report as an earlier run had written it ({})", ended(entry)),
        ),
        Some(entry) if entry.report == ReportState::NotWritten => Fault::new(
            Code::EvidenceMissing,
            format!("the command did not write the report ({})", ended(entry)),
        ),
        _ => Fault::new(Code::EvidenceMissing, why),
    }
}

/// How a recorded command ended, for people.
fn ended(entry: &ManifestEntry) -> String {
    match entry.signal {
        _ if entry.timed_out => "it was ended for taking too long".to_owned(),
        Some(signal) => format!("it was ended by signal {signal}"),
        None => format!("it exited {}", entry.exit_code),
    }
}

/// What is wrong with the manifest as a whole; every claim it makes about a file is checked.
fn manifest_faults(manifest: &Manifest, contents: &ArtifactContents, target: &Target) -> Vec<Fault> {
    let mut faults = Vec::new();
    if manifest.target_sha != target.head {
        faults.push(Fault::new(
            Code::EvidenceWrongHead,
            format!("the manifest is for {}, the head is {}", manifest.target_sha, target.head),
        ));
    }
    if let (Some(claimed), Some(repo)) = (&manifest.repo, &target.repo)
        && claimed != repo
    {
        faults.push(Fault::new(
            Code::EvidenceWrongRepo,
            format!("the manifest is for repository `{claimed}`, this is `{repo}`"),
        ));
    }
    if let (Some(claimed), Some(pull)) = (manifest.pull_request, target.pull_request)
        && claimed != pull
    {
        faults.push(Fault::new(
            Code::EvidenceWrongRepo,
            format!("the manifest is for pull request {claimed}, this is {pull}"),
        ));
    }
    for entry in &manifest.evidence {
        faults.extend(listed_file_fault(entry, contents.files.get(&entry.path)));
    }
    faults
}

/// What is wrong with one file the manifest lists as written.
fn listed_file_fault(entry: &ManifestEntry, facts: Option<&FileFacts>) -> Option<Fault> {
    if entry.report != ReportState::Written {
        return None;
    }
    let path = sanitize(entry.path.as_str(), 120);
    let Some(facts) = facts else {
        return Some(Fault::new(
            Code::EvidenceHashMismatch,
            format!("the manifest lists `{path}`, which is not in the artifact"),
        ));
    };
    if entry.bytes != Some(facts.bytes) {
        let claimed = entry.bytes.map_or_else(|| "no size".to_owned(), |bytes| format!("{bytes} bytes"));
        return Some(Fault::new(
            Code::EvidenceHashMismatch,
            format!("the manifest names {claimed} for `{path}`, it has {}", facts.bytes),
        ));
    }
    if entry.sha256.as_ref() != Some(&facts.sha256) {
        return Some(Fault::new(
            Code::EvidenceHashMismatch,
            format!("`{path}` has another hash than the manifest names"),
        ));
    }
    None
}

fn judge_files(
    evidence: &mut Evidence,
    demand: &Demand,
    readings: &[Reading],
    manifest: Option<&Manifest>,
    target: &Target,
) {
    if let [one] = readings {
        evidence.path = Some(one.path.to_string());
        evidence.sha256 = Some(one.facts.sha256.clone());
        evidence.bytes = Some(one.facts.bytes);
    } else {
        // Several files of one pattern are one piece of evidence: its hash is over their paths and hashes.
        let parts: Vec<&str> =
            readings.iter().flat_map(|one| [one.path.as_str(), one.facts.sha256.as_str()]).collect();
        evidence.sha256 = Some(Digest::of_parts(&parts));
        evidence.bytes = Some(readings.iter().map(|one| one.facts.bytes).sum());
    }
    let manifest_was_sound = manifest.is_some() && evidence.faults.is_empty();
    let mut entries = Vec::new();
    let mut merged: Option<Parsed> = None;
    for reading in readings {
        if let Some(manifest) = manifest {
            match entry_for(demand, &reading.path, manifest) {
                Ok(entry) => {
                    if reading.facts.sha256.binds_nothing() && reading.facts.bytes > 2 {
                        evidence
                            .faults
                            .push(Fault::new(Code::EvidenceHashMismatch, "the hash is of an empty input"));
                    }
                    entries.push(entry);
                }
                Err(fault) => evidence.faults.push(fault),
            }
        }
        evidence.format = evidence.format.or(reading.format);
        match (&reading.result, merged.take()) {
            (Ok(parsed), None) => merged = Some(parsed.clone()),
            (Ok(parsed), Some(before)) => match before.merge(parsed.clone()) {
                Ok(both) => merged = Some(both),
                Err(error) => evidence.faults.push(parse_fault(&reading.path, &error)),
            },
            (Err(error), before) => {
                merged = before;
                evidence.faults.push(parse_fault(&reading.path, error));
            }
        }
    }
    for entry in &entries {
        evidence.faults.extend(entry_faults(entry, target));
    }
    if manifest.and_then(|manifest| manifest.dirty) != Some(false)
        && manifest.is_some()
        && !demand.allow_dirty
    {
        let detail = match manifest.and_then(|manifest| manifest.dirty) {
            Some(_) => "tracked files had uncommitted changes before the command",
            None => "the manifest does not say whether tracked files were clean: it was recorded outside git",
        };
        evidence.faults.push(Fault::new(Code::EvidenceDirtyTree, detail));
    }
    if manifest_was_sound
        && entries.len() == readings.len()
        && entries.iter().all(|entry| entry.sha256.is_some())
    {
        evidence.bindings.push(Binding::Manifest);
    }
    if readings.iter().all(|one| target.passed_digests.contains(&one.facts.sha256)) {
        evidence.bindings.push(Binding::Digest);
    }
    let Some(parsed) = merged else { return };
    judge_content(evidence, parsed, &entries, target);
}

/// The manifest's entry for a file that is used.
fn entry_for<'a>(
    demand: &Demand,
    path: &RelPath,
    manifest: &'a Manifest,
) -> Result<&'a ManifestEntry, Fault> {
    let Some(entry) = manifest.by_path(path) else {
        return Err(Fault::new(
            Code::EvidenceUnlisted,
            format!("the manifest does not list `{}`", sanitize(path.as_str(), 120)),
        ));
    };
    if entry.id != demand.id && demand.path.as_ref().is_none_or(|pattern| pattern.as_str() == path.as_str()) {
        return Err(Fault::new(
            Code::EvidenceIdMismatch,
            format!("the manifest lists `{}` as `{}`", sanitize(path.as_str(), 120), entry.id),
        ));
    }
    Ok(entry)
}

fn parse_fault(path: &RelPath, error: &ParseError) -> Fault {
    let code = match error {
        ParseError::Malformed(_) => Code::EvidenceMalformed,
        ParseError::TooLarge(_) => Code::EvidenceTooLarge,
        ParseError::Unreadable(_) => Code::EvidenceUnavailable,
    };
    Fault::new(code, format!("`{}`: {error}", sanitize(path.as_str(), 120)))
}

/// What the manifest says of one report, apart from its exit code.
fn entry_faults(entry: &ManifestEntry, target: &Target) -> Vec<Fault> {
    /// Clocks of two machines may differ by this much.
    const SKEW_SECONDS: i64 = 300;
    let mut faults = Vec::new();
    match entry.report {
        ReportState::Written => {}
        ReportState::Unchanged => faults.push(Fault::new(
            Code::EvidenceStale,
            format!("the command left the report as an earlier run had written it ({})", ended(entry)),
        )),
        ReportState::NotWritten => faults.push(Fault::new(
            Code::EvidenceStale,
            format!("the manifest says the command did not write the report ({})", ended(entry)),
        )),
    }
    if entry.finished_at < entry.started_at {
        faults.push(Fault::new(
            Code::EvidenceTimesOutOfOrder,
            format!("the command ended at {} and began at {}", entry.finished_at, entry.started_at),
        ));
    } else if entry.finished_at.unix() > target.now.unix().saturating_add(SKEW_SECONDS) {
        faults.push(Fault::new(
            Code::EvidenceTimesOutOfOrder,
            format!("the command ended at {}, which is after {}", entry.finished_at, target.now),
        ));
    }
    faults
}

/// What the content itself shows: its own errors, its commit, whether the exit code fits, whether it measured.
fn judge_content(evidence: &mut Evidence, parsed: Parsed, entries: &[&ManifestEntry], target: &Target) {
    for error in &parsed.tool_errors {
        evidence.faults.push(Fault::new(Code::EvidenceToolError, format!("the report says: {error}")));
    }
    evidence.tool.clone_from(&parsed.tool);
    if let Some(entry) = entries.first()
        && let Some(name) = &entry.tool
    {
        let version = entry.tool_version.as_deref().map(|version| sanitize(version, 60));
        evidence.tool = Some(ToolName { name: sanitize(name, 60), version });
    }
    judge_embedded(evidence, &parsed, target);
    for entry in entries {
        let named = entry.tool.clone().or_else(|| parsed.tool.as_ref().map(|tool| tool.name.clone()));
        evidence.faults.extend(exit_fault(entry, named.as_deref(), &parsed.content));
    }
    match &parsed.substance {
        Substance::Measured => {}
        Substance::Nothing(why) => {
            evidence.faults.push(Fault::new(Code::EvidenceNothingMeasured, why.clone()));
        }
        Substance::Unproven(why) => {
            let proven = !entries.is_empty()
                && entries.iter().all(|entry| {
                    entry.exit_code == 0 && entry.inputs.values().any(|input| !input.binds_nothing())
                });
            if !proven {
                evidence.faults.push(Fault::new(
                    Code::EvidenceNothingMeasured,
                    format!("{why}, and no manifest with exit code 0 and inputs says otherwise"),
                ));
            }
        }
    }
    evidence.notes.extend(parsed.notes);
    evidence.content = Some(parsed.content);
}

/// The commit that the format itself names: equal binds, another full one condemns, a short one does neither.
fn judge_embedded(evidence: &mut Evidence, parsed: &Parsed, target: &Target) {
    let mut bound = !parsed.commits.is_empty();
    for commit in &parsed.commits {
        match commit.id.parse::<CommitSha>() {
            Ok(sha) if sha == target.head => {}
            Ok(sha) => {
                bound = false;
                evidence.faults.push(Fault::new(
                    Code::EvidenceWrongHead,
                    format!("the report names commit {sha}, the head is {}", target.head),
                ));
            }
            Err(error) => {
                bound = false;
                evidence.notes.push(format!("the report names a commit that binds nothing: {error}"));
            }
        }
    }
    if bound {
        evidence.bindings.push(Binding::Embedded);
    }
}

/// Whether the command's end and the report's content tell one story (DESIGN section 6).
fn exit_fault(entry: &ManifestEntry, tool: Option<&str>, content: &Content) -> Option<Fault> {
    let name = tool.map_or_else(|| program(&entry.command), str::to_owned);
    let shown = sanitize(&name, 60);
    let crashed = |why: String| Some(Fault::new(Code::EvidenceToolCrashed, why));
    if entry.timed_out || entry.signal.is_some() {
        return crashed(format!("`{shown}` did not end by itself: {}", ended(entry)));
    }
    if matches!(entry.exit_code, 126 | 127) {
        return crashed(format!("the command could not be run: {}", ended(entry)));
    }
    let code = entry.exit_code;
    match (exit_codes::meaning(&name, code), content.shows_red()) {
        (Meaning::Crash, _) => {
            crashed(format!("`{shown}` exited {code}, by which it reports its own failure"))
        }
        (Meaning::Nothing, _) => Some(Fault::new(
            Code::EvidenceNothingMeasured,
            format!("`{shown}` exited {code}, by which it says it had nothing to look at"),
        )),
        (Meaning::Red, Some(false)) => Some(Fault::new(
            Code::EvidenceExitCodeDisagrees,
            format!("`{shown}` exited {code}, and the report shows nothing red"),
        )),
        (Meaning::Red, None) => Some(Fault::new(
            Code::EvidenceExitCodeDisagrees,
            format!("`{shown}` exited {code}, and a report of this kind cannot say why"),
        )),
        (Meaning::Clean, Some(true)) if matches!(content, Content::Tests(_)) => Some(Fault::new(
            Code::EvidenceExitCodeDisagrees,
            format!("`{shown}` exited 0, and the report shows failed tests"),
        )),
        (Meaning::Clean | Meaning::Red, _) => None,
    }
}

/// The program's name in an argument vector, without its folders.
fn program(command: &[String]) -> String {
    let first = command.first().map_or("the command", String::as_str);
    first.rsplit('/').next().unwrap_or(first).to_owned()
}

/// Age by DESIGN section 5: from the start of the producing job, else from the manifest's end of the command.
fn judge_age(
    evidence: &mut Evidence,
    demand: &Demand,
    manifest: Option<&Manifest>,
    target: &Target,
    job_started: Option<Timestamp>,
) {
    let recorded = manifest
        .and_then(|manifest| {
            manifest.evidence.iter().find(|entry| Some(entry.path.as_str()) == evidence.path.as_deref())
        })
        .map(|entry| entry.finished_at);
    let since = job_started.or(recorded);
    evidence.age_seconds = since.map(|since| target.now.seconds_since(since).unwrap_or(0));
    let Some(max) = demand.max_age else { return };
    match evidence.age_seconds {
        Some(age) if age > max.seconds() => evidence.faults.push(Fault::new(
            Code::EvidenceStale,
            format!("it is {} old, the policy allows {max}", crate::model::Span::from_seconds(age)),
        )),
        Some(_) => {}
        // Evidence that is not there has no age; that it is not there is already said.
        None if evidence.sha256.is_none() => {}
        None => evidence.faults.push(Fault::new(
            Code::EvidenceAgeUnknown,
            format!("the policy allows an age of {max}, and nothing says when it was made"),
        )),
    }
}

fn judge_bindings(evidence: &mut Evidence, demand: &Demand) {
    if evidence.sha256.is_none() {
        return;
    }
    for wanted in &demand.require_binding {
        if !evidence.bindings.contains(wanted) {
            let fault = Fault::new(
                Code::EvidenceUnbound,
                format!("the policy requires the binding `{}`, which it does not have", wanted.as_str()),
            );
            // First, because everything else was read from a file that may be anybody's.
            evidence.faults.insert(0, fault);
        }
    }
}
