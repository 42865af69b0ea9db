//! Hysteresis: a state that turns at one threshold, turns back at another, and holds between the two.
//! All comparisons are of whole numbers, so no rounding decides a state.

use super::report::{Direction, Metric, RollState};

/// First-pass gains trust at this many percent or more.
pub const TRUST_AT: u64 = 85;
/// First-pass loses trust below this many percent.
pub const DISTRUST_BELOW: u64 = 70;
/// Rebase-conflict tightens above this many percent.
pub const TIGHTEN_ABOVE: u64 = 10;
/// Rebase-conflict relaxes at this many percent or less.
pub const RELAX_AT: u64 = 5;

/// The state of one rate in one scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Band {
    metric: Metric,
    /// Whether the rate has gone up through its upper threshold and not yet down through its lower one.
    up: bool,
}

/// A turn of the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    pub direction: Direction,
    /// The threshold that was crossed, in percent.
    pub threshold: u64,
}

impl Band {
    /// The state before anything was measured: trust is not yet gained, nothing is tightened.
    pub fn new(metric: Metric) -> Self {
        Self { metric, up: false }
    }

    /// Takes the rate's new value; a turn where it crossed a threshold.
    pub fn step(&mut self, numerator: u64, denominator: u64) -> Option<Turn> {
        let (percent, whole) = (numerator * 100, denominator);
        let (rises, upper, falls, lower) = match self.metric {
            Metric::FirstPassMergeRate => {
                (percent >= TRUST_AT * whole, TRUST_AT, percent < DISTRUST_BELOW * whole, DISTRUST_BELOW)
            }
            Metric::RebaseConflictRate => {
                (percent > TIGHTEN_ABOVE * whole, TIGHTEN_ABOVE, percent <= RELAX_AT * whole, RELAX_AT)
            }
        };
        if !self.up && rises {
            self.up = true;
            Some(Turn { direction: Direction::Up, threshold: upper })
        } else if self.up && falls {
            self.up = false;
            Some(Turn { direction: Direction::Down, threshold: lower })
        } else {
            None
        }
    }

    /// The state in the words of the metric.
    pub fn state(self) -> RollState {
        match (self.metric, self.up) {
            (Metric::FirstPassMergeRate, true) => RollState::Trusted,
            (Metric::FirstPassMergeRate, false) => RollState::Untrusted,
            (Metric::RebaseConflictRate, true) => RollState::Tightened,
            (Metric::RebaseConflictRate, false) => RollState::Relaxed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trust_turns_at_85_and_below_70_and_holds_between() {
        let mut band = Band::new(Metric::FirstPassMergeRate);
        assert_eq!(band.step(84, 100), None);
        assert_eq!(band.step(85, 100), Some(Turn { direction: Direction::Up, threshold: 85 }));
        assert_eq!(band.step(85, 100), None, "once per crossing");
        assert_eq!(band.step(70, 100), None, "between the two the state holds");
        assert_eq!(band.state(), RollState::Trusted);
        assert_eq!(band.step(69, 100), Some(Turn { direction: Direction::Down, threshold: 70 }));
        assert_eq!(band.step(84, 100), None);
        assert_eq!(band.state(), RollState::Untrusted);
    }

    #[test]
    fn conflicts_tighten_above_10_and_relax_at_5() {
        let mut band = Band::new(Metric::RebaseConflictRate);
        assert_eq!(band.step(10, 100), None);
        assert_eq!(band.step(11, 100), Some(Turn { direction: Direction::Up, threshold: 10 }));
        assert_eq!(band.step(6, 100), None);
        assert_eq!(band.state(), RollState::Tightened);
        assert_eq!(band.step(5, 100), Some(Turn { direction: Direction::Down, threshold: 5 }));
        assert_eq!(band.state(), RollState::Relaxed);
    }
}
