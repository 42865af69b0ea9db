//! The actions: their inputs and outputs, and the shell between them and the binary, run as a process from a release
//! tree whose binary writes down what it was given.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use patchwarden::model::Digest;
use serde_json::Value;
use tempfile::TempDir;

/// Every way a value can hurt a shell, a log or a parser of arguments.
const HOSTILE: &str =
    "a b\n::set-output name=verdict::pass\n'\"`touch pwned`$(touch pwned)${HOME} * ; exit 0 #\\";

fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn executable(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A release tree with a binary that writes its arguments, each ended by a NUL, and ends with 7.
struct Tree {
    folder: TempDir,
    /// What the scripts find on their `PATH` besides the shell's own words.
    tools: Vec<&'static str>,
}

const BINARY: &str = "bin/patchwarden-x86_64-linux";
const STAND_IN: &str = "#!/bin/sh\nprintf '%s\\0' \"$@\" >\"$SEEN\"\nprintf '%s' \"${PATCHWARDEN_NEEDS:-}\" >\"$SEEN.needs\"\nexit 7\n";

impl Tree {
    fn new() -> Self {
        let tree = Self { folder: tempfile::tempdir().unwrap(), tools: vec!["sha256sum", "bash"] };
        fs::create_dir_all(tree.path("action")).unwrap();
        fs::create_dir_all(tree.path("bin")).unwrap();
        fs::copy(source("action/run.sh"), tree.path("action/run.sh")).unwrap();
        executable(&tree.path(BINARY), STAND_IN);
        tree.sum(&Digest::of(STAND_IN).to_string()["sha256:".len()..]);
        tree
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn sum(&self, hex: &str) {
        let line = format!("{hex}  patchwarden-x86_64-linux\n");
        fs::write(self.path(&format!("{BINARY}.sha256")), line).unwrap();
    }

    fn run(&self, verb: &str, machine: &str, env: &[(&str, &str)]) -> Output {
        let tools = self.path("tools");
        fs::create_dir_all(&tools).unwrap();
        executable(
            &tools.join("uname"),
            &format!("#!/bin/sh\ncase $1 in -m) echo {machine} ;; *) echo Linux ;; esac\n"),
        );
        for tool in self.tools.iter().chain(["sh"].iter()) {
            let real = std::env::split_paths(&std::env::var_os("PATH").unwrap())
                .map(|folder| folder.join(tool))
                .find(|path| path.is_file());
            if let Some(real) = real {
                let _ = symlink(real, tools.join(tool));
            }
        }
        Command::new("/bin/sh")
            .arg(self.path("action/run.sh"))
            .arg(verb)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", &tools)
            .env("SEEN", self.path("seen"))
            .env("RUNNER_TEMP", self.path("temp"))
            .env("HOME", "/nowhere")
            .envs(env.iter().copied())
            .output()
            .unwrap()
    }

    /// What the binary was given; none where it was not run.
    fn seen(&self) -> Option<Vec<String>> {
        let bytes = fs::read(self.path("seen")).ok()?;
        let text = String::from_utf8(bytes).unwrap();
        Some(text.split_terminator('\0').map(str::to_owned).collect())
    }

    /// The script refused: by this code, with these words, without running the binary or anything it was given.
    fn refuses(&self, output: &Output, code: i32, words: &str) {
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.starts_with("error: ") && said.contains(words), "{said}");
        assert!(output.stdout.is_empty() && !said.contains("\n::"), "{said}");
        assert_eq!(self.seen(), None);
        assert!(!self.path("pwned").exists());
    }
}

#[test]
fn the_gates_inputs_arrive_as_they_were_written() {
    let tree = Tree::new();
    let inputs = ["POLICY", "FROM", "WAIT", "PULL", "OUT", "CAPTURE", "COMMIT_STATUS"];
    let names: Vec<String> = inputs.iter().map(|name| format!("PATCHWARDEN_INPUT_{name}")).collect();
    let mut env: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), HOSTILE)).collect();
    env.extend([("PATCHWARDEN_INPUT_COMMENT", "true"), ("PATCHWARDEN_NEEDS", HOSTILE)]);
    let output = tree.run("gate", "x86_64", &env);
    assert_eq!(output.status.code(), Some(7), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stdout.is_empty() && output.stderr.is_empty());
    let mut wanted = vec!["gate".to_owned()];
    wanted.extend(
        ["policy", "from", "wait", "pull", "out", "capture", "commit-status"]
            .map(|name| format!("--{name}={HOSTILE}")),
    );
    wanted.push("--comment".to_owned());
    assert_eq!(tree.seen().unwrap(), wanted);
    assert_eq!(fs::read_to_string(tree.path("seen.needs")).unwrap(), HOSTILE);
    assert!(!tree.path("pwned").exists());
}

#[test]
fn effects_are_off_unless_asked_for() {
    let tree = Tree::new();
    let off = [("PATCHWARDEN_INPUT_COMMIT_STATUS", "false"), ("PATCHWARDEN_INPUT_COMMENT", "false")];
    tree.run("gate", "x86_64", &off);
    assert_eq!(tree.seen().unwrap(), ["gate"]);
    tree.run("gate", "amd64", &[("PATCHWARDEN_INPUT_COMMIT_STATUS", "true")]);
    assert_eq!(tree.seen().unwrap(), ["gate", "--commit-status"]);
    fs::remove_file(tree.path("seen")).unwrap();
    let output = tree.run("gate", "x86_64", &[("PATCHWARDEN_INPUT_COMMENT", HOSTILE)]);
    tree.refuses(&output, 2, "the input `comment` is neither `true` nor `false`");
}

#[test]
fn the_record_actions_command_stays_one_argument() {
    let mut tree = Tree::new();
    let env = [
        ("PATCHWARDEN_INPUT_ID", "unit"),
        ("PATCHWARDEN_INPUT_FORMAT", "junit"),
        ("PATCHWARDEN_INPUT_REPORT", "out dir/*.xml\nlint=sarif:$(touch pwned).sarif\n"),
        ("PATCHWARDEN_INPUT_RUN", HOSTILE),
        ("PATCHWARDEN_INPUT_INPUT", "src\n-x `touch pwned`"),
        ("GITHUB_RUN_ID", "46"),
        ("GITHUB_JOB", "unit"),
        ("GITHUB_RUN_ATTEMPT", "2"),
    ];
    let out = format!("--out={}/46-unit-2/unit", tree.path("temp/patchwarden-record").display());
    let before = [
        "record",
        &out,
        "--upload=unit",
        "--id=unit",
        "--format=junit",
        "--report=out dir/*.xml",
        "--report=lint=sarif:$(touch pwned).sarif",
        "--input=src",
        "--input=-x `touch pwned`",
        "--",
    ];
    for (tools, shell) in [
        (vec!["sha256sum", "bash"], &["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c"][..]),
        (vec!["sha256sum"], &["sh", "-e", "-c"][..]),
    ] {
        let _ = fs::remove_dir_all(tree.path("tools"));
        tree.tools = tools;
        let output = tree.run("record", "x86_64", &env);
        assert_eq!(output.status.code(), Some(7), "{}", String::from_utf8_lossy(&output.stderr));
        let wanted: Vec<&str> = before.iter().chain(shell).chain([HOSTILE].iter()).copied().collect();
        assert_eq!(tree.seen().unwrap(), wanted);
        assert!(!tree.path("pwned").exists());
    }
}

#[test]
fn a_record_without_what_it_needs_is_not_run() {
    let tree = Tree::new();
    let all = [
        ("PATCHWARDEN_INPUT_ID", "unit"),
        ("PATCHWARDEN_INPUT_REPORT", "junit.xml"),
        ("PATCHWARDEN_INPUT_RUN", "make test"),
    ];
    for (missing, words) in [
        (0, "the inputs `artifact` and `id` are both empty"),
        (1, "the input `report` is empty"),
        (2, "the input `run` is empty"),
    ] {
        let mut env = all.to_vec();
        env.remove(missing);
        tree.refuses(&tree.run("record", "x86_64", &env), 2, words);
    }
    for name in ["../../escaped", "/absolute", ".hidden", "a/b"] {
        let mut env = all.to_vec();
        env.push(("PATCHWARDEN_INPUT_ARTIFACT", name));
        tree.refuses(&tree.run("record", "x86_64", &env), 2, "the name of the artifact");
    }
}

#[test]
fn a_binary_that_is_not_the_one_released_is_not_run() {
    let tree = Tree::new();
    tree.sum(&"0".repeat(64));
    tree.refuses(&tree.run("gate", "x86_64", &[]), 1, "SHA-256 is not the one beside it");
    fs::write(tree.path(&format!("{BINARY}.sha256")), "").unwrap();
    tree.refuses(&tree.run("gate", "x86_64", &[]), 1, "is empty");
    fs::remove_file(tree.path(&format!("{BINARY}.sha256"))).unwrap();
    tree.refuses(&tree.run("gate", "x86_64", &[]), 1, "is missing beside the binary");
}

#[test]
fn any_of_three_tools_verifies_and_none_refuses() {
    for tools in [vec!["sha256sum"], vec!["shasum", "perl"], vec!["openssl"]] {
        let mut tree = Tree::new();
        tree.tools.clone_from(&tools);
        let output = tree.run("gate", "x86_64", &[]);
        let there = tree.path("tools").join(tools[0]).exists();
        if there {
            assert_eq!(
                output.status.code(),
                Some(7),
                "{tools:?}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        tree.sum(&"1".repeat(64));
        let _ = fs::remove_file(tree.path("seen"));
        assert_ne!(tree.run("gate", "x86_64", &[]).status.code(), Some(7), "{tools:?}");
    }
    let mut tree = Tree::new();
    tree.tools.clear();
    tree.refuses(&tree.run("gate", "x86_64", &[]), 1, "`sha256sum`, `shasum` and `openssl` are all missing");
}

#[test]
fn what_the_release_does_not_cover_is_said_with_what_to_do() {
    let tree = Tree::new();
    let output = tree.run("gate", "aarch64", &[]);
    tree.refuses(&output, 1, "no binary for `aarch64-linux`");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("runs-on") && said.contains("bin/patchwarden-aarch64-linux"), "{said}");
    fs::remove_dir_all(tree.path("bin")).unwrap();
    tree.refuses(&tree.run("gate", "x86_64", &[]), 1, "this is the source tree");
}

/// The keys of a mapping in an action's file, and the file as JSON.
fn action(path: &str) -> Value {
    let text = fs::read_to_string(source(path)).unwrap();
    serde_saphyr::from_str(&text).unwrap()
}

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn the_actions_have_the_names_others_rely_on() {
    let gate = action("action.yml");
    let inputs =
        ["capture", "comment", "commit_status", "from", "needs", "out", "policy", "pull", "token", "wait"];
    assert_eq!(keys(&gate["inputs"]), inputs);
    let outputs =
        ["instructions", "report", "result_artifact", "result_sha256", "summary", "target_sha", "verdict"];
    assert_eq!(keys(&gate["outputs"]), outputs);
    let record = action("record/action.yml");
    assert_eq!(keys(&record["inputs"]), ["artifact", "format", "id", "input", "report", "run"]);
}

#[test]
fn no_input_is_pasted_into_a_shell() {
    for path in ["action.yml", "record/action.yml"] {
        let action = action(path);
        assert_eq!(action["runs"]["using"], "composite", "{path}");
        let [step] = action["runs"]["steps"].as_array().unwrap().as_slice() else { panic!("{path}") };
        assert_eq!(step["shell"], "sh", "{path}");
        assert!(!step["run"].as_str().unwrap().contains("${{"), "{path}");
        let env: BTreeMap<&str, &str> = step["env"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(key, value)| (value.as_str().unwrap(), key.as_str()))
            .collect();
        for input in keys(&action["inputs"]) {
            let name = env.get(format!("${{{{ inputs.{input} }}}}").as_str());
            assert!(name.is_some_and(|name| name.ends_with(&input.to_uppercase())), "{path}: {input}");
        }
    }
}
