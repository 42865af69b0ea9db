//! The facts of a pull request from a file, for verbs that ask no forge.

use std::path::Path;

use crate::context::PullFacts;
use crate::context::pull_facts::SCHEMA;
use crate::error::{EXIT_CONTEXT, Failure};

use super::read_named;

/// Reads `patchwarden.pull_facts.v1`.
///
/// # Errors
/// Exit 4 where the file is not there or is not that contract.
pub fn read_pull_facts(path: &Path) -> Result<PullFacts, Failure> {
    let bytes = read_named(path, "the pull request's facts", EXIT_CONTEXT)?;
    let refused = |why: String| {
        Failure::new(EXIT_CONTEXT, "no verdict was produced")
            .caused_by(format!("`{}` is not `{SCHEMA}`", path.display()))
            .caused_by(why)
            .hint(format!("`patchwarden schema show {SCHEMA}` prints what it must be"))
    };
    let facts: PullFacts =
        crate::evidence::document::from_slice(&bytes).map_err(|error| refused(error.to_string()))?;
    if facts.schema == SCHEMA {
        Ok(facts)
    } else {
        Err(refused(format!("its `schema` is `{}`", crate::model::sanitize(&facts.schema, 80))))
    }
}
