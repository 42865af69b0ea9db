//! What judging a gate gives: its outcome, what was observed against which threshold, and every blocker.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::finding::Finding;
use crate::model::{ArtifactName, Code, EvidenceId, GateId, Outcome, Quote};
use crate::policy::OnFail;

use super::registry::Detail;

/// One thing that keeps a gate from passing. A gate has at most one per (code, subject).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Blocker {
    pub code: Code,
    /// What it is about, stable across heads: an evidence id, a level, a lane.
    pub subject: String,
    /// One sentence in our words.
    pub reason: String,
    /// The evidence it is about, where it is about one.
    pub evidence: Option<EvidenceId>,
    /// The artifact it is about, where no declared evidence names it.
    pub artifact: Option<ArtifactName>,
    /// The review lane it is about.
    pub lane: Option<String>,
    /// The heading it is about, as the policy spells it.
    pub section: Option<String>,
    /// How this very blocker is ended, where that is more exact than the code's own remedy.
    pub remedy: Option<String>,
    /// Repository paths it is about, sanitized.
    pub paths: Vec<String>,
    /// Bounded quotes from evidence, never needed to act.
    pub quotes: Vec<Quote>,
}

impl Blocker {
    /// A blocker about something that is no evidence.
    pub fn new(code: Code, subject: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            code,
            subject: subject.into(),
            reason: reason.into(),
            evidence: None,
            artifact: None,
            lane: None,
            section: None,
            remedy: None,
            paths: Vec::new(),
            quotes: Vec::new(),
        }
    }

    /// A blocker about a piece of evidence, which is its subject.
    pub fn on_evidence(code: Code, evidence: &EvidenceId, reason: impl Into<String>) -> Self {
        Self { evidence: Some(evidence.clone()), ..Self::new(code, evidence.as_str(), reason) }
    }

    /// Quotes a finding, and names its file as one of those to be mended.
    pub fn quote_finding(&mut self, finding: &Finding) {
        let place = match (&finding.path, finding.line) {
            (Some(path), Some(line)) => format!("{path}:{line}: "),
            (Some(path), None) => format!("{path}: "),
            (None, _) => String::new(),
        };
        self.quotes.push(Quote::new("finding", &format!("{place}{} ({})", finding.message, finding.rule)));
        if let Some(path) = &finding.path
            && !self.paths.iter().any(|known| **known == **path)
        {
            self.paths.push(path.to_string());
        }
    }

    /// The same about a review lane.
    #[must_use]
    pub fn on_lane(mut self, lane: impl Into<String>) -> Self {
        self.lane = Some(lane.into());
        self
    }

    /// The same about a section of the pull request's or issue's text.
    #[must_use]
    pub fn on_section(mut self, heading: impl Into<String>) -> Self {
        self.section = Some(heading.into());
        self
    }

    /// The same with a remedy of its own: a lower-case fragment in the imperative.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// The same with quotes.
    #[must_use]
    pub fn with_quotes(mut self, quotes: Vec<Quote>) -> Self {
        self.quotes = quotes;
        self
    }
}

/// A blocker that a waiver of the policy accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waived {
    pub blocker: Blocker,
    pub reason: String,
    /// The last day the waiver holds, `YYYY-MM-DD`.
    pub expires: String,
}

/// A blocker that wanted a person and that a person's approval of the head ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleared {
    pub blocker: Blocker,
    /// The login of who approved.
    pub by: String,
    /// The review's number on the server.
    pub review: u64,
}

/// A waiver of the policy that accepted nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnmatchedWaiver {
    pub code: Code,
    pub gate: Option<GateId>,
    pub subject: Option<String>,
    pub reason: String,
    pub expires: String,
    /// Whether it is past its day; a waiver that still holds simply met no blocker.
    pub expired: bool,
}

/// One gate, judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateResult {
    pub id: GateId,
    pub kind: String,
    pub title: String,
    pub outcome: Outcome,
    /// Whether the outcome counts towards the verdict.
    pub enforced: bool,
    pub observed: String,
    pub threshold: String,
    /// Sorted by code and subject.
    pub blockers: Vec<Blocker>,
    pub evidence: Vec<EvidenceId>,
    pub waived: Vec<Waived>,
    /// What a person's approval ended.
    pub cleared: Vec<Cleared>,
    /// Why something was not judged: absent optional evidence, or a gate with nothing left to judge.
    pub skipped: Vec<String>,
    /// What a reader should know of the judgement and what does not block.
    pub notes: Vec<String>,
    /// The kind's own contract, where it has one.
    pub detail: Option<Box<Detail>>,
    pub on_fail: Option<OnFail>,
}

impl GateResult {
    /// An enforced gate that says this of itself and nothing more.
    pub fn plain(id: GateId, kind: &str, outcome: Outcome, observed: String, blockers: Vec<Blocker>) -> Self {
        Self {
            title: id.to_string(),
            id,
            kind: kind.to_owned(),
            outcome,
            enforced: true,
            observed,
            threshold: String::new(),
            blockers,
            evidence: Vec::new(),
            waived: Vec::new(),
            cleared: Vec::new(),
            skipped: Vec::new(),
            notes: Vec::new(),
            detail: None,
            on_fail: None,
        }
    }
}
