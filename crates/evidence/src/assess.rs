//! What one piece of evidence is worth: the demand, what was found, and the head it must be for, in; its state,
//! bindings, age and faults out. The checks of the manifest are next door in `manifest_checks.rs`.

use std::collections::BTreeMap;

use crate::model::{Code, CommitSha, Digest, RelPath, sanitize};

use super::attestation::signature;
use super::content::{ParseError, Parsed, Substance, ToolName};
use super::demand::{Demand, Role};
use super::manifest::{Manifest, ManifestEntry};
use super::manifest_checks::{entry_faults, entry_for, exit_fault, manifest_faults, no_file};
use super::read::{ArtifactContents, ArtifactState, Files, Found};
use super::source::SourceError;
use super::state::{Binding, Evidence, Fault, Target};

/// Judges one piece of evidence on its own.
///
/// `artifact` is what the shell found under the demand's artifact name; `index` the demand's place in the list
/// the artifact was read with.
pub fn assess(demand: &Demand, artifact: &ArtifactState, index: usize, target: &Target) -> Evidence {
    if demand.role == Role::Head {
        return assess_for(demand, artifact, index, target);
    }
    match baseline_target(target) {
        // What the base's tests showed explains no job of this run.
        Ok(target) => Evidence { explains_red: false, ..assess_for(demand, artifact, index, &target) },
        Err(fault) => Evidence { faults: vec![fault], ..unread(demand) },
    }
}

/// What a baseline is held against: the base in place of the head. Only the policy's repository at the base says
/// what was old (DESIGN section 4, *Baselines*), so an artifact of the judged run is none, whatever it says of itself.
fn baseline_target(target: &Target) -> Result<Target, Fault> {
    if target.origin != Some(Binding::AssertedByCaller) {
        return Err(Fault::new(
            Code::EvidenceUnbound,
            "an artifact of the judged run is no baseline, because the change made it: name a file of the repository \
             as the gate's `baseline_file`",
        ));
    }
    let Some(base) = target.base.clone() else {
        return Err(Fault::new(
            Code::EvidenceUnbound,
            "no base is known, so nothing says of which commit the baseline is",
        ));
    };
    Ok(Target { head: base, pull_request: None, job_starts: BTreeMap::new(), ..target.clone() })
}

/// Evidence of which nothing was read.
fn unread(demand: &Demand) -> Evidence {
    Evidence {
        id: demand.id.clone(),
        artifact: demand.artifact.clone(),
        path: demand.path.as_ref().map(|path| path.as_str().to_owned()),
        format: demand.format,
        optional: demand.optional,
        sha256: None,
        bytes: None,
        artifact_sha256: None,
        tool: None,
        producer_job: demand.producer_job.clone(),
        explains_red: false,
        bindings: Vec::new(),
        age_seconds: None,
        faults: Vec::new(),
        notes: Vec::new(),
        not_due: None,
        content: None,
    }
}

fn assess_for(demand: &Demand, artifact: &ArtifactState, index: usize, target: &Target) -> Evidence {
    let mut evidence = unread(demand);
    let contents = match present(demand, artifact) {
        Ok(contents) => contents,
        Err(fault) => {
            evidence.faults.push(fault);
            return evidence;
        }
    };
    match target.origin {
        Some(origin) => evidence.bindings.push(origin),
        None => evidence
            .faults
            .push(Fault::new(Code::EvidenceUnbound, "it comes from a run of another commit than the head")),
    }
    evidence.artifact_sha256.clone_from(&contents.sha256);

    let manifest = match &contents.manifest {
        None => None,
        Some(Ok(manifest)) => {
            let job = manifest.producer.as_ref().and_then(|producer| producer.job.as_ref());
            if let (Some(named), Some(job)) = (&demand.producer_job, job)
                && named != job
            {
                let job = sanitize(job, 100);
                let detail = format!("the policy names job `{named}`, its manifest job `{job}`");
                evidence.faults.push(Fault::new(Code::EvidenceProducerUnknown, detail));
            }
            evidence.producer_job = evidence.producer_job.or_else(|| job.map(|job| sanitize(job, 100)));
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
        Some(Found::Files(files)) if !files.read.is_empty() => {
            judge_files(&mut evidence, demand, files, manifest, target);
        }
        Some(Found::Several(which)) => {
            evidence.faults.push(Fault::new(Code::EvidenceAmbiguous, which.clone()));
        }
        Some(Found::NoFile(why)) => evidence.faults.push(no_file(demand, manifest, why)),
        Some(Found::Files(_)) | None => {
            evidence.faults.push(Fault::new(Code::EvidenceMissing, "no file was read"));
        }
    }
    judge_age(&mut evidence, demand, manifest, target);
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
        ArtifactState::RunNotReady(code, why) => Fault::new(*code, format!("{name} is not judged: {why}")),
    })
}

fn judge_files(
    evidence: &mut Evidence,
    demand: &Demand,
    files: &Files,
    manifest: Option<&Manifest>,
    target: &Target,
) {
    let readings = &files.read;
    if let [one] = readings.as_slice() {
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
        evidence.faults.extend(reading.fault.as_ref().map(|error| parse_fault(&reading.path, error)));
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
    let Some(parsed) = files.joined.clone() else { return };
    judge_content(evidence, parsed, &entries, demand, target);
    // A commit in one file says nothing about the others.
    if readings.iter().any(|one| one.names_no_commit) {
        evidence.bindings.retain(|binding| *binding != Binding::Embedded);
    }
    signature::judge(evidence, &demand.keys);
}

fn parse_fault(path: &RelPath, error: &ParseError) -> Fault {
    let code = match error {
        ParseError::Malformed(_) => Code::EvidenceMalformed,
        ParseError::TooLarge(_) => Code::EvidenceTooLarge,
        ParseError::Unreadable(_) => Code::EvidenceUnavailable,
    };
    Fault::new(code, format!("`{}`: {error}", sanitize(path.as_str(), 120)))
}

/// What the content itself shows: its own errors, its commit, whether the exit code fits, whether it measured.
fn judge_content(
    evidence: &mut Evidence,
    parsed: Parsed,
    entries: &[&ManifestEntry],
    demand: &Demand,
    target: &Target,
) {
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
        evidence.faults.extend(exit_fault(
            entry,
            named.as_deref(),
            demand.exit_codes.as_ref(),
            &parsed.content,
        ));
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
    let red_exit = entries.iter().any(|entry| entry.exit_code != 0);
    evidence.explains_red =
        parsed.content.shows_red() == Some(true) || (red_exit && evidence.faults.is_empty());
    evidence.notes.extend(parsed.notes);
    evidence.content = Some(parsed.content);
}

/// The commit that the format itself names: equal binds, another full one condemns, a short one does neither.
fn judge_embedded(evidence: &mut Evidence, parsed: &Parsed, target: &Target) {
    let mut bound = !parsed.commits.is_empty() && !parsed.partly_named;
    for commit in &parsed.commits {
        match commit.id.parse::<CommitSha>() {
            Ok(sha) if sha == target.head => {}
            Ok(sha) => {
                bound = false;
                evidence.faults.push(Fault::new(
                    Code::EvidenceWrongHead,
                    format!("the report names commit {sha}, not {}", target.head),
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

/// Age by DESIGN section 5: from the start of the producing job, else from the manifest's end of the command.
fn judge_age(evidence: &mut Evidence, demand: &Demand, manifest: Option<&Manifest>, target: &Target) {
    let recorded = manifest
        .and_then(|manifest| {
            manifest.evidence.iter().find(|entry| Some(entry.path.as_str()) == evidence.path.as_deref())
        })
        .map(|entry| entry.finished_at);
    let job_started = evidence.producer_job.as_ref().and_then(|job| target.job_starts.get(job)).copied();
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
            let mut why =
                format!("the policy requires the binding `{}`, which it does not have", wanted.as_str());
            if *wanted == Binding::Signed {
                why.push_str(": see docs/evidence/in-toto.md");
            }
            let fault = Fault::new(Code::EvidenceUnbound, why);
            // First, because everything else was read from a file that may be anybody's.
            evidence.faults.insert(0, fault);
        }
    }
}
