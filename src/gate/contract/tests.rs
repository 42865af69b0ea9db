//! Each promise kept, missed and unseen; a miss names exactly what to do.

use super::*;
use crate::context::pull_facts::{LinkedIssue, Listed};
use crate::gate::evaluate::{EvidenceSet, Facts};
use crate::model::Outcome;

fn judge(settings: &str, pull: Option<PullFacts>) -> Vec<Blocker> {
    let settings: Settings = toml::from_str(settings).unwrap();
    assert_eq!(settings.problems(), []);
    let head = "a".repeat(40).parse().unwrap();
    let facts = Facts { pull, ..Facts::of_head(head, "2026-11-21T10:00:00Z".parse().unwrap()) };
    let all = EvidenceSet::new();
    let input = Input { evidence: Vec::new(), complete: true, implied: Vec::new(), all: &all, facts: &facts };
    settings.judge(&input).blockers
}

fn pull() -> PullFacts {
    PullFacts {
        title: Some("fix: the lexer".to_owned()),
        body: Some(String::new()),
        labels: Listed::all(Vec::new()),
        files: Listed::all(Vec::new()),
        linked_issues: Listed::all(Vec::new()),
        ..PullFacts::of_head("a".repeat(40).parse().unwrap())
    }
}

fn with_body(body: &str) -> PullFacts {
    PullFacts { body: Some(body.to_owned()), ..pull() }
}

fn file(path: &str, lines: Option<u64>) -> ChangedFile {
    ChangedFile {
        path: path.to_owned(),
        previous: None,
        status: "changed".to_owned(),
        additions: lines,
        deletions: lines.map(|_| 0),
    }
}

fn codes(blockers: &[Blocker]) -> Vec<Code> {
    blockers.iter().map(|blocker| blocker.code).collect()
}

const TEST_PLAN: &str = "[[sections]]\nheading = \"Test plan\"\nplaceholders = [\"What did you run?\"]\n";

#[test]
fn a_section_needs_words_of_its_own() {
    for (body, expected) in [
        ("## test plan:\r\nran the suite\r\n", None),
        ("## Test plan\n```sh\nmake test\n```\n", None),
        ("## Test plan\n### Unit\nran\n## Other\n", None),
        ("nothing", Some(Code::ContractSectionMissing)),
        ("```\n## Test plan\nran\n```\n", Some(Code::ContractSectionMissing)),
        ("<!--\n## Test plan\nran\n-->\n", Some(Code::ContractSectionMissing)),
        ("## Test plan\n## Other\nran\n", Some(Code::ContractSectionEmpty)),
        (
            "## Test plan\n<!-- What did you run? -->\nWhat did you run?\nTODO\n",
            Some(Code::ContractSectionEmpty),
        ),
    ] {
        let blockers = judge(TEST_PLAN, Some(with_body(body)));
        assert_eq!(codes(&blockers), expected.into_iter().collect::<Vec<_>>(), "{body}");
        if let Some(blocker) = blockers.first() {
            assert_eq!(blocker.section.as_deref(), Some("Test plan"));
        }
    }
}

#[test]
fn checkboxes_are_ticked_where_asked() {
    let rule = "[[sections]]\nheading = \"Checks\"\nticked = true\n";
    assert!(judge(rule, Some(with_body("# Checks\n- [x] a\n- [X] b\n"))).is_empty());
    for body in ["# Checks\n- [x] a\n- [ ] b\n", "# Checks\nall done\n", "# Checks\n```\n- [x] a\n```\n"] {
        assert_eq!(codes(&judge(rule, Some(with_body(body)))), [Code::ContractCheckboxOpen], "{body}");
    }
}

#[test]
fn a_section_may_stand_in_the_issue() {
    let rule = "[[sections]]\nheading = \"Plan\"\nin = \"issue\"\n";
    let issue = |body: &str| LinkedIssue {
        number: 4,
        open: true,
        title: String::new(),
        body: body.to_owned(),
        labels: Listed::default(),
        comments: Listed::default(),
    };
    let linked = |body: &str| Some(PullFacts { linked_issues: Listed::all(vec![issue(body)]), ..pull() });
    assert!(judge(rule, linked("# Plan\ndo it")).is_empty());
    assert_eq!(codes(&judge(rule, linked("# Other\ndo it"))), [Code::ContractSectionMissing]);
    let unread = PullFacts { linked_issues: Listed::default(), ..pull() };
    assert_eq!(codes(&judge(rule, Some(unread))), [Code::ContractUnseen]);
}

#[test]
fn labels_links_and_title() {
    let rule = "linked_issue = \"open\"\ntitle_pattern = \"^(fix|feat): \"\n[labels]\nrequire = [\"kind/*\"]\nforbid = [\"wip\"]\n";
    let issue = |open| LinkedIssue {
        number: 4,
        open,
        title: String::new(),
        body: String::new(),
        labels: Listed::default(),
        comments: Listed::default(),
    };
    let good = PullFacts {
        labels: Listed::all(vec!["kind/bug".to_owned()]),
        linked_issues: Listed::all(vec![issue(false), issue(true)]),
        ..pull()
    };
    assert!(judge(rule, Some(good.clone())).is_empty());
    let bad = PullFacts {
        title: Some("update".to_owned()),
        labels: Listed::all(vec!["wip".to_owned()]),
        linked_issues: Listed::all(vec![issue(false)]),
        ..good.clone()
    };
    let missed = [
        Code::ContractLabelForbidden,
        Code::ContractLabelMissing,
        Code::ContractIssueClosed,
        Code::ContractTitle,
    ];
    assert_eq!(codes(&judge(rule, Some(bad.clone()))), missed);
    let unlinked = PullFacts { linked_issues: Listed::all(Vec::new()), ..good };
    assert_eq!(codes(&judge(rule, Some(unlinked))), [Code::ContractIssueMissing]);
    // Half a list shows what is forbidden and not what is missing.
    let half = PullFacts {
        title: None,
        labels: Listed { complete: false, ..bad.labels.clone() },
        linked_issues: Listed::default(),
        ..bad
    };
    let unseen =
        [Code::ContractLabelForbidden, Code::ContractUnseen, Code::ContractUnseen, Code::ContractUnseen];
    assert_eq!(codes(&judge(rule, Some(half))), unseen);
}

#[test]
fn size_is_limited_and_unknown_size_is_unmeasured() {
    let rule = "max_files = 2\nmax_lines = 10\n";
    let of = |files: Vec<ChangedFile>, complete| {
        codes(&judge(rule, Some(PullFacts { files: Listed { complete, items: files }, ..pull() })))
    };
    assert_eq!(of(vec![file("a", Some(10)), file("b", Some(0))], true), []);
    assert_eq!(of(vec![file("a", Some(11))], true), [Code::ContractTooManyLines]);
    let three = || vec![file("a", Some(1)), file("b", Some(1)), file("c", Some(1))];
    assert_eq!(of(three(), true), [Code::ContractTooManyFiles]);
    assert_eq!(of(vec![file("a", None)], true), [Code::ContractUnseen]);
    assert_eq!(of(three(), false), [Code::ContractTooManyFiles, Code::ContractUnseen]);
}

#[test]
fn coupled_paths_change_together_on_either_side_of_a_rename() {
    let rule = "[[together]]\nwhen = [\"src/**\"]\nrequire = [\"docs/**\", \"CHANGELOG.md\"]\n";
    let of = |files: Vec<ChangedFile>| judge(rule, Some(PullFacts { files: Listed::all(files), ..pull() }));
    assert!(of(vec![file("README.md", None)]).is_empty());
    assert!(of(vec![file("src/a.rs", None), file("docs/a.txt", None)]).is_empty());
    let moved = ChangedFile { previous: Some("src/a.rs".to_owned()), ..file("lib/a.rs", None) };
    let blockers = of(vec![moved]);
    assert_eq!(codes(&blockers), [Code::ContractCompanionMissing]);
    assert_eq!(blockers[0].paths, ["src/a.rs"]);
}

#[test]
fn without_the_pull_request_nothing_is_measured() {
    let blockers = judge(TEST_PLAN, None);
    assert_eq!(blockers[0].code.info().outcome, Outcome::Unmeasured);
    let elsewhere = PullFacts { head: "b".repeat(40).parse().unwrap(), ..pull() };
    assert_eq!(codes(&judge(TEST_PLAN, Some(elsewhere))), [Code::ContractUnseen]);
}

#[test]
fn a_contract_that_asks_for_nothing_is_refused() {
    assert_eq!(Settings::default().problems().len(), 1);
    let bad: Settings = toml::from_str("title_pattern = \"(\"\n[labels]\nforbid = [\"[\"]\n").unwrap();
    assert_eq!(bad.problems().len(), 2);
}
