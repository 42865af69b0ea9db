//! What the live suite sets up over REST, as a person would: a repository, a pull request and its title, a protected
//! branch. Not recorded: replies hold what the suite reads. Source: the v15 router and its API documentation.

use super::auth::Principal;
use super::branches::{NewCommit, NewPull};
use super::http::{Reply, Request, api_error};
use super::routes::Ask;
use super::state::{Protection, State};

impl State {
    /// `POST user/repos`, always with a first commit.
    pub fn create_repo_route(&mut self, who: &Principal, request: &Request) -> Reply {
        let Principal::Person(login) = who else {
            return api_error(&self.root_url, 401, "token is required");
        };
        let body = request.json().unwrap_or_default();
        let name = body["name"].as_str().unwrap_or_default().to_owned();
        if name.is_empty() || self.repos.iter().any(|repo| repo.owner == *login && repo.name == name) {
            return api_error(&self.root_url, 409, "The repository with the same name already exists.");
        }
        let id = self.add_repo(login, &name);
        self.repo_mut(id).private = body["private"] == true;
        let tree = [("README.md".to_owned(), format!("# {name}\n").into_bytes())].into();
        let message = "Initial commit\n".to_owned();
        let first = NewCommit { sha: None, parents: Vec::new(), message, author: login.clone(), tree };
        self.push_commit(id, "main", first);
        let access = self.access(who, id);
        Reply::json(201, &self.repo_json(id, access))
    }

    /// `POST pulls`, from a branch of the same repository.
    pub fn open_pull_route(&mut self, ask: &Ask, request: &Request) -> Reply {
        let body = request.json().unwrap_or_default();
        let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
        let branches = &self.repo(ask.repo).branches;
        if !branches.contains_key(&text("head")) || !branches.contains_key(&text("base")) {
            return self.hidden();
        }
        let new = NewPull {
            head_repo: ask.repo,
            head_branch: text("head"),
            base_branch: text("base"),
            author: ask.who.login(),
            title: text("title"),
            body: text("body"),
        };
        let number = self.open_pull(ask.repo, new);
        Reply::json(201, &self.pull_json(ask.repo, number, self.nested_access(ask)))
    }

    /// `PATCH pulls/N`: the title.
    pub fn edit_pull_route(&mut self, ask: &Ask, number: i64, request: &Request) -> Reply {
        if !ask.access().write {
            return ask.write_refused(self);
        }
        let body = request.json().unwrap_or_default();
        if let (Some(title), Some(issue)) =
            (body["title"].as_str(), self.repo_mut(ask.repo).issue_mut(number))
        {
            title.clone_into(&mut issue.title);
        }
        Reply::json(201, &self.pull_json(ask.repo, number, self.nested_access(ask)))
    }

    /// `POST branch_protections`: the rule of one branch, named as it is.
    pub fn protect_route(&mut self, ask: &Ask, request: &Request) -> Reply {
        if !ask.access().admin {
            return ask.write_refused(self);
        }
        let body = request.json().unwrap_or_default();
        let name = body["rule_name"].as_str().unwrap_or_default();
        let contexts = body["status_check_contexts"].as_array().into_iter().flatten();
        let contexts = contexts.filter_map(|one| one.as_str().map(str::to_owned)).collect();
        let rule = Protection { required_approvals: 0, contexts };
        match self.repo_mut(ask.repo).branches.get_mut(name) {
            Some(branch) => branch.protection = Some(rule),
            None => return self.hidden(),
        }
        Reply::json(201, &body)
    }
}
