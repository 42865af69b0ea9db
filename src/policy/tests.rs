//! Policies that are wrong in many ways at once: every problem is found, each on its line.

use super::*;

fn problems(text: &str) -> Vec<String> {
    match Policy::read(text) {
        Ok((_, problems)) | Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn five_mistakes_are_five_problems_with_their_lines() {
    let found = problems(
        r#"version = 1

[evidence.unit]
artifact = "unit"
frmat = "junit"
max_age = "soon"

[evidence.lint]
artifact = 3

[[gate]]
id = "unit"
kind = "tests"
evidence = ["unti"]
enforce = "no"

[[waiver]]
code = "tests.nope"
reason = ""
expires = 2026-12-31
"#,
    );
    for words in [
        "line 5: unknown key `frmat` in evidence `unit`",
        "line 6: `max_age` of evidence `unit`",
        "line 9: `artifact` of evidence `lint`",
        "line 15: `enforce` of gate `unit`",
        "line 18: waiver 1 names `tests.nope`, which is no code",
        "line 19: waiver 1 has an empty reason",
    ] {
        assert!(found.iter().any(|line| line.starts_with(words)), "{words} not in {found:#?}");
    }
    assert_eq!(found.len(), 6, "{found:#?}");
}

#[test]
fn undeclared_evidence_names_the_nearest() {
    let text = "version = 1\n[evidence.unit]\nartifact = \"u\"\n[[gate]]\nid = \"g\"\nkind = \"tests\"\nevidence = [\"unti\"]\n";
    let (_, problems) = Policy::read(text).unwrap();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].hint.as_deref(), Some("did you mean `unit`?"));
    assert_eq!(problems[0].line, 7);
}

#[test]
fn the_version_is_asked_for() {
    assert_eq!(problems(""), ["`version` is missing"]);
    assert_eq!(problems("version = 2"), ["line 1: `version` is not 1, the only version there is"]);
}

#[test]
fn built_in_codes_are_not_waived() {
    let waiver = |code: &str| {
        format!("version = 1\n[[waiver]]\ncode = \"{code}\"\nreason = \"r\"\nexpires = 2026-01-01\n")
    };
    assert_eq!(problems(&waiver("policy.none")), ["line 3: `policy.none` cannot be waived"]);
    assert!(problems(&waiver("tests.flaky")).is_empty());
    let timed = waiver("tests.flaky").replace("2026-01-01", "2026-01-01T00:00:00Z");
    assert_eq!(problems(&timed), ["line 5: waiver 1: `expires` is not a day such as 2026-12-31"]);
}

#[test]
fn a_waiver_holds_through_its_last_day() {
    let (policy, _) = Policy::read(
        "version = 1\n[[waiver]]\ncode = \"tests.flaky\"\nreason = \"r\"\nexpires = 2026-11-21\n",
    )
    .unwrap();
    let waiver = &policy.waivers[0];
    assert!(waiver.holds("2026-11-21T23:59:59Z".parse().unwrap()));
    assert!(!waiver.holds("2026-11-22T00:00:00Z".parse().unwrap()));
}

#[test]
fn reserved_and_repeated_ids_are_refused() {
    let gate = |id: &str| format!("[[gate]]\nid = \"{id}\"\nkind = \"tests\"\n");
    let text = format!("version = 1\n{}{}{}", gate("policy"), gate("a"), gate("a"));
    assert_eq!(
        problems(&text),
        ["line 3: gate id `policy` is taken by a built-in gate", "line 9: two gates have the id `a`"]
    );
}

proptest::proptest! {
    #[test]
    fn any_text_is_a_policy_or_has_problems(text in r#"[\[\]{}a-z="0-9\n. ]{0,200}"#) {
        let _ = Policy::read(&text);
    }
}
