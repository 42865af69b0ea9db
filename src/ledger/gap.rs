//! One gap and the words it is described by; `patchwarden.gap_ledger.v1` is the ledger as a document.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::sanitize;

/// The contract's name.
pub const SCHEMA: &str = "patchwarden.gap_ledger.v1";

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// All of them, in the order they are shown.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word used in every output.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                Self::ALL.iter().copied().find(|one| one.as_str() == text).ok_or_else(|| {
                    let known: Vec<&str> = Self::ALL.iter().map(|one| one.as_str()).collect();
                    format!("`{}` is none of {}", sanitize(text, 40), known.join(", "))
                })
            }
        }
    };
}

words! {
    /// Where a gap stands.
    Status {
        /// Known, and nobody has taken it up.
        Open = "open",
        /// To be taken up next.
        Next = "next",
        /// Somebody works on it.
        InProgress = "in_progress",
        /// Somebody would, but something else must happen first.
        Blocked = "blocked",
        /// Closed: it is no gap any more.
        Done = "done",
        /// Closed: it stays as it is, on purpose.
        Declined = "declined",
    }
}

words! {
    /// How much it hurts.
    Severity {
        Critical = "critical",
        High = "high",
        Medium = "medium",
        Low = "low",
    }
}

words! {
    /// Where it was found.
    Source {
        OperatorNote = "operator_note",
        Audit = "audit",
        RedTeam = "red_team",
        Incident = "incident",
        RepairLoop = "repair_loop",
        Review = "review",
    }
}

impl Status {
    /// Whether nothing is left to do.
    pub fn is_closed(self) -> bool {
        matches!(self, Self::Done | Self::Declined)
    }

    /// Whether a gap may go from this status to that one: a closed gap can only be opened again, so that
    /// nobody turns `declined` into `done` unseen.
    pub fn may_become(self, next: Self) -> bool {
        self == next || !self.is_closed() || next == Self::Open
    }
}

/// The id of a number, counted from 1: the ledger's prefix and at least three digits.
pub fn gap_id(prefix: &str, number: u64) -> String {
    format!("{prefix}{number:03}")
}

/// The number of an id; `None` where it is not spelled as it must be.
pub fn gap_number(prefix: &str, id: &str) -> Option<u64> {
    let digits = id.strip_prefix(prefix)?;
    let number: u64 = digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten()?;
    (number > 0 && gap_id(prefix, number) == id).then_some(number)
}

/// One gap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gap {
    pub id: String,
    pub title: String,
    /// The part of the system it is in.
    pub area: String,
    pub status: Status,
    pub severity: Severity,
    pub source: Source,
    /// Links or paths that show it.
    pub evidence: Vec<String>,
    pub owner: String,
    /// What to do next; empty only where it is closed.
    pub next_action: String,
    /// `YYYY-MM-DD`.
    pub opened: String,
    /// `YYYY-MM-DD`.
    pub updated: String,
    /// `YYYY-MM-DD`, where it is closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<String>,
    /// What closed it: a commit, a pull request, a decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_by: Option<String>,
    /// What recognises it when it is imported again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// Its line in the file.
    #[serde(skip)]
    pub line: u64,
}

/// A ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    pub prefix: String,
    /// In the order of the file.
    pub gaps: Vec<Gap>,
}

impl Ledger {
    /// The gap of this id.
    pub fn gap(&self, id: &str) -> Option<&Gap> {
        self.gaps.iter().find(|gap| gap.id == id)
    }

    /// The highest number in use; 0 where there is none.
    pub fn last_number(&self) -> u64 {
        self.gaps.iter().filter_map(|gap| gap_number(&self.prefix, &gap.id)).max().unwrap_or(0)
    }

    /// The latest day anything was updated.
    pub fn updated(&self) -> Option<&str> {
        self.gaps.iter().map(|gap| gap.updated.as_str()).max()
    }

    /// The ledger as a document, with the gaps that are wanted.
    pub fn document(&self, wanted: impl Fn(&Gap) -> bool) -> LedgerDocument {
        LedgerDocument {
            schema: SCHEMA.to_owned(),
            prefix: self.prefix.clone(),
            gaps: self.gaps.iter().filter(|gap| wanted(gap)).cloned().collect(),
        }
    }
}

/// `patchwarden.gap_ledger.v1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LedgerDocument {
    /// Always `patchwarden.gap_ledger.v1`.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: String,
    /// What ids begin with.
    pub prefix: String,
    /// In the order of the file.
    pub gaps: Vec<Gap>,
}
