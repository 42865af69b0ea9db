//! Commits as whole trees: changes between two of them, ancestry, merge bases, object ids.
//! Ids look like git's but are not SHA-1 of git objects; a commit may be given a recorded id instead.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

pub type Tree = BTreeMap<String, Vec<u8>>;

#[derive(Clone)]
pub struct Commit {
    pub sha: String,
    pub parents: Vec<String>,
    pub message: String,
    pub author: String,
    pub when: i64,
    pub tree: Tree,
}

pub type Commits = BTreeMap<String, Commit>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub path: String,
    pub previous: Option<String>,
    /// Forgejo's words: `added`, `deleted`, `changed`, `renamed`.
    pub status: &'static str,
    pub additions: i64,
    pub deletions: i64,
}

/// Forty hex digits made of all parts, each closed by its length.
pub fn object_id(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
        hash.update(part.len().to_le_bytes());
    }
    hex(&hash.finalize()[..20])
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        write!(out, "{byte:02x}").unwrap();
        out
    })
}

pub fn commit_id(commit: &Commit) -> String {
    let mut parts: Vec<&[u8]> = vec![commit.message.as_bytes(), commit.author.as_bytes()];
    parts.extend(commit.parents.iter().map(String::as_bytes));
    for (path, content) in &commit.tree {
        parts.extend([path.as_bytes(), content.as_slice()]);
    }
    object_id(&parts)
}

/// What turns `old` into `new`, by path. A file that went and one that came with the same bytes are a rename.
pub fn changes(old: &Tree, new: &Tree) -> Vec<Change> {
    let mut gone: Vec<&String> = old.keys().filter(|path| !new.contains_key(*path)).collect();
    let mut out = Vec::new();
    for (path, content) in new {
        match old.get(path) {
            Some(before) if before == content => {}
            Some(before) => {
                let (additions, deletions) = line_counts(before, content);
                let (path, previous) = (path.clone(), None);
                out.push(Change { path, previous, status: "changed", additions, deletions });
            }
            None => {
                let source = gone.iter().position(|other| old.get(*other) == Some(content));
                let previous = source.map(|at| gone.remove(at).clone());
                let status = if previous.is_some() { "renamed" } else { "added" };
                let additions = if previous.is_some() { 0 } else { lines(content).len() };
                let additions = i64::try_from(additions).unwrap();
                out.push(Change { path: path.clone(), previous, status, additions, deletions: 0 });
            }
        }
    }
    for path in gone {
        let deletions = i64::try_from(lines(&old[path]).len()).unwrap();
        out.push(Change { path: path.clone(), previous: None, status: "deleted", additions: 0, deletions });
    }
    out.sort_by(|a, b| a.path.cmp(&b.path));
    out
}

fn lines(content: &[u8]) -> Vec<&[u8]> {
    let mut lines: Vec<&[u8]> = content.split(|byte| *byte == b'\n').collect();
    if lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    lines
}

/// Lines that only one side has. Good enough for counts; order is not looked at.
fn line_counts(old: &[u8], new: &[u8]) -> (i64, i64) {
    let mut left = lines(old);
    let mut added = 0;
    for line in lines(new) {
        match left.iter().position(|other| *other == line) {
            Some(at) => drop(left.swap_remove(at)),
            None => added += 1,
        }
    }
    (added, i64::try_from(left.len()).unwrap())
}

/// `tip` and everything it descends from, nearest first.
pub fn ancestry<'c>(commits: &'c Commits, tip: &str) -> Vec<&'c Commit> {
    let mut queue = VecDeque::from([tip.to_owned()]);
    let mut seen = BTreeSet::new();
    let mut out = Vec::new();
    while let Some(sha) = queue.pop_front() {
        if let Some(commit) = commits.get(&sha).filter(|_| seen.insert(sha.clone())) {
            queue.extend(commit.parents.iter().cloned());
            out.push(commit);
        }
    }
    out
}

pub fn merge_base(commits: &Commits, one: &str, other: &str) -> Option<String> {
    let theirs: BTreeSet<&str> = ancestry(commits, other).iter().map(|commit| commit.sha.as_str()).collect();
    ancestry(commits, one).iter().find(|commit| theirs.contains(commit.sha.as_str())).map(|c| c.sha.clone())
}

/// What `tip` has and `base` has not, newest first.
pub fn range<'c>(commits: &'c Commits, base: &str, tip: &str) -> Vec<&'c Commit> {
    let known: BTreeSet<&str> = ancestry(commits, base).iter().map(|commit| commit.sha.as_str()).collect();
    ancestry(commits, tip).into_iter().filter(|commit| !known.contains(commit.sha.as_str())).collect()
}

/// The commit that last touched `path` (a file or a folder), seen from `tip`.
pub fn last_touch<'c>(commits: &'c Commits, tip: &str, path: &str) -> Option<&'c Commit> {
    let slice = |commit: &Commit| -> Tree {
        let under = |name: &str| name == path || name.strip_prefix(path).is_some_and(|r| r.starts_with('/'));
        commit.tree.iter().filter(|(name, _)| under(name)).map(|(n, c)| (n.clone(), c.clone())).collect()
    };
    let mut current = commits.get(tip)?;
    while let Some(parent) = current.parents.first().and_then(|sha| commits.get(sha)) {
        if slice(parent) != slice(current) {
            break;
        }
        current = parent;
    }
    Some(current)
}
