//! coverage.py's JSON (`coverage json`, formats 2 and 3). Its `percent_covered` mixes lines and branches and is not
//! read (FORMATS section 1.3); all is recomputed from the lists of lines.

use std::collections::BTreeMap;
use std::io::BufRead;

use serde::Deserialize;

use crate::model::sanitize;

use super::content::{ParseError, Parsed, ToolName};
use super::coverage::{self, Branches, Collector};
use super::json_stream::JsonStream;
use super::limits::Limits;
use super::shape::Shape;

/// Intentionally incomplete.
#[derive(Deserialize)]
struct Meta {
    version: Option<String>,
}

/// Intentionally incomplete. Branches are pairs of lines; the second is negative for a way out.
#[derive(Deserialize)]
struct File {
    executed_lines: Vec<u32>,
    missing_lines: Vec<u32>,
    #[serde(default)]
    executed_branches: Vec<(i64, i64)>,
    #[serde(default)]
    missing_branches: Vec<(i64, i64)>,
}

/// Whether JSON of this shape is coverage.py's.
pub fn fits(shape: &Shape) -> bool {
    matches!(shape, Shape::JsonObject { keys, .. } if keys.contains("meta") && keys.contains("files"))
}

/// Reads a report.
///
/// # Errors
/// [`ParseError`]: no JSON, no `files`, a file without its lines, or a bound exceeded.
pub fn parse(reader: &mut dyn BufRead, limits: &Limits) -> Result<Parsed, ParseError> {
    let mut json = JsonStream::open(reader, limits)?;
    let mut collector = Collector::new(limits);
    let mut version = None;
    let mut seen = false;
    json.object(&mut |json, key| match key {
        "meta" => {
            version = json.value::<Meta>()?.version;
            Ok(())
        }
        "files" => {
            seen = true;
            json.object(&mut |json, path| {
                let file = json.value::<File>()?;
                collector.file(path)?;
                add(&file, &mut collector)
            })
        }
        _ => json.skip(),
    })?;
    json.end()?;
    if !seen {
        return Err(ParseError::Malformed("it has no `files` as coverage.py's JSON has".to_owned()));
    }
    let version = version.map(|version| sanitize(&version, 40));
    let tool = Some(ToolName { name: "coverage.py".to_owned(), version });
    Ok(Parsed { tool, ..coverage::parsed(collector.finish()) })
}

fn add(file: &File, collector: &mut Collector<'_>) -> Result<(), ParseError> {
    for (lines, ran) in [(&file.executed_lines, true), (&file.missing_lines, false)] {
        for line in lines {
            collector.line(*line, ran)?;
        }
    }
    let mut branches: BTreeMap<u32, Branches> = BTreeMap::new();
    for (pairs, taken) in [(&file.executed_branches, 1), (&file.missing_branches, 0)] {
        for (from, _) in pairs {
            let line = branches.entry(u32::try_from(*from).unwrap_or(0)).or_default();
            line.total += 1;
            line.covered += taken;
        }
    }
    for (line, of_line) in branches {
        collector.branches(line, of_line.covered, of_line.total)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_coverage_pys_is_malformed() {
        for text in [
            "",
            "[]",
            "{}",
            r#"{"files":{"a":{}}}"#,
            r#"{"files":{"a":{"executed_lines":[1],"missing_lines":["x"]}}}"#,
            r#"{"files":{"a":{"executed_lines":[1],"missing_lines":[]}}"#,
            r#"{"files":{"a":{"executed_lines":[1],"missing_lines":[]},"a":{}}}"#,
        ] {
            let read = parse(&mut text.as_bytes(), &Limits::default());
            assert!(matches!(read, Err(ParseError::Malformed(_))), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..128)) {
            let _ = parse(&mut bytes.as_slice(), &Limits::default());
        }
    }
}
