//! `record` over real folders, shells and repositories.
//! Here the place they are tried in; the cases are in the files beside, by subject.

mod checkout;
mod folder;
mod reports;

use std::ffi::OsString;
use std::fs::{self, File};
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use super::*;
use crate::evidence::Format;
use crate::evidence::manifest::ReportState;

const HEAD: &str = "1f3c1f3c1f3c1f3c1f3c1f3c1f3c1f3c1f3c1f3c";

/// A folder outside git, with an environment that keeps git from looking at the machine.
struct Place {
    folder: tempfile::TempDir,
    env: BTreeMap<String, String>,
    warnings: Mutex<Vec<String>>,
}

impl Place {
    fn outside_git() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ceiling = folder.path().parent().unwrap().to_str().unwrap().to_owned();
        let env = [
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_CEILING_DIRECTORIES", ceiling.as_str()),
            ("GIT_AUTHOR_NAME", "a"),
            ("GIT_AUTHOR_EMAIL", "a@example.org"),
            ("GIT_COMMITTER_NAME", "a"),
            ("GIT_COMMITTER_EMAIL", "a@example.org"),
        ];
        Self {
            folder,
            env: env.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            warnings: Mutex::default(),
        }
    }

    fn in_git() -> Self {
        let place = Self::outside_git();
        fs::write(place.at("tracked"), "one\n").unwrap();
        for arguments in [&["init", "-q"][..], &["add", "tracked"], &["commit", "-qm", "one"]] {
            place.git(arguments);
        }
        place
    }

    fn git(&self, arguments: &[&str]) -> String {
        let mut git = Command::new("git");
        let answer = git.args(arguments).current_dir(self.folder.path()).envs(&self.env).output().unwrap();
        assert!(answer.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&answer.stderr));
        String::from_utf8(answer.stdout).unwrap().trim().to_owned()
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// A file as an earlier run left it.
    fn stale(&self, path: &str, text: &str) {
        fs::write(self.at(path), text).unwrap();
        let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        File::options().write(true).open(self.at(path)).unwrap().set_modified(long_ago).unwrap();
    }

    /// `record --id unit --format junit --report junit.xml --head … --out out -- sh -c SCRIPT`.
    fn request(&self, script: &str) -> RecordRequest {
        RecordRequest {
            directory: self.folder.path().to_owned(),
            reports: vec![report("unit", "junit.xml")],
            tool: None,
            tool_version: None,
            inputs: Vec::new(),
            head: None,
            timeout: None,
            out: PathBuf::from("out"),
            command: ["sh", "-c", script].map(OsString::from).to_vec(),
        }
    }

    fn record(&self, request: &RecordRequest) -> Result<Recorded, RecordError> {
        let mut warnings = Vec::new();
        let recorded = record(request, &self.env, &|| Timestamp::from_unix(1_800_000_000), &mut warnings);
        *self.warnings.lock().unwrap() = warnings;
        recorded
    }

    /// The first thing the last record warned of has these words.
    fn warned_first(&self, words: &str) {
        let warnings = self.warnings.lock().unwrap();
        assert!(warnings[0].contains(words), "{warnings:?}");
    }

    fn manifest(&self) -> Manifest {
        Manifest::parse(&fs::read(self.at("out/patchwarden-manifest.json")).unwrap()).unwrap()
    }

    /// Runs the script with its one report, outside git; gives the end and the one entry that is on disk.
    fn entry(&self, script: &str) -> (Recorded, ManifestEntry) {
        let request = RecordRequest { head: Some(HEAD.parse().unwrap()), ..self.request(script) };
        let recorded = self.record(&request).unwrap();
        let entries = self.manifest().evidence;
        assert_eq!(entries, recorded.entries);
        (recorded, entries.into_iter().next().unwrap())
    }
}

fn report(id: &str, path: &str) -> ReportRequest {
    ReportRequest { id: id.parse().unwrap(), format: Format::Junit, path: PathBuf::from(path) }
}

fn only(path: &str) -> Vec<ReportRequest> {
    vec![report("unit", path)]
}
