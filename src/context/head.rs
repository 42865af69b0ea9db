//! Which commit each event judges, by the table of LIVE section 3.
//! `GITHUB_SHA` is the head for `pull_request` and reviews, and the tip of the base for `pull_request_target`.

use super::event::{Payload, Pull};
use super::{Base, ContextError, Head, PullContext, Trigger};
use crate::model::{CommitSha, PullNumber, sanitize};

/// What an event says about head, base and pull request.
pub(super) struct Target {
    pub head: Head,
    pub base: Option<Base>,
    pub merge_base: Option<CommitSha>,
    pub pull: Option<PullContext>,
}

/// What the environment says about them: each with the name of its variable.
pub(super) struct Refs<'a> {
    pub sha: Option<(String, &'a str)>,
    pub git_ref: Option<(String, &'a str)>,
    pub base_ref: Option<(String, &'a str)>,
}

/// Head, base and pull request of this event.
pub(super) fn establish(
    trigger: Trigger,
    refs: &Refs<'_>,
    payload: &Payload,
) -> Result<Target, ContextError> {
    match trigger {
        Trigger::PullRequest => {
            // GitHub checks out a merge commit, `refs/pull/N/merge`: there `GITHUB_SHA` is no head to compare with.
            let merges = refs.git_ref.as_ref().is_some_and(|(_, text)| text.ends_with("/merge"));
            pull_request(trigger, refs, payload, !merges)
        }
        Trigger::PullRequestReview => pull_request(trigger, refs, payload, true),
        Trigger::PullRequestTarget => pull_request(trigger, refs, payload, false),
        Trigger::IssueComment if payload.is_about_a_pull() => {
            let number = payload.issue.as_ref().and_then(|issue| issue.number);
            let number = parse_number("issue.number", number)?.ok_or_else(|| no_head(trigger))?;
            Ok(Target { head: Head::ToAsk(number), base: None, merge_base: None, pull: None })
        }
        Trigger::Push => push(refs, payload),
        Trigger::IssueComment
        | Trigger::Issues
        | Trigger::Release
        | Trigger::Schedule
        | Trigger::WorkflowDispatch => Ok(Target {
            head: Head::Known(checked_out(trigger, refs)?),
            base: None,
            merge_base: None,
            pull: None,
        }),
    }
}

impl Payload {
    fn is_about_a_pull(&self) -> bool {
        self.is_pull == Some(true) || self.issue.as_ref().is_some_and(|issue| issue.pull_request.is_some())
    }
}

fn pull_request(
    trigger: Trigger,
    refs: &Refs<'_>,
    payload: &Payload,
    sha_is_head: bool,
) -> Result<Target, ContextError> {
    let pull = payload.pull_request.as_ref().ok_or_else(|| no_head(trigger))?;
    let head = side_sha("pull_request.head.sha", pull.head.as_ref().and_then(|head| head.sha.as_deref()))?
        .ok_or_else(|| no_head(trigger))?;
    if sha_is_head && let Some((name, sha)) = &refs.sha {
        agree("heads", name, sha, "pull_request.head.sha", head.as_str())?;
    }
    let number = pull_number(refs, payload, pull)?.ok_or_else(|| no_head(trigger))?;
    let branch = pull.base.as_ref().and_then(|base| base.git_ref.clone());
    if let (Some((name, variable)), Some(branch)) = (&refs.base_ref, &branch) {
        agree("base branches", name, variable, "pull_request.base.ref", branch)?;
    }
    let base_sha =
        side_sha("pull_request.base.sha", pull.base.as_ref().and_then(|base| base.sha.as_deref()))?;
    Ok(Target {
        head: Head::Known(head),
        base: Some(Base { branch, sha: base_sha }),
        merge_base: side_sha("pull_request.merge_base", pull.merge_base.as_deref())?,
        pull: Some(PullContext {
            number,
            fork: pull.fork(),
            author: pull.author(),
            head_branch: pull.head.as_ref().and_then(|head| head.git_ref.clone()),
        }),
    })
}

fn push(refs: &Refs<'_>, payload: &Payload) -> Result<Target, ContextError> {
    let git_ref = refs.git_ref.as_ref().map(|(_, text)| *text);
    if payload.deleted == Some(true) {
        return Err(no_head(Trigger::Push));
    }
    let head = checked_out(Trigger::Push, refs)?;
    let sha_name = refs.sha.as_ref().map_or("GITHUB_SHA", |(name, _)| name.as_str());
    let is_tag = git_ref.is_some_and(|text| text.starts_with("refs/tags/"));
    if is_tag {
        // `after` of an annotated tag is the tag object; the commit it points at is `head_commit`.
        if let Some(commit) = payload.head_commit.as_ref().and_then(|commit| commit.id.as_deref()) {
            agree("heads", sha_name, head.as_str(), "head_commit.id", commit)?;
        }
        return Ok(Target { head: Head::Known(head), base: None, merge_base: None, pull: None });
    }
    if let Some(after) = &payload.after {
        agree("heads", sha_name, head.as_str(), "after", after)?;
    }
    let base = Base {
        branch: git_ref.and_then(|text| text.strip_prefix("refs/heads/")).map(str::to_owned),
        sha: side_sha("before", payload.before.as_deref())?,
    };
    Ok(Target { head: Head::Known(head), base: Some(base), merge_base: None, pull: None })
}

/// The commit `GITHUB_SHA` names, for events in which nothing else does.
fn checked_out(trigger: Trigger, refs: &Refs<'_>) -> Result<CommitSha, ContextError> {
    let (name, text) = refs.sha.as_ref().ok_or_else(|| no_head(trigger))?;
    text.parse().map_err(|err: crate::model::CommitShaError| ContextError::Invalid {
        name: name.clone(),
        value: sanitize(text, 80),
        reason: err.to_string(),
    })
}

/// A commit of the payload. The zero id stands for "none": a new branch has no commit before it.
fn side_sha(name: &str, text: Option<&str>) -> Result<Option<CommitSha>, ContextError> {
    let Some(text) = text.filter(|text| !text.is_empty() && !text.bytes().all(|b| b == b'0')) else {
        return Ok(None);
    };
    text.parse().map(Some).map_err(|err: crate::model::CommitShaError| ContextError::Invalid {
        name: name.to_owned(),
        value: sanitize(text, 80),
        reason: err.to_string(),
    })
}

/// The number as payload and ref give it; all that give one must agree.
fn pull_number(refs: &Refs<'_>, payload: &Payload, pull: &Pull) -> Result<Option<PullNumber>, ContextError> {
    let outer = parse_number("number", payload.number)?;
    let inner = parse_number("pull_request.number", pull.number)?;
    if let (Some(outer), Some(inner)) = (outer, inner) {
        agree(
            "pull request numbers",
            "number",
            &outer.to_string(),
            "pull_request.number",
            &inner.to_string(),
        )?;
    }
    let number = outer.or(inner);
    if let (Some(number), Some((name, text))) = (number, &refs.git_ref)
        && let Some(in_ref) = text.strip_prefix("refs/pull/").and_then(|rest| rest.split('/').next())
    {
        agree("pull request numbers", name, in_ref, "number", &number.to_string())?;
    }
    Ok(number)
}

fn parse_number(name: &str, number: Option<u64>) -> Result<Option<PullNumber>, ContextError> {
    number.map(PullNumber::try_from).transpose().map_err(|err| ContextError::Invalid {
        name: name.to_owned(),
        value: "0".to_owned(),
        reason: err.to_string(),
    })
}

/// An error naming both where the two differ.
pub(super) fn agree(
    what: &'static str,
    left: &str,
    left_value: &str,
    right: &str,
    right_value: &str,
) -> Result<(), ContextError> {
    if left_value == right_value {
        return Ok(());
    }
    Err(ContextError::Disagree {
        what,
        left: left.to_owned(),
        left_value: sanitize(left_value, 120),
        right: right.to_owned(),
        right_value: sanitize(right_value, 120),
    })
}

fn no_head(trigger: Trigger) -> ContextError {
    ContextError::NoHead(trigger.as_str().to_owned())
}
