//! Setting up repositories, commits, branches, pull requests and issues, without a request.
//! Handles are small copies that point into the forge; what they set is what the next request sees.

use super::FakeForge;
use super::branches::{NewCommit, NewPull};
use super::events::Trigger;
use super::git::Tree;
use super::scene_runs::RunBuilder;
use super::state::{Protection, Repo};

#[derive(Clone, Copy)]
pub struct RepoScene<'f> {
    pub(super) forge: &'f FakeForge,
    pub(super) id: i64,
}

impl<'f> RepoScene<'f> {
    /// The repository of this slug, made public and empty where it is new.
    pub(super) fn of(forge: &'f FakeForge, slug: &str) -> Self {
        let (owner, name) = slug.split_once('/').expect("a slug is owner/name");
        let id = forge.with(|state| {
            let found = state.repos.iter().find(|repo| repo.owner == owner && repo.name == name);
            if let Some(found) = found {
                return found.id;
            }
            state.add_repo(owner, name)
        });
        Self { forge, id }
    }

    fn set(self, change: impl FnOnce(&mut Repo)) -> Self {
        self.forge.with(|state| change(state.repo_mut(self.id)));
        self
    }

    pub fn private(self) -> Self {
        self.set(|repo| repo.private = true)
    }

    pub fn topic(self, topic: &str) -> Self {
        self.set(|repo| repo.topics.push(topic.to_owned()))
    }

    /// The next run number and the next number of an issue or pull request.
    pub fn counting_from(self, run: i64, issue: i64) -> Self {
        self.set(|repo| (repo.next_run_number, repo.next_number) = (run, issue))
    }

    /// From now on the old name redirects.
    pub fn rename(self, name: &str) -> Self {
        self.set(|repo| {
            let old = std::mem::replace(&mut repo.name, name.to_owned());
            repo.old_names.push(old);
        })
    }

    /// A fork with all commits and branches of this repository.
    pub fn fork(self, slug: &str) -> RepoScene<'f> {
        let fork = RepoScene::of(self.forge, slug);
        self.forge.with(|state| {
            let (branches, known) = {
                let origin = state.repo(self.id);
                (origin.branches.clone(), origin.known.clone())
            };
            let of = state.repo_mut(fork.id);
            (of.branches, of.known, of.fork_of) = (branches, known, Some(self.id));
        });
        fork
    }

    /// A commit to be pushed to `branch`; see [`CommitScene`].
    pub fn commit(self, branch: &str) -> CommitScene<'f> {
        let tip = self.forge.with(|state| state.repo(self.id).branches.get(branch).map(|b| b.tip.clone()));
        let tree = self.forge.with(|state| tip.as_ref().map(|tip| state.commits[tip].tree.clone()));
        CommitScene {
            repo: self,
            branch: branch.to_owned(),
            new: NewCommit {
                sha: None,
                parents: tip.into_iter().collect(),
                message: "a commit\n".to_owned(),
                author: self.forge.with(|state| state.repo(self.id).owner.clone()),
                tree: tree.unwrap_or_default(),
            },
        }
    }

    /// A new branch at the tip of another.
    pub fn branch(self, name: &str, from: &str) -> Self {
        self.set(|repo| {
            let mut branch = repo.branches.get(from).expect("a branch to start from").clone();
            (branch.protection, branch.before) = (None, None);
            repo.branches.insert(name.to_owned(), branch);
        })
    }

    pub fn delete_branch(self, name: &str) -> Self {
        self.set(|repo| drop(repo.branches.remove(name)))
    }

    pub fn tag(self, name: &str, branch: &str) -> Self {
        self.set(|repo| {
            let tip = repo.branches.get(branch).expect("a branch to tag").tip.clone();
            repo.tags.insert(name.to_owned(), tip);
        })
    }

    pub fn protect(self, branch: &str, protection: Protection) -> Self {
        let set = |repo: &mut Repo| {
            repo.branches.get_mut(branch).expect("a branch to protect").protection = Some(protection);
        };
        self.set(set)
    }

    pub fn tip(self, branch: &str) -> String {
        self.forge.with(|state| state.repo(self.id).branches[branch].tip.clone())
    }

    /// A workflow that the `dispatches` route can start, its jobs without needs.
    pub fn workflow(self, file: &str, jobs: &[&str]) -> Self {
        let jobs = jobs.iter().map(|job| ((*job).to_owned(), Vec::new())).collect();
        self.set(|repo| drop(repo.workflows.insert(file.to_owned(), jobs)))
    }

    pub fn label(self, name: &str, color: &str) -> i64 {
        self.forge.with(|state| state.add_label(self.id, name, color))
    }

    /// Opens an issue and gives its number.
    pub fn issue(self, author: &str, title: &str, body: &str) -> i64 {
        self.forge.with(|state| state.open_issue(self.id, author, title, body, Vec::new()))
    }

    /// Puts a label on an issue or pull request.
    pub fn put_label(self, number: i64, label: i64, by: &str) {
        self.forge.with(|state| state.put_label(self.id, number, label, by));
    }

    pub fn comment(self, number: i64, by: &str, body: &str) -> i64 {
        self.forge.with(|state| {
            state.ensure_user(by);
            state.record(self.id, number, "comment", by, body)
        })
    }

    /// Opens a pull request from a branch of this repository.
    pub fn pull(self, head: &str, base: &str) -> PullBuilder<'f> {
        PullBuilder { repo: self, head: self, branch: head.to_owned(), base: base.to_owned(), author: None }
    }

    /// The pull request of this number.
    pub fn pull_scene(self, number: i64) -> PullScene<'f> {
        PullScene { repo: self, number }
    }

    /// A run of a workflow file; its jobs are added to the builder.
    pub fn run(self, workflow: &str, trigger: Trigger) -> RunBuilder<'f> {
        RunBuilder::new(self, workflow, trigger)
    }

    /// Posts a commit status as whoever may, the history as the server keeps it.
    pub fn status(self, sha: &str, state: &str, context: &str) {
        self.status_at(sha, state, context, "");
    }

    /// The same with an address of the poster's choice.
    pub fn status_at(self, sha: &str, state: &str, context: &str, target_url: &str) {
        self.forge.with(|forge| forge.post_status(self.id, sha, state, context, "", target_url));
    }
}

/// A commit in the making: starts from the branch's tree and the branch's tip as parent.
pub struct CommitScene<'f> {
    repo: RepoScene<'f>,
    branch: String,
    new: NewCommit,
}

impl CommitScene<'_> {
    pub fn file(mut self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.new.tree.insert(path.to_owned(), content.as_ref().to_vec());
        self
    }

    pub fn remove(mut self, path: &str) -> Self {
        self.new.tree.remove(path);
        self
    }

    pub fn message(mut self, message: &str) -> Self {
        self.new.message = format!("{message}\n");
        self
    }

    pub fn author(mut self, login: &str) -> Self {
        login.clone_into(&mut self.new.author);
        self
    }

    /// A recorded id instead of a made one.
    pub fn sha(mut self, sha: &str) -> Self {
        self.new.sha = Some(sha.to_owned());
        self
    }

    /// Another parent than the tip: pushing that is a force push.
    pub fn parent(mut self, sha: &str) -> Self {
        self.new.parents = vec![sha.to_owned()];
        self
    }

    /// A second parent: a merge.
    pub fn also_parent(mut self, sha: &str) -> Self {
        self.new.parents.push(sha.to_owned());
        self
    }

    /// Starts from nothing instead of the branch's tree.
    pub fn clean(mut self) -> Self {
        self.new.tree = Tree::new();
        self
    }

    /// Pushes it and gives its id.
    pub fn push(self) -> String {
        self.repo.forge.with(|state| state.push_commit(self.repo.id, &self.branch, self.new))
    }
}

pub struct PullBuilder<'f> {
    repo: RepoScene<'f>,
    head: RepoScene<'f>,
    branch: String,
    base: String,
    author: Option<String>,
}

impl<'f> PullBuilder<'f> {
    /// The head branch is in this fork.
    pub fn from(mut self, fork: RepoScene<'f>) -> Self {
        self.head = fork;
        self
    }

    pub fn author(mut self, login: &str) -> Self {
        self.author = Some(login.to_owned());
        self
    }

    /// Opens it with a title and a body.
    pub fn open(self, title: &str, body: &str) -> PullScene<'f> {
        let number = self.repo.forge.with(|state| {
            let author = self.author.unwrap_or_else(|| state.repo(self.head.id).owner.clone());
            let new = NewPull {
                head_repo: self.head.id,
                head_branch: self.branch,
                base_branch: self.base,
                author,
                title: title.to_owned(),
                body: body.to_owned(),
            };
            state.open_pull(self.repo.id, new)
        });
        PullScene { repo: self.repo, number }
    }
}

#[derive(Clone, Copy)]
pub struct PullScene<'f> {
    repo: RepoScene<'f>,
    pub number: i64,
}

impl PullScene<'_> {
    pub fn head(self) -> String {
        self.repo.forge.with(|state| {
            let issue = state.repo(self.repo.id).issue(self.number);
            issue.and_then(|issue| issue.pull.as_ref()).expect("a pull request").head_sha.clone()
        })
    }

    /// A review of the present head; `state` in Forgejo's words (`APPROVED`, `REQUEST_CHANGES`, `COMMENT`).
    pub fn review(self, by: &str, state: &str, body: &str) -> i64 {
        let head = self.head();
        self.repo.forge.with(|forge| forge.add_review(self.repo.id, self.number, by, state, body, &head))
    }

    pub fn dismiss(self, review: i64, by: &str) {
        let found = self.repo.forge.with(|f| f.dismiss_review(self.repo.id, self.number, review, by));
        assert!(found, "no review {review}");
    }

    pub fn draft(self) -> Self {
        self.repo.set(|repo| {
            let issue = repo.issue_mut(self.number).expect("a pull request");
            issue.pull.as_mut().expect("a pull request").draft = true;
        });
        self
    }

    /// Another base: no run starts and every status stays.
    pub fn retarget(self, base: &str) {
        self.repo.set(|repo| {
            let issue = repo.issue_mut(self.number).expect("a pull request");
            base.clone_into(&mut issue.pull.as_mut().expect("a pull request").base_branch);
        });
    }

    pub fn close(self, by: &str) {
        self.repo.forge.with(|state| state.close_issue(self.repo.id, self.number, by));
    }

    /// Merges whatever protection says, and gives the merge commit.
    pub fn merge(self, by: &str) -> String {
        self.merge_as(by, None)
    }

    /// As [`Self::merge`], with a recorded id for the merge commit.
    pub fn merge_as(self, by: &str, sha: Option<&str>) -> String {
        let sha = sha.map(str::to_owned);
        self.repo.forge.with(|state| state.merge_pull(self.repo.id, self.number, by, sha))
    }
}
