//! The words of the domain as types: each is checked once, when it is made, and has private fields.
//! Nothing here reads a file, a clock or the environment.

mod code;
#[cfg(test)]
mod code_tests;
mod commit;
mod digest;
mod name;
mod outcome;
mod path;
mod text;
mod time;
mod token;

pub use code::{ActionKind, Code, CodeInfo, Owner};
pub use commit::{CommitSha, CommitShaError};
pub use digest::{Digest, DigestError, Hasher, Hashing};
pub use name::{ArtifactName, EvidenceId, GateId, NameError, PullNumber, RepoSlug, RunId};
pub use outcome::{Outcome, Verdict};
pub use path::{RelPath, RelPathError};
pub use text::{Quote, count, cut_list, is_hidden, is_plain, sanitize, sanitize_from, sanitized};
pub use time::{Span, Timestamp, TimestampError};
pub use token::{Token, TokenError};
