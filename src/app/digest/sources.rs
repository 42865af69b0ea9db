//! Which repositories are read: named, listed in files, of an organisation or person, or under a topic.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::super::read_named;
use super::asker::Asker;
use crate::digest::Shard;
use crate::error::{EXIT_CONTEXT, EXIT_USAGE, Failure};
use crate::model::{RepoSlug, sanitize};

/// Where the repositories are named.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    pub repositories: Vec<RepoSlug>,
    /// One repository a line; `#` begins a comment.
    pub files: Vec<PathBuf>,
    /// Organisations, or people.
    pub owners: Vec<String>,
    pub topics: Vec<String>,
}

impl Sources {
    /// Every repository, sorted, those of the shard alone where there is one. Inside a workflow its own repository
    /// where nothing is named.
    ///
    /// # Errors
    /// Exit 2 where a file cannot be read or nothing names a repository, exit 4 where the forge could not list.
    pub fn resolve(&self, asker: Option<&Asker>, shard: Option<Shard>) -> Result<Vec<RepoSlug>, Failure> {
        let mut all: BTreeSet<RepoSlug> = self.repositories.iter().cloned().collect();
        for file in &self.files {
            all.extend(listed(file)?);
        }
        if !self.owners.is_empty() || !self.topics.is_empty() {
            let asker = asker.ok_or_else(|| {
                Failure::usage("no digest was made")
                    .caused_by("`--org` and `--topic` ask the forge, and `--offline` asks nobody")
                    .hint("name the repositories by `--repo` or `--repos-from`")
            })?;
            for owner in &self.owners {
                let found = asker.repositories_of(owner);
                all.extend(found.map_err(|error| unlisted("--org", owner, &error))?);
            }
            for topic in &self.topics {
                let found = asker.repositories_with_topic(topic);
                all.extend(found.map_err(|error| unlisted("--topic", topic, &error))?);
            }
        } else if all.is_empty() && self.files.is_empty() {
            all.extend(asker.and_then(Asker::own).cloned());
        }
        if all.is_empty() {
            return Err(Failure::usage("no digest was made")
                .caused_by("nothing names a repository to read")
                .hint(
                    "use `--repo OWNER/NAME`, `--repos-from FILE`, `--org`, `--topic` or `--artifacts-dir`",
                ));
        }
        Ok(all.into_iter().filter(|repo| shard.is_none_or(|shard| shard.takes(repo))).collect())
    }
}

fn unlisted(option: &str, name: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(EXIT_CONTEXT, "no digest was made")
        .caused_by(format!("the repositories of `{option} {}` could not be listed", sanitize(name, 60)))
        .caused_by(error)
}

fn listed(file: &Path) -> Result<Vec<RepoSlug>, Failure> {
    let text = String::from_utf8(read_named(file, "the list of repositories", EXIT_USAGE)?);
    let shown = file.display();
    let text = text.map_err(|_| Failure::usage(format!("`{shown}` is not UTF-8 text")))?;
    let mut repositories = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let name = line.split('#').next().unwrap_or("").trim();
        if !name.is_empty() {
            repositories.push(name.parse().map_err(|error| {
                Failure::usage("no digest was made")
                    .caused_by(format!("{shown}, line {}: {error}", index + 1))
            })?);
        }
    }
    Ok(repositories)
}
