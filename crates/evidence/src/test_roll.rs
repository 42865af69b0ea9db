//! A roll of every case of a report in eight bytes each, and what changed between two of them.
//! Numbers stand for names; the names themselves are kept for the first of them only.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{BuildHasher, Hasher};

use foldhash::quality::{FixedState, RandomState};

use super::limits::Limits;
use super::test_report::{CaseName, CaseOutcome};

/// The cases of a report, as numbers made from their names.
///
/// A case is its suites, its class and its name. The same name may come several times (parameters cut off,
/// playwright's projects): then it counts as often as it comes. The numbers compare within one program run only.
#[derive(Debug, Clone, Default)]
pub struct TestRoll {
    /// A case each: its number, the lowest bit telling whether it ran.
    cases: Vec<u64>,
    /// Classes (the suite where there are none) in the order of the report, as [`Self::cases`] are; one that comes back
    /// later is there twice.
    classes: Vec<u64>,
    /// Of the first cases and classes.
    names: Box<Names>,
    /// There were more than could be kept, or none was to be kept: nothing can be told from the roll.
    incomplete: bool,
}

/// Names of numbers, one behind the other in one text: there are twenty thousand of them, and most are never asked for.
#[derive(Debug, Clone, Default)]
struct Names {
    text: String,
    /// Each number and where in the text its name ends.
    ends: Vec<(u64, usize)>,
    known: HashSet<u64, RandomState>,
}

impl Names {
    /// Lets `write` put the name of a number behind the others, unless it has one.
    fn add(&mut self, number: u64, write: impl FnOnce(&mut String)) {
        if self.known.insert(number) {
            write(&mut self.text);
            self.ends.push((number, self.text.len()));
        }
    }

    fn len(&self) -> usize {
        self.ends.len()
    }

    /// Numbers and names in the order they came.
    fn all(&self) -> impl Iterator<Item = (u64, &str)> {
        let starts = std::iter::once(0).chain(self.ends.iter().map(|(_, end)| *end));
        self.ends
            .iter()
            .zip(starts)
            .filter_map(|((number, end), start)| Some((*number, self.text.get(start..*end)?)))
    }
}

/// What an earlier report had that a later one has not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RollChanges {
    /// Cases that are no longer there.
    pub removed: Changed,
    /// Cases that ran before and are skipped, disabled or todo now.
    pub newly_skipped: Changed,
    /// Classes (suites where there are none) of which something ran before and nothing runs now,
    /// though they are still there.
    pub lost_to_skips: Changed,
}

/// How many, and the names of those whose names were kept, sorted; sanitized.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changed {
    pub count: u64,
    pub names: Vec<String>,
}

impl TestRoll {
    /// A roll of no case yet.
    pub fn new(limits: &Limits) -> Self {
        Self { incomplete: !limits.rolls, ..Self::default() }
    }

    /// Adds a case.
    pub fn push(&mut self, name: CaseName<'_>, outcome: CaseOutcome, limits: &Limits) {
        if self.incomplete || self.cases.len() as u64 >= limits.kept_keys {
            self.incomplete = true;
            return;
        }
        let class = number(name.suites.iter().map(String::as_str).chain([name.class])) & !1;
        let case = number([name.name]).rotate_left(1) ^ class;
        let ran = outcome.ran();
        self.cases.push((case & !1) | u64::from(ran));
        let room = (self.names.len() as u64) < limits.kept_names;
        match self.classes.last_mut() {
            Some(last) if *last & !1 == class => *last |= u64::from(ran),
            _ => {
                self.classes.push(class | u64::from(ran));
                if room {
                    let whole = CaseName { name: "", ..name };
                    self.names.add(class, |text| whole.show(limits, text));
                }
            }
        }
        if room {
            self.names.add(case & !1, |text| name.show(limits, text));
        }
    }

    /// Says that the case added last ran, whatever was said before.
    pub fn worsen_last(&mut self) {
        if let Some(case) = self.cases.last_mut() {
            *case |= 1;
        }
    }

    /// Adds the cases of another file of the same run.
    pub fn merge(&mut self, other: Self, limits: &Limits) {
        self.cases.extend(other.cases);
        self.classes.extend(other.classes);
        self.incomplete |= other.incomplete || self.cases.len() as u64 > limits.kept_keys;
        if self.incomplete {
            *self = Self { incomplete: true, ..Self::default() };
            return;
        }
        for (number, name) in other.names.all() {
            if self.names.len() as u64 >= limits.kept_names {
                break;
            }
            self.names.add(number, |text| text.push_str(name));
        }
    }

    /// What this earlier roll had that a later one has not; at most `shown` names of each kind.
    /// `None` where one of them had more cases than `Limits::kept_keys` or was not to be kept, so that it cannot be told.
    pub fn changes(&self, later: &Self, shown: usize) -> Option<RollChanges> {
        if self.incomplete || later.incomplete {
            return None;
        }
        let names: BTreeMap<u64, &str> = self.names.all().collect();
        let name = |number: u64| names.get(&number).map(ToString::to_string);
        let (mut removed, mut skipped) = (Vec::new(), Vec::new());
        let (before, after) = (sorted(&self.cases), sorted(&later.cases));
        let mut rest = after.as_slice();
        for same in before.chunk_by(|a, b| a >> 1 == b >> 1) {
            let case = same.first().map_or(0, |case| case & !1);
            let start = rest.partition_point(|other| *other < case);
            rest = rest.get(start..).unwrap_or_default();
            let (now, behind) = rest.split_at(rest.partition_point(|other| other & !1 == case));
            rest = behind;
            let gone = same.len().saturating_sub(now.len());
            removed.extend(std::iter::repeat_n(case, gone));
            let (ran_before, ran_now) = (ran(same), ran(now));
            // Of the runs that are lost, those not lost by removal were lost by skipping.
            skipped
                .extend(std::iter::repeat_n(case, ran_before.saturating_sub(ran_now).saturating_sub(gone)));
        }
        let (before, after) = (classes(&self.classes), classes(&later.classes));
        let lost = before.iter().filter(|(class, ran)| **ran && after.get(class) == Some(&false));
        let lost = lost.map(|(class, _)| *class).collect();
        let changed = |numbers: Vec<u64>| {
            let names: BTreeSet<String> = numbers.iter().filter_map(|number| name(*number)).collect();
            Changed { count: numbers.len() as u64, names: names.into_iter().take(shown).collect() }
        };
        Some(RollChanges {
            removed: changed(removed),
            newly_skipped: changed(skipped),
            lost_to_skips: changed(lost),
        })
    }
}

/// A fast hash will do: who writes a report can name its cases at will, and needs no collision to do so.
fn number<'p>(parts: impl IntoIterator<Item = &'p str>) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    for part in parts {
        hasher.write(part.as_bytes());
        hasher.write_u8(0xff);
    }
    hasher.finish()
}

fn sorted(cases: &[u64]) -> Vec<u64> {
    let mut cases = cases.to_vec();
    cases.sort_unstable();
    cases
}

fn ran(cases: &[u64]) -> usize {
    cases.iter().filter(|case| **case & 1 == 1).count()
}

fn classes(classes: &[u64]) -> BTreeMap<u64, bool> {
    let mut all = BTreeMap::new();
    for class in classes {
        *all.entry(class & !1).or_insert(false) |= class & 1 == 1;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roll(cases: &[(&str, &str, CaseOutcome)]) -> TestRoll {
        let mut roll = TestRoll::default();
        for (class, name, outcome) in cases {
            let name = CaseName { suites: &["s".to_owned()], class, name };
            roll.push(name, *outcome, &Limits::default());
        }
        roll
    }

    #[test]
    fn removed_and_skipped_cases_are_told_apart() {
        use CaseOutcome::{Disabled, Failed, Passed, Skipped};
        let before = roll(&[
            ("A", "kept", Passed),
            ("A", "gone", Failed),
            ("A", "skipped now", Passed),
            ("A", "skipped always", Skipped),
            ("B", "one", Passed),
            ("B", "two", Passed),
            ("C", "twice", Passed),
            ("C", "twice", Passed),
        ]);
        let after = roll(&[
            ("C", "twice", Passed),
            ("B", "two", Disabled),
            ("A", "skipped now", Skipped),
            ("A", "kept", Passed),
            ("A", "skipped always", Skipped),
            ("A", "new", Passed),
            ("B", "one", Skipped),
        ]);
        let changes = before.changes(&after, 10).unwrap();
        assert_eq!(changes.removed.names, ["s > A > gone", "s > C > twice"]);
        assert_eq!(changes.removed.count, 2);
        assert_eq!(changes.newly_skipped.names, ["s > A > skipped now", "s > B > one", "s > B > two"]);
        assert_eq!(changes.lost_to_skips.names, ["s > B"]);
        assert_eq!(before.changes(&before, 10).unwrap(), RollChanges::default());
    }

    #[test]
    fn a_roll_with_too_many_cases_tells_nothing() {
        let limits = Limits { kept_keys: 1, ..Limits::default() };
        let mut full = TestRoll::default();
        for name in ["a", "b"] {
            full.push(CaseName { suites: &[], class: "", name }, CaseOutcome::Passed, &limits);
        }
        assert_eq!(full.changes(&TestRoll::default(), 5), None);
        let mut merged = roll(&[("A", "a", CaseOutcome::Passed)]);
        merged.merge(full, &limits);
        assert_eq!(merged.changes(&TestRoll::default(), 5), None);
    }

    #[test]
    fn a_roll_that_was_not_to_be_kept_tells_nothing() {
        let limits = Limits { rolls: false, ..Limits::default() };
        let mut none = TestRoll::new(&limits);
        none.push(CaseName { suites: &[], class: "", name: "a" }, CaseOutcome::Passed, &limits);
        let some = roll(&[("A", "a", CaseOutcome::Passed)]);
        assert_eq!((none.changes(&some, 5), some.changes(&none, 5)), (None, None));
        assert_eq!(none.changes(&none, 5), None);
    }

    proptest::proptest! {
        #[test]
        fn order_does_not_matter(names in proptest::collection::vec("[a-d]{0,2}", 0..12)) {
            let cases: Vec<_> = names.iter().map(|name| ("C", name.as_str(), CaseOutcome::Passed)).collect();
            let mut back = cases.clone();
            back.reverse();
            proptest::prop_assert_eq!(
                roll(&cases).changes(&roll(&back), 5),
                Some(RollChanges::default())
            );
        }
    }
}
