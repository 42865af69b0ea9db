//! Repositories and users: their JSON, listings of organisations and topics, and the routes about the server itself.
//! Source: `rest-repo`, `rest-user`, `operator-private-repo`; search and organisation lists from the v15 router.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Version;
use super::auth::{Access, Principal};
use super::http::{Reply, Request, api_error, api_not_found, no_route};
use super::paging::Paging;
use super::routes::Ask;
use super::state::{Repo, State, next, rfc3339};

impl State {
    /// The API address of a repository, without a trailing slash.
    pub fn repo_api(&self, repo: i64) -> String {
        format!("{}api/v1/repos/{}", self.root_url, self.repo(repo).slug())
    }

    /// The web address of a repository, without a trailing slash.
    pub fn repo_html(&self, repo: i64) -> String {
        format!("{}{}", self.root_url, self.repo(repo).slug())
    }

    pub fn user_json(&self, login: &str) -> Value {
        let user = self.known_user(login);
        let root = &self.root_url;
        json!({
            "id": user.id, "login": user.login, "login_name": "", "source_id": 0,
            "full_name": user.full_name, "email": user.email,
            "avatar_url": format!("{root}assets/img/avatar_default.png"),
            "html_url": format!("{root}{}", user.login),
            "language": "", "is_admin": user.admin,
            "last_login": "0001-01-01T00:00:00Z", "created": rfc3339(None),
            "restricted": false, "active": false, "prohibit_login": false,
            "location": "", "pronouns": "", "website": "", "description": "", "visibility": "public",
            "followers_count": 0, "following_count": 0, "starred_repos_count": 0,
            "username": user.login,
        })
    }

    /// The permissions a nested repository shows: an owner's own, anyone else's as if anonymous.
    pub fn nested_access(&self, ask: &Ask) -> Access {
        let anonymous = Access { read: !self.repo(ask.repo).private, write: false, admin: false };
        if ask.access().admin { ask.access() } else { anonymous }
    }

    pub fn repo_json(&self, id: i64, access: Access) -> Value {
        let owner = self.user_json(&self.repo(id).owner);
        let parent = self.repo(id).fork_of.map(|parent| self.repo_json(parent, access));
        let (api, html, repo) = (self.repo_api(id), self.repo_html(id), self.repo(id));
        let ssh = format!("ssh://forge@forge.invalid/{}", repo.slug());
        let open = |pull: bool| repo.issues.iter().filter(|i| i.open && i.pull.is_some() == pull).count();
        let mut out = json!({
            "id": repo.id, "owner": owner, "name": repo.name, "full_name": repo.slug(), "description": "",
            "empty": repo.branches.is_empty(), "private": repo.private, "fork": repo.fork_of.is_some(),
            "template": false, "parent": parent, "mirror": false, "size": 9, "language": "",
            "languages_url": format!("{api}/languages"), "html_url": html, "url": api, "link": "",
            "ssh_url": format!("{ssh}.git"), "clone_url": format!("{html}.git"), "original_url": "",
            "website": "", "stars_count": 0, "watchers_count": 1, "release_counter": 0,
            "forks_count": self.repos.iter().filter(|other| other.fork_of == Some(id)).count(),
            "open_issues_count": open(false), "open_pr_counter": open(true),
            "default_branch": repo.default_branch, "archived": false,
            "created_at": rfc3339(Some(repo.created)), "updated_at": rfc3339(Some(self.now)),
            "archived_at": rfc3339(None),
            "permissions": {"admin": access.admin, "push": access.write, "pull": access.read},
        });
        let settings = json!({
            "has_issues": true, "has_wiki": true, "has_wiki_contents": false, "wiki_branch": "main",
            "internal_tracker": {
                "enable_time_tracker": true,
                "allow_only_contributors_to_track_time": true,
                "enable_issue_dependencies": true,
            },
            "wiki_ssh_url": format!("{ssh}.wiki.git"), "wiki_clone_url": format!("{html}.wiki.git"),
            "globally_editable_wiki": false, "has_pull_requests": true, "has_projects": true,
            "has_releases": true, "has_packages": true, "has_actions": true,
            "ignore_whitespace_conflicts": false, "allow_merge_commits": true, "allow_rebase": true,
            "allow_rebase_explicit": true, "allow_squash_merge": true, "allow_fast_forward_only_merge": true,
            "allow_rebase_update": true, "default_delete_branch_after_merge": false,
            "default_merge_style": "merge", "default_allow_maintainer_edit": false,
            "default_update_style": "merge", "avatar_url": "", "internal": false, "mirror_interval": "",
            "object_format_name": "sha1", "mirror_updated": "0001-01-01T00:00:00Z", "repo_transfer": null,
            "topics": repo.topics,
        });
        if let (Value::Object(out), Value::Object(mut settings)) = (&mut out, settings) {
            if repo.fork_of.is_some() {
                // A fork comes without issues and without a wiki.
                settings.remove("internal_tracker");
                settings.remove("wiki_branch");
                settings.insert("has_issues".to_owned(), json!(false));
                settings.insert("has_wiki".to_owned(), json!(false));
            }
            out.extend(settings);
        }
        out
    }

    /// A new repository, public and empty.
    pub fn add_repo(&mut self, owner: &str, name: &str) -> i64 {
        self.ensure_user(owner);
        let id = next(&mut self.ids.repo);
        self.repos.push(Repo {
            id,
            owner: owner.to_owned(),
            name: name.to_owned(),
            old_names: Vec::new(),
            private: false,
            fork_of: None,
            topics: Vec::new(),
            default_branch: "main".to_owned(),
            branches: BTreeMap::new(),
            tags: BTreeMap::new(),
            known: BTreeSet::new(),
            labels: Vec::new(),
            issues: Vec::new(),
            statuses: Vec::new(),
            workflows: BTreeMap::new(),
            next_run_number: 1,
            next_number: 1,
            created: self.now,
        });
        id
    }

    /// Routes that are about no one repository.
    pub fn server_routes(&mut self, who: &Principal, segments: &[&str], request: &Request) -> Reply {
        match (request.method.as_str(), segments) {
            ("GET", ["version"]) => {
                let version = match self.version {
                    Version::V15 => "15.0.3+gitea-1.22.0",
                    Version::V16 => "16.0.0+gitea-1.22.0",
                };
                Reply::json(200, &json!({"version": version}))
            }
            ("GET", ["settings", "api"]) => Reply::json(
                200,
                &json!({
                    "max_response_items": self.max_response_items,
                    "default_paging_num": self.default_paging_num,
                    "default_git_trees_per_page": 1000,
                    "default_max_blob_size": 10_485_760,
                }),
            ),
            // No key is configured; the reply is empty and has no type.
            ("GET", ["signing-key.gpg"]) => Reply::empty(200).with("X-Content-Type-Options", "nosniff"),
            ("GET", ["user"]) if *who == Principal::Anonymous => {
                api_error(&self.root_url, 401, "token is required")
            }
            ("GET", ["user"]) => {
                let login = who.login();
                Reply::json(200, &self.user_json(&login))
            }
            ("GET", ["actions", "run"]) if self.version == Version::V16 => self.self_run_route(who),
            ("GET", ["orgs" | "users", owner, "repos"]) => {
                self.repo_list(who, request, false, |repo| repo.owner == *owner)
            }
            ("GET", ["orgs", _, "teams"] | ["teams", ..]) => self.team_routes(who, segments, request),
            ("POST", ["user", "repos"]) => self.create_repo_route(who, request),
            ("GET", ["repos", "search"]) => {
                let (q, topic) =
                    (request.query("q").unwrap_or_default().to_lowercase(), request.query("topic"));
                let by_topic = topic == Some("true");
                self.repo_list(who, request, true, |repo| {
                    if by_topic { repo.topics.contains(&q) } else { repo.name.to_lowercase().contains(&q) }
                })
            }
            ("GET", ["repos", "issues", "search"]) => self.issue_search_route(who, request),
            _ => no_route(),
        }
    }

    fn repo_list(
        &self,
        who: &Principal,
        request: &Request,
        wrapped: bool,
        wanted: impl Fn(&Repo) -> bool,
    ) -> Reply {
        let ids: Vec<i64> = self.repos.iter().filter(|repo| wanted(repo)).map(|repo| repo.id).collect();
        let seen: Vec<(i64, Access)> = ids.into_iter().map(|id| (id, self.access(who, id))).collect();
        let seen: Vec<(i64, Access)> = seen.into_iter().filter(|(_, access)| access.read).collect();
        let paging = Paging::of(self, request);
        let page: Vec<Value> =
            paging.slice(&seen).into_iter().map(|(id, access)| self.repo_json(id, access)).collect();
        let body = if wrapped { json!({"ok": true, "data": page}) } else { Value::from(page) };
        paging.headers(self, request, Reply::json(200, &body), seen.len())
    }

    /// Settings only an owner may read.
    pub fn guarded_route(&mut self, ask: &Ask, segments: &[&str], request: &Request) -> Reply {
        if !ask.access().admin {
            let message = match segments {
                ["actions", ..] => "user should be the owner of the repo",
                _ => "user should be an owner or a collaborator with admin write of a repository",
            };
            return api_error(&self.root_url, 403, message);
        }
        let rules: Vec<Value> = match segments {
            ["branch_protections"] => self
                .repo(ask.repo)
                .branches
                .iter()
                .filter_map(|(name, branch)| branch.protection.as_ref().map(|rule| (name, rule)))
                .map(|(name, rule)| {
                    json!({
                        "branch_name": name, "rule_name": name,
                        "required_approvals": rule.required_approvals,
                        "enable_status_check": !rule.contexts.is_empty(),
                        "status_check_contexts": rule.contexts,
                    })
                })
                .collect(),
            _ => Vec::new(),
        };
        if matches!(segments, ["branch_protections"]) {
            return Reply::json(200, &Value::from(rules));
        }
        Paging::of(self, request).reply(self, request, &rules)
    }

    /// The reply for a repository that is not there or not to be seen.
    pub fn hidden(&self) -> Reply {
        api_not_found(&self.root_url, "The target couldn't be found.", &[])
    }
}
