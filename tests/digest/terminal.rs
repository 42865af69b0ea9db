//! Progress: on a terminal one line that is written over and taken away at the end, and nothing anywhere else.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;

use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};

use super::collect::{MONDAY, NOW, run_with};
use crate::fake_forge::{Config, Version};
use crate::support::program::{command, finish};

/// A terminal: the side of whoever looks at it, and the side of the program.
fn terminal() -> (File, OwnedFd) {
    let seen = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&seen).unwrap();
    unlockpt(&seen).unwrap();
    let written = ioctl_tiocgptpeer(&seen, OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    (seen.into(), written)
}

/// What stood on the terminal, until the program closed it: Linux then answers EIO.
fn shown(mut seen: File) -> String {
    let (mut bytes, mut block) = (Vec::new(), [0; 4096]);
    while let Ok(count @ 1..) = seen.read(&mut block) {
        bytes.extend_from_slice(&block[..count]);
    }
    String::from_utf8(bytes).unwrap()
}

#[test]
fn progress_stands_on_a_terminal_alone_and_is_taken_away() {
    let forge = Config::new(Version::V16).shipped_paging().start();
    let token = forge.personal_token("boss");
    forge.set_clock(MONDAY);
    for slug in ["boss/one", "boss/two"] {
        run_with(&forge, slug, "pyfallow", "fallow-py/demo.full-report.json");
    }
    let folder = tempfile::tempdir().unwrap();
    let server = forge.url();
    let digest = || {
        let mut command = command(
            folder.path(),
            &[
                "digest", "--server", &server, "--now", NOW, "--repo", "boss/one", "--repo", "boss/two",
                "--format", "json",
            ],
        );
        command.env("PATCHWARDEN_TOKEN", &token);
        command
    };
    let (seen, written) = terminal();
    let mut command = digest();
    command.stdout(std::process::Stdio::piped()).stderr(written);
    let child = command.spawn().unwrap();
    // It holds the program's side of the terminal.
    drop(command);
    let (shown, output) = (shown(seen), child.wait_with_output().unwrap());
    assert!(output.status.success(), "{shown}");

    let lines: Vec<&str> = shown.split("\r\x1b[K").collect();
    assert_eq!(
        (lines.first(), lines.last()),
        (Some(&""), Some(&"")),
        "written over, and taken away: {shown:?}"
    );
    for line in ["listed 2 of 2 repositories", "fetching 2 artifacts, ", "read 2 of 2 runs"] {
        assert!(lines.iter().any(|one| one.starts_with(line)), "{line}: {shown:?}");
    }
    assert!(!shown.contains('\n'), "one line: {shown:?}");

    let elsewhere = finish(digest());
    assert_eq!((elsewhere.exit, elsewhere.stderr.as_str()), (0, ""), "nothing but on a terminal");
    assert_eq!(elsewhere.stdout.as_bytes(), output.stdout, "the result is the same");
}
