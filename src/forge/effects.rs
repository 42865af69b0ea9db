//! The opt-in writes: a commit status and one sticky comment. Each takes a [`FreshHead`], which only reading head and
//! base again can make. What a token may not do is an outcome: a fork's may comment and not post a status (LIVE section 8).

use super::error::ForgeError;
use super::rest::{Comment, NewStatus, PullState, Repo};
use crate::model::{CommitSha, PullNumber};

/// What was judged, to be held against what is there now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    pub head: CommitSha,
    /// The pull request with its base branch and the tip the policy was read at; `None` for a push.
    pub pull: Option<JudgedPull>,
}

/// The pull request's side of what was judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgedPull {
    pub number: PullNumber,
    pub base_branch: String,
    pub base: CommitSha,
}

/// What reading again found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Freshness {
    Fresh(FreshHead),
    /// The pull request has another head now: `head.moved`.
    HeadMoved {
        now: CommitSha,
    },
    /// The base branch has another tip, or the pull request another base.
    BaseMoved {
        branch: String,
        now: Option<CommitSha>,
    },
    /// The pull request is merged or closed; its head is still the one judged.
    NotOpen(FreshHead),
    /// The commit cannot be read any more.
    HeadGone,
}

/// Proof that the head was the judged one just now. Nothing else can make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreshHead {
    head: CommitSha,
    pull: Option<PullNumber>,
}

impl FreshHead {
    /// Reads head, base branch and base tip again: one request.
    ///
    /// For a push the commit is read: a branch that moved on leaves a verdict about its older commit true.
    ///
    /// # Errors
    /// [`ForgeError`]: then nobody knows, and the verdict is `unmeasured`.
    pub fn read(repo: Repo<'_>, judged: &Judged) -> Result<Freshness, ForgeError> {
        let Some(judged_pull) = &judged.pull else {
            let fresh = Self { head: judged.head.clone(), pull: None };
            return Ok(if repo.has_commit(&judged.head)? {
                Freshness::Fresh(fresh)
            } else {
                Freshness::HeadGone
            });
        };
        let now = repo.pull(judged_pull.number)?;
        if now.head != judged.head {
            return Ok(Freshness::HeadMoved { now: now.head });
        }
        let fresh = Self { head: now.head, pull: Some(now.number) };
        if now.state != PullState::Open {
            return Ok(Freshness::NotOpen(fresh));
        }
        if now.base_branch != judged_pull.base_branch || now.base.as_ref() != Some(&judged_pull.base) {
            return Ok(Freshness::BaseMoved { branch: now.base_branch, now: now.base });
        }
        Ok(Freshness::Fresh(fresh))
    }

    /// The commit.
    pub fn head(&self) -> &CommitSha {
        &self.head
    }
}

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    Created,
    Updated,
    /// It was there already, letter for letter.
    Unchanged,
    /// This token may not: shown, and no failure (DESIGN section 3).
    NotPermitted,
}

/// Who the sticky comment belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer<'a> {
    /// The identity all jobs share: id −2.
    Jobs,
    /// The owner of a personal token.
    Login(&'a str),
}

/// The identity everything a job writes is signed with.
const JOBS_ID: i64 = -2;
/// The server takes more; mail and readers do not.
const MAX_COMMENT: usize = 60_000;

/// The writes this program can do beside its own artifact.
#[derive(Clone, Copy)]
pub struct Effects<'a> {
    repo: Repo<'a>,
}

impl<'a> Effects<'a> {
    /// For a repository under its present name: a write is never redirected.
    pub fn new(repo: Repo<'a>) -> Self {
        Self { repo }
    }

    /// Posts a status on the head. After an answer that got lost the context is looked up before it is posted again.
    ///
    /// # Errors
    /// [`ForgeError`].
    pub fn commit_status(self, fresh: &FreshHead, status: &NewStatus) -> Result<Applied, ForgeError> {
        let post = || self.repo.post_status(&fresh.head, status).map(|_| Applied::Created);
        permitted(match post() {
            Err(err) if may_have_arrived(&err) => {
                let latest = self.repo.statuses(&fresh.head)?;
                let arrived = latest.iter().any(|posted| {
                    posted.context == status.context
                        && posted.state == status.state
                        && posted.description == status.description
                        && posted.target_url == status.target_url
                });
                if arrived { Ok(Applied::Created) } else { post() }
            }
            result => result,
        })
    }

    /// Writes the one comment that begins with `marker` and is by `writer`, in place where it is there already.
    ///
    /// What stands in it is never read: any job can forge it. `marker` is an HTML comment, as
    /// `<!-- patchwarden:gate -->`. `Ok(None)` where the head belongs to no pull request.
    ///
    /// # Errors
    /// [`ForgeError`].
    pub fn sticky_comment(
        self,
        fresh: &FreshHead,
        writer: Writer<'_>,
        marker: &str,
        text: &str,
    ) -> Result<Option<Applied>, ForgeError> {
        let Some(pull) = fresh.pull else { return Ok(None) };
        self.comment(pull, writer, marker, text).map(Some)
    }

    /// The comment of an issue or pull request that begins with `marker`, for what is about no head.
    pub(super) fn comment(
        self,
        issue: PullNumber,
        writer: Writer<'_>,
        marker: &str,
        text: &str,
    ) -> Result<Applied, ForgeError> {
        let body = fitted(marker, text);
        permitted(match self.write_comment(issue, writer, marker, &body) {
            // The listing finds what got written after all.
            Err(err) if may_have_arrived(&err) => self.write_comment(issue, writer, marker, &body),
            result => result,
        })
    }

    fn write_comment(
        self,
        pull: PullNumber,
        writer: Writer<'_>,
        marker: &str,
        body: &str,
    ) -> Result<Applied, ForgeError> {
        let comments = self.repo.comments(pull)?;
        let ours = comments.iter().find(|comment| comment.body.starts_with(marker) && is_by(comment, writer));
        match ours {
            Some(comment) if comment.body == body => Ok(Applied::Unchanged),
            Some(comment) => self.repo.edit_comment(comment.id, body).map(|_| Applied::Updated),
            None => self.repo.post_comment(pull, body).map(|_| Applied::Created),
        }
    }
}

fn is_by(comment: &Comment, writer: Writer<'_>) -> bool {
    comment.author.as_ref().is_some_and(|author| match writer {
        Writer::Jobs => author.id == JOBS_ID,
        Writer::Login(login) => author.login.eq_ignore_ascii_case(login),
    })
}

fn may_have_arrived(error: &ForgeError) -> bool {
    matches!(error, ForgeError::Transport { .. } | ForgeError::Status { status: 500..=599, .. })
}

fn permitted(result: Result<Applied, ForgeError>) -> Result<Applied, ForgeError> {
    match result {
        Err(err) if err.is_not_permitted() => Ok(Applied::NotPermitted),
        other => other,
    }
}

/// Marker and text, cut at a line where they are too long.
fn fitted(marker: &str, text: &str) -> String {
    let whole = format!("{marker}\n{text}");
    if whole.len() <= MAX_COMMENT {
        return whole;
    }
    let mut cut = String::new();
    for line in whole.lines() {
        if cut.len() + line.len() + 1 > MAX_COMMENT {
            break;
        }
        cut.push_str(line);
        cut.push('\n');
    }
    cut.push_str("\n(cut: the whole of it is in the result artifact)");
    cut
}

#[cfg(test)]
#[path = "effects_tests.rs"]
mod tests;
