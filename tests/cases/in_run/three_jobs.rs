//! The whole of it: tests and lint recorded, the gate beside them; it passes, blocks, and passes after the repair.

use serde_json::Value;

use super::example::{Example, Tool};
use crate::fake_forge::{Status, Version};

#[test]
fn passes_blocks_and_passes_again_after_the_repair() {
    for version in Version::ALL {
        let example = Example::new(version);
        let pull = example.pull();

        let run = example.run(pull);
        assert_eq!(example.produce(run.job("tests"), "tests", Tool::Clean), 0);
        assert_eq!(example.produce(run.job("lint"), "lint", Tool::Clean), 0);
        let ran = example.judge(run);
        ran.ended(0, &[]);
        for evidence in ran.report()["evidence"].as_array().unwrap() {
            assert_eq!(evidence["bindings"], serde_json::json!(["run", "manifest"]));
        }
        run.job("gate").finish(Status::Success);

        let broken = example.commit("feat", "src/b.py", "b = 2\n");
        let run = example.run(pull);
        assert_eq!(example.produce(run.job("tests"), "tests", Tool::Red), 1);
        assert_eq!(example.produce(run.job("lint"), "lint", Tool::Clean), 0);
        let ran = example.judge(run);
        // Its own report explains the red job, so the job itself is no second blocker.
        ran.ended(11, &["unit:tests.failed"]);
        assert_eq!(ran.report()["target"]["target_sha"], broken);
        let packet = ran.packet.as_ref().unwrap();
        let entries: Vec<&Value> = packet["entries"].as_array().unwrap().iter().collect();
        assert_eq!(entries.len(), 1);
        assert_eq!(
            (&entries[0]["action"]["kind"], &entries[0]["owner"]),
            (&"fix_tests".into(), &"agent".into())
        );
        assert_eq!(entries[0]["acceptance"]["head"], "next");
        run.job("gate").finish(Status::Failure);

        let repaired = example.commit("feat", "src/b.py", "b = 3\n");
        let run = example.run(pull);
        example.produce(run.job("tests"), "tests", Tool::Clean);
        example.produce(run.job("lint"), "lint", Tool::Clean);
        let ran = example.judge(run);
        ran.ended(0, &[]);
        assert_eq!(ran.report()["target"]["target_sha"], repaired);
    }
}

#[test]
fn findings_block_and_explain_their_red_job() {
    for version in Version::ALL {
        let example = Example::new(version);
        let run = example.run(example.pull());
        example.produce(run.job("tests"), "tests", Tool::Clean);
        assert_eq!(example.produce(run.job("lint"), "lint", Tool::Red), 1);
        example.judge(run).ended(11, &["lint:findings.over_limit"]);
    }
}

#[test]
fn a_tool_that_dies_without_a_report_is_missing_it() {
    for version in Version::ALL {
        let example = Example::new(version);
        let run = example.run(example.pull());
        assert_eq!(example.produce(run.job("tests"), "tests", Tool::Dies), 1);
        example.produce(run.job("lint"), "lint", Tool::Clean);
        let ran = example.judge(run);
        assert_eq!(ran.code, 11);
        assert!(ran.blockers().contains(&"run:run.job_failed".to_owned()), "{:?}", ran.blockers());
        assert!(ran.blockers().contains(&"unit:evidence.missing".to_owned()), "{:?}", ran.blockers());
    }
}

/// What was recorded for one head is worth nothing for the next, even in the next head's own run.
#[test]
fn evidence_of_the_head_before_is_refused() {
    for version in Version::ALL {
        let example = Example::new(version);
        let pull = example.pull();
        let run = example.run(pull);
        let (_, name, old) = example.record(run.job("tests"), "tests", Tool::Clean);
        example.commit("feat", "src/b.py", "b = 2\n");
        let run = example.run(pull);
        let files: Vec<(&str, &[u8])> =
            old.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
        run.job("tests").upload_v4(&name, &super::yard::zip(&files)).finish(Status::Success);
        example.produce(run.job("lint"), "lint", Tool::Clean);
        let ran = example.judge(run);
        assert_eq!(ran.code, 11);
        assert!(ran.blockers().contains(&"unit:evidence.wrong_head".to_owned()), "{:?}", ran.blockers());
    }
}
