//! `examples/from-the-base`: the very files of the example, read as the gate reads them and judged over the fake forge.

use patchwarden::context::{WorkflowFile, look_at_gate_workflow};

use super::yard::{CI_PATH, ci_run, gate_run, hasty};
use crate::cases::in_run::yard::{GREEN, POLICY_PATH, Yard, zip};
use crate::fake_forge::{Config, Status, Version};
use crate::support::here;

fn file(name: &str) -> String {
    std::fs::read_to_string(here(&format!("examples/from-the-base/.forgejo/{name}"))).unwrap()
}

const SARIF: &str = r#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"ruff"}},"invocations":[{"executionSuccessful":true}],"results":[]}]}"#;

#[test]
fn its_gate_is_not_refused_and_its_context_is_the_one_the_readme_requires() {
    let workflow = WorkflowFile::parse(&file("workflows/gate.yml")).unwrap();
    let found = look_at_gate_workflow(&workflow, "gate.yml", None, &[]);
    assert_eq!((found.refused, found.warnings), (Vec::new(), Vec::new()));
    assert_eq!(found.contexts, ["gate / gate (pull_request_target)"]);
    let readme = std::fs::read_to_string(here("examples/from-the-base/README.md")).unwrap();
    assert!(readme.contains(&format!("\"{}\"", found.contexts[0])));
}

#[test]
fn it_passes_and_a_change_of_its_producers_wants_a_person() {
    for version in Version::ALL {
        let yard = Yard::with(Config::new(version), Some(&file("patchwarden.toml")));
        let ci = file("workflows/ci.yml");
        yard.demo().commit("main").file(CI_PATH, &ci).push();
        assert_eq!(POLICY_PATH, ".forgejo/patchwarden.toml");
        yard.demo().branch("work", "main").commit("work").file("work.txt", "x\n").push();
        let pull = yard.demo().pull("work", "main").author("alice").open("Work", "");
        let produce = || {
            let run = ci_run(yard.demo(), pull.number);
            run.job("unit")
                .upload_v4("unit", &zip(&[("junit.xml", GREEN.as_bytes())]))
                .finish(Status::Success);
            run.job("lint")
                .upload_v4("lint", &zip(&[("ruff.sarif", SARIF.as_bytes())]))
                .finish(Status::Success);
        };
        produce();
        let ran = hasty(&yard.forge, gate_run(yard.demo(), pull.number));
        ran.ended(0, &[]);
        let other = ci.replace("artifact: lint", "artifact: nothing");
        yard.demo().commit("work").file(CI_PATH, other).push();
        produce();
        let ran = hasty(&yard.forge, gate_run(yard.demo(), pull.number));
        ran.ended(10, &["protected:protected.path_changed", "protected:protected.producer_changed"]);
    }
}
