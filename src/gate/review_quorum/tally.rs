//! The count: lanes' states against the need, in; blockers, who is still wanted and the report, out.

use std::collections::BTreeSet;

use crate::model::{Code, CommitSha, Outcome, Quote, Verdict, count};

use super::super::result::Blocker;
use super::reading::Reading;
use super::report::{LaneReport, LaneState, NextAction, QuorumCount, ReviewQuorum, SCHEMA};
use super::settings::{Lane, OnTie, Settings, Source};

/// Every lane with what it says.
pub(super) struct Tally<'a> {
    settings: &'a Settings,
    lanes: Vec<(&'a Lane, Reading)>,
    pub count: QuorumCount,
}

impl<'a> Tally<'a> {
    pub(super) fn count(settings: &'a Settings, readings: Vec<Reading>) -> Self {
        let lanes: Vec<(&Lane, Reading)> = settings.lanes.iter().zip(readings).collect();
        let approving = || lanes.iter().filter(|(_, reading)| reading.state == LaneState::Approved);
        let dissenting = |grave: bool| {
            lanes
                .iter()
                .filter(|(_, reading)| reading.state == LaneState::ChangesRequested && reading.grave == grave)
                .count() as u64
        };
        let count = QuorumCount {
            approvals: approving().count() as u64,
            need: settings.need(),
            human_approvals: approving().filter(|(lane, _)| lane.proves_a_person()).count() as u64,
            need_human: settings.need_human,
            families: families(approving().map(|(lane, _)| *lane)),
            need_families: settings.need_families,
            dissents: dissenting(true),
            minor_dissents: dissenting(false),
        };
        Self { settings, lanes, count }
    }

    fn met(&self) -> bool {
        let QuorumCount { approvals, need, human_approvals, need_human, families, need_families, .. } =
            self.count;
        approvals >= need && human_approvals >= need_human && families >= need_families
    }

    /// Lanes that have not answered for this head and may. A person who abstained may still decide; a model's worst
    /// answer stands.
    fn askable(&self) -> impl Iterator<Item = &(&'a Lane, Reading)> {
        self.lanes.iter().filter(|(lane, reading)| match reading.state {
            LaneState::Missing | LaneState::Stale | LaneState::Unparsable => true,
            LaneState::Abstained => lane.proves_a_person(),
            LaneState::Approved | LaneState::ChangesRequested | LaneState::Own => false,
        })
    }

    /// Lanes whose approval would bring the quorum nearer; none where it is met.
    fn wanted(&self) -> Vec<&(&'a Lane, Reading)> {
        if self.met() {
            return Vec::new();
        }
        let approving: BTreeSet<&String> = self
            .lanes
            .iter()
            .filter(|(_, reading)| reading.state == LaneState::Approved)
            .filter_map(|(lane, _)| lane.family.as_ref())
            .collect();
        let helps = |lane: &Lane| {
            self.count.approvals < self.count.need
                || (self.count.human_approvals < self.count.need_human && lane.proves_a_person())
                || (self.count.families < self.count.need_families
                    && lane.family.as_ref().is_some_and(|family| !approving.contains(family)))
        };
        self.askable().filter(|(lane, _)| helps(lane)).collect()
    }

    /// Whether approvals of every lane that can still be asked would meet the need. Lanes that ask for changes can
    /// come round at the next head only, and block by themselves.
    fn reachable(&self) -> bool {
        let hopeful = || {
            let approved = self.lanes.iter().filter(|(_, reading)| reading.state == LaneState::Approved);
            let dissenting =
                self.lanes.iter().filter(|(_, reading)| reading.state == LaneState::ChangesRequested);
            approved.chain(self.askable()).chain(dissenting).map(|(lane, _)| *lane)
        };
        hopeful().count() as u64 >= self.count.need
            && hopeful().filter(|lane| lane.proves_a_person()).count() as u64 >= self.count.need_human
            && families(hopeful()) >= self.count.need_families
    }

    pub(super) fn blockers(&self) -> Vec<Blocker> {
        let mut blockers: Vec<Blocker> = self
            .lanes
            .iter()
            .filter(|(_, reading)| reading.unseen)
            .map(|(lane, reading)| {
                let reason = format!("lane `{}` could not be read: {}", lane.name, reading.detail);
                on_lane(Code::ReviewUnseen, lane, reason)
            })
            .collect();
        for (lane, reading) in &self.lanes {
            if reading.state == LaneState::ChangesRequested && reading.grave {
                let reason = format!("lane `{}` asks for changes ({})", lane.name, reading.detail);
                blockers.push(
                    on_lane(Code::ReviewChangesRequested, lane, reason).with_quotes(reading.quotes.clone()),
                );
            }
        }
        if !self.met() {
            blockers.extend(self.unmet());
        } else if self.count.minor_dissents > 0 && self.count.dissents == 0 {
            blockers.extend(self.contested());
        }
        blockers
    }

    /// The need is not met: each lane that is still wanted, or that no lane can help any more.
    fn unmet(&self) -> Vec<Blocker> {
        if !self.reachable() {
            let reason = format!("{}, and no lane that counts is left to ask", self.count_words());
            return vec![Blocker::new(Code::ReviewQuorumUnreachable, "quorum", reason)];
        }
        self.wanted()
            .into_iter()
            .filter(|(_, reading)| !reading.unseen)
            .map(|(lane, reading)| {
                let code = match reading.state {
                    LaneState::Stale if reading.untold => Code::ReviewUnseen,
                    LaneState::Stale => Code::ReviewLaneStale,
                    LaneState::Unparsable => Code::ReviewLaneUnparsable,
                    _ => Code::ReviewLaneMissing,
                };
                let state = reading.state.as_str();
                let reason =
                    format!("{}; lane `{}` is {state}: {}", self.count_words(), lane.name, reading.detail);
                on_lane(code, lane, reason)
            })
            .chain(self.minor_dissenters_wanted())
            .collect()
    }

    /// Where only lanes with small objections could still meet the need, their findings are what stands in the way.
    fn minor_dissenters_wanted(&self) -> Vec<Blocker> {
        if !self.wanted().is_empty() || self.count.dissents > 0 {
            return Vec::new();
        }
        let lanes = self.lanes.iter().filter(|(_, reading)| reading.state == LaneState::ChangesRequested);
        lanes
            .map(|(lane, reading)| {
                let reason =
                    format!("{}; lane `{}` asks for small changes first", self.count_words(), lane.name);
                on_lane(Code::ReviewChangesRequested, lane, reason).with_quotes(reading.quotes.clone())
            })
            .collect()
    }

    /// The need is met and some lanes object, though not gravely: the greater side wins, a tie is the policy's.
    fn contested(&self) -> Option<Blocker> {
        let QuorumCount { approvals, minor_dissents, .. } = self.count;
        let (stand, code) = match (approvals.cmp(&minor_dissents), self.settings.on_tie) {
            (std::cmp::Ordering::Greater, _) => return None,
            (std::cmp::Ordering::Equal, OnTie::NeedsHuman) => ("as many as", Code::ReviewTie),
            (std::cmp::Ordering::Equal, OnTie::Blocked) => ("no more than", Code::ReviewOutvoted),
            (std::cmp::Ordering::Less, _) => ("fewer than", Code::ReviewOutvoted),
        };
        let reason =
            format!("{}, {stand} the {}", count(approvals, "approval"), count(minor_dissents, "objection"));
        let quotes: Vec<Quote> = self
            .lanes
            .iter()
            .filter(|(_, reading)| reading.state == LaneState::ChangesRequested)
            .flat_map(|(_, reading)| reading.quotes.clone())
            .take(10)
            .collect();
        Some(Blocker::new(code, "quorum", reason).with_quotes(quotes))
    }

    fn count_words(&self) -> String {
        let QuorumCount { approvals, need, human_approvals, need_human, families, need_families, .. } =
            self.count;
        let mut words = vec![format!("{approvals} of {need} needed approvals")];
        if need_human > 0 {
            words.push(format!("{human_approvals} of {need_human} by people"));
        }
        if need_families > 0 {
            words.push(format!("{families} of {need_families} model families"));
        }
        words.join(", ")
    }

    /// What the policy asks for, for people.
    pub(super) fn threshold(&self) -> String {
        let Settings { need_human, need_families, .. } = self.settings;
        let lanes = count(self.lanes.len() as u64, "lane");
        let mut words = vec![format!("{} of {lanes} approve", self.count.need)];
        if *need_human > 0 {
            words.push(format!("{need_human} of them people"));
        }
        if *need_families > 0 {
            words.push(format!("from {need_families} model families"));
        }
        words.push(format!("bound by {}", self.settings.binding.as_str()));
        words.join(", ")
    }

    /// The contract.
    pub(super) fn report(&self, head: &CommitSha, blockers: &[Blocker]) -> ReviewQuorum {
        let wanted: Vec<&(&Lane, Reading)> = self.wanted();
        let mut summary = self.count_words();
        let dissents = self.count.dissents + self.count.minor_dissents;
        if dissents > 0 {
            summary = format!("{summary}, {} for changes", count(dissents, "request"));
        }
        if !wanted.is_empty() {
            let names: Vec<String> = wanted
                .iter()
                .map(|(lane, reading)| format!("`{}` ({})", lane.name, reading.state.as_str()))
                .collect();
            summary = format!("{summary}; still wanted: {}", names.join(", "));
        }
        ReviewQuorum {
            schema: SCHEMA.to_owned(),
            target_sha: head.clone(),
            verdict: verdict(blockers),
            binding: self.settings.binding,
            lanes: self
                .lanes
                .iter()
                .map(|(lane, reading)| {
                    lane_report(lane, reading, wanted.iter().any(|(other, _)| other.name == lane.name))
                })
                .collect(),
            count: self.count,
            wanted: wanted.iter().map(|(lane, _)| lane.name.clone()).collect(),
            summary,
            notes: self.notes(),
        }
    }

    fn notes(&self) -> Vec<String> {
        let mut notes: Vec<String> = self
            .lanes
            .iter()
            .filter_map(|(lane, reading)| {
                let level = reading.bound.filter(|_| reading.state == LaneState::Approved)?;
                Some(format!("lane `{}` approves, bound by {}", lane.name, level.as_str()))
            })
            .collect();
        let from_artifacts: Vec<String> = self
            .lanes
            .iter()
            .filter(|(lane, _)| matches!(lane.source, Source::Artifact(_)))
            .map(|(lane, _)| format!("`{}`", lane.name))
            .collect();
        if !from_artifacts.is_empty() {
            notes.push(format!(
                "verdicts of {} are artifacts, as trustworthy as the workflow of the run that uploaded them",
                from_artifacts.join(", ")
            ));
        }
        notes
    }
}

/// The model families of these lanes.
fn families<'a>(lanes: impl Iterator<Item = &'a Lane>) -> u64 {
    lanes.filter_map(|lane| lane.family.as_ref()).collect::<BTreeSet<_>>().len() as u64
}

fn on_lane(code: Code, lane: &Lane, reason: String) -> Blocker {
    let mut blocker = Blocker::new(code, lane.name.as_str(), reason).on_lane(lane.name.as_str());
    if let Source::Artifact(artifact) = &lane.source {
        blocker.artifact = Some(artifact.clone());
    }
    blocker
}

fn lane_report(lane: &Lane, reading: &Reading, wanted: bool) -> LaneReport {
    LaneReport {
        name: lane.name.clone(),
        class: lane.class,
        family: lane.family.clone(),
        source: lane.source.to_string(),
        state: reading.state,
        next_action: next_action(reading.state, wanted),
        bound_by: reading.bound,
        detail: reading.detail.clone(),
    }
}

/// DESIGN section 6: the closed set of what is done about a lane.
fn next_action(state: LaneState, wanted: bool) -> NextAction {
    match state {
        // A person who took no side is asked again where the quorum still wants them.
        LaneState::Abstained if wanted => NextAction::RedriveReviewLane,
        LaneState::Approved | LaneState::Abstained | LaneState::Own => NextAction::None,
        LaneState::ChangesRequested => NextAction::FixReviewFindings,
        LaneState::Missing | LaneState::Stale | LaneState::Unparsable => NextAction::RedriveReviewLane,
    }
}

/// The verdict over blockers of one gate, by the worst of them.
pub(super) fn verdict(blockers: &[Blocker]) -> Verdict {
    match blockers.iter().map(|blocker| blocker.code.info().outcome).min() {
        Some(Outcome::Fail) => Verdict::Blocked,
        Some(Outcome::Unmeasured) => Verdict::Unmeasured,
        Some(Outcome::NeedsHuman) => Verdict::NeedsHuman,
        Some(Outcome::Pass | Outcome::Skipped) | None => Verdict::Pass,
    }
}
