//! A follow-up candidate: what an issue would say. Everything from outside stands in code spans, so that it can
//! neither mention anybody nor link, nor look like the marker that recognises the issue later.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Digest, count, sanitize};

use super::signal::{Signal, SignalKind, SignalSource};

/// Signals that a body lists before the rest is counted.
const LISTED: usize = 20;

/// Something that may become work. It is a proposal: nothing is opened, assigned or decided by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Candidate {
    pub kind: SignalKind,
    pub source: SignalSource,
    pub title: String,
    /// Markdown, with the marker in its last line.
    pub body: String,
    pub labels: Vec<String>,
    /// The same thing seen again has the same key.
    pub dedupe_key: Digest,
    /// Which threshold was reached, with what was seen.
    pub why: String,
}

/// The line that recognises an issue of this key.
pub fn marker(key: &Digest) -> String {
    format!("<!-- patchwarden:feedback {} -->", key.hex())
}

impl Candidate {
    /// From the signals of one group, which are not empty; `threshold` is what they reached.
    pub fn of(signals: &[&Signal], threshold: u64, labels: &[String]) -> Option<Self> {
        let first = signals.first()?;
        let (source, kind, words) = first.group();
        let dedupe_key = Digest::of_parts(&["feedback", source.threshold_key(), kind.as_str(), &words]);
        let seen = signals.len() as u64;
        let why = format!("`{}`: seen {seen}, threshold {threshold}", source.threshold_key());
        let mut labels = labels.to_vec();
        labels.push(kind.as_str().to_owned());
        labels.dedup();
        let body = body(signals, &why, &dedupe_key);
        let title = sanitize(&format!("{}: {}", kind.as_str(), first.subject), 160);
        Some(Self { kind, source, title, body, labels, dedupe_key, why })
    }
}

fn body(signals: &[&Signal], why: &str, key: &Digest) -> String {
    let mut body = format!("Proposed by `patchwarden feedback-intake-check` ({why}).\n\n");
    for signal in signals.iter().take(LISTED) {
        let _ = write!(body, "- {} {}", signal.day.as_deref().unwrap_or("(no day)"), span(&signal.place));
        let words = if signal.detail.is_empty() { &signal.subject } else { &signal.detail };
        let _ = writeln!(body, ": {}", span(words));
    }
    if signals.len() > LISTED {
        let _ = writeln!(body, "- … and {}", count((signals.len() - LISTED) as u64, "other"));
    }
    let _ = write!(body, "\nClose it with what became of it.\n\n{}\n", marker(key));
    body
}

/// A code span nothing inside can end.
fn span(text: &str) -> String {
    format!("`{}`", text.replace('`', "'"))
}
