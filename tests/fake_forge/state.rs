//! Everything the forge remembers, as plain data, and the look-ups every route family needs.
//! Behaviour lives with its family: `lifecycle` moves jobs, `artifacts` moves artifacts, `git` knows commits.

use std::collections::{BTreeMap, BTreeSet};

use super::Version;
use super::artifacts::Artifacts;
use super::auth::Principal;
use super::git::Commits;

/// The identity of everything a job writes.
pub const ACTIONS_USER: &str = "forgejo-actions";

#[derive(Clone)]
pub struct User {
    pub id: i64,
    pub login: String,
    pub full_name: String,
    pub email: String,
    pub admin: bool,
}

/// Branch protection as far as `GET branches/{name}` tells of it.
#[derive(Clone, Default)]
pub struct Protection {
    pub required_approvals: i64,
    /// Required contexts; an empty list switches the status check off.
    pub contexts: Vec<String>,
}

#[derive(Clone)]
pub struct Branch {
    pub tip: String,
    /// Where it stood before the last push; none for a branch that push made.
    pub before: Option<String>,
    pub protection: Option<Protection>,
}

#[derive(Clone)]
pub struct Label {
    pub id: i64,
    pub name: String,
    pub color: String,
    pub description: String,
}

/// One row of a commit's history of statuses. Nobody's name is in it: the server keeps none to show.
#[derive(Clone)]
pub struct CommitStatus {
    /// Counted per commit, from 1.
    pub index: i64,
    pub sha: String,
    pub state: String,
    pub context: String,
    pub description: String,
    pub target_url: String,
    pub at: i64,
}

#[derive(Clone)]
pub struct Review {
    pub id: i64,
    pub user: String,
    pub state: String,
    pub body: String,
    pub commit_id: String,
    pub dismissed: bool,
    pub comment_id: i64,
    pub at: i64,
}

#[derive(Clone)]
pub struct Merged {
    pub at: i64,
    pub by: String,
    pub sha: String,
}

#[derive(Clone)]
pub struct Pull {
    pub id: i64,
    pub head_repo: i64,
    pub head_branch: String,
    pub head_sha: String,
    pub base_branch: String,
    pub merge_base: String,
    pub draft: bool,
    pub merged: Option<Merged>,
    pub reviews: Vec<Review>,
}

/// An entry of an issue's timeline; those of kind `comment` are its comments.
#[derive(Clone)]
pub struct Entry {
    pub id: i64,
    pub kind: &'static str,
    pub user: String,
    pub body: String,
    pub created: i64,
    pub updated: i64,
    pub review_id: i64,
    pub label: Option<i64>,
}

/// An issue, or a pull request where `pull` is there: both share numbers and comments.
#[derive(Clone)]
pub struct Issue {
    pub id: i64,
    pub number: i64,
    pub author: String,
    pub title: String,
    pub body: String,
    pub open: bool,
    pub labels: Vec<i64>,
    pub created: i64,
    pub updated: i64,
    pub closed: Option<i64>,
    pub timeline: Vec<Entry>,
    /// Reviews count as well, but only once another comment makes the server count again.
    pub comments: usize,
    pub pull: Option<Pull>,
}

/// A workflow that `dispatches` can start: its jobs with what each needs.
pub type WorkflowJobs = Vec<(String, Vec<String>)>;

pub struct Repo {
    pub id: i64,
    pub owner: String,
    pub name: String,
    pub old_names: Vec<String>,
    pub private: bool,
    pub fork_of: Option<i64>,
    pub topics: Vec<String>,
    pub default_branch: String,
    pub branches: BTreeMap<String, Branch>,
    pub tags: BTreeMap<String, String>,
    /// Commits this repository can read; the objects are in `State::commits`.
    pub known: BTreeSet<String>,
    pub labels: Vec<Label>,
    pub issues: Vec<Issue>,
    pub statuses: Vec<CommitStatus>,
    pub workflows: BTreeMap<String, WorkflowJobs>,
    pub next_run_number: i64,
    pub next_number: i64,
    pub created: i64,
}

impl Repo {
    pub fn slug(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// A branch, a tag, a full ref or a full commit id, as the commit it names here.
    pub fn resolve(&self, reference: &str) -> Option<String> {
        let short = reference.strip_prefix("refs/heads/").or_else(|| reference.strip_prefix("refs/tags/"));
        let short = short.unwrap_or(reference);
        if let Some(branch) = self.branches.get(short) {
            return Some(branch.tip.clone());
        }
        let tag = self.tags.get(short).cloned();
        tag.or_else(|| self.known.contains(reference).then(|| reference.to_owned()))
    }

    pub fn issue(&self, number: i64) -> Option<&Issue> {
        self.issues.iter().find(|issue| issue.number == number)
    }

    pub fn issue_mut(&mut self, number: i64) -> Option<&mut Issue> {
        self.issues.iter_mut().find(|issue| issue.number == number)
    }

    pub fn label(&self, id: i64) -> Option<&Label> {
        self.labels.iter().find(|label| label.id == id)
    }
}

/// A run, job or task state, in the server's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Waiting,
    Blocked,
    Running,
    Success,
    Failure,
    Cancelled,
    Skipped,
}

impl Status {
    pub const ALL: [Self; 7] = [
        Self::Waiting,
        Self::Blocked,
        Self::Running,
        Self::Success,
        Self::Failure,
        Self::Cancelled,
        Self::Skipped,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Blocked => "blocked",
            Self::Running => "running",
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
        }
    }

    pub fn is_done(self) -> bool {
        matches!(self, Self::Success | Self::Failure | Self::Cancelled | Self::Skipped)
    }
}

pub struct Job {
    pub id: i64,
    /// The job id of the workflow file.
    pub key: String,
    /// The display name; tasks, jobs and status contexts show this one.
    pub name: String,
    pub needs: Vec<String>,
    /// `if: always()`.
    pub always: bool,
    pub status: Status,
    pub attempt: i64,
    pub task: Option<i64>,
}

/// One attempt of one job, once a runner took it.
pub struct Task {
    pub id: i64,
    pub run: i64,
    pub job: i64,
    pub attempt: i64,
    pub status: Status,
    pub started: i64,
    pub updated: i64,
    pub log: String,
    pub token: String,
    pub runtime_token: String,
}

pub struct Run {
    pub id: i64,
    pub repo: i64,
    /// The run number, `index_in_repo`, which is not the id.
    pub index: i64,
    pub workflow: String,
    pub title: String,
    pub occasion: super::events::Occasion,
    pub need_approval: bool,
    pub approved_by: i64,
    pub created: i64,
    pub updated: i64,
    pub started: Option<i64>,
    pub stopped: Option<i64>,
    pub jobs: Vec<Job>,
}

/// The next id of each kind. Scenes that must match a recording set them first.
#[derive(Clone)]
pub struct Ids {
    pub repo: i64,
    pub issue: i64,
    pub pull: i64,
    pub comment: i64,
    pub review: i64,
    pub label: i64,
    pub run: i64,
    pub job: i64,
    pub task: i64,
    pub artifact: i64,
}

impl Default for Ids {
    /// Far apart, so that a test which takes one id for another fails.
    fn default() -> Self {
        let (repo, issue, pull, comment, review) = (10, 200, 300, 400, 500);
        Self { repo, issue, pull, comment, review, label: 600, run: 46, job: 820, task: 7000, artifact: 9100 }
    }
}

pub fn next(id: &mut i64) -> i64 {
    *id += 1;
    *id - 1
}

#[derive(Clone, Debug)]
pub struct Team {
    pub id: usize,
    pub org: String,
    pub name: String,
    pub members: Vec<String>,
}

pub struct State {
    pub version: Version,
    /// Where the installation answers, without a trailing slash.
    pub base_url: String,
    /// `[server] ROOT_URL`: the origin of every address it hands out, with a trailing slash.
    pub root_url: String,
    pub max_response_items: usize,
    pub default_paging_num: usize,
    /// Seconds since 1970; moves only when a scene or a test moves it.
    pub now: i64,
    pub ids: Ids,
    pub users: Vec<User>,
    pub repos: Vec<Repo>,
    pub commits: Commits,
    pub teams: Vec<Team>,
    pub runs: Vec<Run>,
    pub tasks: Vec<Task>,
    pub artifacts: Artifacts,
    pub tokens: BTreeMap<String, Principal>,
    /// Shuffles what Go's maps shuffle.
    pub seed: u64,
}

impl State {
    pub fn repo(&self, id: i64) -> &Repo {
        self.repos.iter().find(|repo| repo.id == id).expect("a repository of this forge")
    }

    pub fn repo_mut(&mut self, id: i64) -> &mut Repo {
        self.repos.iter_mut().find(|repo| repo.id == id).expect("a repository of this forge")
    }

    pub fn run(&self, id: i64) -> &Run {
        self.runs.iter().find(|run| run.id == id).expect("a run of this forge")
    }

    pub fn run_mut(&mut self, id: i64) -> &mut Run {
        self.runs.iter_mut().find(|run| run.id == id).expect("a run of this forge")
    }

    pub fn task(&self, id: i64) -> Option<&Task> {
        self.tasks.iter().find(|task| task.id == id)
    }

    /// The user of this login, or Forgejo's ghost.
    pub fn known_user(&self, login: &str) -> User {
        let found = self.users.iter().find(|user| user.login == login).cloned();
        let (login, full_name) = ("Ghost".to_owned(), String::new());
        let ghost = User { id: -1, login, full_name, email: String::new(), admin: false };
        found.unwrap_or(ghost)
    }

    /// The user of this login, declared here where no one did before.
    pub fn ensure_user(&mut self, login: &str) -> User {
        if let Some(user) = self.users.iter().find(|user| user.login == login) {
            return user.clone();
        }
        let id = self.users.iter().map(|user| user.id).max().unwrap_or(0).max(0) + 1;
        let email = format!("{login}@example.com");
        let (login, full_name) = (login.to_owned(), String::new());
        let user = User { id, login, full_name, email, admin: false };
        self.users.push(user.clone());
        user
    }

    /// The next number of a small generator that depends on nothing but the seed.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            self.seed ^= self.seed << 13;
            self.seed ^= self.seed >> 7;
            self.seed ^= self.seed << 17;
            let other = usize::try_from(self.seed % (last as u64 + 1)).unwrap();
            items.swap(last, other);
        }
    }

    /// Appends to an issue's timeline and gives the entry's id.
    pub fn record(&mut self, repo: i64, number: i64, kind: &'static str, user: &str, body: &str) -> i64 {
        let (id, now) = (next(&mut self.ids.comment), self.now);
        let (user, body) = (user.to_owned(), body.to_owned());
        let entry = Entry { id, kind, user, body, created: now, updated: now, review_id: 0, label: None };
        if let Some(issue) = self.repo_mut(repo).issue_mut(number) {
            issue.timeline.push(entry);
            issue.updated = now;
            if kind == "comment" {
                let counted = issue.timeline.iter().filter(|e| matches!(e.kind, "comment" | "review"));
                issue.comments = counted.count();
            }
        }
        id
    }
}

/// RFC 3339 in UTC, or Go's zero time of an unset database column.
pub fn rfc3339(at: Option<i64>) -> String {
    jiff::Timestamp::from_second(at.unwrap_or(0)).expect("a time of this era").to_string()
}

/// The date format of HTTP headers.
pub fn http_date(at: i64) -> String {
    let at = jiff::Timestamp::from_second(at).expect("a time of this era");
    jiff::fmt::rfc2822::DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&at)
        .expect("a year of four digits")
}
