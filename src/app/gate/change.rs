//! The lines that the judged pull request changes, from the forge's diff of it: believed only where it agrees with the
//! list of changed files.

use crate::app::judge::limits;
use crate::evidence::changed_lines::{ChangedLines, changed_lines};
use crate::forge::ForgeError;
use crate::forge::rest::{ChangedFile, Pull, Repo};
use crate::model::{CommitSha, sanitize};

/// A change whose patch is larger is read by nobody, and no measure of its tests by us.
const MAX_DIFF: u64 = 32 * 1024 * 1024;

/// The lines the change adds or alters at `head`, or why they are not known.
///
/// The diff names no commits. That it is of this head follows from the pull request being at this head before
/// (`pull`) and after (the judgement's last act reads it again), and from the files listed in between.
pub fn lines(
    repo: Repo<'_>,
    pull: Option<&Pull>,
    head: &CommitSha,
    files: Option<&Result<Vec<ChangedFile>, ForgeError>>,
) -> Result<ChangedLines, String> {
    let Some(pull) = pull else {
        return Err("only a pull request has a diff to ask for".to_owned());
    };
    if pull.head != *head {
        return Err(format!("the pull request is at {} now", pull.head));
    }
    let files = match files {
        Some(Ok(files)) => files,
        Some(Err(error)) => return Err(format!("the changed files could not be listed: {error}")),
        None => return Err("the changed files were not listed".to_owned()),
    };
    let patch = repo.diff(pull.number, MAX_DIFF).map_err(|error| error.to_string())?;
    let changed = changed_lines(&patch, &limits()).map_err(|error| error.to_string())?;
    match files.iter().find(|file| is_left_out(file, &changed)) {
        None => Ok(changed),
        Some(file) => Err(format!("the diff lacks lines of `{}`", sanitize(&file.path, 200))),
    }
}

/// Whether the diff shows no line of a file to which the list of files counts added lines.
fn is_left_out(file: &ChangedFile, changed: &ChangedLines) -> bool {
    file.additions.is_some_and(|added| added > 0)
        && changed.get(&file.path).is_none_or(std::collections::BTreeSet::is_empty)
}
