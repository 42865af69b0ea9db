//! `patchwarden repair`: a repair packet from a verdict that exists already. It plans and judges nothing anew;
//! a document that is malformed, stale or of another head gives an exit code and no packet.

use std::path::PathBuf;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::{EXIT_CONTEXT, EXIT_OUTPUT, EXIT_POLICY, Failure};
use crate::evidence::{Format, Target, document};
use crate::gate::GateResult;
use crate::gate::review_quorum::{self, ReviewQuorum};
use crate::gate::runtime_repair::{self, RuntimeRepair};
use crate::model::{CommitSha, GateId, PullNumber, RepoSlug, Span, Timestamp, Verdict, sanitize};
use crate::policy::Policy;
use crate::repair::{AcceptanceHead, PlanInput, foreign, plan};
use crate::report::{self, GateReport};
use crate::verdict::decide;
use crate::{output, sink};

use super::gate::{read_policy_file, remembered_file};
use super::judge::limits;
use super::{Ended, clock, give, read_named};

/// The settings of `repair`.
#[derive(Debug)]
pub struct Request {
    /// The verdict: a gate report, a review quorum, a runtime repair, or SARIF.
    pub verdict: PathBuf,
    pub head: CommitSha,
    pub policy: Option<PathBuf>,
    /// The gate a verdict without one is of.
    pub gate: Option<GateId>,
    /// The packet of an earlier head.
    pub previous: Option<PathBuf>,
    pub max_age: Span,
    /// Where the packet is written; printed where none is named.
    pub out: Option<PathBuf>,
    pub now: Option<Timestamp>,
}

/// A verdict, read back.
struct Existing {
    verdict: Verdict,
    results: Vec<GateResult>,
    repo: Option<RepoSlug>,
    pull_request: Option<PullNumber>,
    evidence_head: AcceptanceHead,
    /// When it was reached, where it says so.
    at: Option<Timestamp>,
}

/// Only the field that tells documents apart.
#[derive(Deserialize)]
struct Named {
    schema: Option<String>,
}

const WHAT: &str = "no packet was written";

/// Plans the repair: exit 0 and a packet.
///
/// # Errors
/// Exit 2 for a document that is no verdict, 3 for a policy that is broken or another than judged, 4 for a verdict
/// that is stale or of another head. Nothing is written then.
pub fn run(request: &Request) -> Ended {
    let now = clock(request.now);
    let bytes = read_named(&request.verdict, "the verdict", crate::error::EXIT_USAGE)?;
    let schema = document::from_slice::<Named>(&bytes).map_err(|error| malformed(request, &error))?.schema;
    let (policy, existing) = match schema.as_deref() {
        Some(report::SCHEMA) => of_report(request, &parse(request, &bytes)?)?,
        Some(review_quorum::SCHEMA) => {
            let quorum: ReviewQuorum = parse(request, &bytes)?;
            let id = gate_id(request, "reviews")?;
            alone(request, foreign::of_quorum(&quorum, id, &request.head), None)?
        }
        Some(runtime_repair::SCHEMA) => {
            let repair: RuntimeRepair = parse(request, &bytes)?;
            let results = foreign::of_runtime(&repair, gate_id(request, "runtime")?);
            alone(request, results, Some(repair.evaluated_at))?
        }
        Some(other) => {
            return Err(malformed(request, &format!("its `schema` is `{}`", sanitize(other, 80))));
        }
        None => {
            let parsed = Format::Sarif
                .parse(&mut bytes.as_slice(), &limits())
                .map_err(|error| malformed(request, &error))?;
            alone(
                request,
                foreign::of_findings(&parsed, gate_id(request, "suggestions")?, &request.head),
                None,
            )?
        }
    };
    fresh(request, existing.at, now)?;
    let target = Target {
        head: request.head.clone(),
        base: None,
        repo: existing.repo.clone(),
        pull_request: existing.pull_request,
        origin: None,
        passed_digests: std::collections::BTreeSet::new(),
        job_starts: std::collections::BTreeMap::new(),
        now,
    };
    let history = remembered_file(&target, request.previous.as_deref())?;
    let packet = plan(&PlanInput {
        target_sha: &request.head,
        repo: existing.repo.as_ref(),
        pull_request: existing.pull_request,
        verdict: existing.verdict,
        policy: &policy,
        results: &existing.results,
        evidence_head: existing.evidence_head,
        history: &history,
    });
    let text = output::json(&packet);
    match &request.out {
        None => give(&text)?,
        Some(path) => sink::write_file(path, text.as_bytes()).map_err(|error| {
            Failure::new(EXIT_OUTPUT, format!("`{}` could not be written", path.display())).caused_by(error)
        })?,
    }
    Ok(0)
}

fn malformed(request: &Request, why: &dyn std::fmt::Display) -> Failure {
    Failure::usage(WHAT)
        .caused_by(format!("`{}` is no verdict that can be planned from", request.verdict.display()))
        .caused_by(why)
        .hint("give a gate report, a review quorum, a runtime repair (each as `--format json` prints it) or SARIF")
}

fn parse<T: DeserializeOwned>(request: &Request, bytes: &[u8]) -> Result<T, Failure> {
    document::from_slice(bytes).map_err(|error| malformed(request, &error))
}

fn gate_id(request: &Request, default: &str) -> Result<GateId, Failure> {
    match &request.gate {
        Some(id) => Ok(id.clone()),
        None => default.parse().map_err(|error| Failure::usage(WHAT).caused_by(error)),
    }
}

/// A report: its policy must be the one that judged, because commands come from it.
fn of_report(request: &Request, report: &GateReport) -> Result<(Policy, Existing), Failure> {
    let judged_by = report.policy.as_ref().map(|policy| &policy.sha256);
    let policy = match (&request.policy, &report.proposed_policy) {
        (Some(_), _) => policy_of(request)?,
        // Where the embedded policy judged, the report carries it.
        (None, Some(text)) => sound(text, "the embedded policy")?,
        (None, None) => {
            return Err(Failure::usage(WHAT)
                .caused_by("a report is planned from with the policy that judged, and none was named")
                .hint("name it with `--policy FILE`"));
        }
    };
    if judged_by != Some(&policy.sha256) {
        let judged_by = judged_by.map_or("none".to_owned(), ToString::to_string);
        return Err(Failure::new(EXIT_POLICY, WHAT).caused_by(format!(
            "the report was judged by policy {judged_by}, this one is {}",
            policy.sha256
        )));
    }
    let (verdict, results) =
        report::results(report, &policy, &request.head).map_err(|error| match error {
            report::ReportUnusable::Foreign(foreign::ForeignError::OtherHead(..)) => {
                Failure::new(EXIT_CONTEXT, WHAT).caused_by(error)
            }
            other => malformed(request, &other),
        })?;
    let evidence_head =
        if report.target.run_id.is_some() { AcceptanceHead::Next } else { AcceptanceHead::Same };
    let existing = Existing {
        verdict,
        results,
        repo: report.target.repo.clone(),
        pull_request: report.target.pull_request,
        evidence_head,
        at: Some(report.evaluated_at),
    };
    Ok((policy, existing))
}

/// A verdict of one gate.
fn alone(
    request: &Request,
    results: Result<Vec<GateResult>, foreign::ForeignError>,
    at: Option<Timestamp>,
) -> Result<(Policy, Existing), Failure> {
    let results = results.map_err(|error| match error {
        foreign::ForeignError::OtherHead(..) => Failure::new(EXIT_CONTEXT, WHAT).caused_by(error),
        other => malformed(request, &other),
    })?;
    let verdict = decide(&results);
    let policy = policy_of(request)?;
    let evidence_head = AcceptanceHead::Same;
    Ok((policy, Existing { verdict, results, repo: None, pull_request: None, evidence_head, at }))
}

fn policy_of(request: &Request) -> Result<Policy, Failure> {
    match &request.policy {
        Some(path) => sound(&read_policy_file(path, WHAT)?, &path.display().to_string()),
        None => sound("version = 1\n", "the empty policy"),
    }
}

fn sound(text: &str, name: &str) -> Result<Policy, Failure> {
    super::judge::SoundPolicy::read(text)
        .map(|sound| sound.policy)
        .map_err(|problems| Failure::policy(WHAT, name, problems))
}

/// A verdict of long ago, or of the future, is not about what is there now.
fn fresh(request: &Request, at: Option<Timestamp>, now: Timestamp) -> Result<(), Failure> {
    let Some(at) = at else { return Ok(()) };
    let stale = match now.seconds_since(at) {
        Some(age) => age > request.max_age.seconds(),
        None => true,
    };
    if stale {
        return Err(Failure::new(EXIT_CONTEXT, WHAT)
            .caused_by(format!("the verdict is stale: it is of {at}, the time is {now}"))
            .hint(format!("judge again, or allow more than {} with `--max-age`", request.max_age)));
    }
    Ok(())
}
