//! Coverage of any format: which lines of which file ran, with the numbers recomputed from the lines.
//! The readers of all coverage formats fill it through [`Collector`].

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::content::{Content, ParseError, Parsed, Substance};
use super::limits::Limits;

/// Bytes of a file's path.
const PATH_BYTES: usize = 4096;
/// Source roots kept of one report.
const ROOTS: usize = 64;

/// How many branches leave a line, and how many of them were taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Branches {
    pub covered: u32,
    pub total: u32,
}

/// Lines and branches of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileCoverage {
    /// Line number to whether it ran.
    pub lines: BTreeMap<u32, bool>,
    /// Branches by the line they leave.
    pub branches: BTreeMap<u32, Branches>,
    pub lines_total: u64,
    pub lines_covered: u64,
    pub branches_total: u64,
    pub branches_covered: u64,
}

/// What a report's numbers rest on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Detail {
    /// On single lines, so that they are recomputed and lines of a change can be looked up.
    #[default]
    Lines,
    /// On nothing but the totals that the report states.
    Totals,
}

/// One coverage report, or several merged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CoverageReport {
    /// By path as the report has it: below its source root where it names one, forward slashes, no `.` or `..`
    /// inside. The paths are foreign text.
    pub files: BTreeMap<String, FileCoverage>,
    /// The folders that relative paths may be meant from, absolute, as the report names them.
    pub roots: Vec<String>,
    pub detail: Detail,
    /// Whether the paths begin below a source folder that the report does not name (JaCoCo: at the package).
    pub below_source_folder: bool,
    /// Totals of `files`.
    pub lines_total: u64,
    pub lines_covered: u64,
    pub branches_total: u64,
    pub branches_covered: u64,
}

impl FileCoverage {
    fn recount(&mut self) {
        self.lines_total = self.lines.len() as u64;
        self.lines_covered = self.lines.values().filter(|ran| **ran).count() as u64;
        self.branches_total = self.branches.values().map(|line| u64::from(line.total)).sum();
        self.branches_covered = self.branches.values().map(|line| u64::from(line.covered)).sum();
    }

    /// A line that ran in one of two reports ran. Of branches only numbers are known,
    /// so the better of both counts: never more than really ran.
    fn merge(&mut self, other: Self) {
        for (line, ran) in other.lines {
            *self.lines.entry(line).or_insert(false) |= ran;
        }
        for (line, branches) in other.branches {
            let mine = self.branches.entry(line).or_default();
            mine.total = mine.total.max(branches.total);
            mine.covered = mine.covered.max(branches.covered);
        }
    }
}

impl CoverageReport {
    /// Recomputes the totals from the files, and those of each file from its lines where it has them.
    pub fn recount(&mut self) {
        if self.detail == Detail::Lines {
            self.files.values_mut().for_each(FileCoverage::recount);
        }
        let sum = |of: fn(&FileCoverage) -> u64| self.files.values().map(of).fold(0, u64::saturating_add);
        self.lines_total = sum(|file| file.lines_total);
        self.lines_covered = sum(|file| file.lines_covered);
        self.branches_total = sum(|file| file.branches_total);
        self.branches_covered = sum(|file| file.branches_covered);
    }

    /// Adds another report of the same run: a line that ran in either ran.
    ///
    /// # Errors
    /// [`ParseError::Malformed`] where one has totals alone, which cannot be added;
    /// [`ParseError::TooLarge`] past `Limits::coverage_lines`.
    pub fn merge(&mut self, other: Self, limits: &Limits) -> Result<(), ParseError> {
        if self.detail == Detail::Totals || other.detail == Detail::Totals {
            return Err(ParseError::Malformed(
                "coverage totals of several files cannot be added without their lines".to_owned(),
            ));
        }
        self.below_source_folder |= other.below_source_folder;
        for (path, file) in other.files {
            self.files.entry(path).or_default().merge(file);
        }
        for root in other.roots {
            if !self.roots.contains(&root) && self.roots.len() < ROOTS {
                self.roots.push(root);
            }
        }
        self.recount();
        if self.lines_total > limits.coverage_lines {
            return Err(too_many(limits));
        }
        Ok(())
    }
}

/// A report in the making.
#[derive(Debug)]
pub struct Collector<'l> {
    limits: &'l Limits,
    report: CoverageReport,
    /// The file being filled, taken out of the report so that each line does not search for it.
    path: String,
    file: FileCoverage,
    kept: u64,
}

impl<'l> Collector<'l> {
    /// Nothing collected yet.
    pub fn new(limits: &'l Limits) -> Self {
        Self {
            limits,
            report: CoverageReport::default(),
            path: String::new(),
            file: FileCoverage::default(),
            kept: 0,
        }
    }

    /// Names a folder that relative paths are meant from.
    pub fn root(&mut self, path: &str) {
        let root = normalised(path);
        let root = root.trim_end_matches('/');
        if root.starts_with('/') || root.contains(":/") {
            let roots = &mut self.report.roots;
            if roots.len() < ROOTS && root.len() <= PATH_BYTES && !roots.iter().any(|known| known == root) {
                roots.push(root.to_owned());
            }
        }
    }

    /// Goes on with the file of this path, from where an earlier part of the report left it.
    ///
    /// # Errors
    /// [`ParseError`] for a path that is empty or too long, or more files than lines are allowed.
    pub fn file(&mut self, path: &str) -> Result<(), ParseError> {
        self.put_back();
        if path.len() > PATH_BYTES {
            return Err(ParseError::TooLarge("the path of a file in it is too long".to_owned()));
        }
        let path = normalised(path);
        let below = |root: &String| path.strip_prefix(root.as_str())?.strip_prefix('/');
        self.path = self.report.roots.iter().find_map(below).unwrap_or(&path).to_owned();
        if self.path.is_empty() {
            return Err(ParseError::Malformed("a file in it has no path".to_owned()));
        }
        let known = self.report.files.remove(&self.path);
        if known.is_none() {
            self.keep_one()?;
        }
        self.file = known.unwrap_or_default();
        Ok(())
    }

    /// Notes that a line of the file can run, and whether it did.
    ///
    /// # Errors
    /// [`ParseError::TooLarge`] past `Limits::coverage_lines`.
    pub fn line(&mut self, line: u32, ran: bool) -> Result<(), ParseError> {
        match self.file.lines.entry(line) {
            Entry::Occupied(mut known) => *known.get_mut() |= ran,
            Entry::Vacant(free) => {
                free.insert(ran);
                self.keep_one()?;
            }
        }
        Ok(())
    }

    /// Notes the branches that leave a line; the better of two counts for one line stays.
    ///
    /// # Errors
    /// [`ParseError::TooLarge`] past `Limits::coverage_lines`.
    pub fn branches(&mut self, line: u32, covered: u32, total: u32) -> Result<(), ParseError> {
        let new = !self.file.branches.contains_key(&line);
        let known = self.file.branches.entry(line).or_default();
        known.total = known.total.max(total);
        known.covered = known.covered.max(covered.min(total));
        if new { self.keep_one() } else { Ok(()) }
    }

    fn keep_one(&mut self) -> Result<(), ParseError> {
        self.kept += 1;
        // Lines, their branches and files count alike: it is memory that is bounded.
        if self.kept > self.limits.coverage_lines { Err(too_many(self.limits)) } else { Ok(()) }
    }

    fn put_back(&mut self) {
        let path = std::mem::take(&mut self.path);
        let file = std::mem::take(&mut self.file);
        if !path.is_empty() {
            self.report.files.insert(path, file);
        }
    }

    /// The report.
    pub fn finish(mut self) -> CoverageReport {
        self.put_back();
        self.report.recount();
        self.report
    }
}

/// A parsed report of this coverage; without a line it measured nothing.
pub fn parsed(report: CoverageReport) -> Parsed {
    let substance = if report.lines_total == 0 {
        Substance::Nothing("it has no line that could have run".to_owned())
    } else {
        Substance::Measured
    };
    Parsed { substance, ..Parsed::new(Content::Coverage(report)) }
}

fn too_many(limits: &Limits) -> ParseError {
    ParseError::TooLarge(format!("it covers more than {} lines and branches", limits.coverage_lines))
}

/// A path with forward slashes and without `.`, `..` or `file://`; a `..` that leaves the start stays.
pub fn normalised(path: &str) -> String {
    let path = path.trim().trim_start_matches("file://").replace('\\', "/");
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    if path.starts_with('/') { format!("/{joined}") } else { joined }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_one_spelling() {
        for (path, expected) in [
            ("./src//a.rs", "src/a.rs"),
            ("src\\x\\..\\a.rs", "src/a.rs"),
            ("file:///b/w/a.js", "/b/w/a.js"),
            ("C:\\w\\a.cs", "C:/w/a.cs"),
            ("../lib/a.js", "../lib/a.js"),
            ("zażółć.py", "zażółć.py"),
        ] {
            assert_eq!(normalised(path), expected, "{path}");
        }
    }

    #[test]
    fn a_file_that_comes_back_is_one_file() {
        let limits = Limits::default();
        let mut collector = Collector::new(&limits);
        collector.root("/b/w/");
        for (path, line, ran) in
            [("/b/w/a.py", 1, false), ("b.py", 1, true), ("a.py", 1, true), ("a.py", 2, false)]
        {
            collector.file(path).unwrap();
            collector.line(line, ran).unwrap();
        }
        let report = collector.finish();
        assert_eq!((report.files.len(), report.lines_total, report.lines_covered), (2, 3, 2));
    }

    #[test]
    fn more_lines_than_allowed_are_too_large() {
        let limits = Limits { coverage_lines: 3, ..Limits::default() };
        let mut collector = Collector::new(&limits);
        collector.file("a").unwrap();
        collector.line(1, true).unwrap();
        collector.line(1, true).unwrap();
        collector.line(2, true).unwrap();
        assert!(matches!(collector.line(3, true), Err(ParseError::TooLarge(_))));
    }

    #[test]
    fn merging_keeps_what_ran_in_either() {
        let limits = Limits::default();
        let of = |covered: bool, branches: u32| {
            let mut collector = Collector::new(&limits);
            collector.file("a").unwrap();
            collector.line(1, covered).unwrap();
            collector.line(2, !covered).unwrap();
            collector.branches(1, branches, 2).unwrap();
            collector.finish()
        };
        let mut merged = of(true, 1);
        merged.merge(of(false, 0), &limits).unwrap();
        assert_eq!((merged.lines_covered, merged.lines_total), (2, 2));
        assert_eq!((merged.branches_covered, merged.branches_total), (1, 2));
        let totals = CoverageReport { detail: Detail::Totals, ..CoverageReport::default() };
        assert!(matches!(merged.merge(totals, &limits), Err(ParseError::Malformed(_))));
    }
}
