//! Which runs of the head count: what the policy's `from` names, else those of `pull_request`, else those of `push`.
//! Of several runs of one workflow and event the newest counts; the server counts runs upwards.

use std::collections::BTreeMap;

use crate::evidence::Demand;
use crate::forge::rest::Run;
use crate::model::{CommitSha, PullNumber, RunId};
use crate::policy::{From, Policy};

/// Runs that something of the policy needs.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Want {
    /// The workflow's file without its folder; `None` for any.
    pub workflow: Option<String>,
    /// `None` for `pull_request`, and `push` where there is none of that.
    pub event: Option<String>,
    /// Why no run of it is to be expected: the filters of the base's workflow leave out every changed path.
    pub excused: Option<String>,
}

const PULL_REQUEST: &str = "pull_request";
const PUSH: &str = "push";

impl Want {
    /// What a piece of evidence needs.
    pub fn of(from: Option<&From>) -> Self {
        Self {
            workflow: from.and_then(|from| from.workflow.clone()),
            event: from.and_then(|from| from.event.clone()),
            excused: None,
        }
    }

    /// The event its runs are of, where it is not a push in place of one.
    pub fn event(&self) -> &str {
        self.event.as_deref().unwrap_or(PULL_REQUEST)
    }

    /// Of these runs, which count already, those it means.
    pub fn runs<'r>(&self, runs: &'r [Run]) -> Vec<&'r Run> {
        let of = |event: &str| -> Vec<&'r Run> {
            let fits = |run: &&Run| run.event == event && self.names(run);
            runs.iter().filter(fits).collect()
        };
        match (of(self.event()), &self.event) {
            (found, None) if found.is_empty() => of(PUSH),
            (found, _) => found,
        }
    }

    /// Whether any of them is meant.
    pub fn is_met(&self, runs: &[Run]) -> bool {
        !self.runs(runs).is_empty()
    }

    fn names(&self, run: &Run) -> bool {
        self.workflow.as_ref().is_none_or(|workflow| *workflow == run.workflow_file)
    }

    /// In words, for messages.
    pub fn words(&self) -> String {
        match &self.workflow {
            Some(workflow) => format!("`{workflow}` on `{}`", self.event()),
            None => format!("any workflow on `{}`", self.event()),
        }
    }
}

/// What the policy needs, each once: at least the runs that count by default.
pub fn wants(policy: Option<&Policy>) -> Vec<Want> {
    let named = policy.map(|policy| policy.evidence.iter().map(|entry| Want::of(entry.from.as_ref())));
    let mut wants: Vec<Want> = named.into_iter().flatten().collect();
    if wants.is_empty() {
        wants.push(Want::default());
    }
    wants.sort();
    wants.dedup();
    wants
}

/// What a piece of evidence needs; what gates imply is in the default runs.
pub fn want_of(policy: &Policy, demand: &Demand) -> Want {
    Want::of(policy.evidence(&demand.id).and_then(|entry| entry.from.as_ref()))
}

/// Whose runs are asked for: of this head and pull request, but for the gate's own.
#[derive(Debug, Clone)]
pub struct Subject {
    pub head: CommitSha,
    pub pull: PullNumber,
    pub own: Option<RunId>,
}

impl Subject {
    /// Whether the run may count at all. Another pull request of the same head has its own policy and base.
    pub fn includes(&self, run: &Run) -> bool {
        run.head.as_ref() == Some(&self.head)
            && Some(run.id) != self.own
            && run.pull.is_none_or(|pull| pull == self.pull)
    }
}

/// Of the listed runs those that count. A push stands in for a pull request only where one had time to begin.
pub fn chosen(wants: &[Want], listed: &[Run], had_time: bool) -> Vec<Run> {
    let mut newest: BTreeMap<(&str, &str), &Run> = BTreeMap::new();
    for run in listed {
        let slot = newest.entry((&run.workflow_file, &run.event)).or_insert(run);
        if run.id > slot.id {
            *slot = run;
        }
    }
    let newest: Vec<Run> = newest.into_values().cloned().collect();
    let counts = |run: &Run| {
        wants.iter().any(|want| {
            let in_place = run.event == PUSH && want.event.is_none();
            (!in_place || had_time) && want.runs(&newest).iter().any(|one| one.id == run.id)
        })
    };
    let mut runs: Vec<Run> = newest.iter().filter(|run| counts(run)).cloned().collect();
    runs.sort_by_key(|run| run.id);
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::gate::watch::tests::run;
    use crate::forge::rest::RunStatus;

    fn ids(runs: &[Run]) -> Vec<u64> {
        runs.iter().map(|run| run.id.get()).collect()
    }

    fn want(workflow: Option<&str>, event: Option<&str>) -> Want {
        let own = |text: Option<&str>| text.map(str::to_owned);
        Want { workflow: own(workflow), event: own(event), excused: None }
    }

    #[test]
    fn pull_requests_count_and_pushes_only_in_their_place() {
        let both = [
            run(1, "ci.yml", "push", RunStatus::Success),
            run(2, "ci.yml", "pull_request", RunStatus::Success),
        ];
        assert_eq!(ids(&chosen(&[Want::default()], &both, true)), [2]);
        assert_eq!(ids(&chosen(&[Want::default()], &both[..1], true)), [1]);
        assert_eq!(ids(&chosen(&[Want::default()], &both[..1], false)), [] as [u64; 0]);
        assert_eq!(ids(&chosen(&[want(None, Some("push"))], &both, false)), [1]);
        assert_eq!(
            ids(&chosen(&[want(Some("ci.yml"), None), want(None, Some("push"))], &both, false)),
            [1, 2]
        );
    }

    #[test]
    fn a_named_workflow_leaves_the_others_out() {
        let two = [
            run(1, "ci.yml", "pull_request", RunStatus::Success),
            run(2, "lint.yml", "pull_request", RunStatus::Success),
        ];
        assert_eq!(ids(&chosen(&[want(Some("lint.yml"), None)], &two, true)), [2]);
        assert_eq!(ids(&chosen(&[Want::default()], &two, true)), [1, 2]);
        assert!(!want(Some("other.yml"), None).is_met(&two));
    }

    #[test]
    fn the_newest_of_a_workflow_and_event_counts() {
        let again = [
            run(7, "ci.yml", "pull_request", RunStatus::Failure),
            run(9, "ci.yml", "pull_request", RunStatus::Running),
            run(8, "ci.yml", "pull_request", RunStatus::Success),
        ];
        assert_eq!(ids(&chosen(&[Want::default()], &again, true)), [9]);
    }

    #[test]
    fn runs_of_another_head_pull_request_or_the_gate_itself_are_left_out() {
        let subject = Subject {
            head: "a".repeat(40).parse().unwrap(),
            pull: 12.try_into().unwrap(),
            own: Some(3.try_into().unwrap()),
        };
        let good = run(1, "ci.yml", "pull_request", RunStatus::Success);
        assert!(subject.includes(&good));
        assert!(!subject.includes(&Run { id: 3.try_into().unwrap(), ..good.clone() }));
        assert!(!subject.includes(&Run { pull: Some(13.try_into().unwrap()), ..good.clone() }));
        assert!(!subject.includes(&Run { head: Some("b".repeat(40).parse().unwrap()), ..good.clone() }));
        assert!(!subject.includes(&Run { head: None, ..good }));
    }
}
