//! The last merges: a window holds the latest of them by time, whatever order the log tells them in.

use std::collections::VecDeque;

use crate::model::Timestamp;

/// What a window keeps of a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    pub at: Timestamp,
    /// Its place in the log, counted over all lines.
    pub sequence: u64,
    pub attempts: u64,
    pub rebase_conflict: Option<bool>,
}

/// The latest merges, oldest first.
#[derive(Debug, Clone)]
pub struct Window {
    kept: VecDeque<Kept>,
    size: usize,
}

impl Window {
    /// An empty window of this many merges.
    pub fn new(size: usize) -> Self {
        Self { kept: VecDeque::new(), size }
    }

    /// Puts a merge in its place by time; of equal times the one later in the log is later.
    pub fn insert(&mut self, merge: Kept) {
        let place = self.kept.partition_point(|other| other.at <= merge.at);
        if place == 0 && self.kept.len() == self.size {
            return;
        }
        self.kept.insert(place, merge);
        if self.kept.len() > self.size {
            self.kept.pop_front();
        }
    }

    /// The last `size` merges, or fewer where there are not as many.
    pub fn last(&self, size: usize) -> impl Iterator<Item = &Kept> {
        self.kept.iter().skip(self.kept.len().saturating_sub(size))
    }

    /// How many merges there are, at most `size`.
    pub fn len(&self, size: usize) -> u64 {
        self.kept.len().min(size) as u64
    }

    /// Whether the last `size` merges span this place of the log.
    pub fn spans(&self, size: usize, sequence: u64) -> bool {
        self.last(size).any(|merge| merge.sequence < sequence)
    }

    /// The value at a percentile of the attempts of the last `size` merges, by nearest rank; `None` where empty.
    pub fn attempts_percentile(&self, size: usize, percent: u64) -> Option<u64> {
        let mut attempts: Vec<u64> = self.last(size).map(|merge| merge.attempts).collect();
        attempts.sort_unstable();
        let rank = (percent * attempts.len() as u64).div_ceil(100).max(1);
        usize::try_from(rank - 1).ok().and_then(|index| attempts.get(index).copied())
    }
}
