//! `feedback-intake-check` against a forge: what it reads, what it opens, and what it never does.

use serde_json::Value;
use tempfile::TempDir;

use super::{ask, writes};
use crate::cases::in_run::yard::{Yard, gate, green};
use crate::cases::wire::get;
use crate::fake_forge::{At, Config, FakeForge, Fault, Status, Trigger, Version};
use crate::support::program::{Ran, run};
use crate::support::repository::Repository;

const NOTES: &str =
    "- incident: the mirror was stale\n- friction: lint is run by hand\n- value: the digest is read\n";
const NOW: &str = "2026-11-21T10:00:00Z";

fn notes() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("notes.md"), NOTES).unwrap();
    folder
}

fn check(forge: &FakeForge, who: &str, folder: &TempDir, now: &str, arguments: &[&str]) -> Ran {
    let common = ["feedback-intake-check", "--notes", "notes.md", "--format", "json", "--now", now];
    ask(forge, who, folder.path(), &[&common, arguments].concat())
}

/// Outcome and number of each candidate's issue.
fn issues(ran: &Ran) -> Vec<(String, Option<u64>)> {
    let document: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.stderr));
    let rows = document["issues"].as_array().unwrap().clone();
    rows.iter().map(|row| (row["outcome"].as_str().unwrap().to_owned(), row["number"].as_u64())).collect()
}

fn outcomes(ran: &Ran) -> Vec<String> {
    issues(ran).into_iter().map(|(outcome, _)| outcome).collect()
}

#[test]
fn at_most_n_issues_are_opened_labelled_and_never_twice() {
    for version in Version::ALL {
        let yard = Yard::new(version);
        let (forge, folder) = (&yard.forge, notes());
        let first = check(forge, "boss", &folder, NOW, &["--allow-issues", "2"]);
        assert_eq!((first.exit, first.stderr.as_str()), (0, ""));
        assert_eq!(outcomes(&first), ["opened", "opened", "over_limit"]);
        let number = issues(&first)[0].1.unwrap();
        let issue = get(forge, &format!("/api/v1/repos/boss/demo/issues/{number}"), "").json();
        let labels: Vec<_> = issue["labels"].as_array().unwrap().iter().map(|l| l["name"].clone()).collect();
        assert_eq!(labels, ["feedback", "incident"]);
        assert_eq!(issue["title"], "incident: the mirror was stale");
        let second = check(forge, "boss", &folder, NOW, &["--allow-issues", "2"]);
        assert_eq!(outcomes(&second), ["open_already", "open_already", "opened"]);
        forge.forget_requests();
        let third = check(forge, "boss", &folder, NOW, &["--allow-issues", "2"]);
        assert_eq!(outcomes(&third), ["open_already"; 3]);
        assert_eq!(writes(forge), Vec::<String>::new());
    }
}

#[test]
fn a_closed_issue_keeps_its_candidate_away_for_a_while() {
    let yard = Yard::new(Version::V16);
    let (forge, folder) = (&yard.forge, notes());
    let first = check(forge, "boss", &folder, NOW, &["--allow-issues", "9"]);
    let number = issues(&first)[1].1.unwrap();
    yard.demo().pull_scene(i64::try_from(number).unwrap()).close("boss");
    let soon = check(forge, "boss", &folder, NOW, &["--allow-issues", "9"]);
    assert_eq!(issues(&soon)[1], ("recently_closed".to_owned(), Some(number)));
    let later = check(forge, "boss", &folder, "2026-12-28T10:00:00Z", &["--allow-issues", "9"]);
    assert_eq!(outcomes(&later), ["open_already", "opened", "open_already"]);
    assert_ne!(issues(&later)[1].1, Some(number), "a closed issue is never opened again, a new one is");
}

#[test]
fn an_answer_that_got_lost_opens_no_second_issue() {
    let yard = Yard::new(Version::V16);
    let (forge, folder) = (&yard.forge, notes());
    forge.fault(At::path("/issues").method("POST"), Fault::LoseReply);
    let ran = check(forge, "boss", &folder, NOW, &["--allow-issues", "3"]);
    assert_eq!((ran.exit, outcomes(&ran)), (0, vec!["opened".to_owned(); 3]), "{}", ran.stderr);
    let opened = writes(forge).into_iter().filter(|one| one.ends_with("/issues")).count();
    assert_eq!(opened, 3);
}

#[test]
fn a_forge_that_does_not_list_its_issues_gets_no_new_ones() {
    let yard = Yard::new(Version::V16);
    yard.forge.fault(At::path("/issues").always(), Fault::Status(500));
    let ran = check(&yard.forge, "boss", &notes(), NOW, &["--allow-issues", "3"]);
    assert_eq!((ran.exit, outcomes(&ran)), (5, vec!["failed".to_owned(); 3]));
    assert!(ran.stderr.contains("3 issues not opened"), "{}", ran.stderr);
    assert_eq!(writes(&yard.forge), Vec::<String>::new());
}

#[test]
fn who_may_not_write_opens_issues_without_labels_and_is_told() {
    let yard = Yard::new(Version::V16);
    let ran = check(&yard.forge, "alice", &notes(), NOW, &["--allow-issues", "1"]);
    assert_eq!((ran.exit, outcomes(&ran)[0].as_str()), (0, "opened"), "{}", ran.stderr);
    assert!(ran.stderr.contains("label `feedback` is not there and could not be made"), "{}", ran.stderr);
}

#[test]
fn failed_runs_reverts_and_stuck_repairs_are_read_with_gets_alone() {
    // Without a policy a gate's best verdict is `needs_human`: its packet ends at the operator.
    let yard = Yard::with(Config::new(Version::V16), None);
    let (forge, demo) = (&yard.forge, yard.demo());
    for number in 0..3 {
        demo.commit("main").file("n.txt", number.to_string()).push();
        let run = demo.run("ci.yml", Trigger::push("main")).job("unit", &[]).create();
        run.job("unit").finish(Status::Failure);
    }
    demo.branch("revert", "main").commit("revert").file("r.txt", "r").push();
    demo.pull("revert", "main").open("Revert \"Add a cache\"", "").merge("boss");
    let run = yard.pull_run();
    green(run);
    assert_eq!(gate(forge, run.job("gate")).code, 10);
    run.job("gate").finish(Status::Failure);
    forge.forget_requests();
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["feedback-intake-check", "--from-forge", "--format", "json", "--now", NOW];
    let ran = ask(forge, "boss", folder.path(), &arguments);
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    let titles: Vec<_> =
        document["candidates"].as_array().unwrap().iter().map(|c| c["title"].clone()).collect();
    assert_eq!(
        titles,
        [
            "incident: ci.yml of boss/demo fails on the default branch",
            "incident: Add a cache",
            "friction: gate policy ends at the operator with policy.none in boss/demo",
        ]
    );
    assert_eq!(document["not_seen"], serde_json::json!([]));
    assert_eq!(writes(forge), Vec::<String>::new());
    let again = ask(forge, "boss", folder.path(), &arguments);
    assert_eq!(again.stdout, ran.stdout, "the same forge and clock give the same document");
}

#[test]
fn reverts_are_read_from_the_history_of_git() {
    let repository = Repository::with(&[("cache.txt", "off")]);
    repository.commit(&[("cache.txt", "on")]);
    let who = ["-c", "user.name=A Person", "-c", "user.email=person@example.org"];
    let git = |arguments: &[&str]| repository.git(&[&who[..], arguments].concat());
    git(&["revert", "--no-edit", "HEAD"]);
    let check = || {
        let ran = run(repository.path(), &["feedback-intake-check", "--git", ".", "--format", "json"]);
        assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
        serde_json::from_str::<Value>(&ran.stdout).unwrap()
    };
    let found = check();
    let candidates = found["candidates"].as_array().unwrap();
    assert_eq!(candidates.len(), 1, "{found}");
    assert_eq!(candidates[0]["title"], "incident: Change");
    let head = repository.head();
    assert!(found.to_string().contains(&format!("commit {}", &head[..7])), "{found}");
    // Bringing the change back is a revert of a revert, and no second incident.
    git(&["revert", "--no-edit", "HEAD"]);
    assert_eq!(check()["candidates"], found["candidates"]);
}

#[test]
fn a_shallow_clone_says_that_it_does_not_see_all() {
    let whole = Repository::with(&[("a.txt", "1")]);
    whole.commit(&[("a.txt", "2")]);
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (format!("file://{}", whole.path().display()), folder.path().join("clone"));
    whole.git(&["clone", "--quiet", "--depth", "1", &from, to.to_str().unwrap()]);
    let ran = run(&to, &["feedback-intake-check", "--git", "."]);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("the clone is shallow"), "{}", ran.stdout);
}

#[test]
fn what_the_forge_does_not_answer_is_not_seen() {
    let yard = Yard::new(Version::V16);
    yard.forge.fault(At::path("/actions/runs").always(), Fault::Status(500));
    let folder = tempfile::tempdir().unwrap();
    let ran = ask(&yard.forge, "boss", folder.path(), &["feedback-intake-check", "--from-forge"]);
    assert_eq!(ran.exit, 0);
    assert!(ran.stdout.contains("not seen\n  the runs of boss/demo: "), "{}", ran.stdout);
}

#[test]
fn misuse_is_answered_with_what_to_write() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("empty.md"), "# Incidents\n\n## Checkout was down\n").unwrap();
    let of = |arguments: &[&str]| run(folder.path(), &[&["feedback-intake-check"], arguments].concat());
    let nothing = of(&[]);
    assert!(nothing.exit == 2 && nothing.stderr.contains("--incidents FILE"), "{}", nothing.stderr);
    let undated = of(&["--incidents", "empty.md"]);
    assert!(undated.exit == 0 && undated.stdout.contains("begins with a day"), "{}", undated.stdout);
    let no_server = of(&["--incidents", "empty.md", "--allow-issues", "1"]);
    assert!(no_server.exit == 4 && no_server.stderr.contains("--server"), "{}", no_server.stderr);
    let two = of(&[
        "--from-forge",
        "--allow-issues",
        "1",
        "--server",
        "http://127.0.0.1:1",
        "--repo",
        "a/b",
        "--repo",
        "a/c",
    ]);
    assert!(two.exit == 2 && two.stderr.contains("several repositories"), "{}", two.stderr);
    let no_repository = of(&["--git", "."]);
    assert!(no_repository.exit == 2 && no_repository.stderr.contains("history"), "{}", no_repository.stderr);
}
