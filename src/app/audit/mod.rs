//! `patchwarden audit`: over the pull requests merged since a time, what got through: required contexts that no job
//! stands behind, heads never judged, policies changed without a person. Read-only; asks, judges, prints.

mod facts;
mod findings;
mod look;
mod render;

use crate::audit::{Audit, SCHEMA};
use crate::error::{EXIT_CONTEXT, Failure};
use crate::forge::ForgeError;
use crate::forge::rest::{Pull, PullState, Repo};
use crate::model::{Span, Timestamp};

use super::forge_access::{Access, ForgeChoice};
use super::{Ended, clock, give};

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
    let audit = of_repo(repo, request.since, clock(request.now), &request.policy).map_err(|error| {
        Failure::new(EXIT_CONTEXT, "nothing was audited")
            .caused_by("the merged pull requests could not be listed")
            .caused_by(error)
    })?;
    give(&match request.form {
        Form::Text => render::text(&audit),
        Form::Json => crate::output::json(&audit),
        Form::Sarif => render::sarif(&audit),
    })?;
    Ok(0)
}

/// Audits what was merged within `reach` before `until`. `policy` is the policy's path in the repository.
///
/// # Errors
/// [`ForgeError`] where the merged pull requests could not be listed; whatever else is not answered is a finding.
pub fn of_repo(repo: Repo<'_>, reach: Span, until: Timestamp, policy: &str) -> Result<Audit, ForgeError> {
    let reach = i64::try_from(reach.seconds()).unwrap_or(i64::MAX);
    let since = Timestamp::from_unix(until.unix().saturating_sub(reach));
    let mut merged: Vec<Pull> = repo
        .closed_pulls(since)?
        .into_iter()
        .filter(|pull| pull.state == PullState::Merged)
        .filter(|pull| pull.merged_at.is_some_and(|at| (since..=until).contains(&at)))
        .collect();
    merged.sort_by_key(|pull| pull.number);
    let findings = merged.iter().flat_map(|pull| findings::judge(&look::look(repo, pull, policy))).collect();
    Ok(Audit {
        schema: SCHEMA.to_owned(),
        repo: repo.slug().clone(),
        since,
        until,
        merged: merged.len() as u64,
        findings,
    })
}
