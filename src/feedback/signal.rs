//! One signal: what happened, where it was seen, and what it is counted under.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::sanitize;

/// Longest subject or detail, in characters.
const MAX_TEXT: usize = 200;

/// What a signal says about the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignalKind {
    /// Something broke.
    Incident,
    /// Something made the work harder than it should be.
    Friction,
    /// The thing built is not the thing wanted.
    VisionGap,
    /// Something proved worth having.
    Value,
}

impl SignalKind {
    /// All of them, the most pressing first.
    pub const ALL: [Self; 4] = [Self::Incident, Self::Friction, Self::VisionGap, Self::Value];

    /// The word used in titles and labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Incident => "incident",
            Self::Friction => "friction",
            Self::VisionGap => "vision-gap",
            Self::Value => "value",
        }
    }

    /// From a word as people write it: case, `_` and spaces do not matter.
    pub fn from_word(word: &str) -> Option<Self> {
        let word = word.trim().to_ascii_lowercase().replace(['_', ' '], "-");
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// Where a signal was seen. Each has a threshold of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignalSource {
    /// An entry of the incident log.
    IncidentLog,
    /// A failed run of the default branch.
    CiRun,
    /// A commit or pull request that takes back another.
    Revert,
    /// A repair packet that ended at the operator.
    RepairPacket,
    /// A line the operator wrote.
    OperatorNote,
}

impl SignalSource {
    /// All of them, in the order in which thresholds are shown.
    pub const ALL: [Self; 5] =
        [Self::IncidentLog, Self::CiRun, Self::Revert, Self::RepairPacket, Self::OperatorNote];

    /// The threshold's key in `[feedback]`.
    pub fn threshold_key(self) -> &'static str {
        match self {
            Self::IncidentLog => "incidents",
            Self::CiRun => "ci_failures",
            Self::Revert => "reverts",
            Self::RepairPacket => "stuck_repairs",
            Self::OperatorNote => "notes",
        }
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Signal {
    pub kind: SignalKind,
    pub source: SignalSource,
    /// What signals are counted under: those of one source, kind and subject are the same thing seen again.
    pub subject: String,
    /// `YYYY-MM-DD`; null where nothing says, and then it counts whatever the window.
    pub day: Option<String>,
    /// Where it was seen: a file and line, a commit, a run, a pull request.
    pub place: String,
    /// More of it, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// Whether somebody took it up already: it is listed and not counted.
    pub settled: bool,
}

impl Signal {
    /// A signal whose texts are cleaned and cut.
    pub fn new(kind: SignalKind, source: SignalSource, subject: &str, place: &str) -> Self {
        let (subject, place) = (sanitize(subject, MAX_TEXT), sanitize(place, MAX_TEXT));
        Self { kind, source, subject, day: None, place, detail: String::new(), settled: false }
    }

    /// The same, seen on this day.
    #[must_use]
    pub fn on(mut self, day: Option<String>) -> Self {
        self.day = day;
        self
    }

    /// The same with more of it.
    #[must_use]
    pub fn detailed(mut self, detail: &str) -> Self {
        self.detail = sanitize(detail, MAX_TEXT);
        self
    }

    /// The same, taken up already or not.
    #[must_use]
    pub fn settled(mut self, settled: bool) -> Self {
        self.settled = settled;
        self
    }

    /// Source, kind and subject without case and spacing: what is counted together.
    pub fn group(&self) -> (SignalSource, SignalKind, String) {
        let words = self.subject.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ");
        (self.source, self.kind, words)
    }
}

/// The day a text begins with, and the rest.
pub(super) fn leading_day(text: &str) -> Option<(String, &str)> {
    let (day, rest) = text.split_at_checked(10)?;
    let digits = day.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    let real = digits && format!("{day}T00:00:00Z").parse::<crate::model::Timestamp>().is_ok();
    let apart = rest.is_empty() || rest.starts_with(|c: char| !c.is_alphanumeric());
    (real && apart)
        .then(|| (day.to_owned(), rest.trim_start_matches([' ', ':', '-', '–', '—', '.', ',']).trim()))
}
