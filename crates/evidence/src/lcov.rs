//! LCOV tracefiles. Its summary records (`LF`, `LH`, `BRF`, `BRH`) are not believed: all is recomputed from `DA` and
//! `BRDA` (FORMATS section 1.3; the records are those of geninfo(1) of LCOV 2.3). A file may come several times.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher};
use std::io::BufRead;

use crate::model::sanitize;

use super::cobertura::ran;
use super::content::{ParseError, Parsed};
use super::coverage::{self, Collector};
use super::limits::Limits;
use super::shape::Shape;
use super::text::{Controls, Text};

/// Bytes of one record; names of C++ functions are long.
const LINE_BYTES: u64 = 1024 * 1024;

/// Records that say nothing this reader needs.
const IGNORED: [&str; 14] =
    ["TN", "VER", "FN", "FNL", "FNA", "FNDA", "FNF", "FNH", "LF", "LH", "BRF", "BRH", "MCF", "MCH"];

/// Whether text of this shape is a tracefile.
pub fn fits(shape: &Shape) -> bool {
    let Shape::Lines(lines) = shape else { return false };
    let first = lines.iter().find(|line| !line.starts_with('#'));
    first.is_some_and(|line| line.starts_with("TN:") || line.starts_with("SF:"))
}

/// Branches of all files: by line and a number made of block and branch, whether it was taken.
type Taken = BTreeMap<String, BTreeMap<(u32, u64), bool>>;

/// Reads a tracefile.
///
/// # Errors
/// [`ParseError`]: a record that is none, a file without its `end_of_record`, or a bound exceeded.
pub fn parse(reader: &mut dyn BufRead, limits: &Limits) -> Result<Parsed, ParseError> {
    let mut text = Text::open(reader, Controls::Kept)?;
    let mut collector = Collector::new(limits);
    let mut branches = Taken::new();
    let mut branch_count = 0_u64;
    let mut file: Option<String> = None;
    let mut line = String::new();
    let mut seen = false;
    while text.line(&mut line, LINE_BYTES)? {
        let record = line.trim();
        if record.is_empty() || record.starts_with('#') {
            continue;
        }
        if record == "end_of_record" {
            file.take().ok_or_else(|| broken(record))?;
            continue;
        }
        let (kind, value) = record.split_once(':').ok_or_else(|| broken(record))?;
        match (kind, &file) {
            ("SF", None) => {
                collector.file(value)?;
                file = Some(coverage::normalised(value));
                seen = true;
            }
            ("DA", Some(_)) => {
                let (number, hits) = line_and_hits(value).ok_or_else(|| broken(record))?;
                collector.line(number, ran(hits)?)?;
            }
            ("BRDA", Some(path)) => {
                let (key, taken) = branch(value).ok_or_else(|| broken(record))?;
                if !branches.contains_key(path) {
                    branches.insert(path.clone(), BTreeMap::new());
                }
                if let Some(of_file) = branches.get_mut(path) {
                    let before = of_file.len();
                    *of_file.entry(key).or_insert(false) |= taken;
                    branch_count += (of_file.len() - before) as u64;
                }
                if branch_count > limits.coverage_lines {
                    return Err(ParseError::TooLarge(format!(
                        "it has more than {} branches",
                        limits.coverage_lines
                    )));
                }
            }
            ("MCDC", Some(_)) => {}
            (kind, _) if IGNORED.contains(&kind) => {}
            _ => return Err(broken(record)),
        }
    }
    if file.is_some() {
        return Err(ParseError::Malformed(
            "the tracefile is cut off: a file has no `end_of_record`".to_owned(),
        ));
    }
    if !seen {
        return Err(ParseError::Malformed("it names no file with `SF`".to_owned()));
    }
    add_branches(&branches, &mut collector)?;
    Ok(coverage::parsed(collector.finish()))
}

fn broken(record: &str) -> ParseError {
    ParseError::Malformed(format!("`{}` is no LCOV record, or stands where none may", sanitize(record, 60)))
}

/// `line,hits` or `line,hits,checksum`.
fn line_and_hits(value: &str) -> Option<(u32, &str)> {
    let mut parts = value.split(',');
    Some((parts.next()?.trim().parse().ok()?, parts.next()?))
}

/// `line,block,branch,taken`: block and branch may be any text, taken may be `-` for a line that never ran.
fn branch(value: &str) -> Option<((u32, u64), bool)> {
    let (line, rest) = value.split_once(',')?;
    let (name, taken) = rest.rsplit_once(',')?;
    let mut hasher = DefaultHasher::new();
    hasher.write(name.as_bytes());
    let taken = taken.trim();
    let taken = if taken == "-" { false } else { ran(taken).ok()? };
    Some(((line.trim().parse().ok()?, hasher.finish()), taken))
}

fn add_branches(branches: &Taken, collector: &mut Collector<'_>) -> Result<(), ParseError> {
    for (path, of_file) in branches {
        collector.file(path)?;
        let all: Vec<(&(u32, u64), &bool)> = of_file.iter().collect();
        for of_line in all.chunk_by(|a, b| a.0.0 == b.0.0) {
            let Some(((line, _), _)) = of_line.first() else { continue };
            let taken = of_line.iter().filter(|(_, taken)| **taken).count();
            let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
            collector.branches(*line, count(taken), count(of_line.len()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::content::{Content, Substance};
    use super::super::coverage::CoverageReport;
    use super::*;

    fn read(text: &str) -> Result<CoverageReport, ParseError> {
        let parsed = parse(&mut text.as_bytes(), &Limits::default())?;
        let Content::Coverage(report) = parsed.clone().into_content() else { panic!() };
        assert_eq!(matches!(parsed.substance, Substance::Nothing(_)), report.lines_total == 0);
        Ok(report)
    }

    #[test]
    fn a_file_that_comes_twice_adds_its_hits() {
        let report = read(
            "# made by hand\nTN:one\nSF:./src/a.c\nVER:1\nFN:1,9,f\nFNL:0,1,9\nFNA:0,1,f\nDA:1,0,md5sum\nDA:2,5\n\
             BRDA:2,0,jump to line 7,0\nBRDA:2,0,jump to line 8, to 9,-\nBRDA:2,e0,1,3\nMCDC:2,1,t,1,0,x\nLF:99\nLH:99\n\
             end_of_record\r\nTN:two\nSF:src\\a.c\nDA:1,1\nDA:2,-1\nBRDA:2,0,jump to line 7,1\nend_of_record\n",
        )
        .unwrap();
        assert_eq!(report.files.keys().collect::<Vec<_>>(), ["src/a.c"]);
        assert_eq!((report.lines_covered, report.lines_total), (2, 2));
        assert_eq!((report.branches_covered, report.branches_total), (2, 3));
    }

    #[test]
    fn what_is_no_tracefile_is_malformed() {
        for text in [
            "",
            "TN:\n",
            "SF:a\nDA:1,1\n",
            "SF:a\nSF:b\nend_of_record\n",
            "DA:1,1\nend_of_record\n",
            "SF:a\nend_of_record\nend_of_record\n",
            "SF:a\nDA:x,1\nend_of_record\n",
            "SF:a\nDA:1\nend_of_record\n",
            "SF:a\nDA:1,many\nend_of_record\n",
            "SF:a\nBRDA:1,0,0,x\nend_of_record\n",
            "SF:\nend_of_record\n",
            "SF:a\nnot a record\nend_of_record\n",
            "SF:a\nHAHA:1\nend_of_record\n",
        ] {
            assert!(matches!(read(text), Err(ParseError::Malformed(_))), "{text:?}");
        }
        let long = format!("SF:{}\nend_of_record\n", "x".repeat(2_000_000));
        assert!(matches!(read(&long), Err(ParseError::TooLarge(_))));
    }

    #[test]
    fn utf16_from_a_redirect_is_read() {
        let text = "\u{feff}SF:zażółć.py\r\nDA:1,1\r\nend_of_record\r\n";
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let parsed = parse(&mut utf16.as_slice(), &Limits::default()).unwrap();
        let Content::Coverage(report) = parsed.into_content() else { panic!() };
        assert_eq!(report.files.keys().collect::<Vec<_>>(), ["zażółć.py"]);
    }

    proptest! {
        #[test]
        fn any_records_are_read_or_refused(
            records in "((SF:a|DA:[0-9,\\-e.]{0,6}|BRDA:[0-9,\\-]{0,9}|end_of_record|TN:|[a-zA-Z:]{0,5})\n){0,12}",
            bytes in proptest::collection::vec(any::<u8>(), 0..64),
        ) {
            let _ = read(&records);
            let _ = parse(&mut bytes.as_slice(), &Limits::default());
        }
    }
}
