//! Puts the context of a workflow step together: event, run, server, artifact service.
//! Which commit is judged is decided in `head.rs`.

use super::event::Payload;
use super::head::{self, Refs, Target, agree};
use super::{
    ContextError, Head, Inputs, RunContext, RunIdentity, Runtime, Server, ServerUrl, StepContext, Trigger,
    Variables, claims,
};
use crate::model::{CommitSha, PullNumber, RepoSlug, RunId, Token, sanitize};

pub(super) fn build(
    variables: &Variables,
    payload: Option<&[u8]>,
    inputs: &Inputs,
) -> Result<RunContext, ContextError> {
    let (_, event) = variables.need("EVENT_NAME")?;
    let payload = payload.ok_or_else(|| ContextError::NoPayload("GITHUB_EVENT_PATH".to_owned()))?;
    let payload = Payload::parse(payload)?;
    let refs = Refs {
        sha: variables.find("SHA")?,
        git_ref: variables.find("REF")?,
        base_ref: variables.find("BASE_REF")?,
    };
    let git_ref = refs.git_ref.as_ref().map(|(_, text)| *text);
    let trigger = Trigger::recognise(event, git_ref, &payload);
    let target = match trigger {
        Some(trigger) => target(trigger, &refs, &payload, inputs)?,
        None => asked_for(inputs).ok_or_else(|| ContextError::NoHead(sanitize(event, 60)))?,
    };
    let step = step(variables, inputs.token.as_ref())?;
    Ok(RunContext {
        head: target.head,
        trigger,
        base: target.base,
        merge_base: target.merge_base,
        pull: target.pull,
        repo: Some(step.repo),
        run: Some(step.run),
        runtime: step.runtime,
        server: Some(step.server),
    })
}

/// Everything that does not depend on the event.
pub(super) fn step(variables: &Variables, token: Option<&Token>) -> Result<StepContext, ContextError> {
    let (run, runtime) = run_and_runtime(variables)?;
    let repo = parse_variable::<RepoSlug, _>(variables, "REPOSITORY")?;
    Ok(StepContext { repo, run, runtime, server: server(variables, token)? })
}

/// The event's target, held against what the caller asked for.
fn target(
    trigger: Trigger,
    refs: &Refs<'_>,
    payload: &Payload,
    inputs: &Inputs,
) -> Result<Target, ContextError> {
    let target = head::establish(trigger, refs, payload)?;
    let number = match (&target.pull, &target.head) {
        (Some(pull), _) => Some(pull.number),
        (None, Head::ToAsk(number)) => Some(*number),
        (None, Head::Known(_)) => None,
    };
    match (inputs.pull, number) {
        (Some(asked), Some(number)) => {
            agree("pull requests", "input pull", &asked.to_string(), "event", &number.to_string())?;
        }
        (Some(asked), None) => return Ok(to_ask(asked)),
        (None, _) => {}
    }
    if let (Some(asked), Head::Known(head)) = (&inputs.head, &target.head) {
        agree("heads", "--head", asked.as_str(), trigger.as_str(), head.as_str())?;
    }
    Ok(target)
}

/// What the inputs alone say, for an event that says nothing.
fn asked_for(inputs: &Inputs) -> Option<Target> {
    match (inputs.pull, &inputs.head) {
        (Some(number), _) => Some(to_ask(number)),
        (None, Some(head)) => Some(known(head)),
        (None, None) => None,
    }
}

fn to_ask(number: PullNumber) -> Target {
    Target { head: Head::ToAsk(number), base: None, merge_base: None, pull: None }
}

fn known(head: &CommitSha) -> Target {
    Target { head: Head::Known(head.clone()), base: None, merge_base: None, pull: None }
}

fn server(variables: &Variables, token: Option<&Token>) -> Result<Server, ContextError> {
    let (name, text) = variables.need("SERVER_URL")?;
    let url = parse_url(&name, text)?;
    let api = match variables.find("API_URL")? {
        Some((name, text)) => parse_url(&name, text)?,
        None => parse_url(&name, &format!("{url}/api/v1"))?,
    };
    let token = match token {
        Some(token) => Some(token.clone()),
        None => variables.job_token()?,
    };
    Ok(Server { url, api, token })
}

fn run_and_runtime(variables: &Variables) -> Result<(RunIdentity, Option<Runtime>), ContextError> {
    let id = parse_variable::<RunId, _>(variables, "RUN_ID")?;
    let run = RunIdentity {
        id,
        number: parse_number(variables, "RUN_NUMBER")?,
        // Runners of before November 2025 always say 1 (FORGEJO section 1.2): a lower bound, as all else here.
        attempt: parse_number(variables, "RUN_ATTEMPT")?.unwrap_or(1).max(1),
        job: variables.need("JOB")?.1.to_owned(),
        commit: variables.find("SHA")?.and_then(|(_, sha)| sha.parse().ok()),
        workflow_file: variables.find("WORKFLOW_REF")?.and_then(|(_, text)| workflow_file(text)),
        workflow_name: variables.find("WORKFLOW")?.map(|(_, name)| name.to_owned()),
    };
    let Some(text) = variables.exact("ACTIONS_RUNTIME_TOKEN") else { return Ok((run, None)) };
    let token: crate::model::Token = text
        .parse()
        .map_err(|reason| ContextError::Token { name: "ACTIONS_RUNTIME_TOKEN".to_owned(), reason })?;
    let scope = claims::scope(&token);
    if let Some(scope) = scope {
        let (name, value) = ("GITHUB_RUN_ID", id.to_string());
        agree("run ids", name, &value, "ACTIONS_RUNTIME_TOKEN", &scope.run.to_string())?;
    }
    let url = |name: &str| variables.exact(name).map(|text| parse_url(name, text)).transpose();
    let runtime = Runtime {
        token,
        results_url: url("ACTIONS_RESULTS_URL")?,
        pipeline_url: url("ACTIONS_RUNTIME_URL")?,
        job_id: scope.map(|scope| scope.job),
        task_id: scope.and_then(|scope| scope.task),
    };
    Ok((run, Some(runtime)))
}

/// `owner/repo/<folder>/<file>@<ref>` → `<folder>/<file>`: the reliable source of the file (FORGEJO section 1.1).
fn workflow_file(workflow_ref: &str) -> Option<String> {
    let path = workflow_ref.split('@').next()?;
    let (_, rest) = path.split_once('/')?;
    let (_, file) = rest.split_once('/')?;
    (!file.is_empty()).then(|| file.to_owned())
}

fn parse_variable<T, E>(variables: &Variables, name: &str) -> Result<T, ContextError>
where
    T: std::str::FromStr<Err = E>,
    E: std::fmt::Display,
{
    let (name, text) = variables.need(name)?;
    text.parse().map_err(|err: E| ContextError::Invalid {
        name,
        value: sanitize(text, 120),
        reason: err.to_string(),
    })
}

fn parse_number(variables: &Variables, name: &str) -> Result<Option<u64>, ContextError> {
    let Some((name, text)) = variables.find(name)? else { return Ok(None) };
    text.parse().map(Some).map_err(|_| ContextError::Invalid {
        name,
        value: sanitize(text, 40),
        reason: "not a number".to_owned(),
    })
}

fn parse_url(name: &str, text: &str) -> Result<ServerUrl, ContextError> {
    text.parse().map_err(|err: super::ServerUrlError| ContextError::Invalid {
        name: name.to_owned(),
        value: "an address".to_owned(),
        reason: err.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workflow_file_is_cut_out_of_its_reference() {
        let file = |text| workflow_file(text);
        assert_eq!(
            file("boss/demo/.forgejo/workflows/probe.yml@refs/heads/main").as_deref(),
            Some(".forgejo/workflows/probe.yml")
        );
        assert_eq!(
            file("boss/demo/.forgejo/workflows/a.yml@main").as_deref(),
            Some(".forgejo/workflows/a.yml")
        );
        assert_eq!(file("boss"), None);
    }
}
