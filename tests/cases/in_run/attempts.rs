//! Re-runs: every artifact of the run is condemned and goes on being served as if fresh (LIVE section 6).

use super::example::{Example, Tool};
use super::yard::{GREEN, RED, Yard, gate, green, junit};
use crate::fake_forge::{At, Fault, RunScene, Status, Version};

fn finish_gate(run: RunScene<'_>, status: Status) {
    run.job("gate").finish(status);
}

/// The everyday case: one flaky job is run again, and what `record` made of the other is still good.
#[test]
fn one_flaky_job_again_is_judged_with_recorded_evidence() {
    for version in Version::ALL {
        for private in [false, true] {
            let example = Example::new(version);
            if private {
                example.repo().private();
            }
            let run = example.run(example.pull());
            example.produce(run.job("tests"), "tests", Tool::Clean);
            example.produce(run.job("lint"), "lint", Tool::Red);
            gate(&example.forge, run.job("gate")).ended(11, &["lint:findings.over_limit"]);
            finish_gate(run, Status::Failure);

            run.rerun("lint");
            assert_eq!(
                (run.job("tests").attempt(), run.job("lint").attempt(), run.job("gate").attempt()),
                (1, 2, 2)
            );
            example.produce(run.job("lint"), "lint", Tool::Clean);
            let ran = gate(&example.forge, run.job("gate"));
            ran.ended(0, &[]);
            let notes = ran.report()["notes"].to_string();
            assert!(notes.contains("`unit-tests`") && notes.contains("believed"), "{notes}");
            // Where the server shows what is live, `lint-report` needed no belief.
            let shown = version == Version::V16 || !private;
            assert_eq!(!notes.contains("`lint-report`"), shown, "{version:?} private {private}: {notes}");
        }
    }
}

#[test]
fn without_a_manifest_what_the_server_condemned_is_superseded() {
    for version in Version::ALL {
        for private in [false, true] {
            let yard = Yard::new(version);
            if private {
                yard.demo().private();
            }
            let run = yard.pull_run();
            run.job("unit").upload_v4("unit", &junit(GREEN)).finish(Status::Success);
            run.job("lint").upload_v4("lint", &junit(RED)).finish(Status::Failure);
            gate(&yard.forge, run.job("gate")).ended(11, &["lint:tests.failed"]);
            finish_gate(run, Status::Failure);
            run.rerun("lint");
            run.job("lint").upload_v4("lint", &junit(GREEN)).finish(Status::Success);
            let both = ["lint:evidence.superseded", "unit:evidence.superseded"];
            // Before v16 a private repository shows nobody what is live.
            let expected = if version == Version::V15 && private { &both[..] } else { &both[1..] };
            gate(&yard.forge, run.job("gate")).ended(11, expected);
        }
    }
}

/// The re-run job succeeded and uploaded nothing: what is served under its name is of its first attempt.
#[test]
fn a_rerun_that_uploads_nothing_leaves_nothing_that_counts() {
    for version in Version::ALL {
        let example = Example::new(version);
        let run = example.run(example.pull());
        example.produce(run.job("tests"), "tests", Tool::Clean);
        example.produce(run.job("lint"), "lint", Tool::Clean);
        run.rerun("lint");
        run.job("lint").finish(Status::Success);
        gate(&example.forge, run.job("gate")).ended(11, &["lint:evidence.superseded"]);
    }
}

#[test]
fn everything_again_is_judged_anew() {
    for version in Version::ALL {
        let yard = Yard::new(version);
        let run = yard.green();
        gate(&yard.forge, run.job("gate")).ended(0, &[]);
        finish_gate(run, Status::Success);
        run.rerun_all();
        green(run);
        gate(&yard.forge, run.job("gate")).ended(0, &[]);
        finish_gate(run, Status::Success);
        // Only `unit` uploads this time: `lint` is served as it was.
        run.rerun_all();
        run.job("unit").upload_v4("unit", &junit(GREEN)).finish(Status::Success);
        run.job("lint").finish(Status::Success);
        gate(&yard.forge, run.job("gate")).ended(11, &["lint:evidence.superseded"]);
    }
}

/// A gate that needs only `unit` stays at its first attempt while `lint` is run again: its own number says nothing.
#[test]
fn the_gates_own_attempt_says_nothing_of_others() {
    for version in Version::ALL {
        let yard = Yard::new(version);
        let pull = yard.pull();
        let trigger = crate::fake_forge::Trigger::pull_request(pull.number);
        let run = yard.demo().run("ci.yml", trigger).job("unit", &[]).job("lint", &[]);
        let run = run.job_always("gate", &["unit"]).create();
        run.job("lint").upload_v4("lint", &junit(GREEN)).finish(Status::Success);
        run.rerun("lint");
        run.job("lint").finish(Status::Success);
        run.job("unit").upload_v4("unit", &junit(GREEN)).finish(Status::Success);
        assert_eq!(run.job("gate").attempt(), 1);
        gate(&yard.forge, run.job("gate")).ended(11, &["lint:evidence.superseded"]);
    }
}

/// Running the gate alone again condemns everything too; manifests carry the judgement.
#[test]
fn the_gate_alone_again_needs_manifests() {
    for version in Version::ALL {
        let example = Example::new(version);
        let run = example.run(example.pull());
        example.produce(run.job("tests"), "tests", Tool::Clean);
        example.produce(run.job("lint"), "lint", Tool::Clean);
        gate(&example.forge, run.job("gate")).ended(0, &[]);
        finish_gate(run, Status::Success);
        run.rerun("gate");
        gate(&example.forge, run.job("gate")).ended(0, &[]);

        let yard = Yard::new(version);
        let run = yard.green();
        gate(&yard.forge, run.job("gate")).ended(0, &[]);
        finish_gate(run, Status::Success);
        run.rerun("gate");
        let both = ["lint:evidence.superseded", "unit:evidence.superseded"];
        gate(&yard.forge, run.job("gate")).ended(11, &both);
    }
}

/// A live listing that does not answer is no listing without the artifact.
#[test]
fn a_live_listing_that_does_not_answer_is_unmeasured() {
    for version in Version::ALL {
        let yard = Yard::new(version);
        let run = yard.green();
        run.rerun_all();
        green(run);
        let path = match version {
            Version::V15 => format!("/boss/demo/actions/runs/{}/artifacts", run.index()),
            Version::V16 => format!("/boss/demo/actions/runs/{}/artifacts", run.id()),
        };
        yard.forge.fault(At::path(&path).always(), Fault::Status(502));
        let both = ["lint:evidence.unavailable", "unit:evidence.unavailable"];
        gate(&yard.forge, run.job("gate")).ended(12, &both);
    }
}
