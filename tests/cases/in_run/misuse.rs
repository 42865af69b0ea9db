//! What people get wrong first: the name of an artifact, a path, a job, and where the gate's step stands. Each is
//! answered with what there is instead, or with how the gate could be passed by.

use super::yard::{GREEN, POLICY, Ran, Yard, gate, green, junit};
use crate::fake_forge::{Config, Version};

fn judged(version: Version, policy: &str) -> Ran {
    let yard = Yard::with(Config::new(version), Some(policy));
    let run = yard.green();
    gate(&yard.forge, run.job("gate"))
}

#[test]
fn a_name_that_the_jobs_do_not_use_is_answered_with_those_they_do() {
    for version in Version::ALL {
        let ran = judged(version, &POLICY.replace("artifact = \"unit\"", "artifact = \"unit-tests\""));
        ran.ended(11, &["unit:evidence.missing"]);
        let notes = ran.report()["notes"].to_string();
        assert!(notes.contains("that the policy does not name: `unit`\""), "{notes}");
        assert!(ran.stdout.contains("note: the run holds artifacts"), "{}", ran.stdout);
    }
}

#[test]
fn where_everything_asked_for_is_there_nothing_is_said_of_the_rest() {
    let yard = Yard::new(Version::V16);
    let run = yard.pull_run();
    run.job("unit").upload_v4("screenshots", &junit(GREEN));
    green(run);
    let ran = gate(&yard.forge, run.job("gate"));
    ran.ended(0, &[]);
    assert!(!ran.report()["notes"].to_string().contains("screenshots"));
}

#[test]
fn a_path_that_fits_no_file_is_answered_with_the_files() {
    let policy = POLICY.replacen("path = \"junit.xml\"", "path = \"reports/junit.xml\"", 1);
    let ran = judged(Version::V16, &policy);
    ran.ended(11, &["unit:evidence.missing"]);
    let blocker = ran.blocker("evidence.missing");
    assert!(blocker.contains("no file fits `reports/junit.xml`, there is `junit.xml`"), "{blocker}");
}

#[test]
fn a_job_that_the_run_lacks_is_answered_with_its_jobs() {
    for version in Version::ALL {
        let ran = judged(version, &POLICY.replace("job = \"unit\"", "job = \"tests\""));
        ran.ended(11, &["unit:evidence.producer_unknown"]);
        let blocker = ran.blocker("evidence.producer_unknown");
        assert!(blocker.contains("no job `tests`, beside the gate there is"), "{blocker}");
        assert!(blocker.contains("`unit`") && blocker.contains("`lint`"), "{blocker}");
    }
}

/// The gate runs, because nothing was red: the next red job would skip it, and skipped is green.
#[test]
fn a_gate_that_could_be_passed_by_says_so_while_it_still_runs() {
    let workflow = |gate: &str| {
        format!(
            "on:\n  pull_request:\n    branches: [main]\njobs:\n  unit:\n    runs-on: x\n  lint:\n    runs-on: x\n  gate:\n    needs: [unit, lint]\n    runs-on: x\n{gate}"
        )
    };
    let step = "      - uses: https://forge.example/patchwarden/patchwarden@v1\n";
    let passed = "        with:\n          needs: ${{ toJSON(needs) }}\n";
    let checkout = "      - uses: https://code.forgejo.org/actions/checkout@v4\n";
    let weak = format!("    steps:\n{checkout}{step}");
    let sound = format!("    if: always()\n    steps:\n{step}{passed}");
    for (gate_job, said) in [
        (weak.as_str(), &["no `if: always()`", "checks out the change", "does not pass them"][..]),
        (&sound, &[]),
    ] {
        let yard = Yard::new(Version::V16);
        yard.demo().commit("main").file(".forgejo/workflows/ci.yml", workflow(gate_job)).push();
        let run = yard.pull_run();
        green(run);
        let ran = gate(&yard.forge, run.job("gate"));
        ran.ended(0, &[]);
        let notes = ran.report()["notes"].to_string();
        assert_eq!(notes.matches("this gate can be passed by").count(), said.len(), "{notes}");
        assert!(said.iter().all(|words| notes.contains(words)), "{notes}");
    }
}
