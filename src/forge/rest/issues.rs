//! Issues and comments. Everything a job writes is signed by one shared identity, so nothing by it is ever
//! read back as more than display (LIVE section 8).

use serde::{Deserialize, Serialize};

use super::paging::{self, Count, Entry};
use super::{Repo, WireUser, required, time};
use crate::context::Account;
use crate::forge::error::{Exchange, ForgeError};
use crate::forge::request::Method;
use crate::model::{PullNumber, Timestamp};

/// A comment on an issue or pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    pub id: u64,
    pub author: Option<Account>,
    /// Untrusted text.
    pub body: String,
    pub created: Option<Timestamp>,
}

/// An issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    pub number: u64,
    pub open: bool,
    pub author: Option<Account>,
    /// Untrusted text.
    pub title: String,
    /// Untrusted text.
    pub body: String,
    pub labels: Vec<String>,
    pub created: Option<Timestamp>,
    pub updated: Option<Timestamp>,
}

/// An issue to open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewIssue {
    pub title: String,
    pub body: String,
    /// Label ids; silently ignored by the server for a token that may not write.
    pub labels: Vec<u64>,
}

/// What to change in an issue; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct IssueChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// `open` or `closed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<&'static str>,
}

/// A list of issues, pull requests left out, to be narrowed and then fetched.
pub struct ListIssues<'a> {
    repo: Repo<'a>,
    query: Vec<(&'static str, String)>,
}

impl<'a> Repo<'a> {
    /// Issues, open ones unless told otherwise.
    pub fn issues(self) -> ListIssues<'a> {
        ListIssues { repo: self, query: vec![("type", "issues".to_owned())] }
    }

    /// Opens an issue.
    ///
    /// # Errors
    /// [`ForgeError`].
    pub fn open_issue(self, issue: &NewIssue) -> Result<Issue, ForgeError> {
        let exchange = self.get_request(&["issues"])?.exchange();
        self.write::<WireIssue>(Method::Post, &["issues"], issue)?.convert(&exchange)
    }

    /// Changes an issue; the server answers 201.
    ///
    /// # Errors
    /// [`ForgeError`].
    pub fn change_issue(self, number: u64, change: &IssueChange) -> Result<Issue, ForgeError> {
        let number = number.to_string();
        let segments = ["issues", number.as_str()];
        let exchange = self.get_request(&segments)?.exchange();
        self.write::<WireIssue>(Method::Patch, &segments, change)?.convert(&exchange)
    }

    /// The comments on a pull request, oldest first. The server lists them all at once.
    ///
    /// # Errors
    /// [`ForgeError`].
    pub fn comments(self, number: PullNumber) -> Result<Vec<Comment>, ForgeError> {
        let request = self.get_request(&["issues", &number.to_string(), "comments"])?;
        let wire: Vec<WireComment> = paging::whole(self.client, &request)?;
        let mut comments: Vec<Comment> =
            wire.into_iter().map(|comment| comment.convert(&request.exchange())).collect::<Result<_, _>>()?;
        comments.sort_by_key(|comment| comment.id);
        Ok(comments)
    }

    /// Writes a comment. Only [`crate::forge::Effects`] calls it.
    pub(in crate::forge) fn post_comment(
        self,
        number: PullNumber,
        body: &str,
    ) -> Result<Comment, ForgeError> {
        let number = number.to_string();
        self.write_comment(Method::Post, &["issues", &number, "comments"], body)
    }

    /// Replaces a comment's text. Only [`crate::forge::Effects`] calls it.
    pub(in crate::forge) fn edit_comment(self, id: u64, body: &str) -> Result<Comment, ForgeError> {
        let id = id.to_string();
        self.write_comment(Method::Patch, &["issues", "comments", &id], body)
    }

    fn write_comment(self, method: Method, segments: &[&str], body: &str) -> Result<Comment, ForgeError> {
        let exchange = self.get_request(segments)?.exchange();
        self.write::<WireComment>(method, segments, &WireNewComment { body })?.convert(&exchange)
    }
}

impl ListIssues<'_> {
    /// Only those with this label. The server drops names it does not know, so make sure it exists.
    #[must_use]
    pub fn label(mut self, name: &str) -> Self {
        self.query.push(("labels", name.to_owned()));
        self
    }

    /// Open, closed, or `all`.
    #[must_use]
    pub fn state(mut self, state: &str) -> Self {
        self.query.push(("state", state.to_owned()));
        self
    }

    /// Only those changed since.
    #[must_use]
    pub fn since(mut self, time: Timestamp) -> Self {
        self.query.push(("since", time.to_string()));
        self
    }

    /// Fetches them, newest first as the server orders them.
    ///
    /// # Errors
    /// [`ForgeError`].
    pub fn list(self) -> Result<Vec<Issue>, ForgeError> {
        let mut request = self.repo.get_request(&["issues"])?;
        request.url.query_pairs_mut().extend_pairs(&self.query);
        let wire: Vec<WireIssue> = paging::all(self.repo.client, &request, Count::Exact)?;
        wire.into_iter().map(|issue| issue.convert(&request.exchange())).collect()
    }
}

#[derive(Deserialize)]
struct WireIssue {
    number: Option<u64>,
    state: Option<String>,
    user: Option<WireUser>,
    title: Option<String>,
    body: Option<String>,
    labels: Option<Vec<WireLabel>>,
    created_at: Option<String>,
    updated_at: Option<String>,
}

#[derive(Deserialize)]
struct WireLabel {
    name: Option<String>,
}

impl Entry for WireIssue {
    fn key(&self) -> String {
        self.number.unwrap_or(0).to_string()
    }
}

impl WireIssue {
    fn convert(self, exchange: &Exchange) -> Result<Issue, ForgeError> {
        Ok(Issue {
            number: required(self.number, exchange, "number")?,
            open: self.state.as_deref() == Some("open"),
            author: self.user.and_then(WireUser::account),
            title: self.title.unwrap_or_default(),
            body: self.body.unwrap_or_default(),
            labels: self.labels.unwrap_or_default().into_iter().filter_map(|label| label.name).collect(),
            created: time(self.created_at.as_deref()),
            updated: time(self.updated_at.as_deref()),
        })
    }
}

#[derive(Serialize)]
struct WireNewComment<'a> {
    body: &'a str,
}

#[derive(Deserialize)]
struct WireComment {
    id: Option<u64>,
    user: Option<WireUser>,
    body: Option<String>,
    created_at: Option<String>,
}

impl Entry for WireComment {
    fn key(&self) -> String {
        self.id.unwrap_or(0).to_string()
    }
}

impl WireComment {
    fn convert(self, exchange: &Exchange) -> Result<Comment, ForgeError> {
        Ok(Comment {
            id: required(self.id, exchange, "id")?,
            author: self.user.and_then(WireUser::account),
            body: self.body.unwrap_or_default(),
            created: time(self.created_at.as_deref()),
        })
    }
}
