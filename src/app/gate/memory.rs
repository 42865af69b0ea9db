//! What is remembered of earlier heads without a server of ours: the packet in an earlier run's result artifact, or in
//! a file, and the pushes on the pull request's timeline. A hint: whatever cannot be had is written down and missed.

use std::io::Read as _;
use std::path::Path;

use crate::app::judge::limits;
use crate::context::RunContext;
use crate::error::Failure;
use crate::evidence::archive::ZipSource;
use crate::evidence::source::{ArtifactSource, SourceError, checked_files};
use crate::evidence::{Limits, Target, document};
use crate::forge::ForgeError;
use crate::forge::rest::{Archive, Repo, Run};
use crate::model::{ArtifactName, CommitSha, Digest, PullNumber, RunId, count, sanitize};
use crate::repair::{self, History, RepairPacket};
use crate::report::{HistorySection, PreviousPacket};

use super::fetch::RESULT_PREFIX;
use super::outputs::PACKET_FILE;

/// Earlier heads that are looked at, and runs of each: the newest packet nearly always lies in the first.
const HEADS: usize = 5;
const RUNS: usize = 3;
/// A result artifact holds a packet of 64 KiB, a report and a summary.
const MAX_ARTIFACT: u64 = 64 * 1024 * 1024;
const MAX_PACKET: u64 = 1024 * 1024;

/// What is known of earlier heads, and what the report says of it.
#[derive(Default)]
pub struct Remembered {
    pub history: History,
    /// `None` where there is nothing to look for: no pull request, and no file.
    pub section: Option<HistorySection>,
}

/// Over a folder: only what the caller names.
///
/// # Errors
/// Exit 2 for a file that is not there or is no packet.
pub fn offline(target: &Target, file: Option<&Path>) -> Result<Remembered, Failure> {
    let mut remembered = Remembered::default();
    if let Some(file) = file {
        remembered.section = Some(HistorySection::default());
        remembered.take_file(file, target)?;
    }
    Ok(remembered)
}

/// What a packet of an earlier head tells, where one is named.
///
/// # Errors
/// As [`offline`].
pub fn remembered_file(target: &Target, file: Option<&Path>) -> Result<History, Failure> {
    offline(target, file).map(|remembered| remembered.history)
}

/// Inside a workflow: what the caller names, else the newest packet of an earlier head; and how many heads there were.
///
/// # Errors
/// Exit 2 for a named file that is not there or is no packet. The forge's silence is no error: it is written down.
pub fn in_workflow(
    repo: Repo<'_>,
    context: &RunContext,
    target: &Target,
    file: Option<&Path>,
) -> Result<Remembered, Failure> {
    let Some(pull) = target.pull_request else { return offline(target, file) };
    let mut remembered = Remembered { section: Some(HistorySection::default()), ..Remembered::default() };
    let earlier = match repo.pushes(pull) {
        Ok(pushes) => {
            let heads: Vec<CommitSha> = pushes.iter().filter_map(|push| push.head().cloned()).collect();
            Some(remembered.count_heads(&heads, &target.head))
        }
        Err(error) => {
            remembered.miss(format!("the heads before could not be asked for: {error}"));
            None
        }
    };
    match (file, earlier) {
        (Some(file), _) => remembered.take_file(file, target)?,
        (None, Some(earlier)) if !earlier.is_empty() => {
            let search = Search { repo, context, pull, target };
            search.run(&earlier, &mut remembered);
        }
        (None, _) => {}
    }
    Ok(remembered)
}

impl Remembered {
    fn miss(&mut self, why: String) {
        self.section.get_or_insert_default().unknown.push(why);
    }

    /// Counts the heads up to this one and gives those before it, newest first, each once.
    fn count_heads(&mut self, heads: &[CommitSha], head: &CommitSha) -> Vec<CommitSha> {
        let until = heads.iter().rposition(|one| one == head);
        // A push that the timeline does not show yet is one more.
        let before = heads.get(..until.unwrap_or(heads.len())).unwrap_or_default();
        let number = before.len() as u64 + 1;
        self.history.heads = Some(number);
        self.section.get_or_insert_default().heads = Some(number);
        let mut earlier: Vec<CommitSha> = Vec::new();
        for one in before.iter().rev().filter(|one| *one != head) {
            if !earlier.contains(one) {
                earlier.push(one.clone());
            }
        }
        earlier
    }

    fn take_file(&mut self, file: &Path, target: &Target) -> Result<(), Failure> {
        let refused = |words: String, why: String| {
            Failure::usage("nothing was decided").caused_by(words).caused_by(why)
        };
        let name = file.display();
        let bytes = std::fs::read(file).map_err(|error| {
            refused(format!("the previous packet `{name}` could not be read"), error.to_string())
        })?;
        let packet = parse(&bytes).map_err(|why| refused(format!("`{name}` is no previous packet"), why))?;
        match unfit(&packet, target, None) {
            Some(why) => self.miss(format!("the previous packet was left out: {why}")),
            None => self.keep(packet, &bytes, None, None),
        }
        Ok(())
    }

    fn keep(
        &mut self,
        packet: RepairPacket,
        bytes: &[u8],
        run_id: Option<RunId>,
        artifact: Option<ArtifactName>,
    ) {
        self.section.get_or_insert_default().previous = Some(PreviousPacket {
            target_sha: packet.target_sha.clone(),
            sha256: Digest::of(bytes),
            run_id,
            artifact,
        });
        self.history.previous = Some(packet);
    }
}

fn parse(bytes: &[u8]) -> Result<RepairPacket, String> {
    let packet: RepairPacket = document::from_slice(bytes).map_err(|error| error.to_string())?;
    if packet.schema == repair::SCHEMA {
        Ok(packet)
    } else {
        Err(format!("its `schema` is `{}`, not `{}`", sanitize(&packet.schema, 80), repair::SCHEMA))
    }
}

/// Why a packet is not one of this pull request, or not of the head it was looked for.
fn unfit(packet: &RepairPacket, target: &Target, head: Option<&CommitSha>) -> Option<String> {
    let other = |known: bool, what: &str| known.then(|| format!("it is of another {what}"));
    let differs = |one: Option<String>, two: Option<String>| one.is_some() && two.is_some() && one != two;
    let text = |number: Option<PullNumber>| number.map(|number| number.to_string());
    let slug =
        |repo: &Option<crate::model::RepoSlug>| repo.as_ref().map(|repo| repo.to_string().to_lowercase());
    other(differs(slug(&packet.repo), slug(&target.repo)), "repository")
        .or_else(|| other(differs(text(packet.pull_request), text(target.pull_request)), "pull request"))
        .or_else(|| other(head.is_some_and(|head| *head != packet.target_sha), "head than its run"))
}

/// Looks through the finished runs of earlier heads.
struct Search<'a> {
    repo: Repo<'a>,
    context: &'a RunContext,
    pull: PullNumber,
    target: &'a Target,
}

/// One result artifact of a run.
struct Found {
    artifact: ArtifactName,
    zip: Archive,
}

impl Search<'_> {
    fn run(&self, earlier: &[CommitSha], remembered: &mut Remembered) {
        let mut misses = Vec::new();
        for head in earlier.iter().take(HEADS) {
            let runs = match self.runs_of(head) {
                Ok(runs) => runs,
                Err(error) => {
                    misses.push(format!("the runs of {} could not be listed: {error}", head.short()));
                    break;
                }
            };
            for run in runs {
                match self.packet_of(&run, head) {
                    Ok(Some((packet, bytes, artifact))) => {
                        remembered.keep(packet, &bytes, Some(run.id), Some(artifact));
                        return;
                    }
                    Ok(None) => {}
                    Err(why) => misses.push(why),
                }
            }
        }
        let looked = count(earlier.len().min(HEADS) as u64, "earlier head");
        misses.insert(0, format!("no packet was found among the runs of {looked}"));
        misses.truncate(4);
        for why in misses {
            remembered.miss(why);
        }
    }

    /// The finished runs of the same workflow for this pull request, newest first.
    fn runs_of(&self, head: &CommitSha) -> Result<Vec<Run>, ForgeError> {
        let own = self.context.run.as_ref().and_then(|run| run.workflow_file.as_deref());
        let own = own.and_then(|path| path.rsplit('/').next());
        let mut runs = self.repo.actions().runs().head_sha(head).list()?;
        runs.retain(|run| {
            run.status.is_done()
                && run.pull.is_none_or(|pull| pull == self.pull)
                && own.is_none_or(|own| run.workflow_file == own)
        });
        runs.truncate(RUNS);
        Ok(runs)
    }

    fn packet_of(
        &self,
        run: &Run,
        head: &CommitSha,
    ) -> Result<Option<(RepairPacket, Vec<u8>, ArtifactName)>, String> {
        let missed = |why: &dyn std::fmt::Display| format!("run {}: {why}", run.number);
        let found = match self.result_of(run) {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(None),
            Err(error) if error.is_not_found() || error.is_not_permitted() => {
                return Err(missed(&"this server shows its artifacts to nobody here"));
            }
            Err(error) => return Err(missed(&error)),
        };
        let bytes = match found.zip {
            Archive::Zip(zip) => packet_in(zip.file).map_err(|error| missed(&error))?,
            Archive::Missing | Archive::Unfinished => return Ok(None),
            Archive::TooLarge { limit } => return Err(missed(&format!("its result is over {limit} bytes"))),
        };
        let Some(bytes) = bytes else { return Ok(None) };
        let packet = parse(&bytes).map_err(|why| missed(&why))?;
        match unfit(&packet, self.target, Some(head)) {
            Some(why) => Err(missed(&why)),
            None => Ok(Some((packet, bytes, found.artifact))),
        }
    }

    /// The result artifact of the gate's newest attempt: by REST, and before v16 by the web route.
    fn result_of(&self, run: &Run) -> Result<Option<Found>, ForgeError> {
        let actions = self.repo.actions();
        match actions.run(run.id).artifacts() {
            Ok(listed) => {
                let live = listed.into_iter().filter(|one| !one.expired);
                let newest = live.filter_map(|one| Some((self.attempt_of(one.name.as_str())?, one)));
                let Some((_, one)) = newest.max_by_key(|(attempt, _)| *attempt) else { return Ok(None) };
                let zip = actions.artifact_zip(one.id, MAX_ARTIFACT)?;
                Ok(Some(Found { artifact: one.name, zip }))
            }
            Err(error) if error.is_not_found() => {
                let listed = self.repo.web_artifacts(run.number)?;
                let live = listed.into_iter().filter(|one| !one.expired);
                let newest = live.filter_map(|one| Some((self.attempt_of(&one.name)?, one.name)));
                let newest = newest.max_by_key(|(attempt, _)| *attempt);
                let Some(artifact) = newest.and_then(|(_, name)| name.parse::<ArtifactName>().ok()) else {
                    return Ok(None);
                };
                let zip = self.repo.web_artifact_zip(run.id, &artifact, MAX_ARTIFACT)?;
                Ok(Some(Found { artifact, zip }))
            }
            Err(error) => Err(error),
        }
    }

    /// The attempt in the name of a result artifact of the gate's own job.
    fn attempt_of(&self, name: &str) -> Option<u64> {
        let job = &self.context.run.as_ref()?.job;
        let prefix = format!("{RESULT_PREFIX}{}-", super::step::job_in_a_name(job));
        name.strip_prefix(&prefix)?.parse().ok()
    }
}

/// The packet's bytes in a result artifact; `None` where it holds none, as after a run without a verdict.
fn packet_in(file: std::fs::File) -> Result<Option<Vec<u8>>, SourceError> {
    let limits = Limits { file_bytes: MAX_ARTIFACT, archive_entries: 100, ..limits() };
    let mut source = ZipSource::open(std::io::BufReader::new(file))?;
    let files = checked_files(&mut source, &limits)?;
    let Some((_, file)) = files.into_iter().find(|(path, _)| path.as_str() == PACKET_FILE) else {
        return Ok(None);
    };
    let mut bytes = Vec::new();
    source
        .open(&file, &Limits { file_bytes: MAX_PACKET, ..limits })?
        .read_to_end(&mut bytes)
        .map_err(|error| SourceError::Unreadable(sanitize(&error.to_string(), 200)))?;
    Ok(Some(bytes))
}
