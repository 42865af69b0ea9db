//! A block of lines, read: one row a line, their texts side by side in one piece of memory. Blocks are independent of
//! each other, so that the shell may read several at once; what rows mean together is the fold's.

use std::hash::{BuildHasher, RandomState};
use std::io;

use crate::model::Timestamp;

use super::event::{Event, read_event};

/// Longest line that is read, in bytes.
pub const MAX_LINE: usize = 1 << 20;

/// Names work items by 128 bits. The keys are of this process alone, so nobody can make two items share a name, and
/// 128 bits are too many for chance to.
#[derive(Debug, Clone, Default)]
pub struct Keys(RandomState, RandomState);

impl Keys {
    /// The name of a work item of a project.
    pub fn of(&self, project: &str, work_item_id: &str) -> u128 {
        // A text hashes with an end mark, so no two pairs run together.
        let item = (project, work_item_id);
        u128::from(self.0.hash_one(item)) << 64 | u128::from(self.1.hash_one(item))
    }
}

/// Whole lines of a file; the last one of the file may lack its end.
#[derive(Debug, Default)]
pub struct Block {
    pub bytes: Vec<u8>,
    /// The number of its first line, from 1.
    pub first_line: u64,
    /// It stands for one line that is too long to hold.
    pub too_long: bool,
}

/// What a line turned out to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Read<'a> {
    Merged(Row<'a>),
    /// A crossing that was reported before, by its id.
    Crossing(&'a str),
    /// A row of another kind, which no rate looks at.
    Other,
    /// Not a row, or a `merged` row without what every rate needs; why.
    Malformed(&'a str),
    /// The last line of a file, not ended and not whole: its writer is not done.
    HalfWritten,
}

/// A `merged` row with the name of its work item.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row<'a> {
    pub key: u128,
    pub work_item_id: &'a str,
    pub project: &'a str,
    pub at: Timestamp,
    pub attempts: u64,
    pub rebase_conflict: Option<bool>,
}

/// A place in the texts of a batch.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: u32,
    end: u32,
}

#[derive(Debug, Clone, Copy)]
enum Kept {
    Merged {
        key: u128,
        work_item_id: Span,
        project: Span,
        at: Timestamp,
        attempts: u64,
        rebase_conflict: Option<bool>,
    },
    Crossing(Span),
    Other,
    Malformed(Span),
    HalfWritten,
}

/// The lines of a block as rows.
#[derive(Debug, Default)]
pub struct Batch {
    rows: Vec<(u64, Kept)>,
    texts: String,
}

impl Batch {
    /// Reads a block. Blank lines are no rows.
    pub fn read(block: &Block, keys: &Keys) -> Self {
        let mut batch = Self::default();
        if block.too_long {
            let why = format!("longer than {MAX_LINE} bytes");
            let why = batch.keep(&why);
            batch.rows.push((block.first_line, Kept::Malformed(why)));
            return batch;
        }
        // Checked once as a whole, a text need not be checked again string by string.
        if let Ok(text) = std::str::from_utf8(&block.bytes) {
            for (number, line) in (block.first_line..).zip(text.split_inclusive('\n')) {
                batch.line(number, Some(line), keys);
            }
        } else {
            let lines = block.bytes.split_inclusive(|byte| *byte == b'\n');
            for (number, line) in (block.first_line..).zip(lines) {
                batch.line(number, std::str::from_utf8(line).ok(), keys);
            }
        }
        batch
    }

    /// Takes a line; none where it is no text. One without its end is the last of its file.
    fn line(&mut self, number: u64, line: Option<&str>, keys: &Keys) {
        let Some(line) = line else {
            let why = self.keep("not UTF-8");
            self.rows.push((number, Kept::Malformed(why)));
            return;
        };
        let (line, whole) = line.strip_suffix('\n').map_or((line, false), |line| (line, true));
        if line.trim_ascii_start().is_empty() {
            return;
        }
        let kept = match read_event(line) {
            Event::Malformed(_) if !whole => Kept::HalfWritten,
            Event::Malformed(why) => Kept::Malformed(self.keep(&why)),
            Event::Other => Kept::Other,
            Event::Crossing(id) => Kept::Crossing(self.keep(&id)),
            Event::Merged(merge) => Kept::Merged {
                key: keys.of(&merge.project, &merge.work_item_id),
                work_item_id: self.keep(&merge.work_item_id),
                project: self.keep(&merge.project),
                at: merge.at,
                attempts: merge.attempts,
                rebase_conflict: merge.rebase_conflict,
            },
        };
        self.rows.push((number, kept));
    }

    fn keep(&mut self, text: &str) -> Span {
        let place = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let start = place(self.texts.len());
        self.texts.push_str(text);
        Span { start, end: place(self.texts.len()) }
    }

    fn text(&self, span: Span) -> &str {
        let place = |at: u32| usize::try_from(at).unwrap_or(usize::MAX);
        self.texts.get(place(span.start)..place(span.end)).unwrap_or_default()
    }

    /// The keys of all merges.
    pub fn keys(&self) -> impl Iterator<Item = u128> {
        self.rows.iter().filter_map(|(_, kept)| match kept {
            Kept::Merged { key, .. } => Some(*key),
            _ => None,
        })
    }

    /// The row at an index, with the number of its line.
    pub fn row(&self, index: usize) -> Option<(u64, Read<'_>)> {
        let (number, kept) = self.rows.get(index)?;
        let read = match *kept {
            Kept::Merged { key, work_item_id, project, at, attempts, rebase_conflict } => Read::Merged(Row {
                key,
                work_item_id: self.text(work_item_id),
                project: self.text(project),
                at,
                attempts,
                rebase_conflict,
            }),
            Kept::Crossing(id) => Read::Crossing(self.text(id)),
            Kept::Other => Read::Other,
            Kept::Malformed(why) => Read::Malformed(self.text(why)),
            Kept::HalfWritten => Read::HalfWritten,
        };
        Some((*number, read))
    }
}

/// Reads blocks, in the order in which they were handed over.
pub trait Parser {
    /// Whether another block can be handed over before one is taken.
    fn has_room(&self) -> bool;
    /// Hands a block over.
    ///
    /// # Errors
    /// Whatever reads it is gone.
    fn submit(&mut self, block: Block) -> io::Result<()>;
    /// The next batch; `None` where none was handed over.
    ///
    /// # Errors
    /// Whatever reads it is gone.
    fn take(&mut self) -> io::Result<Option<Batch>>;
}

/// Reads each block when it is handed over.
#[derive(Debug)]
pub struct AtOnce {
    keys: Keys,
    read: Option<Batch>,
}

impl AtOnce {
    /// A parser that names work items by these keys.
    pub fn new(keys: Keys) -> Self {
        Self { keys, read: None }
    }
}

impl Parser for AtOnce {
    fn has_room(&self) -> bool {
        self.read.is_none()
    }

    fn submit(&mut self, block: Block) -> io::Result<()> {
        self.read = Some(Batch::read(&block, &self.keys));
        Ok(())
    }

    fn take(&mut self) -> io::Result<Option<Batch>> {
        Ok(self.read.take())
    }
}
