//! The status as one static page: no script, no network, no address. Its only style is one block, and the page's own
//! content security policy allows that block by its hash and nothing else.

use askama::Template;
use base64::Engine as _;
use sha2::Digest as _;

use crate::metrics;

use super::document::OperatorStatus;

/// The style of the page.
const STYLE: &str = include_str!("page.css");

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    status: &'a OperatorStatus,
    style: &'a str,
    style_hash: String,
    picture: Option<String>,
    rates: Vec<(&'static str, String, String)>,
    crossings: Vec<String>,
}

/// Crossings shown, the latest.
const CROSSINGS: usize = 20;

/// The page.
pub fn render(status: &OperatorStatus) -> String {
    let hash = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(STYLE));
    let rates = status.metrics.as_ref().map(rates).unwrap_or_default();
    let crossings = status.metrics.as_ref().map_or_else(Vec::new, |report| {
        let skipped = report.crossings.len().saturating_sub(CROSSINGS);
        let latest = report.crossings.iter().skip(skipped);
        latest.map(|one| format!("{} {}", one.caused_by.created_at, metrics::crossing_words(one))).collect()
    });
    let page = Page {
        status,
        style: STYLE,
        style_hash: format!("sha256-{hash}"),
        picture: status.metrics.as_ref().map(metrics::svg_inline),
        rates,
        crossings,
    };
    // Rendering into a string fails only where a value's own formatting does, and ours are texts and numbers.
    page.render().unwrap_or_default()
}

/// Each rate with its value and what else is to be said of it.
fn rates(report: &metrics::MetricsReport) -> Vec<(&'static str, String, String)> {
    let of = |name, rate: &metrics::RateMetric| {
        let mut words = rate.roll_state.as_str().to_owned();
        let pinned = metrics::pinned_words(rate);
        if !pinned.is_empty() {
            words = format!("{words}; {pinned}");
        }
        (name, metrics::rate_words(rate), words)
    };
    vec![
        of("first-pass merge rate, last 50", &report.first_pass_merge_rate),
        of("rebase-conflict rate, last 100", &report.rebase_conflict_rate),
        (
            "attempts to merge, 95th percentile, last 100",
            metrics::count_words(&report.p95_attempts_to_merge),
            String::new(),
        ),
    ]
}
