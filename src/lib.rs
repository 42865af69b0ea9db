//! Patchwarden: a merge-evidence gate that lives wholly inside Forgejo Actions.
//!
//! The library exists so that tests, fuzz targets and benches reach the parsers; it is not a public API.

pub mod context;
pub mod forge;
pub mod model;
