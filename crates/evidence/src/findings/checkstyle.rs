//! Checkstyle XML, which many linters write: files with their errors. The tool is not named, but for `source`.
//! Checkstyle lists clean files, most other writers only those with errors.

use std::io::BufRead;

use super::super::content::{ParseError, Parsed, Substance};
use super::super::finding::Level;
use super::super::limits::Limits;
use super::super::place::Place;
use super::super::shape::Shape;
use super::super::tally::Seen;
use super::super::xml::{Event, Tag, Xml};
use super::{Reading, at, level_of, malformed, unproven};

/// Reads Checkstyle XML.
///
/// # Errors
/// [`ParseError`]: no well-formed XML, another root, an error outside a file, or a bound exceeded.
pub fn parse(reader: &mut dyn BufRead, limits: &Limits) -> Result<Parsed, ParseError> {
    let mut xml = Xml::open(reader, limits)?;
    let mut reading = Reading::new(limits, "");
    let (mut depth, mut files) = (0_u32, 0_u64);
    let mut place = None;
    loop {
        match xml.next()? {
            Event::Open(tag) => {
                depth += 1;
                match (depth, tag.name()) {
                    (1, "checkstyle") => {}
                    (1, _) => return Err(malformed("it is no Checkstyle XML: its root is another")),
                    (_, "file") => {
                        files += 1;
                        place = Some(tag.get("name").map(|name| Place::of_path(&name)).unwrap_or_default());
                    }
                    (_, "error") => {
                        let place =
                            place.as_ref().ok_or_else(|| malformed("an error stands outside a file"))?;
                        error(&tag, place, &mut reading)?;
                    }
                    // A check that itself broke down on a file.
                    (_, "exception") => reading.errors.add("a file could not be checked", ""),
                    _ => {}
                }
            }
            Event::Close => depth = depth.saturating_sub(1),
            Event::End => break,
        }
    }
    let proven =
        if files > 0 { Substance::Measured } else { unproven("it lists no file that was looked at") };
    let mut parsed = reading.finish(proven);
    parsed.tool = None;
    Ok(parsed)
}

fn error(tag: &Tag<'_>, place: &Place, reading: &mut Reading) -> Result<(), ParseError> {
    let number = |name: &str| tag.get(name).and_then(|text| text.trim().parse::<i64>().ok());
    let (message, source) = (tag.get("message"), tag.get("source"));
    let seen = Seen {
        level: Some(level_of(tag.get("severity").as_deref()).unwrap_or(Level::Error)),
        message: message.as_deref().unwrap_or(""),
        place: place.clone(),
        region: at(number("line"), number("column")),
        ..Seen::default()
    };
    reading.add(source.as_deref().unwrap_or(""), &seen)
}

/// Whether this is Checkstyle's by its root.
pub fn fits(shape: &Shape) -> bool {
    matches!(shape, Shape::Xml { root, .. } if root == "checkstyle")
}
