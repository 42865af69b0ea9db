//! The one integration binary: a list of modules. Cases run the product as a process, as its users do; the fake forge
//! sits beside them.

mod support;

mod bad_input;
mod case_runner;
#[cfg(test)]
mod cases;
mod contracts;
mod determinism;
mod fail_closed;
#[cfg(test)]
mod fake_forge;
mod green_on_its_face;
mod laws;
mod record_walk;
mod reference_docs;
mod registered;
