//! REST over runs, jobs, tasks and logs, and the dispatch of a workflow.
//! Runs and tasks carry no paging headers in any version; jobs, logs and the self run exist from v16.

use serde_json::{Value, json};

use super::Version;
use super::auth::{Access, Principal};
use super::events::Trigger;
use super::http::{Reply, Request, api_error, api_not_found, go_json, no_route};
use super::paging::Paging;
use super::routes::Ask;
use super::state::{Job, Run, State, Status, Task, http_date, rfc3339};

impl State {
    pub fn actions_routes(&mut self, ask: &Ask, rest: &[&str], request: &Request) -> Reply {
        let v16 = self.version == Version::V16;
        match (request.method.as_str(), rest) {
            ("GET", ["actions", "runs"]) => self.runs_route(ask, request),
            ("GET", ["actions", "runs", id]) => match self.run_of(ask, id) {
                Some(run) => Reply::json(200, &self.run_json(run, self.nested_access(ask))),
                None => self.no_resource(),
            },
            ("GET", ["actions", "tasks"]) => self.tasks_route(ask, request),
            ("POST", ["actions", "workflows", file, "dispatches"]) => self.dispatch_route(ask, file, request),
            ("GET", ["actions", "runs", id, "jobs"]) if v16 => match self.run_of(ask, id) {
                Some(run) => {
                    let run = self.run(run);
                    let jobs: Vec<Value> = run.jobs.iter().map(|job| self.job_json(run, job)).collect();
                    Reply::json(200, &Value::from(jobs))
                }
                None => self.no_resource(),
            },
            ("GET", ["actions", "jobs", id, "logs"]) if v16 => self.log_route(ask, id, request),
            (_, ["actions", "artifacts", ..] | ["actions", "runs", _, "artifacts"]) if v16 => {
                self.artifact_routes(ask, rest, request)
            }
            _ => no_route(),
        }
    }

    pub fn no_resource(&self) -> Reply {
        api_error(&self.root_url, 404, "resource does not exist")
    }

    pub fn run_of(&self, ask: &Ask, id: &str) -> Option<i64> {
        let id: i64 = id.parse().ok()?;
        self.runs.iter().find(|run| run.id == id && run.repo == ask.repo).map(|run| run.id)
    }

    fn runs_route(&self, ask: &Ask, request: &Request) -> Reply {
        let of = |name: &str| -> Vec<&str> {
            request.query.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
        };
        let (events, statuses) = (of("event"), of("status"));
        if let Some(word) = unknown_status(&statuses) {
            return api_error(&self.root_url, 400, &format!("unknown status: {word}"));
        }
        let wanted = |run: &&Run| -> bool {
            let is = |name: &str, value: &str| request.query(name).is_none_or(|wanted| wanted == value);
            run.repo == ask.repo
                && is("run_number", &run.index.to_string())
                && is("head_sha", &run.occasion.run_sha)
                && is("ref", &run.occasion.env_ref)
                && is("workflow_id", &run.workflow)
                && (events.is_empty() || events.contains(&run.occasion.event))
                && (statuses.is_empty() || statuses.contains(&self.run_status(run.id).word()))
        };
        let mut runs: Vec<i64> = self.runs.iter().filter(wanted).map(|run| run.id).collect();
        runs.sort_unstable_by(|a, b| b.cmp(a));
        let seen = self.nested_access(ask);
        let page = Paging::of(self, request).slice_or_all(&runs);
        let page: Vec<Value> = page.into_iter().map(|run| self.run_json(run, seen)).collect();
        Reply::json(200, &json!({"workflow_runs": page, "total_count": runs.len()}))
    }

    pub fn run_json(&self, id: i64, access: Access) -> Value {
        let run = self.run(id);
        let occasion = &run.occasion;
        let mut out = json!({
            "id": run.id, "title": run.title, "repository": self.repo_json(run.repo, access),
            "workflow_id": run.workflow, "index_in_repo": run.index,
            "trigger_user": self.user_json(&occasion.actor), "ScheduleID": 0,
            "prettyref": occasion.pretty_ref, "is_ref_deleted": false, "commit_sha": occasion.run_sha,
            "is_fork_pull_request": occasion.fork, "need_approval": run.need_approval,
            "approved_by": run.approved_by, "event": occasion.event,
            "event_payload": go_json(&occasion.payload), "trigger_event": occasion.trigger_event,
            "status": self.run_status(id).word(),
            "started": rfc3339(run.started), "stopped": rfc3339(run.stopped),
            "created": rfc3339(Some(run.created)), "updated": rfc3339(Some(run.updated)),
            "html_url": format!("{}/actions/runs/{}", self.repo_html(run.repo), run.index),
        });
        let spent = run.started.map_or(0, |started| run.stopped.unwrap_or(self.now) - started);
        if spent > 0 {
            out["duration"] = json!(spent * 1_000_000_000);
        }
        out
    }

    fn job_json(&self, run: &Run, job: &Job) -> Value {
        let owner = self.known_user(&self.repo(run.repo).owner).id;
        let needs = if job.needs.is_empty() { Value::Null } else { json!(job.needs) };
        let handle = super::git::object_id(&[&job.id.to_le_bytes(), &job.attempt.to_le_bytes()]);
        let handle = format!(
            "{}-{}-4{}-a{}-{}",
            &handle[..8],
            &handle[8..12],
            &handle[12..15],
            &handle[15..18],
            &handle[18..30]
        );
        json!({
            "id": job.id, "run_id": run.id, "attempt": job.attempt, "handle": handle, "repo_id": run.repo,
            "owner_id": owner, "name": job.name, "needs": needs, "runs_on": ["xyz"],
            "task_id": job.task.unwrap_or(0), "status": job.status.word(),
        })
    }

    /// One row per job attempt that a runner took, newest first; jobs that only wait are not there.
    fn tasks_route(&self, ask: &Ask, request: &Request) -> Reply {
        let wanted = request.query("status");
        let mut tasks: Vec<&Task> =
            self.tasks.iter().filter(|task| self.run(task.run).repo == ask.repo).collect();
        tasks.retain(|task| wanted.is_none_or(|word| word == task.status.word()));
        tasks.sort_by_key(|task| std::cmp::Reverse(task.id));
        let page = Paging::of(self, request).slice_or_all(&tasks);
        let page: Vec<Value> = page.into_iter().map(|task| self.task_json(task)).collect();
        Reply::json(200, &json!({"workflow_runs": page, "total_count": tasks.len()}))
    }

    fn task_json(&self, task: &Task) -> Value {
        let run = self.run(task.run);
        let name = run.jobs.iter().find(|job| job.id == task.job).map(|job| job.name.clone());
        let started = rfc3339(Some(task.started));
        json!({
            "id": task.id, "name": name, "head_branch": run.occasion.pretty_ref,
            "head_sha": run.occasion.run_sha, "run_number": run.index, "event": run.occasion.trigger_event,
            "display_title": run.title, "status": task.status.word(), "workflow_id": run.workflow,
            "url": format!("{}/actions/runs/{}", self.repo_html(run.repo), run.index),
            "created_at": started, "updated_at": rfc3339(Some(task.updated)), "run_started_at": started,
        })
    }

    /// A log is there once its task is done; of a running one the server fails.
    fn log_route(&self, ask: &Ask, id: &str, request: &Request) -> Reply {
        let attempt = request.query("attempt").and_then(|n| n.parse::<i64>().ok());
        let job: i64 = id.parse().unwrap_or(0);
        let found = self.tasks.iter().rev().find(|task| {
            task.job == job
                && self.run(task.run).repo == ask.repo
                && attempt.is_none_or(|n| n == task.attempt)
        });
        match found {
            None => self.no_resource(),
            Some(task) if !task.status.is_done() => api_error(&self.root_url, 500, ""),
            Some(task) => {
                let mut reply =
                    Reply::content(request, &http_date(task.updated), task.log.clone().into_bytes());
                reply.headers.retain(|(name, _)| name != "Content-Type");
                reply.with("Content-Type", "text/plain; charset=utf-8")
            }
        }
    }

    pub fn self_run_route(&self, who: &Principal) -> Reply {
        let Principal::Task(task) = who else {
            return api_error(&self.root_url, 403, "only the token of a job may ask for its run");
        };
        let run = self.task(*task).expect("a task that asks").run;
        let read = !self.repo(self.run(run).repo).private;
        Reply::json(200, &self.run_json(run, Access { read, write: false, admin: false }))
    }

    fn dispatch_route(&mut self, ask: &Ask, file: &str, request: &Request) -> Reply {
        if !ask.access().write {
            return ask.write_refused(self);
        }
        let Some(jobs) = self.repo(ask.repo).workflows.get(file).cloned() else {
            return api_not_found(&self.root_url, "The target couldn't be found.", &[]);
        };
        let body = request.json().unwrap_or_default();
        let reference = body["ref"].as_str().unwrap_or_default().to_owned();
        if self.repo(ask.repo).resolve(&reference).is_none() {
            return api_not_found(&self.root_url, "The target couldn't be found.", &[]);
        }
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let inputs = body["inputs"].as_object().cloned().unwrap_or_default();
        let inputs = inputs.iter().map(|(key, value)| (key.clone(), text(value))).collect();
        let run = self.create_run(ask.repo, file, &Trigger::Dispatch { reference, inputs }, &jobs);
        let login = ask.who.login();
        self.run_mut(run).occasion.actor = login;
        if body["return_run_info"].as_bool() != Some(true) {
            return Reply::empty(204);
        }
        let run = self.run(run);
        let keys: Vec<&String> = run.jobs.iter().map(|job| &job.key).collect();
        Reply::json(201, &json!({"id": run.id, "run_number": run.index, "jobs": keys}))
    }
}

/// A filter word that is no status of Forgejo: GitHub's `completed` and its kin.
fn unknown_status<'w>(words: &[&'w str]) -> Option<&'w str> {
    let known =
        |word: &&&str| Status::ALL.iter().any(|status| status.word() == **word) || **word == "unknown";
    words.iter().find(|word| !known(word)).copied()
}
