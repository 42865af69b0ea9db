//! What a gate compares with: the base's report, as another declared piece of evidence or as a file of the policy's
//! repository at the base.

use crate::evidence::Content;
use crate::evidence::baseline::BaselineFile;
use crate::model::{Code, EvidenceId, RelPath};

use super::registry::Input;

/// Where a gate's baseline comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BaselineSource<'s> {
    /// Evidence of role `baseline`.
    Evidence(&'s EvidenceId),
    /// A file of the policy's repository at the base.
    File(&'s RelPath),
}

/// A baseline as it was found.
pub(super) enum Baseline<'a> {
    /// It is confirmed that there is none.
    NeverWas,
    /// It is there, or may be, and cannot be used; says why.
    Unavailable(String),
    Report(&'a Content),
}

impl<'s> BaselineSource<'s> {
    /// The one that a gate's keys name.
    pub(super) fn of(evidence: Option<&'s EvidenceId>, file: Option<&'s RelPath>) -> Option<Self> {
        evidence.map(Self::Evidence).or(file.map(Self::File))
    }

    /// Finds it.
    pub(super) fn find<'a>(self, input: &Input<'a>) -> Baseline<'a> {
        match self {
            Self::File(path) => match input.facts.baselines.get(path) {
                Some(BaselineFile::Read(content)) => Baseline::Report(content),
                Some(BaselineFile::Absent) => Baseline::NeverWas,
                Some(BaselineFile::Unreadable(why)) => Baseline::Unavailable(format!("`{path}`: {why}")),
                None => Baseline::Unavailable(format!("`{path}` was not looked for")),
            },
            Self::Evidence(id) => match input.all.get(id) {
                Some(evidence) => of_evidence(evidence),
                None => Baseline::Unavailable(format!("evidence `{id}` was not looked for")),
            },
        }
    }
}

fn of_evidence(evidence: &crate::evidence::Evidence) -> Baseline<'_> {
    if evidence.faults.iter().any(|fault| fault.code == Code::EvidenceMissing) {
        return Baseline::NeverWas;
    }
    // Findings that may be those of a blind run make nothing old, so they harm nobody but the change.
    let harmless = |code: Code| {
        code == Code::EvidenceNothingMeasured
            && matches!(evidence.content.as_deref(), Some(Content::Findings(_)))
    };
    match (&evidence.content, evidence.faults.iter().find(|fault| !harmless(fault.code))) {
        (Some(content), None) => Baseline::Report(content),
        (_, Some(fault)) => Baseline::Unavailable(format!("evidence `{}`: {}", evidence.id, fault.detail)),
        (None, None) => Baseline::Unavailable(format!("evidence `{}` has no content", evidence.id)),
    }
}

/// What is wrong with a gate's baseline keys; `comparing` are its keys that compare, and whether each is set.
pub(super) fn problems(
    evidence: Option<&EvidenceId>,
    file: Option<&RelPath>,
    comparing: &[(&'static str, bool)],
) -> Vec<(&'static str, String)> {
    let named = match (evidence, file) {
        (Some(_), Some(_)) => {
            return vec![("baseline_file", "`baseline` and `baseline_file` are both set".to_owned())];
        }
        (Some(_), None) => Some("baseline"),
        (None, Some(_)) => Some("baseline_file"),
        (None, None) => None,
    };
    let used: Vec<&'static str> = comparing.iter().filter(|(_, set)| *set).map(|(key, _)| *key).collect();
    match (named, used.as_slice()) {
        (None, keys) => keys
            .iter()
            .map(|key| (*key, format!("`{key}` needs a `baseline` or a `baseline_file` to compare with")))
            .collect(),
        (Some(key), []) => {
            let keys: Vec<String> = comparing.iter().map(|(key, _)| format!("`{key}`")).collect();
            vec![(key, format!("`{key}` is set, and none of {} uses it", keys.join(", ")))]
        }
        (Some(_), _) => Vec::new(),
    }
}
