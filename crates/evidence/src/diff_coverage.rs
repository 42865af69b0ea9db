//! Coverage of a change: which of its lines ran. A changed file that the report does not have is uncovered,
//! not overlooked (FORMATS section 1.3).

use std::collections::BTreeMap;

use super::changed_lines::ChangedLines;
use super::coverage::{CoverageReport, Detail, FileCoverage};

/// The lines of a change that can run, and whether they did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DiffCoverage {
    /// Changed lines that can run and ran.
    pub covered: u64,
    /// Changed lines that can run and did not, by path at the head; foreign text.
    pub uncovered: BTreeMap<String, Vec<u32>>,
    /// Changed files that the report does not have, or has more than once, and how many lines of each are changed.
    pub absent: BTreeMap<String, u64>,
}

impl DiffCoverage {
    /// Changed lines that can run and did not; of absent files, which lines can run is not known, so all count.
    pub fn uncovered_lines(&self) -> u64 {
        let known: u64 = self.uncovered.values().map(|lines| lines.len() as u64).sum();
        known + self.absent.values().sum::<u64>()
    }

    /// Changed lines judged: covered and not.
    pub fn total(&self) -> u64 {
        self.covered + self.uncovered_lines()
    }
}

/// Looks the changed lines up. `is_measured` says which changed files should be in the report at all: a policy
/// leaves out tests and documents by path. `root` is the folder of the repository that the report's relative paths
/// are meant from, empty for the repository itself.
///
/// `None` where the report has totals alone, so that no line can be looked up.
pub fn diff_coverage(
    report: &CoverageReport,
    changed: &ChangedLines,
    root: &str,
    is_measured: &dyn Fn(&str) -> bool,
) -> Option<DiffCoverage> {
    if report.detail == Detail::Totals {
        return None;
    }
    let files = Files::of(report, root);
    let mut diff = DiffCoverage::default();
    for (path, lines) in changed {
        if lines.is_empty() || !is_measured(path) {
            continue;
        }
        let Some(file) = files.find(path) else {
            diff.absent.insert(path.clone(), lines.len() as u64);
            continue;
        };
        let mut missed = Vec::new();
        for line in lines {
            match file.lines.get(line) {
                Some(true) => diff.covered += 1,
                Some(false) => missed.push(*line),
                // A blank line, a comment, a declaration: nothing that could run.
                None => {}
            }
        }
        if !missed.is_empty() {
            diff.uncovered.insert(path.clone(), missed);
        }
    }
    Some(diff)
}

/// The report's files by the last part of their paths, so that a path of the repository finds them
/// whatever folder the report's own paths begin at.
struct Files<'r> {
    report: &'r CoverageReport,
    root: &'r str,
    by_name: BTreeMap<&'r str, Vec<(&'r str, &'r FileCoverage)>>,
}

impl<'r> Files<'r> {
    fn of(report: &'r CoverageReport, root: &'r str) -> Self {
        let mut by_name: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (path, file) in &report.files {
            by_name.entry(last(path)).or_default().push((path.as_str(), file));
        }
        Self { report, root: root.trim_matches('/'), by_name }
    }

    /// The one file of the report that is this file of the repository. Several that could be it are none:
    /// coverage of another file of the same name must not count for this one.
    fn find(&self, path: &str) -> Option<&'r FileCoverage> {
        let below_root = match self.root {
            "" => Some(path),
            root => path.strip_prefix(root).and_then(|rest| rest.strip_prefix('/')),
        };
        if let Some(file) = below_root.and_then(|path| self.report.files.get(path)) {
            return Some(file);
        }
        let mut fitting = self.by_name.get(last(path))?.iter().filter(|(known, _)| self.may_be(known, path));
        let (_, first) = fitting.next()?;
        fitting.next().is_none().then_some(*first)
    }

    fn may_be(&self, known: &str, path: &str) -> bool {
        if is_absolute(known) {
            return ends_with(known, path);
        }
        let absolute = self.report.roots.iter().any(|root| ends_with(&format!("{root}/{known}"), path));
        absolute || (self.report.below_source_folder && ends_with(path, known))
    }
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn is_absolute(path: &str) -> bool {
    path.starts_with('/') || path.get(1..3) == Some(":/")
}

/// Whether the last components of a path are those of another.
fn ends_with(path: &str, tail: &str) -> bool {
    path.strip_suffix(tail).is_some_and(|start| start.is_empty() || start.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::super::coverage::Collector;
    use super::super::limits::Limits;
    use super::*;

    /// A report of files with line 1 covered, line 2 not, line 3 unable to run.
    fn report(roots: &[&str], paths: &[&str]) -> CoverageReport {
        let limits = Limits::default();
        let mut collector = Collector::new(&limits);
        for path in paths {
            collector.file(path).unwrap();
            collector.line(1, true).unwrap();
            collector.line(2, false).unwrap();
        }
        for root in roots {
            collector.root(root);
        }
        collector.finish()
    }

    fn changed(paths: &[&str]) -> ChangedLines {
        paths.iter().map(|path| ((*path).to_owned(), [1, 2, 3].into())).collect()
    }

    fn diff(report: &CoverageReport, paths: &[&str], root: &str) -> DiffCoverage {
        diff_coverage(report, &changed(paths), root, &|_| true).unwrap()
    }

    #[test]
    fn lines_are_covered_uncovered_or_unable_to_run() {
        let diff = diff(&report(&[], &["src/a.rs"]), &["src/a.rs", "src/zażółć.rs"], "");
        assert_eq!((diff.covered, diff.total()), (1, 5));
        assert_eq!(diff.uncovered, [("src/a.rs".to_owned(), vec![2])].into());
        assert_eq!(diff.absent, [("src/zażółć.rs".to_owned(), 3)].into());
    }

    #[test]
    fn a_file_is_found_from_wherever_the_reports_paths_begin() {
        for (roots, in_report, path, root, found) in [
            (&["/b/w/py"][..], &["calc.py"][..], "py/calc.py", "", true),
            (&["/b/w/py"], &["calc.py"], "other/calc.py", "", false),
            (&[], &["/b/w/js/src/lib.js"], "js/src/lib.js", "", true),
            (&[], &["/b/w/js/src/lib.js"], "s/src/lib.js", "", false),
            (&[], &["/w/a/src/lib.js", "/w/b/src/lib.js"], "src/lib.js", "", false),
            (&[], &["C:/w/src/a.cs"], "src/a.cs", "", true),
            // Nothing says where a relative path of LCOV begins, so only the policy can.
            (&[], &["src/lib.js"], "packages/a/src/lib.js", "", false),
            (&[], &["src/lib.js"], "packages/a/src/lib.js", "packages/a/", true),
            (&[], &["src/lib.js"], "packages/ab/src/lib.js", "packages/a", false),
        ] {
            let diff = diff(&report(roots, in_report), &[path], root);
            assert_eq!(diff.absent.is_empty(), found, "{path} in {in_report:?}");
        }
    }

    #[test]
    fn jacocos_paths_begin_at_the_package() {
        let mut report = report(&[], &["com/x/A.java"]);
        report.below_source_folder = true;
        assert!(diff(&report, &["core/src/main/java/com/x/A.java"], "").absent.is_empty());
        assert!(!diff(&report, &["core/src/main/java/com/xx/A.java"], "").absent.is_empty());
    }

    #[test]
    fn totals_alone_tell_nothing_of_a_change() {
        let report = CoverageReport { detail: Detail::Totals, ..CoverageReport::default() };
        assert_eq!(diff_coverage(&report, &changed(&["a"]), "", &|_| true), None);
    }

    #[test]
    fn files_the_policy_leaves_out_and_files_without_new_lines_are_not_asked_for() {
        let lines: ChangedLines =
            [("docs/a.md".to_owned(), [1].into()), ("b.rs".to_owned(), [].into())].into();
        let diff = diff_coverage(&report(&[], &[]), &lines, "", &|path| !path.starts_with("docs/")).unwrap();
        assert_eq!(diff, DiffCoverage::default());
    }
}
