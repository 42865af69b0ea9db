//! `patchwarden audit` over the fake forge: what is in order is not reported, what got through is.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::yard::{green, pull, yard};
use crate::cases::in_run::yard::{Step, Yard};
use crate::cases::wire;
use crate::fake_forge::{Protection, PullScene, RunScene, Status, Trigger, Version};
use crate::support::here;
use crate::support::program::{command, finish, run as run_program};
use crate::support::snapshot::compare;

const GATE: &str = "ci / gate (pull_request)";

fn protect(yard: &Yard) {
    let protection = Protection { required_approvals: 0, contexts: vec![GATE.to_owned()] };
    yard.demo().protect("main", protection);
}

/// A green run with a gate in it, which says `pass`.
fn judged<'y>(yard: &'y Yard, pull: PullScene<'_>) -> RunScene<'y> {
    let run = yard.demo().run("ci.yml", Trigger::pull_request(pull.number)).job("unit", &[]).job("lint", &[]);
    let run = run.job_always("gate", &["unit", "lint"]).create();
    green(run);
    Step::new(&yard.forge, run.job("gate")).run().ended(0, &[]);
    run.job("gate").finish(Status::Success);
    run
}

fn asking(yard: &Yard, format: &str) -> Command {
    let url = yard.forge.url();
    let mut command =
        command(Path::new("."), &["audit", "--server", &url, "--repo", "boss/demo", "--format", format]);
    command.env("PATCHWARDEN_TOKEN", yard.forge.personal_token("boss"));
    command
}

fn printed(yard: &Yard, format: &str) -> String {
    let mut command = asking(yard, format);
    command.args(["--now", "2026-11-22T00:00:00Z"]);
    let ran = finish(command);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    ran.stdout
}

fn audit(yard: &Yard, format: &str) -> Value {
    serde_json::from_str(&printed(yard, format)).unwrap()
}

fn rules(yard: &Yard) -> Vec<String> {
    let found = audit(yard, "json");
    let rows = found["findings"].as_array().unwrap();
    rows.iter().map(|row| row["rule"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_merge_that_was_judged_is_in_order() {
    for version in Version::ALL {
        let yard = yard(version);
        protect(&yard);
        let pull = pull(&yard);
        judged(&yard, pull);
        pull.merge("boss");
        assert_eq!(rules(&yard), [] as [&str; 0], "{}", audit(&yard, "json"));
    }
}

#[test]
fn a_forged_status_is_found_and_becomes_a_gap() {
    for version in Version::ALL {
        let yard = yard(version);
        protect(&yard);
        let pull = pull(&yard);
        let run = yard.demo().run("ci.yml", Trigger::pull_request(pull.number)).job("unit", &[]).create();
        let path = format!("/api/v1/repos/boss/demo/statuses/{}", pull.head());
        let forged = json!({"state": "success", "context": GATE}).to_string();
        assert_eq!(wire::call(&yard.forge, "POST", &path, &run.job("unit").token(), &forged).status, 201);
        pull.merge("boss");
        let found = rules(&yard);
        assert_eq!(
            found,
            ["audit.status_forged", "audit.never_judged", "audit.verdict_missing"],
            "{version:?}"
        );
        let sarif = audit(&yard, "sarif");
        assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "audit.status_forged");

        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("audit.sarif"), sarif.to_string()).unwrap();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_patchwarden"));
        command.args(["gaps", "import", "audit.sarif"]).current_dir(folder.path());
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&output.stderr));
        let ledger = std::fs::read_to_string(folder.path().join("docs/gaps.toml")).unwrap();
        assert_eq!(ledger.matches("source = \"audit\"").count(), 3, "{ledger}");
        assert!(ledger.contains("evidence = [\"boss/demo#1\"]"), "{ledger}");
        assert!(ledger.contains("title = \"audit.status_forged: pull request 1: "), "{ledger}");
    }
}

/// The example of the contract is what the program says of the forged status.
#[test]
fn the_document_is_the_example_of_its_contract_and_goes_into_the_status() {
    let yard = yard(Version::V16);
    protect(&yard);
    let pull = pull(&yard);
    let run = yard.demo().run("ci.yml", Trigger::pull_request(pull.number)).job("unit", &[]).create();
    let path = format!("/api/v1/repos/boss/demo/statuses/{}", pull.head());
    let forged = json!({"state": "success", "context": GATE}).to_string();
    assert_eq!(wire::call(&yard.forge, "POST", &path, &run.job("unit").token(), &forged).status, 201);
    pull.merge("boss");
    let printed = printed(&yard, "json");
    let example = here("examples/contracts/patchwarden.audit.v1.json");
    if let Err(difference) = compare(&example, Some(&printed)) {
        panic!("{difference}");
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("audit.json"), printed).unwrap();
    let status = run_program(folder.path(), &["status", "--audit", "audit.json", "--format", "json"]);
    assert_eq!(status.exit, 0, "{}", status.stderr);
    let status: Value = serde_json::from_str(&status.stdout).unwrap();
    let gates = status["layers"].as_array().unwrap().iter().find(|layer| layer["name"] == "gates").unwrap();
    assert_eq!(gates["state"], "broken");
    assert!(gates["supports"][0].as_str().unwrap().contains("(audit.status_forged)"), "{gates}");
    let acts: Vec<&str> =
        status["next_actions"].as_array().unwrap().iter().map(|act| act["what"].as_str().unwrap()).collect();
    assert_eq!(acts[0], "find out who posted the status, and judge what was merged");
    let text = run_program(folder.path(), &["status", "--audit", "audit.json"]).stdout;
    assert!(text.contains("got through\n  boss/demo#1: "), "{text}");
}

#[test]
fn a_result_that_a_second_try_condemned_before_the_merge_is_superseded() {
    for version in Version::ALL {
        let yard = yard(version);
        protect(&yard);
        let pull = pull(&yard);
        let run = judged(&yard, pull);
        yard.forge.advance(600);
        run.rerun("gate");
        run.job("gate").start();
        yard.forge.advance(600);
        pull.merge("boss");
        assert_eq!(rules(&yard), ["audit.verdict_superseded"], "{version:?}: {}", audit(&yard, "json"));
    }
}

#[test]
fn a_second_try_after_the_merge_leaves_nothing_to_see() {
    for version in Version::ALL {
        let yard = yard(version);
        protect(&yard);
        let pull = pull(&yard);
        let run = judged(&yard, pull);
        pull.merge("boss");
        yard.forge.advance(600);
        run.rerun("gate");
        run.job("gate").start();
        assert_eq!(rules(&yard), ["audit.unread"], "{version:?}: {}", audit(&yard, "json"));
    }
}

#[test]
fn a_result_of_an_older_run_of_the_same_workflow_is_superseded() {
    for version in Version::ALL {
        let yard = yard(version);
        protect(&yard);
        let pull = pull(&yard);
        judged(&yard, pull);
        yard.forge.advance(600);
        let again = yard.demo().run("ci.yml", Trigger::pull_request(pull.number)).job("unit", &[]).create();
        again.job("unit").start();
        pull.merge("boss");
        assert_eq!(rules(&yard), ["audit.verdict_superseded"], "{version:?}: {}", audit(&yard, "json"));
    }
}

#[test]
fn a_status_posted_long_after_its_job_is_found() {
    for version in Version::ALL {
        let yard = yard(version);
        protect(&yard);
        let pull = pull(&yard);
        let run = judged(&yard, pull);
        yard.forge.advance(3_600);
        let late = yard.demo().run("late.yml", Trigger::pull_request(pull.number)).job("unit", &[]).create();
        let path = format!("/api/v1/repos/boss/demo/statuses/{}", pull.head());
        let target = format!("/boss/demo/actions/runs/{}/jobs/2", run.index());
        let forged = json!({"state": "success", "context": GATE, "target_url": target}).to_string();
        assert_eq!(wire::call(&yard.forge, "POST", &path, &late.job("unit").token(), &forged).status, 201);
        pull.merge("boss");
        assert_eq!(rules(&yard), ["audit.status_forged"], "{version:?}");
        let said = audit(&yard, "json").to_string();
        assert!(said.contains("had ended, at "), "{said}");
    }
}

#[test]
fn what_was_merged_after_the_time_of_the_audit_is_not_in_it() {
    let yard = yard(Version::V16);
    pull(&yard).merge("boss");
    let mut command = asking(&yard, "json");
    command.args(["--now", "2026-11-20T00:00:00Z"]);
    let ran = finish(command);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&document["merged"], &document["until"]), (&json!(0), &json!("2026-11-20T00:00:00Z")));
    assert_eq!(audit(&yard, "json")["merged"], 1);
}

#[test]
fn a_policy_that_nobody_read_is_found() {
    for version in Version::ALL {
        let yard = yard(version);
        let path = crate::cases::in_run::yard::POLICY_PATH;
        yard.demo().commit("work").file(path, "version = 1\n").push();
        let change = pull(&yard);
        change.merge("boss");
        assert!(rules(&yard).contains(&"audit.policy_unreviewed".to_owned()));
    }
}
