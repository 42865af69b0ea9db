//! How runs move: created, approved, taken by a runner, finished, cancelled, run again.
//! Each step posts the commit statuses and moves the times as the recorded servers did.

use super::Version;
use super::events::{Occasion, Trigger};
use super::state::{Job, Run, State, Status, Task, WorkflowJobs, next};

impl State {
    /// Starts a run of `workflow`. Jobs without needs wait for a runner, the others are blocked; all are blocked
    /// where a person has to approve first.
    pub fn create_run(&mut self, repo: i64, workflow: &str, trigger: &Trigger, jobs: &WorkflowJobs) -> i64 {
        let occasion = self.occasion(repo, workflow, trigger);
        let title = self.commits[&occasion.run_sha].message.lines().next().unwrap_or_default().to_owned();
        let by_name = matches!(trigger, Trigger::Dispatch { .. } | Trigger::Schedule);
        let title = if by_name { stem(workflow) } else { title };
        let now = self.now;
        let need_approval = occasion.held;
        let jobs = jobs
            .iter()
            .map(|(key, needs)| Job {
                id: next(&mut self.ids.job),
                key: key.clone(),
                name: key.clone(),
                needs: needs.clone(),
                always: false,
                status: if needs.is_empty() && !need_approval { Status::Waiting } else { Status::Blocked },
                attempt: 1,
                task: None,
            })
            .collect();
        let id = next(&mut self.ids.run);
        let index = next(&mut self.repo_mut(repo).next_run_number);
        self.runs.push(Run {
            id,
            repo,
            index,
            workflow: workflow.to_owned(),
            title,
            occasion,
            need_approval,
            approved_by: 0,
            created: now,
            updated: now,
            started: None,
            stopped: None,
            jobs,
        });
        for at in 0..self.run(id).jobs.len() {
            self.post_job_status(id, at);
        }
        id
    }

    pub fn approve_run(&mut self, run: i64, by: i64) {
        let now = self.now;
        let of = self.run_mut(run);
        (of.need_approval, of.approved_by, of.updated) = (false, by, now);
        for at in 0..of.jobs.len() {
            if self.run(run).jobs[at].needs.is_empty() {
                self.set_job(run, at, Status::Waiting);
            }
        }
    }

    /// The position of a job by its key or display name.
    pub fn job_at(&self, run: i64, key: &str) -> usize {
        let jobs = &self.run(run).jobs;
        let found = jobs.iter().position(|job| job.key == key || job.name == key);
        found.unwrap_or_else(|| panic!("run {run} has no job `{key}`"))
    }

    /// A runner takes the job: a task for this attempt, with its two tokens. A running job keeps its task.
    pub fn start_job(&mut self, run: i64, at: usize) -> i64 {
        let (job, attempt, status, task) = {
            let job = &self.run(run).jobs[at];
            (job.id, job.attempt, job.status, job.task)
        };
        if status == Status::Running {
            return task.expect("a running job has a task");
        }
        assert_eq!(status, Status::Waiting, "only a waiting job is taken by a runner");
        let id = next(&mut self.ids.task);
        let (token, runtime_token) = self.issue_tokens(id, run, job);
        let now = self.now;
        let log = format!("{} task {id} of attempt {attempt}\n", super::state::rfc3339(Some(now)));
        let status = Status::Running;
        let task =
            Task { id, run, job, attempt, status, started: now, updated: now, log, token, runtime_token };
        self.tasks.push(task);
        let of = self.run_mut(run);
        of.jobs[at].task = Some(id);
        of.started = of.started.or(Some(now));
        self.set_job(run, at, Status::Running);
        id
    }

    /// The job ends. Whoever waited for it does not move yet: the server releases them from a queue, a moment later.
    pub fn end_job(&mut self, run: i64, at: usize, status: Status) {
        let now = self.now;
        let task = self.run(run).jobs[at].task;
        if let Some(task) = self.tasks.iter_mut().find(|other| Some(other.id) == task) {
            (task.status, task.updated) = (status, now);
        }
        self.set_job(run, at, status);
    }

    /// Jobs whose needs are all done start to wait for a runner or are skipped.
    pub fn release_blocked(&mut self, run: i64) {
        for at in 0..self.run(run).jobs.len() {
            let of = self.run(run);
            let job = &of.jobs[at];
            let needed: Vec<Status> = of
                .jobs
                .iter()
                .filter(|other| job.needs.contains(&other.key))
                .map(|other| other.status)
                .collect();
            if of.need_approval || job.status != Status::Blocked || !needed.iter().all(|s| s.is_done()) {
                continue;
            }
            let green = needed.iter().all(|status| *status == Status::Success);
            let next = if green || job.always { Status::Waiting } else { Status::Skipped };
            self.set_job(run, at, next);
            if next == Status::Skipped {
                // A skipped job releases those that need it in turn.
                return self.release_blocked(run);
            }
        }
    }

    /// Cancelling ends every job at once; `if: always()` does not save those that had not begun.
    pub fn cancel_run(&mut self, run: i64) {
        for at in 0..self.run(run).jobs.len() {
            if !self.run(run).jobs[at].status.is_done() {
                let task = self.run(run).jobs[at].task;
                let now = self.now;
                if let Some(task) = self.tasks.iter_mut().find(|other| Some(other.id) == task) {
                    (task.status, task.updated) = (Status::Cancelled, now);
                }
                self.set_job(run, at, Status::Cancelled);
            }
        }
    }

    /// Runs `key` and all that need it again, or every job. Every artifact of the run is condemned either way.
    pub fn rerun(&mut self, run: i64, key: Option<&str>) {
        let jobs = &self.run(run).jobs;
        let mut again: Vec<String> = match key {
            Some(key) => vec![jobs[self.job_at(run, key)].key.clone()],
            None => jobs.iter().map(|job| job.key.clone()).collect(),
        };
        while let Some(more) = jobs
            .iter()
            .find(|job| !again.contains(&job.key) && job.needs.iter().any(|needed| again.contains(needed)))
        {
            again.push(more.key.clone());
        }
        self.condemn(run);
        let of = self.run_mut(run);
        (of.started, of.stopped) = (None, None);
        for job in of.jobs.iter_mut().filter(|job| again.contains(&job.key)) {
            job.attempt += 1;
            job.task = None;
            let held = job.needs.iter().any(|needed| again.contains(needed));
            job.status = if held { Status::Blocked } else { Status::Waiting };
        }
        for at in 0..self.run(run).jobs.len() {
            let job = &self.run(run).jobs[at];
            if again.contains(&job.key) {
                self.set_job(run, at, job.status);
            }
        }
    }

    fn set_job(&mut self, run: i64, at: usize, status: Status) {
        let now = self.now;
        let of = self.run_mut(run);
        of.jobs[at].status = status;
        of.updated = now;
        if of.stopped.is_none() && self.run_status(run).is_done() {
            self.run_mut(run).stopped = Some(now);
        }
        self.post_job_status(run, at);
    }

    /// The server's aggregation: a failure shows while other jobs still run.
    pub fn run_status(&self, run: i64) -> Status {
        let of = self.run(run);
        let has = |status| of.jobs.iter().any(|job| job.status == status);
        if of.jobs.is_empty() {
            // A workflow that does not parse makes a failed run without a job.
            Status::Failure
        } else if of.jobs.iter().all(|job| job.status == Status::Skipped) {
            Status::Skipped
        } else if of.jobs.iter().all(|job| matches!(job.status, Status::Success | Status::Skipped)) {
            Status::Success
        } else if has(Status::Cancelled) {
            Status::Cancelled
        } else if has(Status::Failure) {
            Status::Failure
        } else if has(Status::Running) {
            Status::Running
        } else if has(Status::Waiting) || (self.version == Version::V15 && of.need_approval) {
            Status::Waiting
        } else {
            Status::Blocked
        }
    }

    /// The commit status of a job, on the head even where the trigger is `pull_request_target`.
    fn post_job_status(&mut self, run: i64, at: usize) {
        let of = self.run(run);
        let Occasion { trigger_event, .. } = &of.occasion;
        if !matches!(*trigger_event, "push" | "pull_request" | "pull_request_target" | "release") {
            return;
        }
        let job = &of.jobs[at];
        let spent = job.task.and_then(|id| self.task(id)).map_or(0, |task| self.now - task.started);
        let (state, description) = match job.status {
            Status::Waiting => ("pending", "Waiting to run".to_owned()),
            Status::Blocked => ("pending", "Blocked by required conditions".to_owned()),
            Status::Running => ("pending", "Has started running".to_owned()),
            Status::Success => ("success", format!("Successful in {spent}s")),
            Status::Failure => ("failure", format!("Failing after {spent}s")),
            Status::Cancelled => ("failure", "Has been cancelled".to_owned()),
            Status::Skipped if self.version == Version::V15 => ("success", "Has been skipped".to_owned()),
            Status::Skipped => ("skipped", "Has been skipped".to_owned()),
        };
        let workflow = of.workflow_name();
        let context = format!("{workflow} / {} ({trigger_event})", job.name);
        let (repo, sha) = (of.repo, of.occasion.run_sha.clone());
        let target = format!("/{}/actions/runs/{}/jobs/{at}", self.repo(repo).slug(), of.index);
        self.post_status(repo, &sha, state, &context, &description, &target);
    }
}

impl Run {
    /// The `name:` of the workflow; scenes give their workflows none, so it is the file's stem.
    pub fn workflow_name(&self) -> String {
        stem(&self.workflow)
    }
}

fn stem(workflow: &str) -> String {
    workflow.split('.').next().unwrap_or_default().to_owned()
}
