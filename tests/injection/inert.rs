//! What makes a text inert: in a log no line is a workflow command or steers a terminal, in Markdown and HTML nothing
//! of the judged party is anything but text.

use std::collections::BTreeMap;

/// No line begins as a workflow command, none steers a terminal.
#[track_caller]
pub fn assert_inert_lines(text: &str, words: &str) {
    for line in text.lines() {
        let start = line.trim_start();
        assert!(!start.starts_with("::") && !start.starts_with("##["), "{words:?}: {line}");
        assert!(!line.contains(['\u{1b}', '\u{202e}', '\u{7}', '\r']), "{words:?}: {line:?}");
    }
}

/// Headings of the summary.
const OWN: [&str; 6] = ["# ✖", "## What to do", "## Evidence", "## Not judged", "## Waivers", "## Cleared"];

/// [`assert_markdown_like`] for a summary.
#[track_caller]
pub fn assert_markdown(text: &str, words: &str) {
    assert_markdown_like(text, &OWN.join("\n"), words);
}

/// Outside fences nothing of the attempt is a heading, an image, a link or a tag, and the headings are those of the
/// same text with harmless words; every fence that opens closes.
#[track_caller]
pub fn assert_markdown_like(text: &str, plain: &str, words: &str) {
    let own: Vec<&str> = plain.lines().filter(|line| line.starts_with('#')).collect();
    let mut fence: Option<String> = None;
    for line in text.lines() {
        let start = line.trim_start();
        let ticks: String = start.chars().take_while(|c| *c == '`').collect();
        match &fence {
            Some(open) => {
                if start == open.as_str() {
                    fence = None;
                }
            }
            None if ticks.len() >= 3 => fence = Some(ticks),
            None => {
                // What stands between backticks is code, whatever it is.
                let line: String = line.split('`').step_by(2).collect();
                assert!(
                    !start.starts_with('#') || own.iter().any(|own| start.starts_with(own)),
                    "{words:?}: {line}"
                );
                assert!(
                    !line.contains("](") && !line.contains("<script") && !line.contains("<!--"),
                    "{words:?}: {line}"
                );
            }
        }
    }
    assert_eq!(fence, None, "{words:?} left a fence open");
}

/// How often each tag stands in a page.
pub fn tags(page: &str) -> BTreeMap<String, usize> {
    let mut tags = BTreeMap::new();
    for rest in page.split('<').skip(1) {
        let name: String =
            rest.chars().take_while(|c| c.is_ascii_alphanumeric() || "/!-".contains(*c)).collect();
        *tags.entry(name).or_insert(0) += 1;
    }
    tags
}

/// A page with these words opens no tag that one with harmless words does not, and no other scheme. It may have fewer:
/// notes that open a comment hide the ones below.
#[track_caller]
pub fn assert_page(page: &str, plain: &str, words: &str) {
    let own = tags(plain);
    for (tag, count) in tags(page) {
        assert!(own.get(&tag).is_some_and(|own| count <= *own), "{words:?}: {count} of <{tag}>");
    }
    assert!(!page.contains("<script") && !page.contains("href=\"javascript"), "{words:?}");
    assert!(!page.contains(['\u{1b}', '\u{202e}', '\u{7}']), "{words:?}");
}
