//! From a request to its route: the artifact protocols, REST with its repository context, the web routes.
//! A renamed repository redirects here, and one that may not be seen ends here.

use super::auth::{Access, Principal};
use super::http::{Reply, Request, api_error, no_route};
use super::state::State;
use super::{Version, artifacts_v3, artifacts_v4};

/// A REST request for one repository by someone who may read it.
pub struct Ask {
    pub repo: i64,
    pub who: Principal,
    access: Access,
}

impl Ask {
    pub fn access(&self) -> Access {
        self.access
    }

    pub fn write_refused(&self, state: &State) -> Reply {
        if self.who == Principal::Anonymous {
            return api_error(&state.root_url, 401, "token is required");
        }
        api_error(&state.root_url, 403, "user should have a permission to write to a repo")
    }
}

impl State {
    pub fn answer(&mut self, request: &Request) -> Reply {
        if request.path.starts_with(artifacts_v4::PREFIX) {
            return self.artifacts_v4(request);
        }
        if request.path.starts_with(artifacts_v3::PREFIX) {
            return self.artifacts_v3(request);
        }
        let segments = request.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match segments.as_slice() {
            ["api", "v1", rest @ ..] => {
                let reply = self.rest(rest, request);
                self.uncached(reply)
            }
            [owner, name, "actions", "runs", run, "artifacts", rest @ ..] if request.method == "GET" => {
                let reply = self.web_artifacts(owner, name, run, rest, request);
                self.uncached(reply)
            }
            _ => no_route(),
        }
    }

    fn uncached(&self, reply: Reply) -> Reply {
        let cache = match self.version {
            Version::V15 => "max-age=0, private, must-revalidate, no-transform",
            Version::V16 => "max-age=0, private, must-revalidate",
        };
        let has_own = reply.headers.iter().any(|(name, _)| name == "Cache-Control");
        if has_own { reply } else { reply.with("Cache-Control", cache) }
    }

    fn rest(&mut self, segments: &[&str], request: &Request) -> Reply {
        let who = self.principal(request);
        if who == Principal::Invalid {
            return api_error(&self.root_url, 401, "invalid username, password or token");
        }
        let ["repos", owner, name, rest @ ..] = segments else {
            return self.server_routes(&who, segments, request);
        };
        if matches!((*owner, *name), ("issues", "search")) {
            return self.server_routes(&who, segments, request);
        }
        if let Some(to) = self.renamed(owner, name) {
            return redirect(request, &format!("/{owner}/{name}"), &format!("/{to}"));
        }
        let found = self.repos.iter().find(|repo| same(&repo.owner, owner) && same(&repo.name, name));
        let Some(repo) = found.map(|repo| repo.id) else { return self.hidden() };
        let access = self.access(&who, repo);
        if !access.read {
            return self.hidden();
        }
        self.repo_routes(&Ask { repo, who, access }, rest, request)
    }

    fn renamed(&self, owner: &str, name: &str) -> Option<String> {
        let old =
            self.repos.iter().find(|repo| repo.owner == owner && repo.old_names.iter().any(|n| n == name));
        old.map(super::state::Repo::slug)
    }

    fn repo_routes(&mut self, ask: &Ask, rest: &[&str], request: &Request) -> Reply {
        match (request.method.as_str(), rest) {
            ("GET", []) => Reply::json(200, &self.repo_json(ask.repo, ask.access())),
            ("GET", ["hooks" | "branch_protections"] | ["actions", "secrets" | "variables"]) => {
                self.guarded_route(ask, rest, request)
            }
            ("POST", ["branch_protections"]) => self.protect_route(ask, request),
            ("GET", ["collaborators"]) => super::paging::Paging::of(self, request).reply(self, request, &[]),
            ("POST", ["statuses", sha]) => self.status_post_route(ask, sha, request),
            ("GET", ["statuses", sha] | ["commits", sha, "statuses"]) => {
                self.status_history_route(ask, sha, request)
            }
            ("GET", ["commits", sha, "status"]) => self.combined_status_route(ask, sha, request),
            ("GET", ["commits", sha, "pull"]) => self.commit_pull_route(ask, sha),
            (_, ["actions", ..]) => self.actions_routes(ask, rest, request),
            (_, ["pulls", ..]) => self.pull_routes(ask, rest, request),
            (_, ["issues" | "labels", ..]) => self.issue_routes(ask, rest, request),
            (_, ["contents" | "raw" | "git" | "branches" | "compare" | "commits", ..]) => {
                self.git_routes(ask, rest, request)
            }
            _ => no_route(),
        }
    }
}

fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// What a renamed repository answers, to a POST as well: Go's redirect, with a body for GET only.
fn redirect(request: &Request, from: &str, to: &str) -> Reply {
    let location = request.target.replacen(from, to, 1);
    if request.method != "GET" {
        return Reply::empty(301).with("Location", location).with("X-Content-Type-Options", "nosniff");
    }
    let body = format!("<a href=\"{location}\">Moved Permanently</a>.\n\n");
    Reply::bytes(301, "text/html; charset=utf-8", body.into_bytes())
        .with("Location", location)
        .with("X-Content-Type-Options", "nosniff")
}
