//! Coverage of any format: which lines of which file ran, with the numbers recomputed from the lines.

use std::collections::BTreeMap;

/// Lines and branches of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileCoverage {
    /// Line number to whether it ran.
    pub lines: BTreeMap<u32, bool>,
    pub branches_total: u64,
    pub branches_covered: u64,
}

/// One coverage report, or several merged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CoverageReport {
    /// By path as the report normalises it: relative to its source root, forward slashes.
    pub files: BTreeMap<String, FileCoverage>,
    /// Totals recomputed from `files`.
    pub lines_total: u64,
    pub lines_covered: u64,
    pub branches_total: u64,
    pub branches_covered: u64,
}

impl CoverageReport {
    /// Recomputes the totals from the files.
    pub fn recount(&mut self) {
        self.lines_total = self.files.values().map(|file| file.lines.len() as u64).sum();
        self.lines_covered =
            self.files.values().map(|file| file.lines.values().filter(|ran| **ran).count() as u64).sum();
        self.branches_total = self.files.values().map(|file| file.branches_total).sum();
        self.branches_covered = self.files.values().map(|file| file.branches_covered).sum();
    }
}
