//! `patchwarden gate --evidence DIR --head SHA`: the main job over a folder, with no forge.

use std::path::{Path, PathBuf};

use crate::error::{EXIT_CONTEXT, EXIT_POLICY, Failure};
use crate::evidence::changed_lines::{ChangedLines, changed_lines};
use crate::evidence::{Binding, Limits, Target};
use crate::gate::{Facts, PolicyOrigin, Reread, evaluate, policy_gate};
use crate::model::{CommitSha, PullNumber, RepoSlug, Timestamp};
use crate::policy::proposal::{Seen, propose};
use crate::repair::AcceptanceHead;
use crate::report::{self, PolicyFacts, TargetFacts};

use super::baselines::{parsed, raw_beside_policy};
use super::outputs::{self, Decided, no_verdict};
use super::{capture, memory};
use crate::app::folder::EvidenceFolder;
use crate::app::judge::{SoundPolicy, assess_all, conclude_after, limits, pieces};
use crate::app::pull_file::read_pull_facts;
use crate::app::{Ended, OutputForm, clock, read_named};

/// The settings of `gate` over a folder.
#[derive(Debug)]
pub struct Request {
    pub evidence: PathBuf,
    pub head: Option<String>,
    pub base: Option<String>,
    pub repo: Option<RepoSlug>,
    pub pull_request: Option<PullNumber>,
    pub policy: Option<PathBuf>,
    /// The pull request's facts, for gates that judge them.
    pub facts: Option<PathBuf>,
    /// The change, as `git diff` prints it.
    pub diff: Option<PathBuf>,
    /// The packet of an earlier head.
    pub previous: Option<PathBuf>,
    /// Where everything that was judged is kept for `replay`.
    pub capture: Option<PathBuf>,
    pub out: PathBuf,
    pub now: Option<Timestamp>,
    pub form: OutputForm,
}

/// Judges a folder of evidence.
///
/// # Errors
/// Exits 3 and 4, after the report and the summary that say so were written.
pub fn run(request: &Request) -> Ended {
    let now = clock(request.now);
    let mut facts = TargetFacts {
        repo: request.repo.clone(),
        pull_request: request.pull_request,
        ..TargetFacts::default()
    };
    let decided = decide(request, now, &mut facts);
    outputs::conclude(&request.out, request.form, &facts, now, decided)
}

/// Everything up to the verdict; nothing is written yet.
fn decide(request: &Request, now: Timestamp, target_facts: &mut TargetFacts) -> Result<Decided, Failure> {
    let head = parse_sha(request.head.as_deref(), "--head")?.ok_or_else(|| {
        no_verdict("no head was given")
            .hint("name the commit the evidence is for: `--head \"$(git rev-parse HEAD)\"`")
    })?;
    target_facts.target_sha = Some(head.clone());
    target_facts.base_sha = parse_sha(request.base.as_deref(), "--base")?;
    let limits = limits();
    let folder = EvidenceFolder::open(&request.evidence)?;
    let (sound, policy_facts, origin, policy_text) = load_policy(request, &folder)?;
    let target = Target {
        head: head.clone(),
        base: target_facts.base_sha.clone(),
        repo: request.repo.clone(),
        pull_request: request.pull_request,
        origin: Some(Binding::AssertedByCaller),
        passed_digests: std::collections::BTreeSet::new(),
        job_starts: std::collections::BTreeMap::new(),
        now,
    };
    let pull = request.facts.as_deref().map(read_pull_facts).transpose()?;
    if let Some(pull) = pull.as_ref().filter(|pull| pull.head != head) {
        return Err(no_verdict(format!(
            "heads disagree: `--head` is {head}, the pull request's facts are of {}",
            pull.head
        )));
    }
    let baselines = raw_beside_policy(request.policy.as_deref(), &sound.gates);
    let facts = Facts {
        head,
        base: target_facts.base_sha.clone(),
        repo: request.repo.clone(),
        pull_request: request.pull_request,
        event: None,
        pull,
        now,
        baselines: parsed(&baselines),
        changed_lines: changed_lines_of(request.diff.as_deref(), &limits)?,
    };
    let mut artifacts = pieces(folder.read(&sound.demands(), &limits));
    if request.capture.is_some() {
        folder.keep_bytes(&mut artifacts, &sound.demands());
    }
    let builtin = policy_gate(origin).into_iter().collect();
    let evidence = assess_all(&sound, &artifacts, &target);
    let evaluation = evaluate(&sound.policy, &sound.gates, &evidence, &facts, builtin);
    let remembered = memory::offline(&target, request.previous.as_deref())?;
    let history = &remembered.history;
    let judged = conclude_after(&sound, &target, evidence, evaluation, AcceptanceHead::Same, history);
    let mut notes: Vec<String> = folder.hint().into_iter().collect();
    notes.push(
        "offline: that the evidence is of this head is what the caller says, unless a manifest binds it"
            .to_owned(),
    );
    if origin == PolicyOrigin::Embedded {
        for (name, why) in folder.unreadable(&limits) {
            let name = crate::model::sanitize(name.as_str(), 100);
            notes.push(format!("artifact `{name}` was not judged: {why}"));
        }
    }
    let report = report::build(&report::Judgement {
        target: target_facts,
        policy: &policy_facts,
        now,
        verdict: judged.verdict,
        evaluation: &judged.evaluation,
        evidence: judged.evidence_in_order(&sound),
        packet: &judged.packet,
        history: remembered.section.clone(),
        notes,
        proposed_policy: (origin == PolicyOrigin::Embedded).then(|| policy_text.clone()),
        limits: &limits,
    });
    let mut decided = Decided { report, packet: judged.packet, problems: Vec::new() };
    if let Some(path) = &request.capture {
        let judged = capture::Judged {
            policy_text: &policy_text,
            origin,
            target: &target,
            facts: &facts,
            pieces: &artifacts,
            baselines: &baselines,
            guards: None,
            reread: &Reread::NotNeeded,
            evidence_head: AcceptanceHead::Same,
            history,
        };
        decided.problems.extend(capture::problem(path, &judged, &decided));
    }
    // The program ends soon. To give all of this back piece by piece would take a thirtieth of a small gate.
    std::mem::forget((sound, artifacts, judged.evaluation, judged.evidence, facts));
    Ok(decided)
}

/// The lines the change adds or alters, where the caller handed it in.
fn changed_lines_of(diff: Option<&Path>, limits: &Limits) -> Result<Result<ChangedLines, String>, Failure> {
    let Some(path) = diff else {
        return Ok(Err("no diff was given: pass `--diff FILE`".to_owned()));
    };
    let bytes = read_named(path, "the diff", EXIT_CONTEXT)?;
    Ok(changed_lines(&bytes, limits).map_err(|error| error.to_string()))
}

fn parse_sha(text: Option<&str>, flag: &str) -> Result<Option<CommitSha>, Failure> {
    text.map(|text| {
        text.parse::<CommitSha>().map_err(|error| {
            no_verdict(format!("`{flag}`: {error}")).hint("`git rev-parse HEAD` prints the full id")
        })
    })
    .transpose()
}

type LoadedPolicy = (SoundPolicy, PolicyFacts, PolicyOrigin, String);

/// The policy the caller names, else the embedded one over what is recognised.
fn load_policy(request: &Request, folder: &EvidenceFolder) -> Result<LoadedPolicy, Failure> {
    let (text, origin, path) = match &request.policy {
        Some(path) => {
            let text = read_policy_file(path, "no verdict was produced")?;
            // Only the name: where a file lies must not change a byte of the report.
            let name = path.file_name().map(|name| crate::model::sanitize(&name.to_string_lossy(), 200));
            (text, PolicyOrigin::File, name)
        }
        None => (embedded(folder), PolicyOrigin::Embedded, None),
    };
    let name = path.clone().unwrap_or_else(|| "the embedded policy".to_owned());
    let sound = SoundPolicy::read(&text)
        .map_err(|problems| Failure::policy("no verdict was produced", &name, problems))?;
    let facts = PolicyFacts {
        origin: match origin {
            PolicyOrigin::File => "file",
            PolicyOrigin::Embedded => "embedded",
        },
        path,
        git_ref: None,
        sha256: sound.policy.sha256.clone(),
    };
    Ok((sound, facts, origin, text))
}

/// A policy file's text; `what` says what does not happen without it.
///
/// # Errors
/// Exit 3 where it is not there, not readable or not UTF-8.
pub fn read_policy_file(path: &Path, what: &str) -> Result<String, Failure> {
    let name = path.display();
    let bytes = std::fs::read(path).map_err(|error| {
        Failure::new(EXIT_POLICY, what)
            .caused_by(format!("the policy `{name}` could not be read"))
            .caused_by(error)
    })?;
    String::from_utf8(bytes).map_err(|_| {
        Failure::new(EXIT_POLICY, what).caused_by(format!("the policy `{name}` is not UTF-8 text"))
    })
}

/// The embedded policy: one gate for each report that is recognised.
pub fn embedded(folder: &EvidenceFolder) -> String {
    let seen: Vec<Seen> = folder
        .recognise(&limits())
        .into_iter()
        .map(|(artifact, one)| Seen::in_artifact(artifact, one))
        .collect();
    propose(&seen)
}
