//! Gate kind `protected_paths`: paths whose change a person reads, as a gate of its own: with an id, `enforce`, and
//! paths that differ between gates. What guards the gate itself is protected without it (`guards.rs`).

use globset::{Glob, GlobSet, GlobSetBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Code, count, cut_list, sanitize};

use super::registry::{Input, Judge, Judgement, KindSettings};
use super::result::Blocker;

/// The keys of a `protected_paths` gate.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Globs over repository paths; `*` does not cross a `/`, `**` does. At least one.
    paths: Vec<String>,
}

impl KindSettings for Settings {
    fn problems(&self) -> Vec<(&'static str, String)> {
        let mut wrong = Vec::new();
        if self.paths.is_empty() {
            wrong.push(("paths", "`paths` names nothing to protect".to_owned()));
        }
        for path in &self.paths {
            if let Err(error) = glob(path) {
                wrong.push(("paths", format!("`{}` is not a glob: {error}", sanitize(path, 80))));
            }
        }
        wrong
    }
}

impl Judge for Settings {
    fn judge(&self, input: &Input<'_>) -> Judgement {
        let threshold = "no protected path changed".to_owned();
        let files = input.facts.pull_of_head().map(|pull| &pull.files).filter(|files| files.complete);
        let Some(files) = files else {
            let reason = "the changed files of this head were not all read";
            return Judgement {
                observed: "unknown".to_owned(),
                threshold,
                blockers: vec![Blocker::new(Code::ProtectedFilesUnknown, "files", reason)],
                ..Judgement::default()
            };
        };
        let globs = self.globs();
        let touched = touched(&globs, files.items.iter().map(|file| (&file.path, file.previous.as_ref())));
        let observed = match touched.len() {
            0 => format!("{} changed, none protected", count(files.items.len() as u64, "file")),
            some => format!("{} protected changed", count(some as u64, "path")),
        };
        let mut blockers = Vec::new();
        if !touched.is_empty() {
            let shown: Vec<String> = touched.iter().map(|path| format!("`{path}`")).collect();
            let reason = format!("the change touches protected {}", cut_list(&shown, 5));
            let mut blocker = Blocker::new(Code::ProtectedPathChanged, "paths", reason);
            blocker.paths = touched;
            blockers.push(blocker);
        }
        Judgement { observed, threshold, blockers, judged: true, ..Judgement::default() }
    }
}

impl Settings {
    fn globs(&self) -> GlobSet {
        let mut set = GlobSetBuilder::new();
        for glob in self.paths.iter().filter_map(|path| glob(path).ok()) {
            set.add(glob);
        }
        set.build().unwrap_or_default()
    }
}

fn glob(path: &str) -> Result<Glob, globset::Error> {
    globset::GlobBuilder::new(path).literal_separator(true).build()
}

/// The changed paths among these, sorted, each once and fit to be shown. Both sides of a rename count: moving a file
/// away changes what lies there as well.
pub(super) fn touched<'a>(
    globs: &GlobSet,
    files: impl Iterator<Item = (&'a String, Option<&'a String>)>,
) -> Vec<String> {
    let mut touched: Vec<String> = files
        .flat_map(|(path, previous)| [Some(path), previous])
        .flatten()
        .filter(|path| globs.is_match(path.as_str()))
        .map(|path| sanitize(path, 200))
        .collect();
    touched.sort();
    touched.dedup();
    touched
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::pull_facts::{ChangedFile, Listed, PullFacts};
    use crate::gate::{EvidenceSet, Facts};
    use crate::model::CommitSha;

    fn file(path: &str, previous: Option<&str>) -> ChangedFile {
        ChangedFile {
            path: path.to_owned(),
            previous: previous.map(str::to_owned),
            status: String::new(),
            additions: None,
            deletions: None,
        }
    }

    fn judged(files: Option<Listed<ChangedFile>>) -> Judgement {
        let head: CommitSha = "a".repeat(40).parse().unwrap();
        let pull = files.map(|files| PullFacts { files, ..PullFacts::of_head(head.clone()) });
        let facts = Facts { pull, ..Facts::of_head(head, "2026-11-21T10:00:00Z".parse().unwrap()) };
        let all = EvidenceSet::new();
        let settings = Settings { paths: vec!["db/**".to_owned(), "*.lock".to_owned()] };
        settings.judge(&Input {
            evidence: Vec::new(),
            complete: true,
            implied: Vec::new(),
            all: &all,
            facts: &facts,
        })
    }

    #[test]
    fn either_side_of_a_rename_is_a_change() {
        let moved = Listed::all(vec![file("src/a.rs", None), file("old/schema.sql", Some("db/schema.sql"))]);
        let judgement = judged(Some(moved));
        assert_eq!(judgement.blockers[0].code, Code::ProtectedPathChanged);
        assert_eq!(judgement.blockers[0].paths, ["db/schema.sql"]);
        let other = judged(Some(Listed::all(vec![file("src/Cargo.lock", None), file("dbx", None)])));
        assert!(other.blockers.is_empty() && other.judged, "{other:?}");
    }

    #[test]
    fn a_list_that_is_not_complete_passes_nothing() {
        let partial = Listed { complete: false, items: vec![file("src/a.rs", None)] };
        for files in [None, Some(partial)] {
            let judgement = judged(files);
            assert_eq!(judgement.blockers[0].code, Code::ProtectedFilesUnknown);
            assert!(!judgement.judged);
        }
    }

    #[test]
    fn paths_that_protect_nothing_are_problems() {
        assert_eq!(Settings { paths: Vec::new() }.problems().len(), 1);
        assert_eq!(Settings { paths: vec!["[".to_owned()] }.problems().len(), 1);
    }
}
