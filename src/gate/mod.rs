//! Gates: a policy's rules over evidence, each judged alone into an outcome with its blockers. Pure.
//! One file per kind; `registry.rs` lists them.

mod baseline;
mod builtin;
mod cel_names;
mod coverage;
mod evaluate;
mod findings;
mod guards;
mod json;
mod presence;
mod producers;
mod registry;
mod result;
mod tests_gate;

pub use baseline::BaselineSource;
pub use builtin::{PolicyOrigin, policy_gate};
pub use evaluate::{Evaluation, EvidenceSet, Facts, evaluate};
pub use guards::{ChangedPath, ChangedPaths, Reread, judge_protected, judge_reread};
pub use producers::{JobEnd, RunJob, RunJobs, judge_producers};
pub use registry::{GateKind, Gates, Input, Judge, Judgement, KindSettings};
pub use result::{Blocker, GateResult, UnmatchedWaiver, Waived};
