//! The commit statuses of the head, each with what the forge says of the job behind it: one request for the statuses,
//! one for the runs of the head, two for each run that a status names.

use std::collections::{BTreeMap, BTreeSet};

use crate::context::pull_facts::{Listed, PullFacts};
use crate::context::status_facts::{JobWord, StatusFact, StatusSource, StatusWord};
use crate::context::{RunContext, Trigger, WorkflowFile};
use crate::forge::rest::{CommitStatus, FileAt, Repo, Run, RunStatus, StatusState};
use crate::forge::{ForgeError, both, in_parallel};
use crate::gate::GateKind;
use crate::model::{CommitSha, RelPath, RepoSlug};
use crate::policy::Policy;

/// The folders of workflow files, the one that wins first.
const FOLDERS: [&str; 3] = [".forgejo", ".gitea", ".github"];
const MAX_FILE: u64 = 1024 * 1024;
/// Runs that are asked about at once.
const AT_ONCE: usize = 4;

/// What the gate itself posts or causes, which is evidence of nothing.
pub struct Own<'a> {
    pub slug: &'a RepoSlug,
    pub context: &'a RunContext,
    /// The tip of the base branch, where the head is compared with one.
    pub base: Option<&'a CommitSha>,
    /// The file of the gate's workflow at the base, for its job's display name.
    pub workflow: Option<&'a WorkflowFile>,
    /// The context of the commit status it posts.
    pub commit_status: Option<&'a str>,
}

/// The head's statuses, where a gate of the policy judges them.
pub fn ask(policy: &Policy, repo: Repo<'_>, head: &CommitSha, own: &Own<'_>) -> Option<Listed<StatusFact>> {
    let judged = policy.gates.iter().any(|gate| gate.kind == GateKind::Statuses.as_str());
    judged.then(|| of_head(repo, head, own))
}

/// The facts with the statuses. A push has statuses without a pull request, and then the facts hold nothing else.
pub fn add(
    pull: Option<PullFacts>,
    statuses: Option<Listed<StatusFact>>,
    head: &CommitSha,
) -> Option<PullFacts> {
    let Some(statuses) = statuses else { return pull };
    let mut facts = pull.unwrap_or_else(|| PullFacts::of_head(head.clone()));
    facts.statuses = statuses;
    Some(facts)
}

/// The latest status of every context on the head; not complete where the forge did not answer.
fn of_head(repo: Repo<'_>, head: &CommitSha, own: &Own<'_>) -> Listed<StatusFact> {
    let Ok(history) = repo.status_history(head) else { return Listed::default() };
    let statuses = latest(history, own.slug);
    let runs = if statuses.iter().any(|(_, runs)| !runs.is_empty()) {
        repo.actions().runs().head_sha(head).list()
    } else {
        Ok(Vec::new())
    };
    let run_of = |number: u64| {
        let runs = runs.as_ref().ok()?;
        runs.iter().find(|run| run.number == number && run.head.as_ref() == Some(head))
    };
    // Every status needs the latest run it names, and few an earlier one.
    let latest: BTreeSet<u64> = statuses.iter().filter_map(|(_, named)| named.last().copied()).collect();
    let latest: Vec<&Run> = latest.into_iter().filter_map(run_of).collect();
    let asked = in_parallel(&latest, AT_ONCE, |run| Behind::ask(repo, run, head, own.base));
    let mut behind: BTreeMap<u64, Result<Behind, ForgeError>> =
        latest.iter().map(|run| run.number).zip(asked).collect();
    let facts = statuses.into_iter().map(|(status, named)| {
        // The latest run that has such a job: an address that names another run takes nothing away.
        let sources = named.iter().rev().map(|number| match &runs {
            Err(_) => StatusSource::Unanswered,
            Ok(_) => match run_of(*number) {
                None => StatusSource::Unverifiable,
                Some(run) => {
                    let behind =
                        behind.entry(*number).or_insert_with(|| Behind::ask(repo, run, head, own.base));
                    behind
                        .as_ref()
                        .map_or(StatusSource::Unanswered, |found| found.source(&status.context, run, own))
                }
            },
        });
        let mut known = sources.filter(|source| *source != StatusSource::Unverifiable);
        let source = match own.commit_status {
            Some(context) if context == status.context => StatusSource::Own,
            _ => known.next().unwrap_or(StatusSource::Unverifiable),
        };
        let says = match status.state {
            StatusState::Success => StatusWord::Green,
            StatusState::Pending => StatusWord::Pending,
            StatusState::Error
            | StatusState::Failure
            | StatusState::Skipped
            | StatusState::Unknown
            | StatusState::Warning => StatusWord::Red,
        };
        StatusFact { context: status.context, says, source }
    });
    Listed::all(facts.collect())
}

/// The latest status of each context, with the numbers of all runs that the context ever named. A status posted over
/// another takes its word away and not its job: the history keeps both (LIVE section 8).
fn latest(history: Vec<CommitStatus>, slug: &RepoSlug) -> Vec<(CommitStatus, BTreeSet<u64>)> {
    let mut by_context: BTreeMap<String, (CommitStatus, BTreeSet<u64>)> = BTreeMap::new();
    for status in history {
        let mut runs = by_context.remove(&status.context).map(|(_, runs)| runs).unwrap_or_default();
        runs.extend(run_number(&status, slug));
        by_context.insert(status.context.clone(), (status, runs));
    }
    by_context.into_values().collect()
}

/// The run's number in web addresses, where the status points at a job of this repository.
fn run_number(status: &CommitStatus, slug: &RepoSlug) -> Option<u64> {
    let (_, rest) = status.target_url.rsplit_once(&format!("/{slug}/actions/runs/"))?;
    let (number, rest) = rest.split_once('/')?;
    rest.strip_prefix("jobs/")?;
    number.parse().ok()
}

/// What stands behind the statuses of one run.
struct Behind {
    /// As contexts may spell the workflow: its `name:`, else its file's, with or without the ending. None where there
    /// is no such file.
    workflow: Vec<String>,
    /// Display names with results, of each the latest attempt.
    jobs: Vec<(String, RunStatus)>,
}

impl Behind {
    fn ask(
        repo: Repo<'_>,
        run: &Run,
        head: &CommitSha,
        base: Option<&CommitSha>,
    ) -> Result<Self, ForgeError> {
        // Its workflow is the base's, though its commit is the head (LIVE section 3).
        let from_base = run.event == Trigger::PullRequestTarget.as_str();
        let at = base.filter(|_| from_base).unwrap_or(head);
        let (jobs, workflow) = both(|| jobs_of(repo, run), || workflow_names(repo, run, at));
        Ok(Self { workflow: workflow?, jobs: jobs? })
    }

    /// A context that names a job of the run by workflow, job and event counts by that job's own result.
    fn source(&self, context: &str, run: &Run, own: &Own<'_>) -> StatusSource {
        let names = |job: &str| {
            self.workflow.iter().any(|workflow| format!("{workflow} / {job} ({})", run.event) == context)
        };
        let Some((name, status)) = self.jobs.iter().find(|(name, _)| names(name)) else {
            return StatusSource::Unverifiable;
        };
        if own.is_job(run, name) {
            return StatusSource::Own;
        }
        StatusSource::Job(match status {
            RunStatus::Success => JobWord::Success,
            status if status.is_done() => JobWord::NotSuccess,
            _ => JobWord::Unfinished,
        })
    }
}

impl Own<'_> {
    fn is_job(&self, run: &Run, name: &str) -> bool {
        let Some(own) = self.context.run.as_ref().filter(|own| own.id == run.id) else { return false };
        name == own.job || self.workflow.and_then(|file| file.job_of_display(name)) == Some(own.job.as_str())
    }
}

/// Display names with results; of tasks, which come newest first, the first row of a name is its latest attempt.
fn jobs_of(repo: Repo<'_>, run: &Run) -> Result<Vec<(String, RunStatus)>, ForgeError> {
    match repo.actions().run(run.id).jobs() {
        Ok(jobs) => Ok(jobs.into_iter().map(|job| (job.name, job.status)).collect()),
        Err(error) if error.is_not_found() => {
            let tasks = repo.actions().tasks(run.number, run.created)?;
            Ok(tasks.into_iter().map(|task| (task.name, task.status)).collect())
        }
        Err(error) => Err(error),
    }
}

fn workflow_names(repo: Repo<'_>, run: &Run, at: &CommitSha) -> Result<Vec<String>, ForgeError> {
    for folder in FOLDERS {
        let Ok(path) = format!("{folder}/workflows/{}", run.workflow_file).parse::<RelPath>() else {
            return Ok(Vec::new());
        };
        if let FileAt::Present(bytes) = repo.file_at(&path, at, MAX_FILE)? {
            let file = WorkflowFile::parse(&String::from_utf8_lossy(&bytes)).ok();
            let stem =
                run.workflow_file.rsplit_once('.').map_or(run.workflow_file.as_str(), |(stem, _)| stem);
            return Ok(file.map_or_else(Vec::new, |file| match file.name {
                Some(name) => vec![name],
                None => vec![run.workflow_file.clone(), stem.to_owned()],
            }));
        }
    }
    Ok(Vec::new())
}
