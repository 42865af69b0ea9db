//! fallow-py's fix plans: three revisions with one schema version and other buckets (FORMATS 3.1).
//! The bucket decides, not the severity; `minimal_patch` and `fix_options` are not read.

use serde::Deserialize;

use super::super::content::{ParseError, Substance};
use super::super::finding::Level;
use super::super::json_stream::JsonStream;
use super::super::place::Place;
use super::super::tally::Seen;
use super::super::wire::{Text, str_of};
use super::fallow_py::PARSE_ERROR;
use super::{Reading, at, level_of, malformed, unproven};
use crate::model::sanitize;

/// The buckets of every revision.
const BUCKETS: [&str; 5] = ["auto_safe", "review_needed", "decision_needed", "blocking", "manual_only"];

#[derive(Deserialize)]
struct ItemWire<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    severity: Option<Text<'a>>,
    #[serde(borrow)]
    file: Option<Text<'a>>,
    line: Option<i64>,
    #[serde(borrow)]
    one_liner: Option<Text<'a>>,
}

/// What of a plan was read.
#[derive(Default)]
pub struct Plan {
    buckets: u64,
    items: u64,
    parse_errors: u64,
}

/// The name with underscores; older revisions have hyphens, and one has `safe-auto`.
fn canonical(key: &str) -> String {
    match key.replace('-', "_").as_str() {
        "safe_auto" => "auto_safe".to_owned(),
        other => other.to_owned(),
    }
}

/// Whether a key is a bucket of a revision that is known.
pub fn is_bucket(key: &str) -> bool {
    BUCKETS.contains(&canonical(key).as_str())
}

impl Plan {
    /// Whether a bucket was seen.
    pub fn is_one(&self) -> bool {
        self.buckets > 0
    }

    /// Reads a bucket. One that no revision has could hold anything, so it is refused.
    pub fn bucket(
        &mut self,
        json: &mut JsonStream<'_>,
        key: &str,
        reading: &mut Reading,
    ) -> Result<(), ParseError> {
        if !is_bucket(key) {
            return Err(malformed(&format!("`{}` is no bucket that a fix plan may have", sanitize(key, 60))));
        }
        self.buckets += 1;
        let bucket = canonical(key);
        let blocking = bucket == "blocking";
        reading.buckets.entry(bucket.clone()).or_insert(0);
        json.array(&mut |json| {
            let wire: ItemWire<'_> = json.value()?;
            self.items += 1;
            reading.buckets.entry(bucket.clone()).and_modify(|items| *items += 1);
            self.parse_errors += u64::from(wire.id.as_str() == PARSE_ERROR);
            let own = level_of(str_of(&wire.severity)).unwrap_or(Level::Error);
            let seen = Seen {
                level: Some(if blocking { Level::Error } else { own }),
                message: str_of(&wire.one_liner).unwrap_or(""),
                place: str_of(&wire.file).map(Place::of_path).unwrap_or_default(),
                region: at(wire.line, None),
                ..Seen::default()
            };
            reading.add(wire.id.as_str(), &seen)
        })
    }

    /// What the plan proves. A clean, an empty and a nonexistent project give the same bytes.
    pub fn finish(&self, reading: &mut Reading, stated: Option<u64>) -> Result<Substance, ParseError> {
        if self.buckets < 3 {
            return Err(malformed("it has fewer buckets than any revision of the fix plan"));
        }
        reading.check_count("items", stated, self.items);
        if self.items > 0 && self.items == self.parse_errors {
            return Ok(unproven("all it lists are files that could not be parsed"));
        }
        Ok(reading.unless_found(unproven("a fix plan does not say how many files were analysed")))
    }
}
