//! Operator notes: list items of a Markdown file that begin with the kind of signal they are.

use crate::evidence::markdown::{checkbox, lines};

use super::signal::{Signal, SignalKind, SignalSource, leading_day};

/// The notes of a file: `- friction: agents rerun lint by hand`, with a day before the kind where one is known, and a
/// ticked box before both where somebody took it up. `name` is what the reader knows the file by.
pub fn notes(text: &str, name: &str) -> Vec<Signal> {
    let mut found = Vec::new();
    for (index, line) in lines(text).iter().enumerate() {
        if line.code {
            continue;
        }
        let Some(rest) = item(&line.text) else { continue };
        let (day, rest) = match leading_day(rest) {
            Some((day, rest)) => (Some(day), rest),
            None => (None, rest),
        };
        let Some((kind, words)) = rest.split_once(':') else { continue };
        let Some(kind) = SignalKind::from_word(kind.trim().trim_matches(['*', '_', '`'])) else { continue };
        let words = words.trim().trim_matches('*').trim();
        if words.is_empty() {
            continue;
        }
        let place = format!("{name}:{}", index + 1);
        let note = Signal::new(kind, SignalSource::OperatorNote, words, &place).on(day);
        found.push(note.settled(checkbox(line) == Some(true)));
    }
    found
}

/// What a list item says, without its bullet and its box.
fn item(text: &str) -> Option<&str> {
    let rest = text.trim_start().strip_prefix(['-', '*', '+'])?.strip_prefix(' ')?.trim_start();
    let boxes = ["[ ]", "[x]", "[X]"];
    Some(boxes.iter().find_map(|mark| rest.strip_prefix(mark)).unwrap_or(rest).trim_start())
}
