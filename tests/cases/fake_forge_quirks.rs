//! Quirks of the real servers that one recording alone does not show, or that a scene can set up by itself.
//! Each case says what a client would get wrong that did not know.

use serde_json::{Value, json};

use super::wire::{call, get, send, split, twirp};
use crate::fake_forge::{Config, FakeForge, JobScene, RunScene, Status, Trigger, Version};

const DEMO: &str = "/api/v1/repos/boss/demo";

fn forge(version: Version) -> FakeForge {
    let forge = FakeForge::start(version);
    forge.repo("boss/demo").commit("main").file("a", "a\n").message("first").push();
    forge
}

fn run(forge: &FakeForge) -> RunScene<'_> {
    let run = forge.repo("boss/demo").run("ci.yml", Trigger::push("main")).job("unit", &[]);
    run.job("lint", &[]).job_always("gate", &["unit", "lint"]).job("plain", &["unit", "lint"]).create()
}

fn ids(run: RunScene<'_>, more: &Value) -> Value {
    let mut body =
        json!({"workflow_run_backend_id": run.id().to_string(), "workflow_job_run_backend_id": "1"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn listed(forge: &FakeForge, run: RunScene<'_>, job: JobScene<'_>) -> Vec<String> {
    let reply = twirp(forge, "ListArtifacts", &job.runtime_token(), &ids(run, &json!({})));
    let list = reply.json()["artifacts"].as_array().cloned().unwrap_or_default();
    list.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

fn statuses(forge: &FakeForge, sha: &str) -> Vec<String> {
    let reply = get(forge, &format!("{DEMO}/commits/{sha}/status?limit=50"), "");
    let list = reply.json()["statuses"].as_array().cloned().unwrap_or_default();
    list.iter()
        .map(|s| format!("{} {}", s["status"].as_str().unwrap(), s["context"].as_str().unwrap()))
        .collect()
}

#[test]
fn pages_hold_two_items_whatever_is_asked_for() {
    let forge = forge(Version::V16);
    for title in ["a", "b", "c", "d", "e"] {
        forge.repo("boss/demo").issue("boss", title, "");
    }
    let first = get(&forge, &format!("{DEMO}/issues?limit=50&state=all"), "");
    assert_eq!(first.json().as_array().unwrap().len(), 2);
    assert_eq!(first.header("X-Total-Count"), Some("5"));
    let link = first.header("Link").unwrap();
    assert!(link.contains("page=2&state=all>; rel=\"next\""), "{link}");
    let last = get(&forge, &format!("{DEMO}/issues?limit=50&page=3"), "");
    assert_eq!(last.json().as_array().unwrap().len(), 1);
    assert!(!last.header("Link").unwrap().contains("next"));
}

#[test]
fn runs_without_a_page_are_all_runs_and_never_carry_headers() {
    let forge = forge(Version::V15);
    for _ in 0..3 {
        run(&forge);
    }
    let all = get(&forge, &format!("{DEMO}/actions/runs"), "");
    let page = get(&forge, &format!("{DEMO}/actions/runs?page=1&limit=50"), "");
    assert_eq!(all.json()["workflow_runs"].as_array().unwrap().len(), 3);
    assert_eq!(page.json()["workflow_runs"].as_array().unwrap().len(), 2);
    assert_eq!(page.json()["total_count"], 3);
    assert_eq!((page.header("Link"), page.header("X-Total-Count")), (None, None));
}

#[test]
fn v4_lists_come_in_an_order_of_their_own() {
    let orders: Vec<Vec<String>> = [1, 2, 3]
        .into_iter()
        .map(|seed| {
            let forge = Config::new(Version::V16).seed(seed).start();
            forge.repo("boss/demo").commit("main").push();
            let run = run(&forge);
            let names = ["a", "b", "c", "d", "e", "f"];
            for name in names {
                run.job("unit").upload_v4(name, b"zip");
            }
            listed(&forge, run, run.job("unit"))
        })
        .collect();
    assert!(orders.iter().any(|order| *order != orders[0]), "{orders:?}");
}

#[test]
fn condemned_artifacts_stay_in_job_side_lists_until_the_night() {
    for version in Version::ALL {
        let forge = forge(version);
        let run = run(&forge);
        run.job("unit").upload_v4("unit", b"zip").finish(Status::Success);
        run.job("lint").upload_v4("lint", b"zip").finish(Status::Failure);
        run.job("gate").finish(Status::Success);
        forge.advance(60);
        run.rerun("lint");
        run.job("lint").upload_v4("lint", b"new").finish(Status::Success);
        let mut names = listed(&forge, run, run.job("gate"));
        names.sort();
        assert_eq!(names, ["lint", "unit"], "{version:?}");
        let web =
            |name: &str| get(&forge, &format!("/boss/demo/actions/runs/{}/artifacts/{name}", run.id()), "");
        assert_eq!((web("lint").status, web("unit").status), (200, 404), "{version:?}");
        forge.nightly();
        assert_eq!(listed(&forge, run, run.job("gate")), ["lint"], "{version:?}");
        assert_eq!((run.job("unit").attempt(), run.job("lint").attempt()), (1, 2));
    }
}

#[test]
fn a_skipped_gate_is_green_on_v15_and_skipped_on_v16() {
    for (version, word) in [(Version::V15, "success"), (Version::V16, "skipped")] {
        let forge = Config::new(version).shipped_paging().start();
        let sha = forge.repo("boss/demo").commit("main").push();
        let run = run(&forge);
        run.job("unit").finish(Status::Success);
        run.job("lint").finish(Status::Failure);
        assert_eq!(run.job("plain").status(), Status::Skipped);
        assert_eq!(run.job("gate").status(), Status::Waiting);
        assert!(statuses(&forge, &sha).contains(&format!("{word} ci / plain (push)")), "{version:?}");
    }
}

#[test]
fn a_cancelled_run_takes_its_always_jobs_with_it() {
    let forge = forge(Version::V16);
    let run = run(&forge);
    let token = run.job("unit").token();
    run.cancel();
    assert_eq!((run.status(), run.job("gate").status()), (Status::Cancelled, Status::Cancelled));
    assert_eq!(get(&forge, DEMO, &token).status, 401);
    let refused = twirp(&forge, "ListArtifacts", &token, &ids(run, &json!({})));
    assert_eq!(
        (refused.status, refused.text()),
        (500, "Error runner api getting task: task is not running\n".into())
    );
}

#[test]
fn a_forks_run_waits_in_another_word_per_version() {
    for (version, word) in [(Version::V15, "waiting"), (Version::V16, "blocked")] {
        let forge = forge(version);
        let demo = forge.repo("boss/demo");
        let fork = demo.fork("alice/demo");
        fork.branch("fk", "main").commit("fk").file("b", "b\n").push();
        let pull = demo.pull("fk", "main").from(fork).open("From a fork", "");
        let run = demo.run("ci.yml", Trigger::pull_request(pull.number)).job("unit", &[]).create();
        let path = format!("{DEMO}/actions/runs/{}", run.id());
        let held = get(&forge, &path, "").json();
        assert_eq!((held["status"].as_str(), held["need_approval"].as_bool()), (Some(word), Some(true)));
        assert_eq!(held["is_fork_pull_request"], true);
        run.approve("boss");
        let free = get(&forge, &path, "").json();
        assert_eq!((free["status"].as_str(), free["approved_by"].as_i64()), (Some("waiting"), Some(1)));
        let token = run.job("unit").token();
        let post =
            |path: &str, body: &str| call(&forge, "POST", &format!("{DEMO}/{path}"), &token, body).status;
        assert_eq!(post(&format!("statuses/{}", pull.head()), r#"{"state":"success"}"#), 403);
        assert_eq!(post(&format!("issues/{}/comments", pull.number), r#"{"body":"x"}"#), 201);
        assert_eq!(post(&format!("pulls/{}/reviews", pull.number), r#"{"event":"APPROVED"}"#), 200);
    }
}

#[test]
fn addresses_handed_out_may_have_another_origin_and_a_path() {
    let root = "http://forge.internal:3000/git/";
    let forge = Config::new(Version::V16).sub_path("/git").root_url(root).start();
    forge.repo("boss/demo").commit("main").push();
    let run = run(&forge);
    let job = run.job("unit");
    let made =
        twirp(&forge, "CreateArtifact", &job.runtime_token(), &ids(run, &json!({"name": "n", "version": 4})));
    let url = made.json()["signedUploadUrl"].as_str().unwrap().to_owned();
    let path = url.strip_prefix(root).expect("the address of ROOT_URL");
    // The signature covers no origin: the same path works where the forge really answers.
    let (base, below) = split(&forge.url());
    let put = send(&base, "PUT", &format!("{below}/{path}&comp=appendBlock"), &[], b"zip");
    assert_eq!((put.status, below.as_str()), (201, "/git"));
    assert_eq!(send(&base, "GET", "/api/v1/version", &[], b"").status, 404);
    let folder = tempfile::tempdir().unwrap();
    let env = forge.env_for(job, folder.path());
    assert_eq!(env["ACTIONS_RESULTS_URL"], forge.url());
    assert_eq!(env["ACTIONS_RUNTIME_URL"], format!("{}/api/actions_pipeline/", forge.url()));
    // A client that drops the padding of the signature cannot upload.
    let padless = path.replacen("==&expires", "&expires", 1);
    assert_ne!(padless, path);
    assert_eq!(send(&base, "PUT", &format!("{below}/{padless}&comp=appendBlock"), &[], b"zip").status, 401);
}

#[test]
fn blocks_are_shared_by_all_artifacts_of_a_run() {
    let forge = forge(Version::V16);
    let run = run(&forge);
    let token = run.job("unit").runtime_token();
    let (base, _) = split(&forge.url());
    let upload = |name: &str, content: &[u8], id: &str| {
        let made = twirp(&forge, "CreateArtifact", &token, &ids(run, &json!({"name": name})));
        let url = made.json()["signedUploadUrl"].as_str().unwrap().to_owned();
        let (_, path) = split(&url);
        send(&base, "PUT", &format!("{path}&comp=block&blockid={id}"), &[], content);
        let list = format!("<BlockList><Latest>{id}</Latest></BlockList>");
        send(&base, "PUT", &format!("{path}&comp=blocklist"), &[], list.as_bytes());
    };
    let finish =
        |name: &str| twirp(&forge, "FinalizeArtifact", &token, &ids(run, &json!({"name": name}))).status;
    upload("one", b"aaa", "same");
    upload("two", b"bbb", "same");
    assert_eq!([finish("one"), finish("two")], [200, 500]);
    assert_eq!(finish("none"), 404);
}

#[test]
fn an_upload_without_a_length_is_refused_and_one_without_comp_ignored() {
    let forge = forge(Version::V16);
    let run = run(&forge);
    let token = run.job("unit").runtime_token();
    let made = twirp(&forge, "CreateArtifact", &token, &ids(run, &json!({"name": "n"})));
    let url = made.json()["signedUploadUrl"].as_str().unwrap().to_owned();
    let (base, path) = split(&url);
    let ignored = send(&base, "PUT", &path, &[], b"zip");
    assert_eq!((ignored.status, ignored.body.len()), (200, 0));
    let mut stream = std::net::TcpStream::connect(base.trim_start_matches("http://")).unwrap();
    let head = format!("PUT {path}&comp=appendBlock HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
    std::io::Write::write_all(&mut stream, format!("{head}3\r\nzip\r\n0\r\n\r\n").as_bytes()).unwrap();
    assert_eq!(super::wire::read_reply(&mut stream, false).unwrap().status, 500);
}

#[test]
fn an_expired_artifact_is_listed_and_has_no_bytes() {
    let forge = forge(Version::V16);
    let run = run(&forge);
    run.job("unit").upload_v4("old", b"zip").begin_v4("half").upload_v3("v3", &[("a", b"1"), ("b", b"22")]);
    run.expire("old");
    let reply = get(&forge, &format!("{DEMO}/actions/runs/{}/artifacts?page=1", run.id()), "");
    let list: Vec<(Value, Value)> =
        reply.json().as_array().unwrap().iter().map(|a| (a["name"].clone(), a["expired"].clone())).collect();
    assert_eq!(list, [(json!("v3"), json!(false)), (json!("old"), json!(true))]);
    let id = reply.json()[1]["id"].as_i64().unwrap();
    assert_eq!(get(&forge, &format!("{DEMO}/actions/artifacts/{id}/zip"), "").status, 404);
    forge.advance(91 * 24 * 3600);
    forge.nightly();
    let later = get(&forge, &format!("{DEMO}/actions/runs/{}/artifacts?page=1&name=v3", run.id()), "");
    assert_eq!(later.json()[0]["expired"], true);
}

#[test]
fn bad_tokens_differ_between_rest_and_the_artifact_service() {
    let forge = forge(Version::V15);
    let run = run(&forge);
    assert_eq!(get(&forge, DEMO, "nobody's").status, 401);
    assert_eq!(twirp(&forge, "ListArtifacts", "nobody's", &ids(run, &json!({}))).status, 500);
    assert_eq!(get(&forge, "/api/v1/user", "").status, 401);
    forge.repo("boss/secret").private().commit("main").push();
    assert_eq!(get(&forge, "/api/v1/repos/boss/secret", "").status, 404);
    assert_eq!(get(&forge, "/api/v1/repos/boss/secret", &run.job("unit").token()).status, 404);
    assert_eq!(get(&forge, "/api/v1/repos/boss/secret", &forge.personal_token("boss")).status, 200);
    assert_eq!(get(&forge, "/api/v1/repos/boss/secret", &forge.personal_token("alice")).status, 404);
}

#[test]
fn a_log_can_be_read_once_its_job_is_done() {
    let forge = forge(Version::V16);
    let run = run(&forge);
    let job = run.job("unit").log("sha256 abc\n");
    let path = format!("{DEMO}/actions/jobs/{}/logs", job.id());
    assert_eq!(get(&forge, &path, "").status, 500);
    job.finish(Status::Success);
    assert!(get(&forge, &path, "").text().ends_with("sha256 abc\n"));
    let waiting = run.job("gate");
    assert_eq!(get(&forge, &format!("{DEMO}/actions/jobs/{}/logs", waiting.id()), "").status, 404);
}
