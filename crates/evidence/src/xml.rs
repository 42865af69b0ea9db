//! XML within bounds, one tag at a time: no entities but the predefined, no document types, no deep nesting.
//! Tags are read where they lie in the window, text in pieces, so that nothing is copied and a huge text never held.
//! quick-xml reads what else is marked up: comments, instructions, document types.

use std::io::BufRead;

use quick_xml::Reader;
use quick_xml::events::Event as Raw;

use crate::model::sanitize;

use super::content::ParseError;
use super::limits::Limits;
use super::text::{Controls, Text, WINDOW};
use super::xml_tag::{NAME_BYTES, Parts, REFERENCE_BYTES, find_any, malformed, reference};

pub use super::xml_tag::Tag;

/// Bytes of one tag, comment or instruction. Tags hold whole messages in some dialects.
const MARKUP_BYTES: u64 = 16 * 1024 * 1024;
/// Bytes of an end tag: a name, and white space that nobody writes.
const END_TAG_BYTES: usize = 2 * NAME_BYTES;

/// What comes next in a document.
#[derive(Debug)]
pub enum Event<'x> {
    Open(Tag<'x>),
    /// The end of the element opened last and not closed yet.
    Close,
    /// The end of a whole, well-formed document.
    End,
}

/// A document being read.
pub struct Xml<'a> {
    reader: Reader<Text<'a>>,
    /// A comment, an instruction, or a tag that is cut by the end of the window.
    token: Vec<u8>,
    parts: Parts,
    /// The names of the elements that are open, one behind the other, and where each of them starts.
    names: Vec<u8>,
    name_starts: Vec<usize>,
    depth: u64,
    max_depth: u64,
    /// The tag read last had no content: its end comes next.
    self_closed: bool,
    root_seen: bool,
    text: String,
    text_max: usize,
    keeps_text: bool,
}

impl<'a> Xml<'a> {
    /// Starts reading a document.
    ///
    /// # Errors
    /// [`ParseError`] where the reader fails.
    pub fn open(reader: &'a mut dyn BufRead, limits: &Limits) -> Result<Self, ParseError> {
        Ok(Self {
            reader: Reader::from_reader(Text::open(reader, Controls::Refused)?),
            token: Vec::new(),
            parts: Parts::default(),
            names: Vec::new(),
            name_starts: Vec::new(),
            depth: 0,
            max_depth: limits.xml_depth,
            self_closed: false,
            root_seen: false,
            text: String::new(),
            // Sanitizing takes characters away, so more is kept than will be shown.
            text_max: limits.text().saturating_mul(8),
            keeps_text: false,
        })
    }

    /// From here on, text and CDATA are kept for [`Self::text`], up to a bound.
    pub fn keep_text(&mut self) {
        self.text.clear();
        self.keeps_text = true;
    }

    /// The start of the text read since [`Self::keep_text`], without white space before it. Keeping ends.
    pub fn text(&mut self) -> &str {
        self.keeps_text = false;
        &self.text
    }

    /// The next tag or end.
    ///
    /// # Errors
    /// [`ParseError::Malformed`] for what is no well-formed XML, is cut off, or has a document type with
    /// declarations or an entity of its own; [`ParseError::TooLarge`] past a bound.
    pub fn next(&mut self) -> Result<Event<'_>, ParseError> {
        if std::mem::take(&mut self.self_closed) {
            self.depth -= 1;
            return Ok(Event::Close);
        }
        loop {
            self.skip_text()?;
            match *self.reader.get_mut().peek(3)? {
                [] => {
                    return match (self.depth, self.root_seen) {
                        (0, true) => Ok(Event::End),
                        (0, false) => Err(malformed("it has no XML element")),
                        _ => Err(malformed("the XML is cut off")),
                    };
                }
                [b'<', b'!', b'[', ..] => self.cdata()?,
                [b'<', b'!' | b'?', ..] => self.skip_markup()?,
                [b'<', b'/', ..] => {
                    self.end_tag()?;
                    return Ok(Event::Close);
                }
                _ => break,
            }
        }
        self.open_tag()
    }

    fn open_tag(&mut self) -> Result<Event<'_>, ParseError> {
        if self.depth == 0 && std::mem::replace(&mut self.root_seen, true) {
            return Err(malformed("something follows the root element"));
        }
        self.depth += 1;
        if self.depth > self.max_depth {
            return Err(ParseError::TooLarge(format!(
                "its elements are nested more than {} deep",
                self.max_depth
            )));
        }
        let text = self.reader.get_mut();
        let parts = &mut self.parts;
        let tag = if is_in_window(text, parts)? {
            // The tag and its opening bracket are taken at once, and stay where they are until the next call.
            text.take_shown(parts.end + 1)
        } else {
            copy_tag(text, &mut self.token)?;
            if !parts.find(self.token.get(1..).unwrap_or_default())? {
                return Err(malformed("the XML is cut off or a tag in it is broken"));
            }
            std::str::from_utf8(&self.token).map_err(|_| malformed("a tag is no UTF-8 text"))?
        };
        self.self_closed = parts.self_closed();
        let content = tag.get(1..=parts.content).unwrap_or_default();
        if !self.self_closed {
            self.name_starts.push(self.names.len());
            self.names.extend_from_slice(content.as_bytes().get(..parts.name).unwrap_or_default());
        }
        Ok(Event::Open(Tag::new(content, parts)))
    }

    /// Takes an end tag, which must be that of the element opened last.
    fn end_tag(&mut self) -> Result<(), ParseError> {
        let text = self.reader.get_mut();
        let shown = text.peek(END_TAG_BYTES)?;
        let shown = shown.get(..shown.len().min(END_TAG_BYTES)).unwrap_or(shown);
        let end = memchr::memchr(b'>', shown)
            .ok_or_else(|| malformed("the XML is cut off or an end tag in it is broken"))?;
        let name = shown.get(2..end).unwrap_or_default().trim_ascii_end();
        let start = self.name_starts.pop().ok_or_else(|| malformed("an end tag has no start"))?;
        let open = self.names.get(start..).unwrap_or_default();
        if name != open {
            let (name, open) = (String::from_utf8_lossy(name), String::from_utf8_lossy(open));
            return Err(ParseError::Malformed(format!(
                "`</{}>` stands where `</{}>` should",
                sanitize(&name, 60),
                sanitize(&open, 60)
            )));
        }
        self.names.truncate(start);
        self.depth = self.depth.saturating_sub(1);
        text.consume(end + 1);
        Ok(())
    }

    /// Reads a comment, an instruction or a document type and forgets it.
    fn skip_markup(&mut self) -> Result<(), ParseError> {
        self.token.clear();
        let at_start = self.reader.get_ref().position() == 0;
        self.reader.get_mut().allow(MARKUP_BYTES, "a comment or instruction");
        match self.reader.read_event_into(&mut self.token).map_err(|error| xml_error(&error))? {
            Raw::Comment(_) | Raw::PI(_) => Ok(()),
            Raw::Decl(_) if at_start => Ok(()),
            Raw::Decl(_) => Err(malformed("an XML declaration stands inside the document")),
            Raw::DocType(_) if self.root_seen => Err(malformed("a document type stands after the root")),
            // One that only names an outside definition is what istanbul writes. It is never fetched.
            Raw::DocType(declared) if declared.contains('[') => {
                Err(malformed("its document type declares entities or defaults of its own"))
            }
            Raw::DocType(_) => Ok(()),
            _ => Err(malformed("the XML is cut off")),
        }
    }

    /// Reads text up to the next tag.
    fn skip_text(&mut self) -> Result<(), ParseError> {
        let text = self.reader.get_mut();
        text.allow(u64::MAX, "");
        loop {
            let piece = text.fill_buf()?;
            if piece.is_empty() {
                return Ok(());
            }
            let end = find_any(piece, [b'<', b'&', b'&']);
            let plain = piece.get(..end.unwrap_or(piece.len())).unwrap_or(piece);
            if self.depth == 0 && !plain.iter().all(u8::is_ascii_whitespace) {
                return Err(malformed("text stands outside the root element"));
            }
            if self.keeps_text {
                keep(&mut self.text, plain, self.text_max);
            }
            let used = plain.len();
            let reference = end.is_some_and(|at| piece.get(at) == Some(&b'&'));
            text.consume(used);
            match (end, reference) {
                (None, _) => {}
                (Some(_), false) => return Ok(()),
                (Some(_), true) => {
                    let c = read_reference(text)?;
                    if self.depth == 0 {
                        return Err(malformed("text stands outside the root element"));
                    }
                    if self.keeps_text {
                        keep(&mut self.text, c.encode_utf8(&mut [0; 4]).as_bytes(), self.text_max);
                    }
                }
            }
        }
    }

    /// Reads a CDATA section, in pieces like other text.
    fn cdata(&mut self) -> Result<(), ParseError> {
        const OPEN: &[u8] = b"<![CDATA[";
        let text = self.reader.get_mut();
        text.allow(u64::MAX, "");
        if self.depth == 0 || !text.peek(OPEN.len())?.starts_with(OPEN) {
            return Err(malformed("a section stands where none may"));
        }
        text.consume(OPEN.len());
        loop {
            let piece = text.peek(3)?;
            if piece.len() < 3 {
                return Err(malformed("the XML is cut off"));
            }
            if piece.starts_with(b"]]>") {
                text.consume(3);
                return Ok(());
            }
            // The first byte is no end, whether or not it is a bracket.
            let end =
                memchr::memchr(b']', piece.get(1..).unwrap_or_default()).map_or(piece.len(), |at| at + 1);
            let plain = piece.get(..end).unwrap_or(piece);
            if self.keeps_text {
                keep(&mut self.text, plain, self.text_max);
            }
            text.consume(end);
        }
    }
}

/// Finds the parts of the start tag that comes next where the window holds all of it, once it is filled up.
fn is_in_window(text: &mut Text<'_>, parts: &mut Parts) -> Result<bool, ParseError> {
    text.allow(u64::MAX, "");
    let window = text.peek(1)?;
    if parts.find(window.get(1..).unwrap_or_default())? {
        return Ok(true);
    }
    let more = window.len() + 1;
    if more > WINDOW / 2 {
        return Ok(false);
    }
    parts.find(text.peek(more)?.get(1..).unwrap_or_default())
}

/// Copies the start tag that comes next, up to the first `>` outside of quotes.
fn copy_tag(text: &mut Text<'_>, token: &mut Vec<u8>) -> Result<(), ParseError> {
    token.clear();
    text.allow(MARKUP_BYTES, "a tag");
    let mut quote = None;
    loop {
        let piece = text.fill_buf()?;
        if piece.is_empty() {
            return Err(malformed("the XML is cut off or a tag in it is broken"));
        }
        let mut at = 0;
        let mut ended = false;
        while let (false, Some(rest)) = (ended, piece.get(at..).filter(|rest| !rest.is_empty())) {
            let next = match quote {
                Some(quote) => memchr::memchr(quote, rest),
                None => memchr::memchr3(b'>', b'"', b'\'', rest),
            };
            let Some(next) = next else {
                at = piece.len();
                break;
            };
            match rest.get(next).copied() {
                Some(b'>') if quote.is_none() => ended = true,
                closing if quote.is_some() && closing == quote => quote = None,
                opening => quote = opening,
            }
            at += next + 1;
        }
        token.extend_from_slice(piece.get(..at).unwrap_or(piece));
        text.consume(at);
        if ended {
            return Ok(());
        }
    }
}

fn xml_error(error: &quick_xml::Error) -> ParseError {
    match error {
        quick_xml::Error::Io(error) => ParseError::from_io(error),
        quick_xml::Error::Syntax(_) => malformed("the XML is cut off or a tag in it is broken"),
        other => {
            ParseError::Malformed(format!("it is no well-formed XML: {}", sanitize(&other.to_string(), 160)))
        }
    }
}

/// Appends text while there is room, leaving out white space at the very start.
fn keep(kept: &mut String, piece: &[u8], max: usize) {
    let room = max.saturating_sub(kept.len());
    if room == 0 {
        return;
    }
    let piece = if kept.is_empty() { piece.trim_ascii_start() } else { piece };
    let piece = piece.get(..room.min(piece.len())).unwrap_or(piece);
    for chunk in piece.utf8_chunks() {
        // What is no character here was cut at the bound.
        kept.push_str(chunk.valid());
    }
}

/// Reads `&name;`, which starts here.
fn read_reference(text: &mut Text<'_>) -> Result<char, ParseError> {
    let shown = text.peek(REFERENCE_BYTES + 2)?;
    let shown = shown.get(..shown.len().min(REFERENCE_BYTES + 2)).unwrap_or(shown);
    let end = memchr::memchr(b';', shown).ok_or_else(|| malformed("a bare `&` stands in the text"))?;
    let name = std::str::from_utf8(shown.get(1..end).unwrap_or_default()).unwrap_or("");
    let c = reference(name)?;
    text.consume(end + 1);
    Ok(c)
}
