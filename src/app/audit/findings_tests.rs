//! Each rule of the audit over made facts: what is in order, what is found, and what the times decide.

use super::super::facts::Try;
use super::*;

const GATE: &str = "ci / gate (pull_request)";
const REAL: &str = "/boss/demo/actions/runs/7/jobs/0";

fn time(text: &str) -> Timestamp {
    format!("2026-11-21T{text}:00Z").parse().unwrap()
}

fn green(target_url: &str) -> CommitStatus {
    CommitStatus {
        id: 1,
        context: GATE.to_owned(),
        state: StatusState::Success,
        target_url: target_url.to_owned(),
        description: String::new(),
        created: Some(time("10:00")),
    }
}

fn merged(statuses: Vec<CommitStatus>, job: RunStatus) -> Merged {
    Merged {
        number: 3.try_into().unwrap(),
        head: "a".repeat(40).parse().unwrap(),
        at: Some(time("11:00")),
        required: vec![GATE.to_owned()],
        statuses,
        runs: vec![RunFact {
            number: 7,
            event: "pull_request".to_owned(),
            started: Some(time("09:00")),
            jobs: vec![JobFact { name: "gate".to_owned(), status: job, tries: Vec::new() }],
        }],
        verdicts: Verdicts::Says(Some(Verdict::Pass)),
        touches_policy: false,
        approvals: Vec::new(),
        unread: Vec::new(),
    }
}

fn found(merged: &Merged) -> Vec<&'static str> {
    judge(merged).into_iter().map(|finding| finding.rule.as_str()).collect()
}

#[test]
fn a_success_of_a_job_that_succeeded_is_in_order() {
    assert_eq!(found(&merged(vec![green(REAL)], RunStatus::Success)), [] as [&str; 0]);
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
        assert_eq!(found(&merged(vec![green(target)], job)), both, "{target} {job:?}");
    }
    // Beside the real one it is found all the same.
    let forged = merged(vec![green(""), green(REAL)], RunStatus::Success);
    assert_eq!(found(&forged), ["audit.status_forged"]);
    let early = CommitStatus { created: Some(time("08:00")), ..green(REAL) };
    assert_eq!(found(&merged(vec![early], RunStatus::Success)), both);
    let late = CommitStatus { created: Some(time("12:00")), ..green(REAL) };
    assert_eq!(found(&merged(vec![late], RunStatus::Success)), ["audit.never_judged"]);
}

/// The same pull request, its job tried like this.
fn tried(statuses: Vec<CommitStatus>, latest: RunStatus, tries: &[(RunStatus, &str, &str)]) -> Merged {
    let mut merged = merged(statuses, latest);
    merged.runs[0].jobs[0].tries = tries
        .iter()
        .map(|(status, started, ended)| Try {
            status: *status,
            started: Some(time(started)),
            ended: Some(time(ended)),
        })
        .collect();
    merged
}

#[test]
fn a_status_is_bounded_by_the_start_and_the_end_of_its_job() {
    let success = RunStatus::Success;
    let at = |text: &str| vec![CommitStatus { created: Some(time(text)), ..green(REAL) }];
    let of = |text: &str| judge(&tried(at(text), success, &[(success, "09:30", "10:00")]));
    assert!(of("10:00").is_empty());
    assert!(of("10:01").is_empty(), "posted from a queue");
    for (text, words) in [("09:10", "before its job"), ("10:30", "had ended, at 2026-11-21T10:00:00Z")] {
        let found = of(text);
        assert_eq!(found[0].rule, Rule::StatusForged, "{text}");
        assert!(found[0].message.contains(words), "{}", found[0].message);
    }
}

#[test]
fn a_success_of_an_earlier_try_counts_for_its_time_only() {
    let (success, failure) = (RunStatus::Success, RunStatus::Failure);
    let at = |text: &str| vec![CommitStatus { created: Some(time(text)), ..green(REAL) }];
    let tries = [(success, "09:30", "10:00"), (failure, "10:20", "10:40")];
    assert_eq!(found(&tried(at("10:00"), failure, &tries)), [] as [&str; 0]);
    assert_eq!(found(&tried(at("10:40"), failure, &tries))[0], "audit.status_forged");
}

#[test]
fn approvals_by_jobs_and_policies_nobody_read_are_found() {
    let sound = || merged(vec![green(REAL)], RunStatus::Success);
    let person = Approval { of_head: true, by: By::Person, official: true };
    let job = Approval { by: By::Job, ..person };
    assert_eq!(found(&Merged { approvals: vec![job], ..sound() }), ["audit.job_approval"]);
    let changed = |approvals| Merged { touches_policy: true, approvals, ..sound() };
    assert_eq!(found(&changed(vec![person])), [] as [&str; 0]);
    for bad in [Approval { of_head: false, ..person }, Approval { by: By::Author, ..person }] {
        assert_eq!(found(&changed(vec![bad])), ["audit.policy_unreviewed"]);
    }
}

#[test]
fn a_result_that_is_missing_superseded_or_no_pass_is_found() {
    let with = |verdicts| found(&Merged { verdicts, ..merged(vec![green(REAL)], RunStatus::Success) });
    assert_eq!(with(Verdicts::None), ["audit.verdict_missing"]);
    assert_eq!(with(Verdicts::Says(Some(Verdict::Blocked))), ["audit.verdict_missing"]);
    assert_eq!(with(Verdicts::Late(time("12:00"))), ["audit.verdict_missing"]);
    assert_eq!(with(Verdicts::Superseded("run 8 began after it".to_owned())), ["audit.verdict_superseded"]);
    assert_eq!(with(Verdicts::Unread("502".to_owned())), ["audit.unread"]);
}

#[test]
fn a_finding_is_recognised_however_often_it_is_found() {
    let once = judge(&merged(vec![green("")], RunStatus::Success));
    let later = Merged { at: Some(time("11:30")), ..merged(vec![green("")], RunStatus::Success) };
    let twice = judge(&later);
    assert_eq!(once[0].fingerprint, twice[0].fingerprint);
    assert_ne!(once[0].fingerprint, once[1].fingerprint);
}
