//! `patchwarden explain`: what a code means; why a gate of a report decided as it did.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::error::Failure;
use crate::model::{Code, sanitize};
use crate::output;
use crate::policy::nearest;
use crate::report::GateReport;

use super::{Ended, OutputForm, give, read_named};

/// The settings of `explain`.
#[derive(Debug)]
pub enum Request {
    /// A code.
    Code { code: String, form: OutputForm },
    /// A gate of a report.
    Gate { report: PathBuf, gate: String, form: OutputForm },
}

/// Explains.
///
/// # Errors
/// Exit 2 where the code or gate is not known, or the report is none of ours.
pub fn run(request: &Request) -> Ended {
    match request {
        Request::Code { code, form } => {
            let found = Code::from_name(code).ok_or_else(|| unknown_code(code))?;
            give(&match form {
                OutputForm::Text => code_text(found),
                OutputForm::Json => output::json(&crate::contracts::CodeDocument::of(found)),
            })?;
        }
        Request::Gate { report, gate, form } => {
            let bytes = read_named(report, "the report", crate::error::EXIT_USAGE)?;
            let parsed: GateReport = crate::evidence::document::from_slice(&bytes).map_err(|error| {
                Failure::usage(format!("`{}` is not a gate report", report.display())).caused_by(error)
            })?;
            let section =
                parsed.gates.iter().find(|section| section.id.as_str() == gate).ok_or_else(|| {
                    let ids: Vec<&str> = parsed.gates.iter().map(|section| section.id.as_str()).collect();
                    Failure::usage(format!("the report has no gate `{}`", sanitize(gate, 60)))
                        .hint(format!("it has {}", crate::model::cut_list(&ids, 20)))
                })?;
            give(&match form {
                OutputForm::Text => output::explain_gate(&parsed, section),
                OutputForm::Json => output::json(section),
            })?;
        }
    }
    Ok(0)
}

fn unknown_code(code: &str) -> Failure {
    let failure = Failure::usage(format!("`{}` is no code", sanitize(code, 60)));
    match nearest(code, Code::ALL.iter().map(|code| code.as_str())) {
        Some(name) => failure.hint(format!("did you mean `{name}`?")),
        None => failure.hint("`docs/reference/codes.md` lists them all"),
    }
}

fn code_text(code: Code) -> String {
    let info = code.info();
    let mut out = String::new();
    let _ = writeln!(out, "{}: {}", info.name, info.meaning);
    let _ = writeln!(out, "  outcome: {}", info.outcome.as_str());
    let _ = writeln!(out, "  owner:   {}", info.owner.as_str());
    let _ = writeln!(out, "  action:  {}: {}", info.action.as_str(), info.remedy);
    let waivable = if code.waivable() { "a policy may waive it" } else { "it cannot be waived" };
    let _ = writeln!(out, "  waiver:  {waivable}");
    out
}
