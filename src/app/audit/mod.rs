//! `patchwarden audit`: over the pull requests merged since a time, what got through: required contexts that no job
//! stands behind, heads never judged, policies changed without a person. Read-only; asks, judges, prints.

mod findings;
mod render;

use crate::context::pull_facts::JOB_ACCOUNT_ID;
use crate::error::{EXIT_CONTEXT, Failure};
use crate::forge::ForgeError;
use crate::forge::rest::{Pull, PullState, Repo, ReviewState, Run};
use crate::model::{RunId, Span, Timestamp};

use super::forge_access::{Access, ForgeChoice};
use super::result_artifact::{Found, newest};
use super::{Ended, clock, give};

use findings::{Approval, By, Finding, JobFact, Merged, RunFact, Verdicts, judge};

/// The settings of `audit`.
#[derive(Debug)]
pub struct Request {
    pub forge: ForgeChoice,
    /// How far back.
    pub since: Span,
    /// The policy's path in the repository.
    pub policy: String,
    pub now: Option<Timestamp>,
    pub form: Form,
}

/// How the findings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Text,
    Json,
    Sarif,
}

/// Asks and says.
///
/// # Errors
/// Exit 2 for several repositories, 4 where the merged pull requests could not be listed.
pub fn run(request: &Request) -> Ended {
    let access = Access::open(&request.forge)?;
    let repo = access.one_repo()?;
    let now = clock(request.now);
    let reach = i64::try_from(request.since.seconds()).unwrap_or(i64::MAX);
    let since = Timestamp::from_unix(now.unix().saturating_sub(reach));
    let pulls = repo.closed_pulls(since).map_err(|error| {
        Failure::new(EXIT_CONTEXT, "nothing was audited")
            .caused_by("the merged pull requests could not be listed")
            .caused_by(error)
    })?;
    let mut merged: Vec<Pull> = pulls
        .into_iter()
        .filter(|pull| pull.state == PullState::Merged && pull.merged_at.is_some_and(|at| at >= since))
        .collect();
    merged.sort_by_key(|pull| pull.number);
    let mut found: Vec<Finding> = Vec::new();
    for pull in &merged {
        let facts = look(repo, pull, &request.policy);
        found.extend(judge(&facts));
    }
    give(&match request.form {
        Form::Text => render::text(repo.slug(), merged.len(), &found),
        Form::Json => render::json(repo.slug(), merged.len(), &found),
        Form::Sarif => render::sarif(&found),
    })?;
    Ok(0)
}

/// Everything that is asked about one merged pull request.
fn look(repo: Repo<'_>, pull: &Pull, policy: &str) -> Merged {
    let mut unread: Vec<String> = Vec::new();
    let mut ask = |what: &str, error: &ForgeError| unread.push(format!("{what}: {error}"));
    let branch = repo.branch(&pull.base_branch).map_err(|error| ask("the branch", &error)).ok();
    let required = branch.and_then(|branch| branch.required_contexts).unwrap_or_default();
    let statuses =
        repo.status_history(&pull.head).map_err(|error| ask("the statuses", &error)).unwrap_or_default();
    let runs = repo.actions().runs().head_sha(&pull.head).list();
    let runs = runs.map_err(|error| ask("the runs", &error)).unwrap_or_default();
    let files = repo.changed_files(pull.number).map_err(|error| ask("the files", &error)).unwrap_or_default();
    let reviews = repo.reviews(pull.number).map_err(|error| ask("the reviews", &error)).unwrap_or_default();
    let verdicts = match newest(repo, &runs, &pull.head) {
        Found::Result(result) => Verdicts::Says(result.report.verdict),
        Found::None => Verdicts::None,
        Found::Unread { why, .. } => Verdicts::Unread(why),
    };
    let mut facts = Vec::new();
    for run in &runs {
        match jobs(repo, run) {
            Ok(jobs) => facts.push(RunFact {
                number: run.number,
                event: run.event.clone(),
                started: run.started,
                jobs,
            }),
            Err(error) => ask("the jobs of a run", &error),
        }
    }
    let approvals = reviews
        .into_iter()
        .filter(|review| review.state == ReviewState::Approved && !review.dismissed)
        .filter_map(|review| {
            let author = review.author?;
            Some(Approval {
                of_head: review.commit.as_ref() == Some(&pull.head),
                by: match &pull.author {
                    _ if author.id == JOB_ACCOUNT_ID => By::Job,
                    Some(own) if own.id == author.id => By::Author,
                    _ => By::Person,
                },
                official: review.official,
            })
        })
        .collect();
    Merged {
        number: pull.number,
        head: pull.head.clone(),
        at: pull.merged_at,
        required,
        statuses,
        runs: facts,
        verdicts,
        touches_policy: files
            .iter()
            .any(|file| file.path == policy || file.previous.as_deref() == Some(policy)),
        approvals,
        unread,
    }
}

/// The jobs of a run by display name; before v16 the newest task of each.
fn jobs(repo: Repo<'_>, run: &Run) -> Result<Vec<JobFact>, ForgeError> {
    let id: RunId = run.id;
    match repo.actions().run(id).jobs() {
        Ok(jobs) => Ok(jobs.into_iter().map(|job| JobFact { name: job.name, status: job.status }).collect()),
        Err(error) if error.is_not_found() => {
            let mut jobs: Vec<JobFact> = Vec::new();
            for task in repo.actions().tasks(run.number, run.created)? {
                if !jobs.iter().any(|job| job.name == task.name) {
                    jobs.push(JobFact { name: task.name, status: task.status });
                }
            }
            Ok(jobs)
        }
        Err(error) => Err(error),
    }
}
