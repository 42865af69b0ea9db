//! The examples of the window's contracts are genuine: the program wrote them, from the fixtures, and still does.

use std::fmt::Write as _;

use serde_json::Value;

use crate::support::here;
use crate::support::program::run;
use crate::support::snapshot::{UPDATE, compare};

/// What the program prints, run in the folder of the fixtures.
fn printed(arguments: &[&str]) -> String {
    let ran = run(&here("tests/fixtures/window"), arguments);
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""), "{arguments:?}");
    ran.stdout
}

fn assert_example(name: &str, printed: &str) {
    assert!(!printed.contains(env!("CARGO_MANIFEST_DIR")), "a path of this machine is in {name}");
    let path = here(&format!("examples/contracts/{name}.json"));
    if let Err(difference) = compare(&path, Some(printed)) {
        panic!("{difference}\nregenerate with: {UPDATE} window::examples");
    }
}

#[test]
fn gap_ledger() {
    let list = printed(&["gaps", "list", "--file", "gaps.toml", "--format", "json"]);
    assert_example("patchwarden.gap_ledger.v1", &list);
}

#[test]
fn metrics() {
    assert_example("patchwarden.metrics.v1", &printed(&["metrics", "events.ndjson", "--format", "json"]));
}

#[test]
fn crossing() {
    // The log takes one row a line; the example is the same row, spread out for readers.
    let rows = printed(&["metrics", "events.ndjson", "--format", "events"]);
    assert_eq!(rows.lines().count(), 1, "{rows}");
    let row: Value = serde_json::from_str(&rows).unwrap();
    let mut example = serde_json::to_string_pretty(&row).unwrap();
    let _ = writeln!(example);
    assert_example("metric.threshold_crossed.v1", &example);
}

#[test]
fn operator_status() {
    // Below the folder of the fixtures, so that the page names no folder of the machine it was made on.
    let result = "../../../examples/red-tests-and-lint/expected";
    let arguments = ["--ledger", "gaps.toml", "--log", "events.ndjson", "--result", result];
    let status = printed(&[["status", "--format", "json"].as_slice(), &arguments].concat());
    assert_example("operator_status.v1", &status);
}

#[test]
fn feedback_intake() {
    let result = "../../../examples/no-policy/expected";
    let arguments = ["--incidents", "incidents.md", "--notes", "notes.md", "--packet", result];
    let common = ["feedback-intake-check", "--now", "2026-11-21T10:00:00Z", "--format", "json"];
    let shown = printed(&[&common[..], &arguments].concat());
    assert_example("patchwarden.feedback_intake.v1", &shown);
}
