//! JUnit XML of every dialect, by the outcome rule of FORMATS section 1.1: the cases' children decide,
//! then what the suites' attributes claim beyond them counts as well.

use std::borrow::Cow;
use std::io::BufRead;

use crate::model::{count, sanitize};

use super::content::{Content, EmbeddedCommit, ParseError, Parsed, Substance};
use super::junit_dialect::Dialect;
use super::limits::Limits;
use super::shape::Shape;
use super::test_report::{CaseName, CaseOutcome, Tally, TestCase};
use super::xml::{Event, Tag, Xml};
use super::xml_tag::as_count;

/// Names of suite properties that hold the commit the report was made for (FORMATS section 2). Environment
/// dumps (`GITHUB_SHA` among surefire's system properties) are not among them: they may name the base.
const COMMIT_PROPERTIES: [&str; 5] =
    ["git.commit.sha", "git.commit.id", "git.commit.id.full", "git.commit", "vcs.ref.head.revision"];
/// Children that say how a case ended. Their case is not looked at: a spelling nobody writes must not hide a failure.
const MARKS: [(&str, CaseOutcome); 11] = [
    ("failure", CaseOutcome::Failed),
    ("error", CaseOutcome::Errored),
    ("skipped", CaseOutcome::Skipped),
    ("ignored", CaseOutcome::Skipped),
    ("pending", CaseOutcome::Skipped),
    ("disabled", CaseOutcome::Disabled),
    ("notrun", CaseOutcome::Disabled),
    ("flakyFailure", CaseOutcome::Flaky),
    ("flakyError", CaseOutcome::Flaky),
    ("rerunFailure", CaseOutcome::Flaky),
    ("rerunError", CaseOutcome::Flaky),
];
/// Messages that gotestsum and mypy give to every failure; what failed is in the text.
const SAYS_NOTHING: [&str; 2] = ["Failed", "mypy produced messages"];
/// Commits noted of one report.
const COMMITS: usize = 16;

/// Whether XML of this shape is JUnit's.
pub fn fits(shape: &Shape) -> bool {
    matches!(shape, Shape::Xml { root, .. } if root == "testsuites" || root == "testsuite")
}

/// Reads a report.
///
/// # Errors
/// [`ParseError`]: no well-formed XML, another root than JUnit's, or a bound exceeded.
pub fn parse(reader: &mut dyn BufRead, limits: &Limits) -> Result<Parsed, ParseError> {
    let mut xml = Xml::open(reader, limits)?;
    let mut report = Report::new(limits);
    loop {
        match xml.next()? {
            Event::Open(tag) => {
                if report.open(&tag)? {
                    xml.keep_text();
                }
            }
            Event::Close => report.close(&mut xml),
            Event::End => return Ok(report.finish()),
        }
    }
}

/// An element that is open.
#[derive(Debug)]
enum Element {
    Suite(Suite),
    Case,
    /// A child that says how its case ended; its text may be the message.
    Mark,
    Other,
}

/// What a suite's attributes claim, and what was counted before it began.
#[derive(Debug, Default)]
struct Suite {
    claimed: Marks,
    before: Marks,
    /// What suites inside it claim beyond their cases.
    excess: Marks,
    /// Whether its name is on the path of its cases; the root `testsuites` is on none.
    named: bool,
}

/// Failures and errors: as children of cases, or as attributes claim them.
#[derive(Debug, Clone, Copy, Default)]
struct Marks {
    failures: u64,
    errors: u64,
}

impl Marks {
    fn sum(self) -> u64 {
        self.failures + self.errors
    }
}

/// The case being read. Its texts are kept between cases, so that they need no memory of their own each time.
#[derive(Debug, Default)]
struct Case {
    name: String,
    class: String,
    file: String,
    line: Option<u64>,
    outcome: Option<CaseOutcome>,
    /// The outcome of the mark whose text is being read.
    reading: Option<CaseOutcome>,
    /// The outcome that `message` belongs to.
    message_of: Option<CaseOutcome>,
    message: String,
    todo: bool,
    rerun: bool,
}

struct Report<'l> {
    limits: &'l Limits,
    open: Vec<Element>,
    suites: Vec<String>,
    /// How many cases and marks of suites are open: a case inside a case belongs to the outer one.
    in_case: u32,
    case: Case,
    /// Name and class of the case read last, where it was red.
    last_red: Option<(String, String, CaseOutcome)>,
    tally: Tally<'l>,
    marks: Marks,
    excess: Marks,
    /// `tests` of the root, and the cases as written.
    tests_claimed: Option<u64>,
    tests_written: u64,
    warnings: u64,
    dialect: Dialect,
    commits: Vec<EmbeddedCommit>,
}

impl<'l> Report<'l> {
    fn new(limits: &'l Limits) -> Self {
        Self {
            limits,
            open: Vec::new(),
            suites: Vec::new(),
            in_case: 0,
            case: Case::default(),
            last_red: None,
            tally: Tally::new(limits),
            marks: Marks::default(),
            excess: Marks::default(),
            tests_claimed: None,
            tests_written: 0,
            warnings: 0,
            dialect: Dialect::default(),
            commits: Vec::new(),
        }
    }

    /// Takes a start tag; says whether the text inside is wanted.
    fn open(&mut self, tag: &Tag<'_>) -> Result<bool, ParseError> {
        let root = self.open.is_empty();
        let name = tag.name();
        let element = match name {
            "testsuites" | "testsuite" => {
                if root {
                    self.tests_claimed = tag.count("tests");
                }
                self.dialect.see_suite(tag, root);
                self.suite(tag, name == "testsuite")
            }
            _ if root => {
                return Err(ParseError::Malformed(format!(
                    "its root element is `{}`, not `testsuites` or `testsuite`",
                    sanitize(name, 40)
                )));
            }
            "testcase" if self.in_case == 0 => {
                if self.case(tag) {
                    Element::Case
                } else {
                    Element::Other
                }
            }
            "property" if self.in_case == 0 => {
                self.property(tag);
                Element::Other
            }
            _ => self.mark(tag),
        };
        let wanted = matches!(element, Element::Mark);
        self.open.push(element);
        Ok(wanted)
    }

    fn suite(&mut self, tag: &Tag<'_>, named: bool) -> Element {
        if named {
            self.suites.push(tag.get("name").map_or_else(String::new, |name| sanitize(&name, 300)));
        }
        self.last_red = None;
        let claim = |name| tag.count(name).unwrap_or(0);
        Element::Suite(Suite {
            claimed: Marks { failures: claim("failures"), errors: claim("errors") },
            before: self.marks,
            excess: Marks::default(),
            named,
        })
    }

    /// Takes a case; says whether it is to be counted at its end.
    fn case(&mut self, tag: &Tag<'_>) -> bool {
        fn set(text: &mut String, value: Option<Cow<'_, str>>) {
            text.clear();
            text.push_str(&value.unwrap_or_default());
        }
        self.tests_written += 1;
        self.dialect.see_case(tag);
        let (mut name, mut class, mut short_class, mut file, mut line) = (None, None, None, None, None);
        let mut outcome = None;
        for (attribute, bare, value) in tag.attributes() {
            let place = match attribute {
                "name" => &mut name,
                "classname" => &mut class,
                "class" => &mut short_class,
                "file" => &mut file,
                "line" => &mut line,
                // The worst of all of them counts: a prefix hides nothing.
                "status" | "result" => {
                    outcome = outcome.into_iter().chain(said_by(&value)).min();
                    continue;
                }
                _ => continue,
            };
            // As `Tag::get` has it: one without a prefix counts before any with one.
            if bare || place.is_none() {
                *place = Some(value);
            }
        }
        let class = class.or(short_class);
        if tag.is_empty() && outcome.is_none() {
            // Most cases of a report: their names need not outlive the tag.
            let (name, class) = (name.as_deref().unwrap_or_default(), class.as_deref().unwrap_or_default());
            self.tally.count(CaseName { suites: &self.suites, class, name }, CaseOutcome::Passed);
            self.last_red = None;
            return false;
        }
        self.in_case = 1;
        let case = &mut self.case;
        set(&mut case.name, name);
        set(&mut case.class, class);
        set(&mut case.file, file);
        case.line = line.and_then(|line| as_count(&line));
        case.outcome = outcome;
        case.reading = None;
        case.message_of = None;
        case.message.clear();
        case.todo = false;
        case.rerun = false;
        true
    }

    fn property(&mut self, tag: &Tag<'_>) {
        let Some(name) = tag.get("name") else { return };
        self.dialect.see_property(&name);
        if COMMIT_PROPERTIES.contains(&name.as_ref()) && self.commits.len() < COMMITS {
            let id = tag.get("value").map_or_else(String::new, |value| sanitize(&value, 100));
            let commit = EmbeddedCommit { id, repository: None };
            if !self.commits.contains(&commit) {
                self.commits.push(commit);
            }
        }
    }

    /// Takes a child that says how its case (or, outside of one, its suite) ended.
    fn mark(&mut self, tag: &Tag<'_>) -> Element {
        if tag.name() == "warning" {
            self.warnings += u64::from(self.in_case > 0);
        }
        let named = |(name, _): &&(&str, CaseOutcome)| tag.name().eq_ignore_ascii_case(name);
        let Some((_, outcome)) = MARKS.iter().find(named).copied() else { return Element::Other };
        match outcome {
            CaseOutcome::Errored => self.marks.errors += 1,
            CaseOutcome::Failed => self.marks.failures += 1,
            _ if self.in_case == 0 => return Element::Other,
            CaseOutcome::Flaky => self.case.rerun = true,
            _ => self.case.todo |= tag.get("type").is_some_and(|kind| kind == "todo"),
        }
        if self.in_case == 0 {
            // A failure of the suite itself: counted as a case of no name.
            self.tally.count(CaseName { suites: &self.suites, class: "", name: "" }, outcome);
            self.keep_suite_mark(tag, outcome);
            return Element::Other;
        }
        let case = &mut self.case;
        case.outcome = Some(case.outcome.map_or(outcome, |other| worse(other, outcome)));
        case.reading = None;
        if case.message_of.is_none_or(|other| outcome < other) {
            case.message_of = Some(outcome);
            case.message.clear();
            let message = tag.get("message").unwrap_or_default();
            case.message.push_str(&sanitize(&message, self.limits.text()));
            if case.message.is_empty() || SAYS_NOTHING.contains(&case.message.as_str()) {
                case.reading = Some(outcome);
                return Element::Mark;
            }
        }
        Element::Other
    }

    fn keep_suite_mark(&mut self, tag: &Tag<'_>, outcome: CaseOutcome) {
        let name = CaseName { suites: &self.suites, class: "", name: "" }.shown(self.limits);
        let message = tag.get("message").map(Cow::into_owned);
        self.tally.keep(TestCase { outcome, name, message, file: None, line: None });
    }

    fn close(&mut self, xml: &mut Xml<'_>) {
        match self.open.pop() {
            Some(Element::Suite(suite)) => self.close_suite(&suite),
            Some(Element::Case) => {
                self.in_case = 0;
                self.close_case();
            }
            Some(Element::Mark) => {
                let text = xml.text();
                if self.case.reading.take().is_some() && !text.is_empty() {
                    self.case.message = sanitize(text, self.limits.text());
                }
            }
            Some(Element::Other) | None => {}
        }
    }

    /// Compares what a suite claims with what its cases show, at any depth: dialects count cumulatively,
    /// directly or not at all, so only claims beyond everything inside count, and each only once.
    fn close_suite(&mut self, suite: &Suite) {
        if suite.named {
            self.suites.pop();
        }
        self.last_red = None;
        let shown = Marks {
            failures: self.marks.failures - suite.before.failures,
            errors: self.marks.errors - suite.before.errors,
        };
        let beyond = suite.claimed.sum().saturating_sub(shown.sum());
        let mut excess = suite.excess;
        if beyond > excess.sum() {
            let errors = suite.claimed.errors.saturating_sub(shown.errors).min(beyond);
            excess = Marks { errors, failures: beyond - errors };
        }
        let outer = self.open.iter_mut().rev().find_map(|element| match element {
            Element::Suite(suite) => Some(&mut suite.excess),
            _ => None,
        });
        let outer = outer.unwrap_or(&mut self.excess);
        outer.failures += excess.failures;
        outer.errors += excess.errors;
    }

    fn close_case(&mut self) {
        let outcome = match self.case.outcome.unwrap_or(CaseOutcome::Passed) {
            // node:test writes the failure of a test that is still to be done beside the mark.
            CaseOutcome::Failed | CaseOutcome::Skipped if self.case.todo => CaseOutcome::Todo,
            outcome => outcome,
        };
        let red = matches!(outcome, CaseOutcome::Errored | CaseOutcome::Failed);
        if red && self.is_second_half(outcome) {
            return;
        }
        let case = &self.case;
        self.tally.counts().rerun += u64::from(case.rerun);
        let name = CaseName { suites: &self.suites, class: &case.class, name: &case.name };
        self.tally.count(name, outcome);
        if outcome == CaseOutcome::Passed {
            self.last_red = None;
            return;
        }
        self.tally.keep(TestCase {
            outcome,
            name: name.shown(self.limits),
            message: Some(case.message.clone()),
            file: Some(case.file.clone()),
            line: case.line,
        });
        self.last_red = red.then(|| (case.class.clone(), case.name.clone(), outcome));
    }

    /// Whether this red case is the one before it again: pytest writes a failed call and its failed teardown,
    /// jest-junit the error and the failure of a file that did not load, as two cases of one name.
    fn is_second_half(&mut self, outcome: CaseOutcome) -> bool {
        let Some((class, name, before)) = &mut self.last_red else { return false };
        if *class != self.case.class || *name != self.case.name || *before == outcome {
            return false;
        }
        if *before == CaseOutcome::Failed {
            *before = outcome;
            self.tally.worsen_last();
        }
        true
    }

    fn finish(self) -> Parsed {
        let report = self.tally.finish(self.excess.failures, self.excess.errors);
        let mut notes = self.dialect.notes();
        if self.tests_claimed.is_some_and(|claimed| claimed != self.tests_written) {
            notes.push(format!(
                "the root's `tests` attribute says {}, the report has {}",
                self.tests_claimed.unwrap_or(0),
                count(self.tests_written, "case")
            ));
        }
        if report.claimed_only > 0 {
            notes.push(format!(
                "attributes claim {} more failures or errors than the cases show",
                report.claimed_only
            ));
        }
        if self.warnings > 0 {
            notes.push(format!("{} with a warning", count(self.warnings, "case")));
        }
        let red = report.counts.failed + report.counts.errored > 0;
        let substance = match self.dialect.unproven() {
            Some(words) if !red => Substance::Unproven(words),
            _ => report.counts.substance(),
        };
        Parsed {
            tool: self.dialect.tool(),
            substance,
            commits: self.commits,
            notes,
            ..Parsed::new(Content::Tests(report))
        }
    }
}

/// The outcome of a case that has children for both: error, failure, skipped, flaky, in this order.
fn worse(a: CaseOutcome, b: CaseOutcome) -> CaseOutcome {
    match (a, b) {
        (CaseOutcome::Flaky, other) | (other, CaseOutcome::Flaky) if !other.ran() => other,
        _ => a.min(b),
    }
}

/// What a case's own `status` or `result` says, where a dialect has no child for it: gtest's `status="notrun"`,
/// `result="skipped"`, Bazel's and others' `status="failed"`. Success is said by nothing.
fn said_by(word: &str) -> Option<CaseOutcome> {
    match word.to_ascii_lowercase().as_str() {
        "error" | "errored" | "broken" => Some(CaseOutcome::Errored),
        "failed" | "failure" | "fail" => Some(CaseOutcome::Failed),
        "skipped" | "skip" | "ignored" | "pending" => Some(CaseOutcome::Skipped),
        "notrun" | "disabled" | "suppressed" => Some(CaseOutcome::Disabled),
        _ => None,
    }
}
