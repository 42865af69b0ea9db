//! Everything that is asked about one merged pull request. GETs only; what is not answered is said to be unread.
//! The repository's list of tasks, which is long, is read only where a time or an attempt makes it matter.

use crate::context::pull_facts::JOB_ACCOUNT_ID;
use crate::forge::ForgeError;
use crate::forge::rest::{Pull, Repo, ReviewState, Run, StatusState, Task};
use crate::model::Timestamp;

use super::facts::{Approval, By, JobFact, Merged, RunFact, Try, Verdicts};
use super::findings::LATE;
use crate::app::result_artifact::{Found, newest};

/// Asks. `policy` is the policy's path in the repository.
pub fn look(repo: Repo<'_>, pull: &Pull, policy: &str) -> Merged {
    let mut unread: Vec<String> = Vec::new();
    let mut ask = |what: &str, error: &ForgeError| unread.push(format!("{what}: {error}"));
    let branch = repo.branch(&pull.base_branch).map_err(|error| ask("the branch", &error)).ok();
    let required = branch.and_then(|branch| branch.required_contexts).unwrap_or_default();
    let statuses =
        repo.status_history(&pull.head).map_err(|error| ask("the statuses", &error)).unwrap_or_default();
    let runs = repo.actions().runs().head_sha(&pull.head).list();
    let runs = runs.map_err(|error| ask("the runs", &error)).unwrap_or_default();
    let files = repo.changed_files(pull.number).map_err(|error| ask("the files", &error)).unwrap_or_default();
    let mut facts = Vec::new();
    for run in &runs {
        let posted = statuses.iter().filter(|status| status.state == StatusState::Success);
        let posted: Vec<Timestamp> = posted
            .filter(|status| status.target_url.contains(&format!("/actions/runs/{}/", run.number)))
            .filter_map(|status| status.created)
            .collect();
        match jobs(repo, run, &posted) {
            Ok(jobs) => facts.push(RunFact {
                number: run.number,
                event: run.event.clone(),
                started: run.started,
                jobs,
            }),
            Err(error) => ask("the jobs of a run", &error),
        }
    }
    let approvals = approvals(repo, pull).map_err(|error| ask("the reviews", &error)).unwrap_or_default();
    Merged {
        number: pull.number,
        head: pull.head.clone(),
        at: pull.merged_at,
        required,
        verdicts: verdicts(repo, pull, &runs, &facts),
        statuses,
        runs: facts,
        touches_policy: files
            .iter()
            .any(|file| file.path == policy || file.previous.as_deref() == Some(policy)),
        approvals,
        unread,
    }
}

fn approvals(repo: Repo<'_>, pull: &Pull) -> Result<Vec<Approval>, ForgeError> {
    let reviews = repo.reviews(pull.number)?;
    let standing =
        reviews.into_iter().filter(|review| review.state == ReviewState::Approved && !review.dismissed);
    Ok(standing
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
        .collect())
}

/// The jobs of a run by display name, with their tries where an attempt or the time of a status makes them matter;
/// before v16 the tasks are all there is.
fn jobs(repo: Repo<'_>, run: &Run, posted: &[Timestamp]) -> Result<Vec<JobFact>, ForgeError> {
    let jobs = match repo.actions().run(run.id).jobs() {
        Ok(jobs) => jobs,
        Err(error) if error.is_not_found() => {
            let mut facts: Vec<JobFact> = Vec::new();
            // Newest first.
            for task in repo.actions().tasks(run.number, run.created)? {
                let one = one_try(&task);
                if let Some(fact) = facts.iter_mut().find(|fact| fact.name == task.name) {
                    fact.tries.insert(0, one);
                } else {
                    facts.push(JobFact { name: task.name, status: task.status, tries: vec![one] });
                }
            }
            return Ok(facts);
        }
        Err(error) => return Err(error),
    };
    let outside = |at: &Timestamp| {
        let early = run.started.is_some_and(|started| *at < started);
        let late = run.stopped.is_some_and(|stopped| at.unix() > stopped.unix().saturating_add(LATE));
        early || late
    };
    let again = jobs.iter().any(|job| job.attempt > 1);
    let tasks = if again || posted.iter().any(outside) {
        repo.actions().tasks(run.number, run.created)?
    } else {
        Vec::new()
    };
    Ok(jobs
        .into_iter()
        .map(|job| JobFact {
            tries: tasks.iter().rev().filter(|task| task.name == job.name).map(one_try).collect(),
            name: job.name,
            status: job.status,
        })
        .collect())
}

fn one_try(task: &Task) -> Try {
    Try { status: task.status, started: task.started, ended: task.updated }
}

/// The gate's result as it stood at the merge: of the runs that had begun by then, the newest.
fn verdicts(repo: Repo<'_>, pull: &Pull, runs: &[Run], facts: &[RunFact]) -> Verdicts {
    let by_then = |run: &&Run| match (run.created, pull.merged_at) {
        (Some(created), Some(merged)) => created <= merged,
        _ => true,
    };
    let runs: Vec<Run> = runs.iter().filter(by_then).cloned().collect();
    match newest(repo, &runs, &pull.head) {
        Found::Unread { why, .. } => Verdicts::Unread(why),
        Found::None => match again(facts, &runs, pull.merged_at) {
            Some(again) => again,
            None => Verdicts::None,
        },
        Found::Result(result) => {
            if let (Some(made), Some(merged)) = (result.made, pull.merged_at)
                && made > merged
            {
                let of_run: Vec<Run> = runs.iter().filter(|run| run.number == result.run).cloned().collect();
                return again(facts, &of_run, pull.merged_at).unwrap_or(Verdicts::Late(made));
            }
            match superseded(&runs, result.run) {
                Some(later) => Verdicts::Superseded(format!(
                    "the newest result is of run {}, and run {later} of the same workflow had begun without one",
                    result.run
                )),
                None => Verdicts::Says(result.report.verdict),
            }
        }
    }
}

/// A later run of the same workflow and event, which would have made a newer result. `runs` come newest first.
fn superseded(runs: &[Run], number: u64) -> Option<u64> {
    let of_result = runs.iter().find(|run| run.number == number)?;
    let later = runs.iter().take_while(|run| run.number != number);
    later
        .filter(|run| run.workflow_file == of_result.workflow_file && run.event == of_result.event)
        .map(|run| run.number)
        .next()
}

/// A re-run condemns every artifact of its run: what such a run had said is gone. It no longer held where the re-run
/// began before the merge; where it began afterwards nothing shows what held.
fn again(facts: &[RunFact], runs: &[Run], merged: Option<Timestamp>) -> Option<Verdicts> {
    let mut of_runs = facts.iter().filter(|fact| runs.iter().any(|run| run.number == fact.number));
    let tried_twice = |fact: &RunFact| {
        let later = fact.jobs.iter().flat_map(|job| job.tries.iter().skip(1));
        later.filter_map(|one| one.started).min().map(|began| (fact.number, began))
    };
    let (number, began) = of_runs.find_map(tried_twice)?;
    Some(if merged.is_some_and(|merged| began > merged) {
        Verdicts::Unread(format!(
            "run {number} was tried again after the merge: what its gate had said is gone"
        ))
    } else {
        Verdicts::Superseded(format!(
            "run {number} was tried again at {began}, which condemned the result it held, and has no newer one"
        ))
    })
}
