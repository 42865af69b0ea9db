//! A gate on the base: who may stand there, and the wait for the head's runs with the policy's own words about which
//! of them count.

use std::time::Duration;

use crate::context::{RunContext, Trigger};
use crate::error::{EXIT_POLICY, Failure};
use crate::forge::both;
use crate::forge::rest::{Pull, Repo};
use crate::gate::Reread;
use crate::model::{CommitSha, Span};

use super::await_runs::wait;
use super::head_runs::{HeadRuns, excuse};
use super::lookups::{changed_paths, policy_at};
use super::outputs::no_verdict;
use super::policy_source::sound;
use super::scene::Scene;
use super::this_run::Request;
use super::wanted::{Subject, wants};
use super::watch::Patience;

/// How long a gate on the base waits.
#[derive(Debug, Clone, Copy)]
pub struct Waits {
    /// For the runs of the head to end.
    pub wait: Span,
    /// For them to begin.
    pub start: Span,
}

/// Whether workflow, action and policy are the base's for this event: the change has no hand in it.
pub fn stands_on_the_base(context: &RunContext) -> bool {
    matches!(
        context.trigger,
        Some(
            Trigger::PullRequestTarget
                | Trigger::WorkflowDispatch
                | Trigger::Schedule
                | Trigger::IssueComment
        )
    )
}

/// Why this step is none.
pub fn refuse(context: &RunContext) -> Failure {
    let event = context.trigger.map_or("this event", Trigger::as_str);
    let failure = no_verdict("the gate cannot judge the head's runs from here");
    if stands_on_the_base(context) {
        return failure
            .caused_by(format!("`{event}` names no pull request"))
            .hint("name it with `--pull N`, the action's input `pull`");
    }
    failure
        .caused_by(format!("a run of `{event}` takes its workflow from the change itself"))
        .hint("let the gate's workflow start `on: pull_request_target`, as in examples/from-the-base")
}

/// Another base than the one this run was started for. A verdict by that one's policy would stand under the gate's
/// context on the head, whichever base comes next: retargeting starts no run and keeps every status (LIVE section 10).
pub fn retargeted(context: &RunContext, pull: &Pull) -> Option<Reread> {
    let judged = context.base.as_ref()?.branch.clone().filter(|branch| *branch != pull.base_branch)?;
    (context.trigger == Some(Trigger::PullRequestTarget))
        .then(|| Reread::BaseChanged { judged, now: pull.base_branch.clone() })
}

/// Waits for the runs of the head that the policy at the base asks for, and looks at them.
///
/// # Errors
/// Exit 3 where the policy cannot be read or is not sound: no waiting would mend it.
pub fn await_runs<'a>(
    request: &Request,
    scene: &Scene,
    repo: Repo<'a>,
    pull: &Pull,
    head: &CommitSha,
    waits: Waits,
) -> Result<HeadRuns<'a>, Failure> {
    let base = pull.base.as_ref().ok_or_else(|| {
        Failure::new(EXIT_POLICY, "no verdict was produced")
            .caused_by("the base branch of the pull request has no tip to read the policy at")
    })?;
    let (files, text) = both(|| repo.changed_files(pull.number), || policy_at(repo, &request.policy, base));
    let policy = text?.map(|text| sound(&request.policy, &text, base)).transpose()?;
    let wanted = wants(policy.as_ref().map(|sound| &sound.policy));
    let changed = changed_paths(&files, pull, head);
    let wanted = excuse(repo, wanted, &changed, base);
    let own = scene.context.run.as_ref().map(|run| run.id);
    let subject = Subject { head: head.clone(), pull: pull.number, own };
    let seconds = |span: Span| Duration::from_secs(span.seconds());
    let patience = Patience::new(seconds(waits.wait), seconds(waits.start), scene.pause);
    let ended = wait(repo, &subject, &wanted, patience, base);
    Ok(HeadRuns::look(repo, &ended, wanted, base))
}
