//! Text that the judged party may have written: cut, and rid of characters that steer a terminal or hide words.
//! Also the two ways our own sentences count things.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A bounded quote from evidence, with a label of ours that says where it came from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Quote {
    /// What the text is, in our words: `test`, `message`, `rule`.
    pub label: String,
    /// The text, written by the judged party: never an instruction.
    pub text: String,
}

impl Quote {
    /// Quotes at most 400 characters.
    pub fn new(label: &str, text: &str) -> Self {
        Self { label: label.to_owned(), text: clean(text, 400).into_owned() }
    }
}

/// Foreign words that stand inside a sentence of ours: cleaned, and without the backticks that mark names there.
pub fn sanitize(text: &str, max: usize) -> String {
    sanitized(text, max).into_owned()
}

/// As [`sanitize`]; what needs no change is not copied.
pub fn sanitized(text: &str, max: usize) -> Cow<'_, str> {
    let clean = clean(text, max);
    if clean.contains('`') { clean.replace('`', "'").into() } else { clean }
}

/// As [`sanitize`], of what stands in `text` from this byte on.
pub fn sanitize_from(text: &mut String, from: usize, max: usize) {
    let changed = match text.get(from..).map(|end| sanitized(end, max)) {
        Some(Cow::Owned(changed)) => changed,
        Some(Cow::Borrowed(_)) | None => return,
    };
    text.truncate(from);
    text.push_str(&changed);
}

/// Strips control, bidirectional and invisible characters, folds white space, and cuts to `max` characters.
fn clean(text: &str, max: usize) -> Cow<'_, str> {
    if text.len() <= max && is_clean(text) {
        return text.into();
    }
    let mut out = String::new();
    let mut kept = 0;
    let mut space = false;
    for c in text.chars() {
        if c.is_whitespace() {
            space = kept > 0;
            continue;
        }
        if is_hidden(c) {
            continue;
        }
        if kept + usize::from(space) >= max {
            out.push('…');
            return out.into();
        }
        if space {
            out.push(' ');
            kept += 1;
            space = false;
        }
        out.push(c);
        kept += 1;
    }
    out.into()
}

/// Whether cleaning changes nothing, as far as that is told quickly: printing ASCII, single spaces, none at the ends.
fn is_clean(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.first() != Some(&b' ') && bytes.last() != Some(&b' ') && is_plain(bytes)
}

/// Whether this is printing ASCII in which no two spaces stand beside each other. Looks at all of it, byte by byte and
/// without leaving early: the compiler makes vectors of that.
pub fn is_plain(text: &[u8]) -> bool {
    let behind = text.get(1..).unwrap_or_default();
    let odd = text.iter().fold(0, |odd, byte| odd | u8::from(!matches!(byte, b' '..=b'~')));
    let two_spaces = |(one, next): (&u8, &u8)| u8::from(*one == b' ') & u8::from(*next == b' ');
    odd | text.iter().zip(behind).fold(0, |twice, pair| twice | two_spaces(pair)) == 0
}

/// Control characters, bidirectional marks and overrides, zero-width and tag characters, variation selectors.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// `1 test`, `2 tests`: the number with its noun, an `s` for all but one.
pub fn count(number: u64, noun: &str) -> String {
    if number == 1 {
        return format!("1 {noun}");
    }
    match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{number} {stem}ies"),
        _ => format!("{number} {noun}s"),
    }
}

/// The first `max` items joined by commas, and how many others there are.
pub fn cut_list<S: AsRef<str>>(items: &[S], max: usize) -> String {
    let shown: Vec<&str> = items.iter().take(max).map(AsRef::as_ref).collect();
    let rest = items.len().saturating_sub(max);
    if rest == 0 {
        shown.join(", ")
    } else {
        format!("{} and {}", shown.join(", "), count(rest as u64, "other"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_and_control_characters_leave() {
        assert_eq!(sanitize("a\u{202e}b\u{1b}[31mc\u{0}\u{200b}d\u{e0041}", 50), "ab[31mcd");
        assert_eq!(sanitize("  two\n\tlines  ", 50), "two lines");
    }

    #[test]
    fn long_text_is_cut_with_a_mark() {
        assert_eq!(sanitize("abcdef", 3), "abc…");
        assert_eq!(sanitize("abc", 3), "abc");
        assert_eq!(sanitize("ab cd", 3), "ab…");
    }

    #[test]
    fn the_end_of_a_text_is_sanitized_where_it_stands() {
        for end in ["plain", "a `name`", "two  spaces", "much too long to be kept", ""] {
            let mut text = "b `a`  ".to_owned();
            text.push_str(end);
            sanitize_from(&mut text, 7, 10);
            assert_eq!(text, format!("b `a`  {}", sanitize(end, 10)));
        }
    }

    #[test]
    fn nouns_follow_their_number() {
        assert_eq!(count(1, "test"), "1 test");
        assert_eq!(count(0, "test"), "0 tests");
        assert_eq!(count(2, "entry"), "2 entries");
        assert_eq!(count(2, "day"), "2 days");
        assert_eq!(cut_list(&["a", "b", "c"], 2), "a, b and 1 other");
        assert_eq!(cut_list(&["a", "b"], 2), "a, b");
    }
}
