//! Where results leave the program: standard output, standard error, files. Files appear whole or not at all.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// Writes a result to standard output.
///
/// # Errors
/// What the operating system answers, a closed pipe included: a result nobody got was not given.
pub fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Writes a line that is no result to standard error; nothing depends on whether it arrives.
pub fn say(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Shows how far long work is, in place of what was shown before; nothing on anything but a terminal. An empty text
/// takes the line away.
pub fn progress(text: &str) {
    use std::io::IsTerminal as _;
    let mut out = io::stderr().lock();
    if out.is_terminal() {
        let _ = write!(out, "\r\x1b[K{text}");
        let _ = out.flush();
    }
}

/// Writes a file that can be had again from what it was made of, without waiting for the disk. No half of it ever
/// carries its name, however this program ends; a power cut ends the run it was made in as well, and may leave it empty,
/// which no reader takes for a result.
///
/// # Errors
/// What the operating system answers.
pub fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    put(path, bytes, |_| Ok(()))
}

/// Writes a file that people keep and edit: when this returns it is on the disk.
///
/// # Errors
/// What the operating system answers.
pub fn write_kept_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    put(path, bytes, fs::File::sync_all)
}

/// A sibling first, then a rename.
fn put(path: &Path, bytes: &[u8], settle: impl FnOnce(&fs::File) -> io::Result<()>) -> io::Result<()> {
    let folder =
        path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let mut file = match sibling(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(folder)?;
            sibling(folder)?
        }
        made => made?,
    };
    file.write_all(bytes)?;
    settle(file.as_file())?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// A file of no lasting name in this folder, as readable as the umask lets it be: a temporary one is private to its owner.
fn sibling(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".patchwarden-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

/// Removes a file of an earlier run, so that nobody takes it for one of this run.
///
/// # Errors
/// What the operating system answers, unless there is no such file.
pub fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
