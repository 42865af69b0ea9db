//! The findings of an audit as text, as JSON, and as SARIF 2.1.0, which the gap ledger imports.

use std::fmt::Write as _;

use serde::Serialize;

use crate::model::{Digest, RepoSlug, count};
use crate::output;

use super::findings::{Finding, RULES};

/// For people: one line a finding.
pub fn text(repo: &RepoSlug, merged: usize, findings: &[Finding]) -> String {
    let mut out = String::new();
    let looked = count(merged as u64, "merged pull request");
    let found = count(findings.len() as u64, "finding");
    let _ = writeln!(out, "{repo}: {looked}, {found}");
    for one in findings {
        let _ = writeln!(out, "#{} {}: {} ({})", one.pull_request, one.head.short(), one.message, one.rule);
    }
    out
}

#[derive(Serialize)]
struct Document<'a> {
    repo: &'a RepoSlug,
    merged: usize,
    findings: &'a [Finding],
}

/// The same for programs.
pub fn json(repo: &RepoSlug, merged: usize, findings: &[Finding]) -> String {
    output::json(&Document { repo, merged, findings })
}

#[derive(Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [RunOf<'a>; 1],
}

#[derive(Serialize)]
struct RunOf<'a> {
    tool: Tool,
    results: Vec<ResultOf<'a>>,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
struct Driver {
    name: &'static str,
    version: &'static str,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
struct Rule {
    id: &'static str,
    #[serde(rename = "shortDescription")]
    short_description: Text<'static>,
}

#[derive(Serialize)]
struct Text<'a> {
    text: std::borrow::Cow<'a, str>,
}

#[derive(Serialize)]
struct ResultOf<'a> {
    #[serde(rename = "ruleId")]
    rule_id: &'a str,
    level: &'static str,
    message: Text<'a>,
    #[serde(rename = "partialFingerprints")]
    fingerprints: Fingerprints,
}

#[derive(Serialize)]
struct Fingerprints {
    #[serde(rename = "patchwarden/v1")]
    patchwarden: String,
}

/// As SARIF: one result a finding, its fingerprint the rule, the pull request, the head and the subject.
pub fn sarif(findings: &[Finding]) -> String {
    let rules = RULES
        .iter()
        .map(|(id, meaning)| Rule { id, short_description: Text { text: (*meaning).into() } })
        .collect();
    let results = findings
        .iter()
        .map(|one| ResultOf {
            rule_id: one.rule,
            level: if one.rule == "audit.unread" { "warning" } else { "error" },
            message: Text { text: format!("pull request {}: {}", one.pull_request, one.message).into() },
            fingerprints: Fingerprints {
                patchwarden: Digest::of_parts(&[
                    one.rule,
                    &one.pull_request.to_string(),
                    one.head.as_str(),
                    &one.subject,
                ])
                .to_string(),
            },
        })
        .collect();
    output::json(&Log {
        schema: "https://json.schemastore.org/sarif-2.1.0.json",
        version: "2.1.0",
        runs: [RunOf {
            tool: Tool {
                driver: Driver { name: "patchwarden-audit", version: env!("CARGO_PKG_VERSION"), rules },
            },
            results,
        }],
    })
}
