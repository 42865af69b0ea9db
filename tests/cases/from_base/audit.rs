//! `patchwarden audit` over the fake forge: what is in order is not reported, what got through is.

use serde_json::{Value, json};

use super::yard::{green, pull, yard};
use crate::cases::in_run::yard::{Step, Yard};
use crate::cases::wire;
use crate::fake_forge::{Protection, PullScene, Status, Trigger, Version};

const GATE: &str = "ci / gate (pull_request)";

fn protect(yard: &Yard) {
    let protection = Protection { required_approvals: 0, contexts: vec![GATE.to_owned()] };
    yard.demo().protect("main", protection);
}

/// A green run with a gate in it, which says `pass`.
fn judged(yard: &Yard, pull: PullScene<'_>) {
    let run = yard.demo().run("ci.yml", Trigger::pull_request(pull.number)).job("unit", &[]).job("lint", &[]);
    let run = run.job_always("gate", &["unit", "lint"]).create();
    green(run);
    Step::new(&yard.forge, run.job("gate")).run().ended(0, &[]);
    run.job("gate").finish(Status::Success);
}

fn audit(yard: &Yard, format: &str) -> Value {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_patchwarden"));
    command.args(["audit", "--server", &yard.forge.url(), "--repo", "boss/demo", "--format", format]);
    command.args(["--now", "2026-11-22T00:00:00Z"]).env_clear();
    command.env("PATCHWARDEN_TOKEN", yard.forge.personal_token("boss"));
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
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
    }
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
