//! What there is to read of one repository: its completed runs in the window, and their artifacts. Listings only;
//! nothing is downloaded here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::gate::RESULT_PREFIX;
use super::asker::{Asker, token_hint};
use crate::digest::{RepositoryState, RunFacts, Window};
use crate::forge::ForgeError;
use crate::forge::rest::{PullState, Repo, Run};
use crate::model::{ArtifactName, CommitSha, RepoSlug, RunId, Timestamp, sanitize};

/// A repository with what there is to read of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Listing {
    /// Its present name.
    pub repo: RepoSlug,
    pub state: RepositoryState,
    pub detail: String,
    pub runs: Vec<ListedRun>,
    /// Pull requests that were merged in the window; asked for only where gates left results.
    #[serde(default)]
    pub merged: Vec<ListedMerge>,
}

/// A pull request that was merged.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ListedMerge {
    pub pull: u64,
    pub head: CommitSha,
    pub at: Timestamp,
}

/// A completed run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ListedRun {
    pub facts: RunFacts,
    /// By name.
    pub artifacts: Vec<ListedArtifact>,
}

/// An artifact as the forge lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedArtifact {
    /// REST's id; none where the web route listed it.
    pub id: Option<u64>,
    pub name: ArtifactName,
    /// In bytes.
    pub size: u64,
    pub expired: bool,
    /// Moves when an attempt of a job uploads it again.
    pub updated: Option<Timestamp>,
}

/// From v15 on runs are listed newest first, so that a list ends where the window does.
const ORDERED: u64 = 15;
/// From v16 on artifacts are listed by REST.
const REST_ARTIFACTS: u64 = 16;

impl Listing {
    /// Nothing to read, and why.
    fn unread(repo: &RepoSlug, state: RepositoryState, detail: impl Into<String>) -> Self {
        Self { repo: repo.clone(), state, detail: detail.into(), runs: Vec::new(), merged: Vec::new() }
    }

    /// Asks for everything there is in the window. Failures are states of the listing.
    pub fn ask(asker: &Asker, slug: &RepoSlug, window: Window) -> Self {
        let repository = match asker.repo(slug).get_repository() {
            Ok(repository) => repository,
            Err(error) => {
                let (state, detail) = refused(&error, RepositoryState::NotFound);
                return Self::unread(slug, state, detail);
            }
        };
        let present = repository.slug;
        let mut listing = if present == *slug {
            Self::unread(&present, RepositoryState::Read, "")
        } else {
            Self::unread(&present, RepositoryState::Renamed, format!("asked for as `{slug}`"))
        };
        let repo = asker.repo(&present);
        let runs = match runs(repo, asker.major, window) {
            Ok(runs) => runs,
            Err(error) => {
                (listing.state, listing.detail) = part("its runs", repo, &error);
                return listing;
            }
        };
        let artifacts = if runs.is_empty() {
            Ok(BTreeMap::new())
        } else if asker.major.is_none_or(|major| major >= REST_ARTIFACTS) {
            rest_artifacts(repo, window)
        } else if repository.private {
            Err(Missing::Words(
                "before v16 the artifacts of a private repository cannot be read: download them, and use \
                 `--artifacts-dir`"
                    .to_owned(),
            ))
        } else {
            web_artifacts(repo, &runs)
        };
        let mut artifacts = match artifacts {
            Ok(artifacts) => artifacts,
            Err(Missing::Words(words)) => {
                (listing.state, listing.detail) = (RepositoryState::Incomplete, words);
                BTreeMap::new()
            }
            Err(Missing::Forge(error)) => {
                (listing.state, listing.detail) = part("its artifacts", repo, &error);
                BTreeMap::new()
            }
        };
        listing.runs = runs
            .iter()
            .map(|run| ListedRun {
                facts: facts(&present, run),
                artifacts: artifacts.remove(&run.id).unwrap_or_default(),
            })
            .collect();
        if listing.has_gate_results() {
            match merges(repo, window) {
                Ok(merged) => listing.merged = merged,
                // What was overridden is then not known, and what else there is counts all the same.
                Err(error) => {
                    (listing.state, listing.detail) = part("its merged pull requests", repo, &error);
                }
            }
        }
        listing
    }

    fn has_gate_results(&self) -> bool {
        let artifacts = self.runs.iter().flat_map(|run| &run.artifacts);
        artifacts.into_iter().any(|artifact| artifact.name.as_str().starts_with(RESULT_PREFIX))
    }
}

fn merges(repo: Repo<'_>, window: Window) -> Result<Vec<ListedMerge>, ForgeError> {
    let closed = repo.closed_pulls(window.since)?.into_iter();
    let merged = closed.filter(|pull| pull.state == PullState::Merged);
    Ok(merged
        .filter_map(|pull| {
            let at = pull.merged_at.filter(|at| window.holds(*at))?;
            Some(ListedMerge { pull: pull.number.get(), head: pull.head, at })
        })
        .collect())
}

/// The state of a repository of which only a part could be listed.
fn part(what: &str, repo: Repo<'_>, error: &ForgeError) -> (RepositoryState, String) {
    if error.is_not_found() && is_gone(repo) {
        return (RepositoryState::Gone, "it disappeared while it was read".to_owned());
    }
    let (state, detail) = refused(error, RepositoryState::Incomplete);
    (state, format!("{what} could not be listed: {detail}"))
}

/// Why artifacts could not be listed.
enum Missing {
    Words(String),
    Forge(ForgeError),
}

/// Whether the repository, which was there, answers 404 now.
pub fn is_gone(repo: Repo<'_>) -> bool {
    repo.get_repository().is_err_and(|error| error.is_not_found())
}

fn refused(error: &ForgeError, not_found: RepositoryState) -> (RepositoryState, String) {
    let words = sanitize(&error.to_string(), 160);
    if error.is_not_permitted() {
        (RepositoryState::NoAccess, words)
    } else if error.is_not_found() {
        let words = if not_found == RepositoryState::NotFound {
            format!("there is none, or this token may not know of it; {}", token_hint())
        } else {
            words
        };
        (not_found, words)
    } else if matches!(error, ForgeError::Incomplete { .. }) {
        (RepositoryState::Incomplete, words)
    } else {
        (RepositoryState::Unavailable, words)
    }
}

/// The completed runs that were created in the window.
fn runs(repo: Repo<'_>, major: Option<u64>, window: Window) -> Result<Vec<Run>, ForgeError> {
    let list = repo.actions().runs();
    let mut runs = if major.is_some_and(|major| major >= ORDERED) {
        list.list_since(window.since)?
    } else {
        list.list()?
    };
    let at = |run: &Run| run.created.or(run.started);
    runs.retain(|run| run.status.is_done() && at(run).is_some_and(|at| window.holds(at)));
    Ok(runs)
}

fn facts(slug: &RepoSlug, run: &Run) -> RunFacts {
    RunFacts {
        repo: slug.to_string(),
        run: Some(run.id.get()),
        number: Some(run.number),
        at: run.created.or(run.started).unwrap_or(Timestamp::from_unix(0)),
        event: run.event.clone(),
        workflow: run.workflow_file.clone(),
        status: run.status.as_str().to_owned(),
        head: run.head.as_ref().map(ToString::to_string),
        pull: run.pull.map(crate::model::PullNumber::get),
    }
}

type ByRun = BTreeMap<RunId, Vec<ListedArtifact>>;

/// All artifacts of the repository in one listing: no artifact is older than its run.
fn rest_artifacts(repo: Repo<'_>, window: Window) -> Result<ByRun, Missing> {
    let mut by_run = ByRun::new();
    for one in repo.actions().artifacts_since(window.since).map_err(Missing::Forge)? {
        let Some(run) = one.run else { continue };
        by_run.entry(run).or_default().push(ListedArtifact {
            id: Some(one.id),
            name: one.name,
            size: one.size,
            expired: one.expired,
            updated: one.updated,
        });
    }
    Ok(by_run)
}

/// One listing for each run, as its page has it.
fn web_artifacts(repo: Repo<'_>, runs: &[Run]) -> Result<ByRun, Missing> {
    let mut by_run = ByRun::new();
    for run in runs {
        let listed = repo.web_artifacts(run.number).map_err(Missing::Forge)?;
        let artifacts = listed.into_iter().filter_map(|one| {
            let name = one.name.parse().ok()?;
            Some(ListedArtifact { id: None, name, size: one.size, expired: one.expired, updated: None })
        });
        by_run.insert(run.id, artifacts.collect());
    }
    Ok(by_run)
}
