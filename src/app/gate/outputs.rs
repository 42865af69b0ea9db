//! What `gate` leaves behind: report, packet and summary on disk, the result on standard output, the exit code.

use std::path::Path;

use crate::app::judge::limits;
use crate::app::{Ended, OutputForm};
use crate::error::{EXIT_CONTEXT, EXIT_OUTPUT, Failure};
use crate::model::{Timestamp, Verdict};
use crate::repair::RepairPacket;
use crate::report::{self, GateReport, TargetFacts};
use crate::{output, sink, verdict};

/// The master document.
pub const REPORT_FILE: &str = "gate_report.json";
/// The repair packet.
pub const PACKET_FILE: &str = "repair_instruction.json";
/// The summary.
pub const SUMMARY_FILE: &str = "summary.md";

/// A judgement that came to a verdict.
pub struct Decided {
    pub report: GateReport,
    pub packet: RepairPacket,
    /// Outputs beside these that failed.
    pub problems: Vec<String>,
}

/// A failure before any verdict (exit 4).
pub fn no_verdict(cause: impl std::fmt::Display) -> Failure {
    Failure::new(EXIT_CONTEXT, "no verdict was produced").caused_by(cause)
}

/// Writes, prints, and gives the exit code.
///
/// # Errors
/// The failure that kept a verdict from being reached, after the report and the summary that say so were written.
pub fn conclude(
    out: &Path,
    form: OutputForm,
    facts: &TargetFacts,
    now: Timestamp,
    decided: Result<Decided, Failure>,
) -> Ended {
    match decided {
        Ok(decided) => {
            let mut problems = write(out, &decided.report, Some(&decided.packet));
            problems.extend(decided.problems);
            problems.extend(print(form, &decided.report, Some(&decided.packet)));
            Ok(exit_code(&decided.report, &problems))
        }
        Err(failure) => {
            give_up(out, form, facts, now, &failure);
            Err(failure)
        }
    }
}

/// Writes the report and the summary of a run that reached no verdict.
pub fn give_up(out: &Path, form: OutputForm, facts: &TargetFacts, now: Timestamp, failure: &Failure) {
    let report = report::without_verdict(facts, None, now, failure.to_report(), &limits());
    let mut problems = write(out, &report, None);
    if form == OutputForm::Json {
        problems.extend(print(form, &report, None));
    }
    complain(&problems);
}

/// The exit code of a verdict; a `pass` whose outputs failed is none.
pub fn exit_code(report: &GateReport, problems: &[String]) -> u8 {
    complain(problems);
    match report.verdict.unwrap_or(Verdict::Unmeasured) {
        Verdict::Pass if !problems.is_empty() => EXIT_OUTPUT,
        other => verdict::exit_code(other),
    }
}

fn complain(problems: &[String]) {
    for problem in problems {
        sink::say(&format!("error: {problem}"));
    }
}

/// Prints the result; says where that failed.
pub fn print(form: OutputForm, report: &GateReport, packet: Option<&RepairPacket>) -> Option<String> {
    let result = match form {
        OutputForm::Text => output::text(report, packet),
        OutputForm::Json => output::json(report),
    };
    sink::print(&result).err().map(|error| format!("the result could not be printed: {error}"))
}

/// Writes every output that can be written, and says which could not.
pub fn write(out: &Path, report: &GateReport, packet: Option<&RepairPacket>) -> Vec<String> {
    let mut problems = Vec::new();
    let mut keep = |name: &str, result: std::io::Result<()>| {
        if let Err(error) = result {
            problems.push(format!("`{}` could not be written: {error}", out.join(name).display()));
        }
    };
    // What an earlier run left must not be taken for a part of this one, wherever this one is broken off.
    for name in [REPORT_FILE, PACKET_FILE, SUMMARY_FILE] {
        keep(name, sink::remove_file(&out.join(name)));
    }
    keep(REPORT_FILE, sink::write_file(&out.join(REPORT_FILE), output::json(report).as_bytes()));
    if let Some(packet) = packet {
        keep(PACKET_FILE, sink::write_file(&out.join(PACKET_FILE), output::json(packet).as_bytes()));
    }
    let summary = output::markdown(report, packet);
    keep(SUMMARY_FILE, sink::write_file(&out.join(SUMMARY_FILE), summary.as_bytes()));
    problems
}
