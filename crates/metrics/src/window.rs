//! The last merges: a window holds the latest of them by time, whatever order the log tells them in, and keeps count
//! of what the rates ask, so that a merge costs the same however wide the window is.

use std::collections::VecDeque;

use crate::model::Timestamp;

/// Merges in a full window of `first_pass_merge_rate`.
pub const FIRST_PASS_WINDOW: usize = 50;
/// Merges in a full window of the other two, and all that are held.
pub const LONG_WINDOW: usize = 100;

/// What a window keeps of a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    pub at: Timestamp,
    /// Its place in the log, counted over all lines.
    pub sequence: u64,
    pub attempts: u64,
    pub rebase_conflict: Option<bool>,
}

/// How many of the last merges answer a question with yes.
#[derive(Debug, Clone, Copy)]
struct Tally {
    /// Merges that are asked.
    size: usize,
    question: fn(&Kept) -> Option<bool>,
    yes: u64,
    /// Merges that do not say.
    silent: u64,
}

impl Tally {
    fn new(size: usize, question: fn(&Kept) -> Option<bool>) -> Self {
        Self { size, question, yes: 0, silent: 0 }
    }

    fn add(&mut self, merge: &Kept) {
        match (self.question)(merge) {
            Some(yes) => self.yes += u64::from(yes),
            None => self.silent += 1,
        }
    }

    fn take(&mut self, merge: &Kept) {
        match (self.question)(merge) {
            Some(yes) => self.yes -= u64::from(yes),
            None => self.silent -= 1,
        }
    }

    /// The count, or nothing where a merge does not say.
    fn answer(&self) -> Option<u64> {
        (self.silent == 0).then_some(self.yes)
    }
}

/// The latest merges, oldest first.
#[derive(Debug, Clone)]
pub struct Window {
    kept: VecDeque<Kept>,
    tallies: [Tally; 2],
    /// Places in the log up to this one lie before the window, for good.
    behind: u64,
}

impl Default for Window {
    fn default() -> Self {
        let first_pass = Tally::new(FIRST_PASS_WINDOW, |merge| Some(merge.attempts == 1));
        let conflicts = Tally::new(LONG_WINDOW, |merge| merge.rebase_conflict);
        Self { kept: VecDeque::with_capacity(LONG_WINDOW + 1), tallies: [first_pass, conflicts], behind: 0 }
    }
}

impl Window {
    /// Puts a merge in its place by time; of equal times the one later in the log is later.
    pub fn insert(&mut self, merge: Kept) {
        if self.kept.back().is_none_or(|last| last.at <= merge.at) {
            self.append(merge);
            return;
        }
        let place = self.kept.partition_point(|other| other.at <= merge.at);
        if place == 0 && self.kept.len() == LONG_WINDOW {
            return;
        }
        self.kept.insert(place, merge);
        if self.kept.len() > LONG_WINDOW {
            self.kept.pop_front();
        }
        self.count_anew();
    }

    fn append(&mut self, merge: Kept) {
        for tally in &mut self.tallies {
            if let Some(leaves) =
                self.kept.len().checked_sub(tally.size).and_then(|index| self.kept.get(index))
            {
                tally.take(leaves);
            }
            tally.add(&merge);
        }
        self.kept.push_back(merge);
        if self.kept.len() > LONG_WINDOW {
            self.kept.pop_front();
        }
    }

    fn count_anew(&mut self) {
        for tally in &mut self.tallies {
            (tally.yes, tally.silent) = (0, 0);
            let skipped = self.kept.len().saturating_sub(tally.size);
            self.kept.iter().skip(skipped).for_each(|merge| tally.add(merge));
        }
    }

    /// The last `size` merges, or fewer where there are not as many.
    fn last(&self, size: usize) -> impl Iterator<Item = &Kept> {
        self.kept.iter().skip(self.kept.len().saturating_sub(size))
    }

    /// How many merges there are, at most `size`.
    pub fn len(&self, size: usize) -> u64 {
        self.kept.len().min(size) as u64
    }

    /// First-pass merges among the last [`FIRST_PASS_WINDOW`].
    pub fn first_pass(&self) -> Option<u64> {
        self.tallies[0].answer()
    }

    /// Rebase conflicts among the last [`LONG_WINDOW`]; nothing where one of them does not say.
    pub fn conflicts(&self) -> Option<u64> {
        self.tallies[1].answer()
    }

    /// Whether the last `size` merges span this place of the log.
    pub fn spans(&self, size: usize, sequence: u64) -> bool {
        sequence > self.behind && self.last(size).any(|merge| merge.sequence < sequence)
    }

    /// Notes that this place lies before the window, where it does: later merges stand later in the log, so it will not
    /// come back.
    pub fn leave_behind(&mut self, sequence: u64) {
        if !self.spans(LONG_WINDOW, sequence) {
            self.behind = self.behind.max(sequence);
        }
    }

    /// The value at a percentile of the attempts of the last `size` merges, by nearest rank; `None` where empty.
    pub fn attempts_percentile(&self, size: usize, percent: u64) -> Option<u64> {
        let mut attempts: Vec<u64> = self.last(size).map(|merge| merge.attempts).collect();
        attempts.sort_unstable();
        let rank = (percent * attempts.len() as u64).div_ceil(100).max(1);
        usize::try_from(rank - 1).ok().and_then(|index| attempts.get(index).copied())
    }
}
