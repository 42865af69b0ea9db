//! The rolling rates over a log of any length, thinned out evenly so that they fit a picture.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::Timestamp;

/// Points that are kept at most.
const POINTS: usize = 400;

/// One point: the rates right after a merge.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Point {
    /// The merge's number in the log, from 1.
    pub merge: u64,
    pub at: Timestamp,
    /// Null where it had no value.
    pub first_pass_merge_rate: Option<f64>,
    /// Null where it had no value.
    pub rebase_conflict_rate: Option<f64>,
}

/// The points, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Series {
    /// Merges between two points.
    pub every: u64,
    pub points: Vec<Point>,
}

impl Default for Series {
    fn default() -> Self {
        Self { every: 1, points: Vec::new() }
    }
}

impl Series {
    /// Takes the point of the next merge, and drops every second one once there are too many.
    pub fn push(&mut self, point: Point) {
        if !(point.merge - 1).is_multiple_of(self.every) {
            return;
        }
        if self.points.len() >= POINTS {
            self.every *= 2;
            let every = self.every;
            self.points.retain(|kept| (kept.merge - 1).is_multiple_of(every));
            if !(point.merge - 1).is_multiple_of(every) {
                return;
            }
        }
        self.points.push(point);
    }

    /// The series with its last merge as last point.
    #[must_use]
    pub fn ended_by(mut self, last: Option<Point>) -> Self {
        if let Some(last) = last
            && self.points.last().is_none_or(|point| point.merge < last.merge)
        {
            self.points.push(last);
        }
        self
    }
}
