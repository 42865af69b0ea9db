//! Reading log files as one log: interleaved by time, each in its own order. Blocks are read ahead as far as their
//! parser has room, rows are handed on one by one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, BufRead};

use crate::model::Timestamp;

use super::batch::{AtOnce, Batch, Keys, Parser, Read};
use super::blocks::Blocks;

/// Bytes of one block of the only file; of many files each block is smaller.
const BLOCK: usize = 256 << 10;
/// The least bytes of a block.
const SMALL: usize = 16 << 10;

/// One file of the log.
pub struct LogFile {
    /// What the reader knows it by.
    pub name: String,
    pub reader: Box<dyn BufRead>,
}

/// Where a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The index of the file.
    pub file: usize,
    /// The line, counted from 1.
    pub line: u64,
}

/// What takes the rows of a log.
pub trait Fold {
    /// These rows come soon.
    fn look_ahead(&self, batch: &Batch);
    /// Takes the next row.
    fn feed(&mut self, place: Place, read: Read<'_>);
}

/// Several files read as one log.
pub struct Log {
    files: Vec<Stream>,
    /// The next row of each file: earliest first, then the order in which the files were named.
    order: BinaryHeap<Reverse<(Option<Timestamp>, usize)>>,
}

struct Stream {
    name: String,
    blocks: Blocks,
    parser: Box<dyn Parser>,
    batch: Batch,
    /// The row of the batch that is next.
    next: usize,
    /// The latest time seen so far: a late row does not jump ahead of what was appended before it.
    latest: Option<Timestamp>,
}

impl Log {
    /// Opens a log of these files, read by one thread.
    ///
    /// # Errors
    /// The file's index and what reading its first block answered.
    pub fn open(files: Vec<LogFile>) -> Result<Self, (usize, io::Error)> {
        Self::open_with(files, |keys| Box::new(AtOnce::new(keys.clone())))
    }

    /// Opens a log of these files, each read by a parser of its own; all must name work items by the same keys.
    ///
    /// # Errors
    /// The file's index and what reading its first block answered.
    pub fn open_with(
        files: Vec<LogFile>,
        parser: impl Fn(&Keys) -> Box<dyn Parser>,
    ) -> Result<Self, (usize, io::Error)> {
        let keys = Keys::default();
        let size = (BLOCK / files.len().max(1)).max(SMALL);
        let files = files
            .into_iter()
            .map(|file| Stream {
                name: file.name,
                blocks: Blocks::new(file.reader, size),
                parser: parser(&keys),
                batch: Batch::default(),
                next: 0,
                latest: None,
            })
            .collect::<Vec<_>>();
        let mut log = Self { files, order: BinaryHeap::new() };
        for index in 0..log.files.len() {
            log.queue(index)?;
        }
        Ok(log)
    }

    /// The names of the files, in the order of `Place::file`.
    pub fn names(&self) -> Vec<String> {
        self.files.iter().map(|file| file.name.clone()).collect()
    }

    /// Hands every row of the log over, in its order.
    ///
    /// # Errors
    /// The file's index and what reading it answered.
    pub fn feed(mut self, fold: &mut impl Fold) -> Result<(), (usize, io::Error)> {
        while let Some(Reverse((_, index))) = self.order.pop() {
            if let Some(file) = self.files.get_mut(index)
                && let Some((line, read)) = file.batch.row(file.next)
            {
                if file.next == 0 {
                    fold.look_ahead(&file.batch);
                }
                fold.feed(Place { file: index, line }, read);
                file.next += 1;
            }
            self.queue(index)?;
        }
        Ok(())
    }

    /// Puts the next row of a file in its place.
    fn queue(&mut self, index: usize) -> Result<(), (usize, io::Error)> {
        let Some(file) = self.files.get_mut(index) else { return Ok(()) };
        file.fill().map_err(|error| (index, error))?;
        match file.batch.row(file.next) {
            None => return Ok(()),
            Some((_, Read::Merged(merge))) => file.latest = file.latest.max(Some(merge.at)),
            Some(_) => {}
        }
        self.order.push(Reverse((file.latest, index)));
        Ok(())
    }
}

impl Stream {
    /// Takes the next batch with a row in it, where the present one is used up.
    fn fill(&mut self) -> io::Result<()> {
        while self.batch.row(self.next).is_none() {
            while self.parser.has_room()
                && let Some(block) = self.blocks.next_block()?
            {
                self.parser.submit(block)?;
            }
            let Some(batch) = self.parser.take()? else { return Ok(()) };
            (self.batch, self.next) = (batch, 0);
        }
        Ok(())
    }
}
