//! What moves when a branch moves: commits pushed, pull requests opened, updated and merged.
//! A push to the head of an open pull request leaves a `pull_push` entry, the first one included.

use serde_json::json;

use super::git::{self, Commit, Tree, commit_id};
use super::state::{Branch, Issue, Merged, Pull, State, next};

pub struct NewCommit {
    /// A recorded id, or none for one made of the content.
    pub sha: Option<String>,
    pub parents: Vec<String>,
    pub message: String,
    pub author: String,
    pub tree: Tree,
}

pub struct NewPull {
    pub head_repo: i64,
    pub head_branch: String,
    pub base_branch: String,
    pub author: String,
    pub title: String,
    pub body: String,
}

impl State {
    pub fn push_commit(&mut self, repo: i64, branch: &str, new: NewCommit) -> String {
        self.ensure_user(&new.author);
        let NewCommit { sha, parents, message, author, tree } = new;
        let mut commit = Commit { sha: String::new(), parents, message, author, when: self.now, tree };
        commit.sha = sha.unwrap_or_else(|| commit_id(&commit));
        let (sha, author) = (commit.sha.clone(), commit.author.clone());
        self.commits.insert(sha.clone(), commit);
        let of = self.repo_mut(repo);
        of.known.insert(sha.clone());
        let before = of.branches.get(branch).map(|branch| branch.tip.clone());
        let protection = of.branches.get(branch).and_then(|branch| branch.protection.clone());
        of.branches
            .insert(branch.to_owned(), Branch { tip: sha.clone(), before: before.clone(), protection });
        self.update_pulls(repo, branch, before.as_deref(), &sha, &author);
        sha
    }

    fn update_pulls(&mut self, repo: i64, branch: &str, before: Option<&str>, tip: &str, by: &str) {
        let open: Vec<(i64, i64)> = self
            .repos
            .iter()
            .flat_map(|base| base.issues.iter().map(move |issue| (base.id, issue)))
            .filter(|(_, issue)| issue.open)
            .filter(|(_, issue)| {
                issue.pull.as_ref().is_some_and(|p| p.head_repo == repo && p.head_branch == branch)
            })
            .map(|(base, issue)| (base, issue.number))
            .collect();
        for (base, number) in open {
            let forced =
                before.is_some_and(|old| git::merge_base(&self.commits, tip, old).as_deref() != Some(old));
            let ids = self.share(base, before.filter(|_| !forced), tip);
            self.record_push(base, number, by, forced, &ids);
            let merge_base = self.pull_base(base, number, tip);
            if let Some(pull) = self.repo_mut(base).issue_mut(number).and_then(|issue| issue.pull.as_mut()) {
                pull.head_sha = tip.to_owned();
                pull.merge_base = merge_base;
            }
        }
    }

    /// Lets `repo` read what `tip` brings and gives the ids that are new since `before`, oldest first.
    fn share(&mut self, repo: i64, before: Option<&str>, tip: &str) -> Vec<String> {
        let all: Vec<String> = git::ancestry(&self.commits, tip).iter().map(|c| c.sha.clone()).collect();
        let old = before.map(|old| git::ancestry(&self.commits, old)).unwrap_or_default();
        let known = &self.repo(repo).known;
        let fresh = |sha: &&String| match before {
            Some(_) => !old.iter().any(|commit| commit.sha == **sha),
            None => !known.contains(*sha) || *sha == tip,
        };
        let mut ids: Vec<String> = all.iter().filter(fresh).cloned().collect();
        ids.reverse();
        self.repo_mut(repo).known.extend(all);
        ids
    }

    fn record_push(&mut self, repo: i64, number: i64, by: &str, forced: bool, ids: &[String]) {
        // The key order of the recorded entry.
        let body = format!("{{\"is_force_push\":{forced},\"commit_ids\":{}}}", json!(ids));
        self.record(repo, number, "pull_push", by, &body);
    }

    fn pull_base(&self, repo: i64, number: i64, head: &str) -> String {
        let issue = self.repo(repo).issue(number);
        let base = issue.and_then(|issue| issue.pull.as_ref()).map(|pull| pull.base_branch.clone());
        let tip = base.and_then(|base| self.repo(repo).resolve(&base)).unwrap_or_default();
        git::merge_base(&self.commits, head, &tip).unwrap_or_default()
    }

    pub fn open_issue(&mut self, repo: i64, author: &str, title: &str, body: &str, labels: Vec<i64>) -> i64 {
        self.ensure_user(author);
        let (id, now) = (next(&mut self.ids.issue), self.now);
        let number = next(&mut self.repo_mut(repo).next_number);
        let own = str::to_owned;
        self.repo_mut(repo).issues.push(Issue {
            id,
            number,
            author: own(author),
            title: own(title),
            body: own(body),
            open: true,
            labels,
            created: now,
            updated: now,
            closed: None,
            timeline: Vec::new(),
            comments: 0,
            pull: None,
        });
        number
    }

    pub fn open_pull(&mut self, repo: i64, new: NewPull) -> i64 {
        let tip = self.repo(new.head_repo).branches[&new.head_branch].tip.clone();
        let base = self.repo(repo).branches[&new.base_branch].tip.clone();
        let number = self.open_issue(repo, &new.author, &new.title, &new.body, Vec::new());
        let merge_base = git::merge_base(&self.commits, &tip, &base).unwrap_or_default();
        let pull = Pull {
            id: next(&mut self.ids.pull),
            head_repo: new.head_repo,
            head_branch: new.head_branch,
            head_sha: tip.clone(),
            base_branch: new.base_branch,
            merge_base: merge_base.clone(),
            draft: false,
            merged: None,
            reviews: Vec::new(),
        };
        self.repo_mut(repo).issue_mut(number).expect("just opened").pull = Some(pull);
        let ids = self.share(repo, Some(&merge_base), &tip);
        self.record_push(repo, number, &new.author, false, &ids);
        number
    }

    pub fn close_issue(&mut self, repo: i64, number: i64, by: &str) {
        let now = self.now;
        self.record(repo, number, "close", by, "");
        if let Some(issue) = self.repo_mut(repo).issue_mut(number) {
            (issue.open, issue.closed, issue.updated) = (false, Some(now), now);
        }
    }

    /// Merges with a merge commit on the base, whatever protection says: the scene decides.
    pub fn merge_pull(&mut self, repo: i64, number: i64, by: &str, sha: Option<String>) -> String {
        let issue = self.repo(repo).issue(number).expect("an issue of this repository").clone();
        let pull = issue.pull.expect("a pull request");
        let base = self.repo(repo).branches[&pull.base_branch].tip.clone();
        let mut tree = self.commits[&base].tree.clone();
        let old = &self.commits[&pull.merge_base].tree;
        let new = &self.commits[&pull.head_sha].tree;
        for change in git::changes(old, new) {
            match new.get(&change.path) {
                Some(content) => drop(tree.insert(change.path.clone(), content.clone())),
                None => drop(tree.remove(&change.path)),
            }
            if let Some(previous) = &change.previous {
                tree.remove(previous);
            }
        }
        let message = format!(
            "Merge pull request '{}' (#{number}) from {} into {}\n",
            issue.title, pull.head_branch, pull.base_branch
        );
        let parents = vec![base, pull.head_sha];
        let new = NewCommit { sha, parents, message, author: by.to_owned(), tree };
        let merged = self.push_commit(repo, &pull.base_branch, new);
        self.record(repo, number, "merge_pull", by, "");
        let now = self.now;
        if let Some(issue) = self.repo_mut(repo).issue_mut(number) {
            (issue.open, issue.closed, issue.updated) = (false, Some(now), now);
            if let Some(pull) = &mut issue.pull {
                pull.merged = Some(Merged { at: now, by: by.to_owned(), sha: merged.clone() });
            }
        }
        merged
    }
}
