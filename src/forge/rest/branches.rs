//! A branch: its tip, and as much of its protection as a job token may see (LIVE section 7).

use serde::Deserialize;

use super::{Repo, commit, required, segments};
use crate::forge::body;
use crate::forge::error::ForgeError;
use crate::model::CommitSha;

/// A branch as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    pub name: String,
    pub tip: CommitSha,
    pub protected: bool,
    pub required_approvals: u64,
    /// The contexts required before a merge, perhaps globs; `None` where no check is required.
    pub required_contexts: Option<Vec<String>>,
}

impl Repo<'_> {
    /// One branch.
    ///
    /// # Errors
    /// [`ForgeError`].
    pub fn branch(self, name: &str) -> Result<Branch, ForgeError> {
        let mut all = vec!["branches"];
        all.extend(segments(name));
        let request = self.get_request(&all)?;
        let exchange = request.exchange();
        let wire: WireBranch = self.client.call(&request, body::json)?;
        let tip = required(wire.commit, &exchange, "commit")?.id;
        Ok(Branch {
            name: required(wire.name, &exchange, "name")?,
            tip: required(commit(tip.as_deref(), &exchange)?, &exchange, "commit.id")?,
            protected: wire.protected.unwrap_or(false),
            required_approvals: wire.required_approvals.unwrap_or(0),
            required_contexts: wire
                .enable_status_check
                .unwrap_or(false)
                .then(|| wire.status_check_contexts.unwrap_or_default()),
        })
    }
}

#[derive(Deserialize)]
struct WireBranch {
    name: Option<String>,
    commit: Option<WireTip>,
    protected: Option<bool>,
    required_approvals: Option<u64>,
    enable_status_check: Option<bool>,
    status_check_contexts: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct WireTip {
    id: Option<String>,
}
