//! Signals from after the merge, and the follow-up work they suggest. Pure: texts, packets and runs come from outside.
//! It proposes and decides nothing; what opens issues is the shell, and only where it is told to.

mod candidate;
mod ci;
mod incident_log;
mod intake;
mod notes;
mod packets;
mod reverts;
mod signal;
#[cfg(test)]
mod tests;
mod text;

pub use candidate::{Candidate, marker};
pub use ci::{FailedRun, failed_runs};
pub use incident_log::incidents;
pub use intake::{FeedbackIntake, Inputs, IssueOutcome, IssueRow, SCHEMA, ThresholdRow, Unseen, intake};
pub use notes::notes;
pub use packets::packet;
pub use reverts::{Commit, reverts};
pub use signal::{Signal, SignalKind, SignalSource};
pub use text::render as text;
