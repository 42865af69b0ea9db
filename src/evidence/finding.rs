//! Findings of any tool: one type, counted by level, with a fingerprint of our own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How grave a finding is, by SARIF's words; the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Error,
    Warning,
    Note,
    None,
}

impl Level {
    /// All levels, the gravest first.
    pub const ALL: [Self; 4] = [Self::Error, Self::Warning, Self::Note, Self::None];

    /// SARIF's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
            Self::None => "none",
        }
    }
}

/// How many findings of each level.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LevelCounts {
    pub error: u64,
    pub warning: u64,
    pub note: u64,
    pub none: u64,
}

impl LevelCounts {
    /// The number at a level.
    pub fn get(&self, level: Level) -> u64 {
        match level {
            Level::Error => self.error,
            Level::Warning => self.warning,
            Level::Note => self.note,
            Level::None => self.none,
        }
    }

    /// Adds findings at a level.
    pub fn add(&mut self, level: Level, number: u64) {
        let slot = match level {
            Level::Error => &mut self.error,
            Level::Warning => &mut self.warning,
            Level::Note => &mut self.note,
            Level::None => &mut self.none,
        };
        *slot = slot.saturating_add(number);
    }

    /// Findings that say something is wrong: all but those of level `none`.
    pub fn total(&self) -> u64 {
        self.error + self.warning + self.note
    }
}

/// Identity of a finding across runs: the first 16 bytes of
/// SHA-256 over (tool, rule, normalised path, line text or message) and its ordinal among equals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FindingKey(pub u128);

/// One finding with its texts, sanitized and bounded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub key: FindingKey,
    pub level: Level,
    pub rule: String,
    pub message: String,
    /// Relative to the repository, where the report lets it be known.
    pub path: Option<String>,
    pub line: Option<u64>,
    /// CVSS score or word, where the rule has one.
    pub security_severity: Option<String>,
}

/// One findings report, or several merged. Suppressed findings are in `suppressed` and nowhere else.
#[derive(Debug, Clone, Default)]
pub struct FindingReport {
    pub counts: LevelCounts,
    pub suppressed: u64,
    /// Findings with texts, the gravest first, at most `Limits::kept_details`.
    pub findings: Vec<Finding>,
    /// Every finding's key and level, at most `Limits::kept_keys`.
    pub keys: Vec<(FindingKey, Level)>,
    /// Repetitions of a finding already counted (same rule, place and text), which count once.
    pub duplicates: u64,
}
