//! The page's promises, and a status that never takes what nobody saw for good.

use std::fmt::Write as _;
use std::io::Cursor;

use super::*;
use crate::ledger::{Ledger, read};
use crate::metrics::{Log, LogFile, MetricsReport, read_log};

fn here(path: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(path).unwrap()
}

/// A ledger of this many gaps, with every character a page must not take literally.
fn ledger(gaps: usize) -> Ledger {
    let mut text = "version = 1\n".to_owned();
    for number in 1..=gaps {
        let _ = write!(
            text,
            "[[gap]]\nid = \"PW-G{number:03}\"\ntitle = \"<script src='http://x'>alert({number})</script> & https://y\"\n\
             area = \"gates\"\nstatus = \"open\"\nseverity = \"{}\"\nsource = \"audit\"\nevidence = [\"https://forge.example/a/b/issues/{number}\"]\n\
             owner = \"operator\"\nnext_action = \"read `docs` and decide, then say so\"\nopened = 2026-11-01\nupdated = 2026-11-01\n",
            ["critical", "high", "medium", "low"][number % 4]
        );
    }
    read(&text).unwrap()
}

fn metrics() -> MetricsReport {
    let mut log = String::new();
    for index in 0..140_u32 {
        let attempts = if (50..66).contains(&index) { 2 } else { 1 };
        let _ = writeln!(
            log,
            "{{\"kind\":\"merged\",\"work_item_id\":\"w{index}\",\"project\":\"p\",\"payload\":{{\"attempts\":{attempts},\
             \"final_verdict\":\"clean\"}},\"created_at\":\"2026-11-01T{:02}:{:02}:00Z\"}}",
            index / 60,
            index % 60
        );
    }
    let files =
        vec![LogFile { name: "events.ndjson".to_owned(), reader: Box::new(Cursor::new(log.into_bytes())) }];
    read_log(Log::open(files).unwrap(), None).unwrap().report()
}

fn full(gaps: usize) -> OperatorStatus {
    let ledger = ledger(gaps);
    build(Inputs { ledger: Some(&ledger), metrics: Some(metrics()), ..Inputs::default() })
}

#[test]
fn what_nobody_saw_is_not_seen() {
    let status = build(Inputs::default());
    assert!(status.layers.iter().all(|layer| layer.state == LayerState::NotSeen), "{:?}", status.layers);
    assert_eq!(status.gaps, None);
    assert!(page(&status).contains("Not seen: no gap ledger was given."));
    assert!(text(&status).contains("no gate report was given"));
}

#[test]
fn the_page_has_no_script_no_source_and_no_address() {
    let page = page(&full(8));
    for forbidden in [
        "<script",
        "src=",
        "http://",
        "https://",
        "<link",
        "<img",
        "<iframe",
        "style=",
        "url(",
        "@import",
        "onclick",
        "javascript:",
    ] {
        assert!(!page.contains(forbidden), "`{forbidden}` is in the page");
    }
    assert!(page.contains("&lt;script src&#61;&#39;http:&#47;&#47;x&#39;&gt;"), "the title is there as text");
}

#[test]
fn the_policy_of_the_page_allows_its_own_style_and_nothing_else() {
    let page = page(&full(1));
    let style = page.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
    let hash = {
        use base64::Engine as _;
        use sha2::Digest as _;
        base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(style))
    };
    assert!(page.contains(&format!("default-src 'none'; style-src 'sha256-{hash}'")));
}

#[test]
fn five_hundred_gaps_stay_under_a_megabyte() {
    let page = page(&full(500));
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
    assert_eq!(page.matches("<td class=\"id\"").count(), 500);
}

#[test]
fn the_most_severe_gaps_lead_and_ask_for_an_act() {
    let status = full(8);
    let open = &status.gaps.as_ref().unwrap().open;
    assert_eq!((open[0].id.as_str(), open[1].id.as_str()), ("PW-G004", "PW-G008"));
    assert!(status.next_actions[0].because.starts_with("gap PW-G004 (critical)"));
    let gates = status.layers.iter().find(|layer| layer.name == "gates").unwrap();
    assert_eq!(gates.state, LayerState::NotSeen, "a gap does not make a layer seen");
    assert!(gates.supports.iter().any(|line| line.starts_with("gap PW-G001")));
}

/// WCAG 2.1, 1.4.3: the contrast of two colours as written in the style.
fn contrast(one: &str, other: &str) -> f64 {
    let luminance = |colour: &str| {
        let hex = colour.trim_start_matches('#');
        let hex = if hex.len() == 3 { hex.chars().flat_map(|c| [c, c]).collect() } else { hex.to_owned() };
        let channel = |at: usize| {
            let value = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(0) + 0.7152 * channel(2) + 0.0722 * channel(4)
    };
    let (a, b) = (luminance(one), luminance(other));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn every_text_colour_has_wcag_aa_contrast_in_light_dark_and_print() {
    let style = include_str!("page.css");
    let blocks: Vec<&str> =
        style.split(":root{").skip(1).map(|rest| rest.split('}').next().unwrap()).collect();
    assert_eq!(blocks.len(), 3);
    for block in blocks {
        let colour = |name: &str| {
            block
                .split(';')
                .find_map(|pair| pair.strip_prefix(&format!("--{name}:")))
                .unwrap_or_else(|| panic!("{name}"))
        };
        for back in ["page", "card"] {
            for text in ["text", "soft", "link", "good", "warn", "bad"] {
                let found = contrast(colour(text), colour(back));
                assert!(found >= 4.5, "{text} on {back}: {found:.2} in {block}");
            }
        }
    }
    assert!((contrast("#000", "#fff") - 21.0).abs() < 0.01);
}

#[test]
fn the_checked_in_page_is_what_the_ledger_makes() {
    let ledger = read(&here("docs/gaps.toml")).unwrap();
    let made = page(&build(Inputs { ledger: Some(&ledger), ..Inputs::default() }));
    assert_eq!(
        made,
        here("docs/status.html"),
        "make it anew: cargo run -- status --format html --out docs/status.html"
    );
}

#[test]
fn rendering_twice_gives_the_same_bytes() {
    assert_eq!(page(&full(20)), page(&full(20)));
    assert_eq!(crate::output::json(&full(20)), crate::output::json(&full(20)));
}
