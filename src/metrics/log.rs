//! Reading log files line by line, and several of them as one log: interleaved by time, each in its own order.
//! A line that is too long is skipped without being held, so memory stays bounded whatever is in the file.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, BufRead};

use crate::model::Timestamp;

use super::event::{Event, read_event};

/// Longest line that is read, in bytes.
const MAX_LINE: usize = 1 << 20;

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

/// What a line turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub enum Read {
    Event(Event),
    /// The last line of a file, not ended and not whole: its writer is not done.
    HalfWritten,
}

/// Several files read as one log.
pub struct Log {
    files: Vec<Stream>,
    /// The next line of each file: earliest first, then the order in which the files were named.
    order: BinaryHeap<Reverse<(Option<Timestamp>, usize)>>,
}

struct Stream {
    name: String,
    reader: Box<dyn BufRead>,
    line: u64,
    buffer: Vec<u8>,
    head: Option<(u64, Read)>,
    /// The latest time seen so far: a late row does not jump ahead of what was appended before it.
    latest: Option<Timestamp>,
}

impl Log {
    /// Opens a log of these files.
    ///
    /// # Errors
    /// The file's index and what reading its first line answered.
    pub fn open(files: Vec<LogFile>) -> Result<Self, (usize, io::Error)> {
        let files = files
            .into_iter()
            .map(|file| Stream {
                name: file.name,
                reader: file.reader,
                line: 0,
                buffer: Vec::new(),
                head: None,
                latest: None,
            })
            .collect::<Vec<_>>();
        let mut log = Self { files, order: BinaryHeap::new() };
        for index in 0..log.files.len() {
            log.advance(index)?;
        }
        Ok(log)
    }

    /// The names of the files, in the order of `Place::file`.
    pub fn names(&self) -> Vec<String> {
        self.files.iter().map(|file| file.name.clone()).collect()
    }

    /// The next line of the whole log.
    ///
    /// # Errors
    /// The file's index and what reading it answered.
    pub fn next_line(&mut self) -> Result<Option<(Place, Read)>, (usize, io::Error)> {
        let Some(Reverse((_, index))) = self.order.pop() else { return Ok(None) };
        let head = self.files.get_mut(index).and_then(|file| file.head.take());
        self.advance(index)?;
        Ok(head.map(|(line, read)| (Place { file: index, line }, read)))
    }

    fn advance(&mut self, index: usize) -> Result<(), (usize, io::Error)> {
        let Some(file) = self.files.get_mut(index) else { return Ok(()) };
        file.head = file.read_line().map_err(|error| (index, error))?;
        match &file.head {
            Some((_, Read::Event(Event::Merged(merge)))) => file.latest = file.latest.max(Some(merge.at)),
            Some(_) => {}
            None => return Ok(()),
        }
        self.order.push(Reverse((file.latest, index)));
        Ok(())
    }
}

impl Stream {
    /// The next line that is not blank.
    fn read_line(&mut self) -> io::Result<Option<(u64, Read)>> {
        loop {
            self.buffer.clear();
            let (whole, too_long) = self.fill()?;
            if self.buffer.is_empty() && !whole && !too_long {
                return Ok(None);
            }
            self.line += 1;
            if too_long {
                let why = format!("longer than {MAX_LINE} bytes");
                return Ok(Some((self.line, Read::Event(Event::Malformed(why)))));
            }
            if self.buffer.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let event = read_event(&self.buffer);
            let read = match event {
                Event::Malformed(_) if !whole => Read::HalfWritten,
                event => Read::Event(event),
            };
            return Ok(Some((self.line, read)));
        }
    }

    /// Fills the buffer up to the line end; whether there was one, and whether the line was too long to hold.
    fn fill(&mut self) -> io::Result<(bool, bool)> {
        let mut too_long = false;
        loop {
            let available = match self.reader.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            if available.is_empty() {
                return Ok((false, too_long));
            }
            let end = available.iter().position(|byte| *byte == b'\n');
            let part = available.get(..end.unwrap_or(available.len())).unwrap_or_default();
            if too_long || self.buffer.len() + part.len() > MAX_LINE {
                too_long = true;
                self.buffer.clear();
            } else {
                self.buffer.extend_from_slice(part);
            }
            let used = end.map_or(available.len(), |end| end + 1);
            self.reader.consume(used);
            if end.is_some() {
                return Ok((true, too_long));
            }
        }
    }
}
