//! Every recorded trigger fired once on the fake: the payload and the context of each.
//! Ids, times and commits come from the recordings; the words of the payloads do not.

use super::replay::{Replay, recorded_event};
use crate::fake_forge::{RepoScene, Trigger};

fn text(r: &Replay<'_>, file: &str, pointer: &str) -> String {
    let event = recorded_event(r.version, file).unwrap();
    event.pointer(pointer).and_then(serde_json::Value::as_str).unwrap().to_owned()
}

/// Fires a trigger and compares what came of it with the recording of that name.
fn fire(r: &mut Replay<'_>, repo: RepoScene<'_>, file: &'static str, trigger: Trigger) {
    let run = repo.run("a.yml", trigger).job("e", &[]).create();
    r.event(file, run, "e");
}

pub fn tell(r: &mut Replay<'_>) {
    let forge = r.forge;
    forge.ids(|ids| {
        (ids.repo, ids.comment, ids.label, ids.issue, ids.pull, ids.review) = (5, 21, 8, 12, 3, 5);
    });
    r.at_recorded("push", "/event/repository/created_at");
    let repo = forge.repo("boss/scen");
    repo.commit("main").sha(&text(r, "push", "/event/before")).file(".forgejo/workflows/a.yml", "1\n").push();
    r.at_recorded("push", "/event/head_commit/timestamp");
    let ev = repo.commit("main").sha(&text(r, "push", "/event/after")).message("ev");
    ev.file(".forgejo/workflows/a.yml", "2\n").file("envdump.sh", "env\n").push();
    fire(r, repo, "push", Trigger::push("main"));
    repo.tag("t1", "main");
    fire(r, repo, "push.tag", Trigger::PushTag { tag: "t1".to_owned() });

    let head = text(r, "pull_request.opened", "/context/sha");
    repo.branch("f1", "main").commit("f1").sha(&head).file("f", "1\n").push();
    r.at_recorded("pull_request.opened", "/event/pull_request/updated_at");
    let pull = repo.pull("f1", "main").author("boss").open("F1", "b");
    let number = pull.number;
    fire(r, repo, "pull_request.opened", Trigger::pull_request(number));
    r.at_recorded("pull_request.label_updated", "/event/pull_request/updated_at");
    let label = repo.label("l1", "#ff0000");
    repo.put_label(number, label, "boss");
    fire(r, repo, "pull_request.label_updated", Trigger::PullRequest { number, action: "label_updated" });
    r.at_recorded("pull_request_review.reviewed", "/event/pull_request/updated_at");
    pull.review("alice", "APPROVED", "lgtm");
    fire(r, repo, "pull_request_review.reviewed", Trigger::Review { number });
    r.at_recorded("issue_comment.created", "/event/comment/created_at");
    repo.comment(number, "alice", "/recheck");
    fire(r, repo, "issue_comment.created", Trigger::IssueComment { number });
    r.at_recorded("pull_request.synchronized", "/event/pull_request/updated_at");
    let head = text(r, "pull_request.synchronized", "/context/sha");
    repo.commit("f1").sha(&head).file("f", "1\n2\n").push();
    fire(r, repo, "pull_request.synchronized", Trigger::PullRequest { number, action: "synchronized" });
    r.at_recorded("issues.opened", "/event/issue/created_at");
    let issue = repo.issue("boss", "an issue", "ib");
    fire(r, repo, "issues.opened", Trigger::Issues { number: issue });
    let inputs = vec![("k".to_owned(), "d".to_owned())];
    fire(r, repo, "workflow_dispatch", Trigger::Dispatch { reference: "f1".to_owned(), inputs });
    r.at_recorded("pull_request.closed", "/event/pull_request/updated_at");
    pull.close("boss");
    fire(r, repo, "pull_request.closed", Trigger::PullRequest { number, action: "closed" });
    r.at_recorded("release.tag", "/event/release/created_at");
    fire(r, repo, "release.tag", Trigger::Release { tag: "t1".to_owned(), name: "r1".to_owned() });
    fire(r, repo, "schedule", Trigger::Schedule);
}
