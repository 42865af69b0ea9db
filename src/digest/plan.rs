//! How the work is divided over the jobs of a matrix: by repository, each by its name's hash, so that a repository
//! stays in its shard when others come and go.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::model::{Digest, RepoSlug, sanitize};

/// Shard number `index` (from 1) of `count`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: u32,
    count: u32,
}

/// More jobs than any matrix should have.
const MAX_SHARDS: u32 = 256;

/// The text is no shard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a shard such as `2/5`: a number from 1 to the count, which is at most 256")]
pub struct ShardError(String);

impl Shard {
    /// Whether this shard reads the repository. Every repository is in exactly one of `count`.
    pub fn takes(self, repo: &RepoSlug) -> bool {
        let digest = Digest::of(repo.as_str().to_lowercase());
        let number = u32::from_str_radix(digest.short(), 16).unwrap_or(0);
        number % self.count == self.index - 1
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || ShardError(sanitize(text, 40));
        let (index, count) = text.split_once('/').ok_or_else(wrong)?;
        let number = |part: &str| part.parse::<u32>().map_err(|_| wrong());
        let (index, count) = (number(index)?, number(count)?);
        let fits = (1..=MAX_SHARDS).contains(&count) && (1..=count).contains(&index);
        if fits { Ok(Self { index, count }) } else { Err(wrong()) }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

/// What `strategy.matrix` takes: `{"shard":["1/3","2/3","3/3"]}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Matrix {
    /// Those that have a repository to read, in order.
    pub shard: Vec<String>,
}

impl Matrix {
    /// The shards of these repositories, at most `count`; those that would read nothing are left out, all but one.
    pub fn of(repositories: &[RepoSlug], count: u32) -> Self {
        let count = count.clamp(1, MAX_SHARDS);
        let all = (1..=count).map(|index| Shard { index, count });
        let mut used: Vec<Shard> =
            all.filter(|shard| repositories.iter().any(|repo| shard.takes(repo))).collect();
        if used.is_empty() {
            used.push(Shard { index: 1, count });
        }
        Self { shard: used.iter().map(ToString::to_string).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_a_number_of_a_count() {
        for bad in ["0/3", "4/3", "1", "1/0", "a/b", "1/257", "", "/", "-1/2"] {
            assert_eq!(bad.parse::<Shard>(), Err(ShardError(bad.to_owned())), "{bad}");
        }
        assert_eq!("2/5".parse::<Shard>().unwrap().to_string(), "2/5");
    }

    #[test]
    fn the_matrix_reads_every_repository_once() {
        let repos: Vec<RepoSlug> = (0..40).map(|n| format!("o/r{n}").parse().unwrap()).collect();
        for count in [1, 2, 7, 64, 5000] {
            let matrix = Matrix::of(&repos, count);
            let shards: Vec<Shard> = matrix.shard.iter().map(|one| one.parse().unwrap()).collect();
            for repo in &repos {
                assert_eq!(shards.iter().filter(|shard| shard.takes(repo)).count(), 1, "{repo} of {count}");
            }
            assert!(shards.iter().all(|shard| repos.iter().any(|repo| shard.takes(repo))), "{count}");
        }
        assert_eq!(Matrix::of(&[], 4).shard, ["1/4"], "a matrix without a job is an error on the server");
    }
}
