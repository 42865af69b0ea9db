//! Folds findings one by one into a report: counted, deduplicated, fingerprinted, a bounded number kept with texts.
//! What only the rest of the file can tell (the tool, a rule's default level) is settled when a run is closed.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasher, Hash};
use std::num::NonZeroU32;

use foldhash::quality::{FixedState, RandomState};

use crate::model::{count, is_plain, sanitize, sanitized};

use super::content::ParseError;
use super::finding::{Finding, FindingKey, FindingReport, Level, SharedText};
use super::limits::Limits;
use super::place::Place;

/// Distinct rules that the results of one run may name.
const RULES: usize = 20_000;

/// Who suppressed a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Suppressed {
    /// A comment in the judged source.
    InSource,
    /// A list outside the source.
    External,
}

/// A region, as far as it is given; all it takes to tell two places apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Region {
    pub line: Option<u64>,
    pub column: Option<u64>,
    pub end_line: Option<u64>,
    pub end_column: Option<u64>,
    /// Offset of the first byte or character, where lines are not given.
    pub offset: Option<u64>,
}

/// One finding as a report states it.
#[derive(Debug, Default)]
pub struct Seen<'a> {
    /// `None` leaves it to the rule, once the run is closed.
    pub level: Option<Level>,
    pub message: &'a str,
    /// The text of the line, where the report quotes it.
    pub snippet: Option<&'a str>,
    pub place: Place,
    /// Name of the folder that `place` is relative to; where that lies is known when the run is closed.
    pub base: Option<&'a str>,
    pub region: Region,
    pub suppressed: Option<Suppressed>,
    pub claimed_new: Option<bool>,
    pub security_severity: Option<&'a str>,
}

/// What a run knows of a rule once it is closed.
#[derive(Debug, Clone, Default)]
pub struct Settled {
    pub rule: String,
    /// The level of findings that state none.
    pub level: Option<Level>,
    pub security_severity: Option<String>,
}

/// Sorts by identity first, so that equals are neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Record {
    key: FindingKey,
    suppressed: Option<Suppressed>,
    place: u64,
    level: Option<Level>,
    rule: u32,
}

#[derive(Debug)]
struct Detail {
    /// Which of the records it is, until they are sorted.
    record: usize,
    place: u64,
    base: Option<Box<str>>,
    finding: Finding,
}

/// Findings in the making. `R` is how a result names its rule.
pub struct Tally<R> {
    kept: usize,
    text: usize,
    max: u64,
    records: Vec<Record>,
    /// Where the records of the open run start.
    open: usize,
    rules: HashMap<R, u32, RandomState>,
    names: Vec<R>,
    /// Details by level, settled.
    details: BTreeMap<Level, Vec<Detail>>,
    /// Details of the open run that wait for their rule, by rule.
    waiting: BTreeMap<u32, Vec<Detail>>,
    waiting_total: usize,
    outside: u64,
    outside_example: Option<String>,
    texts: Texts,
}

/// The texts of a report, each once. Those of findings that were not kept after all are let go of now and then, so that
/// there are never many more than are kept.
#[derive(Debug, Default)]
struct Texts {
    known: HashSet<SharedText, RandomState>,
    /// How many there may be before that is done.
    room: usize,
    none: SharedText,
}

/// Fewer are not looked through.
const FEW_TEXTS: usize = 1024;

impl Texts {
    /// The text, sanitized and cut at `max` characters.
    fn of(&mut self, text: &str, max: usize) -> SharedText {
        self.shared(&sanitized(text, max))
    }

    fn shared(&mut self, text: &str) -> SharedText {
        if let Some(known) = self.known.get(text) {
            return known.clone();
        }
        if self.known.len() >= self.room {
            self.known.retain(|text| !text.is_alone());
            self.room = (2 * self.known.len()).max(FEW_TEXTS);
        }
        let new = SharedText::from(text);
        self.known.insert(new.clone());
        new
    }
}

impl<R: Hash + Eq + Clone> Tally<R> {
    /// Nothing seen.
    pub fn new(limits: &Limits) -> Self {
        Self {
            kept: limits.details(),
            text: limits.text(),
            max: limits.kept_keys,
            records: Vec::new(),
            open: 0,
            rules: HashMap::default(),
            names: Vec::new(),
            details: BTreeMap::new(),
            waiting: BTreeMap::new(),
            waiting_total: 0,
            outside: 0,
            outside_example: None,
            texts: Texts::default(),
        }
    }

    /// Takes one finding.
    ///
    /// # Errors
    /// [`ParseError::TooLarge`]: more findings than `kept_keys`, or too many rules.
    pub fn add(&mut self, rule: &R, seen: &Seen<'_>) -> Result<(), ParseError> {
        if self.records.len() as u64 >= self.max {
            return Err(ParseError::TooLarge(format!("it has more than {} findings", self.max)));
        }
        let rule = self.rule(rule)?;
        let text = seen.snippet.filter(|text| !text.trim().is_empty()).unwrap_or(seen.message);
        let base = seen.base.unwrap_or("");
        let key = FindingKey::of(&[base.as_bytes(), seen.place.identity().as_bytes(), &folded(text)]);
        let place = self.place(seen);
        self.records.push(Record { key, suppressed: seen.suppressed, place, level: seen.level, rule });
        if seen.place.is_outside() {
            self.outside += 1;
            if self.outside_example.is_none() {
                self.outside_example = seen.place.stated.as_deref().map(|text| sanitize(text, 120));
            }
        }
        if seen.suppressed.is_none() {
            self.keep(place, rule, seen);
        }
        Ok(())
    }

    /// What tells equal findings at one path apart. Without a region each is one of its own. A fast hash will do: who
    /// writes a report can leave a finding out, and needs no collision to do so.
    fn place(&self, seen: &Seen<'_>) -> u64 {
        if seen.region.line.is_none() && seen.region.offset.is_none() {
            return self.records.len() as u64;
        }
        FixedState::default().hash_one((seen.region, seen.message))
    }

    fn rule(&mut self, rule: &R) -> Result<u32, ParseError> {
        if let Some(index) = self.rules.get(rule) {
            return Ok(*index);
        }
        let index = u32::try_from(self.names.len()).ok().filter(|_| self.names.len() < RULES);
        let index =
            index.ok_or_else(|| ParseError::TooLarge(format!("its results name more than {RULES} rules")))?;
        self.rules.insert(rule.clone(), index);
        self.names.push(rule.clone());
        Ok(index)
    }

    /// Keeps the texts of a finding while there is room: for its level, or fairly among the rules that wait.
    fn keep(&mut self, place: u64, rule: u32, seen: &Seen<'_>) {
        let record = self.records.len() - 1;
        if let Some(level) = seen.level {
            let kept = self.details.entry(level).or_default();
            if kept.len() < self.kept {
                kept.push(detail(record, place, seen, level, self.text, &mut self.texts));
            }
            return;
        }
        let room = self.kept.saturating_mul(4);
        let own = self.waiting.get(&rule).map_or(0, Vec::len);
        if own >= self.kept {
            return;
        }
        if self.waiting_total >= room {
            let Some(largest) = self.waiting.values_mut().max_by_key(|list| list.len()) else { return };
            if largest.len() <= own + 1 {
                return;
            }
            largest.pop();
            self.waiting_total -= 1;
        }
        self.waiting_total += 1;
        let detail = detail(record, place, seen, Level::Warning, self.text, &mut self.texts);
        self.waiting.entry(rule).or_default().push(detail);
    }

    /// Ends a run: its results get their tool, and by `settle` their rule's name and default level;
    /// `prefix` gives the folder that a base name stands for.
    pub fn close(
        &mut self,
        tool: &str,
        settle: &mut dyn FnMut(&R) -> Settled,
        prefix: &dyn Fn(&str) -> Option<String>,
    ) {
        let rules: Vec<Settled> = self.names.iter().map(settle).collect();
        let open = self.records.get_mut(self.open..).unwrap_or_default();
        for record in open {
            let Some(rule) = rules.get(record.rule as usize) else { continue };
            record.key = FindingKey::of(&[tool.as_bytes(), rule.rule.as_bytes(), &record.key.bytes()]);
            // SARIF 3.27.10: where nothing says otherwise, a result is a warning.
            record.level = record.level.or(rule.level).or(Some(Level::Warning));
        }
        let waiting = std::mem::take(&mut self.waiting);
        self.waiting_total = 0;
        for (rule, details) in waiting {
            let level = rules.get(rule as usize).and_then(|rule| rule.level).unwrap_or(Level::Warning);
            let kept = self.details.entry(level).or_default();
            for mut detail in details.into_iter().take(self.kept.saturating_sub(kept.len())) {
                detail.finding.level = level;
                kept.push(detail);
            }
        }
        let names: Vec<SharedText> = rules.iter().map(|rule| self.texts.of(&rule.rule, self.text)).collect();
        for detail in self.details.values_mut().flatten().filter(|detail| detail.record >= self.open) {
            let Some(record) = self.records.get(detail.record) else { continue };
            let at = record.rule as usize;
            let (Some(rule), Some(name)) = (rules.get(at), names.get(at)) else { continue };
            detail.finding.key = record.key;
            detail.finding.rule = name.clone();
            if detail.finding.security_severity.is_none() {
                detail.finding.security_severity =
                    rule.security_severity.as_deref().map(|text| self.texts.of(text, 80));
            }
            let folder =
                detail.base.take().and_then(|base| prefix(&base)).filter(|folder| !folder.is_empty());
            if let (Some(folder), Some(path)) = (folder, detail.finding.path.as_mut()) {
                *path = self.texts.shared(&format!("{folder}{path}"));
            }
        }
        // What is settled must not tell equals apart.
        for record in self.records.get_mut(self.open..).unwrap_or_default() {
            record.rule = u32::MAX;
        }
        self.open = self.records.len();
        self.rules.clear();
        self.names.clear();
    }

    /// What a reader should know about the places of the findings.
    pub fn note(&self) -> Option<String> {
        let example = self.outside_example.as_deref()?;
        let findings = count(self.outside, "finding");
        Some(format!("{findings} at a place that is no path of the repository, such as `{example}`"))
    }

    /// The report. Every run must be closed.
    pub fn finish(mut self) -> FindingReport {
        let mut report = FindingReport::default();
        self.records.sort_unstable();
        let before = self.records.len();
        self.records.dedup_by_key(|record| (record.key, record.suppressed, record.place));
        report.duplicates = (before - self.records.len()) as u64;
        report.findings = self.kept_findings();
        report.keys.reserve_exact(self.records.len());
        for group in self.records.chunk_by(|one, two| (one.key, one.suppressed) == (two.key, two.suppressed))
        {
            for (ordinal, record) in (0..).zip(group) {
                let key = record.key.nth(ordinal);
                let level = record.level.unwrap_or(Level::Warning);
                if let Some(by) = record.suppressed {
                    report.suppressed += 1;
                    report.suppressed_in_source += u64::from(by == Suppressed::InSource);
                    report.suppressed_keys.push(key);
                } else {
                    report.counts.add(level, 1);
                    report.keys.push((key, level));
                }
            }
        }
        report
    }

    /// The details with their final keys, the gravest first, each once.
    fn kept_findings(&mut self) -> Vec<Finding> {
        let details = std::mem::take(&mut self.details);
        let mut findings = Vec::with_capacity(self.kept.min(details.values().map(Vec::len).sum()));
        let mut taken = HashSet::with_capacity_and_hasher(findings.capacity(), RandomState::default());
        for mut detail in details.into_values().flatten() {
            if findings.len() >= self.kept {
                break;
            }
            let key = detail.finding.key;
            if !taken.insert((key, detail.place)) {
                continue;
            }
            let first = self.records.partition_point(|record| (record.key, record.suppressed) < (key, None));
            let own = self.records.partition_point(|record| {
                (record.key, record.suppressed, record.place) < (key, None, detail.place)
            });
            detail.finding.key = key.nth((own - first) as u64);
            findings.push(detail.finding);
        }
        findings
    }
}

fn detail(record: usize, place: u64, seen: &Seen<'_>, level: Level, max: usize, texts: &mut Texts) -> Detail {
    let finding = Finding {
        // Both known once the run is closed.
        key: FindingKey::default(),
        rule: texts.none.clone(),
        level,
        message: texts.of(seen.message, max),
        path: seen.place.path.as_deref().map(|path| texts.of(path, max)),
        stated_path: seen.place.stated.as_deref().map(|path| texts.of(path, max)),
        line: counted_from_one(seen.region.line),
        column: counted_from_one(seen.region.column),
        security_severity: seen.security_severity.map(|text| texts.of(text, 80)),
        claimed_new: seen.claimed_new,
    };
    Detail { record, place, base: seen.base.map(Into::into), finding }
}

/// A line or column to show. No file has four thousand million of them.
fn counted_from_one(position: Option<u64>) -> Option<NonZeroU32> {
    NonZeroU32::new(u32::try_from(position?).ok()?)
}

/// The text with every run of white space as one space, so that re-indenting is no new finding.
fn folded(text: &str) -> Cow<'_, [u8]> {
    let trimmed = text.trim();
    let bytes = trimmed.as_bytes();
    if is_plain(bytes) {
        return bytes.into();
    }
    if !bytes.is_ascii() {
        return trimmed.split_whitespace().collect::<Vec<_>>().join(" ").into_bytes().into();
    }
    let mut out = Vec::with_capacity(bytes.len());
    // The white space that ASCII has.
    for word in bytes.split(|byte| matches!(byte, b'\t'..=b'\r' | b' ')).filter(|word| !word.is_empty()) {
        if !out.is_empty() {
            out.push(b' ');
        }
        out.extend_from_slice(word);
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_findings_that_are_not_kept_are_let_go_of() {
        let limits = Limits { kept_details: 10, ..Limits::default() };
        let mut tally = Tally::new(&limits);
        for run in 0..20 {
            for number in 0..500_u64 {
                let message = format!("message {number} of run {run}");
                let region = Region { line: Some(number + 1), ..Region::default() };
                tally.add(&(number % 50), &Seen { message: &message, region, ..Seen::default() }).unwrap();
                assert!(tally.texts.known.len() <= FEW_TEXTS, "{} texts", tally.texts.known.len());
            }
            tally.close("tool", &mut |_| Settled::default(), &|_| None);
        }
        let report = tally.finish();
        assert_eq!((report.counts.warning, report.findings.len()), (10_000, 10));
    }

    proptest::proptest! {
        #[test]
        fn every_run_of_white_space_is_one_space(text in "[ab \\t\\n\\x0b\\x0c\\r\\x1c\\x1f\u{a0}\u{2003}é]{0,24}") {
            let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
            proptest::prop_assert_eq!(folded(&text).into_owned(), words.into_bytes());
        }
    }
}
