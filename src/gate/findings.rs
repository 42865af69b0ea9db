//! Gate kind `findings`: no more findings of a level than the policy allows; where asked, only those count that the
//! base did not have, and the suppressions that the change adds count too.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::finding::{FindingReport, Level};
use crate::evidence::{Content, Limits};
use crate::model::{Code, EvidenceId, RelPath, count};

use super::baseline::{self, Baseline, BaselineSource};
use super::registry::{Input, Judge, Judgement, KindSettings};
use super::result::Blocker;

/// The keys of a `findings` gate.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// How many findings of each level are accepted.
    #[serde(default)]
    max: Max,
    /// Whether only findings count that the baseline does not have. Default false.
    #[serde(default)]
    new_only: bool,
    /// Suppressions that the change may add to those of the baseline. Default: any number.
    max_suppressed_new: Option<u64>,
    /// The evidence of role `baseline` that is the base's report. Default: none.
    baseline: Option<EvidenceId>,
    /// The file of the repository that is the base's report, read at the base. Default: none.
    baseline_file: Option<RelPath>,
}

/// Findings accepted per level; those of level `none` never count.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Max {
    /// Findings of level error. Default 0.
    #[serde(default)]
    error: u64,
    /// Findings of level warning. Default 0.
    #[serde(default)]
    warning: u64,
    /// Findings of level note. Default: any number.
    note: Option<u64>,
}

/// Quotes shown per blocker.
const QUOTES: usize = 10;

impl KindSettings for Settings {
    fn problems(&self) -> Vec<(&'static str, String)> {
        let comparing =
            [("new_only", self.new_only), ("max_suppressed_new", self.max_suppressed_new.is_some())];
        baseline::problems(self.baseline.as_ref(), self.baseline_file.as_ref(), &comparing)
    }
}

impl Judge for Settings {
    fn judge(&self, input: &Input<'_>) -> Judgement {
        let all = joined(input);
        let old = self.old(input);
        let counted = match &old {
            Old::Report(base) if self.new_only => Cow::Owned(all.new_against(base)),
            _ => Cow::Borrowed(all.as_ref()),
        };
        let mut over: Vec<Blocker> = self
            .limits()
            .into_iter()
            .filter_map(|(level, max)| {
                let (found, max) = (counted.counts.get(level), max?);
                (found > max).then(|| self.over_limit(level, max, &counted, input))
            })
            .collect();
        let mut why = None;
        if let (true, Old::Unavailable(reason), false) = (self.new_only, &old, over.is_empty()) {
            why = Some(reason);
            over.clear();
        }
        if let Some(max) = self.max_suppressed_new {
            match &old {
                Old::Unavailable(reason) if all.suppressed > max => why = Some(reason),
                Old::Unavailable(_) => {}
                Old::Report(base) => over.extend(suppressed(all.new_suppressions(base), max)),
                Old::NeverWas => over.extend(suppressed(all.suppressed, max)),
            }
        }
        over.extend(why.map(|why| {
            let reason = format!("what is old among {} is not known: {why}", observed(&all));
            Blocker::new(Code::FindingsBaselineUnavailable, "baseline", reason)
        }));
        let mut seen = observed(&all);
        if let (true, Old::Report(_)) = (self.new_only, &old) {
            seen = format!("{} new; {seen} in all", observed(&counted));
        }
        Judgement {
            observed: seen,
            threshold: self.threshold(),
            blockers: over,
            judged: input.any_counts(),
            ..Judgement::default()
        }
    }

    fn baseline(&self) -> Option<BaselineSource<'_>> {
        BaselineSource::of(self.baseline.as_ref(), self.baseline_file.as_ref())
    }
}

/// What the base had.
enum Old<'a> {
    Report(&'a FindingReport),
    /// There is no baseline, so every finding is new.
    NeverWas,
    Unavailable(String),
}

/// The findings of all evidence as one report; of one alone they are not copied.
fn joined<'a>(input: &Input<'a>) -> Cow<'a, FindingReport> {
    let mut reports = input.evidence.iter().filter_map(|evidence| match evidence.judgeable() {
        Some(Content::Findings(report)) => Some(report),
        _ => None,
    });
    let Some(first) = reports.next() else { return Cow::Owned(FindingReport::default()) };
    let kept = Limits::default().details();
    reports.fold(Cow::Borrowed(first), |all, more| Cow::Owned(all.into_owned().merge(more.clone(), kept)))
}

impl Settings {
    fn limits(&self) -> [(Level, Option<u64>); 3] {
        [
            (Level::Error, Some(self.max.error)),
            (Level::Warning, Some(self.max.warning)),
            (Level::Note, self.max.note),
        ]
    }

    fn old<'a>(&self, input: &Input<'a>) -> Old<'a> {
        match self.baseline().map(|source| source.find(input)) {
            None | Some(Baseline::NeverWas) => Old::NeverWas,
            Some(Baseline::Report(Content::Findings(report))) => Old::Report(report),
            Some(Baseline::Report(_)) => Old::Unavailable("it is not a findings report".to_owned()),
            Some(Baseline::Unavailable(why)) => Old::Unavailable(why),
        }
    }

    fn threshold(&self) -> String {
        let new = if self.new_only { "new " } else { "" };
        let levels = self.limits().into_iter().filter_map(|(level, max)| {
            max.map(|max| format!("at most {}", count(max, &format!("{new}{}", level.as_str()))))
        });
        let suppressed = self.max_suppressed_new.map(|max| format!("at most {max} newly suppressed"));
        levels.chain(suppressed).collect::<Vec<_>>().join(", ")
    }

    fn over_limit(&self, level: Level, max: u64, counted: &FindingReport, input: &Input<'_>) -> Blocker {
        let found = count(counted.counts.get(level), if self.new_only { "new finding" } else { "finding" });
        let reason = format!("{found} of level {} found, the policy allows {max}", level.as_str());
        let mut blocker = Blocker::new(Code::FindingsOverLimit, level.as_str(), reason);
        if let [one] = input.evidence.as_slice() {
            blocker.evidence = Some(one.id.clone());
        }
        if !counted.findings.iter().any(|finding| finding.level == level) {
            let kept = Limits::default().kept_details;
            blocker.reason = format!("{}, none of them among the first {kept} of the report", blocker.reason);
        }
        for finding in counted.findings.iter().filter(|finding| finding.level == level).take(QUOTES) {
            blocker.quote_finding(finding);
        }
        blocker
    }
}

fn suppressed(new: u64, max: u64) -> Option<Blocker> {
    (new > max).then(|| {
        let reason = format!("{} suppressed by the change, the policy allows {max}", count(new, "finding"));
        Blocker::new(Code::FindingsSuppressed, "suppressed", reason)
    })
}

fn observed(report: &FindingReport) -> String {
    let mut words: Vec<String> = [Level::Error, Level::Warning, Level::Note]
        .iter()
        .map(|level| count(report.counts.get(*level), level.as_str()))
        .collect();
    if report.suppressed > 0 {
        words.push(format!("{} suppressed", report.suppressed));
    }
    words.join(", ")
}
