//! Running everything twice changes nothing the second time: not a byte of what lies there, not a word of what is said.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::here;
use crate::support::program::{Ran, run};
use crate::support::repository::Repository;

const NOW: &str = "2026-11-21T10:00:00Z";

/// Every file below a folder, `.git` left out.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with(".git") {
                folders.push(path);
            } else if path.is_file() {
                found.insert(path.display().to_string(), std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

fn sound(folder: &Path, arguments: &[&str]) -> Ran {
    let ran = run(folder, arguments);
    assert_eq!(ran.exit, 0, "{arguments:?}: {}", ran.stderr);
    ran
}

/// What an operator does in a week; gives what was printed.
fn everything(folder: &Path) -> Vec<String> {
    let packet = here("examples/required-evidence-missing/expected");
    let sarif = here("examples/red-tests-and-lint/evidence/lint/ruff.sarif");
    let packet = packet.to_str().unwrap();
    let mut said = Vec::new();
    let mut say = |arguments: &[&str]| said.push(sound(folder, arguments).stdout);
    let import = ["gaps", "import", "TODO.md", sarif.to_str().unwrap(), "--now", NOW];
    say(&import);
    say(&["gaps", "set", "PW-G001", "--status", "done", "--closed-by", "pull request 4", "--now", NOW]);
    say(&["gaps", "check"]);
    let events = sound(folder, &["metrics", "events", "--format", "events"]).stdout;
    let mut crossings = std::fs::read_to_string(folder.join("events/crossings.ndjson")).unwrap_or_default();
    crossings.push_str(&events);
    std::fs::write(folder.join("events/crossings.ndjson"), crossings).unwrap();
    for form in ["svg", "openmetrics"] {
        sound(folder, &["metrics", "events", "--format", form]);
    }
    let intake =
        ["feedback-intake-check", "--notes", "notes.md", "--git", ".", "--packet", packet, "--now", NOW];
    say(&intake);
    let json = sound(folder, &[&intake[..], &["--format", "json"]].concat()).stdout;
    std::fs::write(folder.join("feedback.json"), json).unwrap();
    let inputs = ["--result", packet, "--log", "events", "--feedback", "feedback.json"];
    for (form, name) in [("html", "status.html"), ("json", "status.json"), ("text", "status.txt")] {
        say(&[&["status", "--format", form, "--out", name], &inputs[..]].concat());
    }
    said
}

#[test]
fn running_everything_twice_changes_nothing_the_second_time() {
    let log = std::fs::read_to_string(here("tests/fixtures/window/events.ndjson")).unwrap();
    let repository = Repository::with(&[
        ("TODO.md", "- [ ] write the runbook\n- [x] done\n"),
        ("notes.md", "- friction: lint is run by hand\n"),
        ("events/log.ndjson", &log),
    ]);
    let folder = repository.path();
    // The first round settles the ledger and the log; the status of a round shows what the round before appended.
    everything(folder);
    let said = everything(folder);
    let left = files(folder);
    assert!(left.keys().any(|name| name.ends_with("docs/gaps.toml")));
    let crossings = left.iter().find(|(name, _)| name.ends_with("crossings.ndjson")).unwrap().1;
    assert_eq!(String::from_utf8_lossy(crossings).lines().count(), 1, "each crossing is appended once");
    let again = everything(folder);
    assert_eq!(files(folder), left);
    assert_eq!(again, said);
}
