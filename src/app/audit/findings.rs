//! What the facts of one merged pull request show to have got through. Pure: nothing is asked here.

use serde::Serialize;

use crate::forge::rest::{CommitStatus, RunStatus, StatusState};
use crate::model::{CommitSha, PullNumber, Timestamp, Verdict, sanitize};

/// One merged pull request.
#[derive(Debug, Clone)]
pub struct Merged {
    pub number: PullNumber,
    pub head: CommitSha,
    pub at: Option<Timestamp>,
    /// The contexts the base branch requires today, perhaps globs.
    pub required: Vec<String>,
    /// Every status of the head, oldest first.
    pub statuses: Vec<CommitStatus>,
    pub runs: Vec<RunFact>,
    pub verdicts: Verdicts,
    pub touches_policy: bool,
    pub approvals: Vec<Approval>,
    /// What could not be read, each with why.
    pub unread: Vec<String>,
}

/// One run of the head.
#[derive(Debug, Clone)]
pub struct RunFact {
    pub number: u64,
    pub event: String,
    pub started: Option<Timestamp>,
    pub jobs: Vec<JobFact>,
}

/// One job at its latest attempt.
#[derive(Debug, Clone)]
pub struct JobFact {
    pub name: String,
    pub status: RunStatus,
}

/// The result artifacts of the head.
#[derive(Debug, Clone)]
pub enum Verdicts {
    Says(Option<Verdict>),
    None,
    Unread(String),
}

/// An undismissed approval.
#[derive(Debug, Clone, Copy)]
pub struct Approval {
    pub of_head: bool,
    pub by: By,
    /// Whether branch protection counted it.
    pub official: bool,
}

/// Who gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The author of the change.
    Author,
    /// The identity all jobs share.
    Job,
    Person,
}

/// Something that got through, or could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// `audit.…`
    pub rule: &'static str,
    pub pull_request: PullNumber,
    pub head: CommitSha,
    /// What it is about: a context, a path. Sanitized.
    pub subject: String,
    /// One sentence with the evidence in it.
    pub message: String,
}

/// Every rule with what it means.
pub const RULES: [(&str, &str); 6] = [
    (
        "audit.status_forged",
        "a success of a required context has no job of a run of this head behind it that succeeded",
    ),
    ("audit.never_judged", "a head was merged on which no job ever reported a required context as success"),
    ("audit.job_approval", "branch protection counted an approval by the identity that all jobs share"),
    ("audit.verdict_missing", "a head was merged without a gate's result that says pass"),
    ("audit.policy_unreviewed", "a change of the policy was merged without a person's approval of its head"),
    ("audit.unread", "something could not be read, so nothing shows whether it was in order"),
];

/// Judges one merged pull request.
pub fn judge(merged: &Merged) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut say = |rule: &'static str, subject: &str, message: String| {
        let (pull_request, head) = (merged.number, merged.head.clone());
        found.push(Finding { rule, pull_request, head, subject: sanitize(subject, 160), message });
    };
    for context in &merged.required {
        let shown = sanitize(context, 160);
        let greens: Vec<&CommitStatus> = merged.greens(context).collect();
        let mut genuine = false;
        for status in &greens {
            match merged.behind(status) {
                Ok(()) => genuine = true,
                Err(why) => {
                    let at = status.created.map(|at| format!(" at {at}")).unwrap_or_default();
                    say(
                        "audit.status_forged",
                        context,
                        format!("`{shown}` was posted as success{at}: {why}"),
                    );
                }
            }
        }
        if !genuine && merged.unread.is_empty() {
            say(
                "audit.never_judged",
                context,
                format!("no job reported `{shown}` as success before the merge"),
            );
        }
    }
    if merged.approvals.iter().any(|one| one.by == By::Job && one.official) {
        let why = "the server counted an approval by `forgejo-actions`, which any job can give";
        say("audit.job_approval", "forgejo-actions", why.to_owned());
    }
    match &merged.verdicts {
        Verdicts::Says(Some(Verdict::Pass)) => {}
        Verdicts::Says(verdict) => {
            let word = verdict.map_or("no verdict", Verdict::as_str);
            say("audit.verdict_missing", "result", format!("the newest result of a gate says `{word}`"));
        }
        Verdicts::None => {
            say("audit.verdict_missing", "result", "no run of the head holds a gate's result".to_owned());
        }
        Verdicts::Unread(why) => say("audit.unread", "result", sanitize(why, 300)),
    }
    let by_a_person = |one: &Approval| one.of_head && one.by == By::Person;
    if merged.touches_policy && !merged.approvals.iter().any(by_a_person) {
        let why = "nobody but the author and the jobs approved the head that changed the policy";
        say("audit.policy_unreviewed", "policy", why.to_owned());
    }
    for why in &merged.unread {
        say("audit.unread", "forge", sanitize(why, 300));
    }
    found
}

impl Merged {
    /// The successes of a context that were posted before the merge.
    fn greens<'m>(&'m self, context: &str) -> impl Iterator<Item = &'m CommitStatus> {
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
        if let (Some(posted), Some(started)) = (status.created, run.started)
            && posted < started
        {
            return Err(format!("it was posted before run {number} started"));
        }
        match job.status {
            RunStatus::Success => Ok(()),
            other => Err(format!("the job of run {number} behind it ended as `{}`", other.as_str())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GATE: &str = "ci / gate (pull_request)";

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn green(target_url: &str) -> CommitStatus {
        CommitStatus {
            id: 1,
            context: GATE.to_owned(),
            state: StatusState::Success,
            target_url: target_url.to_owned(),
            description: String::new(),
            created: Some(time("2026-11-21T10:00:00Z")),
        }
    }

    fn merged(statuses: Vec<CommitStatus>, job: RunStatus) -> Merged {
        Merged {
            number: 3.try_into().unwrap(),
            head: "a".repeat(40).parse().unwrap(),
            at: Some(time("2026-11-21T11:00:00Z")),
            required: vec![GATE.to_owned()],
            statuses,
            runs: vec![RunFact {
                number: 7,
                event: "pull_request".to_owned(),
                started: Some(time("2026-11-21T09:00:00Z")),
                jobs: vec![JobFact { name: "gate".to_owned(), status: job }],
            }],
            verdicts: Verdicts::Says(Some(Verdict::Pass)),
            touches_policy: false,
            approvals: Vec::new(),
            unread: Vec::new(),
        }
    }

    fn rules(merged: &Merged) -> Vec<&'static str> {
        judge(merged).into_iter().map(|finding| finding.rule).collect()
    }

    const REAL: &str = "/boss/demo/actions/runs/7/jobs/0";

    #[test]
    fn a_success_of_a_job_that_succeeded_is_in_order() {
        assert_eq!(rules(&merged(vec![green(REAL)], RunStatus::Success)), [] as [&str; 0]);
    }

    #[test]
    fn a_success_without_a_job_behind_it_is_found() {
        let both = ["audit.status_forged", "audit.never_judged"];
        for (target, job) in [
            ("", RunStatus::Success),
            ("/boss/demo/actions/runs/8/jobs/0", RunStatus::Success),
            (REAL, RunStatus::Failure),
            (REAL, RunStatus::Running),
        ] {
            assert_eq!(rules(&merged(vec![green(target)], job)), both, "{target} {job:?}");
        }
        // Beside the real one it is found all the same.
        let forged = merged(vec![green(""), green(REAL)], RunStatus::Success);
        assert_eq!(rules(&forged), ["audit.status_forged"]);
        let early = CommitStatus { created: Some(time("2026-11-21T08:00:00Z")), ..green(REAL) };
        assert_eq!(rules(&merged(vec![early], RunStatus::Success)), both);
        let late = CommitStatus { created: Some(time("2026-11-21T12:00:00Z")), ..green(REAL) };
        assert_eq!(rules(&merged(vec![late], RunStatus::Success)), ["audit.never_judged"]);
    }

    #[test]
    fn approvals_by_jobs_and_policies_nobody_read_are_found() {
        let sound = || merged(vec![green(REAL)], RunStatus::Success);
        let person = Approval { of_head: true, by: By::Person, official: true };
        let job = Approval { by: By::Job, ..person };
        assert_eq!(rules(&Merged { approvals: vec![job], ..sound() }), ["audit.job_approval"]);
        let changed = |approvals| Merged { touches_policy: true, approvals, ..sound() };
        assert_eq!(rules(&changed(vec![person])), [] as [&str; 0]);
        for bad in [Approval { of_head: false, ..person }, Approval { by: By::Author, ..person }] {
            assert_eq!(rules(&changed(vec![bad])), ["audit.policy_unreviewed"]);
        }
    }

    #[test]
    fn a_result_that_is_missing_or_no_pass_is_found() {
        let with = |verdicts| rules(&Merged { verdicts, ..merged(vec![green(REAL)], RunStatus::Success) });
        assert_eq!(with(Verdicts::None), ["audit.verdict_missing"]);
        assert_eq!(with(Verdicts::Says(Some(Verdict::Blocked))), ["audit.verdict_missing"]);
        assert_eq!(with(Verdicts::Unread("502".to_owned())), ["audit.unread"]);
    }

    #[test]
    fn every_rule_a_finding_can_have_is_listed() {
        let worst = Merged {
            verdicts: Verdicts::None,
            touches_policy: true,
            approvals: vec![Approval { of_head: false, by: By::Job, official: true }],
            ..merged(vec![green("")], RunStatus::Success)
        };
        for rule in rules(&worst) {
            assert!(RULES.iter().any(|(known, _)| *known == rule), "{rule}");
        }
    }
}
