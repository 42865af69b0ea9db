//! Issues, comments, labels and timelines over REST.
//! Everything a job writes here is signed `forgejo-actions`, and any job may edit what another one wrote.

use serde_json::{Value, json};

use super::auth::Principal;
use super::http::{Reply, Request, api_error, no_route};
use super::paging::Paging;
use super::routes::Ask;
use super::state::{ACTIONS_USER, Entry, Issue, Label, State, next, rfc3339};

impl State {
    pub fn issue_routes(&mut self, ask: &Ask, rest: &[&str], request: &Request) -> Reply {
        let method = request.method.as_str();
        if method != "GET" && ask.who == Principal::Anonymous {
            return ask.write_refused(self);
        }
        match (method, rest) {
            ("GET", ["labels"]) => {
                let ids: Vec<i64> = self.repo(ask.repo).labels.iter().map(|label| label.id).collect();
                let labels: Vec<Value> = ids.into_iter().map(|id| self.label_json(ask.repo, id)).collect();
                Paging::of(self, request).reply(self, request, &labels)
            }
            ("POST", ["labels"]) => self.label_route(ask, request),
            ("GET", ["issues"]) => {
                let found = self.matching(ask.repo, request);
                let items: Vec<Value> =
                    found.iter().map(|number| self.issue_json(ask.repo, *number)).collect();
                Paging::of(self, request).reply(self, request, &items)
            }
            ("POST", ["issues"]) => self.open_route(ask, request),
            ("GET" | "PATCH" | "DELETE", ["issues", "comments", id]) => self.comment_route(ask, id, request),
            (_, ["issues", number, more @ ..]) => {
                let number: i64 = number.parse().unwrap_or(0);
                if self.repo(ask.repo).issue(number).is_none() {
                    return self.hidden();
                }
                self.one_issue(ask, number, more, request)
            }
            _ => no_route(),
        }
    }

    fn one_issue(&mut self, ask: &Ask, number: i64, more: &[&str], request: &Request) -> Reply {
        match (request.method.as_str(), more) {
            ("GET", []) => Reply::json(200, &self.issue_json(ask.repo, number)),
            ("PATCH", []) => self.edit_route(ask, number, request),
            ("GET", ["comments"]) => {
                let entries = self.entries(ask.repo, number);
                let comments = entries.iter().filter(|entry| entry.kind == "comment");
                let items: Vec<Value> = comments.map(|c| self.comment_json(ask.repo, number, c)).collect();
                // All of them, whatever page was asked for.
                let all = Paging { page: 1, limit: items.len().max(1) };
                all.reply(self, request, &items)
            }
            ("POST", ["comments"]) => {
                let body = request.json().unwrap_or_default();
                let login = ask.who.login();
                let text = body["body"].as_str().unwrap_or_default();
                let id = self.record(ask.repo, number, "comment", &login, text);
                let entry = self.entry(ask.repo, id).expect("just recorded");
                Reply::json(201, &self.comment_json(ask.repo, number, &entry.1))
            }
            ("GET", ["timeline"]) => {
                let entries = self.entries(ask.repo, number);
                let items: Vec<Value> =
                    entries.iter().map(|entry| self.timeline_json(ask.repo, number, entry)).collect();
                Paging::of(self, request).reply(self, request, &items)
            }
            ("POST" | "PUT", ["labels"]) => self.set_labels_route(ask, number, request),
            ("GET", ["labels"]) => {
                let labels = self.repo(ask.repo).issue(number).map(|issue| issue.labels.clone());
                Reply::json(200, &self.labels_json(ask.repo, &labels.unwrap_or_default()))
            }
            _ => no_route(),
        }
    }

    fn entries(&self, repo: i64, number: i64) -> Vec<Entry> {
        self.repo(repo).issue(number).map(|issue| issue.timeline.clone()).unwrap_or_default()
    }

    /// An entry of this repository's issues by its id, with the number of its issue.
    fn entry(&self, repo: i64, id: i64) -> Option<(i64, Entry)> {
        let issues = self.repo(repo).issues.iter();
        let mut all = issues.flat_map(|issue| issue.timeline.iter().map(move |entry| (issue.number, entry)));
        all.find(|(_, entry)| entry.id == id).map(|(number, entry)| (number, entry.clone()))
    }

    /// The numbers that match the filters, newest first. A label name nobody knows is silently dropped.
    fn matching(&self, repo: i64, request: &Request) -> Vec<i64> {
        let repo = self.repo(repo);
        let names = request.query("labels").unwrap_or_default();
        let labels: Vec<i64> = names
            .split(',')
            .filter_map(|name| repo.labels.iter().find(|label| label.name == name))
            .map(|label| label.id)
            .collect();
        let text = request.query("q").unwrap_or_default().to_lowercase();
        let kind = request.query("type").unwrap_or_default();
        let state = request.query("state").unwrap_or("open");
        let wanted = |issue: &&Issue| {
            (state == "all" || issue.open == (state != "closed"))
                && (kind.is_empty() || (kind == "pulls") == issue.pull.is_some())
                && labels.iter().all(|label| issue.labels.contains(label))
                && (issue.title.to_lowercase().contains(&text) || issue.body.to_lowercase().contains(&text))
        };
        let mut found: Vec<i64> = repo.issues.iter().filter(wanted).map(|issue| issue.number).collect();
        found.sort_unstable_by(|a, b| b.cmp(a));
        found
    }

    pub fn issue_search_route(&self, who: &Principal, request: &Request) -> Reply {
        let Principal::Person(_) = who else {
            return api_error(&self.root_url, 403, "only a personal token may search across repositories");
        };
        let mut items: Vec<Value> = Vec::new();
        for repo in self.repos.iter().filter(|repo| self.access(who, repo.id).read) {
            let found = self.matching(repo.id, request);
            items.extend(found.into_iter().map(|number| self.issue_json(repo.id, number)));
        }
        Paging::of(self, request).reply(self, request, &items)
    }

    pub fn label_json(&self, repo: i64, id: i64) -> Value {
        let Some(label) = self.repo(repo).label(id) else { return Value::Null };
        json!({
            "id": label.id, "name": label.name, "exclusive": false, "is_archived": false,
            "color": label.color, "description": label.description,
            "url": format!("{}/labels/{}", self.repo_api(repo), label.id),
        })
    }

    pub fn labels_json(&self, repo: i64, ids: &[i64]) -> Value {
        Value::from(ids.iter().map(|id| self.label_json(repo, *id)).collect::<Vec<Value>>())
    }

    pub fn issue_json(&self, repo: i64, number: i64) -> Value {
        let issue = self.repo(repo).issue(number).expect("a number that was looked up");
        let kind = if issue.pull.is_some() { "pulls" } else { "issues" };
        let html = format!("{}/{kind}/{number}", self.repo_html(repo));
        let pull = issue.pull.as_ref().map(|pull| {
            json!({
                "merged": pull.merged.is_some(), "draft": pull.draft, "html_url": html,
                "merged_at": pull.merged.as_ref().map(|merged| rfc3339(Some(merged.at))),
            })
        });
        let of = self.repo(repo);
        json!({
            "id": issue.id, "url": format!("{}/{kind}/{number}", self.repo_api(repo)), "html_url": html,
            "number": number, "user": self.user_json(&issue.author), "original_author": "",
            "original_author_id": 0, "title": issue.title, "body": issue.body, "ref": "", "assets": [],
            "labels": self.labels_json(repo, &issue.labels), "milestone": null, "assignee": null,
            "assignees": null, "state": if issue.open { "open" } else { "closed" }, "is_locked": false,
            "comments": issue.comments,
            "created_at": rfc3339(Some(issue.created)), "updated_at": rfc3339(Some(issue.updated)),
            "closed_at": issue.closed.map(|at| rfc3339(Some(at))), "due_date": null, "pull_request": pull,
            "repository": {"id": of.id, "name": of.name, "owner": of.owner, "full_name": of.slug()},
            "pin_order": 0,
        })
    }

    fn places(&self, repo: i64, number: i64, id: i64) -> (String, String, String) {
        let is_pull = self.repo(repo).issue(number).is_some_and(|issue| issue.pull.is_some());
        let html = self.repo_html(repo);
        if is_pull {
            let pull = format!("{html}/pulls/{number}");
            return (format!("{pull}#issuecomment-{id}"), pull, String::new());
        }
        let issue = format!("{html}/issues/{number}");
        (format!("{issue}#issuecomment-{id}"), String::new(), issue)
    }

    pub fn comment_json(&self, repo: i64, number: i64, entry: &Entry) -> Value {
        let (html, pull, issue) = self.places(repo, number, entry.id);
        json!({
            "id": entry.id, "html_url": html, "pull_request_url": pull, "issue_url": issue,
            "user": self.user_json(&entry.user), "original_author": "", "original_author_id": 0,
            "body": entry.body, "assets": [], "created_at": rfc3339(Some(entry.created)),
            "updated_at": rfc3339(Some(entry.updated)),
        })
    }

    fn timeline_json(&self, repo: i64, number: i64, entry: &Entry) -> Value {
        let (html, pull, issue) = self.places(repo, number, entry.id);
        json!({
            "id": entry.id, "type": entry.kind, "html_url": html, "pull_request_url": pull, "issue_url": issue,
            "user": self.user_json(&entry.user), "body": entry.body,
            "created_at": rfc3339(Some(entry.created)), "updated_at": rfc3339(Some(entry.updated)),
            "old_project_id": 0, "project_id": 0, "old_milestone": null, "milestone": null,
            "tracked_time": null, "old_title": "", "new_title": "", "old_ref": "", "new_ref": "",
            "ref_issue": null, "ref_comment": null, "ref_action": "none", "ref_commit_sha": "",
            "review_id": entry.review_id, "label": entry.label.map(|id| self.label_json(repo, id)),
            "assignee": null, "assignee_team": null, "removed_assignee": false, "resolve_doer": null,
            "dependent_issue": null,
        })
    }

    fn label_route(&mut self, ask: &Ask, request: &Request) -> Reply {
        if !ask.access().write {
            return ask.write_refused(self);
        }
        let body = request.json().unwrap_or_default();
        let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
        let id = self.add_label(ask.repo, &text("name"), &text("color"));
        Reply::json(201, &self.label_json(ask.repo, id))
    }

    /// A second label of the same name is a second label.
    pub fn add_label(&mut self, repo: i64, name: &str, color: &str) -> i64 {
        let id = next(&mut self.ids.label);
        let color = color.trim_start_matches('#').to_owned();
        let label = Label { id, name: name.to_owned(), color, description: String::new() };
        self.repo_mut(repo).labels.push(label);
        id
    }

    /// Anyone who may read opens issues; labels of someone who may not write are dropped without a word.
    fn open_route(&mut self, ask: &Ask, request: &Request) -> Reply {
        let body = request.json().unwrap_or_default();
        let labels = body["labels"].as_array().cloned().unwrap_or_default();
        let labels = labels.iter().filter_map(Value::as_i64).filter(|_| ask.access().write).collect();
        let login = ask.who.login();
        let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
        let number = self.open_issue(ask.repo, &login, &text("title"), &text("body"), labels);
        Reply::json(201, &self.issue_json(ask.repo, number))
    }

    fn edit_route(&mut self, ask: &Ask, number: i64, request: &Request) -> Reply {
        let author = self.repo(ask.repo).issue(number).map(|issue| issue.author.clone()).unwrap_or_default();
        if !may_edit(ask, &author) {
            return api_error(&self.root_url, 403, "user should be the author or may write");
        }
        let body = request.json().unwrap_or_default();
        let (now, login) = (self.now, ask.who.login());
        let issue = self.repo_mut(ask.repo).issue_mut(number).expect("looked up");
        if let Some(title) = body["title"].as_str() {
            title.clone_into(&mut issue.title);
        }
        if let Some(text) = body["body"].as_str() {
            text.clone_into(&mut issue.body);
        }
        issue.updated = now;
        let open = issue.open;
        match body["state"].as_str() {
            Some("closed") if open => self.close_issue(ask.repo, number, &login),
            Some("open") if !open => {
                (issue.open, issue.closed) = (true, None);
                self.record(ask.repo, number, "reopen", &login, "");
            }
            _ => {}
        }
        Reply::json(201, &self.issue_json(ask.repo, number))
    }

    fn comment_route(&mut self, ask: &Ask, id: &str, request: &Request) -> Reply {
        let found =
            self.entry(ask.repo, id.parse().unwrap_or(0)).filter(|(_, entry)| entry.kind == "comment");
        let Some((number, entry)) = found else { return self.hidden() };
        if request.method == "GET" {
            return Reply::json(200, &self.comment_json(ask.repo, number, &entry));
        }
        if !may_edit(ask, &entry.user) {
            return api_error(&self.root_url, 403, "user should be the author or may write");
        }
        let now = self.now;
        let body = request.json().unwrap_or_default();
        let timeline = &mut self.repo_mut(ask.repo).issue_mut(number).expect("looked up").timeline;
        if request.method == "DELETE" {
            timeline.retain(|other| other.id != entry.id);
            return Reply::empty(204);
        }
        let other = timeline.iter_mut().find(|other| other.id == entry.id).expect("looked up");
        body["body"].as_str().unwrap_or_default().clone_into(&mut other.body);
        other.updated = now;
        let entry = other.clone();
        Reply::json(200, &self.comment_json(ask.repo, number, &entry))
    }

    fn set_labels_route(&mut self, ask: &Ask, number: i64, request: &Request) -> Reply {
        if !ask.access().write {
            return ask.write_refused(self);
        }
        let body = request.json().unwrap_or_default();
        let login = ask.who.login();
        if request.method == "PUT" {
            self.repo_mut(ask.repo).issue_mut(number).expect("looked up").labels.clear();
        }
        for wanted in body["labels"].as_array().cloned().unwrap_or_default() {
            let labels = &self.repo(ask.repo).labels;
            let found = labels.iter().find(|l| wanted.as_i64() == Some(l.id) || wanted == l.name.as_str());
            if let Some(id) = found.map(|label| label.id) {
                self.put_label(ask.repo, number, id, &login);
            }
        }
        let labels = self.repo(ask.repo).issue(number).map(|issue| issue.labels.clone());
        Reply::json(200, &self.labels_json(ask.repo, &labels.unwrap_or_default()))
    }

    pub fn put_label(&mut self, repo: i64, number: i64, label: i64, by: &str) {
        self.record(repo, number, "label", by, "1");
        let issue = self.repo_mut(repo).issue_mut(number).expect("an issue of this repository");
        if let Some(entry) = issue.timeline.last_mut() {
            entry.label = Some(label);
        }
        if !issue.labels.contains(&label) {
            issue.labels.push(label);
        }
    }

    /// What the server's own user is called in every JSON.
    pub fn actions_user() -> super::state::User {
        super::state::User {
            id: -2,
            login: ACTIONS_USER.to_owned(),
            full_name: "Forgejo Actions".to_owned(),
            email: "noreply@forgejo.org".to_owned(),
            admin: false,
        }
    }
}

fn may_edit(ask: &Ask, author: &str) -> bool {
    ask.access().write || ask.who.login() == author
}
