//! Runs: by head, by number, one by id (v12 and later; FORGEJO section 3.2).
//! `id` is what REST and artifacts want, `number` what web addresses show.

use serde::Deserialize;

use super::paging::{self, Count, Entry};
use super::{Actions, Repo, commit, malformed, required, time};
use crate::forge::body;
use crate::forge::error::{Exchange, ForgeError};
use crate::forge::request::Request;
use crate::model::{CommitSha, PullNumber, RunId, Timestamp, sanitize};

/// One run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub id: RunId,
    /// The number in web addresses, counted per repository.
    pub number: u64,
    /// The commit it judges: for `pull_request_target` the head as well.
    pub head: Option<CommitSha>,
    /// The word of `on:` (`trigger_event`); the field `event` lumps some together.
    pub event: String,
    /// The workflow's file name without its folder.
    pub workflow_file: String,
    pub status: RunStatus,
    /// The pull request, where the run's ref is one.
    pub pull: Option<PullNumber>,
    /// The branch or tag, where the run's ref is one. Untrusted text.
    pub branch: Option<String>,
    pub from_fork: bool,
    /// Waits for a maintainer's approval: `blocked` on v16, `waiting` on v15 (LIVE section 7).
    pub needs_approval: bool,
    pub created: Option<Timestamp>,
    pub started: Option<Timestamp>,
    pub stopped: Option<Timestamp>,
    /// As the server writes it, with its own `ROOT_URL`.
    pub html_url: String,
}

/// How far a run, a job or a task is; Forgejo has one word for state and conclusion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RunStatus {
    Blocked,
    Cancelled,
    Failure,
    Running,
    Skipped,
    Success,
    /// Also any word this program does not know.
    Unknown,
    Waiting,
}

impl RunStatus {
    /// Every status, in alphabetical order.
    pub const ALL: [Self; 8] = [
        Self::Blocked,
        Self::Cancelled,
        Self::Failure,
        Self::Running,
        Self::Skipped,
        Self::Success,
        Self::Unknown,
        Self::Waiting,
    ];

    /// The server's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::Cancelled => "cancelled",
            Self::Failure => "failure",
            Self::Running => "running",
            Self::Skipped => "skipped",
            Self::Success => "success",
            Self::Unknown => "unknown",
            Self::Waiting => "waiting",
        }
    }

    /// Whether nothing more will happen. A run says `failure` while other jobs of it still run.
    pub fn is_done(self) -> bool {
        matches!(self, Self::Cancelled | Self::Failure | Self::Skipped | Self::Success)
    }

    pub(super) fn from_word(word: Option<&str>) -> Self {
        Self::ALL.into_iter().find(|status| Some(status.as_str()) == word).unwrap_or(Self::Unknown)
    }
}

/// A list of runs, to be narrowed and then fetched with [`ListRuns::list`].
pub struct ListRuns<'a> {
    repo: Repo<'a>,
    query: Vec<(&'static str, String)>,
    since: Option<Timestamp>,
}

impl<'a> Actions<'a> {
    /// All runs of the repository.
    pub fn runs(self) -> ListRuns<'a> {
        ListRuns { repo: self.repo, query: Vec::new(), since: None }
    }

    /// One run.
    pub fn run(self, id: RunId) -> OneRun<'a> {
        OneRun { repo: self.repo, id }
    }
}

impl ListRuns<'_> {
    /// Only those that judge this commit.
    #[must_use]
    pub fn head_sha(mut self, sha: &CommitSha) -> Self {
        self.query.push(("head_sha", sha.to_string()));
        self
    }

    /// Only the one with this number.
    #[must_use]
    pub fn run_number(mut self, number: u64) -> Self {
        self.query.push(("run_number", number.to_string()));
        self
    }

    /// Only those created since: the reading ends at the first older one. Servers before v15 list runs unordered, so
    /// there some of them may be missed.
    #[must_use]
    pub fn since(mut self, time: Timestamp) -> Self {
        self.since = Some(time);
        self
    }

    /// Newest first: v12 to v14 list them unordered, so they are ordered here.
    ///
    /// # Errors
    /// [`ForgeError`]; 404 before v12.
    pub fn list(self) -> Result<Vec<Run>, ForgeError> {
        let mut request = self.repo.get_request(&["actions", "runs"])?;
        if !self.query.is_empty() {
            request.url.query_pairs_mut().extend_pairs(&self.query);
        }
        let recent = |run: &WireRun| match (time(run.created.as_deref()), self.since) {
            (Some(created), Some(since)) => created >= since,
            _ => true,
        };
        let wire: Vec<WireRun> = paging::while_wanted(self.repo.client, &request, Count::Exact, recent)?;
        let mut runs: Vec<Run> =
            wire.into_iter().map(|run| run.convert(&request.exchange())).collect::<Result<_, _>>()?;
        runs.sort_by_key(|run| std::cmp::Reverse(run.id));
        Ok(runs)
    }
}

/// One run of the repository.
#[derive(Clone, Copy)]
pub struct OneRun<'a> {
    pub(super) repo: Repo<'a>,
    pub(super) id: RunId,
}

impl OneRun<'_> {
    /// The run itself.
    ///
    /// # Errors
    /// [`ForgeError`]; 404 before v12 and for a run of another repository.
    pub fn get(self) -> Result<Run, ForgeError> {
        let request = self.repo.get_request(&["actions", "runs", &self.id.to_string()])?;
        fetch(self.repo, &request)
    }
}

impl crate::forge::client::Client {
    /// The run this job token belongs to (v16 and later).
    ///
    /// # Errors
    /// [`ForgeError`]; 404 before v16, 403 for any other token.
    pub fn own_run(&self) -> Result<Run, ForgeError> {
        let request = Request::get(self.api_url(&["actions", "run"])?);
        self.call(&request, body::json::<WireRun>)?.convert(&request.exchange())
    }
}

fn fetch(repo: Repo<'_>, request: &Request) -> Result<Run, ForgeError> {
    repo.client.call(request, body::json::<WireRun>)?.convert(&request.exchange())
}

/// Intentionally incomplete: the webhook's payload inside is never read.
#[derive(Deserialize)]
struct WireRun {
    id: Option<u64>,
    index_in_repo: Option<u64>,
    workflow_id: Option<String>,
    commit_sha: Option<String>,
    prettyref: Option<String>,
    event: Option<String>,
    trigger_event: Option<String>,
    status: Option<String>,
    is_fork_pull_request: Option<bool>,
    need_approval: Option<bool>,
    created: Option<String>,
    started: Option<String>,
    stopped: Option<String>,
    html_url: Option<String>,
}

impl Entry for WireRun {
    fn key(&self) -> String {
        self.id.unwrap_or(0).to_string()
    }
}

impl WireRun {
    fn convert(self, exchange: &Exchange) -> Result<Run, ForgeError> {
        let id = required(self.id, exchange, "id")?;
        let event = self.trigger_event.filter(|word| !word.is_empty()).or(self.event).unwrap_or_default();
        let pull = self.prettyref.as_deref().and_then(|text| text.strip_prefix('#')?.parse().ok());
        Ok(Run {
            id: RunId::try_from(id).map_err(|err| malformed(exchange.clone(), &err.to_string()))?,
            number: required(self.index_in_repo, exchange, "index_in_repo")?,
            head: commit(self.commit_sha.as_deref(), exchange)?,
            event: sanitize(&event, 60),
            workflow_file: self.workflow_id.unwrap_or_default(),
            status: RunStatus::from_word(self.status.as_deref()),
            pull,
            branch: self.prettyref.filter(|text| pull.is_none() && !text.is_empty()),
            from_fork: self.is_fork_pull_request.unwrap_or(false),
            needs_approval: self.need_approval.unwrap_or(false),
            created: time(self.created.as_deref()),
            started: time(self.started.as_deref()),
            stopped: time(self.stopped.as_deref()),
            html_url: self.html_url.unwrap_or_default(),
        })
    }
}
