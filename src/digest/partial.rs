//! A partial: the rows of some repositories over one window, and how partials become one.
//! Rows are a set, so joining is associative, commutative and idempotent by itself.

use std::collections::BTreeSet;
use std::io::BufRead;

use serde::{Deserialize, Serialize};

use super::row::Row;
use super::week::Window;
use crate::model::sanitize;

/// What the first line of a partial calls itself.
const SCHEMA: &str = "patchwarden.evidence_rows.v1";
/// No line is longer: a rule with a million findings in one run.
const MAX_LINE: u64 = 64 * 1024 * 1024;

/// The rows of a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partial {
    pub window: Window,
    pub rows: BTreeSet<Row>,
}

/// Why partials cannot be read or joined.
#[derive(Debug, thiserror::Error)]
pub enum PartialError {
    #[error("one covers `{}` to `{}`, another `{}` to `{}`", one.since, one.until, other.since, other.until)]
    Windows { one: Window, other: Window },
    #[error("line {line}: {reason}")]
    Line { line: usize, reason: String },
    #[error("the first line does not say which window the rows are of")]
    NoHeader,
    #[error("reading failed")]
    Io(#[from] std::io::Error),
}

#[derive(Serialize, Deserialize)]
struct Header {
    /// Tells it from the rows below for whoever reads the file as one table.
    row: String,
    schema: String,
    #[serde(flatten)]
    window: Window,
}

impl Partial {
    /// Nothing read yet.
    pub fn new(window: Window) -> Self {
        Self { window, rows: BTreeSet::new() }
    }

    /// Both as one.
    ///
    /// # Errors
    /// [`PartialError::Windows`] where they are about different times.
    pub fn merge(mut self, other: Self) -> Result<Self, PartialError> {
        if self.window != other.window {
            return Err(PartialError::Windows { one: self.window, other: other.window });
        }
        self.rows.extend(other.rows);
        Ok(self)
    }

    /// As NDJSON: the window first, then the rows in their order.
    pub fn to_ndjson(&self) -> String {
        let header = Header { row: "window".to_owned(), schema: SCHEMA.to_owned(), window: self.window };
        let mut out = crate::output::json_line(&header);
        for row in &self.rows {
            out.push_str(&crate::output::json_line(row));
        }
        out
    }

    /// Reads what [`Self::to_ndjson`] wrote.
    ///
    /// # Errors
    /// [`PartialError`]: not such a file, or a line that is no row. Nothing is dropped silently.
    pub fn read(mut from: impl BufRead) -> Result<Self, PartialError> {
        let mut partial: Option<Self> = None;
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let read = std::io::Read::take(&mut from, MAX_LINE).read_until(b'\n', &mut line)?;
            if read == 0 {
                break;
            }
            let refused = |reason: &dyn std::fmt::Display| PartialError::Line {
                line: number,
                reason: sanitize(&reason.to_string(), 160),
            };
            match &mut partial {
                None => {
                    let header: Header = serde_json::from_slice(&line).map_err(|_| PartialError::NoHeader)?;
                    if header.schema != SCHEMA {
                        return Err(PartialError::NoHeader);
                    }
                    let window = Window::new(header.window.since, header.window.until);
                    partial = Some(Self::new(window.map_err(|error| refused(&error))?));
                }
                Some(partial) => {
                    let row: Row = serde_json::from_slice(&line).map_err(|error| refused(&error))?;
                    partial.rows.insert(row);
                }
            }
        }
        partial.ok_or(PartialError::NoHeader)
    }
}
