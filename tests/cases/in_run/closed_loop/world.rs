//! A pull request whose obstacles go away when what a packet asks for is done, and an agent that knows only packets.
//! The agent is a function from a packet to what it does next; all it reads is what the gate uploaded.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read as _};

use patchwarden::model::Digest;
use serde_json::Value;

use crate::cases::from_base::yard::{self as on_the_base, ci_run, gate_run, hasty_step};
use crate::cases::in_run::yard::{GREEN, RED, Ran, Step, Yard, junit};
use crate::fake_forge::{Config, PullScene, RunScene, Status, Trigger, Version};

pub const POLICY: &str = r#"version = 1

[people]
operators = ["boss"]

[protected]
paths = ["deploy/**"]

[limits]
max_attempts = 3
max_heads = 12

[evidence.unit]
artifact = "unit"
path = "junit.xml"
format = "junit"
from = { job = "unit" }

[evidence.lint]
artifact = "lint"
path = "junit.xml"
format = "junit"
from = { job = "lint" }

[[gate]]
id = "unit"
kind = "tests"
evidence = ["unit"]

[[gate]]
id = "lint"
kind = "tests"
evidence = ["lint"]
on_fail = { action = "run_command", command = ["make", "fmt"], summary = "let the formatter have its way, and push" }

[[gate]]
id = "reviews"
kind = "review_quorum"
lanes = [{ name = "claude", class = "ai", family = "anthropic", source = "forgejo:claude-bot" }]
"#;

/// What is in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Obstacle {
    Tests,
    Lint,
    Review,
    Human,
}

impl Obstacle {
    pub const ALL: [Self; 4] = [Self::Tests, Self::Lint, Self::Review, Self::Human];
}

/// What an agent does after a judgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Commits one file and pushes.
    Commit { path: String, text: String },
    /// Asks a review lane to review.
    AskLane(String),
    /// Stops and lets a person know.
    AskOperator,
    /// There is nothing to do.
    Done,
}

/// Does what the packet names next, whatever it is about.
pub fn agent(packet: &Value) -> Act {
    if packet["next"].is_null() {
        return Act::Done;
    }
    let entries = packet["entries"].as_array().unwrap();
    let entry = entries.iter().find(|entry| entry["key"] == packet["next"]).expect("`next` names an entry");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    match (text(&entry["owner"]).as_str(), text(&entry["action"]["kind"]).as_str()) {
        ("operator", _) => Act::AskOperator,
        ("reviewer", "redrive_review_lane") => Act::AskLane(text(&entry["action"]["lane"])),
        ("agent", kind) => {
            assert_eq!(entry["acceptance"]["head"], "next");
            let (gate, code) = (text(&entry["source"]["gate"]), text(&entry["source"]["code"]));
            Act::Commit { path: format!("repairs/{gate}-{code}"), text: kind.to_owned() }
        }
        other => panic!("nobody is told what to do: {other:?}"),
    }
}

/// Where the gate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    InTheRun,
    OnTheBase,
}

impl Place {
    pub const ALL: [Self; 2] = [Self::InTheRun, Self::OnTheBase];
}

/// The pull request and everybody around it.
pub struct World {
    pub yard: Yard,
    place: Place,
    branch: &'static str,
    number: i64,
    /// On the base: the gate's run for the present head, which is run again where only people acted.
    gate_run: Cell<Option<i64>>,
    order: Vec<Obstacle>,
    /// Whether an obstacle shows only once those before it are gone.
    one_by_one: bool,
    cleared: BTreeSet<Obstacle>,
    reviewed: bool,
    /// Approvals of the present head that nobody asked for.
    unasked: BTreeMap<Obstacle, i64>,
}

/// One judgement: the step, and what it uploaded.
pub struct Judged {
    pub ran: Ran,
    pub packet: Value,
    pub packet_text: String,
    pub run_number: i64,
    /// The judgement as `--capture` kept it.
    pub bundle: Vec<u8>,
}

impl World {
    /// With the gate in the run of the head.
    pub fn new(version: Version, order: &[Obstacle], one_by_one: bool) -> Self {
        Self::with(Place::InTheRun, version, order, one_by_one)
    }

    pub fn with(place: Place, version: Version, order: &[Obstacle], one_by_one: bool) -> Self {
        let (yard, branch) = match place {
            Place::InTheRun => (Yard::with(Config::new(version), Some(POLICY)), "feat"),
            Place::OnTheBase => (on_the_base::yard_with(version, POLICY), "work"),
        };
        yard.demo().commit(branch).file("deploy/prod.toml", "replicas = 3\n").push();
        let number = yard.demo().pull(branch, "main").author("alice").open("Feature", "").number;
        let order = order.to_vec();
        let mut world = Self {
            yard,
            place,
            branch,
            number,
            gate_run: Cell::new(None),
            order,
            one_by_one,
            cleared: BTreeSet::new(),
            reviewed: false,
            unasked: BTreeMap::new(),
        };
        world.people_look();
        world
    }

    pub fn pull(&self) -> PullScene<'_> {
        self.yard.demo().pull_scene(self.number)
    }

    fn stands(&self, obstacle: Obstacle) -> bool {
        let mut open = self.order.iter().filter(|one| !self.cleared.contains(one));
        if self.one_by_one { open.next() == Some(&obstacle) } else { open.any(|one| *one == obstacle) }
    }

    /// Whoever is not in the way approves a new head at once.
    fn people_look(&mut self) {
        self.unasked.clear();
        for (obstacle, login) in [(Obstacle::Review, "claude-bot"), (Obstacle::Human, "boss")] {
            if !self.stands(obstacle) {
                let review = self.pull().review(login, "APPROVED", "");
                self.unasked.insert(obstacle, review);
            }
        }
    }

    /// An obstacle whose turn has come on the same head: the approval nobody asked for is withdrawn.
    fn people_look_again(&mut self) {
        for obstacle in [Obstacle::Review, Obstacle::Human] {
            if self.stands(obstacle)
                && let Some(review) = self.unasked.remove(&obstacle)
            {
                self.pull().dismiss(review, "boss");
            }
        }
    }

    pub fn push(&mut self, path: &str, text: &str) {
        self.yard.demo().commit(self.branch).file(path, text).push();
        self.gate_run.set(None);
        for (obstacle, repair) in [
            (Obstacle::Tests, ("repairs/unit-tests.failed", "fix_tests")),
            (Obstacle::Lint, ("repairs/lint-tests.failed", "run_command")),
        ] {
            if repair == (path, text) {
                self.cleared.insert(obstacle);
            }
        }
        self.reviewed = false;
        self.people_look();
    }

    /// Does what the agent decided; says whether there is anything to judge again.
    pub fn act(&mut self, act: &Act) -> bool {
        match act {
            Act::Commit { path, text } => self.push(path, text),
            Act::AskLane(lane) => {
                assert_eq!(lane, "claude");
                self.cleared.insert(Obstacle::Review);
                self.people_look_again();
                self.pull().review("claude-bot", "APPROVED", "");
                self.reviewed = true;
            }
            Act::AskOperator => {
                self.cleared.insert(Obstacle::Human);
                self.people_look_again();
                self.pull().review("boss", "APPROVED", "");
                self.reviewed = true;
            }
            Act::Done => return false,
        }
        true
    }

    /// The run that the gate stands in, its producers ended.
    pub fn run(&self) -> RunScene<'_> {
        let number = self.number;
        match (self.place, self.gate_run.get()) {
            (Place::InTheRun, _) => {
                let trigger = if self.reviewed {
                    Trigger::Review { number }
                } else {
                    Trigger::PullRequest { number, action: "synchronized" }
                };
                self.produce(self.yard.run(trigger))
            }
            (Place::OnTheBase, before) => {
                self.produce(ci_run(self.yard.demo(), number));
                if let Some(run) = before.map(|run| self.yard.forge.run(run)) {
                    run.rerun("gate");
                    return run;
                }
                let run = gate_run(self.yard.demo(), number);
                self.gate_run.set(Some(run.id()));
                run
            }
        }
    }

    fn produce<'y>(&self, run: RunScene<'y>) -> RunScene<'y> {
        for (job, obstacle) in [("unit", Obstacle::Tests), ("lint", Obstacle::Lint)] {
            let red = self.stands(obstacle);
            run.job(job).upload_v4(job, &junit(if red { RED } else { GREEN })).finish(if red {
                Status::Failure
            } else {
                Status::Success
            });
        }
        run
    }

    /// Judges the head as a new run does, and reads what was uploaded.
    pub fn judge(&self) -> Judged {
        self.judge_and(|_, _| {})
    }

    /// As [`Self::judge`], with something done to the run after the gate's step and before the job ends.
    pub fn judge_and(&self, after: impl FnOnce(RunScene<'_>, &str)) -> Judged {
        let run = self.run();
        let step = match self.place {
            Place::InTheRun => Step::new(&self.yard.forge, run.job("gate")),
            Place::OnTheBase => hasty_step(&self.yard.forge, run),
        };
        let ran = step.run();
        let packet_text = uploaded(run, &ran);
        after(run, &packet_text);
        run.job("gate").finish(if ran.code == 0 { Status::Success } else { Status::Failure });
        let packet = serde_json::from_str(&packet_text).unwrap();
        let bundle = std::fs::read(step.bundle()).unwrap();
        Judged { ran, packet, packet_text, run_number: run.index(), bundle }
    }

    /// From judgement to judgement until there is nothing left to do.
    pub fn drive(&mut self, agent: fn(&Value) -> Act) -> Vec<(Judged, Act)> {
        let mut steps = Vec::new();
        for _ in 0..12 {
            let judged = self.judge();
            let act = agent(&judged.packet);
            let go_on = self.act(&act);
            steps.push((judged, act));
            if !go_on {
                return steps;
            }
        }
        panic!("no end after {} judgements", steps.len());
    }
}

/// The packet in the artifact, taken only because its digest stands in the gate's own log.
fn uploaded(run: RunScene<'_>, ran: &Ran) -> String {
    let zip = run.content(ran.output("result_artifact")).expect("the result is uploaded");
    let mut archive = zip::ZipArchive::new(Cursor::new(zip)).unwrap();
    let mut text = String::new();
    archive.by_name("repair_instruction.json").unwrap().read_to_string(&mut text).unwrap();
    let line = format!("repair_instruction.json {}", Digest::of(&text));
    assert!(ran.stderr.lines().any(|one| one == line), "{}", ran.stderr);
    text
}
