//! Gate kind `findings`: no more findings of a level than the policy allows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::finding::{Level, LevelCounts};
use crate::evidence::{Content, Evidence};
use crate::model::{Code, Quote, count};

use super::registry::{Input, Judge, Judgement, KindSettings};
use super::result::Blocker;

/// The keys of a `findings` gate.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// How many findings of each level are accepted.
    #[serde(default)]
    max: Max,
}

/// Findings accepted per level.
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

impl KindSettings for Settings {}

impl Judge for Settings {
    fn judge(&self, input: &Input<'_>) -> Judgement {
        let mut total = LevelCounts::default();
        let mut suppressed = 0;
        for evidence in &input.evidence {
            if let Some(Content::Findings(report)) = evidence.judgeable() {
                for level in Level::ALL {
                    total.add(level, report.counts.get(level));
                }
                suppressed += report.suppressed;
            }
        }
        let limits = [
            (Level::Error, Some(self.max.error)),
            (Level::Warning, Some(self.max.warning)),
            (Level::Note, self.max.note),
        ];
        let blockers = limits
            .iter()
            .filter_map(|(level, max)| {
                let (found, max) = (total.get(*level), (*max)?);
                (found > max).then(|| over_limit(*level, found, max, &input.evidence))
            })
            .collect();
        let threshold = limits
            .iter()
            .filter_map(|(level, max)| max.map(|max| format!("at most {}", count(max, level.as_str()))))
            .collect::<Vec<_>>()
            .join(", ");
        Judgement {
            observed: observed(&total, suppressed),
            threshold,
            blockers,
            judged: input.any_counts(),
            ..Judgement::default()
        }
    }
}

fn over_limit(level: Level, found: u64, max: u64, evidence: &[&Evidence]) -> Blocker {
    let reason =
        format!("{} of level {} found, the policy allows {max}", count(found, "finding"), level.as_str());
    let mut blocker = Blocker::new(Code::FindingsOverLimit, level.as_str(), reason);
    if let [one] = evidence {
        blocker.evidence = Some(one.id.clone());
    }
    let findings = evidence.iter().filter_map(|one| match one.judgeable() {
        Some(Content::Findings(report)) => Some(&report.findings),
        _ => None,
    });
    for finding in findings.flatten().filter(|finding| finding.level == level).take(QUOTES) {
        let place = match (&finding.path, finding.line) {
            (Some(path), Some(line)) => format!("{path}:{line}: "),
            (Some(path), None) => format!("{path}: "),
            _ => String::new(),
        };
        blocker.quotes.push(Quote::new("finding", &format!("{place}{} ({})", finding.message, finding.rule)));
        if let Some(path) = &finding.path
            && !blocker.paths.contains(path)
        {
            blocker.paths.push(path.clone());
        }
    }
    blocker
}

fn observed(total: &LevelCounts, suppressed: u64) -> String {
    let mut words: Vec<String> = [Level::Error, Level::Warning, Level::Note]
        .iter()
        .map(|level| count(total.get(*level), level.as_str()))
        .collect();
    if suppressed > 0 {
        words.push(format!("{suppressed} suppressed"));
    }
    words.join(", ")
}
