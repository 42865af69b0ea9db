//! Istanbul's two JSON reports: `coverage-final.json`, from whose statements and branches all is recomputed,
//! and `coverage-summary.json`, which has nothing but totals, taken as they stand.

use std::collections::BTreeMap;
use std::io::BufRead;

use serde::Deserialize;

use super::content::{ParseError, Parsed};
use super::coverage::{self, Branches, Collector, CoverageReport, Detail, FileCoverage};
use super::json_stream::JsonStream;
use super::limits::Limits;
use super::shape::Shape;

/// Intentionally incomplete, as are the types below. Some places have no line: branches that are not written out.
#[derive(Deserialize)]
struct File {
    #[serde(rename = "statementMap")]
    statement_map: BTreeMap<String, Place>,
    s: BTreeMap<String, f64>,
    #[serde(rename = "branchMap", default)]
    branch_map: BTreeMap<String, Branch>,
    #[serde(default)]
    b: BTreeMap<String, Vec<f64>>,
}

#[derive(Deserialize)]
struct Place {
    start: Position,
}

#[derive(Deserialize)]
struct Position {
    line: Option<u32>,
}

#[derive(Deserialize)]
struct Branch {
    line: Option<u32>,
    loc: Option<Place>,
}

#[derive(Deserialize)]
struct Summary {
    lines: Share,
    #[serde(default)]
    branches: Share,
}

#[derive(Deserialize, Default)]
struct Share {
    total: u64,
    covered: u64,
}

/// Whether JSON of this shape is `coverage-final.json`: every key a file's absolute path.
pub fn fits_final(shape: &Shape) -> bool {
    let Shape::JsonObject { keys, .. } = shape else { return false };
    !keys.is_empty() && keys.iter().all(|key| is_absolute(key))
}

/// Whether JSON of this shape is `coverage-summary.json`: `total`, and keys that are absolute paths.
pub fn fits_summary(shape: &Shape) -> bool {
    let Shape::JsonObject { keys, .. } = shape else { return false };
    keys.len() > 1 && keys.contains("total") && keys.iter().all(|key| key == "total" || is_absolute(key))
}

fn is_absolute(path: &str) -> bool {
    path.starts_with('/') || path.get(1..3).is_some_and(|drive| drive == ":\\" || drive == ":/")
}

/// Reads a `coverage-final.json`.
///
/// # Errors
/// [`ParseError`]: no JSON, a file without its statements, or a bound exceeded.
pub fn parse_final(reader: &mut dyn BufRead, limits: &Limits) -> Result<Parsed, ParseError> {
    let mut json = JsonStream::open(reader, limits)?;
    let mut collector = Collector::new(limits);
    json.object(&mut |json, path| {
        let file = json.value::<File>()?;
        collector.file(path)?;
        add(&file, &mut collector)
    })?;
    json.end()?;
    Ok(coverage::parsed(collector.finish()))
}

/// A line ran as often as the statement that begins on it and ran most (istanbul-lib-coverage, `getLineCoverage`).
fn add(file: &File, collector: &mut Collector<'_>) -> Result<(), ParseError> {
    for (id, place) in &file.statement_map {
        if let Some(line) = place.start.line {
            collector.line(line, file.s.get(id).is_some_and(|hits| *hits > 0.0))?;
        }
    }
    let mut branches: BTreeMap<u32, Branches> = BTreeMap::new();
    for (id, branch) in &file.branch_map {
        let place = branch.loc.as_ref().and_then(|place| place.start.line);
        let (Some(line), Some(hits)) = (branch.line.or(place), file.b.get(id)) else { continue };
        let of_line = branches.entry(line).or_default();
        for hits in hits {
            of_line.total += 1;
            of_line.covered += u32::from(*hits > 0.0);
        }
    }
    for (line, of_line) in branches {
        collector.branches(line, of_line.covered, of_line.total)?;
    }
    Ok(())
}

/// Reads a `coverage-summary.json`. The totals are those of its files; its own `total` is used only where it
/// has no files.
///
/// # Errors
/// [`ParseError`]: no JSON, an entry without `lines`, more covered than there is, or a bound exceeded.
pub fn parse_summary(reader: &mut dyn BufRead, limits: &Limits) -> Result<Parsed, ParseError> {
    let mut json = JsonStream::open(reader, limits)?;
    let mut report = CoverageReport { detail: Detail::Totals, ..CoverageReport::default() };
    let mut total = None;
    json.object(&mut |json, path| {
        let file = totals(&json.value::<Summary>()?)?;
        if path == "total" {
            total = Some(file);
        } else {
            if report.files.len() as u64 >= limits.coverage_lines {
                return Err(ParseError::TooLarge(format!(
                    "it has more than {} files",
                    limits.coverage_lines
                )));
            }
            report.files.insert(coverage::normalised(path), file);
        }
        Ok(())
    })?;
    json.end()?;
    let mut notes = Vec::new();
    if let Some(total) = total.filter(|total| total.lines_total > 0) {
        if report.files.is_empty() {
            notes.push("it has no files, so its own total counts".to_owned());
            report.files.insert("total".to_owned(), total);
        } else {
            report.recount();
            if (report.lines_total, report.lines_covered) != (total.lines_total, total.lines_covered) {
                notes.push("its `total` is not the sum of its files; the sum counts".to_owned());
            }
        }
    }
    report.recount();
    Ok(Parsed { notes, ..coverage::parsed(report) })
}

fn totals(summary: &Summary) -> Result<FileCoverage, ParseError> {
    let (lines, branches) = (&summary.lines, &summary.branches);
    if lines.covered > lines.total || branches.covered > branches.total {
        return Err(ParseError::Malformed("it has more covered than there is to cover".to_owned()));
    }
    Ok(FileCoverage {
        lines_total: lines.total,
        lines_covered: lines.covered,
        branches_total: branches.total,
        branches_covered: branches.covered,
        ..FileCoverage::default()
    })
}

#[cfg(test)]
mod tests {
    use super::super::content::{Content, Substance};
    use super::*;

    fn read(parsed: Parsed) -> CoverageReport {
        let Content::Coverage(report) = parsed.into_content() else { panic!() };
        report
    }

    #[test]
    fn a_summary_of_nothing_measured_nothing() {
        let text = r#"{"total":{"lines":{"total":0,"covered":0,"skipped":0,"pct":"Unknown"}}}"#;
        let parsed = parse_summary(&mut text.as_bytes(), &Limits::default()).unwrap();
        assert!(matches!(parsed.substance, Substance::Nothing(_)));
        let parsed = parse_final(&mut "{}".as_bytes(), &Limits::default()).unwrap();
        assert!(matches!(parsed.substance, Substance::Nothing(_)));
    }

    #[test]
    fn a_forged_total_does_not_count_beside_files() {
        let text = r#"{"total":{"lines":{"total":10,"covered":10}},"/a":{"lines":{"total":10,"covered":1}}}"#;
        let parsed = parse_summary(&mut text.as_bytes(), &Limits::default()).unwrap();
        assert_eq!(parsed.notes.len(), 1);
        assert_eq!(read(parsed).lines_covered, 1);
    }

    #[test]
    fn the_statement_that_ran_most_decides_its_line() {
        let text = r#"{"/a.js":{"statementMap":{"0":{"start":{"line":1}},"1":{"start":{"line":1}},"2":{"start":{}}},
            "s":{"0":0,"1":3,"2":1},"branchMap":{"0":{"loc":{"start":{"line":1}}},"1":{"line":1}},
            "b":{"0":[1,0],"1":[1,1]}}}"#;
        let report = read(parse_final(&mut text.as_bytes(), &Limits::default()).unwrap());
        assert_eq!((report.lines_covered, report.lines_total), (1, 1));
        assert_eq!((report.branches_covered, report.branches_total), (3, 4));
    }

    #[test]
    fn what_is_not_istanbuls_is_malformed() {
        for text in
            ["", "[]", r#"{"/a":{}}"#, r#"{"/a":{"lines":{"total":1,"covered":2}}}"#, r#"{"/a":1}"#, "{"]
        {
            let summary = parse_summary(&mut text.as_bytes(), &Limits::default());
            assert!(matches!(summary, Err(ParseError::Malformed(_))), "{text}");
            let all = parse_final(&mut text.as_bytes(), &Limits::default());
            assert!(matches!(all, Err(ParseError::Malformed(_))), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..128)) {
            let _ = parse_final(&mut bytes.as_slice(), &Limits::default());
            let _ = parse_summary(&mut bytes.as_slice(), &Limits::default());
        }
    }
}
