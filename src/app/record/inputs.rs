//! Hashes of what the command looks at, taken before it is run: where a blind run writes the bytes and the exit code
//! of a clean one, only these tell them apart (DESIGN section 6).

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::model::{Digest, Hasher, Hashing};

use super::request::UsageError;
use super::shown;

/// The digest of each input, under its path as given.
///
/// # Errors
/// [`UsageError`]: one is missing, unreadable, or neither a file nor a folder.
pub fn hash(inputs: &[PathBuf], directory: &Path) -> Result<BTreeMap<String, Digest>, UsageError> {
    let mut digests = BTreeMap::new();
    for input in inputs {
        let name = input.to_str().ok_or_else(|| UsageError::InputName(shown(input)))?;
        let unread = |source| UsageError::Input { path: shown(input), source };
        let path = directory.join(input);
        let kind = fs::metadata(&path).map_err(unread)?;
        let digest = if kind.is_file() {
            of_file(&path).map_err(unread)?
        } else if kind.is_dir() {
            of_folder(&path).map_err(unread)?
        } else {
            return Err(UsageError::InputKind(shown(input)));
        };
        digests.insert(name.to_owned(), digest);
    }
    Ok(digests)
}

fn of_file(path: &Path) -> io::Result<Digest> {
    Ok(Hashing::new(File::open(path)?).finish()?.0)
}

/// The digest of what `sha256sum` prints for every file below the folder, sorted by path. A link counts as a file that
/// holds its target, so a tree without links can be checked by hand:
/// `find . -type f | sed 's,^\./,,' | LC_ALL=C sort | xargs sha256sum | sha256sum`.
/// An empty folder has the digest of nothing, which binds nothing. `.git` is left out: git writes there at will.
fn of_folder(folder: &Path) -> io::Result<Digest> {
    let mut files = BTreeMap::new();
    collect(folder, &mut Vec::new(), &mut files)?;
    let mut hasher = Hasher::new();
    for (path, digest) in files {
        let escaped = path.iter().any(|byte| matches!(byte, b'\\' | b'\n' | b'\r'));
        hasher.update(if escaped { b"\\" } else { b"" });
        hasher.update(digest.hex().as_bytes());
        hasher.update(b"  ");
        hasher.update(&escape(&path));
        hasher.update(b"\n");
    }
    Ok(hasher.finish())
}

/// Digests of the files below `folder`, by path relative to where it began (`prefix` is the way from there).
fn collect(folder: &Path, prefix: &mut Vec<u8>, files: &mut BTreeMap<Vec<u8>, Digest>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == ".git" {
            continue;
        }
        let length = prefix.len();
        prefix.extend_from_slice(name.as_bytes());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            prefix.push(b'/');
            collect(&entry.path(), prefix, files)?;
        } else if kind.is_symlink() {
            files.insert(prefix.clone(), Digest::of(fs::read_link(entry.path())?.as_os_str().as_bytes()));
        } else if kind.is_file() {
            files.insert(prefix.clone(), of_file(&entry.path())?);
        }
        prefix.truncate(length);
    }
    Ok(())
}

/// A path as `sha256sum` writes it after a leading backslash.
fn escape(path: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(path.len());
    for byte in path {
        match byte {
            b'\\' => escaped.extend_from_slice(b"\\\\"),
            b'\n' => escaped.extend_from_slice(b"\\n"),
            b'\r' => escaped.extend_from_slice(b"\\r"),
            other => escaped.push(*other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_folder_hashes_as_sha256sum_says() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        fs::create_dir_all(at.join("a/b")).unwrap();
        fs::create_dir(at.join(".git")).unwrap();
        for (name, text) in [("z", "1"), ("a/b/c", "2"), ("a.x", ""), ("a/é", "3")] {
            fs::write(at.join(name), text).unwrap();
        }
        let script = r"find . -type f | sed 's,^\./,,' | LC_ALL=C sort | xargs sha256sum | sha256sum";
        let by_hand = Command::new("sh").args(["-c", script]).current_dir(at).output().unwrap();
        let by_hand = String::from_utf8(by_hand.stdout).unwrap();
        assert_eq!(of_folder(at).unwrap().hex(), by_hand.split(' ').next().unwrap());
    }

    #[test]
    fn an_empty_folder_binds_nothing() {
        let folder = tempfile::tempdir().unwrap();
        assert!(of_folder(folder.path()).unwrap().binds_nothing());
    }

    #[test]
    fn a_link_that_turns_elsewhere_or_round_is_seen_and_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("/", &link).unwrap();
        let before = of_folder(folder.path()).unwrap();
        fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink(".", &link).unwrap();
        assert_ne!(of_folder(folder.path()).unwrap(), before);
    }
}
