//! REST as typed handlers: `client.repo(&slug).actions().runs().head_sha(&sha).list()`.
//! Answers are read into private wire types, optional by default, and converted once.

mod artifacts;
mod branches;
mod contents;
mod history;
mod issues;
mod jobs;
mod labels;
mod paging;
mod pulls;
mod runs;
mod server;
mod statuses;
mod teams;
#[cfg(test)]
mod tests;
mod timeline;
mod web;

pub use artifacts::{Archive, RestArtifact};
pub use branches::Branch;
pub use contents::FileAt;
pub use history::{Ancestry, TreeFile};
pub use issues::{Comment, Issue, IssueChange, ListIssues, NewIssue};
pub use jobs::{Job, Task};
pub use labels::Label;
pub use pulls::{ChangedFile, Pull, PullState, Review, ReviewState};
pub use runs::{ListRuns, Run, RunStatus};
pub use server::{ApiSettings, Repository};
pub use statuses::{CommitStatus, NewStatus, StatusState};
pub use timeline::HeadPush;
pub use web::WebArtifact;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::body;
use super::client::Client;
use super::error::{Exchange, ForgeError};
use super::request::{Auth, Method, Repeat, Request};
use crate::context::Account;
use crate::model::{CommitSha, RepoSlug, Timestamp, sanitize};

/// One repository of the forge.
#[derive(Clone, Copy)]
pub struct Repo<'a> {
    pub(super) client: &'a Client,
    slug: &'a RepoSlug,
    auth: Auth,
}

/// The repository's Actions.
#[derive(Clone, Copy)]
pub struct Actions<'a> {
    repo: Repo<'a>,
}

impl Client {
    /// Handlers for one repository.
    pub fn repo<'a>(&'a self, slug: &'a RepoSlug) -> Repo<'a> {
        Repo { client: self, slug, auth: Auth::Rest }
    }

    /// An address of REST below its root.
    pub(super) fn api_url(&self, segments: &[&str]) -> Result<Url, ForgeError> {
        let api = &self.settings().api;
        api.join(segments.iter().copied()).ok_or_else(|| unusable(segments))
    }
}

impl<'a> Repo<'a> {
    /// The same repository asked without a token: a job token is answered 404 for any repository but its own,
    /// public ones included (FORGEJO section 4.2).
    #[must_use]
    pub fn anonymously(self) -> Self {
        Self { auth: Auth::Anonymous, ..self }
    }

    /// Runs, jobs, tasks and artifacts.
    pub fn actions(self) -> Actions<'a> {
        Actions { repo: self }
    }

    /// The name this handler was made with.
    pub fn slug(&self) -> &'a RepoSlug {
        self.slug
    }

    fn url(&self, segments: &[&str]) -> Result<Url, ForgeError> {
        let mut all = vec!["repos", self.slug.owner(), self.slug.name()];
        all.extend_from_slice(segments);
        self.client.api_url(&all)
    }

    fn get_request(&self, segments: &[&str]) -> Result<Request, ForgeError> {
        Ok(Request { auth: self.auth, ..Request::get(self.url(segments)?) })
    }

    fn get<T: DeserializeOwned>(&self, segments: &[&str]) -> Result<T, ForgeError> {
        self.client.call(&self.get_request(segments)?, body::json)
    }

    /// A write, sent once.
    fn write<T: DeserializeOwned>(
        &self,
        method: Method,
        segments: &[&str],
        payload: &impl serde::Serialize,
    ) -> Result<T, ForgeError> {
        let request = Request::new(method, self.url(segments)?, self.auth, Repeat::Never);
        let bytes =
            serde_json::to_vec(payload).map_err(|err| malformed(request.exchange(), &err.to_string()))?;
        self.client.call(&request.with_json(bytes), body::json)
    }
}

/// Splits a path or branch into the segments of an address: the server wants its slashes bare.
fn segments(text: &str) -> impl Iterator<Item = &str> {
    text.split('/')
}

fn unusable(segments: &[&str]) -> ForgeError {
    ForgeError::Segment(sanitize(&segments.join("/"), 120))
}

fn malformed(exchange: Exchange, reason: &str) -> ForgeError {
    ForgeError::Malformed { exchange, reason: sanitize(reason, 200) }
}

/// What an answer must have, else it is malformed.
fn required<T>(value: Option<T>, exchange: &Exchange, name: &str) -> Result<T, ForgeError> {
    value.ok_or_else(|| malformed(exchange.clone(), &format!("`{name}` is missing")))
}

/// A commit of an answer; an empty text is none.
fn commit(text: Option<&str>, exchange: &Exchange) -> Result<Option<CommitSha>, ForgeError> {
    match text {
        None | Some("") => Ok(None),
        Some(text) => text
            .parse()
            .map(Some)
            .map_err(|err: crate::model::CommitShaError| malformed(exchange.clone(), &err.to_string())),
    }
}

/// A time of an answer; unset times are written as years 1 or 1970 (FORGEJO section 8).
fn time(text: Option<&str>) -> Option<Timestamp> {
    text.and_then(|text| text.parse::<Timestamp>().ok()).filter(|time| time.unix() > 0)
}

/// An account as it stands in most answers.
#[derive(Debug, Deserialize)]
struct WireUser {
    id: Option<i64>,
    login: Option<String>,
}

impl WireUser {
    fn account(self) -> Option<Account> {
        Some(Account { id: self.id?, login: self.login? })
    }
}
