//! `review-quorum`, `contract-check`, `judge-check`: one gate of a policy over files. They read and print, nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::error::{EXIT_CONTEXT, EXIT_USAGE, Failure};
use crate::evidence::{Binding, Target};
use crate::gate::{Detail, Facts, GateKind, evaluate};
use crate::model::{CommitSha, GateId, Timestamp, cut_list};
use crate::repair::AcceptanceHead;
use crate::report::{self, GateReport, PolicyFacts, TargetFacts};
use crate::{output, verdict};

use super::folder::EvidenceFolder;
use super::gate::read_policy_file;
use super::judge::{Judged, SoundPolicy, assess_all, conclude, limits, pieces};
use super::pull_file::read_pull_facts;
use super::{Ended, OutputForm, clock, give};

/// The settings of the three verbs.
#[derive(Debug)]
pub struct Request {
    pub kind: GateKind,
    pub policy: PathBuf,
    /// Which gate, where the policy has several of the kind.
    pub gate: Option<GateId>,
    pub evidence: Option<PathBuf>,
    pub facts: Option<PathBuf>,
    /// Default: the head of the pull request's facts.
    pub head: Option<CommitSha>,
    pub now: Option<Timestamp>,
    pub form: OutputForm,
}

/// Judges the gate.
///
/// # Errors
/// Exits 2 to 4.
pub fn run(request: &Request) -> Ended {
    let now = clock(request.now);
    let sound = read_policy(request)?;
    let pull = request.facts.as_deref().map(read_pull_facts).transpose()?;
    let head = head(request.head.as_ref(), pull.as_ref().map(|pull| &pull.head))?;
    let target = Target {
        head: head.clone(),
        base: pull.as_ref().and_then(|pull| pull.base.clone()),
        repo: pull.as_ref().and_then(|pull| pull.repo.clone()),
        pull_request: pull.as_ref().and_then(|pull| pull.number),
        origin: Some(Binding::AssertedByCaller),
        passed_digests: BTreeSet::new(),
        job_starts: BTreeMap::new(),
        now,
    };
    let artifacts = match &request.evidence {
        Some(folder) => EvidenceFolder::open(folder)?.read(&sound.demands(), &limits()),
        None => BTreeMap::new(),
    };
    let evidence = assess_all(&sound, &pieces(artifacts), &target);
    let facts = Facts {
        base: pull.as_ref().and_then(|pull| pull.base.clone()),
        repo: target.repo.clone(),
        pull_request: target.pull_request,
        pull,
        ..Facts::of_head(head, now)
    };
    let evaluation = evaluate(&sound.policy, &sound.gates, &evidence, &facts, Vec::new());
    let judged = conclude(&sound, &target, evidence, evaluation, AcceptanceHead::Same);
    print(request, &report_of(&sound, &target, &judged), &judged)?;
    Ok(verdict::exit_code(judged.verdict))
}

/// The policy, narrowed to the one gate that is meant.
fn read_policy(request: &Request) -> Result<SoundPolicy, Failure> {
    let text = read_policy_file(&request.policy, "no verdict was produced")
        .map_err(|failure| failure.hint("name the policy with `--policy FILE`"))?;
    let name = request.policy.display().to_string();
    let sound = SoundPolicy::read(&text)
        .map_err(|problems| Failure::policy("no verdict was produced", &name, problems))?;
    let sound = sound.only(request.kind, request.gate.as_ref());
    let ids: Vec<String> = sound.gates.ids().map(|id| format!("`{id}`")).collect();
    let kind = request.kind.as_str();
    let wrong = |words: String| Failure::new(EXIT_USAGE, "no verdict was produced").caused_by(words);
    match ids.as_slice() {
        [_] => Ok(sound),
        [] => Err(wrong(match &request.gate {
            Some(id) => format!("`{name}` has no gate `{id}` of kind `{kind}`"),
            None => format!("`{name}` has no gate of kind `{kind}`"),
        })
        .hint(format!("docs/gates/{kind}.md shows how one is written"))),
        several => Err(wrong(format!("`{name}` has several: {}", cut_list(several, 10)))
            .hint("name one with `--gate ID`")),
    }
}

fn head(asked: Option<&CommitSha>, of_facts: Option<&CommitSha>) -> Result<CommitSha, Failure> {
    let no_verdict = |cause: String| Failure::new(EXIT_CONTEXT, "no verdict was produced").caused_by(cause);
    match (asked, of_facts) {
        (Some(asked), Some(facts)) if asked != facts => Err(no_verdict(format!(
            "heads disagree: `--head` is {asked}, the pull request's facts are of {facts}"
        ))),
        (Some(head), _) | (None, Some(head)) => Ok(head.clone()),
        (None, None) => Err(no_verdict("no head was given".to_owned())
            .hint("give the pull request's facts with `--facts FILE`, or the commit with `--head SHA`")),
    }
}

fn report_of(sound: &SoundPolicy, target: &Target, judged: &Judged) -> GateReport {
    report::build(&report::Judgement {
        target: &TargetFacts {
            repo: target.repo.clone(),
            pull_request: target.pull_request,
            target_sha: Some(target.head.clone()),
            ..TargetFacts::default()
        },
        policy: &PolicyFacts {
            origin: "file",
            path: None,
            git_ref: None,
            sha256: sound.policy.sha256.clone(),
        },
        now: target.now,
        verdict: judged.verdict,
        evaluation: &judged.evaluation,
        evidence: judged.evidence_in_order(sound),
        packet: &judged.packet,
        history: None,
        notes: vec!["offline: the facts and the evidence are what the caller says they are".to_owned()],
        proposed_policy: None,
        limits: &limits(),
    })
}

/// The kind's own contract where it has one, else the gate's report.
fn print(request: &Request, report: &GateReport, judged: &Judged) -> Result<(), Failure> {
    let details = judged.evaluation.results.iter().find_map(|result| result.detail.as_deref());
    give(&match (request.form, details) {
        (OutputForm::Json, Some(Detail::ReviewQuorum(quorum))) => output::json(quorum),
        (OutputForm::Json, Some(Detail::RuntimeRepair(repair))) => output::json(repair),
        (OutputForm::Json, None) => output::json(report),
        (OutputForm::Text, Some(Detail::ReviewQuorum(quorum))) => {
            format!("{}\n{}", output::lanes(quorum), output::text(report, Some(&judged.packet)))
        }
        (OutputForm::Text, _) => output::text(report, Some(&judged.packet)),
    })
}
