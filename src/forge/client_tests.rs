//! The client against a server that redirects, stalls, breaks off and refuses.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::forge::body;
use crate::forge::loopback::{Answer, Loopback, NoSleep};
use crate::forge::request::Repeat;

fn get(url: &str) -> Request {
    Request::get(url.parse().unwrap())
}

fn text(client: &Client, request: &Request) -> Result<String, ForgeError> {
    client.call(request, |reply| body::read(reply, 1000)).map(|bytes| String::from_utf8(bytes).unwrap())
}

/// Answers by the list, one after the other, the last for ever.
fn in_turn(answers: Vec<fn() -> Answer>) -> Loopback {
    let turn = AtomicUsize::new(0);
    Loopback::start(move |_| {
        let turn = turn.fetch_add(1, Ordering::SeqCst);
        answers[turn.min(answers.len() - 1)]()
    })
}

#[test]
fn each_token_goes_to_its_own_origin_only() {
    let other = Loopback::start(|_| Answer::new(200, "other"));
    let ours = Loopback::start(|_| Answer::new(200, "ours"));
    let client = ours.client("");
    let send = |url: String, auth: Auth| {
        text(&client, &Request::new(Method::Get, url.parse().unwrap(), auth, Repeat::Never)).unwrap();
    };
    for server in [&ours, &other] {
        for auth in [Auth::Anonymous, Auth::Rest, Auth::Runtime] {
            send(format!("{}/x", server.url()), auth);
        }
    }
    let seen = |server: &Loopback| -> Vec<Option<String>> {
        server.received().iter().map(|request| request.header("authorization").map(str::to_owned)).collect()
    };
    assert_eq!(
        seen(&ours),
        [None, Some("token rest-secret".to_owned()), Some("Bearer runtime-secret".to_owned())]
    );
    assert_eq!(seen(&other), [None, None, None]);
}

#[test]
fn a_redirect_elsewhere_loses_the_token_and_one_at_home_keeps_it() {
    let other = Loopback::start(|_| Answer::new(200, "other"));
    let elsewhere = format!("{}/there?X-Amz-Signature=1", other.url());
    let ours = Loopback::start(move |request| match request.target.as_str() {
        "/away" => Answer::new(302, "").header("Location", elsewhere.clone()),
        "/renamed" => Answer::new(301, "").header("Location", "/home"),
        "/loop" => Answer::new(301, "").header("Location", "/loop"),
        "/login" => Answer::new(303, "").header("Location", "/sub/user/login"),
        "/file" => Answer::new(302, "").header("Location", "file:///etc/passwd"),
        _ => Answer::new(200, "home"),
    });
    let client = ours.client("");
    assert_eq!(text(&client, &get(&format!("{}/away", ours.url()))).unwrap(), "other");
    assert_eq!(other.received()[0].header("authorization"), None);
    assert_eq!(text(&client, &get(&format!("{}/renamed", ours.url()))).unwrap(), "home");
    assert_eq!(ours.received().last().unwrap().header("authorization"), Some("token rest-secret"));
    for path in ["/loop", "/login", "/file"] {
        let err = text(&client, &get(&format!("{}{path}", ours.url()))).unwrap_err();
        assert!(matches!(err, ForgeError::Redirect { .. }), "{path}: {err}");
    }
    let before = ours.received().len();
    let post = Request::new(
        Method::Post,
        format!("{}/renamed", ours.url()).parse().unwrap(),
        Auth::Rest,
        Repeat::Never,
    );
    assert!(matches!(text(&client, &post), Err(ForgeError::Redirect { .. })));
    assert_eq!(ours.received().len(), before + 1, "a write is never sent to another place");
}

#[test]
fn the_status_stays_with_a_bounded_redacted_body() {
    let server = Loopback::start(|_| {
        Answer::new(403, format!("no rest-secret, no runtime-secret, sig=abc {}", "x".repeat(100_000)))
    });
    let err =
        text(&server.client(""), &get(&format!("{}/api/v1/x?sig=topsecret", server.url()))).unwrap_err();
    assert_eq!(err.status(), Some(403));
    assert!(err.is_not_permitted());
    let shown = format!("{err} {err:?}");
    for secret in ["rest-secret", "runtime-secret", "abc", "topsecret"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains("GET /api/v1/x") && err.to_string().len() < 700, "{shown}");
}

#[test]
fn a_busy_server_is_asked_again_when_it_says() {
    let server =
        in_turn(vec![|| Answer::new(429, "").header("Retry-After", "7"), || Answer::new(503, ""), || {
            Answer::new(200, "done")
        }]);
    let sleeper = Arc::new(NoSleep::default());
    let client = Client::new(Settings { sleeper: sleeper.clone(), ..server.settings("") }).unwrap();
    assert_eq!(text(&client, &get(&server.url())).unwrap(), "done");
    let waits = sleeper.0.lock().unwrap().clone();
    assert_eq!(waits[0], Duration::from_secs(7));
    assert!((Duration::from_millis(500)..=Duration::from_secs(1)).contains(&waits[1]), "{waits:?}");
    assert_eq!((waits.len(), client.requests_sent()), (2, 3));
}

#[test]
fn a_write_is_sent_once() {
    for answer in [|| Answer::new(503, ""), || Answer::new(500, ""), || Answer::new(200, "x").cut_short()] {
        let server = in_turn(vec![answer]);
        let post = Request::new(Method::Post, server.url().parse().unwrap(), Auth::Rest, Repeat::Never);
        assert!(text(&server.client(""), &post).is_err());
        assert_eq!(server.received().len(), 1);
    }
}

#[test]
fn a_body_that_breaks_off_is_read_again_and_never_taken_for_whole() {
    let server = in_turn(vec![|| Answer::new(200, "hal").cut_short(), || Answer::new(200, "whole")]);
    assert_eq!(text(&server.client(""), &get(&server.url())).unwrap(), "whole");
    let server = in_turn(vec![|| Answer::new(200, "hal").cut_short()]);
    let err = text(&server.client(""), &get(&server.url())).unwrap_err();
    assert!(err.broke_off(), "{err}");
    assert_eq!(server.received().len(), 4);
}

#[test]
fn a_stall_ends_with_the_timeout_and_the_total_time_ends_everything() {
    let server = in_turn(vec![Answer::stall]);
    let timeouts = Timeouts { request: Duration::from_millis(50), ..Timeouts::default() };
    let client = Client::new(Settings { timeouts, ..server.settings("") }).unwrap();
    let err = text(&client, &get(&server.url())).unwrap_err();
    assert!(matches!(err, ForgeError::Transport { broken: Broken::Timeout, .. }), "{err}");
    let timeouts = Timeouts { total: Duration::ZERO, ..Timeouts::default() };
    let client = Client::new(Settings { timeouts, ..server.settings("") }).unwrap();
    assert!(matches!(text(&client, &get(&server.url())), Err(ForgeError::Deadline { .. })));
    assert_eq!(client.requests_sent(), 0);
}

#[test]
fn bodies_are_bounded_with_and_without_an_announced_length() {
    let server = Loopback::start(|request| match request.target.as_str() {
        "/unannounced" => Answer::new(200, "x".repeat(2000)).without_length(),
        _ => Answer::new(200, "x".repeat(2000)),
    });
    let client = server.client("");
    for path in ["/unannounced", "/plain"] {
        let err = text(&client, &get(&format!("{}{path}", server.url()))).unwrap_err();
        assert!(matches!(err, ForgeError::TooLarge { limit: 1000, .. }), "{err}");
    }
    assert_eq!(server.received().len(), 2, "not asked again");
}

#[test]
fn a_refused_connection_is_told_from_a_refusal() {
    let address = Loopback::start(|_| Answer::new(200, "")).url();
    let server = Loopback::start(|_| Answer::new(200, ""));
    let err = text(&server.client(""), &get(&address)).unwrap_err();
    assert!(matches!(err, ForgeError::Transport { broken: Broken::Connect, .. }), "{err}");
}

#[test]
fn downloads_are_hashed_unpacked_and_bounded() {
    use std::io::Write as _;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&[7; 5000]).unwrap();
    let packed = gzip.finish().unwrap();
    let server = Loopback::start(move |request| match request.target.as_str() {
        "/packed" => Answer::new(200, packed.clone()).header("Content-Encoding", "gzip"),
        "/false" => Answer::new(200, "not gzip at all").header("Content-Encoding", "gzip"),
        _ => Answer::new(200, "plain"),
    });
    let client = server.client("");
    let save = |path: &str, limit| {
        client.call(&get(&format!("{}{path}", server.url())), |reply| body::save(reply, limit))
    };
    let mut plain = save("/plain", 10).unwrap();
    let mut bytes = String::new();
    plain.file.read_to_string(&mut bytes).unwrap();
    assert_eq!((bytes.as_str(), plain.bytes, plain.digest), ("plain", 5, crate::model::Digest::of("plain")));
    let unpacked = save("/packed", 5000).unwrap();
    assert_eq!((unpacked.bytes, unpacked.digest), (5000, crate::model::Digest::of([7; 5000])));
    assert!(matches!(save("/packed", 4999), Err(ForgeError::TooLarge { .. })));
    assert!(matches!(save("/plain", 4), Err(ForgeError::TooLarge { .. })));
    assert!(matches!(save("/false", 100), Err(ForgeError::Malformed { .. })));
}

#[test]
fn a_credential_header_is_marked_sensitive() {
    let value = secret_header("token", &"rest-secret".parse().unwrap()).unwrap();
    assert!(value.is_sensitive());
    assert!(!format!("{value:?}").contains("rest-secret"));
}

#[test]
fn localhost_is_loopback_without_a_name_service() {
    let server = Loopback::start(|_| Answer::new(200, "here"));
    let port = server.url().rsplit(':').next().unwrap().to_owned();
    assert_eq!(text(&server.client(""), &get(&format!("http://localhost:{port}/"))).unwrap(), "here");
}

#[test]
fn the_servers_date_is_kept() {
    let server = Loopback::start(|_| Answer::new(200, "").header("Date", "Sat, 21 Nov 2026 09:30:51 GMT"));
    let client = server.client("");
    assert_eq!(client.server_date(), None);
    text(&client, &get(&server.url())).unwrap();
    assert_eq!(client.server_date().unwrap().to_string(), "2026-11-21T09:30:51Z");
}

/// Does nothing unless the test below starts it with a proxy in its environment.
#[test]
fn asked_by_a_child_through_the_environments_proxy() {
    if std::env::var_os("http_proxy").is_none_or(|proxy| !proxy.to_string_lossy().ends_with("/child")) {
        return;
    }
    let server = Loopback::start(|_| Answer::new(200, "direct"));
    let client = Client::new(Settings { proxy: Proxy::FromEnvironment, ..server.settings("") }).unwrap();
    assert_eq!(text(&client, &get("http://forge.invalid/x?y=1")).unwrap(), "by proxy");
    assert_eq!(text(&client, &get(&format!("{}/x", server.url()))).unwrap(), "direct");
}

#[test]
fn the_environments_proxy_is_used_but_for_what_it_leaves_out() {
    let proxy = Loopback::start(|_| Answer::new(200, "by proxy"));
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "forge::client::tests::asked_by_a_child_through_the_environments_proxy"])
        .env_clear()
        .env("http_proxy", format!("{}/child", proxy.url()))
        .env("no_proxy", "127.0.0.1")
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    let received = proxy.received();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].target, "http://forge.invalid/x?y=1");
    assert_eq!(received[0].header("authorization"), None, "not our origin");
}
