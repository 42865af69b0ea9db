//! Writes against a server that keeps them, loses its answers, or refuses.

use std::sync::Mutex;

use serde_json::{Value, json};

use super::*;
use crate::forge::client::Client;
use crate::forge::loopback::{Answer, Loopback};
use crate::forge::recorded::{exchanges, play};
use crate::forge::rest::StatusState;
use crate::model::RepoSlug;

const HEAD: &str = "64253ac1575143920106926bea24626ebd094bed";
const BASE: &str = "fbc22c5d34daa5bec856020b734d16a8062c4bcc";
const MARKER: &str = "<!-- patchwarden:gate -->";

fn slug() -> RepoSlug {
    "boss/demo".parse().unwrap()
}

fn judged() -> Judged {
    Judged {
        head: HEAD.parse().unwrap(),
        pull: Some(JudgedPull {
            number: 12.try_into().unwrap(),
            base_branch: "main".to_owned(),
            base: BASE.parse().unwrap(),
        }),
    }
}

fn fresh() -> FreshHead {
    FreshHead { head: HEAD.parse().unwrap(), pull: Some(12.try_into().unwrap()) }
}

fn status() -> NewStatus {
    NewStatus {
        context: "patchwarden".to_owned(),
        state: StatusState::Failure,
        target_url: "http://forge.example/run".to_owned(),
        description: "blocked".to_owned(),
    }
}

fn read(client: &Client, judged: &Judged) -> Freshness {
    FreshHead::read(client.repo(&slug()), judged).unwrap()
}

#[test]
fn only_the_judged_head_on_the_judged_base_is_fresh() {
    let server = play(exchanges("v16.0", "from_the_base.json"), |_| true);
    let client = server.client("");
    assert_eq!(read(&client, &judged()), Freshness::Fresh(fresh()));
    assert_eq!(client.requests_sent(), 1);

    let mut other_head = judged();
    other_head.head = "ab".repeat(20).parse().unwrap();
    assert_eq!(read(&client, &other_head), Freshness::HeadMoved { now: HEAD.parse().unwrap() });

    let mut other_base = judged();
    other_base.pull.as_mut().unwrap().base = "ab".repeat(20).parse().unwrap();
    assert!(matches!(read(&client, &other_base), Freshness::BaseMoved { .. }));
    let mut retargeted = judged();
    retargeted.pull.as_mut().unwrap().base_branch = "release".to_owned();
    assert!(matches!(read(&client, &retargeted), Freshness::BaseMoved { branch, .. } if branch == "main"));

    let pushed = Judged { head: "cd".repeat(20).parse().unwrap(), pull: None };
    let server = Loopback::start(|_| Answer::new(404, "{}"));
    assert_eq!(read(&server.client(""), &pushed), Freshness::HeadGone);
    let server = Loopback::start(|_| Answer::new(502, ""));
    assert!(
        FreshHead::read(server.client("").repo(&slug()), &judged()).is_err(),
        "no answer is no freshness"
    );
}

/// Keeps statuses and comments; the first write of a path is answered as `first` says.
fn forge(comments: Value, first: fn() -> Option<Answer>) -> Loopback {
    let state = Mutex::new((Vec::<Value>::new(), comments, 0));
    Loopback::start(move |request| {
        let mut state = state.lock().unwrap();
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let path = request.target.split('?').next().unwrap();
        let path = path.strip_prefix("/api/v1/repos/boss/demo/").unwrap();
        let id = state.0.len() + 100;
        let written = match (request.method.as_str(), path.split('/').collect::<Vec<_>>().as_slice()) {
            ("POST", ["statuses", _]) => {
                let status = json!({"id": id, "status": body["state"], "context": body["context"],
                    "target_url": body["target_url"], "description": body["description"]});
                state.0.push(status.clone());
                status
            }
            ("GET", ["commits", _, "statuses"]) => {
                return Answer::new(200, Value::from(state.0.clone()).to_string());
            }
            ("GET", ["issues", _, "comments"]) => return Answer::new(200, state.1.to_string()),
            ("POST", ["issues", _, "comments"]) => {
                let comment =
                    json!({"id": id, "body": body["body"], "user": {"id": -2, "login": "forgejo-actions"}});
                state.1.as_array_mut().unwrap().push(comment.clone());
                comment
            }
            ("PATCH", ["issues", "comments", id]) => {
                let id: u64 = id.parse().unwrap();
                let comment =
                    state.1.as_array_mut().unwrap().iter_mut().find(|comment| comment["id"] == id).unwrap();
                comment["body"] = body["body"].clone();
                comment.clone()
            }
            _ => return Answer::new(599, request.target.clone()),
        };
        state.2 += 1;
        if state.2 == 1
            && let Some(answer) = first()
        {
            return answer;
        }
        Answer::new(201, written.to_string())
    })
}

fn writes(server: &Loopback) -> usize {
    server.received().iter().filter(|request| request.method != "GET").count()
}

#[test]
fn a_status_is_posted_and_a_lost_answer_is_not_posted_twice() {
    for first in [|| None, || Some(Answer::new(201, "{").cut_short()), || Some(Answer::new(502, ""))] {
        let server = forge(json!([]), first);
        let client = server.client("");
        let slug = slug();
        let effects = Effects::new(client.repo(&slug));
        assert_eq!(effects.commit_status(&fresh(), &status()).unwrap(), Applied::Created);
        assert_eq!(writes(&server), 1);
    }
}

#[test]
fn a_token_that_may_not_is_no_failure() {
    let server = play(exchanges("v16.0", "pull_request_from_fork_approved.json"), |_| true);
    let client = server.client("");
    let slug = slug();
    let mut fork = fresh();
    fork.head = "80a0ca34779edc046184a96c1d4683e744742924".parse().unwrap();
    // As recorded: the posted JSON carries no name, so any matches.
    let applied = Effects::new(client.repo(&slug)).commit_status(&fork, &status()).unwrap();
    assert_eq!(applied, Applied::NotPermitted);
}

#[test]
fn one_comment_is_kept_in_place() {
    let forged = json!([
        {"id": 1, "body": format!("{MARKER}\nby a person"), "user": {"id": 7, "login": "mallory"}},
        {"id": 2, "body": "unrelated", "user": {"id": -2, "login": "forgejo-actions"}},
    ]);
    let server = forge(forged, || None);
    let client = server.client("");
    let slug = slug();
    let effects = Effects::new(client.repo(&slug));
    let write = |text| effects.sticky_comment(&fresh(), Writer::Jobs, MARKER, text).unwrap().unwrap();
    assert_eq!(write("first"), Applied::Created);
    assert_eq!(write("first"), Applied::Unchanged);
    assert_eq!(write("second"), Applied::Updated);
    assert_eq!(writes(&server), 2);
    let comments = client.repo(&slug).comments(12.try_into().unwrap()).unwrap();
    assert_eq!(comments.len(), 3);
    assert_eq!(comments[0].body, format!("{MARKER}\nby a person"), "nobody else's comment is touched");
    assert_eq!(comments[2].body, format!("{MARKER}\nsecond"));
}

#[test]
fn a_comment_whose_answer_was_lost_is_found_again() {
    let server = forge(json!([]), || Some(Answer::new(201, "{").cut_short()));
    let client = server.client("");
    let slug = slug();
    let applied =
        Effects::new(client.repo(&slug)).sticky_comment(&fresh(), Writer::Jobs, MARKER, "x").unwrap();
    assert_eq!((applied, writes(&server)), (Some(Applied::Unchanged), 1));
}

#[test]
fn a_push_has_no_place_for_a_comment() {
    let server = Loopback::start(|_| Answer::new(599, ""));
    let client = server.client("");
    let slug = slug();
    let pushed = FreshHead { head: HEAD.parse().unwrap(), pull: None };
    let applied =
        Effects::new(client.repo(&slug)).sticky_comment(&pushed, Writer::Jobs, MARKER, "x").unwrap();
    assert_eq!(applied, None);
    assert!(server.received().is_empty());
}

#[test]
fn long_comments_are_cut_at_a_line() {
    let text = "é line\n".repeat(20_000);
    let body = fitted(MARKER, &text);
    assert!(body.len() <= MAX_COMMENT + 100 && body.starts_with(MARKER) && body.ends_with("artifact)"));
    assert_eq!(fitted(MARKER, "short"), format!("{MARKER}\nshort"));
}
