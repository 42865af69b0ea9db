//! The built program as a process: an environment with nothing of this machine in it, and what came of the run.

use std::path::Path;
use std::process::{Command, Stdio};

/// What a run left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// The exit code; a run that a signal ended fails the test.
    pub exit: i32,
    pub stdout: String,
    pub stderr: String,
}

/// The program with these arguments, started in `folder`, with a scrubbed environment.
pub fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchwarden"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    scrub(&mut command);
    command
}

/// Leaves of the environment what a child needs to find `git` and `sh`, and nothing else.
pub fn scrub(command: &mut Command) {
    command.env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    for (name, value) in [
        ("HOME", "/nonexistent"),
        ("LC_ALL", "C"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ] {
        command.env(name, value);
    }
}

/// Runs the program to its end.
pub fn run(folder: &Path, arguments: &[&str]) -> Ran {
    finish(command(folder, arguments))
}

/// Runs a prepared command to its end.
pub fn finish(mut command: Command) -> Ran {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the program writes UTF-8");
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    let exit = output.status.code().unwrap_or_else(|| panic!("ended by a signal: {stderr}"));
    assert!(!stderr.contains("panicked"), "it panicked: {stderr}");
    Ran { exit, stdout, stderr }
}
