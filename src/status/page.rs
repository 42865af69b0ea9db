//! The status as a page without script: a static one that holds no address at all, and a live one that may link.
//! Its only style is one block, and the page's own content security policy allows that block by its hash alone.

use askama::Template;
use askama::filters::Escaper as _;
use base64::Engine as _;
use sha2::Digest as _;

use crate::audit::{Audit, Finding};
use crate::metrics;
use crate::model::RepoSlug;

use super::document::OperatorStatus;
use super::escape::PageText;

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
    live: Option<&'a Live>,
}

/// What makes the live page another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// The forge that subjects are linked to, without a trailing slash.
    pub server: String,
    /// Seconds after which a browser asks again; only where it is served.
    pub refresh: Option<u64>,
}

impl Page<'_> {
    /// Words of ours with what stands between backticks as code; everything is escaped.
    fn words(text: &str) -> String {
        let mut out = String::new();
        let parts: Vec<&str> = text.split('`').collect();
        // A mark without its partner stays what it is.
        let paired = parts.len() % 2 == 1;
        for (index, part) in parts.iter().enumerate() {
            let mark = match (index, paired, index % 2) {
                (0, ..) => "",
                (_, false, _) => "`",
                (_, true, 1) => "<code>",
                _ => "</code>",
            };
            out.push_str(mark);
            // Writing to a `String` cannot fail.
            let _ = PageText.write_escaped_str(&mut out, part);
        }
        out
    }

    /// A layer's name as people read it.
    fn layer(name: &str) -> String {
        name.replace('_', " ")
    }

    /// The merged pull request a finding is about.
    fn merged(audit: &Audit, one: &Finding) -> String {
        one.place(&audit.repo)
    }

    fn link_merged(&self, audit: &Audit, one: &Finding) -> Option<String> {
        self.link(&one.place(&audit.repo))
    }

    /// The address of `owner/name#4` or `owner/name`; none on the static page, and none for anything else.
    fn link(&self, subject: &str) -> Option<String> {
        let server = &self.live?.server;
        let (repo, pull) = match subject.split_once('#') {
            Some((repo, pull)) => (repo, Some(pull)),
            None => (subject, None),
        };
        let repo = repo.parse::<RepoSlug>().ok()?;
        match pull {
            None => Some(format!("{server}/{repo}")),
            Some(number) => {
                number.parse::<u64>().ok().map(|number| format!("{server}/{repo}/pulls/{number}"))
            }
        }
    }
}

/// Crossings shown, the latest.
const CROSSINGS: usize = 20;

/// The static page: one file without script, network or address.
pub fn render(status: &OperatorStatus) -> String {
    page(status, None)
}

/// The live page: the same, which may link to the forge, and which a browser may ask for again.
pub fn render_live(status: &OperatorStatus, live: &Live) -> String {
    page(status, Some(live))
}

fn page(status: &OperatorStatus, live: Option<&Live>) -> String {
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
        live,
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
