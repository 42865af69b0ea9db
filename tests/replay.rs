//! `gate --capture` and `replay`: what is captured is judged again to the same bytes, and what differs is named.
//! The bundles in `tests/fixtures/replay` are recordings of their day: added to, never made anew.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _, Write as _};
use std::path::Path;

use serde_json::{Value, json};
use zip::ZipArchive;
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::support::evidence::{sha256, write};
use crate::support::program::run;
use crate::support::{HEAD, NOW, fixture, here};

/// Every fixture with its hash: a bundle that changes is no recording any more.
const RECORDED: [(&str, &str); 3] = [
    ("0.1.0-in-the-run.zip", "sha256:0054df20120f1fc722b10e0a64c5a82f719160982d294126ecdc7672424d5446"),
    ("0.1.0-offline.zip", "sha256:a03bcb825c94866be2ed5c8b9eb0b5513ca18c09f73752fb2cb42eda19c0e1c5"),
    ("0.1.0-on-the-base.zip", "sha256:a8df5a11b98302024775c33baff6340a96fddf5267dfece0185a3bb74fc1ecd4"),
];

pub type Files = BTreeMap<String, Vec<u8>>;

pub fn unzip(bytes: &[u8]) -> Files {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut files = Files::new();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        files.insert(entry.name().unwrap().into_owned(), content);
    }
    files
}

fn zip_of(files: &Files) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(name.as_str(), SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Changes a file of a bundle and, where told, its hash in the manifest.
fn changed(bundle: &[u8], name: &str, listed: bool, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut files = unzip(bundle);
    change(files.get_mut(name).unwrap());
    if listed {
        let mut manifest: Value = serde_json::from_slice(&files["replay.json"]).unwrap();
        for one in manifest["files"].as_array_mut().unwrap() {
            if one["path"] == name {
                one["sha256"] = json!(sha256(&files[name]));
            }
        }
        files.insert("replay.json".to_owned(), manifest.to_string().into_bytes());
    }
    zip_of(&files)
}

/// A small judgement, captured.
fn captured(folder: &Path) -> Vec<u8> {
    let policy = "version = 1\n[evidence]\nunit = { artifact = \"unit\", path = \"junit.xml\" }\n[[gate]]\nid = \"unit\"\nkind = \"tests\"\nevidence = [\"unit\"]\n";
    write(&folder.join("policy.toml"), policy.as_bytes());
    write(&folder.join("evidence/unit/junit.xml"), &fixture("pytest/mixed-fail.xunit2.xml"));
    let arguments = [
        "gate",
        "--evidence",
        "evidence",
        "--head",
        HEAD,
        "--policy",
        "policy.toml",
        "--now",
        NOW,
        "--capture",
        "bundle.zip",
    ];
    let ran = run(folder, &arguments);
    assert_eq!(ran.exit, 11, "{}", ran.stderr);
    std::fs::read(folder.join("bundle.zip")).unwrap()
}

#[test]
fn a_captured_judgement_is_judged_again_to_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let first = captured(folder.path());
    assert_eq!(first, captured(folder.path()), "the same judgement gives the same bundle");
    crate::support::snapshot::add_recording("offline.zip", &first);
    // Nothing but the bundle is needed.
    std::fs::remove_dir_all(folder.path().join("evidence")).unwrap();
    std::fs::remove_file(folder.path().join("policy.toml")).unwrap();
    let ran = run(folder.path(), &["replay", "bundle.zip"]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""), "{}", ran.stdout);
    assert!(ran.stdout.starts_with("identical: verdict blocked"), "{}", ran.stdout);
    write(&folder.path().join("replay.json"), &unzip(&first)["replay.json"]);
    let valid = run(folder.path(), &["schema", "validate", "replay.json"]);
    assert_eq!(valid.exit, 0, "{}", valid.stdout);
}

#[test]
fn what_differs_is_named_by_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = captured(folder.path());
    let replace = |from: &'static str, to: &'static str| {
        move |bytes: &mut Vec<u8>| {
            let text = String::from_utf8(bytes.clone()).unwrap();
            assert!(text.contains(from), "{text}");
            *bytes = text.replacen(from, to, 1).into_bytes();
        }
    };
    let other = changed(&bundle, "outputs/gate_report.json", true, replace("\"blocked\"", "\"pass\""));
    write(&folder.path().join("other.zip"), &other);
    let ran = run(folder.path(), &["replay", "other.zip"]);
    assert_eq!(ran.exit, 13, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("different: `gate_report.json` from line"), "{}", ran.stdout);
    assert!(ran.stdout.contains("\"verdict\": \"pass\"") && ran.stdout.contains("\"verdict\": \"blocked\""));
    let ran = run(folder.path(), &["replay", "other.zip", "--format", "json"]);
    let told: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((ran.exit, &told["identical"], &told["verdict"]), (13, &json!(false), &json!("blocked")));
    // Other evidence is another judgement, not a broken bundle.
    let green = changed(&bundle, "artifacts/0/0", true, |bytes| *bytes = fixture("pytest/pass.xunit2.xml"));
    write(&folder.path().join("green.zip"), &green);
    assert_eq!(run(folder.path(), &["replay", "green.zip"]).exit, 13);
}

#[test]
fn what_is_no_whole_bundle_is_not_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = captured(folder.path());
    let refused = |name: &str, bytes: &[u8], words: &str| {
        write(&folder.path().join(name), bytes);
        let ran = run(folder.path(), &["replay", name]);
        assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""), "{name}: {}", ran.stderr);
        assert!(ran.stderr.contains(words), "{name}: {}", ran.stderr);
    };
    refused("no.zip", b"nine byte", "not a sound zip");
    refused("empty.zip", &zip_of(&Files::new()), "it has no `replay.json`");
    let forged = changed(&bundle, "policy.toml", false, |bytes| bytes.push(b'\n'));
    refused("forged.zip", &forged, "is not what was recorded");
    let mut files = unzip(&bundle);
    files.remove("policy.toml");
    refused("cut.zip", &zip_of(&files), "`policy.toml` is missing");
    let mut files = unzip(&bundle);
    files.insert("more".to_owned(), b"x".to_vec());
    refused("more.zip", &zip_of(&files), "not listed");
    let mut files = unzip(&bundle);
    let manifest = String::from_utf8(files["replay.json"].clone()).unwrap();
    files.insert(
        "replay.json".to_owned(),
        manifest.replace("replay_bundle.v1", "replay_bundle.v2").into_bytes(),
    );
    refused("newer.zip", &zip_of(&files), "patchwarden.replay_bundle.v2");
    let ran = run(folder.path(), &["replay", "none.zip"]);
    assert_eq!(ran.exit, 2, "{}", ran.stderr);
}

#[test]
fn a_bundle_that_cannot_be_written_leaves_the_verdict() {
    let folder = tempfile::tempdir().unwrap();
    captured(folder.path());
    write(&folder.path().join("file"), b"");
    let mut arguments = vec!["gate", "--evidence", "evidence", "--head", HEAD, "--policy", "policy.toml"];
    arguments.extend(["--now", NOW, "--capture", "file/bundle.zip"]);
    let ran = run(folder.path(), &arguments);
    assert_eq!(ran.exit, 11, "{}", ran.stderr);
    assert!(ran.stderr.contains("the judgement was not captured"), "{}", ran.stderr);
    write(&folder.path().join("evidence/unit/junit.xml"), &fixture("pytest/pass.xunit2.xml"));
    // A pass whose output failed is exit 5.
    assert_eq!(run(folder.path(), &arguments).exit, 5);
}

#[test]
fn recordings_of_earlier_versions_are_read_and_judged_alike() {
    let folder = here("tests/fixtures/replay");
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, RECORDED.map(|(name, _)| name.to_owned()), "every recording is listed with its hash");
    for (name, digest) in RECORDED {
        let bytes = fixture(&format!("replay/{name}"));
        assert_eq!(sha256(&bytes), digest, "{name} is a recording: add another one instead");
        let report: Value = serde_json::from_slice(&unzip(&bytes)["outputs/gate_report.json"]).unwrap();
        let ran = run(&folder, &["replay", name, "--format", "json"]);
        // A later version may say more about the same judgement; it may not judge otherwise.
        assert!([0, 13].contains(&ran.exit), "{name}: {}{}", ran.stdout, ran.stderr);
        let told: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(told["verdict"], report["verdict"], "{name}");
    }
}
