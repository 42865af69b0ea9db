//! The attack table of docs/hardening.md over the fake forge, one test a row. The three arrangements are the gate in
//! the run, the gate on the base, and the latter with the work done in forks, whose token posts no status.
//! `stops` here means that the verdict is no `pass`; `shows` that the report says what happened.

use serde_json::json;

use super::yard::{CI, CI_PATH, ci_run, gate_run, green, hasty, pull, step, yard};
use crate::cases::in_run::yard::{GREEN, POLICY, POLICY_PATH, RED, Ran, Yard, gate, junit};
use crate::cases::wire;
use crate::fake_forge::{At, PullScene, RunScene, Status, Trigger, Version};

/// A change of these files, and the pull request of it.
fn change<'y>(yard: &'y Yard, files: &[(&str, &str)]) -> PullScene<'y> {
    let mut commit = yard.demo().commit("work");
    for (path, text) in files {
        commit = commit.file(path, text);
    }
    commit.message("attack").push();
    pull(yard)
}

/// The gate on the base over a head whose run is green.
fn from_base(yard: &Yard, pull: PullScene<'_>) -> Ran {
    green(ci_run(yard.demo(), pull.number));
    hasty(&yard.forge, gate_run(yard.demo(), pull.number))
}

/// The gate in the run of the head, all of it green.
fn in_run(yard: &Yard, pull: PullScene<'_>) -> Ran {
    let run = yard.run(Trigger::pull_request(pull.number));
    green(run);
    gate(&yard.forge, run.job("gate"))
}

#[track_caller]
fn stopped(ran: &Ran, code: &str) {
    assert_ne!(ran.code, 0, "{}", ran.stderr);
    let found = ran.blockers();
    assert!(found.iter().any(|one| one.ends_with(&format!(":{code}"))), "{code}: {found:?}");
}

#[test]
fn edit_the_gates_workflow() {
    for version in Version::ALL {
        let yard = yard(version);
        let pull = change(&yard, &[(".forgejo/workflows/gate.yml", "on: pull_request\njobs: {}\n")]);
        stopped(&in_run(&yard, pull), "protected.path_changed");
        let ran = from_base(&yard, pull);
        ran.ended(10, &["protected:protected.path_changed"]);
        let summary = ran.summary.unwrap();
        assert!(summary.contains("gate.yml` outside its jobs: lines 1 to 2 are new"), "{summary}");
    }
}

#[test]
fn edit_the_policy() {
    for version in Version::ALL {
        let yard = yard(version);
        let weak = "version = 1\n[[gate]]\nid = \"none\"\nkind = \"protected_paths\"\npaths = [\"none\"]\n";
        let pull = change(&yard, &[(POLICY_PATH, weak)]);
        stopped(&in_run(&yard, pull), "protected.path_changed");
        let run = ci_run(yard.demo(), pull.number);
        run.job("unit").upload_v4("unit", &junit(RED)).finish(Status::Failure);
        run.job("lint").upload_v4("lint", &junit(GREEN)).finish(Status::Success);
        let ran = hasty(&yard.forge, gate_run(yard.demo(), pull.number));
        // The base's policy judges, whatever the head's says.
        ran.ended(11, &["protected:protected.path_changed", "unit:tests.failed"]);
    }
}

#[test]
fn drop_a_producer() {
    for version in Version::ALL {
        let yard = yard(version);
        let without = CI.split("  lint:\n").next().unwrap();
        let pull = change(&yard, &[(CI_PATH, without)]);
        let run = yard.demo().run("ci.yml", Trigger::pull_request(pull.number)).job("unit", &[]).create();
        run.job("unit").upload_v4("unit", &junit(GREEN)).finish(Status::Success);
        let ran = hasty(&yard.forge, gate_run(yard.demo(), pull.number));
        ran.ended(
            11,
            &[
                "lint:evidence.missing",
                "protected:protected.path_changed",
                "protected:protected.producer_changed",
            ],
        );
        assert!(ran.blocker("protected.producer_changed").contains("is gone"));
    }
}

/// Another job uploads under the producer's artifact name, so that all the evidence is there.
#[test]
fn rename_a_producer_or_keep_it_from_uploading() {
    for version in Version::ALL {
        for (from, to, what) in [
            ("  lint:\n", "  easy:\n", "is called `easy` now"),
            ("          name: lint\n", "          name: other\n", "no longer uploads `lint`"),
            ("  lint:\n", "  lint:\n    if: ${{ false }}\n", "another `if`"),
        ] {
            let yard = yard(version);
            let pull = change(&yard, &[(CI_PATH, &CI.replace(from, to))]);
            for ran in [in_run(&yard, pull), from_base(&yard, pull)] {
                stopped(&ran, "protected.producer_changed");
                let reason = ran.blocker("protected.producer_changed");
                assert!(reason.contains(what), "{what}: {reason}");
                let summary = ran.summary.unwrap();
                assert!(summary.contains("protected.producer_changed"), "{what}\n{summary}");
            }
        }
    }
}

/// A step that writes its own green report: the workflow's change shows, a script's only where it is protected.
#[test]
fn forge_a_report() {
    for version in Version::ALL {
        let yard = yard(version);
        let forging = CI.replace("run: make test", "run: echo '<testsuite/>' > junit.xml");
        let pull = change(&yard, &[(CI_PATH, &forging)]);
        for ran in [in_run(&yard, pull), from_base(&yard, pull)] {
            ran.ended(10, &["protected:protected.path_changed"]);
            let summary = ran.summary.unwrap();
            assert!(summary.contains("job `unit`: line 7 changed"), "{summary}");
            assert!(summary.contains("echo"), "{summary}");
        }
        let guarded = self::yard(version);
        let policy = format!("{POLICY}\n[protected]\npaths = [\"scripts/**\"]\n");
        guarded.demo().commit("main").file(POLICY_PATH, policy).push();
        let pull = change(&guarded, &[("scripts/test.sh", "cp green.xml junit.xml\n")]);
        stopped(&in_run(&guarded, pull), "protected.path_changed");
        stopped(&from_base(&guarded, pull), "protected.path_changed");
    }
}

/// An artifact of an earlier run, head or attempt is looked at by nobody.
#[test]
fn replay_an_older_runs_artifact_or_run_one_job_again() {
    for version in Version::ALL {
        let yard = yard(version);
        let pull = pull(&yard);
        let old = ci_run(yard.demo(), pull.number);
        green(old);
        yard.demo().commit("work").file("worse.txt", "x\n").push();
        let run = ci_run(yard.demo(), pull.number);
        run.job("unit").finish(Status::Success);
        run.job("lint").upload_v4("lint", &junit(GREEN)).finish(Status::Success);
        let gate = gate_run(yard.demo(), pull.number);
        hasty(&yard.forge, gate).ended(11, &["unit:evidence.missing"]);
        old.rerun_all();
        green(old);
        hasty(&yard.forge, gate).ended(11, &["unit:evidence.missing"]);
        run.rerun("unit");
        run.job("unit").upload_v4("unit", &junit(GREEN)).finish(Status::Success);
        hasty(&yard.forge, gate).ended(11, &["lint:evidence.superseded"]);
    }
}

/// A branch's token may post a status; what the gate judges and reports does not depend on any.
#[test]
fn post_a_status_under_the_gates_context() {
    for version in Version::ALL {
        let yard = yard(version);
        let pull = pull(&yard);
        let run = ci_run(yard.demo(), pull.number);
        let path = format!("/api/v1/repos/boss/demo/statuses/{}", pull.head());
        let forged = json!({"state": "success", "context": "gate / gate (pull_request_target)"});
        let posted = wire::call(&yard.forge, "POST", &path, &run.job("unit").token(), &forged.to_string());
        assert_eq!(posted.status, 201);
        run.job("unit").upload_v4("unit", &junit(RED)).finish(Status::Failure);
        run.job("lint").upload_v4("lint", &junit(GREEN)).finish(Status::Success);
        hasty(&yard.forge, gate_run(yard.demo(), pull.number)).ended(11, &["unit:tests.failed"]);

        let fork = yard.demo().fork("mallory/demo");
        fork.branch("patch", "main").commit("patch").file("patch.txt", "x\n").push();
        let other = yard.demo().pull("patch", "main").from(fork).author("mallory").open("Patch", "");
        let run = ci_run(yard.demo(), other.number);
        run.approve("boss");
        let path = format!("/api/v1/repos/boss/demo/statuses/{}", other.head());
        let refused = wire::call(&yard.forge, "POST", &path, &run.job("unit").token(), &forged.to_string());
        assert_eq!(refused.status, 403);
    }
}

/// An approval by the identity all jobs share clears nothing, in either place; a person's does.
#[test]
fn approve_as_the_job_identity() {
    for version in Version::ALL {
        let yard = yard(version);
        let policy = format!("{POLICY}\n[people]\noperators = [\"boss\", \"forgejo-actions\"]\n");
        yard.demo().commit("main").file(POLICY_PATH, policy).push();
        let pull = change(&yard, &[(CI_PATH, &CI.replace("make test", "true"))]);
        pull.review("forgejo-actions", "APPROVED", "");
        stopped(&in_run(&yard, pull), "protected.path_changed");
        stopped(&from_base(&yard, pull), "protected.path_changed");
        pull.review("boss", "APPROVED", "");
        from_base(&yard, pull).ended(0, &[]);
    }
}

/// Comments are display: whatever stands in one changes no verdict.
#[test]
fn edit_the_gates_comment() {
    for version in Version::ALL {
        let yard = yard(version);
        let pull = pull(&yard);
        yard.demo().comment(pull.number, "forgejo-actions", "<!-- patchwarden:gate -->\n# pass");
        let run = ci_run(yard.demo(), pull.number);
        run.job("unit").upload_v4("unit", &junit(RED)).finish(Status::Failure);
        run.job("lint").upload_v4("lint", &junit(GREEN)).finish(Status::Success);
        hasty(&yard.forge, gate_run(yard.demo(), pull.number)).ended(11, &["unit:tests.failed"]);
    }
}

/// A push after the evidence was read and before the verdict is written.
#[test]
fn race_a_push_against_the_verdict() {
    for version in Version::ALL {
        let yard = yard(version);
        let pull = pull(&yard);
        green(ci_run(yard.demo(), pull.number));
        let gate = step(&yard.forge, gate_run(yard.demo(), pull.number)).arguments(&["--wait", "0s"]);
        let ran = gate.run_while(&yard.forge, At::path("/files"), || {
            yard.demo().commit("work").file("late.txt", "x\n").push();
        });
        stopped(&ran, "head.moved");
    }
}

/// In the run a gate can be skipped, and says nothing then; from the base the head's workflow has no say.
#[test]
fn skip_the_gate() {
    for version in Version::ALL {
        let yard = yard(version);
        let pull = change(
            &yard,
            &[(".forgejo/workflows/gate.yml", "on: pull_request_target\njobs:\n  gate:\n    if: false\n")],
        );
        stopped(&from_base(&yard, pull), "protected.path_changed");
    }
}

/// The base the pull request has at the end is the one it was judged for, or it is no pass.
#[test]
fn retarget_between_bases() {
    for version in Version::ALL {
        let yard = yard(version);
        yard.demo().branch("weak", "main").commit("weak").file(POLICY_PATH, "version = 1\n").push();
        let pull = pull(&yard);
        green(ci_run(yard.demo(), pull.number));
        let gate = step(&yard.forge, gate_run(yard.demo(), pull.number)).arguments(&["--wait", "0s"]);
        let ran = gate.run_while(&yard.forge, At::path("/artifacts"), || pull.retarget("weak"));
        stopped(&ran, "head.base_changed");
    }
}

/// The runs of another pull request of the same head are its own.
#[test]
fn a_second_pull_request_with_the_same_head() {
    for version in Version::ALL {
        let yard = yard(version);
        yard.demo().branch("weak", "main");
        let pull = pull(&yard);
        let other = yard.demo().pull("work", "weak").author("alice").open("Same", "");
        green(ci_run(yard.demo(), other.number));
        let ran = hasty(&yard.forge, gate_run(yard.demo(), pull.number));
        stopped(&ran, "run.never_started");
    }
}

/// What the policy judges of a pull request's text is read anew by every judgement, from either place.
#[test]
fn edit_title_labels_or_reviews_after_the_verdict() {
    for version in Version::ALL {
        let yard = yard(version);
        let policy = format!("{POLICY}\n[people]\noperators = [\"boss\"]\n");
        yard.demo().commit("main").file(POLICY_PATH, policy).push();
        let pull = change(&yard, &[(CI_PATH, &CI.replace("make test", "true"))]);
        let review = pull.review("boss", "APPROVED", "");
        from_base(&yard, pull).ended(0, &[]);
        pull.dismiss(review, "boss");
        let ran = from_base(&yard, pull);
        ran.ended(10, &["protected:protected.path_changed"]);
    }
}

#[test]
fn a_new_workflow_folder_takes_the_place_of_the_old() {
    for version in Version::ALL {
        let yard = yard(version);
        let pull = change(&yard, &[(".forgejo/workflows/zzz.yml", "on: pull_request\njobs: {}\n")]);
        let run = gate_run(yard.demo(), pull.number);
        green(ci_run(yard.demo(), pull.number));
        let base = "boss/demo/.github/workflows/gate.yml@refs/heads/main";
        let ran = step(&yard.forge, run)
            .arguments(&["--wait", "0s"])
            .env("GITHUB_WORKFLOW_REF", base)
            .env("FORGEJO_WORKFLOW_REF", base)
            .run();
        ran.ended(10, &["protected:protected.path_changed", "protected:protected.producer_changed"]);
        assert!(ran.blocker("protected.producer_changed").contains("in place of the base's workflows"));
    }
}

/// A job of the head uploads what looks like the gate's own result; nothing reads it back.
#[test]
fn forge_the_previous_packet() {
    for version in Version::ALL {
        let yard = yard(version);
        let pull = pull(&yard);
        let run: RunScene<'_> = ci_run(yard.demo(), pull.number);
        run.job("unit").upload_v4("patchwarden-result-gate-1", b"{\"verdict\":\"pass\"}");
        run.job("unit").upload_v4("unit", &junit(RED)).finish(Status::Failure);
        run.job("lint").upload_v4("lint", &junit(GREEN)).finish(Status::Success);
        hasty(&yard.forge, gate_run(yard.demo(), pull.number)).ended(11, &["unit:tests.failed"]);
    }
}
