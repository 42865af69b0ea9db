//! libtest's JSON lines: `cargo test -- -Z unstable-options --format json`, and cargo-nextest's
//! `--message-format libtest-json`. They carry what nextest's JUnit drops: ignored tests, and each suite's end.

use std::collections::BTreeMap;
use std::io::BufRead;

use serde::Deserialize;

use crate::model::{count, sanitize};

use super::content::{Content, ParseError, Parsed};
use super::document::json_error;
use super::limits::Limits;
use super::shape::Shape;
use super::test_report::{CaseName, CaseOutcome, Tally, TestCase};
use super::text::{Controls, Text};

/// Bytes of one event; an event holds a test's whole output.
const LINE_BYTES: u64 = 16 * 1024 * 1024;
/// Tests that may be under way at once.
const RUNNING: usize = 200_000;

/// Intentionally incomplete.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct LibtestEvent {
    #[serde(rename = "type")]
    kind: String,
    event: String,
    name: String,
    failed: u64,
    stdout: Option<String>,
    message: Option<String>,
}

/// Cargo's own messages between the events, where `--message-format json` made it print them.
#[derive(Debug, Deserialize)]
struct CargoMessage {
    reason: String,
    success: Option<bool>,
}

/// Whether lines of this shape are the events.
pub fn fits(shape: &Shape) -> bool {
    match shape {
        Shape::JsonLines { keys } => keys.contains("type") && keys.contains("event"),
        Shape::JsonObject { keys, texts } => {
            keys.contains("event") && texts.get("type").is_some_and(|kind| kind == "suite" || kind == "test")
        }
        _ => false,
    }
}

struct Events<'l> {
    limits: &'l Limits,
    tally: Tally<'l>,
    /// Suites begun and not ended.
    open_suites: u64,
    suites: u64,
    /// Tests begun and not ended, by how often: suites of several binaries have namesakes.
    running: BTreeMap<String, u64>,
    /// Failures of the suites that ended, as they claim them.
    claimed: u64,
    broken_suites: u64,
    tool_errors: Vec<String>,
    other_lines: u64,
}

/// Reads the events.
///
/// # Errors
/// [`ParseError`]: no suite at all, a broken event, a suite without an end, or a bound exceeded.
pub fn parse(reader: &mut dyn BufRead, limits: &Limits) -> Result<Parsed, ParseError> {
    let mut text = Text::open(reader, Controls::Kept)?;
    let mut events = Events {
        limits,
        tally: Tally::new(limits),
        open_suites: 0,
        suites: 0,
        running: BTreeMap::new(),
        claimed: 0,
        broken_suites: 0,
        tool_errors: Vec::new(),
        other_lines: 0,
    };
    let mut line = String::new();
    while text.line(&mut line, LINE_BYTES)? {
        let line = line.trim();
        if line.starts_with("{\"reason\"") {
            events.cargo(&serde_json::from_str(line).map_err(|error| json_error(&error))?);
        } else if line.starts_with('{') {
            events.take(serde_json::from_str(line).map_err(|error| json_error(&error))?)?;
        } else if !line.is_empty() {
            events.other_lines += 1;
        }
    }
    events.finish()
}

impl Events<'_> {
    fn cargo(&mut self, message: &CargoMessage) {
        if message.reason == "build-finished" && message.success == Some(false) {
            self.tool_errors.push("cargo says that the build failed".to_owned());
        }
    }

    fn take(&mut self, event: LibtestEvent) -> Result<(), ParseError> {
        match (event.kind.as_str(), event.event.as_str()) {
            ("suite", "started") => {
                self.suites += 1;
                self.open_suites += 1;
            }
            ("suite", end) => {
                self.open_suites = self.open_suites.saturating_sub(1);
                self.claimed = self.claimed.saturating_add(event.failed.min(u64::from(u32::MAX)));
                self.broken_suites += u64::from(end != "ok" && event.failed == 0);
            }
            ("test", "started") => {
                *self.running.entry(event.name).or_insert(0) += 1;
                if self.running.len() > RUNNING {
                    let words = format!("more than {RUNNING} tests in it run at once");
                    return Err(ParseError::TooLarge(words));
                }
            }
            // A warning that the test is slow; its end is still to come.
            ("test", "timeout") => {}
            ("test", end) => self.end(&event, outcome(end)),
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, event: &LibtestEvent, outcome: CaseOutcome) {
        let (name, again) = without_attempt(&event.name);
        if let Some(running) = self.running.get_mut(name) {
            *running -= 1;
            if *running == 0 {
                self.running.remove(name);
            }
        }
        self.tally.counts().rerun += u64::from(again);
        let outcome = if again && outcome == CaseOutcome::Passed { CaseOutcome::Flaky } else { outcome };
        self.case(name, outcome, event.message.as_deref().or(event.stdout.as_deref()));
    }

    /// nextest's names are `package::binary$test`.
    fn case(&mut self, name: &str, outcome: CaseOutcome, message: Option<&str>) {
        let (class, test) = name.split_once('$').unwrap_or(("", name));
        let name = CaseName { suites: &[], class, name: test };
        self.tally.count(name, outcome);
        if outcome != CaseOutcome::Passed {
            let message = message.map(|text| sanitize(text, self.limits.text()));
            let name = name.shown(self.limits);
            self.tally.keep(TestCase { outcome, name, message, file: None, line: None });
        }
    }

    fn finish(mut self) -> Result<Parsed, ParseError> {
        if self.suites == 0 && self.tool_errors.is_empty() {
            return Err(ParseError::Malformed("it has no suite of libtest's JSON".to_owned()));
        }
        if self.open_suites > 0 {
            return Err(ParseError::Malformed("the events are cut off: a suite has no end".to_owned()));
        }
        for (name, times) in std::mem::take(&mut self.running) {
            for _ in 0..times {
                self.case(&name, CaseOutcome::Errored, None);
            }
        }
        let counts = *self.tally.counts();
        let shown = counts.failed + counts.errored;
        let mut claimed = self.claimed.saturating_sub(shown);
        if shown + claimed == 0 {
            claimed = self.broken_suites;
        }
        let report = self.tally.finish(claimed, 0);
        let mut notes = Vec::new();
        if claimed > 0 {
            notes.push(format!("suites claim {} that no test shows", count(claimed, "failure")));
        }
        if self.other_lines > 0 {
            notes.push(format!("{} in it no event", count(self.other_lines, "line")));
        }
        Ok(Parsed {
            substance: report.counts.substance(),
            tool_errors: self.tool_errors,
            notes,
            ..Parsed::new(Content::Tests(report))
        })
    }
}

/// nextest writes the end of a test that it tried again as `package::binary$test#2`, and its beginning without
/// (nextest-runner, `reporter/structured/libtest.rs`).
fn without_attempt(name: &str) -> (&str, bool) {
    match name.rsplit_once('#') {
        Some((base, attempt)) if base.contains('$') && attempt.parse::<u32>().is_ok() => (base, true),
        _ => (name, false),
    }
}

fn outcome(event: &str) -> CaseOutcome {
    match event {
        "ok" => CaseOutcome::Passed,
        "failed" => CaseOutcome::Failed,
        "ignored" => CaseOutcome::Skipped,
        _ => CaseOutcome::Errored,
    }
}

#[cfg(test)]
mod tests {
    use super::super::content::Substance;
    use super::super::test_report::{TestCounts, TestReport};
    use super::*;

    fn read(lines: &[&str]) -> Result<(Parsed, TestReport), ParseError> {
        let parsed = parse(&mut lines.join("\n").as_bytes(), &Limits::default())?;
        let Content::Tests(report) = parsed.clone().into_content() else { panic!() };
        Ok((parsed, report))
    }

    const START: &str = r#"{ "type": "suite", "event": "started", "test_count": 3 }"#;
    const OK: &str = r#"{ "type": "suite", "event": "ok", "passed": 1, "failed": 0, "ignored": 1 }"#;

    #[test]
    fn a_suite_is_read_as_libtest_writes_it() {
        let (_, report) = read(&[
            START,
            r#"{ "type": "test", "event": "started", "name": "tests::a" }"#,
            r#"{ "type": "test", "event": "timeout", "name": "tests::a" }"#,
            r#"{ "type": "test", "name": "tests::a", "event": "ok", "exec_time": 0.1 }"#,
            r#"{ "type": "test", "event": "ignored", "name": "pkg::bin$slow", "message": "too slow" }"#,
            r#"{ "type": "test", "name": "tests::red", "event": "failed", "stdout": "panicked at\nsrc" }"#,
            r#"{ "type": "suite", "event": "failed", "passed": 1, "failed": 1, "ignored": 1 }"#,
        ])
        .unwrap();
        let expected = TestCounts { passed: 1, failed: 1, skipped: 1, ..TestCounts::default() };
        assert_eq!((report.counts, report.claimed_only), (expected, 0));
        assert_eq!(report.cases[0].message.as_deref(), Some("panicked at src"));
        assert_eq!(report.cases[1].name, "pkg::bin > slow");
    }

    #[test]
    fn a_test_that_nextest_tried_again_is_flaky() {
        let (_, report) = read(&[
            START,
            r#"{"type":"test","event":"started","name":"pkg::bin$t#x"}"#,
            r#"{"type":"test","event":"ok","name":"pkg::bin$t#x#2"}"#,
            OK,
        ])
        .unwrap();
        assert_eq!(report.counts, TestCounts { flaky: 1, rerun: 1, ..TestCounts::default() });
        assert_eq!(report.cases[0].name, "pkg::bin > t#x");
    }

    #[test]
    fn what_a_suite_claims_counts_and_a_test_without_an_end_is_an_error() {
        let failed = r#"{"type":"suite","event":"failed","passed":0,"failed":2}"#;
        assert_eq!(read(&[START, failed]).unwrap().1.counts.failed, 2);
        let died = r#"{"type":"suite","event":"failed"}"#;
        assert_eq!(read(&[START, died]).unwrap().1.counts.failed, 1);
        let begun = r#"{"type":"test","event":"started","name":"x"}"#;
        assert_eq!(read(&[START, begun, OK]).unwrap().1.counts.errored, 1);
    }

    #[test]
    fn a_failed_build_is_the_tools_error_and_no_test_measures_nothing() {
        let (parsed, _) = read(&[r#"{"reason":"build-finished","success":false}"#]).unwrap();
        assert_eq!(parsed.tool_errors.len(), 1);
        let (parsed, _) = read(&[START, r#"{"type":"suite","event":"ok"}"#]).unwrap();
        assert!(matches!(parsed.substance, Substance::Nothing(_)));
    }

    #[test]
    fn a_stream_that_is_cut_is_malformed() {
        for lines in [&[][..], &["running 1 test"], &[START], &[START, "{\"type\":"], &[START, OK, START]] {
            assert!(matches!(read(lines), Err(ParseError::Malformed(_))), "{lines:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_events_are_read_or_refused(
            events in proptest::collection::vec(("(suite|test|x)", "(started|ok|failed|x)", "[ab]?"), 0..12),
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..64),
        ) {
            let lines: Vec<String> = events
                .iter()
                .map(|(kind, event, name)| format!(r#"{{"type":"{kind}","event":"{event}","name":"{name}"}}"#))
                .collect();
            let _ = parse(&mut lines.join("\n").as_bytes(), &Limits::default());
            let _ = parse(&mut bytes.as_slice(), &Limits::default());
        }
    }
}
