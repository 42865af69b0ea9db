//! Cases: each folder of `tests/cases` and of `examples` with a `case.toml` is judged, and every output compared.
//! `case.toml` says by hand how it must end; `expected/` holds the outputs, written by `PATCHWARDEN_UPDATE=1`;
//! what lies in `beside/` (a baseline, a diff) is laid beside the policy.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use crate::support::evidence::{Artifact, Recorded};
use crate::support::outputs::{self, Judged};
use crate::support::program::run;
use crate::support::snapshot::compare;
use crate::support::{HEAD, NOW, fixture, here};

/// `case.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    /// What the case shows, one sentence.
    shows: String,
    /// The exit code, by hand: `PATCHWARDEN_UPDATE` never writes it.
    exit: i32,
    /// Default: the head that `support` names.
    head: Option<String>,
    /// Default: the time that `support` names.
    now: Option<String>,
    /// Further arguments of `gate`.
    #[serde(default)]
    args: Vec<String>,
    /// Reports to copy: path below `evidence` = path below `tests/fixtures`. A folder is copied with all its files,
    /// beside those that the case has of its own.
    #[serde(default)]
    copy: BTreeMap<String, String>,
    /// Manifests to make, one per artifact; `evidence` may hold them ready-made as well.
    #[serde(default)]
    manifest: BTreeMap<String, Vec<ManifestRow>>,
}

/// One report of a manifest that is to be made.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ManifestRow {
    id: String,
    format: String,
    path: String,
    tool: String,
    exit_code: i32,
    /// Whether the manifest names an input. Default true.
    #[serde(default = "yes")]
    with_input: bool,
}

fn yes() -> bool {
    true
}

/// Where a case's policy may lie; a case without any is judged by the embedded one.
const POLICIES: [&str; 3] = ["policy.toml", "patchwarden.toml", ".forgejo/patchwarden.toml"];

/// Every folder that is a case, sorted.
pub fn cases() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for parent in ["tests/cases", "examples"] {
        let Ok(entries) = std::fs::read_dir(here(parent)) else { continue };
        found.extend(
            entries.map(|entry| entry.unwrap().path()).filter(|path| path.join("case.toml").is_file()),
        );
    }
    found.sort();
    found
}

/// The report each case is expected to give.
pub fn expected_reports() -> Vec<(String, Value)> {
    let read = |case: &PathBuf| {
        let text = std::fs::read_to_string(case.join("expected/gate_report.json")).ok()?;
        Some((name(case), serde_json::from_str(&text).ok()?))
    };
    cases().iter().filter_map(read).collect()
}

fn name(case: &Path) -> String {
    case.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap_or(case).display().to_string()
}

#[test]
fn every_case_ends_as_it_says_and_writes_what_is_expected() {
    let cases = cases();
    assert!(cases.len() > 20, "cases were not found: {cases:?}");
    let wrong: Vec<String> = cases.iter().flat_map(|case| judge(case)).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_example_is_a_case() {
    let Ok(entries) = std::fs::read_dir(here("examples")) else { return };
    for entry in entries {
        let folder = entry.unwrap().path();
        let has_evidence = folder.join("evidence").is_dir();
        assert!(
            !has_evidence || folder.join("case.toml").is_file(),
            "{}: an example with evidence needs a `case.toml` (see tests/case_runner.rs)",
            folder.display()
        );
    }
}

/// Judges a case and says everything that is not as expected.
fn judge(case: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(case.join("case.toml")).unwrap();
    let file: CaseFile = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", case.display()));
    assert!(!file.shows.is_empty(), "{}: `shows` is empty", case.display());
    let scratch = tempfile::tempdir().unwrap();
    prepare(case, &file, scratch.path());

    let mut arguments: Vec<&str> = file.args.iter().map(String::as_str).collect();
    arguments.extend(["--now", file.now.as_deref().unwrap_or(NOW)]);
    if scratch.path().join("policy.toml").is_file() {
        arguments.extend(["--policy", "policy.toml"]);
    }
    if scratch.path().join("facts.json").is_file() {
        arguments.extend(["--facts", "facts.json"]);
    }
    let head = file.head.as_deref().unwrap_or(HEAD);
    let judged = outputs::gate(scratch.path(), head, &arguments);

    let mut wrong = Vec::new();
    if judged.ran.exit != file.exit {
        wrong.push(format!("it exits {}, not {}: {}", judged.ran.exit, file.exit, judged.ran.stderr));
    }
    wrong.extend(compare_outputs(case, scratch.path(), &judged));
    wrong.extend(check_json_form(scratch.path(), head, &arguments, &judged));
    wrong.extend(check_contracts(scratch.path(), &judged));
    wrong.extend(crate::loop_verbs::check(scratch.path(), &judged));
    if judged.verdict() != "none" && judged.gates().all(|gate| gate["title"] == gate["id"]) {
        wrong.extend(judged.outputs_agree().err());
    }
    wrong.into_iter().map(|what| format!("{}: {what}", name(case))).collect()
}

/// Lays out policy, facts of the pull request and evidence of a case.
fn prepare(case: &Path, file: &CaseFile, scratch: &Path) {
    if let Some(policy) = POLICIES.iter().map(|path| case.join(path)).find(|path| path.is_file()) {
        std::fs::copy(policy, scratch.join("policy.toml")).unwrap();
    }
    for (path, bytes) in checked_in(&case.join("beside")) {
        crate::support::evidence::write(&scratch.join(path), &bytes);
    }
    if case.join("facts.json").is_file() {
        std::fs::copy(case.join("facts.json"), scratch.join("facts.json")).unwrap();
    }
    let evidence = scratch.join("evidence");
    std::fs::create_dir(&evidence).unwrap();
    let mut artifacts: BTreeMap<String, Artifact> = BTreeMap::new();
    for (path, bytes) in checked_in(&case.join("evidence")) {
        match path.split_once('/') {
            Some((artifact, rest)) => {
                artifacts.entry(artifact.to_owned()).or_default().files.insert(rest.to_owned(), bytes);
            }
            None => crate::support::evidence::write(&evidence.join(path), &bytes),
        }
    }
    for (to, from) in &file.copy {
        if let Some((artifact, path)) = to.split_once('/') {
            artifacts.entry(artifact.to_owned()).or_default().files.insert(path.to_owned(), fixture(from));
            continue;
        }
        let files = &mut artifacts.entry(to.clone()).or_default().files;
        for (path, bytes) in checked_in(&here("tests/fixtures").join(from)) {
            files.entry(path).or_insert(bytes);
        }
    }
    for (name, rows) in &file.manifest {
        let rows: Vec<Recorded<'_>> = rows
            .iter()
            .map(|row| Recorded {
                id: &row.id,
                format: &row.format,
                path: &row.path,
                tool: &row.tool,
                exit_code: row.exit_code,
                with_input: row.with_input,
            })
            .collect();
        let artifact = artifacts.remove(name).unwrap_or_default().recorded(&rows);
        artifacts.insert(name.clone(), artifact);
    }
    for (name, artifact) in &artifacts {
        artifact.write_folder(&evidence, name);
    }
}

/// The files below a folder, by path, sorted.
fn checked_in(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                files.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    files
}

fn compare_outputs(case: &Path, scratch: &Path, judged: &Judged) -> Vec<String> {
    let expected = case.join("expected");
    let written = |name: &str| std::fs::read_to_string(scratch.join("out").join(name)).ok();
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    [
        ("stdout", some(&judged.ran.stdout)),
        ("stderr", some(&judged.ran.stderr)),
        ("summary.md", written("summary.md")),
        ("gate_report.json", written("gate_report.json")),
        ("repair_instruction.json", written("repair_instruction.json")),
    ]
    .into_iter()
    .filter_map(|(name, text)| compare(&expected.join(name), text.as_deref().map(plain).as_deref()).err())
    .collect()
}

/// A text without the program's version and commit, so that a release changes no case.
fn plain(text: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let text = text.replace(&format!("\"version\": \"{version}\""), "\"version\": \"[version]\"");
    let text = text.replace(&format!("patchwarden {version},"), "patchwarden [version],");
    match option_env!("PATCHWARDEN_COMMIT") {
        Some(commit) => text.replace(&format!("\"commit\": \"{commit}\""), "\"commit\": null"),
        None => text,
    }
}

/// The form of standard output changes neither the exit code nor a written byte, and prints the report itself.
fn check_json_form(scratch: &Path, head: &str, arguments: &[&str], judged: &Judged) -> Vec<String> {
    let again =
        outputs::gate(scratch, head, &[arguments, &["--format", "json", "--capture", "bundle.zip"]].concat());
    let mut wrong = Vec::new();
    if judged.verdict() != "none" {
        let replayed = run(scratch, &["replay", "bundle.zip"]);
        if replayed.exit != 0 {
            wrong.push(format!("`replay` exits {}: {}{}", replayed.exit, replayed.stdout, replayed.stderr));
        }
    }
    if again.ran.exit != judged.ran.exit {
        wrong.push(format!("`--format json` exits {}, text {}", again.ran.exit, judged.ran.exit));
    }
    if (&again.report, &again.packet, &again.summary) != (&judged.report, &judged.packet, &judged.summary) {
        wrong.push("`--format json` writes other files than text".to_owned());
    }
    if again.ran.stdout != std::fs::read_to_string(scratch.join("out/gate_report.json")).unwrap() {
        wrong.push("`--format json` prints something else than the report".to_owned());
    }
    wrong
}

/// Every document is valid by its own contract, and holds what is promised of all of them.
fn check_contracts(scratch: &Path, judged: &Judged) -> Vec<String> {
    let mut wrong = Vec::new();
    for name in ["gate_report.json", "repair_instruction.json"] {
        let path = format!("out/{name}");
        if scratch.join(&path).is_file() {
            let ran = run(scratch, &["schema", "validate", &path]);
            if ran.exit != 0 {
                wrong.push(format!("{name} is not valid: {}{}", ran.stdout, ran.stderr));
            }
        }
    }
    if judged.report["external_write_allowed"] != Value::Bool(false) {
        wrong.push("the report allows external writes".to_owned());
    }
    let blockers: usize = judged.gates().map(|gate| gate["blockers"].as_array().unwrap().len()).sum();
    let omitted = judged.packet["omitted"].as_u64().unwrap_or(0);
    let entries = judged.packet["entries"].as_array().map_or(0, Vec::len) + usize::try_from(omitted).unwrap();
    if blockers != entries {
        wrong.push(format!("{blockers} blockers have {entries} repair entries"));
    }
    wrong
}
