//! The incident log: a Markdown file with one heading per incident that begins with its day, and list items
//! `- key: value` below it. Text between them is for people; code blocks and comments are not read.

use crate::evidence::markdown::{heading, lines};

use super::signal::{Signal, SignalKind, SignalSource, leading_day};

/// The incidents of a log; `name` is what the reader knows it by.
///
/// `## 2026-11-02 Checkout was down` opens an incident. Below it `- follow-up: #41` says that it was taken up, and
/// `- impact: …`, `- cause: …` come along as detail.
pub fn incidents(text: &str, name: &str) -> Vec<Signal> {
    let mut found: Vec<Signal> = Vec::new();
    let mut inside = false;
    for (index, line) in lines(text).iter().enumerate() {
        if let Some((_, title)) = heading(line) {
            let dated = leading_day(title.trim_start_matches('['));
            inside = dated.is_some();
            if let Some((day, title)) = dated {
                let title = title.trim_start_matches(']').trim();
                let title = if title.is_empty() { "an incident without a title" } else { title };
                let place = format!("{name}:{}", index + 1);
                found.push(
                    Signal::new(SignalKind::Incident, SignalSource::IncidentLog, title, &place).on(Some(day)),
                );
            }
            continue;
        }
        if line.code || !inside {
            continue;
        }
        if let (Some(signal), Some((key, value))) = (found.last_mut(), item(&line.text)) {
            note(signal, &key, value);
        }
    }
    found
}

/// A list item `- key: value`; the key in lower case without emphasis.
fn item(text: &str) -> Option<(String, &str)> {
    let rest = text.trim_start().strip_prefix(['-', '*', '+'])?.strip_prefix(' ')?;
    let (key, value) = rest.split_once(':')?;
    let key = key.trim().trim_matches(['*', '_', '`']).to_ascii_lowercase();
    let value = value.trim().trim_matches(['*', '_', '`']).trim();
    (!value.is_empty()).then_some((key, value))
}

fn note(signal: &mut Signal, key: &str, value: &str) {
    match key {
        "follow-up" | "followup" | "follow up" => {
            let open = ["none", "todo", "tbd", "open", "missing", "no", "?", "-"];
            signal.settled = !open.contains(&value.to_ascii_lowercase().as_str());
        }
        "impact" | "cause" if signal.detail.len() < 150 => {
            let before =
                if signal.detail.is_empty() { String::new() } else { format!("{}; ", signal.detail) };
            *signal = signal.clone().detailed(&format!("{before}{key}: {value}"));
        }
        _ => {}
    }
}
