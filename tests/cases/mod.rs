//! The cases, one file per subject.
//! A case of the fake forge tests the fake itself, so that the others may believe it.

mod action;
mod conformance;
mod doctor;
mod fake_forge_client;
mod fake_forge_faults;
mod fake_forge_quirks;
mod fake_forge_scenes;
pub mod from_base;
pub mod in_run;
mod own_workflows;
mod transport;
pub mod wire;
