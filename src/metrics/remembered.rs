//! Which work items have merged already. Exact for the last million of them; older ones are forgotten and counted,
//! so that a log of any length fits.

use std::collections::{HashSet, VecDeque};

use crate::model::Digest;

/// Merged work items that are remembered, about 50 MB of them.
const REMEMBERED: usize = 1 << 20;

/// A set that forgets its oldest members.
#[derive(Debug)]
pub struct Remembered {
    order: VecDeque<u128>,
    known: HashSet<u128>,
    limit: usize,
    forgotten: u64,
}

impl Default for Remembered {
    fn default() -> Self {
        Self::with_limit(REMEMBERED)
    }
}

impl Remembered {
    /// A set of at most this many.
    pub fn with_limit(limit: usize) -> Self {
        Self { order: VecDeque::new(), known: HashSet::new(), limit, forgotten: 0 }
    }

    /// Adds a work item of a project; false where it was there already.
    pub fn insert(&mut self, project: &str, work_item_id: &str) -> bool {
        let digest = Digest::of_parts(&[project, work_item_id]);
        // Half of a SHA-256: nobody finds two work items that share it.
        let key = digest.hex().get(..32).and_then(|hex| u128::from_str_radix(hex, 16).ok()).unwrap_or(0);
        if !self.known.insert(key) {
            return false;
        }
        self.order.push_back(key);
        if self.order.len() > self.limit
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
            self.forgotten += 1;
        }
        true
    }

    /// How many were forgotten: a duplicate of one of them would not be recognised.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten_and_counted() {
        let mut seen = Remembered::with_limit(2);
        assert!(seen.insert("p", "a") && seen.insert("p", "b") && !seen.insert("p", "a"));
        assert!(seen.insert("q", "a"), "another project's item is another item");
        assert_eq!(seen.forgotten(), 1);
        assert!(!seen.insert("p", "b") && !seen.insert("q", "a"));
    }
}
