//! Questions to git: what a file said at another commit, and where two branches parted. It is only asked, never told.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::model::sanitize;

/// Why git gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    #[error("git: {0}")]
    Refused(String),
    #[error("`git` could not be run: {0}")]
    NotRun(#[from] io::Error),
}

/// The text of a file at a commit; `None` where that commit does not have it.
///
/// # Errors
/// [`GitError`]: no repository, no such commit.
pub fn file_at(reference: &str, file: &Path) -> Result<Option<String>, GitError> {
    let (folder, name) = place(file);
    if ask(folder, &["ls-tree", "-z", "--name-only", "--end-of-options", reference, "--", &name])?.is_empty()
    {
        return Ok(None);
    }
    ask(folder, &["show", "--end-of-options", &format!("{reference}:./{name}")]).map(Some)
}

/// The commit in which two others parted; `None` where they share none.
pub fn merge_base(one: &str, other: &str, file: &Path) -> Option<String> {
    let (folder, _) = place(file);
    let base = ask(folder, &["merge-base", "--end-of-options", one, other]).ok()?;
    Some(base.trim().to_owned()).filter(|base| !base.is_empty())
}

/// Runs git in a folder and gives its standard output.
///
/// # Errors
/// [`GitError`]
pub fn ask(folder: &Path, arguments: &[&str]) -> Result<String, GitError> {
    let answer = Command::new("git")
        .args(["--no-pager", "--no-optional-locks", "-c", "core.fsmonitor=false"])
        .args(arguments)
        .current_dir(folder)
        .env("LC_ALL", "C")
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null())
        .output()?;
    if answer.status.success() {
        return Ok(String::from_utf8_lossy(&answer.stdout).into_owned());
    }
    let complaint = String::from_utf8_lossy(&answer.stderr);
    let line = complaint.lines().next().unwrap_or("it gave no reason");
    Err(GitError::Refused(sanitize(line.trim_start_matches("fatal: "), 200)))
}

fn place(file: &Path) -> (&Path, String) {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    (folder, file.file_name().unwrap_or_default().to_string_lossy().into_owned())
}
