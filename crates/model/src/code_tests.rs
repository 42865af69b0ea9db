//! Tests of the table of codes: names, words, and that no code passes.
//! Beside `code.rs`, which is long because the table is.

use std::collections::BTreeSet;

use super::code::*;
use super::outcome::Outcome;

#[test]
fn codes_are_unique_dotted_and_found_by_name() {
    let names: BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(names.len(), Code::ALL.len());
    for code in Code::ALL {
        assert_eq!(Code::from_name(code.as_str()), Some(*code));
        assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        let (family, rest) = code.as_str().split_once('.').unwrap();
        assert!(FAMILIES.contains(&family), "{family}");
        assert!(rest.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{rest}");
    }
}

const FAMILIES: [&str; 13] = [
    "evidence",
    "tests",
    "findings",
    "coverage",
    "review",
    "contract",
    "status",
    "protected",
    "runtime",
    "judge",
    "policy",
    "head",
    "run",
];

#[test]
fn texts_are_fragments_without_a_full_stop() {
    for code in Code::ALL {
        for text in [code.info().meaning, code.info().remedy] {
            assert!(!text.ends_with('.') && text.starts_with(|c: char| c.is_lowercase()), "{text}");
        }
    }
}

#[test]
fn a_code_never_passes() {
    for code in Code::ALL {
        assert!(matches!(code.info().outcome, Outcome::Fail | Outcome::Unmeasured | Outcome::NeedsHuman));
    }
}

#[test]
fn action_and_owner_words_equal_their_serialized_form() {
    for code in Code::ALL {
        let info = code.info();
        assert_eq!(serde_json::to_value(info.owner).unwrap(), info.owner.as_str());
        assert_eq!(serde_json::to_value(info.action).unwrap(), info.action.as_str());
    }
}
