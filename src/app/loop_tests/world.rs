//! A pull request in any state: reports of every kind, jobs, lanes, a judge, promises, statuses, paths; judged as a gate
//! in a workflow judges. What an agent or an operator does to it is in `agent.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::OnceLock;

use crate::app::judge::{Judged, Piece, SoundPolicy, assess_all, conclude_after, limits};
use crate::context::Account;
use crate::context::pull_facts::{ChangedFile, Comment, LinkedIssue, Listed, PullFacts, Review, ReviewState};
use crate::context::status_facts::{JobWord, StatusFact, StatusSource, StatusWord};
use crate::evidence::read::{ArtifactState, read_artifact};
use crate::evidence::source::MemoryFiles;
use crate::evidence::{Binding, Demand, Target};
use crate::gate::{
    ChangedPath, ChangedPaths, Facts, Guards, JobEnd, JobsOfRun, Reread, RunJob, RunJobs, evaluate,
};
use crate::model::{CommitSha, Digest};
use crate::repair::{AcceptanceHead, History};

/// The reports, by what the policy calls them; each is judged by a gate of another kind.
pub const REPORTS: [&str; 6] = ["unit", "lint", "cov", "doc", "smoke", "bundle"];

/// What keeps a report from being judged at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    None,
    Missing,
    Malformed,
    Ambiguous,
    Unfinished,
    Unavailable,
    Expired,
    Superseded,
}

/// What somebody who is asked has answered, and for which head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Missing,
    Approves(u64),
    WantsChanges(u64),
    /// An upload that is no verdict.
    Broken,
}

/// Another status of the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Other {
    Green,
    Red,
    Missing,
    Pending,
    Unverifiable,
    Unanswered,
}

/// How a job ended that makes no evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    Fine,
    Failed,
    Unfinished,
    Unlisted,
}

/// Everything that can be in the way.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that may be in the way, by itself")]
pub struct State {
    pub faults: [Fault; 6],
    pub red: [bool; 6],
    /// Whether the job of `unit` died after its report was written.
    pub unit_died: bool,
    pub job: Job,
    pub bot: Answer,
    pub codex: Answer,
    /// Whether the lanes ask for changes the first time they look.
    pub critical: bool,
    /// The judge's newest comment.
    pub record: Option<String>,
    pub title: bool,
    pub section: bool,
    pub label: bool,
    pub issue: bool,
    pub companion: bool,
    pub small: bool,
    pub other: Other,
    /// Whether the forge lists files, reviews and issues.
    pub files_listed: bool,
    pub people_listed: bool,
    pub protected: bool,
    pub guarded: bool,
    pub reread: Reread,
}

/// The policy: which kinds of gate, and which of them count.
#[derive(Debug, Clone)]
pub struct Rules {
    pub kinds: [bool; 11],
    pub enforced: [bool; 11],
    pub on_fail: bool,
    pub max_attempts: u64,
    pub max_heads: u64,
}

const GATES: [&str; 11] = [
    "kind = \"tests\"\nevidence = [\"unit\"]",
    "kind = \"findings\"\nevidence = [\"lint\"]",
    "kind = \"coverage\"\nevidence = [\"cov\"]\nmin_lines = 50.0",
    "kind = \"json\"\nevidence = [\"doc\"]\nrequire = \"doc.ok\"",
    "kind = \"presence\"\nevidence = [\"smoke\"]",
    "kind = \"runtime_repair\"\nevidence = [\"bundle\"]\nclass = \"deploy_drift_probe\"",
    "kind = \"review_quorum\"\nneed = 2\nlanes = [{ name = \"bot\", class = \"ai\", family = \"a\", source = \"forgejo:bot\" }, { name = \"codex\", class = \"ai\", family = \"b\", source = \"artifact:review-codex\" }]",
    "kind = \"contract\"\ntitle_pattern = \"^fix: \"\nlinked_issue = \"open\"\nmax_files = 9\nsections = [{ heading = \"Test plan\" }]\nlabels = { require = [\"kind/*\"] }\ntogether = [{ when = [\"src/**\"], require = [\"docs/**\"] }]",
    "kind = \"judge\"\nauthors = [\"iskra\"]",
    "kind = \"statuses\"\nrequire = [\"other\"]",
    "kind = \"protected_paths\"\npaths = [\"db/**\"]",
];

impl Rules {
    pub fn text(&self) -> String {
        let mut text = format!(
            "version = 1\n[people]\noperators = [\"boss\"]\n[limits]\nmax_attempts = {}\nmax_heads = {}\n[evidence]\n",
            self.max_attempts, self.max_heads
        );
        let formats = ["junit", "sarif", "lcov", "json", "json", "runtime-bundle"];
        for (id, format) in REPORTS.iter().zip(formats) {
            let path = if *id == "bundle" { "**" } else { "report" };
            let from = if *id == "unit" { ", from = { job = \"unit\" }" } else { "" };
            let _ = writeln!(
                text,
                "{id} = {{ artifact = \"{id}\", path = \"{path}\", format = \"{format}\"{from} }}"
            );
        }
        for (at, gate) in GATES.iter().enumerate().filter(|(at, _)| self.kinds[*at]) {
            let _ = writeln!(text, "[[gate]]\nid = \"g{at}\"\nenforce = {}\n{gate}", self.enforced[at]);
            if self.on_fail && at < 4 {
                text.push_str(
                    "on_fail = { action = \"run_command\", command = [\"make\"], summary = \"make it\" }\n",
                );
            }
        }
        text
    }
}

/// One of the reports, green or red.
fn content(report: usize, red: bool) -> Vec<(String, Vec<u8>)> {
    let one = |text: &str| vec![("report".to_owned(), text.as_bytes().to_vec())];
    match (report, red) {
        (0, false) => one(r#"<testsuite name="s"><testcase classname="a" name="one"/></testsuite>"#),
        (0, true) => one(
            r#"<testsuite name="s"><testcase classname="a" name="one"><failure message="no"/></testcase></testsuite>"#,
        ),
        (1, red) => {
            let result = r#"{"ruleId":"r","level":"error","message":{"text":"no"}}"#;
            let results = if red { result } else { "" };
            one(&format!(
                r#"{{"version":"2.1.0","runs":[{{"tool":{{"driver":{{"name":"x"}}}},"invocations":[{{"executionSuccessful":true}}],"results":[{results}]}}]}}"#
            ))
        }
        (2, red) => {
            one(&format!("TN:\nSF:src/a.rs\nDA:1,1\nDA:2,{0}\nDA:3,{0}\nend_of_record\n", u8::from(!red)))
        }
        (5, red) => {
            static WHOLE: OnceLock<Vec<(String, Vec<u8>)>> = OnceLock::new();
            let mut files = WHOLE.get_or_init(bundle).clone();
            files.retain(|(name, _)| !red || !name.ends_with(DROPPED));
            files
        }
        (_, red) => one(&format!(r#"{{"ok": {}}}"#, !red)),
    }
}

/// A part of the bundle that its class requires.
const DROPPED: &str = "runtime-truth.json";

/// The genuine bundle of a runtime that is ready.
fn bundle() -> Vec<(String, Vec<u8>)> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/openclaw-safe-update/ready");
    let mut files = Vec::new();
    let mut folders = vec![std::path::PathBuf::from(root)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
                files.push((name, std::fs::read(path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

/// The pull request at one head.
pub struct World {
    pub sound: SoundPolicy,
    pub state: State,
    pub head: u64,
    /// Whether an operator approved exactly this head.
    pub approved: bool,
}

impl World {
    pub fn new(rules: &Rules, state: State) -> Self {
        let text = rules.text();
        let sound = SoundPolicy::read(&text).map_err(|problems| format!("{problems:?}\n{text}")).unwrap();
        Self { sound, state, head: 1, approved: false }
    }

    fn sha(&self) -> CommitSha {
        sha(self.head)
    }

    /// Judges the head as it is now.
    pub fn judge(&self, history: &History) -> Judged {
        let now = "2026-11-20T20:50:00Z".parse().unwrap();
        let target = Target {
            head: self.sha(),
            base: Some(sha(0)),
            repo: Some("acme/lexer".parse().unwrap()),
            pull_request: Some(7.try_into().unwrap()),
            origin: Some(Binding::Run),
            passed_digests: BTreeSet::new(),
            job_starts: BTreeMap::new(),
            now,
        };
        let mut evidence = assess_all(&self.sound, &self.pieces(), &target);
        let builtin = self.guards().judge(&self.sound.policy, &mut evidence);
        let facts = Facts {
            base: target.base.clone(),
            repo: target.repo.clone(),
            pull_request: target.pull_request,
            event: Some("pull_request".to_owned()),
            pull: Some(self.pull()),
            ..Facts::of_head(self.sha(), now)
        };
        let mut evaluation = evaluate(&self.sound.policy, &self.sound.gates, &evidence, &facts, builtin);
        evaluation.confirm(&self.sha(), &self.state.reread);
        conclude_after(&self.sound, &target, evidence, evaluation, AcceptanceHead::Next, history)
    }

    fn pieces(&self) -> Vec<Piece> {
        let demands = self.sound.demands();
        let mut names: Vec<_> = demands.iter().map(|demand| demand.artifact.clone()).collect();
        names.dedup();
        let read = |files: &[(String, Vec<u8>)], of: &[&Demand]| {
            let files = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
            ArtifactState::Read(Box::new(read_artifact(&mut MemoryFiles(files), of, &limits())))
        };
        names
            .into_iter()
            .map(|name| {
                let of: Vec<&Demand> = demands.iter().copied().filter(|one| one.artifact == name).collect();
                let why = || "so it is".to_owned();
                let state = match REPORTS.iter().position(|report| *report == name.as_str()) {
                    None => match self.codex() {
                        None => ArtifactState::Missing,
                        Some(verdict) => read(&[("verdict.json".to_owned(), verdict.into_bytes())], &of),
                    },
                    Some(report) => match self.state.faults[report] {
                        Fault::None => read(&content(report, self.state.red[report]), &of),
                        Fault::Malformed => read(&[("report".to_owned(), b"<".to_vec())], &of),
                        Fault::Missing => ArtifactState::Missing,
                        Fault::Ambiguous => ArtifactState::Ambiguous(why()),
                        Fault::Unfinished => ArtifactState::Unfinished,
                        Fault::Unavailable => ArtifactState::Unavailable(why()),
                        Fault::Expired => ArtifactState::Expired,
                        Fault::Superseded => ArtifactState::Superseded(why()),
                    },
                };
                Piece::new(name, state)
            })
            .collect()
    }

    /// What the artifact lane uploaded.
    fn codex(&self) -> Option<String> {
        let (verdict, head) = match self.state.codex {
            Answer::Missing => return None,
            Answer::Broken => return Some("{}".to_owned()),
            Answer::Approves(head) => ("approve", head),
            Answer::WantsChanges(head) => ("changes_requested", head),
        };
        Some(format!(
            r#"{{"schema":"patchwarden.review_verdict.v1","lane":"codex","reviewer":{{"name":"codex","class":"ai","family":"b"}},"target_sha":"{}","verdict":"{verdict}","findings":[],"reviewed_at":"2026-11-20T20:00:00Z"}}"#,
            sha(head)
        ))
    }

    fn guards(&self) -> Guards {
        let state = &self.state;
        let job = |id: &str, end| RunJob { id: id.to_owned(), end, needs: Vec::new() };
        let unit = if state.unit_died || state.red[0] { JobEnd::Failure } else { JobEnd::Success };
        let other = match state.job {
            Job::Failed => JobEnd::Failure,
            Job::Unfinished => JobEnd::Unfinished,
            Job::Fine | Job::Unlisted => JobEnd::Success,
        };
        let known = JobsOfRun { jobs: vec![job("unit", unit), job("build", other)], ..JobsOfRun::default() };
        let path = |path: &str| ChangedPath { path: path.to_owned(), previous: None };
        let mut changed = vec![path("src/lexer.rs")];
        changed.extend(state.guarded.then(|| path(".forgejo/workflows/ci.yml")));
        Guards {
            jobs: if state.job == Job::Unlisted {
                RunJobs::Unknown("so it is".to_owned())
            } else {
                RunJobs::Known(vec![known])
            },
            policy_path: ".forgejo/patchwarden.toml".to_owned(),
            changed: if state.files_listed {
                ChangedPaths::Known(changed)
            } else {
                ChangedPaths::Unknown("so it is".to_owned())
            },
            local_actions: Vec::new(),
            workflows: Vec::new(),
            hidden_by: None,
        }
    }

    fn title(&self) -> &'static str {
        if self.state.title { "fix: end on an empty token" } else { "wip" }
    }

    fn body(&self) -> String {
        let plan = if self.state.section { "## Test plan\nby hand\n" } else { "" };
        let closes = if self.state.issue { "Closes #4\n\n" } else { "" };
        format!("{closes}{plan}\n")
    }

    fn pull(&self) -> PullFacts {
        let state = &self.state;
        let listed = |complete: bool, items: Vec<ChangedFile>| Listed { complete, items };
        let file = |path: &str, additions| ChangedFile {
            path: path.to_owned(),
            previous: None,
            status: "changed".to_owned(),
            additions: Some(additions),
            deletions: Some(0),
        };
        let mut files = vec![file("src/lexer.rs", 1)];
        files.extend(state.companion.then(|| file("docs/lexer.txt", 1)));
        files.extend(state.protected.then(|| file("db/schema.sql", 1)));
        files.extend((0..if state.small { 0 } else { 9 }).map(|n| file(&format!("docs/{n}.txt"), 1)));
        let issue = LinkedIssue {
            number: 4,
            open: true,
            title: "it hangs".to_owned(),
            body: String::new(),
            labels: Listed::all(Vec::new()),
            comments: Listed::all(Vec::new()),
        };
        let comment = |body: &String| Comment {
            id: 1,
            author: Some(account(6, "iskra")),
            body: body.clone(),
            created_at: None,
        };
        PullFacts {
            repo: Some("acme/lexer".parse().unwrap()),
            number: Some(7.try_into().unwrap()),
            author: Some(account(11, "cody")),
            title: Some(self.title().to_owned()),
            body: Some(self.body()),
            labels: Listed::all(self.labels()),
            commit_count: Some(3),
            files: listed(state.files_listed, files),
            reviews: Listed { complete: state.people_listed, items: self.reviews() },
            comments: Listed::all(state.record.iter().map(comment).collect()),
            linked_issues: Listed {
                complete: state.people_listed,
                items: if state.issue { vec![issue] } else { Vec::new() },
            },
            statuses: Listed::all(self.status().into_iter().collect()),
            ..PullFacts::of_head(self.sha())
        }
    }

    fn labels(&self) -> Vec<String> {
        if self.state.label { vec!["kind/bug".to_owned()] } else { Vec::new() }
    }

    fn reviews(&self) -> Vec<Review> {
        let review = |id, who: Account, state, head| Review {
            id,
            author: Some(who),
            state,
            commit_id: Some(sha(head)),
            official: true,
            stale: false,
            dismissed: false,
            submitted_at: None,
        };
        let bot = match self.state.bot {
            Answer::Approves(head) => Some((ReviewState::Approved, head)),
            Answer::WantsChanges(head) => Some((ReviewState::ChangesRequested, head)),
            Answer::Missing | Answer::Broken => None,
        };
        let mut reviews: Vec<Review> =
            bot.map(|(state, head)| review(1, account(5, "bot"), state, head)).into_iter().collect();
        reviews
            .extend(self.approved.then(|| review(2, account(1, "boss"), ReviewState::Approved, self.head)));
        reviews
    }

    fn status(&self) -> Option<StatusFact> {
        let (says, source) = match self.state.other {
            Other::Missing => return None,
            Other::Green => (StatusWord::Green, StatusSource::Job(JobWord::Success)),
            Other::Red => (StatusWord::Red, StatusSource::Job(JobWord::NotSuccess)),
            Other::Pending => (StatusWord::Pending, StatusSource::Job(JobWord::Unfinished)),
            Other::Unverifiable => (StatusWord::Green, StatusSource::Unverifiable),
            Other::Unanswered => (StatusWord::Green, StatusSource::Unanswered),
        };
        Some(StatusFact { context: "other".to_owned(), says, source })
    }

    /// A record of the judge about everything as it is now.
    pub fn record(&self) -> String {
        let sample = include_str!("../../../tests/fixtures/openclaw-judge/comment-envelope.md");
        let labels: Vec<String> = self.labels().iter().map(|label| format!("\"{label}\"")).collect();
        let hash = |name: &str, of: &str| {
            let at = sample.find(&format!("\"{name}\": \"sha256:")).unwrap();
            let old: String = sample[at..].chars().skip(name.len() + 5).take(71).collect();
            (format!("\"{name}\": \"{old}\""), format!("\"{name}\": \"{}\"", Digest::of(of)))
        };
        let mut text = sample.to_owned();
        for (from, to) in [
            ("\"kind\": \"operator\"".to_owned(), "\"kind\": \"none\"".to_owned()),
            ("judge/operator-needed".to_owned(), "judge/p2".to_owned()),
            ("\"kind\": \"issue\"".to_owned(), "\"kind\": \"pull_request\"".to_owned()),
            ("\"number\": 68".to_owned(), "\"number\": 7".to_owned()),
            ("\"repo\": \"pdurlej/patchwarden\"".to_owned(), "\"repo\": \"acme/lexer\"".to_owned()),
            ("\"head_sha\": null".to_owned(), format!("\"head_sha\": \"{}\"", self.sha())),
            ("\"commit_count\": null".to_owned(), "\"commit_count\": 3".to_owned()),
            ("\"labels\": []".to_owned(), format!("\"labels\": [{}]", labels.join(", "))),
            hash("title_hash", self.title()),
            hash("body_hash", &self.body()),
            hash("labels_hash", &self.labels().join("\n")),
        ] {
            assert!(text.contains(&from), "{from}");
            text = text.replacen(&from, &to, 1);
        }
        text
    }
}

pub fn sha(number: u64) -> CommitSha {
    format!("{:040x}", number + 0xabc_def0).parse().unwrap()
}

fn account(id: i64, login: &str) -> Account {
    Account { id, login: login.to_owned() }
}
