//! The verbs that judge one gate of people, promises or runtimes over files: what they print, how they exit, and what
//! they say to somebody who holds them wrong.

use serde_json::Value;

use crate::support::here;
use crate::support::program::{Ran, run};

fn patchwarden(arguments: &str) -> Ran {
    run(&here(""), &arguments.split_whitespace().collect::<Vec<_>>())
}

const QUORUM: &str = "review-quorum --policy examples/two-ai-lanes-and-a-human/patchwarden.toml";
const LANES: &str = "--evidence examples/two-ai-lanes-and-a-human/evidence --facts examples/two-ai-lanes-and-a-human/facts.json --now 2026-09-01T12:00:00Z";
const REPAIR: &str = "runtime-repair-check --bundle examples/supervised-runtime-repair/evidence/safe-update";
const SOON: &str = "--now 2026-11-20T20:50:00Z";

/// The case's policy and facts, for verbs that need no more.
fn of_case(verb: &str, case: &str) -> Ran {
    patchwarden(&format!(
        "{verb} --policy tests/cases/{case}/policy.toml --facts tests/cases/{case}/facts.json --now 2026-06-10T00:00:00Z"
    ))
}

#[test]
fn each_verb_ends_as_its_gate_does() {
    for (verb, case, exit) in [
        ("contract-check", "contract-pass", 0),
        ("contract-check", "contract-fail-unlinked", 11),
        ("contract-check", "contract-unmeasured", 12),
        ("judge-check", "judge-pass", 0),
        ("judge-check", "judge-needs-human", 10),
        ("judge-check", "judge-unmeasured", 12),
        ("review-quorum", "review-quorum-unmeasured", 12),
    ] {
        let ran = of_case(verb, case);
        assert_eq!((ran.exit, ran.stderr.as_str()), (exit, ""), "{case}: {}", ran.stdout);
    }
}

#[test]
fn the_contracts_they_print_are_valid_by_their_schemas() {
    for (arguments, exit, schema) in [
        (format!("{QUORUM} {LANES}"), 11, "patchwarden.review_quorum.v1"),
        (format!("{REPAIR} --class openclaw_upgrade {SOON}"), 10, "patchwarden.runtime_repair.v1"),
        (format!("{REPAIR} --class deploy_drift_probe {SOON}"), 0, "patchwarden.runtime_repair.v1"),
    ] {
        let text = patchwarden(&arguments);
        let json = patchwarden(&format!("{arguments} --format json"));
        assert_eq!((text.exit, json.exit), (exit, exit), "{arguments}: {}{}", text.stdout, text.stderr);
        let document: Value = serde_json::from_str(&json.stdout).unwrap();
        assert_eq!(document["schema"], schema);
        let scratch = tempfile::tempdir().unwrap();
        std::fs::write(scratch.path().join("it.json"), &json.stdout).unwrap();
        let valid = run(scratch.path(), &["schema", "validate", "it.json"]);
        assert_eq!(valid.exit, 0, "{}", valid.stdout);
    }
}

#[test]
fn who_is_still_wanted_and_the_three_axes_are_printed() {
    let lanes = patchwarden(&format!("{QUORUM} --facts examples/two-ai-lanes-and-a-human/facts.json"));
    assert!(lanes.stdout.contains("still wanted: `codex` (missing), `claude` (missing)"), "{}", lanes.stdout);
    let repair = patchwarden(&format!("{REPAIR} --class openclaw_upgrade {SOON}"));
    let axes = "`runtime-truth-report` in `runtime-truth.json`: observation success, freshness fresh, completeness complete";
    assert!(repair.stdout.contains(axes), "{}", repair.stdout);
}

#[test]
fn somebody_who_holds_them_wrong_is_told_how() {
    let wrong_schema = "--facts examples/two-ai-lanes-and-a-human/case.toml";
    for (arguments, exit, words) in [
        ("review-quorum --policy nowhere.toml".to_owned(), 3, "hint: name the policy with `--policy FILE`"),
        (QUORUM.to_owned(), 4, "hint: give the pull request's facts with `--facts FILE`"),
        (format!("{QUORUM} {wrong_schema}"), 4, "is not `patchwarden.pull_facts.v1`"),
        (format!("{QUORUM} {LANES} --head {}", "a".repeat(40)), 4, "heads disagree"),
        (
            "contract-check --policy examples/two-ai-lanes-and-a-human/patchwarden.toml".to_owned(),
            2,
            "hint: docs/gates/contract.md shows how one is written",
        ),
        (format!("{REPAIR} --class openclaw_upgrad"), 2, "did you mean `openclaw_upgrade`?"),
        (format!("{REPAIR} --class x --classes LICENSE-MIT"), 3, "docs/runtime-repair.md"),
        ("runtime-repair-check --bundle nowhere --class openclaw_upgrade".to_owned(), 4, "could not be read"),
    ] {
        let ran = patchwarden(&arguments);
        assert_eq!(ran.exit, exit, "{arguments}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains(words), "{arguments}: {}", ran.stderr);
    }
    let above = format!("runtime-repair-check --bundle examples/supervised-runtime-repair/evidence {SOON}");
    let ran = patchwarden(&format!("{above} --class openclaw_upgrade"));
    assert!(ran.stdout.contains("name the folder it is in"), "{}", ran.stdout);
}
