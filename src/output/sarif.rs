//! The blockers as SARIF 2.1.0, such that the OASIS schema, GitHub and Microsoft's validator all take it: every result
//! has a location (the policy file where there is no better one), every rule a help text, every finding a fingerprint.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;

use crate::model::{Code, Outcome};
use crate::policy::DEFAULT_PATH;
use crate::report::{BlockerReport, GateReport, GateSection};

/// Results that GitHub takes of one run (25,000, of which it shows 5,000); the first are the gravest.
const SHOWN: usize = 5_000;
/// Where the codes are documented; addresses must be absolute, so without a home there are none.
const HOME: &str = env!("CARGO_PKG_REPOSITORY");
/// The root that paths are relative to: the repository's.
const ROOT: &str = "REPOROOT";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    tool: Tool,
    #[serde(skip_serializing_if = "Option::is_none")]
    automation_details: Option<AutomationDetails>,
    invocations: [Invocation; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    version_control_provenance: Vec<Provenance>,
    original_uri_base_ids: BTreeMap<&'static str, BaseId>,
    column_kind: &'static str,
    results: Vec<ResultRow>,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: String,
    semantic_version: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    information_uri: &'static str,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: &'static str,
    name: String,
    short_description: Text,
    full_description: Text,
    help: Help,
    #[serde(skip_serializing_if = "String::is_empty")]
    help_uri: String,
    default_configuration: Configuration,
    properties: RuleProperties,
}

#[derive(Serialize)]
struct Text {
    text: String,
}

#[derive(Serialize)]
struct Help {
    text: String,
    markdown: String,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Serialize)]
struct RuleProperties {
    tags: [&'static str; 1],
}

#[derive(Serialize)]
struct AutomationDetails {
    id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    execution_successful: bool,
    end_time_utc: String,
    exit_code: u8,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Provenance {
    repository_uri: String,
    revision_id: String,
    mapped_to: MappedTo,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MappedTo {
    uri_base_id: &'static str,
}

#[derive(Serialize)]
struct BaseId {
    description: Text,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultRow {
    rule_id: &'static str,
    rule_index: usize,
    level: &'static str,
    message: Text,
    locations: [Location; 1],
    partial_fingerprints: Fingerprints,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: PhysicalLocation,
    logical_locations: [LogicalLocation; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    region: Region,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactLocation {
    uri: String,
    uri_base_id: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogicalLocation {
    fully_qualified_name: String,
    kind: &'static str,
}

#[derive(Serialize)]
struct Fingerprints {
    /// Of gate, code and subject, without the head: the same blocker on the next head is the same alert.
    #[serde(rename = "patchwardenBlocker/v1")]
    blocker: String,
}

/// The report as SARIF.
pub fn render(report: &GateReport) -> String {
    let mut rows: Vec<(&GateSection, &BlockerReport)> =
        report.gates.iter().flat_map(|gate| gate.blockers.iter().map(move |one| (gate, one))).collect();
    rows.sort_by_key(|(gate, one)| (!gate.enforced, one.code.info().outcome));
    rows.truncate(SHOWN);
    let used: BTreeSet<Code> = rows.iter().map(|(_, one)| one.code).collect();
    let codes: Vec<Code> = used.into_iter().collect();
    let results = rows.into_iter().map(|(gate, one)| result(report, gate, one, &codes)).collect();
    let commit = report.target.target_sha.as_ref();
    let repository = report
        .target
        .server_url
        .as_ref()
        .zip(report.target.repo.as_ref())
        .map(|(server, repo)| format!("{}/{repo}", server.trim_end_matches('/')));
    let provenance = repository.zip(commit).map(|(repository_uri, sha)| Provenance {
        repository_uri,
        revision_id: sha.to_string(),
        mapped_to: MappedTo { uri_base_id: ROOT },
    });
    super::json(&Log {
        schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        version: "2.1.0",
        runs: [Run {
            tool: Tool {
                driver: Driver {
                    name: "Patchwarden".to_owned(),
                    semantic_version: report.tool.version.clone(),
                    information_uri: HOME,
                    rules: codes.iter().map(|code| rule(*code)).collect(),
                },
            },
            automation_details: commit.map(|sha| AutomationDetails { id: format!("patchwarden/gate/{sha}") }),
            invocations: [Invocation {
                // The gate itself worked wherever it came to a verdict, whatever that is.
                execution_successful: report.verdict.is_some(),
                end_time_utc: report.evaluated_at.to_string(),
                exit_code: exit_code(report),
            }],
            version_control_provenance: provenance.into_iter().collect(),
            original_uri_base_ids: BTreeMap::from([(
                ROOT,
                BaseId { description: Text { text: "The root of the repository.".to_owned() } },
            )]),
            column_kind: "unicodeCodePoints",
            results,
        }],
    })
}

fn exit_code(report: &GateReport) -> u8 {
    match (report.verdict, &report.error) {
        (Some(verdict), _) => crate::verdict::exit_code(verdict),
        (None, error) => error.as_ref().map_or(1, |error| error.exit_code),
    }
}

fn rule(code: Code) -> Rule {
    let info = code.info();
    let sentence = |text: &str| format!("{}.", capitalised(text));
    Rule {
        id: info.name,
        name: info.name.split(['.', '_']).map(capitalised).collect(),
        short_description: Text { text: sentence(info.meaning) },
        full_description: Text { text: format!("{} Ends when: {}.", sentence(info.meaning), info.remedy) },
        help: Help { text: sentence(info.remedy), markdown: sentence(info.remedy) },
        help_uri: if HOME.is_empty() {
            String::new()
        } else {
            format!("{HOME}/src/branch/main/docs/reference/codes.md#{}", info.name.replace('.', ""))
        },
        default_configuration: Configuration { level: level(code, true) },
        properties: RuleProperties { tags: ["merge-evidence"] },
    }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

fn level(code: Code, enforced: bool) -> &'static str {
    match code.info().outcome {
        _ if !enforced => "note",
        Outcome::NeedsHuman | Outcome::Unmeasured => "warning",
        _ => "error",
    }
}

fn result(report: &GateReport, gate: &GateSection, one: &BlockerReport, codes: &[Code]) -> ResultRow {
    let path = one.paths.iter().find_map(|path| uri(path));
    let policy = report.policy.as_ref().and_then(|policy| policy.path.as_deref());
    let uri = path.or_else(|| policy.and_then(uri)).unwrap_or_else(|| DEFAULT_PATH.to_owned());
    let identity = [gate.id.as_str(), one.code.as_str(), &one.subject];
    ResultRow {
        rule_id: one.code.as_str(),
        rule_index: codes.iter().position(|code| *code == one.code).unwrap_or(0),
        level: level(one.code, gate.enforced),
        // Foreign words stay in the report: a message here is shown beside the code.
        message: Text { text: format!("Gate '{}': {}.", gate.id, one.reason.replace('`', "'")) },
        locations: [Location {
            physical_location: PhysicalLocation {
                artifact_location: ArtifactLocation { uri, uri_base_id: ROOT },
                region: Region { start_line: 1 },
            },
            logical_locations: [LogicalLocation {
                fully_qualified_name: format!("{}::{}", gate.id, one.code.as_str()),
                kind: "module",
            }],
        }],
        partial_fingerprints: Fingerprints {
            blocker: crate::model::Digest::of_parts(&identity).hex().to_owned(),
        },
    }
}

/// A path of the repository as a relative reference; `None` for what is no such path.
fn uri(path: &str) -> Option<String> {
    let path: crate::model::RelPath = path.parse().ok()?;
    let mut out = String::new();
    for byte in path.as_str().bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    Some(out)
}
