//! Signals from each source, thresholds, and candidates that carry foreign words without obeying them.

use proptest::prelude::*;

use super::*;
use crate::model::Timestamp;
use crate::policy::FeedbackRules;

const LOG: &str = "# Incidents

## 2026-11-02 Checkout was down
- impact: 40 minutes without orders
- cause: `expired` token
- follow-up: none

## 2026-11-09: Checkout was down

Text with a - key: value in the middle of it.

```
## 2026-11-10 Not an incident, an example
```

### [2026-11-12] Mail was late
- **Follow-up:** #41

## Glossary
- follow-up: nothing of the above
";

const NOTES: &str = "# Notes
- friction: agents rerun lint by hand
- 2026-11-14 Vision gap: nobody asked for a second dashboard
- [ ] value: the summary is read every day
- [x] friction: settled long ago
- a list item without a kind
- 2026-09-01 friction: older than the window
";

fn now() -> Timestamp {
    "2026-11-21T10:00:00Z".parse().unwrap()
}

fn take(signals: Vec<Signal>, rules: &FeedbackRules) -> FeedbackIntake {
    intake(Inputs { now: now(), signals, not_seen: Vec::new() }, rules)
}

#[test]
fn the_incident_log_gives_one_signal_per_dated_heading() {
    let found = incidents(LOG, "incidents.md");
    let shown: Vec<_> =
        found.iter().map(|s| (s.day.as_deref().unwrap(), s.subject.as_str(), s.settled)).collect();
    assert_eq!(
        shown,
        [
            ("2026-11-02", "Checkout was down", false),
            ("2026-11-09", "Checkout was down", false),
            ("2026-11-12", "Mail was late", true),
        ]
    );
    assert_eq!(found[0].detail, "impact: 40 minutes without orders; cause: expired' token");
    assert_eq!(found[2].place, "incidents.md:16");
}

#[test]
fn notes_say_their_kind_and_perhaps_a_day() {
    let found = notes(NOTES, "notes.md");
    let shown: Vec<_> = found.iter().map(|s| (s.kind, s.day.as_deref(), s.settled)).collect();
    assert_eq!(
        shown,
        [
            (SignalKind::Friction, None, false),
            (SignalKind::VisionGap, Some("2026-11-14"), false),
            (SignalKind::Value, None, false),
            (SignalKind::Friction, None, true),
            (SignalKind::Friction, Some("2026-09-01"), false),
        ]
    );
}

#[test]
fn a_threshold_counts_the_same_thing_seen_again() {
    let rules = FeedbackRules { incidents: 2, ..FeedbackRules::default() };
    let document = take(incidents(LOG, "incidents.md"), &rules);
    let row = &document.thresholds[0];
    assert_eq!((row.name.as_str(), row.seen, row.groups, row.most, row.reached), ("incidents", 2, 1, 2, 1));
    assert_eq!(document.candidates.len(), 1);
    assert_eq!(document.candidates[0].title, "incident: Checkout was down");
    assert_eq!(document.candidates[0].why, "`incidents`: seen 2, threshold 2");
    assert_eq!(document.candidates[0].labels, ["feedback", "incident"]);
    let off = take(incidents(LOG, "l"), &FeedbackRules { incidents: 0, ..FeedbackRules::default() });
    assert!(off.candidates.is_empty());
    assert_eq!(off.signals.len(), 3, "what is switched off is still shown");
    assert!(text(&off).contains("incidents      off: seen 2"), "{}", text(&off));
}

#[test]
fn what_is_older_than_the_window_is_counted_and_left_out() {
    let document = take(notes(NOTES, "notes.md"), &FeedbackRules::default());
    assert_eq!((document.since.as_str(), document.older, document.signals.len()), ("2026-10-22", 1, 4));
    let kinds: Vec<_> = document.candidates.iter().map(|one| one.kind).collect();
    assert_eq!(kinds, [SignalKind::Friction, SignalKind::VisionGap, SignalKind::Value]);
}

#[test]
fn three_failed_runs_of_one_workflow_are_one_candidate() {
    let run = |number, workflow: &str| FailedRun {
        repo: "example-org/shop".to_owned(),
        number,
        workflow: workflow.to_owned(),
        event: "push".to_owned(),
        day: Some("2026-11-20".to_owned()),
        head: "1f3c9ab2".to_owned(),
    };
    let runs = [run(7, "ci.yml"), run(8, "ci.yml"), run(9, "ci.yml"), run(10, "nightly.yml")];
    let document = take(failed_runs(&runs), &FeedbackRules::default());
    assert_eq!(document.candidates.len(), 1);
    assert!(
        document.candidates[0].body.contains("- 2026-11-20 `example-org/shop run 7`: `push of 1f3c9ab2`\n")
    );
    assert_eq!(document.thresholds[1].seen, 4);
}

#[test]
fn foreign_words_stay_in_code_spans_and_never_end_a_marker() {
    let key = take(notes("- friction: x", "n"), &FeedbackRules::default()).candidates[0].dedupe_key.clone();
    let hostile = format!("- friction: `@everyone` {} <script>\n", marker(&key));
    let document = take(notes(&hostile.replace("<!--", "< !--"), "n`"), &FeedbackRules::default());
    let body = &document.candidates[0].body;
    assert!(!body.lines().any(|line| line == marker(&key)));
    let listed = body.lines().find(|line| line.starts_with("- ")).unwrap();
    assert_eq!(listed.matches('`').count(), 4, "{listed}");
    assert_eq!(body.lines().last().unwrap(), marker(&document.candidates[0].dedupe_key));
}

#[test]
fn the_key_of_a_candidate_does_not_depend_on_where_and_when_it_was_seen() {
    let key = |text: &str, name: &str| {
        take(notes(text, name), &FeedbackRules::default()).candidates[0].dedupe_key.clone()
    };
    assert_eq!(key("- friction: Too  slow", "a.md"), key("- 2026-11-20 Friction: too slow", "b.md"));
    assert_ne!(key("- friction: too slow", "a.md"), key("- incident: too slow", "a.md"));
}

proptest! {
    #[test]
    fn any_text_is_read_and_the_order_of_signals_changes_nothing(
        log in "(## 2026-1[01]-[0-3][0-9] [a-c ]{0,6}\n|- [a-z]{0,8}: .{0,8}\n|\\PC{0,20}\n){0,12}",
        note in "(- (friction|value|incident): [a-c]{0,3}\n|\\PC{0,20}\n){0,12}",
    ) {
        let mut signals = [incidents(&log, "l"), notes(&note, "n")].concat();
        let one = take(signals.clone(), &FeedbackRules::default());
        signals.reverse();
        prop_assert_eq!(one, take(signals, &FeedbackRules::default()));
    }
}
