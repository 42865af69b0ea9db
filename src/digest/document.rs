//! `patchwarden.evidence_digest.v1`: one week of many repositories, with the weeks before it in the window.
//! Every number is a count of rows; what could not be read stands beside what could.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::row::{RepositoryState, Why};
use super::week::{IsoWeek, Window};
use crate::evidence::finding::Level;
use crate::model::{Code, Owner};

/// The contract's name.
pub const SCHEMA: &str = "patchwarden.evidence_digest.v1";

/// The whole digest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceDigest {
    /// Always `patchwarden.evidence_digest.v1`.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: String,
    /// The week it is about: the last of the window.
    pub week: IsoWeek,
    pub window: Window,
    /// Numbers of the week.
    pub totals: Totals,
    /// What wants a person, the most pressing first.
    pub attention: Vec<Attention>,
    /// By tool and rule, those with most findings in the week first; also those that are gone.
    pub rules: Vec<RuleLine>,
    pub repositories: Vec<RepositoryLine>,
    /// By tool and version.
    pub tools: Vec<ToolLine>,
    /// Every week of the window, the earliest first.
    pub weeks: Vec<WeekLine>,
    /// Buckets of fix plans.
    pub buckets: Vec<BucketLine>,
    pub gates: Vec<GateLine>,
    /// Blocker codes seen in the week, the most frequent first.
    pub codes: Vec<CodeLine>,
    /// The week's repair packets.
    pub packets: PacketLine,
    /// How much could not be read in the week, by reason.
    pub unread: Vec<UnreadCount>,
    /// What could not be read in the week, one by one; what was no report to begin with is only counted.
    pub unread_list: Vec<UnreadLine>,
}

/// The week in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Totals {
    /// Repositories that were asked for, or that rows are of.
    pub repositories: u64,
    /// Those of them with a completed run in the week.
    pub active_repositories: u64,
    pub runs: u64,
    /// Runs that ended in `failure`.
    pub failed_runs: u64,
    pub reports: u64,
    /// Different findings of each repository, however many runs and artifacts show them.
    pub findings: u64,
    pub errors: u64,
    pub warnings: u64,
    pub notes: u64,
    pub tests: u64,
    pub tests_failed: u64,
    /// Gate reports by verdict.
    pub passed: u64,
    pub blocked: u64,
    pub needs_human: u64,
    pub unmeasured: u64,
    pub without_verdict: u64,
    /// What could not be read, unrecognised files left out.
    pub unread: u64,
}

/// Something that wants a person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Attention {
    pub kind: AttentionKind,
    pub what: String,
    pub because: String,
}

/// Why a person is wanted; the most pressing first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttentionKind {
    /// A change waits for a person's decision.
    NeedsHuman,
    /// Only an operator can end what blocks a change.
    AtOperator,
    /// A repository could not be read.
    Repository,
    /// Reports could not be read.
    Unread,
    /// Operators overrode blockers of a code.
    FalseBlocks,
}

/// What happened to a count since the week before that measured it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trend {
    New,
    Up,
    Gone,
    Down,
    Same,
    /// No repository that was measured now was measured before.
    First,
    /// No repository where it was seen before was measured now.
    Unmeasured,
}

impl Trend {
    /// The word used in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Up => "up",
            Self::Gone => "gone",
            Self::Down => "down",
            Self::Same => "same",
            Self::First => "first",
            Self::Unmeasured => "unmeasured",
        }
    }
}

/// One rule of one tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleLine {
    pub tool: String,
    /// Written by the judged parties; empty where the tool gives none.
    pub rule: String,
    /// The gravest in the window.
    pub level: Level,
    /// Different findings of each repository in the week.
    pub findings: u64,
    /// The same counted in every run that shows them.
    pub occurrences: u64,
    /// Repositories with such a finding in the week.
    pub repositories: u64,
    pub trend: Trend,
    /// What the trend compares: repositories where the tool measured in the week and in an earlier one of the window;
    /// null where there is none.
    pub compared: Option<Compared>,
    /// Findings by week, the earliest first.
    pub weeks: Vec<u64>,
}

/// Two counts over the same repositories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Compared {
    pub repositories: u64,
    pub now: u64,
    /// In each repository's latest earlier week in which the tool measured.
    pub before: u64,
}

/// One repository in the week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RepositoryLine {
    pub repo: String,
    pub state: RepositoryState,
    pub detail: String,
    pub runs: u64,
    pub failed_runs: u64,
    pub reports: u64,
    pub findings: u64,
    pub errors: u64,
    /// Judgements that did not end in `pass`.
    pub not_passed: u64,
    pub unread: u64,
    /// Findings by week, the earliest first.
    pub weeks: Vec<u64>,
}

/// One version of one tool in the week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ToolLine {
    pub tool: String,
    pub version: Option<String>,
    pub reports: u64,
    pub repositories: u64,
    pub findings: u64,
    /// Reports that themselves show that nothing was looked at, or do not show that something was.
    pub measured_nothing: u64,
}

/// One week of the window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WeekLine {
    pub week: IsoWeek,
    pub runs: u64,
    pub failed_runs: u64,
    pub reports: u64,
    pub findings: u64,
    pub judgements: u64,
    pub passed: u64,
    pub unread: u64,
}

/// One bucket of a tool's fix plans.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BucketLine {
    pub tool: String,
    pub bucket: String,
    /// Items in all plans of the week; one plan in two artifacts counts once.
    pub items: u64,
    /// Plans of the week that have the bucket.
    pub plans: u64,
    pub repositories: u64,
    /// Items by week, the earliest first.
    pub weeks: Vec<u64>,
}

/// The week's outcomes of the gates of one id and kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GateLine {
    pub gate: String,
    pub kind: String,
    pub judgements: u64,
    pub pass: u64,
    pub fail: u64,
    pub needs_human: u64,
    pub unmeasured: u64,
    pub skipped: u64,
}

/// One blocker code in the week.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CodeLine {
    pub code: Code,
    pub owner: Owner,
    /// Different blockers: by change, gate and subject.
    pub blockers: u64,
    pub repositories: u64,
    /// Changes and gates where it stood in the week and a later judgement in the window is without it.
    pub turned_green: u64,
    /// Those where no later judgement is without it.
    pub still_red: u64,
    /// Median and slowest time from the first judgement with it to the first without.
    pub time_to_green_seconds: Option<Spread>,
    /// Median and most heads judged from then on, the green one included; 0 where the same head turned green.
    pub heads_to_green: Option<Spread>,
    /// Blockers a person's approval ended, as the policy means it.
    pub approved: u64,
    /// Blockers a waiver accepts or over which the change was merged, and their share; null where operators overrode
    /// none.
    pub false_blocks: Option<FalseBlocks>,
}

/// The middle and the far end of some numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Spread {
    /// The lower of the two middle ones where their number is even.
    pub median: u64,
    pub most: u64,
}

/// How often operators overrode blockers of a code.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FalseBlocks {
    /// Waived by the policy, or standing at the last judgement of the head that was merged all the same.
    pub overridden: u64,
    pub blockers: u64,
    /// `overridden / blockers`.
    pub rate: f64,
}

/// The week's repair packets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PacketLine {
    pub packets: u64,
    pub entries: u64,
    pub at_operator: u64,
    pub first: u64,
    pub progress: u64,
    pub no_progress: u64,
    pub unknown: u64,
}

/// How much could not be read for one reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnreadCount {
    pub why: Why,
    pub count: u64,
}

/// One thing that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnreadLine {
    pub repo: String,
    pub run: Option<u64>,
    pub artifact: Option<String>,
    pub path: Option<String>,
    pub why: Why,
    pub detail: String,
}
