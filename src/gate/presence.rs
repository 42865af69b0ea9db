//! Gate kind `presence`: a required report or attestation is there, counts, and is not red.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::Content;
use crate::model::{Code, count};

use super::registry::{Input, Judge, Judgement, KindSettings};
use super::result::Blocker;

/// The keys of a `presence` gate: it has none of its own.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {}

impl KindSettings for Settings {}

impl Judge for Settings {
    fn judge(&self, input: &Input<'_>) -> Judgement {
        let red =
            input.evidence.iter().filter(|one| one.judgeable().and_then(Content::shows_red) == Some(true));
        let blockers = red
            .map(|one| {
                let reason = format!("evidence `{}` is there and shows failures or findings", one.id);
                Blocker::on_evidence(Code::EvidenceNotGreen, &one.id, reason)
            })
            .collect();
        Judgement {
            observed: format!("{} present", count(input.evidence.len() as u64, "report")),
            threshold: "every report present and not red".to_owned(),
            blockers,
            judged: input.any_counts(),
            ..Judgement::default()
        }
    }
}
