//! The head history of a pull request: one `pull_push` entry per push, the first included (LIVE section 7).

use serde::Deserialize;

use super::paging::{self, Count, Entry};
use super::{Repo, malformed, time};
use crate::forge::error::ForgeError;
use crate::model::{CommitSha, PullNumber, Timestamp};

/// One push to the pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadPush {
    pub forced: bool,
    /// The commits it brought, as the server orders them; for a forced push the old and the new head.
    pub commits: Vec<CommitSha>,
    pub at: Option<Timestamp>,
}

impl HeadPush {
    /// The head this push left: the last of its commits, forced or not.
    pub fn head(&self) -> Option<&CommitSha> {
        self.commits.last()
    }
}

impl Repo<'_> {
    /// The pushes, oldest first.
    ///
    /// # Errors
    /// [`ForgeError`].
    pub fn pushes(self, number: PullNumber) -> Result<Vec<HeadPush>, ForgeError> {
        let request = self.get_request(&["issues", &number.to_string(), "timeline"])?;
        // The count includes entries the listing leaves out.
        let entries: Vec<WireEntry> = paging::all(self.client, &request, Count::Rough)?;
        entries
            .into_iter()
            .filter(|entry| entry.kind.as_deref() == Some("pull_push"))
            .map(|entry| {
                let push: WirePush = serde_json::from_str(entry.body.as_deref().unwrap_or_default())
                    .map_err(|err| malformed(request.exchange(), &err.to_string()))?;
                let commits = push.commit_ids.unwrap_or_default();
                Ok(HeadPush {
                    forced: push.is_force_push.unwrap_or(false),
                    commits: commits.iter().filter_map(|id| id.parse().ok()).collect(),
                    at: time(entry.created_at.as_deref()),
                })
            })
            .collect()
    }
}

#[derive(Deserialize)]
struct WireEntry {
    id: Option<u64>,
    #[serde(rename = "type")]
    kind: Option<String>,
    body: Option<String>,
    created_at: Option<String>,
}

impl Entry for WireEntry {
    fn key(&self) -> String {
        self.id.unwrap_or(0).to_string()
    }
}

/// The entry's body is itself JSON.
#[derive(Deserialize)]
struct WirePush {
    is_force_push: Option<bool>,
    commit_ids: Option<Vec<String>>,
}
