//! The newest result artifact a gate left for a head: report and packet, read within bounds.
//! Any job of the run could have written it, so it is shown and counted, and decides nothing.

use std::io::Read as _;

use crate::evidence::archive::ZipSource;
use crate::evidence::source::{ArtifactSource as _, checked_files};
use crate::forge::ForgeError;
use crate::forge::rest::{Archive, Repo, Run};
use crate::model::{ArtifactName, CommitSha, Timestamp, sanitize};
use crate::repair::RepairPacket;
use crate::report::GateReport;

use super::gate::RESULT_PREFIX;
use super::judge::limits;

/// Bytes of one result artifact; a report of many thousand findings has fewer.
const MAX_RESULT: u64 = 64 << 20;

/// What a gate said about a head.
#[derive(Debug)]
pub struct GateResult {
    pub report: GateReport,
    pub packet: Option<RepairPacket>,
    /// The number of the run that holds it.
    pub run: u64,
    /// When it was uploaded first; before v16 nobody knows.
    pub made: Option<Timestamp>,
}

/// What looking for it came to.
#[derive(Debug)]
pub enum Found {
    Result(Box<GateResult>),
    /// No run of the head has one.
    None,
    /// There is one that could not be read; when it was made, where that is known.
    Unread {
        why: String,
        made: Option<Timestamp>,
    },
}

/// One artifact that is called as the gate calls its own.
struct Listed {
    id: Option<u64>,
    name: ArtifactName,
    expired: bool,
    created: Option<Timestamp>,
}

/// The newest result for a head among its runs, which come newest first.
pub fn newest(repo: Repo<'_>, runs: &[Run], head: &CommitSha) -> Found {
    for run in runs {
        let listed = match list(repo, run) {
            Ok(listed) => listed,
            Err(error) => {
                let why = format!("the artifacts of run {} could not be listed: {error}", run.number);
                return Found::Unread { why, made: run.created };
            }
        };
        let ours = listed.into_iter().filter(|one| one.name.as_str().starts_with(RESULT_PREFIX));
        let Some(newest) = ours.max_by_key(|one| (one.id, attempt(&one.name))) else { continue };
        return match read(repo, run, &newest, head) {
            Ok(result) => Found::Result(Box::new(result)),
            Err(why) => Found::Unread { why, made: newest.created.or(run.created) },
        };
    }
    Found::None
}

/// The attempt at the end of the name.
fn attempt(name: &ArtifactName) -> u64 {
    name.as_str().rsplit('-').next().and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// By REST; before v16 by the web route of a public repository, which knows neither ids nor times.
fn list(repo: Repo<'_>, run: &Run) -> Result<Vec<Listed>, ForgeError> {
    match repo.actions().run(run.id).artifacts() {
        Ok(artifacts) => Ok(artifacts
            .into_iter()
            .map(|one| Listed {
                id: Some(one.id),
                name: one.name,
                expired: one.expired,
                created: one.created,
            })
            .collect()),
        Err(error) if error.is_not_found() => Ok(repo
            .web_artifacts(run.number)?
            .into_iter()
            .filter_map(|one| {
                let name = one.name.parse().ok()?;
                Some(Listed { id: None, name, expired: one.expired, created: None })
            })
            .collect()),
        Err(error) => Err(error),
    }
}

fn read(repo: Repo<'_>, run: &Run, listed: &Listed, head: &CommitSha) -> Result<GateResult, String> {
    let name = sanitize(listed.name.as_str(), 100);
    if listed.expired {
        return Err(format!("artifact `{name}` of run {} has expired", run.number));
    }
    let archive = match listed.id {
        Some(id) => repo.actions().artifact_zip(id, MAX_RESULT),
        None => repo.web_artifact_zip(run.id, &listed.name, MAX_RESULT),
    };
    let downloaded = match archive.map_err(|error| error.to_string())? {
        Archive::Zip(downloaded) => downloaded,
        Archive::Missing => return Err(format!("artifact `{name}` is gone")),
        Archive::Unfinished => return Err(format!("artifact `{name}` is not finished")),
        Archive::TooLarge { limit } => return Err(format!("artifact `{name}` has more than {limit} bytes")),
    };
    let unread = |why: String| format!("artifact `{name}`: {why}");
    let mut zip = ZipSource::open(downloaded.file).map_err(|error| unread(error.to_string()))?;
    let report = file(&mut zip, "gate_report.json").map_err(unread)?;
    let report = report.ok_or_else(|| unread("it has no `gate_report.json`".to_owned()))?;
    let report: GateReport = document(&report, "gate_report.json").map_err(unread)?;
    if report.target.target_sha.as_ref() != Some(head) {
        return Err(unread("its report is about another head".to_owned()));
    }
    let packet = match file(&mut zip, "repair_instruction.json").map_err(unread)? {
        Some(bytes) => Some(document(&bytes, "repair_instruction.json").map_err(unread)?),
        None => None,
    };
    Ok(GateResult { report, packet, run: run.number, made: listed.created })
}

fn document<T: for<'de> serde::Deserialize<'de>>(bytes: &[u8], name: &str) -> Result<T, String> {
    crate::evidence::document::from_slice(bytes).map_err(|error| format!("`{name}`: {error}"))
}

fn file(zip: &mut ZipSource<std::fs::File>, name: &str) -> Result<Option<Vec<u8>>, String> {
    let limits = limits();
    let files = checked_files(zip, &limits).map_err(|error| error.to_string())?;
    let Some((_, file)) = files.into_iter().find(|(path, _)| path.as_str() == name) else { return Ok(None) };
    let mut bytes = Vec::new();
    let mut reader = zip.open(&file, &limits).map_err(|error| error.to_string())?;
    reader.by_ref().take(MAX_RESULT).read_to_end(&mut bytes).map_err(|error| format!("`{name}`: {error}"))?;
    Ok(Some(bytes))
}
