//! JaCoCo XML (its report.dtd 1.1). A line counts by its instructions (`mi`, `ci`), its branches by `mb` and `cb`;
//! the `counter` sums are not believed. Paths begin at the package: JaCoCo does not know the source folder.

use std::io::BufRead;

use crate::model::sanitize;

use super::content::{ParseError, Parsed, ToolName};
use super::coverage::{self, Collector};
use super::limits::Limits;
use super::shape::Shape;
use super::xml::{Event, Tag, Xml};

/// Whether XML of this shape is JaCoCo's.
pub fn fits(shape: &Shape) -> bool {
    let parts = ["sessioninfo", "package", "group", "counter"];
    matches!(shape, Shape::Xml { root, inner } if root == "report" && parts.iter().any(|part| inner.contains(*part)))
}

/// Reads a report.
///
/// # Errors
/// [`ParseError`]: no well-formed XML, another root than JaCoCo's, a line without its counts, or a bound exceeded.
pub fn parse(reader: &mut dyn BufRead, limits: &Limits) -> Result<Parsed, ParseError> {
    let mut xml = Xml::open(reader, limits)?;
    let mut collector = Collector::new(limits);
    let mut package = String::new();
    let (mut depth, mut in_file) = (0_u32, 0);
    loop {
        match xml.next()? {
            Event::Open(tag) => {
                depth += 1;
                match tag.name() {
                    "report" if depth == 1 => {}
                    name if depth == 1 => {
                        let name = sanitize(name, 40);
                        return Err(ParseError::Malformed(format!(
                            "its root element is `{name}`, not JaCoCo's `report`"
                        )));
                    }
                    "package" => package = tag.get("name").unwrap_or_default().into_owned(),
                    "sourcefile" => {
                        collector.file(&format!("{package}/{}", tag.get("name").unwrap_or_default()))?;
                        in_file = depth;
                    }
                    "line" if in_file > 0 => line(&tag, &mut collector)?,
                    _ => {}
                }
            }
            Event::Close => {
                if depth == in_file {
                    in_file = 0;
                }
                depth -= 1;
            }
            Event::End => break,
        }
    }
    let mut report = collector.finish();
    report.below_source_folder = true;
    let tool = Some(ToolName { name: "jacoco".to_owned(), version: None });
    Ok(Parsed { tool, ..coverage::parsed(report) })
}

fn line(tag: &Tag<'_>, collector: &mut Collector<'_>) -> Result<(), ParseError> {
    let count = |name| tag.count(name).and_then(|number| u32::try_from(number).ok());
    let (Some(number), Some(covered)) = (count("nr"), count("ci")) else {
        return Err(ParseError::Malformed(
            "a line in it has no number or no covered instructions".to_owned(),
        ));
    };
    collector.line(number, covered > 0)?;
    let (missed, taken) = (count("mb").unwrap_or(0), count("cb").unwrap_or(0));
    match missed.saturating_add(taken) {
        0 => Ok(()),
        total => collector.branches(number, taken, total),
    }
}

#[cfg(test)]
mod tests {
    use super::super::content::Content;
    use super::*;

    const REPORT: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
        <!DOCTYPE report PUBLIC "-//JACOCO//DTD Report 1.1//EN" "report.dtd">
        <report name="x"><sessioninfo id="h" start="1" dump="2"/><group name="g"><package name="com/x">
        <class name="com/x/A" sourcefilename="A.java"><method name="f" desc="()V" line="3">
        <counter type="LINE" missed="9" covered="9"/></method></class>
        <sourcefile name="A.java"><line nr="3" mi="0" ci="4" mb="1" cb="1"/><line nr="4" mi="2" ci="0" mb="0" cb="0"/>
        <counter type="LINE" missed="0" covered="2"/></sourcefile></package></group></report>"#;

    #[test]
    fn lines_and_branches_are_counted_and_counters_are_not_believed() {
        let Content::Coverage(report) =
            parse(&mut REPORT.as_bytes(), &Limits::default()).unwrap().into_content()
        else {
            panic!()
        };
        assert_eq!(report.files.keys().collect::<Vec<_>>(), ["com/x/A.java"]);
        assert_eq!((report.lines_covered, report.lines_total), (1, 2));
        assert_eq!((report.branches_covered, report.branches_total), (1, 2));
        assert!(fits(&Shape::of(REPORT.as_bytes(), true)));
        assert!(!fits(&Shape::of(b"<report><x/></report>", true)));
    }

    #[test]
    fn what_is_not_jacocos_is_malformed() {
        for text in [
            "<coverage/>",
            "<report><package name='p'><sourcefile name='a'><line nr='1'/></sourcefile></package></report>",
            "<report>",
        ] {
            assert!(matches!(parse(&mut text.as_bytes(), &Limits::default()), Err(ParseError::Malformed(_))));
        }
    }
}
