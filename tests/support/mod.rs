//! What the tests share: the program as a process, evidence folders and zips, git repositories, snapshots.
//! Nothing here knows a case.

pub mod evidence;
pub mod outputs;
pub mod program;
pub mod release_tree;
pub mod repository;
pub mod snapshot;

use std::path::PathBuf;

/// The commit that most tests judge: the one that the genuine reports of pytest name.
pub const HEAD: &str = "815fce1f25f0944ef24fbaa7f58b7a3bb7a77181";
/// The time of most judgements.
pub const NOW: &str = "2026-09-01T12:00:00Z";

/// A path of this repository.
pub fn here(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Every file of Rust that the program is made of.
pub fn source_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders =
        vec![here("src"), here("crates/evidence/src"), here("crates/metrics/src"), here("crates/model/src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files
}

/// A genuine or constructed report, by its path below `tests/fixtures`.
pub fn fixture(path: &str) -> Vec<u8> {
    let path = here("tests/fixtures").join(path);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
