//! The workflows of this project, held to what its own tool says of workflows, and the scripts they run.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use patchwarden::context::{WorkflowFile, WorkflowStep};
use serde_json::Value;

use crate::support::here;
use crate::support::program;

const FOLDER: &str = ".forgejo/workflows";

fn workflows() -> BTreeMap<String, WorkflowFile> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(here(FOLDER)).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let file = WorkflowFile::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        found.insert(name, file);
    }
    found
}

fn steps(file: &WorkflowFile) -> impl Iterator<Item = &WorkflowStep> {
    file.jobs.values().flat_map(|job| &job.steps)
}

#[test]
fn nothing_is_pasted_into_a_shell_and_every_script_is_there() {
    let workflows = workflows();
    for name in ["ci.yml", "live.yml", "release.yml", "self-gate.yml"] {
        assert!(workflows.contains_key(name), "{name}");
    }
    for (name, file) in &workflows {
        assert!(file.jobs.values().all(|job| !job.steps.is_empty()), "{name} has a job without a step");
        for script in steps(file).filter_map(|step| step.run.as_deref()) {
            assert!(!script.contains("${{"), "{name}: an expression in a script is code: {script}");
            let words = script.split(|c: char| c.is_whitespace() || "()".contains(c));
            for path in words.filter(|word| word.starts_with("scripts/") || word.starts_with(".ci/")) {
                let mode = fs::metadata(here(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
                assert_ne!(mode.permissions().mode() & 0o100, 0, "{path} is not executable");
            }
        }
        // Of others' actions none but the checkout.
        for uses in steps(file).filter_map(|step| step.uses.as_deref()) {
            let checkout = uses.starts_with("https://code.forgejo.org/actions/checkout@");
            assert!(checkout || ["./dist", "./dist/record"].contains(&uses), "{name} uses {uses}");
        }
    }
}

#[test]
fn the_gate_of_the_project_cannot_be_passed_by() {
    let path = here(FOLDER).join("self-gate.yml");
    let arguments = [
        "policy",
        "check",
        "--workflow",
        path.to_str().unwrap(),
        "--job",
        "gate",
        "--required-context",
        "self-gate / gate (pull_request)",
    ];
    let ran = program::run(&here(""), &arguments);
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""), "{}", ran.stdout);
    assert!(!ran.stdout.contains("warning"), "{}", ran.stdout);
}

/// What the policy asks for is what the jobs record.
#[test]
fn the_policy_of_the_project_names_what_its_jobs_record() {
    let policy: toml::Table = toml_of(".forgejo/patchwarden.toml");
    let workflow = &workflows()["self-gate.yml"];
    for (id, evidence) in policy["evidence"].as_table().unwrap() {
        let text = |key: &str| evidence[key].as_str().unwrap();
        let job = &workflow.jobs[evidence["from"]["job"].as_str().unwrap()];
        let record = job.steps.iter().find(|step| step.uses.as_deref() == Some("./dist/record")).unwrap();
        assert_eq!(evidence["from"]["workflow"].as_str(), Some("self-gate.yml"));
        for (input, wanted) in [
            ("id", id.as_str()),
            ("artifact", text("artifact")),
            ("report", text("path")),
            ("format", text("format")),
        ] {
            assert_eq!(record.with[input], wanted, "{id}: {input}");
        }
    }
    let ran = program::run(&here(""), &["policy", "check", ".forgejo/patchwarden.toml"]);
    assert_eq!((ran.exit, ran.stdout.contains("warning")), (0, false), "{}{}", ran.stdout, ran.stderr);
}

fn toml_of(path: &str) -> toml::Table {
    fs::read_to_string(here(path)).unwrap().parse().unwrap()
}

fn run(script: &str, arguments: &[&str], folder: &Path, env: &[(&str, &str)]) -> Output {
    let mut command = Command::new(here(script));
    command.args(arguments).current_dir(folder).envs(env.iter().copied());
    for name in ["GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"] {
        command.env_remove(name);
    }
    command.output().unwrap()
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn tree(folder: &Path) -> Output {
    let binary = folder.join("stand-in");
    fs::write(&binary, "#!/bin/sh\necho \"was given $*\"\n").unwrap();
    run("scripts/release-tree", &["dist", binary.to_str().unwrap()], folder, &[])
}

#[test]
fn a_release_tree_runs_where_it_is_checked_out() {
    let folder = tempfile::tempdir().unwrap();
    let made = tree(folder.path());
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let dist = folder.path().join("dist");
    let mut names: Vec<String> =
        fs::read_dir(&dist).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(
        names,
        ["CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT", "action", "action.yml", "bin", "record"]
    );
    for path in ["action.yml", "record/action.yml"] {
        let action: Value = serde_saphyr::from_str(&fs::read_to_string(dist.join(path)).unwrap()).unwrap();
        let script = action["runs"]["steps"][0]["run"].as_str().unwrap();
        assert!(script.contains("action/run.sh"), "{path}: {script}");
    }
    if std::env::consts::ARCH == "x86_64" {
        let ran = run("action/run.sh", &["gate"], folder.path(), &[]);
        assert_eq!(ran.status.code(), Some(1), "the source tree has no binary");
        let ran =
            Command::new(dist.join("action/run.sh")).arg("gate").env("PATCHWARDEN_INPUT_PULL", "7").output();
        assert_eq!(String::from_utf8(ran.unwrap().stdout).unwrap(), "was given gate --pull=7\n");
    }
    let again = tree(folder.path());
    assert_eq!(again.status.code(), Some(1), "a folder with something in it is not laid out over");
}

#[test]
fn a_release_is_published_once_and_moves_what_follows_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    git(folder, &["init", "--quiet", "--bare", "remote"]);
    git(folder, &["init", "--quiet", "source"]);
    let source = folder.join("source");
    git(&source, &["commit", "--quiet", "--allow-empty", "--message", "source"]);
    assert!(tree(folder).status.success());
    let dist = folder.join("dist");
    let remote = folder.join("remote");
    let publish = |version: &str| {
        let arguments = [version, dist.to_str().unwrap()];
        run("scripts/publish-release", &arguments, &source, &[("PUBLISH_REMOTE", remote.to_str().unwrap())])
    };
    let first = publish("v1.2.3");
    assert!(first.status.success(), "{}", String::from_utf8_lossy(&first.stderr));
    let commit = |name: &str| git(&remote, &["rev-parse", &format!("refs/tags/{name}")]);
    let released = commit("v1.2.3");
    assert_eq!((commit("v1"), commit("v1.2")), (released.clone(), released.clone()));
    let listed = git(&remote, &["ls-tree", "-r", &released]);
    assert!(
        listed.contains("100755 blob") && listed.contains("bin/patchwarden-x86_64-linux.sha256"),
        "{listed}"
    );
    assert!(git(&remote, &["log", "--format=%s", &released]).contains(&git(&source, &["rev-parse", "HEAD"])));

    // What someone pinned never changes, and a later release moves only the short names.
    assert_eq!(publish("v1.2.3").status.code(), Some(1));
    fs::write(dist.join("CHANGELOG.md"), "another\n").unwrap();
    assert!(publish("v1.3.0").status.success());
    assert_eq!((commit("v1.2.3"), commit("v1.2")), (released.clone(), released.clone()));
    assert_eq!(commit("v1"), commit("v1.3.0"));
    assert_ne!(commit("v1"), released);

    // Neither a version that is none nor a tree that was changed after it was built.
    assert_eq!(publish("1.3.1").status.code(), Some(2));
    fs::write(dist.join("bin/patchwarden-x86_64-linux"), "another\n").unwrap();
    assert_eq!(publish("v1.3.1").status.code(), Some(1));
}

/// A flag that is gone would be found by whoever copied the example.
#[test]
fn every_command_in_a_workflow_and_an_example_is_one_of_ours() {
    let mut commands = Vec::new();
    for path in workflow_files() {
        let text = fs::read_to_string(&path).unwrap();
        let file = WorkflowFile::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for script in steps(&file).filter_map(|step| step.run.as_deref()) {
            let script = script.replace("\\\n", " ");
            let lines = script.lines().map(|line| line.trim().to_owned());
            commands.extend(
                lines.filter(|line| line.starts_with("patchwarden ")).map(|line| (path.clone(), line)),
            );
        }
    }
    assert!(commands.len() >= 5, "{commands:?}");
    for (path, command) in commands {
        // `--help` is looked at last, so that everything before it has to be known.
        let folder = Path::new(env!("CARGO_BIN_EXE_patchwarden")).parent().unwrap();
        let search = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
        let mut shell = Command::new("sh");
        let ran =
            shell.args(["-c", &format!("{command} --help")]).env("PATH", search).env("SHARD", "1/3").output();
        let ran = ran.unwrap();
        assert!(
            ran.status.success(),
            "{}: {command}\n{}",
            path.display(),
            String::from_utf8_lossy(&ran.stderr)
        );
    }
}

/// The project's own and those of its examples.
fn workflow_files() -> Vec<PathBuf> {
    let examples = fs::read_dir(here("examples")).unwrap().map(|entry| entry.unwrap().path());
    let folders = examples.chain([here("")]).map(|folder| folder.join(FOLDER));
    folders
        .filter_map(|folder| fs::read_dir(folder).ok())
        .flat_map(|entries| entries.map(|entry| entry.unwrap().path()))
        .collect()
}
