//! Reads blocks of an event log on threads of their own, while the shell's thread folds what they read: the two take
//! about as long. Blocks go to the threads in turn and come back in turn, so the order is that of the file.

use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use crate::metrics::{Batch, Block, Keys, Parser};

/// Blocks that wait for or are with one thread.
const AHEAD: usize = 2;

/// One thread that reads blocks.
struct Reader {
    blocks: SyncSender<Block>,
    batches: Receiver<Batch>,
}

/// Threads that end with it.
pub struct ParseThreads {
    readers: Vec<Reader>,
    /// The reader of each block that was handed over, oldest first.
    handed: VecDeque<usize>,
    next: usize,
}

impl ParseThreads {
    /// As many threads; `None` where the machine gives none.
    pub fn start(threads: usize, keys: &Keys) -> Option<Self> {
        let readers: Vec<Reader> = (0..threads).filter_map(|_| start(keys.clone())).collect();
        (!readers.is_empty()).then_some(Self { readers, handed: VecDeque::new(), next: 0 })
    }
}

fn start(keys: Keys) -> Option<Reader> {
    let (blocks, to_read) = sync_channel::<Block>(AHEAD);
    let (read, batches) = sync_channel(AHEAD);
    let reading = move || {
        for block in to_read {
            if read.send(Batch::read(&block, &keys)).is_err() {
                return;
            }
        }
    };
    thread::Builder::new().name("event log".to_owned()).spawn(reading).ok()?;
    Some(Reader { blocks, batches })
}

impl Parser for ParseThreads {
    fn has_room(&self) -> bool {
        self.handed.len() < AHEAD * self.readers.len()
    }

    fn submit(&mut self, block: Block) -> io::Result<()> {
        let reader = self.readers.get(self.next).ok_or_else(gone)?;
        reader.blocks.send(block).map_err(|_| gone())?;
        self.handed.push_back(self.next);
        self.next = (self.next + 1) % self.readers.len();
        Ok(())
    }

    fn take(&mut self) -> io::Result<Option<Batch>> {
        let Some(index) = self.handed.pop_front() else { return Ok(None) };
        let reader = self.readers.get(index).ok_or_else(gone)?;
        reader.batches.recv().map(Some).map_err(|_| gone())
    }
}

/// Never taken for the end of a file.
fn gone() -> io::Error {
    io::Error::other("a thread that reads the event log ended early")
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::io::Cursor;

    use crate::metrics::{Log, LogFile, MetricsReport, read_log};

    use super::*;

    fn report(text: &str, threads: usize) -> MetricsReport {
        let reader = Box::new(Cursor::new(text.as_bytes().to_vec()));
        let files = vec![LogFile { name: "log".to_owned(), reader }];
        let log = match threads {
            0 => Log::open(files),
            _ => Log::open_with(files, |keys| Box::new(ParseThreads::start(threads, keys).unwrap())),
        };
        read_log(log.unwrap(), None).unwrap().report()
    }

    #[test]
    fn a_log_of_many_blocks_says_the_same_however_many_threads_read_it() {
        let mut text = String::new();
        for number in 0..9_000_u32 {
            let (attempts, minute) = (1 + u32::from(number % 7 == 0), number % 60);
            let _ = writeln!(
                text,
                "{{\"kind\":\"merged\",\"work_item_id\":\"w{}\",\"project\":\"p{}\",\"payload\":{{\"attempts\":{attempts},\
                 \"final_verdict\":\"clean\"}},\"created_at\":\"2026-01-01T{:02}:{minute:02}:00Z\"}}",
                number % 8_500,
                number % 8_500 % 3,
                number / 60 % 24
            );
            if number % 1_000 == 999 {
                text.push_str("not a row\n\n");
            }
        }
        text.push_str("{\"kind\":\"mer");
        assert!(text.len() > 1 << 20, "several blocks");
        let alone = report(&text, 0);
        assert_eq!((alone.log.merged, alone.log.duplicate, alone.log.malformed), (8_500, 500, 9));
        assert_eq!((alone.log.half_written, alone.issues[0].line), (1, 1_001));
        for threads in [1, 2, 3] {
            assert_eq!(report(&text, threads), alone, "{threads} threads");
        }
    }
}
