//! Findings of any tool: one type, counted by level, with a fingerprint of our own.

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::num::NonZeroU32;
use std::ops::Deref;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::Digest as _;

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

/// Identity of a finding across runs: the first 16 bytes of SHA-256 over tool, rule, and a digest of
/// normalised path and line text (or message); of equals, the second and later have their ordinal mixed in.
/// The tool's own fingerprints are never used: semgrep writes `requires login` for all (FORMATS 1.2).
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FindingKey([u64; 2]);

impl FindingKey {
    /// The key of the first of a kind, over parts that do not run together.
    pub(super) fn of(parts: &[&[u8]]) -> Self {
        let mut hasher = sha2::Sha256::new();
        for part in parts {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        let digest = hasher.finalize();
        let half = |at: usize| {
            digest.iter().skip(at).take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
        };
        Self([half(0), half(8)])
    }

    /// The key of the `ordinal`th (counted from zero) of findings that share this key.
    pub(super) fn nth(self, ordinal: u64) -> Self {
        if ordinal == 0 { self } else { Self::of(&[&self.bytes(), &ordinal.to_le_bytes()]) }
    }

    pub(super) fn bytes(self) -> [u8; 16] {
        let [high, low] = self.0;
        (u128::from(high) << 64 | u128::from(low)).to_be_bytes()
    }
}

impl fmt::Display for FindingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [high, low] = self.0;
        write!(f, "{high:016x}{low:016x}")
    }
}

impl fmt::Debug for FindingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FindingKey({self})")
    }
}

/// A text of a report, which all its findings share. Small, because thousands of findings are kept, each with five.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SharedText(Arc<String>);

impl SharedText {
    /// Whether nobody else has it any more.
    pub(super) fn is_alone(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }
}

impl From<&str> for SharedText {
    fn from(text: &str) -> Self {
        Self(Arc::new(text.to_owned()))
    }
}

impl Deref for SharedText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for SharedText {
    fn as_ref(&self) -> &str {
        self
    }
}

// Sound, because equality, order and hash are those of the text.
impl Borrow<str> for SharedText {
    fn borrow(&self) -> &str {
        self
    }
}

impl fmt::Display for SharedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

/// One finding with its texts, sanitized and bounded. No code edit that a report carries is ever in it. Findings of one
/// report share equal texts: thousands of them name a few rules, files and messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub key: FindingKey,
    pub level: Level,
    /// The rule's id; empty where the tool gives none, as for a compile error of clippy.
    pub rule: SharedText,
    pub message: SharedText,
    /// Relative to the repository, where the report lets it be known.
    pub path: Option<SharedText>,
    /// The place as the report spells it, where `path` could not be had from it. For showing only.
    pub stated_path: Option<SharedText>,
    /// Counted from 1. `None` where the report gives none, or a byte offset only.
    pub line: Option<NonZeroU32>,
    /// Counted from 1, in the tool's own unit.
    pub column: Option<NonZeroU32>,
    /// CVSS score, vector or word, where the rule has one.
    pub security_severity: Option<SharedText>,
    /// Whether the tool calls it new. Never makes a finding old: only a baseline does (DESIGN section 4).
    pub claimed_new: Option<bool>,
}

/// One findings report, or several merged. Suppressed findings are in the `suppressed…` fields and nowhere else.
#[derive(Debug, Clone, Default)]
pub struct FindingReport {
    pub counts: LevelCounts,
    /// Findings that were suppressed, with every suppression accepted.
    pub suppressed: u64,
    /// Those of them that a comment in the judged source suppresses.
    pub suppressed_in_source: u64,
    /// Findings with texts, the gravest first, at most `Limits::kept_details`; those of level `none` are last.
    pub findings: Vec<Finding>,
    /// Every counted finding's key and level.
    pub keys: Vec<(FindingKey, Level)>,
    /// Every suppressed finding's key.
    pub suppressed_keys: Vec<FindingKey>,
    /// Repetitions of a finding already counted (same rule, place and text), which count once.
    pub duplicates: u64,
    /// Of a fix plan: its buckets by name, each with the number of its items. Empty for any other report.
    pub buckets: BTreeMap<String, u64>,
}

impl FindingReport {
    /// This report and another as one. What both contain counts twice, as does the merged baseline's.
    #[must_use]
    pub fn merge(mut self, other: Self, kept_details: usize) -> Self {
        for level in Level::ALL {
            self.counts.add(level, other.counts.get(level));
        }
        self.suppressed += other.suppressed;
        self.suppressed_in_source += other.suppressed_in_source;
        self.duplicates += other.duplicates;
        for (bucket, items) in other.buckets {
            *self.buckets.entry(bucket).or_insert(0) += items;
        }
        self.keys.extend(other.keys);
        self.suppressed_keys.extend(other.suppressed_keys);
        self.findings.extend(other.findings);
        self.findings.sort_by_key(|finding| finding.level);
        self.findings.truncate(kept_details);
        self
    }

    /// What of this report the baseline does not have, key by key: of a key that it has twice, the third is new.
    /// A finding graver than the baseline's counts as new. Texts are those this report kept, so a new finding
    /// may be counted without them.
    #[must_use]
    pub fn new_against(&self, baseline: &Self) -> Self {
        let mut old: HashMap<FindingKey, Vec<Level>> = HashMap::with_capacity(baseline.keys.len());
        for (key, level) in &baseline.keys {
            old.entry(*key).or_default().push(*level);
        }
        let mut new = Self::default();
        let mut fresh = HashMap::new();
        for (key, level) in &self.keys {
            let levels = old.get_mut(key).map(Vec::as_mut_slice).unwrap_or_default();
            // The least grave of the old ones that is at least as grave: it leaves the graver for others.
            let taken =
                levels.iter().enumerate().filter(|(_, old)| *old <= level).max_by_key(|(_, old)| **old);
            if let Some(at) = taken.map(|(at, _)| at) {
                if let Some(levels) = old.get_mut(key) {
                    levels.swap_remove(at);
                }
                continue;
            }
            new.counts.add(*level, 1);
            new.keys.push((*key, *level));
            *fresh.entry((*key, *level)).or_insert(0_u64) += 1;
        }
        for finding in &self.findings {
            if let Some(left) = fresh.get_mut(&(finding.key, finding.level)).filter(|left| **left > 0) {
                *left -= 1;
                new.findings.push(finding.clone());
            }
        }
        new.suppressed_keys = missing_in(&self.suppressed_keys, &baseline.suppressed_keys);
        new.suppressed = new.suppressed_keys.len() as u64;
        new
    }

    /// How many suppressions this report has that the baseline does not.
    pub fn new_suppressions(&self, baseline: &Self) -> u64 {
        missing_in(&self.suppressed_keys, &baseline.suppressed_keys).len() as u64
    }
}

/// The keys that `old` does not have as often.
fn missing_in(keys: &[FindingKey], old: &[FindingKey]) -> Vec<FindingKey> {
    let mut left: HashMap<FindingKey, u64> = HashMap::with_capacity(old.len());
    for key in old {
        *left.entry(*key).or_insert(0) += 1;
    }
    let mut missing = keys.to_vec();
    missing.retain(|key| match left.get_mut(key).filter(|left| **left > 0) {
        Some(left) => {
            *left -= 1;
            false
        }
        None => true,
    });
    missing
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> FindingKey {
        FindingKey::of(&[text.as_bytes()])
    }

    fn report(keys: &[(&str, Level)], suppressed: &[&str]) -> FindingReport {
        let mut report = FindingReport::default();
        for (text, level) in keys {
            report.counts.add(*level, 1);
            report.keys.push((key(text), *level));
            report.findings.push(Finding {
                key: key(text),
                level: *level,
                rule: (*text).into(),
                message: SharedText::default(),
                path: None,
                stated_path: None,
                line: None,
                column: None,
                security_severity: None,
                claimed_new: Some(false),
            });
        }
        report.suppressed_keys = suppressed.iter().map(|text| key(text)).collect();
        report.suppressed = suppressed.len() as u64;
        report
    }

    #[test]
    fn only_what_the_baseline_lacks_is_new() {
        use Level::{Error, Note, Warning};
        let head = report(&[("a", Error), ("a", Error), ("b", Warning), ("c", Error)], &["s", "s", "t"]);
        let base = report(&[("a", Error), ("b", Warning), ("gone", Error)], &["s"]);
        let new = head.new_against(&base);
        assert_eq!((new.counts.error, new.counts.warning), (2, 0));
        let rules: Vec<_> = new.findings.iter().map(|f| f.rule.as_ref()).collect();
        assert_eq!(rules, ["a", "c"]);
        assert_eq!(head.new_suppressions(&base), 2);
        assert_eq!(head.new_against(&FindingReport::default()).counts, head.counts);
        assert_eq!(head.new_against(&head).counts.total(), 0);
        let graver = report(&[("n", Error)], &[]).new_against(&report(&[("n", Note)], &[]));
        assert_eq!(graver.counts.error, 1, "a note that became an error is new");
        let milder = report(&[("n", Note)], &[]).new_against(&report(&[("n", Error)], &[]));
        assert_eq!(milder.counts.total(), 0);
    }

    #[test]
    fn merging_adds_and_keeps_the_gravest_texts() {
        let one = report(&[("w", Level::Warning), ("n", Level::Note)], &["s"]);
        let two = report(&[("e", Level::Error)], &[]);
        let both = one.clone().merge(two.clone(), 2);
        assert_eq!((both.counts.total(), both.suppressed, both.keys.len()), (3, 1, 3));
        let rules: Vec<_> = both.findings.iter().map(|f| f.rule.as_ref()).collect();
        assert_eq!(rules, ["e", "w"]);
        assert_eq!(both.new_against(&one).counts, two.counts);
    }

    proptest::proptest! {
        #[test]
        fn old_and_new_add_up(head in "[a-d]{0,12}", base in "[a-d]{0,12}") {
            let of = |text: &str| {
                let names: Vec<String> = text.chars().map(String::from).collect();
                report(&names.iter().map(|n| (n.as_str(), Level::Error)).collect::<Vec<_>>(), &[])
            };
            let new = of(&head).new_against(&of(&base));
            let count = |text: &str, c: char| text.matches(c).count();
            let wanted: usize = "abcd".chars().map(|c| count(&head, c).saturating_sub(count(&base, c))).sum();
            proptest::prop_assert_eq!(new.counts.error, wanted as u64);
            proptest::prop_assert_eq!(new.findings.len(), wanted);
        }
    }
}
