//! The digest's one write: a comment on the one open issue that carries a label, updated in place.

use super::effects::{Applied, Effects, Writer};
use super::error::ForgeError;
use super::rest::Repo;
use crate::model::{PullNumber, cut_list, sanitize};

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum InboxError {
    #[error("no open issue carries the label `{0}`")]
    None(String),
    #[error("several open issues carry the label `{label}`: {issues}")]
    Several { label: String, issues: String },
    #[error(transparent)]
    Forge(#[from] ForgeError),
}

/// Writes the comment that begins with `marker` and is by `writer`, in place where it is there already; gives the
/// issue's number. `repo` goes by its present name, for a write is never redirected.
///
/// # Errors
/// [`InboxError`] where not exactly one open issue carries the label, and whatever the forge answers.
pub fn post_to_inbox(
    repo: Repo<'_>,
    label: &str,
    writer: Writer<'_>,
    marker: &str,
    text: &str,
) -> Result<(u64, Applied), InboxError> {
    // The server drops label names it does not know and lists everything: what it lists is looked at again.
    let mut issues = repo.issues().label(label).state("open").list()?;
    issues.retain(|issue| issue.open && issue.labels.iter().any(|one| one == label));
    let issue = match issues.as_slice() {
        [] => return Err(InboxError::None(sanitize(label, 80))),
        [one] => one.number,
        several => {
            let words: Vec<String> = several.iter().map(|issue| format!("#{}", issue.number)).collect();
            return Err(InboxError::Several { label: sanitize(label, 80), issues: cut_list(&words, 10) });
        }
    };
    // Issues and pull requests are counted together.
    let number = PullNumber::try_from(issue).map_err(|_| InboxError::None(sanitize(label, 80)))?;
    let applied = Effects::new(repo).comment(number, writer, marker, text)?;
    Ok((issue, applied))
}
