//! Which time a digest covers: a week with the weeks before it, or from here to there.

use super::refused;
use crate::digest::{IsoWeek, Window};
use crate::error::Failure;
use crate::model::Timestamp;

/// The window as the caller gave it.
#[derive(Debug, Clone, Default)]
pub struct WindowRequest {
    /// The week the digest is about; without one that of `now`.
    pub week: Option<IsoWeek>,
    /// How many weeks the window has, that one included.
    pub weeks: u16,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// The time it is made at.
    pub now: Option<Timestamp>,
}

impl WindowRequest {
    /// The window.
    ///
    /// # Errors
    /// Exit 2 where it ends before it starts or is too long to tabulate.
    pub fn resolve(&self, now: Timestamp) -> Result<Window, Failure> {
        let week = self.week.unwrap_or_else(|| match self.until {
            Some(until) => IsoWeek::of(Timestamp::from_unix(until.unix() - 1)),
            None => IsoWeek::of(now),
        });
        let whole = Window::of_week(week, self.weeks.max(1) - 1);
        Window::new(self.since.unwrap_or(whole.since), self.until.unwrap_or(whole.until))
            .map_err(|error| refused(&error))
    }
}
