//! `status --live`: the forge as it is now, as a document, as a page that may link, and served on loopback.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use serde_json::Value;

use super::{ask, writes};
use crate::cases::in_run::yard::{RED, Yard, gate, green, junit};
use crate::cases::wire::{Reply, read_reply};
use crate::fake_forge::{At, FakeForge, Fault, Protection, Status, Version};
use crate::support::program::{Ran, command, finish, run};

const NOW: &str = "2026-11-21T10:00:00Z";

fn live(forge: &FakeForge, arguments: &[&str]) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let ran = ask(forge, "boss", folder.path(), &[&["status", "--live", "--now", NOW], arguments].concat());
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    ran
}

fn document(forge: &FakeForge) -> Value {
    serde_json::from_str(&live(forge, &["--format", "json"]).stdout).unwrap()
}

fn layer<'a>(document: &'a Value, name: &str) -> &'a Value {
    document["layers"].as_array().unwrap().iter().find(|layer| layer["name"] == name).unwrap()
}

/// A pull request whose `unit` is red, judged.
fn red(version: Version) -> Yard {
    let yard = Yard::new(version);
    let run = yard.pull_run();
    run.job("unit").upload_v4("unit", &junit(RED)).upload_v4("extra", &junit(RED)).finish(Status::Failure);
    run.job("lint").upload_v4("lint", &junit(RED)).finish(Status::Success);
    assert_eq!(gate(&yard.forge, run.job("gate")).code, 11);
    run.job("gate").finish(Status::Failure);
    yard
}

#[test]
fn a_judged_pull_request_is_shown_with_its_loop_runs_and_statuses() {
    for version in Version::ALL {
        let yard = red(version);
        yard.forge.forget_requests();
        let document = document(&yard.forge);
        assert_eq!(document["schema"], "operator_status.v1");
        assert_eq!(document["open_loops"][0]["subject"], "boss/demo#1");
        assert_eq!(layer(&document, "gates")["state"], "attention");
        let stale: Vec<_> =
            document["stale_states"].as_array().unwrap().iter().map(|row| &row["evidence"]).collect();
        assert!(stale.iter().any(|what| what.as_str().unwrap().starts_with("run ")), "{stale:?}");
        assert!(stale.iter().any(|what| what.as_str().unwrap().starts_with("status ")), "{stale:?}");
        assert_eq!(writes(&yard.forge), Vec::<String>::new());
    }
}

#[test]
fn artifacts_that_no_report_speaks_of_are_there_and_not_counted() {
    let document = document(&red(Version::V16).forge);
    let artifacts = document["artifacts"].as_array().unwrap();
    let extra = artifacts.iter().find(|row| row["artifact"] == "extra").unwrap();
    assert_eq!((&extra["counted"], &extra["evidence"]), (&Value::Bool(false), &Value::from("")));
    assert!(extra["age_seconds"].as_u64().is_some());
}

#[test]
fn a_pull_request_without_a_result_misses_it() {
    let yard = Yard::new(Version::V16);
    yard.pull();
    let document = document(&yard.forge);
    assert_eq!(document["missing_evidence"][0]["evidence"], "the gate's result");
    assert_eq!(layer(&document, "evidence")["state"], "broken");
    assert_eq!(layer(&document, "repair_loop")["state"], "not_seen");
}

#[test]
fn what_cannot_be_read_is_not_seen_and_never_good() {
    let yard = Yard::new(Version::V16);
    yard.green();
    yard.forge.fault(At::path("/pulls").always(), Fault::Status(500));
    let document = document(&yard.forge);
    assert_eq!(document["not_seen"][0]["what"], "the open pull requests of boss/demo");
    assert_eq!(document["not_seen"][0]["age_seconds"], Value::Null);
    for name in ["transport", "evidence", "gates", "repair_loop"] {
        assert_ne!(layer(&document, name)["state"], "good", "{name}");
    }
}

#[test]
fn an_expired_result_is_not_seen_with_its_age() {
    let yard = Yard::new(Version::V16);
    let run = yard.green();
    assert_eq!(gate(&yard.forge, run.job("gate")).code, 0);
    run.job("gate").finish(Status::Success);
    run.expire("patchwarden-result-gate-1");
    let document = document(&yard.forge);
    let rows = document["not_seen"].as_array().unwrap();
    let row = rows.iter().find(|row| row["what"] == "the gate's result of boss/demo#1").unwrap();
    assert!(row["why"].as_str().unwrap().contains("has expired"), "{row}");
    assert!(row["age_seconds"].as_u64().unwrap() > 0, "{row}");
}

#[test]
fn the_live_page_links_and_has_no_script() {
    let yard = red(Version::V16);
    let page = live(&yard.forge, &["--format", "html"]).stdout;
    let href = format!("href=\"{}/boss/demo/pulls/1\"", yard.forge.url()).replace('/', "&#47;");
    assert!(page.contains(&href), "{page}");
    assert!(page.contains("<title>Operator status, live</title>"));
    for forbidden in ["<script", "src=", "<link", "<img", "javascript:", "http-equiv=\"refresh\""] {
        assert!(!page.contains(forbidden), "`{forbidden}` is in the page");
    }
}

#[test]
fn the_same_forge_gives_the_same_page() {
    let yard = red(Version::V16);
    let page = || live(&yard.forge, &["--format", "html"]).stdout;
    assert_eq!(page(), page());
}

/// A server that ends with the test.
struct Watched(Child);

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Serves what the forge shows; reads it again at once where that is wanted, else not while a test runs.
fn watch(forge: &FakeForge, again: bool) -> (Watched, String) {
    let folder = tempfile::tempdir().unwrap();
    let url = forge.url();
    let arguments = [
        "status",
        "--live",
        "--watch",
        "127.0.0.1:0",
        "--every",
        "1h",
        "--server",
        &url,
        "--repo",
        "boss/demo",
    ];
    let mut command = command(folder.path(), &arguments);
    command.env("PATCHWARDEN_TOKEN", forge.personal_token("boss"));
    if again {
        command.env("PATCHWARDEN_BACKOFF_MS", "1");
    }
    let mut child = Watched(command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap());
    let mut said = String::new();
    BufReader::new(child.0.stderr.take().unwrap()).read_line(&mut said).unwrap();
    let base =
        said.split_whitespace().find(|word| word.starts_with("http://")).unwrap_or_else(|| panic!("{said}"));
    (child, base.trim_end_matches('/').to_owned())
}

/// One request to the server at `base`, under the name `host`.
fn request(base: &str, method: &str, path: &str, host: &str) -> Reply {
    let mut stream = TcpStream::connect(base.trim_start_matches("http://")).unwrap();
    let request = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    read_reply(&mut stream, method == "HEAD").unwrap()
}

#[test]
fn the_served_page_is_read_only_and_of_this_machine() {
    let yard = red(Version::V16);
    yard.forge.forget_requests();
    let (_child, base) = watch(&yard.forge, false);
    let host = base.trim_start_matches("http://");
    for path in ["/", "/live.html"] {
        let reply = request(&base, "GET", path, host);
        assert_eq!(reply.status, 200);
        assert!(reply.text().contains("http-equiv=\"refresh\" content=\"3600\""));
        assert!(reply.text().contains("boss&#47;demo#1"), "{}", reply.text());
        assert_eq!(reply.header("cache-control"), Some("no-store"));
    }
    assert_eq!(request(&base, "GET", "/../etc/passwd", host).status, 404);
    assert_eq!(request(&base, "POST", "/", host).status, 405);
    assert_eq!(writes(&yard.forge), Vec::<String>::new());
}

#[test]
fn another_sites_name_for_the_served_page_is_refused() {
    let yard = Yard::new(Version::V16);
    green(yard.pull_run());
    let (_child, base) = watch(&yard.forge, false);
    let reply = request(&base, "GET", "/", "rebound.example");
    assert_eq!(reply.status, 421);
    assert!(!reply.text().contains("Operator"));
}

#[test]
fn the_served_page_is_read_again_and_says_how_old_is_what_it_could_not_read() {
    let yard = red(Version::V16);
    // The default branch is read once in each reading: the second is refused it, and the third waits there.
    let default_branch = "/branches/main";
    yard.forge.fault(At::path(default_branch).nth(2), Fault::Status(403));
    yard.forge.fault(At::path(default_branch).nth(3).always(), Fault::Hold);
    yard.forge.forget_requests();
    let (_child, base) = watch(&yard.forge, true);
    yard.forge.wait_for_held();
    // Who waits in the third reading has shown what the second one saw.
    let seen = yard.forge.requests();
    assert_eq!(seen.iter().filter(|one| one.target.contains(default_branch)).count(), 3);
    let page = request(&base, "GET", "/", base.trim_start_matches("http://")).text();
    let row = page.split("the runs of the default branch of boss&#47;demo").nth(1).expect("it is not seen");
    let row = row.split("</li>").next().unwrap();
    assert!(row.contains("403") && row.contains("(last seen "), "the first reading saw it: {row}");
    assert!(page.contains("boss&#47;demo#1"), "what could be read is there");
    assert_eq!(writes(&yard.forge), Vec::<String>::new());
    yard.forge.let_go();
}

#[test]
fn several_repositories_are_one_status() {
    for version in Version::ALL {
        let yard = red(version);
        let other = yard.forge.repo("boss/other");
        other.commit("main").file("README.md", "other\n").push();
        other.branch("feat", "main").commit("feat").file("feat.txt", "feat\n").push();
        other.pull("feat", "main").open("Feature", "");
        let both = ["--repo", "boss/other", "--repo", "boss/none"];
        let printed = live(&yard.forge, &[&both[..], &["--format", "json"]].concat()).stdout;
        let document: Value = serde_json::from_str(&printed).unwrap();
        assert_eq!(document["open_loops"][0]["subject"], "boss/demo#1");
        let missing = document["missing_evidence"].as_array().unwrap();
        assert!(missing.iter().any(|row| row["subject"] == "boss/other#1"), "{missing:?}");
        let not_seen = document["not_seen"].as_array().unwrap();
        let of_none = |row: &&Value| row["what"] == "the open pull requests of boss/none";
        assert_eq!(not_seen.iter().filter(of_none).count(), 1, "{not_seen:?}");
        let page = live(&yard.forge, &[&both[..], &["--format", "html"]].concat()).stdout;
        assert!(page.contains("boss&#47;demo#1</a>") && page.contains("boss&#47;other#1</a>"));
    }
}

#[test]
fn what_got_through_is_audited_where_that_is_asked_for() {
    let yard = red(Version::V16);
    yard.demo().protect("main", Protection { required_approvals: 0, contexts: vec!["ci / gate".to_owned()] });
    yard.demo().pull_scene(1).merge("boss");
    let audited = ["--audit-since", "30d", "--now", "2026-11-22T00:00:00Z"];
    let (folder, url) = (tempfile::tempdir().unwrap(), yard.forge.url());
    let arguments = ["status", "--live", "--server", &url, "--repo", "boss/demo", "--format"];
    let status = |form: &str, more: &[&str]| {
        let mut command = command(folder.path(), &[&arguments[..], &[form], more].concat());
        command.env("PATCHWARDEN_TOKEN", yard.forge.personal_token("boss"));
        let ran = finish(command);
        assert_eq!(ran.exit, 0, "{}", ran.stderr);
        ran.stdout
    };
    let document: Value = serde_json::from_str(&status("json", &audited)).unwrap();
    let findings = document["audits"][0]["findings"].as_array().unwrap();
    let rules: Vec<&str> = findings.iter().map(|one| one["rule"].as_str().unwrap()).collect();
    assert_eq!(rules, ["audit.never_judged", "audit.verdict_missing"]);
    assert_eq!(layer(&document, "gates")["state"], "broken");
    assert_eq!(document["next_actions"][0]["what"], "judge what was merged, or revert it");
    assert!(status("html", &audited).contains("What got through"));
    assert!(!status("json", &[]).contains("audit.never_judged"), "nobody asked");
}

#[test]
fn only_loopback_is_served() {
    let folder = tempfile::tempdir().unwrap();
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:80", "localhost:0", "8080"] {
        let arguments =
            ["status", "--live", "--watch", address, "--server", "http://127.0.0.1:1", "--repo", "a/b"];
        let ran = run(folder.path(), &arguments);
        assert_eq!(ran.exit, 2, "{address}: {}", ran.stderr);
        assert!(ran.stderr.contains("--watch 127.0.0.1:8080"), "{}", ran.stderr);
    }
    let often = [
        "status",
        "--live",
        "--watch",
        "127.0.0.1:0",
        "--every",
        "1s",
        "--server",
        "http://127.0.0.1:1",
        "--repo",
        "a/b",
    ];
    assert_eq!(run(folder.path(), &often).exit, 2);
}
