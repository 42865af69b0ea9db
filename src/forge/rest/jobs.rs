//! What became of each job: the jobs of a run (v16 and later) or the tasks of the repository (every version).
//! Jobs name their attempt, tasks are one row per attempt without its number (LIVE section 6).

use serde::Deserialize;

use super::paging::{self, Count, Entry};
use super::runs::OneRun;
use super::{Actions, RunStatus, commit, required, time};
use crate::forge::error::{Exchange, ForgeError};
use crate::model::{CommitSha, Timestamp};

/// A job of a run, at its latest attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    pub id: u64,
    /// The display name (`name:` and matrix), not the id of the workflow file. Untrusted text.
    pub name: String,
    /// Counted from 1, for each job by itself.
    pub attempt: u64,
    /// Ids of the workflow file.
    pub needs: Vec<String>,
    pub status: RunStatus,
    /// The task of this attempt; `None` while no runner has taken it, and for a skipped one.
    pub task: Option<u64>,
}

/// One attempt of one job that a runner took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    pub id: u64,
    /// The job's display name. Untrusted text.
    pub name: String,
    /// The run's number in web addresses: tasks do not name its id.
    pub run_number: u64,
    pub head: Option<CommitSha>,
    pub status: RunStatus,
    pub workflow_file: String,
    pub created: Option<Timestamp>,
    pub started: Option<Timestamp>,
    /// When the server last touched it: its end, or later where its log was cleared away.
    pub updated: Option<Timestamp>,
}

impl OneRun<'_> {
    /// The run's jobs in the server's order. One request: the list has no pages on any version seen.
    ///
    /// # Errors
    /// [`ForgeError`]; 404 before v16.
    pub fn jobs(self) -> Result<Vec<Job>, ForgeError> {
        let request = self.repo.get_request(&["actions", "runs", &self.id.to_string(), "jobs"])?;
        let wire: Vec<WireJob> = paging::whole(self.repo.client, &request)?;
        wire.into_iter().map(|job| job.convert(&request.exchange())).collect()
    }
}

impl Actions<'_> {
    /// The tasks of the run with this number, newest first.
    ///
    /// The list is of the whole repository. `run_created`, the run's own time of creation by the same server's
    /// clock, ends the reading at the first older task; without it every task there ever was is read.
    ///
    /// # Errors
    /// [`ForgeError`].
    pub fn tasks(self, run_number: u64, run_created: Option<Timestamp>) -> Result<Vec<Task>, ForgeError> {
        let request = self.repo.get_request(&["actions", "tasks"])?;
        let recent = |task: &WireTask| match (time(task.created_at.as_deref()), run_created) {
            (Some(task), Some(run)) => task >= run,
            _ => true,
        };
        let wire: Vec<WireTask> = paging::while_wanted(self.repo.client, &request, Count::Exact, recent)?;
        wire.into_iter()
            .filter(|task| task.run_number == Some(run_number))
            .map(|task| task.convert(&request.exchange()))
            .collect()
    }
}

#[derive(Deserialize)]
struct WireJob {
    id: Option<u64>,
    name: Option<String>,
    attempt: Option<u64>,
    needs: Option<Vec<String>>,
    status: Option<String>,
    task_id: Option<u64>,
}

impl Entry for WireJob {
    fn key(&self) -> String {
        self.id.unwrap_or(0).to_string()
    }
}

impl WireJob {
    fn convert(self, exchange: &Exchange) -> Result<Job, ForgeError> {
        Ok(Job {
            id: required(self.id, exchange, "id")?,
            name: required(self.name, exchange, "name")?,
            attempt: required(self.attempt, exchange, "attempt")?,
            needs: self.needs.unwrap_or_default(),
            status: RunStatus::from_word(self.status.as_deref()),
            task: self.task_id.filter(|id| *id != 0),
        })
    }
}

#[derive(Deserialize)]
struct WireTask {
    id: Option<u64>,
    name: Option<String>,
    run_number: Option<u64>,
    head_sha: Option<String>,
    status: Option<String>,
    workflow_id: Option<String>,
    created_at: Option<String>,
    run_started_at: Option<String>,
    updated_at: Option<String>,
}

impl Entry for WireTask {
    fn key(&self) -> String {
        self.id.unwrap_or(0).to_string()
    }
}

impl WireTask {
    fn convert(self, exchange: &Exchange) -> Result<Task, ForgeError> {
        Ok(Task {
            id: required(self.id, exchange, "id")?,
            name: required(self.name, exchange, "name")?,
            run_number: required(self.run_number, exchange, "run_number")?,
            head: commit(self.head_sha.as_deref(), exchange)?,
            status: RunStatus::from_word(self.status.as_deref()),
            workflow_file: self.workflow_id.unwrap_or_default(),
            created: time(self.created_at.as_deref()),
            started: time(self.run_started_at.as_deref()),
            updated: time(self.updated_at.as_deref()),
        })
    }
}
