//! What a personal token alone can drive: `doctor`, `status --live`, and the gate as a step on the base would stand
//! there, over REST: head, policy, files, runs, timeline, statuses, the reading at the end, both effects.

use super::{Demo, Live, Program};
use serde_json::{Value, json};

/// A gate over the words of the pull request. The workflow of its evidence has a filter that leaves every change out, so
/// that no runner is needed: its evidence is excused.
const POLICY: &str = r#"
version = 1
[evidence.unit]
artifact = "unit"
path = "junit.xml"
format = "junit"
from = { workflow = "ci.yml", event = "pull_request" }
[[gate]]
id = "unit"
kind = "tests"
evidence = ["unit"]
[[gate]]
id = "promises"
kind = "contract"
title_pattern = "^feat: "
"#;
const WORKFLOW: &str = "on:\n  pull_request:\n    paths: ['never/**']\njobs:\n  unit:\n    runs-on: nowhere\n    steps:\n      - run: 'true'\n";
const STATUSES: &str = "[[gate]]\nid = \"others\"\nkind = \"statuses\"\n";

/// The environment of a step of `workflow_dispatch`, which names no pull request and stands on the base. Its run is of
/// no server: there is no artifact service behind it.
fn on_the_base(demo: &Demo<'_>) -> Program {
    let mut program = Program::of(demo.live);
    let tip = demo.get("branches/main")["commit"]["id"].as_str().unwrap().to_owned();
    let file = |name: &str| program.path(name).display().to_string();
    let event = json!({
        "inputs": null,
        "ref": "refs/heads/main",
        "repository": demo.live.get(&format!("repos/{}", demo.slug)),
        "workflow": ".forgejo/workflows/gate.yml",
    });
    std::fs::write(program.path("event.json"), event.to_string()).unwrap();
    let step = [
        ("GITHUB_ACTIONS", "true".to_owned()),
        ("GITHUB_API_URL", format!("{}/api/v1", demo.live.url)),
        ("GITHUB_EVENT_NAME", "workflow_dispatch".to_owned()),
        ("GITHUB_EVENT_PATH", file("event.json")),
        ("GITHUB_JOB", "gate".to_owned()),
        ("GITHUB_OUTPUT", file("outputs")),
        ("GITHUB_REF", "refs/heads/main".to_owned()),
        ("GITHUB_REPOSITORY", demo.slug.clone()),
        ("GITHUB_RUN_ATTEMPT", "1".to_owned()),
        ("GITHUB_RUN_ID", "999999999".to_owned()),
        ("GITHUB_RUN_NUMBER", "1".to_owned()),
        ("GITHUB_SERVER_URL", demo.live.url.clone()),
        ("GITHUB_SHA", tip),
        ("GITHUB_STEP_SUMMARY", file("step-summary")),
        ("GITHUB_WORKFLOW_REF", format!("{}/.forgejo/workflows/gate.yml@refs/heads/main", demo.slug)),
    ];
    program.env.extend(step.map(|(name, value)| (name.to_owned(), value)));
    program
}

/// Judges the pull request, with both effects; gives the exit code and the report.
fn judge(demo: &Demo<'_>, pull: u64) -> (i32, Value, String) {
    let program = on_the_base(demo);
    let pull = pull.to_string();
    let arguments = ["gate", "--from", "head-runs", "--wait", "1s", "--pull", &pull];
    let ran = program.run(&[&arguments[..], &["--commit-status", "live/verdict", "--comment"]].concat());
    (ran.code, program.json("patchwarden-out/gate_report.json"), format!("{}{}", ran.stdout, ran.stderr))
}

fn blockers(report: &Value) -> Vec<String> {
    let gates = report["gates"].as_array().unwrap();
    let blockers = gates.iter().flat_map(|gate| gate["blockers"].as_array().unwrap());
    blockers.map(|blocker| blocker["code"].as_str().unwrap().to_owned()).collect()
}

fn with_policy<'l>(live: &'l Live, more: &str) -> Demo<'l> {
    let demo = live.repository();
    demo.file("main", ".forgejo/workflows/ci.yml", WORKFLOW);
    demo.file("main", ".forgejo/patchwarden.toml", &format!("{POLICY}{more}"));
    demo
}

#[test]
fn doctor_finds_what_the_recordings_say() {
    for live in Live::all() {
        let demo = live.repository();
        demo.file("main", ".forgejo/patchwarden.toml", "version = 1\n[people]\noperators = [\"live\"]\n");
        let body = json!({
            "rule_name": "main",
            "enable_status_check": true,
            "status_check_contexts": ["ci / *"],
        });
        live.call("POST", &format!("repos/{}/branch_protections", demo.slug), &body);
        let arguments = ["doctor", "--server", &live.url, "--repo", &demo.slug, "--format", "json"];
        let ran = Program::of(&live).run(&arguments);
        let diagnosis = ran.ended(0).json();
        assert_eq!(diagnosis["token"], "personal");
        assert_eq!(diagnosis["protection"]["known"]["branch"], "main");
        assert!(diagnosis["weak"].to_string().contains("is a glob"), "{diagnosis}");
        for row in diagnosis["capabilities"].as_array().unwrap() {
            let wanted = ["repository", "branch_read"].contains(&row["name"].as_str().unwrap());
            assert_eq!(row["answer"] == "yes", wanted, "{row}");
        }
    }
}

#[test]
fn a_repository_that_is_not_there_is_no_answer() {
    for live in Live::all() {
        let arguments = ["doctor", "--server", &live.url, "--repo", "nobody/nothing", "--format", "json"];
        let ran = Program::of(&live).run(&arguments);
        let diagnosis: Value = serde_json::from_str(&ran.stdout).unwrap_or_default();
        let mut rows = diagnosis["capabilities"].as_array().into_iter().flatten();
        let answered = rows.any(|row| row["answer"] == "yes");
        assert!(matches!(ran.code, 0 | 4) && !answered, "{}: {diagnosis}{}", ran.code, ran.stderr);
    }
}

/// Blocked by the pull request's title, and passed once it is mended: exit 5, because there is no run to upload to.
#[test]
fn a_pull_request_is_judged_over_rest_and_told_so() {
    for live in Live::all() {
        let demo = with_policy(&live, "");
        let head = demo.branch("feat", "one.txt", "1\n");
        let pull = demo.pull("feat", "Something");
        let (code, report, told) = judge(&demo, pull);
        assert_eq!((code, blockers(&report)), (11, vec!["contract.title".to_owned()]), "{told}");
        assert_eq!(report["target"]["target_sha"], head);
        assert_eq!(report["policy"]["origin"], "base", "{told}");
        assert_eq!(report["history"]["heads"], 1, "{told}");

        live.call("PATCH", &format!("repos/{}/pulls/{pull}", demo.slug), &json!({ "title": "feat: it" }));
        let (code, report, told) = judge(&demo, pull);
        assert_eq!((code, report["verdict"].as_str()), (5, Some("pass")), "{told}");
        assert!(told.contains("the result artifact was not uploaded"), "{told}");

        let statuses = demo.get(&format!("commits/{head}/statuses?limit=50"));
        let mut words: Vec<&str> = statuses
            .as_array()
            .unwrap()
            .iter()
            .filter(|status| status["context"] == "live/verdict")
            .map(|status| status["status"].as_str().unwrap())
            .collect();
        words.sort_unstable();
        assert_eq!(words, ["failure", "success"], "{statuses}");
        let comments = demo.get(&format!("issues/{pull}/comments"));
        let marked = |comment: &&Value| comment["body"].as_str().unwrap().contains("patchwarden:gate");
        // The second judgement found the comment of the first, though it is a person's and no job's.
        let marked: Vec<&Value> = comments.as_array().unwrap().iter().filter(marked).collect();
        assert_eq!(marked.len(), 1, "{comments}");
        assert!(marked[0]["body"].as_str().unwrap().contains("pass"), "{comments}");
    }
}

#[test]
fn a_second_head_is_counted_and_a_protected_path_is_a_persons() {
    for live in Live::all() {
        let demo = with_policy(&live, "");
        demo.branch("feat", "one.txt", "1\n");
        let pull = demo.pull("feat", "feat: it");
        let head = demo.file("feat", "action.yml", "name: x\n");
        let (code, report, told) = judge(&demo, pull);
        assert_eq!((code, blockers(&report)), (10, vec!["protected.path_changed".to_owned()]), "{told}");
        assert_eq!((&report["target"]["target_sha"], &report["history"]["heads"]), (&json!(head), &json!(2)));
    }
}

/// A status that no job stands behind is read, and is nobody's word.
#[test]
fn a_status_without_a_job_wants_a_person() {
    for live in Live::all() {
        let demo = with_policy(&live, STATUSES);
        let head = demo.branch("feat", "one.txt", "1\n");
        let pull = demo.pull("feat", "feat: it");
        let status =
            json!({ "context": "elsewhere", "state": "success", "description": "", "target_url": "" });
        live.call("POST", &format!("repos/{}/statuses/{head}", demo.slug), &status);
        let (code, report, told) = judge(&demo, pull);
        assert_eq!((code, blockers(&report)), (10, vec!["status.unverified".to_owned()]), "{told}");
    }
}

/// No policy is confirmed by the commit being there; a policy that is none is exit 3, which no retry mends.
#[test]
fn a_policy_is_read_at_the_base_or_said_to_be_missing() {
    for live in Live::all() {
        let demo = live.repository();
        demo.branch("feat", ".forgejo/patchwarden.toml", POLICY);
        let pull = demo.pull("feat", "feat: it");
        let (code, report, told) = judge(&demo, pull);
        assert_eq!(report["policy"]["origin"], "embedded", "{told}");
        assert!(code != 0 && blockers(&report).contains(&"policy.none".to_owned()), "{told}");

        let demo = live.repository();
        demo.file("main", ".forgejo/patchwarden.toml", "version = 7\n");
        demo.branch("feat", "one.txt", "1\n");
        let pull = demo.pull("feat", "feat: it");
        let (code, report, told) = judge(&demo, pull);
        assert_eq!((code, &report["verdict"]), (3, &Value::Null), "{told}");
    }
}

#[test]
fn status_reads_the_repository_live() {
    for live in Live::all() {
        let demo = with_policy(&live, "");
        demo.branch("feat", "one.txt", "1\n");
        let pull = demo.pull("feat", "feat: it");
        let arguments = ["status", "--live", "--server", &live.url, "--repo", &demo.slug, "--format", "json"];
        let ran = Program::of(&live).run(&arguments);
        let status = ran.ended(0).json();
        assert_eq!(status["schema"], "operator_status.v1");
        assert!(
            status.to_string().contains(&format!("#{pull}")) || ran.stdout.contains("feat: it"),
            "{status}"
        );
    }
}
