//! `patchwarden status`: the operator's status from what lies on this machine, and with `--live` from the forge.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{EXIT_OUTPUT, EXIT_USAGE, Failure};
use crate::feedback::FeedbackIntake;
use crate::ledger::DEFAULT_PATH;
use crate::model::{Span, Timestamp};
use crate::repair::RepairPacket;
use crate::report::GateReport;
use crate::sink;
use crate::status::{FollowUp, Inputs, Live, NotSeen, OperatorStatus, Seen, build, live_page, page, text};

use super::forge_access::{Access, ForgeChoice};
use super::gate::pause_for_tests;
use super::in_run::variables;
use super::live::Snapshot;
use super::{Ended, clock, gaps, give, metrics, read_named, watch};

/// The settings of `status`.
#[derive(Debug)]
pub struct Request {
    /// The gap ledger; without one `docs/gaps.toml` where it is there.
    pub ledger: Option<PathBuf>,
    /// Folders a gate wrote its results to, or single reports.
    pub results: Vec<PathBuf>,
    /// Event logs, or folders of them.
    pub logs: Vec<PathBuf>,
    /// Documents of `audit`.
    pub audits: Vec<PathBuf>,
    /// A document of `feedback-intake-check`.
    pub feedback: Option<PathBuf>,
    /// The time it is about; without one the ledger's latest day, so that nothing changes by itself, and live the clock.
    pub now: Option<Timestamp>,
    pub form: Form,
    /// Where it is written instead of to standard output.
    pub out: Option<PathBuf>,
    /// Whether and how the forge is asked.
    pub live: Option<LiveRequest>,
}

/// How the forge is asked.
#[derive(Debug)]
pub struct LiveRequest {
    pub forge: ForgeChoice,
    /// A loopback address the page is served on.
    pub watch: Option<String>,
    /// How often it is read again while it is served.
    pub every: Span,
    /// How far back merged pull requests are audited; without one they are not.
    pub audit_since: Option<Span>,
}

/// The form of the status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Text,
    Json,
    Html,
}

/// The shortest time between two readings of a forge.
const SHORTEST: u64 = 10;

/// Reads what there is and renders it.
///
/// # Errors
/// Exit 2 where a named file is not there or is something else, exit 3 where the ledger has problems, exit 4 where
/// the forge is not known, exit 5 where the result could not be written.
pub fn run(request: &Request) -> Ended {
    match &request.live {
        None => {
            let status = read(request, None)?;
            give_or_write(request, &render(request.form, &status, None))?;
        }
        Some(live) if live.watch.is_some() => return watch_forge(request, live),
        Some(live) => {
            let (status, page) = read_live(request, live, &mut BTreeMap::new())?;
            give_or_write(request, &render(request.form, &status, Some(&page)))?;
        }
    }
    Ok(0)
}

fn render(form: Form, status: &OperatorStatus, live: Option<&Live>) -> String {
    match (form, live) {
        (Form::Text, _) => text(status),
        (Form::Json, _) => crate::output::json(status),
        (Form::Html, None) => page(status),
        (Form::Html, Some(live)) => live_page(status, live),
    }
}

fn give_or_write(request: &Request, rendered: &str) -> Result<(), Failure> {
    match &request.out {
        None => give(rendered),
        Some(path) => sink::write_file(path, rendered.as_bytes()).map_err(|error| {
            Failure::new(EXIT_OUTPUT, format!("`{}` could not be written", path.display())).caused_by(error)
        }),
    }
}

/// What lies on this machine, with what was seen of the forge beside it.
fn read(request: &Request, snapshot: Option<(Snapshot, Timestamp)>) -> Result<OperatorStatus, Failure> {
    let default = Path::new(DEFAULT_PATH);
    let ledger = match &request.ledger {
        Some(path) => Some(gaps::load(path)?),
        None if default.exists() => Some(gaps::load(default)?),
        None => None,
    };
    let (snapshot, now) = match snapshot {
        Some((snapshot, now)) => (snapshot, Some(now)),
        None => (Snapshot::default(), request.now),
    };
    let mut not_seen = Vec::new();
    let mut seen = snapshot.seen;
    for path in &request.results {
        seen.push(result(path, &mut not_seen)?);
    }
    not_seen.extend(snapshot.not_seen);
    let mut audits = snapshot.audits;
    for path in &request.audits {
        audits.push(read_document(path, "an audit")?);
    }
    let metrics = match request.logs.as_slice() {
        [] => None,
        logs => Some(metrics::roll(logs)?.report()),
    };
    Ok(build(Inputs {
        as_of: now.map(|now| now.to_string()),
        ledger: ledger.as_ref(),
        seen: &seen,
        metrics,
        audits,
        follow_ups: request.feedback.as_deref().map(follow_ups).transpose()?.unwrap_or_default(),
        observations: snapshot.observations,
        artifacts: snapshot.artifacts,
        not_seen,
    }))
}

/// Asks the forge. `last_read` is when each thing could be read for the last time, and is kept up to date.
fn read_live(
    request: &Request,
    live: &LiveRequest,
    last_read: &mut BTreeMap<String, Timestamp>,
) -> Result<(OperatorStatus, Live), Failure> {
    let access = Access::open(&live.forge)?;
    let now = clock(request.now);
    let mut snapshot = Snapshot::default();
    for repo in access.repos() {
        snapshot.add(repo, now);
        if let Some(reach) = live.audit_since {
            snapshot.audit(repo, reach, now);
        }
    }
    last_read.extend(snapshot.read.drain(..).map(|what| (what, now)));
    for one in &mut snapshot.not_seen {
        if one.last_seen.is_none() {
            *one = one.clone().last_seen(last_read.get(&one.what).copied(), now);
        }
    }
    let refresh = live.watch.as_ref().map(|_| live.every.seconds());
    let page = Live { server: access.server.as_str().to_owned(), refresh };
    Ok((read(request, Some((snapshot, now)))?, page))
}

/// Serves the live page, and reads the forge again at the interval.
fn watch_forge(request: &Request, live: &LiveRequest) -> Ended {
    if live.every.seconds() < SHORTEST {
        return Err(Failure::usage(format!("`--every {}` is too often", live.every))
            .hint(format!("a forge is asked again after {SHORTEST}s at the earliest")));
    }
    let listener = watch::listen(live.watch.as_deref().unwrap_or_default())?;
    let shown = watch::Shown::default();
    let mut last_read = BTreeMap::new();
    let (status, page) = read_live(request, live, &mut last_read)?;
    shown.replace(live_page(&status, &page));
    if let Ok(address) = listener.local_addr() {
        sink::say(&format!("serving http://{address}/ read-only, asking again every {}", live.every));
    }
    let pause = pause_for_tests(&variables()).unwrap_or(Duration::from_secs(live.every.seconds()));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            loop {
                std::thread::sleep(pause);
                match read_live(request, live, &mut last_read) {
                    Ok((status, page)) => shown.replace(live_page(&status, &page)),
                    // The page goes on showing when it was read.
                    Err(failure) => failure.print(),
                }
            }
        });
        watch::serve(listener, &shown).map(|never| match never {})
    })
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
        let why = "there is no `repair_instruction.json` beside the report";
        not_seen.push(NotSeen::new(format!("the repair packet of {name}"), why));
        None
    };
    Ok(Seen { name, report, packet })
}

/// The candidates of an intake as follow-ups.
fn follow_ups(path: &Path) -> Result<Vec<FollowUp>, Failure> {
    let intake: FeedbackIntake = read_document(path, "a feedback intake")?;
    let follow_up = |one: crate::feedback::Candidate| FollowUp {
        title: one.title,
        why: one.why,
        dedupe_key: one.dedupe_key.as_str().to_owned(),
    };
    Ok(intake.candidates.into_iter().map(follow_up).collect())
}

fn read_document<T: for<'de> serde::Deserialize<'de>>(path: &Path, what: &str) -> Result<T, Failure> {
    let bytes = read_named(path, what, EXIT_USAGE)?;
    crate::evidence::document::from_slice(&bytes)
        .map_err(|error| Failure::usage(format!("`{}` is not {what}", path.display())).caused_by(error))
}
