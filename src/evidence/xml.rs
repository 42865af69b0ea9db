//! XML within bounds, one tag at a time: no entities but the predefined, no document types, no deep nesting.
//! quick-xml reads the tags; text is read here, in pieces, so that a huge one is never held.

use std::borrow::Cow;
use std::io::BufRead;
use std::ops::Range;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event as Raw};

use crate::model::sanitize;

use super::content::ParseError;
use super::limits::Limits;
use super::text::{Controls, Text};

/// Bytes of one tag, comment or instruction. Tags hold whole messages in some dialects.
const MARKUP_BYTES: u64 = 16 * 1024 * 1024;
/// Bytes of an element's or attribute's name.
const NAME_BYTES: usize = 256;
/// Attributes of one tag; telling duplicates takes their square.
const ATTRIBUTES: usize = 256;
/// The largest count an attribute is believed to hold.
const COUNT: u64 = 1_000_000_000_000;
/// Bytes of a character or entity reference, `&` and `;` left out.
const REFERENCE_BYTES: usize = 10;

/// What comes next in a document.
#[derive(Debug)]
pub enum Event<'x> {
    Open(Tag<'x>),
    /// The end of the element opened last and not closed yet.
    Close,
    /// The end of a whole, well-formed document.
    End,
}

/// A start tag.
#[derive(Debug)]
pub struct Tag<'x> {
    start: BytesStart<'x>,
    attributes: &'x [Attribute],
}

impl Tag<'_> {
    /// The element's name without a prefix.
    pub fn name(&self) -> &str {
        local(self.start.name().into_inner())
    }

    /// The value of the attribute of this name without a prefix, its references resolved.
    pub fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        let content: &str = &self.start;
        let found = self
            .attributes
            .iter()
            .find(|a| a.name.end - a.local == name.len() && content.get(a.local..a.name.end) == Some(name))?;
        let value = content.get(found.value.clone())?;
        Some(if found.plain { Cow::Borrowed(value) } else { Cow::Owned(resolved(value)) })
    }

    /// The value of an attribute as a count, thousands separators left out; `None` where it is none.
    /// Larger ones are cut to 10¹², so that sums stay far from the end of the type.
    pub fn count(&self, name: &str) -> Option<u64> {
        let value = self.get(name)?;
        let value = value.trim();
        if let Ok(number) = value.parse::<u64>() {
            return Some(number.min(COUNT));
        }
        value.replace(',', "").parse::<u64>().ok().map(|number| number.min(COUNT))
    }

    /// Whether the tag has no attribute at all.
    pub fn is_bare(&self) -> bool {
        self.attributes.is_empty()
    }
}

/// Where an attribute lies in its tag.
#[derive(Debug)]
struct Attribute {
    name: Range<usize>,
    /// Where the name goes on after its prefix.
    local: usize,
    value: Range<usize>,
    /// The value has no references.
    plain: bool,
}

/// A document being read.
pub struct Xml<'a> {
    reader: Reader<Text<'a>>,
    token: Vec<u8>,
    attributes: Vec<Attribute>,
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
            attributes: Vec::new(),
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
                    self.token.clear();
                    self.reader.get_mut().allow(MARKUP_BYTES, "a tag");
                    self.reader.read_event_into(&mut self.token).map_err(|error| xml_error(&error))?;
                    self.depth =
                        self.depth.checked_sub(1).ok_or_else(|| malformed("an end tag has no start"))?;
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
        self.token.clear();
        self.reader.get_mut().allow(MARKUP_BYTES, "a tag");
        let start = match self.reader.read_event_into(&mut self.token).map_err(|error| xml_error(&error))? {
            Raw::Start(start) => start,
            Raw::Empty(start) => {
                self.self_closed = true;
                start
            }
            _ => return Err(malformed("the XML is cut off")),
        };
        let name = start.name().into_inner().len();
        if name == 0 {
            return Err(malformed("a tag has no name"));
        }
        if name > NAME_BYTES {
            return Err(ParseError::TooLarge("the name of an element is too long".to_owned()));
        }
        find_attributes(&start, name, &mut self.attributes)?;
        Ok(Event::Open(Tag { start, attributes: &self.attributes }))
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
            let end = memchr::memchr2(b'<', b'&', piece);
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

fn malformed(words: &str) -> ParseError {
    ParseError::Malformed(words.to_owned())
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

/// A name without its namespace prefix.
fn local(name: &str) -> &str {
    name.split_once(':').map_or(name, |(_, local)| local)
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

/// Finds the attributes of a tag: `name="value"`, each name once, no `<` and no unknown reference in a value.
fn find_attributes(content: &str, from: usize, found: &mut Vec<Attribute>) -> Result<(), ParseError> {
    let broken = || malformed("an attribute is broken");
    found.clear();
    let bytes = content.as_bytes();
    let space = |from: usize| {
        let rest = bytes.get(from..).unwrap_or_default();
        from + rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
    };
    let mut at = from;
    loop {
        let name = space(at);
        if name == bytes.len() {
            return Ok(());
        }
        if name == at {
            return Err(broken());
        }
        let rest = bytes.get(name..).unwrap_or_default();
        let length = rest.iter().take_while(|byte| is_name(**byte)).count();
        let equals = space(name + length);
        if length == 0 || length > NAME_BYTES || bytes.get(equals) != Some(&b'=') {
            return Err(broken());
        }
        let open = space(equals + 1);
        let quote = *bytes.get(open).filter(|byte| matches!(byte, b'"' | b'\'')).ok_or_else(broken)?;
        let value = bytes.get(open + 1..).unwrap_or_default();
        let end = memchr::memchr(quote, value).ok_or_else(broken)?;
        let prefix = rest.iter().take(length).position(|byte| *byte == b':').map_or(0, |at| at + 1);
        let value = open + 1..open + 1 + end;
        let plain = check_value(content.get(value.clone()).unwrap_or(""))?;
        let attribute = Attribute { name: name..name + length, local: name + prefix, value, plain };
        let same = |other: &Attribute| content.get(other.name.clone()) == content.get(attribute.name.clone());
        if found.iter().any(same) {
            return Err(malformed("a tag has two attributes of one name"));
        }
        if found.len() == ATTRIBUTES {
            return Err(ParseError::TooLarge(format!("a tag has more than {ATTRIBUTES} attributes")));
        }
        found.push(attribute);
        at = open + 1 + end + 1;
    }
}

/// Whether a byte may be part of a name. Which other characters may is not told apart: nothing here needs it.
fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'_' | b'-' | b'.') || !byte.is_ascii()
}

/// Checks a value; says whether it has no references.
fn check_value(value: &str) -> Result<bool, ParseError> {
    let mut rest = value;
    while let Some(at) = memchr::memchr2(b'&', b'<', rest.as_bytes()) {
        let (_, tail) = rest.split_at(at);
        let (name, after) = tail
            .strip_prefix('&')
            .and_then(|tail| tail.split_once(';'))
            .ok_or_else(|| malformed("an attribute has a bare `<` or `&`"))?;
        reference(name)?;
        rest = after;
    }
    Ok(rest.len() == value.len())
}

/// A value that [`check_value`] let pass, with its references resolved.
fn resolved(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some((plain, tail)) = rest.split_once('&') {
        out.push_str(plain);
        let (name, after) = tail.split_once(';').unwrap_or((tail, ""));
        out.extend(reference(name));
        rest = after;
    }
    out.push_str(rest);
    out
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

/// The character that a reference stands for: the five predefined entities, and characters XML allows.
fn reference(name: &str) -> Result<char, ParseError> {
    let number = |digits: &str, radix: u32| {
        let plain =
            digits.len() <= REFERENCE_BYTES && digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
        u32::from_str_radix(digits, radix).ok().filter(|_| plain).and_then(char::from_u32)
    };
    let c = match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => match name.strip_prefix('#') {
            Some(digits) => match digits.strip_prefix('x') {
                Some(digits) => number(digits, 16),
                None => number(digits, 10),
            },
            None => None,
        },
    };
    c.filter(|c| matches!(c, '\t' | '\n' | '\r') || (*c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}')))
        .ok_or_else(|| ParseError::Malformed(format!("`&{};` stands for no character", sanitize(name, 20))))
}
