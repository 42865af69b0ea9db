//! `patchwarden status`: the operator's status from what lies on this machine: ledger, results, event logs.

use std::path::{Path, PathBuf};

use crate::error::{EXIT_OUTPUT, EXIT_USAGE, Failure};
use crate::ledger::DEFAULT_PATH;
use crate::model::Timestamp;
use crate::repair::RepairPacket;
use crate::report::GateReport;
use crate::sink;
use crate::status::{Inputs, NotSeen, Seen, build, page, text};

use super::{Ended, gaps, give, metrics, read_named};

/// The settings of `status`.
#[derive(Debug)]
pub struct Request {
    /// The gap ledger; without one `docs/gaps.toml` where it is there.
    pub ledger: Option<PathBuf>,
    /// Folders a gate wrote its results to, or single reports.
    pub results: Vec<PathBuf>,
    /// Event logs, or folders of them.
    pub logs: Vec<PathBuf>,
    /// The time it is about; without one the ledger's latest day, so that nothing changes by itself.
    pub now: Option<Timestamp>,
    pub form: Form,
    /// Where it is written instead of to standard output.
    pub out: Option<PathBuf>,
}

/// The form of the status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Text,
    Json,
    Html,
}

/// Reads what there is and renders it.
///
/// # Errors
/// Exit 2 where a named file is not there or is something else, exit 3 where the ledger has problems, exit 5 where
/// the result could not be written.
pub fn run(request: &Request) -> Ended {
    let default = Path::new(DEFAULT_PATH);
    let ledger = match &request.ledger {
        Some(path) => Some(gaps::load(path)?),
        None if default.exists() => Some(gaps::load(default)?),
        None => None,
    };
    let mut not_seen = Vec::new();
    let seen = request
        .results
        .iter()
        .map(|path| result(path, &mut not_seen))
        .collect::<Result<Vec<Seen>, Failure>>()?;
    let metrics = match request.logs.as_slice() {
        [] => None,
        logs => Some(metrics::roll(logs, None)?.report()),
    };
    let status = build(Inputs {
        as_of: request.now.map(|now| now.to_string()),
        ledger: ledger.as_ref(),
        seen: &seen,
        metrics,
        follow_ups: Vec::new(),
        not_seen,
    });
    let rendered = match request.form {
        Form::Text => text(&status),
        Form::Json => crate::output::json(&status),
        Form::Html => page(&status),
    };
    match &request.out {
        None => give(&rendered)?,
        Some(path) => sink::write_file(path, rendered.as_bytes()).map_err(|error| {
            Failure::new(EXIT_OUTPUT, format!("`{}` could not be written", path.display())).caused_by(error)
        })?,
    }
    Ok(0)
}

/// The results of one judgement: a folder as `gate --out` writes it, or a report alone.
fn result(path: &Path, not_seen: &mut Vec<NotSeen>) -> Result<Seen, Failure> {
    let folder = path.is_dir();
    let report_path = if folder { path.join("gate_report.json") } else { path.to_path_buf() };
    let report: GateReport = read_document(&report_path, "a gate report")?;
    let packet_path = path.join("repair_instruction.json");
    let name = path.display().to_string();
    let packet = if folder && packet_path.exists() {
        Some(read_document::<RepairPacket>(&packet_path, "a repair packet")?)
    } else {
        let why = "there is no `repair_instruction.json` beside the report".to_owned();
        not_seen.push(NotSeen { what: format!("the repair packet of {name}"), why });
        None
    };
    Ok(Seen { name, report, packet })
}

fn read_document<T: for<'de> serde::Deserialize<'de>>(path: &Path, what: &str) -> Result<T, Failure> {
    let bytes = read_named(path, what, EXIT_USAGE)?;
    crate::evidence::document::from_slice(&bytes)
        .map_err(|error| Failure::usage(format!("`{}` is not {what}", path.display())).caused_by(error))
}
