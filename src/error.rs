//! The one place where failures become text and exit codes (DESIGN sections 3 and 8).
//! Verdicts have theirs in `verdict.rs`.

use std::fmt::Write as _;
use std::io::Write as _;

use crate::policy::Problem;
use crate::report::ReportError;

/// An unexpected failure: a bug.
pub const EXIT_BUG: u8 = 1;
/// Command-line usage.
pub const EXIT_USAGE: u8 = 2;
/// The policy is invalid or unreadable.
pub const EXIT_POLICY: u8 = 3;
/// The context could not be established: no event, no head, heads disagree.
pub const EXIT_CONTEXT: u8 = 4;
/// The verdict was `pass` but an output could not be written.
pub const EXIT_OUTPUT: u8 = 5;

/// From here on a panic, on whichever thread, is said and ends the process with [`EXIT_BUG`]. Without this a released
/// build, which is aborted by a panic, would end by a signal, and a thread's panic could wait for others to end.
pub fn end_on_panic() {
    let with_backtrace = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if cfg!(panic = "unwind") {
            with_backtrace(panic);
        } else {
            // A released build has no tables to look back by (scripts/build-static): the attempt would abort it.
            crate::sink::say(&panic.to_string());
        }
        crate::sink::say("error: an unexpected failure: this is a bug, and what it left is no result");
        #[expect(clippy::exit, reason = "there is nowhere to return to")]
        std::process::exit(i32::from(EXIT_BUG));
    }));
}

/// What a verb that failed has to say. Lines follow DESIGN section 8: lower case, no full stop, names in backticks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub exit_code: u8,
    /// What did not happen.
    pub what: String,
    /// Why, the outermost first.
    pub causes: Vec<String>,
    /// Single problems, such as those of a policy, with their lines.
    pub details: Vec<String>,
    /// A command or a path the reader can use.
    pub hints: Vec<String>,
}

impl Failure {
    /// A failure of this exit code.
    pub fn new(exit_code: u8, what: impl Into<String>) -> Self {
        Self { exit_code, what: what.into(), causes: Vec::new(), details: Vec::new(), hints: Vec::new() }
    }

    /// Command-line usage.
    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(EXIT_USAGE, what)
    }

    /// Adds why.
    #[must_use]
    pub fn caused_by(mut self, cause: impl std::fmt::Display) -> Self {
        self.causes.push(cause.to_string());
        self
    }

    /// Adds what would help.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// A policy with problems; `name` is what the reader knows it by.
    pub fn policy(what: impl Into<String>, name: &str, problems: Vec<Problem>) -> Self {
        Self::problems(what, name, problems)
            .hint("see docs/reference/policy.md, or run `patchwarden policy check FILE`")
    }

    /// A file that people write, with problems.
    pub fn problems(what: impl Into<String>, name: &str, mut problems: Vec<Problem>) -> Self {
        problems.sort();
        problems.dedup();
        let number = crate::model::count(problems.len() as u64, "problem");
        let mut failure = Self::new(EXIT_POLICY, what).caused_by(format!("`{name}` has {number}"));
        for problem in &problems {
            failure.details.push(match &problem.hint {
                Some(hint) => format!("{problem} ({hint})"),
                None => problem.to_string(),
            });
        }
        failure
    }

    /// As text for people.
    pub fn render(&self) -> String {
        let mut out = format!("error: {}\n", self.what);
        for cause in &self.causes {
            let _ = writeln!(out, "  caused by: {cause}");
        }
        for detail in &self.details {
            let _ = writeln!(out, "  {detail}");
        }
        for hint in &self.hints {
            let _ = writeln!(out, "hint: {hint}");
        }
        out
    }

    /// As the error of a report without a verdict.
    pub fn to_report(&self) -> ReportError {
        let mut lines = vec![self.what.clone()];
        lines.extend(self.causes.iter().cloned());
        lines.extend(self.details.iter().cloned());
        ReportError { exit_code: self.exit_code, lines, hints: self.hints.clone() }
    }

    /// Prints it to standard error. A closed standard error changes nothing.
    pub fn print(&self) {
        let _ = std::io::stderr().lock().write_all(self.render().as_bytes());
    }
}
