//! Evidence: reports read from artifacts within bounds, and what ties each to the head.
//! One file per format; `format.rs` is their registry. Pure: readers come from outside.

use patchwarden_model as model;

pub mod archive;
pub mod assess;
pub mod attestation;
pub mod baseline;
pub mod changed_lines;
pub mod content;
pub mod coverage;
pub mod demand;
pub mod diff_coverage;
pub mod document;
pub mod exit_codes;
pub mod finding;
pub mod format;
pub mod judge_record;
pub mod limits;
pub mod manifest;
pub mod markdown;
pub mod read;
pub mod review_verdict;
pub mod runtime_bundle;
pub mod shape;
pub mod source;
pub mod state;
pub mod test_report;
pub mod test_roll;
pub mod text;

mod clover;
mod cobertura;
mod coveragepy_json;
mod findings;
mod go_test;
#[cfg(test)]
mod golden_tests;
mod istanbul;
mod jacoco;
mod json_stream;
mod junit;
mod junit_dialect;
#[cfg(test)]
mod junit_tests;
mod lcov;
mod libtest;
mod manifest_checks;
mod place;
mod provenance;
mod sarif;
mod tally;
mod tool_errors;
mod trx;
mod wire;
mod xml;
mod xml_tag;
#[cfg(test)]
mod xml_tests;

pub use assess::assess;
pub use content::{Content, EmbeddedCommit, ParseError, Parsed, Substance, ToolName};
pub use demand::Demand;
pub use document::Document;
pub use format::{Format, Kind};
pub use limits::Limits;
pub use provenance::Provenance;
pub use state::{Binding, Evidence, Fault, State, Target};
