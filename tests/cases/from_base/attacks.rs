//! The attack table of docs/hardening.md over the fake forge: one test a row, in every arrangement whose cell says
//! `stops`, which means that the verdict is no `pass`, or `shows`, which means that the report says what happened.

use serde_json::json;

use super::yard::{CI, CI_PATH, gate_run, step, yard};
use crate::cases::in_run::yard::{GREEN, POLICY, POLICY_PATH, RED, Ran, Step, Yard, green, junit};
use crate::cases::wire;
use crate::fake_forge::{At, PullScene, RepoScene, RunScene, Status, Trigger, Version};

const GATE_PATH: &str = ".forgejo/workflows/gate.yml";

/// The arrangements of the table, in the order of its columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    InTheRun,
    OnTheBase,
    /// On the base, with the work done in forks, whose token posts no status.
    OverForks,
}

const EVERYWHERE: [Place; 3] = [Place::InTheRun, Place::OnTheBase, Place::OverForks];
const FROM_THE_BASE: [Place; 2] = [Place::OnTheBase, Place::OverForks];

/// A repository under attack, with the gate at its place.
struct Attack {
    yard: Yard,
    version: Version,
    place: Place,
}

/// The same attack on both servers, in each of these arrangements.
fn attacks(places: &[Place]) -> impl Iterator<Item = Attack> {
    attacks_on(places, POLICY)
}

/// As [`attacks`], on a repository with this policy.
fn attacks_on(places: &[Place], policy: &str) -> impl Iterator<Item = Attack> {
    let each = move |place| Version::ALL.into_iter().map(move |version| (version, place));
    places.iter().copied().flat_map(each).map(move |(version, place)| {
        let yard = yard(version);
        if policy != POLICY {
            yard.demo().commit("main").file(POLICY_PATH, policy).push();
        }
        if place == Place::OverForks {
            yard.demo().fork("mallory/demo");
        }
        Attack { yard, version, place }
    })
}

impl Attack {
    fn name(&self) -> String {
        format!("{:?} {:?}", self.place, self.version)
    }

    /// Where the attacker may push: the repository, or a fork of it.
    fn work(&self) -> RepoScene<'_> {
        match self.place {
            Place::OverForks => self.yard.forge.repo("mallory/demo"),
            _ => self.yard.demo(),
        }
    }

    fn push(&self, files: &[(&str, &str)]) {
        let commit = self.work().commit("work").message("attack");
        files.iter().fold(commit, |commit, (path, text)| commit.file(path, text)).push();
    }

    /// The pull request of `work` for this base.
    fn pull_for(&self, base: &str) -> PullScene<'_> {
        self.yard.demo().pull("work", base).from(self.work()).author("mallory").open("Work", "")
    }

    fn pull(&self) -> PullScene<'_> {
        self.pull_for("main")
    }

    /// A pull request that changes these files.
    fn change(&self, files: &[(&str, &str)]) -> PullScene<'_> {
        self.push(files);
        self.pull()
    }

    /// The head's own run of these producers, approved where that is asked for; with the gate in it at the end where
    /// it stands there.
    fn run_of(&self, pull: PullScene<'_>, producers: &[&str]) -> RunScene<'_> {
        let run = self.yard.demo().run("ci.yml", Trigger::pull_request(pull.number));
        let run = producers.iter().fold(run, |run, job| run.job(job, &[]));
        match self.place {
            Place::InTheRun => run.job_always("gate", producers).create(),
            Place::OnTheBase => run.create(),
            Place::OverForks => {
                let run = run.create();
                run.approve("boss");
                run
            }
        }
    }

    fn run(&self, pull: PullScene<'_>) -> RunScene<'_> {
        self.run_of(pull, &["unit", "lint"])
    }

    /// A run whose tests failed.
    fn red(&self, pull: PullScene<'_>) -> RunScene<'_> {
        let run = self.run(pull);
        red(run);
        run
    }

    /// The gate, with no time to wait.
    fn gate(&self, pull: PullScene<'_>, run: RunScene<'_>) -> Step {
        match self.place {
            Place::InTheRun => Step::new(&self.yard.forge, run.job("gate")),
            _ => step(&self.yard.forge, gate_run(self.yard.demo(), pull.number)).arguments(&[
                "--wait",
                "0s",
                "--wait-start",
                "0s",
            ]),
        }
    }

    /// The verdict over a head whose run is green.
    fn judged_green(&self, pull: PullScene<'_>) -> Ran {
        let run = self.run(pull);
        green(run);
        self.gate(pull, run).run()
    }

    /// The gate said no, and this code is among the reasons.
    #[track_caller]
    fn stopped(&self, ran: &Ran, code: &str) {
        assert_ne!(ran.code, 0, "{}: {}", self.name(), ran.stderr);
        let found = ran.blockers();
        assert!(
            found.iter().any(|one| one.ends_with(&format!(":{code}"))),
            "{} {code}: {found:?}",
            self.name()
        );
    }
}

/// The tests fail, and the rest is green.
fn red(run: RunScene<'_>) {
    run.job("unit").upload_v4("unit", &junit(RED)).finish(Status::Failure);
    run.job("lint").upload_v4("lint", &junit(GREEN)).finish(Status::Success);
}

#[test]
fn edit_the_gates_workflow() {
    for attack in attacks(&EVERYWHERE) {
        let pull = attack.change(&[(GATE_PATH, "on: pull_request\njobs: {}\n")]);
        let ran = attack.judged_green(pull);
        ran.ended(10, &["protected:protected.path_changed"]);
        let summary = ran.summary.unwrap();
        assert!(summary.contains("gate.yml` outside its jobs: lines 1 to 2 are new"), "{summary}");
    }
}

/// The base's policy judges, whatever the head's says.
#[test]
fn edit_the_policy() {
    let weak = "version = 1\n[[gate]]\nid = \"none\"\nkind = \"protected_paths\"\npaths = [\"none\"]\n";
    for attack in attacks(&EVERYWHERE) {
        let pull = attack.change(&[(POLICY_PATH, weak)]);
        let ran = attack.gate(pull, attack.red(pull)).run();
        ran.ended(11, &["protected:protected.path_changed", "unit:tests.failed"]);
    }
}

#[test]
fn drop_a_producer() {
    for attack in attacks(&EVERYWHERE) {
        let pull = attack.change(&[(CI_PATH, CI.split("  lint:\n").next().unwrap())]);
        let run = attack.run_of(pull, &["unit"]);
        run.job("unit").upload_v4("unit", &junit(GREEN)).finish(Status::Success);
        let ran = attack.gate(pull, run).run();
        let missing = "lint:evidence.missing";
        ran.ended(11, &[missing, "protected:protected.path_changed", "protected:protected.producer_changed"]);
        assert!(ran.blocker("protected.producer_changed").contains("is gone"));
    }
}

/// Another job uploads under the producer's artifact name, so that all the evidence is there.
#[test]
fn rename_a_producer_or_keep_it_from_uploading() {
    for (from, to, what) in [
        ("  lint:\n", "  easy:\n", "is called `easy` now"),
        ("          name: lint\n", "          name: other\n", "no longer uploads `lint`"),
        ("  lint:\n", "  lint:\n    if: ${{ false }}\n", "another `if`"),
    ] {
        for attack in attacks(&EVERYWHERE) {
            let pull = attack.change(&[(CI_PATH, &CI.replace(from, to))]);
            let ran = attack.judged_green(pull);
            attack.stopped(&ran, "protected.producer_changed");
            let reason = ran.blocker("protected.producer_changed");
            assert!(reason.contains(what), "{what}: {reason}");
            let summary = ran.summary.unwrap();
            assert!(summary.contains("protected.producer_changed"), "{what}\n{summary}");
        }
    }
}

/// A step that writes its own green report: the workflow's change shows, a script's only where it is protected.
#[test]
fn forge_a_report() {
    for attack in attacks(&EVERYWHERE) {
        let forging = CI.replace("run: make test", "run: echo '<testsuite/>' > junit.xml");
        let ran = attack.judged_green(attack.change(&[(CI_PATH, &forging)]));
        ran.ended(10, &["protected:protected.path_changed"]);
        let summary = ran.summary.unwrap();
        assert!(summary.contains("job `unit`: line 7 changed"), "{summary}");
        assert!(summary.contains("echo"), "{summary}");
    }
    let guarded = format!("{POLICY}\n[protected]\npaths = [\"scripts/**\"]\n");
    for attack in attacks_on(&EVERYWHERE, &guarded) {
        let pull = attack.change(&[("scripts/test.sh", "cp green.xml junit.xml\n")]);
        attack.judged_green(pull).ended(10, &["protected:protected.path_changed"]);
    }
}

/// An artifact of an earlier run, head or attempt is looked at by nobody.
#[test]
fn replay_an_older_runs_artifact_or_run_one_job_again() {
    for attack in attacks(&EVERYWHERE) {
        let pull = attack.pull();
        let old = attack.run(pull);
        green(old);
        attack.push(&[("worse.txt", "x\n")]);
        let run = attack.run(pull);
        run.job("unit").finish(Status::Success);
        run.job("lint").upload_v4("lint", &junit(GREEN)).finish(Status::Success);
        attack.gate(pull, run).run().ended(11, &["unit:evidence.missing"]);
        old.rerun_all();
        green(old);
        attack.gate(pull, run).run().ended(11, &["unit:evidence.missing"]);
        if attack.place == Place::InTheRun {
            // The old run's own gate runs again as well, and judges a head that is no longer the head.
            attack.stopped(&attack.gate(pull, old).run(), "head.moved");
            run.job("gate").finish(Status::Failure);
        }
        run.rerun("unit");
        run.job("unit").upload_v4("unit", &junit(GREEN)).finish(Status::Success);
        attack.gate(pull, run).run().ended(11, &["lint:evidence.superseded"]);
    }
}

/// A branch's token may post a status; what the gate judges and reports does not depend on any. A fork's may not.
#[test]
fn post_a_status_under_the_gates_context() {
    for attack in attacks(&FROM_THE_BASE) {
        let pull = attack.pull();
        let run = attack.run(pull);
        let path = format!("/api/v1/repos/boss/demo/statuses/{}", pull.head());
        let forged = json!({"state": "success", "context": "gate / gate (pull_request_target)"}).to_string();
        let answer = wire::call(&attack.yard.forge, "POST", &path, &run.job("unit").token(), &forged);
        assert_eq!(
            answer.status,
            if attack.place == Place::OverForks { 403 } else { 201 },
            "{}",
            attack.name()
        );
        red(run);
        attack.gate(pull, run).run().ended(11, &["unit:tests.failed"]);
    }
}

/// An approval by the identity all jobs share clears nothing, in any place; a person's does.
#[test]
fn approve_as_the_job_identity() {
    let policy = format!("{POLICY}\n[people]\noperators = [\"boss\", \"forgejo-actions\"]\n");
    for attack in attacks_on(&EVERYWHERE, &policy) {
        let pull = attack.change(&[(CI_PATH, &CI.replace("make test", "true"))]);
        pull.review("forgejo-actions", "APPROVED", "");
        attack.judged_green(pull).ended(10, &["protected:protected.path_changed"]);
        pull.review("boss", "APPROVED", "");
        attack.judged_green(pull).ended(0, &[]);
    }
}

/// Comments are display: whatever stands in one changes no verdict.
#[test]
fn edit_the_gates_comment() {
    for attack in attacks(&EVERYWHERE) {
        let pull = attack.pull();
        attack.yard.demo().comment(pull.number, "forgejo-actions", "<!-- patchwarden:gate -->\n# pass");
        attack.gate(pull, attack.red(pull)).run().ended(11, &["unit:tests.failed"]);
    }
}

/// A push after the evidence was read and before the verdict is written.
#[test]
fn race_a_push_against_the_verdict() {
    for attack in attacks(&EVERYWHERE) {
        let pull = attack.pull();
        let run = attack.run(pull);
        green(run);
        let push = || attack.push(&[("late.txt", "x\n")]);
        let ran = attack.gate(pull, run).run_while(&attack.yard.forge, At::path("/files"), push);
        attack.stopped(&ran, "head.moved");
    }
}

/// In the run a gate can be skipped, and says nothing then; from the base the head's workflow has no say.
#[test]
fn skip_the_gate() {
    let skipped = "on: pull_request_target\njobs:\n  gate:\n    if: false\n";
    for attack in attacks(&FROM_THE_BASE) {
        let ran = attack.judged_green(attack.change(&[(GATE_PATH, skipped)]));
        attack.stopped(&ran, "protected.path_changed");
    }
}

/// The base the pull request has at the end is the one it was judged for, or it is no pass.
#[test]
fn retarget_between_bases() {
    for attack in attacks(&EVERYWHERE) {
        let demo = attack.yard.demo();
        demo.branch("weak", "main").commit("weak").file(POLICY_PATH, "version = 1\n").push();
        let pull = attack.pull();
        let run = attack.run(pull);
        green(run);
        let retarget = || pull.retarget("weak");
        let ran = attack.gate(pull, run).run_while(&attack.yard.forge, At::path("/files"), retarget);
        attack.stopped(&ran, "head.base_changed");
    }
}

/// Where every base has the gate, one that is chosen before the judgement says the same of the head. Only who may push
/// to the repository makes a base without it.
#[test]
fn retarget_to_another_base_with_the_same_gate() {
    for attack in attacks(&[Place::OverForks]) {
        attack.yard.demo().branch("stable", "main");
        let pull = attack.pull_for("stable");
        let run = attack.red(pull);
        attack.gate(pull, run).run().ended(11, &["unit:tests.failed"]);
        pull.retarget("main");
        attack.gate(pull, run).run().ended(11, &["unit:tests.failed"]);
    }
}

/// The runs of another pull request of the same head are its own.
#[test]
fn a_second_pull_request_with_the_same_head() {
    for attack in attacks(&FROM_THE_BASE) {
        attack.yard.demo().branch("weak", "main");
        let pull = attack.pull();
        let run = attack.run(attack.pull_for("weak"));
        green(run);
        attack.stopped(&attack.gate(pull, run).run(), "run.never_started");
    }
}

/// What the policy judges of a pull request is read anew by every judgement from the base.
#[test]
fn edit_title_labels_or_reviews_after_the_verdict() {
    let policy = format!("{POLICY}\n[people]\noperators = [\"boss\"]\n");
    for attack in attacks_on(&FROM_THE_BASE, &policy) {
        let pull = attack.change(&[(CI_PATH, &CI.replace("make test", "true"))]);
        let review = pull.review("boss", "APPROVED", "");
        attack.judged_green(pull).ended(0, &[]);
        pull.dismiss(review, "boss");
        attack.judged_green(pull).ended(10, &["protected:protected.path_changed"]);
    }
}

#[test]
fn a_new_workflow_folder_takes_the_place_of_the_old() {
    let base = "boss/demo/.github/workflows/gate.yml@refs/heads/main";
    for attack in attacks(&FROM_THE_BASE) {
        let pull = attack.change(&[(".forgejo/workflows/zzz.yml", "on: pull_request\njobs: {}\n")]);
        let run = attack.run(pull);
        green(run);
        let gate = attack.gate(pull, run).env("GITHUB_WORKFLOW_REF", base).env("FORGEJO_WORKFLOW_REF", base);
        let ran = gate.run();
        ran.ended(10, &["protected:protected.path_changed", "protected:protected.producer_changed"]);
        assert!(ran.blocker("protected.producer_changed").contains("in place of the base's workflows"));
    }
}

/// A job of the head uploads what looks like the gate's own result; no verdict is read from it.
#[test]
fn forge_the_previous_packet() {
    for attack in attacks(&EVERYWHERE) {
        let pull = attack.pull();
        let run = attack.run(pull);
        run.job("unit").upload_v4("patchwarden-result-gate-1", b"{\"verdict\":\"pass\"}");
        red(run);
        attack.gate(pull, run).run().ended(11, &["unit:tests.failed"]);
    }
}
