//! A policy for what was seen: what the embedded policy judges by, what the summary proposes, what `policy init` writes.
//! It is text first, so that what is judged and what is proposed cannot differ.

use std::fmt::Write as _;

use crate::evidence::read::Recognised;
use crate::evidence::{Format, format::Kind};
use crate::model::{ArtifactName, RelPath, is_hidden};

/// One recognised report in an artifact.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    pub artifact: ArtifactName,
    pub path: RelPath,
    pub format: Format,
    /// The id its manifest lists it under, where it has one.
    pub recorded_as: Option<String>,
}

impl Seen {
    /// A report that was recognised in the artifact.
    pub fn in_artifact(artifact: ArtifactName, report: Recognised) -> Self {
        let Recognised { path, format, recorded_as } = report;
        Self { artifact, path, format, recorded_as }
    }
}

/// The policy for these reports, as TOML: one piece of evidence and one gate each, every limit at its default.
pub fn propose(seen: &[Seen]) -> String {
    let mut seen = seen.to_vec();
    seen.sort();
    seen.dedup();
    let mut text = String::from(
        "version = 1\n\n[people]\noperators = []  # logins whose approval clears `needs_human`\n",
    );
    let mut taken = std::collections::BTreeSet::new();
    for report in &seen {
        let Some(kind) = gate_kind(report.format) else { continue };
        let id = free_id(report, &mut taken);
        let _ = write!(
            text,
            "\n[evidence.{}]\nartifact = {}\npath = {}\nformat = \"{}\"\n",
            id,
            toml_text(report.artifact.as_str()),
            toml_text(&escape_glob(report.path.as_str())),
            report.format.as_str()
        );
        if report.recorded_as.is_some() {
            text.push_str("require_binding = [\"manifest\"]\n");
        }
        let _ = write!(
            text,
            "\n[[gate]]\nid = {}\nkind = \"{kind}\"\nevidence = [{}]\n",
            toml_text(&gate_id(&id)),
            toml_text(&id)
        );
        if kind == "coverage" {
            text.push_str("min_lines = 0.0  # per cent; raise it to what you have\n");
        }
    }
    text
}

/// The gate that judges a format without being told more; `None` where only an expression could.
fn gate_kind(format: Format) -> Option<&'static str> {
    match format.kind() {
        Kind::Tests => Some("tests"),
        Kind::Findings => Some("findings"),
        Kind::Coverage => Some("coverage"),
        Kind::Attestations => Some("presence"),
        Kind::Document | Kind::Reviews | Kind::Judge | Kind::Bundle => None,
    }
}

/// The gate over a piece of evidence has its name, unless a built-in gate has that.
fn gate_id(evidence: &str) -> String {
    if super::RESERVED_GATE_IDS.contains(&evidence) {
        format!("{evidence}-gate")
    } else {
        evidence.to_owned()
    }
}

/// An evidence id from the manifest, else from the artifact's and the file's name: a bare TOML key.
fn free_id(report: &Seen, taken: &mut std::collections::BTreeSet<String>) -> String {
    let wish = report.recorded_as.clone().unwrap_or_else(|| report.artifact.as_str().to_owned());
    let plain = |text: &str| -> String {
        let text: String = text
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c.to_ascii_lowercase() } else { '-' }
            })
            .take(60)
            .collect();
        text.trim_matches(['-', '_']).to_owned()
    };
    let base = match plain(&wish) {
        empty if empty.is_empty() => "evidence".to_owned(),
        some => some,
    };
    let file = format!("{base}-{}", plain(report.path.file_name()));
    let mut id = base;
    if taken.contains(&id) {
        id.clone_from(&file);
    }
    let mut number = 2;
    while taken.contains(&id) {
        id = format!("{file}-{number}");
        number += 1;
    }
    taken.insert(id.clone());
    id
}

/// A path as a pattern that fits only itself.
fn escape_glob(path: &str) -> String {
    if path.contains(['*', '?', '[', '{']) { globset::escape(path) } else { path.to_owned() }
}

/// A TOML string on one line in which nothing hides: what a reader cannot see is written as its number.
fn toml_text(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if is_hidden(c) => {
                let _ = write!(out, "\\U{:08X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(artifact: &str, path: &str, format: Format) -> Seen {
        Seen { artifact: artifact.parse().unwrap(), path: path.parse().unwrap(), format, recorded_as: None }
    }

    #[test]
    fn what_is_proposed_is_a_sound_policy() {
        let text = propose(&[
            seen("unit tests é", "junit.xml", Format::Junit),
            seen("unit tests é", "more/junit.xml", Format::Junit),
            seen("lint", "a\"b[1].sarif", Format::Sarif),
            seen("..", "lcov.info", Format::Lcov),
            seen("x", "any.json", Format::Json),
            seen("head", "junit.xml", Format::Junit),
            seen("_private_", "junit.xml", Format::Junit),
            seen("what \u{202e}tfel", "junit.xml", Format::Junit),
        ]);
        assert!(!text.contains('\u{202e}'), "{text}");
        let (policy, problems) = super::super::Policy::read(&text).unwrap();
        assert_eq!(problems, []);
        assert_eq!((policy.evidence.len(), policy.gates.len()), (7, 7));
        assert!(policy.evidence.iter().any(|one| one.demand.artifact.as_str() == "what \u{202e}tfel"));
        let lint = policy.evidence.iter().find(|entry| entry.demand.artifact.as_str() == "lint").unwrap();
        assert!(lint.demand.path.as_ref().unwrap().fits("a\"b[1].sarif"));
    }

    #[test]
    fn nothing_seen_is_still_a_policy() {
        let (policy, problems) = super::super::Policy::read(&propose(&[])).unwrap();
        assert_eq!((policy.gates.len(), problems), (0, vec![]));
    }
}
