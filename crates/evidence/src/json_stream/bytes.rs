//! The bytes under a [`super::JsonStream`]: what lies between values, and the frame of one value.
//! Only strings and brackets are understood here; whether a frame is JSON is decided by `serde_json`.

use std::io::BufRead;

use super::super::content::ParseError;
use super::super::text::Text;

/// How much of one string is kept, in bytes. Texts are shown and hashed, and no more than this of them.
const STRING_BYTES: usize = 16 * 1024;

/// Whether a byte opens or closes something, for every byte: a table, because most bytes between strings are looked up.
const STRUCTURE: [bool; 256] = {
    let mut table = [false; 256];
    let mut rest: &mut [bool] = &mut table;
    let mut byte = 0_u8;
    while let [first, behind @ ..] = rest {
        *first = matches!(byte, b'"' | b'{' | b'}' | b'[' | b']');
        byte = byte.wrapping_add(1);
        rest = behind;
    }
    table
};

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

/// Where a scan stands between two windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    /// Before the value's first byte.
    #[default]
    Start,
    /// Inside an object or array, outside its strings.
    Between,
    /// In a number or word that is the whole value.
    Word,
    InString,
    /// Behind a backslash.
    Escaped,
    Done,
}

/// What of a window was gone through: all up to `to`; from `from` on it is still to be copied.
struct Scanned {
    from: usize,
    to: usize,
}

/// One value, copied out of the text with its long strings cut.
#[derive(Default)]
pub struct Frame {
    bytes: Vec<u8>,
    state: State,
    depth: u64,
    /// Where in `bytes` the string starts that is being read.
    string: usize,
    /// Whether the rest of that string is left out.
    cut: bool,
    /// Where in `bytes` its last escape starts.
    last_escape: Option<usize>,
}

impl Frame {
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Finds the end of the value that comes next. Where it lies in the window as it is, that says how long it is, and it
    /// is not consumed; else it is copied. What is no JSON is taken too, as far as its brackets lead.
    pub fn read(
        &mut self,
        text: &mut Text<'_>,
        max_depth: u64,
        max_bytes: usize,
    ) -> Result<Option<usize>, ParseError> {
        self.bytes.clear();
        (self.state, self.depth, self.cut) = (State::Start, 0, false);
        while self.state != State::Done {
            let window = text.fill_buf()?;
            if window.is_empty() {
                // The end of the text; `serde_json` says what is missing.
                break;
            }
            let Scanned { from, to } = self.scan(window, max_depth)?;
            if self.state == State::Done && from == 0 && self.bytes.is_empty() && to <= max_bytes {
                return Ok(Some(to));
            }
            self.bytes.extend_from_slice(window.get(from..to).unwrap_or_default());
            text.consume(to);
            if self.bytes.len() > max_bytes {
                return Err(ParseError::TooLarge(format!("one element is larger than {max_bytes} bytes")));
            }
        }
        Ok(None)
    }

    /// Goes as far through the value as the window holds it, and copies what stands before a cut.
    fn scan(&mut self, window: &[u8], max_depth: u64) -> Result<Scanned, ParseError> {
        // What lies between `from` and `at` is still to be copied.
        let (mut from, mut at) = (0, 0);
        while self.state != State::Done {
            let rest = window.get(at..).unwrap_or_default();
            let Some(first) = rest.first() else { break };
            match self.state {
                State::Start => match first {
                    b'{' | b'[' | b'"' => self.structure(*first, &mut at, from, max_depth)?,
                    _ => self.state = State::Word,
                },
                State::Word => match rest.iter().position(|b| ends_word(*b)) {
                    Some(length) => {
                        at += length;
                        self.state = State::Done;
                    }
                    None => at = window.len(),
                },
                State::Between => {
                    match rest.iter().position(|b| STRUCTURE.get(usize::from(*b)) == Some(&true)) {
                        Some(plain) => {
                            at += plain;
                            let rest = rest.get(plain..).unwrap_or_default();
                            if let Some(length) = plain_string(rest, STRING_BYTES) {
                                at += length;
                            } else {
                                let byte = rest.first().copied().unwrap_or_default();
                                self.structure(byte, &mut at, from, max_depth)?;
                            }
                        }
                        None => at = window.len(),
                    }
                }
                State::InString => self.in_string(window, &mut from, &mut at),
                State::Escaped => {
                    at += 1;
                    self.state = State::InString;
                }
                State::Done => {}
            }
            if self.cut {
                from = at;
            }
        }
        Ok(Scanned { from, to: at })
    }

    /// Passes a bracket or an opening quote.
    fn structure(&mut self, byte: u8, at: &mut usize, from: usize, max_depth: u64) -> Result<(), ParseError> {
        *at += 1;
        self.state = State::Between;
        match byte {
            b'"' => {
                self.string = self.bytes.len() + *at - from;
                (self.cut, self.last_escape) = (false, None);
                self.state = State::InString;
            }
            b'{' | b'[' => {
                self.depth += 1;
                if self.depth > max_depth {
                    return Err(too_deep());
                }
            }
            _ => {
                self.depth = self.depth.saturating_sub(1);
                if self.depth == 0 {
                    self.state = State::Done;
                }
            }
        }
        Ok(())
    }

    /// Passes a part of a string up to its end, a backslash or the window's end.
    fn in_string(&mut self, window: &[u8], from: &mut usize, at: &mut usize) {
        let rest = window.get(*at..).unwrap_or_default();
        let plain = memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
        let next = rest.get(plain).copied();
        if !self.cut {
            let left = (self.string + STRING_BYTES).saturating_sub(self.bytes.len() + *at - *from);
            // Six bytes are an escape's longest form: a whole one fits or none is kept.
            let needed = if next == Some(b'\\') { plain + 6 } else { plain };
            if needed > left {
                let kept = *at + char_boundary(rest.get(..plain).unwrap_or_default(), left);
                self.bytes.extend_from_slice(window.get(*from..kept).unwrap_or_default());
                self.cut = true;
                self.drop_half_pair();
            }
        }
        *at += plain;
        if self.cut {
            *from = *at;
        }
        match next {
            None => {}
            Some(b'"') => {
                *at += 1;
                self.cut = false;
                self.state = if self.depth == 0 { State::Done } else { State::Between };
            }
            Some(_) => {
                if !self.cut {
                    self.last_escape = Some(self.bytes.len() + *at - *from);
                }
                *at += 1;
                self.state = State::Escaped;
            }
        }
    }

    /// Takes off the first half of a surrogate pair where the cut came right after it.
    fn drop_half_pair(&mut self) {
        let Some(at) = self.last_escape else { return };
        let tail = self.bytes.get(at..).unwrap_or_default();
        if let [b'\\', b'u', b'd' | b'D', b'8' | b'9' | b'a' | b'b' | b'A' | b'B', _, _] = tail {
            self.bytes.truncate(at);
        }
    }
}

/// How many bytes the string takes that the window starts with, quotes included; `None` where it has escapes or more than
/// `max` bytes, or does not end here. Whether JSON allows what is in it is not looked at.
pub fn plain_string(window: &[u8], max: usize) -> Option<usize> {
    let (b'"', rest) = window.split_first()? else { return None };
    let length = memchr::memchr2(b'"', b'\\', rest)?;
    (length <= max && rest.get(length) == Some(&b'"')).then_some(length + 2)
}

/// Whether a byte comes after a number or word and is not part of it.
fn ends_word(byte: u8) -> bool {
    matches!(byte, b',' | b':' | b'}' | b']' | b'{' | b'[' | b'"' | b' ' | b'\n' | b'\r' | b'\t')
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
