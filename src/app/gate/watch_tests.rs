//! Waits played through with a time of their own, and the scheduler of a runner that gates and jobs share.

use super::*;

/// A run of the head `aaaa…` and pull request 12.
pub fn run(id: u64, workflow: &str, event: &str, status: RunStatus) -> Run {
    Run {
        id: id.try_into().unwrap(),
        number: id,
        head: Some("a".repeat(40).parse().unwrap()),
        event: event.to_owned(),
        workflow_file: workflow.to_owned(),
        status,
        pull: Some(12.try_into().unwrap()),
        branch: None,
        from_fork: false,
        branch: None,
        needs_approval: false,
        created: None,
        started: None,
        stopped: None,
        html_url: String::new(),
    }
}

fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

pub fn patience() -> Patience {
    Patience { wait: seconds(1800), start: seconds(120), first: seconds(3), longest: seconds(30) }
}

fn ci(status: RunStatus) -> Run {
    run(1, "ci.yml", "pull_request", status)
}

/// Plays a wait: what each listing shows at a time, until it is over. Gives why, when, and how often was asked.
fn play(
    wants: &[Want],
    listing: impl Fn(Duration) -> Option<Vec<Run>>,
    jobs_done_at: u64,
) -> (Over, Duration, usize) {
    let mut watch = Watch::new(wants, patience());
    let (mut now, mut asked) = (Duration::ZERO, 0);
    loop {
        asked += 1;
        match watch.ask() {
            Ask::Runs => drop(watch.saw_runs(listing(now), now).len()),
            Ask::Jobs(id) => watch.saw_jobs(id, Some(now >= seconds(jobs_done_at))),
        }
        match watch.next(now) {
            Next::Over(over) => return (over, now, asked),
            Next::Pause(pause) => now += pause,
        }
    }
}

#[test]
fn a_green_run_ends_it_at_once_and_a_running_one_is_waited_for() {
    let wants = [Want::default()];
    assert_eq!(play(&wants, |_| Some(vec![ci(RunStatus::Success)]), 0), (Over::Settled, Duration::ZERO, 1));
    let later =
        |now| Some(vec![ci(if now < seconds(100) { RunStatus::Running } else { RunStatus::Success })]);
    let (over, at, asked) = play(&wants, later, 0);
    assert_eq!(over, Over::Settled);
    assert!(at >= seconds(100) && at <= seconds(130), "{at:?}");
    assert!(asked <= 10, "{asked}");
}

#[test]
fn a_red_run_is_done_only_with_its_last_job() {
    let (over, at, _) = play(&[Want::default()], |_| Some(vec![ci(RunStatus::Failure)]), 200);
    assert_eq!(over, Over::Settled);
    assert!(at >= seconds(200), "{at:?}");
}

#[test]
fn no_run_is_waited_for_only_as_long_as_one_takes_to_begin() {
    let (over, at, _) = play(&[Want::default()], |_| Some(Vec::new()), 0);
    assert_eq!(over, Over::Settled);
    assert!(at >= seconds(120) && at < seconds(160), "{at:?}");
    let excused = Want { excused: Some("paths".to_owned()), ..Want::default() };
    assert_eq!(play(&[excused], |_| Some(Vec::new()), 0).1, Duration::ZERO);
}

#[test]
fn what_awaits_approval_is_not_waited_for_longer() {
    let held = Run { needs_approval: true, ..ci(RunStatus::Blocked) };
    let (over, at, _) = play(&[Want::default()], |_| Some(vec![held.clone()]), 0);
    assert_eq!(over, Over::Settled);
    assert!(at < seconds(160), "{at:?}");
}

#[test]
fn the_wait_has_an_end() {
    let (over, at, asked) = play(&[Want::default()], |_| Some(vec![ci(RunStatus::Running)]), 0);
    assert_eq!((over, at), (Over::OutOfTime, seconds(1800)));
    assert!(asked < 80, "{asked}");
}

#[test]
fn a_newer_head_ends_it_at_once() {
    let wants = [Want::default()];
    let mut watch = Watch::new(&wants, patience());
    watch.saw_runs(Some(vec![ci(RunStatus::Running)]), Duration::ZERO);
    assert!(matches!(watch.next(Duration::ZERO), Next::Pause(_)));
    watch.saw_newer_head();
    assert_eq!(watch.next(seconds(1)), Next::Over(Over::HeadMoved));
}

/// Whichever question fails, the wait ends as it would have, a pause later at most.
#[test]
fn any_single_failed_question_is_survived() {
    let wants = [Want::default()];
    let status = |now: Duration| match now.as_secs() {
        0..10 => None,
        10..60 => Some(RunStatus::Running),
        _ => Some(RunStatus::Failure),
    };
    for failing in 0..20 {
        let mut watch = Watch::new(&wants, patience());
        let mut now = Duration::ZERO;
        for asked in 0.. {
            let answered = asked != failing;
            let listed = status(now).map(ci).into_iter().collect();
            match watch.ask() {
                Ask::Runs => drop(watch.saw_runs(answered.then_some(listed), now).len()),
                Ask::Jobs(id) => watch.saw_jobs(id, answered.then_some(now >= seconds(90))),
            }
            match watch.next(now) {
                Next::Over(over) => {
                    assert_eq!(over, Over::Settled);
                    assert!(now >= seconds(90) && now < seconds(180), "{failing}: {now:?}");
                    break;
                }
                Next::Pause(pause) => now += pause,
            }
        }
    }
}

#[test]
fn what_is_waited_for_is_said_once_a_minute() {
    let wants = [Want::default()];
    let mut watch = Watch::new(&wants, patience());
    watch.saw_runs(Some(vec![ci(RunStatus::Running)]), Duration::ZERO);
    assert_eq!(watch.say(seconds(30)), None);
    let words = watch.say(seconds(61)).unwrap();
    assert_eq!(words, "waiting for 1 minute for run 1 of `ci.yml` (running)");
    assert_eq!(watch.say(seconds(90)), None);
    assert!(watch.say(seconds(121)).is_some());
}

/// A runner with so many slots, jobs in the order of their creation, each gate holding its slot until the run it
/// waits for is done. Gives how many gates saw their run's end.
fn schedule(slots: usize, own_slots: usize, pulls: usize) -> usize {
    const JOB: u64 = 60;
    let wants = [Want::default()];
    let mut watches: Vec<Watch<'_>> = (0..pulls).map(|_| Watch::new(&wants, patience())).collect();
    // The server makes the gate's run beside the change's own; nothing orders the two.
    let (mut gates, mut jobs): (Vec<usize>, Vec<usize>) = ((0..pulls).collect(), (0..pulls).collect());
    let mut waiting: Vec<usize> = Vec::new();
    let mut working: Vec<(usize, u64)> = Vec::new();
    let mut ended: Vec<bool> = vec![false; pulls];
    let mut seen_end = 0;
    for now in 0..4000_u64 {
        working.retain(|(pull, until)| {
            let done = *until <= now;
            ended[*pull] |= done;
            !done
        });
        let free = |busy: usize| slots.saturating_sub(busy);
        if own_slots > 0 {
            while waiting.len() < own_slots && !gates.is_empty() {
                waiting.push(gates.remove(0));
            }
        } else {
            while free(waiting.len() + working.len()) > 0 && !gates.is_empty() {
                waiting.push(gates.remove(0));
            }
        }
        let shared = if own_slots > 0 { 0 } else { waiting.len() };
        while free(shared + working.len()) > 0 && !jobs.is_empty() {
            working.push((jobs.remove(0), now + JOB));
        }
        waiting.retain(|pull| {
            let status = match (ended[*pull], working.iter().any(|(other, _)| other == pull)) {
                (true, _) => RunStatus::Success,
                (false, true) => RunStatus::Running,
                (false, false) => RunStatus::Waiting,
            };
            let watch = &mut watches[*pull];
            watch.saw_runs(Some(vec![ci(status)]), seconds(now));
            match watch.next(seconds(now)) {
                Next::Pause(_) => true,
                Next::Over(over) => {
                    seen_end += usize::from(over == Over::Settled);
                    false
                }
            }
        });
    }
    seen_end
}

#[test]
fn gates_that_fill_the_runner_wait_for_themselves() {
    // Two pull requests on a runner of two: both slots wait for jobs that no slot is left for.
    assert_eq!(schedule(2, 0, 2), 0);
    assert_eq!(schedule(1, 0, 1), 0);
    // One slot more than there are gates, and it only takes longer.
    assert_eq!(schedule(3, 0, 2), 2);
    // With a label of their own the gates take no slot from anybody.
    assert_eq!(schedule(2, 1, 2), 2);
    assert_eq!(schedule(1, 1, 5), 5);
}
