//! One line of the event log: what kind of row it is, and what a `merged` row says.
//! Rows are written by other systems, so every field is checked before it counts.

use std::fmt;

use serde::Deserialize;
use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::model::{Timestamp, sanitize};

/// Longest work item id or project name that is read, in bytes.
const MAX_NAME: usize = 300;

/// The kind of the rows that say a threshold was crossed.
pub const CROSSING_KIND: &str = "metric.threshold_crossed";

/// What a line is.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A work item was merged.
    Merged(Merge),
    /// A crossing that was reported before, by its id.
    Crossing(String),
    /// A row of another kind, which no rate looks at.
    Other,
    /// Not a row, or a `merged` row without what every rate needs; why.
    Malformed(String),
}

/// One `merged` row.
#[derive(Debug, Clone, PartialEq)]
pub struct Merge {
    pub work_item_id: String,
    pub project: String,
    pub at: Timestamp,
    /// Heads or tries until it merged, at least 1.
    pub attempts: u64,
    /// Whether the final verdict before the merge was `rebase_conflict`; `None` where the row does not say.
    pub rebase_conflict: Option<bool>,
}

/// Reads one line, without its line end.
pub fn read_event(line: &[u8]) -> Event {
    let kind = match serde_json::from_slice::<KindRow>(line) {
        Ok(row) => row.kind,
        Err(error) => return Event::Malformed(reason(&error)),
    };
    match kind.as_str() {
        "merged" => match serde_json::from_slice::<MergedRow>(line) {
            Ok(row) => row.check().map_or_else(Event::Malformed, Event::Merged),
            Err(error) => Event::Malformed(reason(&error)),
        },
        CROSSING_KIND => match serde_json::from_slice::<CrossingRow>(line) {
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
struct KindRow {
    kind: String,
}

#[derive(Deserialize)]
struct MergedRow {
    work_item_id: Id,
    project: String,
    payload: MergedPayload,
    created_at: String,
}

#[derive(Deserialize)]
struct MergedPayload {
    attempts: u64,
    #[serde(default)]
    final_verdict: Word,
}

#[derive(Deserialize)]
struct CrossingRow {
    payload: CrossingPayload,
}

#[derive(Deserialize)]
struct CrossingPayload {
    id: String,
}

impl MergedRow {
    fn check(self) -> Result<Merge, String> {
        let Self { work_item_id: Id(work_item_id), project, payload, created_at } = self;
        let checked = |name: &str, value: &str| {
            if value.len() > MAX_NAME {
                return Err(format!("`{name}` is longer than {MAX_NAME} bytes"));
            }
            // Shown as it is in every form of the report, so it holds nothing that hides or steers.
            let shown = sanitize(value, MAX_NAME);
            if shown.is_empty() { Err(format!("`{name}` is empty")) } else { Ok(shown) }
        };
        let (work_item_id, project) =
            (checked("work_item_id", &work_item_id)?, checked("project", &project)?);
        if payload.attempts == 0 {
            return Err("`payload.attempts` is 0, and nothing merges without an attempt".to_owned());
        }
        let at = created_at.parse::<Timestamp>().map_err(|error| format!("`created_at`: {error}"))?;
        let rebase_conflict = payload.final_verdict.0.map(|word| word == "rebase_conflict");
        Ok(Merge { work_item_id, project, at, attempts: payload.attempts, rebase_conflict })
    }
}

/// An id: a text, or a whole number as text.
struct Id(String);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IdVisitor;
        impl Visitor<'_> for IdVisitor {
            type Value = Id;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a whole number")
            }
            fn visit_str<E: Error>(self, value: &str) -> Result<Id, E> {
                Ok(Id(value.to_owned()))
            }
            fn visit_u64<E: Error>(self, value: u64) -> Result<Id, E> {
                Ok(Id(value.to_string()))
            }
            fn visit_i64<E: Error>(self, value: i64) -> Result<Id, E> {
                Ok(Id(value.to_string()))
            }
        }
        deserializer.deserialize_any(IdVisitor)
    }
}

/// A word, or nothing where the value is of any other type: only one rate needs it, so it spoils no row.
#[derive(Default)]
struct Word(Option<String>);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordVisitor;
        impl<'de> Visitor<'de> for WordVisitor {
            type Value = Word;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word")
            }
            fn visit_str<E: Error>(self, value: &str) -> Result<Word, E> {
                Ok(Word(Some(value.to_owned()).filter(|word| !word.is_empty())))
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
