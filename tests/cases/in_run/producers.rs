//! The jobs beside the gate: a green report from a job that died, one that left nothing, skipped, cancelled, ignored.

use super::yard::{GREEN, POLICY, RED, Step, Yard, gate, junit};
use crate::fake_forge::{At, Config, Fault, Status, Trigger, Version};

#[test]
fn a_job_that_died_after_its_green_report_is_not_believed() {
    for version in Version::ALL {
        for status in [Status::Failure, Status::Cancelled] {
            let yard = Yard::new(version);
            let run = yard.pull_run();
            run.job("unit").upload_v4("unit", &junit(GREEN)).finish(status);
            run.job("lint").upload_v4("lint", &junit(GREEN)).finish(Status::Success);
            let ran = gate(&yard.forge, run.job("gate"));
            ran.ended(11, &["run:run.job_failed", "unit:evidence.producer_failed"]);
            assert!(ran.blocker("run.job_failed").contains("unit"));
        }
    }
}

#[test]
fn a_job_that_failed_without_uploading_is_said_to_be_just_that() {
    for version in Version::ALL {
        let yard = Yard::new(version);
        let run = yard.pull_run();
        run.job("unit").finish(Status::Failure);
        run.job("lint").upload_v4("lint", &junit(GREEN)).finish(Status::Success);
        let ran = gate(&yard.forge, run.job("gate"));
        ran.ended(11, &["run:run.job_failed", "unit:evidence.missing"]);
        assert!(
            ran.blocker("run.job_failed").contains("unit")
                && ran.blocker("run.job_failed").contains("failed")
        );
    }
}

#[test]
fn a_job_of_no_evidence_that_failed_blocks_unless_ignored() {
    for version in Version::ALL {
        for (policy, code, blockers) in [
            (POLICY.to_owned(), 11, &["run:run.job_failed"][..]),
            (POLICY.replace("version = 1", "version = 1\n[run]\nignore_jobs = [\"nightly-*\"]"), 0, &[][..]),
        ] {
            let yard = Yard::with(Config::new(version), Some(&policy));
            let pull = yard.pull();
            let run = yard
                .demo()
                .run("ci.yml", Trigger::pull_request(pull.number))
                .job("unit", &[])
                .job("lint", &[])
                .job("nightly-fuzz", &[])
                .job_always("gate", &["unit", "lint"])
                .create();
            super::yard::green(run);
            run.job("nightly-fuzz").finish(Status::Failure);
            gate(&yard.forge, run.job("gate")).ended(code, blockers);
        }
    }
}

/// `lint` needs `unit`, which died without a word: both are told. Before v16 no list shows a job that no runner took,
/// so there only the job that failed, and the evidence that is not there, tell.
#[test]
fn a_job_skipped_by_one_that_died_blocks_where_the_server_lists_it() {
    for version in Version::ALL {
        let yard = Yard::new(version);
        let pull = yard.pull();
        let run = yard
            .demo()
            .run("ci.yml", Trigger::pull_request(pull.number))
            .job("unit", &[])
            .job("lint", &["unit"])
            .job_always("gate", &["unit", "lint"])
            .create();
        run.job("unit").finish(Status::Failure);
        assert_eq!(run.job("lint").status(), Status::Skipped);
        let mut expected = vec![
            "lint:evidence.missing",
            "run:run.job_failed",
            "run:run.job_skipped",
            "unit:evidence.missing",
        ];
        if version == Version::V15 {
            expected.remove(2);
        }
        gate(&yard.forge, run.job("gate")).ended(11, &expected);
    }
}

#[test]
fn a_job_that_still_runs_is_waited_for_by_nobody_and_said_so() {
    for version in Version::ALL {
        let yard = Yard::new(version);
        let pull = yard.pull();
        let trigger = Trigger::pull_request(pull.number);
        let run = yard.demo().run("ci.yml", trigger).job("unit", &[]).job("lint", &[]).job("slow", &[]);
        let run = run.job_always("gate", &["unit", "lint"]).create();
        super::yard::green(run);
        run.job("slow").start();
        gate(&yard.forge, run.job("gate")).ended(12, &["run:run.job_unfinished"]);
    }
}

/// A job that waits for the gate has nothing to tell it.
#[test]
fn what_needs_the_gate_is_left_out() {
    let yard = Yard::new(Version::V16);
    let pull = yard.pull();
    let trigger = Trigger::pull_request(pull.number);
    let run = yard.demo().run("ci.yml", trigger).job("unit", &[]).job("lint", &[]);
    let run = run.job_always("gate", &["unit", "lint"]).job("deploy", &["gate"]).create();
    super::yard::green(run);
    gate(&yard.forge, run.job("gate")).ended(0, &[]);
}

/// The gate's job carries a `name:` that no file of the base maps: it is known by the id in its own token.
#[test]
fn the_gate_knows_its_own_job_whatever_it_is_called() {
    for version in Version::ALL {
        let yard = Yard::new(version);
        let pull = yard.pull();
        let trigger = Trigger::pull_request(pull.number);
        let run = yard.demo().run("ci.yml", trigger).job("unit", &[]).job("lint", &[]);
        let run = run.job_always("gate", &["unit", "lint"]).display_name("gate", "The verdict").create();
        super::yard::green(run);
        gate(&yard.forge, run.job("gate")).ended(0, &[]);
    }
}

#[test]
fn display_names_are_mapped_through_the_bases_workflow() {
    let workflow = "on: pull_request\njobs:\n  unit:\n    name: Unit tests\n    runs-on: x\n  lint:\n    runs-on: x\n  gate:\n    needs: [unit, lint]\n    if: always()\n    runs-on: x\n";
    for version in Version::ALL {
        let yard = Yard::new(version);
        yard.demo().commit("main").file(".forgejo/workflows/ci.yml", workflow).push();
        let pull = yard.pull();
        let trigger = Trigger::pull_request(pull.number);
        let run = yard.demo().run("ci.yml", trigger).job("unit", &[]).job("lint", &[]);
        let run = run.job_always("gate", &["unit", "lint"]).display_name("unit", "Unit tests").create();
        run.job("unit").upload_v4("unit", &junit(RED)).finish(Status::Failure);
        run.job("lint").upload_v4("lint", &junit(GREEN)).finish(Status::Success);
        gate(&yard.forge, run.job("gate")).ended(11, &["unit:tests.failed"]);
    }
}

#[test]
fn the_input_needs_makes_it_worse_and_never_better() {
    for version in Version::ALL {
        let yard = Yard::new(version);
        let needs = |unit: &str, lint: &str| {
            format!(
                r#"{{"unit":{{"outputs":null,"result":"{unit}"}},"lint":{{"outputs":{{}},"result":"{lint}"}}}}"#
            )
        };
        let with = |run: crate::fake_forge::RunScene<'_>, needs: &str| {
            Step::new(&yard.forge, run.job("gate")).env("PATCHWARDEN_NEEDS", needs).run()
        };
        let run = yard.green();
        with(run, &needs("success", "success")).ended(0, &[]);
        with(run, "").ended(0, &[]);
        with(run, &needs("failure", "success"))
            .ended(11, &["run:run.job_failed", "unit:evidence.producer_failed"]);
        with(run, r#"{"ghost":{"result":"failure"}}"#).ended(11, &["run:run.job_failed"]);
        with(run, "${{ toJSON(needs) }}").gave_up(4, "toJSON(needs)");
        // A red job stays red whatever the workflow says of it.
        let run = yard.run(Trigger::pull_request(1));
        run.job("unit").upload_v4("unit", &junit(GREEN)).finish(Status::Failure);
        run.job("lint").upload_v4("lint", &junit(GREEN)).finish(Status::Success);
        let worse = ["run:run.job_failed", "unit:evidence.producer_failed"];
        with(run, &needs("success", "success")).ended(11, &worse);
    }
}

/// A job that only `needs` knows, and knows as green, makes no evidence trustworthy.
#[test]
fn a_ghost_in_needs_is_no_producer() {
    let policy = POLICY.replace("job = \"lint\"", "job = \"ghost\"");
    let yard = Yard::with(Config::new(Version::V16), Some(&policy));
    let run = yard.green();
    let step =
        Step::new(&yard.forge, run.job("gate")).env("PATCHWARDEN_NEEDS", r#"{"ghost":{"result":"success"}}"#);
    step.run().ended(11, &["lint:evidence.producer_unknown"]);
}

#[test]
fn evidence_of_another_workflow_or_event_than_the_policy_names_is_refused() {
    for (from, code, blockers) in [
        ("{ workflow = \"ci.yml\", event = \"pull_request\", job = \"unit\" }", 0, &[][..]),
        ("{ workflow = \"other.yml\", job = \"unit\" }", 11, &["unit:evidence.producer_unknown"][..]),
        ("{ event = \"push\", job = \"unit\" }", 11, &["unit:evidence.producer_unknown"][..]),
        ("{ workflow = \"ci.yml\" }", 11, &["unit:evidence.producer_unknown"][..]),
    ] {
        let policy = POLICY.replace("{ job = \"unit\" }", from);
        let yard = Yard::with(Config::new(Version::V16), Some(&policy));
        gate(&yard.forge, yard.green().job("gate")).ended(code, blockers);
    }
}

#[test]
fn jobs_that_cannot_be_listed_leave_everything_unmeasured() {
    for (version, path) in [(Version::V16, "/jobs"), (Version::V15, "/actions/tasks")] {
        for status in [401, 403, 500, 502] {
            let yard = Yard::new(version);
            let run = yard.green();
            yard.forge.fault(At::path(path).always(), Fault::Status(status));
            let expected = ["lint:evidence.unavailable", "run:run.jobs_unknown", "unit:evidence.unavailable"];
            gate(&yard.forge, run.job("gate")).ended(12, &expected);
        }
    }
}
