//! `record` as its users run it: a command in a git checkout, with a small test runner of its own that writes JUnit.
//! One walk goes the whole way: record, gate, break, repair, accept.

use std::path::Path;

use serde_json::Value;

use crate::support::evidence::{sha256, write};
use crate::support::outputs;
use crate::support::program::{Ran, run};
use crate::support::repository::Repository;

/// A test runner: one test, which passes where `answer` holds 42. It greets on standard output.
const RUNNER: &str = r#"#!/bin/sh
echo "running 1 test"
echo "a line on standard error" >&2
mkdir -p out
if [ "$(cat answer)" = 42 ]; then
  echo '<testsuites><testsuite name="s"><testcase name="answer"/></testsuite></testsuites>' > out/junit.xml
else
  echo '<testsuites><testsuite name="s"><testcase name="answer"><failure message="not 42"/></testcase></testsuite></testsuites>' > out/junit.xml
  exit 1
fi
"#;

const POLICY: &str = r#"version = 1

[evidence.unit]
artifact = "unit"
path = "junit.xml"
format = "junit"
require_binding = ["manifest"]
command = ["sh", "run-tests"]

[[gate]]
id = "unit"
kind = "tests"
evidence = ["unit"]
"#;

fn project(answer: &str) -> Repository {
    let repository = Repository::with(&[
        ("run-tests", RUNNER),
        ("answer", answer),
        (".gitignore", "out/\nevidence/\npacket.json\n"),
        ("policy.toml", POLICY),
    ]);
    assert_eq!(repository.git(&["status", "--porcelain"]), "");
    repository
}

/// `record` of the report `out/junit.xml` as `unit`, with more options before the command.
fn record(folder: &Path, more: &[&str], command: &[&str]) -> Ran {
    let fixed = [
        "record",
        "--id",
        "unit",
        "--format",
        "junit",
        "--report",
        "out/junit.xml",
        "--out",
        "evidence/unit",
    ];
    run(folder, &[&fixed[..], more, &["--"], command].concat())
}

fn manifest(folder: &Path) -> Value {
    let text = std::fs::read_to_string(folder.join("evidence/unit/patchwarden-manifest.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The gate at the real time: the records are of this moment.
fn gate(repository: &Repository) -> outputs::Judged {
    outputs::gate(
        repository.path(),
        &repository.head(),
        &["--policy", "policy.toml", "--now", "2100-01-01T00:00:00Z"],
    )
}

#[test]
fn record_gate_break_repair_accept() {
    let repository = project("42");
    let folder = repository.path();
    assert_eq!(record(folder, &["--input", "answer"], &["sh", "run-tests"]).exit, 0);
    let judged = gate(&repository);
    assert_eq!((judged.ran.exit, judged.verdict()), (0, "pass"), "{}", judged.ran.stdout);
    let bindings = &judged.report["evidence"][0]["bindings"];
    assert_eq!(bindings, &serde_json::json!(["asserted_by_caller", "manifest"]));

    // Break it: the new head's evidence is red, and the packet says what to run.
    let broken = repository.commit(&[("answer", "41")]);
    std::fs::remove_dir_all(folder.join("evidence")).unwrap();
    assert_eq!(record(folder, &["--input", "answer"], &["sh", "run-tests"]).exit, 1);
    let judged = gate(&repository);
    assert_eq!((judged.ran.exit, judged.codes("unit")), (11, vec!["tests.failed"]));
    let entry = &judged.packet["entries"][0];
    assert_eq!((&entry["owner"], &entry["action"]["kind"]), (&"agent".into(), &"fix_tests".into()));
    assert_eq!(entry["acceptance"]["head"], "next");
    std::fs::copy(folder.join("out/repair_instruction.json"), folder.join("packet.json")).unwrap();
    let key = entry["key"].as_str().unwrap().trim_start_matches("sha256:")[..8].to_owned();
    let accept = |head: &str| {
        let fixed =
            ["accept", "--instruction", "packet.json", "--policy", "policy.toml", "--evidence", "evidence"];
        run(
            folder,
            &[&fixed[..], &["--entry", &key, "--head", head, "--now", "2100-01-01T00:00:00Z"]].concat(),
        )
    };
    let ran = accept(&broken);
    assert_eq!(ran.exit, 11, "the head that was blocked cannot carry its own fix: {}", ran.stdout);

    // Repair it. Until the evidence is of the new head, it does not hold.
    let mended = repository.commit(&[("answer", "42")]);
    let ran = accept(&mended);
    assert_eq!(ran.exit, 11, "{}", ran.stdout);
    assert!(ran.stdout.contains("evidence.wrong_head"), "{}", ran.stdout);
    std::fs::remove_dir_all(folder.join("evidence")).unwrap();
    assert_eq!(record(folder, &["--input", "answer"], &["sh", "run-tests"]).exit, 0);
    let ran = accept(&mended);
    assert_eq!((ran.exit, ran.stdout.starts_with("holds: ")), (0, true), "{}", ran.stdout);
    assert_eq!(gate(&repository).ran.exit, 0);

    // Another policy than the packet's is refused: it could have been made milder.
    write(&folder.join("policy.toml"), POLICY.replace("format = \"junit\"", "format = \"auto\"").as_bytes());
    let ran = accept(&mended);
    assert_eq!((ran.exit, ran.stdout.as_str()), (3, ""));
    assert!(ran.stderr.contains("the packet was made by policy"), "{}", ran.stderr);
}

#[test]
fn standard_output_is_the_commands_alone() {
    let repository = project("42");
    let ran = record(repository.path(), &[], &["sh", "run-tests"]);
    assert_eq!(
        (ran.stdout.as_str(), ran.stderr.as_str()),
        ("running 1 test\n", "a line on standard error\n")
    );
}

#[test]
fn the_manifest_says_what_was_run_on_what() {
    let repository = project("42");
    let folder = repository.path();
    let options = ["--input", "answer", "--tool", "our-runner", "--tool-version", "1.2"];
    assert_eq!(record(folder, &options, &["sh", "run-tests"]).exit, 0);
    let manifest = manifest(folder);
    assert_eq!(manifest["target_sha"], repository.head());
    assert_eq!(manifest["tree_sha"], repository.git(&["rev-parse", "HEAD^{tree}"]).trim());
    assert_eq!(manifest["dirty"], false);
    let entry = &manifest["evidence"][0];
    let report = std::fs::read(folder.join("out/junit.xml")).unwrap();
    assert_eq!(std::fs::read(folder.join("evidence/unit/junit.xml")).unwrap(), report);
    assert_eq!((&entry["sha256"], &entry["bytes"]), (&sha256(&report).into(), &report.len().into()));
    assert_eq!((&entry["report"], &entry["exit_code"]), (&"written".into(), &0.into()));
    assert_eq!((&entry["tool"], &entry["tool_version"]), (&"our-runner".into(), &"1.2".into()));
    assert_eq!(entry["command"], serde_json::json!(["sh", "run-tests"]));
    assert_eq!(entry["inputs"], serde_json::json!({ "answer": sha256(b"42") }));
    let ran = run(folder, &["schema", "validate", "evidence/unit/patchwarden-manifest.json"]);
    assert_eq!(ran.exit, 0, "{}", ran.stdout);
}

#[test]
fn a_report_that_an_earlier_run_left_behind_is_stale() {
    // nextest leaves the old file in place after a build failure (FORMATS 1.0).
    let repository = project("42");
    let folder = repository.path();
    assert_eq!(record(folder, &[], &["sh", "run-tests"]).exit, 0);
    std::fs::remove_dir_all(folder.join("evidence")).unwrap();
    let ran = record(
        folder,
        &["--tool", "nextest"],
        &["sh", "-c", "echo 'error: could not compile' >&2; exit 101"],
    );
    assert_eq!(ran.exit, 101);
    assert!(ran.stderr.contains("stale file of an earlier run"), "{}", ran.stderr);
    assert_eq!(manifest(folder)["evidence"][0]["report"], "unchanged");
    let judged = gate(&repository);
    assert_eq!(
        (judged.ran.exit, judged.codes("unit")),
        (11, vec!["evidence.stale"]),
        "{}",
        judged.ran.stdout
    );
    assert!(judged.ran.stdout.contains("it exited 101"), "{}", judged.ran.stdout);
}

#[test]
fn a_stale_report_is_stale_even_where_the_command_succeeds() {
    let repository = project("42");
    let folder = repository.path();
    assert_eq!(record(folder, &[], &["sh", "run-tests"]).exit, 0);
    std::fs::remove_dir_all(folder.join("evidence")).unwrap();
    assert_eq!(record(folder, &[], &["true"]).exit, 0);
    assert_eq!(gate(&repository).codes("unit"), ["evidence.stale"]);
}

#[test]
fn a_report_the_command_never_wrote_is_recorded_as_such() {
    let repository = project("42");
    assert_eq!(record(repository.path(), &[], &["true"]).exit, 0);
    assert_eq!(manifest(repository.path())["evidence"][0]["report"], "not_written");
    let judged = gate(&repository);
    assert_eq!(judged.codes("unit"), ["evidence.missing"]);
    assert!(judged.ran.stdout.contains("did not write the report"), "{}", judged.ran.stdout);
}

#[test]
fn uncommitted_changes_are_evidence_for_no_commit() {
    let repository = project("41");
    write(&repository.path().join("answer"), b"42");
    assert_eq!(record(repository.path(), &[], &["sh", "run-tests"]).exit, 0);
    assert_eq!(gate(&repository).codes("unit"), ["evidence.dirty_tree"]);
}

#[test]
fn a_report_edited_after_it_was_recorded_is_refused() {
    let repository = project("41");
    let folder = repository.path();
    assert_eq!(record(folder, &[], &["sh", "run-tests"]).exit, 1);
    let green = "<testsuites><testsuite name=\"s\"><testcase name=\"answer\"/></testsuite></testsuites>\n";
    write(&folder.join("evidence/unit/junit.xml"), green.as_bytes());
    assert!(gate(&repository).codes("unit").contains(&"evidence.hash_mismatch"));
}

#[test]
fn a_green_report_of_a_red_command_is_refused() {
    let repository = project("42");
    let ran = record(repository.path(), &[], &["sh", "-c", "sh run-tests; exit 1"]);
    assert_eq!(ran.exit, 1);
    assert_eq!(gate(&repository).codes("unit"), ["evidence.exit_code_disagrees"]);
}

#[test]
fn exit_codes_are_the_commands_own() {
    for (command, options, exit, code) in [
        (&["sh", "-c", "sh run-tests; exit 7"][..], &["--tool", "pytest"][..], 7, "evidence.tool_crashed"),
        (&["sh", "-c", "sh run-tests; kill -9 $$"], &[], 137, "evidence.tool_crashed"),
        (&["sleep", "60"], &["--timeout", "1s"], 124, "evidence.missing"),
        (&["no-such-command-anywhere"], &[], 127, "evidence.missing"),
    ] {
        let repository = project("42");
        let ran = record(repository.path(), options, command);
        assert_eq!(ran.exit, exit, "{command:?}: {}", ran.stderr);
        assert_eq!(manifest(repository.path())["evidence"][0]["exit_code"], exit);
        assert_eq!(gate(&repository).codes("unit"), [code], "{command:?}");
    }
}

#[test]
fn without_a_head_or_a_place_to_write_nothing_is_run() {
    let scratch = tempfile::tempdir().unwrap();
    let ran = record(scratch.path(), &[], &["touch", "was-run"]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (4, ""), "{}", ran.stderr);
    assert!(ran.stderr.contains("hint: "), "{}", ran.stderr);

    let repository = project("42");
    write(&repository.path().join("evidence"), b"a file where the folder belongs");
    assert_eq!(record(repository.path(), &[], &["touch", "was-run"]).exit, 5);
    let ran = run(
        repository.path(),
        &["record", "--report", "x.xml", "--out", "evidence", "--", "touch", "was-run"],
    );
    assert_eq!(ran.exit, 2, "{}", ran.stderr);
    for folder in [scratch.path(), repository.path()] {
        assert!(!folder.join("was-run").exists());
    }
}

#[test]
fn two_records_into_one_folder_are_one_artifact() {
    let repository = project("42");
    let folder = repository.path();
    assert_eq!(record(folder, &[], &["sh", "run-tests"]).exit, 0);
    let second = ["record", "--report", "lint=json:out/lint.json", "--out", "evidence/unit", "--"];
    let command = ["sh", "-c", "echo '{\"ok\": true}' > out/lint.json"];
    assert_eq!(run(folder, &[&second[..], &command].concat()).exit, 0);
    let ids: Vec<Value> =
        manifest(folder)["evidence"].as_array().unwrap().iter().map(|entry| entry["id"].clone()).collect();
    assert_eq!(ids, ["unit", "lint"]);
    let ran = record(folder, &[], &["sh", "run-tests"]);
    assert_eq!(ran.exit, 2, "an id twice: {}", ran.stderr);
    assert_eq!(gate(&repository).ran.exit, 0);
}
