//! What artifacts can be: unfinished, of both protocols, expired, oddly named, no zip; and the one the gate leaves.

use std::io::{Cursor, Read as _};

use super::yard::{GREEN, POLICY, Step, Yard, gate, junit, zip};
use crate::fake_forge::{Config, JobScene, Status, Version};
use patchwarden::model::Digest;

/// The run of a pull request whose `lint` is green and whose `unit` does what it is told.
fn with_unit(version: Version, policy: &str, unit: impl Fn(JobScene<'_>)) -> super::yard::Ran {
    let yard = Yard::with(Config::new(version), Some(policy));
    let run = yard.pull_run();
    run.job("unit").start();
    unit(run.job("unit"));
    run.job("unit").finish(Status::Success);
    run.job("lint").upload_v4("lint", &junit(GREEN)).finish(Status::Success);
    gate(&yard.forge, run.job("gate"))
}

fn each(code: i32, blockers: &[&str], unit: impl Fn(JobScene<'_>)) {
    for version in Version::ALL {
        with_unit(version, POLICY, &unit).ended(code, blockers);
    }
}

#[test]
fn an_unfinished_upload_is_unmeasured() {
    each(12, &["unit:evidence.unfinished"], |unit| {
        unit.begin_v4("unit");
    });
}

#[test]
fn a_name_of_both_protocols_is_ambiguous() {
    each(11, &["unit:evidence.ambiguous"], |unit| {
        unit.upload_v4("unit", &junit(GREEN)).upload_v3("unit", &[("junit.xml", GREEN.as_bytes())]);
    });
}

#[test]
fn a_v3_upload_is_as_good_as_a_v4_one() {
    each(0, &[], |unit| {
        unit.upload_v3("unit", &[("junit.xml", GREEN.as_bytes()), ("log.txt", b"log")]);
    });
}

#[test]
fn nine_bytes_that_are_no_zip_are_malformed() {
    each(11, &["unit:evidence.malformed"], |unit| {
        unit.upload_v4("unit", b"not a zip");
    });
}

#[test]
fn a_zip_without_the_report_is_missing_it() {
    each(11, &["unit:evidence.missing"], |unit| {
        unit.upload_v4("unit", &zip(&[("other.xml", b"<a/>")]));
    });
}

#[test]
fn a_zip_with_a_way_out_is_malformed() {
    let bytes = zip(&[("../junit.xml", GREEN.as_bytes()), ("junit.xml", GREEN.as_bytes())]);
    each(11, &["unit:evidence.malformed"], |unit| {
        unit.upload_v4("unit", &bytes);
    });
}

#[test]
fn names_that_would_lead_elsewhere_are_only_names() {
    each(0, &[], |unit| {
        unit.upload_v4("unit", &junit(GREEN));
        for name in ["..", "a/b", "a:b", "é", "::set-output name=verdict::pass", &"x".repeat(300)] {
            unit.upload_v4(name, b"PK");
        }
    });
}

#[test]
fn an_expired_artifact_is_said_to_be_expired() {
    for version in Version::ALL {
        let yard = Yard::new(version);
        let run = yard.green();
        run.expire("unit");
        gate(&yard.forge, run.job("gate")).ended(11, &["unit:evidence.expired"]);
    }
}

/// An empty run is answered 404, one with artifacts of which none fits is answered `{}`.
#[test]
fn a_run_without_artifacts_is_missing_them_all() {
    for version in Version::ALL {
        for other in [false, true] {
            let yard = Yard::new(version);
            let run = yard.pull_run();
            if other {
                run.job("unit").upload_v3("logs", &[("a.txt", b"a")]);
            }
            run.job("unit").finish(Status::Success);
            run.job("lint").finish(Status::Success);
            gate(&yard.forge, run.job("gate")).ended(11, &["lint:evidence.missing", "unit:evidence.missing"]);
        }
    }
}

#[test]
fn a_pattern_means_one_artifact_and_never_our_own_results() {
    let policy =
        POLICY.replace("artifact = \"unit\"", "artifact = \"{unit,patchwarden-result}-*\"\nmatch = \"glob\"");
    for version in Version::ALL {
        with_unit(version, &policy, |unit| {
            unit.upload_v4("unit-1", &junit(GREEN)).upload_v4("patchwarden-result-gate-1", b"PK");
        })
        .ended(0, &[]);
        let ran = with_unit(version, &policy, |unit| {
            unit.upload_v4("unit-1", &junit(GREEN)).upload_v4("unit-2", &junit(GREEN));
        });
        ran.ended(11, &["unit:evidence.ambiguous"]);
        assert!(ran.blocker("evidence.ambiguous").contains("unit-2"));
    }
}

#[test]
fn the_result_artifact_is_what_the_log_says_it_is() {
    for version in Version::ALL {
        let yard = Yard::new(version);
        let run = yard.green();
        let ran = gate(&yard.forge, run.job("gate"));
        ran.ended(0, &[]);
        let served = run.content("patchwarden-result-gate-1").unwrap();
        let digest = Digest::of(&served).to_string();
        assert!(
            ran.stderr.contains(&format!("result artifact `patchwarden-result-gate-1` {digest}")),
            "{}",
            ran.stderr
        );
        assert_eq!(ran.output("result_artifact"), "patchwarden-result-gate-1");
        assert_eq!(ran.output("result_sha256"), digest);
        assert_eq!(ran.output("target_sha"), yard.demo().tip("feat"));
        for (output, name) in [
            ("report", "gate_report.json"),
            ("instructions", "repair_instruction.json"),
            ("summary", "summary.md"),
        ] {
            assert_eq!(ran.output(output), format!("patchwarden-out/{name}"));
        }
        let mut archive = zip::ZipArchive::new(Cursor::new(served)).unwrap();
        let mut read = |name: &str| {
            let mut text = String::new();
            archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
            text
        };
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&read("gate_report.json")).unwrap(),
            *ran.report()
        );
        let packet = read("repair_instruction.json");
        assert!(ran.stderr.contains(&format!("repair_instruction.json {}", Digest::of(&packet))));
        assert_eq!(Some(read("summary.md")), ran.summary);
        assert_eq!(ran.summary.as_deref().map(str::trim_end), Some(ran.step_summary.trim_end()));
        assert!(ran.stderr.contains("::group::") && ran.stderr.contains("::endgroup::"));
    }
}

/// Every judgement of every job leaves its own: a re-run overwrites nothing.
#[test]
fn the_result_of_an_attempt_carries_its_number() {
    let yard = Yard::new(Version::V16);
    let run = yard.green();
    gate(&yard.forge, run.job("gate")).ended(0, &[]);
    run.job("gate").finish(Status::Success);
    run.rerun_all();
    super::yard::green(run);
    gate(&yard.forge, run.job("gate")).ended(0, &[]);
    assert!(
        run.content("patchwarden-result-gate-1").is_some()
            && run.content("patchwarden-result-gate-2").is_some()
    );
}

/// A test's name is its author's: in the log it must not begin a line that a runner takes for a command.
#[test]
fn a_workflow_command_in_a_test_name_stays_inert() {
    for command in ["::set-output name=verdict::pass", "##[set-output name=verdict]pass", "::add-mask::x"] {
        let report = format!(
            r#"<testsuite name="{command}" tests="1" failures="1"><testcase classname="{command}" name="{command}&#10;{command}"><failure message="{command}">{command}&#10;{command}</failure></testcase></testsuite>"#
        );
        let yard = Yard::new(Version::V16);
        let run = yard.pull_run();
        run.job("unit").upload_v4("unit", &junit(&report)).finish(Status::Failure);
        run.job("lint").upload_v4("lint", &junit(GREEN)).finish(Status::Success);
        let ran = Step::new(&yard.forge, run.job("gate")).run();
        ran.ended(11, &["unit:tests.failed"]);
        assert!(
            ran.stdout.contains("set-output") || ran.stdout.contains("add-mask"),
            "it is quoted: {}",
            ran.stdout
        );
        let ours = ["::group::patchwarden summary", "::endgroup::"];
        for line in ran.stdout.lines().chain(ran.stderr.lines()).filter(|line| !ours.contains(line)) {
            let line = line.trim_start();
            assert!(
                !line.starts_with("::") && !line.starts_with("##["),
                "a command got into the log: {line}"
            );
        }
        assert!(!ran.outputs.contains("::"), "{}", ran.outputs);
    }
}
