//! The same inputs and the same `--now` give the same bytes: from other folders, in any order of files,
//! from folders or from zips, whatever the time zone and the language of the machine.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use crate::support::evidence::{Artifact, Recorded, write};
use crate::support::program::{command, finish, scrub};
use crate::support::snapshot::first_difference;
use crate::support::{HEAD, NOW, fixture};

/// How the same artifacts are laid out.
#[derive(Clone, Copy)]
enum Layout {
    Folders,
    FoldersReversed,
    Zips,
    ZipsReversed,
}

fn artifacts() -> Vec<(&'static str, Artifact)> {
    let unit = Recorded {
        id: "unit",
        format: "junit",
        path: "reports/junit.xml",
        tool: "pytest",
        exit_code: 1,
        with_input: true,
    };
    let mut several = Artifact::of("a.xml", fixture("pytest/pass.xunit1.xml"));
    several.files.insert("b/c.xml".to_owned(), fixture("nextest/mixed-all.xml"));
    several.files.insert("b/d.xml".to_owned(), fixture("go/gotestsum-mixed.xml"));
    vec![
        (
            "unit",
            Artifact::of("reports/junit.xml", fixture("pytest/mixed-fail.xunit2.xml")).recorded(&[unit]),
        ),
        ("several", several),
        ("lint", Artifact::of("eslint.sarif", fixture("eslint/fail.sarif"))),
        ("cov", Artifact::of("cobertura.xml", fixture("coverage/coveragepy.cobertura.xml"))),
        ("audit", Artifact::of("audit.json", fixture("cargo-audit/vulnerable.json"))),
    ]
}

/// `audit` adds a map to a number: the error of an expression may show a map of the document.
const POLICY: &str = r#"version = 1
[evidence]
unit = { artifact = "unit", path = "reports/junit.xml", format = "junit", require_binding = ["manifest"] }
several = { artifact = "several", path = "**/*.xml", format = "junit" }
lint = { artifact = "lint", path = "eslint.sarif" }
cov = { artifact = "cov", path = "cobertura.xml" }
audit = { artifact = "audit", path = "audit.json", format = "json" }
[[gate]]
id = "tests"
kind = "tests"
evidence = ["unit", "several"]
[[gate]]
id = "lint"
kind = "findings"
evidence = ["lint"]
[[gate]]
id = "cov"
kind = "coverage"
evidence = ["cov"]
min_lines = 99.0
[[gate]]
id = "audit"
kind = "json"
evidence = ["audit"]
require = "doc.vulnerabilities.list[0].advisory + 1 == 2"
[[gate]]
id = "evidence"
kind = "json"
evidence = ["audit"]
require = "evidence + run == doc"
"#;

/// Every byte the program gives for this layout.
fn judge(layout: Layout, with_policy: bool, environment: &[(&str, &str)]) -> BTreeMap<String, String> {
    let scratch = tempfile::Builder::new().prefix("patchwarden at some place ").tempdir().unwrap();
    let folder = scratch.path();
    let mut artifacts = artifacts();
    if matches!(layout, Layout::FoldersReversed | Layout::ZipsReversed) {
        artifacts.reverse();
    }
    for (name, artifact) in &artifacts {
        lay_out(&folder.join("evidence"), name, artifact, layout);
    }
    write(&folder.join("policy.toml"), POLICY.as_bytes());
    let mut arguments = vec!["gate", "--evidence", "evidence", "--head", HEAD, "--now", NOW, "--out", "out"];
    if with_policy {
        arguments.extend(["--policy", "policy.toml"]);
    }
    let mut command = command(folder, &arguments);
    command.envs(environment.iter().copied());
    let ran = finish(command);
    let mut bytes = BTreeMap::from([
        ("exit".to_owned(), ran.exit.to_string()),
        ("stdout".to_owned(), ran.stdout),
        ("stderr".to_owned(), ran.stderr),
    ]);
    for name in ["gate_report.json", "repair_instruction.json", "summary.md"] {
        let text = std::fs::read_to_string(folder.join("out").join(name)).unwrap();
        assert!(!text.contains("patchwarden at some place"), "{name} tells where it was made");
        bytes.insert(name.to_owned(), text);
    }
    bytes
}

fn lay_out(parent: &Path, name: &str, artifact: &Artifact, layout: Layout) {
    match layout {
        Layout::Folders => drop(artifact.write_folder(parent, name)),
        Layout::FoldersReversed => {
            for (path, bytes) in artifact.files.iter().rev() {
                write(&parent.join(name).join(path), bytes);
            }
        }
        Layout::Zips => drop(artifact.write_zip(parent, name, false)),
        Layout::ZipsReversed => drop(artifact.write_zip(parent, name, true)),
    }
}

#[test]
fn the_same_inputs_give_the_same_bytes_from_anywhere_in_any_order() {
    for with_policy in [true, false] {
        let first = judge(Layout::Folders, with_policy, &[]);
        assert_eq!(first["exit"], "11");
        for layout in [Layout::Folders, Layout::FoldersReversed, Layout::Zips, Layout::ZipsReversed] {
            let elsewhere = [("TZ", "Asia/Kathmandu"), ("LC_ALL", "pl_PL.UTF-8"), ("COLUMNS", "20")];
            let again = judge(layout, with_policy, &elsewhere);
            for (name, text) in &first {
                assert!(&again[name] == text, "{name} differs: {}", first_difference(text, &again[name]));
            }
        }
    }
}

#[test]
fn the_time_of_the_judgement_is_all_that_the_clock_changes() {
    let without_now = |text: &str| text.replace(NOW, "");
    let first = judge(Layout::Folders, true, &[]);
    let again = judge(Layout::Folders, true, &[("SOURCE_DATE_EPOCH", "0")]);
    assert!(first["gate_report.json"].contains(NOW));
    let (one, other) = (without_now(&first["gate_report.json"]), without_now(&again["gate_report.json"]));
    assert!(one == other, "{}", first_difference(&one, &other));
}

#[test]
fn outputs_are_as_readable_as_the_umask_lets_any_file_be() {
    use std::os::unix::fs::PermissionsExt as _;

    for (umask, expected) in [("022", 0o644), ("077", 0o600)] {
        let scratch = tempfile::tempdir().unwrap();
        std::fs::create_dir(scratch.path().join("evidence")).unwrap();
        let gate = ["gate", "--evidence", "evidence", "--head", HEAD, "--out", "a/new/folder", "--now", NOW];
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("umask {umask}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_patchwarden")]);
        shell.args(gate).current_dir(scratch.path());
        scrub(&mut shell);
        assert_eq!(finish(shell).exit, 12);
        for name in ["gate_report.json", "repair_instruction.json", "summary.md"] {
            let file = std::fs::metadata(scratch.path().join("a/new/folder").join(name)).unwrap();
            assert_eq!(file.permissions().mode() & 0o777, expected, "{name} under umask {umask}");
        }
    }
}

#[test]
fn artifacts_that_are_read_at_once_stand_where_they_belong() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    let mut policy = "version = 1\n".to_owned();
    for number in 0..12 {
        // All but the first few are read by several threads.
        let mut cases = String::new();
        for case in 0..1_000 + number {
            let _ =
                writeln!(cases, "<testcase classname=\"package.module_{number}\" name=\"number_{case}\"/>");
        }
        let report = format!("<testsuite name=\"s\">{cases}</testsuite>");
        write(&folder.join(format!("evidence/a{number:02}/junit.xml")), report.as_bytes());
        let _ = write!(
            policy,
            "[evidence.e{number:02}]\nartifact = \"a{number:02}\"\n\
             [[gate]]\nid = \"g{number:02}\"\nkind = \"tests\"\nevidence = [\"e{number:02}\"]\n"
        );
    }
    write(&folder.join("policy.toml"), policy.as_bytes());
    let judge = || {
        let words =
            ["gate", "--evidence", "evidence", "--head", HEAD, "--policy", "policy.toml", "--now", NOW];
        finish(command(folder, &words)).stdout
    };
    let first = judge();
    for (number, line) in first.lines().take(12).enumerate() {
        let wanted = format!("g{number:02} {} tests ran", 1_000 + number);
        assert!(line.split_whitespace().collect::<Vec<_>>().join(" ").ends_with(&wanted), "{line}");
    }
    assert_eq!(judge(), first);
}
