//! What `gate --capture` keeps of a judgement inside a workflow. That every one of them is judged again to the same bytes
//! is checked wherever a case runs the gate (`yard.rs`); here is what the bundle holds, and two that are kept.

use serde_json::{Value, json};

use super::world::{Obstacle, Place, World};
use crate::cases::in_run::yard::zip;
use crate::fake_forge::Version;
use crate::replay::{Files, unzip};
use crate::support::evidence::write;
use crate::support::program::run;
use crate::support::snapshot::add_recording;

const WORKFLOW: &str = ".forgejo/workflows/ci.yml";

/// The second head's judgement: a red job, a changed workflow, nobody's review, and a packet of the head before.
fn second_head(place: Place) -> Vec<u8> {
    let mut world = World::with(place, Version::V16, &Obstacle::ALL, false);
    world.judge();
    world.push(WORKFLOW, "on: pull_request\njobs: {}\n");
    world.judge().bundle
}

fn manifest(files: &Files) -> Value {
    serde_json::from_slice(&files["replay.json"]).unwrap()
}

#[test]
fn a_bundle_holds_what_the_forge_said_as_the_gates_saw_it() {
    for (place, name) in [(Place::InTheRun, "in-the-run.zip"), (Place::OnTheBase, "on-the-base.zip")] {
        let bundle = second_head(place);
        add_recording(name, &bundle);
        let files = unzip(&bundle);
        let manifest = manifest(&files);
        let guards = &manifest["guards"];
        let jobs = guards["jobs"]["known"][0]["jobs"].as_array().unwrap();
        let ends: Vec<(&str, &str)> =
            jobs.iter().map(|job| (job["id"].as_str().unwrap(), job["end"].as_str().unwrap())).collect();
        assert_eq!(ends, [("unit", "failure"), ("lint", "failure")], "{place:?}");
        assert_eq!(guards["policy_path"], ".forgejo/patchwarden.toml");
        assert!(guards["changed"]["known"].to_string().contains(WORKFLOW));
        let [workflow] = guards["workflows"].as_array().unwrap().as_slice() else { panic!("{guards}") };
        assert_eq!(workflow["path"], WORKFLOW);
        assert_eq!(workflow["head"]["present"], "on: pull_request\njobs: {}\n");
        assert_eq!(workflow["base"] == json!("absent"), place == Place::InTheRun, "{workflow}");
        assert_eq!(manifest["reread"], "same");
        assert_eq!((&manifest["heads"], &manifest["evidence_head"]), (&json!(2), &json!("next")));
        assert_ne!(manifest["previous"]["target_sha"], manifest["target"]["target_sha"]);
        assert_eq!(manifest["pull"]["head"], manifest["target"]["target_sha"]);
        let of_a_run = !manifest["artifacts"][0]["provenance"]["job_starts"].is_null();
        assert_eq!(of_a_run, place == Place::OnTheBase, "the run's own jobs are the target's");
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("replay.json"), &files["replay.json"]);
        let valid = run(folder.path(), &["schema", "validate", "replay.json"]);
        assert_eq!(valid.exit, 0, "{}", valid.stdout);
    }
}

/// Each part of what the forge said has a hand in what comes of it: none is kept for show.
#[test]
fn another_answer_of_the_forge_is_another_judgement() {
    type Change = fn(&mut Value);
    let changes: [Change; 7] = [
        |bundle| bundle["guards"]["jobs"]["known"][0]["jobs"][0]["end"] = json!("success"),
        |bundle| bundle["guards"]["changed"]["known"] = json!([]),
        |bundle| bundle["guards"]["workflows"] = json!([]),
        |bundle| bundle["reread"] = json!("policy_moved"),
        |bundle| bundle["heads"] = json!(3),
        |bundle| bundle["previous"] = json!(null),
        |bundle| bundle["artifacts"][0]["provenance"]["named_head_only"] = json!(true),
    ];
    for place in Place::ALL {
        let files = unzip(&second_head(place));
        let folder = tempfile::tempdir().unwrap();
        for (number, change) in changes.iter().enumerate() {
            let mut bundle = manifest(&files);
            change(&mut bundle);
            let text = bundle.to_string();
            let others = files.iter().filter(|(name, _)| name.as_str() != "replay.json");
            let mut all = vec![("replay.json", text.as_bytes())];
            all.extend(others.map(|(name, bytes)| (name.as_str(), bytes.as_slice())));
            write(&folder.path().join("other.zip"), &zip(&all));
            let ran = run(folder.path(), &["replay", "other.zip"]);
            assert_eq!(ran.exit, 13, "{place:?} change {number}: {}{}", ran.stdout, ran.stderr);
        }
    }
}
