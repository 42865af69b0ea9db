//! Summary and text over many gates: what did not pass is always named, the rest is cut with a count.

use serde_json::{Value, json};

use super::{markdown, text};
use crate::repair::RepairPacket;
use crate::report::GateReport;

const HEAD: &str = "1f3c9ab2d4e5f60718293a4b5c6d7e8f90a1b2c3";

fn digest(number: usize) -> String {
    format!("sha256:{number:08x}{}", "0".repeat(56))
}

fn blocker(number: usize, reason: &str) -> Value {
    json!({ "code": "tests.failed", "subject": "unit", "reason": reason, "key": digest(number) })
}

/// A report of `passed` gates that passed and `failed` that did not, with its packet. Each failed gate has a reason
/// of its own where `apart` says so.
fn judged(passed: usize, failed: usize, apart: bool) -> (GateReport, RepairPacket) {
    let reason =
        |number: usize| if apart { format!("{number} tests failed") } else { "a test failed".to_owned() };
    let gate = |id: String, outcome: &str, blockers: Vec<Value>| {
        json!({ "id": id, "kind": "tests", "title": id, "outcome": outcome, "enforced": true, "observed": "o",
            "threshold": "t", "blockers": blockers, "evidence": [], "waived": [], "skipped": [] })
    };
    let mut gates: Vec<Value> = (0..passed).map(|n| gate(format!("green{n}"), "pass", vec![])).collect();
    gates.extend((0..failed).map(|n| gate(format!("red{n}"), "fail", vec![blocker(n, &reason(n))])));
    let report = json!({
        "schema": "patchwarden.gate_report.v1", "target": { "target_sha": HEAD }, "policy": null,
        "evaluated_at": "2026-03-02T13:00:00Z", "verdict": if failed > 0 { "blocked" } else { "pass" },
        "enforced": true, "external_write_allowed": false, "gates": gates, "evidence": [],
        "unmatched_waivers": [], "notes": [], "limits": crate::evidence::Limits::default(),
        "tool": { "name": "patchwarden", "version": "0", "commit": null },
    });
    let entry = |n: usize| {
        json!({ "key": digest(n), "blocker_key": digest(n), "heads_seen": 1, "enforced": true,
            "source": { "gate": format!("red{n}"), "kind": "tests", "code": "tests.failed", "subject": "unit" },
            "reason": reason(n), "owner": "agent", "action": { "kind": "fix_tests", "summary": "mend it" },
            "acceptance": { "gate": format!("red{n}"), "check": "tests.failed", "head": "next" },
            "untrusted": [] })
    };
    let packet = json!({
        "schema": "patchwarden.repair_instruction.v1", "target_sha": HEAD, "repo": null, "pull_request": null,
        "verdict": "blocked", "policy_sha256": digest(0), "external_write_allowed": false,
        "packet_key": digest(0), "attempt": 1, "progress": "unknown",
        "entries": (0..failed).map(entry).collect::<Vec<_>>(),
    });
    (serde_json::from_value(report).unwrap(), serde_json::from_value(packet).unwrap())
}

#[test]
fn the_first_line_says_it_and_what_did_not_pass_comes_first() {
    let (report, packet) = judged(58, 2, true);
    let summary = markdown(&report, Some(&packet));
    assert_eq!(summary.lines().next(), Some("# ✖ blocked: 2 of 60 gates failed"));
    assert!(summary.find("`red1`").unwrap() < summary.find("`green0`").unwrap(), "{summary}");
}

#[test]
fn gates_that_passed_are_cut_with_a_count_and_others_never() {
    let (report, packet) = judged(60, 70, true);
    let (summary, words) = (markdown(&report, Some(&packet)), text(&report, Some(&packet)));
    assert_eq!(summary.matches("✔ pass").count(), 20);
    assert!(summary.contains("… and 40 more gates that passed, in `gate_report.json`."), "{summary}");
    assert!(summary.contains("… and 20 more things to do, in `gate_report.json`."), "{summary}");
    assert!(
        words.contains("… and 40 other gates passed") && words.contains("… and 50 other blockers"),
        "{words}"
    );
    for number in 0..70 {
        assert!(summary.contains(&format!("| `red{number}` | ✖ **fail** |")), "red{number}");
        assert!(words.lines().any(|line| line.split_whitespace().eq(["fail", &format!("red{number}"), "o"])));
    }
}

#[test]
fn nothing_is_cut_where_little_is_there() {
    let (report, packet) = judged(2, 1, true);
    assert!(!markdown(&report, Some(&packet)).contains('…'));
    assert!(!text(&report, Some(&packet)).contains('…'));
}

#[test]
fn blockers_that_differ_in_their_gate_alone_are_one_thing_to_do() {
    let (report, packet) = judged(0, 6, false);
    let (summary, words) = (markdown(&report, Some(&packet)), text(&report, Some(&packet)));
    assert_eq!(summary.matches("**a test failed**").count(), 1);
    assert!(summary.contains("in gates `red0`, `red1`, `red2`, `red3` and 2 others"), "{summary}");
    assert_eq!(words.matches("a test failed").count(), 1);
    assert!(words.contains("(entries 00000000, 00000001, 00000002, 00000003 and 2 others)"), "{words}");
}
