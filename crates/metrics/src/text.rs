//! The rates for a terminal or a log: one line each, with every count they rest on.

use std::fmt::Write as _;

use crate::model::{count, sanitize};

use super::report::{CountMetric, Crossing, MetricState, MetricsReport, ProjectRate, RateMetric};

/// Crossings and lines shown before the rest is counted.
const SHOWN: usize = 20;

/// The report as text.
pub fn render(report: &MetricsReport) -> String {
    let mut out = String::new();
    rate("first_pass_merge_rate", &report.first_pass_merge_rate, &mut out);
    rate("rebase_conflict_rate", &report.rebase_conflict_rate, &mut out);
    for project in report.rebase_conflict_rate_by_project.iter().take(SHOWN) {
        project_rate(project, &mut out);
    }
    more(report.rebase_conflict_rate_by_project.len(), "other project", &mut out);
    p95(&report.p95_attempts_to_merge, &mut out);
    crossings(report, &mut out);
    lines(report, &mut out);
    out
}

/// The value of a rate in words: `86.0 % (43/50)`, `undefined (n=23/50)`, `unmeasured (why)`.
pub fn rate_words(rate: &RateMetric) -> String {
    match (rate.state, rate.value, rate.numerator) {
        (MetricState::Measured, Some(value), Some(numerator)) => {
            format!("{} % ({numerator}/{})", percent(value), rate.n)
        }
        (MetricState::Unmeasured, ..) => {
            format!("unmeasured ({})", rate.because.as_deref().unwrap_or("a line could not be read"))
        }
        _ => format!("undefined (n={}/{})", rate.n, rate.window),
    }
}

/// The value of `p95_attempts_to_merge` in words.
pub fn count_words(metric: &CountMetric) -> String {
    match (metric.state, metric.value) {
        (MetricState::Measured, Some(value)) => format!("{value} (n={}/{})", metric.n, metric.window),
        (MetricState::Unmeasured, _) => {
            format!("unmeasured ({})", metric.because.as_deref().unwrap_or("a line could not be read"))
        }
        _ => format!("undefined (n={}/{})", metric.n, metric.window),
    }
}

/// The pinned window beside the rolling one, in words; empty where nothing is pinned.
pub fn pinned_words(rate: &RateMetric) -> String {
    let Some(pinned) = &rate.pinned else { return String::new() };
    let mut words = format!(
        "pinned {} % ({}/{}) at `{}`",
        percent(pinned.value),
        pinned.numerator,
        pinned.denominator,
        sanitize(&pinned.ended_by, 60)
    );
    if let Some(drift) = rate.drift {
        let sign = if drift > 0.0 { "+" } else { "" };
        let _ = write!(words, ", drift {sign}{} points", percent(drift));
    }
    words
}

/// A crossing in words.
pub fn crossing_words(crossing: &Crossing) -> String {
    format!(
        "{} ({}) {} through {} %: {} % ({}/{}), {} since `{}`",
        crossing.metric.as_str(),
        crossing.scope.words(),
        crossing.direction.as_str(),
        crossing.threshold,
        percent(crossing.value),
        crossing.numerator,
        crossing.denominator,
        crossing.roll_state.as_str(),
        sanitize(&crossing.caused_by.work_item_id, 60)
    )
}

/// A share as percent with one decimal; never `-0.0`.
fn percent(share: f64) -> String {
    let tenths = (share * 1000.0).round() / 10.0;
    format!("{:.1}", if tenths == 0.0 { 0.0 } else { tenths })
}

fn rate(name: &str, rate: &RateMetric, out: &mut String) {
    let _ = write!(out, "{name} = {}, {}", rate_words(rate), rate.roll_state.as_str());
    let pinned = pinned_words(rate);
    let _ = writeln!(out, "{}{pinned}", if pinned.is_empty() { "" } else { "; " });
}

fn project_rate(project: &ProjectRate, out: &mut String) {
    let name = sanitize(&project.project, 80);
    let _ = write!(out, "rebase_conflict_rate[{name}] = {}", rate_words(&project.rate));
    let window = project.rate.window;
    let _ = match project.scope.as_str() {
        "project" => writeln!(out, ", {}", project.rate.roll_state.as_str()),
        _ => writeln!(out, ", global: the project has n={}/{window}", project.own_n),
    };
}

fn p95(metric: &CountMetric, out: &mut String) {
    let _ = writeln!(out, "p95_attempts_to_merge = {}", count_words(metric));
}

fn crossings(report: &MetricsReport, out: &mut String) {
    if report.crossings_total == 0 {
        return;
    }
    let _ = writeln!(out, "\n{}, the latest last:", count(report.crossings_total, "crossing"));
    let skipped = report.crossings.len().saturating_sub(SHOWN);
    for crossing in report.crossings.iter().skip(skipped) {
        let _ = writeln!(out, "  {} {}", crossing.caused_by.created_at, crossing_words(crossing));
    }
}

fn lines(report: &MetricsReport, out: &mut String) {
    let log = &report.log;
    let _ = writeln!(
        out,
        "\n{}: {} merged, {} of other kinds, {} recorded crossings",
        count(log.lines, "line"),
        log.merged,
        log.other,
        log.crossings_recorded
    );
    let _ = writeln!(
        out,
        "  {} malformed, {} half-written, {} duplicate, {} out of order, {} without a final verdict",
        log.malformed, log.half_written, log.duplicate, log.out_of_order, log.without_final_verdict
    );
    if log.forgotten > 0 {
        let _ = writeln!(
            out,
            "  {} merged too long ago for a duplicate to be recognised",
            count(log.forgotten, "work item")
        );
    }
    for issue in report.issues.iter().take(SHOWN) {
        let _ = write!(out, "  {}:{}: {}", sanitize(&issue.file, 120), issue.line, issue.problem.as_str());
        let _ = match issue.detail.as_str() {
            "" => writeln!(out),
            detail => writeln!(out, ": {detail}"),
        };
    }
    let all = log.malformed + log.half_written + log.duplicate + log.out_of_order + log.without_final_verdict;
    more(usize::try_from(all).unwrap_or(usize::MAX), "other line", out);
}

fn more(all: usize, noun: &str, out: &mut String) {
    if all > SHOWN {
        let _ = writeln!(out, "  … and {}", count((all - SHOWN) as u64, noun));
    }
}
