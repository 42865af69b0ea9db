//! What every case starts from: a head's own run without a gate in it, and a gate in a `pull_request_target` run of
//! the base beside it.

use crate::fake_forge::{Config, FakeForge, PullScene, RepoScene, RunScene, Status, Trigger, Version};

use crate::cases::in_run::yard::{GREEN, POLICY, Ran, Step, Yard, junit};

/// The head's workflow as it stands on the base.
pub const CI: &str = "on: pull_request\njobs:\n  unit:\n    runs-on: x\n    steps:\n      - uses: actions/checkout@v4\n      - run: make test\n      - uses: https://forge.example/actions/upload-artifact@v3\n        with:\n          name: unit\n          path: junit.xml\n  lint:\n    runs-on: x\n    steps:\n      - run: make lint\n      - uses: https://forge.example/actions/upload-artifact@v3\n        with:\n          name: lint\n          path: junit.xml\n";

pub const CI_PATH: &str = ".forgejo/workflows/ci.yml";

/// A yard whose base has the workflow; the change branches off after it.
pub fn yard(version: Version) -> Yard {
    yard_with(version, POLICY)
}

/// The same with another policy.
pub fn yard_with(version: Version, policy: &str) -> Yard {
    let yard = Yard::with(Config::new(version), Some(policy));
    yard.demo().commit("main").file(CI_PATH, CI).push();
    yard.demo().branch("work", "main").commit("work").file("work.txt", "x\n").message("work").push();
    yard
}

/// The pull request of `work`.
pub fn pull(yard: &Yard) -> PullScene<'_> {
    yard.demo().pull("work", "main").author("alice").open("Work", "")
}

/// The head's own run of two producers, none of them started.
pub fn ci_run(repo: RepoScene<'_>, number: i64) -> RunScene<'_> {
    repo.run("ci.yml", Trigger::pull_request(number)).job("unit", &[]).job("lint", &[]).create()
}

/// The run of the base's workflow, its one job the gate.
pub fn gate_run(repo: RepoScene<'_>, number: i64) -> RunScene<'_> {
    repo.run("gate.yml", Trigger::pull_request_target(number)).job("gate", &[]).create()
}

/// Both producers of a run upload a green report and succeed.
pub fn green(run: RunScene<'_>) {
    for job in ["unit", "lint"] {
        run.job(job).upload_v4(job, &junit(GREEN)).finish(Status::Success);
    }
}

/// The gate on the base, waiting as little as it can.
pub fn step(forge: &FakeForge, run: RunScene<'_>) -> Step {
    Step::new(forge, run.job("gate")).arguments(&["--from", "head-runs"])
}

/// The same without any time to wait: what is not there now never comes.
pub fn hasty_step(forge: &FakeForge, run: RunScene<'_>) -> Step {
    step(forge, run).arguments(&["--wait", "0s", "--wait-start", "0s"])
}

/// The same, run.
pub fn hasty(forge: &FakeForge, run: RunScene<'_>) -> Ran {
    hasty_step(forge, run).run()
}
