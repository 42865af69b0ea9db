//! Which runs and artifacts are judged, and what comes of each way a run can end.

use std::collections::BTreeSet;

use super::yard::{CI, CI_PATH, ci_run, gate_run, green, hasty, pull, step, yard};
use crate::cases::in_run::yard::{GREEN, POLICY, POLICY_PATH, RED, Step, junit};
use crate::fake_forge::{Status, Trigger, Version};

#[test]
fn green_runs_of_the_head_pass() {
    for version in Version::ALL {
        let yard = yard(version);
        let pull = pull(&yard);
        green(ci_run(yard.demo(), pull.number));
        let ran = hasty(&yard.forge, gate_run(yard.demo(), pull.number));
        ran.ended(0, &[]);
        assert_eq!(ran.report()["target"]["target_sha"], pull.head());
        assert_eq!(ran.report()["target"]["event"], "pull_request_target");
        assert_eq!(ran.report()["policy"]["ref"], yard.demo().tip("main"));
        assert_eq!(ran.report()["evidence"][0]["bindings"][0], "run");
        assert!(ran.report()["notes"].to_string().contains("judged run"), "{}", ran.report()["notes"]);
    }
}

#[test]
fn a_red_report_blocks_with_the_packet_of_a_gate_in_the_run() {
    for version in Version::ALL {
        let yard = yard(version);
        let pull = pull(&yard);
        let finish = |run: crate::fake_forge::RunScene<'_>| {
            run.job("unit").upload_v4("unit", &junit(RED)).finish(Status::Failure);
            run.job("lint").upload_v4("lint", &junit(GREEN)).finish(Status::Success);
        };
        let inside = yard.demo().run("ci.yml", Trigger::pull_request(pull.number));
        let inside = inside.job("unit", &[]).job("lint", &[]).job_always("gate", &["unit", "lint"]).create();
        finish(inside);
        let in_run = Step::new(&yard.forge, inside.job("gate")).run();
        in_run.ended(11, &["unit:tests.failed"]);
        inside.job("gate").finish(Status::Failure);

        finish(ci_run(yard.demo(), pull.number));
        let from_base = hasty(&yard.forge, gate_run(yard.demo(), pull.number));
        from_base.ended(11, &["unit:tests.failed"]);
        assert_eq!(in_run.packet, from_base.packet);
    }
}

/// The same for every other way two jobs can end that both places see alike.
#[test]
fn the_packet_does_not_depend_on_where_the_gate_stands() {
    type Finish = fn(crate::fake_forge::RunScene<'_>);
    let ways: [(Finish, &[&str]); 4] = [
        (|run| green(run), &[]),
        (
            |run| {
                run.job("unit").finish(Status::Failure);
                run.job("lint").upload_v4("lint", &junit(GREEN)).finish(Status::Success);
            },
            &["run:run.job_failed", "unit:evidence.missing"],
        ),
        (
            |run| {
                run.job("unit").upload_v4("unit", &junit(GREEN)).finish(Status::Failure);
                run.job("lint").upload_v4("lint", b"no zip").finish(Status::Success);
            },
            &["lint:evidence.malformed", "run:run.job_failed", "unit:evidence.producer_failed"],
        ),
        (
            |run| {
                run.job("unit").upload_v3("unit", &[("junit.xml", RED.as_bytes())]).finish(Status::Failure);
                run.job("lint").upload_v4("lint", &junit("<testsuite/>")).finish(Status::Success);
            },
            &["lint:evidence.nothing_measured", "unit:tests.failed"],
        ),
    ];
    for version in Version::ALL {
        for (finish, blockers) in &ways {
            let yard = yard(version);
            let pull = pull(&yard);
            let inside = yard.demo().run("ci.yml", Trigger::pull_request(pull.number));
            let inside =
                inside.job("unit", &[]).job("lint", &[]).job_always("gate", &["unit", "lint"]).create();
            finish(inside);
            let in_run = Step::new(&yard.forge, inside.job("gate")).run();
            inside.job("gate").finish(Status::Success);
            finish(ci_run(yard.demo(), pull.number));
            let from_base = hasty(&yard.forge, gate_run(yard.demo(), pull.number));
            assert_eq!(from_base.blockers(), *blockers, "{version:?} {}", from_base.stderr);
            assert_eq!(in_run.packet, from_base.packet, "{version:?}");
            assert_eq!(in_run.code, from_base.code);
        }
    }
}

#[test]
fn a_run_that_awaits_approval_says_so() {
    for version in Version::ALL {
        let yard = yard(version);
        let fork = yard.demo().fork("mallory/demo");
        fork.branch("patch", "main").commit("patch").file("patch.txt", "x\n").push();
        let pull = yard.demo().pull("patch", "main").from(fork).author("mallory").open("Patch", "");
        let run = ci_run(yard.demo(), pull.number);
        let gate = gate_run(yard.demo(), pull.number);
        let ran = hasty(&yard.forge, gate);
        ran.ended(12, &["lint:run.awaits_approval", "run:run.awaits_approval", "unit:run.awaits_approval"]);
        // A push would only make another run that waits for the same person.
        let packet = ran.packet.as_ref().unwrap();
        let owners: Vec<_> = packet["entries"].as_array().unwrap().iter().map(|one| &one["owner"]).collect();
        assert_eq!(owners, ["operator"; 3]);
        run.approve("boss");
        green(run);
        hasty(&yard.forge, gate).ended(0, &[]);
    }
}

#[test]
fn a_run_that_never_starts_or_was_cancelled_or_outlives_the_wait_says_so() {
    for version in Version::ALL {
        let yard = yard(version);
        let pull = pull(&yard);
        let gate = gate_run(yard.demo(), pull.number);
        let unread = |code: &str| -> Vec<String> {
            ["lint", "run", "unit"].map(|gate| format!("{gate}:{code}")).to_vec()
        };
        let ends = |code: &str| {
            let ran = hasty(&yard.forge, gate);
            assert_eq!((ran.code, ran.blockers()), (12, unread(code)), "{version:?} {}", ran.stderr);
            let blocker = ran.blocker(code);
            assert!(blocker.contains("run"), "{blocker}");
        };
        ends("run.never_started");
        let run = ci_run(yard.demo(), pull.number);
        ends("run.never_started");
        run.job("unit").upload_v4("unit", &junit(GREEN));
        ends("run.outlived_wait");
        run.cancel();
        ends("run.cancelled");
    }
}

/// A run says `failure` while its other jobs still run.
#[test]
fn a_red_run_with_a_job_still_running_is_not_judged_yet() {
    for version in Version::ALL {
        let yard = yard(version);
        let pull = pull(&yard);
        let run = ci_run(yard.demo(), pull.number);
        run.job("unit").upload_v4("unit", &junit(RED)).finish(Status::Failure);
        run.job("lint").start();
        assert_eq!(run.status(), Status::Failure);
        let ran = hasty(&yard.forge, gate_run(yard.demo(), pull.number));
        assert_eq!(ran.code, 12);
        assert!(ran.blockers().contains(&"run:run.outlived_wait".to_owned()), "{:?}", ran.blockers());
    }
}

#[test]
fn artifacts_of_one_name_in_two_runs_are_ambiguous_until_the_policy_says_which() {
    for version in Version::ALL {
        let yard = yard(version);
        let pull = pull(&yard);
        green(ci_run(yard.demo(), pull.number));
        let other =
            yard.demo().run("extra.yml", Trigger::pull_request(pull.number)).job("unit", &[]).create();
        other.job("unit").upload_v4("unit", &junit(GREEN)).finish(Status::Success);
        let gate = gate_run(yard.demo(), pull.number);
        let ran = hasty(&yard.forge, gate);
        ran.ended(11, &["unit:evidence.ambiguous"]);
        assert!(ran.blocker("evidence.ambiguous").contains("`extra.yml`"));
        let settled = POLICY.replace("{ job = \"unit\" }", "{ workflow = \"ci.yml\", job = \"unit\" }");
        yard.demo().commit("main").file(POLICY_PATH, settled).push();
        hasty(&yard.forge, gate).ended(0, &[]);
    }
}

#[test]
fn the_latest_run_and_the_latest_attempt_count() {
    for version in Version::ALL {
        let yard = yard(version);
        let pull = pull(&yard);
        let first = ci_run(yard.demo(), pull.number);
        green(first);
        let second = ci_run(yard.demo(), pull.number);
        second.job("unit").upload_v4("unit", &junit(RED)).finish(Status::Failure);
        second.job("lint").upload_v4("lint", &junit(GREEN)).finish(Status::Success);
        let gate = gate_run(yard.demo(), pull.number);
        hasty(&yard.forge, gate).ended(11, &["unit:tests.failed"]);
        // Running the older, greener one again changes nothing.
        first.rerun_all();
        green(first);
        hasty(&yard.forge, gate).ended(11, &["unit:tests.failed"]);
        // One job again condemns what the other uploaded, and no manifest is believed from here.
        second.rerun("unit");
        second.job("unit").upload_v4("unit", &junit(GREEN)).finish(Status::Success);
        hasty(&yard.forge, gate).ended(11, &["lint:evidence.superseded"]);
        second.rerun_all();
        green(second);
        hasty(&yard.forge, gate).ended(0, &[]);
    }
}

#[test]
fn before_v16_a_private_repository_hides_its_artifacts() {
    for version in Version::ALL {
        let yard = yard(version);
        yard.demo().private();
        let pull = pull(&yard);
        green(ci_run(yard.demo(), pull.number));
        let ran = hasty(&yard.forge, gate_run(yard.demo(), pull.number));
        if version == Version::V16 {
            ran.ended(0, &[]);
            continue;
        }
        let hidden = ["lint:run.artifacts_hidden", "run:run.artifacts_hidden", "unit:run.artifacts_hidden"];
        ran.ended(12, &hidden);
        assert!(ran.summary.as_ref().unwrap().contains("v16"), "{}", ran.summary.unwrap());
    }
}

#[test]
fn a_push_stands_in_where_there_is_no_run_of_the_pull_request() {
    for version in Version::ALL {
        let yard = yard(version);
        let pull = pull(&yard);
        let push =
            yard.demo().run("ci.yml", Trigger::push("work")).job("unit", &[]).job("lint", &[]).create();
        green(push);
        let gate = gate_run(yard.demo(), pull.number);
        hasty(&yard.forge, gate).ended(0, &[]);
        let run = ci_run(yard.demo(), pull.number);
        run.job("unit").upload_v4("unit", &junit(RED)).finish(Status::Failure);
        run.job("lint").upload_v4("lint", &junit(GREEN)).finish(Status::Success);
        hasty(&yard.forge, gate).ended(11, &["unit:tests.failed"]);
    }
}

#[test]
fn what_the_bases_filters_leave_out_is_skipped_with_the_reason() {
    for version in Version::ALL {
        let yard = yard(version);
        let filtered = CI.replace("on: pull_request\n", "on:\n  pull_request:\n    paths: ['src/**']\n");
        let lint_only = POLICY
            .replace("{ job = \"unit\" }", "{ workflow = \"ci.yml\", job = \"unit\" }")
            .replace("{ job = \"lint\" }", "{ workflow = \"lint.yml\", job = \"lint\" }");
        yard.demo().commit("main").file(CI_PATH, &filtered).file(POLICY_PATH, &lint_only).push();
        let pull = pull(&yard);
        let lint = yard.demo().run("lint.yml", Trigger::pull_request(pull.number)).job("lint", &[]).create();
        lint.job("lint").upload_v4("lint", &junit(GREEN)).finish(Status::Success);
        let ran = hasty(&yard.forge, gate_run(yard.demo(), pull.number));
        ran.ended(0, &[]);
        let gates = ran.report()["gates"].to_string();
        assert!(gates.contains("`paths` of the base's workflow names none of the changed files"), "{gates}");
    }
}

#[test]
fn a_run_that_failed_without_a_job_blocks() {
    for version in Version::ALL {
        let yard = yard(version);
        let pull = pull(&yard);
        yard.demo().run("ci.yml", Trigger::pull_request(pull.number)).create();
        let ran = hasty(&yard.forge, gate_run(yard.demo(), pull.number));
        assert_eq!(ran.code, 11, "{version:?} {:?} {}", ran.blockers(), ran.stderr);
        assert!(ran.blocker("run.job_failed").contains("without a job"));
    }
}

#[test]
fn a_dispatched_gate_judges_the_pull_request_it_is_told_and_no_other_event_may() {
    for version in Version::ALL {
        let yard = yard(version);
        let pull = pull(&yard);
        green(ci_run(yard.demo(), pull.number));
        for trigger in
            [Trigger::Dispatch { reference: "main".to_owned(), inputs: Vec::new() }, Trigger::Schedule]
        {
            let run = yard.demo().run("gate.yml", trigger).job("gate", &[]).create();
            let number = pull.number.to_string();
            let ran = step(&yard.forge, run).arguments(&["--wait", "0s", "--pull", &number]).run();
            ran.ended(0, &[]);
            assert_eq!(ran.report()["target"]["target_sha"], pull.head());
            step(&yard.forge, run).run().gave_up(4, "names no pull request");
        }
        let inside = yard.demo().run("own.yml", Trigger::pull_request(pull.number)).job("gate", &[]).create();
        step(&yard.forge, inside).run().gave_up(4, "takes its workflow from the change itself");
    }
}

#[test]
fn without_a_policy_what_was_recognised_is_judged_and_a_person_decides() {
    for version in Version::ALL {
        let yard = yard(version);
        yard.demo().commit("main").remove(POLICY_PATH).push();
        let pull = pull(&yard);
        green(ci_run(yard.demo(), pull.number));
        let ran = hasty(&yard.forge, gate_run(yard.demo(), pull.number));
        assert_eq!(ran.code, 10, "{:?} {}", ran.blockers(), ran.stderr);
        assert!(ran.summary.unwrap().contains("junit"));
        // What was looked into is not fetched again to be judged.
        let requests = yard.forge.requests();
        let fetches = requests.iter().map(|seen| seen.target.as_str()).filter(|target| is_archive(target));
        let (all, each) = (fetches.clone().count(), fetches.collect::<BTreeSet<_>>().len());
        assert!(all > 0 && all == each, "{requests:?}");
    }
}

/// By REST since v16, by the web route before.
fn is_archive(target: &str) -> bool {
    target.ends_with("/zip") || target.contains("/artifacts/")
}
