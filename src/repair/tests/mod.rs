//! The laws of a packet: memory is a hint, the same head gives the same bytes, the loop ends.
//! Results are made of any codes at all, which is more than any policy and evidence can give.

mod hint;
mod termination;

use proptest::prelude::*;

use super::{AcceptanceHead, History, PlanInput, RepairPacket, plan};
use crate::gate::{Blocker, GateResult};
use crate::model::{ActionKind, Code, CommitSha, Outcome, Quote};
use crate::policy::{OnFail, Policy};
use crate::verdict::decide;

/// One thing that is wrong, in one gate.
#[derive(Debug, Clone)]
pub struct Obstacle {
    pub gate: u8,
    pub code: Code,
    pub subject: u8,
    /// It shows only once everything of a lower depth is done: lint runs after the build.
    pub depth: u8,
}

/// Which gates there are: advisory or not, with an `on_fail` or without.
#[derive(Debug, Clone)]
pub struct Setup {
    pub gates: Vec<(bool, Option<ActionKind>)>,
    pub max_attempts: u64,
    pub max_heads: u64,
    pub in_workflow: bool,
}

impl Setup {
    pub fn policy(&self) -> Policy {
        let text = format!(
            "version = 1\n[limits]\nmax_attempts = {}\nmax_heads = {}\n",
            self.max_attempts, self.max_heads
        );
        Policy::read(&text).unwrap().0
    }

    /// The results of these obstacles, as the gates would give them.
    pub fn results(&self, obstacles: &[&Obstacle], quote: &str) -> Vec<GateResult> {
        let gates = self.gates.iter().enumerate();
        gates
            .map(|(index, (enforced, on_fail))| {
                let mut blockers: Vec<Blocker> = obstacles
                    .iter()
                    .filter(|one| usize::from(one.gate) % self.gates.len() == index)
                    .map(|one| {
                        Blocker::new(one.code, format!("s{}", one.subject), "it is as it is")
                            .with_quotes(vec![Quote::new("message", quote)])
                    })
                    .collect();
                blockers.sort_by(|a, b| (a.code, &a.subject).cmp(&(b.code, &b.subject)));
                blockers.dedup_by(|a, b| (a.code, &a.subject) == (b.code, &b.subject));
                let worst = blockers.iter().map(|blocker| blocker.code.info().outcome).min();
                let id = format!("g{index}").parse().unwrap();
                let outcome = worst.unwrap_or(Outcome::Pass);
                GateResult {
                    enforced: *enforced,
                    on_fail: on_fail.map(|action| OnFail {
                        action,
                        command: vec!["make".to_owned()],
                        summary: "do it".to_owned(),
                    }),
                    ..GateResult::plain(id, "tests", outcome, String::new(), blockers)
                }
            })
            .collect()
    }

    pub fn plan(&self, head: u64, obstacles: &[&Obstacle], history: &History) -> RepairPacket {
        let results = self.results(obstacles, "a quote");
        self.plan_of(head, &results, history)
    }

    pub fn plan_of(&self, head: u64, results: &[GateResult], history: &History) -> RepairPacket {
        plan(&PlanInput {
            target_sha: &sha(head),
            repo: None,
            pull_request: None,
            verdict: decide(results),
            policy: &self.policy(),
            results,
            evidence_head: if self.in_workflow { AcceptanceHead::Next } else { AcceptanceHead::Same },
            history,
        })
    }
}

pub fn sha(number: u64) -> CommitSha {
    format!("{:040x}", number + 0xabc_def0).parse().unwrap()
}

pub fn bytes(packet: &RepairPacket) -> String {
    crate::output::json(packet)
}

pub fn after(packet: RepairPacket, heads: Option<u64>) -> History {
    History { previous: Some(packet), heads }
}

fn on_fail() -> impl Strategy<Value = Option<ActionKind>> {
    prop_oneof![
        4 => Just(None),
        1 => Just(Some(ActionKind::RunCommand)),
        1 => Just(Some(ActionKind::FixTests)),
        1 => Just(Some(ActionKind::Rebase)),
        1 => Just(Some(ActionKind::AskOperator)),
        1 => Just(Some(ActionKind::RedriveReviewLane)),
    ]
}

pub fn setup() -> impl Strategy<Value = Setup> {
    let gates = proptest::collection::vec((proptest::bool::weighted(0.85), on_fail()), 1..5);
    (gates, 1_u64..5, any::<bool>()).prop_map(|(gates, max_attempts, in_workflow)| Setup {
        gates,
        max_attempts,
        max_heads: 1000,
        in_workflow,
    })
}

pub fn obstacles() -> impl Strategy<Value = Vec<Obstacle>> {
    let one = (any::<u8>(), proptest::sample::select(Code::ALL), 0_u8..3, 0_u8..3)
        .prop_map(|(gate, code, subject, depth)| Obstacle { gate, code, subject, depth });
    proptest::collection::vec(one, 0..8)
}
