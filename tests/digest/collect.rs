//! Collecting over the fake forge: what is fetched, what is fetched again, and what is said of what cannot be read.

use std::collections::BTreeMap;
use std::io::{Cursor, Write as _};
use std::path::Path;

use serde_json::Value;
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::fake_forge::{At, Config, FakeForge, Fault, RunScene, Status, TokenKind, Trigger, Version};
use crate::support::fixture;
use crate::support::program::{Ran, command, finish};

pub const NOW: &str = "2026-11-22T04:00:00Z";
/// Monday noon of the week of `NOW`.
pub const MONDAY: i64 = 1_794_830_400;
pub const WEEK: i64 = 7 * 86_400;

fn zip(path: &str, bytes: &[u8]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file(path, SimpleFileOptions::default()).unwrap();
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap().into_inner()
}

fn forge(version: Version) -> FakeForge {
    Config::new(version).shipped_paging().start()
}

/// A finished run with one artifact, created at the forge's present time.
pub fn run_with<'f>(forge: &'f FakeForge, slug: &str, artifact: &str, fixture_path: &str) -> RunScene<'f> {
    let repo = forge.repo(slug);
    repo.commit("main").file("README.md", "x\n").push();
    let run = repo.run("ci.yml", Trigger::push("main")).job("lint", &[]).create();
    run.job("lint")
        .upload_v4(artifact, &zip("pyfallow-report.json", &fixture(fixture_path)))
        .finish(Status::Success);
    run
}

fn digest(forge: &FakeForge, folder: &Path, token: Option<&str>, more: &[&str]) -> Ran {
    let server = forge.url();
    let fixed = ["--server", &server, "--now", NOW, "--weeks", "2", "--out", "out", "--format", "json"];
    let mut command = command(folder, &[&["digest"], more, &fixed[..]].concat());
    command.env("PATCHWARDEN_BACKOFF_MS", "1");
    if let Some(token) = token {
        command.env("PATCHWARDEN_TOKEN", token);
    }
    finish(command)
}

fn json(ran: &Ran) -> Value {
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.stdout))
}

/// State and detail of each repository.
fn states(digest: &Value) -> BTreeMap<String, (String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let lines = digest["repositories"].as_array().unwrap().iter();
    lines.map(|one| (text(&one["repo"]), (text(&one["state"]), text(&one["detail"])))).collect()
}

#[test]
fn a_second_run_fetches_only_what_is_new_and_offline_asks_nobody() {
    let forge = forge(Version::V16);
    let token = forge.personal_token("boss");
    forge.set_clock(MONDAY - WEEK);
    run_with(&forge, "boss/one", "pyfallow", "fallow-py/demo.full-report.json");
    forge.set_clock(MONDAY);
    run_with(&forge, "boss/one", "pyfallow", "fallow-py/since-base.full-report.json");
    forge.repo("boss/two").private();
    run_with(&forge, "boss/two", "pyfallow", "fallow-py/clean.full-report.json");
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--repo", "boss/one", "--repo", "boss/two", "--cache", "cache"];
    let dry = json(&digest(&forge, folder.path(), Some(&token), &[&arguments[..], &["--dry-run"]].concat()));
    assert_eq!((dry["artifacts"].as_u64(), dry["requests"].as_u64()), (Some(3), Some(3)), "{dry}");
    assert!(dry["bytes"].as_u64().unwrap() > 0 && !folder.path().join("out").exists());
    forge.forget_requests();

    let first = digest(&forge, folder.path(), Some(&token), &arguments);
    let parsed = json(&first);
    assert_eq!(
        (parsed["totals"]["findings"].as_u64(), parsed["totals"]["runs"].as_u64()),
        (Some(3), Some(2))
    );
    assert_eq!(parsed["weeks"][0]["findings"], 17);
    let zips = |forge: &FakeForge| forge.requests().iter().filter(|one| one.target.ends_with("/zip")).count();
    assert_eq!(zips(&forge), 3);
    forge.forget_requests();
    let second = digest(&forge, folder.path(), Some(&token), &arguments);
    assert_eq!((second.stdout.as_str(), zips(&forge)), (first.stdout.as_str(), 0), "only listings");
    assert!(forge.requests().len() <= 7, "{:?}", forge.requests());

    forge.set_clock(MONDAY + 3600);
    run_with(&forge, "boss/two", "pyfallow", "fallow-py/demo.full-report.json");
    forge.forget_requests();
    let third = digest(&forge, folder.path(), Some(&token), &arguments);
    assert_eq!((json(&third)["totals"]["runs"].as_u64(), zips(&forge)), (Some(3), 1), "what is new");
    forge.stop_listening();
    let offline = digest(&forge, folder.path(), None, &[&arguments[..], &["--offline"]].concat());
    assert_eq!(offline.stdout, third.stdout);
}

#[test]
fn what_cannot_be_read_is_handled_and_said() {
    let forge = forge(Version::V16);
    let token = forge.personal_token("boss");
    forge.set_clock(MONDAY);
    for name in ["boss/good", "boss/locked", "boss/old", "boss/vanishing", "boss/broken"] {
        run_with(&forge, name, "pyfallow", "fallow-py/demo.full-report.json");
    }
    forge.repo("boss/old").rename("new");
    run_with(&forge, "boss/good", "old", "fallow-py/clean.full-report.json").expire("old");
    forge.fault(At::path("/repos/boss/locked").always(), Fault::Status(403));
    // Repository, runs and artifacts answer; from then on it is gone.
    forge.fault(At::path("/repos/boss/vanishing").nth(4).always(), Fault::Status(404));
    forge.fault(At::path("/repos/boss/broken/actions/artifacts/").always(), Fault::Status(502));
    let folder = tempfile::tempdir().unwrap();
    let names = ["good", "locked", "old", "vanishing", "broken", "never"];
    let names: Vec<String> = names.iter().map(|name| format!("boss/{name}")).collect();
    std::fs::write(folder.path().join("repositories"), format!("# ours\n{}\n", names.join("\n"))).unwrap();
    let digest = json(&digest(&forge, folder.path(), Some(&token), &["--repos-from", "repositories"]));
    let states = states(&digest);
    for (repo, state, detail) in [
        ("boss/good", "read", ""),
        ("boss/broken", "read", ""),
        ("boss/locked", "no_access", "403"),
        ("boss/new", "renamed", "asked for as `boss/old`"),
        ("boss/vanishing", "gone", "disappeared while it was read"),
        ("boss/never", "not_found", "PATCHWARDEN_TOKEN"),
    ] {
        let (is, says) = &states[repo];
        assert!(is == state && says.contains(detail), "{repo}: {is}, {says}");
    }
    let counts: BTreeMap<&str, u64> = digest["unread"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["why"].as_str().unwrap(), one["count"].as_u64().unwrap()))
        .collect();
    assert_eq!(counts, BTreeMap::from([("expired", 1), ("gone", 1), ("unavailable", 1)]));
    assert_eq!(digest["totals"]["findings"], 34, "of `good` and of `new`");
    let markdown = std::fs::read_to_string(folder.path().join("out/evidence-digest-2026-W47.md")).unwrap();
    for said in ["boss/locked", "boss/vanishing", "boss/never", "asked for", "expired"] {
        assert!(markdown.contains(said) || said == "asked for", "{said} in\n{markdown}");
    }
}

#[test]
fn a_repository_with_5000_runs_is_read_as_far_as_the_window_goes() {
    let forge = forge(Version::V16);
    forge.set_clock(MONDAY - 8 * WEEK);
    let repo = forge.repo("boss/busy");
    repo.commit("main").file("README.md", "x\n").push();
    for number in 0..5000 {
        // The last 120 are of the week, the 380 before them of the week before.
        match number {
            4500 => forge.set_clock(MONDAY - WEEK),
            4880 => forge.set_clock(MONDAY),
            _ => {}
        }
        let run = repo.run("ci.yml", Trigger::push("main")).job("lint", &[]).create();
        // What is older than the window is not looked at, whatever became of it.
        if number >= 4400 {
            run.job("lint").finish(Status::Success);
        }
    }
    forge.forget_requests();
    let folder = tempfile::tempdir().unwrap();
    let digest = json(&digest(&forge, folder.path(), None, &["--repo", "boss/busy"]));
    assert_eq!(digest["totals"]["runs"], 120);
    assert_eq!(digest["weeks"][0]["runs"], 380);
    assert_eq!(states(&digest)["boss/busy"].0, "read");
    let listings = forge.requests().iter().filter(|one| one.target.contains("/actions/runs?")).count();
    assert_eq!(listings, 11, "ten pages of fifty, and the one that shows where the window begins");
}

#[test]
fn before_v16_public_repositories_are_read_by_their_pages_and_private_ones_said() {
    let forge = forge(Version::V15);
    let token = forge.personal_token("boss");
    forge.set_clock(MONDAY);
    run_with(&forge, "boss/public", "pyfallow", "fallow-py/demo.full-report.json");
    forge.repo("boss/private").private();
    run_with(&forge, "boss/private", "pyfallow", "fallow-py/demo.full-report.json");
    let folder = tempfile::tempdir().unwrap();
    let digest = json(&digest(&forge, folder.path(), Some(&token), &["--org", "boss"]));
    assert_eq!(digest["totals"]["findings"], 17);
    let states = states(&digest);
    assert_eq!(states["boss/public"].0, "read");
    assert!(states["boss/private"].0 == "incomplete" && states["boss/private"].1.contains("--artifacts-dir"));
}

#[test]
fn shards_joined_are_the_whole() {
    let forge = forge(Version::V16);
    let token = forge.personal_token("boss");
    forge.set_clock(MONDAY);
    for number in 0..5 {
        let slug = format!("boss/r{number}");
        forge.repo(&slug).topic("dogfood");
        run_with(&forge, &slug, "pyfallow", "fallow-py/demo.full-report.json");
    }
    let folder = tempfile::tempdir().unwrap();
    let topic = ["--topic", "dogfood"];
    let whole = digest(&forge, folder.path(), Some(&token), &topic);
    let server = forge.url();
    let call = |arguments: &[&str]| {
        let mut command = command(folder.path(), arguments);
        command.env("PATCHWARDEN_TOKEN", &token);
        finish(command)
    };
    let plan = call(&["digest", "plan", "--server", &server, "--topic", "dogfood", "--shards", "3"]);
    let matrix: Value = serde_json::from_str(&plan.stdout).unwrap();
    let mut merge = vec!["digest".to_owned(), "merge".to_owned(), "--out".to_owned(), "joined".to_owned()];
    merge.extend(["--format".to_owned(), "json".to_owned()]);
    for shard in matrix["shard"].as_array().unwrap().iter().rev() {
        let shard = shard.as_str().unwrap();
        let ran = call(&[
            "digest", "collect", "--server", &server, "--topic", "dogfood", "--shard", shard, "--now", NOW,
            "--weeks", "2", "--out", "partials",
        ]);
        assert_eq!(ran.exit, 0, "{}", ran.stderr);
        merge.push(ran.stdout.trim().to_owned());
    }
    let merge: Vec<&str> = merge.iter().map(String::as_str).collect();
    let joined = call(&merge);
    assert_eq!(joined.stdout, whole.stdout);
    assert_eq!(json(&joined)["totals"]["findings"], 5 * 17);
}

#[test]
fn a_jobs_token_reads_its_own_repository_and_goes_nowhere_else() {
    let forge = forge(Version::V16);
    forge.set_clock(MONDAY);
    for name in ["boss/own", "boss/public", "boss/private"] {
        run_with(&forge, name, "pyfallow", "fallow-py/clean.full-report.json");
    }
    for name in ["boss/own", "boss/private"] {
        forge.repo(name).private();
    }
    let run = forge.repo("boss/own").run("digest.yml", Trigger::push("main")).job("digest", &[]).create();
    let folder = tempfile::tempdir().unwrap();
    let step = forge.env_for(run.job("digest"), folder.path());
    let in_job = |more: &[&str]| {
        forge.forget_requests();
        let fixed = ["--now", NOW, "--weeks", "2", "--out", "out", "--format", "json"];
        let mut command = command(folder.path(), &[&["digest"], more, &fixed[..]].concat());
        command.envs(&step).env("PATCHWARDEN_BACKOFF_MS", "1");
        json(&finish(command))
    };
    // Nothing is named: its own repository, on its own server.
    let own = in_job(&[]);
    assert_eq!(states(&own)["boss/own"].0, "read", "{own}");
    assert_eq!(own["totals"]["runs"], 1);
    let all = in_job(&["--repo", "boss/own", "--repo", "boss/public", "--repo", "boss/private"]);
    let state = |name: &str| states(&all)[name].0.clone();
    assert_eq!((state("boss/own"), state("boss/public")), ("read".to_owned(), "read".to_owned()));
    assert_eq!(state("boss/private"), "not_found");
    for seen in forge.requests().iter().filter(|seen| seen.target.contains("/repos/")) {
        let expected = if seen.target.contains("/repos/boss/own") { TokenKind::Job } else { TokenKind::None };
        assert_eq!(seen.token, expected, "{}", seen.target);
    }
}

/// A gate's result as its job uploads it: the report of the example, for this change and red.
fn result_of(pull: i64, head: &str) -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/contracts/patchwarden.gate_report.v1.json");
    let mut report: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    report["target"]["pull_request"] = pull.into();
    report["target"]["target_sha"] = head.into();
    report["evaluated_at"] = "2026-11-16T12:00:00Z".into();
    zip("gate_report.json", report.to_string().as_bytes())
}

#[test]
fn what_was_merged_over_a_blocker_counts_as_overridden() {
    let forge = forge(Version::V16);
    forge.set_clock(MONDAY);
    let repo = forge.repo("boss/one");
    repo.commit("main").file("README.md", "x\n").push();
    repo.branch("feat", "main").commit("feat").file("feat.txt", "x\n").message("feat").push();
    let pull = repo.pull("feat", "main").open("Feature", "");
    let run = repo.run("ci.yml", Trigger::pull_request(pull.number)).job("gate", &[]).create();
    run.job("gate")
        .upload_v4("patchwarden-result-gate-1", &result_of(pull.number, &pull.head()))
        .finish(Status::Failure);
    let folder = tempfile::tempdir().unwrap();
    let token = forge.personal_token("boss");
    let overridden = || {
        let digest = json(&digest(&forge, folder.path(), Some(&token), &["--repo", "boss/one"]));
        let codes = digest["codes"].as_array().unwrap().clone();
        assert!(!codes.is_empty(), "{digest}");
        codes.iter().filter_map(|one| one["false_blocks"]["overridden"].as_u64()).sum::<u64>()
    };
    let before = overridden();
    forge.advance(86_400);
    pull.merge("boss");
    assert!(overridden() > before, "the gate's blockers stood when it was merged");
}

#[test]
fn no_token_reaches_an_output_or_the_cache() {
    let forge = forge(Version::V16);
    let token = forge.personal_token("boss");
    forge.set_clock(MONDAY);
    run_with(&forge, "boss/one", "pyfallow", "fallow-py/demo.full-report.json");
    let folder = tempfile::tempdir().unwrap();
    let ran = digest(&forge, folder.path(), Some(&token), &["--repo", "boss/one", "--cache", "cache"]);
    let mut folders = vec![folder.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = std::fs::read(&path).unwrap();
                assert!(!String::from_utf8_lossy(&bytes).contains(&token), "{}", path.display());
            }
        }
    }
    assert!(!ran.stdout.contains(&token) && !ran.stderr.contains(&token));
}
