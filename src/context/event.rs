//! The event's payload: the fields that matter, intentionally incomplete, all optional.
//! Forgejo writes its own webhook's payload, not GitHub's (FORGEJO section 1.4); where both agree, both are read.

use serde::Deserialize;

use super::{Account, ContextError, Fork};
use crate::model::sanitize;

/// No payload seen was over 20 kB; a push may list its commits with all their files.
const MAX_BYTES: usize = 32 * 1024 * 1024;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Payload {
    pub action: Option<String>,
    pub number: Option<u64>,
    pub pull_request: Option<Pull>,
    pub issue: Option<Issue>,
    pub is_pull: Option<bool>,
    pub comment: Option<Present>,
    pub release: Option<Present>,
    pub before: Option<String>,
    pub after: Option<String>,
    pub deleted: Option<bool>,
    pub head_commit: Option<Commit>,
    pub workflow: Option<String>,
}

/// Something whose presence is all that matters.
#[derive(Debug, Deserialize)]
pub(super) struct Present {}

#[derive(Debug, Deserialize)]
pub(super) struct Commit {
    pub id: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Issue {
    pub number: Option<u64>,
    /// Set for pull requests, `null` or absent for issues.
    pub pull_request: Option<Present>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Pull {
    pub number: Option<u64>,
    pub user: Option<User>,
    pub head: Option<Side>,
    pub base: Option<Side>,
    pub merge_base: Option<String>,
    /// 0 for a pull request from a branch, 1 for `AGit`.
    pub flow: Option<i64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct User {
    pub id: Option<i64>,
    pub login: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Side {
    #[serde(rename = "ref")]
    pub git_ref: Option<String>,
    pub sha: Option<String>,
    pub repo_id: Option<i64>,
    pub repo: Option<Repository>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Repository {
    pub id: Option<i64>,
}

impl Payload {
    /// Reads the event's file.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, ContextError> {
        if bytes.len() > MAX_BYTES {
            return Err(ContextError::PayloadTooLarge(MAX_BYTES));
        }
        serde_json::from_slice(bytes).map_err(|err| ContextError::Payload(sanitize(&err.to_string(), 200)))
    }
}

impl Pull {
    /// Whether head and base are different repositories.
    pub(super) fn fork(&self) -> Fork {
        if self.flow == Some(1) {
            return Fork::Yes;
        }
        let (Some(head), Some(base)) = (&self.head, &self.base) else { return Fork::Unknown };
        match (head.repository_id(), base.repository_id()) {
            (Some(head), Some(base)) if head == base => Fork::No,
            (Some(_), Some(_)) => Fork::Yes,
            // A head whose repository is gone.
            (None, Some(_)) if head.repo.is_none() => Fork::Yes,
            _ => Fork::Unknown,
        }
    }

    /// Who opened it.
    pub(super) fn author(&self) -> Option<Account> {
        let user = self.user.as_ref()?;
        Some(Account { id: user.id?, login: user.login.clone()? })
    }
}

impl Side {
    fn repository_id(&self) -> Option<i64> {
        self.repo_id.or_else(|| self.repo.as_ref().and_then(|repo| repo.id))
    }
}
