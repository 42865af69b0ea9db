//! Files, trees, commits, branches and comparisons of a repository.
//! Two 404s of `contents` differ only in their `errors`: a missing path names it, a missing commit names its id.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::branches::NewCommit;
use super::git::{self, Change, Commit, object_id};
use super::http::{Reply, Request, api_error, api_not_found, no_route};
use super::routes::Ask;
use super::state::{State, http_date, rfc3339};

impl State {
    pub fn git_routes(&mut self, ask: &Ask, rest: &[&str], request: &Request) -> Reply {
        match (request.method.as_str(), rest) {
            ("GET", ["contents", path @ ..]) => self.contents_route(ask, &path.join("/"), request),
            ("POST" | "PUT", ["contents", path @ ..]) => self.write_route(ask, &path.join("/"), request),
            ("GET", ["raw", path @ ..]) => self.raw_route(ask, &path.join("/"), request),
            ("GET", ["branches", name @ ..]) => self.branch_route(ask, &name.join("/")),
            ("GET", ["git", "trees", reference]) => self.tree_route(ask, reference),
            ("GET", ["git", "commits", reference]) => match self.commit_at(ask.repo, reference) {
                Some(commit) => Reply::json(200, &self.commit_json(ask.repo, commit)),
                None => api_not_found(&self.root_url, reference, &[]),
            },
            // No scene writes git notes.
            ("GET", ["git", "notes", reference]) => api_not_found(&self.root_url, reference, &[]),
            ("GET", ["compare", spec]) => self.compare_route(ask, spec),
            _ => no_route(),
        }
    }

    fn commit_at(&self, repo: i64, reference: &str) -> Option<&Commit> {
        self.commits.get(&self.repo(repo).resolve(reference)?)
    }

    /// The commit a request's `ref` means, or the reply that says it is not there.
    fn commit_of(&self, ask: &Ask, request: &Request) -> Result<&Commit, Reply> {
        let reference = request.query("ref").unwrap_or(&self.repo(ask.repo).default_branch);
        self.commit_at(ask.repo, reference).ok_or_else(|| self.no_object(reference, ""))
    }

    fn no_object(&self, id: &str, path: &str) -> Reply {
        let error = format!("object does not exist [id: {id}, rel_path: {path}]");
        api_not_found(&self.root_url, "GetContentsOrList", &[error])
    }

    fn contents_route(&self, ask: &Ask, path: &str, request: &Request) -> Reply {
        let commit = match self.commit_of(ask, request) {
            Ok(commit) => commit,
            Err(reply) => return reply,
        };
        let reference = request.query("ref").unwrap_or(&commit.sha).to_owned();
        if commit.tree.contains_key(path) {
            return Reply::json(200, &self.entry_json(ask.repo, commit, &reference, path, true));
        }
        let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
        let mut names: Vec<&str> = commit
            .tree
            .keys()
            .filter_map(|name| name.strip_prefix(&prefix))
            .map(|rest| rest.split('/').next().unwrap_or(rest))
            .collect();
        names.dedup();
        if names.is_empty() {
            return self.no_object("", path);
        }
        let entry =
            |name: &&str| self.entry_json(ask.repo, commit, &reference, &format!("{prefix}{name}"), false);
        Reply::json(200, &Value::from(names.iter().map(entry).collect::<Vec<Value>>()))
    }

    fn entry_json(&self, repo: i64, commit: &Commit, reference: &str, path: &str, whole: bool) -> Value {
        let content = commit.tree.get(path);
        let sha =
            content.map_or_else(|| object_id(&[b"tree", path.as_bytes()]), |c| object_id(&[b"blob", c]));
        let (kind, list) = if content.is_some() { ("file", "blobs") } else { ("dir", "trees") };
        let touched = git::last_touch(&self.commits, &commit.sha, path).unwrap_or(commit);
        let (api, html) = (self.repo_api(repo), self.repo_html(repo));
        let this = format!("{api}/contents/{path}?ref={reference}");
        let source = format!("{html}/src/commit/{}/{path}", commit.sha);
        let object = format!("{api}/git/{list}/{sha}");
        let download = content.map(|_| format!("{html}/raw/commit/{}/{path}", commit.sha));
        json!({
            "name": path.rsplit('/').next(), "path": path, "sha": sha,
            "last_commit_sha": touched.sha, "last_commit_when": rfc3339(Some(touched.when)),
            "type": kind, "size": content.map_or(0, Vec::len),
            "encoding": whole.then_some("base64"),
            "content": content.filter(|_| whole).map(|content| STANDARD.encode(content)),
            "target": null, "url": this, "html_url": source, "git_url": object, "download_url": download,
            "submodule_git_url": null,
            "_links": {"self": this, "git": object, "html": source},
        })
    }

    fn raw_route(&self, ask: &Ask, path: &str, request: &Request) -> Reply {
        let Ok(commit) = self.commit_of(ask, request) else { return self.hidden() };
        let Some(content) = commit.tree.get(path) else { return self.hidden() };
        let name = path.rsplit('/').next().unwrap_or(path);
        let touched = git::last_touch(&self.commits, &commit.sha, path).unwrap_or(commit);
        let reply = Reply::bytes(200, "text/plain; charset=utf-8", content.clone())
            .with("Etag", format!("\"{}\"", object_id(&[b"blob", content])))
            .with("Last-Modified", http_date(touched.when))
            .with("X-Content-Type-Options", "nosniff")
            .with("X-Forgejo-Object-Type", "file")
            .with("X-Gitea-Object-Type", "file");
        super::artifacts_v4::served(reply, "inline", name)
    }

    fn write_route(&mut self, ask: &Ask, path: &str, request: &Request) -> Reply {
        if !ask.access().write {
            return api_error(&self.root_url, 403, "user should have a permission to write to this branch");
        }
        let body = request.json().unwrap_or_default();
        let branch = body["branch"].as_str().unwrap_or(&self.repo(ask.repo).default_branch).to_owned();
        let Some(parent) = self.repo(ask.repo).branches.get(&branch).map(|branch| branch.tip.clone()) else {
            let message = format!("branch does not exist [name: {branch}]");
            return api_error(&self.root_url, 404, &message);
        };
        let content = STANDARD.decode(body["content"].as_str().unwrap_or_default()).unwrap_or_default();
        let mut tree = self.commits[&parent].tree.clone();
        tree.insert(path.to_owned(), content);
        let message = body["message"].as_str().unwrap_or("update").to_owned();
        let author = ask.who.login();
        let new = NewCommit { sha: None, parents: vec![parent], message, author, tree };
        let branch = body["new_branch"].as_str().unwrap_or(&branch).to_owned();
        let sha = self.push_commit(ask.repo, &branch, new);
        let commit = &self.commits[&sha];
        let entry = self.entry_json(ask.repo, commit, &branch, path, true);
        Reply::json(201, &json!({"content": entry, "commit": self.commit_json(ask.repo, commit)}))
    }

    fn branch_route(&self, ask: &Ask, name: &str) -> Reply {
        let Some(branch) = self.repo(ask.repo).branches.get(name) else {
            return self.hidden();
        };
        let commit = &self.commits[&branch.tip];
        let author = self.author_json(&commit.author, None);
        let rule = branch.protection.clone().unwrap_or_default();
        let protected = branch.protection.is_some();
        let owner = ask.access().admin;
        let body = json!({
            "name": name,
            "commit": {
                "id": commit.sha, "message": commit.message,
                "url": format!("{}/commit/{}", self.repo_html(ask.repo), commit.sha),
                "author": author, "committer": author, "verification": unsigned(),
                "timestamp": rfc3339(Some(commit.when)), "added": null, "removed": null, "modified": null,
            },
            "protected": protected, "required_approvals": rule.required_approvals,
            "enable_status_check": !rule.contexts.is_empty(), "status_check_contexts": rule.contexts,
            "user_can_push": owner && !protected, "user_can_merge": owner,
            "effective_branch_protection_name": if protected { name } else { "" },
        });
        Reply::json(200, &body)
    }

    fn author_json(&self, login: &str, date: Option<i64>) -> Value {
        let email = self.known_user(login).email;
        match date {
            Some(at) => json!({"name": login, "email": email, "date": rfc3339(Some(at))}),
            None => json!({"name": login, "email": email, "username": login}),
        }
    }

    pub fn commit_json(&self, repo: i64, commit: &Commit) -> Value {
        let (api, html) = (self.repo_api(repo), self.repo_html(repo));
        let url = |sha: &str| format!("{api}/git/commits/{sha}");
        let when = rfc3339(Some(commit.when));
        let author = self.author_json(&commit.author, Some(commit.when));
        let parents: Vec<Value> = commit
            .parents
            .iter()
            .map(|sha| json!({"url": url(sha), "sha": sha, "created": "0001-01-01T00:00:00Z"}))
            .collect();
        let changes = self.commit_changes(commit);
        let (plus, minus) =
            changes.iter().fold((0, 0), |(plus, minus), c| (plus + c.additions, minus + c.deletions));
        json!({
            "url": url(&commit.sha), "sha": commit.sha, "created": when,
            "html_url": format!("{html}/commit/{}", commit.sha),
            "commit": {
                "url": url(&commit.sha), "author": author, "committer": author, "message": commit.message,
                "tree": {"url": format!("{api}/git/trees/{}", commit.sha), "sha": commit.sha, "created": when},
                "verification": unsigned(),
            },
            "author": self.user_json(&commit.author), "committer": self.user_json(&commit.author),
            "parents": parents, "files": affected(&changes),
            "stats": {"total": plus + minus, "additions": plus, "deletions": minus},
        })
    }

    fn commit_changes(&self, commit: &Commit) -> Vec<Change> {
        let none = git::Tree::new();
        let before = commit.parents.first().and_then(|sha| self.commits.get(sha)).map_or(&none, |c| &c.tree);
        git::changes(before, &commit.tree)
    }

    fn tree_route(&self, ask: &Ask, reference: &str) -> Reply {
        let Some(commit) = self.commit_at(ask.repo, reference) else {
            return api_not_found(&self.root_url, reference, &[]);
        };
        let api = self.repo_api(ask.repo);
        let mut paths: Vec<(String, bool)> = Vec::new();
        for path in commit.tree.keys() {
            for (at, _) in path.match_indices('/') {
                paths.push((path[..at].to_owned(), true));
            }
            paths.push((path.clone(), false));
        }
        paths.sort();
        paths.dedup();
        let entries: Vec<Value> = paths
            .iter()
            .map(|(path, folder)| {
                let content = commit.tree.get(path).filter(|_| !folder);
                let tree = || object_id(&[b"tree", path.as_bytes()]);
                let sha = content.map_or_else(tree, |c| object_id(&[b"blob", c]));
                let (mode, kind) = if *folder { ("040000", "tree") } else { ("100644", "blob") };
                let (size, url) = (content.map_or(0, Vec::len), format!("{api}/git/{kind}s/{sha}"));
                json!({"path": path, "mode": mode, "type": kind, "size": size, "sha": sha, "url": url})
            })
            .collect();
        let total = entries.len();
        let body = json!({
            "sha": commit.sha, "url": format!("{api}/git/trees/{}", commit.sha), "tree": entries,
            "truncated": false, "page": 1, "total_count": total,
        });
        Reply::json(200, &body)
            .with("X-Total-Count", total.to_string())
            .with("Access-Control-Expose-Headers", "X-Total-Count")
    }

    fn compare_route(&self, ask: &Ask, spec: &str) -> Reply {
        let ends = spec.split_once("...").or_else(|| spec.split_once(".."));
        let ends = ends.and_then(|(base, head)| {
            Some((self.commit_at(ask.repo, base)?, self.commit_at(ask.repo, head)?))
        });
        let Some((base, head)) = ends else { return self.hidden() };
        let ahead = git::range(&self.commits, &base.sha, &head.sha);
        let commits: Vec<Value> = ahead.iter().map(|commit| self.commit_json(ask.repo, commit)).collect();
        let mut files: Vec<Value> = Vec::new();
        for commit in &ahead {
            files.extend(affected(&self.commit_changes(commit)));
        }
        Reply::json(200, &json!({"total_commits": commits.len(), "commits": commits, "files": files}))
    }
}

fn unsigned() -> Value {
    json!({
        "verified": false, "reason": "gpg.error.not_signed_commit", "signature": "", "signer": null, "payload": "",
    })
}

/// A commit's files use other words than a pull request's.
fn affected(changes: &[Change]) -> Vec<Value> {
    let mut out = Vec::new();
    for change in changes {
        let status = match change.status {
            "deleted" => "removed",
            "changed" => "modified",
            _ => "added",
        };
        out.push(json!({"filename": change.path, "status": status}));
        if let Some(previous) = &change.previous {
            out.push(json!({"filename": previous, "status": "removed"}));
        }
    }
    out
}
