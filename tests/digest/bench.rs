//! The benchmark of collecting: 30 repositories, 12 weeks, 1,000 runs, every reply 20 ms late. It prints and asserts
//! nothing about time, for a busy machine says nothing about the program; memory and requests do not depend on it:
//! `cargo test --profile bench --test integration -- --ignored --nocapture digest::bench`. `PATCHWARDEN` may name
//! another build of the program to measure.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::collect::{MONDAY, NOW, WEEK, run_with};
use crate::fake_forge::{Config, Version};
use crate::support::program::{command, scrub};

const LATENCY: Duration = Duration::from_millis(20);
const CONCURRENCY: u32 = 8;

/// The most memory the process ever held, in KiB, as the kernel tells it while it lives.
fn peak(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

fn program(folder: &Path, arguments: &[&str]) -> Command {
    match std::env::var_os("PATCHWARDEN") {
        None => command(folder, arguments),
        Some(other) => {
            let mut command = Command::new(other);
            command.args(arguments).current_dir(folder);
            scrub(&mut command);
            command
        }
    }
}

#[test]
#[ignore = "a benchmark: run it alone, with --ignored --nocapture"]
fn thirty_repositories_twelve_weeks_a_thousand_runs() {
    let forge = Config::new(Version::V16).shipped_paging().latency(LATENCY).start();
    for number in 0..1000_i64 {
        forge.set_clock(MONDAY - (11 - number % 12) * WEEK + number);
        let slug = format!("boss/r{}", number % 30);
        run_with(&forge, &slug, "pyfallow", "fallow-py/demo.full-report.json");
    }
    let server = forge.url();
    let folder = tempfile::tempdir().unwrap();
    let concurrency = CONCURRENCY.to_string();
    for round in ["first", "second"] {
        forge.forget_requests();
        let arguments = [
            "digest",
            "--server",
            &server,
            "--org",
            "boss",
            "--now",
            NOW,
            "--weeks",
            "12",
            "--cache",
            "cache",
            "--out",
            "out",
            "--concurrency",
            &concurrency,
            "--format",
            "json",
        ];
        let mut command = program(folder.path(), &arguments);
        command.stdout(std::process::Stdio::null());
        let start = Instant::now();
        let mut child = command.spawn().unwrap();
        let mut most = 0;
        let status = loop {
            most = peak(child.id()).unwrap_or(0).max(most);
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        let taken = start.elapsed();
        assert!(status.success());
        let seen = forge.requests();
        let zips = seen.iter().filter(|one| one.target.ends_with("/zip")).count();
        assert_eq!(zips, if round == "first" { 1000 } else { 0 }, "what is kept is not fetched again");
        assert!(most < 64 * 1024, "{most} KiB");
        let requests = u32::try_from(seen.len()).unwrap();
        let ideal = LATENCY * requests / CONCURRENCY;
        println!(
            "{round} run: {requests} requests in {taken:?}, {:.2} × (requests ÷ concurrency × latency), {most} KiB",
            taken.as_secs_f64() / ideal.as_secs_f64()
        );
    }
}
