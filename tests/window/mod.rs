//! The operator's window, as its users run it: gap ledger, metrics, status, feedback.
//! What stands under examples/contracts is what the program makes of tests/fixtures/window.

mod examples;
mod feedback;
mod from_forge;
mod gaps;
mod live;
mod metrics;
mod twice;

use std::path::Path;

use crate::fake_forge::FakeForge;
use crate::support::program::{Ran, command, finish};

/// A verb that asks this forge about `boss/demo` with the token of a person. No retry waits.
fn ask(forge: &FakeForge, who: &str, folder: &Path, arguments: &[&str]) -> Ran {
    let url = forge.url();
    let all = [arguments, &["--server", &url, "--repo", "boss/demo"]].concat();
    let mut command = command(folder, &all);
    command.env("PATCHWARDEN_TOKEN", forge.personal_token(who)).env("PATCHWARDEN_BACKOFF_MS", "1");
    let ran = finish(command);
    for secret in forge.secrets() {
        assert!(!ran.stdout.contains(&secret) && !ran.stderr.contains(&secret), "a token got out");
    }
    ran
}

/// The requests that were not mere reads, as `POST /path`.
fn writes(forge: &FakeForge) -> Vec<String> {
    let seen = forge.requests();
    let writes = seen.into_iter().filter(|one| one.method != "GET");
    writes.map(|one| format!("{} {}", one.method, one.target)).collect()
}
