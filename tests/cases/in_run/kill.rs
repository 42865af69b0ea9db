//! Cancelling is SIGKILL at once (LIVE section 1): whatever the moment, no half of a file carries a final name, and
//! the next run is as if nothing had been.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use super::yard::{GREEN, Ran, Step, Yard, junit, zip};
use crate::cases::transport;
use crate::fake_forge::{At, Fault, RunScene, Status, Trigger, Version};
use patchwarden::model::Digest;

fn scene(yard: &Yard) -> RunScene<'_> {
    let run = yard.run(Trigger::pull_request(yard.pull().number));
    run.job("unit").upload_v4("unit", &junit(GREEN)).finish(Status::Success);
    run.job("lint").upload_v3("lint", &[("junit.xml", GREEN.as_bytes())]).finish(Status::Success);
    run
}

fn step(yard: &Yard, run: RunScene<'_>) -> Step {
    Step::new(&yard.forge, run.job("gate")).arguments(&["--commit-status", "--comment"])
}

/// What a run that nobody disturbs makes of it, and how many requests that takes.
fn clean() -> (Ran, usize) {
    let yard = Yard::new(Version::V16);
    let run = scene(&yard);
    let clean = step(&yard, run);
    yard.forge.forget_requests();
    let ran = clean.run();
    ran.ended(0, &[]);
    (ran, yard.forge.requests().len())
}

/// Whatever has a final name is whole; what is not whole has none.
fn assert_nothing_half_done(step: &Step, when: &str) {
    let out = step.workspace().join("patchwarden-out");
    for entry in std::fs::read_dir(&out).into_iter().flatten() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let whole = match name.as_str() {
            "gate_report.json" | "repair_instruction.json" => {
                serde_json::from_slice::<Value>(&std::fs::read(entry.path()).unwrap()).is_ok()
            }
            "summary.md" => {
                let summary = std::fs::read_to_string(entry.path()).unwrap();
                summary.ends_with("agents act on `repair_instruction.json`.\n")
            }
            // What was not finished lies under a name that nobody asks for.
            other => other.starts_with(".patchwarden-"),
        };
        assert!(whole, "half of {name} after a kill {when}");
    }
}

/// The next run judges as the one that nobody disturbed did, and its result is what is served.
fn assert_unaffected(step: &Step, run: RunScene<'_>, undisturbed: &Ran, when: &str) {
    let ran = step.run();
    ran.ended(0, &[]);
    for part in ["verdict", "gates", "evidence", "policy"] {
        assert_eq!(ran.report()[part], undisturbed.report()[part], "after a kill {when}");
    }
    let served = run.content("patchwarden-result-gate-1").unwrap();
    assert_eq!(Digest::of(served).to_string(), ran.output("result_sha256"), "after a kill {when}");
}

#[test]
fn a_kill_at_any_request_leaves_nothing_half_done_behind() {
    let (undisturbed, requests) = clean();
    for nth in 1..=requests {
        let yard = Yard::new(Version::V16);
        let run = scene(&yard);
        let step = step(&yard, run);
        yard.forge.fault(At::request(nth), Fault::Hold);
        let mut child = step.command().spawn().unwrap();
        yard.forge.wait_for_held();
        child.kill().unwrap();
        child.wait().unwrap();
        let when = format!("at request {nth}");
        assert_nothing_half_done(&step, &when);
        yard.forge.let_go();
        assert_unaffected(&step, run, &undisturbed, &when);
    }
}

/// Moments of which nobody knows what the process does just then: after pseudo-random waits, from the start for one half
/// of them, and for the other from the last request before anything is written. Which moments they hit differs from
/// machine to machine; what is asserted holds at every one.
#[test]
fn a_kill_at_any_moment_leaves_nothing_half_done_behind() {
    let (undisturbed, _) = clean();
    let mut state = 20_261_121_u32;
    for kill in 0..32 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let fraction = state >> 16;
        let yard = Yard::new(Version::V16);
        let run = scene(&yard);
        let step = step(&yard, run);
        let writing = kill % 2 == 1;
        if writing {
            // Head and base are read again: then everything is rendered and written.
            yard.forge.fault(At::path("/pulls/1").method("GET").nth(3), Fault::Hold);
        }
        let mut child = step.command().spawn().unwrap();
        let longest = if writing {
            yard.forge.wait_for_held();
            yard.forge.let_go();
            Duration::from_millis(30)
        } else {
            Duration::from_millis(200)
        };
        let wait = longest * fraction / 65_536;
        std::thread::sleep(wait);
        // It may have ended by itself: that is a moment too.
        let _ = child.kill();
        child.wait().unwrap();
        let when = format!("{wait:?} {}", if writing { "into writing" } else { "after the start" });
        assert_nothing_half_done(&step, &when);
        assert_unaffected(&step, run, &undisturbed, &when);
    }
}

/// Each file that is written is there for a moment under a name of no meaning: the process is killed as soon as the
/// folder has so many entries, the unfinished ones counted.
#[test]
fn a_kill_between_two_files_leaves_no_half_of_either() {
    let (undisturbed, _) = clean();
    for entries in 1..=3 {
        let yard = Yard::new(Version::V16);
        let run = scene(&yard);
        let step = step(&yard, run);
        // It never comes past the first request after writing, however late the kill.
        yard.forge.fault(At::path("/CreateArtifact"), Fault::Hold);
        let mut child = step.command().spawn().unwrap();
        let out = step.workspace().join("patchwarden-out");
        let there = || std::fs::read_dir(&out).map_or(0, Iterator::count);
        while there() < entries {
            assert!(child.try_wait().unwrap().is_none(), "it ended with {} files", there());
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        yard.forge.let_go();
        let when = format!("at {entries} files");
        assert_nothing_half_done(&step, &when);
        assert_unaffected(&step, run, &undisturbed, &when);
    }
}

/// A download has its folder as a whole or not at all, however many files it is of.
#[test]
fn a_kill_while_an_artifact_is_unpacked_leaves_no_half_of_it() {
    let yard = Yard::new(Version::V16);
    let run = yard.run(Trigger::pull_request(yard.pull().number));
    let names: Vec<String> = (0..300).map(|n| format!("deep/{n}/junit.xml")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), GREEN.as_bytes())).collect();
    run.job("unit").upload_v4("unit", &zip(&files)).finish(Status::Success);
    let download = ["artifact", "download", "unit", "--out", "got"];
    let counted = |folder: &Path| {
        let deep = std::fs::read_dir(folder.join("deep")).into_iter().flatten();
        deep.filter(|entry| entry.as_ref().unwrap().path().join("junit.xml").exists()).count()
    };
    // How many files are there when the kill comes; the last is one more than there are: it ends by itself.
    for files in [0, 1, 7, 40, 150, 299, 301] {
        let step = transport::Step::of(&yard.forge, run.job("lint"));
        let mut command = step.command(env!("CARGO_BIN_EXE_patchwarden"), &download);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let making = || {
            let entries = std::fs::read_dir(step.path("")).unwrap().map(|entry| entry.unwrap());
            let mut hidden =
                entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(".patchwarden-"));
            hidden.next().map(|entry| entry.path())
        };
        while child.try_wait().unwrap().is_none() && making().is_none_or(|folder| counted(&folder) < files) {
            std::thread::yield_now();
        }
        let _ = child.kill();
        child.wait().unwrap();
        let got = step.path("got");
        assert!(!got.exists() || counted(&got) == names.len(), "half of it after {files} files");
        if !got.exists() {
            step.run(&download).ended(&yard.forge, 0);
            assert_eq!(counted(&got), names.len());
        }
    }
}
