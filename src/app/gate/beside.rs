//! What a judgement asks the forge beside the artifacts: baselines, changed lines, both versions of changed workflows,
//! statuses, what came before. None needs an answer of another, so all are asked while the artifacts are fetched.

use std::path::Path;

use crate::app::replay::bundle::FileBytes;
use crate::context::pull_facts::Listed;
use crate::context::status_facts::StatusFact;
use crate::error::Failure;
use crate::evidence::Target;
use crate::evidence::changed_lines::ChangedLines;
use crate::forge::rest::{ChangedFile, Pull, Repo};
use crate::forge::{ForgeError, in_parallel};
use crate::gate::{ChangedPaths, Gates, WorkflowChange};
use crate::model::{CommitSha, RelPath};
use crate::policy::Policy;

use super::baselines::{self, RawBaselines};
use super::memory::{self, Remembered};
use super::status_lookups::{self, Own};
use super::{change, workflow_changes};

/// Files of one list that are asked for at once.
const AT_ONCE: usize = 4;

/// What the questions are about.
pub struct Subject<'a> {
    pub repo: Repo<'a>,
    pub policy: &'a Policy,
    pub target: &'a Target,
    pub own: Own<'a>,
    pub pull: Option<&'a Pull>,
    pub files: Option<&'a Result<Vec<ChangedFile>, ForgeError>>,
    pub changed: &'a ChangedPaths,
    /// The commit that changed workflows are compared with.
    pub before: Option<&'a CommitSha>,
    /// The packet of an earlier head, where the caller kept it.
    pub previous: Option<&'a Path>,
    pub wanted: Wanted,
}

/// What gates of the policy ask for. The gates themselves stay with the thread that judges.
pub struct Wanted {
    baselines: Vec<RelPath>,
    changed_lines: bool,
}

/// The answers.
pub struct Beside {
    pub baselines: RawBaselines,
    /// Or why they are not known.
    pub changed_lines: Result<ChangedLines, String>,
    pub workflows: Vec<WorkflowChange>,
    /// `None` where no gate judges statuses.
    pub statuses: Option<Listed<StatusFact>>,
    /// The failure is a usage error about the packet the caller named.
    pub remembered: Result<Remembered, Failure>,
}

impl Wanted {
    /// By the gates of the policy.
    pub fn by(gates: &Gates) -> Self {
        Self {
            baselines: gates.baseline_files().into_iter().cloned().collect(),
            changed_lines: gates.want_changed_lines(),
        }
    }
}

/// Asks, and does `meanwhile` on the caller's own thread.
pub fn ask<T>(subject: &Subject<'_>, meanwhile: impl FnOnce() -> T) -> (Beside, T) {
    let Subject { repo, target, .. } = *subject;
    std::thread::scope(|scope| {
        let raw = scope.spawn(|| subject.baselines());
        let lines = scope.spawn(|| subject.changed_lines());
        let workflows = scope.spawn(|| subject.workflows());
        let statuses = scope.spawn(|| status_lookups::ask(subject.policy, repo, &target.head, &subject.own));
        let remembered =
            scope.spawn(|| memory::in_workflow(repo, subject.own.context, target, subject.previous));
        let done = meanwhile();
        let beside = Beside {
            baselines: join(raw),
            changed_lines: join(lines),
            workflows: join(workflows),
            statuses: join(statuses),
            remembered: join(remembered),
        };
        (beside, done)
    })
}

/// What the thread gave. Nothing of ours panics; if it did, this is no place to go on.
pub fn join<T>(handle: std::thread::ScopedJoinHandle<'_, T>) -> T {
    handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

impl Subject<'_> {
    fn baselines(&self) -> RawBaselines {
        let read = |path: &RelPath| -> FileBytes {
            baselines::file_at_base(self.repo, path, self.target.base.as_ref())
        };
        let files = in_parallel(&self.wanted.baselines, AT_ONCE, read);
        self.wanted.baselines.iter().cloned().zip(files).collect()
    }

    fn changed_lines(&self) -> Result<ChangedLines, String> {
        if !self.wanted.changed_lines {
            return Err("no gate asked for the change's lines".to_owned());
        }
        change::lines(self.repo, self.pull, &self.target.head, self.files)
    }

    fn workflows(&self) -> Vec<WorkflowChange> {
        let Some(before) = self.before else { return Vec::new() };
        workflow_changes::read(self.repo, self.changed, before, &self.target.head)
    }
}
