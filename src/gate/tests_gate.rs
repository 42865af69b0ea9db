//! Gate kind `tests`: enough tests ran, none failed, none was flaky unless the policy allows it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::test_report::{CaseOutcome, TestCounts, TestReport};
use crate::evidence::{Content, Evidence};
use crate::model::{Code, Quote, count};

use super::registry::{Input, Judge, Judgement, KindSettings};
use super::result::Blocker;

/// The keys of a `tests` gate.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Tests that must have run, skipped ones not counted. Default 1.
    #[serde(default = "one")]
    min_tests: u64,
    /// Whether tests that passed only when tried again are accepted. Default false.
    #[serde(default)]
    allow_flaky: bool,
    /// Tests that may be skipped. Default: any number.
    max_skipped: Option<u64>,
}

fn one() -> u64 {
    1
}

/// Quotes shown per blocker.
const QUOTES: usize = 10;

impl KindSettings for Settings {
    fn problems(&self) -> Vec<(&'static str, String)> {
        if self.min_tests == 0 {
            return vec![("min_tests", "`min_tests` is 0: a run without tests proves nothing".to_owned())];
        }
        Vec::new()
    }
}

impl Judge for Settings {
    fn judge(&self, input: &Input<'_>) -> Judgement {
        let mut total = TestCounts::default();
        let mut blockers = Vec::new();
        for evidence in &input.evidence {
            if let Some(Content::Tests(report)) = evidence.judgeable() {
                add(&mut total, &report.counts);
                blockers.extend(self.judge_one(evidence, report));
            }
        }
        if input.complete && total.ran() < self.min_tests {
            let reason = format!(
                "{} ran, the policy asks for at least {}",
                count(total.ran(), "test"),
                self.min_tests
            );
            blockers.push(Blocker::new(Code::TestsTooFew, "total", reason));
        }
        if let Some(max) = self.max_skipped
            && total.skipped > max
        {
            let reason = format!("{} skipped, the policy allows {max}", count(total.skipped, "test"));
            blockers.push(Blocker::new(Code::TestsSkipped, "total", reason));
        }
        Judgement {
            observed: observed(&total),
            threshold: self.threshold(),
            blockers,
            judged: input.any_counts(),
            ..Judgement::default()
        }
    }
}

impl Settings {
    fn judge_one(&self, evidence: &Evidence, report: &TestReport) -> Vec<Blocker> {
        let mut blockers = Vec::new();
        let counts = &report.counts;
        let red = counts.failed + counts.errored;
        let quotes = |wanted: &[CaseOutcome]| {
            let fitting = report.cases.iter().filter(|case| wanted.contains(&case.outcome));
            fitting
                .take(QUOTES)
                .flat_map(|case| {
                    let message = case.message.as_ref().map(|message| Quote::new("message", message));
                    std::iter::once(Quote::new("test", &case.name)).chain(message)
                })
                .collect()
        };
        if red > 0 {
            let claimed = match report.claimed_only {
                0 => String::new(),
                some => format!(", {some} of them claimed by the report's totals alone"),
            };
            let reason = format!(
                "{red} of {} failed in evidence `{}`{claimed}",
                count(counts.ran(), "test"),
                evidence.id
            );
            blockers.push(
                Blocker::on_evidence(Code::TestsFailed, &evidence.id, reason)
                    .with_quotes(quotes(&[CaseOutcome::Errored, CaseOutcome::Failed])),
            );
        }
        if counts.flaky > 0 && !self.allow_flaky {
            let reason = format!(
                "{} passed only when tried again in evidence `{}`",
                count(counts.flaky, "test"),
                evidence.id
            );
            blockers.push(
                Blocker::on_evidence(Code::TestsFlaky, &evidence.id, reason)
                    .with_quotes(quotes(&[CaseOutcome::Flaky])),
            );
        }
        blockers
    }

    fn threshold(&self) -> String {
        let mut words = vec![format!("at least {}", count(self.min_tests, "test")), "none failed".to_owned()];
        if !self.allow_flaky {
            words.push("none flaky".to_owned());
        }
        if let Some(max) = self.max_skipped {
            words.push(format!("at most {max} skipped"));
        }
        words.join(", ")
    }
}

fn add(total: &mut TestCounts, more: &TestCounts) {
    total.passed += more.passed;
    total.failed += more.failed;
    total.errored += more.errored;
    total.skipped += more.skipped;
    total.flaky += more.flaky;
    total.todo += more.todo;
}

fn observed(counts: &TestCounts) -> String {
    let mut words = vec![format!("{} ran", count(counts.ran(), "test"))];
    for (number, what) in [
        (counts.failed, "failed"),
        (counts.errored, "in error"),
        (counts.flaky, "flaky"),
        (counts.skipped, "skipped"),
        (counts.todo, "to do"),
    ] {
        if number > 0 {
            words.push(format!("{number} {what}"));
        }
    }
    words.join(", ")
}
