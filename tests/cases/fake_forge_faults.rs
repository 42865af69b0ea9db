//! The weather of the fake forge, seen from a raw socket.
//! Each fault must look to a client like the accident it is named after.

use std::io::Write as _;
use std::net::TcpStream;

use super::wire::{Reply, call, get, read_reply, twirp};
use crate::fake_forge::{At, FakeForge, Fault, Status, TokenKind, Trigger, Version};

const LIST: &str = "/api/v1/repos/boss/demo/branches/main";

fn forge() -> FakeForge {
    let forge = FakeForge::start(Version::V16);
    forge.repo("boss/demo").commit("main").file("a", "a\n").push();
    forge
}

/// Asks and gives the whole reply, or none where it broke off.
fn ask(forge: &FakeForge) -> Option<Reply> {
    let mut stream = TcpStream::connect(forge.url().trim_start_matches("http://")).ok()?;
    stream.write_all(format!("GET {LIST} HTTP/1.1\r\nHost: forge\r\n\r\n").as_bytes()).ok()?;
    read_reply(&mut stream, false)
}

fn status(forge: &FakeForge) -> Option<u16> {
    ask(forge).map(|reply| reply.status)
}

#[test]
fn the_nth_request_breaks_and_no_other() {
    let forge = forge();
    forge.fault(At::request(2), Fault::RefuseConnection);
    assert_eq!([status(&forge), status(&forge), status(&forge)], [Some(200), None, Some(200)]);
}

#[test]
fn a_fault_can_last_and_be_cleared() {
    let forge = forge();
    forge.fault(At::path("/branches/").times(2), Fault::Status(502));
    assert_eq!([status(&forge), status(&forge), status(&forge)], [Some(502), Some(502), Some(200)]);
    forge.fault(At::any(), Fault::Status(413));
    assert_eq!([status(&forge), status(&forge)], [Some(413), Some(413)]);
    forge.clear_faults();
    assert_eq!(status(&forge), Some(200));
}

#[test]
fn a_fault_can_wait_for_the_nth_match_of_a_method() {
    let forge = forge();
    forge.fault(At::path("/issues").method("POST").nth(2), Fault::Status(500));
    let token = forge.personal_token("boss");
    let open = || call(&forge, "POST", "/api/v1/repos/boss/demo/issues", &token, r#"{"title":"t"}"#).status;
    assert_eq!(get(&forge, "/api/v1/repos/boss/demo/issues", "").status, 200);
    assert_eq!([open(), open(), open()], [201, 500, 201]);
}

#[test]
fn too_many_requests_say_when_to_come_back() {
    let forge = forge();
    forge.fault(At::request(1), Fault::TooManyRequests(7));
    let reply = ask(&forge).unwrap();
    assert_eq!((reply.status, reply.header("Retry-After")), (429, Some("7")));
}

#[test]
fn bodies_that_stop_half_way_promised_their_whole_length() {
    for fault in [Fault::TruncatedBody, Fault::ResetMidBody] {
        let forge = forge();
        forge.fault(At::request(1), fault.clone());
        assert!(ask(&forge).is_none(), "{fault:?} gave a whole reply");
        assert_eq!(status(&forge), Some(200));
    }
}

#[test]
fn a_malformed_body_is_whole_and_no_json() {
    let forge = forge();
    forge.fault(At::request(1), Fault::MalformedBody);
    let reply = ask(&forge).unwrap();
    assert_eq!(reply.status, 200);
    assert!(serde_json::from_slice::<serde_json::Value>(&reply.body).is_err());
}

#[test]
fn a_lost_reply_leaves_its_effect() {
    let forge = forge();
    let token = forge.personal_token("boss");
    forge.fault(At::path("/issues").method("POST"), Fault::LoseReply);
    let mut stream = TcpStream::connect(forge.url().trim_start_matches("http://")).unwrap();
    let (path, body) = ("/api/v1/repos/boss/demo/issues", r#"{"title":"t"}"#);
    let head = format!(
        "POST {path} HTTP/1.1\r\nAuthorization: token {token}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    assert!(read_reply(&mut stream, false).is_none());
    assert_eq!(get(&forge, path, "").json().as_array().unwrap().len(), 1);
}

#[test]
fn a_stall_ends_when_the_forge_does() {
    let forge = forge();
    forge.fault(At::path("?stalled"), Fault::Stall);
    let mut stream = TcpStream::connect(forge.url().trim_start_matches("http://")).unwrap();
    stream.write_all(format!("GET {LIST}?stalled HTTP/1.1\r\nHost: forge\r\n\r\n").as_bytes()).unwrap();
    assert_eq!(status(&forge), Some(200));
    drop(forge);
    assert!(read_reply(&mut stream, false).is_none());
}

#[test]
fn a_forge_that_stopped_listening_refuses_connections() {
    let forge = forge();
    forge.stop_listening();
    assert!(TcpStream::connect(forge.url().trim_start_matches("http://")).is_err());
}

#[test]
fn the_log_tells_method_target_and_kind_of_token() {
    let forge = forge();
    let run = forge.repo("boss/demo").run("ci.yml", Trigger::push("main")).job("unit", &[]).create();
    let job = run.job("unit");
    let id = run.id().to_string();
    let body = serde_json::json!({"workflow_run_backend_id": id, "workflow_job_run_backend_id": "1"});
    get(&forge, LIST, "");
    get(&forge, LIST, &job.token());
    get(&forge, LIST, &forge.personal_token("boss"));
    get(&forge, LIST, "nobody's");
    twirp(&forge, "ListArtifacts", &job.runtime_token(), &body);
    let seen = forge.requests();
    let kinds: Vec<TokenKind> = seen.iter().map(|seen| seen.token).collect();
    let (job_side, person) = ((TokenKind::Job, TokenKind::Runtime), TokenKind::Personal);
    assert_eq!(kinds, [TokenKind::None, job_side.0, person, TokenKind::Unknown, job_side.1]);
    assert_eq!((seen[0].method.as_str(), seen[0].target.as_str()), ("GET", LIST));
    assert!(forge.secrets().contains(&job.token()));
    forge.forget_requests();
    assert!(forge.requests().is_empty());
    job.finish(Status::Success);
}

#[test]
fn latency_slows_and_changes_nothing() {
    let forge =
        crate::fake_forge::Config::new(Version::V16).latency(std::time::Duration::from_millis(1)).start();
    forge.repo("boss/demo").commit("main").push();
    assert_eq!(status(&forge), Some(200));
}
