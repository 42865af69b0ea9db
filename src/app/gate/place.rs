//! Where the gate stands (DESIGN section 4, *Placement*), and what is asked of the forge there first: the pull request,
//! and whose evidence is judged.

use std::collections::BTreeMap;

use crate::app::judge::{Piece, limits};
use crate::context::{Head, RunContext, Trigger, WorkflowFile};
use crate::error::{EXIT_CONTEXT, EXIT_POLICY, Failure};
use crate::evidence::Binding;
use crate::forge::rest::{Pull, Repo};
use crate::forge::{Artifacts as Service, Client, ForgeError};
use crate::gate::RunJobs;
use crate::model::{CommitSha, PullNumber, Timestamp, sanitize};

use super::fetch::{Looked, RunArtifacts};
use super::from_base;
use super::head_runs::HeadRuns;
use super::in_the_run::InTheRun;
use super::lookups::{JobList, job_list, run_jobs};
use super::outputs::no_verdict;
use super::policy_source::Loaded;
use super::scene::Scene;
use super::this_run::{Request, Source};

/// What was asked first, all at once.
pub struct Asked<'a> {
    /// The head, where it was pinned before anything was waited for.
    head: Option<CommitSha>,
    pub pull: Option<Pull>,
    pub place: Place<'a>,
}

/// Where the gate stands, with what it judges there.
pub enum Place<'a> {
    InTheRun { jobs: Result<JobList, ForgeError>, artifacts: Option<RunArtifacts<'a>> },
    OnTheBase(HeadRuns<'a>),
}

/// Everything the evidence is judged from, and what the report says of the way it was found.
pub struct Gathered {
    pub pieces: Vec<Piece>,
    pub jobs: RunJobs,
    /// Paths that a `uses: ./…` of a judged run's workflow names.
    pub local_actions: Vec<String>,
    pub notes: Vec<String>,
}

/// Pull request, jobs and artifacts: three questions that need no answer of each other. On the base the runs of the
/// head are waited for first.
///
/// # Errors
/// Exit 3 or 4 where the pull request cannot be read, or nothing can be judged from here.
pub fn ask<'a>(
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

/// The pull request the verdict is about, where it is about one.
fn pull_number(context: &RunContext) -> Option<PullNumber> {
    match &context.head {
        Head::ToAsk(number) => Some(*number),
        Head::Known(_) => context.pull.as_ref().map(|pull| pull.number),
    }
}

/// The result of a thread, or its panic.
pub fn join<T>(handle: std::thread::ScopedJoinHandle<'_, T>) -> T {
    handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

impl Asked<'_> {
    /// The head that is judged, which has to be the one the caller expects.
    ///
    /// # Errors
    /// Exit 4 where it is not known or another.
    pub fn head(&self, request: &Request, context: &RunContext) -> Result<CommitSha, Failure> {
        let head = match (&context.head, &self.head, &self.pull) {
            (_, Some(head), _) | (Head::Known(head), None, _) => head.clone(),
            (Head::ToAsk(_), None, Some(pull)) => pull.head.clone(),
            (Head::ToAsk(_), None, None) => {
                return Err(no_verdict("the pull request's head could not be asked for"));
            }
        };
        match request.head.as_deref().filter(|expected| *expected != head.as_str()) {
            None => Ok(head),
            Some(expected) => Err(no_verdict(format!(
                "heads disagree: `--head` is `{}`, the pull request's is `{head}`",
                sanitize(expected, 80)
            ))),
        }
    }

    /// The base's tip now for a pull request, the commit before for a push.
    pub fn base(&self, context: &RunContext) -> Option<CommitSha> {
        match &self.pull {
            Some(pull) => pull.base.clone(),
            None => context.base.as_ref().and_then(|base| base.sha.clone()),
        }
    }

    /// The commit the policy is read at: the base, and the head itself only where nothing is compared with a base.
    ///
    /// # Errors
    /// Exit 3 where the base branch of the pull request has no tip.
    pub fn policy_commit(&self, base: Option<&CommitSha>, head: &CommitSha) -> Result<CommitSha, Failure> {
        match (base, &self.pull) {
            (Some(base), _) => Ok(base.clone()),
            (None, None) => Ok(head.clone()),
            (None, Some(pull)) => {
                Err(Failure::new(EXIT_POLICY, "no verdict was produced").caused_by(format!(
                    "the base branch `{}` of the pull request has no tip to read the policy at",
                    sanitize(&pull.base_branch, 100)
                )))
            }
        }
    }
}

impl Place<'_> {
    /// What a policy could be proposed for.
    pub fn look(&self) -> Looked {
        match self {
            Self::InTheRun { artifacts, .. } => {
                artifacts.as_ref().map(|artifacts| artifacts.recognise(&limits())).unwrap_or_default()
            }
            Self::OnTheBase(runs) => runs.recognise(),
        }
    }

    /// Evidence of this run is of the head only where the run's commit is the head. A `pull_request_target` run has
    /// the head as its commit while its jobs check out the base; see [`crate::gate::require_named_head`]. The runs a
    /// gate on the base judges are those of the head.
    pub fn origin(&self, context: &RunContext, head: &CommitSha) -> Option<Binding> {
        let for_the_pull = matches!(context.trigger, Some(Trigger::PullRequest | Trigger::PullRequestTarget));
        let commit = context.run.as_ref().and_then(|run| run.commit.as_ref());
        let of_head = matches!(self, Self::OnTheBase(_)) || for_the_pull || commit == Some(head);
        of_head.then_some(Binding::Run)
    }

    /// When the jobs of the gate's own run began; of other runs each piece says it.
    pub fn starts(&self, workflow: Option<&WorkflowFile>) -> BTreeMap<String, Timestamp> {
        match self {
            Self::InTheRun { jobs: Ok(jobs), .. } => jobs.starts(workflow),
            Self::InTheRun { jobs: Err(_), .. } | Self::OnTheBase(_) => BTreeMap::new(),
        }
    }

    /// Fetches what the policy asks for; with `keep` the bytes stay at hand.
    pub fn gather(
        self,
        scene: &Scene,
        client: &Client,
        loaded: &Loaded,
        workflow: Option<&WorkflowFile>,
        keep: bool,
    ) -> Gathered {
        let mut notes = Vec::new();
        let mut local_actions = workflow.map(WorkflowFile::local_uses).unwrap_or_default();
        let (pieces, jobs) = match self {
            Self::OnTheBase(runs) => {
                notes.extend(runs.notes());
                local_actions.extend(runs.local_uses());
                runs.gather(&loaded.sound, keep)
            }
            Self::InTheRun { jobs, artifacts } => {
                let found = InTheRun { jobs: &jobs, artifacts: artifacts.as_ref(), workflow };
                let pieces = found.gather(scene, client, &loaded.sound, keep, &mut notes);
                (pieces, run_jobs(jobs, &scene.needs, workflow, &scene.context))
            }
        };
        Gathered { pieces, jobs, local_actions, notes }
    }
}
