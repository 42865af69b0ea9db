//! `patchwarden gate --from head-runs`: a gate on the base over the head's own runs, as a process against the fake forge.

mod attacks;
mod example;
mod runs;
mod wait;
pub mod yard;
