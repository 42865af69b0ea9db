//! Patchwarden: a merge-evidence gate that lives wholly inside Forgejo Actions.
//!
//! The library exists so that tests, fuzz targets and benches reach the parsers; it is not a public API.

pub use patchwarden_evidence as evidence;
pub use patchwarden_metrics as metrics;
pub use patchwarden_model as model;

pub mod app;
pub mod audit;
pub mod cli;
pub mod context;
pub mod contracts;
pub mod digest;
pub mod error;
pub mod feedback;
pub mod forge;
pub mod gate;
pub mod ledger;
pub mod output;
pub mod policy;
pub mod repair;
pub mod report;
pub mod sink;
pub mod status;
pub mod verdict;
