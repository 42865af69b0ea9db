//! The vocabulary of judged evidence: what binds it, in what state it is, what is wrong with it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{
    ArtifactName, Code, CommitSha, Digest, EvidenceId, PullNumber, Quote, RepoSlug, Timestamp,
};

use super::content::{Content, ToolName};
use super::format::Format;

/// What ties a piece of evidence to the head (DESIGN section 4, *Binding*).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Binding {
    /// It came from a run whose commit is the head.
    Run,
    /// A sidecar names the head and the file's hash.
    Manifest,
    /// The format itself names the full head.
    Embedded,
    /// Its hash was passed through a job output.
    Digest,
    /// A signature by a key of the policy.
    Signed,
    /// Offline: whoever called says so. Good for offline verdicts only.
    AssertedByCaller,
}

impl Binding {
    /// The word used in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Manifest => "manifest",
            Self::Embedded => "embedded",
            Self::Digest => "digest",
            Self::Signed => "signed",
            Self::AssertedByCaller => "asserted_by_caller",
        }
    }
}

/// In what state a piece of evidence was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Present,
    Missing,
    Unfinished,
    Ambiguous,
    Unavailable,
    Malformed,
    Stale,
    Superseded,
    WrongHead,
    TooLarge,
    Expired,
    Unbound,
}

impl State {
    /// The state a fault of this code puts evidence in.
    fn of(code: Code) -> Self {
        match code {
            Code::EvidenceMissing => Self::Missing,
            Code::EvidenceUnfinished => Self::Unfinished,
            Code::EvidenceAmbiguous => Self::Ambiguous,
            Code::EvidenceUnavailable
            | Code::RunAwaitsApproval
            | Code::RunNeverStarted
            | Code::RunCancelled
            | Code::RunOutlivedWait
            | Code::RunArtifactsHidden
            | Code::RunJobFailed => Self::Unavailable,
            Code::EvidenceMalformed
            | Code::EvidenceManifestMalformed
            | Code::EvidenceHashMismatch
            | Code::EvidenceTimesOutOfOrder
            | Code::EvidenceUnlisted
            | Code::EvidenceIdMismatch => Self::Malformed,
            Code::EvidenceStale => Self::Stale,
            Code::EvidenceSuperseded => Self::Superseded,
            Code::EvidenceWrongHead | Code::EvidenceWrongRepo => Self::WrongHead,
            Code::EvidenceTooLarge => Self::TooLarge,
            Code::EvidenceExpired => Self::Expired,
            Code::EvidenceUnbound => Self::Unbound,
            _ => Self::Present,
        }
    }

    /// The word used in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Missing => "missing",
            Self::Unfinished => "unfinished",
            Self::Ambiguous => "ambiguous",
            Self::Unavailable => "unavailable",
            Self::Malformed => "malformed",
            Self::Stale => "stale",
            Self::Superseded => "superseded",
            Self::WrongHead => "wrong_head",
            Self::TooLarge => "too_large",
            Self::Expired => "expired",
            Self::Unbound => "unbound",
        }
    }
}

/// What all evidence of one judgement is held against.
#[derive(Debug, Clone)]
pub struct Target {
    pub head: CommitSha,
    /// What baselines are held against in place of the head; `None` where it is not known.
    pub base: Option<CommitSha>,
    pub repo: Option<RepoSlug>,
    pub pull_request: Option<PullNumber>,
    /// How evidence comes to be of this head at all: `Run` in a workflow, `AssertedByCaller` offline; `None` where
    /// the run is of another commit, and its evidence counts for nothing.
    pub origin: Option<Binding>,
    /// Hashes that jobs passed through their outputs.
    pub passed_digests: BTreeSet<Digest>,
    /// When the latest attempt of each job began, by job id, where the forge says so.
    pub job_starts: BTreeMap<String, Timestamp>,
    pub now: Timestamp,
}

/// One thing that is wrong with a piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub code: Code,
    /// What exactly, in our words; foreign words in it are sanitized and short.
    pub detail: String,
    pub quotes: Vec<Quote>,
}

impl Fault {
    pub(super) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), quotes: Vec::new() }
    }
}

/// One piece of evidence, judged on its own.
#[derive(Debug, Clone)]
pub struct Evidence {
    pub id: EvidenceId,
    pub artifact: ArtifactName,
    /// The file, or the pattern where several or none were found.
    pub path: Option<String>,
    pub format: Option<Format>,
    pub optional: bool,
    pub sha256: Option<Digest>,
    pub bytes: Option<u64>,
    /// Of the artifact as it was downloaded.
    pub artifact_sha256: Option<Digest>,
    pub tool: Option<ToolName>,
    /// The job that made it: as the policy says, else as its manifest says.
    pub producer_job: Option<String>,
    /// Whether it shows why a command, and so its job, ended red.
    pub explains_red: bool,
    pub bindings: Vec<Binding>,
    pub age_seconds: Option<u64>,
    /// In the order of the checks; empty means that it counts.
    pub faults: Vec<Fault>,
    pub notes: Vec<String>,
    /// Why nobody was meant to make it for this change: then its absence is a skip.
    pub not_due: Option<String>,
    /// What was parsed, also where faults keep it from counting.
    pub content: Option<Arc<Content>>,
}

impl Evidence {
    /// The state, by the first fault that has one of its own.
    pub fn state(&self) -> State {
        if self.not_due.is_some() {
            return State::Missing;
        }
        self.faults
            .iter()
            .map(|fault| State::of(fault.code))
            .find(|state| *state != State::Present)
            .unwrap_or(State::Present)
    }

    /// Adds a fault that only the run can tell.
    pub fn condemn(&mut self, code: Code, detail: String) {
        self.faults.push(Fault::new(code, detail));
    }

    /// Nobody was meant to make it for this change: that it is not there is no fault.
    pub fn excuse(&mut self, reason: String) {
        self.faults.clear();
        self.not_due = Some(reason);
    }

    /// Whether nothing is wrong with it.
    pub fn counts(&self) -> bool {
        self.faults.is_empty() && self.not_due.is_none()
    }

    /// The content a gate may judge: of the right head and file, even where the tool then failed,
    /// so that a red report still shows what is red.
    pub fn judgeable(&self) -> Option<&Content> {
        let shows_content = |code: Code| {
            matches!(
                code,
                Code::EvidenceExitCodeDisagrees
                    | Code::EvidenceToolCrashed
                    | Code::EvidenceToolError
                    | Code::EvidenceDirtyTree
            )
        };
        self.content.as_deref().filter(|_| self.faults.iter().all(|fault| shows_content(fault.code)))
    }
}
