//! The rates as OpenMetrics text (OpenMetrics 1.0): a metric without a value has no sample, never a 0.

use std::fmt::Write as _;

use super::report::{MetricState, MetricsReport, RollState};

/// The report as an OpenMetrics exposition.
pub fn render(report: &MetricsReport) -> String {
    let mut out = String::new();
    let first = &report.first_pass_merge_rate;
    let conflicts = &report.rebase_conflict_rate;
    let p95 = &report.p95_attempts_to_merge;

    head(&mut out, "first_pass_merge_ratio", "gauge", "merged at the first attempt ÷ merged, last 50");
    sample(&mut out, "first_pass_merge_ratio", "", first.value);
    head(&mut out, "first_pass_trusted", "gauge", "1 while first-pass merges are trusted");
    sample(&mut out, "first_pass_trusted", "", Some(flag(first.roll_state == RollState::Trusted)));

    head(&mut out, "rebase_conflict_ratio", "gauge", "merged after a rebase conflict ÷ merged, last 100");
    sample(&mut out, "rebase_conflict_ratio", "scope=\"global\"", conflicts.value);
    let own = || report.rebase_conflict_rate_by_project.iter().filter(|one| one.scope == "project");
    for project in own() {
        sample(&mut out, "rebase_conflict_ratio", &labels(&project.project), project.rate.value);
    }
    head(&mut out, "rebase_conflict_tightened", "gauge", "1 while rebase conflicts are too frequent");
    let tight = |state| Some(flag(state == RollState::Tightened));
    sample(&mut out, "rebase_conflict_tightened", "scope=\"global\"", tight(conflicts.roll_state));
    for project in own() {
        let state = tight(project.rate.roll_state);
        sample(&mut out, "rebase_conflict_tightened", &labels(&project.project), state);
    }

    head(&mut out, "p95_attempts_to_merge", "gauge", "attempts until merged, 95th percentile, last 100");
    sample(&mut out, "p95_attempts_to_merge", "", p95.value);

    head(&mut out, "window_merges", "gauge", "merges in the window of a metric");
    let windows = [
        ("first_pass_merge_rate", first.n, first.state),
        ("rebase_conflict_rate", conflicts.n, conflicts.state),
        ("p95_attempts_to_merge", p95.n, p95.state),
    ];
    for (name, n, _) in windows {
        sample(&mut out, "window_merges", &format!("metric=\"{name}\""), Some(n));
    }
    head(&mut out, "unmeasured", "gauge", "1 where a line in the window could not be read");
    for (name, _, state) in windows {
        let unmeasured = flag(state == MetricState::Unmeasured);
        sample(&mut out, "unmeasured", &format!("metric=\"{name}\""), Some(unmeasured));
    }

    head(&mut out, "log_lines", "counter", "lines of the event log by what they are");
    let log = &report.log;
    for (kind, lines) in [
        ("merged", log.merged),
        ("other", log.other),
        ("duplicate", log.duplicate),
        ("malformed", log.malformed),
        ("half_written", log.half_written),
        ("crossing", log.crossings_recorded),
    ] {
        sample(&mut out, "log_lines_total", &format!("kind=\"{kind}\""), Some(lines));
    }
    head(&mut out, "threshold_crossings", "counter", "thresholds crossed in the whole log");
    sample(&mut out, "threshold_crossings_total", "", Some(report.crossings_total));
    out.push_str("# EOF\n");
    out
}

fn flag(on: bool) -> u64 {
    u64::from(on)
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# TYPE patchwarden_{name} {kind}\n# HELP patchwarden_{name} {help}");
}

fn sample(out: &mut String, name: &str, labels: &str, value: Option<impl std::fmt::Display>) {
    let Some(value) = value else { return };
    let _ = match labels {
        "" => writeln!(out, "patchwarden_{name} {value}"),
        labels => writeln!(out, "patchwarden_{name}{{{labels}}} {value}"),
    };
}

/// A project as labels, escaped as the format says: backslash, quote and line end.
fn labels(project: &str) -> String {
    let escaped = project.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("scope=\"project\",project=\"{escaped}\"")
}
