//! The operator's status: `operator_status.v1`, and its renderings as text and as a page without script. Pure.
//! What was not given is shown as not seen, never as fine.

mod audit;
mod build;
mod document;
mod escape;
mod page;
#[cfg(test)]
mod tests;
mod text;

pub use build::{Inputs, Observation, Observed, Seen, build};
pub use document::{
    ArtifactRow, EvidenceRow, FollowUp, GapsSection, Layer, LayerState, NextAction, NotSeen, OpenLoop,
    OperatorStatus, SCHEMA,
};
pub use escape::PageText;
pub use page::{Live, render as page, render_live as live_page};
pub use text::render as text;
