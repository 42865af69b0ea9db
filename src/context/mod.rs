//! What is judged, and where: environment and event payload in, a `RunContext` out.
//! Nothing here reads the environment or a file; the shell hands both in.

mod address;
mod change_diff;
mod claims;
mod event;
mod gate_workflow;
mod head;
mod inside;
mod needs;
mod patch_id;
pub mod pull_facts;
pub mod status_facts;
mod trigger;
mod variables;
mod workflow_file;
mod workflow_filters;
mod workflow_lines;

#[cfg(test)]
mod tests;

pub use address::{ServerUrl, ServerUrlError};
pub use change_diff::{FileChange, Side, unified};
pub use gate_workflow::{WorkflowFindings, is_glob, look_at_gate_workflow};
pub use needs::{JobResult, NeedsError, parse_needs};
pub use patch_id::patch_id;
pub use pull_facts::PullFacts;
pub use trigger::Trigger;
pub use variables::Variables;
pub use workflow_file::{WorkflowFile, WorkflowFileError, WorkflowJob, WorkflowStep};
pub use workflow_filters::PathFilters;
pub use workflow_lines::{LineChange, line_changes};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{CommitSha, PullNumber, RepoSlug, RunId, Token, TokenError};

/// Everything known about the run before the forge is asked anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunContext {
    /// The commit that is judged.
    pub head: Head,
    /// What started the run; `None` offline.
    pub trigger: Option<Trigger>,
    /// The base branch and its tip at the event; for a push the commit before it. `None` where there is none.
    pub base: Option<Base>,
    /// Where head and base parted, as the payload says.
    pub merge_base: Option<CommitSha>,
    /// The pull request, for events that carry one.
    pub pull: Option<PullContext>,
    /// The judged repository; `None` offline where the caller named none.
    pub repo: Option<RepoSlug>,
    /// The run this step belongs to; `None` offline.
    pub run: Option<RunIdentity>,
    /// What artifacts are exchanged with; `None` offline and where the runner set none.
    pub runtime: Option<Runtime>,
    /// The forge; `None` offline.
    pub server: Option<Server>,
}

/// The commit that is judged, or the pull request whose head has to be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Head {
    Known(CommitSha),
    /// The event names a pull request and not its head (`issue_comment`, the input `pull`): `GET pulls/{n}`.
    ToAsk(PullNumber),
}

impl Head {
    /// The commit, where the event established it.
    pub fn known(&self) -> Option<&CommitSha> {
        match self {
            Self::Known(sha) => Some(sha),
            Self::ToAsk(_) => None,
        }
    }
}

/// The side the change is compared with, as it was at the event: the tip moves on, so read it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// The branch without `refs/heads/`; `None` for a push of a tag and offline. Untrusted text.
    pub branch: Option<String>,
    /// Its tip at the event; for a push, what the branch was before it; `None` for a new branch.
    pub sha: Option<CommitSha>,
}

/// What the payload says about the pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullContext {
    pub number: PullNumber,
    /// Whether the head lives in another repository than the base.
    pub fork: Fork,
    /// Who opened it; `None` where the payload does not say.
    pub author: Option<Account>,
    /// The head's branch. Untrusted text.
    pub head_branch: Option<String>,
}

/// An account of the forge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// The account's number; the identity all jobs share is −2.
    pub id: i64,
    pub login: String,
}

/// Whether a pull request comes from another repository (FORGEJO section 1.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fork {
    /// Another repository, one that is gone, or the `AGit` flow, which the server treats alike.
    Yes,
    No,
    /// The payload does not say.
    Unknown,
}

/// Which run, and which attempt of which job in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunIdentity {
    /// The id REST and the artifact service want; instance-wide.
    pub id: RunId,
    /// The number in web addresses; counted per repository. Never the same thing as `id`.
    pub number: Option<u64>,
    /// The attempt of this job; jobs of one run differ in it (LIVE section 6).
    pub attempt: u64,
    /// The job's id in the workflow file.
    pub job: String,
    /// What `GITHUB_SHA` names: the tip of the base for `pull_request_target` (LIVE section 3).
    pub commit: Option<CommitSha>,
    /// The file the workflow stands in, such as `.forgejo/workflows/ci.yml`, from `WORKFLOW_REF`.
    pub workflow_file: Option<String>,
    /// The workflow's `name:`. Untrusted text, no key.
    pub workflow_name: Option<String>,
}

/// The artifact service as the runner announces it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runtime {
    pub token: Token,
    /// v4: `ACTIONS_RESULTS_URL`, which comes without a trailing slash.
    pub results_url: Option<ServerUrl>,
    /// v3: `ACTIONS_RUNTIME_URL`, which comes with one.
    pub pipeline_url: Option<ServerUrl>,
    /// The job's id on the server, from the token's claims; the server echoes it and checks only the run's.
    pub job_id: Option<u64>,
    /// The id of this attempt of the job, as the tasks list names it.
    pub task_id: Option<u64>,
}

/// Where the forge is and with which token it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// As the runner reaches it; the server's own `ROOT_URL` may differ.
    pub url: ServerUrl,
    /// The root of REST.
    pub api: ServerUrl,
    /// The input `token` where given, else the job's own.
    pub token: Option<Token>,
}

/// Where a step runs: what its runner announces, whatever the event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepContext {
    pub repo: RepoSlug,
    pub run: RunIdentity,
    /// `None` where the runner announces no artifact service.
    pub runtime: Option<Runtime>,
    pub server: Server,
}

impl StepContext {
    /// From the environment; `token` is used instead of the job's own where the caller gave one.
    ///
    /// # Errors
    /// [`ContextError`] where this is no step of a workflow, or a variable is not what it must be.
    pub fn from_workflow(variables: &Variables, token: Option<&Token>) -> Result<Self, ContextError> {
        inside::step(variables, token)
    }
}

/// What the caller adds by input or flag.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inputs {
    /// A personal token. Only an input carries one: the runner overwrites `GITHUB_TOKEN` (FORGEJO section 1.1).
    pub token: Option<Token>,
    /// The pull request to judge, for events that name none.
    pub pull: Option<PullNumber>,
    /// The head the caller expects; it must be the event's.
    pub head: Option<CommitSha>,
}

/// Why there is no context (exit 4). The first two are the workflow's or the caller's, the rest the runner's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContextError {
    #[error("{what} disagree: `{left}` is `{left_value}`, `{right}` is `{right_value}`")]
    Disagree { what: &'static str, left: String, left_value: String, right: String, right_value: String },
    #[error("event `{0}` names no head; give it with `--head` or the pull request with the input `pull`")]
    NoHead(String),
    #[error("variable `{0}` is not set")]
    Unset(String),
    #[error("`{name}` is `{value}`: {reason}")]
    Invalid { name: String, value: String, reason: String },
    #[error("`{name}`: {reason}")]
    Token { name: String, reason: TokenError },
    #[error("the event payload is missing; `{0}` should name its file")]
    NoPayload(String),
    #[error("the event payload cannot be read: {0}")]
    Payload(String),
    #[error("the event payload is longer than {0} bytes")]
    PayloadTooLarge(usize),
}

impl RunContext {
    /// Inside a workflow: from the environment, the bytes of the event's file, and the inputs.
    ///
    /// # Errors
    /// [`ContextError`] where the head cannot be established or two sources disagree that must agree.
    pub fn from_workflow(
        variables: &Variables,
        payload: Option<&[u8]>,
        inputs: &Inputs,
    ) -> Result<Self, ContextError> {
        inside::build(variables, payload, inputs)
    }

    /// Without a forge: `gate --evidence DIR --head SHA`.
    pub fn offline(head: CommitSha, base: Option<CommitSha>, repo: Option<RepoSlug>) -> Self {
        Self {
            head: Head::Known(head),
            trigger: None,
            base: base.map(|sha| Base { branch: None, sha: Some(sha) }),
            merge_base: None,
            pull: None,
            repo,
            run: None,
            runtime: None,
            server: None,
        }
    }
}
