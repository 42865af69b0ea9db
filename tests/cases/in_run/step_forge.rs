//! A forge for `scripts/bench step`: a run whose job uploaded ten reports of 2 MB by v3, which the Node client of that
//! protocol reads as well as we do. It prints the environment of the gate's step and serves until its input ends.

use std::fmt::Write as _;
use std::io::Read as _;

use super::yard::{Step, Yard};
use crate::fake_forge::{Config, Status, Trigger, Version};

const REPORTS: usize = 10;
const BYTES: usize = 2_000_000;

/// SARIF with warnings, so many that it has the size.
fn report() -> String {
    let mut text = r#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"bench"}},"results":["#.to_owned();
    let mut line = 0;
    while text.len() < BYTES {
        line += 1;
        let comma = if line > 1 { "," } else { "" };
        writeln!(
            text,
            "{comma}{{\"ruleId\":\"rule-{}\",\"level\":\"warning\",\"message\":{{\"text\":\"a value that comes from outside \
             reaches the database without being checked\"}},\"locations\":[{{\"physicalLocation\":{{\"artifactLocation\":\
             {{\"uri\":\"src/module_{}.py\"}},\"region\":{{\"startLine\":{line},\"startColumn\":5}}}}}}],\
             \"partialFingerprints\":{{\"primaryLocationLineHash\":\"{line:032x}:1\"}}}}",
            line % 50,
            line % 97,
        )
        .unwrap();
    }
    text + "]}]}\n"
}

fn policy() -> String {
    let mut text = "version = 1\n".to_owned();
    for n in 0..REPORTS {
        write!(text, "[evidence.e{n}]\nartifact = \"a{n}\"\npath = \"lint.sarif\"\nformat = \"sarif\"\n")
            .unwrap();
        write!(text, "[[gate]]\nid = \"g{n}\"\nkind = \"findings\"\nevidence = [\"e{n}\"]\n").unwrap();
        text += "max = { warning = 1000000 }\n";
    }
    text
}

#[test]
#[ignore = "a server for scripts/bench: it waits for its input to end"]
fn serves_the_step_of_the_benchmark() {
    let yard = Yard::with(Config::new(Version::V16).shipped_paging(), Some(&policy()));
    yard.demo().commit("main").file(".forgejo/workflows/ci.yml", super::requests::WORKFLOW).push();
    let run = yard.run(Trigger::pull_request(yard.pull().number));
    let report = report();
    for n in 0..REPORTS {
        run.job("unit").upload_v3(&format!("a{n}"), &[("lint.sarif", report.as_bytes())]);
    }
    for job in ["unit", "lint"] {
        run.job(job).finish(Status::Success);
    }
    let step = Step::new(&yard.forge, run.job("gate"));
    // One line, which nothing else the suite prints begins like.
    println!(
        "\nstep {}",
        serde_json::json!({"env": step.env, "workspace": step.workspace().display().to_string()})
    );
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}
