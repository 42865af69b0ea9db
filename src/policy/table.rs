//! Reading TOML tables into our types such that every problem is found in one pass, each with its line.
//! Unknown keys are found by asking a type for its field names; types come through serde, one table at a time.

use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use serde::de::{
    Deserialize as _, DeserializeOwned, Deserializer, Error as _, Visitor, value::Error as ValueError,
};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::model::sanitize;

use super::problem::{Problem, nearest};

/// The lines on which keys stand. They are found when the first is asked for: of a sound file none is.
#[derive(Debug)]
pub struct Lines {
    text: String,
    by_key: OnceLock<BTreeMap<String, u64>>,
}

impl Lines {
    fn in_text(text: &str) -> Self {
        Self { text: text.to_owned(), by_key: OnceLock::new() }
    }

    /// The line of a key path, else of the nearest key above it, else 0.
    pub fn of(&self, key: &str) -> u64 {
        let by_key = self.by_key.get_or_init(|| lines_of(&self.text));
        let mut key = key;
        loop {
            if let Some(line) = by_key.get(key) {
                return *line;
            }
            match key.rfind(['.', '[']) {
                Some(at) => key = key.get(..at).unwrap_or(""),
                None => return 0,
            }
        }
    }
}

/// Where a table stands in the file: what its problems are said of.
#[derive(Debug, Clone)]
pub struct Place {
    /// Its key path; empty for the whole file.
    key: String,
    lines: Arc<Lines>,
}

impl Place {
    /// A problem with a key of the table, or with the table itself where the key is empty.
    pub fn problem(&self, key: &str, message: impl Into<String>) -> Problem {
        let key = if key.is_empty() { self.key.clone() } else { join(&self.key, key) };
        Problem { line: self.lines.of(&key), key, message: message.into(), hint: None }
    }

    /// The place of what this table has under a key.
    fn below(&self, key: &str) -> Self {
        Self { key: join(&self.key, key), lines: self.lines.clone() }
    }
}

/// A TOML table with its place in the file.
#[derive(Debug, Clone)]
pub struct Table {
    pub values: toml::Table,
    pub place: Place,
}

impl Table {
    /// Parses a file.
    ///
    /// # Errors
    /// Every syntax problem.
    pub fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        let starts = LazyCell::new(|| Starts::of(text));
        let not_toml = |span: Option<Range<usize>>, message: &str| Problem {
            line: span.map_or(0, |span| starts.line_of(span.start)),
            key: String::new(),
            message: format!("not TOML: {}", sanitize(message, 160)),
            hint: None,
        };
        let (document, errors) = DeTable::parse_recoverable(text);
        let mut problems: Vec<Problem> =
            errors.iter().map(|error| not_toml(error.span(), error.message())).collect();
        if problems.is_empty() {
            match toml::Table::deserialize(toml::Deserializer::from(document)) {
                Ok(values) => {
                    let lines = Arc::new(Lines::in_text(text));
                    return Ok(Self { values, place: Place { key: String::new(), lines } });
                }
                Err(error) => problems.push(not_toml(error.span(), error.message())),
            }
        }
        problems.sort();
        problems.dedup();
        Err(problems)
    }

    /// As [`Place::problem`].
    pub fn problem(&self, key: &str, message: impl Into<String>) -> Problem {
        self.place.problem(key, message)
    }

    /// The named keys as a table of their own, and the rest.
    pub fn split(mut self, keys: &[&str]) -> (Self, Self) {
        let mut taken = toml::Table::new();
        for key in keys {
            taken.extend(self.values.remove_entry(*key));
        }
        (Self { values: taken, place: self.place.clone() }, self)
    }

    /// Takes a table of tables out: `[evidence.unit]` under `evidence`.
    pub fn take_tables(&mut self, key: &str, problems: &mut Vec<Problem>) -> Vec<(String, Self)> {
        match self.values.remove(key) {
            None => Vec::new(),
            Some(toml::Value::Table(tables)) => tables
                .into_iter()
                .filter_map(|(name, value)| {
                    let place = self.place.below(key).below(&name);
                    sub_table(value, place, problems).map(|table| (name, table))
                })
                .collect(),
            Some(other) => {
                let message = format!("`{key}` holds a {}, not tables", other.type_str());
                problems.push(self.problem(key, message));
                Vec::new()
            }
        }
    }

    /// Takes an array of tables out: `[[gate]]` under `gate`.
    pub fn take_array(&mut self, key: &str, problems: &mut Vec<Problem>) -> Vec<Self> {
        match self.values.remove(key) {
            None => Vec::new(),
            Some(toml::Value::Array(items)) => items
                .into_iter()
                .enumerate()
                .filter_map(|(index, value)| {
                    sub_table(value, self.place.below(&format!("{key}[{index}]")), problems)
                })
                .collect(),
            Some(other) => {
                let message = format!("`{key}` is a {}; write `[[{key}]]`", other.type_str());
                problems.push(self.problem(key, message));
                Vec::new()
            }
        }
    }

    /// Takes one table out: `[limits]`; an empty one where it is absent.
    #[must_use]
    pub fn take_table(&mut self, key: &str, problems: &mut Vec<Problem>) -> Self {
        let place = self.place.below(key);
        match self.values.remove(key) {
            Some(value) => sub_table(value, place.clone(), problems),
            None => None,
        }
        .unwrap_or_else(|| Self { values: toml::Table::new(), place })
    }

    /// Reads this table as `T`; `what` names it in messages, such as "gate `lint`". Every unknown key and every
    /// value of a wrong type becomes a problem; `None` where any was found.
    pub fn read<T: DeserializeOwned>(mut self, what: &str, problems: &mut Vec<Problem>) -> Option<T> {
        let before = problems.len();
        let known = field_names::<T>();
        let unknown: Vec<String> =
            self.values.keys().filter(|key| !known.contains(&key.as_str())).cloned().collect();
        for key in unknown {
            let mut problem = self.problem(&key, format!("unknown key `{}` in {what}", sanitize(&key, 60)));
            problem.hint = nearest(&key, known.iter().copied()).map(|name| format!("did you mean `{name}`?"));
            problems.push(problem);
            self.values.remove(&key);
        }
        let mut removed: Vec<String> = Vec::new();
        loop {
            match serde_path_to_error::deserialize::<_, T>(toml::Value::Table(self.values.clone())) {
                Ok(value) if problems.len() == before => return Some(value),
                Ok(_) => return None,
                Err(error) => {
                    let path = error.path().to_string();
                    let path = if path == "." { String::new() } else { path };
                    let message = sanitize(error.inner().message(), 200);
                    // What is missing only because it was taken out below is no problem of its own.
                    if removed.iter().any(|key| message == format!("missing field '{key}'")) {
                        return None;
                    }
                    let subject =
                        if path.is_empty() { what.to_owned() } else { format!("`{path}` of {what}") };
                    problems.push(self.problem(&path, format!("{subject}: {message}")));
                    let first = path.split(['.', '[']).next().unwrap_or("").to_owned();
                    if first.is_empty() || self.values.remove(&first).is_none() {
                        return None;
                    }
                    removed.push(first);
                }
            }
        }
    }
}

fn sub_table(value: toml::Value, place: Place, problems: &mut Vec<Problem>) -> Option<Table> {
    match value {
        toml::Value::Table(values) => Some(Table { values, place }),
        other => {
            let message = format!("`{}` is a {}, not a table", sanitize(&place.key, 80), other.type_str());
            problems.push(place.problem("", message));
            None
        }
    }
}

fn join(base: &str, key: &str) -> String {
    if base.is_empty() { key.to_owned() } else { format!("{base}.{key}") }
}

/// Where the lines of a text start but for the first.
struct Starts(Vec<usize>);

impl Starts {
    fn of(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(at, _)| at + 1).collect())
    }

    /// The line that this byte stands on, counted from 1.
    fn line_of(&self, offset: usize) -> u64 {
        self.0.partition_point(|start| *start <= offset) as u64 + 1
    }
}

fn lines_of(text: &str) -> BTreeMap<String, u64> {
    let mut lines = BTreeMap::new();
    let (document, _) = DeTable::parse_recoverable(text);
    index_table(document.get_ref(), &Starts::of(text), "", &mut lines);
    lines
}

fn index_table(table: &DeTable<'_>, starts: &Starts, base: &str, lines: &mut BTreeMap<String, u64>) {
    for (name, value) in table {
        let key = join(base, name.get_ref());
        index_value(value, starts, &key, lines);
        lines.insert(key, starts.line_of(name.span().start));
    }
}

fn index_value(value: &Spanned<DeValue<'_>>, starts: &Starts, key: &str, lines: &mut BTreeMap<String, u64>) {
    match value.get_ref() {
        DeValue::Table(table) => index_table(table, starts, key, lines),
        DeValue::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let key = format!("{key}[{index}]");
                index_value(item, starts, &key, lines);
                lines.insert(key, starts.line_of(item.span().start));
            }
        }
        _ => {}
    }
}

/// The field names a struct deserializes from. Serde hands them to the deserializer; this one only listens.
pub fn field_names<T: DeserializeOwned>() -> &'static [&'static str] {
    struct Listener<'a>(&'a mut &'static [&'static str]);

    impl<'de> Deserializer<'de> for Listener<'_> {
        type Error = ValueError;

        fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, ValueError> {
            Err(ValueError::custom("only listens"))
        }

        fn deserialize_struct<V: Visitor<'de>>(
            self,
            _: &'static str,
            fields: &'static [&'static str],
            _: V,
        ) -> Result<V::Value, ValueError> {
            *self.0 = fields;
            Err(ValueError::custom("only listens"))
        }

        serde::forward_to_deserialize_any! {
            bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
            unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
        }
    }

    let mut names: &'static [&'static str] = &[];
    let _ = T::deserialize(Listener(&mut names));
    names
}
