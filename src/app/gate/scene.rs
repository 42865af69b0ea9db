//! What is known before the forge is asked: the context of the step, what its needs passed on, and what of both the
//! report says.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::context::{Inputs, JobResult, RunContext, Variables, parse_needs};
use crate::error::Failure;
use crate::model::{CommitSha, Digest, RepoSlug, Token};
use crate::report::TargetFacts;

use super::connect::pause_for_tests;
use super::outputs::no_verdict;
use super::this_run::Request;

/// What is known before the forge is asked.
pub struct Scene {
    pub context: RunContext,
    pub slug: RepoSlug,
    /// Whether a token was given, in place of the job's own.
    pub has_own_token: bool,
    pub needs: BTreeMap<String, JobResult>,
    pub passed_digests: BTreeSet<Digest>,
    /// The pause between two questions of a wait, where a test sets one.
    pub pause: Option<Duration>,
}

/// Reads environment, event and inputs.
///
/// # Errors
/// Exit 4 where they do not say what is judged.
pub fn scene(request: &Request, variables: &Variables) -> Result<Scene, Failure> {
    // By the environment, never by an argument: other processes of the machine can read those.
    let token = variables.exact("PATCHWARDEN_TOKEN").map(str::parse::<Token>).transpose();
    let head = request.head.as_deref().map(str::parse::<CommitSha>).transpose();
    let inputs = Inputs {
        token: token.map_err(|error| no_verdict(format!("input `token`: {error}")))?,
        pull: request.pull,
        head: head.map_err(|error| no_verdict(format!("`--head`: {error}")))?,
    };
    let payload = match variables.event_path().map_err(no_verdict)? {
        Some(path) => Some(std::fs::read(path).map_err(|error| {
            no_verdict(format!("the event payload `{path}` could not be read")).caused_by(error)
        })?),
        None => None,
    };
    let has_own_token = inputs.token.is_some();
    let context = RunContext::from_workflow(variables, payload.as_deref(), &inputs)
        .map_err(|error| no_verdict(error).hint("offline, name `--evidence DIR` and `--head SHA`"))?;
    let slug = context.repo.clone().ok_or_else(|| no_verdict("the repository is not known"))?;
    let needs = parse_needs(&request.needs)
        .map_err(|error| no_verdict(error).hint("pass it as `needs: ${{ toJSON(needs) }}`"))?;
    let passed_digests = passed_digests(&request.needs);
    let pause = pause_for_tests(variables);
    Ok(Scene { context, slug, has_own_token, needs, passed_digests, pause })
}

/// Every `sha256:…` that a needed job passed through an output.
fn passed_digests(needs: &str) -> BTreeSet<Digest> {
    let mut found = BTreeSet::new();
    for (at, _) in needs.match_indices("\"sha256:") {
        let digest = needs.get(at + 1..at + 1 + 71).and_then(|text| text.parse::<Digest>().ok());
        found.extend(digest.filter(|digest| !digest.binds_nothing()));
    }
    found
}

/// Puts what is known into the report's facts.
pub fn facts_of(scene: &Scene, facts: &mut TargetFacts) {
    let context = &scene.context;
    facts.server_url = context.server.as_ref().map(|server| server.url.to_string());
    facts.repo = Some(scene.slug.clone());
    facts.pull_request = context.pull.as_ref().map(|pull| pull.number);
    facts.target_sha = context.head.known().cloned();
    facts.base_sha = context.base.as_ref().and_then(|base| base.sha.clone());
    facts.merge_base.clone_from(&context.merge_base);
    facts.event = context.trigger.map(|trigger| trigger.as_str().to_owned());
    facts.fork = context.pull.as_ref().and_then(|pull| match pull.fork {
        crate::context::Fork::Yes => Some(true),
        crate::context::Fork::No => Some(false),
        crate::context::Fork::Unknown => None,
    });
    if let Some(run) = &context.run {
        facts.run_id = Some(run.id);
        facts.run_number = run.number;
        facts.run_attempt = Some(run.attempt);
    }
}
