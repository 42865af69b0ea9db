//! Pull requests and their reviews over REST.
//! Source: transcripts `pull_request*`, `operator`, `from_the_base`; dismissal from the v15 router.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Version;
use super::auth::Access;
use super::git;
use super::http::{Reply, Request, api_error, no_route};
use super::paging::Paging;
use super::routes::Ask;
use super::state::{ACTIONS_USER, Issue, Pull, Review, State, next, rfc3339};

impl State {
    pub fn pull_routes(&mut self, ask: &Ask, rest: &[&str], request: &Request) -> Reply {
        if let (["pulls"], "GET") = (rest, request.method.as_str()) {
            return self.pull_list(ask, request);
        }
        if let (["pulls"], "POST") = (rest, request.method.as_str()) {
            return self.open_pull_route(ask, request);
        }
        let ["pulls", number, more @ ..] = rest else { return no_route() };
        let (number, diff) = match number.strip_suffix(".diff") {
            Some(number) => (number, true),
            None => (*number, false),
        };
        let number: i64 = number.parse().unwrap_or(0);
        let issue = self.repo(ask.repo).issue(number).cloned();
        let Some((issue, pull)) = issue.and_then(|issue| issue.pull.clone().map(|pull| (issue, pull))) else {
            return self.hidden();
        };
        match (request.method.as_str(), more) {
            ("GET", []) if diff => self.diff_route(&pull),
            ("GET", []) => Reply::json(200, &self.pull_json(ask.repo, number, self.nested_access(ask))),
            ("PATCH", []) => self.edit_pull_route(ask, number, request),
            ("GET", ["files"]) => self.files_route(ask, &pull, request),
            ("GET", ["commits"]) => {
                let commits = git::range(&self.commits, &pull.merge_base, &pull.head_sha);
                let items: Vec<Value> = commits.iter().map(|c| self.commit_json(ask.repo, c)).collect();
                let paging = Paging::of(self, request);
                paging.more_headers(paging.reply(self, request, &items), items.len())
            }
            ("GET", ["reviews"]) => {
                let items: Vec<Value> = pull
                    .reviews
                    .iter()
                    .map(|review| self.review_json(ask.repo, number, &pull, review))
                    .collect();
                Paging::of(self, request).reply(self, request, &items)
            }
            ("POST", ["reviews"]) => self.review_route(ask, number, &pull, request),
            ("POST", ["reviews", id, "dismissals"]) => self.dismiss_route(ask, &issue, id),
            _ => no_route(),
        }
    }

    fn pull_list(&self, ask: &Ask, request: &Request) -> Reply {
        let v16 = self.version == Version::V16;
        let is = |name: &str, value: &str| request.query(name).is_none_or(|wanted| wanted == value);
        let mut pulls: Vec<&Issue> = self
            .repo(ask.repo)
            .issues
            .iter()
            .filter(|issue| match request.query("state") {
                Some("open") => issue.open,
                Some("closed") => !issue.open,
                _ => true,
            })
            .filter(|issue| {
                let Some(pull) = &issue.pull else { return false };
                // Before v16 these two filters are ignored.
                is("poster", &issue.author)
                    && (!v16 || (is("base", &pull.base_branch) && is("head", &pull.head_branch)))
            })
            .collect();
        pulls.sort_by_key(|issue| std::cmp::Reverse(issue.number));
        match request.query("sort") {
            Some("oldest") => pulls.reverse(),
            Some("recentupdate") => pulls.sort_by_key(|issue| std::cmp::Reverse(issue.updated)),
            Some("recentclose") => pulls.sort_by_key(|issue| std::cmp::Reverse(issue.closed)),
            _ => {}
        }
        let items: Vec<Value> = pulls
            .iter()
            .map(|issue| self.pull_json(ask.repo, issue.number, self.nested_access(ask)))
            .collect();
        Paging::of(self, request).reply(self, request, &items)
    }

    pub fn pull_json(&self, repo: i64, number: i64, access: Access) -> Value {
        let issue = self.repo(repo).issue(number).expect("a number that was looked up");
        let pull = issue.pull.as_ref().expect("a pull request that was looked up");
        let (api, html) = (self.repo_api(repo), self.repo_html(repo));
        let html = format!("{html}/pulls/{number}");
        let changes = self.pull_changes(pull);
        let base_tip = self.repo(repo).branches.get(&pull.base_branch).map(|branch| branch.tip.clone());
        let mut reviewers: Vec<&str> = Vec::new();
        for review in &pull.reviews {
            if !reviewers.contains(&review.user.as_str()) {
                reviewers.push(&review.user);
            }
        }
        let end = |label: &str, sha: &str, of: i64| json!({"label": label, "ref": label, "sha": sha, "repo_id": of, "repo": self.repo_json(of, access)});
        let merged = pull.merged.as_ref();
        json!({
            "id": pull.id, "url": format!("{api}/pulls/{number}"), "number": number,
            "user": self.user_json(&issue.author), "title": issue.title, "body": issue.body,
            "labels": self.labels_json(repo, &issue.labels), "milestone": null, "assignee": null,
            "assignees": null,
            "requested_reviewers": reviewers.iter().map(|login| self.user_json(login)).collect::<Vec<_>>(),
            "requested_reviewers_teams": [], "state": if issue.open { "open" } else { "closed" },
            "draft": pull.draft, "is_locked": false, "comments": issue.comments,
            "review_comments": pull.reviews.len(),
            "additions": changes.iter().map(|change| change.additions).sum::<i64>(),
            "deletions": changes.iter().map(|change| change.deletions).sum::<i64>(),
            "changed_files": changes.len(), "html_url": html, "diff_url": format!("{html}.diff"),
            "patch_url": format!("{html}.patch"), "mergeable": true, "merged": merged.is_some(),
            "merged_at": merged.map(|merged| rfc3339(Some(merged.at))),
            "merge_commit_sha": merged.map(|merged| &merged.sha),
            "merged_by": merged.map(|merged| self.user_json(&merged.by)),
            "allow_maintainer_edit": false,
            "base": end(&pull.base_branch, &base_tip.unwrap_or_default(), repo),
            "head": end(&pull.head_branch, &pull.head_sha, pull.head_repo),
            "merge_base": pull.merge_base, "due_date": null, "created_at": rfc3339(Some(issue.created)),
            "updated_at": rfc3339(Some(issue.updated)),
            "closed_at": issue.closed.map(|at| rfc3339(Some(at))), "pin_order": 0, "flow": 0,
        })
    }

    fn pull_changes(&self, pull: &Pull) -> Vec<git::Change> {
        let tree = |sha: &str| self.commits.get(sha).map(|commit| commit.tree.clone()).unwrap_or_default();
        git::changes(&tree(&pull.merge_base), &tree(&pull.head_sha))
    }

    fn files_route(&self, ask: &Ask, pull: &Pull, request: &Request) -> Reply {
        let (api, html) = (self.repo_api(ask.repo), self.repo_html(ask.repo));
        let head = &pull.head_sha;
        let items: Vec<Value> = self
            .pull_changes(pull)
            .iter()
            .map(|change| {
                let path = &change.path;
                let mut item = json!({
                    "filename": path, "status": change.status, "additions": change.additions,
                    "deletions": change.deletions, "changes": change.additions + change.deletions,
                    "html_url": format!("{html}/src/commit/{head}/{path}"),
                    "contents_url": format!("{api}/contents/{path}?ref={head}"),
                    "raw_url": format!("{html}/raw/commit/{head}/{path}"),
                });
                if let Some(previous) = &change.previous {
                    item["previous_filename"] = json!(previous);
                }
                item
            })
            .collect();
        let paging = Paging::of(self, request);
        paging.more_headers(paging.reply(self, request, &items), items.len())
    }

    /// Whole-file hunks: right in shape, no shorter than need be.
    fn diff_route(&self, pull: &Pull) -> Reply {
        let (old, new) = (&self.commits[&pull.merge_base].tree, &self.commits[&pull.head_sha].tree);
        let mut out = String::new();
        for change in self.pull_changes(pull) {
            let before = change.previous.as_ref().unwrap_or(&change.path);
            let side = |sign: char, content: Option<&Vec<u8>>| -> Vec<String> {
                let text =
                    content.map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default();
                text.lines().map(|line| format!("{sign}{line}\n")).collect()
            };
            let (minus, plus) = (side('-', old.get(before)), side('+', new.get(&change.path)));
            let id = |content: Option<&Vec<u8>>| match content {
                Some(content) => git::object_id(&[b"blob", content])[..7].to_owned(),
                None => "0000000".to_owned(),
            };
            let (from, to) = (id(old.get(before)), id(new.get(&change.path)));
            writeln!(out, "diff --git a/{before} b/{}", change.path).unwrap();
            if old.get(before).is_none() {
                out += "new file mode 100644\n";
            }
            writeln!(out, "index {from}..{to}").unwrap();
            let name = |side: &str, path: &str, there: bool| {
                if there { format!("{side}/{path}") } else { "/dev/null".to_owned() }
            };
            writeln!(out, "--- {}", name("a", before, old.contains_key(before))).unwrap();
            writeln!(out, "+++ {}", name("b", &change.path, new.contains_key(&change.path))).unwrap();
            writeln!(out, "@@ -{} +{} @@", span(minus.len()), span(plus.len())).unwrap();
            out.extend(minus);
            out.extend(plus);
        }
        Reply::bytes(200, "text/plain; charset=utf-8", out.into_bytes())
            .with("X-Content-Type-Options", "nosniff")
    }

    fn review_json(&self, repo: i64, number: i64, pull: &Pull, review: &Review) -> Value {
        let user = self.known_user(&review.user);
        let html = format!("{}/pulls/{number}", self.repo_html(repo));
        let at = rfc3339(Some(review.at));
        // Only someone who may write counts for protection, and never what jobs write.
        let owner = user.admin || user.login == self.repo(repo).owner;
        json!({
            "id": review.id, "user": self.user_json(&review.user), "team": null, "state": review.state,
            "body": review.body, "commit_id": review.commit_id, "stale": review.commit_id != pull.head_sha,
            "official": owner && user.login != ACTIONS_USER, "dismissed": review.dismissed,
            "comments_count": 0, "submitted_at": at, "updated_at": at,
            "html_url": format!("{html}#issuecomment-{}", review.comment_id), "pull_request_url": html,
        })
    }

    /// Anyone who may read may review, a fork's job included.
    fn review_route(&mut self, ask: &Ask, number: i64, pull: &Pull, request: &Request) -> Reply {
        if ask.who == super::auth::Principal::Anonymous {
            return ask.write_refused(self);
        }
        let body = request.json().unwrap_or_default();
        let state = match body["event"].as_str().unwrap_or_default() {
            "APPROVED" | "APPROVE" => "APPROVED",
            "REQUEST_CHANGES" => "REQUEST_CHANGES",
            "" | "PENDING" => "PENDING",
            _ => "COMMENT",
        };
        let text = body["body"].as_str().unwrap_or_default();
        let commit = body["commit_id"].as_str().unwrap_or(&pull.head_sha);
        let login = ask.who.login();
        let id = self.add_review(ask.repo, number, &login, state, text, commit);
        let issue = self.repo(ask.repo).issue(number).expect("looked up");
        let pull = issue.pull.as_ref().expect("looked up");
        let review = pull.reviews.iter().find(|review| review.id == id).expect("just added");
        Reply::json(200, &self.review_json(ask.repo, number, pull, review))
    }

    pub fn add_review(
        &mut self,
        repo: i64,
        number: i64,
        user: &str,
        state: &str,
        body: &str,
        commit_id: &str,
    ) -> i64 {
        self.ensure_user(user);
        let (id, at) = (next(&mut self.ids.review), self.now);
        let comment_id = self.record(repo, number, "review", user, body);
        let own = str::to_owned;
        let review = Review {
            id,
            user: own(user),
            state: own(state),
            body: own(body),
            commit_id: own(commit_id),
            dismissed: false,
            comment_id,
            at,
        };
        let issue = self.repo_mut(repo).issue_mut(number).expect("a pull request of this repository");
        if let Some(entry) = issue.timeline.last_mut() {
            entry.review_id = id;
        }
        issue.pull.as_mut().expect("a pull request").reviews.push(review);
        id
    }

    fn dismiss_route(&mut self, ask: &Ask, issue: &Issue, id: &str) -> Reply {
        if !ask.access().admin {
            return api_error(&self.root_url, 403, "Must be repo admin");
        }
        let login = ask.who.login();
        if !self.dismiss_review(ask.repo, issue.number, id.parse().unwrap_or(0), &login) {
            return self.hidden();
        }
        let pull = self.repo(ask.repo).issue(issue.number).and_then(|i| i.pull.clone()).expect("looked up");
        let review = pull.reviews.iter().find(|review| id.parse() == Ok(review.id)).expect("just dismissed");
        Reply::json(200, &self.review_json(ask.repo, issue.number, &pull, review))
    }

    pub fn dismiss_review(&mut self, repo: i64, number: i64, id: i64, by: &str) -> bool {
        let issue = self.repo_mut(repo).issue_mut(number);
        let reviews = issue.and_then(|issue| issue.pull.as_mut()).map(|pull| &mut pull.reviews);
        let review = reviews.and_then(|reviews| reviews.iter_mut().find(|review| review.id == id));
        let found = review.map(|review| review.dismissed = true).is_some();
        if found {
            self.record(repo, number, "dismiss_review", by, "");
        }
        found
    }

    /// Known by its merge commit; the head of an open pull request is not found.
    pub fn commit_pull_route(&self, ask: &Ask, sha: &str) -> Reply {
        let found = self.repo(ask.repo).issues.iter().find(|issue| {
            let merged = issue.pull.as_ref().and_then(|pull| pull.merged.as_ref());
            merged.is_some_and(|merged| merged.sha == sha)
        });
        if let Some(issue) = found {
            return Reply::json(200, &self.pull_json(ask.repo, issue.number, self.nested_access(ask)));
        }
        let message = format!(
            "pull request does not exist [id: 0, issue_id: 0, head_repo_id: 0, base_repo_id: {}, head_branch: , \
             base_branch: ]",
            ask.repo
        );
        api_error(&self.root_url, 404, &message)
    }
}

fn span(lines: usize) -> String {
    match lines {
        0 => "0,0".to_owned(),
        1 => "1".to_owned(),
        n => format!("1,{n}"),
    }
}
