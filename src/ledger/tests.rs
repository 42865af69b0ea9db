//! The rules of a ledger, edits that leave the rest of the file alone, and imports that add nothing twice.

use proptest::prelude::*;

use super::*;
use crate::policy::Problem;

const LEDGER: &str = r#"# hand-written
version = 1

# the worst one first
[[gap]]
id = "PW-G001"           # keep
title = "no alert when a token expires"
area = "observability"
status = "open"          # since the audit
severity = "high"
source = "audit"
evidence = [
    "docs/hardening.md", # section 2
]
owner = "operator"
next_action = "say so in doctor"
opened = 2026-11-01
updated = 2026-11-01

# a closed one
[[gap]]
id = "PW-G002"
title = "summary hides waivers"
area = "gates"
status = "done"
severity = "low"
source = "review"
owner = "operator"
opened = 2026-10-01
updated = 2026-10-09
closed = 2026-10-09
closed_by = "pull request 12"
# the end
"#;

fn messages(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

fn problems_of(text: &str) -> Vec<String> {
    messages(&read(text).unwrap_err())
}

fn addition(title: &str) -> Addition {
    Addition {
        title: title.to_owned(),
        area: "gates".to_owned(),
        status: Status::Open,
        severity: Severity::Medium,
        source: Source::RedTeam,
        evidence: vec!["tests/cases".to_owned()],
        owner: "operator".to_owned(),
        next_action: "look".to_owned(),
        fingerprint: None,
    }
}

fn status(status: Status) -> Change {
    Change { status: Some(status), ..Change::default() }
}

#[test]
fn a_sound_ledger_is_read_in_its_order() {
    let ledger = read(LEDGER).unwrap();
    let ids: Vec<&str> = ledger.gaps.iter().map(|gap| gap.id.as_str()).collect();
    assert_eq!(ids, ["PW-G001", "PW-G002"]);
    assert_eq!(ledger.updated(), Some("2026-11-01"));
    assert_eq!(ledger.gaps[0].evidence, ["docs/hardening.md"]);
}

#[test]
fn an_added_gap_leaves_every_other_byte() {
    let (after, ids) = add(Some(LEDGER), &[addition("new")], "2026-11-21").unwrap();
    assert_eq!(ids, ["PW-G003"]);
    let rest = LEDGER.trim_end().strip_suffix("# the end").unwrap().trim_end();
    assert!(after.starts_with(rest), "{after}");
    assert!(after.contains("# the end") && after.contains("opened = 2026-11-21"), "{after}");
    assert_eq!(read(&after).unwrap().gaps[2].title, "new");
}

#[test]
fn the_first_gap_makes_the_file() {
    let (text, ids) = add(None, &[addition("first")], "2026-11-21").unwrap();
    assert_eq!(ids, ["PW-G001"]);
    assert!(text.starts_with("# What is still missing."));
}

#[test]
fn a_change_keeps_comments_and_order() {
    let after = set(LEDGER, "PW-G001", &status(Status::InProgress), "2026-11-21").unwrap();
    let expected = LEDGER
        .replace("status = \"open\"          #", "status = \"in_progress\"          #")
        .replacen("updated = 2026-11-01", "updated = 2026-11-21", 1);
    assert_eq!(after, expected);
}

#[test]
fn a_change_to_what_already_is_changes_nothing() {
    assert_eq!(set(LEDGER, "PW-G001", &status(Status::Open), "2026-11-21").unwrap(), LEDGER);
    let link = Change { evidence: vec!["docs/hardening.md".to_owned()], ..Change::default() };
    assert_eq!(set(LEDGER, "PW-G001", &link, "2026-11-21").unwrap(), LEDGER);
}

#[test]
fn closing_names_what_closed_it_and_opening_again_forgets_it() {
    let refused = set(LEDGER, "PW-G001", &status(Status::Done), "2026-11-21").unwrap_err();
    assert_eq!(refused, EditError::ClosedBy("done"));
    let change = Change { closed_by: Some("commit 1f3c9ab".to_owned()), ..status(Status::Done) };
    let closed = set(LEDGER, "PW-G001", &change, "2026-11-21").unwrap();
    let gap = read(&closed).unwrap().gaps.remove(0);
    assert_eq!(
        (gap.closed.as_deref(), gap.closed_by.as_deref()),
        (Some("2026-11-21"), Some("commit 1f3c9ab"))
    );
    let opened = set(&closed, "PW-G001", &status(Status::Open), "2026-11-22").unwrap();
    let gap = read(&opened).unwrap().gaps.remove(0);
    assert_eq!((gap.status, gap.closed, gap.closed_by), (Status::Open, None, None));
}

#[test]
fn a_closed_gap_only_opens_again() {
    let refused = set(LEDGER, "PW-G002", &status(Status::InProgress), "2026-11-21").unwrap_err();
    assert!(matches!(refused, EditError::Transition { from: "done", to: "in_progress", .. }), "{refused}");
    for from in Status::ALL {
        for to in Status::ALL {
            let allowed = from == to || !from.is_closed() || *to == Status::Open;
            assert_eq!(from.may_become(*to), allowed, "{from:?} {to:?}");
        }
    }
}

#[test]
fn an_unknown_gap_is_refused() {
    assert_eq!(
        set(LEDGER, "PW-G009", &status(Status::Next), "2026-11-21").unwrap_err(),
        EditError::NoGap("PW-G009".to_owned())
    );
}

#[test]
fn every_problem_is_told_at_once_with_its_line() {
    let text = LEDGER
        .replace("severity = \"high\"", "severity = \"huge\"")
        .replace("closed_by = \"pull request 12\"\n", "")
        .replace("owner = \"operator\"\nopened", "owner = \"\"\nopened");
    let problems = problems_of(&text);
    assert_eq!(problems.len(), 3, "{problems:#?}");
    assert!(
        problems[0].starts_with("line 10: `severity` of gap `PW-G001`: unknown variant 'huge'"),
        "{}",
        problems[0]
    );
    assert!(problems.iter().any(|p| p == "line 28: `owner` of gap `PW-G002` is empty"), "{problems:#?}");
    assert!(problems.iter().any(|p| p.contains("names nothing in `closed_by` that closed it")));
}

#[test]
fn each_rule_of_one_gap_is_held() {
    for (from, to, message) in [
        ("next_action = \"say so in doctor\"", "next_action = \" \"", "is `open` and has no `next_action`"),
        (
            "updated = 2026-11-01",
            "updated = 2026-10-01",
            "was updated 2026-10-01, before it was opened 2026-11-01",
        ),
        ("updated = 2026-11-01", "updated = 2026-11-01T10:00:00Z", "is not a day such as 2026-11-21"),
        (
            "closed = 2026-10-09",
            "closed = 2026-09-09",
            "was closed 2026-09-09, before it was opened 2026-10-01",
        ),
        ("closed = 2026-10-09\n", "", "is `done` and has no `closed` day"),
        ("status = \"done\"", "status = \"next\"", "is `next` and has `closed`, which only a closed gap has"),
        ("area = \"gates\"\n", "", "missing field 'area'"),
        ("area = \"gates\"", "aera = \"gates\"", "unknown key `aera`"),
        ("version = 1", "version = 2", "`version` is not 1"),
        ("id = \"PW-G002\"", "id = \"PW-G2\"", "`PW-G2` is no id"),
        ("id = \"PW-G002\"", "id = \"PW-G004\"", "no gap has the id `PW-G002` to `PW-G003`"),
    ] {
        let text = LEDGER.replacen(from, to, 1);
        assert_ne!(text, LEDGER, "{from}");
        let problems = problems_of(&text);
        assert!(problems.iter().any(|problem| problem.contains(message)), "{message}: {problems:#?}");
    }
}

/// Two branches that each added a gap, joined as a person would join them.
fn joined() -> (String, String, Ledger) {
    let (theirs, _) = add(Some(LEDGER), &[addition("theirs")], "2026-11-20").unwrap();
    let (both, _) = add(Some(&theirs), &[addition("ours")], "2026-11-21").unwrap();
    (theirs, both.replace("PW-G004", "PW-G003"), read(LEDGER).unwrap())
}

#[test]
fn two_concurrent_adds_are_told_and_renumber_mends_them() {
    let (theirs, both, base) = joined();
    let problems = read(&both).unwrap_err();
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0].message.starts_with("two gaps have the id `PW-G003`: `theirs` on line "),
        "{}",
        problems[0]
    );
    assert!(problems[0].hint.as_ref().unwrap().contains("patchwarden gaps renumber --onto"));
    let (mended, renumbered) = renumber(&both, &theirs, Some(&base)).unwrap();
    let told: Vec<_> =
        renumbered.iter().map(|one| (one.from.as_str(), one.to.as_str(), one.title.as_str())).collect();
    assert_eq!(told, [("PW-G003", "PW-G004", "ours")]);
    let ledger = read(&mended).unwrap();
    assert_eq!(ledger.gap("PW-G003").unwrap().title, "theirs");
    assert_eq!(ledger.gap("PW-G004").unwrap().title, "ours");
    assert_eq!(
        renumber(&mended, &theirs, Some(&base)).unwrap(),
        (mended.clone(), Vec::new()),
        "twice changes nothing"
    );
}

#[test]
fn renumber_before_the_merge_takes_theirs_over_and_keeps_our_edits() {
    let (theirs, _, base) = joined();
    let theirs = theirs.replace("summary hides waivers", "the summary hides waivers");
    let (ours, _) = add(Some(LEDGER), &[addition("ours")], "2026-11-21").unwrap();
    let edited = ours.replace("no alert when a token expires", "no warning before a token expires");
    let (mended, renumbered) = renumber(&edited, &theirs, Some(&base)).unwrap();
    assert_eq!(renumbered.len(), 1);
    let ledger = read(&mended).unwrap();
    let titles: Vec<&str> = ledger.gaps.iter().map(|gap| gap.title.as_str()).collect();
    assert_eq!(titles, ["no warning before a token expires", "the summary hides waivers", "theirs", "ours"]);
    assert!(
        mended.contains("id = \"PW-G001\"           # keep") && mended.contains("# a closed one"),
        "{mended}"
    );
    assert_eq!(renumber(&mended, &theirs, Some(&base)).unwrap().0, mended, "twice changes nothing");
}

#[test]
fn what_git_makes_of_two_adds_is_told_clearly() {
    let marked =
        LEDGER.replace("title = \"no", "<<<<<<< HEAD\ntitle = \"x\"\n=======\n>>>>>>> main\ntitle = \"no");
    assert_eq!(
        problems_of(&marked),
        ["line 7: two branches changed the ledger, and git left its conflict marks"]
    );
    let folded = LEDGER.replace("title = \"no", "title = \"x\"\ntitle = \"no");
    let problems = read(&folded).unwrap_err();
    assert!(problems[0].to_string().contains("git folded them into one"), "{}", problems[0]);
    assert!(problems[0].hint.as_ref().unwrap().contains("renumber --onto"));
}

#[test]
fn an_id_that_vanished_or_changed_hands_is_found_against_the_base() {
    let before = read(LEDGER).unwrap();
    let cut = LEDGER.split("# a closed one").next().unwrap();
    let gone = against(&before, &read(cut).unwrap(), None);
    assert_eq!(messages(&gone), ["gap `PW-G002` (`summary hides waivers`) is gone: ids are never reused"]);
    let (reused, _) = add(Some(cut), &[addition("another")], "2026-11-21").unwrap();
    let found = messages(&against(&before, &read(&reused).unwrap(), None));
    assert!(found[0].contains("an id is never reused"), "{found:?}");
    let turned = LEDGER.replace("status = \"done\"", "status = \"declined\"");
    let found = messages(&against(&before, &read(&turned).unwrap(), None));
    assert_eq!(found, ["line 21: gap `PW-G002` went from `done` to `declined`"]);
    assert_eq!(against(&before, &before, None), []);
}

#[test]
fn an_id_that_two_branches_gave_at_once_is_found_before_they_are_joined() {
    let base = read(LEDGER).unwrap();
    let adding = |title: &str| read(&add(Some(LEDGER), &[addition(title)], "2026-11-21").unwrap().0).unwrap();
    let (theirs, ours) = (adding("theirs"), adding("ours"));
    let found = against(&theirs, &ours, Some(&base));
    let told = messages(&found);
    assert!(told[0].contains("gap `PW-G003` is `theirs` there and `ours` here"), "{told:?}");
    assert!(found[0].hint.as_ref().unwrap().contains("gaps renumber --onto"));
    assert_eq!(against(&theirs, &ours, Some(&theirs)), [], "of a gap both know, the title may change");
    assert_eq!(against(&theirs, &theirs, Some(&base)), [], "the same gap on both sides is one");
}

#[test]
fn task_lists_give_open_tasks_outside_code() {
    let text = "# Plan\n- [ ] first `thing`\n  * [x] done\n1. [ ] second\n```\n- [ ] code\n```\n- [] no\n- [ ]no\n- [ ] First  'thing'\n";
    let imported = markdown(text, "TODO.md");
    let titles: Vec<&str> = imported.candidates.iter().map(|one| one.title.as_str()).collect();
    assert_eq!(titles, ["first 'thing'", "second", "First 'thing'"]);
    assert_eq!(imported.settled, 1);
    assert_eq!(imported.candidates[1].evidence, ["TODO.md:4"]);
    let (fresh, known) = fresh(&read(LEDGER).unwrap(), imported.candidates);
    assert_eq!((fresh.len(), known), (2, 1), "the same words are the same task");
}

#[test]
fn an_import_twice_adds_nothing_the_second_time() {
    let import = |text: &str| {
        let (found, _) = fresh(&read(text).unwrap(), markdown("- [ ] a\n- [ ] b\n", "x.md").candidates);
        found
    };
    let found = import(LEDGER);
    let additions: Vec<Addition> = found
        .iter()
        .map(|one| Addition { fingerprint: Some(one.fingerprint.clone()), ..addition(&one.title) })
        .collect();
    let (after, _) = add(Some(LEDGER), &additions, "2026-11-21").unwrap();
    assert_eq!(import(&after), []);
    let reworded = set(
        &after,
        "PW-G003",
        &Change { title: Some("A, said better".to_owned()), ..Change::default() },
        "2026-11-22",
    )
    .unwrap();
    assert_eq!(import(&reworded), [], "the fingerprint stays when the title is edited");
}

#[test]
fn a_gap_added_by_hand_is_known_by_its_title() {
    let (found, known) =
        fresh(&read(LEDGER).unwrap(), markdown("- [ ] Summary hides waivers\n", "x").candidates);
    assert_eq!((found.len(), known), (0, 1));
}

#[test]
fn sarif_gives_findings_and_not_what_is_suppressed_or_gone() {
    let text = r#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"semgrep"}},"results":[
        {"ruleId":"r1","level":"error","message":{"text":"bad\u001b[31m"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"src/a.rs"},"region":{"startLine":7}}}]},
        {"ruleId":"r1","level":"error","message":{"text":"bad\u001b[31m"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"src/a.rs"},"region":{"startLine":9}}}]},
        {"ruleId":"r2","message":{"text":"meh"},"suppressions":[{"kind":"inSource"}]},
        {"ruleId":"r3","message":{"text":"old"},"baselineState":"absent"},
        {"ruleId":"r4","kind":"pass","message":{"text":"fine"}},
        {"ruleId":"r5","level":"note","message":{"text":"hm"}}]}]}"#;
    let imported = sarif(text.as_bytes()).unwrap();
    assert_eq!(imported.settled, 3);
    let (found, known) = fresh(&read(LEDGER).unwrap(), imported.candidates);
    assert_eq!(known, 1, "the same finding on another line is the same finding");
    assert_eq!(found[0].title, "r1: bad[31m");
    assert_eq!((found[0].evidence[0].as_str(), found[0].severity), ("src/a.rs:7", Severity::High));
    assert_eq!((found[1].evidence.len(), found[1].severity), (0, Severity::Low));
    assert!(matches!(sarif(b"{}"), Err(ImportError::Sarif(_))));
    assert!(matches!(packet(b"{}"), Err(ImportError::Packet(_))));
}

proptest! {
    #[test]
    fn no_title_breaks_the_file(title in "\\PC{1,80}", link in "\\PC{0,40}") {
        prop_assume!(!title.trim().is_empty());
        let mut new = addition(&title);
        new.evidence = vec![link.clone()];
        let (after, _) = add(Some(LEDGER), &[new], "2026-11-21").unwrap();
        let ledger = read(&after).unwrap();
        prop_assert_eq!(&ledger.gaps[2].title, &title);
        prop_assert_eq!(&ledger.gaps[2].evidence[0], &link);
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,200}", toml in "(\\[\\[gap\\]\\]\n(id|title|opened|status) ?= ?(\"PW-G00[0-3]\"|2026-01-01|1)\n){0,4}") {
        let _ = read(&text);
        let _ = read(&format!("version = 1\n{toml}"));
        let _ = markdown(&text, "x");
        let _ = sarif(text.as_bytes());
    }
}
