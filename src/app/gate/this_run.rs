//! `patchwarden gate` inside a workflow, over the artifacts of its own run: establish the head, read the policy at the
//! base, fetch, judge, read head and base again, write, upload, apply what was opted into, exit.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::app::judge::{Judged, SoundPolicy, assess_all, conclude_after, limits};
use crate::app::replay::bundle::Raw;
use crate::app::{Ended, OutputForm, clock};
use crate::context::{Head, Inputs, JobResult, RunContext, Trigger, Variables, WorkflowFile, parse_needs};
use crate::error::{EXIT_CONTEXT, EXIT_POLICY, Failure};
use crate::evidence::read::Artifacts;
use crate::evidence::{Binding, Demand, Target};
use crate::forge::rest::{Pull, Repo};
use crate::forge::{Artifacts as Service, Client, FreshHead};
use crate::gate::{
    ChangedPaths, Evaluation, Facts, PolicyOrigin, Reread, evaluate, judge_producers, judge_protected,
    judge_reread, policy_gate, require_named_head,
};
use crate::model::{
    ArtifactName, CommitSha, Digest, PullNumber, RelPath, RepoSlug, Timestamp, Token, sanitize,
};
use crate::policy::proposal::{Seen, propose};
use crate::repair::AcceptanceHead;
use crate::report::{self, HistorySection, PolicyFacts, TargetFacts};

use super::baselines::{at_base, parsed};
use super::connect::connect;
use super::fetch::{RunArtifacts, condemn_superseded};
use super::lookups::{
    JobList, changed_paths, display_names, job_list, live_names, policy_at, run_jobs, workflow_at,
};
use super::outputs::{self, Decided, no_verdict};
use super::{capture, change, memory, pull_facts, reread, status_lookups, step};

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
}

/// What is known before the forge is asked.
struct Scene {
    context: RunContext,
    slug: RepoSlug,
    needs: BTreeMap<String, JobResult>,
    passed_digests: BTreeSet<Digest>,
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

fn scene(request: &Request, variables: &Variables) -> Result<Scene, Failure> {
    // By the environment, never by an argument: other processes of the machine can read those.
    let token = variables.exact("PATCHWARDEN_TOKEN").map(str::parse::<Token>).transpose();
    let head = request.head.as_deref().map(str::parse::<CommitSha>).transpose();
    let inputs = Inputs {
        token: token.map_err(|error| no_verdict(format!("input `token`: {error}")))?,
        pull: request.pull,
        head: head.map_err(|error| no_verdict(format!("`--head`: {error}")))?,
    };
    let payload = match variables.event_path().map_err(no_verdict)? {
        Some(path) => Some(std::fs::read(path).map_err(|error| {
            no_verdict(format!("the event payload `{path}` could not be read")).caused_by(error)
        })?),
        None => None,
    };
    let context = RunContext::from_workflow(variables, payload.as_deref(), &inputs)
        .map_err(|error| no_verdict(error).hint("offline, name `--evidence DIR` and `--head SHA`"))?;
    let slug = context.repo.clone().ok_or_else(|| no_verdict("the repository is not known"))?;
    let needs = parse_needs(&request.needs)
        .map_err(|error| no_verdict(error).hint("pass it as `needs: ${{ toJSON(needs) }}`"))?;
    let passed_digests = passed_digests(&request.needs);
    Ok(Scene { context, slug, needs, passed_digests })
}

/// Every `sha256:…` that a needed job passed through an output.
fn passed_digests(needs: &str) -> BTreeSet<Digest> {
    let mut found = BTreeSet::new();
    for (at, _) in needs.match_indices("\"sha256:") {
        let digest = needs.get(at + 1..at + 1 + 71).and_then(|text| text.parse::<Digest>().ok());
        found.extend(digest.filter(|digest| !digest.binds_nothing()));
    }
    found
}

fn facts_of(scene: &Scene, facts: &mut TargetFacts) {
    let context = &scene.context;
    facts.server_url = context.server.as_ref().map(|server| server.url.to_string());
    facts.repo = Some(scene.slug.clone());
    facts.pull_request = context.pull.as_ref().map(|pull| pull.number);
    facts.target_sha = context.head.known().cloned();
    facts.base_sha = context.base.as_ref().and_then(|base| base.sha.clone());
    facts.merge_base.clone_from(&context.merge_base);
    facts.event = context.trigger.map(|trigger| trigger.as_str().to_owned());
    facts.fork = context.pull.as_ref().and_then(|pull| match pull.fork {
        crate::context::Fork::Yes => Some(true),
        crate::context::Fork::No => Some(false),
        crate::context::Fork::Unknown => None,
    });
    if let Some(run) = &context.run {
        facts.run_id = Some(run.id);
        facts.run_number = run.number;
        facts.run_attempt = Some(run.attempt);
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
    pull: Option<Pull>,
    jobs: Result<JobList, crate::forge::ForgeError>,
    artifacts: Option<RunArtifacts<'a>>,
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
    let asked = ask(repo, scene, service.as_ref())?;
    let head = match (&context.head, &asked.pull) {
        (Head::Known(head), _) => head.clone(),
        (Head::ToAsk(_), Some(pull)) => pull.head.clone(),
        (Head::ToAsk(_), None) => return Err(no_verdict("the pull request's head could not be asked for")),
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
    let loaded = load(request, policy_text?, &policy_commit, asked.artifacts.as_ref(), &mut notes)?;
    let sound = &loaded.sound;
    let target = Target {
        head: head.clone(),
        base: base.clone(),
        repo: Some(scene.slug.clone()),
        pull_request: facts.pull_request,
        origin: origin(context, &head),
        passed_digests: scene.passed_digests.clone(),
        job_starts: asked.jobs.as_ref().map(|jobs| jobs.starts(workflow.as_ref())).unwrap_or_default(),
        now: *now,
    };
    let keep = request.capture.is_some();
    let (artifacts, raw) = read_artifacts(scene, client, &asked, sound, workflow.as_ref(), &mut notes, keep);
    let mut evidence = assess_all(sound, &artifacts, &target);
    let named_head_only = context.trigger == Some(Trigger::PullRequestTarget);
    if named_head_only {
        require_named_head(&mut evidence);
    }
    let jobs = run_jobs(asked.jobs, &scene.needs, workflow.as_ref(), context);
    let mut builtin: Vec<_> = policy_gate(loaded.origin).into_iter().collect();
    builtin.extend(judge_producers(&sound.policy, &mut evidence, &jobs));
    let local = workflow.as_ref().map(WorkflowFile::local_uses).unwrap_or_default();
    builtin.extend(judge_protected(&sound.policy, request.policy.as_str(), &local, &changed));
    let pull = match (&asked.pull, &files) {
        (Some(pull), Some(files)) => {
            let wanted = pull_facts::Wanted::by(&sound.policy, &builtin);
            Some(pull_facts::ask(repo, &scene.slug, pull, &head, files, wanted))
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
    let baselines = at_base(repo, &sound.gates, facts.base_sha.as_ref());
    let gate_facts = Facts {
        head: head.clone(),
        base,
        repo: Some(scene.slug.clone()),
        pull_request: facts.pull_request,
        event: facts.event.clone(),
        pull,
        now: *now,
        baselines: parsed(&baselines),
        changed_lines: change::lines(repo, &sound.gates, asked.pull.as_ref(), &head, files.as_ref()),
    };
    let mut evaluation = evaluate(&sound.policy, &sound.gates, &evidence, &gate_facts, builtin);

    let (reread, fresh) =
        reread::read_again(repo, request, &head, asked.pull.as_ref(), &sound.policy.sha256, loaded.origin);
    confirm(&mut evaluation, &head, &reread);
    let remembered = memory::in_workflow(repo, context, &target, request.previous.as_deref())?;
    let history = &remembered.history;
    let judged = conclude_after(sound, &target, evidence, evaluation, AcceptanceHead::Next, history);
    notes.push(placement_note(context));
    let mut decided = decided(&judged, &loaded, facts, *now, (notes, remembered.section));
    if let Some(path) = &request.capture {
        let policy_path = Some(request.policy.as_str());
        let (jobs, changed) = (&jobs, &changed);
        let guards = capture::Guards { jobs, changed, local_actions: &local, policy_path, reread: &reread };
        let judged = capture::Judged {
            policy_text: &loaded.text,
            origin: loaded.origin,
            target: &target,
            facts: &gate_facts,
            artifacts: &artifacts,
            raw: &raw,
            baselines: &baselines,
            named_head_only,
            evidence_head: AcceptanceHead::Next,
            history,
            guards,
        };
        decided.problems.extend(capture::problem(path, &judged, &decided));
    }
    Ok((decided, fresh))
}

fn join<T>(handle: std::thread::ScopedJoinHandle<'_, T>) -> T {
    handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Pull request, jobs and artifacts: three questions that need no answer of each other.
fn ask<'a>(repo: Repo<'_>, scene: &Scene, service: Option<&'a Service<'a>>) -> Result<Asked<'a>, Failure> {
    let context = &scene.context;
    let number = pull_number(context);
    std::thread::scope(|scope| {
        let pull = scope.spawn(move || number.map(|number| repo.pull(number)).transpose());
        let jobs = scope.spawn(move || job_list(repo, context));
        let artifacts = service.map(|service| RunArtifacts { service, listing: service.list() });
        let pull = join(pull).map_err(|error| {
            // Without it nobody knows which base's policy judges.
            let exit = if context.head.known().is_some() { EXIT_POLICY } else { EXIT_CONTEXT };
            Failure::new(exit, "no verdict was produced")
                .caused_by("the pull request could not be read, and with it the base whose policy judges")
                .caused_by(error)
        })?;
        Ok(Asked { pull, jobs: join(jobs), artifacts })
    })
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

/// Evidence of this run is of the head only where the run's commit is the head. A `pull_request_target` run has the
/// head as its commit while its jobs check out the base; see [`require_named_head`].
fn origin(context: &RunContext, head: &CommitSha) -> Option<Binding> {
    let for_the_pull = matches!(context.trigger, Some(Trigger::PullRequest | Trigger::PullRequestTarget));
    let commit = context.run.as_ref().and_then(|run| run.commit.as_ref());
    (for_the_pull || commit == Some(head)).then_some(Binding::Run)
}

struct Loaded {
    sound: SoundPolicy,
    origin: PolicyOrigin,
    facts: PolicyFacts,
    text: String,
}

fn load(
    request: &Request,
    text: Option<String>,
    at: &CommitSha,
    artifacts: Option<&RunArtifacts<'_>>,
    notes: &mut Vec<String>,
) -> Result<Loaded, Failure> {
    let (text, origin) = match text {
        Some(text) => (text, PolicyOrigin::File),
        None => (embedded(artifacts, notes), PolicyOrigin::Embedded),
    };
    let name = format!("{} at base {}", request.policy, at.short());
    let sound = SoundPolicy::read(&text)
        .map_err(|problems| Failure::policy("no verdict was produced", &name, problems))?;
    let found = origin == PolicyOrigin::File;
    let facts = PolicyFacts {
        origin: if found { "base" } else { "embedded" },
        path: found.then(|| request.policy.to_string()),
        git_ref: found.then(|| at.clone()),
        sha256: sound.policy.sha256.clone(),
    };
    Ok(Loaded { sound, origin, facts, text })
}

fn embedded(artifacts: Option<&RunArtifacts<'_>>, notes: &mut Vec<String>) -> String {
    let looked = artifacts.map(|artifacts| artifacts.recognise(&limits())).unwrap_or_default();
    for (name, why) in looked.refused {
        notes.push(format!("artifact `{}` was not judged: {why}", sanitize(name.as_str(), 100)));
    }
    let seen: Vec<Seen> =
        looked.seen.into_iter().map(|(artifact, one)| Seen::in_artifact(artifact, one)).collect();
    propose(&seen)
}

/// Fetches what the policy needs, and condemns what a re-run superseded.
fn read_artifacts(
    scene: &Scene,
    client: &Client,
    asked: &Asked<'_>,
    sound: &SoundPolicy,
    workflow: Option<&WorkflowFile>,
    notes: &mut Vec<String>,
    keep: bool,
) -> (Artifacts, BTreeMap<ArtifactName, Raw>) {
    use crate::evidence::read::ArtifactState;
    let demands = sound.demands();
    let Some(run_artifacts) = &asked.artifacts else {
        let why = "the runner announces no artifact service".to_owned();
        let unavailable =
            |demand: &&Demand| (demand.artifact.clone(), ArtifactState::Unavailable(why.clone()));
        return (demands.iter().map(unavailable).collect(), BTreeMap::new());
    };
    let mut read = run_artifacts.read(&demands, &limits(), keep);
    let own = scene.context.run.as_ref().map_or(1, |run| run.attempt);
    match &asked.jobs {
        Ok(jobs) => {
            let attempts = jobs.attempts(own);
            if attempts.any_rerun() {
                let live = live_names(client.repo(&scene.slug), &scene.context, jobs);
                let names = jobs.names();
                let displays_of = |id: &str| display_names(id, &names, workflow);
                notes.extend(condemn_superseded(&mut read, &attempts, &live, &displays_of));
            }
        }
        Err(error) => {
            // Nobody knows whether a job was re-run, so nothing shows that any artifact is fresh.
            for state in read.artifacts.values_mut().filter(|state| matches!(state, ArtifactState::Read(_))) {
                *state = ArtifactState::Unavailable(format!(
                    "the jobs could not be listed, so nothing shows whether it is of the latest attempt: {error}"
                ));
            }
        }
    }
    (read.artifacts, read.raw)
}

/// Adds what reading again found, such that the verdict takes it in.
fn confirm(evaluation: &mut Evaluation, head: &CommitSha, reread: &Reread) {
    evaluation.results.splice(0..0, judge_reread(head, reread));
}

fn placement_note(context: &RunContext) -> String {
    match context.trigger {
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
        proposed_policy: (loaded.origin == PolicyOrigin::Embedded).then(|| loaded.text.clone()),
        limits: &limits(),
    });
    Decided { report, packet: judged.packet.clone(), problems: Vec::new() }
}
