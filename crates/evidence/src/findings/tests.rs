//! Every sample of a native findings format with what it must be read as, chosen by its content alone.

use super::super::finding::FindingReport;
use super::super::shape::{PREFIX_BYTES, Shape};
use super::super::{Format, Limits};
use super::*;

fn bytes_of(path: &str) -> Vec<u8> {
    let path = format!("{}/../../tests/fixtures/{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn format_of(bytes: &[u8]) -> Option<Format> {
    let start = bytes.get(..PREFIX_BYTES).unwrap_or(bytes);
    Format::of(&Shape::of(start, start.len() == bytes.len())).unwrap()
}

fn read(format: Format, text: &str) -> Parsed {
    format.parse(&mut text.as_bytes(), &Limits::default()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refused(format: Format, text: &str) -> ParseError {
    match format.parse(&mut text.as_bytes(), &Limits::default()) {
        Err(error) => error,
        Ok(_) => panic!("{text} was read"),
    }
}

fn report(parsed: &Parsed) -> &FindingReport {
    let Content::Findings(report) = parsed.content.as_ref() else { panic!("not findings") };
    report
}

fn counts(parsed: &Parsed) -> [u64; 4] {
    Level::ALL.map(|level| report(parsed).counts.get(level))
}

#[derive(Debug, PartialEq, Eq)]
enum Proof {
    Measured,
    Nothing,
    Unproven,
}
use Proof::{Measured, Nothing, Unproven};

fn proof(parsed: &Parsed) -> Proof {
    match parsed.substance {
        Substance::Measured => Measured,
        Substance::Nothing(_) => Nothing,
        Substance::Unproven(_) => Unproven,
    }
}

/// Path, format, tool and version, findings at error/warning/note/none, suppressed, repeated, proof, tool errors.
type Golden = (&'static str, Format, &'static str, [u64; 4], u64, u64, Proof, usize);

#[rustfmt::skip]
const GOLDEN: &[Golden] = &[
    ("_constructed/legacy-tool-name.pyfallow-report.json", Format::FallowPy, "fallow-py 0.3.0a3", [3, 12, 2, 0], 0, 0, Measured, 0),
    ("cargo-audit/clean.json", Format::CargoAudit, "cargo-audit", [0, 0, 0, 0], 0, 0, Measured, 0),
    ("cargo-audit/vulnerable.json", Format::CargoAudit, "cargo-audit", [2, 2, 0, 0], 0, 0, Measured, 0),
    ("clippy/cargo-clippy.compile-error.messages.jsonl", Format::CargoMessages, "cargo", [1, 0, 0, 0], 0, 0, Measured, 0),
    ("clippy/cargo-clippy.deny.messages.jsonl", Format::CargoMessages, "cargo", [4, 0, 0, 0], 0, 0, Measured, 0),
    ("clippy/cargo-clippy.messages.jsonl", Format::CargoMessages, "cargo", [0, 4, 0, 0], 0, 4, Measured, 0),
    ("eslint/clean.json", Format::EslintJson, "eslint", [0, 0, 0, 0], 0, 0, Measured, 0),
    ("eslint/fail.json", Format::EslintJson, "eslint", [3, 1, 0, 0], 0, 0, Measured, 0),
    ("eslint/suppressed.json", Format::EslintJson, "eslint", [0, 0, 0, 0], 1, 0, Measured, 0),
    ("fallow-npm/audit-badref.json", Format::Fallow, "fallow", [0, 0, 0, 0], 0, 0, Nothing, 1),
    ("fallow-npm/audit-codeclimate.json", Format::CodeClimate, "", [9, 0, 0, 0], 0, 0, Measured, 0),
    ("fallow-npm/audit-fail.json", Format::Fallow, "fallow 3.3.0", [9, 0, 0, 0], 0, 0, Measured, 0),
    ("fallow-npm/audit-fail.v3.36.0.json", Format::Fallow, "fallow 3.36.0", [6, 0, 0, 0], 0, 0, Measured, 0),
    ("fallow-npm/audit-nochange.json", Format::Fallow, "fallow 3.3.0", [0, 0, 0, 0], 0, 0, Nothing, 0),
    ("fallow-npm/audit-nochange.v3.36.0.json", Format::Fallow, "fallow 3.36.0", [0, 0, 0, 0], 0, 0, Nothing, 0),
    ("fallow-npm/check-clean.json", Format::Fallow, "fallow 3.3.0", [1, 0, 0, 0], 0, 0, Measured, 0),
    ("fallow-npm/check.json", Format::Fallow, "fallow 3.3.0", [9, 0, 0, 0], 0, 0, Measured, 0),
    ("fallow-npm/dead-code.json", Format::Fallow, "fallow 3.3.0", [9, 0, 0, 0], 0, 0, Measured, 0),
    ("fallow-npm/empty-dir.v3.36.0.json", Format::Fallow, "fallow 3.36.0", [0, 0, 0, 0], 0, 0, Nothing, 0),
    ("fallow-py/all-parse-errors.pyfallow-report.json", Format::FallowPy, "fallow-py 0.3.0a3", [1, 0, 0, 0], 0, 0, Unproven, 0),
    ("fallow-py/baseline-compare.full-report.json", Format::FallowPy, "fallow-py 0.3.0a3", [2, 1, 1, 0], 0, 0, Measured, 0),
    ("fallow-py/clean.full-report.json", Format::FallowPy, "fallow-py 0.3.0a3", [0, 0, 0, 0], 0, 0, Measured, 0),
    ("fallow-py/clean.pyfallow-report.json", Format::FallowPy, "fallow-py 0.3.0a3", [0, 0, 0, 0], 0, 0, Unproven, 0),
    ("fallow-py/demo.failon-warning.pyfallow-report.json", Format::FallowPy, "fallow-py 0.3.0a3", [3, 12, 0, 0], 0, 0, Measured, 0),
    ("fallow-py/demo.full-report.json", Format::FallowPy, "fallow-py 0.3.0a3", [2, 13, 2, 0], 0, 0, Measured, 0),
    ("fallow-py/demo.pyfallow-report.json", Format::FallowPy, "fallow-py 0.3.0a3", [3, 12, 2, 0], 0, 0, Measured, 0),
    ("fallow-py/empty-root.pyfallow-report.json", Format::FallowPy, "fallow-py 0.3.0a3", [0, 0, 0, 0], 0, 0, Unproven, 0),
    ("fallow-py/nonexistent-root.pyfallow-report.json", Format::FallowPy, "fallow-py 0.3.0a3", [0, 0, 0, 0], 0, 0, Unproven, 0),
    ("fallow-py/since-base.full-report.json", Format::FallowPy, "fallow-py 0.3.0a3", [2, 1, 0, 0], 0, 0, Measured, 0),
    ("fallow-py/since-base.pyfallow-report.json", Format::FallowPy, "fallow-py 0.3.0a3", [3, 0, 0, 0], 0, 0, Measured, 0),
    ("fallow-py/since-unicode-path-missed.pyfallow-report.json", Format::FallowPy, "fallow-py 0.3.0a3", [0, 0, 0, 0], 0, 0, Nothing, 0),
    ("mypy/fail.jsonl", Format::MypyJson, "mypy", [2, 0, 0, 0], 0, 0, Measured, 0),
    ("npm-audit/audit.json", Format::NpmAudit, "npm-audit", [0, 0, 0, 0], 0, 0, Nothing, 1),
    ("ruff/fail.json", Format::RuffJson, "ruff", [18, 0, 0, 0], 0, 0, Measured, 0),
    ("ruff/gitlab.json", Format::CodeClimate, "", [8, 0, 0, 0], 0, 0, Measured, 0),
    ("ruff/rdjson.json", Format::Rdjson, "ruff", [0, 8, 0, 0], 0, 0, Measured, 0),
    ("ruff/syntax-error.json", Format::RuffJson, "ruff", [9, 0, 0, 0], 0, 0, Measured, 0),
    ("semgrep/fail.json", Format::SemgrepJson, "semgrep 1.182.0", [1, 1, 1, 0], 0, 0, Measured, 0),
    ("semgrep/parse-error.json", Format::SemgrepJson, "semgrep 1.182.0", [1, 1, 1, 0], 0, 0, Measured, 0),
];

#[test]
fn every_sample_has_its_golden_reading() {
    for (path, format, tool, wanted, suppressed, repeated, proved, errors) in GOLDEN {
        let bytes = bytes_of(path);
        assert_eq!(format_of(&bytes), Some(*format), "{path}");
        let parsed = format.parse(&mut bytes.as_slice(), &Limits::default());
        let parsed = parsed.unwrap_or_else(|error| panic!("{path}: {error}"));
        let named = parsed.tool.clone().unwrap_or_default();
        let named = format!("{} {}", named.name, named.version.unwrap_or_default());
        assert_eq!(named.trim(), *tool, "{path}");
        assert_eq!(counts(&parsed), *wanted, "{path}");
        assert_eq!(
            (report(&parsed).suppressed, report(&parsed).duplicates),
            (*suppressed, *repeated),
            "{path}"
        );
        assert_eq!(proof(&parsed), *proved, "{path}");
        assert_eq!(parsed.tool_errors.len(), *errors, "{path}: {:?}", parsed.tool_errors);
    }
}

#[test]
fn a_clean_list_proves_nothing_and_has_no_format_of_its_own() {
    assert_eq!(format_of(&bytes_of("ruff/clean.json")), Some(Format::Json));
    assert_eq!(format_of(&bytes_of("eslint/pass-on-no-patterns.json")), Some(Format::Json));
    for format in [Format::RuffJson, Format::CodeClimate] {
        assert_eq!(proof(&read(format, "[]")), Unproven, "{format:?}");
    }
    assert_eq!(proof(&read(Format::EslintJson, "[]")), Nothing, "ESLint lists clean files too");
    assert_eq!(proof(&read(Format::Rdjson, r#"{"diagnostics":[]}"#)), Unproven);
    assert_eq!(proof(&read(Format::OsvScanner, r#"{"results":[]}"#)), Unproven);
    assert_eq!(proof(&read(Format::TrivyJson, r#"{"SchemaVersion":2,"ArtifactName":"."}"#)), Unproven);
    assert_eq!(proof(&read(Format::MypyJson, "")), Unproven);
    assert_eq!(proof(&read(Format::Checkstyle, r#"<checkstyle version="4.3"/>"#)), Unproven);
}

#[test]
fn a_file_that_eslint_could_not_parse_was_not_linted() {
    let text = r#"[{"filePath":"a.js","messages":[{"ruleId":null,"fatal":true,"severity":2,"message":"Parsing error: x","line":1,"column":2}],"suppressedMessages":[],"errorCount":1,"warningCount":0}]"#;
    let parsed = read(Format::EslintJson, text);
    assert_eq!((counts(&parsed), parsed.tool_errors.len()), ([1, 0, 0, 0], 1));
    let short = r#"[{"filePath":"a.js","messages":[],"errorCount":3,"warningCount":0}]"#;
    assert!(read(Format::EslintJson, short).tool_errors[0].contains("counts 3 errors of a file, it lists 0"));
    assert!(matches!(
        refused(Format::EslintJson, r#"[{"messages":[],"filePath":"a"}]"#),
        ParseError::Malformed(_)
    ));
}

#[test]
fn semgrep_errors_and_an_empty_scan_are_told() {
    let text = r#"{"version":"1","results":[],"errors":[{"level":"error","message":"boom"},{"level":"warn","message":"partial"}],"paths":{"scanned":[]}}"#;
    let parsed = read(Format::SemgrepJson, text);
    assert_eq!(
        (proof(&parsed), parsed.tool_errors.as_slice()),
        (Nothing, &["semgrep reports an error: boom".to_owned()][..])
    );
    assert!(parsed.notes[0].starts_with("1 warning"), "{:?}", parsed.notes);
}

#[test]
fn semgreps_requires_login_tells_no_findings_apart() {
    let parsed = read(Format::SemgrepJson, &String::from_utf8(bytes_of("semgrep/fail.json")).unwrap());
    let keys: std::collections::BTreeSet<_> = report(&parsed).keys.iter().map(|(key, _)| *key).collect();
    assert_eq!(keys.len(), 3);
    assert!(!format!("{parsed:?}").contains("requires login"));
}

#[test]
fn bandit_without_results_may_not_have_scanned_the_file() {
    let text = r#"{"errors":[{"filename":"src/bad.py","reason":"syntax error while parsing AST from file"}],
        "generated_at":"2026-11-20T20:12:49Z","metrics":{"_totals":{"loc":0,"nosec":0},"src/bad.py":{"loc":0,"nosec":0}},"results":[]}"#;
    assert_eq!(format_of(text.as_bytes()), Some(Format::BanditJson));
    let parsed = read(Format::BanditJson, text);
    assert_eq!((proof(&parsed), parsed.tool_errors.len()), (Nothing, 1));
    let text = r#"{"errors":[],"generated_at":"x","metrics":{"_totals":{"loc":9,"nosec":2},"a.py":{"loc":9,"nosec":2}},
        "results":[{"test_id":"B105","issue_text":"t","issue_severity":"LOW","filename":"a.py","line_number":3,"col_offset":0,"code":"3 password = 'x'"},
        {"test_id":"B602","issue_text":"t","issue_severity":"HIGH","filename":"a.py","line_number":4}]}"#;
    let parsed = read(Format::BanditJson, text);
    assert_eq!((counts(&parsed), proof(&parsed)), ([1, 0, 1, 0], Measured));
    assert_eq!(
        (report(&parsed).suppressed_in_source, report(&parsed).new_suppressions(&FindingReport::default())),
        (2, 2)
    );
    assert_eq!(report(&parsed).findings[1].column.map(std::num::NonZeroU32::get), Some(1));
}

#[test]
fn mypy_that_breaks_down_is_an_error_of_the_tool() {
    let parsed = read(Format::MypyJson, "mypy: can't read file 'nope.py': No such file or directory\n");
    assert_eq!((proof(&parsed), parsed.tool_errors.len()), (Unproven, 1));
    let clean = read(Format::MypyJson, "Success: no issues found in 3 source files\n");
    assert_eq!((proof(&clean), clean.tool_errors.len()), (Measured, 0));
}

#[test]
fn cargo_messages_without_their_last_line_are_cut_off() {
    let text = String::from_utf8(bytes_of("clippy/cargo-clippy.messages.jsonl")).unwrap();
    let cut = text.trim_end().rsplit_once('\n').unwrap().0;
    let error = refused(Format::CargoMessages, cut);
    assert!(matches!(error, ParseError::Malformed(words) if words.contains("build-finished")));
    let finished = "{\"reason\":\"build-finished\",\"success\":true}\n";
    assert_eq!(proof(&read(Format::CargoMessages, finished)), Nothing);
    let failed = "{\"reason\":\"build-finished\",\"success\":false}\n";
    assert_eq!(read(Format::CargoMessages, failed).tool_errors.len(), 1);
    assert!(matches!(refused(Format::CargoMessages, &format!("{finished}junk\n")), ParseError::Malformed(_)));
}

#[test]
fn cargo_audit_counts_what_is_ignored_and_an_empty_lockfile() {
    let text = r#"{"database":{"advisory-count":7,"last-updated":"2026"},"lockfile":{"dependency-count":0},"settings":{"ignore":["RUSTSEC-2020-0071"]},
        "vulnerabilities":{"found":true,"count":1,"list":[]},"warnings":{"yanked":[{"kind":"yanked","package":{"name":"a","version":"1.0.0"},"advisory":null,"versions":null}]}}"#;
    let parsed = read(Format::CargoAudit, text);
    assert_eq!((proof(&parsed), counts(&parsed), report(&parsed).suppressed), (Nothing, [0, 1, 0, 0], 1));
    assert_eq!(report(&parsed).findings[0].rule.as_ref(), "yanked");
    assert!(parsed.tool_errors[0].contains("counts 1 vulnerabilities, it lists 0"));
}

#[test]
fn an_advisory_is_the_same_finding_when_another_version_is_patched() {
    let text = String::from_utf8(bytes_of("cargo-audit/vulnerable.json")).unwrap();
    let before = read(Format::CargoAudit, &text);
    assert!(
        report(&before).findings[0].message.contains("(patched: >="),
        "{:?}",
        report(&before).findings[0]
    );
    let after = read(Format::CargoAudit, &text.replace(">=0.2.23", ">=0.2.24"));
    assert_eq!(report(&after).new_against(report(&before)).counts.total(), 0);
}

#[test]
fn pip_audit_that_skipped_everything_audited_nothing() {
    let skipped = r#"{"dependencies":[{"name":"a","skip_reason":"not on PyPI"},{"name":"b","skip_reason":"x"}],"fixes":[]}"#;
    assert_eq!(format_of(skipped.as_bytes()), Some(Format::PipAudit));
    let parsed = read(Format::PipAudit, skipped);
    assert_eq!((proof(&parsed), parsed.notes.len()), (Nothing, 1));
    assert_eq!(proof(&read(Format::PipAudit, r#"{"dependencies":[],"fixes":[]}"#)), Nothing);
    let found = r#"{"dependencies":[{"name":"flask","version":"0.5","vulns":[{"id":"PYSEC-2019-179","fix_versions":["1.0"],"aliases":[],"description":"d"}]},{"name":"b","version":"1","vulns":[]}],"fixes":[]}"#;
    let parsed = read(Format::PipAudit, found);
    assert_eq!((counts(&parsed), proof(&parsed)), ([1, 0, 0, 0], Measured));
    assert_eq!(report(&parsed).findings[0].message.as_ref(), "flask 0.5 (fixed in 1.0)");
    let old = r#"[{"name":"b","version":"1","vulns":[]}]"#;
    assert_eq!(
        (format_of(old.as_bytes()), proof(&read(Format::PipAudit, old))),
        (Some(Format::PipAudit), Measured)
    );
}

#[test]
fn npm_audit_is_read_in_both_of_its_forms() {
    let seven = r#"{"auditReportVersion":2,"vulnerabilities":{
        "minimist":{"name":"minimist","severity":"critical","via":[{"source":1179,"name":"minimist","title":"Prototype Pollution","url":"https://github.com/advisories/GHSA-xvch-5gv4-984h","severity":"critical","range":"<0.2.4"}],"range":"<0.2.4","fixAvailable":true},
        "mkdirp":{"name":"mkdirp","severity":"moderate","via":["minimist"],"range":"0.4.1 - 0.5.1"}},
        "metadata":{"vulnerabilities":{"total":2},"dependencies":{"prod":3,"total":3}}}"#;
    assert_eq!(format_of(seven.as_bytes()), Some(Format::NpmAudit));
    let parsed = read(Format::NpmAudit, seven);
    assert_eq!((counts(&parsed), proof(&parsed), parsed.tool_errors.len()), ([1, 1, 0, 0], Measured, 0));
    assert_eq!(report(&parsed).findings[0].rule.as_ref(), "GHSA-xvch-5gv4-984h");
    let short = seven.replace("\"total\":2", "\"total\":5");
    assert_eq!(read(Format::NpmAudit, &short).tool_errors.len(), 1);
    let six = r#"{"actions":[],"advisories":{"118":{"module_name":"minimatch","title":"ReDoS","severity":"high","vulnerable_versions":"<=3.0.1"}},"muted":[],
        "metadata":{"vulnerabilities":{"info":0,"high":1},"dependencies":9,"totalDependencies":11}}"#;
    assert_eq!(format_of(six.as_bytes()), Some(Format::NpmAudit));
    assert_eq!(
        (counts(&read(Format::NpmAudit, six)), proof(&read(Format::NpmAudit, six))),
        ([1, 0, 0, 0], Measured)
    );
    assert_eq!(
        proof(&read(Format::NpmAudit, &seven.replace("\"prod\":3,\"total\":3", "\"total\":0"))),
        Nothing
    );
}

#[test]
fn osv_scanner_counts_groups_of_aliases() {
    let text = r#"{"results":[{"source":{"path":"/workspace/acme/widget/Cargo.lock","type":"lockfile"},"packages":[{"package":{"name":"smallvec","version":"1.6.0","ecosystem":"crates.io"},
        "vulnerabilities":[{"id":"GHSA-43w2-9j62-hq99"},{"id":"RUSTSEC-2021-0003"}],
        "groups":[{"ids":["GHSA-43w2-9j62-hq99","RUSTSEC-2021-0003"],"aliases":[],"max_severity":"9.8"},{"ids":["X"],"max_severity":"5.5"},{"ids":["Y"],"max_severity":""}]}]}]}"#;
    assert_eq!(format_of(text.as_bytes()), Some(Format::OsvScanner));
    let parsed = read(Format::OsvScanner, text);
    assert_eq!((counts(&parsed), proof(&parsed)), ([2, 1, 0, 0], Measured));
    assert_eq!(report(&parsed).findings[0].path.as_deref(), Some("Cargo.lock"));
}

#[test]
fn trivy_findings_of_every_class_are_read_and_no_secret_is() {
    let text = r#"{"SchemaVersion":2,"ArtifactName":".","ArtifactType":"repository","Metadata":{"Commit":"0123456789012345678901234567890123456789","RepoURL":"https://h/o/r"},
        "Results":[{"Target":"Cargo.lock","Class":"lang-pkgs","Type":"cargo","Vulnerabilities":[{"VulnerabilityID":"CVE-1","PkgName":"a","InstalledVersion":"1","FixedVersion":"2","Severity":"CRITICAL","Title":"t"},{"VulnerabilityID":"CVE-2","PkgName":"b","Severity":"UNKNOWN"}],
        "ExperimentalModifiedFindings":[{"Type":"vulnerability","Status":"ignored","Finding":{"VulnerabilityID":"CVE-3","PkgName":"c","Severity":"HIGH"}}]},
        {"Target":"Dockerfile","Misconfigurations":[{"ID":"DS002","Title":"root","Severity":"HIGH","Status":"FAIL","CauseMetadata":{"StartLine":3}},{"ID":"DS001","Status":"PASS","Severity":"LOW"}]},
        {"Target":"a.env","Secrets":[{"RuleID":"aws","Title":"key","Severity":"LOW","StartLine":1,"Match":"AKIASECRET"}]}]}"#;
    assert_eq!(format_of(text.as_bytes()), Some(Format::TrivyJson));
    let parsed = read(Format::TrivyJson, text);
    assert_eq!((counts(&parsed), report(&parsed).suppressed, proof(&parsed)), ([2, 1, 1, 0], 1, Measured));
    assert_eq!(parsed.commits[0].repository.as_deref(), Some("https://h/o/r"));
    assert!(!format!("{parsed:?}").contains("AKIASECRET"));
    assert!(matches!(
        refused(Format::TrivyJson, r#"{"SchemaVersion":1,"Results":[]}"#),
        ParseError::Malformed(_)
    ));
}

#[test]
fn checkstyle_files_and_errors_are_read() {
    let text = r#"<?xml version="1.0"?><checkstyle version="8.0"><file name="src/A.java"><error line="3" column="5" severity="warning" message="a &lt; b" source="com.X"/><error line="4" severity="error" message="m" source="com.Y"/></file><file name="B.java"/></checkstyle>"#;
    assert_eq!(format_of(text.as_bytes()), Some(Format::Checkstyle));
    let parsed = read(Format::Checkstyle, text);
    assert_eq!((counts(&parsed), proof(&parsed)), ([1, 1, 0, 0], Measured));
    let second = &report(&parsed).findings[1];
    assert_eq!(
        (second.message.as_ref(), second.rule.as_ref(), second.line.map(std::num::NonZeroU32::get)),
        ("a < b", "com.X", Some(3))
    );
    assert_eq!(proof(&read(Format::Checkstyle, r#"<checkstyle><file name="a"/></checkstyle>"#)), Measured);
    for bad in ["<checkstyle><error/></checkstyle>", "<pmd/>", "<checkstyle><file>", "", "{}"] {
        assert!(matches!(refused(Format::Checkstyle, bad), ParseError::Malformed(_)), "{bad}");
    }
}

#[test]
fn a_fix_plan_is_known_by_its_buckets_and_an_unknown_one_is_refused() {
    let plan = |buckets: &str| {
        format!(
            r#"{{"schema_version":"1.0","tool":"fallow-py","version":"1","source_report_schema_version":"1.2",{buckets},"summary":{{"total":1}}}}"#
        )
    };
    let item = r#"{"id":"PY020","severity":"warning","file":"a.py","line":1,"one_liner":"cycle","minimal_patch":{"type":"replace_line","before":"x","after":"INSERTED"}}"#;
    let later = plan(&format!(r#""auto_safe":[],"decision_needed":[],"blocking":[{item}]"#));
    assert_eq!(format_of(later.as_bytes()), Some(Format::FallowPy));
    assert_eq!(counts(&read(Format::FallowPy, &later)), [1, 0, 0, 0], "a warning that blocks");
    let hyphens = plan(&format!(r#""safe-auto":[],"review-needed":[{item}],"blocking":[],"manual-only":[]"#));
    assert_eq!(counts(&read(Format::FallowPy, &hyphens)), [0, 1, 0, 0]);
    let unknown = plan(r#""auto_safe":[],"review_needed":[],"blocking":[],"deferred":[]"#);
    assert!(
        matches!(refused(Format::FallowPy, &unknown), ParseError::Malformed(text) if text.contains("`deferred` is no bucket"))
    );
    let short = plan(r#""auto_safe":[],"review_needed":[],"blocking":[],"manual_only":[]"#);
    assert_eq!(read(Format::FallowPy, &short).tool_errors.len(), 1, "the summary counts one more");
    let foreign = later.replace("\"fallow-py\"", "\"other\"");
    assert!(matches!(refused(Format::FallowPy, &foreign), ParseError::Malformed(_)));
    let baseline = String::from_utf8(bytes_of("fallow-py/baseline.json")).unwrap();
    assert!(matches!(refused(Format::FallowPy, &baseline), ParseError::Malformed(_)));
}

#[test]
fn a_clean_an_empty_and_a_missing_project_give_fallow_pys_same_bytes() {
    let clean = bytes_of("fallow-py/clean.pyfallow-report.json");
    assert_eq!(clean, bytes_of("fallow-py/empty-root.pyfallow-report.json"));
    assert_eq!(clean, bytes_of("fallow-py/nonexistent-root.pyfallow-report.json"));
}

#[test]
fn a_fallow_report_that_contradicts_itself_is_an_error_of_the_tool() {
    let text = r#"{"kind":"audit","schema_version":13,"version":"3","verdict":"fail","changed_files_count":2,"head_sha":"af7f128","dead_code":{"total_issues":2,"new_category_of_ours":[{"path":"a.ts"}]}}"#;
    let parsed = read(Format::Fallow, text);
    assert_eq!((counts(&parsed), parsed.tool_errors.len()), ([1, 0, 0, 0], 1));
    assert_eq!(report(&parsed).findings[0].rule.as_ref(), "fallow/new-category-of-our");
    assert_eq!(parsed.commits[0].id, "af7f128");
    let silent = r#"{"kind":"audit","schema_version":13,"verdict":"fail","changed_files_count":2}"#;
    assert_eq!(read(Format::Fallow, silent).tool_errors.len(), 1);
    assert!(matches!(
        refused(Format::Fallow, r#"{"kind":"trace","schema_version":1}"#),
        ParseError::Malformed(_)
    ));
}

#[test]
fn no_code_edit_reaches_what_is_read() {
    let edit = "INSERTED_BY_AN_EDIT";
    let with = |template: &str| template.replace('@', edit);
    for (format, text) in [
        (
            Format::RuffJson,
            with(
                r#"[{"code":"F401","message":"m","filename":"a.py","location":{"row":1,"column":1},"fix":{"message":"@","edits":[{"content":"@"}]}}]"#,
            ),
        ),
        (
            Format::EslintJson,
            with(
                r#"[{"filePath":"a.js","messages":[{"ruleId":"r","severity":2,"message":"m","fix":{"range":[0,1],"text":"@"},"suggestions":[{"desc":"d","fix":{"text":"@"}}]}],"suppressedMessages":[],"source":"@","output":"@"}]"#,
            ),
        ),
        (
            Format::SemgrepJson,
            with(
                r#"{"version":"1","results":[{"check_id":"r","path":"a","extra":{"message":"m","severity":"ERROR","fix":"@","lines":"@"}}],"errors":[],"paths":{"scanned":["a"]}}"#,
            ),
        ),
        (
            Format::CargoMessages,
            with(
                "{\"reason\":\"compiler-message\",\"message\":{\"level\":\"warning\",\"message\":\"m\",\"code\":{\"code\":\"c\"},\"rendered\":\"@\",\"spans\":[{\"file_name\":\"a.rs\",\"is_primary\":true,\"line_start\":1,\"suggested_replacement\":\"@\"}],\"children\":[{\"message\":\"@\",\"spans\":[{\"suggested_replacement\":\"@\"}]}]}}\n{\"reason\":\"build-finished\",\"success\":true}",
            ),
        ),
        (
            Format::Rdjson,
            with(r#"{"diagnostics":[{"message":"m","location":{"path":"a"},"suggestions":[{"text":"@"}]}]}"#),
        ),
        (
            Format::FallowPy,
            with(
                r#"{"tool":"fallow-py","auto_safe":[{"id":"PY032","severity":"info","file":"a.py","line":1,"one_liner":"m","minimal_patch":{"after":"@"},"fix_options":[{"type":"extract","description":"@"}]}],"review_needed":[],"blocking":[],"manual_only":[]}"#,
            ),
        ),
        (
            Format::Fallow,
            with(
                r#"{"kind":"dead-code","schema_version":7,"unused_files":[{"path":"a.ts","actions":[{"type":"@","description":"@","comment":"@"}]}]}"#,
            ),
        ),
        (
            Format::NpmAudit,
            with(
                r#"{"auditReportVersion":2,"vulnerabilities":{"a":{"severity":"high","via":[],"fixAvailable":{"name":"@","version":"@"}}},"metadata":{}}"#,
            ),
        ),
        (
            Format::PipAudit,
            with(
                r#"{"dependencies":[{"name":"a","version":"1","vulns":[{"id":"X"}]}],"fixes":[{"name":"@","new_version":"@"}]}"#,
            ),
        ),
        (
            Format::CodeClimate,
            with(r#"[{"description":"m","fingerprint":"f","location":{"path":"a"},"content":{"body":"@"}}]"#),
        ),
        (
            Format::Sarif,
            with(
                r#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"t","rules":[{"id":"r","help":{"markdown":"@"}}]}},"results":[{"ruleId":"r","message":{"text":"m"},"relatedLocations":[{"message":{"text":"try @"}}],"fixes":[{"description":{"text":"@"},"artifactChanges":[{"replacements":[{"insertedContent":{"text":"@"}}]}]}]}]}]}"#,
            ),
        ),
    ] {
        let parsed = read(format, &text);
        assert_eq!(report(&parsed).findings.len(), 1, "{format:?}");
        assert!(!format!("{parsed:?}").contains(edit), "{format:?}");
    }
    for path in ["ruff/fail.json", "ruff/rdjson.json", "clippy/cargo-clippy.messages.jsonl"] {
        let bytes = bytes_of(path);
        let parsed = format_of(&bytes).unwrap().parse(&mut bytes.as_slice(), &Limits::default()).unwrap();
        let shown = format!("{parsed:?}");
        assert!(
            !shown.contains("import os\\nimport") && !shown.contains("edits") && !shown.contains("suggested"),
            "{path}"
        );
    }
}

fn native() -> impl Iterator<Item = Format> {
    let others = [Format::Junit, Format::Cobertura, Format::Lcov, Format::Json];
    Format::ALL
        .iter()
        .copied()
        .filter(move |format| format.kind() == super::super::Kind::Findings && !others.contains(format))
}

#[test]
fn bad_input_is_refused_by_every_reader() {
    for format in native().filter(|format| *format != Format::MypyJson) {
        for text in ["", "{", "[", "x", "nul", "[1,", "{\"a\":1,\"a\":2}", "\u{0}\u{1}"] {
            assert!(matches!(refused(format, text), ParseError::Malformed(_)), "{format:?} {text:?}");
        }
    }
    for (format, lead) in [
        (Format::RuffJson, "["),
        (Format::EslintJson, "[{\"filePath\":"),
        (Format::SemgrepJson, "{\"x\":"),
        (Format::BanditJson, "{\"metrics\":{\"a\":"),
        (Format::FallowPy, "{\"graphs\":"),
        (Format::TrivyJson, "{\"Results\":[{\"Target\":\"a\",\"Secrets\":["),
    ] {
        let deep = format!("{lead}{}", "[".repeat(20_000));
        assert!(matches!(refused(format, &deep), ParseError::TooLarge(_)), "{format:?}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        for format in native() {
            let _ = format.parse(&mut bytes.as_slice(), &Limits::default());
        }
    }

    #[test]
    fn a_mutated_sample_is_read_or_refused(
        sample in 0..GOLDEN.len(), at in proptest::num::usize::ANY, byte in proptest::num::u8::ANY, cut in proptest::bool::ANY,
    ) {
        let mut bytes = bytes_of(GOLDEN[sample].0);
        let at = at % bytes.len();
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        for format in native() {
            if let Ok(parsed) = format.parse(&mut bytes.as_slice(), &Limits::default()) {
                let report = report(&parsed);
                proptest::prop_assert_eq!(report.counts.total() + report.counts.none, report.keys.len() as u64);
            }
        }
    }
}
