//! `patchwarden gate` inside a workflow: establish the head, read the policy at the base, fetch, judge, read head and
//! base again, write, upload, apply what was opted into, exit. Where evidence comes from is one question of `ask`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::app::judge::{Judged, conclude_after, limits};
use crate::app::{Ended, OutputForm, clock};
use crate::context::{Head, RunContext, Trigger, Variables, WorkflowFile};
use crate::error::{EXIT_CONTEXT, EXIT_POLICY, Failure};
use crate::evidence::{Binding, Target};
use crate::forge::rest::{Pull, Repo};
use crate::forge::{Artifacts as Service, Client, ForgeError, FreshHead};
use crate::gate::{
    ChangedPaths, Evaluation, Facts, GateResult, Reread, evaluate, judge_producer_changes, judge_producers,
    judge_protected, judge_reread, policy_gate,
};
use crate::model::{CommitSha, PullNumber, RelPath, Timestamp, sanitize};
use crate::policy::Policy;
use crate::repair::AcceptanceHead;
use crate::report::{self, HistorySection, TargetFacts};

use super::baselines::at_base;
use super::connect::connect;
use super::fetch::{Looked, RunArtifacts};
use super::head_runs::{Gathered, HeadRuns};
use super::in_the_run::InTheRun;
use super::lookups::{JobList, changed_paths, job_list, policy_at, run_jobs, workflow_at};
use super::outputs::{self, Decided, no_verdict};
use super::policy_source::{Loaded, load};
use super::scene::{Scene, facts_of, scene};
use super::{change, from_base, memory, pull_facts, reread, status_lookups, step, workflow_changes};

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
        Ok((decided, fresh, scene, client)) => Ok(step::finish(
            request,
            &variables,
            &scene.context,
            &scene.slug,
            &client,
            &decided,
            fresh.as_ref(),
        )),
        Err(failure) => {
            outputs::give_up(&request.out, request.form, &facts, now, &failure);
            step::after_failure(request, &variables);
            Err(failure)
        }
    }
}

/// The pull request the verdict is about, where it is about one.
fn pull_number(context: &RunContext) -> Option<PullNumber> {
    match &context.head {
        Head::ToAsk(number) => Some(*number),
        Head::Known(_) => context.pull.as_ref().map(|pull| pull.number),
    }
}

/// What was asked first, all at once.
struct Asked<'a> {
    /// The head, where it was pinned before anything was waited for.
    head: Option<CommitSha>,
    pull: Option<Pull>,
    place: Place<'a>,
}

/// Where the gate stands (DESIGN section 4, *Placement*), with what it judges there.
enum Place<'a> {
    InTheRun { jobs: Result<JobList, ForgeError>, artifacts: Option<RunArtifacts<'a>> },
    OnTheBase(HeadRuns<'a>),
}

fn judge_run(
    request: &Request,
    scene: &Scene,
    client: &Client,
    facts: &mut TargetFacts,
    now: &mut Timestamp,
) -> Result<(Decided, Option<FreshHead>), Failure> {
    let context = &scene.context;
    let repo = client.repo(&scene.slug);
    let service = match (&context.runtime, &context.run) {
        (Some(runtime), Some(run)) => Service::new(client, runtime, run.id).ok(),
        _ => None,
    };
    let asked = ask(request, scene, repo, service.as_ref())?;
    let head = match (&context.head, &asked.head, &asked.pull) {
        (_, Some(head), _) | (Head::Known(head), None, _) => head.clone(),
        (Head::ToAsk(_), None, Some(pull)) => pull.head.clone(),
        (Head::ToAsk(_), None, None) => {
            return Err(no_verdict("the pull request's head could not be asked for"));
        }
    };
    if let Some(expected) = request.head.as_deref().filter(|expected| *expected != head.as_str()) {
        let expected = sanitize(expected, 80);
        return Err(no_verdict(format!(
            "heads disagree: `--head` is `{expected}`, the pull request's is `{head}`"
        )));
    }
    facts.target_sha = Some(head.clone());
    facts.pull_request = asked.pull.as_ref().map(|pull| pull.number).or(facts.pull_request);
    let base = base_of(context, asked.pull.as_ref());
    facts.base_sha.clone_from(&base);
    if let Some(pull) = &asked.pull {
        facts.merge_base = pull.merge_base.clone().or_else(|| facts.merge_base.clone());
    }
    let policy_commit = policy_commit(&asked, base.as_ref(), &head)?;
    let (policy_text, workflow, files) = std::thread::scope(|scope| {
        let policy = scope.spawn(|| policy_at(repo, &request.policy, &policy_commit));
        let workflow = scope.spawn(|| workflow_at(repo, context, &policy_commit));
        let files = asked.pull.as_ref().map(|pull| repo.changed_files(pull.number));
        (join(policy), join(workflow), files)
    });
    let changed = match (&asked.pull, &files) {
        (Some(pull), Some(files)) => changed_paths(files, pull, &head),
        _ => ChangedPaths::None,
    };
    let (workflow, changed) = match (workflow, changed) {
        (Ok(workflow), changed) => (workflow, changed),
        (Err(_), ChangedPaths::None) => (None, ChangedPaths::None),
        (Err(why), _) => (None, ChangedPaths::Unknown(why)),
    };
    if let Some(date) = client.server_date().filter(|_| request.now.is_none()) {
        *now = date;
    }
    let mut notes = Vec::new();
    let loaded = load(&request.policy, policy_text?, &policy_commit, || asked.place.look(), &mut notes)?;
    let sound = &loaded.sound;
    let target = Target {
        head: head.clone(),
        base: base.clone(),
        repo: Some(scene.slug.clone()),
        pull_request: facts.pull_request,
        origin: asked.place.origin(context, &head),
        passed_digests: scene.passed_digests.clone(),
        job_starts: asked.place.starts(workflow.as_ref()),
        now: *now,
    };
    let mut local = workflow.as_ref().map(WorkflowFile::local_uses).unwrap_or_default();
    let Gathered { mut evidence, jobs } = match asked.place {
        Place::OnTheBase(runs) => {
            notes.extend(runs.notes());
            local.extend(runs.local_uses());
            runs.gather(sound, &target)
        }
        Place::InTheRun { jobs, artifacts } => {
            let found = InTheRun { jobs: &jobs, artifacts: artifacts.as_ref(), workflow: workflow.as_ref() };
            let evidence = found.evidence(scene, client, sound, &target, &mut notes);
            Gathered { evidence, jobs: run_jobs(jobs, &scene.needs, workflow.as_ref(), context) }
        }
    };
    let mut builtin: Vec<_> = policy_gate(loaded.origin).into_iter().collect();
    builtin.extend(judge_producers(&sound.policy, &mut evidence, &jobs));
    let mut protected = judge_protected(&sound.policy, request.policy.as_str(), &local, &changed);
    if let (Some(protected), Some(base)) = (&mut protected, facts.merge_base.as_ref().or(base.as_ref())) {
        compare_workflows(protected, &sound.policy, repo, context, (&changed, base, &head));
    }
    builtin.extend(protected);
    let pull = match (&asked.pull, &files) {
        (Some(pull), Some(files)) => {
            let wanted = pull_facts::Wanted::by(&sound.gates, &builtin, &evidence);
            Some(pull_facts::ask(repo, &scene.slug, pull, &head, files, &wanted))
        }
        _ => None,
    };
    let own = status_lookups::Own {
        slug: &scene.slug,
        context,
        base: base.as_ref(),
        workflow: workflow.as_ref(),
        commit_status: request.commit_status.as_deref(),
    };
    let pull = status_lookups::add(pull, &sound.policy, repo, &head, &own);
    let gate_facts = Facts {
        head: head.clone(),
        base,
        repo: Some(scene.slug.clone()),
        pull_request: facts.pull_request,
        event: facts.event.clone(),
        pull,
        now: *now,
        baselines: at_base(repo, &sound.gates, facts.base_sha.as_ref()),
        changed_lines: change::lines(repo, &sound.gates, asked.pull.as_ref(), &head, files.as_ref()),
    };
    let mut evaluation = evaluate(&sound.policy, &sound.gates, &evidence, &gate_facts, builtin);

    let (reread, fresh) =
        reread::read_again(repo, request, &head, asked.pull.as_ref(), &sound.policy.sha256, loaded.origin);
    let moved = asked.pull.as_ref().filter(|_| matches!(request.source, Source::HeadRuns(_)));
    let (reread, fresh) = match moved.and_then(|pull| from_base::retargeted(context, pull)) {
        Some(retargeted) => (retargeted, None),
        None => (reread, fresh),
    };
    confirm(&mut evaluation, &head, &reread);
    let remembered = memory::in_workflow(repo, context, &target, request.previous.as_deref())?;
    let history = &remembered.history;
    let judged = conclude_after(sound, &target, evidence, evaluation, AcceptanceHead::Next, history);
    notes.push(placement_note(request, context));
    let decided = decided(&judged, &loaded, facts, *now, (notes, remembered.section));
    Ok((decided, fresh))
}

/// Adds what the change does to the workflows, of which both versions are read.
fn compare_workflows(
    protected: &mut GateResult,
    policy: &Policy,
    repo: Repo<'_>,
    context: &RunContext,
    (changed, base, head): (&ChangedPaths, &CommitSha, &CommitSha),
) {
    let versions = workflow_changes::read(repo, changed, base, head);
    let own = context.run.as_ref().and_then(|run| run.workflow_file.as_deref());
    let of_base = own.filter(|_| from_base::stands_on_the_base(context));
    let hidden_by = workflow_changes::hidden_by(changed, of_base);
    judge_producer_changes(protected, policy, &versions, hidden_by);
}

fn join<T>(handle: std::thread::ScopedJoinHandle<'_, T>) -> T {
    handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Pull request, jobs and artifacts: three questions that need no answer of each other. On the base the runs of the
/// head are waited for first.
fn ask<'a>(
    request: &Request,
    scene: &Scene,
    repo: Repo<'a>,
    service: Option<&'a Service<'a>>,
) -> Result<Asked<'a>, Failure> {
    let context = &scene.context;
    let number = pull_number(context);
    let no_pull = |error: ForgeError| {
        // Without it nobody knows which base's policy judges.
        let exit = if context.head.known().is_some() { EXIT_POLICY } else { EXIT_CONTEXT };
        Failure::new(exit, "no verdict was produced")
            .caused_by("the pull request could not be read, and with it the base whose policy judges")
            .caused_by(error)
    };
    if let Source::HeadRuns(patience) = request.source {
        let number = number.filter(|_| from_base::stands_on_the_base(context));
        let number = number.ok_or_else(|| from_base::refuse(context))?;
        let pull = repo.pull(number).map_err(no_pull)?;
        let head = context.head.known().cloned().unwrap_or_else(|| pull.head.clone());
        let runs = from_base::await_runs(request, scene, repo, &pull, &head, patience)?;
        // Read anew: minutes have gone by.
        let pull = Some(repo.pull(number).map_err(no_pull)?);
        return Ok(Asked { head: Some(head), pull, place: Place::OnTheBase(runs) });
    }
    std::thread::scope(|scope| {
        let pull = scope.spawn(move || number.map(|number| repo.pull(number)).transpose());
        let jobs = scope.spawn(move || job_list(repo, context));
        let artifacts = service.map(|service| RunArtifacts { service, listing: service.list() });
        let pull = join(pull).map_err(no_pull)?;
        Ok(Asked { head: None, pull, place: Place::InTheRun { jobs: join(jobs), artifacts } })
    })
}

impl Place<'_> {
    /// What a policy could be proposed for.
    fn look(&self) -> Looked {
        match self {
            Self::InTheRun { artifacts, .. } => {
                artifacts.as_ref().map(|artifacts| artifacts.recognise(&limits())).unwrap_or_default()
            }
            Self::OnTheBase(runs) => runs.recognise(),
        }
    }

    /// Evidence of this run is of the head only where the run's commit is the head. A `pull_request_target` run has
    /// the head as its commit while its jobs check out the base; see
    /// `require_named_head`. The runs a gate on the base judges are those of the head.
    fn origin(&self, context: &RunContext, head: &CommitSha) -> Option<Binding> {
        let for_the_pull = matches!(context.trigger, Some(Trigger::PullRequest | Trigger::PullRequestTarget));
        let commit = context.run.as_ref().and_then(|run| run.commit.as_ref());
        let of_head = matches!(self, Self::OnTheBase(_)) || for_the_pull || commit == Some(head);
        of_head.then_some(Binding::Run)
    }

    fn starts(&self, workflow: Option<&WorkflowFile>) -> BTreeMap<String, Timestamp> {
        match self {
            Self::InTheRun { jobs: Ok(jobs), .. } => jobs.starts(workflow),
            Self::InTheRun { jobs: Err(_), .. } | Self::OnTheBase(_) => BTreeMap::new(),
        }
    }
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
    asked: &Asked<'_>,
    base: Option<&CommitSha>,
    head: &CommitSha,
) -> Result<CommitSha, Failure> {
    match (base, &asked.pull) {
        (Some(base), _) => Ok(base.clone()),
        (None, None) => Ok(head.clone()),
        (None, Some(pull)) => Err(Failure::new(EXIT_POLICY, "no verdict was produced").caused_by(format!(
            "the base branch `{}` of the pull request has no tip to read the policy at",
            sanitize(&pull.base_branch, 100)
        ))),
    }
}

/// Adds what reading again found, such that the verdict takes it in.
fn confirm(evaluation: &mut Evaluation, head: &CommitSha, reread: &Reread) {
    evaluation.results.splice(0..0, judge_reread(head, reread));
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
        proposed_policy: loaded.proposed.clone(),
        limits: &limits(),
    });
    Decided { report, packet: judged.packet.clone(), problems: Vec::new() }
}
