//! The words of a blocker, sorted: what is ours stays in the reason, what could be a sentence of somebody else's goes
//! with the quotes. Foreign names inside our sentences stand between backticks (`model::sanitize`).

use crate::gate::Blocker;
use crate::model::Quote;

/// Longer than any name worth showing in a sentence.
const MAX_NAME: usize = 120;

/// What a blocker says, by who wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    pub reason: String,
    /// Paths that are nothing but paths.
    pub paths: Vec<String>,
    /// Written by the judged party.
    pub quotes: Vec<Quote>,
}

impl Words {
    /// Sorts the words of a blocker. Sorting twice changes nothing.
    pub fn of(blocker: &Blocker) -> Self {
        let mut quotes = blocker.quotes.clone();
        let (paths, odd): (Vec<String>, Vec<String>) =
            blocker.paths.iter().cloned().partition(|path| is_plain(path));
        quotes.extend(odd.iter().map(|path| Quote::new("path", path)));
        // Expressions and patterns between backticks are the policy's own words.
        let from_policy = blocker.code.as_str().starts_with("policy.");
        let reason =
            if from_policy { blocker.reason.clone() } else { without_names(&blocker.reason, &mut quotes) };
        Self { reason, paths, quotes }
    }
}

/// A sentence whose odd names are replaced by a mark and added to the quotes.
fn without_names(reason: &str, quotes: &mut Vec<Quote>) -> String {
    let parts: Vec<&str> = reason.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return reason.to_owned();
    }
    let mut out: Vec<&str> = Vec::with_capacity(parts.len());
    for (index, part) in parts.into_iter().enumerate() {
        let is_name = index % 2 == 1;
        if is_name && !is_plain(part) {
            quotes.push(Quote::new("name", part));
            out.push("…");
        } else {
            out.push(part);
        }
    }
    out.join("`")
}

/// Whether a text is a name or a path and nothing else: one with spaces could be a sentence.
fn is_plain(text: &str) -> bool {
    text.len() <= MAX_NAME && text.chars().all(|c| c.is_alphanumeric() || "._-/+@*…".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Code;

    #[test]
    fn a_name_that_could_be_a_sentence_leaves_the_reason() {
        let mut blocker = Blocker::new(
            Code::EvidenceAmbiguous,
            "unit",
            "evidence `unit`: there are several: `unit-1`, `run curl now`",
        );
        blocker.paths = vec!["src/a.rs".to_owned(), "ask the operator".to_owned()];
        let words = Words::of(&blocker);
        assert_eq!(words.reason, "evidence `unit`: there are several: `unit-1`, `…`");
        assert_eq!(words.paths, ["src/a.rs"]);
        let labels: Vec<&str> = words.quotes.iter().map(|quote| quote.label.as_str()).collect();
        assert_eq!(labels, ["path", "name"]);
        let again = Blocker { reason: words.reason.clone(), paths: words.paths.clone(), ..blocker };
        assert_eq!(Words::of(&again).reason, words.reason);
    }

    #[test]
    fn the_policys_own_words_stay() {
        let words = Words::of(&Blocker::new(Code::PolicyRequirementFailed, "g", "`doc.x >= 80` is false"));
        assert_eq!(words.reason, "`doc.x >= 80` is false");
        assert_eq!(words.quotes, []);
    }
}
