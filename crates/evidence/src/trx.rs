//! TRX, the test results of `dotnet test` (schema `TeamTest/2010`). Its results decide; the run's own counters and
//! outcome can only add failures: a test host that crashed leaves green results and a failed run.

use std::io::BufRead;

use crate::model::sanitize;

use super::content::{Content, ParseError, Parsed, ToolName};
use super::limits::Limits;
use super::shape::Shape;
use super::test_report::{CaseName, CaseOutcome, Tally, TestCase};
use super::xml::{Event, Tag, Xml};

/// What the run itself says went wrong, kept of one report.
const RUN_ERRORS: usize = 20;

/// Whether XML of this shape is TRX.
pub fn fits(shape: &Shape) -> bool {
    matches!(shape, Shape::Xml { root, .. } if root == "TestRun")
}

/// Reads a report.
///
/// # Errors
/// [`ParseError`]: no well-formed XML, another root than `TestRun`, or a bound exceeded.
pub fn parse(reader: &mut dyn BufRead, limits: &Limits) -> Result<Parsed, ParseError> {
    let mut xml = Xml::open(reader, limits)?;
    let mut run = Run::new(limits);
    loop {
        match xml.next()? {
            Event::Open(tag) => {
                if run.open(&tag)? {
                    xml.keep_text();
                }
            }
            Event::Close => run.close(&mut xml),
            Event::End => return Ok(run.finish()),
        }
    }
}

#[derive(Debug)]
enum Element {
    Result,
    /// The message of a result's error.
    Message,
    /// The text of what the run says of itself.
    RunText,
    RunInfo,
    Other,
}

/// A result that is open. Data-driven tests have results inside a result.
#[derive(Debug)]
struct Open {
    name: String,
    outcome: CaseOutcome,
    message: String,
    has_inner: bool,
    inner_is_red: bool,
}

struct Run<'l> {
    limits: &'l Limits,
    elements: Vec<Element>,
    results: Vec<Open>,
    tally: Tally<'l>,
    /// Failed results, and those that ended otherwise than by failing, as the counters claim them.
    claimed: [u64; 2],
    says_failed: bool,
    errors: Vec<String>,
}

impl<'l> Run<'l> {
    fn new(limits: &'l Limits) -> Self {
        Self {
            limits,
            elements: Vec::new(),
            results: Vec::new(),
            tally: Tally::new(limits),
            claimed: [0; 2],
            says_failed: false,
            errors: Vec::new(),
        }
    }

    /// Takes a start tag; says whether the text inside is wanted.
    fn open(&mut self, tag: &Tag<'_>) -> Result<bool, ParseError> {
        let name = tag.name();
        if self.elements.is_empty() && name != "TestRun" {
            let name = sanitize(name, 40);
            return Err(ParseError::Malformed(format!("its root element is `{name}`, not `TestRun`")));
        }
        let in_run_info = matches!(self.elements.last(), Some(Element::RunInfo));
        let element = match name {
            "UnitTestResult" | "TestResultAggregation" | "GenericTestResult" | "WebTestResult" => {
                if let Some(outer) = self.results.last_mut() {
                    outer.has_inner = true;
                }
                self.results.push(Open {
                    name: tag.get("testName").map_or_else(String::new, |name| sanitize(&name, 1000)),
                    outcome: outcome(tag.get("outcome").as_deref()),
                    message: String::new(),
                    has_inner: false,
                    inner_is_red: false,
                });
                Element::Result
            }
            "Message" if !self.results.is_empty() => Element::Message,
            "ResultSummary" => {
                let said = tag.get("outcome").unwrap_or_default();
                self.says_failed = matches!(&*said, "Failed" | "Error" | "Aborted" | "Timeout");
                Element::Other
            }
            "Counters" => {
                let sum = |names: &[&str]| names.iter().filter_map(|name| tag.count(name)).sum();
                self.claimed = [sum(&["failed"]), sum(&["error", "timeout", "aborted", "disconnected"])];
                Element::Other
            }
            "RunInfo" if tag.get("outcome").is_some_and(|outcome| outcome == "Error") => Element::RunInfo,
            "Text" if in_run_info => Element::RunText,
            _ => Element::Other,
        };
        let wanted = matches!(element, Element::Message | Element::RunText);
        self.elements.push(element);
        Ok(wanted)
    }

    fn close(&mut self, xml: &mut Xml<'_>) {
        match self.elements.pop() {
            Some(Element::Result) => self.close_result(),
            Some(Element::Message) => {
                let text = sanitize(xml.text(), self.limits.text());
                if let Some(result) = self.results.last_mut().filter(|result| result.message.is_empty()) {
                    result.message = text;
                }
            }
            Some(Element::RunText) if self.errors.len() < RUN_ERRORS => {
                self.errors.push(sanitize(xml.text(), self.limits.text()));
            }
            _ => {}
        }
    }

    /// Counts a result, unless it only sums up the results inside it.
    fn close_result(&mut self) {
        let Some(result) = self.results.pop() else { return };
        let red = matches!(result.outcome, CaseOutcome::Errored | CaseOutcome::Failed);
        if let Some(outer) = self.results.last_mut() {
            outer.inner_is_red |= red || result.inner_is_red;
        }
        if result.has_inner && (!red || result.inner_is_red) {
            return;
        }
        let suites: Vec<String> = self.results.iter().map(|outer| outer.name.clone()).collect();
        let name = CaseName { suites: &suites, class: "", name: &result.name };
        self.tally.count(name, result.outcome);
        self.tally.keep(TestCase {
            outcome: result.outcome,
            name: name.shown(self.limits),
            message: Some(result.message),
            file: None,
            line: None,
        });
    }

    fn finish(mut self) -> Parsed {
        let counts = *self.tally.counts();
        let [failed, errored] = self.claimed;
        let failed = failed.saturating_sub(counts.failed);
        let mut errored = errored.saturating_sub(counts.errored);
        if self.says_failed && counts.failed + counts.errored + failed + errored == 0 {
            errored = 1;
        }
        let report = self.tally.finish(failed, errored);
        let mut notes = Vec::new();
        if report.claimed_only > 0 {
            let words = "the run's summary claims more failures or errors than its results show";
            notes.push(words.to_owned());
        }
        Parsed {
            tool: Some(ToolName { name: "dotnet test".to_owned(), version: None }),
            substance: report.counts.substance(),
            tool_errors: self.errors,
            notes,
            ..Parsed::new(Content::Tests(report))
        }
    }
}

/// The outcome by its name. A result without one is an error: that is the schema's default, left out by writers.
fn outcome(name: Option<&str>) -> CaseOutcome {
    match name {
        Some("Passed" | "Completed" | "Warning") => CaseOutcome::Passed,
        Some("Failed") => CaseOutcome::Failed,
        Some("NotExecuted" | "Inconclusive" | "Pending") => CaseOutcome::Skipped,
        Some("NotRunnable") => CaseOutcome::Disabled,
        _ => CaseOutcome::Errored,
    }
}

#[cfg(test)]
mod tests {
    use super::super::content::Substance;
    use super::super::test_report::{TestCounts, TestReport};
    use super::*;

    fn read(results: &str, summary: &str) -> (Parsed, TestReport) {
        let text = format!(
            r#"<?xml version="1.0" encoding="utf-8"?><TestRun id="x" name="n"
            xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010"><Results>{results}</Results>{summary}
            </TestRun>"#
        );
        let parsed = parse(&mut text.as_bytes(), &Limits::default()).unwrap();
        let Content::Tests(report) = parsed.clone().into_content() else { panic!() };
        (parsed, report)
    }

    #[test]
    fn results_are_counted_by_outcome() {
        let (parsed, report) = read(
            r#"<UnitTestResult testName="N.C.A" outcome="Passed"/><UnitTestResult testName="N.C.B" outcome="Failed">
            <Output><StdOut>x</StdOut><ErrorInfo><Message>Assert.Equal() Failure</Message><StackTrace>at</StackTrace>
            </ErrorInfo></Output></UnitTestResult><UnitTestResult testName="N.C.S" outcome="NotExecuted"/>
            <UnitTestResult testName="N.C.T" outcome="Timeout"/><UnitTestResult testName="N.C.X"/>"#,
            r#"<ResultSummary outcome="Failed"><Counters total="5" failed="1" timeout="1" error="1"/></ResultSummary>"#,
        );
        let expected = TestCounts { passed: 1, failed: 1, errored: 2, skipped: 1, ..TestCounts::default() };
        assert_eq!((report.counts, report.claimed_only), (expected, 0));
        let failed = report.cases.iter().find(|case| case.outcome == CaseOutcome::Failed).unwrap();
        assert_eq!(failed.message.as_deref(), Some("Assert.Equal() Failure"));
        assert!(parsed.tool_errors.is_empty());
    }

    #[test]
    fn a_data_driven_test_is_its_rows() {
        let rows = |outcome: &str, row: &str| {
            format!(
                r#"<UnitTestResult testName="T" outcome="{outcome}"><InnerResults>
                <UnitTestResult testName="T (1)" outcome="Passed"/><UnitTestResult testName="T (2)" outcome="{row}"/>
                </InnerResults></UnitTestResult>"#
            )
        };
        let (_, report) = read(&rows("Failed", "Failed"), "");
        assert_eq!((report.counts.passed, report.counts.failed), (1, 1));
        assert_eq!(report.cases[0].name, "T (2)");
        let (_, report) = read(&rows("Failed", "Passed"), "");
        assert_eq!((report.counts.passed, report.counts.failed), (2, 1));
    }

    #[test]
    fn a_crashed_host_is_seen_though_every_result_is_green() {
        let (parsed, report) = read(
            r#"<UnitTestResult testName="A" outcome="Passed"/>"#,
            r#"<ResultSummary outcome="Failed"><Counters total="1" passed="1" failed="0"/><RunInfos>
            <RunInfo outcome="Error"><Text>The active test run was aborted. Test host process crashed</Text></RunInfo>
            <RunInfo outcome="Warning"><Text>w</Text></RunInfo></RunInfos></ResultSummary>"#,
        );
        assert_eq!((report.counts.errored, report.claimed_only), (1, 1));
        assert_eq!(parsed.tool_errors, ["The active test run was aborted. Test host process crashed"]);
    }

    #[test]
    fn no_result_is_nothing_measured() {
        let (parsed, _) = read("", r#"<ResultSummary outcome="Completed"/>"#);
        assert!(matches!(parsed.substance, Substance::Nothing(_)));
    }

    #[test]
    fn another_root_or_a_cut_is_malformed() {
        for text in ["<testsuite/>", "<TestRun><Results>", ""] {
            assert!(matches!(parse(&mut text.as_bytes(), &Limits::default()), Err(ParseError::Malformed(_))));
        }
        assert!(fits(&Shape::of(b"<TestRun/>", true)));
    }
}
