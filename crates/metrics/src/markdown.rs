//! The rates as a summary in Markdown: a table, and each curve as a line of blocks with its crossings below.
//! Forgejo's sanitiser takes the shapes, classes and colours out of an inline SVG, so the picture is a file beside it.

use std::fmt::Write as _;

use super::report::{Crossing, Direction, Metric, MetricState, MetricsReport, RateMetric, Scope};
use super::series::Point;
use super::{band, text};

/// Columns of a curve.
const WIDTH: usize = 60;
/// From nothing to the full scale.
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Crossings that are listed, the latest.
const SHOWN: usize = 20;

/// The summary. `picture` names the file that holds the same as an SVG, where there is one beside it.
pub fn render(report: &MetricsReport, picture: Option<&str>) -> String {
    let mut out = String::from("## Rolling rates\n\n| rate | value | state |\n|---|---|---|\n");
    let rates = [
        ("first-pass merge rate, last 50", &report.first_pass_merge_rate),
        ("rebase-conflict rate, last 100", &report.rebase_conflict_rate),
    ];
    for (name, rate) in rates {
        let _ = writeln!(out, "| {name} | {} | {} |", value(rate), rate.roll_state.as_str());
    }
    let p95 = &report.p95_attempts_to_merge;
    let words =
        if p95.state == MetricState::Unmeasured { "unmeasured".to_owned() } else { text::count_words(p95) };
    let _ = writeln!(out, "| attempts to merge, 95th percentile, last 100 | {words} | |\n");
    out.push_str("```text\n");
    let (trust, distrust) = (band::TRUST_AT, band::DISTRUST_BELOW);
    let scale = format!("first-pass, 0 to 100 %: trusted at {trust} %, untrusted below {distrust} %");
    curve(report, Metric::FirstPassMergeRate, 1.0, &scale, &mut out);
    let (tighten, relax) = (band::TIGHTEN_ABOVE, band::RELAX_AT);
    let scale = format!("rebase-conflict, 0 to 25 %: tightened above {tighten} %, relaxed at {relax} %");
    curve(report, Metric::RebaseConflictRate, 0.25, &scale, &mut out);
    // Foreign words have lost their backticks, so they cannot end the fence.
    for (name, rate) in rates {
        let why = rate.because.as_deref().map(|why| format!("{name}: unmeasured, {}", plain(why)));
        let pinned = Some(text::pinned_words(rate)).filter(|words| !words.is_empty());
        for line in why.into_iter().chain(pinned.map(|words| format!("{name}: {}", plain(&words)))) {
            let _ = writeln!(out, "{line}");
        }
    }
    let skipped = report.crossings.len().saturating_sub(SHOWN);
    for crossing in report.crossings.iter().skip(skipped) {
        let _ = writeln!(out, "{} {}", crossing.caused_by.created_at, plain(&text::crossing_words(crossing)));
    }
    out.push_str("```\n");
    if let Some(picture) = picture {
        let _ = writeln!(out, "\n`{picture}`, in the same artifact, is the picture with its bands.");
    }
    out
}

fn value(rate: &RateMetric) -> String {
    // Why is said below, where foreign words do no harm.
    if rate.state == MetricState::Unmeasured { "unmeasured".to_owned() } else { text::rate_words(rate) }
}

fn plain(words: &str) -> String {
    words.replace('`', "'")
}

/// Two lines: the curve, a dot where there was no value, and below it an arrow under each crossing.
fn curve(report: &MetricsReport, metric: Metric, full: f64, scale: &str, out: &mut String) {
    let of = |point: &Point| match metric {
        Metric::FirstPassMergeRate => point.first_pass_merge_rate,
        Metric::RebaseConflictRate => point.rebase_conflict_rate,
    };
    let merges = report.log.merged.max(1);
    let mut curve = ['·'; WIDTH];
    let mut from = 0;
    for point in &report.series.points {
        let to = column(point.merge, merges) + 1;
        // A short log has more columns than points: each point fills those since the one before.
        let from = std::mem::replace(&mut from, to).min(to - 1);
        let mark = of(point).map_or('·', |value| level(value / full));
        curve.iter_mut().take(to).skip(from).for_each(|place| *place = mark);
    }
    let mut arrows = [' '; WIDTH];
    let global = |one: &&Crossing| one.metric == metric && one.scope == Scope::Global;
    for crossing in report.crossings.iter().filter(global) {
        if let Some(place) = arrows.get_mut(column(crossing.caused_by.merge, merges)) {
            *place = if crossing.direction == Direction::Up { '▲' } else { '▼' };
        }
    }
    let (curve, arrows): (String, String) = (curve.iter().collect(), arrows.iter().collect());
    let _ = writeln!(out, "{scale}\n{curve}");
    let arrows = arrows.trim_end();
    if !arrows.is_empty() {
        let _ = writeln!(out, "{arrows}");
    }
    out.push('\n');
}

/// The column of a merge, the first at 0 and the last at the right edge.
fn column(merge: u64, merges: u64) -> usize {
    let last = (WIDTH - 1) as u64;
    let place = merge.saturating_sub(1).saturating_mul(last) / (merges - 1).max(1);
    usize::try_from(place).unwrap_or(WIDTH)
}

/// The block for a share of the full scale.
fn level(share: f64) -> char {
    let steps = [0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875];
    let index = steps.iter().filter(|step| share >= **step).count();
    LEVELS.get(index).copied().unwrap_or('█')
}
