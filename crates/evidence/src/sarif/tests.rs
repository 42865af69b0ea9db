//! Every SARIF sample with what it must be read as, and what no reading may do.

use super::super::finding::{FindingReport, Level};
use super::*;

fn bytes_of(path: &str) -> Vec<u8> {
    std::fs::read(format!("{}/../../tests/fixtures/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn read(mut bytes: &[u8]) -> Result<Parsed, ParseError> {
    parse(&mut bytes, &Limits::default())
}

fn findings(parsed: &Parsed) -> &FindingReport {
    let Content::Findings(report) = parsed.content.as_ref() else { panic!("not findings") };
    report
}

/// Path, tool and version, findings at error/warning/note/none, suppressed, repeated, what it proves, tool errors.
type Golden = (&'static str, &'static str, [u64; 4], u64, u64, Proof, usize);

#[derive(Debug, PartialEq, Eq)]
enum Proof {
    Measured,
    Nothing,
    Unproven,
}
use Proof::{Measured, Nothing, Unproven};

#[rustfmt::skip]
const GOLDEN: &[Golden] = &[
    ("_constructed/sarif-bound-full-sha.sarif", "Semgrep OSS 1.182.0", [1, 1, 1, 0], 0, 0, Measured, 0),
    ("_constructed/sarif-bound-short-sha.sarif", "Semgrep OSS 1.182.0", [1, 1, 1, 0], 0, 0, Measured, 0),
    ("_constructed/sarif-results-null.sarif", "x", [0, 0, 0, 0], 0, 0, Nothing, 0),
    ("_constructed/sarif-run-without-results.sarif", "Semgrep OSS 1.182.0", [0, 0, 0, 0], 0, 0, Nothing, 0),
    ("_constructed/sarif-zero-runs.sarif", "", [0, 0, 0, 0], 0, 0, Nothing, 0),
    ("cargo-audit/clean.sarif", "cargo-audit 0.22.2", [0, 0, 0, 0], 0, 0, Unproven, 0),
    ("cargo-audit/vulnerable.sarif", "cargo-audit 0.22.2", [2, 2, 0, 0], 0, 0, Measured, 0),
    ("clippy/clippy-compile-error.sarif", "clippy", [3, 0, 0, 0], 0, 0, Measured, 0),
    ("clippy/clippy-deny.sarif", "clippy", [4, 0, 0, 0], 0, 0, Measured, 0),
    ("clippy/clippy-empty-input.sarif", "clippy", [0, 0, 0, 0], 0, 0, Unproven, 0),
    ("clippy/clippy.sarif", "clippy", [0, 4, 0, 0], 0, 4, Measured, 0),
    ("eslint/clean.sarif", "ESLint 9.39.5", [0, 0, 0, 0], 0, 0, Measured, 0),
    ("eslint/fail.sarif", "ESLint 9.39.5", [3, 1, 0, 0], 0, 0, Measured, 0),
    ("eslint/suppressed.sarif", "ESLint 9.39.5", [0, 0, 0, 0], 1, 0, Measured, 0),
    ("fallow-npm/audit-fail.sarif", "fallow 3.3.0", [9, 0, 0, 0], 0, 0, Measured, 0),
    ("fallow-npm/audit-fail.v3.36.0.sarif", "fallow 3.36.0", [6, 0, 0, 0], 0, 0, Measured, 0),
    ("fallow-npm/dead-code.sarif", "fallow 3.3.0", [9, 0, 0, 0], 0, 0, Measured, 0),
    ("fallow-py/clean.sarif.json", "pyfallow 0.3.0a3", [0, 0, 0, 0], 0, 0, Unproven, 0),
    ("fallow-py/demo.sarif.json", "pyfallow 0.3.0a3", [2, 13, 2, 0], 0, 0, Measured, 0),
    ("fallow-py/since-base.sarif.json", "pyfallow 0.3.0a3", [2, 1, 0, 0], 0, 0, Measured, 0),
    ("huge/ruff-6000-findings.sarif", "ruff 0.17.5", [6000, 0, 0, 0], 0, 0, Measured, 0),
    ("ruff/clean.sarif", "ruff 0.17.5", [0, 0, 0, 0], 0, 0, Unproven, 0),
    ("ruff/fail.sarif", "ruff 0.17.5", [12, 0, 0, 0], 0, 0, Measured, 0),
    ("ruff/no-python-files.sarif", "ruff 0.17.5", [0, 0, 0, 0], 0, 0, Unproven, 0),
    ("ruff/nonexistent-path.sarif", "ruff 0.17.5", [1, 0, 0, 0], 0, 0, Measured, 0),
    ("ruff/syntax-error-unicode-path.sarif", "ruff 0.17.5", [9, 0, 0, 0], 0, 0, Measured, 0),
    ("semgrep/clean.sarif", "Semgrep OSS 1.182.0", [0, 0, 0, 0], 0, 0, Measured, 0),
    ("semgrep/fail-noerror.sarif", "Semgrep OSS 1.182.0", [1, 1, 1, 0], 0, 0, Measured, 0),
    ("semgrep/parse-error.sarif", "Semgrep OSS 1.182.0", [1, 1, 1, 0], 0, 0, Measured, 0),
];

fn proof(parsed: &Parsed) -> Proof {
    match parsed.substance {
        Substance::Measured => Measured,
        Substance::Nothing(_) => Nothing,
        Substance::Unproven(_) => Unproven,
    }
}

#[test]
fn every_sample_has_its_golden_reading() {
    for (path, tool, counts, suppressed, repeated, proved, errors) in GOLDEN {
        let bytes = bytes_of(path);
        let parsed = read(&bytes).unwrap_or_else(|error| panic!("{path}: {error}"));
        let report = findings(&parsed);
        let named = parsed.tool.clone().unwrap_or_default();
        let named = format!("{} {}", named.name, named.version.unwrap_or_default());
        assert_eq!(named.trim(), *tool, "{path}");
        assert_eq!(Level::ALL.map(|level| report.counts.get(level)), *counts, "{path}");
        assert_eq!((report.suppressed, report.duplicates), (*suppressed, *repeated), "{path}");
        assert_eq!(proof(&parsed), *proved, "{path}");
        assert_eq!(parsed.tool_errors.len(), *errors, "{path}");
        assert_eq!(report.keys.len() as u64, counts.iter().sum::<u64>(), "{path}");
        assert_eq!(report.findings.len(), report.keys.len().min(5000), "{path}");
        let prefix = bytes.get(..super::super::shape::PREFIX_BYTES);
        assert!(fits(&Shape::of(prefix.unwrap_or(&bytes), prefix.is_none())), "{path}");
    }
}

/// Every fixture that is SARIF stands in the table, or in the one test of the cut-off file.
#[test]
fn no_sample_is_left_out() {
    let mut left_out = Vec::new();
    let root = format!("{}/../../tests/fixtures", env!("CARGO_MANIFEST_DIR"));
    for folder in
        std::fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir())
    {
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let path = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
            // The standard's own schema lies there too.
            if path.contains("sarif") && !path.contains("schema") && !GOLDEN.iter().any(|row| row.0 == path) {
                left_out.push(path);
            }
        }
    }
    assert_eq!(left_out, ["_constructed/sarif-truncated.sarif"]);
}

#[test]
fn ruff_clean_and_ruff_that_saw_no_file_are_the_same_bytes() {
    assert_eq!(bytes_of("ruff/clean.sarif"), bytes_of("ruff/no-python-files.sarif"));
}

#[test]
fn a_semgrep_level_comes_from_the_rule_and_its_fingerprint_is_not_believed() {
    let parsed = read(&bytes_of("semgrep/fail-noerror.sarif")).unwrap();
    let shown: Vec<_> = findings(&parsed).findings.iter().map(|f| (f.rule.as_ref(), f.level)).collect();
    assert_eq!(
        shown,
        [
            ("tmp.w.no-eval", Level::Error),
            ("tmp.w.hardcoded", Level::Warning),
            ("tmp.w.info-import", Level::Note)
        ]
    );
}

#[test]
fn a_compile_error_of_clippy_has_no_rule_and_counts() {
    let parsed = read(&bytes_of("clippy/clippy-compile-error.sarif")).unwrap();
    let first = findings(&parsed).findings.first().unwrap().clone();
    assert_eq!(
        (first.rule.as_ref(), first.level, first.line.map(std::num::NonZeroU32::get)),
        ("", Level::Error, Some(12))
    );
}

#[test]
fn only_a_commit_that_the_file_names_is_embedded() {
    let id = |path: &str| read(&bytes_of(path)).unwrap().commits.first().map(|commit| commit.id.clone());
    assert_eq!(id("_constructed/sarif-bound-full-sha.sarif").unwrap().len(), 40);
    assert_eq!(id("_constructed/sarif-bound-short-sha.sarif").unwrap().len(), 7);
    assert_eq!(id("semgrep/clean.sarif"), None);
    let parsed = read(&bytes_of("_constructed/sarif-bound-full-sha.sarif")).unwrap();
    assert!(parsed.commits.iter().all(|commit| commit.repository.is_some()));
}

fn log(run: &str) -> String {
    format!(r#"{{"version":"2.1.0","runs":[{{"tool":{{"driver":{{"name":"t"}}}},{run}}}]}}"#)
}

fn read_run(run: &str) -> Parsed {
    read(log(run).as_bytes()).unwrap_or_else(|error| panic!("{run}: {error}"))
}

fn refused(text: &[u8]) -> ParseError {
    match read(text) {
        Err(error) => error,
        Ok(_) => panic!("{} was read", String::from_utf8_lossy(text)),
    }
}

#[test]
fn a_level_of_another_kind_than_fail_is_none() {
    let parsed = read_run(
        r#""results":[{"kind":"pass"},{"kind":"review","level":"error"},{"kind":"fail"},{"level":null},{"kind":"open","level":"none"}]"#,
    );
    let counts = findings(&parsed).counts;
    assert_eq!((counts.none, counts.warning, counts.total()), (3, 2, 2));
    assert!(parsed.notes[0].starts_with("1 result with a level"), "{:?}", parsed.notes);
}

#[test]
fn rules_that_come_after_the_results_still_give_their_level() {
    let results =
        r#""results":[{"ruleId":"a/sub"},{"ruleIndex":1},{"ruleId":"b","provenance":{"invocationIndex":0}}]"#;
    let tool = r#""tool":{"driver":{"name":"t","rules":[
        {"id":"a","defaultConfiguration":{"level":"note"},"properties":{"security-severity":"9.8"}},
        {"id":"b","defaultConfiguration":{"level":"error"}}]}}"#;
    let over = r#""invocations":[{"ruleConfigurationOverrides":[{"descriptor":{"index":1},"configuration":{"level":"none"}}]}]"#;
    let mut keys = Vec::new();
    for parts in [[results, tool, over], [tool, over, results], [over, results, tool]] {
        let text = format!(r#"{{"version":"2.1.0","runs":[{{{}}}]}}"#, parts.join(","));
        let parsed = read(text.as_bytes()).unwrap();
        let report = findings(&parsed);
        assert_eq!((report.counts.note, report.counts.none, report.counts.total()), (1, 2, 1));
        let note = report.findings.first().unwrap();
        assert_eq!((note.rule.as_ref(), note.security_severity.as_deref()), ("a/sub", Some("9.8")));
        keys.push(report.keys.clone());
    }
    assert!(keys.iter().all(|own| *own == keys[0]), "the order of keys must not change a fingerprint");
}

#[test]
fn a_suppression_counts_apart_only_where_every_one_is_accepted() {
    let parsed = read_run(
        r#""results":[
        {"suppressions":[{"kind":"inSource"}]},
        {"suppressions":[{"kind":"external","status":"accepted"}]},
        {"suppressions":[]},
        {"suppressions":null},
        {"suppressions":[{"kind":"external","status":"underReview"}]},
        {"suppressions":[{"kind":"inSource"},{"kind":"external","status":"rejected"}]}]"#,
    );
    let report = findings(&parsed);
    assert_eq!((report.suppressed, report.suppressed_in_source, report.counts.warning), (2, 1, 4));
    assert_eq!(report.suppressed_keys.len(), 2);
}

#[test]
fn what_is_absent_since_the_tools_baseline_is_no_finding() {
    let parsed = read_run(
        r#""results":[{"baselineState":"absent"},{"baselineState":"unchanged"},{"baselineState":"new"},{"baselineState":"updated"}]"#,
    );
    let report = findings(&parsed);
    let claims: Vec<_> = report.findings.iter().filter_map(|finding| finding.claimed_new).collect();
    assert_eq!((report.counts.total(), claims), (3, vec![false, true, true]));
}

#[test]
fn equal_findings_count_once_at_one_place_and_each_at_its_own() {
    let at = |line: u32| {
        format!(
            r#"{{"ruleId":"r","message":{{"text":"m"}},"locations":[{{"physicalLocation":{{"artifactLocation":{{"uri":"a.rs"}},"region":{{"startLine":{line}}}}}}}]}}"#
        )
    };
    let bare = r#"{"ruleId":"r","message":{"text":"m"}}"#;
    let offset = r#"{"ruleId":"o","locations":[{"physicalLocation":{"artifactLocation":{"uri":"a.bin"},"region":{"byteOffset":7,"byteLength":2}}}]}"#;
    let results = [&at(1), &at(1), &at(2), bare, bare, offset, offset].map(ToString::to_string).join(",");
    let parsed = read_run(&format!(r#""results":[{results}]"#));
    let report = findings(&parsed);
    assert_eq!((report.counts.warning, report.duplicates), (5, 2));
    let keys: std::collections::BTreeSet<_> = report.keys.iter().map(|(key, _)| *key).collect();
    assert_eq!(keys.len(), 5);
    assert!(report.findings.iter().all(|finding| keys.contains(&finding.key)));
    let moved = read_run(&format!(r#""results":[{},{}]"#, at(40), at(41)));
    let new = findings(&moved).new_against(report);
    assert_eq!(new.counts.total(), 0, "lines that moved are not new");
}

#[test]
fn a_tools_own_errors_are_told() {
    for (run, wanted) in [
        (
            r#""results":[],"invocations":[{"executionSuccessful":true},{"executionSuccessful":false}]"#,
            "did not succeed",
        ),
        (
            r#""results":[{}],"invocations":[{"executionSuccessful":true,"toolConfigurationNotifications":[{"level":"error","message":{"text":"syntax error while parsing AST"}}]}]"#,
            "syntax error while parsing",
        ),
        (
            r#""invocations":[{"executionSuccessful":true,"toolExecutionNotifications":[{"level":"error","message":{"text":"boom"}}]}],"results":[]"#,
            "boom",
        ),
    ] {
        let parsed = read_run(run);
        assert_eq!(parsed.tool_errors.len(), 1, "{run}");
        assert!(parsed.tool_errors[0].contains(wanted), "{:?}", parsed.tool_errors);
    }
    let quiet = read_run(
        r#""results":[],"invocations":[{"executionSuccessful":true,"toolExecutionNotifications":[{"message":{"text":"w"}},{"level":"note"}]}]"#,
    );
    assert!(quiet.tool_errors.is_empty());
}

#[test]
fn one_blind_tool_among_several_leaves_the_whole_unproven() {
    let run = |name: &str, rest: &str| format!(r#"{{"tool":{{"driver":{{"name":"{name}"}}}},{rest}}}"#);
    let log = |runs: &[String]| format!(r#"{{"version":"2.1.0","runs":[{}]}}"#, runs.join(","));
    let (red, clean) = (run("a", r#""results":[{}]"#), run("a", r#""results":[]"#));
    let other = run("b", r#""results":[]"#);
    assert_eq!(proof(&read(log(&[red.clone(), clean]).as_bytes()).unwrap()), Measured);
    assert_eq!(proof(&read(log(&[red.clone(), other]).as_bytes()).unwrap()), Unproven);
    let none = run("b", r#""artifacts":[{}]"#);
    let parsed = read(log(&[red, none]).as_bytes()).unwrap();
    assert_eq!(
        parsed.substance,
        Substance::Nothing("no `results`, so no scan was made, in run 2".to_owned())
    );
}

#[test]
fn bad_input_is_refused_by_name() {
    let truncated = bytes_of("_constructed/sarif-truncated.sarif");
    assert!(matches!(refused(&truncated), ParseError::Malformed(text) if text.contains("cut off")));
    for (text, words) in [
        (r#"{"version":"2.1.0","runs":[{"results":[],"results":[]}]}"#, "duplicate key `results`"),
        (
            r#"{"version":"2.1.0","runs":[{"results":[{"level":"note","level":"error"}]}]}"#,
            "duplicate field 'level'",
        ),
        (r#"{"version":"2.0.0","runs":[]}"#, "version `2.0.0` is not read"),
        (r#"{"runs":[]}"#, "no `version`"),
        (r#"{"version":"2.1.0"}"#, "no `runs`"),
        (r#"{"version":"2.1.0","runs":[{"results":[{"level":"critical"}]}]}"#, "unknown variant 'critical'"),
        (r#"{"version":"2.1.0","runs":[{"results":{}}]}"#, "an array was expected"),
        (r#"{"version":"2.1.0","runs":[],"inlineExternalProperties":[{}]}"#, "inlineExternalProperties"),
        (
            r#"{"version":"2.1.0","runs":[{"results":[],"externalPropertyFileReferences":{"results":[{}]}}]}"#,
            "externalPropertyFileReferences",
        ),
        ("", "cut off"),
        ("[]", "an object was expected"),
        ("<sarif/>", "an object was expected"),
        (r#"{"version":"2.1.0","runs":[]} {}"#, "after the end"),
    ] {
        match refused(text.as_bytes()) {
            ParseError::Malformed(said) => {
                assert!(said.contains(words), "{text}: {said}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }
    assert!(matches!(refused(b"\x00\x01\xff\xfe binary"), ParseError::Malformed(_)));
    let deep = format!(r#"{{"version":"2.1.0","runs":[{{"results":[{{"message":{}"#, "[".repeat(20_000));
    assert!(matches!(refused(deep.as_bytes()), ParseError::TooLarge(_)));
    let deep = format!(r#"{{"version":"2.1.0","x":{}"#, "{\"a\":".repeat(20_000));
    assert!(matches!(refused(deep.as_bytes()), ParseError::TooLarge(_)));
    let limits = Limits { kept_keys: 3, ..Limits::default() };
    let many = log(r#""results":[{},{},{},{}]"#);
    assert!(matches!(parse(&mut many.as_bytes(), &limits), Err(ParseError::TooLarge(_))));
}

#[test]
fn utf_16_and_a_byte_order_mark_are_read() {
    let text = String::from_utf8(bytes_of("semgrep/fail-noerror.sarif")).unwrap();
    let plain = findings(&read(text.as_bytes()).unwrap()).keys.clone();
    let marked = format!("\u{feff}{text}");
    let wide: Vec<u8> = marked.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in [marked.as_bytes(), &wide] {
        assert_eq!(findings(&read(bytes).unwrap()).keys, plain);
    }
}

#[test]
fn no_code_edit_reaches_what_is_read() {
    for path in ["ruff/fail.sarif", "clippy/clippy.sarif"] {
        let text = String::from_utf8(bytes_of(path)).unwrap();
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        let shown = format!("{:?}", read(text.as_bytes()).unwrap());
        let mut inserted = Vec::new();
        collect(&document, &mut inserted);
        assert!(!inserted.is_empty() || path.starts_with("clippy"), "{path} has no edits to test with");
        for edit in inserted {
            assert!(!shown.contains(edit.trim()), "{path}: {edit}");
        }
        assert!(!shown.contains("fixes") && !shown.contains("try"), "{path}");
    }
}

fn collect<'v>(value: &'v serde_json::Value, inserted: &mut Vec<&'v str>) {
    match value {
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                match value.get("text").and_then(serde_json::Value::as_str) {
                    Some(text) if key == "insertedContent" && text.trim().len() > 3 => inserted.push(text),
                    _ => collect(value, inserted),
                }
            }
        }
        serde_json::Value::Array(list) => list.iter().for_each(|value| collect(value, inserted)),
        _ => {}
    }
}

#[test]
fn paths_follow_their_base_and_details_stay_bounded() {
    let location = |uri: &str, base: &str| {
        format!(
            r#"{{"locations":[{{"physicalLocation":{{"artifactLocation":{{"uri":"{uri}","uriBaseId":"{base}"}}}}}}]}}"#
        )
    };
    let parsed = read_run(&format!(
        r#""results":[{},{},{}],"originalUriBaseIds":{{"ROOT":{{"uri":"file:///build/w/"}},"SRC":{{"uri":"src/","uriBaseId":"ROOT"}},"LOOP":{{"uri":"x/","uriBaseId":"LOOP"}}}}"#,
        location("a.c", "SRC"),
        location("b.c", "ROOT"),
        location("../c.c", "SRC"),
    ));
    let paths: Vec<_> = findings(&parsed).findings.iter().map(|f| f.path.clone()).collect();
    assert_eq!(paths, [Some("src/a.c".into()), Some("b.c".into()), None]);
}

#[test]
fn texts_are_bounded_and_the_gravest_rule_keeps_its_own_when_levels_come_last() {
    let many: Vec<String> = (0..6000).map(|n| format!(r#"{{"ruleId":"r{}"}}"#, n % 70)).collect();
    let text = format!(
        r#"{{"version":"2.1.0","runs":[{{"results":[{},{{"ruleId":"grave"}}],
        "tool":{{"driver":{{"name":"t","rules":[{{"id":"grave","defaultConfiguration":{{"level":"error"}}}}]}}}}}}]}}"#,
        many.join(",")
    );
    let parsed = read(text.as_bytes()).unwrap();
    let report = findings(&parsed);
    assert_eq!((report.counts.total(), report.findings.len()), (6001, 5000));
    assert_eq!(report.findings[0].rule.as_ref(), "grave");
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
        let _ = read(&bytes);
    }

    #[test]
    fn a_mutated_sample_is_read_or_refused(
        sample in 0..GOLDEN.len(), at in proptest::num::usize::ANY, byte in proptest::num::u8::ANY, cut in proptest::bool::ANY,
    ) {
        let path = GOLDEN[sample].0;
        proptest::prop_assume!(!path.starts_with("huge"));
        let mut bytes = bytes_of(path);
        let at = at % bytes.len();
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        if let Ok(parsed) = read(&bytes) {
            let report = findings(&parsed);
            proptest::prop_assert_eq!(report.counts.total() + report.counts.none, report.keys.len() as u64);
        }
    }
}
