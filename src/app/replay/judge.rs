//! A recorded judgement made again, from nothing but its bundle: the steps of `gate`, in their order.

use std::io::Cursor;

use crate::app::judge::{Piece, SoundPolicy, assess_all, conclude_after};
use crate::error::Failure;
use crate::evidence::archive::ZipSource;
use crate::evidence::baseline::{BaselineFile, BaselineFiles};
use crate::evidence::read::{ArtifactContents, ArtifactState, read_artifact};
use crate::evidence::source::{MemoryFiles, SourceError};
use crate::evidence::{Demand, Target};
use crate::gate::{Facts, PolicyOrigin, evaluate, policy_gate};
use crate::model::{CommitSha, Digest, RelPath};
use crate::repair::{History, RepairPacket};
use crate::report::replay_bundle::{
    CapturedArtifact, CapturedFile, CapturedLines, CapturedState, ReplayBundle,
};
use crate::report::{self, GateReport, PolicyFacts, TargetFacts};

use super::bundle::{Opened, POLICY};

/// What was decided, again.
pub struct Again {
    pub report: GateReport,
    pub packet: RepairPacket,
}

/// Judges a bundle.
///
/// # Errors
/// Exit 2 where a part is missing, 3 for a policy this version does not take.
pub fn judge(opened: &Opened) -> Result<Again, Failure> {
    let Opened { bundle, .. } = opened;
    let text = text_of(opened, POLICY)?;
    let sound = SoundPolicy::read(&text)
        .map_err(|problems| Failure::policy("nothing was replayed", "the bundle's policy", problems))?;
    let head = bundle.target.target_sha.clone().ok_or_else(|| broken("it names no head"))?;
    let target = target(bundle, &head);
    let mut evidence = assess_all(&sound, &pieces(opened, &sound.demands())?, &target);
    let origin = if bundle.embedded_policy { PolicyOrigin::Embedded } else { PolicyOrigin::File };
    let mut builtin: Vec<_> = policy_gate(origin).into_iter().collect();
    if let Some(guards) = &bundle.guards {
        builtin.extend(guards.judge(&sound.policy, &mut evidence));
    }
    let facts = Facts {
        head: head.clone(),
        base: bundle.target.base_sha.clone(),
        repo: bundle.target.repo.clone(),
        pull_request: bundle.target.pull_request,
        event: bundle.target.event.clone(),
        pull: bundle.pull.clone(),
        now: bundle.evaluated_at,
        baselines: baselines(opened)?,
        changed_lines: match &bundle.changed_lines {
            CapturedLines::Unknown { why } => Err(why.clone()),
            CapturedLines::Known { lines } => Ok(lines.clone()),
        },
    };
    let mut evaluation = evaluate(&sound.policy, &sound.gates, &evidence, &facts, builtin);
    evaluation.confirm(&head, &bundle.reread);
    let history = History { previous: bundle.previous.clone(), heads: bundle.heads };
    let judged = conclude_after(&sound, &target, evidence, evaluation, bundle.evidence_head, &history);
    let mut report = report::build(&report::Judgement {
        target: &target_facts(bundle),
        policy: &PolicyFacts {
            origin: origin_word(&bundle.policy.origin),
            path: bundle.policy.path.clone(),
            git_ref: bundle.policy.git_ref.clone(),
            sha256: sound.policy.sha256.clone(),
        },
        now: bundle.evaluated_at,
        verdict: judged.verdict,
        evaluation: &judged.evaluation,
        evidence: judged.evidence_in_order(&sound),
        packet: &judged.packet,
        history: bundle.history.clone(),
        notes: bundle.notes.clone(),
        proposed_policy: bundle.embedded_policy.then_some(text),
        limits: &bundle.limits,
    });
    // Another version is not a difference; what it decides differently is.
    report.tool.clone_from(&bundle.tool);
    Ok(Again { report, packet: judged.packet })
}

fn broken(why: &str) -> Failure {
    Failure::usage("nothing was replayed").caused_by(format!("the bundle is broken: {why}"))
}

fn bytes_of<'a>(opened: &'a Opened, path: &RelPath) -> Result<&'a [u8], Failure> {
    let bytes = opened.files.get(path).ok_or_else(|| broken(&format!("`{path}` is missing")))?;
    Ok(bytes)
}

/// A text of the bundle, by its name.
///
/// # Errors
/// Exit 2 where it is missing or not UTF-8.
pub fn text_of(opened: &Opened, name: &str) -> Result<String, Failure> {
    let found = opened.files.iter().find(|(path, _)| path.as_str() == name);
    let (_, bytes) = found.ok_or_else(|| broken(&format!("`{name}` is missing")))?;
    String::from_utf8(bytes.clone()).map_err(|_| broken(&format!("`{name}` is not UTF-8 text")))
}

fn target(bundle: &ReplayBundle, head: &CommitSha) -> Target {
    Target {
        head: head.clone(),
        base: bundle.target.base_sha.clone(),
        repo: bundle.target.repo.clone(),
        pull_request: bundle.target.pull_request,
        origin: bundle.origin,
        passed_digests: bundle.passed_digests.clone(),
        job_starts: bundle.job_starts.clone(),
        now: bundle.evaluated_at,
    }
}

fn target_facts(bundle: &ReplayBundle) -> TargetFacts {
    let target = bundle.target.clone();
    TargetFacts {
        server_url: target.server_url,
        repo: target.repo,
        pull_request: target.pull_request,
        target_sha: target.target_sha,
        base_sha: target.base_sha,
        merge_base: target.merge_base,
        event: target.event,
        run_id: target.run_id,
        run_number: target.run_number,
        run_attempt: target.run_attempt,
        fork: target.fork,
    }
}

fn origin_word(word: &str) -> &'static str {
    ["file", "base", "embedded"].into_iter().find(|known| *known == word).unwrap_or("file")
}

fn pieces(opened: &Opened, demands: &[&Demand]) -> Result<Vec<Piece>, Failure> {
    let piece = |one: &CapturedArtifact| {
        let meant = |demand: &&Demand| one.provenance.is_meant(&one.name, demand);
        let wanted: Vec<&Demand> = demands.iter().copied().filter(meant).collect();
        let state = artifact(opened, one, &wanted)?;
        Ok(Piece { provenance: one.provenance.clone(), ..Piece::new(one.name.clone(), state) })
    };
    opened.bundle.artifacts.iter().map(piece).collect()
}

fn artifact(
    opened: &Opened,
    captured: &CapturedArtifact,
    demands: &[&Demand],
) -> Result<ArtifactState, Failure> {
    let limits = &opened.bundle.limits;
    let read = match &captured.state {
        CapturedState::Missing => return Ok(ArtifactState::Missing),
        CapturedState::Unfinished => return Ok(ArtifactState::Unfinished),
        CapturedState::Expired => return Ok(ArtifactState::Expired),
        CapturedState::Ambiguous { why } => return Ok(ArtifactState::Ambiguous(why.clone())),
        CapturedState::Superseded { why } => return Ok(ArtifactState::Superseded(why.clone())),
        CapturedState::Unavailable { why } => return Ok(ArtifactState::Unavailable(why.clone())),
        CapturedState::RunNotReady { code, why } => {
            return Ok(ArtifactState::RunNotReady(*code, why.clone()));
        }
        CapturedState::Refused { fault, why } => Err(match fault.as_str() {
            "malformed" => SourceError::Malformed(why.clone()),
            "too_large" => SourceError::TooLarge(why.clone()),
            _ => SourceError::Unreadable(why.clone()),
        }),
        CapturedState::Zip { file, sha256 } => ZipSource::open(Cursor::new(bytes_of(opened, file)?))
            .and_then(|mut source| read_artifact(&mut source, demands, limits))
            .map(|contents| with(contents, sha256.as_ref())),
        CapturedState::Files { files, sha256 } => {
            let files = files
                .iter()
                .map(|one| Ok((one.name.as_str(), bytes_of(opened, &one.file)?)))
                .collect::<Result<Vec<_>, Failure>>()?;
            read_artifact(&mut MemoryFiles(files), demands, limits)
                .map(|contents| with(contents, sha256.as_ref()))
        }
    };
    Ok(ArtifactState::Read(Box::new(read)))
}

/// With the digest it was downloaded with.
fn with(contents: ArtifactContents, sha256: Option<&Digest>) -> ArtifactContents {
    ArtifactContents { sha256: sha256.cloned(), ..contents }
}

fn baselines(opened: &Opened) -> Result<BaselineFiles, Failure> {
    let limits = &opened.bundle.limits;
    let read = |content: &CapturedFile| {
        Ok(match content {
            CapturedFile::Absent => BaselineFile::Absent,
            CapturedFile::Unreadable { why } => BaselineFile::Unreadable(why.clone()),
            CapturedFile::Read { file } => BaselineFile::parse(bytes_of(opened, file)?, limits),
        })
    };
    opened.bundle.baselines.iter().map(|one| Ok((one.path.clone(), read(&one.content)?))).collect()
}
