//! The one integration binary: a list of modules. Each runs the product as a process, as its users do.

mod support;

mod bad_input;
mod case_runner;
mod contracts;
mod determinism;
mod fail_closed;
mod green_on_its_face;
mod laws;
mod record_walk;
mod reference_docs;
mod registered;
