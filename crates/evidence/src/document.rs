//! JSON of any kind as a value of our own: duplicate keys refused, depth and size bounded.
//! The one place where a whole report is held in memory.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{BufRead, Read};

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::content::{Content, ParseError, Parsed, Substance};
use super::limits::Limits;
use super::shape::Shape;
use super::source::Bounded;

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub enum Document {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    Text(String),
    List(Vec<Document>),
    Map(BTreeMap<String, Document>),
}

impl Document {
    /// Whether it says nothing: null, or an empty text, list or map.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) => text.is_empty(),
            Self::List(list) => list.is_empty(),
            Self::Map(map) => map.is_empty(),
            Self::Bool(_) | Self::Int(_) | Self::UInt(_) | Self::Float(_) => false,
        }
    }

    /// The value under a key, where this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Document> {
        match self {
            Self::Map(map) => map.get(key),
            _ => None,
        }
    }

    /// The text, where this is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DocumentVisitor)
    }
}

struct DocumentVisitor;

impl<'de> Visitor<'de> for DocumentVisitor {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Document, E> {
        Ok(Document::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Document, E> {
        Ok(Document::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Document, E> {
        Ok(Document::Int(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Document, E> {
        Ok(i64::try_from(value).map_or(Document::UInt(value), Document::Int))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Document, E> {
        Ok(Document::Float(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Document, E> {
        Ok(Document::Text(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Document, E> {
        Ok(Document::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Document, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = seq.next_element()? {
            list.push(value);
        }
        Ok(Document::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Document, A::Error> {
        let mut map = BTreeMap::new();
        while let Some(key) = access.next_key::<String>()? {
            if map.contains_key(&key) {
                return Err(A::Error::custom(format_args!(
                    "duplicate key `{}`",
                    crate::model::sanitize(&key, 60)
                )));
            }
            let value = access.next_value()?;
            map.insert(key, value);
        }
        Ok(Document::Map(map))
    }
}

/// Reads a JSON document.
///
/// # Errors
/// [`ParseError`]: no JSON, a duplicate key, more than `document_bytes` bytes, or deeper than `json_depth`
/// (which is `serde_json`'s own bound of 128).
pub fn parse(reader: &mut dyn BufRead, limits: &Limits) -> Result<Parsed, ParseError> {
    let mut text = Vec::new();
    Bounded::new(reader, limits.document_bytes).read_to_end(&mut text)?;
    let document: Document = from_slice(&text)?;
    let empty = document.is_empty();
    let mut parsed = Parsed::new(Content::Document(document));
    if empty {
        parsed.substance = Substance::Nothing("the document is empty".to_owned());
    }
    Ok(parsed)
}

/// Reads any of our JSON types from bytes that are already bounded.
///
/// # Errors
/// [`ParseError::Malformed`] with the place of the fault.
pub fn from_slice<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> Result<T, ParseError> {
    serde_json::from_slice(bytes).map_err(|error| json_error(&error))
}

/// The words for a JSON fault: what and where, without the content.
pub fn json_error(error: &serde_json::Error) -> ParseError {
    use serde_json::error::Category;
    let text = crate::model::sanitize(&error.to_string(), 200);
    match error.classify() {
        Category::Io => match error.io_error_kind() {
            Some(std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof) => {
                ParseError::Malformed(text)
            }
            _ => ParseError::Unreadable(text),
        },
        Category::Eof => ParseError::Malformed(format!("the JSON is cut off: {text}")),
        Category::Syntax if text.contains("recursion limit") => {
            ParseError::TooLarge(format!("the JSON is nested too deep: {text}"))
        }
        Category::Syntax => ParseError::Malformed(format!("not JSON: {text}")),
        Category::Data => ParseError::Malformed(text),
    }
}

/// Whether this is JSON at all.
pub fn fits(shape: &Shape) -> bool {
    matches!(shape, Shape::JsonObject { .. } | Shape::JsonArray { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Parsed, ParseError> {
        parse(&mut text.as_bytes(), &Limits::default())
    }

    #[test]
    fn duplicate_keys_are_malformed_at_any_depth() {
        for text in [r#"{"a":1,"a":2}"#, r#"[{"x":{"a":1,"a":1}}]"#] {
            let Err(ParseError::Malformed(words)) = read(text) else { panic!("{text}") };
            assert!(words.contains("duplicate key 'a'"), "{words}");
        }
    }

    #[test]
    fn twenty_thousand_deep_is_too_large_and_no_crash() {
        let text = "[".repeat(20_000);
        assert!(matches!(read(&text), Err(ParseError::TooLarge(_))));
    }

    #[test]
    fn a_document_past_the_bound_is_too_large() {
        let limits = Limits { document_bytes: 10, ..Limits::default() };
        let text = format!("\"{}\"", "x".repeat(50));
        assert!(matches!(parse(&mut text.as_bytes(), &limits), Err(ParseError::TooLarge(_))));
    }

    #[test]
    fn cut_off_and_trailing_text_are_malformed() {
        for text in ["{\"a\":", "", "{} x", "{\"a\":1e999}"] {
            assert!(matches!(read(text), Err(ParseError::Malformed(_))), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..256)) {
            let _ = parse(&mut bytes.as_slice(), &Limits::default());
        }
    }
}
