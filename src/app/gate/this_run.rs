//! `patchwarden gate` inside a workflow: establish the head, read the policy at the base, fetch, judge, read head and
//! base again, write, upload, apply what was opted into, exit. Where evidence comes from, `place.rs` knows.

use std::path::PathBuf;

use crate::app::judge::{Judged, assess_all, conclude_after, limits};
use crate::app::{Ended, OutputForm, clock};
use crate::context::{RunContext, Trigger, Variables};
use crate::error::Failure;
use crate::evidence::Target;
use crate::forge::{Artifacts as Service, Client, FreshHead};
use crate::gate::{ChangedPaths, Facts, Guards, evaluate, policy_gate};
use crate::model::{PullNumber, RelPath, Timestamp};
use crate::repair::AcceptanceHead;
use crate::report::{self, HistorySection, TargetFacts};

use super::baselines::{at_base, parsed};
use super::connect::connect;
use super::lookups::{changed_paths, policy_at, workflow_at};
use super::outputs::{self, Decided};
use super::place::{Asked, ask, join};
use super::policy_source::{Loaded, load};
use super::scene::{Scene, facts_of, scene};
use super::{capture, change, from_base, memory, pull_facts, reread, status_lookups, step, workflow_changes};

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
    let head = asked.head(request, context)?;
    facts.target_sha = Some(head.clone());
    facts.pull_request = asked.pull.as_ref().map(|pull| pull.number).or(facts.pull_request);
    let base = asked.base(context);
    facts.base_sha.clone_from(&base);
    if let Some(pull) = &asked.pull {
        facts.merge_base = pull.merge_base.clone().or_else(|| facts.merge_base.clone());
    }
    let policy_commit = asked.policy_commit(base.as_ref(), &head)?;
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
    let Asked { pull: asked_pull, place, .. } = asked;
    let gathered = place.gather(scene, client, &loaded, workflow.as_ref(), request.capture.is_some());
    notes.extend(gathered.notes);
    let mut evidence = assess_all(sound, &gathered.pieces, &target);
    let before = facts.merge_base.as_ref().or(base.as_ref());
    let guards = Guards {
        jobs: gathered.jobs,
        policy_path: request.policy.to_string(),
        local_actions: gathered.local_actions,
        workflows: before.map(|base| workflow_changes::read(repo, &changed, base, &head)).unwrap_or_default(),
        hidden_by: before.and_then(|_| hidden_by(context, &changed)),
        changed,
    };
    let mut builtin: Vec<_> = policy_gate(loaded.origin).into_iter().collect();
    builtin.extend(guards.judge(&sound.policy, &mut evidence));
    let pull = match (&asked_pull, &files) {
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
        changed_lines: change::lines(repo, &sound.gates, asked_pull.as_ref(), &head, files.as_ref()),
    };
    let mut evaluation = evaluate(&sound.policy, &sound.gates, &evidence, &gate_facts, builtin);

    let (reread, fresh) =
        reread::read_again(repo, request, &head, asked_pull.as_ref(), &sound.policy.sha256, loaded.origin);
    let moved = asked_pull.as_ref().filter(|_| matches!(request.source, Source::HeadRuns(_)));
    let (reread, fresh) = match moved.and_then(|pull| from_base::retargeted(context, pull)) {
        Some(retargeted) => (retargeted, None),
        None => (reread, fresh),
    };
    evaluation.confirm(&head, &reread);
    let remembered = memory::in_workflow(repo, context, &target, request.previous.as_deref())?;
    let history = &remembered.history;
    let judged = conclude_after(sound, &target, evidence, evaluation, AcceptanceHead::Next, history);
    notes.push(placement_note(request, context));
    let mut decided = decided(&judged, &loaded, facts, *now, (notes, remembered.section));
    if let Some(path) = &request.capture {
        let judged = capture::Judged {
            policy_text: &loaded.text,
            origin: loaded.origin,
            target: &target,
            facts: &gate_facts,
            pieces: &gathered.pieces,
            baselines: &baselines,
            guards: Some(&guards),
            reread: &reread,
            evidence_head: AcceptanceHead::Next,
            history,
        };
        decided.problems.extend(capture::problem(path, &judged, &decided));
    }
    Ok((decided, fresh))
}

/// The folder that takes the place of the one the gate's own workflow lies in, where that is the base's.
fn hidden_by(context: &RunContext, changed: &ChangedPaths) -> Option<String> {
    let own = context.run.as_ref().and_then(|run| run.workflow_file.as_deref());
    let of_base = own.filter(|_| from_base::stands_on_the_base(context));
    workflow_changes::hidden_by(changed, of_base).map(str::to_owned)
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
        proposed_policy: loaded.proposed(),
        limits: &limits(),
    });
    Decided { report, packet: judged.packet.clone(), problems: Vec::new() }
}
