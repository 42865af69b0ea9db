//! Gate kind `coverage`: lines, branches, and the lines of the change, are covered to a percentage.

use std::borrow::Cow;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::coverage::{CoverageReport, Detail};
use crate::evidence::diff_coverage::{DiffCoverage, diff_coverage};
use crate::evidence::{Content, Limits};
use crate::model::{Code, Quote, count, cut_list, sanitize};

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
    /// Lines of the change that must be covered, of those that can run, per cent. Default: not asked for.
    min_diff_lines: Option<f64>,
    /// Globs over the changed files that the report should cover. Default: every file.
    #[serde(default = "every_file")]
    diff_paths: Vec<String>,
    /// Globs over changed files that the report need not cover. Default: none.
    #[serde(default)]
    diff_except: Vec<String>,
    /// The folder of the repository that the report's relative paths begin at. Default: the repository itself.
    #[serde(default)]
    diff_root: String,
}

fn every_file() -> Vec<String> {
    vec!["**".to_owned()]
}

impl KindSettings for Settings {
    fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        let shares = [
            ("min_lines", self.min_lines),
            ("min_branches", self.min_branches),
            ("min_diff_lines", self.min_diff_lines),
        ];
        if shares.iter().all(|(_, value)| value.is_none()) {
            let message = "none of `min_lines`, `min_branches` and `min_diff_lines` is set";
            problems.push(("", message.to_owned()));
        }
        for (key, globs) in [("diff_paths", &self.diff_paths), ("diff_except", &self.diff_except)] {
            if let Err(error) = glob_set(globs) {
                problems.push((key, format!("`{key}`: {error}")));
            }
        }
        for (key, value) in shares {
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
        if let Some(min) = self.min_diff_lines {
            threshold.push(format!("at least {min} % of changed lines"));
            match self.diff(input) {
                Ok(diff) => {
                    let share = Share { covered: diff.covered, total: diff.total() };
                    if share.total == 0 {
                        observed = format!("{observed}, no changed line can run");
                    } else {
                        let lines = count(share.total, "changed line");
                        observed = format!("{observed}, {} of {lines}", share.shown());
                        blockers.extend((!share.reaches(min)).then(|| diff_below(&diff, share, min)));
                    }
                }
                Err(why) => {
                    let reason = format!("the coverage of the change cannot be told: {why}");
                    blockers.push(Blocker::new(Code::CoverageDiffUnavailable, "diff_lines", reason));
                }
            }
        }
        Judgement {
            observed,
            threshold: threshold.join(", "),
            blockers,
            judged: input.any_counts(),
            ..Judgement::default()
        }
    }

    fn wants_changed_lines(&self) -> bool {
        self.min_diff_lines.is_some()
    }
}

impl Settings {
    /// The change looked up in all reports: a line that ran in one of them ran.
    fn diff(&self, input: &Input<'_>) -> Result<DiffCoverage, String> {
        let changed = input.facts.changed_lines.as_ref()?;
        let limits = Limits::default();
        let mut all: Option<Cow<'_, CoverageReport>> = None;
        for evidence in &input.evidence {
            let Some(Content::Coverage(report)) = evidence.judgeable() else { continue };
            if report.detail == Detail::Totals {
                return Err(format!("evidence `{}` has totals alone, and no lines", evidence.id));
            }
            all = Some(match all.take() {
                None => Cow::Borrowed(report),
                Some(before) => {
                    let mut both = before.into_owned();
                    both.merge(report.clone(), &limits).map_err(|error| error.to_string())?;
                    Cow::Owned(both)
                }
            });
        }
        let (wanted, except) = (glob_set(&self.diff_paths)?, glob_set(&self.diff_except)?);
        let is_measured = |path: &str| wanted.is_match(path) && !except.is_match(path);
        all.and_then(|report| diff_coverage(&report, changed, &self.diff_root, &is_measured))
            .ok_or_else(|| "no report has lines".to_owned())
    }
}

fn glob_set(globs: &[String]) -> Result<GlobSet, String> {
    let mut set = GlobSetBuilder::new();
    for glob in globs {
        let built = GlobBuilder::new(glob).literal_separator(true).build();
        set.add(built.map_err(|error| format!("`{}` is not a glob: {error}", sanitize(glob, 80)))?);
    }
    set.build().map_err(|error| error.to_string())
}

/// Files shown per blocker.
const SHOWN: usize = 10;

fn diff_below(diff: &DiffCoverage, share: Share, min: f64) -> Blocker {
    let mut reason = format!("{} of changed lines are covered, the policy asks for {min} %", share.shown());
    if !diff.absent.is_empty() {
        let files = count(diff.absent.len() as u64, "changed file");
        reason = format!("{reason}; {files} not in the report");
    }
    let mut blocker = Blocker::new(Code::CoverageBelow, "diff_lines", reason);
    let absent =
        diff.absent.iter().map(|(path, lines)| (path, format!("not in the report, {lines} changed")));
    let missed = diff.uncovered.iter().map(|(path, lines)| (path, ranges(lines)));
    for (path, what) in absent.chain(missed).take(SHOWN) {
        let path = sanitize(path, 200);
        blocker.quotes.push(Quote::new("uncovered", &format!("{path}: {what}")));
        blocker.paths.push(path);
    }
    blocker
}

/// Sorted numbers as people write them: `3-5, 9`; long lists are cut.
fn ranges(lines: &[u32]) -> String {
    let groups: Vec<String> = lines
        .chunk_by(|a, b| a.checked_add(1) == Some(*b))
        .filter_map(|group| match group {
            [one] => Some(one.to_string()),
            [first, .., last] => Some(format!("{first}-{last}")),
            [] => None,
        })
        .collect();
    cut_list(&groups, 10)
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
    fn missed_lines_are_shown_as_ranges() {
        assert_eq!(ranges(&[3, 4, 5, 9, u32::MAX]), "3-5, 9, 4294967295");
    }

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
