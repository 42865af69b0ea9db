//! Artifacts for people and for other runs: REST (v16) and the web routes (both), live ones only.
//! The web listing wants the run's index, the download below it the run's id, and neither looks at a token.

use serde_json::{Value, json};

use super::artifacts::{Archive, Group, RowStatus};
use super::artifacts_v4::served;
use super::http::{Reply, Request, api_error, escape, go_json, no_route};
use super::paging::Paging;
use super::routes::Ask;
use super::state::{State, http_date, rfc3339};

impl State {
    pub fn artifact_routes(&mut self, ask: &Ask, rest: &[&str], request: &Request) -> Reply {
        match (request.method.as_str(), rest) {
            ("GET", ["actions", "runs", run, "artifacts"]) => match self.run_of(ask, run) {
                Some(run) => self.artifact_list(ask, &[run], request),
                None => self.no_resource(),
            },
            ("GET", ["actions", "artifacts"]) => {
                let runs: Vec<i64> =
                    self.runs.iter().filter(|run| run.repo == ask.repo).map(|run| run.id).collect();
                self.artifact_list(ask, &runs, request)
            }
            ("GET", ["actions", "artifacts", id]) => match self.group(ask, id) {
                Some(group) => Reply::json(200, &self.group_json(ask.repo, &group)),
                None => self.no_resource(),
            },
            ("GET", ["actions", "artifacts", id, "zip"]) => match self.group(ask, id) {
                Some(group) => match self.archive_reply(group.run, &group.name, request) {
                    Some(reply) => reply,
                    None => api_error(&self.root_url, 404, "artifact not confirmed"),
                },
                None => self.no_resource(),
            },
            ("DELETE", ["actions", "artifacts", id]) if ask.access().write => match self.group(ask, id) {
                Some(group) => {
                    let rows = self.artifacts.rows.iter_mut();
                    rows.filter(|row| row.run == group.run && row.name == group.name)
                        .for_each(|row| row.status = RowStatus::PendingDeletion);
                    Reply::empty(204)
                }
                None => self.no_resource(),
            },
            ("DELETE", ["actions", "artifacts", _]) => ask.write_refused(self),
            _ => no_route(),
        }
    }

    /// The group whose smallest row id this is; other ids of its rows are unknown here.
    fn group(&self, ask: &Ask, id: &str) -> Option<Group> {
        let id: i64 = id.parse().ok()?;
        let runs: Vec<i64> = self.runs.iter().filter(|run| run.repo == ask.repo).map(|run| run.id).collect();
        self.artifacts.groups(&runs).into_iter().find(|group| group.id == id)
    }

    fn artifact_list(&self, ask: &Ask, runs: &[i64], request: &Request) -> Reply {
        let mut groups = self.artifacts.groups(runs);
        groups.retain(|group| request.query("name").is_none_or(|name| name == group.name));
        groups.sort_by_key(|group| std::cmp::Reverse(group.id));
        let items: Vec<Value> = groups.iter().map(|group| self.group_json(ask.repo, group)).collect();
        Paging::of(self, request).reply(self, request, &items)
    }

    fn group_json(&self, repo: i64, group: &Group) -> Value {
        json!({
            "id": group.id, "name": group.name, "size_in_bytes": group.size,
            "archive_download_url": format!("{}/actions/artifacts/{}/zip", self.repo_api(repo), group.id),
            "expired": group.expired, "run_id": group.run, "created_at": rfc3339(Some(group.created)),
            "updated_at": rfc3339(Some(group.updated)), "expires_at": rfc3339(Some(group.expires)),
        })
    }

    fn archive_reply(&self, run: i64, name: &str, request: &Request) -> Option<Reply> {
        Some(match self.artifacts.archive(run, name)? {
            Archive::Stored(bytes, updated) => {
                let reply = Reply::content(request, &http_date(updated), bytes);
                served(reply, "inline", &format!("{name}.zip")).with("No-Gzip-Compression", "1")
            }
            Archive::MadeOnTheFly(bytes) => {
                let escaped = escape(&format!("{name}.zip"));
                let disposition = format!("attachment; filename={escaped}; filename*=UTF-8''{escaped}");
                Reply::bytes(200, "application/zip", bytes)
                    .with("Content-Disposition", disposition)
                    .with("X-Content-Type-Options", "nosniff")
            }
        })
    }

    /// `/{owner}/{name}/actions/runs/{run}/artifacts[/{artifact name or id}]`.
    pub fn web_artifacts(
        &mut self,
        owner: &str,
        name: &str,
        run: &str,
        rest: &[&str],
        request: &Request,
    ) -> Reply {
        let public = self.repos.iter().find(|repo| repo.owner == owner && repo.name == name && !repo.private);
        let Some(repo) = public.map(|repo| repo.id) else {
            return Reply::bytes(404, "text/html; charset=utf-8", b"<html>Not found</html>\n".to_vec());
        };
        let number = run.parse::<i64>().unwrap_or(0);
        match rest {
            [] => {
                let found = self.runs.iter().find(|run| run.repo == repo && run.index == number);
                let Some(run) = found.map(|run| run.id) else {
                    let message = format!("run with index {repo} {number}: resource does not exist");
                    return Reply::text(404, &message);
                };
                let mut groups = self.artifacts.groups(&[run]);
                groups.sort_by(|a, b| a.name.cmp(&b.name));
                let items: Vec<Value> = groups
                    .iter()
                    .map(|group| {
                        let status = if group.expired { "expired" } else { "completed" };
                        json!({"name": group.name, "size": group.size, "status": status})
                    })
                    .collect();
                Reply::document(200, go_json(&json!({"artifacts": items})) + "\n")
            }
            [wanted] => {
                let run = self.runs.iter().find(|run| run.repo == repo && run.id == number).map(|run| run.id);
                let groups = run.map(|run| self.artifacts.groups(&[run])).unwrap_or_default();
                let found =
                    groups.iter().find(|group| group.name == *wanted || wanted.parse() == Ok(group.id));
                let reply = found.and_then(|group| self.archive_reply(group.run, &group.name, request));
                reply.unwrap_or_else(|| Reply::text(404, "artifact not found"))
            }
            _ => no_route(),
        }
    }
}
