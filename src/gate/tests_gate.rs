//! Gate kind `tests`: enough tests ran, none failed, none was flaky unless the policy allows it,
//! and where asked none of the base's was removed or skipped.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::test_report::{CaseOutcome, TestCounts, TestReport};
use crate::evidence::test_roll::TestRoll;
use crate::evidence::{Content, Evidence, Limits};
use crate::model::{Code, EvidenceId, Quote, RelPath, count};

use super::baseline::{self, Baseline, BaselineSource};
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
    /// Tests that may be left out: skipped, disabled or to do. Default: any number.
    max_skipped: Option<u64>,
    /// Whether every test of the base must still be there. Default false.
    #[serde(default)]
    no_removed: bool,
    /// Whether every test that ran at the base must still run. Default false.
    #[serde(default)]
    no_newly_skipped: bool,
    /// The evidence of role `baseline` that is the base's report. Default: none.
    baseline: Option<EvidenceId>,
    /// The file of the repository that is the base's report, read at the base. Default: none.
    baseline_file: Option<RelPath>,
}

fn one() -> u64 {
    1
}

/// Quotes shown per blocker.
const QUOTES: usize = 10;

impl KindSettings for Settings {
    fn problems(&self) -> Vec<(&'static str, String)> {
        let comparing = [("no_removed", self.no_removed), ("no_newly_skipped", self.no_newly_skipped)];
        let mut problems =
            baseline::problems(self.baseline.as_ref(), self.baseline_file.as_ref(), &comparing);
        if self.min_tests == 0 {
            problems.push(("min_tests", "`min_tests` is 0: a run without tests proves nothing".to_owned()));
        }
        problems
    }
}

impl Judge for Settings {
    fn judge(&self, input: &Input<'_>) -> Judgement {
        let mut total = TestCounts::default();
        let mut blockers = Vec::new();
        for evidence in &input.evidence {
            if let Some(Content::Tests(report)) = evidence.judgeable() {
                total.add(report.counts);
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
            && total.not_run() > max
        {
            let reason = format!("{} left out, the policy allows {max}", count(total.not_run(), "test"));
            blockers.push(Blocker::new(Code::TestsSkipped, "total", reason));
        }
        if input.complete {
            blockers.extend(self.compare(input));
        }
        Judgement {
            observed: observed(&total),
            threshold: self.threshold(),
            blockers,
            judged: input.any_counts(),
            ..Judgement::default()
        }
    }

    fn baseline(&self) -> Option<BaselineSource<'_>> {
        BaselineSource::of(self.baseline.as_ref(), self.baseline_file.as_ref())
    }
}

impl Settings {
    /// What the base's report had that the head's has not. Without a report of the base nobody can tell.
    fn compare(&self, input: &Input<'_>) -> Vec<Blocker> {
        let Some(source) = self.baseline() else { return Vec::new() };
        let before = match source.find(input) {
            Baseline::Report(Content::Tests(report)) => &report.roll,
            Baseline::Report(_) => return vec![no_baseline("it is not a test report")],
            Baseline::NeverWas => return vec![no_baseline("there is none")],
            Baseline::Unavailable(why) => return vec![no_baseline(&why)],
        };
        let limits = Limits::default();
        let mut rolls = input.evidence.iter().filter_map(|evidence| match evidence.judgeable() {
            Some(Content::Tests(report)) => Some(&report.roll),
            _ => None,
        });
        // As a rule there is one, and that of a million tests takes megabytes.
        let mut now: Cow<'_, TestRoll> = rolls.next().map(Cow::Borrowed).unwrap_or_default();
        for roll in rolls {
            now.to_mut().merge(roll.clone(), &limits);
        }
        let Some(changes) = before.changes(&now, QUOTES) else {
            return vec![no_baseline("one of the reports has more tests than can be compared")];
        };
        let mut blockers = Vec::new();
        if self.no_removed && changes.removed.count > 0 {
            let reason = format!("{} of the base removed", count(changes.removed.count, "test"));
            let quotes = quotes("test", &changes.removed.names);
            blockers.push(Blocker::new(Code::TestsRemoved, "total", reason).with_quotes(quotes));
        }
        if self.no_newly_skipped && changes.newly_skipped.count > 0 {
            let mut reason =
                format!("{} left out that ran at the base", count(changes.newly_skipped.count, "test"));
            let mut shown = quotes("test", &changes.newly_skipped.names);
            if changes.lost_to_skips.count > 0 {
                let lost = count(changes.lost_to_skips.count, "suite");
                reason = format!("{reason}; of {lost} nothing runs any more");
                shown.extend(quotes("suite", &changes.lost_to_skips.names));
            }
            blockers.push(Blocker::new(Code::TestsNewlySkipped, "total", reason).with_quotes(shown));
        }
        blockers
    }

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
            words.push(format!("at most {max} left out"));
        }
        if self.no_removed {
            words.push("none of the base removed".to_owned());
        }
        if self.no_newly_skipped {
            words.push("none left out that ran at the base".to_owned());
        }
        words.join(", ")
    }
}

fn no_baseline(why: &str) -> Blocker {
    let reason = format!("the base's report cannot be compared with: {why}");
    Blocker::new(Code::TestsBaselineUnavailable, "baseline", reason)
}

fn quotes(label: &str, names: &[String]) -> Vec<Quote> {
    names.iter().map(|name| Quote::new(label, name)).collect()
}

fn observed(counts: &TestCounts) -> String {
    let mut words = vec![format!("{} ran", count(counts.ran(), "test"))];
    for (number, what) in [
        (counts.failed, "failed"),
        (counts.errored, "in error"),
        (counts.flaky, "flaky"),
        (counts.skipped, "skipped"),
        (counts.disabled, "disabled"),
        (counts.todo, "to do"),
        (counts.rerun, "tried again"),
    ] {
        if number > 0 {
            words.push(format!("{number} {what}"));
        }
    }
    words.join(", ")
}
