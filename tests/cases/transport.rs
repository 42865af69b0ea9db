//! `artifact`, `record --upload` and the record action, as processes inside a step of the fake forge.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use patchwarden::model::Digest;
use serde_json::Value;
use tempfile::TempDir;

use crate::fake_forge::{At, FakeForge, Fault, JobScene, Trigger, Version};

const BINARY: &str = env!("CARGO_BIN_EXE_patchwarden");

/// A step of a push run, and the folder it works in.
pub struct Step {
    folder: TempDir,
    env: BTreeMap<String, String>,
}

impl Step {
    pub fn of(forge: &FakeForge, job: JobScene<'_>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let env = forge.env_for(job, folder.path());
        Self { folder, env }
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join("hostexecutor").join(path)
    }

    pub fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.path("")).env_clear().envs(&self.env);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.command(BINARY, arguments).output().unwrap())
    }
}

pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    pub fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}{}", self.stdout, self.stderr))
    }

    /// It ended so, and told nobody a token.
    pub fn ended(&self, forge: &FakeForge, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{}{}", self.stdout, self.stderr);
        for secret in forge.secrets() {
            assert!(!self.stdout.contains(&secret) && !self.stderr.contains(&secret), "a token in an output");
        }
        self
    }
}

fn forge_with_run(version: Version) -> (FakeForge, i64) {
    let forge = FakeForge::start(version);
    let demo = forge.repo("boss/demo");
    demo.commit("main").file("a", "a\n").push();
    let run = demo.run("ci.yml", Trigger::push("main")).job("unit", &[]).job("other", &[]).create().id();
    (forge, run)
}

#[test]
fn what_one_job_uploads_another_lists_and_downloads() {
    for version in Version::ALL {
        let (forge, run) = forge_with_run(version);
        let unit = Step::of(&forge, forge.run(run).job("unit"));
        fs::create_dir(unit.path("reports")).unwrap();
        fs::write(unit.path("reports/junit.xml"), "<testsuites/>").unwrap();
        fs::write(unit.path("log.txt"), "text").unwrap();
        let up = unit.run(&["artifact", "upload", "zip", ".", "--format", "json"]);
        assert_eq!(up.ended(&forge, 0).json()["files"][1], "reports/junit.xml");
        unit.run(&["artifact", "upload", "files", "log.txt", "--protocol", "v3"]).ended(&forge, 0);
        forge.run(run).job("unit").begin_v4("half");

        let other = Step::of(&forge, forge.run(run).job("other"));
        let rows = other.run(&["artifact", "list", "--format", "json"]).ended(&forge, 0).json();
        let row = |at: usize| {
            (rows[at]["name"].clone(), rows[at]["protocol"].clone(), rows[at]["finished"].clone())
        };
        assert_eq!(row(0), ("files".into(), "v3".into(), Value::Null), "{version:?}");
        assert_eq!(row(1), ("half".into(), "v4".into(), false.into()));
        assert_eq!(row(2), ("zip".into(), "v4".into(), true.into()));
        let text = other.run(&["artifact", "list"]);
        assert!(text.ended(&forge, 0).stdout.contains("unfinished  v4  half\n"), "{}", text.stdout);

        let down = other.run(&["artifact", "download", "zip", "--out", "got", "--format", "json"]);
        assert_eq!(down.ended(&forge, 0).json()["sha256"], up.json()["sha256"]);
        assert_eq!(fs::read_to_string(other.path("got/reports/junit.xml")).unwrap(), "<testsuites/>");
        other.run(&["artifact", "download", "files", "--out", "a/b"]).ended(&forge, 0);
        assert_eq!(fs::read_to_string(other.path("a/b/log.txt")).unwrap(), "text");
    }
}

#[test]
fn a_transfer_that_did_not_happen_is_no_success_and_leaves_nothing() {
    let (forge, run) = forge_with_run(Version::V16);
    forge.run(run).job("unit").begin_v4("half").upload_v4("text", b"no zip at all");
    let step = Step::of(&forge, forge.run(run).job("other"));
    fs::write(step.path("there"), "x").unwrap();
    for (arguments, code, words) in [
        (&["artifact", "download", "gone", "--out", "got"][..], 5, "no artifact of that name"),
        (&["artifact", "download", "half", "--out", "got"], 5, "never finished"),
        (&["artifact", "download", "text", "--out", "got"], 5, "cannot be unpacked"),
        (&["artifact", "download", "text", "--out", "."], 2, "is there and not empty"),
        (&["artifact", "upload", "a/b", "there"], 2, "cannot be the name of an artifact"),
        (&["artifact", "upload", "new", "gone"], 2, "could not be read"),
    ] {
        let ran = step.run(arguments);
        assert!(ran.ended(&forge, code).stderr.contains(words), "{arguments:?}: {}", ran.stderr);
        assert!(!step.path("got").exists(), "{arguments:?}");
    }
    forge.fault(At::path("CreateArtifact").always(), Fault::Status(500));
    step.run(&["artifact", "upload", "new", "there"]).ended(&forge, 5);
    forge.stop_listening();
    step.run(&["artifact", "list"]).ended(&forge, 5);
    let outside = Command::new(BINARY).args(["artifact", "list"]).env_clear().output().unwrap();
    assert_eq!(outside.status.code(), Some(4));
}

/// Only the gate and the verbs over a forge heeded it once: the others met a forge with a certificate of its own as
/// a handshake that failed.
#[test]
fn every_verb_heeds_the_certificates_the_environment_names() {
    let (forge, run) = forge_with_run(Version::V16);
    let mut step = Step::of(&forge, forge.run(run).job("unit"));
    fs::write(step.path("empty.pem"), "no certificate").unwrap();
    let file = step.path("empty.pem").to_str().unwrap().to_owned();
    step.env.insert("SSL_CERT_FILE".to_owned(), file);
    let before = forge.requests().len();
    let record = "record --id x --format junit --report x --out evidence --upload x -- true";
    let record: Vec<&str> = record.split(' ').collect();
    for arguments in [
        &["gate"][..],
        &["doctor"],
        &["artifact", "list"],
        &["artifact", "download", "x", "--out", "got"],
        &["artifact", "upload", "x", "empty.pem"],
        &record,
        &["digest", "--repo", "boss/demo", "--cache", "cache", "--out", "out"],
        &["audit"],
    ] {
        let ran = step.run(arguments);
        let words = "`SSL_CERT_FILE` names";
        assert!(ran.ended(&forge, 4).stderr.contains(words), "{arguments:?}: {}", ran.stderr);
    }
    assert_eq!(forge.requests().len(), before);
}

#[test]
fn a_name_in_a_listing_is_no_workflow_command() {
    let (forge, run) = forge_with_run(Version::V15);
    forge
        .run(run)
        .job("unit")
        .upload_v4("::set-output name=verdict::pass", b"x")
        .upload_v4("a\n::debug::x", b"x");
    let step = Step::of(&forge, forge.run(run).job("other"));
    let listed = step.run(&["artifact", "list"]);
    assert_eq!(listed.ended(&forge, 0).stdout.lines().count(), 2);
    let gone = step.run(&["artifact", "download", "::set-output name=verdict::pass", "--out", "got"]);
    let both = format!("{}{}{}", listed.stdout, gone.stderr, gone.stdout);
    assert!(!both.lines().any(|line| line.starts_with("::")), "{both}");
}

/// Records a command that writes a report and ends with `code`.
fn record(step: &Step, code: i32) -> Ran {
    let script = format!("echo '<testsuites/>' > junit.xml; touch ran; exit {code}");
    step.run(&[
        "record",
        "--id",
        "unit",
        "--format",
        "junit",
        "--report",
        "junit.xml",
        "--out",
        "evidence",
        "--upload",
        "unit",
        "--",
        "sh",
        "-c",
        &script,
    ])
}

#[test]
fn what_is_recorded_is_uploaded_whatever_the_command_came_to() {
    for (version, code) in [(Version::V15, 0), (Version::V16, 3)] {
        let (forge, run) = forge_with_run(version);
        let step = Step::of(&forge, forge.run(run).job("unit"));
        let ran = record(&step, code);
        assert!(ran.ended(&forge, code).stderr.contains("artifact `unit` sha256:"), "{}", ran.stderr);
        let other = Step::of(&forge, forge.run(run).job("other"));
        other.run(&["artifact", "download", "unit", "--out", "got"]).ended(&forge, 0);
        assert_eq!(fs::read_to_string(other.path("got/junit.xml")).unwrap(), "<testsuites/>\n");
        let manifest: Value =
            serde_json::from_slice(&fs::read(other.path("got/patchwarden-manifest.json")).unwrap()).unwrap();
        assert_eq!(manifest["evidence"][0]["exit_code"], code);
        assert_eq!(manifest["producer"]["job"], "unit");
    }
}

#[test]
fn an_upload_that_fails_is_5_unless_the_command_failed_first() {
    for (code, wanted) in [(0, 5), (3, 3)] {
        let (forge, run) = forge_with_run(Version::V16);
        let step = Step::of(&forge, forge.run(run).job("unit"));
        forge.fault(At::path("CreateArtifact").always(), Fault::Status(500));
        let ran = record(&step, code);
        assert!(ran.ended(&forge, wanted).stderr.contains("written and not uploaded"), "{}", ran.stderr);
        assert!(step.path("evidence/patchwarden-manifest.json").exists());
    }
}

#[test]
fn a_report_with_nowhere_to_go_is_found_out_before_the_command_is_run() {
    let (forge, run) = forge_with_run(Version::V16);
    let mut step = Step::of(&forge, forge.run(run).job("unit"));
    step.env.retain(|name, _| !name.starts_with("ACTIONS_"));
    let ran = record(&step, 0);
    assert!(ran.ended(&forge, 4).stderr.contains("the command was not run"), "{}", ran.stderr);
    assert!(!step.path("ran").exists());
}

#[test]
fn the_record_action_runs_the_real_binary_and_ends_as_the_command_did() {
    let (forge, run) = forge_with_run(Version::V16);
    let step = Step::of(&forge, forge.run(run).job("unit"));
    let tree = tempfile::tempdir().unwrap();
    for folder in ["action", "bin", "tools"] {
        fs::create_dir(tree.path().join(folder)).unwrap();
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("action/run.sh");
    fs::copy(source, tree.path().join("action/run.sh")).unwrap();
    let name = tree.path().join("bin/patchwarden-x86_64-linux");
    symlink(BINARY, &name).unwrap();
    let digest = Digest::of(fs::read(BINARY).unwrap()).to_string();
    fs::write(name.with_extension("sha256"), format!("{}  x\n", &digest["sha256:".len()..])).unwrap();
    let uname = tree.path().join("tools/uname");
    fs::write(&uname, "#!/bin/sh\ncase $1 in -m) echo x86_64 ;; *) echo Linux ;; esac\n").unwrap();
    fs::set_permissions(&uname, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let script =
        "echo '<testsuites/>' > 'a b.xml'\n[ \"$(printf '%s' '$x')\" = '$x' ]\nfalse | true\nexit 9\n";
    let path = format!("{}:{}", tree.path().join("tools").display(), step.env["PATH"]);
    let run_sh = tree.path().join("action/run.sh");
    let act = |script: &str, id: &str| {
        let mut command = step.command("/bin/sh", &[run_sh.to_str().unwrap(), "record"]);
        command.env("PATH", &path).env("PATCHWARDEN_INPUT_ID", id).env("PATCHWARDEN_INPUT_FORMAT", "junit");
        command.env("PATCHWARDEN_INPUT_REPORT", "a b.xml").env("PATCHWARDEN_INPUT_ARTIFACT", "unit tests");
        Ran::of(command.env("PATCHWARDEN_INPUT_RUN", script).output().unwrap())
    };
    // With bash a pipeline fails as in any step of a workflow; plain sh has no such option.
    let bash = Command::new("bash").arg("-c").arg("true").status().is_ok();
    act(script, "unit").ended(&forge, if bash { 1 } else { 9 });
    let other = Step::of(&forge, forge.run(run).job("other"));
    other.run(&["artifact", "download", "unit tests", "--out", "got"]).ended(&forge, 0);
    assert_eq!(fs::read_to_string(other.path("got/a b.xml")).unwrap(), "<testsuites/>\n");
    // A second step of the job may add to the same artifact, and not replace what is in it.
    let again = act("true", "unit");
    assert!(again.ended(&forge, 2).stderr.contains("recorded already"), "{}", again.stderr);
}
