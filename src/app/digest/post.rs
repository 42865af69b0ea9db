//! The one write of a digest: a comment per ISO week on the one open issue that carries a label.

use super::asker::{Asker, server_of};
use crate::context::ServerUrl;
use crate::digest::{EvidenceDigest, markdown};
use crate::error::{EXIT_OUTPUT, Failure};
use crate::forge::{Applied, InboxError, Writer, post_to_inbox};
use crate::model::RepoSlug;
use crate::sink;

/// Where the digest is posted.
#[derive(Debug, Clone)]
pub struct Post {
    pub repo: RepoSlug,
    /// The label of the one open issue.
    pub label: String,
    /// Tells the comments of one product's digest from those of another.
    pub name: String,
    pub server: Option<ServerUrl>,
}

/// Writes the comment of the week, or brings it up to date.
///
/// # Errors
/// Exit 5 where no issue or several carry the label, or the forge did not take it.
pub fn post(digest: &EvidenceDigest, post: &Post) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::new(EXIT_OUTPUT, "the digest was written and not posted").caused_by(error)
    };
    let asker = Asker::connect(&server_of(post.server.as_ref())?)?;
    let login = if asker.is_personal() { Some(asker.login().map_err(|error| failed(&error))?) } else { None };
    let writer = login.as_deref().map_or(Writer::Jobs, Writer::Login);
    // A write is never redirected: the present name is asked for first.
    let present = asker.repo(&post.repo).get_repository().map_err(|error| failed(&error))?;
    let marker = marker(&post.name, &digest.week.to_string());
    match post_to_inbox(asker.repo(&present.slug), &post.label, writer, &marker, &markdown(digest)) {
        Ok((issue, Applied::NotPermitted)) => {
            Err(failed(&format!("this token may not comment on `{}#{issue}`", present.slug))
                .hint(super::asker::token_hint()))
        }
        Ok((issue, applied)) => {
            let words = match applied {
                Applied::Created => "posted to",
                Applied::Updated => "brought up to date on",
                Applied::Unchanged | Applied::NotPermitted => "unchanged on",
            };
            sink::say(&format!("{words} {}#{issue}", present.slug));
            Ok(())
        }
        Err(error @ (InboxError::None(_) | InboxError::Several { .. })) => {
            Err(failed(&error)
                .hint(format!("exactly one open issue of `{}` must carry the label", present.slug)))
        }
        Err(InboxError::Forge(error)) => Err(failed(&error)),
    }
}

/// An HTML comment that begins the comment of a week; nothing in it can end it early.
fn marker(name: &str, week: &str) -> String {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("<!-- patchwarden:digest:{name}:{week} -->")
}
