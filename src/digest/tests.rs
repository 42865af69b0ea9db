//! What is counted, against numbers computed by hand; and that no split and no order of the rows changes a byte.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::row::{BlockerRow, GateRow, Judgement, PacketRow, Standing, VerdictRow};
use super::*;
use crate::evidence::source::MemoryFiles;
use crate::model::{Code, Digest, Outcome, Timestamp, Verdict};
use crate::repair::Progress;

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn window() -> Window {
    Window::of_week("2026-W47".parse().unwrap(), 1)
}

fn fixture(path: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(path);
    std::fs::read(path).unwrap()
}

fn facts(repo: &str, run: u64, at: &str) -> RunFacts {
    RunFacts {
        repo: repo.to_owned(),
        run: Some(run),
        number: Some(run - 10),
        at: time(at),
        event: "pull_request".to_owned(),
        workflow: "ci.yml".to_owned(),
        status: "success".to_owned(),
        head: None,
        pull: Some(1),
    }
}

/// The rows of a run whose artifacts each hold one file.
fn run(repo: &str, run: u64, at: &str, artifacts: &[(&str, &str, &[u8])]) -> BTreeSet<Row> {
    let mut reading = RunReading::new(&facts(repo, run, at));
    for (artifact, path, bytes) in artifacts {
        reading.artifact(artifact, &mut MemoryFiles(vec![(path, bytes)]), &limits());
    }
    reading.finish()
}

fn rules(digest: &EvidenceDigest) -> Vec<(&str, u64, u64, &str)> {
    let line = |rule: &'_ document::RuleLine| (rule.findings, rule.occurrences, rule.trend.as_str());
    digest
        .rules
        .iter()
        .map(|rule| (rule.rule.as_str(), line(rule)))
        .map(|(r, (f, o, t))| (r, f, o, t))
        .collect()
}

#[test]
fn a_report_and_its_fix_plan_in_one_run_count_once() {
    let report = fixture("fallow-py/demo.full-report.json");
    let plan = fixture("fallow-py/demo.pyfallow-report.json");
    let rows = run(
        "o/r",
        11,
        "2026-11-18T10:00:00Z",
        &[
            ("full", "full-report.json", &report),
            ("plan", "pyfallow-report.json", &plan),
            ("plan-again", "pyfallow-report.json", &plan),
        ],
    );
    let digest = aggregate(&Partial { window: window(), rows });
    // The report lists 17 issues, the plan the same 17 in other words.
    assert_eq!((digest.totals.findings, digest.totals.reports), (17, 3));
    let buckets: Vec<_> =
        digest.buckets.iter().map(|one| (one.bucket.as_str(), one.items, one.plans)).collect();
    assert_eq!(
        buckets,
        [("auto_safe", 0, 1), ("blocking", 3, 1), ("manual_only", 1, 1), ("review_needed", 13, 1)]
    );
}

#[test]
fn what_is_wrong_or_no_report_at_all_is_said() {
    let whole = fixture("fallow-py/demo.full-report.json");
    let cut = &whole[..whole.len() / 2];
    let rows = run(
        "o/r",
        11,
        "2026-11-18T10:00:00Z",
        &[
            ("a", "pyfallow-report.json", cut),
            ("b", "build.log", b"compiling\n"),
            ("c", "x.json", b"{\"a\":"),
        ],
    );
    let digest = aggregate(&Partial { window: window(), rows });
    let counts: Vec<_> = digest.unread.iter().map(|one| (one.why, one.count)).collect();
    assert_eq!(counts, [(Why::Malformed, 2), (Why::Unrecognised, 1)]);
    assert_eq!((digest.unread_list.len(), digest.totals.unread), (2, 2), "a log is no broken report");
    assert!(digest.attention.iter().any(|one| one.because.contains("2 files could not be read: malformed")));
}

#[test]
fn a_repository_nobody_measured_fixed_nothing() {
    let found = fixture("fallow-py/since-base.full-report.json");
    let rows: BTreeSet<Row> = [
        run("o/gone", 11, "2026-11-10T10:00:00Z", &[("a", "r.json", &found)]),
        run("o/gone", 12, "2026-11-18T10:00:00Z", &[]),
    ]
    .concat_rows();
    let digest = aggregate(&Partial { window: window(), rows });
    for (rule, findings, _, trend) in rules(&digest) {
        assert_eq!((findings, trend), (0, "unmeasured"), "{rule}");
    }
    assert_eq!(digest.rules.len(), 3);
    assert!(digest.rules.iter().all(|rule| rule.compared.is_none()));
}

trait ConcatRows {
    fn concat_rows(self) -> BTreeSet<Row>;
}

impl<const N: usize> ConcatRows for [BTreeSet<Row>; N] {
    fn concat_rows(self) -> BTreeSet<Row> {
        self.into_iter().flatten().collect()
    }
}

/// One judgement of gate `unit` of `o/r#1`.
struct Judged<'a> {
    at: &'a str,
    head: char,
    outcome: Outcome,
    blockers: &'a [(Code, &'a str, Standing)],
}

fn judged(judgements: &[Judged<'_>]) -> BTreeSet<Row> {
    let mut rows = BTreeSet::new();
    for one in judgements {
        let place = Place { week: IsoWeek::of(time(one.at)), repo: "o/r".to_owned(), run: Some(1) };
        let judgement = Judgement {
            pull: Some(1),
            head: Some(one.head.to_string().repeat(40)),
            evaluated_at: time(one.at),
            report: Digest::of(one.at),
        };
        rows.insert(Row::Gate(GateRow {
            place: place.clone(),
            judgement: judgement.clone(),
            gate: "unit".to_owned(),
            kind: "tests".to_owned(),
            outcome: one.outcome,
            enforced: true,
        }));
        for (code, subject, standing) in one.blockers {
            rows.insert(Row::Blocker(BlockerRow {
                place: place.clone(),
                judgement: judgement.clone(),
                gate: "unit".to_owned(),
                code: *code,
                subject: (*subject).to_owned(),
                standing: *standing,
            }));
        }
    }
    rows
}

#[test]
fn time_and_heads_to_green_are_counted_from_red_to_measured_without() {
    let failed: &[(Code, &str, Standing)] = &[(Code::TestsFailed, "unit", Standing::Blocks)];
    let of = |at, head, outcome, blockers| Judged { at, head, outcome, blockers };
    let rows = judged(&[
        // Red on a; red on b; c could not be measured; green on d: 3 further heads, 5 hours.
        of("2026-11-17T08:00:00Z", 'a', Outcome::Fail, failed),
        of("2026-11-17T10:00:00Z", 'b', Outcome::Fail, failed),
        of("2026-11-17T12:00:00Z", 'c', Outcome::Unmeasured, &[]),
        of("2026-11-17T13:00:00Z", 'd', Outcome::Pass, &[]),
        // Red again on d and green on d itself an hour later: no further head.
        of("2026-11-17T14:00:00Z", 'd', Outcome::Fail, failed),
        of("2026-11-17T15:00:00Z", 'd', Outcome::Pass, &[]),
        // And red to the end.
        of("2026-11-18T08:00:00Z", 'e', Outcome::Fail, failed),
    ]);
    let digest = aggregate(&Partial { window: window(), rows });
    let [code] = digest.codes.as_slice() else { panic!("{:?}", digest.codes) };
    assert_eq!((code.code, code.blockers, code.turned_green, code.still_red), (Code::TestsFailed, 1, 2, 1));
    let time = code.time_to_green_seconds.unwrap();
    assert_eq!((time.median, time.most), (3600, 5 * 3600));
    let heads = code.heads_to_green.unwrap();
    assert_eq!((heads.median, heads.most), (0, 3));
    assert_eq!(code.false_blocks, None);
    let gate = &digest.gates[0];
    assert_eq!((gate.judgements, gate.fail, gate.pass, gate.unmeasured), (7, 4, 2, 1));
}

#[test]
fn the_false_block_rate_is_the_share_operators_waived() {
    let rows = judged(&[
        Judged {
            at: "2026-11-17T08:00:00Z",
            head: 'a',
            outcome: Outcome::Fail,
            blockers: &[
                (Code::TestsFlaky, "one", Standing::Blocks),
                (Code::TestsFlaky, "two", Standing::Blocks),
                (Code::TestsFlaky, "three", Standing::Blocks),
                (Code::TestsFailed, "one", Standing::Blocks),
            ],
        },
        Judged {
            at: "2026-11-17T09:00:00Z",
            head: 'a',
            outcome: Outcome::Fail,
            blockers: &[
                (Code::TestsFlaky, "one", Standing::Waived),
                (Code::TestsFlaky, "four", Standing::Cleared),
                (Code::TestsFailed, "one", Standing::Blocks),
            ],
        },
    ]);
    let digest = aggregate(&Partial { window: window(), rows });
    let flaky = digest.codes.iter().find(|one| one.code == Code::TestsFlaky).unwrap();
    let wrong = flaky.false_blocks.unwrap();
    assert_eq!((wrong.overridden, wrong.blockers, flaky.approved), (1, 4, 1));
    assert!((wrong.rate - 0.25).abs() < f64::EPSILON);
    let failed = digest.codes.iter().find(|one| one.code == Code::TestsFailed).unwrap();
    assert_eq!((failed.false_blocks, failed.still_red), (None, 1));
}

#[test]
fn a_blocker_that_stood_when_its_change_was_merged_was_overridden() {
    let red = |at, head| Judged {
        at,
        head,
        outcome: Outcome::Fail,
        blockers: &[(Code::TestsFlaky, "one", Standing::Blocks), (Code::TestsFlaky, "two", Standing::Blocks)],
    };
    let green = |at, head| Judged { at, head, outcome: Outcome::Pass, blockers: &[] };
    let merged = |head: char, at| {
        Row::Merged(MergedRow {
            place: Place { week: IsoWeek::of(time(at)), repo: "o/r".to_owned(), run: None },
            pull: 1,
            head: head.to_string().repeat(40),
            at: time(at),
        })
    };
    let overridden = |judgements: &[Judged<'_>], merge: Row| {
        let mut rows = judged(judgements);
        rows.insert(merge);
        let digest = aggregate(&Partial { window: window(), rows });
        digest.codes.iter().find(|one| one.code == Code::TestsFlaky).unwrap().false_blocks
    };
    let (one, two, noon) = ("2026-11-17T08:00:00Z", "2026-11-17T09:00:00Z", "2026-11-17T12:00:00Z");
    let wrong = overridden(&[red(one, 'a'), red(two, 'b')], merged('b', noon)).unwrap();
    assert_eq!((wrong.overridden, wrong.blockers), (2, 2));
    // Mended before it was merged, by a further head or on the same one; judged only afterwards; not merged.
    assert_eq!(overridden(&[red(one, 'a'), green(two, 'b')], merged('b', noon)), None);
    assert_eq!(overridden(&[red(one, 'a'), green(two, 'a')], merged('a', noon)), None);
    assert_eq!(overridden(&[green(one, 'a'), red(two, 'a')], merged('a', "2026-11-17T08:30:00Z")), None);
    assert_eq!(overridden(&[red(one, 'a')], merged('c', noon)), None);
}

#[test]
fn only_the_latest_word_on_a_change_wants_a_person() {
    let place = |run| Place { week: "2026-W47".parse().unwrap(), repo: "o/r".to_owned(), run: Some(run) };
    let verdict = |run, at: &str, verdict| {
        let judgement =
            Judgement { pull: Some(run), head: None, evaluated_at: time(at), report: Digest::of(at) };
        Row::Verdict(VerdictRow { place: place(run), judgement, verdict: Some(verdict) })
    };
    let packet = Row::Packet(PacketRow {
        place: place(3),
        packet: Digest::of("p"),
        pull: Some(3),
        head: "a".repeat(40),
        attempt: 2,
        progress: Progress::NoProgress,
        entries: 3,
        at_operator: 1,
    });
    let rows = [
        verdict(1, "2026-11-17T08:00:00Z", Verdict::NeedsHuman),
        verdict(1, "2026-11-17T09:00:00Z", Verdict::Pass),
        verdict(2, "2026-11-17T10:00:00Z", Verdict::NeedsHuman),
        packet,
    ];
    let digest = aggregate(&Partial { window: window(), rows: rows.into() });
    let said: Vec<String> =
        digest.attention.iter().map(|one| format!("{}: {}", one.what, one.because)).collect();
    assert_eq!(
        said,
        [
            "`o/r#2`: its latest judgement, of 2026-11-17T10:00:00Z, is `needs_human`",
            "`o/r#3`: 1 of 3 blockers can only be ended by an operator",
        ]
    );
}

#[test]
fn however_much_there_is_the_markdown_stays_under_64_kb_and_says_what_it_left_out() {
    let rows: BTreeSet<Row> = (0..5000)
        .map(|run| {
            Row::Unread(UnreadRow {
                place: Place {
                    week: "2026-W47".parse().unwrap(),
                    repo: format!("owner/repository-{run}-{}", "x".repeat(150)),
                    run: Some(run),
                },
                artifact: Some("<b>|`x`".repeat(17)),
                path: Some("y".repeat(200)),
                why: Why::Malformed,
                detail: "<script>".repeat(25),
            })
        })
        .collect();
    let digest = aggregate(&Partial { window: window(), rows });
    let text = markdown(&digest);
    assert!(text.len() <= markdown::MAX_BYTES, "{}", text.len());
    assert!(text.contains("… and") && !text.contains("<script>"), "{}", &text[..500]);
    let page = page(&digest);
    for bad in ["<script", "src=", "http:", "https:", "<b>"] {
        assert!(!page.contains(bad), "{bad}");
    }
}

/// Rows of every kind, of two weeks, three repositories.
fn sample() -> BTreeSet<Row> {
    let found = fixture("fallow-py/demo.full-report.json");
    let plan = fixture("fallow-py/demo.pyfallow-report.json");
    let mut rows: BTreeSet<Row> = [
        run("o/one", 11, "2026-11-10T10:00:00Z", &[("a", "r.json", &found)]),
        run("o/one", 12, "2026-11-18T10:00:00Z", &[("a", "r.json", &found), ("p", "p.json", &plan)]),
        run("o/two", 21, "2026-11-18T11:00:00Z", &[("p", "p.json", &plan), ("log", "x.json", b"{")]),
    ]
    .concat_rows();
    let blocked: &[(Code, &str, Standing)] = &[(Code::TestsFailed, "unit", Standing::Blocks)];
    rows.extend(judged(&[
        Judged { at: "2026-11-17T08:00:00Z", head: 'a', outcome: Outcome::Fail, blockers: blocked },
        Judged { at: "2026-11-17T09:00:00Z", head: 'b', outcome: Outcome::Pass, blockers: &[] },
    ]));
    for (repo, state) in [("o/one", RepositoryState::Renamed), ("o/gone", RepositoryState::Gone)] {
        rows.insert(Row::Repository(RepositoryRow { repo: repo.to_owned(), state, detail: "x".to_owned() }));
    }
    rows
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Each row goes to one of the partials, or to two; the partials are joined in any order and any grouping.
    #[test]
    fn any_split_in_any_order_gives_the_same_bytes(
        places in proptest::collection::vec((0..5_usize, proptest::option::of(0..5_usize)), 200),
        order in Just((0..5_usize).collect::<Vec<_>>()).prop_shuffle(),
        left_first in any::<bool>(),
    ) {
        let whole = Partial { window: window(), rows: sample() };
        let mut parts = vec![Partial::new(window()); 5];
        for (row, (one, other)) in whole.rows.iter().zip(places.iter().cycle()) {
            parts[*one].rows.insert(row.clone());
            if let Some(other) = other {
                parts[*other].rows.insert(row.clone());
            }
        }
        let sorted: Vec<Partial> = order.iter().map(|index| parts[*index].clone()).collect();
        let joined = if left_first {
            sorted.into_iter().reduce(|one, other| one.merge(other).unwrap()).unwrap()
        } else {
            sorted.into_iter().rev().reduce(|right, left| left.merge(right).unwrap()).unwrap()
        };
        prop_assert_eq!(joined.to_ndjson(), whole.to_ndjson());
        prop_assert_eq!(markdown(&aggregate(&joined)), markdown(&aggregate(&whole)));
    }
}

#[test]
fn rows_survive_their_file_and_a_torn_file_is_refused() {
    let whole = Partial { window: window(), rows: sample() };
    let text = whole.to_ndjson();
    assert_eq!(Partial::read(text.as_bytes()).unwrap(), whole);
    assert!(matches!(Partial::read(&b""[..]), Err(PartialError::NoHeader)));
    assert!(matches!(Partial::read(&b"{\"row\":\"run\"}\n"[..]), Err(PartialError::NoHeader)));
    let torn = &text.as_bytes()[..text.len() - 20];
    assert!(matches!(Partial::read(torn), Err(PartialError::Line { .. })));
    let other = Partial::new(Window::of_week("2026-W47".parse().unwrap(), 2));
    assert!(matches!(whole.merge(other), Err(PartialError::Windows { .. })));
}
