//! The report: the master document that everything else renders from, and how a judgement becomes one. Pure.

mod build;
mod gate_report;
pub mod replay_bundle;
mod results;

pub use build::{Judgement, PolicyFacts, TargetFacts, build, without_verdict};
pub use gate_report::{
    BlockerReport, ClearedReport, EvidenceReport, FaultReport, GateReport, GateSection, HistorySection,
    PolicySection, PreviousPacket, ReportError, SCHEMA, TargetSection, ToolSection, WaivedReport,
    WaiverReport,
};
pub use results::{ReportUnusable, results};
