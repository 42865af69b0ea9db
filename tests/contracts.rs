//! The contracts: their schemas are checked in and do not drift, and each has an example that is valid by it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::here;
use crate::support::program::{Ran, run};
use crate::support::snapshot::{UPDATE, compare};

fn patchwarden(arguments: &[&str]) -> Ran {
    let ran = run(&here(""), arguments);
    assert_eq!(ran.stderr, "", "{arguments:?}");
    ran
}

/// The registry, as `schema list` gives it.
fn contracts() -> Vec<String> {
    let rows: Vec<Value> =
        serde_json::from_str(&patchwarden(&["schema", "list", "--format", "json"]).stdout).unwrap();
    rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
}

fn schema(name: &str) -> Value {
    serde_json::from_str(&patchwarden(&["schema", "show", name]).stdout).unwrap()
}

fn example(name: &str) -> String {
    let path = format!("examples/contracts/{name}.json");
    std::fs::read_to_string(here(&path))
        .unwrap_or_else(|error| panic!("every contract has an example: {path}: {error}"))
}

#[test]
fn schemas_are_checked_in_as_the_types_are() {
    let names = contracts();
    let mut wrong = Vec::new();
    for name in &names {
        let text = patchwarden::contracts::schema_of_types(name).unwrap();
        wrong.extend(compare(&here(&format!("docs/schemas/{name}.json")), Some(&text)).err());
    }
    assert!(wrong.is_empty(), "{}\nregenerate with: {UPDATE} schemas", wrong.join("\n"));
    for entry in std::fs::read_dir(here("docs/schemas")).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let name = file.strip_suffix(".json").unwrap_or(&file);
        assert!(names.iter().any(|one| one == name), "docs/schemas/{file} is of no contract");
    }
}

#[test]
fn the_schema_that_is_shown_is_the_one_checked_in() {
    for name in contracts() {
        let checked_in = std::fs::read_to_string(here(&format!("docs/schemas/{name}.json"))).unwrap();
        assert_eq!(patchwarden(&["schema", "show", &name]).stdout, checked_in, "{name}");
    }
}

#[test]
fn every_contract_has_a_valid_example() {
    for name in contracts() {
        let path = format!("examples/contracts/{name}.json");
        example(&name);
        let ran = patchwarden(&["schema", "validate", "--as", &name, &path]);
        assert_eq!(ran.exit, 0, "{}", ran.stdout);
    }
}

#[test]
fn an_example_with_one_wrong_value_is_refused() {
    for name in contracts() {
        let mut document: Value = serde_json::from_str(&example(&name)).unwrap();
        let required = schema(&name)["required"][0].as_str().unwrap().to_owned();
        document[&required] = serde_json::json!({ "no": ["such", "value"] });
        let scratch = tempfile::tempdir().unwrap();
        std::fs::write(scratch.path().join("wrong.json"), document.to_string()).unwrap();
        let ran = run(scratch.path(), &["schema", "validate", "--as", &name, "wrong.json"]);
        assert_eq!(ran.exit, 11, "{name}: {}{}", ran.stdout, ran.stderr);
    }
}

#[test]
fn the_examples_of_what_people_write_show_every_key() {
    for name in ["patchwarden.evidence_manifest.v1", "patchwarden.policy.v1"] {
        let mut defined = BTreeSet::new();
        properties(&schema(name), &mut defined);
        let mut shown = BTreeSet::new();
        keys(&serde_json::from_str(&example(name)).unwrap(), &mut shown);
        let missing: Vec<_> = defined.difference(&shown).collect();
        assert!(missing.is_empty(), "the example of {name} is exhaustive and lacks {missing:?}");
    }
}

/// Every property name a schema defines.
fn properties(schema: &Value, names: &mut BTreeSet<String>) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::Object(properties)) = map.get("properties") {
                names.extend(properties.keys().cloned());
            }
            map.values().for_each(|value| properties_of(value, names));
        }
        other => properties_of(other, names),
    }
}

fn properties_of(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(_) => properties(value, names),
        Value::Array(list) => list.iter().for_each(|value| properties_of(value, names)),
        _ => {}
    }
}

/// Every key a document has.
fn keys(document: &Value, names: &mut BTreeSet<String>) {
    match document {
        Value::Object(map) => {
            names.extend(map.keys().cloned());
            map.values().for_each(|value| keys(value, names));
        }
        Value::Array(list) => list.iter().for_each(|value| keys(value, names)),
        _ => {}
    }
}

#[test]
fn the_policy_of_the_example_is_a_policy() {
    // The example of the schema is what `policy show` makes of the TOML beside it, every default filled in.
    let toml = "examples/contracts/patchwarden.policy.v1.toml";
    let ran = patchwarden(&["policy", "check", toml]);
    assert_eq!((ran.exit, ran.stdout.contains("warning")), (0, false), "{}", ran.stdout);
    let shown = patchwarden(&["policy", "show", "--format", "json", toml]).stdout;
    let path = here("examples/contracts/patchwarden.policy.v1.json");
    compare(&path, Some(&shown)).unwrap();
}

#[test]
fn a_policy_shown_is_the_same_policy() {
    let scratch = tempfile::tempdir().unwrap();
    let shown = patchwarden(&["policy", "show", "examples/contracts/patchwarden.policy.v1.toml"]).stdout;
    assert!(shown.contains("expires = 2026-12-31") && !shown.contains("$__toml"), "{shown}");
    std::fs::write(scratch.path().join("shown.toml"), &shown).unwrap();
    let again = run(scratch.path(), &["policy", "show", "shown.toml"]);
    assert_eq!((again.exit, again.stdout), (0, shown));
}

#[test]
fn the_starter_policy_is_sound() {
    let scratch = tempfile::tempdir().unwrap();
    let ran = run(scratch.path(), &["policy", "init", "--write", "policy.toml"]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (0, ""));
    assert_eq!(run(scratch.path(), &["policy", "check", "policy.toml"]).exit, 0);
    let again = run(scratch.path(), &["policy", "init", "--write", "policy.toml"]);
    assert_eq!(again.exit, 2, "a policy that is there is never overwritten");
}

#[test]
fn the_example_report_is_explained_by_its_packet() {
    let report = "examples/contracts/patchwarden.gate_report.v1.json";
    let ran = patchwarden(&["explain", "--report", report, "unit"]);
    assert_eq!(ran.exit, 0);
    let packet: Value = serde_json::from_str(&example("patchwarden.repair_instruction.v1")).unwrap();
    let entries = packet["entries"].as_array().unwrap();
    let of_gate = entries.iter().filter(|entry| entry["source"]["gate"] == "unit");
    for entry in of_gate {
        assert!(ran.stdout.contains(entry["key"].as_str().unwrap()), "{}", ran.stdout);
    }
}
