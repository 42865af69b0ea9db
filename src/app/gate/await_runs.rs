//! The wait of a gate on the base: asks the forge what the watch wants to know, sleeps as it says, and says about once
//! a minute what it waits for. A question that fails is asked again an interval later.

use std::time::{Duration, Instant};

use crate::context::WorkflowFile;
use crate::forge::rest::{PullState, Repo, Run};
use crate::model::{CommitSha, RelPath};
use crate::sink;

use super::lookups::{jobs_of, text_at};
use super::wanted::{Subject, Want};
use super::watch::{Ask, Next, Over, Patience, Watch};

/// The folders a server reads workflows from; the first that is there hides the others (FORGEJO section 1.5).
pub const FOLDERS: [&str; 3] = [".forgejo/workflows", ".gitea/workflows", ".github/workflows"];

/// How a wait ended.
pub struct Waited {
    pub over: Over,
    /// The runs that count, as last listed.
    pub runs: Vec<Run>,
}

/// Waits for the runs of the head. `at` is the commit whose workflow files say which jobs a run has.
pub fn wait(repo: Repo<'_>, subject: &Subject, wants: &[Want], patience: Patience, at: &CommitSha) -> Waited {
    let began = Instant::now();
    let mut watch = Watch::new(wants, patience);
    loop {
        let gone_by = began.elapsed();
        let runs = match watch.ask() {
            Ask::Runs => watch.saw_runs(list(repo, subject), gone_by).to_vec(),
            Ask::Jobs(id) => {
                let runs = watch.runs().to_vec();
                if let Some(run) = runs.iter().find(|run| run.id == id) {
                    let workflow = workflow_of(repo, run, at);
                    let jobs = jobs_of(repo, id).ok();
                    watch.saw_jobs(id, jobs.map(|jobs| jobs.all_done(run.status, workflow.as_ref())));
                }
                runs
            }
        };
        // No listing: one object. Where it is not answered the reading at the end finds the newer head.
        if repo
            .pull(subject.pull)
            .is_ok_and(|pull| pull.head != subject.head || pull.state == PullState::Merged)
        {
            watch.saw_newer_head();
        }
        match watch.next(gone_by) {
            Next::Over(over) => return Waited { over, runs },
            Next::Pause(pause) => {
                if let Some(line) = watch.say(gone_by) {
                    sink::say(&line);
                }
                std::thread::sleep(pause);
            }
        }
    }
}

/// The runs of the head that may count; `None` where they could not be listed.
fn list(repo: Repo<'_>, subject: &Subject) -> Option<Vec<Run>> {
    let mut runs = repo.actions().runs().head_sha(&subject.head).list().ok()?;
    runs.retain(|run| subject.includes(run));
    Some(runs)
}

/// The workflow file of a run at a commit, where it can be read.
pub fn workflow_of(repo: Repo<'_>, run: &Run, at: &CommitSha) -> Option<WorkflowFile> {
    workflow_text(repo, &run.workflow_file, at).and_then(|(_, text)| WorkflowFile::parse(&text).ok())
}

/// Path and text of the workflow of this file name at a commit.
pub fn workflow_text(repo: Repo<'_>, file: &str, at: &CommitSha) -> Option<(RelPath, String)> {
    FOLDERS.iter().find_map(|folder| {
        let path: RelPath = format!("{folder}/{file}").parse().ok()?;
        let text = text_at(repo, &path, at).ok()??;
        Some((path, text))
    })
}

impl Patience {
    /// As asked for, with pauses from three to thirty seconds. `pause` shortens them for tests.
    pub fn new(wait: Duration, start: Duration, pause: Option<Duration>) -> Self {
        let (first, longest) =
            pause.map_or((Duration::from_secs(3), Duration::from_secs(30)), |one| (one, one));
        Self { wait, start: start.min(wait), first, longest }
    }
}
