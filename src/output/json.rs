//! Our documents as JSON: pretty, stable key order, one line end at the end.

use serde::Serialize;

/// Any of our contracts as JSON text.
pub fn render<T: Serialize>(document: &T) -> String {
    // Our contracts are structs of strings, numbers and lists: serializing them cannot fail.
    let mut text = serde_json::to_string_pretty(document).unwrap_or_default();
    text.push('\n');
    text
}

/// Any of our rows as one line of NDJSON.
pub fn render_line<T: Serialize>(row: &T) -> String {
    // As above: serializing our contracts cannot fail.
    let mut text = serde_json::to_string(row).unwrap_or_default();
    text.push('\n');
    text
}
