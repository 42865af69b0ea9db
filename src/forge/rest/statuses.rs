//! Commit statuses. A status names no author and anyone with the job token of a branch can post any context
//! (LIVE section 8), so the history is as interesting as what is on top.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::paging::{self, Count, Entry};
use super::{Repo, required, time};
use crate::forge::error::{Exchange, ForgeError};
use crate::forge::request::Method;
use crate::model::{CommitSha, Timestamp};

/// One status as it was posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitStatus {
    pub id: u64,
    pub context: String,
    pub state: StatusState,
    /// Empty, a path with the run's number for those of Actions, or whatever was posted. Untrusted text.
    pub target_url: String,
    /// Untrusted text.
    pub description: String,
    pub created: Option<Timestamp>,
}

/// What a status says. Actions post `failure` for a cancelled run, and `success` before v16 for a skipped one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StatusState {
    Error,
    Failure,
    Pending,
    Skipped,
    Success,
    /// A word this program does not know.
    Unknown,
    Warning,
}

impl StatusState {
    const ALL: [Self; 7] = [
        Self::Error,
        Self::Failure,
        Self::Pending,
        Self::Skipped,
        Self::Success,
        Self::Unknown,
        Self::Warning,
    ];

    /// The server's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Failure => "failure",
            Self::Pending => "pending",
            Self::Skipped => "skipped",
            Self::Success => "success",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
        }
    }

    fn from_word(word: Option<&str>) -> Self {
        Self::ALL.into_iter().find(|state| Some(state.as_str()) == word).unwrap_or(Self::Unknown)
    }
}

/// A status to post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewStatus {
    pub context: String,
    pub state: StatusState,
    pub target_url: String,
    pub description: String,
}

impl Repo<'_> {
    /// Every status ever posted on the commit, oldest first.
    ///
    /// # Errors
    /// [`ForgeError`].
    pub fn status_history(self, sha: &CommitSha) -> Result<Vec<CommitStatus>, ForgeError> {
        let request = self.get_request(&["commits", sha.as_str(), "statuses"])?;
        let wire: Vec<WireStatus> = paging::all(self.client, &request, Count::Exact)?;
        let mut history: Vec<CommitStatus> =
            wire.into_iter().map(|status| status.convert(&request.exchange())).collect::<Result<_, _>>()?;
        history.sort_by_key(|status| status.id);
        Ok(history)
    }

    /// The latest status of each context, by context. Folded from the history, because the server's own summary
    /// counts only the page it returns (FORGEJO section 7.1).
    ///
    /// # Errors
    /// [`ForgeError`].
    pub fn statuses(self, sha: &CommitSha) -> Result<Vec<CommitStatus>, ForgeError> {
        let history = self.status_history(sha)?;
        let latest: BTreeMap<String, CommitStatus> =
            history.into_iter().map(|status| (status.context.clone(), status)).collect();
        Ok(latest.into_values().collect())
    }

    /// Posts a status. Only [`crate::forge::Effects`] calls it, with a head just read again.
    pub(in crate::forge) fn post_status(
        self,
        sha: &CommitSha,
        status: &NewStatus,
    ) -> Result<CommitStatus, ForgeError> {
        let segments = ["statuses", sha.as_str()];
        let exchange = self.get_request(&segments)?.exchange();
        let body = WireNewStatus {
            state: status.state.as_str(),
            target_url: &status.target_url,
            description: &status.description,
            context: &status.context,
        };
        self.write::<WireStatus>(Method::Post, &segments, &body)?.convert(&exchange)
    }
}

/// The field is `status` in answers and `state` in requests.
#[derive(Deserialize)]
struct WireStatus {
    id: Option<u64>,
    #[serde(alias = "state")]
    status: Option<String>,
    context: Option<String>,
    target_url: Option<String>,
    description: Option<String>,
    created_at: Option<String>,
}

#[derive(Serialize)]
struct WireNewStatus<'a> {
    state: &'a str,
    target_url: &'a str,
    description: &'a str,
    context: &'a str,
}

impl Entry for WireStatus {
    fn key(&self) -> String {
        self.id.unwrap_or(0).to_string()
    }
}

impl WireStatus {
    fn convert(self, exchange: &Exchange) -> Result<CommitStatus, ForgeError> {
        Ok(CommitStatus {
            id: required(self.id, exchange, "id")?,
            context: required(self.context, exchange, "context")?,
            state: StatusState::from_word(self.status.as_deref()),
            target_url: self.target_url.unwrap_or_default(),
            description: self.description.unwrap_or_default(),
            created: time(self.created_at.as_deref()),
        })
    }
}
