//! Running the command: stdin closed, output passed through, ended with its whole group when it takes too long.
//! However it ends becomes one exit code, by the conventions of shells and of `timeout(1)`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};

use crate::model::sanitize;

const TIMED_OUT: u8 = 124;
const NOT_EXECUTABLE: u8 = 126;
const NOT_FOUND: u8 = 127;
const SIGNALLED: u8 = 128;

/// How long a command that was asked to end (SIGTERM) may take before it is made to (SIGKILL).
const GRACE: Duration = Duration::from_secs(5);

/// Set for every child. Standard output of a step is a terminal, so a child that pages would wait for a key for ever
/// (LIVE section 1).
const UNATTENDED: [(&str, &str); 3] = [("GIT_PAGER", "cat"), ("PAGER", "cat"), ("GIT_TERMINAL_PROMPT", "0")];

/// How the command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    pub exit_code: u8,
    /// The signal that ended it, where one did.
    pub signal: Option<i32>,
    pub timed_out: bool,
    /// What to tell the reader where it did not end by itself.
    pub complaint: Option<String>,
}

/// A child that cannot ask: nothing on standard input, no pager, no prompt.
pub fn unattended(program: &OsString, directory: &Path, env: &BTreeMap<String, String>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(directory).envs(env).envs(UNATTENDED).stdin(Stdio::null());
    command
}

/// Runs the command to its end. It always has one: a command that could not be started ends by 127 or 126.
pub fn run(
    command: &[OsString],
    directory: &Path,
    env: &BTreeMap<String, String>,
    timeout: Option<Duration>,
) -> Ending {
    let Some((program, arguments)) = command.split_first() else {
        return not_run(NOT_FOUND, "no command was given".to_owned());
    };
    let name = sanitize(&program.to_string_lossy(), 120);
    let mut command = unattended(program, directory, env);
    command.args(arguments);
    if timeout.is_some() {
        // A group of its own, so that all of it can be ended. Without a limit it stays in ours: there Ctrl-C reaches it.
        command.process_group(0);
    }
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return not_run(NOT_FOUND, format!("command `{name}` was not found"));
        }
        Err(error) => {
            return not_run(NOT_EXECUTABLE, format!("command `{name}` could not be started: {error}"));
        }
    };
    match wait(&mut child, timeout) {
        Ok((status, timed_out)) => ended(&name, status, timeout.filter(|_| timed_out)),
        Err(error) => not_run(NOT_EXECUTABLE, format!("command `{name}` could not be waited for: {error}")),
    }
}

/// Waits for the child, at most `timeout`; then ends its group. Says whether it had to.
fn wait(child: &mut Child, timeout: Option<Duration>) -> io::Result<(ExitStatus, bool)> {
    let Some(timeout) = timeout else { return Ok((child.wait()?, false)) };
    let group = Pid::from_child(child);
    let ended = watch(group)?;
    let timed_out = ended.recv_timeout(timeout) == Err(RecvTimeoutError::Timeout);
    if timed_out {
        end(group, &ended, GRACE);
    }
    Ok((child.wait()?, timed_out))
}

/// Says when the child has ended, and leaves it to be reaped by the caller: until then the number of its group belongs
/// to nobody else.
fn watch(child: Pid) -> io::Result<Receiver<()>> {
    let (ending, ended) = mpsc::channel();
    std::thread::Builder::new().spawn(move || {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        let _ = rustix::io::retry_on_intr(|| rustix::process::waitid(WaitId::Pid(child), options));
        let _ = ending.send(());
    })?;
    Ok(ended)
}

/// Asks a group to end, and makes it once its leader has ended or the grace is over.
fn end(group: Pid, ended: &Receiver<()>, grace: Duration) {
    // A group that is gone already is as good as one that was ended.
    let _ = rustix::process::kill_process_group(group, Signal::TERM);
    let _ = ended.recv_timeout(grace);
    let _ = rustix::process::kill_process_group(group, Signal::KILL);
}

fn ended(name: &str, status: ExitStatus, timeout: Option<Duration>) -> Ending {
    let signal = status.signal();
    if let Some(timeout) = timeout {
        let complaint = format!("command `{name}` was ended: it took longer than {timeout:?}");
        return Ending { exit_code: TIMED_OUT, signal, timed_out: true, complaint: Some(complaint) };
    }
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    let by_signal = signal.and_then(|signal| u8::try_from(signal).ok()).map(|n| SIGNALLED.saturating_add(n));
    Ending {
        exit_code: code.or(by_signal).unwrap_or(NOT_EXECUTABLE),
        signal,
        timed_out: false,
        complaint: signal.map(|signal| format!("command `{name}` was ended by signal {signal}")),
    }
}

fn not_run(exit_code: u8, complaint: String) -> Ending {
    Ending { exit_code, signal: None, timed_out: false, complaint: Some(complaint) }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read};

    use super::*;

    fn shell(script: &str, directory: &Path, timeout: Option<Duration>) -> Ending {
        let command = ["sh", "-c", script].map(OsString::from);
        run(&command, directory, &BTreeMap::new(), timeout)
    }

    fn code(arguments: &[&str]) -> u8 {
        let command: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        let ending = run(&command, Path::new("/"), &BTreeMap::new(), None);
        assert!(ending.complaint.is_some(), "{ending:?}");
        ending.exit_code
    }

    #[test]
    fn codes_are_those_of_a_shell() {
        let directory = tempfile::tempdir().unwrap();
        let at = directory.path();
        assert_eq!(shell("exit 101", at, None).exit_code, 101);
        let killed = shell("kill -SEGV $$", at, None);
        assert_eq!((killed.exit_code, killed.signal, killed.timed_out), (139, Some(11), false));
        assert_eq!(code(&["no-such-command-anywhere"]), 127);
        assert_eq!(code(&["/dev/null"]), 126);
        assert_eq!(code(&["/"]), 126);
        assert_eq!(code(&["true", &"x".repeat(1 << 18)]), 126, "an argument no kernel takes");
    }

    #[test]
    fn a_child_cannot_ask() {
        let directory = tempfile::tempdir().unwrap();
        let script = "read line && exit 1; test \"$GIT_PAGER$PAGER$GIT_TERMINAL_PROMPT\" = catcat0";
        assert_eq!(shell(script, directory.path(), None).exit_code, 0);
    }

    #[test]
    fn a_command_in_time_keeps_its_code() {
        let directory = tempfile::tempdir().unwrap();
        let ending = shell("exit 3", directory.path(), Some(Duration::from_hours(1)));
        assert_eq!((ending.exit_code, ending.timed_out), (3, false));
    }

    /// Starts a script in a group of its own, ends it once it says `ready`, and gives the signal that ended it and what
    /// was still written: reading ends only when the last process that holds the pipe is gone.
    fn end_when_ready(script: &str) -> (Option<i32>, String) {
        let mut child = unattended(&OsString::from("sh"), Path::new("/"), &BTreeMap::new())
            .args(["-c", script])
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        let group = Pid::from_child(&child);
        end(group, &watch(group).unwrap(), Duration::from_millis(50));
        let mut rest = String::new();
        output.read_to_string(&mut rest).unwrap();
        (child.wait().unwrap().signal(), rest)
    }

    #[test]
    fn a_timeout_ends_grandchildren_too() {
        let script = "(sleep 60; echo survived) & echo ready; wait";
        assert_eq!(end_when_ready(script), (Some(15), String::new()));
    }

    #[test]
    fn a_timeout_ends_what_ignores_being_asked() {
        let script = "trap '' TERM; (sleep 60; echo survived) & echo ready; wait";
        assert_eq!(end_when_ready(script), (Some(9), String::new()));
    }
}
