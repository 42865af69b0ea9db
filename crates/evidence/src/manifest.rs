//! `patchwarden.evidence_manifest.v1`: the sidecar that ties reports to a head, a command and its exit code.
//! Written by `patchwarden record`, believed only as far as DESIGN section 4 says.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{CommitSha, Digest, EvidenceId, PullNumber, RelPath, RepoSlug, RunId, Timestamp};

use super::content::ParseError;
use super::document::from_slice;

/// The manifest's name at the root of an artifact.
pub const FILE_NAME: &str = "patchwarden-manifest.json";

/// The contract's name.
pub const SCHEMA: &str = "patchwarden.evidence_manifest.v1";

/// What was run for which commit, and what it left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Manifest {
    /// Always `patchwarden.evidence_manifest.v1`.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: String,
    /// The commit the commands ran on.
    pub target_sha: CommitSha,
    /// The tip of the base branch, where it was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_sha: Option<CommitSha>,
    /// The tree of `target_sha`, where git could tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tree_sha: Option<CommitSha>,
    /// Whether tracked files had uncommitted changes before any of the commands; absent where git could not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dirty: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repo: Option<RepoSlug>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_request: Option<PullNumber>,
    /// The job that ran the commands; absent outside a workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub producer: Option<Producer>,
    /// One entry per report.
    pub evidence: Vec<ManifestEntry>,
}

/// The job of a run that made the evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Producer {
    /// The workflow's file name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<String>,
    /// The job's id in the workflow file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
    /// The job's own attempt, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_attempt: Option<u64>,
}

/// What the command did to a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReportState {
    /// The command wrote it.
    Written,
    /// It was there before, and the command left it as it was: a stale file of an earlier run.
    Unchanged,
    /// It is not there after the command.
    NotWritten,
}

/// One report and the command that made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ManifestEntry {
    /// The evidence id of the policy.
    pub id: EvidenceId,
    /// The evidence format, as policies name it.
    pub format: String,
    /// Relative to the manifest.
    pub path: RelPath,
    pub report: ReportState,
    /// Absent unless `report` is `written`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
    /// Absent unless `report` is `written`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_version: Option<String>,
    /// The argument vector that was run.
    pub command: Vec<String>,
    /// The command's exit code; 128 + n after signal n, 124 after a timeout, 127 when it was not found.
    pub exit_code: i32,
    /// The signal that ended the command, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// Whether the command was ended for taking longer than `--timeout`.
    #[serde(default)]
    pub timed_out: bool,
    pub started_at: Timestamp,
    pub finished_at: Timestamp,
    /// Files the command looked at, by path as given, with their hashes before it ran.
    #[serde(default)]
    pub inputs: BTreeMap<String, Digest>,
}

impl Manifest {
    /// Reads a manifest from bytes that are already bounded.
    ///
    /// # Errors
    /// [`ParseError::Malformed`]: no JSON of this contract, or two entries of one id or path.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let manifest: Self = from_slice(bytes)?;
        if manifest.schema != SCHEMA {
            return Err(ParseError::Malformed(format!(
                "its `schema` is `{}`, not `{SCHEMA}`",
                crate::model::sanitize(&manifest.schema, 80)
            )));
        }
        let (mut ids, mut paths) = (BTreeSet::new(), BTreeSet::new());
        for entry in &manifest.evidence {
            if !ids.insert(&entry.id) {
                return Err(ParseError::Malformed(format!("it lists the id `{}` twice", entry.id)));
            }
            if !paths.insert(&entry.path) {
                return Err(ParseError::Malformed(format!(
                    "it lists the path `{}` twice",
                    crate::model::sanitize(entry.path.as_str(), 120)
                )));
            }
        }
        Ok(manifest)
    }

    /// The entry whose path is this one.
    pub fn by_path(&self, path: &RelPath) -> Option<&ManifestEntry> {
        self.evidence.iter().find(|entry| &entry.path == path)
    }

    /// The entry of this id.
    pub fn by_id(&self, id: &EvidenceId) -> Option<&ManifestEntry> {
        self.evidence.iter().find(|entry| &entry.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(entries: &str) -> String {
        format!(r#"{{"schema":"{SCHEMA}","target_sha":"{}","evidence":[{entries}]}}"#, "a1".repeat(20))
    }

    fn entry(id: &str, path: &str) -> String {
        format!(
            r#"{{"id":"{id}","format":"junit","path":"{path}","report":"written","command":["true"],"exit_code":0,
            "started_at":"2026-01-01T00:00:00Z","finished_at":"2026-01-01T00:00:01Z"}}"#
        )
    }

    #[test]
    fn ids_and_paths_are_unique() {
        let ok = manifest(&[entry("a", "a.xml"), entry("b", "b.xml")].join(","));
        assert_eq!(Manifest::parse(ok.as_bytes()).unwrap().evidence.len(), 2);
        for (twice, words) in [
            (manifest(&[entry("a", "a.xml"), entry("a", "b.xml")].join(",")), "the id `a` twice"),
            (manifest(&[entry("a", "a.xml"), entry("b", "./a.xml")].join(",")), "the path `a.xml` twice"),
        ] {
            let error = Manifest::parse(twice.as_bytes()).unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
        }
    }

    #[test]
    fn a_path_that_climbs_or_a_short_head_is_malformed() {
        let climbing = manifest(&entry("a", "../a.xml"));
        let short = manifest("").replace(&"a1".repeat(20), "a1a1a1a");
        for text in [climbing, short, "{}".to_owned(), "[]".to_owned()] {
            assert!(matches!(Manifest::parse(text.as_bytes()), Err(ParseError::Malformed(_))), "{text}");
        }
    }

    #[test]
    fn another_contract_is_refused() {
        let other = manifest("").replace("manifest.v1", "manifest.v2");
        assert!(Manifest::parse(other.as_bytes()).unwrap_err().to_string().contains("manifest.v2"));
    }
}
