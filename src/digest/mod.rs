//! The weekly digest over many repositories: rows of what was read in, one document and its renderings out. Pure.
//! A partial is a set of rows, so joining partials is the union of sets: any split, in any order, gives the same bytes.

mod aggregate;
mod attention;
mod codes;
mod document;
mod gates;
mod markdown;
mod page;
mod partial;
mod plan;
mod reading;
mod row;
mod rules;
mod svg;
#[cfg(test)]
mod tests;
mod week;

pub use aggregate::aggregate;
pub use document::{EvidenceDigest, SCHEMA};
pub use markdown::render as markdown;
pub use page::render as page;
pub use partial::{Partial, PartialError};
pub use plan::{Matrix, Shard, ShardError};
pub use reading::{RunFacts, RunReading, limits};
pub use row::{MergedRow, Place, RepositoryRow, RepositoryState, Row, RunRow, UnreadRow, Why};
pub use week::{FileStem, IsoWeek, WeekError, Window};

/// What a repository is called that nothing names: no repository can be called so, for it has no slash.
pub const UNNAMED: &str = "unnamed";
