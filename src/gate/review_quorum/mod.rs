//! Gate kind `review_quorum`: enough lanes approve the head, nobody who counts asks for changes.
//! `settings.rs` holds the keys, `reading.rs` what each lane says, `tally.rs` the count, `report.rs` the contract.

mod reading;
mod report;
mod settings;
mod tally;
#[cfg(test)]
mod tests;

use crate::evidence::demand::{PathPattern, Role};
use crate::evidence::{Demand, Format};
use crate::model::{Code, GateId};

use super::registry::{Detail, Input, Judge, Judgement, KindSettings};
use super::result::Blocker;
use reading::Reader;
pub use report::{LaneReport, LaneState, NextAction, QuorumCount, ReviewQuorum, SCHEMA};
pub use settings::{BindingLevel, Settings, Source};
use tally::Tally;

impl KindSettings for Settings {
    fn problems(&self) -> Vec<(&'static str, String)> {
        self.unsound()
    }

    /// One demand per lane whose source is an artifact, in the lanes' order.
    fn implied(&self, gate: &GateId) -> Vec<Demand> {
        self.lanes
            .iter()
            .filter_map(|lane| {
                let Source::Artifact(artifact) = &lane.source else { return None };
                Some(Demand {
                    id: format!("{gate}.{}", lane.name).parse().ok()?,
                    role: Role::Head,
                    artifact: artifact.clone(),
                    artifact_glob: None,
                    // Every file in it, so that no answer hides behind another.
                    path: PathPattern::new("**").ok(),
                    format: Some(Format::ReviewVerdict),
                    require_binding: std::collections::BTreeSet::new(),
                    max_age: None,
                    optional: false,
                    allow_dirty: true,
                    command: Vec::new(),
                    producer_job: None,
                    exit_codes: None,
                    keys: std::sync::Arc::default(),
                    compared: false,
                })
            })
            .collect()
    }
}

impl Judge for Settings {
    fn judge(&self, input: &Input<'_>) -> Judgement {
        let facts = input.facts;
        let pull = facts.pull_of_head();
        let readings = Reader { settings: self, head: &facts.head, pull }.read(&input.implied);
        let tally = Tally::count(self, readings);
        let mut blockers = tally.blockers();
        if pull.is_none_or(|pull| pull.author.is_none()) {
            let reason = "nobody knows who made the change, so no lane can be told from the author";
            blockers.push(Blocker::new(Code::ReviewUnseen, "author", reason));
        }
        let quorum = tally.report(&facts.head, &blockers);
        Judgement {
            observed: quorum.summary.clone(),
            threshold: tally.threshold(),
            blockers,
            judged: true,
            notes: quorum.notes.clone(),
            detail: Some(Box::new(Detail::ReviewQuorum(quorum))),
        }
    }
}
