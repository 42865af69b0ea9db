//! What a commit holds and which commits lead to it: enough to write a change down again from its files.
//! The server's own diff of two commits is a web page's (FORGEJO section 7.5); trees and comparisons are REST.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::paging::{self, Count, Entry};
use super::{Repo, commit, required};
use crate::forge::body;
use crate::forge::error::ForgeError;
use crate::model::{CommitSha, PullNumber};

/// Pages of a tree that are asked for; the server gives a thousand entries on each.
const MAX_TREE_PAGES: u32 = 50;

/// A file of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeFile {
    /// Git's mode: `100644`, `100755`, `120000` for a link, `160000` for a submodule.
    pub mode: String,
    /// Git's id of the content.
    pub id: String,
}

/// A commit by its parents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ancestry {
    pub commit: CommitSha,
    pub parents: Vec<CommitSha>,
}

impl Repo<'_> {
    /// Every file of a commit, by path. Paths are untrusted text.
    ///
    /// # Errors
    /// [`ForgeError`]; [`ForgeError::Incomplete`] where the server counts more than it lists.
    pub fn tree(self, sha: &CommitSha) -> Result<BTreeMap<String, TreeFile>, ForgeError> {
        let (mut files, mut seen) = (BTreeMap::new(), 0_u64);
        let mut request = self.get_request(&["git", "trees", sha.as_str()])?;
        for page in 1..=MAX_TREE_PAGES {
            request
                .url
                .query_pairs_mut()
                .clear()
                .extend_pairs([("recursive", "1"), ("page", &page.to_string())]);
            let wire: WireTree = self.client.call(&request, body::json)?;
            let entries = wire.tree.unwrap_or_default();
            let empty = entries.is_empty();
            for entry in entries {
                seen += 1;
                if entry.kind.as_deref() != Some("tree") {
                    let exchange = request.exchange();
                    let path = required(entry.path, &exchange, "path")?;
                    let mode = required(entry.mode, &exchange, "mode")?;
                    files.insert(path, TreeFile { mode, id: required(entry.sha, &exchange, "sha")? });
                }
            }
            let total = wire.total_count.unwrap_or(seen);
            if seen >= total {
                return Ok(files);
            }
            if empty {
                return Err(ForgeError::Incomplete { exchange: request.exchange(), got: seen, total });
            }
        }
        Err(ForgeError::Incomplete { exchange: request.exchange(), got: seen, total: u64::MAX })
    }

    /// The commits that `head` has and `base` has not. The server gives them all at once.
    ///
    /// # Errors
    /// [`ForgeError`]; 404 where one of the two is not known.
    pub fn commits_beyond(self, base: &CommitSha, head: &CommitSha) -> Result<Vec<Ancestry>, ForgeError> {
        let request = self.get_request(&["compare", &format!("{base}...{head}")])?;
        let exchange = request.exchange();
        let wire: WireComparison = self.client.call(&request, body::json)?;
        let commits: Vec<WireCommit> = wire.commits.unwrap_or_default();
        if let Some(total) = wire.total_commits.filter(|total| *total != commits.len() as u64) {
            return Err(ForgeError::Incomplete { exchange, got: commits.len() as u64, total });
        }
        commits
            .into_iter()
            .map(|wire| {
                let parents = wire.parents.unwrap_or_default().into_iter();
                let parents: Result<Vec<Option<CommitSha>>, ForgeError> =
                    parents.map(|parent| commit(parent.sha.as_deref(), &exchange)).collect();
                Ok(Ancestry {
                    commit: required(commit(wire.sha.as_deref(), &exchange)?, &exchange, "sha")?,
                    parents: parents?.into_iter().flatten().collect(),
                })
            })
            .collect()
    }

    /// How many commits the pull request has.
    ///
    /// # Errors
    /// [`ForgeError`].
    pub fn commit_count(self, number: PullNumber) -> Result<u64, ForgeError> {
        let mut request = self.get_request(&["pulls", &number.to_string(), "commits"])?;
        request.url.query_pairs_mut().extend_pairs([("verification", "false"), ("files", "false")]);
        let commits: Vec<WireCommit> = paging::all(self.client, &request, Count::Exact)?;
        Ok(commits.len() as u64)
    }
}

#[derive(Deserialize)]
struct WireTree {
    tree: Option<Vec<WireEntry>>,
    total_count: Option<u64>,
}

#[derive(Deserialize)]
struct WireEntry {
    path: Option<String>,
    mode: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    sha: Option<String>,
}

#[derive(Deserialize)]
struct WireComparison {
    total_commits: Option<u64>,
    commits: Option<Vec<WireCommit>>,
}

#[derive(Deserialize)]
struct WireCommit {
    sha: Option<String>,
    parents: Option<Vec<WireParent>>,
}

#[derive(Deserialize)]
struct WireParent {
    sha: Option<String>,
}

impl Entry for WireCommit {
    fn key(&self) -> String {
        self.sha.clone().unwrap_or_default()
    }
}
