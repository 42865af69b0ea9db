//! The built-in gates that guard the judgement itself: protected paths, and the head and base read again at the end.

use crate::model::{Code, CommitSha, Outcome, cut_list, sanitize};
use crate::policy::Policy;

use super::builtin::builtin;
use super::protected_paths::touched;
use super::result::{Blocker, GateResult};

/// One file a pull request changes, on both sides of a rename.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedPath {
    pub path: String,
    pub previous: Option<String>,
}

/// What is known of the files a pull request changes.
#[derive(Debug, Clone)]
pub enum ChangedPaths {
    /// There is no pull request.
    None,
    /// The list is not complete or not of this head; says why.
    Unknown(String),
    Known(Vec<ChangedPath>),
}

/// The paths that are protected whatever the policy says (DESIGN section 4, *Protected*).
const BUILT_IN: &[&str] = &[
    ".forgejo/workflows/**",
    ".gitea/workflows/**",
    ".github/workflows/**",
    "**/action.yml",
    "**/action.yaml",
];

/// A person is wanted where the change touches what guards the gate. `local_actions` are the folders and files that
/// the workflow's own `uses: ./…` name.
pub fn judge_protected(
    policy: &Policy,
    policy_path: &str,
    local_actions: &[String],
    changed: &ChangedPaths,
) -> Option<GateResult> {
    let changed = match changed {
        ChangedPaths::None => return None,
        ChangedPaths::Unknown(why) => {
            let reason = format!("the changed files are not known: {why}");
            let blocker = Blocker::new(Code::ProtectedFilesUnknown, "files", reason);
            return Some(protected(Outcome::Unmeasured, "unknown", vec![blocker]));
        }
        ChangedPaths::Known(changed) => changed,
    };
    let mut globs = globset::GlobSetBuilder::new();
    let own = [globset::escape(policy_path)];
    let local = local_actions.iter().flat_map(|path| {
        let path = globset::escape(path.trim_start_matches("./").trim_end_matches('/'));
        [format!("{path}/**"), path]
    });
    let all = BUILT_IN.iter().map(|glob| (*glob).to_owned()).chain(own).chain(local);
    for glob in all.chain(policy.protected.paths.iter().cloned()) {
        if let Ok(glob) = globset::Glob::new(&glob) {
            globs.add(glob);
        }
    }
    let globs = globs.build().unwrap_or_default();
    let touched = touched(&globs, changed.iter().map(|file| (&file.path, file.previous.as_ref())));
    if touched.is_empty() {
        let observed =
            format!("{} changed, none protected", crate::model::count(changed.len() as u64, "file"));
        return Some(protected(Outcome::Pass, &observed, Vec::new()));
    }
    let shown: Vec<String> = touched.iter().map(|path| format!("`{path}`")).collect();
    let mut blocker = Blocker::new(
        Code::ProtectedPathChanged,
        "paths",
        format!("the change touches protected {}", cut_list(&shown, 5)),
    );
    blocker.paths.clone_from(&touched);
    let observed = format!("{} protected changed", crate::model::count(touched.len() as u64, "path"));
    Some(protected(Outcome::NeedsHuman, &observed, vec![blocker]))
}

fn protected(outcome: Outcome, observed: &str, blockers: Vec<Blocker>) -> GateResult {
    builtin("protected", outcome, observed, "no policy, workflow, action or protected path changed", blockers)
}

/// What reading head and base again found.
#[derive(Debug, Clone)]
pub enum Reread {
    /// There is nothing that could move: a push, or offline.
    NotNeeded,
    Same,
    HeadMoved(CommitSha),
    BaseChanged {
        judged: String,
        now: String,
    },
    PolicyMoved,
    Unanswered(String),
}

/// A verdict is about one head and one base; where they are no longer those, it says so.
pub fn judge_reread(head: &CommitSha, reread: &Reread) -> Option<GateResult> {
    let (observed, blocker) = match reread {
        Reread::NotNeeded => return None,
        Reread::Same => return Some(head_gate(Outcome::Pass, "unchanged", Vec::new())),
        Reread::HeadMoved(now) => (
            "moved",
            Blocker::new(Code::HeadMoved, "head", format!("the head is {now} by now, {head} was judged")),
        ),
        Reread::BaseChanged { judged, now } => (
            "retargeted",
            Blocker::new(
                Code::HeadBaseChanged,
                "base",
                format!(
                    "the base is `{}` by now, `{}` was judged against",
                    sanitize(now, 100),
                    sanitize(judged, 100)
                ),
            ),
        ),
        Reread::PolicyMoved => (
            "policy moved",
            Blocker::new(Code::HeadPolicyMoved, "policy", "the base branch has another policy by now"),
        ),
        Reread::Unanswered(why) => (
            "not confirmed",
            Blocker::new(
                Code::HeadUnconfirmed,
                "head",
                format!("head and base could not be read again: {why}"),
            ),
        ),
    };
    let outcome = blocker.code.info().outcome;
    Some(head_gate(outcome, observed, vec![blocker]))
}

fn head_gate(outcome: Outcome, observed: &str, blockers: Vec<Blocker>) -> GateResult {
    builtin("head", outcome, observed, "head and base are still those that were judged", blockers)
}
