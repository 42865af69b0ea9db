//! Cobertura XML. Its rates are not believed (`line-rate="1"` over no lines): all is recomputed from the lines
//! (FORMATS section 1.3). A file split over several classes is one file; a line that ran in one of them ran.

use std::io::BufRead;

use crate::model::sanitize;

use super::content::{ParseError, Parsed};
use super::coverage::{self, Collector};
use super::limits::Limits;
use super::shape::Shape;
use super::xml::{Event, Tag, Xml};

/// Whether XML of this shape is Cobertura's; clover's has the same root and a `project` in it.
pub fn fits(shape: &Shape) -> bool {
    matches!(shape, Shape::Xml { root, inner } if root == "coverage" && !inner.contains("project"))
}

/// Reads a report.
///
/// # Errors
/// [`ParseError`]: no well-formed XML, another root than Cobertura's, a line without a number, or a bound exceeded.
pub fn parse(reader: &mut dyn BufRead, limits: &Limits) -> Result<Parsed, ParseError> {
    let mut xml = Xml::open(reader, limits)?;
    let mut collector = Collector::new(limits);
    let (mut depth, mut in_file, mut in_source) = (0_u32, 0, false);
    loop {
        let mut keeps_text = false;
        match xml.next()? {
            Event::Open(tag) => {
                depth += 1;
                match tag.name() {
                    "coverage" if depth == 1 => {}
                    "project" if depth == 2 => return Err(not_cobertura("clover's")),
                    name if depth == 1 => return Err(not_cobertura(&format!("`{}`", sanitize(name, 40)))),
                    "source" => {
                        keeps_text = true;
                        in_source = true;
                    }
                    "class" => {
                        collector.file(&tag.get("filename").unwrap_or_default())?;
                        in_file = depth;
                    }
                    "line" if in_file > 0 => line(&tag, &mut collector)?,
                    _ => {}
                }
            }
            Event::Close => {
                if std::mem::take(&mut in_source) {
                    collector.root(xml.text());
                }
                if depth == in_file {
                    in_file = 0;
                }
                depth -= 1;
            }
            Event::End => return Ok(coverage::parsed(collector.finish())),
        }
        if keeps_text {
            xml.keep_text();
        }
    }
}

fn not_cobertura(root: &str) -> ParseError {
    ParseError::Malformed(format!("its root element is {root}, not Cobertura's `coverage`"))
}

fn line(tag: &Tag<'_>, collector: &mut Collector<'_>) -> Result<(), ParseError> {
    let number = tag.count("number").and_then(|number| u32::try_from(number).ok());
    let (Some(number), Some(hits)) = (number, tag.get("hits")) else {
        return Err(ParseError::Malformed("a line in it has no number or no hits".to_owned()));
    };
    collector.line(number, ran(&hits)?)?;
    if let Some(condition) = tag.get("condition-coverage") {
        let (covered, total) = condition_counts(&condition)?;
        collector.branches(number, covered, total)?;
    }
    Ok(())
}

/// Whether a count of hits is above zero. Some writers give a float, or -1 for what they lost count of.
pub fn ran(hits: &str) -> Result<bool, ParseError> {
    let hits: f64 = hits
        .trim()
        .parse()
        .map_err(|_| ParseError::Malformed(format!("`{}` is no count of hits", sanitize(hits, 20))))?;
    Ok(hits > 0.0)
}

/// The counts in `50% (1/2)`.
fn condition_counts(text: &str) -> Result<(u32, u32), ParseError> {
    let counts = text.split_once('(').and_then(|(_, rest)| rest.split_once(')')).and_then(|(counts, _)| {
        let (covered, total) = counts.split_once('/')?;
        Some((covered.trim().parse().ok()?, total.trim().parse().ok()?))
    });
    counts.ok_or_else(|| {
        ParseError::Malformed(format!("`{}` is no coverage of conditions", sanitize(text, 20)))
    })
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
    fn a_file_in_several_classes_is_one_and_its_best_line_counts() {
        let report = read(
            r#"<coverage line-rate="1"><sources><source>/b/w</source><source>src</source></sources><packages><package>
            <classes><class filename="/b/w/a.kt"><methods><method><lines><line number="1" hits="0"/></lines></method>
            </methods><lines><line number="1" hits="0"/><line number="2" hits="0"/></lines></class>
            <class filename="./a.kt"><lines><line number="1" hits="1.5e3"/>
            <line number="3" hits="0" branch="true" condition-coverage="25% (1/4)"/></lines></class>
            <class filename="b.kt"><lines/></class></classes></package></packages></coverage>"#,
        )
        .unwrap();
        assert_eq!(report.roots, ["/b/w"]);
        assert_eq!(report.files.keys().collect::<Vec<_>>(), ["a.kt", "b.kt"]);
        assert_eq!((report.lines_covered, report.lines_total), (1, 3));
        assert_eq!((report.branches_covered, report.branches_total), (1, 4));
    }

    #[test]
    fn what_is_not_coberturas_is_malformed() {
        for text in [
            "",
            "<report/>",
            "<coverage><project/></coverage>",
            "<coverage><packages>",
            "<coverage><class><line number='1' hits='1'/></class></coverage>",
            "<coverage><class filename='a'><line hits='1'/></class></coverage>",
            "<coverage><class filename='a'><line number='1'/></class></coverage>",
            "<coverage><class filename='a'><line number='1' hits='many'/></class></coverage>",
            "<coverage><class filename='a'><line number='-1' hits='1'/></class></coverage>",
            "<coverage><class filename='a'><line number='1' hits='1' condition-coverage='half'/></class></coverage>",
            "<!DOCTYPE coverage [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><coverage>&x;</coverage>",
        ] {
            assert!(matches!(read(text), Err(ParseError::Malformed(_))), "{text}");
        }
    }

    #[test]
    fn branches_never_exceed_what_there_is() {
        let text = "<coverage><class filename='a'><line number='1' hits='1' condition-coverage='900% (9/1)'/></class></coverage>";
        let report = read(text).unwrap();
        assert_eq!((report.branches_covered, report.branches_total), (1, 1));
    }

    proptest! {
        #[test]
        fn a_mutated_sample_is_read_or_refused(
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        ) {
            let mut bytes = include_bytes!("../../../tests/fixtures/coverage/jest.cobertura.xml").to_vec();
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            let _ = parse(&mut bytes.as_slice(), &Limits::default());
        }
    }
}
