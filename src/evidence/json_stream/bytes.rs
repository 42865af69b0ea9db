//! The bytes under a [`super::JsonStream`]: what lies between values, and the frame of one value.
//! Only strings and brackets are understood here; whether a frame is JSON is decided by `serde_json`.

use std::io::BufRead;

use super::super::content::ParseError;
use super::super::text::Text;

/// How much of one string is kept, in bytes. Texts are shown and hashed, and no more than this of them.
const STRING_BYTES: usize = 16 * 1024;

pub fn too_deep() -> ParseError {
    ParseError::TooLarge("the JSON is nested too deep".to_owned())
}

/// The white space and single bytes between values.
pub trait Between {
    fn skip_space(&mut self) -> Result<(), ParseError>;

    /// The next byte, left where it is.
    fn peek_byte(&mut self) -> Result<Option<u8>, ParseError>;
}

impl Between for Text<'_> {
    fn skip_space(&mut self) -> Result<(), ParseError> {
        loop {
            let rest = self.fill_buf()?;
            let space = rest.iter().take_while(|b| matches!(b, b' ' | b'\n' | b'\r' | b'\t')).count();
            let more = space == rest.len() && space > 0;
            self.consume(space);
            if !more {
                return Ok(());
            }
        }
    }

    fn peek_byte(&mut self) -> Result<Option<u8>, ParseError> {
        Ok(self.fill_buf()?.first().copied())
    }
}

/// One value, copied out of the text with its long strings cut.
#[derive(Default)]
pub struct Frame {
    bytes: Vec<u8>,
    read: u64,
}

impl Frame {
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many bytes of the text the value took.
    pub fn read_bytes(&self) -> u64 {
        self.read
    }

    /// Copies the value that comes next. What is no JSON is copied too, as far as its brackets lead.
    pub fn read(&mut self, text: &mut Text<'_>, max_depth: u64, max_bytes: usize) -> Result<(), ParseError> {
        self.bytes.clear();
        let start = text.position();
        let mut depth = 0_u64;
        loop {
            let rest = text.fill_buf()?;
            let plain = rest.iter().position(|b| is_structure(*b, depth)).unwrap_or(rest.len());
            self.bytes.extend_from_slice(rest.get(..plain).unwrap_or_default());
            let next = rest.get(plain).copied();
            let at_end = rest.is_empty();
            text.consume(plain);
            if self.bytes.len() > max_bytes {
                return Err(ParseError::TooLarge(format!("one element is larger than {max_bytes} bytes")));
            }
            match next {
                // The end of the text; `serde_json` says what is missing.
                None if at_end => break,
                None => continue,
                Some(b'"') => self.string(text)?,
                Some(open @ (b'{' | b'[')) => {
                    depth += 1;
                    if depth > max_depth {
                        return Err(too_deep());
                    }
                    self.bytes.push(open);
                    text.consume(1);
                }
                Some(close @ (b'}' | b']')) if depth > 0 => {
                    depth -= 1;
                    self.bytes.push(close);
                    text.consume(1);
                }
                // A delimiter after a number or a word, which is not part of it.
                Some(_) => break,
            }
            if depth == 0 && matches!(next, Some(b'"' | b'}' | b']')) {
                break;
            }
        }
        self.read = text.position().saturating_sub(start);
        Ok(())
    }

    /// Copies the string whose opening quote comes next, cut so that it stays a string.
    fn string(&mut self, text: &mut Text<'_>) -> Result<(), ParseError> {
        self.bytes.push(b'"');
        text.consume(1);
        let start = self.bytes.len();
        let mut last_escape = None;
        let mut cut = false;
        loop {
            let rest = text.fill_buf()?;
            if rest.is_empty() {
                return Ok(());
            }
            let plain = memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
            let next = rest.get(plain).copied();
            let left = if cut { 0 } else { STRING_BYTES.saturating_sub(self.bytes.len() - start) };
            let run = rest.get(..plain).unwrap_or_default();
            self.bytes.extend_from_slice(run.get(..char_boundary(run, left)).unwrap_or_default());
            cut |= plain > left;
            text.consume(plain);
            match next {
                None => {}
                Some(b'"') => break,
                Some(_) => {
                    text.consume(1);
                    let escaped = text.peek_byte()?;
                    text.consume(1);
                    // Six bytes are an escape's longest form: a whole one fits or none is kept.
                    cut |= left < plain + 6;
                    if !cut {
                        last_escape = Some(self.bytes.len());
                        self.bytes.push(b'\\');
                        self.bytes.extend(escaped);
                    }
                }
            }
        }
        if cut {
            self.drop_half_pair(last_escape);
        }
        self.bytes.push(b'"');
        text.consume(1);
        Ok(())
    }

    /// Takes off the first half of a surrogate pair that the cut left at the end.
    fn drop_half_pair(&mut self, last_escape: Option<usize>) {
        let Some(at) = last_escape else { return };
        let tail = self.bytes.get(at..).unwrap_or_default();
        if let [b'\\', b'u', b'd' | b'D', b'8' | b'9' | b'a' | b'b' | b'A' | b'B', _, _] = tail {
            self.bytes.truncate(at);
        }
    }
}

/// Whether a byte ends a run that can be copied as it is.
fn is_structure(byte: u8, depth: u64) -> bool {
    match byte {
        b'"' | b'{' | b'}' | b'[' | b']' => true,
        b',' | b':' | b' ' | b'\n' | b'\r' | b'\t' => depth == 0,
        _ => false,
    }
}

/// The largest length up to `max` at which the text may be cut.
fn char_boundary(text: &[u8], max: usize) -> usize {
    if text.len() <= max {
        return text.len();
    }
    let mut at = max;
    // A byte 10xxxxxx continues a character.
    while at > 0 && text.get(at).is_some_and(|byte| byte & 0xc0 == 0x80) {
        at -= 1;
    }
    at
}
