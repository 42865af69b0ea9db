//! The one integration binary: a list of modules. Cases run the product as a process, as its users do; the fake forge
//! sits beside them. `cfg(test)` tells clippy that these are tests, which may panic.

#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod case_runner;
#[cfg(test)]
mod cases;
#[cfg(test)]
mod code_edits;
#[cfg(test)]
mod contracts;
#[cfg(test)]
mod determinism;
#[cfg(test)]
mod digest;
#[cfg(test)]
mod fail_closed;
#[cfg(test)]
mod fake_forge;
#[cfg(test)]
mod green_on_its_face;
#[cfg(test)]
mod injection;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod live;
#[cfg(test)]
mod loop_verbs;
#[cfg(test)]
mod people_verbs;
#[cfg(test)]
mod record_walk;
#[cfg(test)]
mod reference_docs;
#[cfg(test)]
mod registered;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod support;
#[cfg(test)]
mod window;
