//! Repair: every blocker becomes one instruction an agent can act on without asking. Pure.
//! The words are ours, the arguments come from the policy; nothing from evidence is ever needed to act.

mod packet;
mod plan;

pub use packet::{Acceptance, AcceptanceHead, Action, Entry, Progress, RepairPacket, SCHEMA, Source};
pub use plan::{PlanInput, plan};
