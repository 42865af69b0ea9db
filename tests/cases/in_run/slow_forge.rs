//! A benchmark, not a test: how many round trips of wall time a judgement takes, and how much memory, as artifacts grow.
//! `scripts/bench-forge` runs it and docs/performance.md has what it said. Wall time decides nothing here.

use std::fmt::Write as _;
use std::process::Child;
use std::time::{Duration, Instant};

use super::yard::{GREEN, Step, Yard, zip};
use crate::fake_forge::{Config, RunScene, Status, Trigger, Version};

const ARTIFACTS: usize = 10;
const REPLY: Duration = Duration::from_millis(20);

fn policy() -> String {
    let mut text = "version = 1\n".to_owned();
    for n in 0..ARTIFACTS {
        write!(text, "[evidence.e{n}]\nartifact = \"a{n}\"\npath = \"junit.xml\"\nformat = \"junit\"\n")
            .unwrap();
        write!(text, "[[gate]]\nid = \"g{n}\"\nkind = \"tests\"\nevidence = [\"e{n}\"]\n").unwrap();
    }
    text
}

fn scene(yard: &Yard, filler: usize) -> RunScene<'_> {
    yard.demo().commit("main").file(".forgejo/workflows/ci.yml", super::requests::WORKFLOW).push();
    let run = yard.run(Trigger::pull_request(yard.pull().number));
    // Not compressible, as a log or a trace would not be once it is compressed.
    let mut state = 1_u32;
    let mut noise = vec![0_u8; filler];
    for byte in &mut noise {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *byte = state.to_be_bytes()[0];
    }
    let bytes = zip(&[("junit.xml", GREEN.as_bytes()), ("trace.bin", &noise)]);
    for n in 0..ARTIFACTS {
        run.job("unit").upload_v4(&format!("a{n}"), &bytes);
    }
    for job in ["unit", "lint"] {
        run.job(job).finish(Status::Success);
    }
    run
}

/// The peak of resident memory in KiB, as far as it was seen before the end.
fn peak(child: &mut Child) -> u64 {
    let path = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let status = std::fs::read_to_string(&path).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let now = line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0);
        peak = peak.max(now);
        std::thread::sleep(Duration::from_millis(2));
    }
    peak
}

fn judged(version: Version, latency: Duration, filler: usize) -> (Duration, u64, usize) {
    let yard = Yard::with(Config::new(version).page_size(50).latency(latency), Some(&policy()));
    let step = Step::new(&yard.forge, scene(&yard, filler).job("gate"));
    yard.forge.forget_requests();
    let begun = Instant::now();
    let mut child = step.command().spawn().unwrap();
    let peak = peak(&mut child);
    let took = begun.elapsed();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
    (took, peak, yard.forge.requests().len())
}

#[test]
#[ignore = "a benchmark: scripts/bench-forge runs it"]
fn ten_artifacts_over_a_slow_forge() {
    for version in Version::ALL {
        let least = |latency, filler| (0..5).map(|_| judged(version, latency, filler)).min().unwrap();
        let (still, _, requests) = least(Duration::ZERO, 0);
        let (slow, _, _) = least(REPLY, 0);
        // Ten times as slow, such that what the processor takes hardly counts.
        let (crawl, _, _) = least(10 * REPLY, 0);
        let trips = crawl.saturating_sub(slow).as_secs_f64() / (9 * REPLY).as_secs_f64();
        println!(
            "{version:?}: {ARTIFACTS} artifacts, {requests} requests: {still:.0?} at once, {slow:.0?} with {REPLY:?} a reply: {trips:.1} round trips"
        );
    }
}

#[test]
#[ignore = "a benchmark: scripts/bench-forge runs it"]
fn memory_does_not_grow_with_artifacts() {
    for filler in [0, 8 << 20, 32 << 20] {
        let (took, peak, _) = judged(Version::V16, Duration::ZERO, filler);
        println!(
            "{ARTIFACTS} artifacts of {} MiB each: {took:.0?}, at most {} MiB resident",
            filler >> 20,
            peak >> 10
        );
    }
}
