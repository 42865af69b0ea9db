//! `gaps` as people use it: by hand and by verb on the same file, and on two branches at once.

use std::process::Command;

use serde_json::Value;

use crate::support::program::{Ran, run, scrub};
use crate::support::repository::Repository;

const LEDGER: &str = "docs/gaps.toml";

fn gaps(repository: &Repository, arguments: &[&str]) -> Ran {
    let now = ["--now", "2026-11-21T10:00:00Z"];
    run(repository.path(), &[&["gaps"], arguments, &now].concat())
}

fn sound(repository: &Repository, arguments: &[&str]) -> String {
    let ran = gaps(repository, arguments);
    assert_eq!(ran.exit, 0, "{arguments:?}: {}", ran.stderr);
    ran.stdout
}

/// Adds a gap and commits it; gives its id.
fn add(repository: &Repository, title: &str) -> String {
    let arguments = ["add", "--title", title, "--area", "gates", "--severity", "high", "--source", "audit"];
    let id = sound(repository, &arguments).trim().to_owned();
    repository.commit(&[]);
    id
}

fn titles(repository: &Repository) -> Vec<(String, String)> {
    let document: Value = serde_json::from_str(&sound(repository, &["list", "--format", "json"])).unwrap();
    let text = |gap: &Value, key: &str| gap[key].as_str().unwrap().to_owned();
    document["gaps"].as_array().unwrap().iter().map(|gap| (text(gap, "id"), text(gap, "title"))).collect()
}

#[test]
fn comments_and_order_of_a_hand_edited_ledger_survive_every_verb() {
    let repository = Repository::with(&[("README.md", "demo\n")]);
    assert_eq!(add(&repository, "first"), "PW-G001");
    let path = repository.path().join(LEDGER);
    let written = std::fs::read_to_string(&path).unwrap();
    let edited = format!("# What we owe.\n{}", written.replace("area = ", "# by hand\narea = "));
    std::fs::write(&path, &edited).unwrap();
    assert_eq!(add(&repository, "second"), "PW-G002");
    let refused = gaps(&repository, &["set", "PW-G001", "--status", "done"]);
    assert!(refused.exit != 0 && refused.stderr.contains("--closed-by"), "{}", refused.stderr);
    sound(&repository, &["set", "PW-G001", "--status", "done", "--closed-by", "pull request 4"]);
    let after = std::fs::read_to_string(&path).unwrap();
    assert!(after.starts_with("# What we owe.\n") && after.contains("# by hand\narea = "), "{after}");
    assert!(sound(&repository, &["show", "PW-G001"]).contains("pull request 4"));
    assert!(!sound(&repository, &["list", "--open"]).contains("PW-G001"));
    assert!(sound(&repository, &["check"]).contains("2 gaps, 1 open"));
}

#[test]
fn two_branches_that_add_at_once_are_told_and_renumber_mends_them() {
    let repository = Repository::with(&[("README.md", "demo\n")]);
    add(&repository, "first");
    repository.git(&["checkout", "--quiet", "-b", "other"]);
    assert_eq!(add(&repository, "theirs"), "PW-G002");
    repository.git(&["checkout", "--quiet", "main"]);
    assert_eq!(add(&repository, "ours"), "PW-G002");
    let told = gaps(&repository, &["check", "--against", "other"]);
    assert_eq!(told.exit, 3, "{}", told.stdout);
    assert!(told.stderr.contains("PW-G002") && told.stderr.contains("renumber"), "{}", told.stderr);
    assert!(sound(&repository, &["renumber", "--onto", "other"]).contains("PW-G002 is now PW-G003: ours"));
    sound(&repository, &["check", "--against", "other"]);
    let all = ["first", "theirs", "ours"];
    let numbered = |n: usize, title: &str| (format!("PW-G00{}", n + 1), title.to_owned());
    let expected: Vec<_> = all.iter().enumerate().map(|(n, title)| numbered(n, title)).collect();
    assert_eq!(titles(&repository), expected);
    assert_eq!(sound(&repository, &["renumber", "--onto", "other"]), "", "a second time changes nothing");
}

#[test]
fn a_ledger_that_git_could_not_join_is_told_and_renumber_mends_it() {
    let repository = Repository::with(&[("README.md", "demo\n")]);
    add(&repository, "first");
    repository.git(&["checkout", "--quiet", "-b", "other"]);
    add(&repository, "theirs");
    repository.git(&["checkout", "--quiet", "main"]);
    add(&repository, "ours");
    let mut merge = Command::new("git");
    scrub(&mut merge);
    merge.current_dir(repository.path()).args(["-c", "user.name=A", "-c", "user.email=a@example.org"]);
    assert!(!merge.args(["merge", "--quiet", "other"]).output().unwrap().status.success());
    let told = gaps(&repository, &["check"]);
    assert!(told.exit == 3 && told.stderr.contains("renumber --onto"), "{}", told.stderr);
    sound(&repository, &["renumber", "--onto", "other"]);
    sound(&repository, &["check"]);
    assert_eq!(titles(&repository).len(), 3);
}
