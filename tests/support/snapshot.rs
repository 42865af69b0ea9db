//! Snapshots: a text beside the tests, compared byte for byte, written anew with `PATCHWARDEN_UPDATE=1`.

use std::path::Path;

/// The command that writes every snapshot, schema and generated page anew.
pub const UPDATE: &str = "PATCHWARDEN_UPDATE=1 cargo test --test integration";

/// Whether this run writes snapshots instead of comparing them.
pub fn updating() -> bool {
    std::env::var_os("PATCHWARDEN_UPDATE").is_some_and(|value| value == "1")
}

/// Adds a recording of this version where there is none yet; one that is there is never written again.
pub fn add_recording(name: &str, bytes: &[u8]) {
    let path = super::here(&format!("tests/fixtures/replay/{}-{name}", env!("CARGO_PKG_VERSION")));
    if updating() && !path.exists() {
        super::evidence::write(&path, bytes);
    }
}

/// Compares a text with the file at `path`; `None` says that the file must not be there.
///
/// # Errors
/// What differs first, and how to accept it.
pub fn compare(path: &Path, actual: Option<&str>) -> Result<(), String> {
    let expected = std::fs::read_to_string(path).ok();
    if expected.as_deref() == actual {
        return Ok(());
    }
    if updating() {
        match actual {
            Some(text) => super::evidence::write(path, text.as_bytes()),
            None => std::fs::remove_file(path).unwrap(),
        }
        return Ok(());
    }
    let shown = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap_or(path).display();
    let difference = match (expected.as_deref(), actual) {
        (None, _) => "the file is not there".to_owned(),
        (Some(_), None) => "the file should not be there".to_owned(),
        (Some(expected), Some(actual)) => first_difference(expected, actual),
    };
    Err(format!("{shown}: {difference}\n  if that is meant: {UPDATE}"))
}

/// The first line in which two texts differ.
pub fn first_difference(expected: &str, actual: &str) -> String {
    let (mut expected_lines, mut actual_lines) = (expected.lines(), actual.lines());
    for number in 1.. {
        match (expected_lines.next(), actual_lines.next()) {
            (None, None) => break,
            (one, other) if one == other => {}
            (one, other) => {
                return format!(
                    "line {number}\n    expected: {}\n    actual:   {}",
                    one.unwrap_or("(nothing)"),
                    other.unwrap_or("(nothing)")
                );
            }
        }
    }
    "line ends differ".to_owned()
}
