//! The same work on many things at once, by a bounded number of threads, with the results in order.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// At most this many requests are under way at once: enough to hide round trips, little enough for a small server.
pub(super) const WORKERS: usize = 10;

/// Does `work` on each item, on at most `workers` at once; the result at a place belongs to the item at that place.
pub fn each<T: Sync, R: Send>(items: &[T], workers: usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    if workers <= 1 || items.len() == 1 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, R)>> = Mutex::new(Vec::with_capacity(items.len()));
    std::thread::scope(|scope| {
        for _ in 0..workers.min(items.len()) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else { return };
                    let result = work(item);
                    done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((index, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_where_their_items_stood() {
        let items: Vec<usize> = (0..100).collect();
        assert_eq!(each(&items, WORKERS, |n| n * 2), (0..200).step_by(2).collect::<Vec<_>>());
        assert_eq!(each(&[3], WORKERS, |n| n + 1), [4]);
        assert!(each(&[] as &[u8], WORKERS, |n| *n).is_empty());
        assert_eq!(both(|| 1, || "x"), (1, "x"));
    }

    #[test]
    fn no_more_than_the_workers_are_under_way() {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        each(&[(); 50], WORKERS, |()| {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::yield_now();
            now.fetch_sub(1, Ordering::SeqCst);
        });
        assert!((1..=WORKERS).contains(&most.load(Ordering::SeqCst)));
    }
}
