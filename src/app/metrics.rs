//! `patchwarden metrics`: rolling rates from event logs, and the crossings of their thresholds.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use crate::error::Failure;
use crate::metrics::{CrossingEvent, Log, LogFile, Rolling, openmetrics, read_log, svg_file, text};

use super::{Ended, give};

/// The settings of `metrics`.
#[derive(Debug)]
pub struct Request {
    /// Files, or folders of them.
    pub logs: Vec<PathBuf>,
    /// The work item whose merge ends the pinned windows.
    pub pin: Option<String>,
    pub form: Form,
}

/// The form of what goes to standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Text,
    Json,
    OpenMetrics,
    Svg,
    /// The crossings that the log does not carry yet, as rows to append to it.
    Events,
}

/// Reads the logs and prints the rates.
///
/// # Errors
/// Exit 2 where a file cannot be read, or a folder has no log.
pub fn run(request: &Request) -> Ended {
    let rolling = roll(&request.logs, request.pin.as_deref())?;
    match request.form {
        Form::Text => give(&text(&rolling.report()))?,
        Form::Json => give(&crate::output::json(&rolling.report()))?,
        Form::OpenMetrics => give(&openmetrics(&rolling.report()))?,
        Form::Svg => give(&svg_file(&rolling.report()))?,
        Form::Events => give(&events(&rolling))?,
    }
    Ok(0)
}

/// Reads these logs as one.
///
/// # Errors
/// Exit 2 where a file cannot be read, or a folder has no log.
pub fn roll(logs: &[PathBuf], pin: Option<&str>) -> Result<Rolling, Failure> {
    let paths = expand(logs)?;
    let mut files = Vec::new();
    for path in &paths {
        let file = File::open(path).map_err(|error| unreadable(path).caused_by(error))?;
        let reader = Box::new(BufReader::with_capacity(1 << 16, file));
        files.push(LogFile { name: path.display().to_string(), reader });
    }
    let failed = |(index, error): (usize, std::io::Error)| {
        let path = paths.get(index).map_or(Path::new(""), PathBuf::as_path);
        unreadable(path).caused_by(error)
    };
    Log::open(files).and_then(|log| read_log(log, pin)).map_err(failed)
}

/// Folders become the logs in them, by name: `*.ndjson` and `*.jsonl`.
fn expand(logs: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut paths = Vec::new();
    for log in logs {
        if !log.is_dir() {
            paths.push(log.clone());
            continue;
        }
        let entries = fs::read_dir(log).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let entries = entries.map_err(|error| unreadable(log).caused_by(error))?;
        let mut found: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
        found.retain(|path| {
            path.is_file() && path.extension().is_some_and(|end| end == "ndjson" || end == "jsonl")
        });
        if found.is_empty() {
            return Err(Failure::usage("no rate was computed")
                .caused_by(format!("the folder `{}` has no `.ndjson` or `.jsonl` file", log.display())));
        }
        found.sort();
        paths.extend(found);
    }
    Ok(paths)
}

fn unreadable(path: &Path) -> Failure {
    Failure::usage("no rate was computed")
        .caused_by(format!("the event log `{}` could not be read", path.display()))
}

fn events(rolling: &Rolling) -> String {
    let mut out = String::new();
    for crossing in rolling.unrecorded() {
        out.push_str(&crate::output::json_line(&CrossingEvent::from(crossing)));
    }
    out
}
