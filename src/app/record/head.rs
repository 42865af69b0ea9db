//! Which commit the evidence is for: git's own head, else the one that was given, else the event's.
//! A pull request's head is never guessed from `GITHUB_SHA` where that is the base (LIVE section 3).

use crate::model::CommitSha;

use super::git::Checkout;
use super::job::Job;

/// Why no head could be named. The command was not run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    #[error("no head: git names none here, `--head` was not given, and the environment names no commit")]
    None,
    #[error("git's head is `{git}`, but `--head` says `{asked}`")]
    Disagree { git: CommitSha, asked: CommitSha },
    #[error("the event's pull request has the head `{event}`, but the job's commit is `{commit}`")]
    EventDisagrees { event: CommitSha, commit: CommitSha },
}

/// The head, by DESIGN section 6. A checkout of another commit than the event's pull request gets a warning: its
/// evidence is truthful, and of no use to that pull request.
///
/// # Errors
/// [`HeadError`]: none is known, or two disagree.
pub fn choose(
    checkout: Option<&Checkout>,
    asked: Option<&CommitSha>,
    job: &Job,
    warnings: &mut Vec<String>,
) -> Result<CommitSha, HeadError> {
    let head = match (checkout.map(|checkout| &checkout.head), asked) {
        (Some(git), Some(asked)) if git != asked => {
            return Err(HeadError::Disagree { git: git.clone(), asked: asked.clone() });
        }
        (Some(git), _) => git.clone(),
        (None, Some(asked)) => asked.clone(),
        (None, None) => from_job(job)?,
    };
    if let Some(event) = job.pull_head.as_ref().filter(|event| **event != head) {
        warnings.push(format!(
            "the head is `{head}`, but the pull request's is `{event}`: this record is no evidence for the pull request"
        ));
    }
    Ok(head)
}

fn from_job(job: &Job) -> Result<CommitSha, HeadError> {
    let commit = job.commit.as_ref();
    match (&job.pull_head, commit) {
        (Some(event), Some(commit)) if job.commit_is_pull_head && event != commit => {
            Err(HeadError::EventDisagrees { event: event.clone(), commit: commit.clone() })
        }
        (Some(event), _) => Ok(event.clone()),
        (None, Some(commit)) if !job.commit_is_base => Ok(commit.clone()),
        _ => Err(HeadError::None),
    }
}
