//! The events a run can be of: which commit is judged, and whether the run's evidence is of that commit.

use super::yard::{GREEN, RED, Step, Yard, gate, green, junit};
use crate::fake_forge::{Status, Trigger, Version};

#[test]
fn a_pull_request_from_the_same_repository_passes() {
    for version in Version::ALL {
        let yard = Yard::new(version);
        let ran = gate(&yard.forge, yard.green().job("gate"));
        ran.ended(0, &[]);
        assert_eq!(ran.report()["target"]["target_sha"], yard.demo().tip("feat"));
        assert_eq!(ran.report()["target"]["base_sha"], yard.demo().tip("main"));
        assert_eq!(ran.report()["policy"]["ref"], yard.demo().tip("main"));
        assert_eq!(ran.report()["evidence"][0]["bindings"][0], "run");
    }
}

#[test]
fn a_red_report_blocks_and_explains_its_red_job() {
    for version in Version::ALL {
        let yard = Yard::new(version);
        let run = yard.pull_run();
        run.job("unit").upload_v4("unit", &junit(RED)).finish(Status::Failure);
        run.job("lint").upload_v4("lint", &junit(GREEN)).finish(Status::Success);
        gate(&yard.forge, run.job("gate")).ended(11, &["unit:tests.failed"]);
    }
}

#[test]
fn a_pull_request_from_a_fork_passes_once_approved() {
    for version in Version::ALL {
        let yard = Yard::new(version);
        let fork = yard.demo().fork("mallory/demo");
        let head = fork.branch("patch", "main").commit("patch").file("patch.txt", "x\n").push();
        let pull = yard.demo().pull("patch", "main").from(fork).author("mallory").open("Patch", "");
        let run = yard.run(Trigger::pull_request(pull.number));
        run.approve("boss");
        green(run);
        let ran = gate(&yard.forge, run.job("gate"));
        ran.ended(0, &[]);
        assert_eq!(ran.report()["target"]["fork"], true);
        assert_eq!(ran.report()["target"]["target_sha"], head);
    }
}

#[test]
fn a_push_is_judged_by_the_policy_before_it() {
    for version in Version::ALL {
        let yard = Yard::new(version);
        let before = yard.demo().tip("main");
        // What this push says of the policy counts for the next one.
        let head = yard.demo().commit("main").file(super::yard::POLICY_PATH, "nonsense").push();
        let run = yard.run(Trigger::push("main"));
        green(run);
        let ran = gate(&yard.forge, run.job("gate"));
        ran.ended(0, &[]);
        assert_eq!(ran.report()["target"]["target_sha"], head);
        assert_eq!(ran.report()["policy"]["ref"], before);
    }
}

/// Jobs of `pull_request_target` check out the base: a report that names no commit is the base's.
#[test]
fn evidence_of_the_base_does_not_count_for_the_head() {
    for version in Version::ALL {
        let yard = Yard::new(version);
        let run = yard.run(Trigger::pull_request_target(yard.pull().number));
        green(run);
        let ran = gate(&yard.forge, run.job("gate"));
        ran.ended(11, &["lint:evidence.unbound", "unit:evidence.unbound"]);
        assert_eq!(ran.report()["target"]["target_sha"], yard.demo().tip("feat"));
    }
}

#[test]
fn a_comment_judges_the_head_and_its_own_run_is_of_another_commit() {
    for version in Version::ALL {
        let yard = Yard::new(version);
        let pull = yard.pull();
        yard.demo().comment(pull.number, "alice", "again");
        let run = yard.run(Trigger::IssueComment { number: pull.number });
        green(run);
        let ran = gate(&yard.forge, run.job("gate"));
        ran.ended(11, &["lint:evidence.unbound", "unit:evidence.unbound"]);
        assert_eq!(ran.report()["target"]["target_sha"], pull.head());
    }
}

#[test]
fn a_dispatch_judges_the_pull_request_it_is_told() {
    for version in Version::ALL {
        let yard = Yard::new(version);
        let pull = yard.pull();
        let number = pull.number.to_string();
        for (reference, code, blockers) in [
            // Started on the head's own branch, the run is of the head.
            ("feat", 0, &[][..]),
            ("main", 11, &["lint:evidence.unbound", "unit:evidence.unbound"][..]),
        ] {
            let run = yard.run(Trigger::Dispatch { reference: reference.to_owned(), inputs: Vec::new() });
            green(run);
            let ran = Step::new(&yard.forge, run.job("gate")).arguments(&["--pull", &number]).run();
            ran.ended(code, blockers);
            assert_eq!(ran.report()["target"]["target_sha"], pull.head());
        }
        let run = yard.run(Trigger::Dispatch { reference: "main".to_owned(), inputs: Vec::new() });
        green(run);
        Step::new(&yard.forge, run.job("gate")).arguments(&["--pull", "999"]).run().gave_up(4, "/pulls/999");
    }
}

#[test]
fn heads_that_disagree_are_both_named() {
    let yard = Yard::new(Version::V16);
    let run = yard.green();
    let other = yard.demo().tip("main");
    let step = Step::new(&yard.forge, run.job("gate")).env("GITHUB_SHA", &other).env("FORGEJO_SHA", &other);
    let ran = step.run();
    ran.gave_up(4, &other);
    ran.gave_up(4, &yard.demo().tip("feat"));
}
