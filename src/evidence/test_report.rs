//! Test results of any dialect: counts by outcome, and the cases a reader needs to see.

/// How many cases ended how. A case counts once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TestCounts {
    pub passed: u64,
    pub failed: u64,
    pub errored: u64,
    /// Not run on purpose: skipped, ignored, disabled.
    pub skipped: u64,
    /// Failed first, passed when tried again.
    pub flaky: u64,
    /// Marked as to be done; its failure is expected.
    pub todo: u64,
}

impl TestCounts {
    /// Cases that ran: everything but the skipped and the todo ones.
    pub fn ran(&self) -> u64 {
        self.passed + self.failed + self.errored + self.flaky
    }

    /// All cases.
    pub fn total(&self) -> u64 {
        self.ran() + self.skipped + self.todo
    }
}

/// How one case ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CaseOutcome {
    Errored,
    Failed,
    Flaky,
    Skipped,
    Todo,
    Passed,
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
}
