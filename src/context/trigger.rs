//! What started a run, in the words of `on:`.
//! A called workflow hides the word; then the payload's shape tells (FORGEJO section 1.3).

use super::event::Payload;

/// The event of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trigger {
    Issues,
    IssueComment,
    PullRequest,
    PullRequestReview,
    PullRequestTarget,
    Push,
    Release,
    Schedule,
    WorkflowDispatch,
}

impl Trigger {
    /// The word of `on:`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Issues => "issues",
            Self::IssueComment => "issue_comment",
            Self::PullRequest => "pull_request",
            Self::PullRequestReview => "pull_request_review",
            Self::PullRequestTarget => "pull_request_target",
            Self::Push => "push",
            Self::Release => "release",
            Self::Schedule => "schedule",
            Self::WorkflowDispatch => "workflow_dispatch",
        }
    }

    /// From `EVENT_NAME`; `workflow_call` is looked up in the payload. `None` for events that judge nothing.
    pub(super) fn recognise(name: &str, git_ref: Option<&str>, payload: &Payload) -> Option<Self> {
        Some(match name {
            "issues" => Self::Issues,
            "issue_comment" | "pull_request_comment" => Self::IssueComment,
            "pull_request" => Self::PullRequest,
            "pull_request_target" => Self::PullRequestTarget,
            // The server's own names for kinds of review, beside the word of `on:`.
            "pull_request_review"
            | "pull_request_review_comment"
            | "pull_request_approved"
            | "pull_request_rejected"
            | "pull_request_review_approved"
            | "pull_request_review_rejected" => Self::PullRequestReview,
            "push" => Self::Push,
            "release" => Self::Release,
            "schedule" => Self::Schedule,
            "workflow_dispatch" => Self::WorkflowDispatch,
            "workflow_call" => return Self::of_caller(git_ref, payload),
            _ => return None,
        })
    }

    fn of_caller(git_ref: Option<&str>, payload: &Payload) -> Option<Self> {
        if payload.pull_request.is_some() {
            // `pull_request_target` runs on the base branch, `pull_request` on `refs/pull/N/head` (LIVE section 3).
            return Some(match git_ref {
                Some(text) if text.starts_with("refs/heads/") => Self::PullRequestTarget,
                Some(text) if text.starts_with("refs/pull/") => Self::PullRequest,
                _ => Self::PullRequestReview,
            });
        }
        if payload.comment.is_some() {
            return Some(Self::IssueComment);
        }
        if payload.after.is_some() {
            return Some(Self::Push);
        }
        if payload.release.is_some() {
            return Some(Self::Release);
        }
        match payload.action.as_deref() {
            Some("schedule") => Some(Self::Schedule),
            _ if payload.workflow.is_some() => Some(Self::WorkflowDispatch),
            _ => None,
        }
    }
}
