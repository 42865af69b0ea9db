//! `patchwarden doctor`: asks what this server, runner and token can do, and says which promise suffers where they
//! cannot. It only reads, and prints no token: it knows of tokens only that there is one.

mod arrangement;
mod diagnosis;

use crate::context::{Fork, Inputs, RunContext, Server, ServerUrl, StepContext, Trigger};
use crate::error::{EXIT_CONTEXT, Failure};
use crate::forge::capabilities::{Answer, Subject, probe};
use crate::forge::rest::{Branch, FileAt, Repo};
use crate::forge::{Artifacts as Service, Client, Settings};
use crate::model::{RelPath, RepoSlug, sanitize};
use crate::output;
use crate::policy::Policy;

use super::in_run::{personal_token, variables};
use super::{Ended, OutputForm, give};

use diagnosis::{Diagnosis, People, Protection, Seen, Surroundings};

/// The settings of `doctor`.
#[derive(Debug)]
pub struct Request {
    /// Outside a workflow: the forge's address and the repository.
    pub outside: Option<(String, RepoSlug)>,
    /// The branch whose protection is looked at.
    pub branch: Option<String>,
    /// The policy's path in the repository.
    pub policy: String,
    pub form: OutputForm,
}

const WHAT: &str = "nothing was diagnosed";

/// A policy is small; more is none.
const MAX_POLICY: u64 = 1024 * 1024;

/// Asks and says.
///
/// # Errors
/// Exit 2 for an address or a path that is none, 4 outside a workflow without `--server`, or where the forge gave no
/// answer at all.
pub fn run(request: &Request) -> Ended {
    let place = Place::find(request)?;
    let runtime = place.step.as_ref().and_then(|step| step.runtime.as_ref());
    let settings = Settings::new(&place.server, runtime, &variables());
    let client = Client::new(settings).map_err(|error| Failure::new(EXIT_CONTEXT, WHAT).caused_by(error))?;
    let repo = client.repo(&place.slug);
    let diagnosis = diagnose(request, &place, &client, repo)?;
    give(&match request.form {
        OutputForm::Json => output::json(&diagnosis),
        OutputForm::Text => diagnosis.text(),
    })?;
    Ok(0)
}

/// Where this is asked from.
struct Place {
    server: Server,
    slug: RepoSlug,
    step: Option<StepContext>,
    /// What the event says, where it could be read.
    context: Option<RunContext>,
    surroundings: Surroundings,
}

impl Place {
    fn find(request: &Request) -> Result<Self, Failure> {
        let variables = variables();
        let token = personal_token(&variables, WHAT)?;
        if let Some((address, slug)) = &request.outside {
            let url: ServerUrl = address
                .parse()
                .map_err(|error| Failure::usage(WHAT).caused_by(format!("`--server`: {error}")))?;
            let api = format!("{url}/api/v1")
                .parse()
                .map_err(|error| Failure::usage(WHAT).caused_by(format!("`--server`: {error}")))?;
            let surroundings = Surroundings { personal_token: token.is_some(), ..Surroundings::default() };
            let server = Server { url, api, token };
            return Ok(Self { server, slug: slug.clone(), step: None, context: None, surroundings });
        }
        let step = StepContext::from_workflow(&variables, token.as_ref()).map_err(|error| {
            Failure::new(EXIT_CONTEXT, WHAT)
                .caused_by(error)
                .hint("outside a workflow, name `--server URL` and `--repo OWNER/NAME`")
        })?;
        let inputs = Inputs { token: token.clone(), ..Inputs::default() };
        // Without an event there is only less to say.
        let payload = variables.event_path().ok().flatten().and_then(|path| std::fs::read(path).ok());
        let context = RunContext::from_workflow(&variables, payload.as_deref(), &inputs).ok();
        let trigger = context.as_ref().and_then(|context| context.trigger);
        let workflow = step.run.workflow_name.clone().unwrap_or_default();
        let surroundings = Surroundings {
            in_workflow: true,
            personal_token: token.is_some(),
            runner: variables.exact("FORGEJO_ACTIONS_RUNNER_VERSION").map(|text| sanitize(text, 60)),
            protocols: step.runtime.as_ref().map_or_else(Vec::new, |runtime| {
                let v3 = runtime.pipeline_url.is_some().then_some("v3");
                let v4 = runtime.results_url.is_some().then_some("v4");
                v3.into_iter().chain(v4).collect()
            }),
            from_the_base: trigger == Some(Trigger::PullRequestTarget),
            fork: context.as_ref().and_then(|context| context.pull.as_ref()).map(|pull| pull.fork),
            context: trigger
                .filter(|trigger| matches!(trigger, Trigger::PullRequest | Trigger::PullRequestTarget))
                .map(|trigger| {
                    format!("{} / {} ({})", sanitize(&workflow, 120), step.run.job, trigger.as_str())
                }),
        };
        let (server, slug) = (step.server.clone(), step.repo.clone());
        Ok(Self { server, slug, step: Some(step), context, surroundings })
    }

    /// The branch this is about, as far as it is known without asking.
    fn base_branch(&self) -> Option<&str> {
        let context = self.context.as_ref().filter(|context| context.pull.is_some())?;
        context.base.as_ref()?.branch.as_deref()
    }
}

fn diagnose(request: &Request, place: &Place, client: &Client, repo: Repo<'_>) -> Result<Diagnosis, Failure> {
    let default_branch = || repo.get_repository().ok().map(|found| found.default_branch);
    let branch_name =
        request.branch.clone().or_else(|| place.base_branch().map(str::to_owned)).or_else(default_branch);
    let service = place.step.as_ref().and_then(|step| {
        let runtime = step.runtime.as_ref()?;
        Service::new(client, runtime, step.run.id).ok()
    });
    let run = place.step.as_ref().and_then(|step| Some((step.run.id, step.run.number?)));
    let branch = branch_name.as_deref();
    let found = probe(&Subject { client, repo: &place.slug, run, branch, artifacts: service.as_ref() });
    let silent = found.version.is_none()
        && found.findings.iter().all(|one| matches!(one.answer, Answer::Failed(_) | Answer::NotAsked));
    if silent {
        let mut failure = Failure::new(EXIT_CONTEXT, WHAT).caused_by("the forge answered nothing");
        if let Some(Answer::Failed(error)) =
            found.findings.iter().map(|one| &one.answer).find(|answer| matches!(answer, Answer::Failed(_)))
        {
            failure = failure.caused_by(error);
        }
        return Err(failure);
    }
    let branch = branch_name.as_deref().map(|name| (name, repo.branch(name)));
    let protection = match &branch {
        None => Protection::Unknown("no branch could be named".to_owned()),
        Some((_, Ok(branch))) => Protection::of(branch),
        Some((name, Err(error))) => {
            Protection::Unknown(format!("branch `{}` could not be read: {error}", sanitize(name, 100)))
        }
    };
    let people = match &branch {
        Some((_, Ok(branch))) => people(request, place, repo, branch)?,
        _ => People::Unknown,
    };
    let seen = Seen {
        server: place.server.url.to_string(),
        repo: place.slug.clone(),
        has_token: place.server.token.is_some(),
        surroundings: place.surroundings.clone(),
        protection,
        people,
    };
    Ok(Diagnosis::new(seen, found))
}

/// Whom the policy on the branch lists, and who opened the pull request.
fn people(request: &Request, place: &Place, repo: Repo<'_>, branch: &Branch) -> Result<People, Failure> {
    let path: RelPath = request
        .policy
        .parse()
        .map_err(|error| Failure::usage(WHAT).caused_by(format!("`--policy`: {error}")))?;
    let text = match repo.file_at(&path, &branch.tip, MAX_POLICY) {
        Ok(FileAt::Present(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
        Ok(FileAt::Absent) => return Ok(People::NoPolicy),
        Err(_) => return Ok(People::Unknown),
    };
    let Ok((policy, _)) = Policy::read(&text) else { return Ok(People::Unsound) };
    let pull = place.context.as_ref().and_then(|context| context.pull.as_ref());
    let author = pull.and_then(|pull| pull.author.as_ref()).map(|author| author.login.clone());
    Ok(People::Listed { operators: policy.people.operators, author })
}

impl Protection {
    fn of(branch: &Branch) -> Self {
        Self::Known {
            branch: sanitize(&branch.name, 100),
            is_protected: branch.protected,
            required_approvals: branch.required_approvals,
            required_contexts: branch
                .required_contexts
                .as_ref()
                .map(|contexts| contexts.iter().map(|context| sanitize(context, 200)).collect()),
        }
    }
}

impl Surroundings {
    /// Whether the token is a fork's: those may comment, and post no status (LIVE section 8).
    pub fn is_fork(&self) -> bool {
        self.fork == Some(Fork::Yes)
    }
}
