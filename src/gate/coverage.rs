//! Gate kind `coverage`: lines, and branches where asked, are covered to a percentage.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::Content;
use crate::model::{Code, count};

use super::registry::{Input, Judge, Judgement, KindSettings};
use super::result::Blocker;

/// The keys of a `coverage` gate.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Lines that must be covered, per cent.
    min_lines: Option<f64>,
    /// Branches that must be covered, per cent. Default: not asked for.
    min_branches: Option<f64>,
}

impl KindSettings for Settings {
    fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        if self.min_lines.is_none() && self.min_branches.is_none() {
            problems.push(("", "neither `min_lines` nor `min_branches` is set".to_owned()));
        }
        for (key, value) in [("min_lines", self.min_lines), ("min_branches", self.min_branches)] {
            if value.is_some_and(|value| !(0.0..=100.0).contains(&value)) {
                problems.push((key, format!("`{key}` is not between 0 and 100 per cent")));
            }
        }
        problems
    }
}

impl Judge for Settings {
    fn judge(&self, input: &Input<'_>) -> Judgement {
        let (mut lines, mut branches) = (Share::default(), Share::default());
        for evidence in &input.evidence {
            if let Some(Content::Coverage(report)) = evidence.judgeable() {
                lines.add(report.lines_covered, report.lines_total);
                branches.add(report.branches_covered, report.branches_total);
            }
        }
        let mut blockers = Vec::new();
        let mut threshold = Vec::new();
        for (noun, share, min) in [("line", &lines, self.min_lines), ("branch", &branches, self.min_branches)]
        {
            let Some(min) = min else { continue };
            let nouns = if noun == "line" { "lines" } else { "branches" };
            threshold.push(format!("at least {min} % of {nouns}"));
            if share.total == 0 {
                let reason = format!("the report carries no {nouns}, the policy asks for {min} %");
                blockers.push(Blocker::new(Code::CoverageAbsent, nouns, reason));
            } else if !share.reaches(min) {
                let reason = format!("{} of {nouns} are covered, the policy asks for {min} %", share.shown());
                blockers.push(Blocker::new(Code::CoverageBelow, nouns, reason));
            }
        }
        let mut observed = format!("{} of {} covered", lines.shown(), count(lines.total, "line"));
        if branches.total > 0 {
            observed = format!("{observed}, {} of {} branches", branches.shown(), branches.total);
        }
        Judgement {
            observed,
            threshold: threshold.join(", "),
            blockers,
            judged: input.any_counts(),
            ..Judgement::default()
        }
    }
}

/// Covered out of a total.
#[derive(Debug, Default, Clone, Copy)]
struct Share {
    covered: u64,
    total: u64,
}

impl Share {
    fn add(&mut self, covered: u64, total: u64) {
        self.covered += covered;
        self.total += total;
    }

    /// Whether the share is at least `min` per cent, compared without dividing: no rounding lifts it over.
    #[expect(clippy::cast_precision_loss, reason = "line counts are far below 2^53")]
    fn reaches(self, min: f64) -> bool {
        self.covered as f64 * 100.0 >= min * self.total as f64
    }

    /// Per cent with two digits, rounded down: 79.999 is never shown as 80.
    fn shown(self) -> String {
        let hundredths = (u128::from(self.covered) * 10_000).checked_div(u128::from(self.total)).unwrap_or(0);
        format!("{}.{:02} %", hundredths / 100, hundredths % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_neither_rounded_up_nor_over() {
        let share = Share { covered: 79_999, total: 100_000 };
        assert!(!share.reaches(80.0));
        assert_eq!(share.shown(), "79.99 %");
        assert!(Share { covered: 4, total: 5 }.reaches(80.0));
        assert_eq!(Share { covered: 0, total: 0 }.shown(), "0.00 %");
        assert!(Share { covered: 1, total: 3 }.reaches(33.3));
    }
}
