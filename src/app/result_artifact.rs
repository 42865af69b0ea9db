//! The newest result artifact a gate left for a head: report and packet, read within bounds.
//! Any job of the run could have written it, so it is shown and counted, and decides nothing.

use crate::forge::rest::{Archive, Repo, Run};
use crate::model::{CommitSha, Timestamp, sanitize};
use crate::repair::RepairPacket;
use crate::report::GateReport;

use super::gate::{PACKET_FILE, REPORT_FILE};
use super::stored_result::{self, ResultFiles, StoredResult};

/// Bytes of one file; a report of many thousand findings has fewer.
const MAX_FILE: u64 = 64 << 20;

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

/// The newest result for a head among its runs, which come newest first.
pub fn newest(repo: Repo<'_>, runs: &[Run], head: &CommitSha) -> Found {
    for run in runs {
        let stored = match stored_result::list(repo, run) {
            Ok(stored) => stored,
            Err(error) => {
                let why = format!("the artifacts of run {} could not be listed: {error}", run.number);
                return Found::Unread { why, made: run.created };
            }
        };
        let newest = stored.into_iter().max_by_key(|one| (one.id, one.attempt_of(None)));
        let Some(newest) = newest else { continue };
        return match read(repo, run, &newest, head) {
            Ok(result) => Found::Result(Box::new(result)),
            Err(why) => Found::Unread { why, made: newest.created.or(run.created) },
        };
    }
    Found::None
}

fn read(repo: Repo<'_>, run: &Run, stored: &StoredResult, head: &CommitSha) -> Result<GateResult, String> {
    let name = sanitize(stored.name.as_str(), 100);
    if stored.expired {
        return Err(format!("artifact `{name}` of run {} has expired", run.number));
    }
    let downloaded = match stored.download(repo, run).map_err(|error| error.to_string())? {
        Archive::Zip(downloaded) => downloaded,
        Archive::Missing => return Err(format!("artifact `{name}` is gone")),
        Archive::Unfinished => return Err(format!("artifact `{name}` is not finished")),
        Archive::TooLarge { limit } => return Err(format!("artifact `{name}` has more than {limit} bytes")),
    };
    let unread = |why: String| format!("artifact `{name}`: {why}");
    let mut files = ResultFiles::open(downloaded.file).map_err(|error| unread(error.to_string()))?;
    let mut file =
        |name: &str| files.read(name, MAX_FILE).map_err(|error| unread(format!("`{name}`: {error}")));
    let report = file(REPORT_FILE)?.ok_or_else(|| unread(format!("it has no `{REPORT_FILE}`")))?;
    let packet = file(PACKET_FILE)?;
    let report: GateReport = document(&report, REPORT_FILE).map_err(unread)?;
    if report.target.target_sha.as_ref() != Some(head) {
        return Err(unread("its report is about another head".to_owned()));
    }
    let packet = packet.map(|bytes| document(&bytes, PACKET_FILE).map_err(unread)).transpose()?;
    Ok(GateResult { report, packet, run: run.number, made: stored.created })
}

fn document<T: for<'de> serde::Deserialize<'de>>(bytes: &[u8], name: &str) -> Result<T, String> {
    crate::evidence::document::from_slice(bytes).map_err(|error| format!("`{name}`: {error}"))
}
