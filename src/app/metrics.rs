//! `patchwarden metrics`: rolling rates from event logs or a forge, and the crossings of their thresholds.

use std::fs::{self, File};
use std::io::{BufReader, Cursor};
use std::path::{Path, PathBuf};

use crate::error::{EXIT_CONTEXT, EXIT_OUTPUT, Failure};
use crate::metrics::{
    AtOnce, CrossingEvent, Log, LogFile, Rolling, markdown, openmetrics, read_log, svg_file, text,
};
use crate::model::{Span, Timestamp};
use crate::sink;

use super::forge_access::{Access, ForgeChoice};
use super::merged_rows::merged_rows;
use super::parse_threads::ParseThreads;
use super::{Ended, clock, give};

/// The settings of `metrics`.
#[derive(Debug)]
pub struct Request {
    /// Files, or folders of them.
    pub logs: Vec<PathBuf>,
    /// Repositories whose merged pull requests are read as a log.
    pub from_forge: Option<FromForge>,
    /// The work item whose merge ends the pinned windows.
    pub pin: Option<String>,
    pub form: Form,
    /// A folder that the document, the summary and the picture are written to beside what is printed.
    pub out: Option<PathBuf>,
}

/// Which merged pull requests make the log.
#[derive(Debug)]
pub struct FromForge {
    pub forge: ForgeChoice,
    /// How far back they were merged.
    pub window: Span,
    pub now: Option<Timestamp>,
}

/// The form of what goes to standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Text,
    Json,
    OpenMetrics,
    /// A summary for people, for an issue or a comment.
    Markdown,
    Svg,
    /// The crossings that the log does not carry yet, as rows to append to it.
    Events,
}

/// Reads the logs and prints the rates.
///
/// # Errors
/// Exit 2 where a file cannot be read, or a folder has no log, exit 4 where the forge did not list what was merged,
/// exit 5 where the result could not be written.
pub fn run(request: &Request) -> Ended {
    let mut files = open(&request.logs)?;
    if let Some(from) = &request.from_forge {
        files.extend(of_forge(from)?);
    }
    if files.is_empty() {
        return Err(Failure::usage("no rate was computed")
            .caused_by("neither a log nor a forge was named")
            .hint("name an event log, or `--from-forge`"));
    }
    let rolling = roll_files(files, request.pin.as_deref())?;
    let report = rolling.report();
    if let Some(folder) = &request.out {
        let files = [
            ("metrics.json", crate::output::json(&report)),
            ("rates.md", markdown(&report, Some(PICTURE))),
            (PICTURE, svg_file(&report)),
        ];
        for (name, content) in files {
            write(&folder.join(name), &content)?;
        }
    }
    give(&match request.form {
        Form::Text => text(&report),
        Form::Json => crate::output::json(&report),
        Form::OpenMetrics => openmetrics(&report),
        Form::Markdown => markdown(&report, None),
        Form::Svg => svg_file(&report),
        Form::Events => events(&rolling),
    })?;
    Ok(0)
}

/// The picture's file. Forgejo shows no SVG inside Markdown, so it lies beside the summary.
const PICTURE: &str = "rates.svg";

fn write(path: &Path, content: &str) -> Result<(), Failure> {
    sink::write_file(path, content.as_bytes()).map_err(|error| {
        Failure::new(EXIT_OUTPUT, format!("`{}` could not be written", path.display())).caused_by(error)
    })
}

/// Reads these logs as one.
///
/// # Errors
/// Exit 2 where a file cannot be read, or a folder has no log.
pub fn roll(logs: &[PathBuf]) -> Result<Rolling, Failure> {
    roll_files(open(logs)?, None)
}

fn open(logs: &[PathBuf]) -> Result<Vec<LogFile>, Failure> {
    let mut files = Vec::new();
    for path in expand(logs)? {
        let file = File::open(&path).map_err(|error| unreadable(&path).caused_by(error))?;
        let reader = Box::new(BufReader::with_capacity(1 << 16, file));
        files.push(LogFile { name: path.display().to_string(), reader });
    }
    Ok(files)
}

fn roll_files(files: Vec<LogFile>, pin: Option<&str>) -> Result<Rolling, Failure> {
    let names: Vec<String> = files.iter().map(|file| file.name.clone()).collect();
    let failed = |(index, error): (usize, std::io::Error)| {
        unreadable(Path::new(names.get(index).map_or("", String::as_str))).caused_by(error)
    };
    open_log(files).and_then(|log| read_log(log, pin)).map_err(failed)
}

/// A single file is read by threads, where there is more than one processor; many are small, and are read in turn.
fn open_log(files: Vec<LogFile>) -> Result<Log, (usize, std::io::Error)> {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    if files.len() > 1 || processors == 1 {
        return Log::open(files);
    }
    Log::open_with(files, |keys| match ParseThreads::start(processors.min(MOST_THREADS), keys) {
        Some(threads) => Box::new(threads),
        None => Box::new(AtOnce::new(keys.clone())),
    })
}

/// More readers than this wait for the one that folds.
const MOST_THREADS: usize = 4;

/// The merged pull requests of each repository as a log of its own.
fn of_forge(from: &FromForge) -> Result<Vec<LogFile>, Failure> {
    let access = Access::open(&from.forge)?;
    let window = i64::try_from(from.window.seconds()).unwrap_or(i64::MAX);
    let since = Timestamp::from_unix(clock(from.now).unix().saturating_sub(window));
    let mut files = Vec::new();
    for repo in access.repos() {
        let (rows, not_seen) = merged_rows(repo, since).map_err(|error| {
            let unseen = error.is_not_found();
            let failure = Failure::new(EXIT_CONTEXT, "no rate was computed")
                .caused_by(format!("the merged pull requests of `{}` could not be listed", repo.slug()))
                .caused_by(error);
            let hint = "a repository that is not public wants a token in `PATCHWARDEN_TOKEN`";
            if unseen { failure.hint(hint) } else { failure }
        })?;
        for one in not_seen {
            sink::say(&format!("not seen: {one}"));
        }
        let reader = Box::new(Cursor::new(rows.into_bytes()));
        files.push(LogFile { name: format!("forge:{}", repo.slug()), reader });
    }
    Ok(files)
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
