//! What a file looks like from its first bytes: enough to tell formats apart by content, never by name.

use std::collections::BTreeSet;

/// How much of a file's start is looked at, in bytes.
pub const PREFIX_BYTES: usize = 64 * 1024;

/// The outer form of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// XML: the root element's local name and the names of the first few elements below it.
    Xml { root: String, inner: BTreeSet<String> },
    /// One JSON object: its keys as far as the prefix shows them, and the text values among them.
    JsonObject { keys: BTreeSet<String>, texts: std::collections::BTreeMap<String, String> },
    /// One JSON array: the keys of its first object, empty where there is none.
    JsonArray { empty: bool, keys: BTreeSet<String> },
    /// Several JSON objects, one a line: the keys of the first.
    JsonLines { keys: BTreeSet<String> },
    /// Text of lines; the first few, not blank.
    Lines(Vec<String>),
    /// No bytes but white space.
    Empty,
    /// Bytes that are no text.
    Binary,
}

impl Shape {
    /// Looks at the start of a file, already decoded to UTF-8; `whole` says that this is all of it.
    pub fn of(prefix: &[u8], whole: bool) -> Self {
        let text = match std::str::from_utf8(prefix) {
            Ok(text) => text,
            // A character cut by the end of the prefix is no sign of binary content.
            Err(error) if !whole && error.error_len().is_none() => {
                std::str::from_utf8(prefix.get(..error.valid_up_to()).unwrap_or_default()).unwrap_or("")
            }
            Err(_) => return Self::Binary,
        };
        let text = text.trim_start_matches('\u{feff}').trim_start();
        match text.chars().next() {
            None => Self::Empty,
            Some('<') => xml(text),
            Some('{') => object(text),
            Some('[') => array(text),
            Some(_) if text.contains('\0') => Self::Binary,
            Some(_) => Self::Lines(
                text.lines()
                    .map(str::trim)
                    .filter(|line| !line.is_empty())
                    .take(8)
                    .map(str::to_owned)
                    .collect(),
            ),
        }
    }
}

fn xml(text: &str) -> Shape {
    let mut reader = quick_xml::Reader::from_str(text);
    let mut names = Vec::new();
    // The prefix may end anywhere: whatever was seen before the first error counts.
    while let Ok(event) = reader.read_event() {
        match event {
            quick_xml::events::Event::Start(tag) | quick_xml::events::Event::Empty(tag) => {
                names.push(tag.local_name().as_ref().to_owned());
            }
            quick_xml::events::Event::Eof => break,
            _ => {}
        }
        if names.len() > 32 {
            break;
        }
    }
    let mut names = names.into_iter();
    Shape::Xml { root: names.next().unwrap_or_default(), inner: names.collect() }
}

fn object(text: &str) -> Shape {
    let mut scan = Scan { rest: text };
    let (keys, texts, ended) = scan.object_keys();
    // A second object after the first is JSON Lines.
    if ended && scan.rest.trim_start().starts_with('{') {
        return Shape::JsonLines { keys };
    }
    Shape::JsonObject { keys, texts }
}

fn array(text: &str) -> Shape {
    let mut scan = Scan { rest: text.get(1..).unwrap_or("") };
    scan.space();
    if scan.rest.starts_with('{') {
        let (keys, _, _) = scan.object_keys();
        return Shape::JsonArray { empty: false, keys };
    }
    Shape::JsonArray { empty: scan.rest.starts_with(']'), keys: BTreeSet::new() }
}

/// A forgiving scan over JSON that may be cut anywhere. It decides nothing but which parser is tried.
struct Scan<'a> {
    rest: &'a str,
}

impl Scan<'_> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn eat(&mut self, c: char) -> bool {
        self.space();
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// The keys of the object that starts here, its short text values, and whether its end was seen.
    fn object_keys(&mut self) -> (BTreeSet<String>, std::collections::BTreeMap<String, String>, bool) {
        let mut keys = BTreeSet::new();
        let mut texts = std::collections::BTreeMap::new();
        if !self.eat('{') {
            return (keys, texts, false);
        }
        loop {
            if self.eat('}') {
                return (keys, texts, true);
            }
            let Some(key) = self.string() else { return (keys, texts, false) };
            keys.insert(key.clone());
            if !self.eat(':') {
                return (keys, texts, false);
            }
            self.space();
            if self.rest.starts_with('"') {
                let Some(value) = self.string() else { return (keys, texts, false) };
                if value.len() <= 256 {
                    texts.insert(key, value);
                }
            } else if !self.skip_value() {
                return (keys, texts, false);
            }
            self.eat(',');
        }
    }

    fn string(&mut self) -> Option<String> {
        self.space();
        let inner = self.rest.strip_prefix('"')?;
        let mut escaped = false;
        for (at, c) in inner.char_indices() {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => {
                    let text = inner.get(..at)?.to_owned();
                    self.rest = inner.get(at + 1..)?;
                    return Some(text);
                }
                _ => {}
            }
        }
        None
    }

    /// Skips a value that is no string; `false` when the text ends inside it.
    fn skip_value(&mut self) -> bool {
        let mut depth = 0_u32;
        loop {
            self.space();
            match self.rest.chars().next() {
                None => return false,
                Some('"') => {
                    if self.string().is_none() {
                        return false;
                    }
                    if depth == 0 {
                        return true;
                    }
                    continue;
                }
                Some('{' | '[') => depth += 1,
                Some('}' | ']') if depth == 0 => return true,
                Some('}' | ']') => {
                    depth -= 1;
                    if depth == 0 {
                        self.rest = self.rest.get(1..).unwrap_or("");
                        return true;
                    }
                }
                Some(',') if depth == 0 => return true,
                Some(_) => {}
            }
            let mut chars = self.rest.chars();
            chars.next();
            self.rest = chars.as_str();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn shapes_are_told_by_content() {
        let of = |text: &str| Shape::of(text.as_bytes(), true);
        assert_eq!(of(" \n"), Shape::Empty);
        assert!(matches!(Shape::of(b"\x00\xff\xfe", true), Shape::Binary));
        let Shape::Xml { root, inner } = of("<?xml version=\"1.0\"?><!DOCTYPE x><a:root><b/><c/></a:root>")
        else {
            panic!()
        };
        assert_eq!((root.as_str(), inner), ("root", set(&["b", "c"])));
        let Shape::JsonObject { keys, texts } = of(r#"{"a":{"x":[1,"}"]},"b":"t\"","c":null}"#) else {
            panic!()
        };
        assert_eq!(keys, set(&["a", "b", "c"]));
        assert_eq!(texts.len(), 1);
        assert_eq!(of("[]"), Shape::JsonArray { empty: true, keys: BTreeSet::new() });
        assert_eq!(of(r#"[{"code":1}]"#), Shape::JsonArray { empty: false, keys: set(&["code"]) });
        assert_eq!(of("{\"r\":1}\n{\"r\":2}"), Shape::JsonLines { keys: set(&["r"]) });
        assert_eq!(of("TN:\n\nSF:a"), Shape::Lines(vec!["TN:".into(), "SF:a".into()]));
    }

    #[test]
    fn a_cut_object_shows_the_keys_before_the_cut() {
        let Shape::JsonObject { keys, .. } = Shape::of(br#"{"version":"2.1.0","runs":[{"tool":"#, false)
        else {
            panic!()
        };
        assert_eq!(keys, set(&["version", "runs"]));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_have_a_shape(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..512)) {
            let _ = Shape::of(&bytes, false);
        }

        #[test]
        fn any_json_like_text_has_a_shape(text in r#"[\[\]{}",:a0 \\]{0,200}"#) {
            let _ = Shape::of(text.as_bytes(), true);
        }
    }
}
