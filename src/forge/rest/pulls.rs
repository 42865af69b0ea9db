//! Pull requests with their changed files and reviews.
//! Everything about `base.sha` is of now, not of the event: for old ones it is today's tip (FORGEJO section 7.4).

use serde::Deserialize;
use url::Url;

use super::paging::{self, Count, Entry};
use super::{Repo, WireUser, commit, malformed, required, time};
use crate::context::{Account, Fork};
use crate::forge::body;
use crate::forge::error::{Exchange, ForgeError};
use crate::model::{CommitSha, PullNumber, Timestamp};

/// A pull request as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pull {
    pub number: PullNumber,
    pub state: PullState,
    pub draft: bool,
    pub head: CommitSha,
    /// Untrusted text; `refs/pull/N/head` once the branch is gone.
    pub head_branch: String,
    pub fork: Fork,
    /// The branch it would be merged into now; it can be changed without a run.
    pub base_branch: String,
    /// That branch's tip now.
    pub base: Option<CommitSha>,
    pub merge_base: Option<CommitSha>,
    pub author: Option<Account>,
    /// Untrusted text.
    pub title: String,
    /// Untrusted text.
    pub body: String,
    pub labels: Vec<String>,
    /// How many files it changes, by the server's count.
    pub changed_files: Option<u64>,
    pub merge_commit: Option<CommitSha>,
    pub merged_at: Option<Timestamp>,
}

/// Open, or how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PullState {
    Open,
    Merged,
    Closed,
}

/// A file the pull request changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedFile {
    /// Untrusted text.
    pub path: String,
    /// The path before a rename.
    pub previous: Option<String>,
    /// The server's word: `added`, `changed`, `deleted`, `renamed`.
    pub status: String,
    /// Lines added, where the server counts them.
    pub additions: Option<u64>,
    /// Lines deleted, where the server counts them.
    pub deletions: Option<u64>,
    /// The commit the listing was made for, as its addresses name it; `None` where it gives none.
    pub at: Option<CommitSha>,
}

/// A review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    pub id: u64,
    pub author: Option<Account>,
    pub state: ReviewState,
    /// The head it was made for: the only sign of freshness that counts.
    pub commit: Option<CommitSha>,
    pub dismissed: bool,
    /// Whether branch protection counts it.
    pub official: bool,
    pub stale: bool,
    pub submitted: Option<Timestamp>,
}

/// What a review says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReviewState {
    Approved,
    ChangesRequested,
    Comment,
    Pending,
    Requested,
    /// A word this program does not know.
    Unknown,
}

impl Repo<'_> {
    /// One pull request.
    ///
    /// # Errors
    /// [`ForgeError`].
    pub fn pull(self, number: PullNumber) -> Result<Pull, ForgeError> {
        let request = self.get_request(&["pulls", &number.to_string()])?;
        self.client.call(&request, body::json::<WirePull>)?.convert(&request.exchange())
    }

    /// The pull request that contains or merged this commit, if any.
    ///
    /// # Errors
    /// [`ForgeError`] for anything but the pull request and the 404 that says there is none.
    pub fn pull_of_commit(self, sha: &CommitSha) -> Result<Option<Pull>, ForgeError> {
        let request = self.get_request(&["commits", sha.as_str(), "pull"])?;
        match self.client.call(&request, body::json::<WirePull>) {
            Ok(pull) => pull.convert(&request.exchange()).map(Some),
            Err(err) if err.is_not_found() && err.body().contains("pull request does not exist") => Ok(None),
            Err(err) => Err(err),
        }
    }

    /// The open pull requests.
    ///
    /// # Errors
    /// [`ForgeError`].
    pub fn open_pulls(self) -> Result<Vec<Pull>, ForgeError> {
        let mut request = self.get_request(&["pulls"])?;
        request.url.query_pairs_mut().append_pair("state", "open");
        let wire: Vec<WirePull> = paging::all(self.client, &request, Count::Exact)?;
        wire.into_iter().map(|pull| pull.convert(&request.exchange())).collect()
    }

    /// The closed pull requests that changed at `since` or later, latest change first.
    ///
    /// # Errors
    /// [`ForgeError`].
    pub fn closed_pulls(self, since: Timestamp) -> Result<Vec<Pull>, ForgeError> {
        let mut request = self.get_request(&["pulls"])?;
        request.url.query_pairs_mut().append_pair("state", "closed").append_pair("sort", "recentupdate");
        let recent =
            |pull: &WirePull| time(pull.updated_at.as_deref()).is_none_or(|updated| updated >= since);
        let wire: Vec<WirePull> = paging::while_wanted(self.client, &request, Count::Exact, recent)?;
        wire.into_iter().map(|pull| pull.convert(&request.exchange())).collect()
    }

    /// The files the pull request changes.
    ///
    /// # Errors
    /// [`ForgeError`]; [`ForgeError::Incomplete`] where the server counted more than it listed.
    pub fn changed_files(self, number: PullNumber) -> Result<Vec<ChangedFile>, ForgeError> {
        let request = self.get_request(&["pulls", &number.to_string(), "files"])?;
        let wire: Vec<WireFile> = paging::all(self.client, &request, Count::Exact)?;
        wire.into_iter().map(|file| file.convert(&request.exchange())).collect()
    }

    /// The change as a patch of at most `limit` bytes, from the merge base to the head as they are now
    /// (transcripts `operator`). Nothing in it says which commits those are.
    ///
    /// # Errors
    /// [`ForgeError`].
    pub fn diff(self, number: PullNumber, limit: u64) -> Result<Vec<u8>, ForgeError> {
        let request = self.get_request(&["pulls", &format!("{number}.diff")])?;
        self.client.call(&request, |reply| body::read(reply, limit))
    }

    /// The reviews, oldest first.
    ///
    /// # Errors
    /// [`ForgeError`].
    pub fn reviews(self, number: PullNumber) -> Result<Vec<Review>, ForgeError> {
        let request = self.get_request(&["pulls", &number.to_string(), "reviews"])?;
        let wire: Vec<WireReview> = paging::all(self.client, &request, Count::Exact)?;
        let mut reviews: Vec<Review> =
            wire.into_iter().map(|review| review.convert(&request.exchange())).collect::<Result<_, _>>()?;
        reviews.sort_by_key(|review| review.id);
        Ok(reviews)
    }
}

#[derive(Deserialize)]
struct WirePull {
    number: Option<u64>,
    state: Option<String>,
    draft: Option<bool>,
    merged: Option<bool>,
    head: Option<WireSide>,
    base: Option<WireSide>,
    merge_base: Option<String>,
    flow: Option<i64>,
    user: Option<WireUser>,
    title: Option<String>,
    body: Option<String>,
    labels: Option<Vec<WireLabel>>,
    changed_files: Option<u64>,
    merge_commit_sha: Option<String>,
    merged_at: Option<String>,
    updated_at: Option<String>,
}

#[derive(Deserialize)]
struct WireSide {
    #[serde(rename = "ref")]
    git_ref: Option<String>,
    sha: Option<String>,
    repo_id: Option<i64>,
}

#[derive(Deserialize)]
struct WireLabel {
    name: Option<String>,
}

impl Entry for WirePull {
    fn key(&self) -> String {
        self.number.unwrap_or(0).to_string()
    }
}

impl WirePull {
    fn convert(self, exchange: &Exchange) -> Result<Pull, ForgeError> {
        let head = required(self.head, exchange, "head")?;
        let base = required(self.base, exchange, "base")?;
        let fork = match (self.flow, head.repo_id, base.repo_id) {
            (Some(1), _, _) => Fork::Yes,
            (_, Some(head), Some(base)) if head == base => Fork::No,
            (_, Some(_), Some(_)) => Fork::Yes,
            _ => Fork::Unknown,
        };
        let number = required(self.number, exchange, "number")?;
        Ok(Pull {
            number: PullNumber::try_from(number)
                .map_err(|err| malformed(exchange.clone(), &err.to_string()))?,
            state: match (self.merged, self.state.as_deref()) {
                (Some(true), _) => PullState::Merged,
                (_, Some("open")) => PullState::Open,
                _ => PullState::Closed,
            },
            draft: self.draft.unwrap_or(false),
            head: required(commit(head.sha.as_deref(), exchange)?, exchange, "head.sha")?,
            head_branch: head.git_ref.unwrap_or_default(),
            fork,
            base_branch: required(base.git_ref, exchange, "base.ref")?,
            base: commit(base.sha.as_deref(), exchange)?,
            merge_base: commit(self.merge_base.as_deref(), exchange)?,
            author: self.user.and_then(WireUser::account),
            title: self.title.unwrap_or_default(),
            body: self.body.unwrap_or_default(),
            labels: self.labels.unwrap_or_default().into_iter().filter_map(|label| label.name).collect(),
            changed_files: self.changed_files,
            merge_commit: commit(self.merge_commit_sha.as_deref(), exchange)?,
            merged_at: time(self.merged_at.as_deref()),
        })
    }
}

#[derive(Deserialize)]
struct WireFile {
    filename: Option<String>,
    previous_filename: Option<String>,
    status: Option<String>,
    additions: Option<u64>,
    deletions: Option<u64>,
    contents_url: Option<String>,
}

impl Entry for WireFile {
    fn key(&self) -> String {
        self.filename.clone().unwrap_or_default()
    }
}

impl WireFile {
    fn convert(self, exchange: &Exchange) -> Result<ChangedFile, ForgeError> {
        let at = self.contents_url.and_then(|text| {
            let url: Url = text.parse().ok()?;
            let (_, sha) = url.query_pairs().find(|(key, _)| key == "ref")?;
            sha.parse().ok()
        });
        Ok(ChangedFile {
            path: required(self.filename, exchange, "filename")?,
            previous: self.previous_filename.filter(|path| !path.is_empty()),
            status: self.status.unwrap_or_default(),
            additions: self.additions,
            deletions: self.deletions,
            at,
        })
    }
}

#[derive(Deserialize)]
struct WireReview {
    id: Option<u64>,
    user: Option<WireUser>,
    state: Option<String>,
    commit_id: Option<String>,
    dismissed: Option<bool>,
    official: Option<bool>,
    stale: Option<bool>,
    submitted_at: Option<String>,
}

impl Entry for WireReview {
    fn key(&self) -> String {
        self.id.unwrap_or(0).to_string()
    }
}

impl WireReview {
    fn convert(self, exchange: &Exchange) -> Result<Review, ForgeError> {
        Ok(Review {
            id: required(self.id, exchange, "id")?,
            author: self.user.and_then(WireUser::account),
            state: match self.state.as_deref() {
                Some("APPROVED") => ReviewState::Approved,
                Some("REQUEST_CHANGES") => ReviewState::ChangesRequested,
                Some("COMMENT") => ReviewState::Comment,
                Some("PENDING") => ReviewState::Pending,
                Some("REQUEST_REVIEW") => ReviewState::Requested,
                _ => ReviewState::Unknown,
            },
            // A review of a commit id we cannot read is bound to nothing.
            commit: self.commit_id.and_then(|id| id.parse().ok()),
            dismissed: self.dismissed.unwrap_or(true),
            official: self.official.unwrap_or(false),
            stale: self.stale.unwrap_or(true),
            submitted: time(self.submitted_at.as_deref()),
        })
    }
}
