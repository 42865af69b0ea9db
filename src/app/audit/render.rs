//! The findings of an audit as text, as JSON, and as SARIF 2.1.0, which the gap ledger imports.

use std::fmt::Write as _;

use serde::Serialize;

use crate::audit::{Audit, Rule as AuditRule};
use crate::model::count;
use crate::output;

/// For people: one line a finding.
pub fn text(audit: &Audit) -> String {
    let mut out = String::new();
    let looked = count(audit.merged, "merged pull request");
    let found = count(audit.findings.len() as u64, "finding");
    let _ = writeln!(out, "{}: {looked}, {found}", audit.repo);
    for one in &audit.findings {
        let (number, head, rule) = (one.pull_request, one.head.short(), one.rule.as_str());
        let _ = writeln!(out, "#{number} {head}: {} ({rule})", one.message);
    }
    out
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
    locations: [Location; 1],
    #[serde(rename = "partialFingerprints")]
    fingerprints: Fingerprints,
}

/// The pull request: a finding is about no file.
#[derive(Serialize)]
struct Location {
    #[serde(rename = "logicalLocations")]
    logical_locations: [Logical; 1],
}

#[derive(Serialize)]
struct Logical {
    #[serde(rename = "fullyQualifiedName")]
    fully_qualified_name: String,
    kind: &'static str,
}

#[derive(Serialize)]
struct Fingerprints {
    #[serde(rename = "patchwarden/v1")]
    patchwarden: String,
}

/// As SARIF: one result a finding, located at its pull request.
pub fn sarif(audit: &Audit) -> String {
    let rules = AuditRule::ALL
        .iter()
        .map(|rule| Rule { id: rule.as_str(), short_description: Text { text: rule.meaning().into() } })
        .collect();
    let results = audit
        .findings
        .iter()
        .map(|one| ResultOf {
            rule_id: one.rule.as_str(),
            level: if one.rule == AuditRule::Unread { "warning" } else { "error" },
            message: Text { text: format!("pull request {}: {}", one.pull_request, one.message).into() },
            locations: [Location {
                logical_locations: [Logical {
                    fully_qualified_name: one.place(&audit.repo),
                    kind: "pull request",
                }],
            }],
            fingerprints: Fingerprints { patchwarden: one.fingerprint.to_string() },
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
