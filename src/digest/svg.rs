//! Small pictures of counts by week: bars, the week itself marked. No script, no style attribute.

use std::fmt::Write as _;

const BAR: usize = 8;
const GAP: usize = 2;
const HEIGHT: u64 = 28;

/// Bars of the counts, the earliest first. Numbers alone go in, so nothing needs escaping.
pub(super) fn bars(weeks: &[u64]) -> String {
    let width = weeks.len() * (BAR + GAP);
    let most = weeks.iter().copied().max().unwrap_or(0).max(1);
    let words = super::markdown::by_week(weeks);
    let mut out = format!(
        "<svg class=\"bars\" viewBox=\"0 0 {width} {HEIGHT}\" width=\"{width}\" height=\"{HEIGHT}\" role=\"img\" \
         aria-label=\"by week: {words}\"><title>by week: {words}</title>"
    );
    for (index, value) in weeks.iter().enumerate() {
        // A count above zero is seen, however small beside the others.
        let scaled = u128::from(*value) * u128::from(HEIGHT - 2) / u128::from(most);
        let height =
            u64::try_from(scaled).unwrap_or(HEIGHT).max(u64::from(*value > 0)) + u64::from(*value > 0);
        let class = if index + 1 == weeks.len() { "now" } else { "then" };
        let _ = write!(
            out,
            "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{BAR}\" height=\"{height}\"/>",
            index * (BAR + GAP),
            HEIGHT - height
        );
    }
    let _ = write!(out, "<path class=\"ground\" d=\"M0 {HEIGHT}H{width}\"/></svg>");
    out
}
