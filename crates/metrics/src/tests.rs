//! Known histories pin every rate at every merge; crossings fire both ways; replays change nothing.

use std::fmt::Write as _;
use std::io::{self, BufRead, Read as _};

use proptest::prelude::*;

use super::*;

/// A log in memory.
fn log(files: &[(&str, String)]) -> Log {
    let files = files
        .iter()
        .map(|(name, text)| LogFile {
            name: (*name).to_owned(),
            reader: Box::new(io::Cursor::new(text.clone().into_bytes())) as Box<dyn BufRead>,
        })
        .collect();
    Log::open(files).unwrap()
}

fn rolled(text: &str) -> Rolling {
    read_log(log(&[("events.ndjson", text.to_owned())]), None).unwrap()
}

fn report(text: &str) -> MetricsReport {
    rolled(text).report()
}

/// A `merged` row `minute` minutes into the log.
fn row(item: &str, project: &str, minute: u64, attempts: u64, verdict: &str) -> String {
    let (day, hour) = (minute / 1440 + 1, minute / 60 % 24);
    format!(
        "{{\"kind\":\"merged\",\"work_item_id\":\"{item}\",\"project\":\"{project}\",\"payload\":{{\"attempts\":{attempts},\
         \"final_verdict\":\"{verdict}\"}},\"created_at\":\"2026-01-{day:02}T{hour:02}:{:02}:00Z\"}}\n",
        minute % 60
    )
}

/// A history by attempts alone.
fn history(attempts: &[u64]) -> String {
    attempts
        .iter()
        .enumerate()
        .map(|(i, tries)| row(&format!("w{i}"), "p", i as u64, *tries, "clean"))
        .collect()
}

fn conflicts(hits: &[bool]) -> String {
    let verdict = |hit: &bool| if *hit { "rebase_conflict" } else { "clean" };
    hits.iter().enumerate().map(|(i, hit)| row(&format!("w{i}"), "p", i as u64, 1, verdict(hit))).collect()
}

#[test]
fn a_window_that_is_not_full_is_undefined_and_says_so() {
    let report = report(&history(&[1; 23]));
    assert_eq!(report.first_pass_merge_rate.state, MetricState::Undefined);
    assert_eq!(report.first_pass_merge_rate.value, None);
    assert!(text(&report).contains("first_pass_merge_rate = undefined (n=23/50)"), "{}", text(&report));
    assert!(text(&report).contains("rebase_conflict_rate = undefined (n=23/100)"));
    assert!(text(&report).contains("p95_attempts_to_merge = undefined (n=23/100)"));
    assert!(!openmetrics(&report).contains("patchwarden_first_pass_merge_ratio 0"));
}

#[test]
fn the_49th_merge_is_undefined_and_the_50th_is_measured() {
    assert_eq!(report(&history(&[1; 49])).first_pass_merge_rate.state, MetricState::Undefined);
    let full = report(&history(&[1; 50])).first_pass_merge_rate;
    assert_eq!((full.state, full.numerator, full.denominator), (MetricState::Measured, Some(50), Some(50)));
}

#[test]
fn p95_is_the_nearest_rank() {
    // 1..=100 in any order: the 95th smallest is 95, never an average of two.
    let attempts: Vec<u64> = (1..=100).rev().collect();
    assert_eq!(report(&history(&attempts)).p95_attempts_to_merge.value, Some(95));
    let mut few = vec![1; 95];
    few.extend([9; 5]);
    assert_eq!(report(&history(&few)).p95_attempts_to_merge.value, Some(1));
    few.extend([9]);
    assert_eq!(report(&history(&few)).p95_attempts_to_merge.value, Some(9));
}

#[test]
fn a_project_below_a_full_window_falls_back_to_all() {
    let mut rows: Vec<String> = (0..100).map(|i| row(&format!("a{i}"), "a", i, 1, "clean")).collect();
    rows.extend((0..30).map(|i| row(&format!("b{i}"), "b", 100 + i, 1, "rebase_conflict")));
    let report = report(&rows.concat());
    let of = |name: &str| {
        let one = report.rebase_conflict_rate_by_project.iter().find(|one| one.project == name).unwrap();
        (one.scope.as_str(), one.own_n, one.rate.numerator, one.rate.denominator)
    };
    assert_eq!(of("a"), ("project", 100, Some(0), Some(100)));
    assert_eq!(of("b"), ("global", 30, Some(30), Some(100)));
    assert_eq!(report.rebase_conflict_rate.numerator, Some(30));
}

#[test]
fn crossings_fire_both_ways_and_once_each() {
    let mut attempts = vec![1; 50];
    attempts.extend([2; 16]); // 34/50 = 68 %
    attempts.extend([1; 50]);
    let report = report(&history(&attempts));
    let seen: Vec<_> = report
        .crossings
        .iter()
        .map(|c| {
            (c.direction, c.threshold, c.numerator, c.n, c.roll_state, c.caused_by.work_item_id.as_str())
        })
        .collect();
    assert_eq!(
        seen,
        [
            (Direction::Up, 85, 50, 50, RollState::Trusted, "w49"),
            // 35/50 is 70 % and holds; 34/50 is below.
            (Direction::Down, 70, 34, 50, RollState::Untrusted, "w65"),
            // The window must shed nine of its sixteen second tries to reach 43/50.
            (Direction::Up, 85, 43, 50, RollState::Trusted, "w108"),
        ]
    );
}

#[test]
fn conflicts_tighten_and_relax_for_all_and_for_the_project() {
    let mut hits = vec![false; 90];
    hits.extend([true; 11]);
    hits.extend([false; 100]);
    let report = report(&conflicts(&hits));
    let seen: Vec<_> = report
        .crossings
        .iter()
        .filter(|c| c.metric == Metric::RebaseConflictRate)
        .map(|c| (c.scope.clone(), c.direction, c.numerator, c.threshold))
        .collect();
    let project = || Scope::Project("p".to_owned());
    assert_eq!(
        seen,
        [
            (Scope::Global, Direction::Up, 11, 10),
            (project(), Direction::Up, 11, 10),
            (Scope::Global, Direction::Down, 5, 5),
            (project(), Direction::Down, 5, 5),
        ]
    );
}

#[test]
fn a_duplicate_counts_once_and_is_named_by_line() {
    let mut text = history(&[1; 50]);
    text.push_str(&row("w7", "p", 60, 9, "clean"));
    let report = report(&text);
    assert_eq!((report.log.merged, report.log.duplicate), (50, 1));
    assert_eq!(report.first_pass_merge_rate.numerator, Some(50));
    assert_eq!(report.issues[0].line, 51);
    assert_eq!(report.issues[0].problem, LineProblem::Duplicate);
}

#[test]
fn a_late_row_takes_its_place_by_time() {
    let mut rows: Vec<String> = history(&[1; 51]).split_inclusive('\n').map(str::to_owned).collect();
    // The earliest of all, told last: it is not among the last 50.
    rows.rotate_left(1);
    let report = report(&rows.concat().replace(
        "\"attempts\":1,\"final_verdict\":\"clean\"},\"created_at\":\"2026-01-01T00:00",
        "\"attempts\":9,\"final_verdict\":\"clean\"},\"created_at\":\"2026-01-01T00:00",
    ));
    assert_eq!(report.log.out_of_order, 1);
    assert_eq!(report.issues[0].line, 51);
    assert_eq!(report.first_pass_merge_rate.numerator, Some(50));
}

#[test]
fn a_malformed_line_in_the_window_is_unmeasured_and_leaves_with_it() {
    let mut rows: Vec<String> = history(&[1; 120]).split_inclusive('\n').map(str::to_owned).collect();
    rows.insert(60, "{\"kind\":\"merged\",\"work_item_id\":\"x\"\n".to_owned());
    let before = report(&rows[..105].concat());
    assert_eq!(before.first_pass_merge_rate.state, MetricState::Unmeasured);
    assert_eq!(before.first_pass_merge_rate.value, None);
    let because = before.first_pass_merge_rate.because.unwrap();
    assert_eq!(because, "line 61 of `events.ndjson` could not be read");
    assert_eq!(before.issues[0].line, 61);
    let after = report(&rows.concat());
    assert_eq!(after.first_pass_merge_rate.state, MetricState::Measured, "the last 50 are all after it");
    assert_eq!(after.rebase_conflict_rate.state, MetricState::Unmeasured, "the last 100 are not");
    assert_eq!(after.p95_attempts_to_merge.state, MetricState::Unmeasured);
}

#[test]
fn what_is_no_merged_row_is_malformed_only_where_it_says_it_is_one() {
    let good = history(&[1; 50]);
    for (line, malformed) in [
        ("{\"kind\":\"opened\",\"work_item_id\":null}", 0),
        ("{\"kind\":\"merged\"}", 1),
        ("not json", 1),
        ("[]", 1),
        ("{\"kind\":7}", 1),
        (
            "{\"kind\":\"merged\",\"work_item_id\":\"z\",\"project\":\"p\",\"payload\":{\"attempts\":1.5},\"created_at\":\"2026-02-01T00:00:00Z\"}",
            1,
        ),
        (
            "{\"kind\":\"merged\",\"work_item_id\":\"z\",\"project\":\"p\",\"payload\":{\"attempts\":0},\"created_at\":\"2026-02-01T00:00:00Z\"}",
            1,
        ),
        (
            "{\"kind\":\"merged\",\"work_item_id\":\"z\",\"project\":\"p\",\"payload\":{\"attempts\":1},\"created_at\":\"noon\"}",
            1,
        ),
        ("{\"kind\":\"merged\",\"kind\":\"opened\"}", 1),
    ] {
        let report = report(&format!("{good}{line}\n"));
        assert_eq!(report.log.malformed, malformed, "{line}");
        assert_eq!(report.log.merged, 50, "{line}");
    }
}

#[test]
fn a_missing_final_verdict_leaves_the_other_rates_alone() {
    let text = history(&[1; 100]).replacen("\"final_verdict\":\"clean\"", "\"final_verdict\":{\"x\":[1]}", 1);
    let report = report(&text);
    assert_eq!(report.rebase_conflict_rate.state, MetricState::Unmeasured);
    assert_eq!(report.first_pass_merge_rate.state, MetricState::Measured);
    assert_eq!(report.p95_attempts_to_merge.value, Some(1));
    assert_eq!((report.log.without_final_verdict, report.issues[0].line), (1, 1));
}

#[test]
fn a_half_written_last_line_is_not_yet_part_of_the_log() {
    let mut text = history(&[1; 50]);
    text.push_str("{\"kind\":\"mer");
    let half = report(&text);
    assert_eq!((half.log.half_written, half.log.malformed), (1, 0));
    assert_eq!(half.first_pass_merge_rate.state, MetricState::Measured);
    text.push_str("{\"kind\":\"opened\"}\n");
    let broken = report(&text);
    assert_eq!((broken.log.half_written, broken.log.malformed), (0, 1), "what follows it makes it malformed");
    assert_eq!(broken.first_pass_merge_rate.state, MetricState::Unmeasured);
    assert_eq!(report(history(&[1; 50]).trim_end()).log.merged, 50, "whole, only its line end is missing");
}

#[test]
fn a_line_that_is_no_text_is_malformed_and_spoils_no_other() {
    let mut bytes = history(&[1; 2]).into_bytes();
    bytes.extend(b"{\"kind\":\"opened\",\"title\":\"\xff\"}\n\n");
    bytes.extend(history(&[1; 3]).bytes());
    let files = vec![LogFile { name: "log".to_owned(), reader: Box::new(io::Cursor::new(bytes)) }];
    let report = read_log(Log::open(files).unwrap(), None).unwrap().report();
    assert_eq!((report.log.merged, report.log.duplicate, report.log.malformed), (3, 2, 1));
    assert_eq!((report.issues[0].line, report.issues[0].detail.as_str()), (3, "not UTF-8"));
    assert_eq!(report.issues[1].line, 5, "the blank line is counted");
}

#[test]
fn an_endless_line_is_malformed_and_not_held() {
    let good = history(&[1; 3]);
    let endless = io::repeat(b'x').take(64 << 20);
    let reader =
        io::Cursor::new(good.clone().into_bytes()).chain(endless).chain(io::Cursor::new(b"\n".to_vec()));
    let reader = io::BufReader::new(reader.chain(io::Cursor::new(row("z", "p", 9, 1, "clean").into_bytes())));
    let files = vec![LogFile { name: "log".to_owned(), reader: Box::new(reader) }];
    let report = read_log(Log::open(files).unwrap(), None).unwrap().report();
    assert_eq!((report.log.merged, report.log.malformed, report.issues[0].line), (4, 1, 4));
}

#[test]
fn appended_crossings_are_not_told_again() {
    let mut attempts = vec![1; 50];
    attempts.extend([2; 16]);
    let mut text = history(&attempts);
    let first = rolled(&text);
    let rows: Vec<_> = first.unrecorded().map(CrossingEvent::from).collect();
    assert_eq!(rows.len(), 2);
    for row in &rows {
        let _ = writeln!(text, "{}", serde_json::to_string(row).unwrap());
    }
    let second = rolled(&text);
    assert_eq!(second.unrecorded().count(), 0);
    assert_eq!(second.report().crossings, first.report().crossings, "a replay gives the same crossings");
    assert_eq!(second.report().log.out_of_order, 0);
    assert_eq!(second.report().first_pass_merge_rate, first.report().first_pass_merge_rate);
}

#[test]
fn files_of_a_folder_are_one_log_by_time() {
    let text = history(&[1; 66]);
    let (mut even, mut odd) = (String::new(), String::new());
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if index % 2 == 0 { even.push_str(line) } else { odd.push_str(line) }
    }
    let together = read_log(log(&[("a", even), ("b", odd)]), None).unwrap().report();
    let alone = report(&text);
    assert_eq!(together.log.out_of_order, 0);
    assert_eq!(together.crossings, alone.crossings);
    assert_eq!(together.series, alone.series);
}

#[test]
fn the_pinned_window_shows_slow_drift() {
    let mut attempts = vec![1; 50];
    // One second try in five from then on: 80 % never loses trust, and yet it is worse than it was.
    attempts.extend((0..50).map(|i| if i % 5 == 0 { 2 } else { 1 }));
    let report = report(&history(&attempts));
    let rate = &report.first_pass_merge_rate;
    assert_eq!((rate.numerator, rate.roll_state), (Some(40), RollState::Trusted));
    assert_eq!(rate.pinned.as_ref().map(|pin| pin.ended_by.as_str()), Some("w49"));
    assert!((rate.drift.unwrap() + 0.2).abs() < 1e-9);
    let chosen = read_log(log(&[("l", history(&attempts))]), Some("w59")).unwrap().report();
    assert_eq!(chosen.first_pass_merge_rate.pinned.unwrap().numerator, 48);
}

#[test]
fn a_long_series_is_thinned_evenly_and_ends_at_the_last_merge() {
    let rows: String = (0..5000_u64).map(|i| row(&format!("w{i}"), "p", i, 1, "clean")).collect();
    let series = report(&rows).series;
    assert!(series.points.len() <= 401, "{}", series.points.len());
    assert_eq!(series.points.last().unwrap().merge, 5000);
    let even = series.points[..series.points.len() - 1]
        .windows(2)
        .all(|two| two[1].merge - two[0].merge == series.every);
    assert!(even);
}

#[test]
fn the_picture_has_no_address_unless_it_stands_alone() {
    let mut attempts = vec![1; 50];
    attempts.extend([2; 16]);
    let report = report(&history(&attempts).replace("\"w65\"", "\"http://x/<b>src=\""));
    let page = svg_inline(&report);
    assert!(!page.contains("http") || !page.contains("://"), "{page}");
    assert!(!page.contains("src=") && !page.contains("<b>") && !page.contains("style="));
    assert_eq!(page.matches("class=\"well\"").count(), 1);
    assert_eq!(page.matches("class=\"ill\"").count(), 1);
    assert!(svg_file(&report).contains("xmlns=\"http://www.w3.org/2000/svg\""));
}

#[test]
fn the_summary_draws_the_curve_and_its_crossings_and_keeps_foreign_words_in_its_fence() {
    let mut attempts = vec![1; 50];
    attempts.extend([2; 16]);
    let report = report(&history(&attempts).replace("\"w65\"", "\"```|<b>\""));
    let summary = markdown(&report, Some("rates.svg"));
    let lines: Vec<&str> = summary.lines().collect();
    assert_eq!(lines[4], "| first-pass merge rate, last 50 | 68.0 % (34/50) | untrusted |");
    let scale = lines.iter().position(|line| line.starts_with("first-pass, 0 to 100 %")).unwrap();
    let curve: Vec<char> = lines[scale + 1].chars().collect();
    assert_eq!((curve.len(), curve[0], curve[59]), (60, '·', '▆'), "{summary}");
    assert_eq!(curve.iter().filter(|block| **block == '█').count(), 6, "{summary}");
    let arrows: Vec<char> = lines[scale + 2].chars().collect();
    assert_eq!((arrows[44], arrows[59]), ('▲', '▼'), "{summary}");
    assert_eq!(summary.matches("```").count(), 2, "{summary}");
    assert!(summary.ends_with("`rates.svg`, in the same artifact, is the picture with its bands.\n"));
    assert!(markdown(&self::report(&history(&[1; 3])), None).contains(&"·".repeat(60)));
}

#[test]
fn openmetrics_ends_with_eof_and_escapes_labels() {
    let rows: String = (0..100).map(|i| row(&format!("w{i}"), "a\\\\b\\\"c", i, 1, "clean")).collect();
    let out = openmetrics(&report(&rows));
    assert!(out.ends_with("# EOF\n"));
    assert!(
        out.contains("patchwarden_rebase_conflict_ratio{scope=\"project\",project=\"a\\\\b\\\"c\"} 0\n"),
        "{out}"
    );
}

/// The definitions of the issue, read plainly: sort, cut, count.
fn naive(merges: &[(u64, u64, bool)]) -> (Option<u64>, Option<u64>, Option<u64>) {
    let mut sorted: Vec<_> = merges.to_vec();
    sorted.sort_by_key(|(minute, ..)| *minute);
    let last = |n: usize| (sorted.len() >= n).then(|| &sorted[sorted.len() - n..]);
    let first_pass = last(50).map(|w| w.iter().filter(|(_, attempts, _)| *attempts == 1).count() as u64);
    let conflict = last(100).map(|w| w.iter().filter(|(.., hit)| *hit).count() as u64);
    let p95 = last(100).map(|w| {
        let mut attempts: Vec<u64> = w.iter().map(|(_, attempts, _)| *attempts).collect();
        attempts.sort_unstable();
        attempts[94]
    });
    (first_pass, conflict, p95)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn every_rate_at_every_merge_is_what_its_definition_says(
        merges in proptest::collection::vec((0..20_000_u64, 1..6_u64, any::<bool>()), 0..160),
    ) {
        let mut rolling = Rolling::new(vec!["l".to_owned()], None);
        let keys = Keys::default();
        for (index, (minute, attempts, hit)) in merges.iter().enumerate() {
            let verdict = if *hit { "rebase_conflict" } else { "clean" };
            let line = row(&format!("w{index}"), "p", *minute, *attempts, verdict);
            let block = Block { bytes: line.into_bytes(), first_line: index as u64 + 1, too_long: false };
            let batch = Batch::read(&block, &keys);
            let (number, read) = batch.row(0).unwrap();
            rolling.feed(Place { file: 0, line: number }, read);
            let report = rolling.report();
            let (first_pass, conflict, p95) = naive(&merges[..=index]);
            prop_assert_eq!(report.first_pass_merge_rate.numerator, first_pass);
            prop_assert_eq!(report.rebase_conflict_rate.numerator, conflict);
            prop_assert_eq!(report.rebase_conflict_rate_by_project[0].rate.numerator, conflict);
            prop_assert_eq!(report.p95_attempts_to_merge.value, p95);
        }
    }

    #[test]
    fn no_line_panics_or_counts_twice(lines in proptest::collection::vec("\\PC{0,60}", 0..20)) {
        let text = lines.join("\n");
        let log = report(&text).log;
        prop_assert_eq!(
            log.lines,
            log.merged + log.duplicate + log.other + log.malformed + log.half_written + log.crossings_recorded
        );
    }
}
