//! The digest as one page: no script, no network, no address. Its only style is one block, and the page's own content
//! security policy allows that block by its hash and nothing else.

use askama::Template;
use base64::Engine as _;
use sha2::Digest as _;

use super::document::{CodeLine, EvidenceDigest, RuleLine, Trend};
use super::markdown::{duration, plural, spread};
use super::svg;

const STYLE: &str = include_str!("digest.css");
/// Lines of a table; the rest is in the JSON.
const SHOWN: usize = 500;

#[derive(Template)]
#[template(path = "digest.html")]
struct Page<'a> {
    digest: &'a EvidenceDigest,
    style: &'a str,
    style_hash: String,
    changed: Vec<&'a RuleLine>,
    rules: Vec<(&'a RuleLine, String)>,
    repositories: Vec<(&'a super::document::RepositoryLine, String)>,
    buckets: Vec<(&'a super::document::BucketLine, String)>,
    codes: Vec<CodeWords<'a>>,
    runs: String,
    findings: String,
    unread: &'a [super::document::UnreadLine],
}

struct CodeWords<'a> {
    line: &'a CodeLine,
    time: String,
    heads: String,
    overridden: String,
}

#[expect(clippy::unused_self, clippy::trivially_copy_pass_by_ref, reason = "as the template calls it")]
impl Page<'_> {
    fn repositories_word(&self, number: &u64) -> String {
        plural(*number, "repository", "repositories")
    }

    fn comparable_word(&self, number: &u64) -> String {
        plural(*number, "comparable repository", "comparable repositories")
    }
}

/// The page.
pub fn render(digest: &EvidenceDigest) -> String {
    let hash = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(STYLE));
    let by_week = |count: fn(&super::document::WeekLine) -> u64| {
        svg::bars(&digest.weeks.iter().map(count).collect::<Vec<_>>())
    };
    let page = Page {
        digest,
        style: STYLE,
        style_hash: format!("sha256-{hash}"),
        changed: changed(digest),
        rules: digest
            .rules
            .iter()
            .filter(|rule| rule.findings > 0)
            .take(SHOWN)
            .map(|rule| (rule, svg::bars(&rule.weeks)))
            .collect(),
        repositories: digest
            .repositories
            .iter()
            .take(SHOWN)
            .map(|one| (one, svg::bars(&one.weeks)))
            .collect(),
        buckets: digest.buckets.iter().map(|one| (one, svg::bars(&one.weeks))).collect(),
        codes: digest.codes.iter().map(words).collect(),
        runs: by_week(|week| week.runs),
        findings: by_week(|week| week.findings),
        unread: digest.unread_list.get(..SHOWN).unwrap_or(&digest.unread_list),
    };
    // Rendering into a string fails only where a value's own formatting does, and ours are texts and numbers.
    page.render().unwrap_or_default()
}

fn changed(digest: &EvidenceDigest) -> Vec<&RuleLine> {
    let mut rules: Vec<&RuleLine> = digest
        .rules
        .iter()
        .filter(|rule| !matches!(rule.trend, Trend::Same | Trend::First))
        .take(SHOWN)
        .collect();
    rules.sort_by_key(|rule| rule.trend);
    rules
}

fn words(line: &CodeLine) -> CodeWords<'_> {
    CodeWords {
        line,
        time: spread(line.time_to_green_seconds, duration),
        heads: spread(line.heads_to_green, |heads| heads.to_string()),
        overridden: line.false_blocks.map_or_else(
            || "–".to_owned(),
            |wrong| format!("{} of {} ({:.0} %)", wrong.overridden, wrong.blockers, wrong.rate * 100.0),
        ),
    }
}
