//! The events of `go test -json` (`go doc test2json`). Each package must end in pass, fail or skip, else the stream
//! is cut off; a test that never ended did not pass; a package that failed without a failed test is an error.

use std::collections::BTreeMap;
use std::io::BufRead;

use serde::Deserialize;

use crate::model::{count, sanitize};

use super::content::{Content, ParseError, Parsed, ToolName};
use super::document::json_error;
use super::limits::Limits;
use super::shape::Shape;
use super::test_report::{CaseName, CaseOutcome, Tally, TestCase};
use super::text::{Controls, Text};

/// Bytes of one event; an event holds one line of output.
const LINE_BYTES: u64 = 8 * 1024 * 1024;
/// Packages and tests that may be under way at once.
const RUNNING: usize = 200_000;

/// Intentionally incomplete.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct GoEvent {
    action: String,
    package: String,
    test: String,
    output: String,
}

/// Whether lines of this shape are the events.
pub fn fits(shape: &Shape) -> bool {
    match shape {
        Shape::JsonLines { keys } | Shape::JsonObject { keys, .. } => {
            keys.contains("Action") && (keys.contains("Package") || keys.contains("ImportPath"))
        }
        _ => false,
    }
}

/// A package under way.
#[derive(Debug, Default)]
struct Package {
    /// Tests under way, with the start of their output.
    tests: BTreeMap<String, String>,
    failed: bool,
    output: String,
}

struct Events<'l> {
    limits: &'l Limits,
    tally: Tally<'l>,
    packages: BTreeMap<String, Package>,
    running: usize,
    seen: u64,
    /// Lines that are no events: what the compiler and the linker print.
    other_lines: u64,
}

/// Reads the events.
///
/// # Errors
/// [`ParseError`]: no event at all, a broken event, a package without an end, or a bound exceeded.
pub fn parse(reader: &mut dyn BufRead, limits: &Limits) -> Result<Parsed, ParseError> {
    let mut text = Text::open(reader, Controls::Kept)?;
    let mut events = Events {
        limits,
        tally: Tally::new(limits),
        packages: BTreeMap::new(),
        running: 0,
        seen: 0,
        other_lines: 0,
    };
    let mut line = String::new();
    while text.line(&mut line, LINE_BYTES)? {
        let line = line.trim();
        if line.starts_with('{') {
            let event = serde_json::from_str(line).map_err(|error| json_error(&error))?;
            events.take(event)?;
        } else if !line.is_empty() {
            events.other_line(line);
        }
    }
    events.finish()
}

impl Events<'_> {
    fn take(&mut self, event: GoEvent) -> Result<(), ParseError> {
        self.seen += 1;
        if event.package.is_empty() {
            // The build's own events; the packages they break fail by themselves.
            return Ok(());
        }
        if !self.packages.contains_key(&event.package) {
            self.began()?;
            self.packages.insert(event.package.clone(), Package::default());
        }
        if event.action == "run" {
            self.began()?;
        }
        let Some(package) = self.packages.get_mut(&event.package) else { return Ok(()) };
        let outcome = match event.action.as_str() {
            "pass" => CaseOutcome::Passed,
            "fail" => CaseOutcome::Failed,
            "skip" => CaseOutcome::Skipped,
            "run" => {
                package.tests.insert(event.test, String::new());
                return Ok(());
            }
            "output" => {
                let kept = package.tests.get_mut(&event.test).unwrap_or(&mut package.output);
                keep(kept, &event.output, self.limits.text());
                return Ok(());
            }
            _ => return Ok(()),
        };
        if event.test.is_empty() {
            self.end_package(&event.package, outcome);
        } else {
            package.failed |= outcome == CaseOutcome::Failed;
            let output = package.tests.remove(&event.test);
            self.running = self.running.saturating_sub(usize::from(output.is_some()));
            self.case(&event.package, &event.test, outcome, output);
        }
        Ok(())
    }

    fn began(&mut self) -> Result<(), ParseError> {
        self.running += 1;
        if self.running > RUNNING {
            return Err(ParseError::TooLarge(format!("more than {RUNNING} tests in it run at once")));
        }
        Ok(())
    }

    fn end_package(&mut self, name: &str, outcome: CaseOutcome) {
        let Some(package) = self.packages.remove(name) else { return };
        self.running = self.running.saturating_sub(1 + package.tests.len());
        for (test, output) in &package.tests {
            self.case(name, test, CaseOutcome::Errored, Some(output.clone()));
        }
        // The build broke, TestMain gave up, or the process died before a test could fail.
        if outcome == CaseOutcome::Failed && !package.failed && package.tests.is_empty() {
            self.case(name, "", CaseOutcome::Errored, Some(package.output));
        }
    }

    fn other_line(&mut self, line: &str) {
        self.other_lines += 1;
        // `FAIL	example.com/broken [build failed]` is all that older versions say of a package that did not build.
        let mut words = line.split_whitespace();
        let (first, package) = (words.next(), words.next());
        if let (Some("FAIL"), Some(package)) = (first, package)
            && line.ends_with("failed]")
            && !self.packages.contains_key(package)
        {
            self.case(package, "", CaseOutcome::Errored, Some(line.to_owned()));
        }
    }

    fn case(&mut self, package: &str, test: &str, outcome: CaseOutcome, output: Option<String>) {
        let name = CaseName { suites: &[], class: package, name: test };
        self.tally.count(name, outcome);
        if outcome != CaseOutcome::Passed {
            let name = name.shown(self.limits);
            self.tally.keep(TestCase { outcome, name, message: output, file: None, line: None });
        }
    }

    fn finish(self) -> Result<Parsed, ParseError> {
        if self.seen == 0 {
            return Err(ParseError::Malformed("it has no event of `go test -json`".to_owned()));
        }
        if let Some(package) = self.packages.keys().next() {
            return Err(ParseError::Malformed(format!(
                "the events are cut off: package `{}` has no end",
                sanitize(package, 120)
            )));
        }
        let report = self.tally.finish(0, 0);
        let mut notes = Vec::new();
        if self.other_lines > 0 {
            notes.push(format!("{} in it no event", count(self.other_lines, "line")));
        }
        Ok(Parsed {
            tool: Some(ToolName { name: "go".to_owned(), version: None }),
            substance: report.counts.substance(),
            notes,
            ..Parsed::new(Content::Tests(report))
        })
    }
}

/// Keeps the start of a test's output, without the lines that announce and end it.
fn keep(kept: &mut String, output: &str, max: usize) {
    let line = output.trim();
    if kept.len() < max && !line.starts_with("=== ") && !line.starts_with("--- ") {
        kept.push_str(&sanitize(line, max));
        kept.push(' ');
    }
}

#[cfg(test)]
mod tests {
    use super::super::content::Substance;
    use super::super::test_report::{TestCounts, TestReport};
    use super::*;

    fn read(text: &str) -> Result<(Parsed, TestReport), ParseError> {
        let parsed = parse(&mut text.as_bytes(), &Limits::default())?;
        let Content::Tests(report) = parsed.clone().into_content() else { panic!() };
        Ok((parsed, report))
    }

    #[test]
    fn a_package_that_fails_without_a_test_is_an_error() {
        let (_, report) = read(
            "{\"ImportPath\":\"x\",\"Action\":\"build-output\",\"Output\":\"undefined\"}\n\
             {\"Action\":\"start\",\"Package\":\"x\"}\n\
             {\"Action\":\"output\",\"Package\":\"x\",\"Output\":\"FAIL x [build failed]\\n\"}\n\
             {\"Action\":\"fail\",\"Package\":\"x\",\"Elapsed\":0,\"FailedBuild\":\"x\"}\n",
        )
        .unwrap();
        assert_eq!(report.counts, TestCounts { errored: 1, ..TestCounts::default() });
        assert_eq!(report.cases[0].message.as_deref(), Some("FAIL x [build failed]"));
    }

    #[test]
    fn a_test_that_never_ended_did_not_pass() {
        let (_, report) = read(
            "{\"Action\":\"run\",\"Package\":\"x\",\"Test\":\"TestA\"}\n\
             {\"Action\":\"output\",\"Package\":\"x\",\"Test\":\"TestA\",\"Output\":\"last words\\n\"}\n\
             {\"Action\":\"fail\",\"Package\":\"x\"}\n",
        )
        .unwrap();
        assert_eq!(report.counts, TestCounts { errored: 1, ..TestCounts::default() });
        assert_eq!(
            (report.cases[0].name.as_str(), report.cases[0].message.as_deref()),
            ("x > TestA", Some("last words"))
        );
    }

    #[test]
    fn packages_without_tests_measure_nothing() {
        let (parsed, _) = read("{\"Action\":\"skip\",\"Package\":\"x\"}").unwrap();
        assert!(matches!(parsed.substance, Substance::Nothing(_)));
    }

    #[test]
    fn a_stream_that_is_cut_is_malformed() {
        for text in [
            "",
            "ok  \tx\t0.1s\n",
            "{\"Action\":\"run\",\"Package\":\"x\",\"Test\":\"T\"}\n{\"Action\":\"pass\",\"Package\":\"x\",\"Test\":\"T\"}\n",
            "{\"Action\":\"pass\",\"Package\":\"x\"}\n{\"Action\":\"pa",
            "{\"Action\":\"pass\",\"Action\":\"fail\",\"Package\":\"x\"}",
        ] {
            assert!(matches!(read(text), Err(ParseError::Malformed(_))), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_events_are_read_or_refused(
            events in proptest::collection::vec(("(run|pass|fail|skip|output|x)", "[ab]?", "[tu]?"), 0..12),
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..64),
        ) {
            let lines: Vec<String> = events
                .iter()
                .map(|(action, package, test)| format!(r#"{{"Action":"{action}","Package":"{package}","Test":"{test}"}}"#))
                .collect();
            let _ = read(&lines.join("\n"));
            let _ = parse(&mut bytes.as_slice(), &Limits::default());
        }
    }
}
