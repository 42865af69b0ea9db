//! Every sample of the fixtures in one golden table: what it is taken for, what it says, whether it measured, how many
//! commits it names, and the codes it is refused with when nothing but the file is there.

use std::path::{Path, PathBuf};

use patchwarden::evidence::read::{ArtifactState, read_artifact};
use patchwarden::evidence::source::MemoryFiles;
use patchwarden::evidence::{Binding, Limits, Target, assess};
use patchwarden::policy::Policy;
use serde_json::Value;

use crate::support::program::run;
use crate::support::snapshot::compare;
use crate::support::{HEAD, NOW, here};

/// Fixtures that are no evidence: inputs of other tests.
const OTHERS: [&str; 6] = ["git", "patch-id", "replay", "tls", "transcripts", "window"];

#[test]
fn every_sample_has_its_golden_result() {
    let root = here("tests/fixtures");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    assert!(files.len() > 180, "{} samples", files.len());
    let names: Vec<&str> =
        files.iter().map(|path| path.strip_prefix(&root).unwrap().to_str().unwrap()).collect();
    let inspected = inspect(&root, &names);
    let mut table = String::from("sample\tformat\tmeasured\tcommits\tcodes without a manifest\tsays\n");
    for (name, seen) in names.iter().zip(&inspected) {
        assert_eq!(seen["file"].as_str(), Some(*name));
        let text = |key: &str| seen[key].as_str().unwrap_or("-").to_owned();
        let commits = seen["commits"].as_array().map_or(0, Vec::len);
        let says = if seen["says"].is_null() { text("malformed") } else { text("says") };
        let codes = codes(&std::fs::read(root.join(name)).unwrap());
        let row = [name, text("format").as_str(), &text("substance"), &commits.to_string(), &codes, &says]
            .join("\t");
        table.push_str(&row);
        table.push('\n');
    }
    compare(&here("tests/golden/samples.tsv"), Some(&table)).unwrap();
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            if !OTHERS.contains(&name) {
                collect(&path, files);
            }
        } else {
            files.push(path);
        }
    }
}

/// What `inspect` says of each, in order.
fn inspect(root: &Path, names: &[&str]) -> Vec<Value> {
    let ran = run(root, &[&["inspect", "--format", "json"], names].concat());
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
    serde_json::from_str(&ran.stdout).unwrap()
}

/// The codes of the file alone in an artifact, read offline by its content.
fn codes(bytes: &[u8]) -> String {
    let (policy, problems) =
        Policy::read("version = 1\n[evidence.x]\nartifact = \"x\"\npath = \"report\"\n").unwrap();
    assert!(problems.is_empty());
    let demand = &policy.evidence[0].demand;
    let mut source = MemoryFiles(vec![("report", bytes)]);
    let read = read_artifact(&mut source, &[demand], &Limits::default());
    let target = Target {
        head: HEAD.parse().unwrap(),
        base: None,
        repo: None,
        pull_request: None,
        origin: Some(Binding::AssertedByCaller),
        passed_digests: std::collections::BTreeSet::new(),
        job_starts: std::collections::BTreeMap::new(),
        now: NOW.parse().unwrap(),
    };
    let evidence = assess(demand, &ArtifactState::Read(Box::new(read)), 0, &target);
    let mut codes: Vec<&str> = evidence.faults.iter().map(|fault| fault.code.as_str()).collect();
    codes.dedup();
    if codes.is_empty() { "counts".to_owned() } else { codes.join(" ") }
}
