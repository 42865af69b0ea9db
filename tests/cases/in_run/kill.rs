//! Cancelling is SIGKILL at once (LIVE section 1): whatever the moment, no half of a file carries a final name, and
//! the next run is as if nothing had been.

use serde_json::Value;

use super::yard::{GREEN, Step, Yard, junit};
use crate::fake_forge::{At, Fault, RunScene, Status, Trigger, Version};
use patchwarden::model::Digest;

fn scene(yard: &Yard) -> RunScene<'_> {
    let run = yard.run(Trigger::pull_request(yard.pull().number));
    run.job("unit").upload_v4("unit", &junit(GREEN)).finish(Status::Success);
    run.job("lint").upload_v3("lint", &[("junit.xml", GREEN.as_bytes())]).finish(Status::Success);
    run
}

fn step(yard: &Yard, run: RunScene<'_>) -> Step {
    Step::new(&yard.forge, run.job("gate")).arguments(&["--commit-status", "--comment"])
}

#[test]
fn a_kill_at_any_request_leaves_nothing_half_done_behind() {
    let yard = Yard::new(Version::V16);
    let run = scene(&yard);
    let clean = step(&yard, run);
    yard.forge.forget_requests();
    let clean_run = clean.run();
    clean_run.ended(0, &[]);
    let requests = yard.forge.requests().len();
    for nth in 1..=requests {
        let yard = Yard::new(Version::V16);
        let run = scene(&yard);
        let step = step(&yard, run);
        yard.forge.fault(At::request(nth), Fault::Hold);
        let mut child = step.command().spawn().unwrap();
        yard.forge.wait_for_held();
        child.kill().unwrap();
        child.wait().unwrap();
        let out = step.workspace().join("patchwarden-out");
        for name in ["gate_report.json", "repair_instruction.json"] {
            if let Ok(bytes) = std::fs::read(out.join(name)) {
                assert!(
                    serde_json::from_slice::<Value>(&bytes).is_ok(),
                    "half of {name} after request {nth}"
                );
            }
        }
        if let Ok(summary) = std::fs::read_to_string(out.join("summary.md")) {
            assert!(
                summary.ends_with("agents act on `repair_instruction.json`.\n"),
                "half a summary after {nth}"
            );
        }
        yard.forge.let_go();
        let ran = step.run();
        ran.ended(0, &[]);
        for part in ["verdict", "gates", "evidence", "policy"] {
            assert_eq!(ran.report()[part], clean_run.report()[part], "after a kill at request {nth}");
        }
        let served = run.content("patchwarden-result-gate-1").unwrap();
        assert_eq!(Digest::of(served).to_string(), ran.output("result_sha256"));
    }
}
