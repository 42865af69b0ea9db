//! What is asked of one piece of evidence: where it is, what it is, how it must be bound and how old it may be.

use std::collections::BTreeSet;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{ArtifactName, EvidenceId, Span};

use super::attestation::signature::Key;
use super::exit_codes::ExitCodes;
use super::format::Format;
use super::state::Binding;

/// Whose report it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The judged head's.
    #[default]
    Head,
    /// The base's: gates compare with it, and none judges it.
    Baseline,
}

/// One declared piece of evidence. A policy's `[evidence.ID]` becomes one of these.
#[derive(Debug, Clone)]
pub struct Demand {
    pub id: EvidenceId,
    pub role: Role,
    pub artifact: ArtifactName,
    /// Where set, `artifact` is a glob, and the one artifact that fits it is meant.
    pub artifact_glob: Option<globset::GlobMatcher>,
    /// A path or glob inside the artifact; `None`: the manifest's entry of this id, else the only file.
    pub path: Option<PathPattern>,
    /// `None` is `auto`: decided by content.
    pub format: Option<Format>,
    pub require_binding: BTreeSet<Binding>,
    pub max_age: Option<Span>,
    /// Its absence is a skip and not a failure.
    pub optional: bool,
    /// Uncommitted changes before the command are accepted.
    pub allow_dirty: bool,
    /// The id of the job that makes it, where the policy names one.
    pub producer_job: Option<String>,
    /// The command that makes it, for repair instructions.
    pub command: Vec<String>,
    /// What the command's exit codes mean; `None`: what they mean for its tool.
    pub exit_codes: Option<ExitCodes>,
    /// The policy's keys, for signatures.
    pub keys: Arc<[Key]>,
    /// Whether a gate compares it with another report.
    pub compared: bool,
}

/// A path, or a glob over paths, inside an artifact.
#[derive(Debug, Clone)]
pub struct PathPattern {
    text: String,
    glob: Option<globset::GlobMatcher>,
}

impl PathPattern {
    /// Reads a pattern; `*`, `?`, `[` and `{` make it a glob in which `*` stays within one folder and `**` does not.
    ///
    /// # Errors
    /// A sentence about what is wrong with it.
    pub fn new(text: &str) -> Result<Self, String> {
        if text.contains(['*', '?', '[', '{']) {
            let glob = globset::GlobBuilder::new(text)
                .literal_separator(true)
                .build()
                .map_err(|error| format!("`{text}` is not a path pattern: {error}"))?;
            return Ok(Self { text: text.to_owned(), glob: Some(glob.compile_matcher()) });
        }
        let path: crate::model::RelPath = text.parse().map_err(|error| format!("{error}"))?;
        Ok(Self { text: path.into(), glob: None })
    }

    /// Whether a path fits.
    pub fn fits(&self, path: &str) -> bool {
        match &self.glob {
            Some(glob) => glob.is_match(path),
            None => self.text == path,
        }
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}
