//! The genuine record against the item it judged, and everything that makes it hold no longer.

use super::*;
use crate::context::Account;
use crate::context::pull_facts::LinkedIssue;
use crate::gate::evaluate::EvidenceSet;
use crate::model::CommitSha;

fn sample(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/openclaw-judge");
    std::fs::read_to_string(format!("{folder}/{name}")).unwrap()
}

fn head() -> CommitSha {
    "a".repeat(40).parse().unwrap()
}

fn comment(id: u64, login: &str, body: &str) -> Comment {
    let author = Account { id: 5, login: login.to_owned() };
    Comment { id, author: Some(author), body: body.to_owned(), created_at: None }
}

fn issue(comments: Vec<Comment>) -> LinkedIssue {
    LinkedIssue {
        number: 68,
        open: true,
        title: sample("issue68.title.txt").trim_end().to_owned(),
        body: sample("issue68.body.md"),
        labels: Listed::all(Vec::new()),
        comments: Listed::all(comments),
    }
}

fn pull_of(issue: LinkedIssue) -> PullFacts {
    PullFacts { linked_issues: Listed::all(vec![issue]), ..PullFacts::of_head(head()) }
}

fn judge(settings: &str, pull: PullFacts) -> Judgement {
    let settings: Settings = toml::from_str(settings).unwrap();
    let facts = Facts {
        repo: Some("pdurlej/patchwarden".parse().unwrap()),
        pull: Some(pull),
        ..Facts::of_head(head(), "2026-06-10T00:00:00Z".parse().unwrap())
    };
    let all = EvidenceSet::new();
    settings.judge(&Input {
        evidence: Vec::new(),
        complete: true,
        implied: Vec::new(),
        all: &all,
        facts: &facts,
    })
}

fn codes(judgement: &Judgement) -> Vec<Code> {
    judgement.blockers.iter().map(|blocker| blocker.code).collect()
}

const ISSUE: &str = "authors = [\"iskra\"]\ntarget = \"issue\"\n";

fn of_issue(issue: LinkedIssue) -> Vec<Code> {
    codes(&judge(ISSUE, pull_of(issue)))
}

fn envelope() -> String {
    sample("comment-envelope.md")
}

/// The same without its wish for an operator.
fn calm() -> String {
    envelope()
        .replace("\"kind\": \"operator\"", "\"kind\": \"none\"")
        .replace("judge/operator-needed", "judge/p2")
}

#[test]
fn the_genuine_record_matches_its_issue_and_asks_for_a_person() {
    let judgement = judge(ISSUE, pull_of(issue(vec![comment(1, "Iskra", &envelope())])));
    assert_eq!(codes(&judgement), [Code::JudgeOperatorNeeded]);
    assert!(judgement.notes[0].contains("binds no evidence"));
    let calm = judge(ISSUE, pull_of(issue(vec![comment(1, "iskra", &calm())])));
    assert!(calm.blockers.is_empty() && calm.judged, "{calm:?}");
}

#[test]
fn the_judges_own_labels_change_nothing_and_any_other_does() {
    let with = |labels: &[&str]| LinkedIssue {
        labels: Listed::all(labels.iter().map(|label| (*label).to_owned()).collect()),
        ..issue(vec![comment(1, "iskra", &calm())])
    };
    assert_eq!(of_issue(with(&["judge/p1"])), []);
    assert_eq!(of_issue(with(&["judge/p1", "bug"])), [Code::JudgeStale]);
    assert_eq!(of_issue(with(&[OPERATOR_LABEL])), [Code::JudgeStale, Code::JudgeOperatorNeeded]);
}

#[test]
fn an_edit_makes_it_stale_and_line_ends_do_not() {
    let good = || issue(vec![comment(1, "iskra", &calm())]);
    let crlf = LinkedIssue { body: sample("issue68.body.md").trim_end().replace('\n', "\r\n"), ..good() };
    assert_eq!(of_issue(crlf), []);
    assert_eq!(of_issue(LinkedIssue { title: "other".to_owned(), ..good() }), [Code::JudgeStale]);
    let body = format!("{} ", sample("issue68.body.md"));
    assert_eq!(of_issue(LinkedIssue { body, ..good() }), [Code::JudgeStale]);
    assert_eq!(of_issue(LinkedIssue { number: 69, ..good() }), [Code::JudgeWrongTarget]);
}

#[test]
fn only_allowed_authors_are_read_and_their_newest_record_counts() {
    let by = |comments| of_issue(issue(comments));
    assert_eq!(by(vec![comment(1, "mallory", &calm())]), [Code::JudgeMissing]);
    assert_eq!(by(vec![comment(1, "iskra", "looks fine")]), [Code::JudgeMissing]);
    let broken = calm().replace("\"impact\": 5", "\"impact\": \"5\"");
    assert_eq!(by(vec![comment(1, "iskra", &calm()), comment(2, "iskra", &broken)]), [Code::JudgeMalformed]);
    assert_eq!(by(vec![comment(1, "iskra", &broken), comment(2, "iskra", &calm())]), []);
    let mut shared = comment(1, "iskra", &calm());
    shared.author = Some(Account { id: -2, login: "iskra".to_owned() });
    assert_eq!(by(vec![shared]), [Code::JudgeMissing]);
    let refused: Settings = toml::from_str("authors = [\"Forgejo-Actions\"]").unwrap();
    assert_eq!(refused.problems().len(), 1);
}

#[test]
fn age_counts_from_the_judgement_and_the_future_is_no_time() {
    let aged = |span: &str, text: &str| {
        let settings = format!("{ISSUE}max_age = \"{span}\"\n");
        codes(&judge(&settings, pull_of(issue(vec![comment(1, "iskra", text)]))))
    };
    assert_eq!(aged("2d", &calm()), []);
    assert_eq!(aged("1h", &calm()), [Code::JudgeStale]);
    let future = calm().replace("\"judged_at\": \"2026", "\"judged_at\": \"2027");
    assert_eq!(aged("2d", &future), [Code::JudgeStale]);
}

#[test]
fn a_pull_request_is_bound_by_its_head() {
    let record = |head: &str, commits: &str| {
        let text = calm().replace("\"kind\": \"issue\"", "\"kind\": \"pull_request\"");
        text.replace("\"head_sha\": null", &format!("\"head_sha\": {head}"))
            .replace("\"commit_count\": null", &format!("\"commit_count\": {commits}"))
    };
    let of = |head: &str, commits: &str| {
        let item = issue(Vec::new());
        let pull = PullFacts {
            number: Some(crate::model::PullNumber::try_from(68).unwrap()),
            title: Some(item.title),
            body: Some(item.body),
            labels: item.labels,
            comments: Listed::all(vec![comment(1, "iskra", &record(head, commits))]),
            commit_count: Some(3),
            ..PullFacts::of_head(self::head())
        };
        codes(&judge("authors = [\"iskra\"]\n", pull))
    };
    let quoted = |digit: &str| format!("\"{}\"", digit.repeat(40));
    assert_eq!(of(&quoted("a"), "3"), []);
    assert_eq!(of(&quoted("b"), "3"), [Code::JudgeStale]);
    assert_eq!(of(&quoted("a"), "4"), [Code::JudgeStale]);
    assert_eq!(of("null", "null"), [Code::JudgeUnbound]);
}

#[test]
fn the_digest_of_an_empty_input_binds_nothing() {
    let empty = Digest::of("");
    let text = calm()
        .replace("sha256:f425c06c629e822ea5a0087f8159ba26db21f94c24a582654e09b32add71b0ab", empty.as_str());
    let bare = LinkedIssue { body: String::new(), ..issue(vec![comment(1, "iskra", &text)]) };
    assert!(of_issue(bare).contains(&Code::JudgeUnbound));
}

#[test]
fn what_could_not_be_read_is_unmeasured() {
    let unread = LinkedIssue { comments: Listed::default(), ..issue(Vec::new()) };
    assert_eq!(of_issue(unread), [Code::JudgeUnseen]);
    let elsewhere = PullFacts { head: "b".repeat(40).parse().unwrap(), ..pull_of(issue(Vec::new())) };
    assert_eq!(codes(&judge(ISSUE, elsewhere)), [Code::JudgeUnseen]);
}
