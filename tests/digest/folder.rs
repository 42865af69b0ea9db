//! The numbers of a digest over a folder of genuine reports, computed by hand from the reports' own summaries.
//!
//! fallow-py's demo lists 17 issues (2 errors, 13 warnings, 2 infos), its fix plan the same 17; `since-base` lists
//! PY000, PY040 and PY020; `clean` lists none.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::evidence::write;
use crate::support::program::{Ran, run};
use crate::support::snapshot::compare;
use crate::support::{fixture, here};

const NAME: &str = "pyfallow-dogfood-weekly-YYYY-WW.md";

/// Two weeks of three repositories.
fn downloads(folder: &Path) {
    let full = fixture("fallow-py/demo.full-report.json");
    let plan = fixture("fallow-py/demo.pyfallow-report.json");
    let report = std::fs::read(here("examples/contracts/patchwarden.gate_report.v1.json")).unwrap();
    let packet = std::fs::read(here("examples/contracts/patchwarden.repair_instruction.v1.json")).unwrap();
    for (path, bytes) in [
        ("2026-W46/acme/one/11/pyfallow/report.json", &full),
        ("2026-W46/acme/two/21/pyfallow/report.json", &fixture("fallow-py/since-base.full-report.json")),
        ("2026-W47/acme/one/12/full/report.json", &full),
        ("2026-W47/acme/one/12/plan/pyfallow-report.json", &plan),
        ("2026-W47/acme/one/13/full/report.json", &full),
        ("2026-W47/acme/two/22/pyfallow/report.json", &fixture("fallow-py/clean.full-report.json")),
        ("2026-W47/acme/three/31/pyfallow-report.json", &full[..1000].to_vec()),
        ("2026-W47/acme/three/31/patchwarden-result-gate-1/gate_report.json", &report),
        ("2026-W47/acme/three/31/patchwarden-result-gate-1/repair_instruction.json", &packet),
        ("2026-W40/acme/one/1/full/report.json", &full),
    ] {
        write(&folder.join("downloads").join(path), bytes);
    }
}

fn digest(folder: &Path, more: &[&str]) -> Ran {
    let arguments = ["digest", "--artifacts-dir", "downloads", "--week", "2026-W47", "--weeks", "2"];
    run(folder, &[&arguments[..], more].concat())
}

fn line<'a>(digest: &'a Value, part: &str, key: &str, name: &str) -> &'a Value {
    let lines = digest[part].as_array().unwrap();
    lines.iter().find(|line| line[key] == name).unwrap_or_else(|| panic!("no {name} in {part}: {lines:#?}"))
}

#[test]
fn the_numbers_are_those_computed_by_hand() {
    let scratch = tempfile::tempdir().unwrap();
    downloads(scratch.path());
    let ran = digest(scratch.path(), &["--out", "out", "--name", NAME]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
    let out = |ending: &str| {
        let path = scratch.path().join("out/pyfallow-dogfood-weekly-2026-47").with_extension(ending);
        std::fs::read_to_string(path).unwrap()
    };
    assert_eq!(out("md"), ran.stdout);
    let digest: Value = serde_json::from_str(&out("json")).unwrap();
    let totals = &digest["totals"];
    for (name, expected) in [
        ("repositories", 3),
        ("active_repositories", 3),
        // one/12, one/13, two/22 and three/31.
        ("runs", 4),
        // Two in one/12, one each in one/13 and two/22; the cut one in three/31 is no report.
        ("reports", 4),
        // The demo's 17 in both of its runs, in report and plan alike.
        ("findings", 17),
        // The report has 2 errors; its plan calls the cycle (PY020) blocking, and the graver word counts.
        ("errors", 3),
        ("warnings", 12),
        ("notes", 2),
        ("blocked", 1),
        ("unread", 1),
    ] {
        assert_eq!(totals[name], expected, "{name}");
    }
    // Compared are acme/one and acme/two, measured in both weeks.
    for (rule, findings, occurrences, trend, before, weeks) in [
        ("PY031", 6, 12, "same", 6, [6, 6]),
        ("PY040", 1, 2, "down", 2, [2, 1]),
        ("PY020", 1, 2, "down", 2, [2, 1]),
        ("PY000", 0, 0, "gone", 1, [1, 0]),
    ] {
        let line = line(&digest, "rules", "rule", rule);
        assert_eq!(line["findings"], findings, "{rule}");
        assert_eq!(line["occurrences"], occurrences, "{rule}");
        assert_eq!(line["trend"], trend, "{rule}");
        assert_eq!(
            line["compared"],
            json!({ "repositories": 2, "now": findings, "before": before }),
            "{rule}"
        );
        assert_eq!(line["weeks"], json!(weeks), "{rule}");
    }
    for (bucket, items) in [("auto_safe", 0), ("review_needed", 13), ("blocking", 3), ("manual_only", 1)] {
        assert_eq!(line(&digest, "buckets", "bucket", bucket)["items"], items, "{bucket}");
    }
    assert_eq!(line(&digest, "repositories", "repo", "acme/one")["weeks"], json!([17, 17]));
    assert_eq!(line(&digest, "repositories", "repo", "acme/two")["weeks"], json!([3, 0]));
    assert_eq!(digest["unread"], json!([{ "why": "malformed", "count": 1 }]));
    assert_eq!(line(&digest, "codes", "code", "tests.failed")["still_red"], 1);
    assert_eq!(line(&digest, "codes", "code", "findings.over_limit")["false_blocks"]["rate"], 1.0);
    // The tables show the same numbers.
    for row in [
        "| `PY031` | `fallow-py` | warning | 6 | 1 | same | 6 6 |",
        "| `review_needed` | `fallow-py` | 13 | 1 | 1 | 0 13 |",
    ] {
        assert!(ran.stdout.contains(row), "{row} in\n{}", ran.stdout);
    }
    let example = here("examples/contracts/patchwarden.evidence_digest.v1.json");
    compare(&example, Some(&out("json"))).unwrap();
    compare(&here("tests/digest/expected.md"), Some(&out("md"))).unwrap();
    compare(&here("tests/digest/expected.html"), Some(&out("html"))).unwrap();
}

#[test]
fn the_page_runs_nothing_and_asks_nobody() {
    let scratch = tempfile::tempdir().unwrap();
    downloads(scratch.path());
    digest(scratch.path(), &["--out", "out"]);
    let page = std::fs::read_to_string(scratch.path().join("out/evidence-digest-2026-W47.html")).unwrap();
    for bad in ["<script", "src=", "http://", "https://", "onload", "style=\""] {
        assert!(!page.contains(bad), "{bad}");
    }
}

#[test]
fn the_rows_of_each_week_joined_are_the_rows_of_both() {
    let scratch = tempfile::tempdir().unwrap();
    downloads(scratch.path());
    digest(scratch.path(), &["--out", "whole"]);
    let rows = std::fs::read_to_string(scratch.path().join("whole/evidence-digest-2026-W47.ndjson")).unwrap();
    let (header, rest) = rows.split_once('\n').unwrap();
    // Every third row goes to a part of its own, as a matrix of three would divide them.
    for part in 0..3 {
        let lines: Vec<&str> = rest.lines().skip(part).step_by(3).collect();
        let text = format!("{header}\n{}\n", lines.join("\n"));
        write(&scratch.path().join(format!("part-{part}.ndjson")), text.as_bytes());
    }
    let parts = ["part-2.ndjson", "part-0.ndjson", "part-1.ndjson"];
    let ran = run(scratch.path(), &[&["digest", "merge", "--out", "joined"][..], &parts].concat());
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
    for ending in ["md", "json", "html", "ndjson"] {
        let read = |folder: &str| {
            let path = scratch.path().join(folder).join(format!("evidence-digest-2026-W47.{ending}"));
            std::fs::read(path).unwrap()
        };
        assert_eq!(read("joined"), read("whole"), "{ending}");
    }
}

#[test]
fn what_cannot_be_read_or_named_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    write(&scratch.path().join("rows.ndjson"), b"{}\n");
    for (arguments, says) in [
        (&["digest", "--artifacts-dir", "nowhere"][..], "`nowhere` could not be listed"),
        (&["digest", "--artifacts-dir", ".", "--name", "../x"], "cannot be the name of a file"),
        (&["digest", "--artifacts-dir", ".", "--week", "2026-W60"], "is not an ISO week"),
        (&["digest", "--artifacts-dir", ".", "--artifact", "[x"], "`--artifact`"),
        (&["digest", "merge", "rows.ndjson"], "does not say which window"),
        (&["digest", "merge", "nothing.ndjson"], "`nothing.ndjson` is no partial"),
    ] {
        let ran = run(scratch.path(), arguments);
        assert_eq!(ran.exit, 2, "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(says), "{arguments:?}: {}", ran.stderr);
    }
}
