//! Every claim a manifest makes, held against the files and the head: the checks and their order are DESIGN section 6.

use crate::model::{Code, RelPath, sanitize};

use super::content::Content;
use super::demand::Demand;
use super::exit_codes::{self, ExitCodes, Meaning};
use super::manifest::{Manifest, ManifestEntry, ReportState};
use super::read::{ArtifactContents, FileFacts};
use super::state::{Fault, Target};

/// A report that is not there, with what the manifest says about why.
pub(super) fn no_file(demand: &Demand, manifest: Option<&Manifest>, why: &str) -> Fault {
    let entry = manifest.and_then(|manifest| manifest.by_id(&demand.id));
    match entry {
        Some(entry) if entry.report == ReportState::Unchanged => Fault::new(
            Code::EvidenceStale,
            format!("the command left the report as an earlier run had written it ({})", ended(entry)),
        ),
        Some(entry) if entry.report == ReportState::NotWritten => Fault::new(
            Code::EvidenceMissing,
            format!("the command did not write the report ({})", ended(entry)),
        ),
        _ => Fault::new(Code::EvidenceMissing, why),
    }
}

/// How a recorded command ended, for people.
fn ended(entry: &ManifestEntry) -> String {
    match entry.signal {
        _ if entry.timed_out => "it was ended for taking too long".to_owned(),
        Some(signal) => format!("it was ended by signal {signal}"),
        None => format!("it exited {}", entry.exit_code),
    }
}

/// What is wrong with the manifest as a whole; every claim it makes about a file is checked.
pub(super) fn manifest_faults(
    manifest: &Manifest,
    contents: &ArtifactContents,
    target: &Target,
) -> Vec<Fault> {
    let mut faults = Vec::new();
    if manifest.target_sha != target.head {
        faults.push(Fault::new(
            Code::EvidenceWrongHead,
            format!("the manifest is for {}, not for {}", manifest.target_sha, target.head),
        ));
    }
    if let (Some(claimed), Some(repo)) = (&manifest.repo, &target.repo)
        && claimed != repo
    {
        faults.push(Fault::new(
            Code::EvidenceWrongRepo,
            format!("the manifest is for repository `{claimed}`, this is `{repo}`"),
        ));
    }
    if let (Some(claimed), Some(pull)) = (manifest.pull_request, target.pull_request)
        && claimed != pull
    {
        faults.push(Fault::new(
            Code::EvidenceWrongRepo,
            format!("the manifest is for pull request {claimed}, this is {pull}"),
        ));
    }
    for entry in &manifest.evidence {
        faults.extend(listed_file_fault(entry, contents.files.get(&entry.path)));
    }
    faults
}

/// What is wrong with one file the manifest lists as written.
fn listed_file_fault(entry: &ManifestEntry, facts: Option<&FileFacts>) -> Option<Fault> {
    if entry.report != ReportState::Written {
        return None;
    }
    let path = sanitize(entry.path.as_str(), 120);
    let Some(facts) = facts else {
        return Some(Fault::new(
            Code::EvidenceHashMismatch,
            format!("the manifest lists `{path}`, which is not in the artifact"),
        ));
    };
    if entry.bytes != Some(facts.bytes) {
        let claimed = entry.bytes.map_or_else(|| "no size".to_owned(), |bytes| format!("{bytes} bytes"));
        return Some(Fault::new(
            Code::EvidenceHashMismatch,
            format!("the manifest names {claimed} for `{path}`, it has {}", facts.bytes),
        ));
    }
    if entry.sha256.as_ref() != Some(&facts.sha256) {
        return Some(Fault::new(
            Code::EvidenceHashMismatch,
            format!("`{path}` has another hash than the manifest names"),
        ));
    }
    None
}

/// The manifest's entry for a file that is used.
pub(super) fn entry_for<'a>(
    demand: &Demand,
    path: &RelPath,
    manifest: &'a Manifest,
) -> Result<&'a ManifestEntry, Fault> {
    let Some(entry) = manifest.by_path(path) else {
        return Err(Fault::new(
            Code::EvidenceUnlisted,
            format!("the manifest does not list `{}`", sanitize(path.as_str(), 120)),
        ));
    };
    if entry.id != demand.id && demand.path.as_ref().is_none_or(|pattern| pattern.as_str() == path.as_str()) {
        return Err(Fault::new(
            Code::EvidenceIdMismatch,
            format!("the manifest lists `{}` as `{}`", sanitize(path.as_str(), 120), entry.id),
        ));
    }
    Ok(entry)
}

/// What the manifest says of one report, apart from its exit code.
pub(super) fn entry_faults(entry: &ManifestEntry, target: &Target) -> Vec<Fault> {
    /// Clocks of two machines may differ by this much.
    const SKEW_SECONDS: i64 = 300;
    let mut faults = Vec::new();
    match entry.report {
        ReportState::Written => {}
        ReportState::Unchanged => faults.push(Fault::new(
            Code::EvidenceStale,
            format!("the command left the report as an earlier run had written it ({})", ended(entry)),
        )),
        ReportState::NotWritten => faults.push(Fault::new(
            Code::EvidenceStale,
            format!("the manifest says the command did not write the report ({})", ended(entry)),
        )),
    }
    if entry.finished_at < entry.started_at {
        faults.push(Fault::new(
            Code::EvidenceTimesOutOfOrder,
            format!("the command ended at {} and began at {}", entry.finished_at, entry.started_at),
        ));
    } else if entry.finished_at.unix() > target.now.unix().saturating_add(SKEW_SECONDS) {
        faults.push(Fault::new(
            Code::EvidenceTimesOutOfOrder,
            format!("the command ended at {}, which is after {}", entry.finished_at, target.now),
        ));
    }
    faults
}

/// Whether the command's end and the report's content tell one story (DESIGN section 6). The policy's own table
/// goes before the tool's; what no command can say of itself (a signal, a timeout, not found) stays a crash.
pub(super) fn exit_fault(
    entry: &ManifestEntry,
    tool: Option<&str>,
    own: Option<&ExitCodes>,
    content: &Content,
) -> Option<Fault> {
    let name = tool.map_or_else(|| program(&entry.command), str::to_owned);
    let shown = sanitize(&name, 60);
    let crashed = |why: String| Some(Fault::new(Code::EvidenceToolCrashed, why));
    if entry.timed_out || entry.signal.is_some() {
        return crashed(format!("`{shown}` did not end by itself: {}", ended(entry)));
    }
    if matches!(entry.exit_code, 126 | 127) {
        return crashed(format!("the command could not be run: {}", ended(entry)));
    }
    let code = entry.exit_code;
    let meaning = own.map_or_else(|| exit_codes::meaning(&name, code), |table| table.meaning(code));
    match (meaning, content.shows_red()) {
        (Meaning::Crash, _) => {
            crashed(format!("`{shown}` exited {code}, by which it reports its own failure"))
        }
        (Meaning::Nothing, _) => Some(Fault::new(
            Code::EvidenceNothingMeasured,
            format!("`{shown}` exited {code}, by which it says it had nothing to look at"),
        )),
        (Meaning::Red, Some(false)) => Some(Fault::new(
            Code::EvidenceExitCodeDisagrees,
            format!("`{shown}` exited {code}, and the report shows nothing red"),
        )),
        (Meaning::Red, None) => Some(Fault::new(
            Code::EvidenceExitCodeDisagrees,
            format!("`{shown}` exited {code}, and a report of this kind cannot say why"),
        )),
        (Meaning::Clean, Some(true)) if matches!(content, Content::Tests(_)) => Some(Fault::new(
            Code::EvidenceExitCodeDisagrees,
            format!("`{shown}` exited 0, and the report shows failed tests"),
        )),
        (Meaning::Clean | Meaning::Red, _) => None,
    }
}

/// The program's name in an argument vector, without its folders.
fn program(command: &[String]) -> String {
    let first = command.first().map_or("the command", String::as_str);
    first.rsplit('/').next().unwrap_or(first).to_owned()
}
