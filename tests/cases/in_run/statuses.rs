//! The gates `statuses` and `protected_paths` inside a run: what the forge says of other runs' jobs and of the files.
//! A job of the run posts whatever it likes under any context (LIVE section 8); only the job behind it counts.

use super::yard::{Yard, gate, green};
use crate::fake_forge::{At, Config, Fault, PullScene, RunScene, Status, Trigger, Version};

const STATUSES: &str = r#"
version = 1
[people]
operators = ["carol"]
[[gate]]
id = "others"
kind = "statuses"
require = ["other / docs (pull_request)"]
"#;

const OTHER: &str = "name: other\non: pull_request\njobs:\n  docs:\n    runs-on: x\n";

/// A pull request with the run that is judged, finished but for the gate, and the run of another workflow.
fn scene(yard: &Yard) -> (PullScene<'_>, RunScene<'_>, RunScene<'_>) {
    let demo = yard.demo();
    demo.commit("feat").file(".forgejo/workflows/other.yml", OTHER).push();
    demo.commit("feat").file(".forgejo/workflows/ci.yml", super::requests::WORKFLOW).push();
    let pull = yard.pull();
    let run = yard.run(Trigger::pull_request(pull.number));
    green(run);
    let other = demo.run("other.yml", Trigger::pull_request(pull.number)).job("docs", &[]).create();
    pull.review("carol", "APPROVED", "the workflow is mine");
    (pull, run, other)
}

fn yard(version: Version) -> Yard {
    Yard::with(Config::new(version), Some(STATUSES))
}

#[test]
fn a_status_is_as_green_as_the_job_behind_it() {
    for version in Version::ALL {
        for (status, code, blockers) in [
            (Status::Success, 0, &[][..]),
            (Status::Failure, 11, &["others:status.failed"][..]),
            (Status::Cancelled, 11, &["others:status.failed"][..]),
        ] {
            let yard = yard(version);
            let (_, run, other) = scene(&yard);
            other.job("docs").finish(status);
            gate(&yard.forge, run.job("gate")).ended(code, blockers);
        }
        // Nobody waits for it: it is said to be unfinished.
        let yard = yard(version);
        let (_, run, _) = scene(&yard);
        gate(&yard.forge, run.job("gate")).ended(12, &["others:status.unfinished"]);
    }
}

/// `success` posted over a job's own red status, under its very context: the job is asked, not the status.
#[test]
fn a_forged_status_changes_nothing() {
    for version in Version::ALL {
        // Without an address, with its own, and with that of a job that succeeded.
        for part in ["", "other", "green"] {
            let yard = yard(version);
            let (pull, run, other) = scene(&yard);
            other.job("docs").finish(Status::Failure);
            let address = match part {
                "" => String::new(),
                "other" => format!("/boss/demo/actions/runs/{}/jobs/0", other.index()),
                _ => format!("/boss/demo/actions/runs/{}/jobs/0", run.index()),
            };
            yard.demo().status_at(&pull.head(), "success", "other / docs (pull_request)", &address);
            gate(&yard.forge, run.job("gate")).ended(11, &["others:status.failed"]);
        }
    }
}

/// A context that no job of a run stands behind is a person's to believe.
#[test]
fn what_another_system_posts_waits_for_a_person() {
    for version in Version::ALL {
        let yard = yard(version);
        let demo = yard.demo();
        demo.commit("feat").file(".forgejo/workflows/ci.yml", super::requests::WORKFLOW).push();
        let pull = yard.pull();
        let run = yard.run(Trigger::pull_request(pull.number));
        green(run);
        demo.status(&pull.head(), "success", "other / docs (pull_request)");
        let ran = gate(&yard.forge, run.job("gate"));
        assert_eq!(ran.code, 10, "{}", ran.stdout);
        assert!(ran.blockers().contains(&"others:status.unverified".to_owned()), "{:?}", ran.blockers());
        pull.review("carol", "APPROVED", "I know that system");
        let ran = gate(&yard.forge, run.job("gate"));
        ran.ended(0, &[]);
        assert!(ran.stdout.contains("carol"), "{}", ran.stdout);
    }
}

#[test]
fn what_is_required_and_not_there_is_missing() {
    for version in Version::ALL {
        let yard = yard(version);
        yard.demo().commit("feat").file(".forgejo/workflows/ci.yml", super::requests::WORKFLOW).push();
        let pull = yard.pull();
        pull.review("carol", "APPROVED", "");
        let run = yard.run(Trigger::pull_request(pull.number));
        green(run);
        gate(&yard.forge, run.job("gate")).ended(11, &["others:status.missing"]);
    }
}

#[test]
fn a_forge_that_does_not_answer_is_unmeasured() {
    for version in Version::ALL {
        for path in ["/statuses", "/actions/runs?"] {
            let yard = yard(version);
            let (_, run, other) = scene(&yard);
            other.job("docs").finish(Status::Success);
            yard.forge.fault(At::path(path).always(), Fault::Status(502));
            let ran = gate(&yard.forge, run.job("gate"));
            assert_eq!(ran.code, 12, "{version:?} {path}: {:?}", ran.blockers());
            let unseen = |blocker: &String| blocker == "others:status.unseen";
            assert!(ran.blockers().iter().all(unseen), "{:?}", ran.blockers());
        }
    }
}

const PROTECTED: &str = r#"
version = 1
[people]
operators = ["carol"]
[[gate]]
id = "schema"
kind = "protected_paths"
paths = ["db/**"]
"#;

#[test]
fn a_protected_path_is_a_persons_to_read() {
    for version in Version::ALL {
        let yard = Yard::with(Config::new(version), Some(PROTECTED));
        let run = yard.green();
        gate(&yard.forge, run.job("gate")).ended(0, &[]);

        let yard = Yard::with(Config::new(version), Some(PROTECTED));
        yard.demo().commit("feat").file("db/schema.sql", "drop table a;\n").push();
        let pull = yard.pull();
        let run = yard.run(Trigger::pull_request(pull.number));
        green(run);
        gate(&yard.forge, run.job("gate")).ended(10, &["schema:protected.path_changed"]);
        pull.review("carol", "APPROVED", "read");
        gate(&yard.forge, run.job("gate")).ended(0, &[]);
    }
}

/// A push has statuses, and no pull request whose files could be protected.
#[test]
fn a_push_has_statuses_and_no_changed_files() {
    for version in Version::ALL {
        let both = format!(
            "{STATUSES}{}",
            PROTECTED.split_once("[[gate]]").unwrap().1.replace("\nid", "[[gate]]\nid")
        );
        let policy = both.replace("other / docs (pull_request)", "other / docs (push)");
        let yard = Yard::with(Config::new(version), Some(&policy));
        let demo = yard.demo();
        demo.commit("main")
            .file(".forgejo/workflows/other.yml", OTHER.replace("pull_request", "push"))
            .push();
        let ci = super::requests::WORKFLOW.replace("pull_request", "push");
        demo.commit("main").file(".forgejo/workflows/ci.yml", ci).push();
        let run = yard.run(Trigger::push("main"));
        green(run);
        let other = demo.run("other.yml", Trigger::push("main")).job("docs", &[]).create();
        other.job("docs").finish(Status::Success);
        let ran = gate(&yard.forge, run.job("gate"));
        ran.ended(0, &[]);
        let schema =
            ran.report()["gates"].as_array().unwrap().iter().find(|gate| gate["id"] == "schema").unwrap();
        assert_eq!(schema["outcome"], "skipped");
    }
}
