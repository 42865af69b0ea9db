//! How many requests a judgement makes, by what they are for: the table of docs/servers.md.

use std::collections::BTreeMap;
use std::fs;

use super::yard::{GREEN, POLICY, Step, Yard, gate, green, junit};
use crate::cases::transport;
use crate::fake_forge::{Config, RunScene, Seen, Status, Trigger, Version};

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
        ("GET", _) if rest.starts_with("/actions/artifacts/") && rest.ends_with("/zip") => "packet",
        ("GET", _) if rest.starts_with("/actions/runs/") && rest.ends_with("/artifacts") => "live artifacts",
        ("GET", path) if path.starts_with("/boss/demo/actions/runs/") && path.ends_with("/artifacts") => {
            "live artifacts"
        }
        ("POST", _) if rest.starts_with("/statuses/") => "commit status",
        ("GET", _) if rest.starts_with("/issues/") && rest.ends_with("/comments") => "comments",
        ("POST", _) if rest.starts_with("/issues/") && rest.ends_with("/comments") => "comment",
        ("GET", _) if rest.starts_with("/issues/") => "linked issue",
        ("GET", _) if rest.starts_with("/actions/runs/") => "run",
        _ => panic!("nobody said what this is for: {seen:?}"),
    }
}

/// A pull request of three files, `unit` by v4, `lint` by v3 in two files, pages of two.
fn counted(version: Version) -> BTreeMap<&'static str, usize> {
    let yard = Yard::with(Config::new(version), Some(POLICY));
    count(&yard, 0)
}

fn count(yard: &Yard, code: i32) -> BTreeMap<&'static str, usize> {
    let run = produced(yard, "");
    asked(yard, &Step::new(&yard.forge, run.job("gate")), code)
}

fn produced<'y>(yard: &'y Yard, body: &str) -> RunScene<'y> {
    yard.demo().commit("main").file(".forgejo/workflows/ci.yml", WORKFLOW).push();
    yard.demo().commit("feat").file("two.txt", "2\n").file("three.txt", "3\n").push();
    let pull = yard.demo().pull("feat", "main").author("alice").open("Feature", body);
    let run = yard.run(Trigger::pull_request(pull.number));
    run.job("unit").upload_v4("unit", &junit(GREEN)).finish(Status::Success);
    let files = [("junit.xml", GREEN.as_bytes()), ("log.txt", b"log" as &[u8])];
    run.job("lint").upload_v3("lint", &files).finish(Status::Success);
    run
}

fn asked(yard: &Yard, step: &Step, code: i32) -> BTreeMap<&'static str, usize> {
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
    let policy = format!("{POLICY}{gate}");
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

/// What is asked beyond the least, and nothing else, given a yard whose pages hold everything.
fn beyond(
    now: &BTreeMap<&'static str, usize>,
    least: &BTreeMap<&'static str, usize>,
) -> Vec<(&'static str, usize)> {
    assert!(least.iter().all(|(what, count)| now.get(what) >= Some(count)), "{now:?} lacks of {least:?}");
    now.iter()
        .map(|(what, count)| (*what, count - least.get(what).unwrap_or(&0)))
        .filter(|(_, count)| *count > 0)
        .collect()
}

fn roomy(version: Version, policy: Option<&str>) -> Yard {
    Yard::with(Config::new(version).page_size(50), policy)
}

#[test]
fn what_is_asked_for_costs_what_the_table_says() {
    let least = count(&roomy(Version::V16, Some(POLICY)), 0);
    // No policy: the embedded one wants a person. It is made by looking into the artifacts, which are fetched once.
    let none = count(&roomy(Version::V16, None), 10);
    for what in ["v4 address", "v4 download", "v3 files", "v3 download"] {
        assert_eq!(none[what], least[what], "{what}");
    }
    assert_eq!((none["policy"], none["that a file is not there"], none["reviews"]), (1, 1, 1));

    let contract = "[[gate]]\nid = \"promises\"\nkind = \"contract\"\nlinked_issue = \"open\"\n";
    let yard = roomy(Version::V16, Some(&format!("{POLICY}{contract}")));
    yard.demo().issue("alice", "A wish", "");
    let linked = produced(&yard, "Closes #1");
    let linked = asked(&yard, &Step::new(&yard.forge, linked.job("gate")), 0);
    assert_eq!(beyond(&linked, &least), [("linked issue", 1)]);

    let yard = roomy(Version::V16, Some(POLICY));
    let run = produced(&yard, "");
    let effects = Step::new(&yard.forge, run.job("gate")).arguments(&["--commit-status", "--comment"]);
    let cost = [("comment", 1), ("comments", 1), ("commit status", 1)];
    assert_eq!(beyond(&asked(&yard, &effects, 0), &least), cost);
}

/// Which artifacts are alive is one question on both, by REST or by the web route.
#[test]
fn a_job_that_was_tried_again_costs_one_request() {
    for version in Version::ALL {
        let yard = roomy(version, Some(POLICY));
        let run = produced(&yard, "");
        let step = Step::new(&yard.forge, run.job("gate"));
        let least = asked(&yard, &step, 0);
        run.job("gate").finish(Status::Success);
        run.rerun_all();
        run.job("unit").upload_v4("unit", &junit(GREEN)).finish(Status::Success);
        run.job("lint").upload_v3("lint", &[("junit.xml", GREEN.as_bytes())]).finish(Status::Success);
        let again = asked(&yard, &Step::new(&yard.forge, run.job("gate")), 0);
        assert_eq!(again["live artifacts"], 1, "{version:?}: {again:?}");
        assert!(!least.contains_key("live artifacts"));
    }
}

#[test]
fn an_earlier_head_costs_three_requests_for_its_packet() {
    let yard = roomy(Version::V16, Some(POLICY));
    let pull = yard.pull().number;
    let first = yard.run(Trigger::pull_request(pull));
    green(first);
    gate(&yard.forge, first.job("gate")).ended(0, &[]);
    first.job("gate").finish(Status::Success);
    yard.demo().commit("feat").file("more.txt", "x\n").push();
    let second = yard.run(Trigger::pull_request(pull));
    green(second);
    let counts = asked(&yard, &Step::new(&yard.forge, second.job("gate")), 0);
    let asked = ["timeline", "runs of the head", "live artifacts", "packet"].map(|what| counts[what]);
    assert_eq!(asked, [1, 1, 1, 1], "{counts:?}");
}

/// `docs/servers.md`: three up to 4 MiB; beyond, one for each block of 4 MiB and three more.
#[test]
fn an_upload_costs_three_requests_and_of_several_blocks_their_number_more() {
    const BLOCK: usize = 4 * 1024 * 1024;
    for version in Version::ALL {
        let yard = roomy(version, Some(POLICY));
        let run = yard.pull_run();
        let step = transport::Step::of(&yard.forge, run.job("unit"));
        // Not compressible, so that the zip is as large as its file and a little more.
        let mut state = 1_u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        };
        for (bytes, expected) in [(1000, 3), (BLOCK + 1, 2 + 3)] {
            let content: Vec<u8> = (0..bytes).map(|_| noise()).collect();
            fs::write(step.path("large.bin"), &content).unwrap();
            yard.forge.forget_requests();
            step.run(&["artifact", "upload", "large", "large.bin"]).ended(&yard.forge, 0);
            let requests = yard.forge.requests();
            assert!(requests.iter().all(|seen| purpose(seen) == "upload"), "{requests:?}");
            assert_eq!(requests.len(), expected, "{version:?}: {bytes} bytes");
            let served = run.content("large").unwrap();
            assert!(served.len() > bytes && served.len() < bytes + BLOCK / 4, "{}", served.len());
        }
    }
}
