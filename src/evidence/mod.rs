//! Evidence: reports read from artifacts within bounds, and what ties each to the head.
//! One file per format; `format.rs` is their registry. Pure: readers come from outside.

pub mod content;
pub mod coverage;

pub mod document;
pub mod finding;
pub mod format;
pub mod limits;
pub mod manifest;

pub mod shape;
pub mod source;
pub mod test_report;

mod cobertura;
mod json_stream;
mod junit;
mod lcov;
mod place;
mod sarif;
mod tally;
mod text;
mod tool_errors;
mod wire;

pub use content::{Content, EmbeddedCommit, ParseError, Parsed, Substance, ToolName};

pub use document::Document;
pub use format::{Format, Kind};
pub use limits::Limits;
