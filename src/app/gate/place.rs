//! Where the gate stands (DESIGN section 4, *Placement*), and what is asked there first: the pull request, the jobs and
//! the artifacts of the run, or on the base the runs of the head, which are waited for.

use std::collections::BTreeMap;
use std::thread::{Scope, ScopedJoinHandle};

use crate::app::judge::{Piece, SoundPolicy, limits};
use crate::context::{Head, RunContext, Trigger, WorkflowFile};
use crate::error::{EXIT_CONTEXT, EXIT_POLICY, Failure};
use crate::evidence::{Binding, Target};
use crate::forge::rest::{Pull, Repo};
use crate::forge::{Artifacts as Service, ForgeError};
use crate::gate::RunJobs;
use crate::model::{CommitSha, PullNumber, Timestamp};

use super::beside::join;
use super::fetch::RunArtifacts;
use super::fetched::{Held, Looked};
use super::from_base;
use super::head_runs::HeadRuns;
use super::in_the_run::InTheRun;
use super::lookups::{JobList, job_list, run_jobs};
use super::scene::Scene;
use super::this_run::{Request, Source};

/// What was asked first, all at once.
pub struct Asked<'s, 'a> {
    /// The head, where it was pinned before anything was waited for.
    pub head: Option<CommitSha>,
    pub pull: Option<Pull>,
    pub place: Place<'s, 'a>,
}

/// Where the gate stands, with what it judges there.
pub enum Place<'s, 'a> {
    InTheRun {
        /// Still being asked: before v16 it takes three round trips, and nothing needs it before the artifacts.
        jobs: ScopedJoinHandle<'s, Result<JobList, ForgeError>>,
        artifacts: Option<RunArtifacts<'a>>,
    },
    OnTheBase(HeadRuns<'a>),
}

/// Everything the evidence is judged from.
pub struct Gathered {
    pub pieces: Vec<Piece>,
    pub jobs: RunJobs,
}

/// What gathering the evidence needs to know of the step.
pub struct Step<'a> {
    pub repo: Repo<'a>,
    pub scene: &'a Scene,
    pub workflow: Option<&'a WorkflowFile>,
    /// Whether the bytes of what is fetched stay at hand.
    pub keep: bool,
}

/// Pull request, jobs and artifacts: three questions that need no answer of each other. On the base the runs of the
/// head are waited for first.
///
/// # Errors
/// Exits 3 and 4 where the pull request cannot be read, or nothing can be judged from here.
pub fn ask<'s, 'a: 's>(
    scope: &'s Scope<'s, '_>,
    request: &Request,
    scene: &'a Scene,
    repo: Repo<'a>,
    service: Option<&'a Service<'a>>,
) -> Result<Asked<'s, 'a>, Failure> {
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
    let jobs = scope.spawn(move || job_list(repo, context));
    let pull = scope.spawn(move || number.map(|number| repo.pull(number)).transpose());
    let artifacts =
        service.map(|service| RunArtifacts { service, listing: service.list(), held: Held::default() });
    let pull = join(pull).map_err(no_pull)?;
    Ok(Asked { head: None, pull, place: Place::InTheRun { jobs, artifacts } })
}

/// The pull request the verdict is about, where it is about one.
fn pull_number(context: &RunContext) -> Option<PullNumber> {
    match &context.head {
        Head::ToAsk(number) => Some(*number),
        Head::Known(_) => context.pull.as_ref().map(|pull| pull.number),
    }
}

impl Place<'_, '_> {
    /// What a policy could be proposed for.
    pub fn look(&mut self) -> Looked {
        match self {
            Self::InTheRun { artifacts, .. } => {
                artifacts.as_mut().map(|artifacts| artifacts.recognise(&limits())).unwrap_or_default()
            }
            Self::OnTheBase(runs) => runs.recognise(),
        }
    }

    /// Evidence of this run is of the head only where the run's commit is the head. A `pull_request_target` run has
    /// the head as its commit while its jobs check out the base; see `require_named_head`. The runs a gate on the base
    /// judges are those of the head.
    pub fn origin(&self, context: &RunContext, head: &CommitSha) -> Option<Binding> {
        let for_the_pull = matches!(context.trigger, Some(Trigger::PullRequest | Trigger::PullRequestTarget));
        let commit = context.run.as_ref().and_then(|run| run.commit.as_ref());
        let of_head = matches!(self, Self::OnTheBase(_)) || for_the_pull || commit == Some(head);
        of_head.then_some(Binding::Run)
    }

    /// The local actions that the judged runs use by their workflows at the base.
    pub fn local_uses(&self) -> Vec<String> {
        match self {
            Self::InTheRun { .. } => Vec::new(),
            Self::OnTheBase(runs) => runs.local_uses(),
        }
    }

    /// Reads every artifact the policy asks for. The target comes back with what the jobs say of their times.
    pub fn gather(
        self,
        step: &Step<'_>,
        sound: &SoundPolicy,
        mut target: Target,
        notes: &mut Vec<String>,
    ) -> (Gathered, Target) {
        match self {
            Place::OnTheBase(mut runs) => {
                notes.extend(runs.notes());
                let (pieces, jobs) = runs.gather(sound, step.keep);
                (Gathered { pieces, jobs }, target)
            }
            Place::InTheRun { jobs, mut artifacts } => {
                let read = artifacts.as_mut().map(|artifacts| {
                    let read = artifacts.read(&sound.demands(), &limits(), step.keep);
                    notes.extend(artifacts.unasked(&read));
                    read
                });
                let jobs = join(jobs);
                target.job_starts = starts(&jobs, step.workflow);
                let found = InTheRun { jobs: &jobs, workflow: step.workflow, repo: step.repo };
                let pieces = found.pieces(step.scene, read, sound, notes);
                let jobs = run_jobs(jobs, &step.scene.needs, step.workflow, &step.scene.context);
                (Gathered { pieces, jobs }, target)
            }
        }
    }
}

fn starts(
    jobs: &Result<JobList, ForgeError>,
    workflow: Option<&WorkflowFile>,
) -> BTreeMap<String, Timestamp> {
    jobs.as_ref().map(|jobs| jobs.starts(workflow)).unwrap_or_default()
}
