//! Repair: every blocker becomes one instruction an agent can act on without asking. Pure.
//! The words are ours, the arguments come from the policy; nothing from evidence is ever needed to act.

pub mod foreign;
mod order;
mod packet;
mod plan;
mod recurrence;
#[cfg(test)]
mod tests;
mod words;

pub use order::MAX_BYTES;
pub use packet::{Acceptance, AcceptanceHead, Action, Change, Entry, Progress, RepairPacket, SCHEMA, Source};
pub use plan::{PlanInput, entry_key, plan};
pub use recurrence::History;
pub use words::Words;
