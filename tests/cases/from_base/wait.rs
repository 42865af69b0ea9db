//! The wait itself: what ends it, what it costs, and that it survives what goes wrong on the way.

use super::yard::{ci_run, gate_run, green, pull, step, yard};
use crate::cases::in_run::yard::{GREEN, Yard, junit};
use crate::fake_forge::{At, Config, Fault, Status, Version};

const LISTING: &str = "/actions/runs?head_sha=";

#[test]
fn a_run_that_ends_during_the_wait_is_judged() {
    for version in Version::ALL {
        let yard = yard(version);
        let pull = pull(&yard);
        let run = ci_run(yard.demo(), pull.number);
        let gate = step(&yard.forge, gate_run(yard.demo(), pull.number));
        let ran = gate.run_while(&yard.forge, At::path(LISTING).nth(4), || green(run));
        ran.ended(0, &[]);
    }
}

#[test]
fn a_newer_head_ends_the_wait_at_once() {
    for version in Version::ALL {
        let yard = yard(version);
        let pull = pull(&yard);
        let run = ci_run(yard.demo(), pull.number);
        run.job("unit").upload_v4("unit", &junit(GREEN));
        let gate = step(&yard.forge, gate_run(yard.demo(), pull.number));
        let ran = gate.run_while(&yard.forge, At::path(LISTING).nth(3), || {
            yard.demo().commit("work").file("more.txt", "x\n").push();
        });
        assert_eq!(ran.code, 11, "{}", ran.stderr);
        assert!(ran.blockers().contains(&"head:head.moved".to_owned()), "{:?}", ran.blockers());
        assert!(ran.packet.unwrap()["next"].is_null(), "whatever is done now is done to a newer head");
    }
}

/// Whichever single request of the wait fails, and however, the verdict is the same.
#[test]
fn any_single_failed_request_is_survived() {
    for version in Version::ALL {
        for fault in [Fault::RefuseConnection, Fault::Status(502), Fault::MalformedBody, Fault::Status(404)] {
            for path in [LISTING, "/pulls/"] {
                for nth in 2..=3 {
                    let yard = yard(version);
                    let pull = pull(&yard);
                    let run = ci_run(yard.demo(), pull.number);
                    // The first question about the pull request is before the wait.
                    let nth = if path == LISTING { nth - 1 } else { nth + 2 };
                    yard.forge.fault(At::path(path).nth(nth), fault.clone());
                    let gate = step(&yard.forge, gate_run(yard.demo(), pull.number));
                    let ran = gate.run_while(&yard.forge, At::path(LISTING).nth(6), || green(run));
                    assert_eq!(ran.code, 0, "{version:?} {fault:?} {path} {nth}: {}", ran.stderr);
                }
            }
        }
    }
}

/// One listing an interval: as many as there were questions about the pull request, one more at the end.
#[test]
fn the_wait_costs_one_listing_an_interval() {
    for version in Version::ALL {
        let yard =
            Yard::with(Config::new(version).shipped_paging(), Some(crate::cases::in_run::yard::POLICY));
        yard.demo().branch("work", "main").commit("work").file("work.txt", "x\n").push();
        let pull = pull(&yard);
        let run = ci_run(yard.demo(), pull.number);
        let gate = step(&yard.forge, gate_run(yard.demo(), pull.number));
        yard.forge.forget_requests();
        gate.run_while(&yard.forge, At::path(LISTING).nth(8), || green(run)).ended(0, &[]);
        let requests = yard.forge.requests();
        let count = |part: &str| requests.iter().filter(|seen| seen.target.contains(part)).count();
        let pulls = requests.iter().filter(|seen| seen.target.ends_with(&format!("/pulls/{}", pull.number)));
        // Before the wait, after it, and again at the end.
        let intervals = pulls.count() - 3;
        assert_eq!(count(LISTING), intervals, "{version:?}");
        assert_eq!(count(LISTING), 8, "{version:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_wait_holds_little_memory() {
    let yard = yard(Version::V16);
    let pull = pull(&yard);
    let run = ci_run(yard.demo(), pull.number);
    run.job("unit").start();
    let gate = step(&yard.forge, gate_run(yard.demo(), pull.number));
    yard.forge.fault(At::path(LISTING).nth(50), Fault::Hold);
    let mut child = gate.command().spawn().unwrap();
    yard.forge.wait_for_held();
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let field = |name: &str| -> u64 {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    // What it holds of its own: the pages of the program's file are shared and given back on demand.
    let held = field("RssAnon:");
    assert!(held < 15 * 1024, "{held} KiB");
    run.job("unit").finish(Status::Cancelled);
    run.cancel();
    yard.forge.let_go();
    assert!(child.wait().unwrap().code().is_some());
}
