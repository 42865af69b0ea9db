//! What a judgement inside a workflow asks the forge before anything is fetched: the pull request, the jobs, the
//! policy, the changed files. Independent questions are asked at once; what was not answered is kept as such.

use std::collections::BTreeMap;

use crate::context::{JobResult, RunContext, WorkflowFile};
use crate::error::{EXIT_POLICY, Failure};
use crate::forge::rest::{ChangedFile, FileAt, Job, Pull, Repo, RunStatus, Task};
use crate::forge::{ForgeError, RunAttempts};
use crate::gate::{ChangedPath, ChangedPaths, JobEnd, RunJob, RunJobs};
use crate::model::{CommitSha, RelPath, Timestamp, sanitize};

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

/// The workflow file of this run at a commit; `None` where it cannot be read, which only costs names.
pub fn workflow_at(repo: Repo<'_>, context: &RunContext, at: &CommitSha) -> Option<WorkflowFile> {
    let path: RelPath = context.run.as_ref()?.workflow_file.as_ref()?.parse().ok()?;
    match repo.file_at(&path, at, MAX_FILE) {
        Ok(FileAt::Present(bytes)) => WorkflowFile::parse(&String::from_utf8(bytes).ok()?).ok(),
        Ok(FileAt::Absent) | Err(_) => None,
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
    let actions = repo.actions();
    match actions.run(run.id).jobs() {
        Ok(jobs) => Ok(JobList::Jobs(jobs)),
        Err(error) if error.is_not_found() => {
            let this = repo.actions().run(run.id).get()?;
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

    /// The jobs by id, display names mapped through the workflow file; of tasks the newest of each name.
    fn run_jobs(&self, workflow: Option<&WorkflowFile>) -> Vec<RunJob> {
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
    listed: &Result<JobList, ForgeError>,
    needs: &BTreeMap<String, JobResult>,
    workflow: Option<&WorkflowFile>,
    gate: &str,
) -> RunJobs {
    let listed = match listed {
        Ok(listed) => listed,
        Err(error) => return RunJobs::Unknown(error.to_string()),
    };
    let mut jobs = listed.run_jobs(workflow);
    for (id, result) in needs {
        let end = match result {
            JobResult::Success => JobEnd::Success,
            JobResult::Failure => JobEnd::Failure,
            JobResult::Cancelled => JobEnd::Cancelled,
            JobResult::Skipped => JobEnd::Skipped,
        };
        let id = sanitize(id, 100);
        match jobs.iter_mut().find(|job| job.is(&id)) {
            Some(job)
                if job.end == JobEnd::Success
                    || (job.end == JobEnd::Unfinished && end != JobEnd::Success) =>
            {
                job.end = end;
            }
            Some(_) => {}
            None => jobs.push(RunJob { id, end, needs: Vec::new() }),
        }
    }
    RunJobs::Known { jobs, gate: gate.to_owned() }
}

/// The changed files as the protected gate sees them: complete and of this head, or not known.
pub fn changed_paths(
    files: Result<Vec<ChangedFile>, ForgeError>,
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
        files.into_iter().map(|file| ChangedPath { path: file.path, previous: file.previous }).collect(),
    )
}
