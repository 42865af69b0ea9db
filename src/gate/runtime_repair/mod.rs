//! Gate kind `runtime_repair`: a bundle of evidence about a runtime, judged under a repair class.
//! `classes.rs` holds the classes, `documents.rs` what every bundle must hold, `decide.rs` the decision.

mod classes;
mod decide;
mod documents;
mod report;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::{Content, Evidence};
use crate::model::{Code, sanitize};
use crate::policy::nearest;

use super::registry::{Detail, Input, Judge, Judgement, KindSettings};
use super::result::Blocker;
pub use classes::{Mutation, RepairClass, built_in, read_classes};
pub use decide::decide;
pub use report::{
    Completeness, EvidenceAxes, Freshness, Observation, Reason, RepairVerdict, RuntimeRepair, SCHEMA,
};

/// The keys of a `runtime_repair` gate. Its evidence is of format `runtime-bundle`, with a glob as its path.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The repair class the bundle is judged under.
    class: String,
    /// Classes of the policy's own. Default: `openclaw_upgrade`, `deploy_drift_probe` and `autoheal_probe`.
    #[serde(default)]
    classes: Vec<RepairClass>,
}

impl Settings {
    fn known(&self) -> Vec<RepairClass> {
        if self.classes.is_empty() { built_in() } else { self.classes.clone() }
    }
}

/// Finds a class by its id.
///
/// # Errors
/// A sentence that names the known ones.
pub fn find_class<'a>(classes: &'a [RepairClass], id: &str) -> Result<&'a RepairClass, String> {
    let names = || classes.iter().map(|class| class.id.as_str());
    classes.iter().find(|class| class.id == id).ok_or_else(|| {
        let known: Vec<String> = names().map(|name| format!("`{}`", sanitize(name, 60))).collect();
        let meant = nearest(id, names()).map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
        format!("`{}` is no repair class; known are {}{meant}", sanitize(id, 60), known.join(", "))
    })
}

impl KindSettings for Settings {
    fn problems(&self) -> Vec<(&'static str, String)> {
        let mut wrong: Vec<(&'static str, String)> =
            self.classes.iter().flat_map(RepairClass::unsound).map(|(_, words)| ("classes", words)).collect();
        if let Err(words) = find_class(&self.known(), &self.class) {
            wrong.push(("class", words));
        }
        wrong
    }
}

impl Judge for Settings {
    fn judge(&self, input: &Input<'_>) -> Judgement {
        let known = self.known();
        let Ok(class) = find_class(&known, &self.class) else { return Judgement::default() };
        let threshold =
            format!("class `{}` eligible for a dry run, or a person decides", sanitize(&class.id, 80));
        let mut judgement = Judgement { threshold, judged: input.any_counts(), ..Judgement::default() };
        let mut words = Vec::new();
        for evidence in &input.evidence {
            let Some(Content::Bundle(bundle)) = evidence.judgeable() else { continue };
            let repair = decide(class, bundle, input.facts.now);
            words.push(format!("`{}`: {}", evidence.id, repair.verdict.as_str()));
            judgement.notes.extend(repair.evidence.iter().map(EvidenceAxes::words));
            judgement.blockers.extend(blockers(evidence, &repair));
            judgement.notes.extend(repair.notes.clone());
            judgement.detail = Some(Box::new(Detail::RuntimeRepair(repair)));
        }
        judgement.observed = words.join(", ");
        judgement
    }
}

/// One blocker per code of a bundle, its reasons joined.
fn blockers(evidence: &Evidence, repair: &RuntimeRepair) -> Vec<Blocker> {
    let mut by_code: BTreeMap<Code, Vec<&str>> = BTreeMap::new();
    for reason in &repair.reasons {
        by_code.entry(reason.code).or_default().push(&reason.text);
    }
    by_code
        .into_iter()
        .map(|(code, texts)| {
            let reason = format!("evidence `{}`: {}", evidence.id, crate::model::cut_list(&texts, 3));
            Blocker::on_evidence(code, &evidence.id, reason)
        })
        .collect()
}
