//! Every genuine test and coverage report of the samples, with what must be read from it.
//! What the tool's exit code was stands in the samples' index; a row says whether the file alone shows red.

use std::path::PathBuf;

use super::shape::Shape;
use super::test_report::{CaseOutcome, TestCounts, TestReport};
use super::*;

fn bytes(path: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").join(path);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Reads a sample by its content alone.
fn read(path: &str) -> (Format, Result<Parsed, ParseError>) {
    let bytes = bytes(path);
    let start = &bytes[..bytes.len().min(shape::PREFIX_BYTES)];
    let format = Format::of(&Shape::of(start, start.len() == bytes.len())).unwrap().expect(path);
    (format, format.parse(&mut bytes.as_slice(), &Limits::default()))
}

fn tests(path: &str) -> (Parsed, TestReport) {
    let (_, parsed) = read(path);
    let parsed = parsed.unwrap_or_else(|error| panic!("{path}: {error}"));
    let Content::Tests(report) = parsed.clone().into_content() else { panic!("{path}") };
    (parsed, report)
}

/// What a report shows of itself.
#[derive(Debug, PartialEq, Eq)]
enum Shows {
    /// Something ran and all was well.
    Green,
    Red,
    /// Nothing ran.
    Nothing,
    /// A blind run would look the same.
    Unproven,
}
use Shows::{Green, Nothing, Red, Unproven};

fn shown(parsed: &Parsed) -> Shows {
    match (&parsed.substance, parsed.content.shows_red()) {
        (Substance::Measured, Some(true)) => Red,
        (Substance::Measured, _) => Green,
        (Substance::Nothing(_), _) => Nothing,
        (Substance::Unproven(_), _) => Unproven,
    }
}

/// passed, failed, errored, skipped, flaky, todo
fn counts([passed, failed, errored, skipped, flaky, todo]: [u64; 6]) -> TestCounts {
    TestCounts { passed, failed, errored, skipped, flaky, todo, ..TestCounts::default() }
}

#[test]
fn junit_samples() {
    let table = [
        ("_constructed/junit-forged-attrs-zero-failures.xml", Red, [9, 3, 3, 3, 0, 0], "pytest"),
        ("_constructed/junit-utf8-bom.xml", Red, [9, 3, 3, 3, 0, 0], "pytest"),
        ("go/gotestsum-buildfail.xml", Red, [0, 0, 1, 0, 0, 0], ""),
        ("go/gotestsum-mixed.xml", Red, [8, 5, 1, 1, 0, 0], "go"),
        ("go/gotestsum-notests.xml", Nothing, [0; 6], "go"),
        ("go/gotestsum-pass.xml", Green, [1, 0, 0, 0, 0, 0], "go"),
        ("huge/node-200-nested-suites.xml", Red, [1, 1, 0, 0, 0, 0], "node --test"),
        ("huge/pytest-30000-tests.xml", Red, [29_970, 30, 0, 0, 0, 0], "pytest"),
        ("huge/pytest-3MB-stdout.xml", Red, [0, 1, 0, 0, 0, 0], "pytest"),
        ("jest-junit/fail.xml", Red, [6, 1, 0, 1, 0, 0], "jest"),
        ("jest-junit/no-tests-pass.xml", Nothing, [0; 6], "jest"),
        ("jest-junit/no-tests.xml", Nothing, [0; 6], "jest"),
        ("jest-junit/pass.xml", Green, [3, 0, 0, 0, 0, 0], "jest"),
        // Exit code 1: a file did not load, and the reporter says nothing of it unless asked.
        ("jest-junit/suite-load-error-default.xml", Green, [3, 0, 0, 0, 0, 0], "jest"),
        ("jest-junit/suite-load-error-reported.xml", Red, [3, 0, 1, 0, 0, 0], "jest"),
        ("mypy/clean.junit.xml", Unproven, [1, 0, 0, 0, 0, 0], "mypy"),
        ("mypy/fail-per-file.junit.xml", Red, [0, 1, 0, 0, 0, 0], "mypy"),
        ("mypy/fail.junit.xml", Red, [0, 1, 0, 0, 0, 0], "mypy"),
        ("nextest/fail-timeout-abort.xml", Red, [1, 5, 0, 0, 0, 0], "cargo-nextest"),
        ("nextest/flaky-pass.xml", Green, [0, 0, 0, 0, 1, 0], "cargo-nextest"),
        ("nextest/flaky-result-fail.xml", Red, [0, 1, 0, 0, 0, 0], "cargo-nextest"),
        ("nextest/mixed-all.xml", Red, [4, 6, 0, 0, 0, 0], "cargo-nextest"),
        ("nextest/no-tests-matched-pass.xml", Nothing, [0; 6], "cargo-nextest"),
        ("nextest/no-tests-matched.xml", Nothing, [0; 6], "cargo-nextest"),
        ("nextest/pass.xml", Green, [3, 0, 0, 0, 0, 0], "cargo-nextest"),
        ("node-test/mixed.xml", Red, [3, 2, 0, 1, 0, 1], "node --test"),
        ("node-test/pass.xml", Green, [1, 0, 0, 0, 0, 0], "node --test"),
        ("pytest/collection-error-mixed.xml", Red, [0, 0, 1, 0, 0, 0], "pytest"),
        ("pytest/collection-error.xml", Red, [0, 0, 1, 0, 0, 0], "pytest"),
        ("pytest/empty-no-tests.xml", Nothing, [0; 6], "pytest"),
        ("pytest/maxfail-stopped.xml", Red, [1, 1, 0, 0, 0, 0], "pytest"),
        // 19 cases are written: the failed call and the failed teardown of one test are two of them.
        ("pytest/mixed-fail.xunit1-alllogs.xml", Red, [9, 3, 3, 3, 0, 0], "pytest"),
        ("pytest/mixed-fail.xunit2.xml", Red, [9, 3, 3, 3, 0, 0], "pytest"),
        ("pytest/nonexistent-path.xml", Nothing, [0; 6], "pytest"),
        ("pytest/pass.xunit1.xml", Green, [6, 0, 0, 0, 0, 0], "pytest"),
        ("pytest/pass.xunit2.xml", Green, [6, 0, 0, 0, 0, 0], "pytest"),
        ("pytest/xdist-suite-name.xml", Green, [6, 0, 0, 0, 0, 0], "pytest"),
        ("ruff/clean.junit.xml", Unproven, [1, 0, 0, 0, 0, 0], "ruff"),
        ("ruff/fail.junit.xml", Red, [0, 8, 0, 0, 0, 0], "ruff"),
        ("semgrep/clean.junit.xml", Unproven, [0; 6], "semgrep"),
        ("semgrep/fail.junit.xml", Red, [0, 3, 0, 0, 0, 0], "semgrep"),
        ("vitest/mixed.xml", Red, [4, 2, 0, 2, 0, 0], "vitest"),
        ("vitest/no-tests.xml", Nothing, [0; 6], "vitest"),
        ("vitest/pass.xml", Green, [1, 0, 0, 0, 0, 0], "vitest"),
    ];
    for (path, shows, expected, tool) in table {
        let (parsed, report) = tests(path);
        let TestCounts { rerun, .. } = report.counts;
        assert_eq!(report.counts, TestCounts { rerun, ..counts(expected) }, "{path}");
        assert_eq!(shown(&parsed), shows, "{path}: {:?}", parsed.substance);
        assert_eq!(parsed.tool.map_or(String::new(), |tool| tool.name), tool, "{path}");
        let red = report.counts.failed + report.counts.errored - report.claimed_only;
        assert_eq!(
            report.cases.iter().filter(|case| case.outcome <= CaseOutcome::Failed).count() as u64,
            red.min(Limits::default().kept_details),
            "{path}"
        );
    }
}

#[test]
fn broken_junit_samples() {
    for (path, words) in [
        ("_constructed/junit-billion-laughs.xml", "declares entities"),
        ("_constructed/junit-raw-control-chars-invalid-xml.xml", "control character"),
        ("_constructed/junit-truncated-mid-element.xml", "cut off"),
    ] {
        let (format, Err(ParseError::Malformed(text))) = read(path) else { panic!("{path}") };
        assert_eq!(format, Format::Junit, "{path}");
        assert!(text.contains(words), "{path}: {text}");
    }
}

#[test]
fn a_junit_report_names_its_commit_and_its_doubled_case_once() {
    let (parsed, report) = tests("pytest/mixed-fail.xunit1-alllogs.xml");
    let [EmbeddedCommit { id, repository: None }] = parsed.commits.as_slice() else { panic!() };
    assert_eq!(id, "815fce1f25f0944ef24fbaa7f58b7a3bb7a77181");
    let doubled: Vec<_> =
        report.cases.iter().filter(|case| case.name.ends_with("test_fail_and_teardown_error")).collect();
    let [case] = doubled.as_slice() else { panic!("{doubled:?}") };
    assert_eq!((case.outcome, case.line), (CaseOutcome::Errored, Some(41)));
    assert_eq!(case.file.as_deref(), Some("tests/test_mixed.py"));
}

#[test]
fn nextest_says_how_often_it_tried_and_what_timed_out() {
    let (_, report) = tests("nextest/flaky-pass.xml");
    assert_eq!(report.counts.rerun, 1);
    let (_, report) = tests("nextest/fail-timeout-abort.xml");
    assert!(report.cases.iter().any(|case| case.name == "sample::fails > times_out"));
}

#[test]
fn what_only_attributes_claim_counts_and_is_noted() {
    let (parsed, report) = tests("go/gotestsum-buildfail.xml");
    assert_eq!(report.claimed_only, 1);
    assert!(parsed.notes[0].starts_with("attributes claim 1 more"));
    // The other way round, that no attribute claims them, is no matter: the cases' children decide.
    let (_, report) = tests("_constructed/junit-forged-attrs-zero-failures.xml");
    assert_eq!(report.claimed_only, 0);
}

#[test]
fn the_same_go_run_reads_alike_from_its_events_and_from_its_junit() {
    let (format, _) = read("go/go-test.jsonl");
    assert_eq!(format, Format::GoTestJson);
    let (parsed, report) = tests("go/go-test.jsonl");
    assert_eq!(report.counts, counts([8, 5, 1, 1, 0, 0]));
    assert_eq!(shown(&parsed), Red);
    // Here the package that did not build has a name; gotestsum's file has a number on its root alone.
    assert_eq!((report.claimed_only, report.cases[0].name.as_str()), (0, "example.com/sample/broken"));
    assert_eq!(tests("go/gotestsum-mixed.xml").1.counts, report.counts);
}

#[test]
fn coverage_samples() {
    // lines covered and in all, branches covered and in all
    let table = [
        ("coverage/coveragepy.cobertura.xml", Format::Cobertura, "calc.py", [6, 10, 1, 4]),
        ("coverage/coveragepy.failunder.cobertura.xml", Format::Cobertura, "calc.py", [6, 10, 0, 0]),
        ("coverage/coveragepy.lcov.info", Format::Lcov, "calc.py", [6, 10, 1, 4]),
        ("coverage/coveragepy.nothing-covered.cobertura.xml", Format::Cobertura, "__init__.py", [0; 4]),
        ("coverage/coveragepy.json", Format::CoveragepyJson, "calc.py", [6, 10, 1, 4]),
        ("coverage/jest.clover.xml", Format::Clover, "/build/w/js/src/lib.js", [2, 3, 1, 2]),
        ("coverage/jest.coverage-final.json", Format::IstanbulFinal, "/build/w/js/src/lib.js", [2, 3, 1, 2]),
        (
            "coverage/jest.coverage-summary.json",
            Format::IstanbulSummary,
            "/build/w/js/src/lib.js",
            [2, 3, 1, 2],
        ),
        ("coverage/jest.cobertura.xml", Format::Cobertura, "src/lib.js", [2, 3, 1, 2]),
        ("coverage/jest.lcov.info", Format::Lcov, "src/lib.js", [2, 3, 1, 2]),
    ];
    for (path, format, file, numbers) in table {
        let (found, parsed) = read(path);
        assert_eq!(found, format, "{path}");
        let parsed = parsed.unwrap_or_else(|error| panic!("{path}: {error}"));
        let Content::Coverage(report) = parsed.content.as_ref() else { panic!("{path}") };
        let read = [report.lines_covered, report.lines_total, report.branches_covered, report.branches_total];
        assert_eq!(read, numbers, "{path}");
        assert_eq!(report.files.keys().collect::<Vec<_>>(), [file], "{path}");
        // `line-rate="1"` over no lines is what coverage.py writes of a package nothing of which was run.
        let nothing = matches!(parsed.substance, Substance::Nothing(_));
        assert_eq!(nothing, numbers[1] == 0, "{path}");
        assert_eq!(parsed.content.shows_red(), None);
    }
}

#[test]
fn every_format_of_tests_and_coverage_has_a_page_with_an_example() {
    for format in Format::ALL.iter().filter(|format| matches!(format.kind(), Kind::Tests | Kind::Coverage)) {
        let name = format.as_str();
        let page = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../../docs/evidence/{name}.md"));
        let text = std::fs::read_to_string(&page).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(text.starts_with(&format!("# `{name}`")), "{name}");
        assert!(text.contains(&format!("format = \"{name}\"")), "{name}");
    }
}
