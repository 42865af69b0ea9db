//! Setting up runs and moving their jobs: start, upload, finish, run again, cancel, approve, expire.
//! Uploads here end as rows like those an upload over HTTP makes; ids, times and statuses follow.

use super::FakeForge;
use super::artifacts::{Protocol, RowStatus};
use super::events::Trigger;
use super::scene::RepoScene;
use super::state::{Status, WorkflowJobs};

pub struct RunBuilder<'f> {
    repo: RepoScene<'f>,
    workflow: String,
    trigger: Trigger,
    jobs: WorkflowJobs,
    always: Vec<String>,
    names: Vec<(String, String)>,
}

impl<'f> RunBuilder<'f> {
    pub(super) fn new(repo: RepoScene<'f>, workflow: &str, trigger: Trigger) -> Self {
        let workflow = workflow.to_owned();
        Self { repo, workflow, trigger, jobs: Vec::new(), always: Vec::new(), names: Vec::new() }
    }

    /// A job without `if`: it is skipped where one it needs is not green.
    pub fn job(mut self, key: &str, needs: &[&str]) -> Self {
        self.jobs.push((key.to_owned(), needs.iter().map(|need| (*need).to_owned()).collect()));
        self
    }

    /// A job with `if: always()`.
    pub fn job_always(mut self, key: &str, needs: &[&str]) -> Self {
        self.always.push(key.to_owned());
        self.job(key, needs)
    }

    /// The `name:` of a job, which tasks, jobs and contexts show instead of its key.
    pub fn display_name(mut self, key: &str, name: &str) -> Self {
        self.names.push((key.to_owned(), name.to_owned()));
        self
    }

    /// Triggers the run; the head and the payload are those of this moment.
    pub fn create(self) -> RunScene<'f> {
        let id = self.repo.forge.with(|state| {
            let run = state.create_run(self.repo.id, &self.workflow, &self.trigger, &self.jobs);
            for job in &mut state.run_mut(run).jobs {
                job.always = self.always.contains(&job.key);
                if let Some((_, name)) = self.names.iter().find(|(key, _)| *key == job.key) {
                    name.clone_into(&mut job.name);
                }
            }
            run
        });
        RunScene { forge: self.repo.forge, id }
    }
}

#[derive(Clone, Copy)]
pub struct RunScene<'f> {
    forge: &'f FakeForge,
    id: i64,
}

impl<'f> RunScene<'f> {
    pub(super) fn of(forge: &'f FakeForge, id: i64) -> Self {
        assert!(forge.with(|state| state.runs.iter().any(|run| run.id == id)), "no run {id}");
        Self { forge, id }
    }

    /// The id REST and the artifact service use.
    pub fn id(self) -> i64 {
        self.id
    }

    /// The run number of web addresses and status targets.
    pub fn index(self) -> i64 {
        self.forge.with(|state| state.run(self.id).index)
    }

    pub fn status(self) -> Status {
        self.forge.with(|state| state.run_status(self.id))
    }

    pub fn job(self, key: &str) -> JobScene<'f> {
        let at = self.forge.with(|state| state.job_at(self.id, key));
        JobScene { run: self, at }
    }

    /// Runs one job and all that need it again; every artifact of the run is condemned.
    pub fn rerun(self, key: &str) {
        self.forge.with(|state| state.rerun(self.id, Some(key)));
    }

    pub fn rerun_all(self) {
        self.forge.with(|state| state.rerun(self.id, None));
    }

    /// Moves the jobs whose needs are done.
    pub fn release(self) {
        self.forge.with(|state| state.release_blocked(self.id));
    }

    /// What a person or a newer push does: every unfinished job ends at once.
    pub fn cancel(self) {
        self.forge.with(|state| state.cancel_run(self.id));
    }

    /// Lets a fork's held run go.
    pub fn approve(self, by: &str) {
        self.forge.with(|state| {
            let by = state.ensure_user(by).id;
            state.approve_run(self.id, by);
        });
    }

    /// Makes an artifact look past its retention: listed as expired, its bytes gone.
    pub fn expire(self, name: &str) {
        self.forge.with(|state| {
            let rows = state.artifacts.rows.iter_mut();
            for row in rows.filter(|row| row.run == self.id && row.name == name) {
                (row.status, row.content) = (RowStatus::Expired, None);
            }
        });
    }
}

#[derive(Clone, Copy)]
pub struct JobScene<'f> {
    run: RunScene<'f>,
    at: usize,
}

impl JobScene<'_> {
    pub fn id(self) -> i64 {
        self.forge().with(|state| state.run(self.run.id).jobs[self.at].id)
    }

    pub fn status(self) -> Status {
        self.forge().with(|state| state.run(self.run.id).jobs[self.at].status)
    }

    pub fn attempt(self) -> i64 {
        self.forge().with(|state| state.run(self.run.id).jobs[self.at].attempt)
    }

    fn forge(&self) -> &FakeForge {
        self.run.forge
    }

    /// A runner takes it, if none has; gives the task's id.
    pub fn start(self) -> i64 {
        self.forge().with(|state| state.start_job(self.run.id, self.at))
    }

    /// The automatic token of the present attempt.
    pub fn token(self) -> String {
        let task = self.start();
        self.forge().with(|state| state.task(task).expect("just started").token.clone())
    }

    /// `ACTIONS_RUNTIME_TOKEN` of the present attempt.
    pub fn runtime_token(self) -> String {
        let task = self.start();
        self.forge().with(|state| state.task(task).expect("just started").runtime_token.clone())
    }

    pub fn log(self, text: &str) -> Self {
        let task = self.start();
        self.forge().with(|state| {
            let task = state.tasks.iter_mut().find(|other| other.id == task).expect("just started");
            task.log.push_str(text);
        });
        self
    }

    /// A finished v4 artifact: one zip.
    pub fn upload_v4(self, name: &str, zip: &[u8]) -> Self {
        self.start();
        self.forge().with(|state| {
            let at = state.open_row(self.run.id, name, &format!("{name}.zip"), Protocol::V4, 90);
            state.confirm_row(at, zip.to_vec());
        });
        self
    }

    /// A v4 artifact that was created and never finished: listed without a size.
    pub fn begin_v4(self, name: &str) -> Self {
        self.start();
        self.forge()
            .with(|state| state.open_row(self.run.id, name, &format!("{name}.zip"), Protocol::V4, 90));
        self
    }

    /// A finished v3 artifact of several files.
    pub fn upload_v3(self, name: &str, files: &[(&str, &[u8])]) -> Self {
        self.start();
        self.forge().with(|state| {
            for (path, content) in files {
                let at = state.open_row(self.run.id, name, path, Protocol::V3, 90);
                state.artifacts.rows[at].size = content.len();
                state.confirm_row(at, content.to_vec());
            }
        });
        self
    }

    /// Ends the job, started or not, and releases or skips what waited for it.
    pub fn finish(self, status: Status) -> Self {
        self.end(status);
        self.run.release();
        self
    }

    /// As [`Self::finish`], the moment before the server releases what waited; see [`RunScene::release`].
    pub fn end(self, status: Status) -> Self {
        self.start();
        self.forge().with(|state| state.end_job(self.run.id, self.at, status));
        self
    }
}
