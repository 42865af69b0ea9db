//! Code edits inside evidence never reach an agent: reports of every tool that writes edits, each with a marked one,
//! judged as a process, and every output searched for the mark.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::support::evidence::write;
use crate::support::outputs;
use crate::support::{HEAD, fixture};

const MARK: &str = "INSERTED_CODE";

/// Sets `key` in every object that has `trigger`, and counts them.
fn plant(value: &mut Value, trigger: &str, key: &str, edit: &Value) -> usize {
    match value {
        Value::Object(map) => {
            let mut planted: usize = map.values_mut().map(|value| plant(value, trigger, key, edit)).sum();
            if map.contains_key(trigger) {
                map.insert(key.to_owned(), edit.clone());
                planted += 1;
            }
            planted
        }
        Value::Array(list) => list.iter_mut().map(|value| plant(value, trigger, key, edit)).sum(),
        _ => 0,
    }
}

/// The sample with the edit in it; JSON Lines stay lines.
fn planted(sample: &[u8], trigger: &str, key: &str, edit: &Value) -> String {
    let mut count = 0;
    let mut text = String::new();
    for document in serde_json::Deserializer::from_slice(sample).into_iter::<Value>() {
        let mut document = document.unwrap();
        count += plant(&mut document, trigger, key, edit);
        writeln!(text, "{document}").unwrap();
    }
    assert!(count > 0, "nothing has `{trigger}`");
    text
}

#[test]
fn an_edit_in_evidence_reaches_no_output() {
    let edits =
        json!([{"text": MARK, "content": MARK, "desc": MARK, "fix": {"range": [0, 1], "text": MARK}}]);
    let sarif = json!([{"description": {"text": MARK}, "artifactChanges": [{"artifactLocation": {"uri": "a.py"},
        "replacements": [{"deletedRegion": {"startLine": 1}, "insertedContent": {"text": MARK}}]}]}]);
    let ruff = json!({"applicability": "safe", "message": MARK, "edits": [{"content": MARK}]});
    let patch = json!({"type": "replace_line", "file": "a.py", "line": 1, "before": MARK, "after": MARK});
    let option = json!([{"type": MARK, "description": MARK, "auto_fixable": true}]);
    let related = json!([{"message": {"text": MARK}}]);
    let pip = json!({"dependencies": [{"name": "x", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"],
        "aliases": [], "description": "bad"}]}], "fixes": [{"name": "x", "old_version": MARK, "new_version": MARK}]});
    let npm = json!({"auditReportVersion": 2, "vulnerabilities": {"x": {"name": "x", "severity": "high", "via":
        [{"source": 1, "name": "x", "title": "bad", "url": "u", "severity": "high", "range": "<2"}], "effects": [],
        "range": "<2", "nodes": ["node_modules/x"], "fixAvailable": {"name": MARK, "version": MARK, "isSemVerMajor": true}}},
        "metadata": {"vulnerabilities": {"info": 0, "low": 0, "moderate": 0, "high": 1, "critical": 0, "total": 1},
        "dependencies": {"prod": 1, "total": 1}}});
    let of =
        |sample: &str, trigger: &str, key: &str, edit: &Value| planted(&fixture(sample), trigger, key, edit);
    let reports = [
        ("sarif-fixes", of("ruff/fail.sarif", "ruleId", "fixes", &sarif)),
        ("clippy-sarif-related", of("clippy/clippy-deny.sarif", "ruleId", "relatedLocations", &related)),
        ("ruff-fix", of("ruff/fail.json", "noqa_row", "fix", &ruff)),
        ("eslint-fix", of("eslint/fail.json", "ruleId", "fix", &edits[0]["fix"])),
        ("eslint-suggestions", of("eslint/fail.json", "ruleId", "suggestions", &edits)),
        ("rdjson-suggestions", of("ruff/rdjson.json", "message", "suggestions", &edits)),
        ("semgrep-fix", of("semgrep/fail.json", "metadata", "fix", &json!(MARK))),
        ("fallow-py-patch", of("fallow-py/demo.pyfallow-report.json", "one_liner", "minimal_patch", &patch)),
        ("fallow-py-options", of("fallow-py/demo.pyfallow-report.json", "one_liner", "fix_options", &option)),
        (
            "fallow-py-hints",
            of("fallow-py/demo.pyfallow-report.json", "one_liner", "investigation_hints", &json!([MARK])),
        ),
        ("fallow-py-actions", of("fallow-py/demo.full-report.json", "actions", "actions", &option)),
        ("fallow-actions", of("fallow-npm/audit-fail.json", "actions", "actions", &option)),
        (
            "fallow-next-steps",
            of(
                "fallow-npm/audit-fail.v3.36.0.json",
                "kind",
                "next_steps",
                &json!([{"id": MARK, "command": MARK, "reason": MARK}]),
            ),
        ),
        (
            "codeclimate-content",
            of("fallow-npm/audit-codeclimate.json", "check_name", "content", &json!({"body": MARK})),
        ),
        (
            "cargo-replacement",
            of(
                "clippy/cargo-clippy.deny.messages.jsonl",
                "suggested_replacement",
                "suggested_replacement",
                &json!(MARK),
            ),
        ),
        (
            "cargo-rendered",
            of("clippy/cargo-clippy.deny.messages.jsonl", "rendered", "rendered", &json!(MARK)),
        ),
        ("pip-audit-fixes", pip.to_string()),
        ("npm-audit-fix", npm.to_string()),
    ];
    let scratch = tempfile::tempdir().unwrap();
    let mut policy = "version = 1\n".to_owned();
    for (name, report) in &reports {
        assert!(report.contains(MARK));
        write(&scratch.path().join(format!("evidence/{name}/report")), report.as_bytes());
        let gate = format!("kind = \"findings\"\nevidence = [\"{name}\"]\nmax = {{ note = 0 }}\n");
        writeln!(policy, "[evidence.{name}]\nartifact = \"{name}\"\n[[gate]]\nid = \"{name}\"\n{gate}")
            .unwrap();
    }
    write(&scratch.path().join("policy.toml"), policy.as_bytes());
    let judged = outputs::gate(scratch.path(), HEAD, &["--policy", "policy.toml"]);
    for (name, _) in &reports {
        assert!(judged.codes(name).contains(&"findings.over_limit"), "{name}: {:?}", judged.codes(name));
    }
    let quotes = judged.packet["entries"].as_array().unwrap().iter().map(|one| &one["untrusted"]);
    assert!(quotes.into_iter().any(|quotes| !quotes.as_array().unwrap().is_empty()), "findings are quoted");
    let texts = [
        judged.report.to_string(),
        judged.packet.to_string(),
        judged.summary.clone(),
        judged.ran.stdout.clone(),
        judged.ran.stderr.clone(),
    ];
    for text in texts {
        if let Some(at) = text.find(MARK) {
            panic!(
                "an edit got out: …{}…",
                &text[text.floor_char_boundary(at.saturating_sub(200))..at + MARK.len()]
            );
        }
    }
}
