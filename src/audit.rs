//! `patchwarden.audit.v1`: what an audit of merged pull requests found to have got through, each with its evidence.
//! The document and its rules alone; what is asked and how it is judged is `app::audit`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{CommitSha, Digest, PullNumber, RepoSlug, Timestamp};

/// The contract's name.
pub const SCHEMA: &str = "patchwarden.audit.v1";

/// One audit of one repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Audit {
    /// Always `patchwarden.audit.v1`.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: String,
    pub repo: RepoSlug,
    /// Pull requests merged from then on were looked at.
    pub since: Timestamp,
    /// And until then.
    pub until: Timestamp,
    /// How many there were.
    pub merged: u64,
    /// By pull request, in the order in which they were found.
    pub findings: Vec<Finding>,
}

/// Something that got through, or could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    pub rule: Rule,
    pub pull_request: PullNumber,
    /// The head that was merged.
    pub head: CommitSha,
    pub merged_at: Option<Timestamp>,
    /// What it is about: a context, a path. Sanitized.
    pub subject: String,
    /// One sentence with the evidence in it. Sanitized.
    pub message: String,
    /// The same for the same rule, pull request, head and subject, however often it is found.
    pub fingerprint: Digest,
}

impl Finding {
    /// The pull request in words: `owner/name#4`.
    pub fn place(&self, repo: &RepoSlug) -> String {
        format!("{repo}#{}", self.pull_request)
    }
}

/// What can be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Rule {
    #[serde(rename = "audit.status_forged")]
    StatusForged,
    #[serde(rename = "audit.never_judged")]
    NeverJudged,
    #[serde(rename = "audit.job_approval")]
    JobApproval,
    #[serde(rename = "audit.verdict_missing")]
    VerdictMissing,
    #[serde(rename = "audit.verdict_superseded")]
    VerdictSuperseded,
    #[serde(rename = "audit.policy_unreviewed")]
    PolicyUnreviewed,
    #[serde(rename = "audit.unread")]
    Unread,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 7] = [
        Self::StatusForged,
        Self::NeverJudged,
        Self::JobApproval,
        Self::VerdictMissing,
        Self::VerdictSuperseded,
        Self::PolicyUnreviewed,
        Self::Unread,
    ];

    /// Its name in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StatusForged => "audit.status_forged",
            Self::NeverJudged => "audit.never_judged",
            Self::JobApproval => "audit.job_approval",
            Self::VerdictMissing => "audit.verdict_missing",
            Self::VerdictSuperseded => "audit.verdict_superseded",
            Self::PolicyUnreviewed => "audit.policy_unreviewed",
            Self::Unread => "audit.unread",
        }
    }

    /// What it means, in one clause.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::StatusForged => {
                "a success of a required context has no job of a run of this head behind it that succeeded at that time"
            }
            Self::NeverJudged => {
                "a head was merged on which no job ever reported a required context as success"
            }
            Self::JobApproval => "branch protection counted an approval by the identity that all jobs share",
            Self::VerdictMissing => "a head was merged without a gate's result that says pass",
            Self::VerdictSuperseded => {
                "the gate's result was superseded when its head was merged: a later run or attempt had begun"
            }
            Self::PolicyUnreviewed => {
                "a change of the policy was merged without a person's approval of its head"
            }
            Self::Unread => "something could not be read, so nothing shows whether it was in order",
        }
    }

    /// What a person does about it.
    pub fn next_action(self) -> &'static str {
        match self {
            Self::StatusForged => "find out who posted the status, and judge what was merged",
            Self::NeverJudged | Self::VerdictMissing | Self::VerdictSuperseded => {
                "judge what was merged, or revert it"
            }
            Self::JobApproval => "let a person review what was merged, and take the jobs off the whitelist",
            Self::PolicyUnreviewed => "let a person read the policy as it stands now",
            Self::Unread => "run the audit again, with a token that may read it",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_written_as_it_is_named() {
        for rule in Rule::ALL {
            assert_eq!(serde_json::to_string(&rule).unwrap(), format!("\"{}\"", rule.as_str()));
        }
    }
}
