//! Commit statuses: posting, the history of a commit, the combined latest ones.
//! Source: transcripts `push`, `again`, `from_the_base`; order and aggregation as recorded there.

use serde_json::{Value, json};

use super::http::{Reply, Request, api_error, api_not_found};
use super::paging::Paging;
use super::routes::Ask;
use super::state::{CommitStatus, State, rfc3339};

impl State {
    pub fn post_status(
        &mut self,
        repo: i64,
        sha: &str,
        state: &str,
        context: &str,
        description: &str,
        target_url: &str,
    ) -> CommitStatus {
        let now = self.now;
        let statuses = &mut self.repo_mut(repo).statuses;
        let index = i64::try_from(statuses.iter().filter(|status| status.sha == sha).count()).unwrap() + 1;
        let own = str::to_owned;
        let status = CommitStatus {
            index,
            sha: own(sha),
            state: own(state),
            context: own(context),
            description: own(description),
            target_url: own(target_url),
            at: now,
        };
        statuses.push(status.clone());
        status
    }

    /// Every row of the commit: newest second first, in order of arrival within one.
    fn history(&self, repo: i64, sha: &str) -> Vec<CommitStatus> {
        let mut rows: Vec<CommitStatus> =
            self.repo(repo).statuses.iter().filter(|status| status.sha == sha).cloned().collect();
        rows.sort_by_key(|status| (std::cmp::Reverse(status.at), status.index));
        rows
    }

    /// The last row of each context, in order of arrival.
    pub fn latest_statuses(&self, repo: i64, sha: &str) -> Vec<CommitStatus> {
        let mut latest: Vec<CommitStatus> = Vec::new();
        for row in self.repo(repo).statuses.iter().filter(|status| status.sha == sha) {
            latest.retain(|other| other.context != row.context);
            latest.push(row.clone());
        }
        latest
    }

    fn status_json(&self, repo: i64, status: &CommitStatus) -> Value {
        let at = rfc3339(Some(status.at));
        json!({
            "id": status.index,
            "status": status.state,
            "target_url": status.target_url,
            "description": status.description,
            "url": format!("{}/statuses/{}", self.repo_api(repo), status.sha),
            "context": status.context,
            "creator": null,
            "created_at": at,
            "updated_at": at,
        })
    }

    pub fn status_history_route(&mut self, ask: &Ask, reference: &str, request: &Request) -> Reply {
        let Some(sha) = self.repo(ask.repo).resolve(reference) else {
            return api_not_found(&self.root_url, reference, &[]);
        };
        let wanted = request.query("state");
        let mut rows = self.history(ask.repo, &sha);
        rows.retain(|row| wanted.is_none_or(|state| state == row.state));
        let rows: Vec<Value> = rows.iter().map(|row| self.status_json(ask.repo, row)).collect();
        Paging::of(self, request).reply(self, request, &rows)
    }

    /// State and count are those of the page, not of the commit; a commit without a status is a zero object.
    pub fn combined_status_route(&mut self, ask: &Ask, reference: &str, request: &Request) -> Reply {
        let Some(sha) = self.repo(ask.repo).resolve(reference) else {
            return api_not_found(&self.root_url, reference, &[]);
        };
        let latest = self.latest_statuses(ask.repo, &sha);
        if latest.is_empty() {
            let empty = json!({
                "state": "", "sha": "", "total_count": 0, "statuses": null, "repository": null,
                "commit_url": "", "url": "",
            });
            return Reply::json(200, &empty).with("X-Total-Count", "0");
        }
        let paging = Paging::of(self, request);
        let page = paging.slice(&latest);
        let statuses: Vec<Value> = page.iter().map(|status| self.status_json(ask.repo, status)).collect();
        let body = json!({
            "state": worst(&page),
            "sha": sha,
            "total_count": page.len(),
            "statuses": statuses,
            "repository": self.repo_json(ask.repo, ask.access()),
            "commit_url": "",
            "url": "",
        });
        paging.headers(self, request, Reply::json(200, &body), latest.len())
    }

    pub fn status_post_route(&mut self, ask: &Ask, sha: &str, request: &Request) -> Reply {
        if !ask.access().write {
            return ask.write_refused(self);
        }
        if !self.repo(ask.repo).known.contains(sha) {
            return api_not_found(&self.root_url, sha, &[]);
        }
        let Some(body) = request.json() else { return api_error(&self.root_url, 422, "[]: Invalid JSON") };
        let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
        let (state, context) = (text("state"), text("context"));
        let context = if context.is_empty() { "default".to_owned() } else { context };
        let posted =
            self.post_status(ask.repo, sha, &state, &context, &text("description"), &text("target_url"));
        Reply::json(201, &self.status_json(ask.repo, &posted))
    }
}

fn worst(page: &[CommitStatus]) -> &'static str {
    let has = |state: &str| page.iter().any(|status| status.state == state);
    ["failure", "error", "warning", "pending", "success", "skipped"]
        .into_iter()
        .find(|state| has(state))
        .map_or("", |state| if state == "error" { "failure" } else { state })
}
