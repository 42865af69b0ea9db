//! ISO weeks (ISO 8601: Monday to Sunday, the year is that of the week's Thursday), the window a digest covers,
//! and the names of its files.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{ISOWeekDate, Weekday};
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Timestamp, sanitize};

const WEEK_SECONDS: i64 = 7 * 86_400;

/// One week in UTC, written `2026-W47`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("pattern" = "^[0-9]{4}-W[0-9]{2}$"))]
pub struct IsoWeek {
    year: i16,
    week: i8,
}

/// The text is no week, no window or no name of a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WeekError {
    #[error("`{0}` is not an ISO week such as `2026-W47`")]
    Week(String),
    #[error("the window ends at `{until}`, which is not after its start `{since}`")]
    Window { since: Timestamp, until: Timestamp },
    #[error("the window is longer than {0} weeks")]
    TooLong(u16),
    #[error(
        "`{0}` cannot be the name of a file: it is empty, too long, hidden or has a `/`, `\\` or control character in it"
    )]
    Name(String),
}

/// More weeks than anybody reads in one table.
const MAX_WEEKS: u16 = 106;

impl IsoWeek {
    /// The week this moment lies in.
    pub fn of(time: Timestamp) -> Self {
        let moment = jiff::Timestamp::from_second(time.unix()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let date = moment.to_zoned(TimeZone::UTC).date().iso_week_date();
        Self { year: date.year(), week: date.week() }
    }

    /// Its first moment, Monday at midnight UTC.
    pub fn start(self) -> Timestamp {
        let start = ISOWeekDate::new(self.year, self.week, Weekday::Monday)
            .map(ISOWeekDate::date)
            .and_then(|date| date.to_zoned(TimeZone::UTC))
            .map(|zoned| zoned.timestamp().as_second());
        Timestamp::from_unix(start.unwrap_or(0))
    }

    /// The first moment after it.
    pub fn end(self) -> Timestamp {
        Timestamp::from_unix(self.start().unix().saturating_add(WEEK_SECONDS))
    }

    /// The week after it.
    #[must_use]
    pub fn next(self) -> Self {
        Self::of(self.end())
    }

    /// The week so many weeks earlier.
    #[must_use]
    pub fn back(self, weeks: u16) -> Self {
        let start = self.start().unix().saturating_sub(WEEK_SECONDS.saturating_mul(i64::from(weeks)));
        Self::of(Timestamp::from_unix(start))
    }
}

impl fmt::Display for IsoWeek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-W{:02}", self.year, self.week)
    }
}

impl FromStr for IsoWeek {
    type Err = WeekError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || WeekError::Week(sanitize(text, 40));
        let (year, week) = text.split_once("-W").ok_or_else(wrong)?;
        let digits = |part: &str, length| part.len() == length && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(year, 4) || !digits(week, 2) {
            return Err(wrong());
        }
        let (year, week) = (year.parse().map_err(|_| wrong())?, week.parse().map_err(|_| wrong())?);
        ISOWeekDate::new(year, week, Weekday::Monday).map_err(|_| wrong())?;
        // The calendar's own edge, where a week has no full seven days.
        if (1..=9998).contains(&year) { Ok(Self { year, week }) } else { Err(wrong()) }
    }
}

impl TryFrom<String> for IsoWeek {
    type Error = WeekError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<IsoWeek> for String {
    fn from(week: IsoWeek) -> Self {
        week.to_string()
    }
}

/// What a digest covers: from `since` up to, and without, `until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Window {
    pub since: Timestamp,
    pub until: Timestamp,
}

impl Window {
    /// # Errors
    /// [`WeekError`] where it holds nothing, or too much to tabulate.
    pub fn new(since: Timestamp, until: Timestamp) -> Result<Self, WeekError> {
        let window = Self { since, until };
        if since >= until {
            return Err(WeekError::Window { since, until });
        }
        if until.unix().saturating_sub(since.unix()) / WEEK_SECONDS > i64::from(MAX_WEEKS) {
            return Err(WeekError::TooLong(MAX_WEEKS));
        }
        Ok(window)
    }

    /// A week and so many before it.
    pub fn of_week(week: IsoWeek, before: u16) -> Self {
        Self { since: week.back(before).start(), until: week.end() }
    }

    /// Whether a moment lies in it.
    pub fn holds(&self, time: Timestamp) -> bool {
        self.since <= time && time < self.until
    }

    /// The week the digest is about: the last one.
    pub fn week(&self) -> IsoWeek {
        IsoWeek::of(Timestamp::from_unix(self.until.unix().saturating_sub(1)))
    }

    /// Every week it touches, the earliest first.
    pub fn weeks(&self) -> Vec<IsoWeek> {
        let last = self.week();
        let mut weeks = vec![IsoWeek::of(self.since)];
        while let Some(latest) =
            weeks.last().filter(|week| **week < last && weeks.len() <= usize::from(MAX_WEEKS) + 2)
        {
            weeks.push(latest.next());
        }
        weeks
    }
}

/// The name of the digest's files without its ending, the week filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileStem(String);

impl FileStem {
    /// The name where none is given.
    pub const DEFAULT: &str = "evidence-digest-YYYY-Www";

    /// Fills `YYYY`, `Www` (`W47`) and `WW` (`47`) in; an ending `.md` is left out.
    ///
    /// # Errors
    /// [`WeekError::Name`] where it could be anything but a file beside the others.
    pub fn new(pattern: &str, week: IsoWeek) -> Result<Self, WeekError> {
        let pattern = pattern.strip_suffix(".md").unwrap_or(pattern);
        let refused = pattern.is_empty()
            || pattern.len() > 200
            || pattern.starts_with('.')
            || pattern.contains(|c: char| c == '/' || c == '\\' || c.is_control());
        if refused {
            return Err(WeekError::Name(sanitize(pattern, 80)));
        }
        let year = format!("{:04}", week.year);
        let number = format!("{:02}", week.week);
        let named = pattern.replace("YYYY", &year).replace("Www", &format!("W{number}"));
        Ok(Self(named.replace("WW", &number)))
    }

    /// The name of the file with this ending.
    pub fn with(&self, ending: &str) -> String {
        format!("{}.{ending}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn week(text: &str) -> IsoWeek {
        text.parse().unwrap()
    }

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_year_of_a_week_is_that_of_its_thursday() {
        for (at, expected) in [
            ("2026-11-21T04:00:00Z", "2026-W47"),
            ("2027-01-03T23:59:59Z", "2026-W53"),
            ("2027-01-04T00:00:00Z", "2027-W01"),
            ("2024-12-30T00:00:00Z", "2025-W01"),
        ] {
            assert_eq!(IsoWeek::of(time(at)).to_string(), expected, "{at}");
        }
        assert_eq!(week("2026-W47").start(), time("2026-11-16T00:00:00Z"));
        assert_eq!(week("2026-W53").next(), week("2027-W01"));
        assert_eq!(week("2027-W01").back(1), week("2026-W53"));
    }

    #[test]
    fn only_weeks_that_exist_are_weeks() {
        for bad in
            ["2026-47", "2026-W54", "2025-W53", "2026-W00", "26-W01", "2026-W1", "2026-w47", "", "é-Wé"]
        {
            assert_eq!(bad.parse::<IsoWeek>(), Err(WeekError::Week(bad.to_owned())), "{bad}");
        }
    }

    #[test]
    fn a_window_ends_before_its_end() {
        let window = Window::of_week(week("2026-W47"), 1);
        assert_eq!(window.weeks(), [week("2026-W46"), week("2026-W47")]);
        assert!(window.holds(time("2026-11-22T23:59:59Z")) && !window.holds(window.until));
        assert!(matches!(Window::new(window.until, window.since), Err(WeekError::Window { .. })));
        let long = Window::new(time("2000-01-01T00:00:00Z"), window.until);
        assert_eq!(long, Err(WeekError::TooLong(MAX_WEEKS)));
    }

    #[test]
    fn files_are_named_by_iso_year_and_week() {
        let week = IsoWeek::of(time("2027-01-01T00:00:00Z"));
        let name = |pattern| FileStem::new(pattern, week).map(|stem| stem.with("md"));
        assert_eq!(name(FileStem::DEFAULT).unwrap(), "evidence-digest-2026-W53.md");
        assert_eq!(name("pyfallow-dogfood-weekly-YYYY-WW.md").unwrap(), "pyfallow-dogfood-weekly-2026-53.md");
        for bad in ["", ".md", "../x", "a/b", "a\\b", "a\nb", ".hidden"] {
            assert!(matches!(name(bad), Err(WeekError::Name(_))), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_week_holds_its_own_moments(seconds in 0_i64..4_000_000_000) {
            let at = Timestamp::from_unix(seconds);
            let week = IsoWeek::of(at);
            proptest::prop_assert!(week.start() <= at && at < week.end());
            proptest::prop_assert_eq!(week.to_string().parse::<IsoWeek>().unwrap(), week);
            proptest::prop_assert_eq!(week.next().back(1), week);
        }
    }
}
