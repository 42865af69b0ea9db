//! Clover XML, of OpenClover, istanbul and PHPUnit. Lines of type `method` are declarations and count for nothing;
//! the `metrics` are not believed. What `truecount` means differs: istanbul writes branches, OpenClover evaluations.

use std::io::BufRead;

use super::cobertura::ran;
use super::content::{ParseError, Parsed};
use super::coverage::{self, Collector};
use super::limits::Limits;
use super::shape::Shape;
use super::xml::{Event, Tag, Xml};

/// The version istanbul puts into every report (istanbul-reports, `lib/clover/index.js`).
const ISTANBUL: &str = "3.2.0";

/// Whether XML of this shape is clover's; Cobertura's has the same root and no `project`.
pub fn fits(shape: &Shape) -> bool {
    matches!(shape, Shape::Xml { root, inner } if root == "coverage" && inner.contains("project"))
}

/// Reads a report.
///
/// # Errors
/// [`ParseError`]: no well-formed XML, no `coverage` with a `project`, a line without its counts,
/// or a bound exceeded.
pub fn parse(reader: &mut dyn BufRead, limits: &Limits) -> Result<Parsed, ParseError> {
    let mut xml = Xml::open(reader, limits)?;
    let mut collector = Collector::new(limits);
    let (mut depth, mut in_file) = (0_u32, 0);
    let (mut istanbul, mut project) = (false, false);
    loop {
        match xml.next()? {
            Event::Open(tag) => {
                depth += 1;
                match tag.name() {
                    "coverage" if depth == 1 => {
                        istanbul = tag.get("clover").is_some_and(|version| version == ISTANBUL);
                    }
                    _ if depth == 1 => return Err(not_clover()),
                    "project" => project = true,
                    "file" => {
                        collector.file(&tag.get("path").or_else(|| tag.get("name")).unwrap_or_default())?;
                        in_file = depth;
                    }
                    "line" if in_file > 0 => line(&tag, istanbul, &mut collector)?,
                    _ => {}
                }
            }
            Event::Close => {
                if depth == in_file {
                    in_file = 0;
                }
                depth -= 1;
            }
            Event::End if project => return Ok(coverage::parsed(collector.finish())),
            Event::End => return Err(not_clover()),
        }
    }
}

fn not_clover() -> ParseError {
    ParseError::Malformed("it is not clover's XML: `coverage` with a `project` in it".to_owned())
}

fn line(tag: &Tag<'_>, istanbul: bool, collector: &mut Collector<'_>) -> Result<(), ParseError> {
    let kind = tag.get("type").unwrap_or_default();
    if kind == "method" {
        return Ok(());
    }
    let count = |name| tag.count(name).and_then(|number| u32::try_from(number).ok());
    let number =
        count("num").ok_or_else(|| ParseError::Malformed("a line in it has no number".to_owned()))?;
    let (yes, no) = (count("truecount").unwrap_or(0), count("falsecount").unwrap_or(0));
    if kind != "cond" {
        return collector.line(number, ran(&tag.get("count").unwrap_or_default())?);
    }
    // OpenClover counts a condition by its two outcomes alone and gives it no `count`.
    let hit = match tag.get("count") {
        Some(hits) => ran(&hits)?,
        None => yes > 0 || no > 0,
    };
    collector.line(number, hit)?;
    if istanbul {
        collector.branches(number, yes, yes.saturating_add(no))
    } else {
        collector.branches(number, u32::from(yes > 0) + u32::from(no > 0), 2)
    }
}

#[cfg(test)]
mod tests {
    use super::super::content::Content;
    use super::super::coverage::CoverageReport;
    use super::*;

    fn read(text: &str) -> Result<CoverageReport, ParseError> {
        let Content::Coverage(report) = parse(&mut text.as_bytes(), &Limits::default())?.into_content()
        else {
            panic!()
        };
        Ok(report)
    }

    #[test]
    fn phpunit_names_files_by_path_and_methods_are_no_lines() {
        let report = read(
            r#"<coverage generated="1"><project timestamp="1"><package name="P"><file name="/app/src/A.php">
            <class name="A" namespace="P"><metrics statements="9" coveredstatements="9"/></class>
            <line num="5" type="method" name="f" count="1"/><line num="7" type="stmt" count="1"/>
            <line num="8" type="stmt" count="0"/></file></package></project></coverage>"#,
        )
        .unwrap();
        assert_eq!(report.files.keys().collect::<Vec<_>>(), ["/app/src/A.php"]);
        assert_eq!((report.lines_covered, report.lines_total), (1, 2));
    }

    #[test]
    fn true_and_false_counts_mean_what_their_writer_means() {
        let line = r#"<line num="1" type="cond" count="1" truecount="1" falsecount="1"/>"#;
        let of = |version: &str| {
            let text = format!(
                "<coverage clover='{version}'><project><file path='a'>{line}</file></project></coverage>"
            );
            read(&text).unwrap().branches_covered
        };
        assert_eq!((of("3.2.0"), of("4.4.1")), (1, 2));
    }

    #[test]
    fn what_is_not_clovers_is_malformed() {
        for text in [
            "<report/>",
            "<coverage/>",
            "<coverage><project><file><line num='1' count='1'/></file></project></coverage>",
            "<coverage><project><file path='a'><line count='1'/></file></project></coverage>",
            "<coverage><project><file path='a'><line num='1' type='stmt'/></file></project></coverage>",
        ] {
            assert!(matches!(read(text), Err(ParseError::Malformed(_))), "{text}");
        }
    }
}
