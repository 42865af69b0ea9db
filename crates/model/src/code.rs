//! The one table of blocker codes: what each means, who acts, what the default action is.
//! `docs/reference/codes.md` and `patchwarden explain CODE` are made from it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::outcome::Outcome;

/// Who can end a blocker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// Whoever pushes to the pull request: by `git push` or REST with a token of their own.
    Agent,
    /// Whoever runs the system that makes the evidence, where a push does not make it anew.
    Producer,
    /// A review lane, human or model.
    Reviewer,
    /// A person the policy lists.
    Operator,
}

impl Owner {
    /// The word used in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Producer => "producer",
            Self::Reviewer => "reviewer",
            Self::Operator => "operator",
        }
    }
}

/// What a repair entry asks for: a closed set (DESIGN section 6). Never a code edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActionKind {
    ProduceEvidence,
    RunCommand,
    RerunWorkflow,
    PushEmptyCommit,
    FixTests,
    FixFindings,
    RaiseCoverage,
    AddSection,
    EditPullRequest,
    SplitChange,
    RedriveReviewLane,
    FixReviewFindings,
    Rebase,
    AskOperator,
    None,
}

impl ActionKind {
    /// The word used in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ProduceEvidence => "produce_evidence",
            Self::RunCommand => "run_command",
            Self::RerunWorkflow => "rerun_workflow",
            Self::PushEmptyCommit => "push_empty_commit",
            Self::FixTests => "fix_tests",
            Self::FixFindings => "fix_findings",
            Self::RaiseCoverage => "raise_coverage",
            Self::AddSection => "add_section",
            Self::EditPullRequest => "edit_pull_request",
            Self::SplitChange => "split_change",
            Self::RedriveReviewLane => "redrive_review_lane",
            Self::FixReviewFindings => "fix_review_findings",
            Self::Rebase => "rebase",
            Self::AskOperator => "ask_operator",
            Self::None => "none",
        }
    }
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct CodeInfo {
    /// The stable dotted spelling.
    pub name: &'static str,
    /// What a blocker of this code does to its gate.
    pub outcome: Outcome,
    /// Who can end it, unless the policy or a recurrence says otherwise.
    pub owner: Owner,
    /// What they are asked to do, unless the policy says otherwise.
    pub action: ActionKind,
    /// What it means, one sentence.
    pub meaning: &'static str,
    /// How it is ended, one sentence in the imperative.
    pub remedy: &'static str,
}

macro_rules! codes {
    ($($variant:ident = $name:literal, $outcome:ident, $owner:ident, $action:ident, $meaning:literal, $remedy:literal;)+) => {
        /// A stable blocker code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum Code {
            $(
                #[doc = $meaning]
                #[serde(rename = $name)]
                $variant,
            )+
        }

        impl Code {
            /// Every code, in the table's order.
            pub const ALL: &'static [Code] = &[$(Code::$variant),+];

            /// The row of this code.
            pub fn info(self) -> CodeInfo {
                match self {
                    $(Code::$variant => CodeInfo {
                        name: $name,
                        outcome: Outcome::$outcome,
                        owner: Owner::$owner,
                        action: ActionKind::$action,
                        meaning: $meaning,
                        remedy: $remedy,
                    },)+
                }
            }
        }
    };
}

impl Code {
    /// The stable dotted spelling.
    pub fn as_str(self) -> &'static str {
        self.info().name
    }

    /// Whether a policy may waive it: what guards the gate itself may not be waived.
    pub fn waivable(self) -> bool {
        let built_in = ["protected.", "head.", "run.", "runtime."];
        !matches!(self, Self::PolicyNone | Self::PolicyNoGates)
            && !built_in.iter().any(|family| self.as_str().starts_with(family))
    }

    /// Finds a code by its dotted spelling.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == name)
    }
}

codes! {
    EvidenceMissing = "evidence.missing", Fail, Agent, ProduceEvidence,
        "evidence the gate needs is not there",
        "run the job or command that makes it and upload the report under the artifact and path the policy names";
    EvidenceAmbiguous = "evidence.ambiguous", Fail, Agent, ProduceEvidence,
        "more than one artifact or file fits what the policy names, so none can be trusted",
        "give each artifact a name of its own, or name the one that is meant in the policy";
    EvidenceMalformed = "evidence.malformed", Fail, Agent, ProduceEvidence,
        "the file is there but is not what its format says: cut off, another format, or built to mislead a reader",
        "make the report anew with the tool's own writer and look at it with `patchwarden inspect`";
    EvidenceUnavailable = "evidence.unavailable", Unmeasured, Agent, PushEmptyCommit,
        "the evidence may exist, but it could not be read from where it is kept",
        "have the gate judge again once the storage answers";
    EvidenceUnfinished = "evidence.unfinished", Unmeasured, Agent, PushEmptyCommit,
        "the artifact was created and its upload never finished",
        "see why the upload step of the producing job stopped, and let it run again";
    EvidenceExpired = "evidence.expired", Fail, Agent, PushEmptyCommit,
        "the artifact outlived its retention and is gone",
        "let the producing job run again";
    EvidenceSuperseded = "evidence.superseded", Fail, Agent, PushEmptyCommit,
        "the evidence belongs to an attempt that a later one replaced",
        "let every job of the run run again, or make the evidence with `patchwarden record`, which names its attempt";
    EvidenceTooLarge = "evidence.too_large", Unmeasured, Agent, ProduceEvidence,
        "the evidence exceeds a bound of this tool, so it was not read",
        "upload only the report the policy names, or split it; the bounds are in docs/reference/limits.md";
    EvidenceStale = "evidence.stale", Fail, Agent, ProduceEvidence,
        "the evidence is older than the policy allows, or was left behind by an earlier run",
        "run the producing command again so that it writes the report anew";
    EvidenceAgeUnknown = "evidence.age_unknown", Unmeasured, Agent, ProduceEvidence,
        "the policy sets `max_age`, and nothing says when the evidence was made",
        "make the evidence with `patchwarden record`, which writes down when it was made";
    EvidenceWrongHead = "evidence.wrong_head", Fail, Agent, ProduceEvidence,
        "the evidence says it was made for another commit than the head",
        "run the producing command on the head that is judged";
    EvidenceWrongRepo = "evidence.wrong_repo", Fail, Agent, ProduceEvidence,
        "the evidence says it was made for another repository or pull request",
        "run the producing command in the repository and for the pull request that is judged";
    EvidenceUnbound = "evidence.unbound", Fail, Agent, ProduceEvidence,
        "the policy asks for a binding to the head that this evidence does not have",
        "make the evidence with `patchwarden record`, which writes a manifest beside it";
    EvidenceNothingMeasured = "evidence.nothing_measured", Fail, Agent, ProduceEvidence,
        "the report is there and measured nothing, or cannot be told from one that measured nothing",
        "make sure the tool found something to look at, and record it with `patchwarden record --input`";
    EvidenceHashMismatch = "evidence.hash_mismatch", Fail, Agent, ProduceEvidence,
        "a file differs from the size or hash its manifest names",
        "upload the report and its manifest as `patchwarden record` wrote them, with nothing in between";
    EvidenceUnlisted = "evidence.unlisted", Fail, Agent, ProduceEvidence,
        "the file the policy names is not listed in the manifest beside it",
        "let `patchwarden record` write the report into the folder that is uploaded";
    EvidenceIdMismatch = "evidence.id_mismatch", Fail, Agent, ProduceEvidence,
        "the manifest lists the file under another id than the policy",
        "use the policy's evidence id in `patchwarden record --id`";
    EvidenceManifestMalformed = "evidence.manifest_malformed", Fail, Agent, ProduceEvidence,
        "the manifest beside the evidence cannot be read or contradicts itself",
        "let `patchwarden record` write the manifest and do not edit it";
    EvidenceTimesOutOfOrder = "evidence.times_out_of_order", Fail, Agent, ProduceEvidence,
        "the manifest says the command ended before it began, or in the future",
        "set the producing machine's clock and record the command again";
    EvidenceDirtyTree = "evidence.dirty_tree", Fail, Agent, ProduceEvidence,
        "tracked files had uncommitted changes when the command began, so it did not measure the commit",
        "commit or drop the changes before recording, or allow it with `allow_dirty = true`";
    EvidenceExitCodeDisagrees = "evidence.exit_code_disagrees", Fail, Agent, ProduceEvidence,
        "the command's exit code and the report's content tell different stories",
        "read the command's log: something failed that the report does not show, or the report is not of this run";
    EvidenceToolCrashed = "evidence.tool_crashed", Fail, Agent, ProduceEvidence,
        "the command ended by a signal, a timeout, or with an exit code by which its tool reports its own failure",
        "read the command's log, mend what broke the tool, and record it again";
    EvidenceToolError = "evidence.tool_error", Fail, Agent, ProduceEvidence,
        "the report itself says that the tool failed at part of its work",
        "mend what the tool complains of, so that it looks at everything it was asked to";
    EvidenceNotGreen = "evidence.not_green", Fail, Agent, ProduceEvidence,
        "the attestation is there and does not attest success",
        "do what the attestation asks for and produce it again";
    EvidenceProducerFailed = "evidence.producer_failed", Fail, Agent, ProduceEvidence,
        "the job that made the evidence did not succeed, and the evidence does not show why",
        "read the job's log, mend what failed, and push";
    EvidenceProducerUnknown = "evidence.producer_unknown", Fail, Agent, ProduceEvidence,
        "the policy names the job that makes the evidence, and nothing says that this job made it",
        "make the evidence with `patchwarden record` in the job the policy names";
    TestsFailed = "tests.failed", Fail, Agent, FixTests,
        "tests failed or ended in error",
        "make the failing tests pass by mending what they test, and push";
    TestsTooFew = "tests.too_few", Fail, Agent, FixTests,
        "fewer tests ran than the policy asks for",
        "find out why tests no longer run, restore them, and push";
    TestsFlaky = "tests.flaky", Fail, Agent, FixTests,
        "tests failed first and passed when tried again",
        "remove the cause of the flakiness, and push";
    TestsSkipped = "tests.skipped", Fail, Agent, FixTests,
        "more tests were skipped than the policy allows",
        "let the skipped tests run again, and push";
    TestsRemoved = "tests.removed", Fail, Agent, FixTests,
        "tests of the base are no longer there",
        "restore the tests, or have the policy accept their removal with a waiver, and push";
    TestsNewlySkipped = "tests.newly_skipped", Fail, Agent, FixTests,
        "tests that ran at the base are skipped now",
        "let the tests run again, and push";
    TestsBaselineUnavailable = "tests.baseline_unavailable", Unmeasured, Operator, AskOperator,
        "the base's test report, which the policy compares with, is not there or could not be read",
        "put the base's report where the policy names it, then run the gate again";
    FindingsOverLimit = "findings.over_limit", Fail, Agent, FixFindings,
        "more findings of a level than the policy allows",
        "mend the findings, and push";
    FindingsSuppressed = "findings.suppressed", Fail, Agent, FixFindings,
        "the change suppresses more findings than the policy allows",
        "mend the findings instead of suppressing them, and push";
    FindingsBaselineUnavailable = "findings.baseline_unavailable", Unmeasured, Operator, AskOperator,
        "there are more findings than the policy allows, and the baseline that tells old from new could not be read",
        "mend the baseline the policy names, then run the gate again";
    CoverageBelow = "coverage.below", Fail, Agent, RaiseCoverage,
        "coverage is below what the policy asks for",
        "add tests that run the uncovered lines, and push";
    CoverageAbsent = "coverage.absent", Fail, Agent, RaiseCoverage,
        "the policy asks for a kind of coverage that the report does not carry",
        "let the coverage tool write it (for branches: `--branch` or the like), and push";
    ReviewUnseen = "review.unseen", Unmeasured, Operator, RerunWorkflow,
        "reviews of the forge, or who made the change, could not be read, so the quorum was not counted",
        "let the gate judge again once the forge answers; offline, give the pull request's facts with `--facts FILE`";
    ReviewLaneMissing = "review.lane_missing", Fail, Reviewer, RedriveReviewLane,
        "a review lane that the quorum still wants has given no verdict",
        "let the lane review the head that is judged";
    ReviewLaneStale = "review.lane_stale", Fail, Reviewer, RedriveReviewLane,
        "a review lane that the quorum still wants has only reviewed another commit",
        "let the lane review the head that is judged";
    ReviewLaneUnparsable = "review.lane_unparsable", Fail, Reviewer, RedriveReviewLane,
        "what a review lane uploaded is no verdict of that lane, so it counts as none",
        "let the lane review again and upload one `patchwarden.review_verdict.v1` of its own";
    ReviewChangesRequested = "review.changes_requested", Fail, Agent, FixReviewFindings,
        "a review lane asks for changes",
        "do what the lane's findings ask for, and push";
    ReviewOutvoted = "review.outvoted", Fail, Agent, FixReviewFindings,
        "at least as many lanes ask for changes as approve",
        "do what the lanes' findings ask for, and push";
    ReviewTie = "review.tie", NeedsHuman, Operator, AskOperator,
        "as many lanes ask for changes as approve, and the policy leaves a tie to a person",
        "an operator reads both sides and approves the exact head, or the author does what the findings ask for";
    ReviewQuorumUnreachable = "review.quorum_unreachable", Fail, Operator, AskOperator,
        "every lane that counts has answered for this head, and the quorum is not met",
        "push a change that lets the lanes judge anew, or change lanes or need in the base branch's policy";
    ContractUnseen = "contract.unseen", Unmeasured, Operator, RerunWorkflow,
        "a part of the pull request or its issue that the contract is about could not be read",
        "let the gate judge again once the forge answers; offline, give the pull request's facts with `--facts FILE`";
    ContractSectionMissing = "contract.section_missing", Fail, Agent, AddSection,
        "a section that the contract requires is not there",
        "add the section with its exact heading";
    ContractSectionEmpty = "contract.section_empty", Fail, Agent, AddSection,
        "a section that the contract requires holds nothing beyond the template's placeholder",
        "write what the section asks for";
    ContractCheckboxOpen = "contract.checkbox_open", Fail, Agent, EditPullRequest,
        "a checkbox that the contract wants ticked is open, or the section has none",
        "do what the checkbox says, then tick it";
    ContractLabelMissing = "contract.label_missing", Fail, Agent, EditPullRequest,
        "a label that the contract requires is not set",
        "set the label";
    ContractLabelForbidden = "contract.label_forbidden", Fail, Agent, EditPullRequest,
        "a label is set that the contract forbids",
        "end what the label stands for, then take it off";
    ContractIssueMissing = "contract.issue_missing", Fail, Agent, EditPullRequest,
        "the pull request links to no issue",
        "write `Closes #N` with the issue's number into the pull request's text";
    ContractIssueClosed = "contract.issue_closed", Fail, Agent, EditPullRequest,
        "every issue the pull request links to is closed",
        "link to the open issue that the change is for, or open the issue again";
    ContractTitle = "contract.title", Fail, Agent, EditPullRequest,
        "the title does not fit the contract's pattern",
        "change the title so that it fits the pattern";
    ContractTooManyFiles = "contract.too_many_files", Fail, Agent, SplitChange,
        "the change touches more files than the contract allows",
        "split the change into several pull requests";
    ContractTooManyLines = "contract.too_many_lines", Fail, Agent, SplitChange,
        "the change adds and removes more lines than the contract allows",
        "split the change into several pull requests";
    ContractCompanionMissing = "contract.companion_missing", Fail, Agent, FixFindings,
        "a path changed whose change the contract couples to another, which did not change",
        "change the coupled path as well, and push";
    JudgeUnseen = "judge.unseen", Unmeasured, Operator, RerunWorkflow,
        "the comments or the item that a judge record is about could not be read",
        "let the gate judge again once the forge answers; offline, give the pull request's facts with `--facts FILE`";
    JudgeMissing = "judge.missing", Fail, Reviewer, RedriveReviewLane,
        "there is no judge record by an author the policy allows",
        "let the judge judge the item and write its record as a comment";
    JudgeMalformed = "judge.malformed", Fail, Reviewer, RedriveReviewLane,
        "the newest judge record is not one: markers, JSON or fields are not as `openclaw.judge.v0` has them",
        "let the judge write its record anew, one a comment, between its two markers";
    JudgeWrongTarget = "judge.wrong_target", Fail, Reviewer, RedriveReviewLane,
        "the newest judge record is about another item",
        "let the judge judge this item";
    JudgeStale = "judge.stale", Fail, Reviewer, RedriveReviewLane,
        "the item is no longer what the judge judged, or the record is older than the policy allows",
        "let the judge judge the item as it is now";
    JudgeUnbound = "judge.unbound", Fail, Reviewer, RedriveReviewLane,
        "the judge record binds nothing where it must: no head, or the digest of an empty input",
        "let the judge judge the item and write down the head and the hashes of what it read";
    JudgeOperatorNeeded = "judge.operator_needed", NeedsHuman, Operator, AskOperator,
        "the judge leaves the decision to an operator",
        "an operator reads the judge's reasons and approves the exact head";
    RuntimeEvidenceMissing = "runtime.evidence_missing", Fail, Producer, ProduceEvidence,
        "evidence that the repair class requires is not in the bundle, or cannot be read",
        "make the evidence with the runtime's own tools and put it into the bundle";
    RuntimeEvidenceStale = "runtime.evidence_stale", Fail, Producer, ProduceEvidence,
        "evidence that the repair class requires is stale, or does not say when it was made",
        "observe the runtime again and make the bundle anew";
    RuntimeEvidenceFailed = "runtime.evidence_failed", Fail, Producer, ProduceEvidence,
        "evidence that the repair class requires says that it failed or is not complete",
        "mend what the evidence names and make the bundle anew";
    RuntimeHashMismatch = "runtime.hash_mismatch", Fail, Producer, ProduceEvidence,
        "a hash or digest in the bundle is not that of what it names",
        "make the bundle anew with its own tool and change nothing in it";
    RuntimeClaimsAuthority = "runtime.claims_authority", Fail, Producer, ProduceEvidence,
        "evidence claims an approval or a permission to apply, which no evidence can give",
        "make the bundle anew with `production_apply_allowed` and `operator_approval` exactly `false`";
    RuntimeMutationImplied = "runtime.mutation_implied", Fail, Producer, ProduceEvidence,
        "evidence that should only look says that something was or will be changed",
        "make the evidence by a read-only rehearsal";
    RuntimeVerbNotAllowed = "runtime.verb_not_allowed", Fail, Producer, ProduceEvidence,
        "the plan has an action whose verb its repair class does not allow",
        "plan with the class's own verbs, or judge the plan under the class it belongs to";
    RuntimeClassMismatch = "runtime.class_mismatch", Fail, Producer, ProduceEvidence,
        "the bundle was made for another repair class than the one that is judged",
        "name the bundle's own class, or make a bundle for the class that is meant";
    RuntimeHardManual = "runtime.hard_manual", NeedsHuman, Operator, AskOperator,
        "the bundle touches what its repair class reserves to a person's hands",
        "an operator does it, or approves the exact head; nothing here carries it out";
    RuntimeOperatorRequired = "runtime.operator_required", NeedsHuman, Operator, AskOperator,
        "the repair class changes a runtime, so a person decides however green the evidence is",
        "an operator reads the plan and approves it explicitly; nothing here carries it out";
    CoverageDiffUnavailable = "coverage.diff_unavailable", Unmeasured, Operator, AskOperator,
        "the policy asks for coverage of the changed lines, and the change or the report does not show lines",
        "hand the change in as a diff, and let the coverage tool write a format that has lines";
    PolicyRequirementFailed = "policy.requirement_failed", Fail, Agent, FixFindings,
        "the expression the policy requires of the document is false",
        "change what the document measures until the expression holds, and push";
    PolicyExpressionError = "policy.expression_error", Unmeasured, Operator, AskOperator,
        "the expression the policy requires could not be evaluated on this document",
        "mend the expression or the document: a name it uses is not there, or is of another type";
    RunJobFailed = "run.job_failed", Fail, Agent, ProduceEvidence,
        "a job of the run failed or was cancelled, and no evidence shows why",
        "read the job's log, mend what failed, and push";
    RunJobSkipped = "run.job_skipped", Fail, Agent, ProduceEvidence,
        "a job of the run was skipped because a job it needs failed, and no evidence shows why",
        "mend the job it needs, and push";
    RunJobUnfinished = "run.job_unfinished", Unmeasured, Operator, AskOperator,
        "a job of the run had not ended when the gate judged, so the run may still turn red",
        "let the gate's job `needs` it, or list it in `[run] ignore_jobs`, then run the gate again";
    RunJobsUnknown = "run.jobs_unknown", Unmeasured, Agent, PushEmptyCommit,
        "the jobs of the run could not be listed, so nobody knows whether one failed",
        "have the gate judge again once the server answers";
    StatusFailed = "status.failed", Fail, Agent, ProduceEvidence,
        "another status of the head is not green, or the job behind it did not succeed",
        "read what the status links to, mend it, and push";
    StatusMissing = "status.missing", Fail, Agent, ProduceEvidence,
        "a status that the policy requires is not on the head",
        "let what posts the status run for this head before the gate, then push";
    StatusUnfinished = "status.unfinished", Unmeasured, Operator, RerunWorkflow,
        "another status of the head, or the job behind it, had not come to an end when the gate judged",
        "let the gate's job `needs` that job, or run the gate again once it has ended";
    StatusUnverified = "status.unverified", NeedsHuman, Operator, AskOperator,
        "a green status has no job of a run of this head behind it, so nothing shows who posted it",
        "an operator looks at the system that posted it and approves the exact head, then the gate is run again";
    StatusUnseen = "status.unseen", Unmeasured, Agent, PushEmptyCommit,
        "the statuses of the head, or the job behind one, could not be read",
        "have the gate judge again once the server answers";
    RunAwaitsApproval = "run.awaits_approval", Unmeasured, Operator, AskOperator,
        "a run of the head waits for a person to let it go, so nothing of it could be judged",
        "a maintainer lets the run go on its page, then the gate's job is run again";
    RunNeverStarted = "run.never_started", Unmeasured, Operator, AskOperator,
        "no run of the head began that should make the evidence, or no runner took a job of it",
        "see why it did not start (`[skip ci]`, a filter, no runner with the label), then push or run the gate's job again";
    RunCancelled = "run.cancelled", Unmeasured, Agent, PushEmptyCommit,
        "a run of the head was cancelled, so it says nothing about the head",
        "push, or have a person run it again; once it ended, the gate's job is run again";
    RunOutlivedWait = "run.outlived_wait", Unmeasured, Operator, AskOperator,
        "a run of the head had not ended when the gate's wait did",
        "once the run ended, the gate's job is run again; a longer `--wait` or a faster run keeps it from coming back";
    RunArtifactsHidden = "run.artifacts_hidden", Unmeasured, Operator, AskOperator,
        "this server shows a job no artifact of another run: before v16 only a public repository's web routes do",
        "upgrade the server to v16, or let the gate stand in the run until then: docs/hardening.md";
    ProtectedProducerChanged = "protected.producer_changed", NeedsHuman, Operator, AskOperator,
        "a job that makes evidence the policy needs is gone, renamed, or no longer runs or uploads as on the base",
        "an operator reads the change of the workflow and approves the exact head, then the gate is run again";
    ProtectedPathChanged = "protected.path_changed", NeedsHuman, Operator, AskOperator,
        "the change touches what guards the gate: policy, workflows, actions or protected paths",
        "an operator reads the change of these files and approves the exact head, then the gate is run again";
    ProtectedFilesUnknown = "protected.files_unknown", Unmeasured, Agent, PushEmptyCommit,
        "the list of changed files is not complete or not of this head",
        "have the gate judge again once the server answers";
    HeadMoved = "head.moved", Fail, Agent, None,
        "the pull request has another head by now, so this verdict is about a commit nobody will merge",
        "nothing to do here: the new head is judged by its own run";
    HeadBaseChanged = "head.base_changed", Fail, Agent, PushEmptyCommit,
        "the pull request is now meant for another base branch than the one it was judged for",
        "push, so that the gate judges against the base it has now";
    HeadPolicyMoved = "head.policy_moved", Unmeasured, Agent, PushEmptyCommit,
        "the base branch has another policy by now than the one that judged",
        "have the gate judge again by the new policy";
    HeadUnconfirmed = "head.unconfirmed", Unmeasured, Agent, PushEmptyCommit,
        "head and base could not be read again at the end",
        "have the gate judge again once the server answers";
    PolicyNone = "policy.none", NeedsHuman, Operator, AskOperator,
        "the repository has no policy, so the embedded one judged and a person must decide",
        "commit a policy: `patchwarden policy init` writes one, and the summary proposes one for what was seen";
    PolicyNoGates = "policy.no_gates", Unmeasured, Operator, AskOperator,
        "no gate judged anything",
        "give the policy at least one enforced gate with evidence to judge";
}
