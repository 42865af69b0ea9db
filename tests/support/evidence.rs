//! Evidence folders as jobs leave them: artifacts as folders or zips, with the manifest that `record` would write.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use zip::write::{SimpleFileOptions, ZipWriter};

use super::HEAD;

/// When recorded commands began and ended, an hour before `NOW`.
pub const STARTED: &str = "2026-09-01T10:59:00Z";
/// See [`STARTED`].
pub const FINISHED: &str = "2026-09-01T11:00:00Z";

/// `sha256:` and the digest of these bytes.
pub fn sha256(bytes: &[u8]) -> String {
    let mut text = "sha256:".to_owned();
    for byte in Sha256::digest(bytes) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Writes a file, its folders first.
pub fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// One artifact: its files by path.
#[derive(Debug, Clone, Default)]
pub struct Artifact {
    pub files: BTreeMap<String, Vec<u8>>,
}

/// What a recorded command looked at, for manifests that name an input.
pub const INPUT: &[u8] = b"what the command looked at\n";

impl Artifact {
    /// An artifact of one file.
    pub fn of(path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self { files: BTreeMap::from([(path.to_owned(), bytes.into())]) }
    }

    /// The same with a manifest over these reports, as `record` writes it for `HEAD`.
    pub fn recorded(mut self, entries: &[Recorded<'_>]) -> Self {
        let entries: Vec<Value> = entries.iter().map(|entry| self.entry(entry)).collect();
        let manifest = json!({
            "schema": "patchwarden.evidence_manifest.v1",
            "target_sha": HEAD,
            "dirty": false,
            "evidence": entries,
        });
        let text = serde_json::to_vec_pretty(&manifest).unwrap();
        self.files.insert("patchwarden-manifest.json".to_owned(), text);
        self
    }

    fn entry(&self, recorded: &Recorded<'_>) -> Value {
        let mut entry = json!({
            "id": recorded.id,
            "format": recorded.format,
            "path": recorded.path,
            "report": "not_written",
            "command": [recorded.tool],
            "tool": recorded.tool,
            "exit_code": recorded.exit_code,
            "started_at": STARTED,
            "finished_at": FINISHED,
            "inputs": if recorded.with_input { json!({ "src": sha256(INPUT) }) } else { json!({}) },
        });
        if let Some(bytes) = self.files.get(recorded.path) {
            entry["report"] = json!("written");
            entry["sha256"] = json!(sha256(bytes));
            entry["bytes"] = json!(bytes.len());
        }
        entry
    }

    /// Writes it as the folder `parent/name`.
    pub fn write_folder(&self, parent: &Path, name: &str) -> PathBuf {
        let root = parent.join(name);
        std::fs::create_dir_all(&root).unwrap();
        for (path, bytes) in &self.files {
            write(&root.join(path), bytes);
        }
        root
    }

    /// Writes it as `parent/name.zip`, its files in the order of their names or the reverse.
    pub fn write_zip(&self, parent: &Path, name: &str, reverse: bool) -> PathBuf {
        let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let mut files: Vec<_> = self.files.iter().collect();
        if reverse {
            files.reverse();
        }
        for (path, bytes) in files {
            writer.start_file(path.as_str(), SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        let path = parent.join(format!("{name}.zip"));
        write(&path, writer.finish().unwrap().get_ref());
        path
    }
}

/// One report as `record` lists it; written where the artifact holds its file.
#[derive(Debug, Clone, Copy)]
pub struct Recorded<'a> {
    pub id: &'a str,
    pub format: &'a str,
    pub path: &'a str,
    pub tool: &'a str,
    pub exit_code: i32,
    /// Whether the manifest names an input with its hash.
    pub with_input: bool,
}
