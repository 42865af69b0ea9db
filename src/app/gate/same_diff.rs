//! The change of a head and of commits that were reviewed before it, written down from their files for the binding
//! `same_diff`. What the forge did not answer is left out; what cannot be the same change is an empty diff.

use std::collections::{BTreeMap, BTreeSet};

use crate::context::{FileChange, Side, unified};
use crate::forge::ForgeError;
use crate::forge::rest::{Ancestry, FileAt, Pull, Repo, TreeFile};
use crate::model::{CommitSha, RelPath};

/// Reviewed commits that are looked at, the newest ones.
const MAX_COMMITS: usize = 5;
/// Files of one change that are read; a greater change is not compared.
const MAX_FILES: usize = 100;
/// Bytes of a file that is compared by lines; a greater one is compared by its id.
const MAX_BYTES: u64 = 512 * 1024;
/// Merge bases that are told apart.
const MAX_BASES: usize = 8;

/// Diffs against the merge base, by the commit they end at: of the head, and of what was reviewed, newest first.
pub fn diffs(
    repo: Repo<'_>,
    pull: &Pull,
    head: &CommitSha,
    reviewed: &[CommitSha],
) -> BTreeMap<CommitSha, String> {
    let mut found = BTreeMap::new();
    let mut commits: Vec<&CommitSha> = Vec::new();
    for commit in reviewed.iter().filter(|commit| *commit != head) {
        if !commits.contains(&commit) {
            commits.push(commit);
        }
    }
    let (Some(base), Some(merge_base), false) = (&pull.base, &pull.merge_base, commits.is_empty()) else {
        return found;
    };
    let mut texts = Texts { repo, known: BTreeMap::new() };
    if let Ok(diff) = texts.change(merge_base, head) {
        found.insert(head.clone(), diff);
    }
    for (place, commit) in commits.into_iter().enumerate() {
        // Older ones are taken for other changes: a lane that reviewed none of the newer ones is asked again.
        if place >= MAX_COMMITS {
            found.insert(commit.clone(), String::new());
            continue;
        }
        let diff = match merge_base_of(repo, base, commit) {
            Ok(Some(merge_base)) => texts.change(&merge_base, commit),
            Ok(None) => Ok(String::new()),
            // A commit the server does not have any more was reviewed for some other change.
            Err(error) if error.is_not_found() => Ok(String::new()),
            Err(error) => Err(error),
        };
        found.extend(diff.ok().map(|diff| (commit.clone(), diff)));
    }
    found
}

/// The best common ancestor of the base branch and a commit; `None` where there is no one of them.
fn merge_base_of(
    repo: Repo<'_>,
    base: &CommitSha,
    commit: &CommitSha,
) -> Result<Option<CommitSha>, ForgeError> {
    let beyond: Vec<Ancestry> = repo.commits_beyond(base, commit)?;
    let own: BTreeSet<&CommitSha> = beyond.iter().map(|one| &one.commit).collect();
    // Where a commit's own history leaves it, it meets the base branch's.
    let meets: BTreeSet<&CommitSha> =
        beyond.iter().flat_map(|one| &one.parents).filter(|parent| !own.contains(parent)).collect();
    if meets.len() > MAX_BASES {
        return Ok(None);
    }
    let mut best: Option<&CommitSha> = None;
    for one in meets {
        best = match best {
            None => Some(one),
            Some(other) if repo.commits_beyond(other, one)?.is_empty() => Some(other),
            Some(other) if repo.commits_beyond(one, other)?.is_empty() => Some(one),
            Some(_) => return Ok(None),
        };
    }
    Ok(best.cloned())
}

/// File contents, each read once.
struct Texts<'a> {
    repo: Repo<'a>,
    /// By git's id; `None` for what is no text.
    known: BTreeMap<String, Option<String>>,
}

impl Texts<'_> {
    fn change(&mut self, from: &CommitSha, to: &CommitSha) -> Result<String, ForgeError> {
        let (before, after) = (self.repo.tree(from)?, self.repo.tree(to)?);
        let paths: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let differing: Vec<&String> =
            paths.into_iter().filter(|path| before.get(*path) != after.get(*path)).collect();
        if differing.len() > MAX_FILES {
            return Ok(String::new());
        }
        let mut changes = Vec::new();
        for path in differing {
            let mut side = |file: Option<&TreeFile>, at| -> Result<Option<Side>, ForgeError> {
                let Some(file) = file else { return Ok(None) };
                let text = self.text(path, file, at)?;
                Ok(Some(Side { mode: file.mode.clone(), id: file.id.clone(), text }))
            };
            changes.push(FileChange {
                path: path.clone(),
                old: side(before.get(path), from)?,
                new: side(after.get(path), to)?,
            });
        }
        Ok(unified(&changes))
    }

    /// A file's text; links, submodules, binary and great files are compared by their ids.
    fn text(&mut self, path: &str, file: &TreeFile, at: &CommitSha) -> Result<Option<String>, ForgeError> {
        if let Some(known) = self.known.get(&file.id) {
            return Ok(known.clone());
        }
        let regular = file.mode.starts_with("100");
        let text = match path.parse::<RelPath>() {
            Ok(path) if regular => match self.repo.file_at(&path, at, MAX_BYTES) {
                Ok(FileAt::Present(bytes)) => String::from_utf8(bytes).ok(),
                Ok(FileAt::Absent) | Err(ForgeError::TooLarge { .. }) => None,
                Err(error) => return Err(error),
            },
            _ => None,
        };
        self.known.insert(file.id.clone(), text.clone());
        Ok(text)
    }
}
