//! `examples/forgejo-workflow` as it is shipped: its jobs and commands from the YAML, its policy, a git checkout, and
//! `record` as the record action runs it. The tools the commands name are scripts that write a genuine report.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use patchwarden::context::{WorkflowFile, WorkflowStep};
use tempfile::TempDir;

use serde_json::{Value, json};

use super::yard::{POLICY_PATH, Ran, Step};
use crate::fake_forge::{
    Config, FakeForge, JobScene, PullScene, RepoScene, RunScene, Status, Trigger, Version,
};
use crate::support::release_tree::ReleaseTree;

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/forgejo-workflow");
const WORKFLOW_PATH: &str = ".forgejo/workflows/ci.yml";

fn example(path: &str) -> String {
    fs::read_to_string(Path::new(EXAMPLE).join(path)).unwrap()
}

/// How a producer's tool ends.
#[derive(Clone, Copy)]
pub enum Tool {
    /// A genuine clean report, exit 0.
    Clean,
    /// A genuine report of failures, exit 1.
    Red,
    /// No report, exit 1.
    Dies,
}

/// The example in a repository of the forge, and a checkout of the same commits.
pub struct Example {
    pub forge: FakeForge,
    pub workflow: WorkflowFile,
    checkout: TempDir,
    tree: ReleaseTree,
}

impl Example {
    pub fn new(version: Version) -> Self {
        Self::with(Config::new(version).start())
    }

    pub fn with(forge: FakeForge) -> Self {
        let workflow = WorkflowFile::parse(&example(WORKFLOW_PATH)).unwrap();
        let new = Self { forge, workflow, checkout: tempfile::tempdir().unwrap(), tree: ReleaseTree::new() };
        new.git(&["init", "--quiet", "--initial-branch=main"]);
        new.commit("main", "src/a.py", "a = 1\n");
        new.repo().branch("feat", "main");
        new.commit("feat", "src/b.py", "b = 1\n");
        new
    }

    pub fn repo(&self) -> RepoScene<'_> {
        self.forge.repo("boss/demo")
    }

    /// Commits a file to a branch, in the checkout and on the forge alike, and gives the id.
    pub fn commit(&self, branch: &str, path: &str, text: &str) -> String {
        let file = self.checkout.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
        self.git(&["add", "src"]);
        self.git(&["commit", "--quiet", "--message", path]);
        let sha = self.git(&["rev-parse", "HEAD"]);
        let commit = self.repo().commit(branch).file(path, text).sha(&sha);
        commit.file(POLICY_PATH, example(POLICY_PATH)).file(WORKFLOW_PATH, example(WORKFLOW_PATH)).push();
        sha
    }

    pub fn pull(&self) -> PullScene<'_> {
        self.repo().pull("feat", "main").author("alice").open("Feature", "")
    }

    /// A run with the jobs of the YAML.
    pub fn run(&self, pull: PullScene<'_>) -> RunScene<'_> {
        let mut run = self.repo().run("ci.yml", Trigger::pull_request(pull.number));
        for (id, job) in &self.workflow.jobs {
            let needs: Vec<&str> = job.needs.iter().map(String::as_str).collect();
            run = match job.condition.as_deref() {
                Some("always()") => run.job_always(id, &needs),
                _ => run.job(id, &needs),
            };
        }
        run.create()
    }

    /// The step of a job that uses the record action.
    fn record_step(&self, job: &str) -> &WorkflowStep {
        let mut steps = self.workflow.jobs[job].steps.iter();
        steps.find(|step| step.uses.as_ref().is_some_and(|uses| uses.ends_with("/record@v1"))).unwrap()
    }

    /// Runs a producer as the YAML says, its tool ending as told, and ends the job.
    pub fn produce(&self, job: JobScene<'_>, id: &str, tool: Tool) -> i32 {
        let (code, _, _) = self.record(job, id, tool);
        job.finish(if code == 0 { Status::Success } else { Status::Failure });
        code
    }

    /// Runs the record action, which uploads what it recorded: its exit code, the artifact's name, its files.
    pub fn record(
        &self,
        job: JobScene<'_>,
        id: &str,
        tool: Tool,
    ) -> (i32, String, BTreeMap<String, Vec<u8>>) {
        let with = &self.record_step(id).with;
        let folder = tempfile::tempdir().unwrap();
        let mut env = self.forge.env_for(job, folder.path());
        let path =
            format!("{}:{}", tools(folder.path(), &with["report"], &with["format"], tool), env["PATH"]);
        env.insert("PATH".to_owned(), path);
        let mut command = self.tree.command("record", with, &env);
        let output = command.current_dir(self.checkout.path()).output().unwrap();
        let code = output.status.code().unwrap();
        // The recording is of this moment, and so must the server's clock be.
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        self.forge.set_clock(i64::try_from(now).unwrap() + 1);
        let artifact = with["artifact"].clone();
        let of_the_step = fs::read_dir(folder.path().join("tmp/patchwarden-record")).into_iter().flatten();
        let mut files = BTreeMap::new();
        for step in of_the_step {
            for entry in fs::read_dir(step.unwrap().path().join(&artifact)).into_iter().flatten() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_file() {
                    let name = entry.file_name().into_string().unwrap();
                    files.insert(name, fs::read(entry.path()).unwrap());
                }
            }
        }
        // The report lies in the checkout, where the next command must not find it.
        fs::remove_file(self.checkout.path().join(&with["report"])).ok();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!files.is_empty() || matches!(tool, Tool::Dies), "{told}");
        (code, artifact, files)
    }

    /// Runs the gate's step of the YAML in its job.
    pub fn judge(&self, run: RunScene<'_>) -> Ran {
        let job = &self.workflow.jobs["gate"];
        let needs: BTreeMap<&str, Value> = job
            .needs
            .iter()
            .map(|id| {
                let result = match run.job(id).status() {
                    Status::Success => "success",
                    Status::Failure => "failure",
                    Status::Cancelled => "cancelled",
                    Status::Skipped => "skipped",
                    status => panic!("the gate is not run while `{id}` is {status:?}"),
                };
                (id.as_str(), json!({ "outputs": null, "result": result }))
            })
            .collect();
        let mut with = job.steps[0].with.clone();
        for value in with.values_mut().filter(|value| *value == "${{ toJSON(needs) }}") {
            *value = json!(needs).to_string();
        }
        let step = Step::new(&self.forge, run.job("gate"));
        let mut command = self.tree.command("", &with, &step.env);
        step.run_as(command.current_dir(step.workspace()))
    }

    fn git(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false"]);
        command.args(arguments).current_dir(self.checkout.path());
        let output = command.env_clear().env("PATH", std::env::var("PATH").unwrap()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

/// A folder with the tools the commands name.
fn tools(folder: &Path, report: &str, format: &str, tool: Tool) -> String {
    let fixtures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let (clean, red) = match format {
        "junit" => ("go/gotestsum-pass.xml", "go/gotestsum-mixed.xml"),
        _ => ("ruff/clean.sarif", "ruff/fail.sarif"),
    };
    let mut script = String::from("#!/bin/sh\n");
    let copied = match tool {
        Tool::Clean => Some(clean),
        Tool::Red => Some(red),
        Tool::Dies => None,
    };
    if let Some(copied) = copied {
        writeln!(script, "cp '{}' {report}", fixtures.join(copied).display()).unwrap();
    }
    writeln!(script, "exit {}", u8::from(!matches!(tool, Tool::Clean))).unwrap();
    let bin = folder.join("bin");
    fs::create_dir_all(&bin).unwrap();
    for name in ["pytest", "ruff"] {
        fs::write(bin.join(name), &script).unwrap();
        fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    bin.display().to_string()
}

#[test]
fn the_example_uses_nothing_but_a_checkout_and_ours() {
    let workflow = WorkflowFile::parse(&example(WORKFLOW_PATH)).unwrap();
    assert_eq!(workflow.jobs.keys().collect::<Vec<_>>(), ["gate", "lint", "tests"]);
    for (id, job) in &workflow.jobs {
        for step in &job.steps {
            let uses =
                step.uses.as_deref().unwrap_or_else(|| panic!("a step of `{id}` runs something of its own"));
            let ours = ["/actions/checkout@v4", "/patchwarden@v1", "/record@v1"];
            assert!(ours.iter().any(|end| uses.ends_with(end)), "{uses}");
        }
    }
    let gate = &workflow.jobs["gate"];
    assert_eq!((gate.condition.as_deref(), gate.needs.len()), (Some("always()"), 2));
    assert!(gate.steps.iter().all(|step| !step.uses.as_ref().unwrap().contains("checkout")));
}
