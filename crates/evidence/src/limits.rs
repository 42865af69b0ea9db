//! Every bound on what is read from outside, in one place. Exceeding one is `evidence.too_large`.
//! `docs/reference/limits.md` is made from this.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The bounds in force. Sizes are bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Limits {
    /// Files in one artifact.
    pub archive_entries: u64,
    /// Unpacked size of one artifact.
    pub archive_bytes: u64,
    /// Unpacked size of one file.
    pub file_bytes: u64,
    /// Unpacked size over packed size, judged once a file is past 16 MiB unpacked.
    pub archive_ratio: u64,
    /// Folders a file in an artifact may lie deep.
    pub path_depth: u64,
    /// Nesting of XML elements.
    pub xml_depth: u64,
    /// Nesting of JSON values.
    pub json_depth: u64,
    /// Size of a document that is kept whole in memory (manifests, `json` evidence).
    pub document_bytes: u64,
    /// Findings or tests of one report that are kept with their texts; all are counted.
    pub kept_details: u64,
    /// Findings or tests of one report whose fingerprints are kept for comparing with an earlier report.
    pub kept_keys: u64,
    /// Tests of one report whose names are kept, so that a later comparison can tell which is gone.
    pub kept_names: u64,
    /// Lines of one coverage report, and branches apart.
    pub coverage_lines: u64,
    /// Characters kept of one text from a report.
    pub kept_text: u64,
    /// Whether the names of tests are kept at all. No bound and in no document: nobody compares most reports with another,
    /// and to keep what that needs is a third of the work of reading one.
    #[serde(skip, default = "kept")]
    pub rolls: bool,
}

fn kept() -> bool {
    true
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: u64 = 1024 * 1024;
        Self {
            archive_entries: 20_000,
            archive_bytes: 4096 * MIB,
            file_bytes: 1024 * MIB,
            archive_ratio: 1_000,
            path_depth: 32,
            xml_depth: 512,
            json_depth: 128,
            document_bytes: 16 * MIB,
            // So many that a new finding is still shown where a large project has many old ones: 5,000 of them are 6 MiB.
            kept_details: 5_000,
            kept_keys: 1_000_000,
            kept_names: 20_000,
            coverage_lines: 5_000_000,
            kept_text: 400,
            rolls: kept(),
        }
    }
}

impl Limits {
    /// How many details to keep, as a length.
    pub fn details(&self) -> usize {
        usize::try_from(self.kept_details).unwrap_or(usize::MAX)
    }

    /// How many characters of a text to keep, as a length.
    pub fn text(&self) -> usize {
        usize::try_from(self.kept_text).unwrap_or(usize::MAX)
    }
}
