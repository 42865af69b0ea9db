//! Gates: a policy's rules over evidence, each judged alone into an outcome with its blockers. Pure.
//! One file per kind; `registry.rs` lists them.

mod baseline;
mod builtin;
mod cel_names;
mod clearance;
mod contract;
mod coverage;
mod evaluate;
mod findings;
mod guards;
mod json;
mod judge;
mod presence;
mod producer_changes;
mod producers;
mod protected_paths;
mod registry;
mod result;
pub mod review_quorum;
pub mod runtime_repair;
mod statuses;
mod tests_gate;

pub use baseline::BaselineSource;
pub use builtin::{PolicyOrigin, policy_gate};
pub use evaluate::{Evaluation, EvidenceSet, Facts, evaluate};
pub use guards::{ChangedPath, ChangedPaths, Guards, Reread};
pub use producer_changes::{WorkflowChange, WorkflowText};
pub use producers::{JobEnd, JobsOfRun, RunJob, RunJobs, RunNames, require_named_head};
pub use registry::{Detail, GateKind, Gates, Input, Judge, Judgement, KindSettings};
pub use result::{Blocker, Cleared, GateResult, UnmatchedWaiver, Waived};
