//! One line of the event log: what kind of row it is, and what a `merged` row says.
//! Rows are written by other systems, so every field is checked before it counts.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::model::{Timestamp, sanitize};

/// Longest work item id or project name that is read, in bytes.
const MAX_NAME: usize = 300;

/// The kind of the rows that say a threshold was crossed.
pub const CROSSING_KIND: &str = "metric.threshold_crossed";

/// The kind of the rows that every rate counts.
const MERGED_KIND: &str = "merged";

/// What a line is. Texts are borrowed from it where they are written without escapes.
#[derive(Debug, Clone, PartialEq)]
pub enum Event<'a> {
    /// A work item was merged.
    Merged(Merge<'a>),
    /// A crossing that was reported before, by its id.
    Crossing(Cow<'a, str>),
    /// A row of another kind, which no rate looks at.
    Other,
    /// Not a row, or a `merged` row without what every rate needs; why.
    Malformed(String),
}

/// One `merged` row.
#[derive(Debug, Clone, PartialEq)]
pub struct Merge<'a> {
    pub work_item_id: Cow<'a, str>,
    pub project: Cow<'a, str>,
    pub at: Timestamp,
    /// Heads or tries until it merged, at least 1.
    pub attempts: u64,
    /// Whether the final verdict before the merge was `rebase_conflict`; `None` where the row does not say.
    pub rebase_conflict: Option<bool>,
}

/// Reads one line, without its line end.
pub fn read_event(line: &str) -> Event<'_> {
    // Most rows are merges: they are read in one go. The kind alone decides about all others.
    if let Ok(row) = serde_json::from_str::<MergedRow<'_>>(line)
        && row.kind == MERGED_KIND
    {
        return row.check().map_or_else(Event::Malformed, Event::Merged);
    }
    let kind = match serde_json::from_str::<KindRow<'_>>(line) {
        Ok(row) => row.kind,
        Err(error) => return Event::Malformed(reason(&error)),
    };
    match kind.as_ref() {
        MERGED_KIND => match serde_json::from_str::<MergedRow<'_>>(line) {
            Ok(row) => row.check().map_or_else(Event::Malformed, Event::Merged),
            Err(error) => Event::Malformed(reason(&error)),
        },
        CROSSING_KIND => match serde_json::from_str::<CrossingRow<'_>>(line) {
            Ok(row) => Event::Crossing(row.payload.id),
            Err(error) => Event::Malformed(reason(&error)),
        },
        _ => Event::Other,
    }
}

fn reason(error: &serde_json::Error) -> String {
    if error.is_eof() { "cut off".to_owned() } else { sanitize(&error.to_string(), 160) }
}

#[derive(Deserialize)]
struct KindRow<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
}

#[derive(Deserialize)]
struct MergedRow<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    work_item_id: Id<'a>,
    #[serde(borrow)]
    project: Cow<'a, str>,
    payload: MergedPayload,
    #[serde(borrow)]
    created_at: Cow<'a, str>,
}

#[derive(Deserialize)]
struct MergedPayload {
    attempts: u64,
    #[serde(default)]
    final_verdict: Word,
}

#[derive(Deserialize)]
struct CrossingRow<'a> {
    #[serde(borrow)]
    payload: CrossingPayload<'a>,
}

#[derive(Deserialize)]
struct CrossingPayload<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
}

impl<'a> MergedRow<'a> {
    fn check(self) -> Result<Merge<'a>, String> {
        let Self { kind: _, work_item_id: Id(work_item_id), project, payload, created_at } = self;
        let (work_item_id, project) = (shown("work_item_id", work_item_id)?, shown("project", project)?);
        if payload.attempts == 0 {
            return Err("`payload.attempts` is 0, and nothing merges without an attempt".to_owned());
        }
        let at = created_at.parse::<Timestamp>().map_err(|error| format!("`created_at`: {error}"))?;
        let rebase_conflict = payload.final_verdict.0;
        Ok(Merge { work_item_id, project, at, attempts: payload.attempts, rebase_conflict })
    }
}

/// A name as every form of the report shows it: with nothing in it that hides or steers.
fn shown<'a>(name: &str, value: Cow<'a, str>) -> Result<Cow<'a, str>, String> {
    if value.len() > MAX_NAME {
        return Err(format!("`{name}` is longer than {MAX_NAME} bytes"));
    }
    // Nearly every name is of such letters, and then nothing is copied.
    let plain = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./#".contains(&byte));
    let shown = if plain { value } else { Cow::Owned(sanitize(&value, MAX_NAME)) };
    if shown.is_empty() { Err(format!("`{name}` is empty")) } else { Ok(shown) }
}

/// An id: a text, or a whole number as text.
struct Id<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Id<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IdVisitor;
        impl<'de> Visitor<'de> for IdVisitor {
            type Value = Id<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a whole number")
            }
            fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<Id<'de>, E> {
                Ok(Id(Cow::Borrowed(value)))
            }
            fn visit_str<E: Error>(self, value: &str) -> Result<Id<'de>, E> {
                Ok(Id(Cow::Owned(value.to_owned())))
            }
            fn visit_u64<E: Error>(self, value: u64) -> Result<Id<'de>, E> {
                Ok(Id(Cow::Owned(value.to_string())))
            }
            fn visit_i64<E: Error>(self, value: i64) -> Result<Id<'de>, E> {
                Ok(Id(Cow::Owned(value.to_string())))
            }
        }
        deserializer.deserialize_any(IdVisitor)
    }
}

/// Whether a word is `rebase_conflict`; nothing where there is none or the value is of any other type: only one rate
/// needs it, so it spoils no row.
#[derive(Default)]
struct Word(Option<bool>);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordVisitor;
        impl<'de> Visitor<'de> for WordVisitor {
            type Value = Word;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word")
            }
            fn visit_str<E: Error>(self, value: &str) -> Result<Word, E> {
                Ok(Word((!value.is_empty()).then_some(value == "rebase_conflict")))
            }
            fn visit_unit<E: Error>(self) -> Result<Word, E> {
                Ok(Word(None))
            }
            fn visit_bool<E: Error>(self, _: bool) -> Result<Word, E> {
                Ok(Word(None))
            }
            fn visit_u64<E: Error>(self, _: u64) -> Result<Word, E> {
                Ok(Word(None))
            }
            fn visit_i64<E: Error>(self, _: i64) -> Result<Word, E> {
                Ok(Word(None))
            }
            fn visit_f64<E: Error>(self, _: f64) -> Result<Word, E> {
                Ok(Word(None))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Word, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Word(None))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Word, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Word(None))
            }
        }
        deserializer.deserialize_any(WordVisitor)
    }
}
