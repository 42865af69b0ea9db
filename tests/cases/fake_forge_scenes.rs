//! The scenes of the fake forge: repositories, branches, pull requests, issues, and what REST then says of them.
//! What later features read (merged pull requests, listings, protection, labels) is set up and asked for once here.

use serde_json::{Value, json};

use super::wire::{call, get};
use crate::fake_forge::{Config, FakeForge, Protection, PullScene, RepoScene, Status, Trigger, Version};

const DEMO: &str = "/api/v1/repos/boss/demo";

fn forge(version: Version) -> FakeForge {
    let forge = Config::new(version).page_size(50).start();
    forge.repo("boss/demo").commit("main").file("a", "a\n").file("old.txt", "same\n").push();
    forge
}

fn pull<'f>(repo: RepoScene<'f>, branch: &str) -> PullScene<'f> {
    repo.branch(branch, "main").commit(branch).file(branch, "x\n").message(branch).push();
    repo.pull(branch, "main").author("alice").open(branch, "")
}

fn column(list: &Value, key: &str) -> Vec<Value> {
    list.as_array().unwrap().iter().map(|item| item[key].clone()).collect()
}

#[test]
fn a_push_moves_the_head_and_leaves_its_history() {
    let forge = forge(Version::V16);
    let demo = forge.repo("boss/demo");
    let pull = pull(demo, "feat");
    let first = pull.head();
    let second = demo.commit("feat").author("alice").file("feat", "y\n").push();
    assert_eq!(pull.head(), second);
    let third = demo.commit("feat").parent(&demo.tip("main")).clean().file("feat", "z\n").push();
    let timeline = get(&forge, &format!("{DEMO}/issues/{}/timeline", pull.number), "").json();
    let pushes: Vec<Value> = column(&timeline, "body")
        .iter()
        .map(|body| serde_json::from_str(body.as_str().unwrap()).unwrap())
        .collect();
    assert_eq!(pushes[0], json!({"is_force_push": false, "commit_ids": [first]}));
    assert_eq!(pushes[1], json!({"is_force_push": false, "commit_ids": [second]}));
    assert_eq!(pushes[2]["is_force_push"], true);
    assert_eq!(pushes[2]["commit_ids"].as_array().unwrap().last(), Some(&json!(third)));
}

#[test]
fn changed_files_tell_both_sides_of_a_rename() {
    let forge = forge(Version::V16);
    let demo = forge.repo("boss/demo");
    let commit =
        demo.branch("mv", "main").commit("mv").remove("old.txt").remove("a").file("new.txt", "same\n");
    commit.push();
    let pull = demo.pull("mv", "main").open("mv", "");
    let files = get(&forge, &format!("{DEMO}/pulls/{}/files", pull.number), "").json();
    assert_eq!(column(&files, "status"), ["deleted", "renamed"]);
    assert_eq!(column(&files, "filename"), ["a", "new.txt"]);
    assert_eq!(files[1]["previous_filename"], "old.txt");
    let diff = get(&forge, &format!("{DEMO}/pulls/{}.diff", pull.number), "").text();
    assert!(diff.contains("--- a/a\n+++ /dev/null\n"), "{diff}");
}

#[test]
fn the_head_may_move_between_two_questions() {
    let forge = forge(Version::V15);
    let demo = forge.repo("boss/demo");
    let pull = pull(demo, "feat");
    let run = demo.run("ci.yml", Trigger::pull_request(pull.number)).job("unit", &[]).create();
    let before = forge.event_json(run)["pull_request"]["head"]["sha"].clone();
    demo.commit("feat").file("feat", "moved\n").push();
    let now = get(&forge, &format!("{DEMO}/pulls/{}", pull.number), "").json()["head"]["sha"].clone();
    assert_ne!(before, now);
    assert_eq!(forge.event_json(run)["pull_request"]["head"]["sha"], before);
    assert_eq!((run.index(), run.status()), (1, Status::Waiting));
}

#[test]
fn merged_pull_requests_are_found_by_their_merge() {
    let forge = forge(Version::V16);
    let demo = forge.repo("boss/demo").branch("stable", "main");
    let (one, two, three) = (pull(demo, "one"), pull(demo, "two"), pull(demo, "three"));
    forge.advance(60);
    let merged = two.merge("boss");
    three.retarget("stable");
    let by = |query: &str| column(&get(&forge, &format!("{DEMO}/pulls?{query}"), "").json(), "number");
    assert_eq!(by("state=closed"), [two.number]);
    assert_eq!(by("state=all&sort=oldest"), [one.number, two.number, three.number]);
    assert_eq!(by("state=open&base=stable"), [three.number]);
    assert_eq!(by("state=all&sort=recentupdate")[0], two.number);
    let found = get(&forge, &format!("{DEMO}/commits/{merged}/pull"), "").json();
    assert_eq!((found["number"].as_i64(), found["merged"].as_bool()), (Some(two.number), Some(true)));
    assert_eq!(get(&forge, &format!("{DEMO}/branches/main"), "").json()["commit"]["id"], json!(merged));
    assert_eq!(get(&forge, &format!("{DEMO}/contents/two?ref={merged}"), "").status, 200);
    demo.delete_branch("two");
    assert_eq!(get(&forge, &format!("{DEMO}/branches/two"), "").status, 404);
}

#[test]
fn reviews_go_stale_and_are_dismissed() {
    let forge = forge(Version::V16);
    let demo = forge.repo("boss/demo");
    let pull = pull(demo, "feat").draft();
    let review = pull.review("boss", "APPROVED", "fine");
    let path = format!("{DEMO}/pulls/{}/reviews", pull.number);
    let fresh = get(&forge, &path, "").json();
    assert_eq!((&fresh[0]["official"], &fresh[0]["stale"]), (&json!(true), &json!(false)));
    demo.commit("feat").file("feat", "y\n").push();
    assert_eq!(get(&forge, &path, "").json()[0]["stale"], true);
    let other = pull.review("boss", "REQUEST_CHANGES", "no");
    pull.dismiss(review, "boss");
    let boss = forge.personal_token("boss");
    let url = format!("{path}/{other}/dismissals");
    assert_eq!(call(&forge, "POST", &url, &forge.personal_token("alice"), "{}").status, 403);
    assert_eq!(call(&forge, "POST", &url, &boss, r#"{"message":"m"}"#).json()["dismissed"], true);
    assert_eq!(column(&get(&forge, &path, "").json(), "dismissed"), [true, true]);
    assert_eq!(get(&forge, &format!("{DEMO}/pulls/{}", pull.number), "").json()["draft"], true);
}

#[test]
fn protection_shows_on_the_branch_and_its_rules_only_to_owners() {
    let forge = forge(Version::V15);
    let contexts = vec!["base / gate (pull_request_target)".to_owned()];
    let demo = forge.repo("boss/demo");
    demo.protect("main", Protection { required_approvals: 1, contexts: contexts.clone() });
    let run = demo
        .run("ci.yml", Trigger::push("main"))
        .job("unit", &[])
        .display_name("unit", "Unit tests")
        .create();
    let token = run.job("unit").token();
    let branch = get(&forge, &format!("{DEMO}/branches/main"), &token).json();
    assert_eq!((&branch["protected"], &branch["status_check_contexts"]), (&json!(true), &json!(contexts)));
    assert_eq!(get(&forge, &format!("{DEMO}/branch_protections"), &token).status, 403);
    let rules = get(&forge, &format!("{DEMO}/branch_protections"), &forge.personal_token("boss")).json();
    assert_eq!(rules[0]["required_approvals"], 1);
    let tasks = get(&forge, &format!("{DEMO}/actions/tasks?page=1"), &token).json();
    assert_eq!(tasks["workflow_runs"][0]["name"], "Unit tests");
}

#[test]
fn a_status_has_no_author_and_any_context() {
    let forge = forge(Version::V16);
    let demo = forge.repo("boss/demo");
    let tip = demo.tip("main");
    demo.status(&tip, "success", "base / gate (pull_request_target)");
    forge.advance(1);
    demo.status(&tip, "failure", "base / gate (pull_request_target)");
    let history = get(&forge, &format!("{DEMO}/commits/{tip}/statuses"), "").json();
    assert_eq!(column(&history, "status"), ["failure", "success"]);
    assert_eq!(column(&history, "creator"), [Value::Null, Value::Null]);
    assert_eq!(get(&forge, &format!("{DEMO}/commits/main/status"), "").json()["state"], "failure");
    let bare = demo.commit("main").file("b", "b\n").push();
    let none = get(&forge, &format!("{DEMO}/commits/{bare}/status"), "").json();
    assert_eq!((&none["state"], &none["statuses"]), (&json!(""), &Value::Null));
}

#[test]
fn issues_are_found_by_label_and_text() {
    let forge = forge(Version::V16);
    let demo = forge.repo("boss/demo");
    let label = demo.label("gate", "#ff0000");
    let (one, two) = (demo.issue("boss", "red", "<!-- marker -->"), demo.issue("alice", "green", ""));
    demo.put_label(one, label, "boss");
    demo.comment(two, "alice", "hello");
    let by = |query: &str| column(&get(&forge, &format!("{DEMO}/issues?{query}"), "").json(), "number");
    assert_eq!(by("labels=gate"), [one]);
    assert_eq!(by("labels=unknown"), [two, one]);
    assert_eq!(by("q=marker"), [one]);
    let boss = forge.personal_token("boss");
    let all = get(&forge, "/api/v1/repos/issues/search?labels=gate", &boss).json();
    assert_eq!(column(&all, "number"), [one]);
    let path = format!("{DEMO}/issues/{two}/labels");
    assert_eq!(call(&forge, "POST", &path, &boss, r#"{"labels":["gate"]}"#).json()[0]["name"], "gate");
    assert_eq!(call(&forge, "PUT", &path, &boss, r#"{"labels":[]}"#).json(), json!([]));
    let id = get(&forge, &format!("{DEMO}/issues/{two}/comments"), "").json()[0]["id"].as_i64().unwrap();
    assert_eq!(call(&forge, "DELETE", &format!("{DEMO}/issues/comments/{id}"), &boss, "").status, 204);
    let edit = call(&forge, "PATCH", &format!("{DEMO}/issues/{two}"), &boss, r#"{"state":"closed"}"#);
    assert_eq!((edit.status, edit.json()["state"].clone()), (201, json!("closed")));
    let again = call(&forge, "PATCH", &format!("{DEMO}/issues/{two}"), &boss, r#"{"state":"open"}"#);
    assert_eq!(again.json()["closed_at"], Value::Null);
}

#[test]
fn repositories_are_listed_by_owner_and_by_topic() {
    let forge = forge(Version::V16);
    forge.repo("boss/demo").topic("gated");
    forge.repo("boss/hidden").private().topic("gated").commit("main").push();
    forge.repo("org/other").topic("gated").commit("main").push();
    let names = |path: &str, token: &str| {
        let body = get(&forge, path, token).json();
        column(body.get("data").unwrap_or(&body), "full_name")
    };
    let boss = forge.personal_token("boss");
    assert_eq!(names("/api/v1/orgs/org/repos", ""), ["org/other"]);
    assert_eq!(names("/api/v1/users/boss/repos", ""), ["boss/demo"]);
    assert_eq!(names("/api/v1/repos/search?topic=true&q=gated", ""), ["boss/demo", "org/other"]);
    let all = ["boss/demo", "boss/hidden", "org/other"];
    assert_eq!(names("/api/v1/repos/search?topic=true&q=gated", &boss), all);
    assert_eq!(names("/api/v1/repos/search?q=oth", ""), ["org/other"]);
}

#[test]
fn a_job_that_may_write_makes_a_real_commit() {
    let forge = forge(Version::V16);
    let demo = forge.repo("boss/demo");
    let run = demo.run("ci.yml", Trigger::push("main")).job("unit", &[]).create();
    let body = r#"{"content":"aGkK","message":"by a job","branch":"main"}"#;
    let made = call(&forge, "POST", &format!("{DEMO}/contents/written"), &run.job("unit").token(), body);
    assert_eq!((made.status, made.json()["commit"]["sha"].clone()), (201, json!(demo.tip("main"))));
    assert_eq!(get(&forge, &format!("{DEMO}/raw/written?ref=main"), "").text(), "hi\n");
    assert_eq!(get(&forge, &format!("{DEMO}/raw/nothing?ref=main"), "").status, 404);
}

#[test]
fn a_policy_that_is_not_there_differs_from_a_commit_that_is_not() {
    let forge = forge(Version::V15);
    let tip = forge.repo("boss/demo").tip("main");
    let errors = |reference: &str| {
        let reply = get(&forge, &format!("{DEMO}/contents/.forgejo/none.toml?ref={reference}"), "");
        assert_eq!(reply.status, 404);
        reply.json()["errors"][0].as_str().unwrap().to_owned()
    };
    assert_eq!(errors(&tip), "object does not exist [id: , rel_path: .forgejo/none.toml]");
    let zeros = "0".repeat(40);
    assert_eq!(errors(&zeros), format!("object does not exist [id: {zeros}, rel_path: ]"));
    assert_eq!(forge.now(), 1_795_251_120);
}
