//! FORMATS 1.0: genuine reports that look green while their run was red, empty or blind. With the exit code and the
//! inputs of the run that wrote them none passes; without a manifest, where the policy asks for one, all are unbound.

use std::fmt::Write as _;
use std::path::Path;

use crate::support::HEAD;
use crate::support::evidence::{Artifact, FINISHED, STARTED, sha256, write};
use crate::support::fixture;
use crate::support::outputs::{self, Judged};

/// What the run had to look at.
#[derive(Clone, Copy, PartialEq)]
enum Inputs {
    Some,
    /// An empty file or folder: its hash is that of nothing.
    Empty,
}

/// One row: report, gate kind, tool, exit code of `samples/INDEX.md`, inputs, and the code that refuses it.
struct Row {
    file: &'static str,
    kind: &'static str,
    tool: &'static str,
    exit_code: i32,
    inputs: Inputs,
    refused_by: &'static str,
}

const fn row(
    file: &'static str,
    kind: &'static str,
    tool: &'static str,
    exit_code: i32,
    inputs: Inputs,
    refused_by: &'static str,
) -> Row {
    Row { file, kind, tool, exit_code, inputs, refused_by }
}

const ROWS: &[Row] = &[
    row(
        "jest-junit/suite-load-error-default.xml",
        "tests",
        "jest",
        1,
        Inputs::Some,
        "evidence.exit_code_disagrees",
    ),
    row("jest-junit/no-tests-pass.xml", "tests", "jest", 0, Inputs::Some, "evidence.nothing_measured"),
    row("pytest/empty-no-tests.xml", "tests", "pytest", 5, Inputs::Some, "evidence.nothing_measured"),
    row("pytest/nonexistent-path.xml", "tests", "pytest", 4, Inputs::Some, "evidence.tool_crashed"),
    row("nextest/no-tests-matched.xml", "tests", "nextest", 4, Inputs::Some, "evidence.nothing_measured"),
    row(
        "nextest/no-tests-matched-pass.xml",
        "tests",
        "nextest",
        0,
        Inputs::Some,
        "evidence.nothing_measured",
    ),
    row("nextest/flaky-pass.xml", "tests", "nextest", 0, Inputs::Some, "tests.flaky"),
    row("vitest/mixed.xml", "tests", "vitest", 1, Inputs::Some, "tests.failed"),
    row("vitest/no-tests.xml", "tests", "vitest", 0, Inputs::Some, "evidence.nothing_measured"),
    row("go/gotestsum-buildfail.xml", "tests", "gotestsum", 2, Inputs::Some, "tests.failed"),
    row("go/gotestsum-notests.xml", "tests", "gotestsum", 0, Inputs::Some, "evidence.nothing_measured"),
    row(
        "clippy/clippy-empty-input.sarif",
        "findings",
        "clippy-sarif",
        0,
        Inputs::Empty,
        "evidence.nothing_measured",
    ),
    row(
        "clippy/clippy-compile-error.sarif",
        "findings",
        "clippy-sarif",
        0,
        Inputs::Some,
        "findings.over_limit",
    ),
    row("ruff/no-python-files.sarif", "findings", "ruff", 0, Inputs::Empty, "evidence.nothing_measured"),
    row("semgrep/fail-noerror.sarif", "findings", "semgrep", 0, Inputs::Some, "findings.over_limit"),
    row(
        "coverage/coveragepy.nothing-covered.cobertura.xml",
        "coverage",
        "pytest",
        0,
        Inputs::Some,
        "evidence.nothing_measured",
    ),
    row(
        "coverage/coveragepy.failunder.cobertura.xml",
        "coverage",
        "pytest",
        1,
        Inputs::Some,
        "evidence.exit_code_disagrees",
    ),
];

/// Genuine reports of clean runs, to show that the same evidence passes when its run was what it looks like.
const CLEAN: &[Row] = &[
    row("pytest/pass.xunit2.xml", "tests", "pytest", 0, Inputs::Some, ""),
    row("nextest/pass.xml", "tests", "nextest", 0, Inputs::Some, ""),
    row("go/gotestsum-pass.xml", "tests", "gotestsum", 0, Inputs::Some, ""),
    row("jest-junit/pass.xml", "tests", "jest", 0, Inputs::Some, ""),
    row("vitest/pass.xml", "tests", "vitest", 0, Inputs::Some, ""),
    row("node-test/pass.xml", "tests", "node", 0, Inputs::Some, ""),
    row("ruff/clean.sarif", "findings", "ruff", 0, Inputs::Some, ""),
    row("semgrep/clean.sarif", "findings", "semgrep", 0, Inputs::Some, ""),
    row("cargo-audit/clean.sarif", "findings", "cargo-audit", 0, Inputs::Some, ""),
    row("coverage/coveragepy.cobertura.xml", "coverage", "pytest", 0, Inputs::Some, ""),
    row("coverage/jest.lcov.info", "coverage", "jest", 0, Inputs::Some, ""),
];

impl Row {
    fn id(&self) -> String {
        self.file.replace('/', ".")
    }

    fn format(&self) -> &'static str {
        match self.kind {
            "tests" => "junit",
            "findings" => "sarif",
            _ if self.file.contains(".lcov.") => "lcov",
            _ => "cobertura",
        }
    }

    fn artifact(&self) -> Artifact {
        Artifact::of("report", fixture(self.file))
    }

    /// The artifact with the manifest of the run that wrote it.
    fn recorded(&self) -> Artifact {
        let mut artifact = self.artifact();
        let report = artifact.files["report"].clone();
        let input = if self.inputs == Inputs::Some { sha256(b"sources") } else { sha256(b"") };
        let manifest = serde_json::json!({
            "schema": "patchwarden.evidence_manifest.v1",
            "target_sha": HEAD,
            "dirty": false,
            "evidence": [{
                "id": self.id(), "format": self.format(), "path": "report", "report": "written",
                "sha256": sha256(&report), "bytes": report.len(),
                "tool": self.tool, "command": [self.tool], "exit_code": self.exit_code,
                "started_at": STARTED, "finished_at": FINISHED, "inputs": { "src": input },
            }],
        });
        artifact.files.insert("patchwarden-manifest.json".to_owned(), manifest.to_string().into_bytes());
        artifact
    }
}

/// Judges all rows in one run, one gate each.
fn judge(folder: &Path, rows: &[Row], recorded: bool) -> Judged {
    let mut policy = "version = 1\n".to_owned();
    for row in rows {
        let artifact = if recorded { row.recorded() } else { row.artifact() };
        artifact.write_folder(&folder.join("evidence"), &row.id());
        let (id, format, kind) = (row.id(), row.format(), row.kind);
        let keys = if kind == "coverage" { "min_lines = 1.0" } else { "" };
        let _ = write!(
            policy,
            "[evidence.\"{id}\"]\nartifact = \"{id}\"\npath = \"report\"\nformat = \"{format}\"\n\
             require_binding = [\"manifest\"]\n\
             [[gate]]\nid = \"{id}\"\nkind = \"{kind}\"\nevidence = [\"{id}\"]\n{keys}\n"
        );
    }
    write(&folder.join("policy.toml"), policy.as_bytes());
    outputs::gate(folder, HEAD, &["--policy", "policy.toml"])
}

#[test]
fn with_the_runs_own_exit_code_and_inputs_none_passes() {
    let scratch = tempfile::tempdir().unwrap();
    let judged = judge(scratch.path(), ROWS, true);
    for row in ROWS {
        let id = row.id();
        assert_eq!(judged.outcome(&id), "fail", "{}", row.file);
        assert!(judged.codes(&id).contains(&row.refused_by), "{}: {:?}", row.file, judged.codes(&id));
    }
    assert_eq!(judged.ran.exit, 11);
}

#[test]
fn clean_runs_pass_by_the_same_rules() {
    let scratch = tempfile::tempdir().unwrap();
    let judged = judge(scratch.path(), CLEAN, true);
    assert_eq!((judged.ran.exit, judged.non_passing_by_report().len()), (0, 0), "{}", judged.ran.stdout);
}

#[test]
fn without_a_manifest_the_green_ones_are_unbound_like_the_clean_ones() {
    for rows in [ROWS, CLEAN] {
        let scratch = tempfile::tempdir().unwrap();
        let judged = judge(scratch.path(), rows, false);
        for row in rows {
            assert!(judged.codes(&row.id()).contains(&"evidence.unbound"), "{}", row.file);
            assert_eq!(judged.outcome(&row.id()), "fail", "{}", row.file);
        }
        assert_eq!(judged.ran.exit, 11);
    }
}

#[test]
fn a_blind_run_of_ruff_writes_the_bytes_of_a_clean_one() {
    // Only `inputs` tell the two apart: this is why a manifest without them proves nothing.
    assert_eq!(fixture("ruff/clean.sarif"), fixture("ruff/no-python-files.sarif"));
}

#[test]
fn a_run_that_died_before_it_wrote_anything_is_missing_not_green() {
    // pytest after `os._exit(0)`: exit code 0, no file.
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    let manifest = serde_json::json!({
        "schema": "patchwarden.evidence_manifest.v1", "target_sha": HEAD, "dirty": false,
        "evidence": [{
            "id": "unit", "format": "junit", "path": "junit.xml", "report": "not_written",
            "tool": "pytest", "command": ["pytest"], "exit_code": 0,
            "started_at": STARTED, "finished_at": FINISHED, "inputs": {},
        }],
    });
    write(&folder.join("evidence/unit/patchwarden-manifest.json"), manifest.to_string().as_bytes());
    let policy = "version = 1\n[evidence.unit]\nartifact = \"unit\"\npath = \"junit.xml\"\nformat = \"junit\"\n\
                  [[gate]]\nid = \"unit\"\nkind = \"tests\"\nevidence = [\"unit\"]\n";
    write(&folder.join("policy.toml"), policy.as_bytes());
    let judged = outputs::gate(folder, HEAD, &["--policy", "policy.toml"]);
    assert_eq!((judged.ran.exit, judged.codes("unit")), (11, vec!["evidence.missing"]));
    assert!(judged.ran.stdout.contains("did not write the report"), "{}", judged.ran.stdout);
}
