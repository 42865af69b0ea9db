//! Gate kind `statuses`: other commit statuses on the exact head. One of Actions counts by the result of the job behind
//! it, asked by API; any other has no source that can be verified, and is a person's to believe.

use globset::{Glob, GlobSet, GlobSetBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::context::status_facts::{JobWord, StatusFact, StatusSource, StatusWord};
use crate::model::{Code, sanitize};

use super::registry::{Input, Judge, Judgement, KindSettings};
use super::result::Blocker;

/// The keys of a `statuses` gate.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Contexts that must be there, spelled out, such as `ci / unit (pull_request)`. Default: none.
    #[serde(default)]
    require: Vec<String>,
    /// Globs over contexts that are not looked at, unless they are required. Default: none.
    #[serde(default)]
    ignore: Vec<String>,
}

impl KindSettings for Settings {
    fn problems(&self) -> Vec<(&'static str, String)> {
        let mut wrong = Vec::new();
        for glob in &self.ignore {
            if let Err(error) = Glob::new(glob) {
                wrong.push(("ignore", format!("`{}` is not a glob: {error}", sanitize(glob, 80))));
            }
        }
        if self.require.iter().any(|context| context.trim().is_empty()) {
            wrong.push(("require", "a required context is empty".to_owned()));
        }
        wrong
    }
}

impl Judge for Settings {
    fn judge(&self, input: &Input<'_>) -> Judgement {
        let threshold = if self.require.is_empty() {
            "every other status green by its job".to_owned()
        } else {
            format!("every other status green by its job, {} required", self.require.len())
        };
        let statuses = input.facts.pull_of_head().map(|pull| &pull.statuses).filter(|list| list.complete);
        let Some(statuses) = statuses else {
            let blocker =
                Blocker::new(Code::StatusUnseen, "statuses", "the statuses of this head were not all read");
            return Judgement {
                observed: "nothing to judge".to_owned(),
                threshold,
                blockers: vec![blocker],
                ..Judgement::default()
            };
        };
        let ignored = self.ignored();
        let looked_at: Vec<&StatusFact> = statuses
            .items
            .iter()
            .filter(|status| status.source != StatusSource::Own)
            .filter(|status| self.require.contains(&status.context) || !ignored.is_match(&status.context))
            .collect();
        let mut blockers: Vec<Blocker> = looked_at.iter().filter_map(|status| judge(status)).collect();
        let is_there = |wanted: &&String| looked_at.iter().any(|status| status.context == **wanted);
        for missing in self.require.iter().filter(|wanted| !is_there(wanted)) {
            let context = sanitize(missing, 200);
            let reason = format!("the required status `{context}` is not on this head");
            blockers.push(Blocker::new(Code::StatusMissing, context, reason));
        }
        let green = looked_at.len() - looked_at.iter().filter(|status| judge(status).is_some()).count();
        Judgement {
            observed: format!("{green} of {} green by the job behind them", count_of(looked_at.len())),
            threshold,
            blockers,
            judged: !looked_at.is_empty(),
            ..Judgement::default()
        }
    }
}

impl Settings {
    fn ignored(&self) -> GlobSet {
        let mut set = GlobSetBuilder::new();
        for glob in self.ignore.iter().filter_map(|glob| Glob::new(glob).ok()) {
            set.add(glob);
        }
        set.build().unwrap_or_default()
    }
}

fn count_of(statuses: usize) -> String {
    if statuses == 1 { "1 status".to_owned() } else { format!("{statuses} statuses") }
}

/// What a status blocks by, if it does. A word of its own can only make it worse.
fn judge(status: &StatusFact) -> Option<Blocker> {
    let context = sanitize(&status.context, 200);
    let (code, why) = match (&status.source, status.says) {
        (StatusSource::Own, _) | (StatusSource::Job(JobWord::Success), StatusWord::Green) => return None,
        (_, StatusWord::Red) => (Code::StatusFailed, "is not green"),
        (StatusSource::Job(JobWord::NotSuccess), _) => {
            (Code::StatusFailed, "has a job behind it that did not succeed")
        }
        (StatusSource::Job(_), _) | (StatusSource::Unverifiable, StatusWord::Pending) => {
            (Code::StatusUnfinished, "has not come to an end")
        }
        (StatusSource::Unanswered, _) => (Code::StatusUnseen, "names a job that could not be asked for"),
        (StatusSource::Unverifiable, StatusWord::Green) => {
            (Code::StatusUnverified, "is green, and no job of a run of this head stands behind it")
        }
    };
    Some(Blocker::new(code, context.clone(), format!("the status `{context}` {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::pull_facts::{Listed, PullFacts};
    use crate::gate::{EvidenceSet, Facts};
    use crate::model::CommitSha;

    fn head() -> CommitSha {
        "a".repeat(40).parse().unwrap()
    }

    fn status(context: &str, says: StatusWord, source: StatusSource) -> StatusFact {
        StatusFact { context: context.to_owned(), says, source }
    }

    fn green(context: &str) -> StatusFact {
        status(context, StatusWord::Green, StatusSource::Job(JobWord::Success))
    }

    fn judged(settings: &Settings, statuses: Option<Listed<StatusFact>>) -> Judgement {
        let pull = statuses.map(|statuses| PullFacts { statuses, ..PullFacts::of_head(head()) });
        let facts = Facts { pull, ..Facts::of_head(head(), "2026-11-21T10:00:00Z".parse().unwrap()) };
        let all = EvidenceSet::new();
        settings.judge(&Input {
            evidence: Vec::new(),
            complete: true,
            implied: Vec::new(),
            all: &all,
            facts: &facts,
        })
    }

    fn codes(judgement: &Judgement) -> Vec<Code> {
        judgement.blockers.iter().map(|blocker| blocker.code).collect()
    }

    #[test]
    fn only_a_green_job_behind_a_green_status_counts() {
        use StatusSource::{Job, Own, Unanswered, Unverifiable};
        use StatusWord::{Green, Pending, Red};
        let settings = Settings::default();
        for (says, source, wanted) in [
            (Green, Job(JobWord::Success), None),
            (Green, Job(JobWord::NotSuccess), Some(Code::StatusFailed)),
            (Green, Job(JobWord::Unfinished), Some(Code::StatusUnfinished)),
            (Pending, Job(JobWord::Success), Some(Code::StatusUnfinished)),
            (Red, Job(JobWord::Success), Some(Code::StatusFailed)),
            (Green, Unverifiable, Some(Code::StatusUnverified)),
            (Pending, Unverifiable, Some(Code::StatusUnfinished)),
            (Red, Unverifiable, Some(Code::StatusFailed)),
            (Green, Unanswered, Some(Code::StatusUnseen)),
            (Red, Own, None),
        ] {
            let words = format!("{says:?} {source:?}");
            let judgement = judged(&settings, Some(Listed::all(vec![green("x"), status("y", says, source)])));
            assert_eq!(codes(&judgement), wanted.into_iter().collect::<Vec<_>>(), "{words}");
            assert!(judgement.judged);
        }
    }

    #[test]
    fn a_list_that_is_not_complete_is_not_judged() {
        let partial = Listed { complete: false, items: vec![green("x")] };
        for statuses in [None, Some(partial)] {
            let judgement = judged(&Settings::default(), statuses);
            assert_eq!((codes(&judgement), judgement.judged), (vec![Code::StatusUnseen], false));
        }
        let empty = judged(&Settings::default(), Some(Listed::all(Vec::new())));
        assert_eq!((codes(&empty), empty.judged), (Vec::new(), false));
    }

    #[test]
    fn what_is_required_must_be_there_and_cannot_be_ignored() {
        let settings = Settings { require: vec!["ci / unit".to_owned()], ignore: vec!["*".to_owned()] };
        let forged = status("ci / unit", StatusWord::Green, StatusSource::Unverifiable);
        let red = status("other", StatusWord::Red, StatusSource::Unverifiable);
        let judgement = judged(&settings, Some(Listed::all(vec![red.clone()])));
        assert_eq!(codes(&judgement), [Code::StatusMissing]);
        assert_eq!(
            codes(&judged(&settings, Some(Listed::all(vec![forged, red.clone()])))),
            [Code::StatusUnverified]
        );
        assert_eq!(codes(&judged(&settings, Some(Listed::all(vec![green("ci / unit"), red])))), []);
        let own = status("ci / unit", StatusWord::Green, StatusSource::Own);
        assert_eq!(codes(&judged(&settings, Some(Listed::all(vec![own])))), [Code::StatusMissing]);
    }

    #[test]
    fn settings_that_mean_nothing_are_problems() {
        let bad = Settings { require: vec![" ".to_owned()], ignore: vec!["[".to_owned()] };
        let keys: Vec<&str> = bad.problems().into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["ignore", "require"]);
        assert_eq!(count_of(1), "1 status");
    }
}
