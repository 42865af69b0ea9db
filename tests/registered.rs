//! Law 5: a gate kind, a format, a code or a contract that was added is also documented, exampled and tried.
//! What a case shows is read from its expected report, not from what the case claims.

use std::collections::BTreeSet;

use patchwarden::evidence::Format;
use patchwarden::gate::GateKind;
use patchwarden::model::Code;
use serde_json::Value;

use crate::case_runner::expected_reports;
use crate::support::{here, source_files};

/// Codes that no offline judgement can give: what they need is only known to a forge.
const ONLY_WITH_A_FORGE: [Code; 6] = [
    Code::EvidenceUnavailable,
    Code::EvidenceUnfinished,
    Code::EvidenceExpired,
    Code::EvidenceSuperseded,
    Code::EvidenceProducerFailed,
    Code::EvidenceProducerUnknown,
];

/// Pages that messages name already and that come with a later feature; taken off the list once they are there.
const PROMISED_PAGES: [&str; 0] = [];

fn page_exists(path: &str) {
    let text = std::fs::read_to_string(here(path)).unwrap_or_default();
    assert!(
        text.len() > 200,
        "`{path}` is missing or says nothing: every one that is registered has its page"
    );
}

#[test]
fn every_gate_kind_has_its_page_and_a_pass_a_refusal_and_an_unmeasured_case() {
    let reports = expected_reports();
    let gates = reports.iter().flat_map(|(_, report)| report["gates"].as_array().unwrap());
    let shown: BTreeSet<(String, String)> = gates
        .map(|gate| (gate["kind"].as_str().unwrap().to_owned(), gate["outcome"].as_str().unwrap().to_owned()))
        .collect();
    for kind in GateKind::ALL {
        page_exists(&format!("docs/gates/{}.md", kind.as_str()));
        // A protected path is no mistake: its change is a person's to read, and no other outcome is there.
        let refused = if *kind == GateKind::ProtectedPaths { "needs_human" } else { "fail" };
        for outcome in ["pass", refused, "unmeasured"] {
            assert!(
                shown.contains(&(kind.as_str().to_owned(), outcome.to_owned())),
                "no case shows a gate of kind `{}` with outcome `{outcome}`: add one to tests/cases",
                kind.as_str()
            );
        }
    }
}

#[test]
fn every_format_has_its_page_and_a_case_that_reads_it() {
    let reports = expected_reports();
    let evidence = reports.iter().flat_map(|(_, report)| report["evidence"].as_array().unwrap());
    let read: BTreeSet<&str> = evidence
        .filter(|evidence| evidence["state"] == "present")
        .filter_map(|evidence| evidence["format"].as_str())
        .collect();
    for format in Format::ALL {
        page_exists(&format!("docs/evidence/{}.md", format.as_str()));
        assert!(read.contains(format.as_str()), "no case reads evidence of format `{}`", format.as_str());
    }
}

#[test]
fn every_code_is_given_by_a_case() {
    let reports = expected_reports();
    let mut given: BTreeSet<&str> = BTreeSet::new();
    for (_, report) in &reports {
        collect_codes(report, &mut given);
    }
    for code in Code::ALL {
        let excused = ONLY_WITH_A_FORGE.contains(code) || !offline(*code);
        assert!(
            excused || given.contains(code.as_str()),
            "no case gives the code `{}`: add one to tests/cases",
            code.as_str()
        );
    }
    for code in ONLY_WITH_A_FORGE {
        assert!(
            !given.contains(code.as_str()),
            "`{}` is given by a case: take it off the list",
            code.as_str()
        );
    }
}

/// Families that need a forge: the fake forge's cases show them.
fn offline(code: Code) -> bool {
    let families = [
        "evidence.",
        "tests.",
        "findings.",
        "coverage.",
        "status.",
        "policy.",
        "review.",
        "contract.",
        "judge.",
        "runtime.",
    ];
    families.iter().any(|family| code.as_str().starts_with(family))
}

fn collect_codes<'a>(value: &'a Value, given: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(map) => {
            given.extend(map.get("code").and_then(Value::as_str));
            map.values().for_each(|value| collect_codes(value, given));
        }
        Value::Array(list) => list.iter().for_each(|value| collect_codes(value, given)),
        _ => {}
    }
}

#[test]
fn every_page_that_a_message_or_comment_names_is_there() {
    for path in source_files() {
        let text = std::fs::read_to_string(&path).unwrap();
        // Test modules stand last in a file and may name pages of their own making.
        let text = text.split("#[cfg(test)]\nmod ").next().unwrap();
        for (at, _) in text.match_indices("docs/") {
            let named: String =
                text[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || "/_.-".contains(*c)).collect();
            let named = named.trim_end_matches('.');
            assert!(
                !named.contains(".md") || here(named).is_file() != PROMISED_PAGES.contains(&named),
                "{} names `{named}`, which is not there (or is, and still on the list of promised pages)",
                path.display()
            );
        }
    }
}
