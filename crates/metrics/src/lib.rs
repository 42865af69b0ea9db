//! Rolling rates over merges: an append-only event log in, rates, states and crossings out. Pure, in bounded memory.
//! Nothing is stored beside the log: reading it again gives the same answer.

use patchwarden_model as model;

mod band;
mod batch;
mod blocks;
mod event;
mod log;
mod markdown;
mod openmetrics;
mod remembered;
mod report;
mod rolling;
mod series;
mod svg;
#[cfg(test)]
mod tests;
mod text;
mod window;

pub use batch::{AtOnce, Batch, Block, Keys, Parser, Read, Row};
pub use event::{Event, Merge, read_event};
pub use log::{Fold, Log, LogFile, Place};
pub use markdown::render as markdown;
pub use openmetrics::render as openmetrics;
pub use report::{
    CROSSING_SCHEMA, CountMetric, Crossing, CrossingEvent, Direction, LineIssue, LineProblem, LogCounts,
    Metric, MetricState, MetricsReport, Pinned, ProjectRate, RateMetric, RollState, SCHEMA, Scope,
};
pub use rolling::{Rolling, read_log};
pub use series::{Point, Series};
pub use svg::{file as svg_file, inline as svg_inline};
pub use text::{count_words, crossing_words, pinned_words, rate_words, render as text};
