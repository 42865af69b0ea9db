//! The rolling rates as a picture: two panels with their bands and crossings. No script, no style attribute;
//! colours come from classes, so that a page gives them, and a file of its own carries them along.

use std::fmt::Write as _;

use super::report::{Crossing, Metric, MetricsReport, RollState, Scope};
use super::series::Point;
use super::{band, text};

const WIDTH: f64 = 640.0;
const LEFT: f64 = 44.0;
const RIGHT: f64 = 632.0;
const HEIGHT: f64 = 110.0;
const PANEL: f64 = 160.0;

/// Styles of a picture that stands alone; a page has its own.
const STYLE: &str = "svg{color:#1b1f24;background:#fff;font:12px system-ui,sans-serif}\
text{fill:currentColor}.band{fill:#1a7f37;fill-opacity:.1}.alarm{fill:#cf222e;fill-opacity:.1}\
.line{fill:none;stroke:#0550ae;stroke-width:2}.axis{stroke:currentColor;stroke-opacity:.35}\
.well{fill:#116329}.ill{fill:#a40e26}\
@media(prefers-color-scheme:dark){svg{color:#e6edf3;background:#0d1117}.line{stroke:#79c0ff}\
.well{fill:#7ee787}.ill{fill:#ffa198}}";

/// The picture as part of a page.
pub fn inline(report: &MetricsReport) -> String {
    draw(report, "", "")
}

/// The picture as a file of its own.
pub fn file(report: &MetricsReport) -> String {
    let style = format!("<style>{STYLE}</style>");
    let mut out = draw(report, " xmlns=\"http://www.w3.org/2000/svg\"", &style);
    out.push('\n');
    out
}

struct Panel<'a> {
    metric: Metric,
    title: String,
    top: f64,
    /// The share at the upper edge.
    full: f64,
    /// The band in which the rate is healthy, and the one in which it is not, in percent.
    healthy: (u64, u64),
    alarm: (u64, u64),
    value: fn(&Point) -> Option<f64>,
    report: &'a MetricsReport,
}

fn draw(report: &MetricsReport, attributes: &str, style: &str) -> String {
    let panels = [
        Panel {
            metric: Metric::FirstPassMergeRate,
            title: format!(
                "first-pass merge rate, last 50: {}",
                text::rate_words(&report.first_pass_merge_rate)
            ),
            top: 24.0,
            full: 1.0,
            healthy: (band::TRUST_AT, 100),
            alarm: (0, band::DISTRUST_BELOW),
            value: |point| point.first_pass_merge_rate,
            report,
        },
        Panel {
            metric: Metric::RebaseConflictRate,
            title: format!(
                "rebase-conflict rate, last 100: {}",
                text::rate_words(&report.rebase_conflict_rate)
            ),
            top: 24.0 + PANEL,
            full: 0.25,
            healthy: (0, band::RELAX_AT),
            alarm: (band::TIGHTEN_ABOVE, 25),
            value: |point| point.rebase_conflict_rate,
            report,
        },
    ];
    let height = PANEL * 2.0;
    let mut out = format!(
        "<svg{attributes} class=\"rates\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         role=\"img\" aria-label=\"rolling rates with their bands and crossings\">{style}"
    );
    for panel in &panels {
        panel.draw(&mut out);
    }
    out.push_str("</svg>");
    out
}

impl Panel<'_> {
    fn draw(&self, out: &mut String) {
        let (top, bottom) = (self.top, self.top + HEIGHT);
        let _ = write!(out, "<text x=\"{LEFT}\" y=\"{:.1}\">{}</text>", top - 8.0, escaped(&self.title));
        for (class, (from, to)) in [("band", self.healthy), ("alarm", self.alarm)] {
            let (y, end) = (self.y(share(to)), self.y(share(from)));
            let _ = write!(
                out,
                "<rect class=\"{class}\" x=\"{LEFT}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>",
                RIGHT - LEFT,
                end - y
            );
        }
        for percent in [self.healthy.0, self.healthy.1, self.alarm.0, self.alarm.1] {
            let y = self.y(share(percent));
            let _ = write!(
                out,
                "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{percent} %</text>",
                LEFT - 6.0,
                y + 4.0
            );
        }
        self.lines(out);
        for crossing in self.crossings() {
            self.mark(crossing, out);
        }
        let merges = self.report.log.merged;
        let _ = write!(
            out,
            "<text x=\"{RIGHT}\" y=\"{:.1}\" text-anchor=\"end\">merge {merges}</text>\
             <text x=\"{LEFT}\" y=\"{:.1}\">merge 1</text>",
            bottom + 14.0,
            bottom + 14.0
        );
    }

    /// The curve; it breaks where the rate had no value.
    fn lines(&self, out: &mut String) {
        let mut path = String::new();
        let mut pen_down = false;
        for point in &self.report.series.points {
            let Some(value) = (self.value)(point) else {
                pen_down = false;
                continue;
            };
            let verb = if pen_down { 'L' } else { 'M' };
            let _ = write!(path, "{verb}{:.1} {:.1}", self.x(point.merge), self.y(value));
            pen_down = true;
        }
        if path.is_empty() {
            let _ = write!(
                out,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">no value yet</text>",
                f64::midpoint(LEFT, RIGHT),
                self.top + HEIGHT / 2.0
            );
        } else {
            let _ = write!(out, "<path class=\"line\" d=\"{path}\"/>");
        }
    }

    fn crossings(&self) -> impl Iterator<Item = &Crossing> {
        let metric = self.metric;
        let fits = move |crossing: &&Crossing| crossing.metric == metric && crossing.scope == Scope::Global;
        let skipped = self.report.crossings.iter().filter(fits).count().saturating_sub(100);
        self.report.crossings.iter().filter(fits).skip(skipped)
    }

    /// A triangle that points the way the rate went: meaning never by colour alone.
    fn mark(&self, crossing: &Crossing, out: &mut String) {
        let (x, y) = (self.x(crossing.caused_by.merge), self.y(crossing.value));
        let tip = match crossing.direction {
            super::report::Direction::Up => -6.0,
            super::report::Direction::Down => 6.0,
        };
        let _ = write!(
            out,
            "<path class=\"{}\" d=\"M{:.1} {:.1}L{:.1} {:.1}L{x:.1} {:.1}Z\"><title>{}</title></path>",
            if matches!(crossing.roll_state, RollState::Trusted | RollState::Relaxed) {
                "well"
            } else {
                "ill"
            },
            x - 5.0,
            y - tip / 2.0,
            x + 5.0,
            y - tip / 2.0,
            y + tip,
            escaped(&text::crossing_words(crossing))
        );
    }

    fn x(&self, merge: u64) -> f64 {
        let last = number(self.report.log.merged.max(2) - 1);
        LEFT + (RIGHT - LEFT) * number(merge.saturating_sub(1)) / last
    }

    fn y(&self, value: f64) -> f64 {
        self.top + HEIGHT - HEIGHT * (value / self.full).clamp(0.0, 1.0)
    }
}

fn share(percent: u64) -> f64 {
    number(percent) / 100.0
}

#[expect(clippy::cast_precision_loss, reason = "pixels need no more than a float holds")]
fn number(count: u64) -> f64 {
    count as f64
}

/// Text inside an element. Also what a page must not contain even as text: `src=` and the start of an address.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '/' => out.push_str("&#47;"),
            '=' => out.push_str("&#61;"),
            _ => out.push(c),
        }
    }
    out
}
