//! Reports of the base that lie as files in the policy's repository: bytes in, what they say out.
//! Only what cannot be written by the judged change may make a finding old (DESIGN section 4, *Baselines*).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::RelPath;

use super::content::{Content, Parsed, Substance};
use super::limits::Limits;
use super::read::inspect;
use super::source::MemoryFiles;

/// What lies at a path of the policy's repository at the base.
#[derive(Debug, Clone)]
pub enum BaselineFile {
    /// It is confirmed that there is none.
    Absent,
    /// It is there, or may be, and could not be read; says why.
    Unreadable(String),
    Read(Content),
}

/// Every file that gates name as their baseline, by its path in the repository.
pub type BaselineFiles = BTreeMap<RelPath, BaselineFile>;

impl BaselineFile {
    /// Reads a file by the format its content shows. Tests that measured nothing are no baseline: nothing could be
    /// missing of them. Findings may be none, for that makes every later one new.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Self {
        let mut source = MemoryFiles(vec![("baseline", bytes)]);
        let reading = match inspect(&mut source, None, limits) {
            Ok(inspection) => inspection.readings.into_iter().next(),
            Err(error) => return Self::Unreadable(error.to_string()),
        };
        match reading.map(|reading| reading.result) {
            Some(Ok(Parsed { content, substance, .. })) => match (Arc::unwrap_or_clone(content), substance) {
                (Content::Tests(_), Substance::Nothing(why)) => Self::Unreadable(why),
                (content, _) => Self::Read(content),
            },
            Some(Err(error)) => Self::Unreadable(error.to_string()),
            None => Self::Unreadable("it holds no report".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_baseline_is_read_by_its_content_or_said_to_be_unreadable() {
        let parse = |bytes: &[u8]| BaselineFile::parse(bytes, &Limits::default());
        let sarif = include_bytes!("../../../tests/fixtures/ruff/fail.sarif");
        assert!(matches!(parse(sarif), BaselineFile::Read(Content::Findings(_))));
        let clean = include_bytes!("../../../tests/fixtures/ruff/clean.sarif");
        assert!(
            matches!(parse(clean), BaselineFile::Read(Content::Findings(_))),
            "no findings are a baseline"
        );
        let tests = include_bytes!("../../../tests/fixtures/pytest/pass.xunit2.xml");
        assert!(matches!(parse(tests), BaselineFile::Read(Content::Tests(_))));
        let none = include_bytes!("../../../tests/fixtures/pytest/empty-no-tests.xml");
        for bytes in [&none[..], b"", b"<html>", &sarif[..200]] {
            assert!(matches!(parse(bytes), BaselineFile::Unreadable(_)));
        }
    }
}
