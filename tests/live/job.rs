//! What needs a job's own artifact service: in a job of a real server that of its own run, elsewhere that of the fake.
//! A real job has `PATCHWARDEN_LIVE_JOB=1` beside what its runner set: the suite then uploads artifacts to its run.

use std::collections::BTreeMap;

use super::{Program, variable};
use crate::fake_forge::{Config, FakeForge, Trigger, Version};
use patchwarden::model::Digest;

/// A step of a running job.
struct Job {
    program: Program,
    /// Keeps the fake running.
    _fake: Option<FakeForge>,
}

impl Job {
    /// The job this is, else one of each version of the fake.
    fn all() -> Vec<Self> {
        if variable("PATCHWARDEN_LIVE_JOB").is_some() {
            let token = variable("ACTIONS_RUNTIME_TOKEN").expect("a job has a runtime token");
            println!("live: in a job of {}", variable("GITHUB_SERVER_URL").unwrap_or_default());
            let runner = |(name, _): &(String, String)| {
                ["ACTIONS_", "FORGEJO_", "GITHUB_"].iter().any(|prefix| name.starts_with(prefix))
            };
            let env = std::env::vars().filter(runner).collect();
            return vec![Self { program: Self::step(env, &token), _fake: None }];
        }
        println!("live: no real job was used: PATCHWARDEN_LIVE_JOB is not set");
        Version::ALL.into_iter().map(Self::of_fake).collect()
    }

    fn of_fake(version: Version) -> Self {
        let forge = Config::new(version).start();
        let demo = forge.repo("boss/demo");
        demo.commit("main").file("README.md", "demo\n").push();
        let job = demo.run("live.yml", Trigger::push("main")).job("live", &[]).create().job("live");
        let folder = tempfile::tempdir().unwrap();
        let env = forge.env_for(job, folder.path());
        let event = std::fs::read(&env["GITHUB_EVENT_PATH"]).unwrap();
        let program = Self::step(env, &job.runtime_token());
        std::fs::write(program.path("event.json"), event).unwrap();
        let mut program = program;
        for prefix in ["GITHUB", "FORGEJO"] {
            let path = program.path("event.json").display().to_string();
            program.env.insert(format!("{prefix}_EVENT_PATH"), path);
        }
        Self { program, _fake: Some(forge) }
    }

    /// The files that a step writes for its runner go elsewhere: this is no step of the workflow's own.
    fn step(env: BTreeMap<String, String>, secret: &str) -> Program {
        let mut program = Program::new(env, secret);
        for prefix in ["GITHUB", "FORGEJO"] {
            for name in ["OUTPUT", "STEP_SUMMARY", "STATE", "ENV", "PATH"] {
                let path = program.path(name).display().to_string();
                program.env.insert(format!("{prefix}_{name}"), path);
            }
        }
        program.env.insert("PATH".to_owned(), std::env::var("PATH").unwrap_or_default());
        program
    }

    /// A name that no other run of the suite in this job used.
    fn name(&self, what: &str) -> String {
        let folder = self.program.folder.path().file_name().unwrap().to_string_lossy().into_owned();
        format!("live-{what}{}", folder.replace(['.', '/'], "-"))
    }
}

/// More than one block, so that a block list is sent, and both protocols: what comes back is what went up.
#[test]
fn artifacts_go_up_and_come_back_by_both_protocols() {
    for job in Job::all() {
        let program = &job.program;
        let mut state = 7_u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        };
        std::fs::create_dir(program.path("up")).unwrap();
        std::fs::write(program.path("up/small.txt"), "small\n").unwrap();
        for (protocol, bytes) in [("v4", 4_300_000), ("v3", 1000)] {
            let large: Vec<u8> = (0..bytes).map(|_| noise()).collect();
            std::fs::write(program.path("up/large.bin"), &large).unwrap();
            let name = job.name(protocol);
            let upload = ["artifact", "upload", &name, "up", "--protocol", protocol, "--format", "json"];
            let up = program.run(&upload).ended(0).json();
            let rows = program.run(&["artifact", "list", "--format", "json"]).ended(0).json();
            let row = rows.as_array().unwrap().iter().find(|row| row["name"] == name.as_str());
            let row = row.unwrap_or_else(|| panic!("{name} is not among {rows}"));
            assert_eq!(row["protocol"], protocol);
            assert_ne!(row["finished"], false);
            let download = ["artifact", "download", &name, "--out", protocol, "--format", "json"];
            let down = program.run(&download).ended(0).json();
            assert_eq!(up["sha256"], down["sha256"], "{protocol}");
            assert_eq!(std::fs::read(program.path(protocol).join("large.bin")).unwrap(), large);
            assert_eq!(std::fs::read(program.path(protocol).join("small.txt")).unwrap(), b"small\n");
        }
    }
}

#[test]
fn what_is_uploaded_again_takes_the_place_of_the_first() {
    for job in Job::all() {
        let (program, name) = (&job.program, job.name("again"));
        for text in ["first\n", "second\n"] {
            std::fs::write(program.path("a.txt"), text).unwrap();
            program.run(&["artifact", "upload", &name, "a.txt"]).ended(0);
        }
        program.run(&["artifact", "download", &name, "--out", "got"]).ended(0);
        assert_eq!(std::fs::read_to_string(program.path("got/a.txt")).unwrap(), "second\n");
    }
}

#[test]
fn a_name_that_is_not_there_is_no_download() {
    for job in Job::all() {
        let ran = job.program.run(&["artifact", "download", &job.name("gone"), "--out", "got"]);
        assert!(ran.ended(5).stderr.contains("was not downloaded"), "{}", ran.stderr);
        assert!(!job.program.path("got").exists());
    }
}

/// Whatever the verdict over the job's own repository: it is written, and its result is uploaded as it says.
#[test]
fn the_gate_judges_its_own_run_and_uploads_what_it_says() {
    for job in Job::all() {
        let program = &job.program;
        let ran = program.run(&["gate"]);
        assert!(matches!(ran.code, 0 | 10 | 11 | 12), "{}: {}{}", ran.code, ran.stdout, ran.stderr);
        let report = program.json("patchwarden-out/gate_report.json");
        assert!(report["verdict"].is_string(), "{report}");
        let outputs = std::fs::read_to_string(program.path("OUTPUT")).unwrap();
        let output = |name: &str| {
            let line = outputs.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            line.unwrap_or_else(|| panic!("no output {name}: {outputs}")).to_owned()
        };
        assert_eq!(report["verdict"], output("verdict").as_str());
        let artifact = output("result_artifact");
        let download = ["artifact", "download", &artifact, "--out", "result", "--format", "json"];
        let down = program.run(&download).ended(0).json();
        assert_eq!(down["sha256"], output("result_sha256").as_str());
        for file in ["gate_report.json", "repair_instruction.json", "summary.md"] {
            let bytes = |folder: &str| std::fs::read(program.path(folder).join(file)).unwrap();
            assert_eq!(Digest::of(bytes("result")), Digest::of(bytes("patchwarden-out")), "{file}");
        }
    }
}
