//! What the facts of one merged pull request show to have got through. Pure: nothing is asked here.
//! Every success of a required context is held against the job it names, within that job's own time.

use crate::audit::{Finding, Rule};
use crate::forge::rest::{CommitStatus, RunStatus, StatusState};
use crate::model::{Digest, Timestamp, Verdict, sanitize};

use super::facts::{Approval, By, JobFact, Merged, RunFact, Verdicts};

/// Seconds by which a status may be later than the end of its job: the server posts it from a queue.
pub const LATE: i64 = 60;

/// Judges one merged pull request.
pub fn judge(merged: &Merged) -> Vec<Finding> {
    let mut found = Vec::new();
    for context in &merged.required {
        found.extend(merged.context(context));
    }
    if merged.approvals.iter().any(|one| one.by == By::Job && one.official) {
        let why = "the server counted an approval by `forgejo-actions`, which any job can give";
        found.push(merged.finding(Rule::JobApproval, "forgejo-actions", why));
    }
    found.extend(merged.verdict());
    let by_a_person = |one: &Approval| one.of_head && one.by == By::Person;
    if merged.touches_policy && !merged.approvals.iter().any(by_a_person) {
        let why = "nobody but the author and the jobs approved the head that changed the policy";
        found.push(merged.finding(Rule::PolicyUnreviewed, "policy", why));
    }
    for why in &merged.unread {
        found.push(merged.finding(Rule::Unread, "forge", &sanitize(why, 300)));
    }
    found
}

impl Merged {
    fn finding(&self, rule: Rule, subject: &str, message: &str) -> Finding {
        let subject = sanitize(subject, 160);
        let identity = [rule.as_str(), &self.number.to_string(), self.head.as_str(), &subject];
        Finding {
            rule,
            pull_request: self.number,
            head: self.head.clone(),
            merged_at: self.at,
            fingerprint: Digest::of_parts(&identity),
            subject,
            message: message.to_owned(),
        }
    }

    /// What is wrong with the successes of a required context.
    fn context(&self, context: &str) -> Vec<Finding> {
        let shown = sanitize(context, 160);
        let mut found = Vec::new();
        let mut genuine = false;
        for status in self.greens(context) {
            match self.behind(status) {
                Ok(()) => genuine = true,
                Err(why) => {
                    let at = status.created.map(|at| format!(" at {at}")).unwrap_or_default();
                    let message = format!("`{shown}` was posted as success{at}: {why}");
                    found.push(self.finding(Rule::StatusForged, context, &message));
                }
            }
        }
        if !genuine && self.unread.is_empty() {
            let message = format!("no job reported `{shown}` as success before the merge");
            found.push(self.finding(Rule::NeverJudged, context, &message));
        }
        found
    }

    /// What is wrong with the gate's result.
    fn verdict(&self) -> Option<Finding> {
        let (rule, message) = match &self.verdicts {
            Verdicts::Says(Some(Verdict::Pass)) => return None,
            Verdicts::Says(verdict) => {
                let word = verdict.map_or("no verdict", Verdict::as_str);
                (Rule::VerdictMissing, format!("the newest result of a gate says `{word}`"))
            }
            Verdicts::Superseded(why) => (Rule::VerdictSuperseded, sanitize(why, 300)),
            Verdicts::None => (Rule::VerdictMissing, "no run of the head holds a gate's result".to_owned()),
            Verdicts::Late(made) => (
                Rule::VerdictMissing,
                format!("the only result of a gate was made after the merge, at {made}"),
            ),
            Verdicts::Unread(why) => (Rule::Unread, sanitize(why, 300)),
        };
        Some(self.finding(rule, "result", &message))
    }

    /// The successes of a context that were posted before the merge.
    pub fn greens<'m>(&'m self, context: &str) -> impl Iterator<Item = &'m CommitStatus> {
        let glob = globset::Glob::new(context).ok().map(|glob| glob.compile_matcher());
        let context = context.to_owned();
        self.statuses.iter().filter(move |status| {
            let fits =
                status.context == context || glob.as_ref().is_some_and(|glob| glob.is_match(&status.context));
            let before = match (status.created, self.at) {
                (Some(posted), Some(merged)) => posted <= merged,
                _ => true,
            };
            fits && before && status.state == StatusState::Success
        })
    }

    /// Whether a job of a run of this head stands behind a success, or what speaks against it.
    fn behind(&self, status: &CommitStatus) -> Result<(), String> {
        let (_, rest) =
            status.target_url.rsplit_once("/actions/runs/").ok_or_else(|| "it links to no run".to_owned())?;
        let number: u64 = rest
            .split('/')
            .next()
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| "it links to no run".to_owned())?;
        let run = self.runs.iter().find(|run| run.number == number);
        let run = run.ok_or_else(|| format!("run {number} is none of this head"))?;
        let named = |job: &&JobFact| status.context.ends_with(&format!(" / {} ({})", job.name, run.event));
        let job = run.jobs.iter().find(named);
        let job = job.ok_or_else(|| format!("run {number} has no job that reports under it"))?;
        let result = result_at(run, job, status.created)?;
        if result == RunStatus::Success {
            return Ok(());
        }
        Err(format!("the job of run {number} behind it ended as `{}`", result.as_str()))
    }
}

/// What the job was when the status was posted. Where its tries are known the one of that time counts, and a status
/// must fall between its start and its end; else all there is to hold it against is the start of the run.
fn result_at(run: &RunFact, job: &JobFact, posted: Option<Timestamp>) -> Result<RunStatus, String> {
    let number = run.number;
    let Some(posted) = posted else { return Ok(job.status) };
    if job.tries.is_empty() {
        return match run.started {
            Some(started) if posted < started => Err(format!("it was posted before run {number} started")),
            _ => Ok(job.status),
        };
    }
    let begun = |one: &&super::facts::Try| one.started.is_none_or(|started| started <= posted);
    let Some(of_then) = job.tries.iter().rev().find(begun) else {
        return Err(format!("it was posted before its job of run {number} started"));
    };
    match of_then.ended {
        Some(ended) if posted.unix() > ended.unix().saturating_add(LATE) && of_then.status.is_done() => {
            Err(format!("it was posted after its job of run {number} had ended, at {ended}"))
        }
        _ => Ok(of_then.status),
    }
}

#[cfg(test)]
#[path = "findings_tests.rs"]
mod tests;
