//! What a judgement inside a workflow asks the forge before anything is fetched: the pull request, the jobs, the
//! policy, the changed files. Independent questions are asked at once; what was not answered is kept as such.

use std::collections::BTreeMap;

use crate::context::{JobResult, RunContext, Runtime, WorkflowFile};
use crate::error::{EXIT_POLICY, Failure};
use crate::forge::rest::{ChangedFile, FileAt, Job, Pull, Repo, RunStatus, Task};
use crate::forge::{ForgeError, RunAttempts};
use crate::gate::{ChangedPath, ChangedPaths, JobEnd, JobsOfRun, RunJob, RunJobs, RunNames};
use crate::model::{CommitSha, RelPath, RunId, Timestamp, sanitize};

use super::fetch::LiveNames;

/// Policies and workflow files are small; more is none of ours.
const MAX_FILE: u64 = 1024 * 1024;

/// Reads the policy at a commit.
///
/// # Errors
/// Exit 3 for anything but the file and its confirmed absence (DESIGN section 4, *Policy*).
pub fn policy_at(repo: Repo<'_>, path: &RelPath, at: &CommitSha) -> Result<Option<String>, Failure> {
    let failure = |cause: String| {
        Failure::new(EXIT_POLICY, "no verdict was produced")
            .caused_by(format!("the policy `{path}` could not be read at {at}"))
            .caused_by(cause)
    };
    match repo.file_at(path, at, MAX_FILE) {
        Ok(FileAt::Absent) => Ok(None),
        Ok(FileAt::Present(bytes)) => {
            String::from_utf8(bytes).map(Some).map_err(|_| failure("it is not UTF-8 text".to_owned()))
        }
        Err(error) => Err(failure(error.to_string()).hint(
            "only a file that is confirmed absent lets the embedded policy judge; run `patchwarden doctor`",
        )),
    }
}

/// The workflow file of this run at a commit; `None` where there is none.
///
/// # Errors
/// Why it could not be read: then nobody knows which local actions it uses.
pub fn workflow_at(
    repo: Repo<'_>,
    context: &RunContext,
    at: &CommitSha,
) -> Result<Option<WorkflowFile>, String> {
    let Some(name) = context.run.as_ref().and_then(|run| run.workflow_file.as_ref()) else { return Ok(None) };
    let unread = |why: String| format!("the workflow `{}` could not be read: {why}", sanitize(name, 200));
    let path: RelPath = name.parse().map_err(|error| unread(format!("{error}")))?;
    match text_at(repo, &path, at).map_err(unread)? {
        Some(text) => WorkflowFile::parse(&text).map(Some).map_err(|error| unread(error.to_string())),
        None => Ok(None),
    }
}

/// The text of a small file at a commit; `None` where there is none.
///
/// # Errors
/// Why it could not be read.
pub fn text_at(repo: Repo<'_>, path: &RelPath, at: &CommitSha) -> Result<Option<String>, String> {
    match repo.file_at(path, at, MAX_FILE) {
        Ok(FileAt::Present(bytes)) => {
            String::from_utf8(bytes).map(Some).map_err(|_| "it is not UTF-8 text".to_owned())
        }
        Ok(FileAt::Absent) => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

/// The jobs of this run as the server lists them.
pub enum JobList {
    /// v16 and later.
    Jobs(Vec<Job>),
    /// Before: one row per attempt that a runner took.
    Tasks(Vec<Task>),
}

/// Asks for the jobs, and before v16 for the tasks.
///
/// # Errors
/// [`ForgeError`] where neither is answered.
pub fn job_list(repo: Repo<'_>, context: &RunContext) -> Result<JobList, ForgeError> {
    let Some(run) = &context.run else { return Err(ForgeError::NoService("GITHUB_RUN_ID")) };
    jobs_of(repo, run.id)
}

/// The same of any run.
///
/// # Errors
/// [`ForgeError`] where neither is answered.
pub fn jobs_of(repo: Repo<'_>, run: RunId) -> Result<JobList, ForgeError> {
    let actions = repo.actions();
    match actions.run(run).jobs() {
        Ok(jobs) => Ok(JobList::Jobs(jobs)),
        Err(error) if error.is_not_found() => {
            let this = repo.actions().run(run).get()?;
            repo.actions().tasks(this.number, this.created).map(JobList::Tasks)
        }
        Err(error) => Err(error),
    }
}

impl JobList {
    /// How often each job was tried.
    pub fn attempts(&self, own: u64) -> RunAttempts {
        match self {
            Self::Jobs(jobs) => RunAttempts::of_jobs(jobs, Some(own)),
            Self::Tasks(tasks) => RunAttempts::of_tasks(tasks, Some(own)),
        }
    }

    /// The display names.
    pub fn names(&self) -> Vec<&str> {
        match self {
            Self::Jobs(jobs) => jobs.iter().map(|job| job.name.as_str()).collect(),
            Self::Tasks(tasks) => tasks.iter().map(|task| task.name.as_str()).collect(),
        }
    }

    /// All but the job this step belongs to, which the server tells by its id, or by the id of its task.
    fn without_own(&mut self, runtime: Option<&Runtime>) {
        match self {
            Self::Jobs(jobs) => {
                let own = runtime.and_then(|runtime| runtime.job_id);
                jobs.retain(|job| Some(job.id) != own);
            }
            Self::Tasks(tasks) => {
                let own = runtime.and_then(|runtime| runtime.task_id);
                let name = tasks.iter().find(|task| Some(task.id) == own).map(|task| task.name.clone());
                // Its earlier attempts are rows of that name.
                tasks.retain(|task| Some(&task.name) != name.as_ref());
            }
        }
    }

    /// The jobs by id, display names mapped through the workflow file; of tasks the newest of each name.
    pub fn run_jobs(&self, workflow: Option<&WorkflowFile>) -> Vec<RunJob> {
        let id_of = |name: &str| {
            let id = workflow.and_then(|file| file.job_of_display(name)).unwrap_or(name);
            sanitize(id, 100)
        };
        match self {
            Self::Jobs(jobs) => jobs
                .iter()
                .map(|job| RunJob { id: id_of(&job.name), end: end_of(job.status), needs: job.needs.clone() })
                .collect(),
            Self::Tasks(tasks) => {
                let mut seen: BTreeMap<&str, RunJob> = BTreeMap::new();
                for task in tasks {
                    seen.entry(&task.name).or_insert_with(|| {
                        let id = id_of(&task.name);
                        let needs = workflow.and_then(|file| file.jobs.get(&id)).map(|job| job.needs.clone());
                        RunJob { id, end: end_of(task.status), needs: needs.unwrap_or_default() }
                    });
                }
                seen.into_values().collect()
            }
        }
    }

    /// Whether nothing more will happen in a run of this status. Tasks show no job that no runner took yet, so before
    /// v16 a job of the workflow file without one counts as ended only where a job it needs did not succeed. A
    /// cancelled run has ended as a whole, and one that failed without any job never had one.
    pub fn all_done(&self, status: RunStatus, workflow: Option<&WorkflowFile>) -> bool {
        match self {
            Self::Jobs(jobs) => jobs.iter().all(|job| job.status.is_done()),
            Self::Tasks(tasks) => {
                let jobs = self.run_jobs(workflow);
                let ended = tasks.iter().all(|task| task.status.is_done());
                let as_a_whole = status != RunStatus::Failure || tasks.is_empty();
                if as_a_whole {
                    return ended && status.is_done();
                }
                ended && workflow.is_none_or(|file| file.jobs.keys().all(|id| has_ended(id, &jobs, file, 0)))
            }
        }
    }

    /// Whether a runner took any job.
    pub fn any_started(&self) -> bool {
        match self {
            Self::Jobs(jobs) => jobs.iter().any(|job| job.task.is_some() || job.attempt > 1),
            Self::Tasks(tasks) => !tasks.is_empty(),
        }
    }

    /// When the latest attempt of each job began, by job id; only tasks say so.
    pub fn starts(&self, workflow: Option<&WorkflowFile>) -> BTreeMap<String, Timestamp> {
        let mut starts = BTreeMap::new();
        if let Self::Tasks(tasks) = self {
            for task in tasks {
                if let Some(started) = task.started {
                    let id = workflow.and_then(|file| file.job_of_display(&task.name)).unwrap_or(&task.name);
                    starts.entry(id.to_owned()).or_insert(started);
                }
            }
        }
        starts
    }
}

/// Whether the job has a task that ended, or waits for one that did not succeed. No workflow is 64 deep.
fn has_ended(id: &str, jobs: &[RunJob], file: &WorkflowFile, depth: usize) -> bool {
    let of = |id: &str| jobs.iter().filter(|job| job.is(id)).map(|job| job.end).max();
    if let Some(end) = of(id) {
        return end != JobEnd::Unfinished;
    }
    let Some(job) = file.jobs.get(id).filter(|_| depth < 64) else { return false };
    let runs_always = job.condition.as_deref().is_some_and(|condition| condition.contains("always"));
    let stopped_by = |need: &String| match of(need) {
        Some(end) => end != JobEnd::Success && end != JobEnd::Unfinished,
        None => has_ended(need, jobs, file, depth + 1),
    };
    !runs_always && job.needs.iter().any(stopped_by)
}

fn end_of(status: RunStatus) -> JobEnd {
    match status {
        RunStatus::Success => JobEnd::Success,
        RunStatus::Failure => JobEnd::Failure,
        RunStatus::Cancelled => JobEnd::Cancelled,
        RunStatus::Skipped => JobEnd::Skipped,
        RunStatus::Blocked | RunStatus::Running | RunStatus::Unknown | RunStatus::Waiting => {
            JobEnd::Unfinished
        }
    }
}

/// The jobs as gates see them: the server's list, made worse, never better, by the input `needs`.
pub fn run_jobs(
    listed: Result<JobList, ForgeError>,
    needs: &BTreeMap<String, JobResult>,
    workflow: Option<&WorkflowFile>,
    context: &RunContext,
) -> RunJobs {
    let Some(run) = &context.run else { return RunJobs::None };
    let mut listed = match listed {
        Ok(listed) => listed,
        Err(error) => return RunJobs::Unknown(error.to_string()),
    };
    listed.without_own(context.runtime.as_ref());
    let mut jobs = listed.run_jobs(workflow);
    for (id, result) in needs {
        let end = match result {
            JobResult::Success => JobEnd::Success,
            JobResult::Failure => JobEnd::Failure,
            JobResult::Cancelled => JobEnd::Cancelled,
            JobResult::Skipped => JobEnd::Skipped,
        };
        let id = sanitize(id, 100);
        if end == JobEnd::Success {
            continue;
        }
        let of_id: Vec<usize> =
            (0..jobs.len()).filter(|at| jobs.get(*at).is_some_and(|job| job.is(&id))).collect();
        // Of the jobs of a matrix one that is red already is the one that is meant.
        let told = of_id
            .iter()
            .filter_map(|at| jobs.get(*at))
            .any(|job| matches!(job.end, JobEnd::Failure | JobEnd::Cancelled | JobEnd::Skipped));
        match of_id.first().and_then(|at| jobs.get_mut(*at)) {
            Some(_) if told => {}
            Some(job) => job.end = end,
            None => jobs.push(RunJob { id, end, needs: Vec::new() }),
        }
    }
    let file = run.workflow_file.as_deref().and_then(|path| path.rsplit('/').next());
    let names = RunNames {
        workflow: file.map(str::to_owned),
        event: context.trigger.map(|trigger| trigger.as_str().to_owned()),
    };
    RunJobs::Known(vec![JobsOfRun { jobs, gate: Some(run.job.clone()), names, ..JobsOfRun::default() }])
}

/// The display names of the jobs of this id, as the server's list spells them; the id itself where none is known.
pub fn display_names(id: &str, listed: &[&str], workflow: Option<&WorkflowFile>) -> Vec<String> {
    let is = |name: &str| {
        name == id
            || name.strip_prefix(id).is_some_and(|rest| rest.starts_with(" ("))
            || workflow.and_then(|file| file.job_of_display(name)) == Some(id)
    };
    let found: Vec<String> = listed.iter().filter(|name| is(name)).map(|name| (*name).to_owned()).collect();
    if found.is_empty() { vec![id.to_owned()] } else { found }
}

/// The live listing: REST on v16 and later, the web route of a public repository before.
pub fn live_names(repo: Repo<'_>, context: &RunContext, jobs: &JobList) -> LiveNames {
    let Some(run) = &context.run else { return LiveNames::Hidden };
    let listed = match (jobs, run.number) {
        (JobList::Jobs(_), _) => repo.actions().run(run.id).artifacts().map(|listed| {
            listed.into_iter().filter(|one| !one.expired).map(|one| one.name.to_string()).collect()
        }),
        (JobList::Tasks(_), Some(number)) => repo
            .web_artifacts(number)
            .map(|listed| listed.into_iter().filter(|one| !one.expired).map(|one| one.name).collect()),
        (JobList::Tasks(_), None) => return LiveNames::Hidden,
    };
    match listed {
        Ok(names) => LiveNames::Known(names),
        Err(error) if error.is_not_found() || error.is_not_permitted() => LiveNames::Hidden,
        Err(ForgeError::Redirect { .. }) => LiveNames::Hidden,
        Err(error) => LiveNames::Unanswered(error.to_string()),
    }
}

/// The changed files as the protected gate sees them: complete and of this head, or not known.
pub fn changed_paths(
    files: &Result<Vec<ChangedFile>, ForgeError>,
    pull: &Pull,
    head: &CommitSha,
) -> ChangedPaths {
    let files = match files {
        Ok(files) => files,
        Err(error) => return ChangedPaths::Unknown(error.to_string()),
    };
    if let Some(other) = files.iter().filter_map(|file| file.at.as_ref()).find(|at| *at != head) {
        return ChangedPaths::Unknown(format!("the list is of {other}"));
    }
    if let Some(total) = pull.changed_files
        && total != files.len() as u64
    {
        return ChangedPaths::Unknown(format!("the list has {} of {total} files", files.len()));
    }
    ChangedPaths::Known(
        files
            .iter()
            .map(|file| ChangedPath { path: file.path.clone(), previous: file.previous.clone() })
            .collect(),
    )
}
