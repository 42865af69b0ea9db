//! Cutting a file into blocks of whole lines. A line that is too long is skipped without being held, so memory stays
//! bounded whatever is in the file.

use std::io::{self, BufRead, Read as _};

use super::batch::{Block, MAX_LINE};

/// One file, cut.
pub struct Blocks {
    reader: Box<dyn BufRead>,
    /// Bytes of a block, before its last line is made whole.
    size: usize,
    /// The beginning of a line whose end has not been read.
    carry: Vec<u8>,
    /// The number of the next line, from 1.
    line: u64,
    ended: bool,
}

impl Blocks {
    /// Cuts into blocks of about this many bytes.
    pub fn new(reader: Box<dyn BufRead>, size: usize) -> Self {
        Self { reader, size, carry: Vec::new(), line: 1, ended: false }
    }

    /// The next block; `None` at the end of the file.
    ///
    /// # Errors
    /// What reading answered.
    pub fn next_block(&mut self) -> io::Result<Option<Block>> {
        let mut bytes = Vec::with_capacity(self.size + self.size / 8);
        bytes.append(&mut self.carry);
        while !self.ended {
            let searched = bytes.len();
            let read = self.reader.by_ref().take(self.size as u64).read_to_end(&mut bytes)?;
            self.ended = read == 0;
            if let Some(end) = bytes.get(searched..).and_then(|new| memchr::memrchr(b'\n', new)) {
                self.carry.extend(bytes.drain(searched + end + 1..));
                return Ok(Some(self.block(bytes)));
            }
            if bytes.len() > MAX_LINE {
                self.skip_line()?;
                let block = Block { bytes: Vec::new(), first_line: self.line, too_long: true };
                self.line += 1;
                return Ok(Some(block));
            }
        }
        Ok(if bytes.is_empty() { None } else { Some(self.block(bytes)) })
    }

    fn block(&mut self, bytes: Vec<u8>) -> Block {
        let first_line = self.line;
        self.line += memchr::memchr_iter(b'\n', &bytes).count() as u64;
        Block { bytes, first_line, too_long: false }
    }

    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let available = match self.reader.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            if available.is_empty() {
                self.ended = true;
                return Ok(());
            }
            let end = memchr::memchr(b'\n', available);
            let used = end.map_or(available.len(), |end| end + 1);
            self.reader.consume(used);
            if end.is_some() {
                return Ok(());
            }
        }
    }
}
