//! `patchwarden gate` inside a workflow: establish the head, read the policy at the base, fetch, judge, read head and
//! base again, write, upload, apply what was opted into, exit. Where evidence comes from is the business of `place`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::app::judge::{Judged, assess_all, conclude_after, limits};
use crate::app::{Ended, OutputForm, clock};
use crate::context::{RunContext, Trigger, Variables, WorkflowFile, look_at_gate_workflow};
use crate::error::{EXIT_POLICY, Failure};
use crate::evidence::Target;
use crate::forge::rest::{ChangedFile, Pull, Repo};
use crate::forge::{Artifacts as Service, Client, ForgeError, FreshHead, both};
use crate::gate::{ChangedPaths, Facts, Guards, evaluate, policy_gate};
use crate::model::{CommitSha, PullNumber, RelPath, Timestamp, sanitize};
use crate::repair::AcceptanceHead;
use crate::report::{self, HistorySection, TargetFacts};

use super::baselines::parsed;
use super::connect::connect;
use super::lookups::{changed_paths, policy_at, workflow_at};
use super::outputs::{self, Decided, no_verdict};
use super::place::{self, Asked};
use super::policy_source::{Loaded, load};
use super::scene::{Scene, facts_of, scene};
use super::status_lookups::{self, Own};
use super::{beside, capture, from_base, pull_facts, reread, step, workflow_changes};

/// The settings of `gate` inside a workflow.
#[derive(Debug)]
pub struct Request {
    /// The policy's path in the repository.
    pub policy: RelPath,
    pub out: PathBuf,
    pub now: Option<Timestamp>,
    pub form: OutputForm,
    /// `toJSON(needs)` as the workflow passes it.
    pub needs: String,
    /// The pull request to judge, for events that name none.
    pub pull: Option<PullNumber>,
    /// The head the caller expects.
    pub head: Option<String>,
    /// The packet of an earlier head, where the caller kept it.
    pub previous: Option<PathBuf>,
    /// Where everything that was judged is kept for `replay`.
    pub capture: Option<PathBuf>,
    /// Post a commit status under this context.
    pub commit_status: Option<String>,
    /// Keep one comment on the pull request up to date.
    pub comment: bool,
    /// Whose evidence is judged.
    pub source: Source,
}

/// Whose evidence is judged.
#[derive(Debug, Clone, Copy)]
pub enum Source {
    /// The run this step belongs to.
    ThisRun,
    /// The runs of the head, which are awaited; the gate stands on the base.
    HeadRuns(from_base::Waits),
}

/// Judges the run this step belongs to.
///
/// # Errors
/// Exits 3 and 4, after the report and the summary that say so were written.
pub fn run(request: &Request) -> Ended {
    let variables = Variables::new(
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
    );
    let mut facts = TargetFacts::default();
    let mut now = clock(request.now);
    let decided = (|| {
        let scene = scene(request, &variables)?;
        facts_of(&scene, &mut facts);
        let client = connect(&scene.context, &variables)?;
        let ended = judge_run(request, &scene, &client, &mut facts, &mut now);
        ended.map(|(decided, fresh)| (decided, fresh, scene, client))
    })();
    match decided {
        Ok((decided, fresh, scene, client)) => {
            Ok(step::finish(request, &variables, &scene, &client, &decided, fresh.as_ref()))
        }
        Err(failure) => {
            outputs::give_up(&request.out, request.form, &facts, now, &failure);
            step::after_failure(request, &variables);
            Err(failure)
        }
    }
}

fn judge_run(
    request: &Request,
    scene: &Scene,
    client: &Client,
    facts: &mut TargetFacts,
    now: &mut Timestamp,
) -> Result<(Decided, Option<FreshHead>), Failure> {
    let service = match (&scene.context.runtime, &scene.context.run) {
        (Some(runtime), Some(run)) => Service::new(client, runtime, run.id).ok(),
        _ => None,
    };
    // What is asked in the background ends with the judgement.
    std::thread::scope(|scope| {
        let asked = place::ask(scope, request, scene, client.repo(&scene.slug), service.as_ref())?;
        judge(request, scene, client, asked, facts, now)
    })
}

fn judge(
    request: &Request,
    scene: &Scene,
    client: &Client,
    asked: Asked<'_, '_>,
    facts: &mut TargetFacts,
    now: &mut Timestamp,
) -> Result<(Decided, Option<FreshHead>), Failure> {
    let context = &scene.context;
    let repo = client.repo(&scene.slug);
    let Asked { head, pull, mut place } = asked;
    let head = head_of(request, context, head, pull.as_ref())?;
    facts.target_sha = Some(head.clone());
    facts.pull_request = pull.as_ref().map(|pull| pull.number).or(facts.pull_request);
    let base = base_of(context, pull.as_ref());
    facts.base_sha.clone_from(&base);
    if let Some(pull) = &pull {
        facts.merge_base = pull.merge_base.clone().or_else(|| facts.merge_base.clone());
    }
    let policy_commit = policy_commit(pull.as_ref(), base.as_ref(), &head)?;
    let Read { policy_text, workflow, files, changed } =
        read(repo, request, context, pull.as_ref(), &head, &policy_commit);
    if let Some(date) = client.server_date().filter(|_| request.now.is_none()) {
        *now = date;
    }
    let mut notes = Vec::new();
    let loaded = load(&request.policy, policy_text?, &policy_commit, || place.look(), &mut notes)?;
    let sound = &loaded.sound;
    let target = Target {
        head: head.clone(),
        base: base.clone(),
        repo: Some(scene.slug.clone()),
        pull_request: facts.pull_request,
        origin: place.origin(context, &head),
        passed_digests: scene.passed_digests.clone(),
        job_starts: BTreeMap::new(),
        now: *now,
    };
    let mut local = workflow.as_ref().map(WorkflowFile::local_uses).unwrap_or_default();
    local.extend(place.local_uses());
    let subject = beside::Subject {
        repo,
        policy: &sound.policy,
        target: &target,
        own: Own {
            slug: &scene.slug,
            context,
            base: base.as_ref(),
            workflow: workflow.as_ref(),
            commit_status: request.commit_status.as_deref(),
        },
        pull: pull.as_ref(),
        files: files.as_ref(),
        changed: &changed,
        before: facts.merge_base.as_ref().or(base.as_ref()),
        previous: request.previous.as_deref(),
        wanted: beside::Wanted::by(&sound.gates),
    };
    let here = place::Step { repo, scene, workflow: workflow.as_ref(), keep: request.capture.is_some() };
    let (beside, (gathered, target)) =
        beside::ask(&subject, || place.gather(&here, sound, target.clone(), &mut notes));
    let mut evidence = assess_all(sound, &gathered.pieces, &target);
    let guards = Guards {
        jobs: gathered.jobs,
        policy_path: request.policy.to_string(),
        hidden_by: hidden_by(context, &changed),
        changed,
        local_actions: local,
        workflows: beside.workflows,
    };
    let mut builtin: Vec<_> = policy_gate(loaded.origin).into_iter().collect();
    builtin.extend(guards.judge(&sound.policy, &mut evidence));
    let pull_facts = match (&pull, &files) {
        (Some(pull), Some(files)) => {
            let wanted = pull_facts::Wanted::by(&sound.gates, &builtin, &evidence);
            Some(pull_facts::ask(repo, &scene.slug, pull, &head, files, &wanted))
        }
        _ => None,
    };
    let gate_facts = Facts {
        head: head.clone(),
        base,
        repo: Some(scene.slug.clone()),
        pull_request: facts.pull_request,
        event: facts.event.clone(),
        pull: status_lookups::add(pull_facts, beside.statuses, &head),
        now: *now,
        baselines: parsed(&beside.baselines),
        changed_lines: beside.changed_lines,
    };
    let mut evaluation = evaluate(&sound.policy, &sound.gates, &evidence, &gate_facts, builtin);

    let (reread, fresh) =
        reread::read_again(repo, request, &head, pull.as_ref(), &sound.policy.sha256, loaded.origin);
    let moved = pull.as_ref().filter(|_| matches!(request.source, Source::HeadRuns(_)));
    let (reread, fresh) = match moved.and_then(|pull| from_base::retargeted(context, pull)) {
        Some(retargeted) => (retargeted, None),
        None => (reread, fresh),
    };
    evaluation.confirm(&head, &reread);
    let remembered = beside.remembered?;
    let history = &remembered.history;
    let judged = conclude_after(sound, &target, evidence, evaluation, AcceptanceHead::Next, history);
    notes.push(placement_note(request, context));
    notes.extend(workflow.as_ref().map(|file| ways_past(file, context)).unwrap_or_default());
    let mut decided = decided(&judged, &loaded, facts, *now, (notes, remembered.section));
    if let Some(path) = &request.capture {
        let judged = capture::Judged {
            policy_text: &loaded.text,
            origin: loaded.origin,
            target: &target,
            facts: &gate_facts,
            pieces: &gathered.pieces,
            baselines: &beside.baselines,
            guards: Some(&guards),
            reread: &reread,
            evidence_head: AcceptanceHead::Next,
            history,
        };
        decided.problems.extend(capture::problem(path, &judged, &decided));
    }
    Ok((decided, fresh))
}

/// What is read once head and base are known.
struct Read {
    policy_text: Result<Option<String>, Failure>,
    /// The run's own, at the base; `None` where there is none or it could not be read.
    workflow: Option<WorkflowFile>,
    /// `None` where there is no pull request.
    files: Option<Result<Vec<ChangedFile>, ForgeError>>,
    changed: ChangedPaths,
}

/// Policy, workflow and changed files, all at once. `at` is the commit whose policy judges.
fn read(
    repo: Repo<'_>,
    request: &Request,
    context: &RunContext,
    pull: Option<&Pull>,
    head: &CommitSha,
    at: &CommitSha,
) -> Read {
    let (files, (policy_text, workflow)) = both(
        || pull.map(|pull| repo.changed_files(pull.number)),
        || both(|| policy_at(repo, &request.policy, at), || workflow_at(repo, context, at)),
    );
    let changed = match (pull, &files) {
        (Some(pull), Some(files)) => changed_paths(files, pull, head),
        _ => ChangedPaths::None,
    };
    let (workflow, changed) = match (workflow, changed) {
        (Ok(workflow), changed) => (workflow, changed),
        (Err(_), ChangedPaths::None) => (None, ChangedPaths::None),
        // Nobody knows then which local actions it uses.
        (Err(why), _) => (None, ChangedPaths::Unknown(why)),
    };
    Read { policy_text, workflow, files, changed }
}

/// The head that is judged.
///
/// # Errors
/// Exit 4 where it could not be asked for, or is not the one the caller expects.
fn head_of(
    request: &Request,
    context: &RunContext,
    pinned: Option<CommitSha>,
    pull: Option<&Pull>,
) -> Result<CommitSha, Failure> {
    let known = pinned.or_else(|| context.head.known().cloned());
    let head = known.or_else(|| pull.map(|pull| pull.head.clone()));
    let head = head.ok_or_else(|| no_verdict("the pull request's head could not be asked for"))?;
    match request.head.as_deref() {
        Some(expected) if expected != head.as_str() => {
            let expected = sanitize(expected, 80);
            Err(no_verdict(format!(
                "heads disagree: `--head` is `{expected}`, the pull request's is `{head}`"
            )))
        }
        _ => Ok(head),
    }
}

/// The folder that takes the place of the one the gate's own workflow lies in, where that is the base's.
fn hidden_by(context: &RunContext, changed: &ChangedPaths) -> Option<String> {
    let own = context.run.as_ref().and_then(|run| run.workflow_file.as_deref());
    let of_base = own.filter(|_| from_base::stands_on_the_base(context));
    workflow_changes::hidden_by(changed, of_base).map(str::to_owned)
}

/// The base's tip now for a pull request, the commit before for a push.
fn base_of(context: &RunContext, pull: Option<&Pull>) -> Option<CommitSha> {
    match pull {
        Some(pull) => pull.base.clone(),
        None => context.base.as_ref().and_then(|base| base.sha.clone()),
    }
}

/// The commit the policy is read at: the base, and the head itself only where nothing is compared with a base.
fn policy_commit(
    pull: Option<&Pull>,
    base: Option<&CommitSha>,
    head: &CommitSha,
) -> Result<CommitSha, Failure> {
    match (base, pull) {
        (Some(base), _) => Ok(base.clone()),
        (None, None) => Ok(head.clone()),
        (None, Some(pull)) => Err(Failure::new(EXIT_POLICY, "no verdict was produced").caused_by(format!(
            "the base branch `{}` of the pull request has no tip to read the policy at",
            sanitize(&pull.base_branch, 100)
        ))),
    }
}

fn placement_note(request: &Request, context: &RunContext) -> String {
    match context.trigger {
        _ if matches!(request.source, Source::HeadRuns(_)) => {
            "from the base: the change cannot edit this gate; a branch of this repository could still post a status under its name, docs/hardening.md".to_owned()
        }
        Some(Trigger::PullRequest | Trigger::PullRequestReview) => {
            "in the run: a pull request carries its own workflow files and could drop this step; docs/hardening.md says what stops that".to_owned()
        }
        _ => "in the run: evidence is as trustworthy as the workflow that made it".to_owned(),
    }
}

/// What in the workflow at the base lets a red run merge without this gate: seen here while it stands and is not skipped.
fn ways_past(file: &WorkflowFile, context: &RunContext) -> Vec<String> {
    let Some(run) = context.run.as_ref().filter(|run| file.jobs.contains_key(&run.job)) else {
        return Vec::new();
    };
    let name = run.workflow_file.as_deref().unwrap_or_default().rsplit('/').next().unwrap_or_default();
    let found = look_at_gate_workflow(file, name, Some(&run.job), &[]);
    found.refused.iter().map(|why| format!("this gate can be passed by: {why}")).collect()
}

fn decided(
    judged: &Judged,
    loaded: &Loaded,
    facts: &TargetFacts,
    now: Timestamp,
    (notes, history): (Vec<String>, Option<HistorySection>),
) -> Decided {
    let report = report::build(&report::Judgement {
        target: facts,
        policy: &loaded.facts,
        now,
        verdict: judged.verdict,
        evaluation: &judged.evaluation,
        evidence: judged.evidence_in_order(&loaded.sound),
        packet: &judged.packet,
        history,
        notes,
        proposed_policy: loaded.proposed(),
        limits: &limits(),
    });
    Decided { report, packet: judged.packet.clone(), problems: Vec::new() }
}
