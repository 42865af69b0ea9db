//! What the environment and the event's payload say of the job: repository, pull request, commits, run.
//! Names and values are those of FORGEJO section 1.1; outside a workflow there is nothing to say.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;

use crate::evidence::{Limits, document, manifest::Producer};
use crate::model::{CommitSha, PullNumber, RepoSlug, sanitize};

/// The job this runs in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Job {
    pub repo: Option<RepoSlug>,
    pub pull_request: Option<PullNumber>,
    /// `pull_request.head.sha` of the payload.
    pub pull_head: Option<CommitSha>,
    /// `pull_request.base.sha` of the payload: the base's tip at the event.
    pub base: Option<CommitSha>,
    /// `GITHUB_SHA`.
    pub commit: Option<CommitSha>,
    /// Whether `commit` must be the pull request's head: the event is `pull_request`.
    pub commit_is_pull_head: bool,
    /// Whether `commit` is the base's tip: the event is `pull_request_target`.
    pub commit_is_base: bool,
    pub producer: Option<Producer>,
}

/// The parts of an event's payload that are used here; intentionally incomplete.
#[derive(Debug, Default, Deserialize)]
struct EventWire {
    #[serde(default)]
    number: Option<u64>,
    #[serde(default)]
    pull_request: Option<PullWire>,
    #[serde(default)]
    repository: Option<RepositoryWire>,
}

#[derive(Debug, Deserialize)]
struct PullWire {
    #[serde(default)]
    number: Option<u64>,
    #[serde(default)]
    head: Option<BranchWire>,
    #[serde(default)]
    base: Option<BranchWire>,
}

#[derive(Debug, Deserialize)]
struct BranchWire {
    #[serde(default)]
    sha: Option<String>,
}

#[derive(Debug, Deserialize)]
struct RepositoryWire {
    #[serde(default)]
    full_name: Option<String>,
}

/// Reads the job from the environment and the payload it names. A payload that cannot be read is a warning.
pub fn read(env: &BTreeMap<String, String>, warnings: &mut Vec<String>) -> Job {
    let event = variable(env, "EVENT_PATH").map_or_else(EventWire::default, |path| {
        read_event(Path::new(path)).unwrap_or_else(|reason| {
            warnings.push(format!("the event payload `{}` could not be read: {reason}", sanitize(path, 200)));
            EventWire::default()
        })
    });
    let sha = |branch: &Option<BranchWire>| branch.as_ref()?.sha.as_ref()?.parse().ok();
    let pull = event.pull_request.as_ref();
    let number = pull.and_then(|pull| pull.number.or(event.number));
    let payload_repo = event.repository.as_ref().and_then(|repository| repository.full_name.as_deref());
    let name = variable(env, "EVENT_NAME");
    Job {
        repo: variable(env, "REPOSITORY").or(payload_repo).and_then(|repo| repo.parse().ok()),
        pull_request: number.and_then(|number| number.try_into().ok()),
        pull_head: pull.and_then(|pull| sha(&pull.head)),
        base: pull.and_then(|pull| sha(&pull.base)),
        commit: variable(env, "SHA").and_then(|sha| sha.parse().ok()),
        commit_is_pull_head: name == Some("pull_request"),
        commit_is_base: name == Some("pull_request_target"),
        producer: producer(env),
    }
}

/// A variable of the runner: `FORGEJO_…`, else `GITHUB_…`; the two are equal where both are set, and an empty one says
/// nothing.
fn variable<'a>(env: &'a BTreeMap<String, String>, name: &str) -> Option<&'a str> {
    ["FORGEJO", "GITHUB"]
        .iter()
        .filter_map(|prefix| env.get(&format!("{prefix}_{name}")))
        .map(String::as_str)
        .find(|value| !value.is_empty())
}

fn read_event(path: &Path) -> Result<EventWire, String> {
    let bound = Limits::default().document_bytes;
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| error.to_string())?;
    file.take(bound + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > bound {
        return Err(format!("it is larger than {bound} bytes"));
    }
    document::from_slice(&bytes).map_err(|error| error.to_string())
}

fn producer(env: &BTreeMap<String, String>) -> Option<Producer> {
    let producer = Producer {
        workflow: variable(env, "WORKFLOW_REF").and_then(workflow_file),
        job: variable(env, "JOB").map(str::to_owned),
        run_id: variable(env, "RUN_ID").and_then(|id| id.parse().ok()),
        run_attempt: variable(env, "RUN_ATTEMPT").and_then(|attempt| attempt.parse().ok()),
    };
    let known = producer.workflow.is_some()
        || producer.job.is_some()
        || producer.run_id.is_some()
        || producer.run_attempt.is_some();
    known.then_some(producer)
}

/// The file name in `owner/repo/<folder>/<file>@<ref>`. `GITHUB_WORKFLOW` is the workflow's display name and of no use.
fn workflow_file(reference: &str) -> Option<String> {
    let end = [".yml@", ".yaml@"]
        .iter()
        .filter_map(|mark| reference.find(mark).map(|at| at + mark.len() - 1))
        .min()?;
    reference.get(..end)?.rsplit('/').next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workflow_is_named_by_its_file() {
        for (reference, file) in [
            ("boss/demo/.forgejo/workflows/probe.yml@refs/pull/2/head", Some("probe.yml")),
            ("o/r/.github/workflows/a@b.yaml@refs/heads/x.yml@y", Some("a@b.yaml")),
            ("boss/demo", None),
        ] {
            assert_eq!(workflow_file(reference).as_deref(), file, "{reference}");
        }
    }

    #[test]
    fn an_empty_variable_says_nothing() {
        let env = BTreeMap::from([
            ("FORGEJO_JOB".to_owned(), String::new()),
            ("GITHUB_JOB".to_owned(), "build".to_owned()),
        ]);
        assert_eq!(variable(&env, "JOB"), Some("build"));
        assert_eq!(read(&BTreeMap::new(), &mut Vec::new()), Job::default());
    }
}
