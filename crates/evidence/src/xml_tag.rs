//! One start tag of XML: where its name and attributes lie, their values with references resolved.
//! The bytes are those of a document that [`super::xml`] reads, and are whole UTF-8 characters.

use std::borrow::Cow;
use std::ops::Range;

use crate::model::sanitize;

use super::content::ParseError;

/// Bytes of an element's or attribute's name.
pub const NAME_BYTES: usize = 256;
/// Attributes of one tag; telling duplicates takes their square.
const ATTRIBUTES: usize = 256;
/// The largest count an attribute is believed to hold.
const COUNT: u64 = 1_000_000_000_000;
/// Bytes of a character or entity reference, `&` and `;` left out.
pub const REFERENCE_BYTES: usize = 10;

/// A start tag.
#[derive(Debug)]
pub struct Tag<'x> {
    /// What stands between the brackets.
    content: &'x str,
    parts: &'x Parts,
}

impl<'x> Tag<'x> {
    /// The tag of this text, whose parts were found in it.
    #[inline]
    pub fn new(content: &'x str, parts: &'x Parts) -> Self {
        Self { content, parts }
    }

    /// The element's name without a prefix.
    #[inline]
    pub fn name(&self) -> &str {
        let name = self.content.get(..self.parts.name).unwrap_or_default();
        if self.parts.prefixed { local(name) } else { name }
    }

    /// The value of the attribute of this name, else of the first whose name is this behind a prefix; its references
    /// resolved. A prefix hides nothing: what the dialects write has none.
    #[inline] // the names asked for are constants, which makes comparing with them cheap
    pub fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        let bytes = self.content.as_bytes();
        let first = name.as_bytes().first();
        let same = |attribute: &&Attribute| {
            let written = bytes.get(attribute.name()).unwrap_or_default();
            let Some(start) = written.len().checked_sub(name.len()) else { return false };
            let local = written.get(start..).unwrap_or_default();
            // The first letter tells most names apart, without a call.
            local.first() == first
                && (start == 0 || written.get(start - 1) == Some(&b':'))
                && local == name.as_bytes()
        };
        let mut found = self.parts.attributes.iter().filter(same);
        let first = found.next()?;
        let bare = |one: &&Attribute| one.name_bytes == name.len();
        Some(self.value(Some(first).filter(bare).or_else(|| found.find(bare)).unwrap_or(first)))
    }

    /// Every attribute in the order of the tag: its name without a prefix, whether it has none, and its value with
    /// references resolved. One pass of this costs less than asking for several names.
    #[inline]
    pub fn attributes(&self) -> impl Iterator<Item = (&str, bool, Cow<'_, str>)> {
        self.parts.attributes.iter().map(|attribute| {
            let name = self.content.get(attribute.name()).unwrap_or_default();
            let local = if attribute.prefixed { local(name) } else { name };
            (local, !attribute.prefixed, self.value(attribute))
        })
    }

    #[inline]
    fn value(&self, attribute: &Attribute) -> Cow<'_, str> {
        let value = self.content.get(attribute.value.clone()).unwrap_or_default();
        if attribute.plain { Cow::Borrowed(value) } else { Cow::Owned(resolved(value)) }
    }

    /// The value of an attribute as a count: see [`as_count`].
    pub fn count(&self, name: &str) -> Option<u64> {
        as_count(&self.get(name)?)
    }

    /// Whether the element ends with this tag, and so holds nothing.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.parts.self_closed()
    }

    /// Whether the tag has no attribute at all.
    pub fn is_bare(&self) -> bool {
        self.parts.attributes.is_empty()
    }
}

/// A value as a count, thousands separators left out; `None` where it is none.
/// Larger ones are cut to 10¹², so that sums stay far from the end of the type.
pub fn as_count(value: &str) -> Option<u64> {
    let value = value.trim();
    if let Ok(number) = value.parse::<u64>() {
        return Some(number.min(COUNT));
    }
    value.replace(',', "").parse::<u64>().ok().map(|number| number.min(COUNT))
}

/// A name without its prefix.
fn local(name: &str) -> &str {
    let behind = name.bytes().rposition(|byte| byte == b':').map_or(0, |colon| colon + 1);
    name.get(behind..).unwrap_or_default()
}

/// Where an attribute lies in its tag.
#[derive(Debug)]
struct Attribute {
    /// Bytes from the start of its name to that of its value, and of the name alone.
    name_before: usize,
    name_bytes: usize,
    /// Its name has a colon.
    prefixed: bool,
    value: Range<usize>,
    /// The value has no references.
    plain: bool,
    /// Bytes from the end of the value before it, or from the start of the tag, to the start of its value.
    gap: usize,
}

impl Attribute {
    #[inline]
    fn name(&self) -> Range<usize> {
        let start = self.value.start - self.name_before;
        start..start + self.name_bytes
    }
}

/// Where the parts of a start tag lie, counted from behind its `<`.
///
/// Most tags of a report are like the one before them but for the values. What stands before each value is therefore
/// kept: where a tag has the same there, it is not taken apart again.
#[derive(Debug, Default)]
pub struct Parts {
    /// The end of the name.
    pub name: usize,
    /// The name has a colon.
    prefixed: bool,
    attributes: Vec<Attribute>,
    /// What stands before each value, one behind the other; the first is the start of the tag.
    gaps: Vec<u8>,
    /// The end of what stands between the brackets.
    pub content: usize,
    /// The first byte behind the tag.
    pub end: usize,
}

impl Parts {
    /// Finds the end of the tag that starts before these bytes, and its attributes on the way: `name="value"`, each
    /// name once, no `<` and no unknown reference in a value. `false` where the bytes end before the tag does.
    ///
    /// # Errors
    /// [`ParseError`]: no start tag, or a bound exceeded.
    pub fn find(&mut self, bytes: &[u8]) -> Result<bool, ParseError> {
        let Some(known) = self.find_known(bytes)? else { return Ok(false) };
        let mut at = known;
        if self.attributes.is_empty() {
            (self.name, self.prefixed) = length_of_name(bytes);
            if self.name > NAME_BYTES {
                return Err(ParseError::TooLarge("the name of an element is too long".to_owned()));
            }
            at = self.name;
        }
        loop {
            let start = after_space(bytes, at);
            let closing = match bytes.get(start..).unwrap_or_default() {
                [] | [b'/'] => return Ok(false),
                _ if self.name == 0 => return Err(malformed("a tag has no name")),
                [b'>', ..] => 1,
                [b'/', b'>', ..] => 2,
                _ if start == at => return Err(malformed("an attribute is broken")),
                _ => 0,
            };
            if closing > 0 {
                self.content = start;
                self.end = start + closing;
                return Ok(true);
            }
            // Behind a value its quote is passed already, and belongs to what stands before the next.
            let before = self.attributes.last().map_or(0, |attribute| attribute.value.end);
            let Some(attribute) = attribute(bytes, start, before)? else { return Ok(false) };
            at = attribute.value.end + 1;
            let name = bytes.get(attribute.name());
            if self.attributes.iter().any(|other| bytes.get(other.name()) == name) {
                return Err(malformed("a tag has two attributes of one name"));
            }
            if self.attributes.len() == ATTRIBUTES {
                return Err(ParseError::TooLarge(format!("a tag has more than {ATTRIBUTES} attributes")));
            }
            self.gaps.extend_from_slice(bytes.get(before..attribute.value.start).unwrap_or_default());
            self.attributes.push(attribute);
        }
    }

    /// Finds the values of those attributes at the start that stand as in the tag before, and forgets the others. Gives
    /// the first byte behind them; `None` where the bytes end before.
    fn find_known(&mut self, bytes: &[u8]) -> Result<Option<usize>, ParseError> {
        let (mut end, mut seen, mut known) = (0, 0, 0);
        for attribute in &mut self.attributes {
            let gap = self.gaps.get(seen..seen + attribute.gap).unwrap_or_default();
            let (Some(quote), true) =
                (gap.last(), bytes.get(end..).is_some_and(|rest| rest.starts_with(gap)))
            else {
                break;
            };
            let start = end + gap.len();
            let Some((bytes, plain)) = value(bytes.get(start..).unwrap_or_default(), *quote)? else {
                return Ok(None);
            };
            attribute.value = start..start + bytes;
            attribute.plain = plain;
            end = attribute.value.end;
            seen += attribute.gap;
            known += 1;
        }
        self.attributes.truncate(known);
        self.gaps.truncate(seen);
        Ok(Some(end + 1))
    }

    /// Whether the element ends with this tag: `/>` is what is longer than `>`.
    pub fn self_closed(&self) -> bool {
        self.end - self.content > 1
    }
}

/// Reads the attribute that starts here, the value before it ending at `before`; `None` where the bytes end before it
/// does.
fn attribute(bytes: &[u8], start: usize, before: usize) -> Result<Option<Attribute>, ParseError> {
    let broken = || malformed("an attribute is broken");
    let rest = bytes.get(start..).unwrap_or_default();
    let (length, prefixed) = length_of_name(rest);
    if length > NAME_BYTES {
        return Err(ParseError::TooLarge("the name of an attribute is too long".to_owned()));
    }
    let equals = after_space(bytes, start + length);
    match bytes.get(equals) {
        Some(b'=') if length > 0 => {}
        None => return Ok(None),
        _ => return Err(broken()),
    }
    let open = after_space(bytes, equals + 1);
    let quote = match bytes.get(open) {
        Some(quote @ (b'"' | b'\'')) => *quote,
        None => return Ok(None),
        _ => return Err(broken()),
    };
    let at = open + 1;
    let Some((end, plain)) = value(bytes.get(at..).unwrap_or_default(), quote)? else { return Ok(None) };
    Ok(Some(Attribute {
        name_before: at - start,
        name_bytes: length,
        prefixed,
        value: at..at + end,
        plain,
        gap: at - before,
    }))
}

/// The length of the value that starts here and ends with this quote, and whether it has no references; `None` where the
/// bytes end before it does.
#[inline]
fn value(bytes: &[u8], quote: u8) -> Result<Option<(usize, bool)>, ParseError> {
    let Some(first) = find_any(bytes, [quote, b'&', b'<']) else { return Ok(None) };
    if bytes.get(first) == Some(&quote) {
        return Ok(Some((first, true)));
    }
    let Some(end) = memchr::memchr(quote, bytes) else { return Ok(None) };
    check_references(bytes.get(..end).unwrap_or_default())?;
    Ok(Some((end, false)))
}

/// The first of three bytes. Most values and texts between tags are short, so it is looked for here, eight bytes at once,
/// before `memchr` is called.
#[inline]
pub fn find_any(bytes: &[u8], [one, two, three]: [u8; 3]) -> Option<usize> {
    /// Words that are looked at here.
    const WORDS: usize = 8;
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    let (words, _) = bytes.as_chunks::<8>();
    for (index, eight) in words.iter().take(WORDS).enumerate() {
        let word = u64::from_le_bytes(*eight);
        // A byte's highest bit is set where it is the one looked for; of those behind it, it may be set as well.
        let is = |byte: u8| {
            let zero_where = word ^ (ONES * u64::from(byte));
            zero_where.wrapping_sub(ONES) & !zero_where & (ONES << 7)
        };
        let found = is(one) | is(two) | is(three);
        if found != 0 {
            return Some(index * 8 + (found.trailing_zeros() / 8) as usize);
        }
    }
    let seen = words.len().min(WORDS) * 8;
    memchr::memchr3(one, two, three, bytes.get(seen..)?).map(|at| seen + at)
}

/// The first byte from here on that is no white space.
fn after_space(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    from + rest.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(rest.len())
}

/// How many bytes at the start are those of a name, and whether a colon is among them.
#[inline]
fn length_of_name(bytes: &[u8]) -> (usize, bool) {
    let mut seen = 0;
    let ends = |byte: &u8| {
        let class = NAME.get(usize::from(*byte)).copied().unwrap_or_default();
        seen |= class;
        class == 0
    };
    let length = bytes.iter().position(ends).unwrap_or(bytes.len());
    (length, seen & COLON != 0)
}

/// What a byte is in a name, for every byte: a table, because most bytes of a report are looked up here.
/// Which other characters than ASCII's may be there is not told apart: nothing here needs it.
const NAME: [u8; 256] = {
    let mut table = [0; 256];
    let mut rest: &mut [u8] = &mut table;
    let mut byte = 0_u8;
    while let [first, behind @ ..] = rest {
        *first = match byte {
            b':' => COLON,
            b'_' | b'-' | b'.' => OTHER,
            _ if byte.is_ascii_alphanumeric() || !byte.is_ascii() => OTHER,
            _ => 0,
        };
        byte = byte.wrapping_add(1);
        rest = behind;
    }
    table
};
const OTHER: u8 = 1;
const COLON: u8 = 2;

/// Checks that a value has no `<`, and no reference but to characters.
fn check_references(value: &[u8]) -> Result<(), ParseError> {
    let mut rest = value;
    while let Some(at) = memchr::memchr2(b'&', b'<', rest) {
        let tail = rest.get(at..).unwrap_or_default();
        let end = memchr::memchr(b';', tail).filter(|_| tail.first() == Some(&b'&'));
        let end = end.ok_or_else(|| malformed("an attribute has a bare `<` or `&`"))?;
        let name = std::str::from_utf8(tail.get(1..end).unwrap_or_default()).unwrap_or("");
        reference(name)?;
        rest = tail.get(end + 1..).unwrap_or_default();
    }
    Ok(())
}

/// A value that [`check_references`] let pass, with its references resolved.
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

/// The character that a reference stands for: the five predefined entities, and characters XML allows.
pub fn reference(name: &str) -> Result<char, ParseError> {
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

/// The error of a document that is no well-formed XML.
pub fn malformed(words: &str) -> ParseError {
    ParseError::Malformed(words.to_owned())
}
