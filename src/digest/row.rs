//! The rows everything is counted from: what was read of which run, and what could not be read.
//! One flat line each, so that DuckDB and friends read them as they are; two equal rows are one.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::week::IsoWeek;
use crate::evidence::Format;
use crate::evidence::finding::Level;
use crate::model::{Code, Digest, Outcome, Timestamp, Verdict};
use crate::repair::Progress;

/// Where and when something was seen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    pub week: IsoWeek,
    /// `owner/name`.
    pub repo: String,
    /// The run's id on the server; null where nothing says it.
    pub run: Option<u64>,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "row", rename_all = "snake_case")]
pub enum Row {
    Repository(RepositoryRow),
    Run(RunRow),
    Report(ReportRow),
    Finding(FindingRow),
    Bucket(BucketRow),
    Verdict(VerdictRow),
    Gate(GateRow),
    Blocker(BlockerRow),
    Packet(PacketRow),
    Merged(MergedRow),
    Unread(UnreadRow),
}

/// A repository that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RepositoryRow {
    /// Its present name, where it could be had.
    pub repo: String,
    pub state: RepositoryState,
    /// In words, where the state's name does not say it all.
    pub detail: String,
}

/// What became of reading a repository. The later ones hide the earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RepositoryState {
    Read,
    /// It was asked for under an older name, and read.
    Renamed,
    /// Part of it was read.
    Incomplete,
    /// It was there and is not any more, since the collecting began.
    Gone,
    NotFound,
    NoAccess,
    /// The forge did not answer.
    Unavailable,
}

impl RepositoryState {
    /// The words used in text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Renamed => "renamed",
            Self::Incomplete => "incomplete",
            Self::Gone => "gone",
            Self::NotFound => "not found",
            Self::NoAccess => "no access",
            Self::Unavailable => "unavailable",
        }
    }
}

/// A completed run in the window.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RunRow {
    #[serde(flatten)]
    pub place: Place,
    /// The number in web addresses.
    pub number: Option<u64>,
    pub at: Timestamp,
    pub event: String,
    pub workflow: String,
    /// The server's word for how it ended.
    pub status: String,
    pub head: Option<String>,
    pub pull: Option<u64>,
}

/// A report that was read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ReportRow {
    #[serde(flatten)]
    pub place: Place,
    pub artifact: String,
    pub path: String,
    pub sha256: Digest,
    pub bytes: u64,
    pub format: Format,
    pub tool: String,
    pub tool_version: Option<String>,
    /// `measured`, `nothing` or `unproven`.
    pub substance: String,
    pub tests: u64,
    pub tests_failed: u64,
    pub suppressed: u64,
}

/// The findings of one rule in one run, each counted once however many artifacts hold it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FindingRow {
    #[serde(flatten)]
    pub place: Place,
    pub tool: String,
    pub tool_version: Option<String>,
    /// Empty where the tool gives none.
    pub rule: String,
    pub level: Level,
    pub count: u64,
    /// Their fingerprints, sorted: the same finding has the same one in every run.
    pub keys: Vec<Key>,
}

/// The items of one bucket of a fix plan.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BucketRow {
    #[serde(flatten)]
    pub place: Place,
    /// Of the plan: the same plan in two artifacts counts once.
    pub plan: Digest,
    pub tool: String,
    pub bucket: String,
    pub items: u64,
}

/// One judgement: what a gate report says of its head as a whole.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct VerdictRow {
    #[serde(flatten)]
    pub place: Place,
    #[serde(flatten)]
    pub judgement: Judgement,
    pub verdict: Option<Verdict>,
}

/// Which judgement a row belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Judgement {
    pub pull: Option<u64>,
    pub head: Option<String>,
    pub evaluated_at: Timestamp,
    /// Of the gate report: the same report in two artifacts counts once.
    pub report: Digest,
}

/// One gate of a judgement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GateRow {
    #[serde(flatten)]
    pub place: Place,
    #[serde(flatten)]
    pub judgement: Judgement,
    pub gate: String,
    pub kind: String,
    pub outcome: Outcome,
    pub enforced: bool,
}

/// One blocker of a gate, standing or ended by a person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BlockerRow {
    #[serde(flatten)]
    pub place: Place,
    #[serde(flatten)]
    pub judgement: Judgement,
    pub gate: String,
    pub code: Code,
    pub subject: String,
    pub standing: Standing,
}

/// Whether a blocker holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    Blocks,
    /// A waiver of the policy accepts it: operators overrode the gate.
    Waived,
    /// It wanted a person, and a person approved.
    Cleared,
}

/// A repair packet: who is to act, and whether that got anywhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PacketRow {
    #[serde(flatten)]
    pub place: Place,
    pub packet: Digest,
    pub pull: Option<u64>,
    pub head: String,
    pub attempt: u64,
    pub progress: Progress,
    pub entries: u64,
    /// Those of the entries that only an operator can end.
    pub at_operator: u64,
}

/// A pull request that was merged, in a repository where gates judge.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MergedRow {
    /// The week it was merged in; no run.
    #[serde(flatten)]
    pub place: Place,
    pub pull: u64,
    /// The head that was merged.
    pub head: String,
    pub at: Timestamp,
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UnreadRow {
    #[serde(flatten)]
    pub place: Place,
    pub artifact: Option<String>,
    /// The file in the artifact.
    pub path: Option<String>,
    pub why: Why,
    pub detail: String,
}

/// Why something could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    Expired,
    Malformed,
    NoAccess,
    /// It was listed and was not there any more when it was fetched.
    Gone,
    TooLarge,
    /// It was never finished.
    Unfinished,
    /// The forge did not answer, or the answer broke off.
    Unavailable,
    /// Not in the cache, and nothing else was asked.
    Offline,
    /// No format that is known; nothing is wrong with that.
    Unrecognised,
}

impl Why {
    /// The words used in text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Malformed => "malformed",
            Self::NoAccess => "no access",
            Self::Gone => "gone",
            Self::TooLarge => "too large",
            Self::Unfinished => "unfinished",
            Self::Unavailable => "unavailable",
            Self::Offline => "not in the cache",
            Self::Unrecognised => "not recognised",
        }
    }
}

/// A finding's fingerprint as 32 hexadecimal digits; kept as a number, for there are many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Key(u128);

impl Key {
    /// The key of a finding.
    pub fn of(key: crate::evidence::finding::FindingKey) -> Self {
        Self(u128::from_str_radix(&key.to_string(), 16).unwrap_or(0))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl From<Key> for String {
    fn from(key: Key) -> Self {
        key.to_string()
    }
}

impl TryFrom<String> for Key {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let hex = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let wrong = || "a fingerprint is 32 hexadecimal digits".to_owned();
        if !hex {
            return Err(wrong());
        }
        u128::from_str_radix(&text, 16).map(Self).map_err(|_| wrong())
    }
}

impl Row {
    /// The repository it is about.
    pub fn repo(&self) -> &str {
        match self {
            Self::Repository(row) => &row.repo,
            Self::Run(RunRow { place, .. })
            | Self::Report(ReportRow { place, .. })
            | Self::Finding(FindingRow { place, .. })
            | Self::Bucket(BucketRow { place, .. })
            | Self::Verdict(VerdictRow { place, .. })
            | Self::Gate(GateRow { place, .. })
            | Self::Blocker(BlockerRow { place, .. })
            | Self::Packet(PacketRow { place, .. })
            | Self::Merged(MergedRow { place, .. })
            | Self::Unread(UnreadRow { place, .. }) => &place.repo,
        }
    }
}
