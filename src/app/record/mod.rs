//! `patchwarden record`: runs a command and ties its reports to the commit, the exit code and the times.
//! The sequence alone; nothing here prints, and what a reader should know comes back as data.

mod child;
mod command_line;
mod git;
mod head;
mod inputs;
mod job;
mod manifest_file;
mod reports;
mod request;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::evidence::manifest::{Manifest, ManifestEntry, SCHEMA};
use crate::model::{Digest, Timestamp, sanitize};

pub use head::HeadError;
pub use manifest_file::{Clash, OutputError};
pub use request::{RecordRequest, ReportRequest, UsageError};

use child::Ending;
use reports::{Planned, Settled, Snapshot};

/// Why there is no record. Each variant is one exit code of DESIGN section 3.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Exit 2. The command was not run.
    #[error(transparent)]
    Usage(#[from] UsageError),
    /// Exit 4. The command was not run.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// Exit 5: the record could not be written. The command succeeded, or [`OutputError::is_early`] says that it was
    /// not run.
    #[error(transparent)]
    Output(#[from] OutputError),
}

/// A command that was run.
#[derive(Debug)]
pub struct Recorded {
    /// The code to end with: the command's own; 128 + n after signal n, 124 after a timeout, 127 not found,
    /// 126 found but not executable.
    pub exit_code: u8,
    /// The manifest that was written.
    pub manifest: PathBuf,
    /// What was added to it; empty where `failure` is set.
    pub entries: Vec<ManifestEntry>,
    /// Why nothing was recorded of a command that failed: to be shown, while the command's own code stands.
    pub failure: Option<OutputError>,
}

/// Runs the command and adds its reports to the manifest of the request's folder.
///
/// `env` is the process's environment: the job is read from it, secrets named in it are kept out of the manifest, and
/// children get it on top of what they inherit. `clock` gives the time. What the reader should know beside the result,
/// or beside the error, is added to `warnings`: one fragment each, in the order it was found.
///
/// # Errors
/// [`RecordError`]. Usage and head errors, and an output folder that cannot be used, come before the command is run;
/// a command that failed never ends in an error.
pub fn record(
    request: &RecordRequest,
    env: &BTreeMap<String, String>,
    clock: &dyn Fn() -> Timestamp,
    warnings: &mut Vec<String>,
) -> Result<Recorded, RecordError> {
    request.check()?;
    let directory = std::path::absolute(&request.directory).unwrap_or_else(|_| request.directory.clone());

    let job = job::read(env, warnings);
    let checkout = git::look(&directory, env, warnings);
    let target_sha = head::choose(checkout.as_ref(), request.head.as_ref(), &job, warnings)?;
    let dirty = checkout.as_ref().and_then(|checkout| checkout.dirty);
    if dirty == Some(true) {
        warnings.push(format!("tracked files differ from `{target_sha}`: this is evidence for no commit"));
    }
    let header = Manifest {
        schema: SCHEMA.to_owned(),
        target_sha,
        base_sha: job.base,
        tree_sha: checkout.and_then(|checkout| checkout.tree),
        dirty,
        repo: job.repo,
        pull_request: job.pull_request,
        producer: job.producer,
        evidence: Vec::new(),
    };

    let out = manifest_file::prepare(&directory.join(&request.out)).map_err(OutputError::early)?;
    let planned = reports::plan(&request.reports, &directory, &out)?;
    if let Some(existing) = manifest_file::read(&out).map_err(OutputError::early)? {
        manifest_file::check(&existing, &header, &planned).map_err(UsageError::Clash)?;
    }
    let inputs = inputs::hash(&request.inputs, &directory)?;
    let before = planned.iter().map(reports::snapshot).collect::<Result<Vec<_>, _>>()?;

    let started_at = clock();
    let ending = child::run(&request.command, &directory, env, request.timeout);
    // A clock that was set back must not make the record contradict itself.
    let finished_at = clock().max(started_at);
    warnings.extend(ending.complaint.clone());

    let after = After { request, env, inputs, ending: &ending, started_at, finished_at };
    let mut recorded = Recorded {
        exit_code: ending.exit_code,
        manifest: manifest_file::path(&out),
        entries: Vec::new(),
        failure: None,
    };
    match after.write(&out, header, &planned, &before, warnings) {
        Ok(entries) => recorded.entries = entries,
        Err(error) if ending.exit_code == 0 => return Err(error.into()),
        Err(error) => recorded.failure = Some(error),
    }
    Ok(recorded)
}

/// What is known once the command has ended.
struct After<'a> {
    request: &'a RecordRequest,
    env: &'a BTreeMap<String, String>,
    inputs: BTreeMap<String, Digest>,
    ending: &'a Ending,
    started_at: Timestamp,
    finished_at: Timestamp,
}

impl After<'_> {
    /// Copies the reports and appends to the manifest, all under the folder's lock: of two records at once, the
    /// second sees what the first has added before it touches a file.
    fn write(
        self,
        out: &Path,
        header: Manifest,
        planned: &[Planned],
        before: &[Option<Snapshot>],
        warnings: &mut Vec<String>,
    ) -> Result<Vec<ManifestEntry>, OutputError> {
        // The command may have removed the folder (`cargo clean` with a folder below `target`).
        manifest_file::prepare(out)?;
        let _lock = manifest_file::lock(out)?;
        let mut manifest = match manifest_file::read(out)? {
            Some(existing) => {
                manifest_file::check(&existing, &header, planned)?;
                manifest_file::join(existing, header)
            }
            None => header,
        };
        let command = command_line::recorded(&self.request.command, self.env);
        let mut entries = Vec::new();
        for (report, before) in planned.iter().zip(before) {
            let settled = reports::settle(report, before.as_ref(), out, warnings)?;
            entries.push(self.entry(report, settled, &command));
        }
        manifest.evidence.extend(entries.iter().cloned());
        manifest_file::write(out, &manifest)?;
        Ok(entries)
    }

    fn entry(&self, report: &Planned, settled: Settled, command: &[String]) -> ManifestEntry {
        ManifestEntry {
            id: report.id.clone(),
            format: report.format.as_str().to_owned(),
            path: report.path.clone(),
            report: settled.state,
            sha256: settled.sha256,
            bytes: settled.bytes,
            tool: self.request.tool.clone(),
            tool_version: self.request.tool_version.clone(),
            command: command.to_vec(),
            exit_code: i32::from(self.ending.exit_code),
            signal: self.ending.signal,
            timed_out: self.ending.timed_out,
            started_at: self.started_at,
            finished_at: self.finished_at,
            inputs: self.inputs.clone(),
        }
    }
}

/// A path for a message.
fn shown(path: &Path) -> String {
    sanitize(&path.to_string_lossy(), 200)
}
