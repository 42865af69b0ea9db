//! The opt-in writes: a commit status on the head and one sticky comment, by what the job's token may do.

use serde_json::Value;

use super::yard::{GREEN, RED, Ran, Step, Yard, green, junit};
use crate::cases::wire;
use crate::fake_forge::{At, Fault, RunScene, Status, Trigger, Version};

const BOTH: [&str; 3] = ["--commit-status", "gate/verdict", "--comment"];

fn gate(yard: &Yard, run: RunScene<'_>) -> Ran {
    Step::new(&yard.forge, run.job("gate")).arguments(&BOTH).run()
}

fn statuses(yard: &Yard, sha: &str) -> Vec<(String, String, String)> {
    let path = format!("/api/v1/repos/boss/demo/commits/{sha}/statuses?limit=50&page=");
    let token = yard.forge.personal_token("boss");
    let pages = (1..40).map(|page| wire::get(&yard.forge, &format!("{path}{page}"), &token).json());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let rows = pages.flat_map(|page| page.as_array().cloned().unwrap_or_default());
    let ours = rows.filter(|status| status["context"] == "gate/verdict");
    ours.map(|status| (text(&status["status"]), text(&status["description"]), text(&status["target_url"])))
        .collect()
}

fn comments(yard: &Yard, pull: i64) -> Vec<Value> {
    let path = format!("/api/v1/repos/boss/demo/issues/{pull}/comments");
    let token = yard.forge.personal_token("boss");
    wire::get(&yard.forge, &path, &token).json().as_array().unwrap().clone()
}

#[test]
fn the_status_is_on_the_head_and_the_comment_is_updated_in_place() {
    for version in Version::ALL {
        let yard = Yard::new(version);
        let pull = yard.pull();
        // Anybody may write what looks like ours; it is neither read nor touched.
        yard.demo().comment(pull.number, "alice", "<!-- patchwarden:gate -->\npass");
        let run = yard.run(Trigger::pull_request(pull.number));
        run.job("unit").upload_v4("unit", &junit(RED)).finish(Status::Failure);
        run.job("lint").upload_v4("lint", &junit(GREEN)).finish(Status::Success);
        let ran = gate(&yard, run);
        ran.ended(11, &["unit:tests.failed"]);
        let posted = statuses(&yard, &pull.head());
        assert_eq!(posted.len(), 1);
        assert_eq!((posted[0].0.as_str(), posted[0].1.as_str()), ("failure", "blocked: 1 blocker"));
        assert!(
            posted[0].2.ends_with(&format!("/boss/demo/actions/runs/{}", run.index())),
            "{}",
            posted[0].2
        );
        let first = comments(&yard, pull.number);
        assert_eq!(first.len(), 2);
        let body = first[1]["body"].as_str().unwrap();
        assert!(body.contains(ran.output("result_sha256")) && body.contains("tests.failed"), "{body}");
        run.job("gate").finish(Status::Failure);

        let run = yard.run(Trigger::pull_request(pull.number));
        green(run);
        gate(&yard, run).ended(0, &[]);
        let second = comments(&yard, pull.number);
        assert_eq!((second.len(), &second[0], &second[1]["id"]), (2, &first[0], &first[1]["id"]));
        assert!(second[1]["body"].as_str().unwrap().contains("pass"));
        let posted = statuses(&yard, &pull.head());
        assert!(posted.iter().any(|status| status.0 == "success"), "{posted:?}");
    }
}

#[test]
fn what_a_forks_token_may_not_do_changes_no_exit() {
    for version in Version::ALL {
        let yard = Yard::new(version);
        let fork = yard.demo().fork("mallory/demo");
        fork.branch("patch", "main").commit("patch").file("patch.txt", "x\n").push();
        let pull = yard.demo().pull("patch", "main").from(fork).author("mallory").open("Patch", "");
        let run = yard.run(Trigger::pull_request(pull.number));
        run.approve("boss");
        green(run);
        let ran = gate(&yard, run);
        ran.ended(0, &[]);
        assert!(ran.stderr.contains("commit status: not_permitted"), "{}", ran.stderr);
        assert!(statuses(&yard, &pull.head()).is_empty());
        // A fork's token may comment (LIVE section 8).
        assert_eq!(comments(&yard, pull.number).len(), 1);
    }
}

#[test]
fn an_effect_that_failed_costs_the_pass_and_nothing_else() {
    for version in Version::ALL {
        let yard = Yard::new(version);
        let run = yard.green();
        yard.forge.fault(At::path("/statuses/").method("POST").always(), Fault::Status(502));
        let ran = gate(&yard, run);
        assert_eq!((ran.code, ran.output("verdict")), (5, "pass"), "{}", ran.stderr);
        assert!(ran.packet.is_some());
        assert_eq!(comments(&yard, 1).len(), 1, "the other effect is applied all the same");
    }
}

#[test]
fn without_the_inputs_nothing_but_the_result_is_written() {
    for version in Version::ALL {
        let yard = Yard::new(version);
        let run = yard.green();
        yard.forge.forget_requests();
        super::yard::gate(&yard.forge, run.job("gate")).ended(0, &[]);
        for seen in yard.forge.requests().iter().filter(|seen| seen.method != "GET") {
            assert!(seen.target.contains("ArtifactService"), "{seen:?}");
        }
    }
}
