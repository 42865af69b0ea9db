//! `doctor` and `policy check --workflow`, as processes.

use std::fs;
use std::process::Command;

use serde_json::Value;

use super::transport::{Ran, Step};
use crate::fake_forge::{Config, FakeForge, Protection, Trigger, Version};

const BINARY: &str = env!("CARGO_BIN_EXE_patchwarden");
const POLICY: &str = "version = 1\n[people]\noperators = [\"alice\"]\n";

/// A pull request of alice's against a protected branch, and a step of its run.
fn scene(version: Version, contexts: &[&str]) -> (FakeForge, Step) {
    let forge = Config::new(version).page_size(50).start();
    let demo = forge.repo("boss/demo");
    demo.commit("main").file(".forgejo/patchwarden.toml", POLICY).push();
    let contexts = contexts.iter().map(|context| (*context).to_owned()).collect();
    demo.protect("main", Protection { required_approvals: 1, contexts });
    demo.branch("feat", "main").commit("feat").file("feat", "x\n").push();
    let pull = demo.pull("feat", "main").author("alice").open("Feature", "");
    let run =
        demo.run("ci.yml", Trigger::pull_request(pull.number)).job("unit", &[]).job("gate", &[]).create();
    run.job("unit").upload_v4("unit", b"PK");
    let step = Step::of(&forge, run.job("gate"));
    (forge, step)
}

fn answers(diagnosis: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let rows = diagnosis["capabilities"].as_array().unwrap().iter();
    rows.map(|row| (text(&row["name"]), text(&row["answer"]))).collect()
}

#[test]
fn what_a_server_cannot_do_is_said_with_what_it_costs() {
    for (version, new) in [(Version::V15, "not_found"), (Version::V16, "yes")] {
        let (forge, step) = scene(version, &["ci / gate (pull_request)"]);
        let ran = step.run(&["doctor", "--format", "json"]);
        let diagnosis = ran.ended(&forge, 0).json();
        for (name, answer) in answers(&diagnosis) {
            let wanted = match name.as_str() {
                "jobs" | "live_artifacts" | "own_run" => new,
                _ => "yes",
            };
            assert_eq!(answer, wanted, "{version:?} {name}");
        }
        for row in diagnosis["capabilities"].as_array().unwrap() {
            assert_eq!(row["without"].is_string(), row["answer"] != "yes");
        }
        assert_eq!(diagnosis["token"], "job");
        assert_eq!(diagnosis["artifact_protocols"], serde_json::json!(["v3", "v4"]));
        assert!(
            forge.requests().iter().all(|seen| seen.method == "GET" || seen.target.contains("ListArtifacts"))
        );
    }
}

#[test]
fn a_glob_a_lone_operator_and_what_cannot_be_seen_are_said() {
    let (forge, step) = scene(Version::V16, &["ci / *"]);
    let ran = step.run(&["doctor"]);
    let text = &ran.ended(&forge, 0).stdout;
    for words in [
        "weak: the required context `ci / *` is a glob",
        "weak: no required context is `ci / gate (pull_request)`",
        "is the only operator, so nobody can clear",
        "weak: this run takes its workflow from the change",
        "unseen: whether the gate's job has a runner of its own",
        "protection: `main` is protected, approvals 1",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let (forge, step) = scene(Version::V15, &[]);
    let text = step.run(&["doctor"]);
    assert!(text.ended(&forge, 0).stdout.contains("requires no status context"), "{}", text.stdout);
}

#[test]
fn a_person_may_ask_from_their_desk_and_silence_is_no_answer() {
    let (forge, _step) = scene(Version::V16, &["ci / gate (pull_request)"]);
    let ask = |server: &str| {
        let arguments = ["doctor", "--server", server, "--repo", "boss/demo", "--format", "json"];
        let token = forge.personal_token("boss");
        let output =
            Command::new(BINARY).args(arguments).env_clear().env("PATCHWARDEN_TOKEN", token).output();
        Ran::of(output.unwrap())
    };
    let asked = ask(&forge.url());
    let diagnosis = asked.ended(&forge, 0).json();
    assert_eq!(diagnosis["token"], "personal");
    assert_eq!(diagnosis["protection"]["known"]["branch"], "main");
    let asked: Vec<_> = answers(&diagnosis).into_iter().filter(|(_, answer)| answer == "yes").collect();
    assert_eq!(asked.len(), 2, "repository and branch: {asked:?}");
    ask("ftp://forge.example").ended(&forge, 2);
    let url = forge.url();
    forge.stop_listening();
    ask(&url).ended(&forge, 4);
    let nowhere = Command::new(BINARY).arg("doctor").env_clear().output().unwrap();
    assert_eq!(nowhere.status.code(), Some(4));
}

const SOUND: &str = "name: ci
on:
  pull_request:
    branches: [main]
jobs:
  unit:
    steps: [{run: make test}]
  gate:
    needs: [unit]
    if: always()
    steps:
      - uses: https://forge.example/o/patchwarden@0123456789abcdef0123456789abcdef01234567
        with:
          needs: ${{ toJSON(needs) }}
";

fn check(workflow: &str, more: &[&str]) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("ci.yml"), workflow).unwrap();
    let mut command = Command::new(BINARY);
    command
        .args(["policy", "check", "--workflow", "ci.yml"])
        .args(more)
        .current_dir(folder.path())
        .env_clear();
    Ran::of(command.output().unwrap())
}

#[test]
fn a_workflow_whose_gate_can_be_passed_by_is_exit_3() {
    let sound = check(SOUND, &["--required-context", "ci / gate (pull_request)"]);
    assert_eq!((sound.code, sound.stderr.as_str()), (Some(0), ""), "{}", sound.stderr);
    assert!(sound.stdout.contains("require before merging: ci / gate (pull_request)\n"), "{}", sound.stdout);
    assert!(!sound.stdout.contains("warning"), "{}", sound.stdout);
    let refusals = [
        (SOUND.replace("    if: always()\n", ""), "no `if: always()`"),
        (SOUND.replace("on:\n", "on:\n  schedule: [{cron: '1 2 * * *'}]\n"), "`schedule:`"),
        (SOUND.replace("needs: ${{ toJSON(needs) }}", "comment: true"), "does not pass them"),
        (
            SOUND.replace(
                "    steps:\n      - uses",
                "    steps:\n      - uses: actions/checkout@v4\n      - uses",
            ),
            "checks out",
        ),
        ("jobs: 3".to_owned(), "it is no workflow file"),
        ("on: push\njobs: {a: {steps: [{run: make}]}}".to_owned(), "`--job`"),
    ];
    for (workflow, words) in refusals {
        let refused = check(&workflow, &[]);
        assert_eq!(refused.code, Some(3), "{words}: {}", refused.stderr);
        assert!(refused.stderr.contains(words), "{words}: {}", refused.stderr);
    }
    let glob = check(SOUND, &["--required-context", "ci / *"]);
    assert_eq!(glob.code, Some(3));
    assert!(glob.stderr.contains("is a glob"), "{}", glob.stderr);
    let moving = check(&SOUND.replace("0123456789abcdef0123456789abcdef01234567", "v1"), &[]);
    assert_eq!(moving.code, Some(0));
    assert!(moving.stdout.contains("warning: job `gate`: `uses: https://forge.example/o/patchwarden@v1`"));
}
