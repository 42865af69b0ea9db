//! The text of a report in any encoding, as checked UTF-8: byte order marks, UTF-16, declared XML encodings.
//! Every text format reads through this, one window at a time, so that memory does not grow with the file.

use std::io::{self, BufRead, Cursor, Read};
use std::str::Utf8Error;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use encoding_rs_io::DecodeReaderBytesBuilder;

use super::source::LimitReached;

/// Bytes looked at and handed out at a time: more than the buffers of the readers below, which then copy straight here.
pub const WINDOW: usize = 128 * 1024;
const FIRST_WINDOW: usize = 8 * 1024;
/// Bytes at the start in which an XML declaration must name its encoding.
const HEAD: usize = 512;

/// What is done about control characters other than tab, line feed and carriage return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Controls {
    /// They are passed on.
    Kept,
    /// They make the text malformed, as XML 1.0 section 2.2 has it.
    Refused,
}

/// A reader of text: what [`BufRead::fill_buf`] gives is always whole UTF-8 characters.
pub struct Text<'a> {
    source: Box<dyn Read + 'a>,
    window: String,
    /// The next byte of the window to hand out.
    start: usize,
    /// The start of a character whose end is not read yet.
    cut: Vec<u8>,
    /// Bytes to read at a time: most reports are small, and need no large window.
    room: usize,
    ended: bool,
    /// What reading ended with behind what is in the window.
    failed: Option<io::Error>,
    /// What is wrong with the text: it is wrong however often it is asked for.
    broken: Option<String>,
    controls: Controls,
    /// Bytes that may still be consumed before [`Self::allow`] is called again.
    allowance: u64,
    what: &'static str,
    consumed: u64,
}

impl<'a> Text<'a> {
    /// Looks at the start of a report to learn its encoding: a byte order mark, else the zero bytes of UTF-16,
    /// else what an XML declaration names, else UTF-8.
    ///
    /// # Errors
    /// Whatever the reader answers.
    pub fn open(reader: &'a mut dyn BufRead, controls: Controls) -> io::Result<Self> {
        let mut head = vec![0; HEAD];
        let (count, outcome) = read_whole(reader, &mut head);
        outcome?;
        head.truncate(count);
        let (encoding, mark) = encoding_of(&head);
        let mut head = Cursor::new(head);
        head.set_position(mark as u64);
        let rest = head.chain(reader);
        let source: Box<dyn Read + 'a> = if encoding == UTF_8 {
            Box::new(rest)
        } else {
            let mut decoder = DecodeReaderBytesBuilder::new();
            Box::new(decoder.encoding(Some(encoding)).bom_sniffing(false).build(rest))
        };
        Ok(Self {
            source,
            window: String::new(),
            start: 0,
            cut: Vec::new(),
            room: FIRST_WINDOW,
            ended: false,
            failed: None,
            broken: None,
            controls,
            allowance: u64::MAX,
            what: "",
            consumed: 0,
        })
    }

    /// Lets at most `bytes` be consumed until the next call; past that, reading fails with [`LimitReached`],
    /// which names `what` is too large.
    #[inline]
    pub fn allow(&mut self, bytes: u64, what: &'static str) {
        self.allowance = bytes;
        self.what = what;
    }

    /// Bytes consumed so far, counted in UTF-8.
    pub fn position(&self) -> u64 {
        self.consumed
    }

    /// The next `count` bytes without consuming them; fewer at the end only.
    ///
    /// # Errors
    /// As [`BufRead::fill_buf`].
    #[inline] // as the others below: they are called for every tag
    pub fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        while self.window.len() - self.start < count && !self.ended {
            self.fill()?;
        }
        Ok(self.rest())
    }

    /// Consumes `count` bytes of those that [`Self::peek`] showed, and gives them; nothing where they end inside of a
    /// character.
    #[inline]
    pub fn take_shown(&mut self, count: usize) -> &str {
        let start = self.start;
        self.consume(count);
        self.window.get(start..self.start).unwrap_or_default()
    }

    /// What of the window is not handed out yet.
    #[inline]
    fn rest(&self) -> &[u8] {
        self.window.as_bytes().get(self.start..).unwrap_or_default()
    }

    /// The next line without its end, put into `line`; `false` at the end of the text.
    ///
    /// # Errors
    /// As [`BufRead::fill_buf`]; [`LimitReached`] for a line longer than `max` bytes.
    pub fn line(&mut self, line: &mut String, max: u64) -> io::Result<bool> {
        line.clear();
        let mut bytes = std::mem::take(line).into_bytes();
        self.allow(max, "a line");
        let read = self.read_until(b'\n', &mut bytes)?;
        self.allow(u64::MAX, "");
        while bytes.last().is_some_and(|last| matches!(last, b'\n' | b'\r')) {
            bytes.pop();
        }
        *line = String::from_utf8(bytes).map_err(|_| malformed("it is no UTF-8 text".to_owned()))?;
        Ok(read > 0)
    }

    /// Reads more behind what is there, moving what is not handed out yet to the front.
    fn fill(&mut self) -> io::Result<()> {
        if let Some(words) = &self.broken {
            return Err(malformed(words.clone()));
        }
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let mut bytes = std::mem::take(&mut self.window).into_bytes();
        bytes.drain(..std::mem::take(&mut self.start));
        let checked = bytes.len();
        bytes.append(&mut self.cut);
        let known = bytes.len();
        bytes.resize(known + self.room, 0);
        let (filled, outcome) = read_whole(&mut *self.source, bytes.get_mut(known..).unwrap_or_default());
        bytes.truncate(known + filled);
        self.ended = matches!(outcome, Ok(End::Reached));
        if filled == self.room {
            self.room = (2 * self.room).min(WINDOW);
        }
        self.window = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => self.before_fault(&error.utf8_error(), error.into_bytes())?,
        };
        let fresh = self.window.as_bytes().get(checked..).unwrap_or_default();
        if self.controls == Controls::Refused
            && has_control(fresh)
            && let Some(at) = fresh.iter().copied().position(is_control)
        {
            self.window.truncate(checked + at);
            self.broken = Some("it has a control character that XML does not allow".to_owned());
        }
        self.ended &= self.broken.is_none();
        self.failed = outcome.err();
        // What came before a fault is read first, and then the fault as often as more is asked for.
        if self.window.len() > checked {
            return Ok(());
        }
        match &self.broken {
            Some(words) => Err(malformed(words.clone())),
            None => self.failed.take().map_or(Ok(()), Err),
        }
    }

    /// The text that these bytes are, up to what is none, or to a character whose end is not read yet.
    fn before_fault(&mut self, error: &Utf8Error, mut bytes: Vec<u8>) -> io::Result<String> {
        let good = error.valid_up_to();
        if error.error_len().is_some() || self.ended {
            self.broken = Some(format!("byte {} is no UTF-8 text", self.consumed + good as u64));
            bytes.truncate(good);
        } else {
            self.cut = bytes.split_off(good);
        }
        String::from_utf8(bytes).map_err(|error| malformed(error.to_string()))
    }
}

/// Whether there may be more.
enum End {
    Reached,
    NotYet,
}

/// Fills the room as far as it goes, so that a small file is at hand at once and known to be whole.
fn read_whole<R: Read + ?Sized>(source: &mut R, room: &mut [u8]) -> (usize, io::Result<End>) {
    let mut filled = 0;
    while let Some(rest) = room.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match source.read(rest) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (filled, Err(error)),
            Ok(0) => return (filled, Ok(End::Reached)),
            Ok(count) => filled += count,
        }
    }
    (filled, Ok(End::NotYet))
}

impl Read for Text<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buf)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for Text<'_> {
    #[inline]
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.start == self.window.len() && !self.ended {
            self.fill()?;
        }
        let ready = self.rest();
        if self.allowance < ready.len() as u64 {
            if self.allowance == 0 {
                return Err(io::Error::other(LimitReached(format!("{} in it is too large", self.what))));
            }
            return Ok(ready.get(..usize::try_from(self.allowance).unwrap_or(usize::MAX)).unwrap_or(ready));
        }
        Ok(ready)
    }

    #[inline]
    fn consume(&mut self, amount: usize) {
        self.start = self.window.len().min(self.start + amount);
        self.consumed += amount as u64;
        self.allowance = self.allowance.saturating_sub(amount as u64);
    }
}

fn malformed(words: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, words)
}

fn is_control(byte: u8) -> bool {
    byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r')
}

/// Looks at many bytes at once, and at none of them apart: the compiler makes vectors of it.
fn has_control(bytes: &[u8]) -> bool {
    let (blocks, rest) = bytes.as_chunks::<64>();
    blocks.iter().any(|block| block.iter().fold(false, |any, byte| any | is_control(*byte)))
        || rest.iter().copied().any(is_control)
}

/// The encoding of a text that starts so, and how many bytes its byte order mark takes.
fn encoding_of(head: &[u8]) -> (&'static Encoding, usize) {
    match head {
        [0xef, 0xbb, 0xbf, ..] => (UTF_8, 3),
        [0xff, 0xfe, ..] => (UTF_16LE, 2),
        [0xfe, 0xff, ..] => (UTF_16BE, 2),
        [first, 0, second, ..] if *first != 0 && *second != 0 => (UTF_16LE, 0),
        [0, second, ..] if *second != 0 => (UTF_16BE, 0),
        _ => (declared(head).unwrap_or(UTF_8), 0),
    }
}

/// The encoding an XML declaration names. UTF-16 is not believed: .NET's writers declare it over UTF-8 bytes.
fn declared(head: &[u8]) -> Option<&'static Encoding> {
    let end = head.windows(2).position(|pair| pair == b"?>")?;
    let declaration = std::str::from_utf8(head.get(..end)?).ok()?.strip_prefix("<?xml")?;
    let (_, value) = declaration.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let label = value.split(['"', '\'']).nth(1)?;
    Encoding::for_label(label.as_bytes()).filter(|found| *found != UTF_16LE && *found != UTF_16BE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], controls: Controls) -> io::Result<String> {
        let mut source = bytes;
        let mut text = String::new();
        Text::open(&mut source, controls)?.read_to_string(&mut text)?;
        Ok(text)
    }

    #[test]
    fn every_encoding_becomes_utf8() {
        let utf16 = |big: bool| -> Vec<u8> {
            "<ż🐢>".encode_utf16().flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
        };
        let with = |mark: &[u8], rest: Vec<u8>| [mark, &rest].concat();
        for bytes in [
            "<ż🐢>".as_bytes().to_vec(),
            with(&[0xef, 0xbb, 0xbf], "<ż🐢>".into()),
            with(&[0xff, 0xfe], utf16(false)),
            with(&[0xfe, 0xff], utf16(true)),
            utf16(false),
            utf16(true),
        ] {
            assert_eq!(read(&bytes, Controls::Refused).unwrap(), "<ż🐢>", "{bytes:x?}");
        }
        let latin = b"<?xml version='1.0' encoding='ISO-8859-1'?><\xe9>";
        assert!(read(latin, Controls::Refused).unwrap().ends_with("<é>"));
        let dotnet = "<?xml version=\"1.0\" encoding=\"utf-16\"?><é>";
        assert_eq!(read(dotnet.as_bytes(), Controls::Refused).unwrap(), dotnet);
    }

    #[test]
    fn characters_cut_by_the_window_stay_whole() {
        let long = "ż🐢x".repeat(40_000);
        assert_eq!(read(long.as_bytes(), Controls::Refused).unwrap(), long);
        let mut source = long.as_bytes();
        let mut text = Text::open(&mut source, Controls::Kept).unwrap();
        loop {
            let piece = text.fill_buf().unwrap();
            if piece.is_empty() {
                break;
            }
            assert!(std::str::from_utf8(piece).is_ok());
            let used = piece.len();
            text.consume(used);
        }
        assert_eq!(text.position(), long.len() as u64);
    }

    #[test]
    fn text_that_is_none_is_malformed() {
        let cases = [
            (&b"ab\xff"[..], "ab"),
            (b"ab\xc5", "ab"),
            (b"a\x01b\xff", "a"),
            (b"a\xffb\x01", "a"),
            (b"\x01b", ""),
        ];
        for (bytes, before) in cases {
            let mut source = bytes;
            let mut text = Text::open(&mut source, Controls::Refused).unwrap();
            if !before.is_empty() {
                assert_eq!(text.fill_buf().unwrap(), before.as_bytes());
                text.consume(before.len());
            }
            for _ in 0..3 {
                let error = text.fill_buf().unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{bytes:x?}");
            }
        }
        assert_eq!(read(b"a\x1b[0m", Controls::Kept).unwrap(), "a\u{1b}[0m");
    }

    #[test]
    fn what_came_before_a_fault_is_read_first() {
        struct Fails;
        impl Read for Fails {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::TimedOut.into())
            }
        }
        let long = "x".repeat(HEAD + 7);
        let mut source = io::BufReader::new(long.as_bytes().chain(Fails));
        let mut text = Text::open(&mut source, Controls::Kept).unwrap();
        assert_eq!(text.fill_buf().unwrap(), long.as_bytes());
        text.consume(long.len());
        for _ in 0..2 {
            assert_eq!(text.fill_buf().unwrap_err().kind(), io::ErrorKind::TimedOut);
        }
    }

    #[test]
    fn a_control_character_is_found_wherever_it_stands() {
        for byte in 0..=u8::MAX {
            let refused = byte < b' ' && !b"\t\n\r".contains(&byte);
            for at in 0..20 {
                let mut bytes = [b'x'; 20];
                bytes[at] = byte;
                assert_eq!(has_control(&bytes), refused, "{byte} at {at}");
                bytes[at / 2] = b'\n';
                assert_eq!(has_control(&bytes), refused && at > 0, "{byte} at {at} behind a line");
            }
        }
    }

    #[test]
    fn a_line_past_its_bound_is_too_large() {
        let mut source = &b"short\r\nlonger than ten\nx"[..];
        let mut text = Text::open(&mut source, Controls::Kept).unwrap();
        let mut line = String::new();
        assert!(text.line(&mut line, 10).unwrap());
        assert_eq!(line, "short");
        let error = text.line(&mut line, 10).unwrap_err();
        assert!(error.get_ref().unwrap().downcast_ref::<LimitReached>().is_some());
    }
}
