//! Reference pages whose tables are made from the code: the block between the two marks is generated, the rest is prose.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use patchwarden::evidence::Limits;
use patchwarden::model::Code;

use crate::support::here;
use crate::support::snapshot::{UPDATE, compare};

const BEGIN: &str = "<!-- generated from the code, do not edit: begin -->\n";
const END: &str = "<!-- generated from the code, do not edit: end -->\n";

/// Compares the generated block of a page, or writes it anew.
fn assert_page(path: &str, generated: &str) {
    let page = std::fs::read_to_string(here(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let (before, rest) = page.split_once(BEGIN).unwrap_or_else(|| panic!("{path} lacks `{}`", BEGIN.trim()));
    let (_, after) = rest.split_once(END).unwrap_or_else(|| panic!("{path} lacks `{}`", END.trim()));
    let fresh = format!("{before}{BEGIN}\n{generated}\n{END}{after}");
    if let Err(difference) = compare(&here(path), Some(&fresh)) {
        panic!("{difference}\nregenerate with: {UPDATE} reference_docs");
    }
}

#[test]
fn codes_page() {
    let mut families: BTreeMap<&str, Vec<Code>> = BTreeMap::new();
    for code in Code::ALL {
        families.entry(code.as_str().split('.').next().unwrap()).or_default().push(*code);
    }
    let mut out = String::new();
    for (family, codes) in families {
        let _ = writeln!(out, "## `{family}.*`\n");
        for code in codes {
            let info = code.info();
            let waivable = if code.waivable() { "may be waived" } else { "cannot be waived" };
            let _ = writeln!(
                out,
                "### `{}`\n\nOutcome `{}`, owner `{}`, action `{}`, {waivable}.\n\n- means: {}\n- ends when: {}\n",
                info.name,
                info.outcome.as_str(),
                info.owner.as_str(),
                info.action.as_str(),
                info.meaning,
                info.remedy
            );
        }
    }
    assert_page("docs/reference/codes.md", out.trim_end());
}

#[test]
fn limits_page() {
    let schema = schemars::schema_for!(Limits);
    let properties = schema.get("properties").unwrap().as_object().unwrap();
    let defaults = serde_json::to_value(Limits::default()).unwrap();
    let mut out = "| limit | bound | what it bounds |\n|---|---|---|\n".to_owned();
    for (name, property) in properties {
        let meaning = property["description"].as_str().unwrap().replace('\n', " ");
        let _ = writeln!(out, "| `{name}` | {} | {meaning} |", grouped(defaults[name].as_u64().unwrap()));
    }
    assert_page("docs/reference/limits.md", out.trim_end());
}

/// A number with its thousands apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[test]
fn exit_codes_page() {
    let mut codes: BTreeMap<u8, String> = BTreeMap::new();
    for file in ["src/error.rs", "src/verdict.rs"] {
        let text = std::fs::read_to_string(here(file)).unwrap();
        for (number, meaning) in exit_constants(&text) {
            let before = codes.insert(number, meaning);
            assert_eq!(before, None, "exit code {number} has two meanings");
        }
    }
    let numbers: Vec<u8> = codes.keys().copied().collect();
    assert!([0, 1, 2, 3, 4, 5, 10, 11, 12].iter().all(|number| numbers.contains(number)), "{numbers:?}");
    let mut out = "| exit | meaning |\n|---|---|\n".to_owned();
    for (number, meaning) in codes {
        let _ = writeln!(out, "| {number} | {meaning} |");
    }
    assert_page("docs/reference/exit-codes.md", out.trim_end());
}

/// Each `pub const EXIT_…: u8 = N;` with the doc comment above it.
fn exit_constants(text: &str) -> Vec<(u8, String)> {
    let mut found = Vec::new();
    let mut comment = Vec::new();
    for line in text.lines() {
        if let Some(words) = line.strip_prefix("/// ") {
            comment.push(words);
            continue;
        }
        if let Some(rest) = line.strip_prefix("pub const EXIT_") {
            let number = rest.split("= ").nth(1).and_then(|rest| rest.trim_end_matches(';').parse().ok());
            let words = comment.join(" ");
            assert!(!words.is_empty(), "`{line}` has no doc comment");
            found.push((number.expect("an exit code is a number"), words.trim_end_matches('.').to_owned()));
        }
        comment.clear();
    }
    found
}

#[test]
fn exit_constants_are_read_with_their_words() {
    let text = "/// The policy\n/// is bad.\npub const EXIT_POLICY: u8 = 3;\n/// other\nconst X: u8 = 1;\n";
    assert_eq!(exit_constants(text), [(3, "The policy is bad".to_owned())]);
}
