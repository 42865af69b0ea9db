//! The results of the run's jobs are evidence too: a green report from a job that died counts for nothing,
//! and a job that failed without saying why blocks (DESIGN section 4, *Producers*).

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::{Binding, Evidence};
use crate::model::{Code, EvidenceId, Outcome, count, cut_list, sanitize};
use crate::policy::Policy;

use super::builtin::builtin;
use super::evaluate::EvidenceSet;
use super::result::{Blocker, GateResult};

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobEnd {
    Success,
    Failure,
    Cancelled,
    Skipped,
    /// It had not ended when the gate judged.
    Unfinished,
}

impl JobEnd {
    fn as_str(self) -> &'static str {
        match self {
            Self::Success => "succeeded",
            Self::Failure => "failed",
            Self::Cancelled => "was cancelled",
            Self::Skipped => "was skipped",
            Self::Unfinished => "had not ended",
        }
    }

    fn is_red(self) -> bool {
        matches!(self, Self::Failure | Self::Cancelled)
    }
}

/// One job of the run at its latest attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunJob {
    /// The id of the workflow file, else the display name where the two could not be matched. Sanitized.
    pub id: String,
    pub end: JobEnd,
    /// Ids of the jobs it needs.
    pub needs: Vec<String>,
}

impl RunJob {
    /// Whether it is the job of this id; a matrix job's display name is `id (values)`.
    pub fn is(&self, id: &str) -> bool {
        self.id == id || self.id.strip_prefix(id).is_some_and(|rest| rest.starts_with(" ("))
    }
}

/// The jobs of every run that counts.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunJobs {
    /// Offline: there is no run.
    None,
    /// They could not be listed; says why.
    Unknown(String),
    /// The run the gate stands in, or the runs of the head where it stands on the base.
    Known(Vec<JobsOfRun>),
}

/// The jobs of one run.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct JobsOfRun {
    /// All of them but the gate's own.
    pub jobs: Vec<RunJob>,
    /// The job the gate stands in, where it stands in this run.
    pub gate: Option<String>,
    pub names: RunNames,
    /// The evidence that was read from this run; `None` where all of it was.
    pub evidence: Option<BTreeSet<EvidenceId>>,
    /// What keeps the run from being judged by its jobs: it awaits an approval, was cancelled, has not ended.
    pub trouble: Option<Blocker>,
}

/// What the run is called where a policy's `from` may name it.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct RunNames {
    /// The workflow's file without its folder.
    pub workflow: Option<String>,
    pub event: Option<String>,
}

/// Judges the jobs: condemns evidence of jobs that died, and gives the built-in `run` gate's result.
pub fn judge_producers(policy: &Policy, set: &mut EvidenceSet, jobs: &RunJobs) -> Option<GateResult> {
    let runs = match jobs {
        RunJobs::None => return None,
        RunJobs::Unknown(why) => {
            let blocker =
                Blocker::new(Code::RunJobsUnknown, "jobs", format!("the jobs could not be listed: {why}"));
            return Some(result(Outcome::Unmeasured, "unknown", vec![blocker]));
        }
        RunJobs::Known(runs) => runs,
    };
    let ignored = ignored(policy);
    for run in runs {
        condemn(policy, set, run, &ignored);
    }
    let mut blockers: Vec<Blocker> = Vec::new();
    let mut red: Vec<String> = Vec::new();
    let mut counted = 0;
    for run in runs {
        blockers.extend(run.trouble.clone());
        if run.trouble.is_some() {
            continue;
        }
        // With several runs a job is told by its workflow as well.
        let workflow = run.names.workflow.as_deref().filter(|_| runs.len() > 1);
        let shown = |job: &RunJob| match workflow {
            Some(workflow) => sanitize(&format!("{workflow}: {}", job.id), 160),
            None => sanitize(&job.id, 100),
        };
        let jobs: Vec<&RunJob> = run.jobs.iter().filter(|job| run.counts(job, &ignored)).collect();
        counted += jobs.len();
        blockers.extend(jobs.iter().filter_map(|job| judge_job(job, run, set, &shown)));
        let not_green = jobs.iter().filter(|job| job.end != JobEnd::Success);
        red.extend(not_green.map(|job| format!("`{}` {}", sanitize(&shown(job), 90), job.end.as_str())));
    }
    let mut observed = format!("{} beside the gate", count(counted as u64, "job"));
    if !red.is_empty() {
        observed = format!("{observed}: {}", cut_list(&red, 5));
    }
    blockers.sort_by(|a, b| (a.code, &a.subject).cmp(&(b.code, &b.subject)));
    blockers.dedup_by(|later, first| (later.code, &later.subject) == (first.code, &first.subject));
    let worst = blockers.iter().map(|blocker| blocker.code.info().outcome).min();
    Some(result(worst.unwrap_or(Outcome::Pass), &observed, blockers))
}

impl JobsOfRun {
    /// A job that waits for the gate has nothing to tell it, and the policy may leave some out.
    fn counts(&self, job: &RunJob, ignored: &globset::GlobSet) -> bool {
        let gates =
            self.gate.as_deref().is_some_and(|gate| job.is(gate) || waits_for(job, gate, &self.jobs, 0));
        !gates && !ignored.is_match(&job.id)
    }

    /// Whether evidence of this job shows why it is red.
    fn explains(&self, job: &RunJob, set: &EvidenceSet) -> bool {
        set.values().filter(|evidence| self.holds(&evidence.id)).any(|evidence| {
            evidence.explains_red && evidence.producer_job.as_ref().is_some_and(|id| job.is(id))
        })
    }

    fn holds(&self, id: &EvidenceId) -> bool {
        self.evidence.as_ref().is_none_or(|ids| ids.contains(id))
    }
}

/// What one job has to say against a pass.
fn judge_job(
    job: &RunJob,
    run: &JobsOfRun,
    set: &EvidenceSet,
    shown: &dyn Fn(&RunJob) -> String,
) -> Option<Blocker> {
    let name = shown(job);
    match job.end {
        JobEnd::Success => None,
        JobEnd::Failure | JobEnd::Cancelled if run.explains(job, set) => None,
        JobEnd::Failure | JobEnd::Cancelled => Some(Blocker::new(
            Code::RunJobFailed,
            &name,
            format!("job `{name}` {}, and no evidence of it shows why", job.end.as_str()),
        )),
        JobEnd::Unfinished => Some(Blocker::new(
            Code::RunJobUnfinished,
            &name,
            format!("job `{name}` had not ended when the gate judged"),
        )),
        JobEnd::Skipped => {
            let culprit = run.jobs.iter().find(|other| {
                job.needs.iter().any(|need| other.is(need)) && other.end.is_red() && !run.explains(other, set)
            })?;
            let other = shown(culprit);
            let reason =
                format!("job `{name}` was skipped because job `{other}`, which it needs, did not succeed");
            Some(Blocker::new(Code::RunJobSkipped, &name, reason))
        }
    }
}

fn result(outcome: Outcome, observed: &str, blockers: Vec<Blocker>) -> GateResult {
    builtin("run", outcome, observed, "no job failed without evidence that shows why", blockers)
}

fn ignored(policy: &Policy) -> globset::GlobSet {
    let mut set = globset::GlobSetBuilder::new();
    // The policy was refused before if one of these were no glob.
    for glob in policy.run.ignore_jobs.iter().filter_map(|glob| globset::Glob::new(glob).ok()) {
        set.add(glob);
    }
    set.build().unwrap_or_default()
}

/// Whether a job needs the gate, directly or through others; a workflow's needs have no cycle, and 64 is deeper
/// than any.
fn waits_for(job: &RunJob, gate: &str, jobs: &[RunJob], depth: usize) -> bool {
    depth < 64
        && job.needs.iter().any(|need| {
            need == gate || jobs.iter().any(|other| other.is(need) && waits_for(other, gate, jobs, depth + 1))
        })
}

/// Evidence of a run whose own commit is another than the head it was started for (`pull_request_target`: its jobs
/// check out the base) is of the head only where a manifest or the report itself names the head.
pub fn require_named_head(set: &mut EvidenceSet) {
    for evidence in set.values_mut().filter(|evidence| evidence.sha256.is_some()) {
        let named = [Binding::Manifest, Binding::Embedded].iter().any(|one| evidence.bindings.contains(one));
        if !named {
            evidence.bindings.retain(|binding| *binding != Binding::Run);
            let detail = "jobs of this event check out the base, and nothing in it names the head";
            evidence.condemn(Code::EvidenceUnbound, detail.to_owned());
        }
    }
}

/// Adds the fault `evidence.producer_failed` where the producing job did not succeed and the report does not show why.
fn condemn(policy: &Policy, set: &mut EvidenceSet, of_run: &JobsOfRun, ignored: &globset::GlobSet) {
    let (jobs, run) = (&of_run.jobs, &of_run.names);
    // Of evidence that is not there it is said already; why its job left none is the job's to say.
    let there = |evidence: &&mut Evidence| evidence.sha256.is_some() && of_run.holds(&evidence.id);
    for evidence in set.values_mut().filter(there) {
        let from = policy.evidence(&evidence.id).and_then(|entry| entry.from.as_ref());
        let named = from.and_then(|from| from.job.as_deref());
        if let Some(from) = from {
            let asked = [("workflow", &from.workflow, &run.workflow), ("event", &from.event, &run.event)];
            for (what, wanted, is) in asked {
                if let Some(wanted) = wanted.as_ref().filter(|wanted| Some(*wanted) != is.as_ref()) {
                    let is = sanitize(is.as_deref().unwrap_or("not known"), 60);
                    let detail = format!("the policy names {what} `{wanted}`, that of this run is `{is}`");
                    evidence.condemn(Code::EvidenceProducerUnknown, detail);
                }
            }
        }
        let Some(id) = evidence.producer_job.clone() else {
            if from.is_some() {
                let detail = "the policy says where it comes from, and nothing says which job made it";
                evidence.condemn(Code::EvidenceProducerUnknown, detail.to_owned());
            } else {
                evidence.notes.push("which job made it is not known".to_owned());
            }
            continue;
        };
        let makers: Vec<&RunJob> = jobs.iter().filter(|job| job.is(&id)).collect();
        if makers.is_empty() {
            let shown = sanitize(&id, 100);
            if named.is_some() {
                let there: Vec<String> =
                    jobs.iter().map(|job| format!("`{}`", sanitize(&job.id, 60))).collect();
                let there = if there.is_empty() { "none".to_owned() } else { cut_list(&there, 5) };
                let detail = format!("the run has no job `{shown}`, beside the gate there is {there}");
                evidence.condemn(Code::EvidenceProducerUnknown, detail);
            } else {
                evidence.notes.push(format!("its manifest names job `{shown}`, which the run does not have"));
            }
            continue;
        }
        let bad = makers.iter().find(|job| job.end != JobEnd::Success);
        if let Some(job) = bad
            && !evidence.explains_red
            && !ignored.is_match(&job.id)
        {
            let detail = format!("its job `{}` {}", sanitize(&job.id, 100), job.end.as_str());
            evidence.condemn(Code::EvidenceProducerFailed, detail);
        }
    }
}
