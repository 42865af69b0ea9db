//! The gap ledger: what is still missing, as a TOML file people edit by hand. Pure: text in, text and problems out.
//! Comments and order of the file survive every edit.

mod compare;
mod edit;
mod gap;
mod import;
mod read;
mod renumber;
#[cfg(test)]
mod tests;
mod text;

pub use compare::against;
pub use edit::{Addition, Change, EditError, add, set};
pub use gap::{Gap, Ledger, LedgerDocument, SCHEMA, Severity, Source, Status};
pub use import::{Candidate, ImportError, Imported, fresh, markdown, packet, sarif};
pub use read::{read, read_loosely};
pub use renumber::{Renumbered, renumber};
pub use text::{list, show};

/// Where a ledger lives in a repository.
pub const DEFAULT_PATH: &str = "docs/gaps.toml";

/// What ids begin with unless the file says otherwise.
pub const DEFAULT_PREFIX: &str = "PW-G";
