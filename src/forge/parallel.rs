//! The same work on many things at once, by a bounded number of threads, with the results in order.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

/// At most this many requests are under way at once: enough to hide round trips, little enough for a small server.
pub(super) const WORKERS: usize = 10;

/// Does `work` on each item, on at most `workers` at once; the result at a place belongs to the item at that place.
pub fn each<T: Sync, R: Send>(items: &[T], workers: usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let workers = workers.min(items.len());
    if workers <= 1 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, R)>> = Mutex::new(Vec::with_capacity(items.len()));
    let take_turns = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { return };
            let result = work(item);
            done.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..workers {
            scope.spawn(take_turns);
        }
        take_turns();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

/// As [`each`], on items that are used up.
pub fn each_taken<T: Send, R: Send>(items: Vec<T>, workers: usize, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let items: Vec<Mutex<Option<T>>> = items.into_iter().map(|item| Mutex::new(Some(item))).collect();
    // Each place is visited once, so there is always something to take.
    let take = |item: &Mutex<Option<T>>| item.lock().unwrap_or_else(PoisonError::into_inner).take();
    each(&items, workers, |item| take(item).map(&work)).into_iter().flatten().collect()
}

/// As many threads as the machine runs at once.
pub fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

/// Does two things at once.
pub fn both<A: Send, B: Send>(one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B) -> (A, B) {
    std::thread::scope(|scope| {
        let one = scope.spawn(one);
        let other = other();
        match one.join() {
            Ok(one) => (one, other),
            // Nothing of ours panics; if it did, this is no place to go on.
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// So many of one kind of work may be under way at once, whatever number of threads have it to do.
pub struct Permits {
    free: Mutex<usize>,
    returned: Condvar,
}

impl Permits {
    /// At least one.
    pub fn new(count: usize) -> Self {
        Self { free: Mutex::new(count.max(1)), returned: Condvar::new() }
    }

    /// Waits for a permit, works, and gives it back.
    pub fn hold<R>(&self, work: impl FnOnce() -> R) -> R {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free =
            self.returned.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        drop(free);
        let result = work();
        *self.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.returned.notify_one();
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_where_their_items_stood() {
        let items: Vec<usize> = (0..100).collect();
        assert_eq!(each(&items, WORKERS, |n| n * 2), (0..200).step_by(2).collect::<Vec<_>>());
        assert_eq!(each(&[3], WORKERS, |n| n + 1), [4]);
        assert!(each(&[] as &[u8], WORKERS, |n| *n).is_empty());
        let words: Vec<String> = items.iter().map(ToString::to_string).collect();
        assert_eq!(each_taken(words.clone(), processors(), |word| word), words);
        assert_eq!(both(|| 1, || "x"), (1, "x"));
    }

    /// The most that were inside at once.
    #[derive(Default)]
    struct Inside {
        now: AtomicUsize,
        most: AtomicUsize,
    }

    impl Inside {
        fn stay(&self) {
            self.most.fetch_max(self.now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::yield_now();
            self.now.fetch_sub(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn no_more_than_the_workers_are_under_way() {
        let inside = Inside::default();
        each(&[(); 50], WORKERS, |()| inside.stay());
        assert!((1..=WORKERS).contains(&inside.most.load(Ordering::SeqCst)));
    }

    #[test]
    fn no_more_than_the_permits_are_held_and_each_is_given_back() {
        let (inside, permits) = (Inside::default(), Permits::new(3));
        each(&[(); 50], WORKERS, |()| permits.hold(|| inside.stay()));
        assert!((1..=3).contains(&inside.most.load(Ordering::SeqCst)));
        assert_eq!(Permits::new(0).hold(|| 7), 7, "there is always one");
    }
}
