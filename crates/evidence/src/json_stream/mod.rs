//! Walks a JSON text of any size in bounded memory: the reader of a format leads through objects and arrays,
//! takes small elements as typed values, and the rest is checked and dropped.

mod bytes;

use std::collections::HashSet;
use std::io::BufRead;

use serde::de::{Deserialize, IgnoredAny};

use super::content::ParseError;
use super::document::json_error;
use super::limits::Limits;
use super::text::{Controls, Text};
use super::wire::TOO_MANY;
use bytes::{Between, Frame, plain_string};

/// One element's size in bytes once its long strings are cut. The largest seen in a genuine report is 40 KiB.
const ELEMENT_BYTES: usize = 8 * 1024 * 1024;

/// Keys of one object that the walk visits.
const OBJECT_KEYS: usize = 1_000_000;

/// A key that is taken as it stands, without a look by `serde_json`, has no more bytes.
const KEY_BYTES: usize = 256;

/// How far [`JsonStream::skip`] walks down before it takes what is there as one element.
const SKIP_LEVELS: u32 = 3;

type Step = Result<(), ParseError>;

/// A JSON text, read from its start to its end, once.
pub struct JsonStream<'a> {
    text: Text<'a>,
    frame: Frame,
    depth: u64,
    max_depth: u64,
}

impl<'a> JsonStream<'a> {
    /// Starts reading, in whatever encoding.
    ///
    /// # Errors
    /// [`ParseError`] where the reader fails.
    pub fn open(reader: &'a mut dyn BufRead, limits: &Limits) -> Result<Self, ParseError> {
        Ok(Self {
            text: Text::open(reader, Controls::Kept)?,
            frame: Frame::default(),
            depth: 0,
            max_depth: limits.json_depth,
        })
    }

    /// Walks the object that comes next; `each` must take the value of every key it is given,
    /// by [`Self::value`], [`Self::skip`] or a further walk.
    ///
    /// # Errors
    /// No object, a key twice, too many keys, or what `each` answers.
    pub fn object(&mut self, each: &mut dyn FnMut(&mut Self, &str) -> Step) -> Step {
        let mut seen = HashSet::new();
        self.enter(b'{', "an object")?;
        loop {
            if !self.more(b'}', seen.is_empty())? {
                return self.leave();
            }
            if self.peek()? != Some(b'"') {
                return Err(self.fault("a key was expected"));
            }
            let key = self.key()?;
            self.expect(b':')?;
            if seen.contains(&key) {
                let key = crate::model::sanitize(&key, 60);
                return Err(ParseError::Malformed(format!("duplicate key `{key}`")));
            }
            if seen.len() >= OBJECT_KEYS {
                return Err(ParseError::TooLarge(format!("one object has more than {OBJECT_KEYS} keys")));
            }
            each(self, &key)?;
            seen.insert(key);
        }
    }

    /// The key that comes next.
    fn key(&mut self) -> Result<String, ParseError> {
        let window = self.text.fill_buf()?;
        let plain = plain_string(window, KEY_BYTES)
            .filter(|length| window.get(..*length).is_some_and(|key| !key.iter().any(u8::is_ascii_control)));
        match plain {
            Some(length) => Ok(self.text.take_shown(length).trim_matches('"').to_owned()),
            None => self.value(),
        }
    }

    /// Walks the array that comes next; `each` must take the element it stands before.
    ///
    /// # Errors
    /// No array, or what `each` answers.
    pub fn array(&mut self, each: &mut dyn FnMut(&mut Self) -> Step) -> Step {
        self.enter(b'[', "an array")?;
        let mut first = true;
        while self.more(b']', first)? {
            first = false;
            each(self)?;
        }
        self.leave()
    }

    /// Takes the next value whole. Strings in it are cut after 16 KiB; keys that the type reads are refused twice.
    ///
    /// # Errors
    /// [`ParseError::Malformed`] where it is no JSON or not of the type, [`ParseError::TooLarge`] beyond a bound.
    pub fn value<'s, T: Deserialize<'s>>(&'s mut self) -> Result<T, ParseError> {
        self.text.skip_space()?;
        let start = self.text.position();
        let max_depth = self.max_depth.saturating_sub(self.depth);
        let text = match self.frame.read(&mut self.text, max_depth, ELEMENT_BYTES)? {
            Some(length) => self.text.take_shown(length),
            // Checked as one text, and not again string by string. It is one: whatever the window gives is, and cuts
            // keep it so.
            None => std::str::from_utf8(self.frame.bytes())
                .map_err(|_| ParseError::Malformed("it is no UTF-8 text".to_owned()))?,
        };
        serde_json::from_str(text).map_err(|error| match json_error(&error) {
            ParseError::Malformed(text) if text.starts_with(TOO_MANY) => ParseError::TooLarge(text),
            ParseError::Malformed(text) => {
                ParseError::Malformed(format!("{text}, counted from byte {start}"))
            }
            other => other,
        })
    }

    /// Drops the next value, checking that it is JSON.
    ///
    /// # Errors
    /// As [`Self::value`].
    pub fn skip(&mut self) -> Step {
        self.skip_down(SKIP_LEVELS)
    }

    fn skip_down(&mut self, levels: u32) -> Step {
        match self.peek()? {
            Some(b'{') if levels > 0 => self.object(&mut |json, _| json.skip_down(levels - 1)),
            Some(b'[') if levels > 0 => self.array(&mut |json| json.skip_down(levels - 1)),
            _ => self.value::<IgnoredAny>().map(drop),
        }
    }

    /// Walks an array as [`Self::array`] does, or takes `null`; says whether there was an array.
    ///
    /// # Errors
    /// As [`Self::array`].
    pub fn list(&mut self, each: &mut dyn FnMut(&mut Self) -> Step) -> Result<bool, ParseError> {
        if self.peek()? == Some(b'n') {
            return self.value::<()>().map(|()| false);
        }
        self.array(each).map(|()| true)
    }

    /// Walks an object as [`Self::object`] does, or takes `null`; says whether there was an object.
    ///
    /// # Errors
    /// As [`Self::object`].
    pub fn map(&mut self, each: &mut dyn FnMut(&mut Self, &str) -> Step) -> Result<bool, ParseError> {
        if self.peek()? == Some(b'n') {
            return self.value::<()>().map(|()| false);
        }
        self.object(each).map(|()| true)
    }

    /// The first byte of what comes next, white space left out; `None` at the end.
    ///
    /// # Errors
    /// What reading answers.
    pub fn peek(&mut self) -> Result<Option<u8>, ParseError> {
        self.text.skip_space()?;
        self.text.peek_byte()
    }

    /// Makes sure that nothing but white space is left.
    ///
    /// # Errors
    /// [`ParseError::Malformed`] where something is.
    pub fn end(&mut self) -> Step {
        match self.peek()? {
            None => Ok(()),
            Some(_) => Err(self.fault("there is text after the end of the JSON")),
        }
    }

    /// Before another element: takes the comma; `false` at the closing bracket, which is taken too.
    fn more(&mut self, close: u8, first: bool) -> Result<bool, ParseError> {
        match self.peek()? {
            Some(byte) if byte == close => {
                self.text.consume(1);
                Ok(false)
            }
            Some(b',') if !first => {
                self.text.consume(1);
                match self.peek()? {
                    Some(byte) if byte == close => Err(self.fault("a comma has nothing after it")),
                    _ => Ok(true),
                }
            }
            Some(_) if first => Ok(true),
            _ => Err(self.fault("a comma or a closing bracket was expected")),
        }
    }

    fn enter(&mut self, open: u8, what: &str) -> Step {
        if self.peek()? != Some(open) {
            return Err(self.fault(&format!("{what} was expected")));
        }
        self.depth += 1;
        if self.depth > self.max_depth {
            return Err(bytes::too_deep());
        }
        self.text.consume(1);
        Ok(())
    }

    #[expect(clippy::unnecessary_wraps, reason = "it ends a walk, which has this type")]
    fn leave(&mut self) -> Step {
        self.depth = self.depth.saturating_sub(1);
        Ok(())
    }

    fn expect(&mut self, byte: u8) -> Step {
        if self.peek()? != Some(byte) {
            return Err(self.fault(&format!("`{}` was expected", char::from(byte))));
        }
        self.text.consume(1);
        Ok(())
    }

    fn fault(&mut self, what: &str) -> ParseError {
        let at = self.text.position();
        match self.text.peek_byte() {
            Ok(None) => ParseError::Malformed(format!("the JSON is cut off: {what} at byte {at}")),
            Ok(Some(_)) => ParseError::Malformed(format!("not the JSON it should be: {what} at byte {at}")),
            Err(error) => error,
        }
    }
}

#[cfg(test)]
mod tests;
