//! `patchwarden.pull_facts.v1`: what the forge says of a pull request, as plain data that gates judge.
//! Offline the same facts come from a file. A list that was not answered, or not to its end, is not complete.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Account;
use super::status_facts::StatusFact;
use crate::model::{CommitSha, PullNumber, RepoSlug, Timestamp};

/// The contract's name.
pub const SCHEMA: &str = "patchwarden.pull_facts.v1";

/// The identity that everything a job writes is signed with (LIVE section 8).
pub const JOB_ACCOUNT_ID: i64 = -2;
/// Its login.
pub const JOB_LOGIN: &str = "forgejo-actions";

/// A pull request as the forge showed it. What is absent was not asked or not answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PullFacts {
    /// Always `patchwarden.pull_facts.v1`.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: String,
    /// The head all of this is about.
    pub head: CommitSha,
    #[serde(default)]
    pub repo: Option<RepoSlug>,
    #[serde(default)]
    pub number: Option<PullNumber>,
    #[serde(default)]
    pub state: Option<PullState>,
    /// Who opened it.
    #[serde(default)]
    pub author: Option<Account>,
    /// Untrusted text.
    #[serde(default)]
    pub title: Option<String>,
    /// Untrusted text.
    #[serde(default)]
    pub body: Option<String>,
    #[serde(default)]
    pub labels: Listed<String>,
    /// Untrusted text.
    #[serde(default)]
    pub head_branch: Option<String>,
    #[serde(default)]
    pub base_branch: Option<String>,
    /// The base branch's tip.
    #[serde(default)]
    pub base: Option<CommitSha>,
    #[serde(default)]
    pub merge_base: Option<CommitSha>,
    #[serde(default)]
    pub commit_count: Option<u64>,
    #[serde(default)]
    pub files: Listed<ChangedFile>,
    #[serde(default)]
    pub reviews: Listed<Review>,
    #[serde(default)]
    pub comments: Listed<Comment>,
    /// The issues its text names as closed or referred to; complete and empty where it names none.
    #[serde(default)]
    pub linked_issues: Listed<LinkedIssue>,
    /// Members of the teams that lanes name, by `ORG/TEAM`.
    #[serde(default)]
    pub teams: BTreeMap<String, Listed<Account>>,
    /// Unified diffs against the merge base, by the commit they end at: for the binding `same_diff`.
    #[serde(default)]
    pub diffs: BTreeMap<CommitSha, String>,
    /// The latest commit status of every context on the head.
    #[serde(default)]
    pub statuses: Listed<StatusFact>,
}

/// A list, and whether it is all there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, bound(deserialize = "T: Deserialize<'de>"))]
pub struct Listed<T> {
    /// Whether the forge answered to the end. Default false.
    #[serde(default)]
    pub complete: bool,
    #[serde(default)]
    pub items: Vec<T>,
}

impl<T> Listed<T> {
    /// A list that is all there is.
    pub fn all(items: Vec<T>) -> Self {
        Self { complete: true, items }
    }
}

impl<T> Default for Listed<T> {
    /// Nothing was asked.
    fn default() -> Self {
        Self { complete: false, items: Vec::new() }
    }
}

/// Open, or how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PullState {
    Open,
    Merged,
    Closed,
}

/// A file the pull request changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangedFile {
    /// Untrusted text.
    pub path: String,
    /// The path before a rename. Untrusted text.
    #[serde(default)]
    pub previous: Option<String>,
    /// The server's word: `added`, `changed`, `deleted`, `renamed`.
    #[serde(default)]
    pub status: String,
    #[serde(default)]
    pub additions: Option<u64>,
    #[serde(default)]
    pub deletions: Option<u64>,
}

/// A review of the pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// The server counts them up: of two reviews the later one has the greater id.
    pub id: u64,
    #[serde(default)]
    pub author: Option<Account>,
    pub state: ReviewState,
    /// The head it was made for: the only sign of freshness that counts.
    #[serde(default)]
    pub commit_id: Option<CommitSha>,
    /// Whether branch protection counts it, as the server says.
    #[serde(default)]
    pub official: bool,
    /// The server's own idea of freshness; never trusted alone.
    #[serde(default)]
    pub stale: bool,
    #[serde(default)]
    pub dismissed: bool,
    #[serde(default)]
    pub submitted_at: Option<Timestamp>,
}

/// What a review says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReviewState {
    Approved,
    ChangesRequested,
    Comment,
    Pending,
    Requested,
    Unknown,
}

/// A comment on the pull request or an issue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Comment {
    /// The server counts them up.
    pub id: u64,
    #[serde(default)]
    pub author: Option<Account>,
    /// Untrusted text.
    pub body: String,
    #[serde(default)]
    pub created_at: Option<Timestamp>,
}

/// An issue that the pull request names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkedIssue {
    pub number: u64,
    pub open: bool,
    /// Untrusted text.
    pub title: String,
    /// Untrusted text.
    pub body: String,
    #[serde(default)]
    pub labels: Listed<String>,
    #[serde(default)]
    pub comments: Listed<Comment>,
}

impl PullFacts {
    /// Facts of which only the head is known.
    pub fn of_head(head: CommitSha) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            head,
            repo: None,
            number: None,
            state: None,
            author: None,
            title: None,
            body: None,
            labels: Listed::default(),
            head_branch: None,
            base_branch: None,
            base: None,
            merge_base: None,
            commit_count: None,
            files: Listed::default(),
            reviews: Listed::default(),
            comments: Listed::default(),
            linked_issues: Listed::default(),
            teams: BTreeMap::new(),
            diffs: BTreeMap::new(),
            statuses: Listed::default(),
        }
    }
}

impl Account {
    /// Whether a person or a bot of its own stands behind it. The account all jobs share does not, nor do the
    /// server's other made-up ones, whose ids are not above zero.
    pub fn is_somebody(&self) -> bool {
        self.id > 0 && !self.login.eq_ignore_ascii_case(JOB_LOGIN)
    }

    /// Whether both are one account: by id, or by login, which the server compares without regard to case.
    pub fn is(&self, other: &Self) -> bool {
        self.id == other.id || self.has_login(&other.login)
    }

    /// Whether it has this login.
    pub fn has_login(&self, login: &str) -> bool {
        self.login.eq_ignore_ascii_case(login)
    }
}

/// Words before `#N` that link a pull request to an issue; the first nine close it (Forgejo's default keywords).
const LINK_WORDS: &[&str] = &[
    "close",
    "closes",
    "closed",
    "fix",
    "fixes",
    "fixed",
    "resolve",
    "resolves",
    "resolved",
    "ref",
    "refs",
    "references",
];

/// The issues of the same repository that a pull request's text links to, in order, each once:
/// `Closes #12`, `refs: #7`. Bounded at 20.
pub fn linked_issue_numbers(text: &str) -> Vec<u64> {
    let mut numbers = Vec::new();
    let mut linking = false;
    for word in text.split_whitespace() {
        let number = word
            .strip_prefix('#')
            .map(|rest| rest.trim_end_matches(|c: char| !c.is_ascii_digit()))
            .and_then(|digits| digits.parse::<u64>().ok());
        match number {
            Some(number) if linking && number > 0 && !numbers.contains(&number) && numbers.len() < 20 => {
                numbers.push(number);
                // `Closes #1, #2` links both.
                linking = word.ends_with(',');
            }
            _ => {
                let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_ascii_lowercase();
                linking = LINK_WORDS.contains(&bare.as_str()) || (linking && bare == "and");
            }
        }
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_words_before_numbers() {
        assert_eq!(linked_issue_numbers("Closes #12, #13\nsee #14. Refs: #15."), [12, 13, 15]);
        assert_eq!(linked_issue_numbers("#1 fix the other thing #2"), Vec::<u64>::new());
        assert_eq!(linked_issue_numbers("fixes #3 fixes #3 fixes #0"), [3]);
    }

    #[test]
    fn the_shared_account_is_nobody() {
        let account = |id, login: &str| Account { id, login: login.to_owned() };
        assert!(!account(JOB_ACCOUNT_ID, "x").is_somebody() && !account(7, "Forgejo-Actions").is_somebody());
        assert!(account(7, "alice").is_somebody());
        assert!(account(7, "alice").is(&account(9, "Alice")) && account(7, "a").is(&account(7, "b")));
    }

    #[test]
    fn what_a_file_leaves_out_was_not_asked() {
        let text = format!(r#"{{"schema":"{SCHEMA}","head":"{}"}}"#, "a1".repeat(20));
        let facts: PullFacts = serde_json::from_str(&text).unwrap();
        assert!(!facts.reviews.complete && facts.author.is_none());
        assert_eq!(facts, PullFacts::of_head("a1".repeat(20).parse().unwrap()));
    }
}
