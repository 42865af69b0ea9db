//! Reads and hashes a large file on a thread of its own, while whoever asked for it parses what was read.
//! Blocks go back and forth, so that memory stays at a few of them.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use crate::evidence::source::{HashedRead, LimitReached};
use crate::model::{Digest, Hasher};

/// Smaller files are read sooner than a thread is started.
pub const FROM_BYTES: u64 = 1024 * 1024;
const BLOCK: usize = 128 * 1024;
/// The block of a file that turns out to be large: each block handed over wakes a thread.
const LARGE_BLOCK: usize = 512 * 1024;
const LARGE_FROM: u64 = 8 * 1024 * 1024;
/// Blocks that are read already.
const AHEAD: usize = 2;

type Outcome = io::Result<(Digest, u64)>;

/// A file that a thread reads.
pub struct ReadAhead {
    blocks: Receiver<Vec<u8>>,
    used: SyncSender<Vec<u8>>,
    block: Vec<u8>,
    /// Bytes of the block that were handed out.
    given: usize,
    thread: Option<JoinHandle<Outcome>>,
    /// What the thread ended with.
    outcome: Option<Outcome>,
}

impl ReadAhead {
    /// # Errors
    /// Those of starting a thread.
    pub fn start(file: impl Read + Send + 'static) -> io::Result<Self> {
        let (read, blocks) = sync_channel(AHEAD);
        let (used, free) = sync_channel(AHEAD + 1);
        let thread = thread::Builder::new()
            .name("read ahead".to_owned())
            .spawn(move || read_all(file, &read, &free))?;
        Ok(Self { blocks, used, block: Vec::new(), given: 0, thread: Some(thread), outcome: None })
    }

    /// The next block; `false` after the last.
    fn next(&mut self) -> io::Result<bool> {
        let Ok(block) = self.blocks.recv() else {
            self.settle();
            return match &self.outcome {
                Some(Err(error)) => Err(same(error)),
                _ => Ok(false),
            };
        };
        // Where the thread has ended, nobody needs it.
        let _ = self.used.try_send(std::mem::replace(&mut self.block, block));
        self.given = 0;
        Ok(true)
    }

    fn settle(&mut self) {
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            self.outcome = Some(ended.unwrap_or_else(|_| Err(io::Error::other("reading ended early"))));
        }
    }
}

impl Read for ReadAhead {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.given == self.block.len() && !self.next()? {
            return Ok(0);
        }
        let count = self.block.get(self.given..).unwrap_or_default().read(buf)?;
        self.given += count;
        Ok(count)
    }
}

impl HashedRead for ReadAhead {
    fn finish(mut self: Box<Self>) -> Outcome {
        while self.next()? {}
        self.outcome.take().unwrap_or_else(|| Err(io::Error::other("reading ended early")))
    }
}

/// Reads to the end, or until nobody takes the blocks any more.
fn read_all(mut file: impl Read, read: &SyncSender<Vec<u8>>, free: &Receiver<Vec<u8>>) -> Outcome {
    let (mut hasher, mut bytes) = (Hasher::new(), 0);
    loop {
        let mut block = free.try_recv().unwrap_or_default();
        block.resize(if bytes < LARGE_FROM { BLOCK } else { LARGE_BLOCK }, 0);
        let count = match file.read(&mut block) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        block.truncate(count);
        hasher.update(&block);
        bytes += count as u64;
        if count == 0 || read.send(block).is_err() {
            return Ok((hasher.finish(), bytes));
        }
    }
}

/// The error once more: a reader that failed fails again.
fn same(error: &io::Error) -> io::Error {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<LimitReached>()) {
        Some(limit) => io::Error::other(limit.clone()),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use crate::evidence::source::Bounded;
    use crate::model::Hashing;

    use super::*;

    fn bytes(count: usize) -> Vec<u8> {
        (0..count).map(|n| u8::try_from(n % 251).unwrap()).collect()
    }

    fn reading(bytes: Vec<u8>, bound: u64) -> ReadAhead {
        ReadAhead::start(Bounded::new(io::Cursor::new(bytes), bound)).unwrap()
    }

    #[test]
    fn bytes_and_digest_are_those_of_a_reader_without_a_thread() {
        for count in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 12 * BLOCK + 7, 70 * BLOCK + 7] {
            let whole = bytes(count);
            let expected = Hashing::new(&whole[..]).finish().unwrap();
            for part in [0, 1, count / 2, count] {
                let mut ahead = reading(whole.clone(), u64::MAX);
                let mut start = vec![0; part.min(count)];
                ahead.read_exact(&mut start).unwrap();
                assert_eq!(start, whole[..part.min(count)]);
                assert_eq!(Box::new(ahead).finish().unwrap(), expected, "{part} of {count}");
            }
        }
    }

    #[test]
    fn a_reader_that_failed_fails_again_in_the_same_way() {
        let mut ahead = reading(bytes(3 * BLOCK), BLOCK as u64 + 1);
        let failed =
            |error: &io::Error| error.get_ref().unwrap().downcast_ref::<LimitReached>().cloned().unwrap();
        let first = io::copy(&mut ahead, &mut io::sink()).unwrap_err();
        let again = ahead.read(&mut [0; 1]).unwrap_err();
        let last = Box::new(ahead).finish().unwrap_err();
        assert_eq!((failed(&first), failed(&first)), (failed(&again), failed(&last)));
    }

    #[test]
    fn a_reader_that_is_dropped_ends_its_thread() {
        let mut ahead = reading(bytes(100 * BLOCK), u64::MAX);
        ahead.read_exact(&mut [0; 1]).unwrap();
        let ReadAhead { blocks, thread, .. } = ahead;
        drop(blocks);
        assert!(thread.unwrap().join().unwrap().is_ok());
    }
}
