//! What git says of the checkout: its head, the head's tree, and whether tracked files were changed.
//! Asked through the `git` executable, which reads every repository layout that the checkout step can make.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::Path;

use crate::model::{CommitSha, sanitize};

use super::child;

/// The state of the checkout before the command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkout {
    pub head: CommitSha,
    pub tree: Option<CommitSha>,
    /// Whether a tracked file differs from the head, in the index or on disk, submodules included.
    pub dirty: Option<bool>,
}

/// Reads the checkout that `directory` lies in; `None` outside git. Where git has one but could not tell all of it, a
/// warning says so in git's own words.
pub fn look(
    directory: &Path,
    env: &BTreeMap<String, String>,
    warnings: &mut Vec<String>,
) -> Option<Checkout> {
    let ids = match ask(directory, env, &["rev-parse", "HEAD^{commit}", "HEAD^{tree}"]) {
        Ok(ids) => ids,
        Err(AskError::NoRepository) => return None,
        Err(error) => {
            warnings.push(format!("git could not name the head: {error}"));
            return None;
        }
    };
    let ids = String::from_utf8_lossy(&ids);
    let mut ids = ids.lines().map(str::parse::<CommitSha>);
    let head = ids.next()?.ok()?;
    let tree = ids.next().and_then(Result::ok);

    let status = ["status", "--porcelain", "-z", "--untracked-files=no", "--ignore-submodules=untracked"];
    let dirty = match ask(directory, env, &status) {
        Ok(changes) => Some(!changes.is_empty()),
        Err(error) => {
            warnings.push(format!("git could not tell whether tracked files were changed: {error}"));
            None
        }
    };
    Some(Checkout { head, tree, dirty })
}

/// Why git gave no answer.
#[derive(Debug, thiserror::Error)]
enum AskError {
    #[error("there is no repository")]
    NoRepository,
    #[error("{0}")]
    Refused(String),
    #[error("`git` could not be run: {0}")]
    NotRun(#[from] io::Error),
}

/// Runs git and gives its standard output.
fn ask(directory: &Path, env: &BTreeMap<String, String>, arguments: &[&str]) -> Result<Vec<u8>, AskError> {
    let answer = child::unattended(&OsString::from("git"), directory, env)
        // A monitor left running in the background would keep our pipe open.
        .args(["--no-pager", "--no-optional-locks", "-c", "core.fsmonitor=false"])
        .args(arguments)
        // Its complaints are compared and quoted: in one language.
        .env("LC_ALL", "C")
        .output()?;
    if answer.status.success() {
        return Ok(answer.stdout);
    }
    let complaint = String::from_utf8_lossy(&answer.stderr);
    if complaint.contains("not a git repository") {
        return Err(AskError::NoRepository);
    }
    Err(AskError::Refused(sanitize(complaint.lines().next().unwrap_or("it gave no reason"), 200)))
}
