//! `patchwarden.review_verdict.v1`: what a review lane uploads. Only read here; what it is worth is the quorum's business.

use std::io::{BufRead, Read};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::content::{Content, EmbeddedCommit, ParseError, Parsed, ToolName};
use super::document::from_slice;
use super::limits::Limits;
use super::shape::Shape;
use super::source::Bounded;
use crate::model::{CommitSha, Timestamp, sanitize};

/// The contract's name.
pub const SCHEMA: &str = "patchwarden.review_verdict.v1";

/// One lane's answer about one commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReviewVerdict {
    /// Always `patchwarden.review_verdict.v1`.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: String,
    /// The lane's name in the policy.
    pub lane: String,
    pub reviewer: Reviewer,
    /// The full id of the commit that was reviewed.
    pub target_sha: CommitSha,
    pub verdict: Vote,
    #[serde(default)]
    pub findings: Vec<ReviewFinding>,
    pub reviewed_at: Timestamp,
}

/// Who reviewed, as the lane says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reviewer {
    /// A login or a model's name.
    pub name: String,
    pub class: ReviewerClass,
    /// The model's family.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
}

/// A person or a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReviewerClass {
    Human,
    Ai,
}

impl ReviewerClass {
    /// The word used in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Ai => "ai",
        }
    }
}

/// An answer; the worst first, so that the least of several is the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Vote {
    ChangesRequested,
    Abstain,
    Approve,
}

/// One thing the lane found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReviewFinding {
    pub id: String,
    /// `critical`, `high`, `medium`, `low` or `info`; any other word is taken for `critical`.
    pub severity: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Untrusted text.
    pub title: String,
}

/// How grave a review's finding is; the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Critical,
    High,
    Medium,
    Low,
    Info,
}

impl Severity {
    /// The word used in policies.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Info => "info",
        }
    }
}

impl ReviewFinding {
    /// The severity; analysers' words are understood, and a word nobody knows is the gravest, so that no spelling
    /// makes a finding smaller.
    pub fn severity(&self) -> Severity {
        match self.severity.to_ascii_lowercase().as_str() {
            "high" | "error" | "major" => Severity::High,
            "medium" | "moderate" | "warning" => Severity::Medium,
            "low" | "minor" | "note" => Severity::Low,
            "info" | "nit" => Severity::Info,
            _ => Severity::Critical,
        }
    }
}

/// Reads one verdict.
///
/// # Errors
/// [`ParseError`]: no JSON of this contract, or more than `document_bytes` bytes.
pub fn parse(reader: &mut dyn BufRead, limits: &Limits) -> Result<Parsed, ParseError> {
    let mut text = Vec::new();
    Bounded::new(reader, limits.document_bytes).read_to_end(&mut text)?;
    let verdict: ReviewVerdict = from_slice(&text)?;
    if verdict.schema != SCHEMA {
        let shown = sanitize(&verdict.schema, 80);
        return Err(ParseError::Malformed(format!("its `schema` is `{shown}`, not `{SCHEMA}`")));
    }
    let tool = ToolName { name: sanitize(&verdict.reviewer.name, 60), version: None };
    let commit = EmbeddedCommit { id: verdict.target_sha.to_string(), repository: None };
    let mut parsed = Parsed::new(Content::Reviews(vec![verdict]));
    parsed.tool = Some(tool);
    parsed.commits = vec![commit];
    Ok(parsed)
}

/// Whether content of this shape names the contract.
pub fn fits(shape: &Shape) -> bool {
    matches!(shape, Shape::JsonObject { texts, .. } if texts.get("schema").is_some_and(|name| name == SCHEMA))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Parsed, ParseError> {
        parse(&mut text.as_bytes(), &Limits::default())
    }

    fn verdict(target: &str, vote: &str) -> String {
        format!(
            r#"{{"schema":"{SCHEMA}","lane":"codex","reviewer":{{"name":"codex","class":"ai","family":"openai"}},
            "target_sha":"{target}","verdict":"{vote}","findings":[],"reviewed_at":"2026-11-21T10:00:00Z"}}"#
        )
    }

    #[test]
    fn a_verdict_names_a_full_head_and_a_known_vote() {
        let full = "a1".repeat(20);
        let parsed = read(&verdict(&full, "approve")).unwrap();
        assert_eq!(parsed.commits.first().unwrap().id, full);
        for text in [
            verdict("a1a1a1a", "approve"),
            verdict(&full, "lgtm"),
            verdict(&full, "approve").replace("verdict.v1", "verdict.v2"),
            "{}".to_owned(),
        ] {
            assert!(matches!(read(&text), Err(ParseError::Malformed(_))), "{text}");
        }
    }

    #[test]
    fn no_spelling_makes_a_finding_smaller() {
        let finding = |severity: &str| ReviewFinding {
            id: "1".to_owned(),
            severity: severity.to_owned(),
            path: None,
            line: None,
            title: String::new(),
        };
        assert_eq!(finding("harmless").severity(), Severity::Critical);
        assert_eq!(finding("Warning").severity(), Severity::Medium);
        assert!(Severity::Critical < Severity::Info && Vote::ChangesRequested < Vote::Approve);
    }
}
