//! When a failed request is sent again, and how long to wait before.
//! The waiting itself is handed in, so that no test waits.

use std::time::Duration;

use super::error::{Broken, ForgeError};
use super::request::Repeat;
use crate::model::Timestamp;

/// Lets time pass.
pub trait Sleeper: Send + Sync {
    fn sleep(&self, time: Duration);
}

/// The real one.
#[derive(Debug, Clone, Copy, Default)]
pub struct ThreadSleeper;

impl Sleeper for ThreadSleeper {
    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// How often and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// Tries in all, the first included.
    pub tries: u32,
    /// The wait before the second try; it doubles from there.
    pub first: Duration,
    /// No wait is longer, whatever `Retry-After` asks for; a longer one ends the tries.
    pub longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { tries: 4, first: Duration::from_millis(500), longest: Duration::from_mins(1) }
    }
}

impl Backoff {
    /// The wait before try number `next` (2 is the first repetition), or `None` where it must not be repeated.
    ///
    /// `jitter` is a random number of the caller's: half to all of the computed wait is taken.
    /// What the server asks for by `Retry-After` is never cut short, only refused where it is too long.
    pub(super) fn wait(
        &self,
        next: u32,
        repeat: Repeat,
        error: &ForgeError,
        retry_after: Option<Duration>,
        jitter: u8,
    ) -> Option<Duration> {
        if next > self.tries || !may_repeat(repeat, error) {
            return None;
        }
        if let Some(asked) = retry_after {
            return (asked <= self.longest).then_some(asked);
        }
        let doubled = self.first.saturating_mul(2_u32.saturating_pow(next.saturating_sub(2)));
        let full = doubled.min(self.longest);
        Some(full / 2 + full.saturating_mul(u32::from(jitter)) / 510)
    }
}

fn may_repeat(repeat: Repeat, error: &ForgeError) -> bool {
    match error {
        // Neither has done anything yet.
        ForgeError::Transport { broken: Broken::Connect, .. } | ForgeError::Status { status: 429, .. } => {
            true
        }
        ForgeError::Transport { .. } | ForgeError::Status { status: 502..=504, .. } => {
            repeat != Repeat::Never
        }
        ForgeError::Status { status: 500, .. } => repeat == Repeat::SafeAnd500,
        _ => false,
    }
}

/// `Retry-After` as seconds or as a date (RFC 9110 section 10.2.3), counted from the server's own `Date`.
pub(super) fn retry_after(value: &str, server_date: Option<Timestamp>) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let until = http_date(value)?;
    Some(Duration::from_secs(until.seconds_since(server_date?).unwrap_or(0)))
}

/// A date as HTTP writes it: `Sat, 21 Nov 2026 09:30:51 GMT`.
pub(super) fn http_date(value: &str) -> Option<Timestamp> {
    let time = jiff::fmt::rfc2822::parse(value.trim()).ok()?;
    Some(Timestamp::from_unix(time.timestamp().as_second()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::error::Exchange;

    fn status(status: u16) -> ForgeError {
        ForgeError::Status { exchange: exchange(), status, body: String::new() }
    }

    fn broken(broken: Broken) -> ForgeError {
        ForgeError::Transport { exchange: exchange(), broken, reason: String::new() }
    }

    fn exchange() -> Exchange {
        Exchange { method: "GET", path: "/".to_owned() }
    }

    #[test]
    fn only_what_is_safe_is_sent_again() {
        let again = |repeat, error: ForgeError| Backoff::default().wait(2, repeat, &error, None, 0).is_some();
        for error in [429_u16].map(status).into_iter().chain([broken(Broken::Connect)]) {
            assert!(again(Repeat::Never, error));
        }
        for code in [500, 502, 503, 504] {
            assert!(!again(Repeat::Never, status(code)), "{code}");
            assert_eq!(again(Repeat::Safe, status(code)), code != 500, "{code}");
            assert!(again(Repeat::SafeAnd500, status(code)), "{code}");
        }
        for code in [400, 401, 403, 404, 409, 413, 422] {
            assert!(!again(Repeat::SafeAnd500, status(code)), "{code}");
        }
        for kind in [Broken::Timeout, Broken::Body, Broken::Other] {
            assert!(!again(Repeat::Never, broken(kind)));
            assert!(again(Repeat::Safe, broken(kind)));
        }
    }

    #[test]
    fn waits_double_with_jitter_and_end() {
        let backoff = Backoff::default();
        let wait = |next, jitter| backoff.wait(next, Repeat::Safe, &status(503), None, jitter);
        assert_eq!(wait(2, 0), Some(Duration::from_millis(250)));
        assert_eq!(wait(2, 255), Some(Duration::from_millis(500)));
        assert_eq!(wait(4, 255), Some(Duration::from_secs(2)));
        assert_eq!(wait(5, 0), None);
    }

    #[test]
    fn the_server_says_how_long() {
        let date: Timestamp = "2026-11-21T09:30:51Z".parse().unwrap();
        assert_eq!(retry_after(" 7 ", None), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("Sat, 21 Nov 2026 09:31:01 GMT", Some(date)), Some(Duration::from_secs(10)));
        assert_eq!(retry_after("Sat, 21 Nov 2026 09:30:01 GMT", Some(date)), Some(Duration::ZERO));
        assert_eq!(retry_after("soon", Some(date)), None);
        let wait = |asked| {
            Backoff::default().wait(2, Repeat::Safe, &status(429), Some(Duration::from_secs(asked)), 0)
        };
        assert_eq!(wait(7), Some(Duration::from_secs(7)));
        assert_eq!(wait(3600), None, "too long to wait for");
    }
}
