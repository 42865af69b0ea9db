//! `metrics` over the fixture's log: every form of the same report, written at once, and the same each time.

use serde_json::Value;

use crate::support::here;
use crate::support::program::run;

#[test]
fn one_reading_writes_document_summary_and_picture() {
    let folder = tempfile::tempdir().unwrap();
    let log = here("tests/fixtures/window/events.ndjson");
    let log = log.to_str().unwrap();
    let read = |name: &str| std::fs::read_to_string(folder.path().join("pages").join(name)).unwrap();
    let mut before = None;
    for _ in 0..2 {
        let ran = run(folder.path(), &["metrics", log, "--out", "pages"]);
        assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
        assert!(ran.stdout.starts_with("first_pass_merge_rate = "));
        let files = [read("metrics.json"), read("rates.md"), read("rates.svg")];
        let again = before.replace(files.clone());
        assert!(again.is_none_or(|again| again == files), "a second run changes nothing");
    }
    let document: Value = serde_json::from_str(&read("metrics.json")).unwrap();
    assert_eq!(document["schema"], "patchwarden.metrics.v1");
    let (summary, picture) = (read("rates.md"), read("rates.svg"));
    assert!(summary.contains("| first-pass merge rate, last 50 | ") && summary.contains("`rates.svg`"));
    // Forgejo takes an inline SVG apart, so there is none.
    assert!(!summary.contains("<svg") && !summary.contains("!["), "{summary}");
    assert!(picture.starts_with("<svg xmlns=") && picture.contains("class=\"band\""));
    let crossings = document["crossings"].as_array().unwrap();
    assert!(!crossings.is_empty());
    assert_eq!(picture.matches("<title>").count(), crossings.len(), "each crossing is marked");
    for crossing in crossings {
        let at = crossing["caused_by"]["created_at"].as_str().unwrap();
        assert!(summary.contains(at), "{summary}");
    }
    let printed = run(folder.path(), &["metrics", log, "--format", "markdown"]).stdout;
    assert!(summary.starts_with(&printed) && !printed.contains("rates.svg"), "{printed}");
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error_after_the_reading() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pages"), "a file").unwrap();
    let log = here("tests/fixtures/window/events.ndjson");
    let ran = run(folder.path(), &["metrics", log.to_str().unwrap(), "--out", "pages"]);
    assert_eq!(ran.exit, 5, "{}", ran.stderr);
    assert!(ran.stderr.contains("`pages/metrics.json` could not be written"), "{}", ran.stderr);
}
