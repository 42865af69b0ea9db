//! What is remembered of earlier heads without a server of ours: the packet in an earlier run's result artifact, or in
//! a file, and the pushes on the pull request's timeline. A hint: whatever cannot be had is written down and missed.

use std::path::Path;

use crate::app::stored_result::{self, ResultFiles, StoredResult};
use crate::context::RunContext;
use crate::error::Failure;
use crate::evidence::{Target, document};
use crate::forge::ForgeError;
use crate::forge::rest::{Archive, Repo, Run};
use crate::model::{ArtifactName, CommitSha, Digest, PullNumber, RunId, count, sanitize};
use crate::repair::{self, History, RepairPacket};
use crate::report::{HistorySection, PreviousPacket};

use super::outputs::PACKET_FILE;

/// Earlier heads that are looked at, and runs of each: the newest packet nearly always lies in the first.
const HEADS: usize = 5;
const RUNS: usize = 3;
/// A packet has 64 KiB at most.
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
        let unasked = |error: ForgeError| match error {
            error if error.is_not_found() || error.is_not_permitted() => {
                missed(&"this server shows its artifacts to nobody here")
            }
            error => missed(&error),
        };
        let Some(stored) = self.result_of(run).map_err(unasked)? else { return Ok(None) };
        let zip = match stored.download(self.repo, run).map_err(unasked)? {
            Archive::Zip(zip) => zip,
            Archive::Missing | Archive::Unfinished => return Ok(None),
            Archive::TooLarge { limit } => return Err(missed(&format!("its result is over {limit} bytes"))),
        };
        // A run without a verdict left no packet.
        let bytes = ResultFiles::open(zip.file).and_then(|mut files| files.read(PACKET_FILE, MAX_PACKET));
        let Some(bytes) = bytes.map_err(|error| missed(&error))? else { return Ok(None) };
        let packet = parse(&bytes).map_err(|why| missed(&why))?;
        match unfit(&packet, self.target, Some(head)) {
            Some(why) => Err(missed(&why)),
            None => Ok(Some((packet, bytes, stored.name))),
        }
    }

    /// The result artifact of the newest attempt of the gate's own job.
    fn result_of(&self, run: &Run) -> Result<Option<StoredResult>, ForgeError> {
        let Some(own) = &self.context.run else { return Ok(None) };
        let job = super::step::job_in_a_name(&own.job);
        let live = stored_result::list(self.repo, run)?.into_iter().filter(|one| !one.expired);
        let of_the_job = live.filter_map(|one| Some((one.attempt_of(Some(&job))?, one)));
        Ok(of_the_job.max_by_key(|(attempt, _)| *attempt).map(|(_, one)| one))
    }
}
