//! Test results of any dialect: counts by outcome, the cases a reader needs to see, and a mark of every case.
//! The readers of all test formats fill it through [`Tally`].

use crate::model::{count, sanitize, sanitize_from};

use super::content::Substance;
use super::limits::Limits;
use super::test_roll::TestRoll;

/// How many cases ended how. A case counts once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TestCounts {
    pub passed: u64,
    pub failed: u64,
    pub errored: u64,
    /// Left out on purpose while the tests ran: skipped, ignored, an expected failure.
    pub skipped: u64,
    /// Switched off, so that the runner never tried: disabled, not run.
    pub disabled: u64,
    /// Failed first, passed when tried again.
    pub flaky: u64,
    /// Marked as to be done; its failure is expected.
    pub todo: u64,
    /// Of all cases above, those the runner tried more than once. No outcome of its own.
    pub rerun: u64,
}

impl TestCounts {
    /// Cases that ran: everything but the skipped, the disabled and the todo ones.
    pub fn ran(&self) -> u64 {
        self.passed + self.failed + self.errored + self.flaky
    }

    /// Cases that did not run: skipped, disabled or todo.
    pub fn not_run(&self) -> u64 {
        self.skipped + self.disabled + self.todo
    }

    /// All cases.
    pub fn total(&self) -> u64 {
        self.ran() + self.not_run()
    }

    /// What these counts prove by themselves: nothing where no case ran.
    pub fn substance(&self) -> Substance {
        match (self.ran(), self.not_run()) {
            (0, 0) => Substance::Nothing("it has no test case".to_owned()),
            (0, left_out) => Substance::Nothing(format!("no test ran: {} left out", count(left_out, "case"))),
            _ => Substance::Measured,
        }
    }

    /// The count of one outcome.
    pub fn of(&mut self, outcome: CaseOutcome) -> &mut u64 {
        match outcome {
            CaseOutcome::Errored => &mut self.errored,
            CaseOutcome::Failed => &mut self.failed,
            CaseOutcome::Flaky => &mut self.flaky,
            CaseOutcome::Skipped => &mut self.skipped,
            CaseOutcome::Disabled => &mut self.disabled,
            CaseOutcome::Todo => &mut self.todo,
            CaseOutcome::Passed => &mut self.passed,
        }
    }

    /// Adds the counts of another report.
    pub fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.errored += other.errored;
        self.skipped += other.skipped;
        self.disabled += other.disabled;
        self.flaky += other.flaky;
        self.todo += other.todo;
        self.rerun += other.rerun;
    }
}

/// How one case ended, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CaseOutcome {
    Errored,
    Failed,
    Flaky,
    Skipped,
    Disabled,
    Todo,
    Passed,
}

impl CaseOutcome {
    /// Whether the case ran at all.
    pub fn ran(self) -> bool {
        matches!(self, Self::Errored | Self::Failed | Self::Flaky | Self::Passed)
    }
}

/// One case with its texts, sanitized and bounded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestCase {
    pub outcome: CaseOutcome,
    /// Suite, class and name as the report has them, joined for people.
    pub name: String,
    pub message: Option<String>,
    pub file: Option<String>,
    pub line: Option<u64>,
}

/// One test report, or several merged.
#[derive(Debug, Clone, Default)]
pub struct TestReport {
    pub counts: TestCounts,
    /// Failures and errors that attributes claim beyond those the cases show (FORMATS 1.1: take the worse).
    /// They are included in `counts.failed` and `counts.errored`.
    pub claimed_only: u64,
    /// The cases that did not pass, errors first, at most `Limits::kept_details`.
    pub cases: Vec<TestCase>,
    /// A mark of every case, for comparing with an earlier report, where that is asked for (`Limits::rolls`).
    pub roll: TestRoll,
}

impl TestReport {
    /// Adds the cases of another file of the same run, such as the next class of a surefire folder.
    pub fn merge(&mut self, other: Self, limits: &Limits) {
        self.counts.add(other.counts);
        self.claimed_only += other.claimed_only;
        self.cases.extend(other.cases);
        self.cases.sort_by_key(|case| case.outcome);
        self.cases.truncate(limits.details());
        self.roll.merge(other.roll, limits);
    }
}

/// What names a case: the names of its suites from the outside in, its class, its own name.
#[derive(Debug, Clone, Copy)]
pub struct CaseName<'n> {
    pub suites: &'n [String],
    pub class: &'n str,
    pub name: &'n str,
}

impl CaseName<'_> {
    /// The parts joined for people, each left out where the next begins with it; of a long name the end is kept.
    pub fn shown(&self, limits: &Limits) -> String {
        let lengths = self.suites.iter().map(|suite| suite.len() + 3).sum::<usize>();
        let mut out = String::with_capacity(lengths + self.class.len() + 3 + self.name.len());
        self.show(limits, &mut out);
        out
    }

    /// As [`Self::shown`], put behind what `out` holds.
    pub fn show(&self, limits: &Limits, out: &mut String) {
        let start = out.len();
        let parts = self.suites.iter().map(String::as_str).chain([self.class, self.name]);
        let mut last = "";
        for part in parts.map(str::trim).filter(|part| !part.is_empty()) {
            if !last.is_empty() && !part.starts_with(last) {
                out.push_str(last);
                out.push_str(" > ");
            }
            last = part;
        }
        out.push_str(last);
        let max = limits.text();
        let shown = out.get(start..).unwrap_or_default();
        let over = if shown.len() > max { shown.chars().count().saturating_sub(max) } else { 0 };
        if over > 0 {
            // The case's own name stands at the end; nested suites before it may be hundreds.
            let tail: String = shown.chars().skip(over + 1).collect();
            out.truncate(start);
            out.push('…');
            out.push_str(&sanitize(&tail, max));
        } else {
            sanitize_from(out, start, max);
        }
    }
}

/// A report in the making: counts all cases, keeps the texts of some.
#[derive(Debug)]
pub struct Tally<'l> {
    limits: &'l Limits,
    counts: TestCounts,
    /// Kept apart by outcome until the end, so that late errors are not crowded out by early skips.
    kept: [Vec<TestCase>; 6],
    /// Whether the case counted last is the one kept last.
    last_is_kept: bool,
    roll: TestRoll,
}

impl<'l> Tally<'l> {
    /// Nothing counted yet.
    pub fn new(limits: &'l Limits) -> Self {
        Self {
            limits,
            counts: TestCounts::default(),
            kept: Default::default(),
            last_is_kept: false,
            roll: TestRoll::new(limits),
        }
    }

    /// The counts so far.
    pub fn counts(&mut self) -> &mut TestCounts {
        &mut self.counts
    }

    /// Counts a case that ended so.
    pub fn count(&mut self, name: CaseName<'_>, outcome: CaseOutcome) {
        *self.counts.of(outcome) += 1;
        self.last_is_kept = false;
        self.roll.push(name, outcome, self.limits);
    }

    /// Keeps the texts of the case counted last, where it did not pass and there is room for its outcome.
    /// The texts are sanitized here.
    pub fn keep(&mut self, case: TestCase) {
        let Some(kept) = self.kept.get_mut(case.outcome as usize) else { return };
        if kept.len() < self.limits.details() {
            let max = self.limits.text();
            self.last_is_kept = true;
            kept.push(TestCase {
                outcome: case.outcome,
                name: sanitize(&case.name, max),
                message: case.message.map(|text| sanitize(&text, max)).filter(|text| !text.is_empty()),
                file: case.file.map(|text| sanitize(&text, max)).filter(|text| !text.is_empty()),
                line: case.line,
            });
        }
    }

    /// Makes an error of the failure that was counted last, because the same case was reported once more
    /// as an error: pytest writes a failed call and its failed teardown as two cases of one name.
    pub fn worsen_last(&mut self) {
        self.counts.failed = self.counts.failed.saturating_sub(1);
        self.counts.errored += 1;
        self.roll.worsen_last();
        let [errored, failed, ..] = &mut self.kept;
        if self.last_is_kept
            && errored.len() < self.limits.details()
            && let Some(mut case) = failed.pop()
        {
            case.outcome = CaseOutcome::Errored;
            errored.push(case);
        }
    }

    /// The report, with the failures and errors that only attributes claim added.
    pub fn finish(mut self, claimed_failures: u64, claimed_errors: u64) -> TestReport {
        self.counts.failed = self.counts.failed.saturating_add(claimed_failures);
        self.counts.errored = self.counts.errored.saturating_add(claimed_errors);
        let mut cases: Vec<TestCase> = self.kept.into_iter().flatten().collect();
        cases.truncate(self.limits.details());
        TestReport {
            counts: self.counts,
            claimed_only: claimed_failures.saturating_add(claimed_errors),
            cases,
            roll: self.roll,
        }
    }
}
