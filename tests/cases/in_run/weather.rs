//! Bad weather: for every request a run makes, in turn, everything that can go wrong with it, and it stays wrong.
//! A pass is believed only where every byte arrived after all, by another way.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::yard::{GREEN, POLICY, Ran, Step, Yard, junit};
use crate::fake_forge::{At, Config, Fault, RunScene, Seen, Status, Trigger, Version};
use patchwarden::model::Digest;

const FAULTS: [Fault; 13] = [
    Fault::RefuseConnection,
    Fault::Stall,
    Fault::LoseReply,
    Fault::ResetMidBody,
    Fault::TruncatedBody,
    Fault::Status(401),
    Fault::Status(403),
    Fault::Status(404),
    Fault::Status(413),
    Fault::TooManyRequests(3),
    Fault::Status(500),
    Fault::Status(502),
    Fault::MalformedBody,
];

/// Requests whose answer nothing can stand in for. Of the artifact service each protocol stands in for the other.
const IRREPLACEABLE: [&str; 8] = [
    "/pulls/1",
    "/contents/.forgejo/patchwarden.toml",
    "/contents/.forgejo/workflows/ci.yml",
    "/pulls/1/files",
    "/actions/tasks",
    "/CreateArtifact",
    "/download_url",
    "/artifacts/9101/download",
];

/// A recorded v4 report, a v3 one, and both effects: every kind of request there is.
fn scene(yard: &Yard) -> RunScene<'_> {
    yard.demo().commit("main").file(".forgejo/workflows/ci.yml", super::requests::WORKFLOW).push();
    let run = yard.run(Trigger::pull_request(yard.pull().number));
    run.job("unit").upload_v4("unit", &junit(GREEN)).finish(Status::Success);
    run.job("lint").upload_v3("lint", &[("junit.xml", GREEN.as_bytes())]).finish(Status::Success);
    run
}

fn step(yard: &Yard, run: RunScene<'_>) -> Step {
    Step::new(&yard.forge, run.job("gate")).arguments(&["--commit-status", "--comment"])
}

/// Method and path of one request, and the how-manieth of that path it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    method: String,
    path: String,
    nth: usize,
}

fn places(requests: &[Seen]) -> Vec<Place> {
    let mut seen: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut places = Vec::new();
    for request in requests {
        let path = request.target.split('?').next().unwrap().to_owned();
        // The fake counts every request whose target contains the path.
        for ((method, other), count) in &mut seen {
            if *method == request.method && *other != path && request.target.contains(other.as_str()) {
                *count += 1;
            }
        }
        let count = seen.entry((request.method.clone(), path.clone())).or_default();
        *count += 1;
        places.push(Place { method: request.method.clone(), path, nth: *count });
    }
    places.sort();
    places
}

fn requests_of(version: Version) -> Vec<Place> {
    let yard = Yard::new(version);
    let run = scene(&yard);
    let step = step(&yard, run);
    yard.forge.forget_requests();
    step.run().ended(0, &[]);
    places(&yard.forge.requests())
}

fn check(version: Version, place: &Place, fault: &Fault) -> Result<(), String> {
    let yard = Yard::new(version);
    let run = scene(&yard);
    let mut step = step(&yard, run);
    if *fault == Fault::Stall {
        step = step.env("PATCHWARDEN_TIMEOUT_MS", "250");
    }
    let at = At::path(&place.path).method(&place.method).nth(place.nth).always();
    yard.forge.fault(at, fault.clone());
    let ran = step.run();
    let told = format!("{}\n{}", ran.stdout, ran.stderr);
    let fail = |why: &str| Err(format!("{version:?} {place:?} {fault:?}: {why}\nexit {}\n{told}", ran.code));
    if ran.report.is_none() || ran.summary.is_none() {
        return fail("report or summary is missing");
    }
    let verdict = ran.report()["verdict"].as_str();
    if verdict.is_some() != ran.packet.is_some() {
        return fail("a packet goes with a verdict and with nothing else");
    }
    match (ran.code, verdict) {
        (0, Some("pass")) => everything_arrived(&ran, run, place, fault).or_else(|why| fail(&why)),
        (5, Some("pass")) | (11, Some("blocked")) | (12, Some("unmeasured")) | (3 | 4, None) => {
            // A body of other bytes says nothing about whose fault it is.
            let other = matches!(fault, Fault::MalformedBody | Fault::Stall);
            let unseen = ran.blockers().iter().any(|blocker| blocker.ends_with(":evidence.unavailable"));
            if other || unseen || told.contains(&place.path) {
                Ok(())
            } else {
                fail("it does not say what was not seen")
            }
        }
        _ => fail("exit and verdict do not go together"),
    }
}

/// Only then was the pass one.
fn everything_arrived(ran: &Ran, run: RunScene<'_>, place: &Place, fault: &Fault) -> Result<(), String> {
    if IRREPLACEABLE
        .iter()
        .any(|part| place.path.ends_with(part) || (part.ends_with('/') && place.path.contains(part)))
    {
        return Err("nothing can stand in for this answer".to_owned());
    }
    // Where the answer got lost, the effect itself was looked for and found.
    let effect = place.path.contains("/statuses/") || place.path.contains("/comments");
    if effect
        && !matches!(
            fault,
            Fault::Status(401 | 403) | Fault::LoseReply | Fault::ResetMidBody | Fault::TruncatedBody
        )
    {
        return Err("an effect failed".to_owned());
    }
    for evidence in ran.report()["evidence"].as_array().unwrap() {
        if evidence["sha256"] != Digest::of(GREEN).to_string() {
            return Err(format!("not the bytes that were uploaded: {evidence}"));
        }
    }
    if ran.report()["policy"]["sha256"] != Digest::of(POLICY).to_string() {
        return Err("not the policy of the base".to_owned());
    }
    match run.content("patchwarden-result-gate-1") {
        Some(served) if Digest::of(&served).to_string() == ran.output("result_sha256") => Ok(()),
        _ => Err("the result was not uploaded".to_owned()),
    }
}

/// Each case is mostly waiting, so there are more threads than cores.
fn all(cases: Vec<(Version, Place, Fault)>) {
    let total = cases.len();
    let left = Mutex::new(cases);
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some((version, place, fault)) = left.lock().unwrap().pop() else { return };
                    if let Err(why) = check(version, &place, &fault) {
                        failed.lock().unwrap().push(why);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} of {total}:\n{}", failed.len(), failed.join("\n\n"));
}

#[test]
fn every_request_meets_every_fault_on_v16() {
    let places = requests_of(Version::V16);
    assert!(places.len() > 15, "{places:?}");
    let cases = places.iter().flat_map(|place| FAULTS.map(|fault| (Version::V16, place.clone(), fault)));
    all(cases.collect());
}

/// What a gate asks of the pull request: reviews, comments, the linked issue, statuses and what stands behind them.
const ASKING: &str = r#"
[people]
operators = ["carol"]
[[gate]]
id = "others"
kind = "statuses"
[[gate]]
id = "promises"
kind = "contract"
linked_issue = "open"
"#;

/// Each of these meets each fault too, and none of them can be done without.
#[test]
fn what_gates_ask_of_the_pull_request_meets_every_fault() {
    let scene = |version| {
        let policy = format!("{POLICY}{ASKING}");
        let yard = Yard::with(Config::new(version).page_size(50), Some(&policy));
        let demo = yard.demo();
        demo.commit("feat").file(".forgejo/workflows/ci.yml", super::requests::WORKFLOW).push();
        demo.commit("main").file(".forgejo/workflows/ci.yml", super::requests::WORKFLOW).push();
        demo.issue("alice", "A wish", "");
        let pull = demo.pull("feat", "main").author("alice").open("Feature", "Closes #1");
        pull.review("carol", "APPROVED", "");
        let run = yard.run(Trigger::pull_request(pull.number)).id();
        super::yard::green(yard.forge.run(run));
        (yard, run)
    };
    let asks =
        ["/reviews", "/statuses", "/issues/1", "/actions/runs?", "/contents/.forgejo/workflows/ci.yml"];
    for version in Version::ALL {
        let (yard, run) = scene(version);
        super::yard::gate(&yard.forge, yard.forge.run(run).job("gate")).ended(0, &[]);
        for path in asks {
            for fault in FAULTS {
                let (yard, run) = scene(version);
                let mut step = Step::new(&yard.forge, yard.forge.run(run).job("gate"));
                if fault == Fault::Stall {
                    step = step.env("PATCHWARDEN_TIMEOUT_MS", "250");
                }
                yard.forge.fault(At::path(path).method("GET").always(), fault.clone());
                let ran = step.run();
                let place = format!("{version:?} {path} {fault:?}");
                assert!(matches!(ran.code, 10..=12), "{place}: {}\n{}{}", ran.code, ran.stdout, ran.stderr);
                assert!(
                    !ran.blockers().is_empty() && ran.summary.is_some() && ran.packet.is_some(),
                    "{place}"
                );
            }
        }
    }
}

/// Before v16 the jobs are asked for in another way; everything else is as above.
#[test]
fn what_is_asked_only_before_v16_meets_every_fault_too() {
    let known = requests_of(Version::V16);
    let is_new = |place: &Place| {
        !known.iter().any(|other| (&other.method, &other.path) == (&place.method, &place.path))
    };
    let places: Vec<Place> = requests_of(Version::V15).into_iter().filter(is_new).collect();
    assert!(!places.is_empty());
    let cases = places.iter().flat_map(|place| FAULTS.map(|fault| (Version::V15, place.clone(), fault)));
    all(cases.collect());
}

/// What goes away again costs nothing: a request that may be repeated is.
#[test]
fn a_fault_that_passes_is_repeated_away() {
    for version in Version::ALL {
        for fault in [Fault::RefuseConnection, Fault::LoseReply, Fault::TruncatedBody, Fault::Status(502)] {
            let yard = Yard::new(version);
            let run = scene(&yard);
            for part in [
                "/pulls/1",
                "/contents/",
                "/ListArtifacts",
                "/DownloadArtifact",
                "/_apis/",
                "/CreateArtifact",
            ] {
                yard.forge.fault(At::path(part), fault.clone());
            }
            super::yard::gate(&yard.forge, run.job("gate")).ended(0, &[]);
        }
    }
}

#[test]
fn a_forge_that_is_gone_gives_no_verdict() {
    for version in Version::ALL {
        let yard = Yard::new(version);
        let step = Step::new(&yard.forge, scene(&yard).job("gate"));
        yard.forge.stop_listening();
        step.run().gave_up(3, "/pulls/1");
    }
}
