//! How many requests a judgement makes, by what they are for: the table of docs/servers.md.

use std::collections::BTreeMap;

use super::yard::{GREEN, Step, Yard, junit};
use crate::fake_forge::{Config, Seen, Status, Trigger, Version};

pub const WORKFLOW: &str = "on: pull_request\njobs:\n  unit:\n    runs-on: x\n  lint:\n    runs-on: x\n  gate:\n    needs: [unit, lint]\n    if: always()\n    runs-on: x\n";

/// What a request is for.
fn purpose(seen: &Seen) -> &'static str {
    let path = seen.target.split('?').next().unwrap();
    let rest = path.strip_prefix("/api/v1/repos/boss/demo").unwrap_or("");
    match (seen.method.as_str(), path) {
        ("POST", path) if path.ends_with("/ListArtifacts") => "list by v4",
        ("GET", path) if path.ends_with("/artifacts") && path.contains("/_apis/") => "list by v3",
        ("POST", path) if path.ends_with("/GetSignedArtifactURL") => "v4 address",
        ("GET", path) if path.ends_with("/DownloadArtifact") => "v4 download",
        ("GET", path) if path.ends_with("/download_url") => "v3 files",
        ("GET", path) if path.contains("/_apis/") => "v3 download",
        ("POST", path) if path.ends_with("/CreateArtifact") => "upload",
        ("PUT", path) if path.ends_with("/UploadArtifact") => "upload",
        ("POST", path) if path.ends_with("/FinalizeArtifact") => "upload",
        ("GET", _) if rest.ends_with("/files") => "changed files",
        ("GET", _) if rest.ends_with("/reviews") => "reviews",
        ("GET", _) if rest.starts_with("/pulls/") => "pull request",
        ("GET", _) if rest.ends_with("/patchwarden.toml") => "policy",
        ("GET", _) if rest.ends_with("/ci.yml") => "workflow file",
        ("GET", _) if rest.ends_with("/timeline") => "timeline",
        ("GET", _) if rest.ends_with("/jobs") => "jobs",
        ("GET", _) if rest == "/actions/tasks" => "tasks",
        ("GET", _) if rest.ends_with("/other.yml") => "workflow file of a status",
        ("GET", _) if rest.ends_with("/statuses") => "statuses",
        ("GET", _) if rest.starts_with("/git/commits/") => "that a file is not there",
        ("GET", _) if rest == "/actions/runs" => "runs of the head",
        ("GET", _) if rest.starts_with("/actions/runs/") => "run",
        _ => panic!("nobody said what this is for: {seen:?}"),
    }
}

/// A pull request of three files, `unit` by v4, `lint` by v3 in two files, pages of two.
fn counted(version: Version) -> BTreeMap<&'static str, usize> {
    let yard = Yard::with(Config::new(version), Some(super::yard::POLICY));
    count(&yard, 0)
}

fn count(yard: &Yard, code: i32) -> BTreeMap<&'static str, usize> {
    yard.demo().commit("main").file(".forgejo/workflows/ci.yml", WORKFLOW).push();
    yard.demo().commit("feat").file("two.txt", "2\n").file("three.txt", "3\n").push();
    let run = yard.run(Trigger::pull_request(yard.pull().number));
    run.job("unit").upload_v4("unit", &junit(GREEN)).finish(Status::Success);
    let files = [("junit.xml", GREEN.as_bytes()), ("log.txt", b"log" as &[u8])];
    run.job("lint").upload_v3("lint", &files).finish(Status::Success);
    let step = Step::new(&yard.forge, run.job("gate"));
    yard.forge.forget_requests();
    let ran = step.run();
    assert_eq!(ran.code, code, "{}{}", ran.stdout, ran.stderr);
    let mut counts = BTreeMap::new();
    for seen in yard.forge.requests() {
        *counts.entry(purpose(&seen)).or_default() += 1;
    }
    counts
}

/// One more for each page of statuses and of reviews, one for the runs of the head, two for each run that is named.
#[test]
fn statuses_cost_two_requests_for_each_run_they_name() {
    let gate = "[[gate]]\nid = \"others\"\nkind = \"statuses\"\n";
    let policy = format!("{}{gate}", super::yard::POLICY);
    let yard = Yard::with(Config::new(Version::V16).page_size(50), Some(&policy));
    yard.demo().commit("feat").file(".forgejo/workflows/ci.yml", WORKFLOW).push();
    // The workflow of the change is a person's to read.
    let counts = count(&yard, 10);
    let asked = ["statuses", "reviews", "runs of the head", "jobs", "workflow file"].map(|what| counts[what]);
    // The jobs of the one run that is named and its workflow; the base's; and both versions of the file that changed.
    assert_eq!(asked, [1, 1, 1, 2, 4], "{counts:?}");
}

#[test]
fn the_table_holds_before_and_since_v16() {
    let both = [
        ("list by v3", 1),
        ("list by v4", 1),
        ("v4 address", 1),
        ("v4 download", 1),
        ("v3 files", 1),
        ("v3 download", 2),
        // At the beginning and again at the end.
        ("pull request", 2),
        ("policy", 1),
        ("workflow file", 1),
        // Three files in pages of two.
        ("changed files", 2),
        // One entry: the first push. Of a first head nothing earlier is looked for.
        ("timeline", 1),
        // Create, one piece, finalize.
        ("upload", 3),
    ];
    let mut v16: BTreeMap<&str, usize> = both.into();
    v16.insert("jobs", 1);
    assert_eq!(counted(Version::V16), v16);
    let mut v15: BTreeMap<&str, usize> = both.into();
    // The 404 that says it is not v16, the run, three tasks in pages of two.
    v15.extend([("jobs", 1), ("run", 1), ("tasks", 2)]);
    assert_eq!(counted(Version::V15), v15);
}
