//! The same policy over the same evidence gives the same blockers offline and in the run: what differs is where
//! evidence comes from, never how it is judged.

use std::process::Command;

use serde_json::Value;

use super::yard::{GREEN, POLICY, RED, Yard, gate, zip};
use crate::fake_forge::{Config, Status, Version};

/// Files of the artifact `unit`; none at all where it is not uploaded.
const KINDS: [(&str, &[(&str, &str)]); 7] = [
    ("green", &[("junit.xml", GREEN)]),
    ("red", &[("junit.xml", RED)]),
    ("empty", &[("junit.xml", "<testsuite name=\"s\" tests=\"0\"/>")]),
    ("cut off", &[("junit.xml", "<testsuite name=\"s\" tests=\"1\"><testcase")]),
    ("elsewhere", &[("sub/junit.xml", GREEN)]),
    ("with a manifest that is none", &[("junit.xml", GREEN), ("patchwarden-manifest.json", "{}")]),
    ("absent", &[]),
];

/// Blockers of the policy's own gates: the built-in ones guard the run.
fn of_the_policy(report: &Value) -> Vec<String> {
    let gates = report["gates"].as_array().unwrap().iter().filter(|gate| gate["kind"] != "builtin");
    let mut found: Vec<String> = gates
        .flat_map(|gate| {
            gate["blockers"].as_array().unwrap().iter().map(|blocker| {
                format!("{} {} {} {}", gate["id"], blocker["code"], blocker["subject"], blocker["reason"])
            })
        })
        .collect();
    found.sort();
    found
}

#[test]
fn offline_and_in_the_run_the_same_evidence_has_the_same_blockers() {
    for (kind, files) in KINDS {
        let bytes: Vec<(&str, &[u8])> = files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
        let yard = Yard::with(Config::new(Version::V16), Some(POLICY));
        let run = yard.pull_run();
        if !files.is_empty() {
            run.job("unit").upload_v4("unit", &zip(&bytes));
        }
        run.job("unit").finish(Status::Success);
        run.job("lint").upload_v4("lint", &zip(&[("junit.xml", GREEN.as_bytes())])).finish(Status::Success);
        let inside = gate(&yard.forge, run.job("gate"));

        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("policy.toml", POLICY);
        write("artifacts/lint/junit.xml", GREEN);
        for (name, text) in files {
            write(&format!("artifacts/unit/{name}"), text);
        }
        let head = yard.demo().tip("feat");
        let now = inside.report()["evaluated_at"].as_str().unwrap();
        let arguments =
            ["gate", "--evidence", "artifacts", "--policy", "policy.toml", "--head", &head, "--now", now];
        let mut command = Command::new(env!("CARGO_BIN_EXE_patchwarden"));
        let arguments = command.args(arguments).args(["--repo", "boss/demo", "--pull", "1"]);
        let offline = arguments.env_clear().current_dir(folder.path()).output().unwrap();
        let report = std::fs::read(folder.path().join("patchwarden-out/gate_report.json")).unwrap();
        let report: Value = serde_json::from_slice(&report).unwrap();
        assert_eq!(of_the_policy(&report), of_the_policy(inside.report()), "{kind}");
        assert_eq!(offline.status.code(), Some(inside.code), "{kind}");
        assert_eq!(inside.code == 0, kind == "green", "{kind}");
    }
}
