//! Which work items have merged already. Exact for the last 786,432 of them at least; older ones are forgotten and
//! counted, so that a log of any length fits in 16 MiB.

use std::mem;

/// Places of a generation: 8 MiB. A power of two, so that a mask finds a place.
const PLACES: usize = 1 << 20;

/// A set in two generations: the younger one grows, and when it is full takes the place of the older one.
#[derive(Debug)]
pub struct Remembered {
    young: Table,
    old: Table,
    places: usize,
    forgotten: u64,
}

impl Default for Remembered {
    fn default() -> Self {
        Self::with_places(PLACES)
    }
}

impl Remembered {
    /// A set that remembers at least three quarters of this many, a power of two, and at most twice that.
    fn with_places(places: usize) -> Self {
        Self { young: Table::new(places), old: Table::default(), places, forgotten: 0 }
    }

    /// Adds a work item by its key (`Keys::of`); false where it was there already.
    pub fn insert(&mut self, key: u128) -> bool {
        if self.old.find(key).is_err() || !self.young.insert(key) {
            return false;
        }
        if self.young.len >= self.places / 4 * 3 {
            self.forgotten += self.old.len as u64;
            // The memory of the forgotten takes the next.
            mem::swap(&mut self.young, &mut self.old);
            self.young.clear(self.places);
        }
        true
    }

    /// Fetches the places of keys that are added soon. Asked for together they come together; one by one, each
    /// addition would wait for memory twice (28 % of all time, measured).
    pub fn look_ahead(&self, keys: impl Iterator<Item = u128>) {
        let fetched = keys.fold(0, |all, key| all ^ self.young.first(key) ^ self.old.first(key));
        std::hint::black_box(fetched);
    }

    /// How many were forgotten: a duplicate of one of them would not be recognised.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }
}

/// An open table: half of a key says where to look first, the other half is kept. Twice as dense as a set of the
/// standard library, which counts because every look-up waits for memory.
#[derive(Debug, Default)]
struct Table {
    /// 0 where there is none.
    places: Vec<u64>,
    len: usize,
}

impl Table {
    fn new(places: usize) -> Self {
        Self { places: vec![0; places], len: 0 }
    }

    fn clear(&mut self, places: usize) {
        self.places.clear();
        self.places.resize(places, 0);
        self.len = 0;
    }

    /// What is kept where a key is looked for first.
    fn first(&self, key: u128) -> u64 {
        let mask = self.places.len().wrapping_sub(1);
        self.places.get(low(key) & mask).copied().unwrap_or(0)
    }

    /// The free place for a key.
    ///
    /// # Errors
    /// It is there.
    fn find(&self, key: u128) -> Result<usize, Found> {
        let mask = self.places.len().wrapping_sub(1);
        let mut place = low(key) & mask;
        loop {
            match self.places.get(place) {
                Some(0) | None => return Ok(place),
                Some(kept) if *kept == high(key) => return Err(Found),
                Some(_) => place = (place + 1) & mask,
            }
        }
    }

    fn insert(&mut self, key: u128) -> bool {
        let Ok(place) = self.find(key) else { return false };
        if let Some(free) = self.places.get_mut(place) {
            *free = high(key);
            self.len += 1;
        }
        true
    }
}

/// A key that is there.
struct Found;

/// The half that is kept, never 0.
fn high(key: u128) -> u64 {
    u64::try_from(key >> 64).unwrap_or(0).max(1)
}

/// The half that says where.
fn low(key: u128) -> usize {
    usize::try_from(key & 0xffff_ffff).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::super::batch::Keys;
    use super::*;

    #[test]
    fn the_oldest_are_forgotten_and_counted() {
        let keys = Keys::default();
        let mut seen = Remembered::with_places(4);
        let mut add = |project: &str, item: &str| seen.insert(keys.of(project, item));
        assert!(add("p", "a") && add("p", "b") && !add("p", "a"));
        assert!(add("q", "a"), "another project's item is another item");
        assert!(!add("p", "b") && !add("q", "a"));
        assert!(add("p", "c") && add("p", "d") && add("p", "e"), "the second generation is full");
        assert!(!add("p", "c") && !add("p", "e") && add("p", "a"));
        assert_eq!(seen.forgotten(), 3);
    }

    #[test]
    fn a_pair_is_not_its_parts_joined() {
        let keys = Keys::default();
        assert_ne!(keys.of("ab", "c"), keys.of("a", "bc"));
        assert_eq!(keys.clone().of("a", "b"), keys.of("a", "b"));
    }

    #[test]
    fn what_is_remembered_is_what_a_set_holds() {
        let keys = Keys::default();
        let mut seen = Remembered::with_places(1 << 10);
        let mut set = std::collections::HashSet::new();
        for number in 0..700_u32 {
            let item = (number.wrapping_mul(2_654_435_761) % 400).to_string();
            assert_eq!(seen.insert(keys.of("p", &item)), set.insert(item));
        }
    }
}
