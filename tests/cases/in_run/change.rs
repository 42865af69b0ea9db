//! What gates compare with in a workflow: the lines of the change by the forge's diff, and the base's reports by its
//! files at the base. Neither is asked for without a gate that wants it.

use super::yard::{GREEN, POLICY_PATH, Ran, Step, Yard, zip};
use crate::fake_forge::{At, Config, Fault, RunScene, Status, Trigger, Version};

const COVERAGE: &str = r#"
version = 1
[evidence.cov]
artifact = "unit"
path = "lcov.info"
format = "lcov"
[[gate]]
id = "cov"
kind = "coverage"
evidence = ["cov"]
min_diff_lines = 100.0
diff_paths = ["src/**"]
"#;

const BASELINE: &str = r#"
version = 1
[evidence.unit]
artifact = "unit"
path = "junit.xml"
format = "junit"
[[gate]]
id = "unit"
kind = "tests"
evidence = ["unit"]
no_removed = true
baseline_file = "tests/baseline.xml"
"#;

const ONE: &str = r#"<testsuite name="s" tests="1"><testcase classname="a" name="one"/></testsuite>"#;

fn yard(version: Version, policy: &str) -> Yard {
    Yard::with(Config::new(version), Some(policy))
}

/// A pull request's run whose job `unit` uploads these files, and the gate in it.
fn judged(yard: &Yard, files: &[(&str, &[u8])]) -> Ran {
    step(yard, files).run()
}

fn step(yard: &Yard, files: &[(&str, &[u8])]) -> Step {
    let run = yard.pull_run();
    produce(run, files);
    Step::new(&yard.forge, run.job("gate"))
}

fn produce(run: RunScene<'_>, files: &[(&str, &[u8])]) {
    run.job("unit").upload_v4("unit", &zip(files)).finish(Status::Success);
    run.job("lint").finish(Status::Success);
}

fn lcov(lines: &str) -> Vec<u8> {
    format!("TN:\nSF:src/a.rs\n{lines}\nend_of_record\n").into_bytes()
}

#[test]
fn changed_lines_are_those_of_the_forges_diff() {
    for version in Version::ALL {
        let yard = yard(version, COVERAGE);
        yard.demo().commit("feat").file("src/a.rs", "one\ntwo\n").push();
        let ran = judged(&yard, &[("lcov.info", &lcov("DA:1,1\nDA:2,3\nDA:9,0"))]);
        ran.ended(0, &[]);

        let yard = self::yard(version, COVERAGE);
        yard.demo().commit("feat").file("src/a.rs", "one\ntwo\n").push();
        let ran = judged(&yard, &[("lcov.info", &lcov("DA:1,1\nDA:2,0"))]);
        ran.ended(11, &["cov:coverage.below"]);
        assert!(ran.blocker("coverage.below").contains("src/a.rs: 2"), "{}", ran.blocker("coverage.below"));
    }
}

#[test]
fn a_changed_file_that_the_report_lacks_is_uncovered() {
    let yard = yard(Version::V16, COVERAGE);
    yard.demo().commit("feat").file("src/zażółć.rs", "one\n").push();
    let ran = judged(&yard, &[("lcov.info", &lcov("DA:1,1"))]);
    ran.ended(11, &["cov:coverage.below"]);
}

#[test]
fn a_diff_that_cannot_be_read_is_unmeasured() {
    let faults = || [Fault::Status(500), Fault::Status(404), Fault::Status(403), Fault::TruncatedBody];
    for (version, at) in Version::ALL.into_iter().flat_map(|version| (0..4).map(move |at| (version, at))) {
        let yard = yard(version, COVERAGE);
        yard.demo().commit("feat").file("src/a.rs", "one\ntwo\n").push();
        let step = step(&yard, &[("lcov.info", &lcov("DA:1,1\nDA:2,3"))]);
        yard.forge.fault(At::path(".diff").always(), faults().into_iter().nth(at).unwrap());
        step.run().ended(12, &["cov:coverage.diff_unavailable"]);
    }
}

#[test]
fn a_diff_that_lacks_a_listed_file_is_unmeasured() {
    let yard = yard(Version::V16, COVERAGE);
    yard.demo().commit("feat").file("src/a.rs", "one\n").push();
    let step = step(&yard, &[("lcov.info", &lcov("DA:1,1"))]);
    yard.forge.fault(At::path(".diff").always(), Fault::EmptyBody);
    let ran = step.run();
    ran.ended(12, &["cov:coverage.diff_unavailable"]);
    let why = ran.blocker("coverage.diff_unavailable");
    assert!(why.contains("the diff lacks lines of `feat.txt`"), "{why}");
}

#[test]
fn a_push_has_no_diff_to_ask_for() {
    let yard = yard(Version::V16, COVERAGE);
    let run = yard.run(Trigger::push("main"));
    produce(run, &[("lcov.info", &lcov("DA:1,1"))]);
    let ran = Step::new(&yard.forge, run.job("gate")).run();
    assert!(ran.blocker("coverage.diff_unavailable").contains("only a pull request has a diff"));
}

#[test]
fn only_a_gate_that_wants_it_has_the_diff_asked_for() {
    for (policy, asked) in [(COVERAGE, 1), (BASELINE, 0)] {
        let yard = yard(Version::V16, policy);
        judged(&yard, &[("lcov.info", &lcov("DA:1,1")), ("junit.xml", GREEN.as_bytes())]);
        let count = |part: &str| yard.forge.requests().iter().filter(|one| one.target.contains(part)).count();
        assert_eq!((count(".diff"), count("baseline.xml")), (asked, 1 - asked));
    }
}

#[test]
fn the_baseline_is_the_bases_file_whatever_the_head_makes_of_it() {
    for version in Version::ALL {
        let yard = yard(version, BASELINE);
        yard.demo().commit("main").file("tests/baseline.xml", GREEN).push();
        yard.demo().commit("feat").file("tests/baseline.xml", ONE).push();
        let ran = judged(&yard, &[("junit.xml", ONE.as_bytes())]);
        ran.ended(11, &["unit:tests.removed"]);
    }
}

#[test]
fn a_baseline_that_is_absent_or_unread_is_unmeasured() {
    for fault in [None, Some(500), Some(403)] {
        let yard = yard(Version::V16, BASELINE);
        if fault.is_some() {
            yard.demo().commit("main").file("tests/baseline.xml", ONE).push();
        }
        let step = step(&yard, &[("junit.xml", ONE.as_bytes())]);
        if let Some(status) = fault {
            yard.forge.fault(At::path("/baseline.xml").always(), Fault::Status(status));
        }
        step.run().ended(12, &["unit:tests.baseline_unavailable"]);
    }
}

#[test]
fn a_baseline_is_read_at_the_base_that_is_judged_with() {
    let yard = yard(Version::V16, BASELINE);
    yard.demo().commit("main").file("tests/baseline.xml", ONE).push();
    let ran = judged(&yard, &[("junit.xml", ONE.as_bytes())]);
    ran.ended(0, &[]);
    let base = yard.demo().tip("main");
    let read =
        |one: &crate::fake_forge::Seen| one.target.contains("baseline.xml") && one.target.contains(&base);
    assert!(yard.forge.requests().iter().any(read), "{POLICY_PATH} and the baseline are of one commit");
}
