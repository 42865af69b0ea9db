//! `patchwarden.feedback_intake.v1`: signals held against thresholds. The same signals give the same document.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Digest, Timestamp};
use crate::policy::FeedbackRules;

use super::candidate::Candidate;
use super::signal::{Signal, SignalSource};

/// The contract's name.
pub const SCHEMA: &str = "patchwarden.feedback_intake.v1";

/// What was seen, and what it suggests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FeedbackIntake {
    /// Always `patchwarden.feedback_intake.v1`.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: String,
    /// The time it was made for.
    pub as_of: Timestamp,
    /// The first day that counts, `YYYY-MM-DD`.
    pub since: String,
    /// Every threshold with what it saw.
    pub thresholds: Vec<ThresholdRow>,
    /// What may become work, the most pressing first.
    pub candidates: Vec<Candidate>,
    /// What became of each candidate; empty where no issue was allowed.
    pub issues: Vec<IssueRow>,
    /// Everything that was seen in the window.
    pub signals: Vec<Signal>,
    /// Signals older than the window, which were left out.
    pub older: u64,
    /// What was to be read and could not be.
    pub not_seen: Vec<Unseen>,
}

/// One threshold and what it saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ThresholdRow {
    /// The key in `[feedback]`.
    pub name: String,
    /// How often the same thing must be seen; 0 switches it off.
    pub threshold: u64,
    /// Signals that counted.
    pub seen: u64,
    /// Different things among them.
    pub groups: u64,
    /// How often the most frequent of them was seen.
    pub most: u64,
    /// How many of them reached the threshold.
    pub reached: u64,
}

/// What became of a candidate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IssueRow {
    pub dedupe_key: Digest,
    pub title: String,
    pub outcome: IssueOutcome,
    /// The issue, where there is one.
    pub number: Option<u64>,
}

/// Whether an issue was opened, and why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IssueOutcome {
    Opened,
    /// One with this key is open.
    OpenAlready,
    /// One with this key was closed not long ago.
    RecentlyClosed,
    /// More than this run was allowed to open.
    OverLimit,
    /// This token may not.
    NotPermitted,
    /// The forge did not answer.
    Failed,
}

impl IssueOutcome {
    /// The words used in text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::OpenAlready => "open already",
            Self::RecentlyClosed => "closed recently",
            Self::OverLimit => "over the limit of this run",
            Self::NotPermitted => "not permitted to this token",
            Self::Failed => "failed",
        }
    }
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unseen {
    pub what: String,
    pub why: String,
}

/// What an intake is made from.
#[derive(Debug)]
pub struct Inputs {
    pub now: Timestamp,
    pub signals: Vec<Signal>,
    pub not_seen: Vec<Unseen>,
}

/// Holds signals against the thresholds.
pub fn intake(inputs: Inputs, rules: &FeedbackRules) -> FeedbackIntake {
    let Inputs { now, signals, not_seen } = inputs;
    let window = i64::try_from(rules.window.seconds()).unwrap_or(i64::MAX);
    let since = Timestamp::from_unix(now.unix().saturating_sub(window)).day();
    let all = signals.len();
    let mut signals: Vec<Signal> =
        signals.into_iter().filter(|signal| signal.day.as_ref().is_none_or(|day| *day >= since)).collect();
    let older = (all - signals.len()) as u64;
    signals.sort();
    signals.dedup();
    let mut groups: BTreeMap<_, Vec<&Signal>> = BTreeMap::new();
    for signal in signals.iter().filter(|signal| !signal.settled) {
        groups.entry(signal.group()).or_default().push(signal);
    }
    let mut thresholds = Vec::new();
    let mut candidates = Vec::new();
    for source in SignalSource::ALL {
        let threshold = threshold(source, rules);
        let of_source = groups.iter().filter(|((other, ..), _)| *other == source);
        let counts: Vec<u64> = of_source.clone().map(|(_, signals)| signals.len() as u64).collect();
        let reached = |count: u64| threshold > 0 && count >= threshold;
        thresholds.push(ThresholdRow {
            name: source.threshold_key().to_owned(),
            threshold,
            seen: counts.iter().sum(),
            groups: counts.len() as u64,
            most: counts.iter().copied().max().unwrap_or(0),
            reached: counts.iter().filter(|count| reached(**count)).count() as u64,
        });
        let met = of_source.filter(|(_, signals)| reached(signals.len() as u64));
        candidates.extend(met.filter_map(|(_, signals)| Candidate::of(signals, threshold, &rules.labels)));
    }
    candidates.sort_by(|a, b| (a.kind, a.source, &a.title).cmp(&(b.kind, b.source, &b.title)));
    FeedbackIntake {
        schema: SCHEMA.to_owned(),
        as_of: now,
        since,
        thresholds,
        candidates,
        issues: Vec::new(),
        signals,
        older,
        not_seen,
    }
}

fn threshold(source: SignalSource, rules: &FeedbackRules) -> u64 {
    match source {
        SignalSource::IncidentLog => rules.incidents,
        SignalSource::CiRun => rules.ci_failures,
        SignalSource::Revert => rules.reverts,
        SignalSource::RepairPacket => rules.stuck_repairs,
        SignalSource::OperatorNote => rules.notes,
    }
}
