//! Dialects of JUnit that no sample has, the counting rules, and bad input.

use proptest::prelude::*;

use super::content::{Content, ParseError, Parsed, Substance};
use super::junit::parse;
use super::limits::Limits;
use super::test_report::{CaseOutcome, TestCounts, TestReport};

fn read(text: &str) -> (Parsed, TestReport) {
    let parsed =
        parse(&mut text.as_bytes(), &Limits::default()).unwrap_or_else(|error| panic!("{text}: {error}"));
    let Content::Tests(report) = parsed.clone().into_content() else { panic!() };
    (parsed, report)
}

/// passed, failed, errored, skipped, disabled, flaky, todo
fn counts(text: &str) -> [u64; 7] {
    let TestCounts { passed, failed, errored, skipped, disabled, flaky, todo, rerun: _ } =
        read(text).1.counts;
    [passed, failed, errored, skipped, disabled, flaky, todo]
}

#[test]
fn surefire_says_flaky_and_rerun() {
    let text = r#"<testsuite xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
        xsi:noNamespaceSchemaLocation="https://maven.apache.org/surefire/surefire-test-report.xsd"
        name="com.x.FooTest" time="1,234.5" tests="3" errors="0" skipped="0" failures="1" flakes="1">
      <properties><property name="java.version" value="21"/><property name="GITHUB_SHA" value="base"/></properties>
      <testcase name="flaky" classname="com.x.FooTest"><flakyFailure message="m" type="T"><stackTrace>s</stackTrace>
        </flakyFailure></testcase>
      <testcase name="red" classname="com.x.FooTest"><failure message="m"/><rerunFailure message="m"/></testcase>
      <system-out><![CDATA[<failure/> &nothing;]]></system-out>
      <testcase name="ok" classname="com.x.FooTest"/>
    </testsuite>"#;
    let (parsed, report) = read(text);
    assert_eq!(counts(text), [1, 1, 0, 0, 0, 1, 0]);
    assert_eq!((report.counts.rerun, report.claimed_only), (2, 0));
    assert_eq!(parsed.tool.unwrap().name, "surefire");
    assert!(parsed.commits.is_empty(), "an environment dump may name the base");
}

#[test]
fn phpunits_cumulative_suites_are_not_added_up() {
    let text = r#"<testsuites><testsuite name="all" tests="3" assertions="3" errors="1" warnings="1" failures="1">
      <testsuite name="A" tests="3" errors="1" failures="1"><testsuite name="A::x" tests="3" errors="1" failures="1">
      <testcase name="a" class="A" classname="A" assertions="1"><error type="Risky">r</error></testcase>
      <testcase name="b" class="A" classname="A" assertions="1"><failure>f</failure></testcase>
      <testcase name="c" class="A" classname="A" assertions="1"><warning>w</warning></testcase>
      </testsuite></testsuite></testsuite></testsuites>"#;
    let (parsed, report) = read(text);
    assert_eq!(counts(text), [1, 1, 1, 0, 0, 0, 0]);
    assert_eq!(report.claimed_only, 0);
    assert_eq!(parsed.tool.unwrap().name, "phpunit");
    assert_eq!(parsed.notes, ["1 case with a warning"]);
}

#[test]
fn phpunit_without_a_test_measured_nothing() {
    let (parsed, report) = read("<testsuites/>");
    assert!(matches!(parsed.substance, Substance::Nothing(_)));
    assert_eq!(report.counts, TestCounts::default());
}

#[test]
fn mochas_attributes_deny_what_its_children_say() {
    let text = r#"<testsuite name="Mocha Tests" tests="3" failures="0" errors="2" skipped="1"
        timestamp="Fri, 20 Nov 2026 20:16:31 GMT" time="0.01">
      <testcase classname="a" name="x"><failure>one</failure></testcase>
      <testcase classname="a" name="y"><failure>two</failure></testcase>
      <testcase classname="a" name="z"/><testcase classname="a" name="s"><skipped/></testcase></testsuite>"#;
    assert_eq!(counts(text), [1, 2, 0, 1, 0, 0, 0]);
    let (parsed, _) = read(text);
    assert_eq!(parsed.notes, ["the root's `tests` attribute says 3, the report has 4 cases"]);
}

#[test]
fn bandit_counts_nothing_and_has_errors_all_the_same() {
    let text = r#"<testsuite name="bandit" tests="2"><testcase classname="a.py" name="eval">
        <error message="m" more_info="u">t</error></testcase><testcase classname="b.py" name="exec"><error/></testcase>
        </testsuite>"#;
    let (parsed, report) = read(text);
    assert_eq!(report.counts.errored, 2);
    assert_eq!((parsed.substance, parsed.content.shows_red()), (Substance::Measured, Some(true)));
    let (clean, _) = read(r#"<testsuite name="bandit" tests="0"/>"#);
    assert!(matches!(clean.substance, Substance::Unproven(_)));
}

#[test]
fn gtest_switches_tests_off_by_attribute() {
    let text = r#"<testsuites tests="4" failures="1" disabled="1" errors="0" name="AllTests"><testsuite name="S">
      <testcase name="run" status="run" result="completed" classname="S"/>
      <testcase name="off" status="notrun" result="suppressed" classname="S"/>
      <testcase name="skip" status="run" result="skipped" classname="S"><skipped message="m"/></testcase>
      <testcase name="red" status="run" result="completed" classname="S"><failure message="m" type=""/></testcase>
      </testsuite></testsuites>"#;
    assert_eq!(counts(text), [1, 1, 0, 1, 1, 0, 0]);
    assert_eq!(counts("<testsuite><testcase name='x' status='failed'/></testsuite>")[1], 1);
}

#[test]
fn claims_beyond_the_cases_count_once_at_whatever_depth() {
    let claim = |root: &str, suite: &str, case: &str| {
        let text = format!(
            "<testsuites {root}><testsuite {suite}><testcase name='a'>{case}</testcase></testsuite></testsuites>"
        );
        let (_, report) = read(&text);
        (report.counts.failed, report.counts.errored, report.claimed_only)
    };
    assert_eq!(claim("failures='2'", "failures='2'", ""), (2, 0, 2));
    assert_eq!(claim("failures='1' errors='1'", "", "<failure/>"), (1, 1, 1));
    assert_eq!(claim("", "errors='3'", ""), (0, 3, 3));
    assert_eq!(claim("failures='0'", "errors='3'", "<failure/>"), (1, 2, 2));
    assert_eq!(claim("failures='1,000'", "", ""), (1000, 0, 1000));
    assert_eq!(claim("failures='99999999999999999999'", "failures='x' errors='-1'", ""), (0, 0, 0));
}

#[test]
fn a_suite_that_fails_by_itself_is_an_error() {
    let text = "<testsuite name='s'><error message='setup'/><testcase name='a'/></testsuite>";
    assert_eq!(counts(text), [1, 0, 1, 0, 0, 0, 0]);
    assert_eq!(read(text).1.cases[0].message.as_deref(), Some("setup"));
}

#[test]
fn worse_children_win_in_any_order_and_place() {
    for (children, at) in [
        ("<skipped/><failure/>", 1),
        ("<failure/><error/>", 2),
        ("<error/><failure/>", 2),
        ("<flakyFailure/><skipped/>", 3),
        ("<skipped type='todo'/><failure/>", 6),
        ("<skipped type='todo'/><error/>", 2),
        ("<properties><failure/></properties>", 1),
        ("<testcase name='inner'><failure/></testcase>", 1),
    ] {
        let text = format!("<testsuite><testcase name='a'>{children}</testcase></testsuite>");
        assert_eq!(counts(&text)[at], 1, "{children}");
        assert_eq!(counts(&text).iter().sum::<u64>(), 1, "{children}");
    }
}

#[test]
fn skipped_cases_alone_measure_nothing() {
    let (parsed, _) = read("<testsuite><testcase name='a'><skipped/></testcase></testsuite>");
    assert_eq!(parsed.substance, Substance::Nothing("no test ran: 1 case left out".to_owned()));
}

#[test]
fn same_names_are_two_cases_unless_one_is_the_others_second_half() {
    let case = |children: &str| format!("<testcase classname='c' name='n'>{children}</testcase>");
    let suite = |cases: &[String]| format!("<testsuite name='s'>{}</testsuite>", cases.concat());
    assert_eq!(counts(&suite(&[case("<failure/>"), case("<error/>")]))[2], 1);
    // Playwright's projects and Go's parameters have true namesakes.
    assert_eq!(counts(&suite(&[case("<failure/>"), case("<failure/>")]))[1], 2);
    assert_eq!(counts(&suite(&[case(""), case("<error/>")])), [1, 0, 1, 0, 0, 0, 0]);
    let apart =
        format!("<testsuites>{}{}</testsuites>", suite(&[case("<failure/>")]), suite(&[case("<error/>")]));
    assert_eq!(counts(&apart), [0, 1, 1, 0, 0, 0, 0]);
}

/// A failure in capitals was an element like any other, and its case passed.
#[test]
fn a_failure_in_capitals_is_a_failure() {
    for mark in ["<FAILURE/>", "<Failure/>", "<Error/>", "<ERROR message='x'/>"] {
        let text = format!("<testsuite><testcase name='a'>{mark}</testcase></testsuite>");
        assert_eq!(counts(&text)[0], 0, "{mark}");
    }
}

#[test]
fn a_status_with_a_prefix_hides_none_without() {
    for attributes in [
        "x:status='passed' status='failed'",
        "status='failed' x:status='passed'",
        "status='passed' result='failed'",
        "x:result='passed' status='run' result='FAILED'",
    ] {
        let text = format!("<testsuite><testcase name='a' {attributes}/><testcase name='b'/></testsuite>");
        let parsed = parse(&mut text.as_bytes(), &Limits::default()).unwrap();
        let Content::Tests(report) = parsed.into_content() else { panic!() };
        assert_eq!((report.counts.failed, report.counts.passed), (1, 1), "{attributes}");
    }
}

#[test]
fn a_count_with_a_prefix_hides_none_without() {
    let text = "<testsuite x:failures='0' failures='2'><testcase x:name='no' name='a'/></testsuite>";
    let parsed = parse(&mut text.as_bytes(), &Limits::default()).unwrap();
    let Content::Tests(report) = parsed.into_content() else { panic!() };
    assert_eq!((report.counts.failed, report.claimed_only), (2, 2));
}

#[test]
fn details_are_bounded_and_the_worst_are_kept() {
    let skip = "<testcase name='s'><skipped/></testcase>".repeat(6000);
    let text = format!(
        "<testsuite>{skip}<testcase name='late'><error message='{}'/></testcase></testsuite>",
        "x".repeat(5000)
    );
    let (_, report) = read(&text);
    assert_eq!(report.cases.len(), 5000);
    assert_eq!((report.cases[0].outcome, report.cases[0].name.as_str()), (CaseOutcome::Errored, "late"));
    assert_eq!(report.cases[0].message.as_ref().unwrap().chars().count(), 401);
}

#[test]
fn texts_lose_what_hides_or_steers() {
    let (_, report) = read(
        "<testsuite><testcase name='a\u{202e}b'><failure message='x\u{200b}&#10;y'/></testcase></testsuite>",
    );
    assert_eq!((report.cases[0].name.as_str(), report.cases[0].message.as_deref()), ("ab", Some("x y")));
}

#[test]
fn utf16_and_a_byte_order_mark_are_no_hindrance() {
    let text = "<?xml version=\"1.0\" encoding=\"utf-16\"?><testsuite name=\"ż\"><testcase name=\"🐢\"/></testsuite>";
    let mut utf16 = vec![0xff, 0xfe];
    utf16.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    let parsed = parse(&mut utf16.as_slice(), &Limits::default()).unwrap();
    let Content::Tests(report) = parsed.into_content() else { panic!() };
    assert_eq!(report.counts.passed, 1);
    let cut = parse(&mut &utf16[..utf16.len() - 7], &Limits::default());
    assert!(matches!(cut, Err(ParseError::Malformed(_))));
}

#[test]
fn a_surefire_folder_is_one_report() {
    let class = |name: &str, cases: &str| {
        parse(&mut format!("<testsuite name='{name}'>{cases}</testsuite>").as_bytes(), &Limits::default())
            .unwrap()
    };
    let green = || class("A", "<testcase name='a' classname='A'/><testcase name='b' classname='A'/>");
    let red = class("B", "<testcase name='c' classname='B'><failure message='m'/></testcase>");
    let empty = class("Empty", "");
    let limits = Limits::default();
    let all = green().merge(empty, &limits).unwrap().merge(red, &limits).unwrap();
    let Content::Tests(report) = all.content.as_ref() else { panic!() };
    assert_eq!((report.counts.passed, report.counts.failed, report.cases.len()), (2, 1, 1));
    assert_eq!((&all.substance, all.content.shows_red()), (&Substance::Measured, Some(true)));
    let Content::Tests(before) = green().into_content() else { panic!() };
    assert_eq!(before.roll.changes(&report.roll, 5).unwrap().removed.count, 0);
    let gone = report.roll.changes(&before.roll, 5).unwrap();
    assert_eq!(gone.removed.names, ["B > c"]);
    // What one file leaves open stays open, whatever the others prove.
    let blind = class("ruff", "<testcase name='No errors found'/>");
    assert!(matches!(green().merge(blind, &limits).unwrap().substance, Substance::Unproven(_)));
    let coverage = super::cobertura::parse(&mut "<coverage/>".as_bytes(), &limits).unwrap();
    assert!(matches!(green().merge(coverage, &limits), Err(ParseError::Malformed(_))));
}

#[test]
fn another_root_is_malformed() {
    for text in ["<coverage/>", "<testcase name='x'/>", "<html><testsuite/></html>"] {
        assert!(
            matches!(parse(&mut text.as_bytes(), &Limits::default()), Err(ParseError::Malformed(_))),
            "{text}"
        );
    }
}

#[test]
fn a_million_cases_keep_no_more_than_their_marks() {
    let limits = Limits { kept_keys: 100, kept_names: 10, ..Limits::default() };
    let text = format!("<testsuite>{}</testsuite>", "<testcase name='a'/>".repeat(10_000));
    let parsed = parse(&mut text.as_bytes(), &limits).unwrap();
    let Content::Tests(report) = parsed.into_content() else { panic!() };
    assert_eq!(report.counts.passed, 10_000);
    assert_eq!(report.roll.changes(&report.roll, 5), None);
}

proptest! {
    #[test]
    fn a_mutated_sample_is_read_or_refused(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
        which in 0..3_usize,
    ) {
        let samples: [&[u8]; 3] = [
            include_bytes!("../../../tests/fixtures/node-test/mixed.xml"),
            include_bytes!("../../../tests/fixtures/pytest/mixed-fail.xunit2.xml"),
            include_bytes!("../../../tests/fixtures/nextest/flaky-result-fail.xml"),
        ];
        let mut bytes = samples[which].to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = parse(&mut bytes.as_slice(), &Limits::default());
        let whole = samples[which].trim_ascii_end();
        let cut = &whole[..cut.index(whole.len())];
        prop_assert!(parse(&mut &*cut, &Limits::default()).is_err());
    }

    #[test]
    fn removing_a_mark_is_all_that_makes_a_case_pass(marks in proptest::collection::vec(0..6_usize, 0..5)) {
        const MARKS: [&str; 6] =
            ["<failure/>", "<error/>", "<skipped/>", "<flakyFailure/>", "<system-out>x</system-out>", "<properties/>"];
        let children: String = marks.iter().map(|mark| MARKS[*mark]).collect();
        let text = format!("<testsuite><testcase name='a'>{children}</testcase></testsuite>");
        prop_assert_eq!(counts(&text)[0] == 1, marks.iter().all(|mark| *mark >= 4));
    }
}
