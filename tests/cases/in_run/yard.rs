//! What every case starts from: a repository with a policy, a pull request, a run of three jobs, and the gate as a
//! process in it. The evidence is two JUnit reports without manifests; `example.rs` makes recorded ones.

use std::collections::BTreeMap;
use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::fake_forge::{
    At, Config, FakeForge, Fault, JobScene, PullScene, RepoScene, RunScene, Status, Trigger, Version,
};
use crate::replay::unzip;
use crate::support::program;

pub const GREEN: &str = r#"<testsuite name="s" tests="2"><testcase classname="a" name="one"/><testcase classname="a" name="two"/></testsuite>"#;
pub const RED: &str = r#"<testsuite name="s" tests="2" failures="1"><testcase classname="a" name="one"/><testcase classname="a" name="two"><failure message="no">no</failure></testcase></testsuite>"#;

pub const POLICY: &str = r#"
version = 1
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
"#;

pub const POLICY_PATH: &str = ".forgejo/patchwarden.toml";

/// A forge with one repository.
pub struct Yard {
    pub forge: FakeForge,
}

impl Yard {
    /// With the policy on `main` and a branch `feat` one commit further.
    pub fn new(version: Version) -> Self {
        Self::with(Config::new(version), Some(POLICY))
    }

    pub fn with(config: Config, policy: Option<&str>) -> Self {
        let forge = config.start();
        let demo = forge.repo("boss/demo");
        let first = demo.commit("main").file("README.md", "demo\n");
        match policy {
            Some(policy) => first.file(POLICY_PATH, policy).push(),
            None => first.push(),
        };
        demo.branch("feat", "main").commit("feat").file("feat.txt", "feat\n").message("feat").push();
        Self { forge }
    }

    pub fn demo(&self) -> RepoScene<'_> {
        self.forge.repo("boss/demo")
    }

    /// The pull request of `feat`.
    pub fn pull(&self) -> PullScene<'_> {
        self.demo().pull("feat", "main").author("alice").open("Feature", "")
    }

    /// A run of `unit`, `lint` and `gate`, none of them started.
    pub fn run(&self, trigger: Trigger) -> RunScene<'_> {
        let run = self.demo().run("ci.yml", trigger).job("unit", &[]).job("lint", &[]);
        run.job_always("gate", &["unit", "lint"]).create()
    }

    /// The run of a new pull request.
    pub fn pull_run(&self) -> RunScene<'_> {
        self.run(Trigger::pull_request(self.pull().number))
    }

    /// The run of a new pull request whose two producers are green.
    pub fn green(&self) -> RunScene<'_> {
        let run = self.pull_run();
        green(run);
        run
    }
}

/// Both producers upload a green report and succeed.
pub fn green(run: RunScene<'_>) {
    for job in ["unit", "lint"] {
        run.job(job).upload_v4(job, &junit(GREEN)).finish(Status::Success);
    }
}

/// A zip with one report.
pub fn junit(text: &str) -> Vec<u8> {
    zip(&[("junit.xml", text.as_bytes())])
}

pub fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A step about to be run.
pub struct Step {
    pub folder: TempDir,
    pub env: BTreeMap<String, String>,
    arguments: Vec<String>,
    secrets: Vec<String>,
}

impl Step {
    /// The gate as a step of this job. Retries do not wait.
    pub fn new(forge: &FakeForge, job: JobScene<'_>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut env = forge.env_for(job, folder.path());
        env.insert("PATCHWARDEN_BACKOFF_MS".to_owned(), "1".to_owned());
        Self { folder, env, arguments: vec!["gate".to_owned()], secrets: forge.secrets() }
    }

    pub fn arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    pub fn workspace(&self) -> PathBuf {
        self.folder.path().join("hostexecutor")
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_patchwarden"));
        command.args(&self.arguments).env_clear().envs(&self.env).current_dir(self.workspace());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs it. Whatever is judged is captured as well, and has to be judged again to the same bytes with no forge.
    pub fn run(&self) -> Ran {
        let ran = self.ran(self.captured().output().unwrap());
        self.assert_replayed(&ran);
        ran
    }

    /// Where the judgement was captured.
    pub fn bundle(&self) -> PathBuf {
        self.folder.path().join("bundle.zip")
    }

    fn captured(&self) -> Command {
        let mut command = self.command();
        command.arg("--capture").arg(self.bundle());
        command
    }

    #[track_caller]
    fn assert_replayed(&self, ran: &Ran) {
        let Some(packet) = &ran.packet else {
            assert!(!self.bundle().exists(), "there is no verdict to capture");
            return;
        };
        let files = unzip(&std::fs::read(self.bundle()).unwrap());
        let kept = |name: &str| serde_json::from_slice::<Value>(&files[&format!("outputs/{name}")]).unwrap();
        assert_eq!(kept("gate_report.json"), *ran.report());
        assert_eq!(kept("repair_instruction.json"), *packet);
        for (name, bytes) in &files {
            let text = String::from_utf8_lossy(bytes);
            let secret = self.secrets.iter().find(|secret| text.contains(secret.as_str()));
            assert!(secret.is_none(), "a token got into `{name}` of the bundle");
        }
        let again = program::run(self.folder.path(), &["replay", "bundle.zip"]);
        assert_eq!((again.exit, again.stderr.as_str()), (0, ""), "{}", again.stdout);
    }

    /// Runs something else in its place, such as the action that wraps the gate.
    pub fn run_as(&self, command: &mut Command) -> Ran {
        self.ran(command.stdin(Stdio::null()).output().unwrap())
    }

    /// Runs, and does something to the forge while the first request that fits is held.
    pub fn run_while(&self, forge: &FakeForge, at: At, act: impl FnOnce()) -> Ran {
        forge.hold_again();
        forge.fault(at, Fault::Hold);
        let child = self.captured().spawn().unwrap();
        forge.wait_for_held();
        act();
        forge.let_go();
        let ran = self.ran(child.wait_with_output().unwrap());
        self.assert_replayed(&ran);
        ran
    }

    fn ran(&self, output: Output) -> Ran {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let read = |path: &Path| std::fs::read_to_string(path).ok();
        let out = self.workspace().join("patchwarden-out");
        let json = |name: &str| read(&out.join(name)).map(|text| serde_json::from_str(&text).unwrap());
        let ran = Ran {
            code: output.status.code().expect("it was not killed"),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
            report: json("gate_report.json"),
            packet: json("repair_instruction.json"),
            summary: read(&out.join("summary.md")),
            outputs: read(Path::new(&self.env["GITHUB_OUTPUT"])).unwrap_or_default(),
            step_summary: read(Path::new(&self.env["GITHUB_STEP_SUMMARY"])).unwrap_or_default(),
        };
        self.assert_nothing_leaked(&ran);
        ran
    }

    fn assert_nothing_leaked(&self, ran: &Ran) {
        let json = |value: &Option<Value>| value.as_ref().map(Value::to_string).unwrap_or_default();
        let summary = ran.summary.clone().unwrap_or_default();
        let texts = [&ran.stdout, &ran.stderr, &ran.outputs, &ran.step_summary, &summary];
        let documents = [json(&ran.report), json(&ran.packet)];
        for text in texts.into_iter().chain(&documents) {
            for secret in &self.secrets {
                assert!(!text.contains(secret.as_str()), "a token got out: {text}");
            }
            assert!(!text.contains("sig="), "a signed address got out: {text}");
        }
    }
}

/// A step that ended.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    pub report: Option<Value>,
    pub packet: Option<Value>,
    pub summary: Option<String>,
    pub outputs: String,
    pub step_summary: String,
}

/// Runs the gate in this job.
pub fn gate(forge: &FakeForge, job: JobScene<'_>) -> Ran {
    Step::new(forge, job).run()
}

impl Ran {
    pub fn report(&self) -> &Value {
        self.report.as_ref().unwrap_or_else(|| panic!("no report: {}", self.stderr))
    }

    /// The blockers' codes, sorted, as `gate:code`.
    pub fn blockers(&self) -> Vec<String> {
        let mut found = Vec::new();
        for gate in self.report()["gates"].as_array().into_iter().flatten() {
            for blocker in gate["blockers"].as_array().into_iter().flatten() {
                let text = |value: &Value| value.as_str().unwrap().to_owned();
                found.push(format!("{}:{}", text(&gate["id"]), text(&blocker["code"])));
            }
        }
        found.sort();
        found
    }

    /// Everything about one blocker, as text.
    pub fn blocker(&self, code: &str) -> String {
        let gates = self.report()["gates"].as_array().unwrap();
        let mut blockers = gates.iter().flat_map(|gate| gate["blockers"].as_array().unwrap());
        let found = blockers.find(|blocker| blocker["code"] == code);
        found.unwrap_or_else(|| panic!("no {code} in {:?}", self.blockers())).to_string()
    }

    pub fn output(&self, name: &str) -> &str {
        let line = self.outputs.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.unwrap_or_else(|| panic!("no output {name} in {}", self.outputs))
    }

    /// The verdict, its exit code, and exactly these blockers.
    #[track_caller]
    pub fn ended(&self, code: i32, blockers: &[&str]) {
        assert_eq!((self.code, self.blockers()), (code, owned(blockers)), "{}\n{}", self.stdout, self.stderr);
        let verdict = match code {
            0 => "pass",
            10 => "needs_human",
            11 => "blocked",
            12 => "unmeasured",
            other => panic!("exit {other}"),
        };
        assert_eq!(self.report()["verdict"], verdict);
        assert_eq!(self.output("verdict"), verdict);
        assert!(self.packet.is_some() && self.summary.is_some());
    }

    /// No verdict: report and summary say why, and there is no packet.
    #[track_caller]
    pub fn gave_up(&self, code: i32, because: &str) {
        assert_eq!(self.code, code, "{}\n{}", self.stdout, self.stderr);
        assert_eq!(self.report()["verdict"], Value::Null);
        assert!(self.packet.is_none());
        assert!(self.summary.as_ref().is_some_and(|summary| summary.contains("No verdict was produced")));
        assert!(self.report()["error"].to_string().contains(because), "{}", self.report()["error"]);
        assert_eq!(self.output("verdict"), "");
        assert!(self.step_summary.contains("No verdict was produced"));
    }
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
