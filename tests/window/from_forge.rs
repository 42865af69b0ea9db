//! `metrics --from-forge`: rates from merged pull requests, their timelines and the results their gates left.

use serde_json::Value;

use super::{ask, writes};
use crate::cases::in_run::yard::{Yard, gate, green};
use crate::fake_forge::{At, Config, FakeForge, Fault, RepoScene, Status, Trigger, Version};

/// Merges one pull request of as many heads.
fn merge(demo: RepoScene<'_>, branch: &str, heads: usize) {
    demo.branch(branch, "main").commit(branch).file(&format!("{branch}.txt"), "1").push();
    let pull = demo.pull(branch, "main").open(branch, "");
    for head in 1..heads {
        demo.commit(branch).file(&format!("{branch}.txt"), head.to_string()).push();
    }
    pull.merge("boss");
}

fn metrics(forge: &FakeForge) -> (Value, String) {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["metrics", "--from-forge", "--now", "2026-11-22T10:00:00Z", "--format", "json"];
    let ran = ask(forge, "boss", folder.path(), &arguments);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    (serde_json::from_str(&ran.stdout).unwrap(), ran.stderr)
}

#[test]
fn attempts_are_the_heads_pushed_until_it_merged() {
    for version in Version::ALL {
        let forge = Config::new(version).page_size(50).start();
        let demo = forge.repo("boss/demo");
        demo.commit("main").file("README.md", "demo\n").push();
        for number in 0..50 {
            merge(demo, &format!("b{number}"), if number % 10 == 3 { 2 } else { 1 });
            forge.advance(60);
        }
        let (report, said) = metrics(&forge);
        assert_eq!(report["log"]["merged"], 50);
        let rate = &report["first_pass_merge_rate"];
        assert_eq!((&rate["numerator"], &rate["denominator"]), (&Value::from(45), &Value::from(50)));
        assert_eq!(report["crossings"][0]["metric"], "first_pass_merge_rate");
        assert_eq!(report["log"]["without_final_verdict"], 50, "no gate left a result");
        assert_eq!(said.lines().filter(|line| line.contains("the gate's result of boss/demo#")).count(), 50);
        assert_eq!(writes(&forge), Vec::<String>::new());
    }
}

#[test]
fn the_final_verdict_comes_from_the_result_the_gate_left() {
    for version in Version::ALL {
        let yard = Yard::new(version);
        let pull = yard.pull();
        let run = yard.run(Trigger::pull_request(pull.number));
        green(run);
        assert_eq!(gate(&yard.forge, run.job("gate")).code, 0);
        run.job("gate").finish(Status::Success);
        pull.merge("boss");
        let (report, said) = metrics(&yard.forge);
        assert_eq!(report["log"]["merged"], 1);
        assert_eq!(report["log"]["without_final_verdict"], 0, "{said}");
        assert_eq!(said, "");
    }
}

#[test]
fn a_timeline_that_is_not_answered_makes_the_rate_unmeasured_not_wrong() {
    let forge = Config::new(Version::V16).page_size(50).start();
    let demo = forge.repo("boss/demo");
    demo.commit("main").file("README.md", "demo\n").push();
    for number in 0..51 {
        merge(demo, &format!("b{number}"), 1);
        forge.advance(60);
    }
    forge.fault(At::path("/issues/40/timeline").always(), Fault::Status(500));
    let (report, said) = metrics(&forge);
    assert_eq!(report["first_pass_merge_rate"]["state"], "unmeasured");
    assert_eq!(report["log"]["malformed"], 1);
    assert!(said.contains("the pushes of boss/demo#40"), "{said}");
}

#[test]
fn a_forge_that_lists_nothing_is_an_error_and_no_empty_log() {
    let forge = FakeForge::start(Version::V16);
    forge.repo("boss/demo");
    forge.fault(At::path("/pulls").always(), Fault::Status(500));
    let folder = tempfile::tempdir().unwrap();
    let ran = ask(&forge, "boss", folder.path(), &["metrics", "--from-forge"]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (4, ""));
    assert!(ran.stderr.starts_with("error: no rate was computed\n"), "{}", ran.stderr);
}
