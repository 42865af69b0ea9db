//! The same words through every verb that shows what others wrote, over files alone: each output is inert in its form.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use super::inert::{assert_inert_lines, assert_markdown, assert_markdown_like, assert_page};
use super::{ATTEMPTS, MARK, judge};
use crate::support::evidence::write;
use crate::support::program::{Ran, run};
use crate::support::{HEAD, NOW, here};

/// What a text is, and with it what makes it inert.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// For a log or a terminal.
    Log,
    Json,
    /// One document a line.
    Rows,
    Markdown,
    Html,
}

/// A genuine judge's record, in which everything it says in its own words is these.
fn lay_out_judge(folder: &Path, words: &str) {
    let case = here("tests/cases/judge-needs-human");
    write(&folder.join("judge.toml"), &std::fs::read(case.join("policy.toml")).unwrap());
    let mut facts: Value = serde_json::from_slice(&std::fs::read(case.join("facts.json")).unwrap()).unwrap();
    let body = &mut facts["linked_issues"]["items"][0]["comments"]["items"][0]["body"];
    let (begin, rest) = body.as_str().unwrap().split_once('\n').unwrap();
    let (record, end) = rest.trim_end().rsplit_once('\n').unwrap();
    let mut record: Value = serde_json::from_str(record).unwrap();
    record["escalation"]["reason"] = json!(words);
    record["top_caveat"] = json!(words);
    for evidence in record["evidence_refs"].as_array_mut().unwrap() {
        evidence["note"] = json!(words);
    }
    *body = json!(format!("{begin}\n{record:#}\n{end}\n"));
    write(&folder.join("judge.json"), facts.to_string().as_bytes());
}

/// Files of the operator's window, each field the words.
fn lay_out_window(folder: &Path, words: &str) {
    let one_line = words.replace(['\n', '\r'], " ");
    lay_out_judge(folder, words);
    write(&folder.join("notes.md"), format!("- friction: {one_line}\n- incident: {one_line}\n").as_bytes());
    let incidents = format!("## 2026-09-01 {one_line}\n- impact: {one_line}\n- cause: {one_line}\n");
    write(&folder.join("incidents.md"), incidents.as_bytes());
    let mut rows = String::new();
    for number in 0..60 {
        let row = json!({"kind": "merged", "work_item_id": format!("{number} {words}"), "project": words,
            "payload": {"attempts": 3, "final_verdict": words}, "created_at": format!("2026-08-{:02}T08:00:00Z", number % 28 + 1)});
        let _ = writeln!(rows, "{row}");
    }
    let _ = writeln!(rows, "{}", json!({"kind": words}));
    rows.push_str("{\"kind\": \"merged\", \"work_item_id\": ");
    write(&folder.join("events.ndjson"), rows.as_bytes());
    let week = folder.join("downloads/2026-W36/acme/one/11");
    for artifact in ["unit", "lint"] {
        for (path, bytes) in files(&folder.join("evidence").join(artifact)) {
            write(&week.join(artifact).join(path), &bytes);
        }
    }
    for (path, bytes) in files(&folder.join("out")) {
        write(&week.join("patchwarden-result-gate-1").join(path), &bytes);
    }
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries
        .filter(|entry| entry.file_type().unwrap().is_file())
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()))
        .collect()
}

/// Each verb with its form on standard output, and the exit it ends with.
fn verbs() -> Vec<(&'static str, Form, i32)> {
    use Form::{Html, Json, Log, Rows};
    let window = "--ledger gaps.toml --log events.ndjson --result out --feedback intake.json --now 2026-09-02T10:00:00Z";
    let intake = "feedback-intake-check --notes notes.md --incidents incidents.md --packet out --now 2026-09-02T10:00:00Z";
    let leak = |text: String| -> &'static str { text.leak() };
    vec![
        ("inspect evidence/unit evidence/lint evidence/files evidence/review-codex", Log, 0),
        ("inspect evidence/unit evidence/lint evidence/files evidence/review-codex --format json", Json, 0),
        ("explain --report out/gate_report.json unit", Log, 0),
        ("explain --report out/gate_report.json lint --format json", Json, 0),
        ("explain --report out/gate_report.json glob", Log, 0),
        ("explain --report out/gate_report.json files", Log, 0),
        ("explain --report out/gate_report.json reviews", Log, 0),
        ("explain --report out/gate_report.json promises", Log, 0),
        ("review-quorum --policy policy.toml --evidence evidence --facts facts.json", Log, 11),
        ("review-quorum --policy policy.toml --evidence evidence --facts facts.json --format json", Json, 11),
        ("contract-check --policy policy.toml --facts facts.json", Log, 11),
        ("contract-check --policy policy.toml --facts facts.json --format json", Json, 11),
        ("judge-check --policy judge.toml --facts judge.json --now 2026-06-10T00:00:00Z", Log, 10),
        (
            "judge-check --policy judge.toml --facts facts.json --now 2026-09-02T10:00:00Z --format json",
            Json,
            12,
        ),
        ("policy init --evidence evidence", Log, 0),
        ("gaps import evidence/lint/lint.sarif --file gaps.toml --now 2026-09-02T10:00:00Z", Log, 0),
        ("gaps list --file gaps.toml", Log, 0),
        ("gaps list --file gaps.toml --format json", Json, 0),
        ("metrics events.ndjson", Log, 0),
        ("metrics events.ndjson --format json", Json, 0),
        ("metrics events.ndjson --format openmetrics", Log, 0),
        ("metrics events.ndjson --format events", Rows, 0),
        ("metrics events.ndjson --format svg", Html, 0),
        (leak(intake.to_owned()), Log, 0),
        (leak(format!("{intake} --format json")), Json, 0),
        (leak(format!("status {window}")), Log, 0),
        (leak(format!("status {window} --format json")), Json, 0),
        (leak(format!("status {window} --format html")), Html, 0),
        ("digest --artifacts-dir downloads --week 2026-W36 --out digest", Form::Markdown, 0),
        ("digest --artifacts-dir downloads --week 2026-W36 --out digest --format json", Json, 0),
        ("schema validate evidence/review-codex/review.json", Log, 0),
    ]
}

const ACCEPT: [&str; 11] = [
    "accept",
    "--instruction",
    "out/repair_instruction.json",
    "--policy",
    "policy.toml",
    "--evidence",
    "evidence",
    "--head",
    HEAD,
    "--now",
    NOW,
];

/// The keys of the packet's entries.
fn keys(folder: &Path) -> Vec<String> {
    let packet = std::fs::read(folder.join("out/repair_instruction.json")).unwrap();
    let packet: Value = serde_json::from_slice(&packet).unwrap();
    let entries = packet["entries"].as_array().unwrap();
    entries.iter().map(|entry| entry["key"].as_str().unwrap().to_owned()).collect()
}

/// What every verb gave, in order, and the four files of the digest.
fn outputs(folder: &Path) -> Vec<(String, Form, String)> {
    let mut all = Vec::new();
    for (line, form, exit) in verbs() {
        let arguments: Vec<&str> = line.split(' ').collect();
        let ran: Ran = run(folder, &arguments);
        assert_eq!(ran.exit, exit, "{line}: {}{}", ran.stdout, ran.stderr);
        if line.starts_with("feedback") && form == Form::Json {
            write(&folder.join("intake.json"), ran.stdout.as_bytes());
        }
        all.push((line.to_owned(), form, ran.stdout));
        all.push((format!("{line}, standard error"), Form::Log, ran.stderr));
    }
    for (index, key) in keys(folder).iter().enumerate() {
        for (form, word) in [(Form::Log, "text"), (Form::Json, "json")] {
            let ran = run(folder, &[&ACCEPT[..], &["--entry", key.as_str(), "--format", word]].concat());
            assert!([11, 12].contains(&ran.exit), "{key}: {}{}", ran.stdout, ran.stderr);
            all.push((format!("accept {index} {word}"), form, ran.stdout));
            all.push((format!("accept {index} {word}, standard error"), Form::Log, ran.stderr));
        }
    }
    for (ending, form) in
        [("md", Form::Markdown), ("json", Form::Json), ("html", Form::Html), ("ndjson", Form::Rows)]
    {
        let path = folder.join(format!("digest/evidence-digest-2026-W36.{ending}"));
        all.push((format!("digest.{ending}"), form, std::fs::read_to_string(path).unwrap()));
    }
    all
}

fn scene(words: &str) -> Vec<(String, Form, String)> {
    let (folder, _) = judge(words);
    lay_out_window(folder.path(), words);
    outputs(folder.path())
}

#[test]
fn no_words_break_out_of_what_any_other_verb_shows() {
    let plain = scene("plain");
    let mut shown = vec![false; plain.len()];
    for words in ATTEMPTS {
        for (index, ((name, form, text), (_, _, harmless))) in scene(words).iter().zip(&plain).enumerate() {
            let told = format!("{name}: {words}");
            shown[index] |= text.contains(MARK);
            match form {
                Form::Log => assert_inert_lines(text, &told),
                Form::Json => {
                    let document: Value = serde_json::from_str(text).unwrap();
                    assert_inert_values(&document, &told);
                }
                Form::Rows => {
                    for line in text.lines() {
                        assert_inert_values(&serde_json::from_str(line).unwrap(), &told);
                    }
                }
                Form::Markdown => {
                    assert_inert_lines(text, &told);
                    assert_markdown_like(text, harmless, &told);
                }
                Form::Html => assert_page(text, harmless, &told),
            }
        }
    }
    // The words do arrive: without this the test would hold of outputs that show nothing.
    let shown: Vec<&str> = plain
        .iter()
        .zip(&shown)
        .filter(|(_, shown)| **shown)
        .map(|((name, _, _), _)| name.as_str())
        .collect();
    for verb in ["inspect", "explain", "judge", "policy", "gaps", "feedback", "status", "digest"] {
        assert!(shown.iter().any(|name| name.starts_with(verb)), "{verb} shows nothing of it: {shown:?}");
    }
}

/// Every text of a document is cleaned, and the Markdown that a candidate proposes is inert as such.
#[track_caller]
fn assert_inert_values(value: &Value, told: &str) {
    match value {
        Value::String(text) => {
            assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{200b}', '\u{7}', '\r']), "{told}: {text:?}");
        }
        Value::Array(items) => items.iter().for_each(|item| assert_inert_values(item, told)),
        Value::Object(fields) => {
            for (key, field) in fields {
                assert!(!key.contains(MARK), "{told}: the words are a key");
                if let ("body", Some(body)) = (key.as_str(), field.as_str()) {
                    let own = body.rfind("<!-- patchwarden:feedback ").unwrap_or(body.len());
                    assert_markdown(&body[..own], told);
                    assert_inert_lines(body, told);
                }
                assert_inert_values(field, told);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// `repair` over a report that somebody else's tool wrote: its words stay quotes, its fixes are never taken over.
#[test]
fn no_words_of_a_foreign_report_reach_an_instruction() {
    let plan = |words: &str| -> Value {
        let (folder, _) = judge(words);
        let arguments = ["repair", "evidence/lint/lint.sarif", "--head", HEAD, "--now", NOW];
        let ran = run(folder.path(), &arguments);
        assert_eq!(ran.exit, 0, "{}", ran.stderr);
        assert_inert_lines(&ran.stdout, words);
        serde_json::from_str(&ran.stdout).unwrap()
    };
    let expected = super::actions(&plan("plain"));
    for words in ATTEMPTS {
        let packet = plan(words);
        assert_eq!(super::actions(&packet), expected, "{words:?}");
        let text = super::trusted(&packet).to_string();
        assert!(!text.contains(MARK), "{words:?} left the untrusted fields: {text}");
    }
}
