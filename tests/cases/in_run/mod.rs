//! `patchwarden gate` as a step of a job: the built binary as a process, its environment and its forge from the fake.
//! Every run in here is searched for tokens and signed addresses, whatever it is about.

mod artifacts;
mod attempts;
mod change;
mod closed_loop;
mod effects;
mod example;
mod kill;
mod misuse;
mod people;
mod policy;
mod producers;
mod requests;
mod same_rules;
mod slow_forge;
mod statuses;
mod step_forge;
mod three_jobs;
mod triggers;
mod weather;
pub mod yard;
