//! Small git repositories in temporary folders.

use std::path::Path;
use std::process::Command;

use super::program::scrub;

/// A repository with one commit; gone when dropped.
pub struct Repository {
    folder: tempfile::TempDir,
}

impl Repository {
    /// A repository whose first commit holds these files.
    pub fn with(files: &[(&str, &str)]) -> Self {
        let repository = Self { folder: tempfile::tempdir().unwrap() };
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository.commit(files);
        repository
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes files and commits everything; gives the new head.
    pub fn commit(&self, files: &[(&str, &str)]) -> String {
        for (path, text) in files {
            super::evidence::write(&self.path().join(path), text.as_bytes());
        }
        self.git(&["add", "--all"]);
        let who = ["-c", "user.name=A Person", "-c", "user.email=person@example.org"];
        self.git(&[&who[..], &["commit", "--quiet", "--message=Change"]].concat());
        self.head()
    }

    /// The full id of the head.
    pub fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"]).trim().to_owned()
    }

    /// Runs git and gives what it printed.
    pub fn git(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        scrub(&mut command);
        let output = command.current_dir(self.path()).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}
