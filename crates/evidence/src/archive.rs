//! Zip artifacts, read within bounds: no links, no encryption, no duplicate or overlapping entries, no bombs.
//! Names are checked by `source::checked_files`; here are the things only a zip can get wrong.

use std::io::{self, Read, Seek};

use zip::ZipArchive;
use zip::result::ZipError;

use crate::model::sanitize;

use super::limits::Limits;
use super::source::{ArtifactSource, Bounded, LimitReached, SourceError, SourceFile};

/// Unpacked bytes of a file from which on its ratio is judged; below, even a bomb is harmless.
const RATIO_MATTERS_FROM: u64 = 16 * 1024 * 1024;

/// An artifact that is a zip.
pub struct ZipSource<R> {
    archive: ZipArchive<R>,
}

impl<R: Read + Seek> ZipSource<R> {
    /// Reads the central directory.
    ///
    /// # Errors
    /// [`SourceError`] where this is no zip, or one built to be read in two ways.
    pub fn open(reader: R) -> Result<Self, SourceError> {
        let mut archive = ZipArchive::new(reader).map_err(|error| source_error(&error))?;
        if archive.has_duplicate_names() {
            return Err(SourceError::Malformed("the zip holds two files of one name".to_owned()));
        }
        if archive.has_overlapping_entries().map_err(|error| source_error(&error))? {
            return Err(SourceError::Malformed("files in the zip overlap".to_owned()));
        }
        Ok(Self { archive })
    }
}

impl<R: Read + Seek> ArtifactSource for ZipSource<R> {
    fn list(&mut self, limits: &Limits) -> Result<Vec<SourceFile>, SourceError> {
        // Judged before any entry is looked at: each look seeks and reads.
        if self.archive.len() as u64 > limits.archive_entries {
            return Err(SourceError::TooLarge(format!(
                "the zip holds {} entries, the bound is {}",
                self.archive.len(),
                limits.archive_entries
            )));
        }
        let mut files = Vec::with_capacity(self.archive.len());
        for index in 0..self.archive.len() {
            let entry = self.archive.by_index_raw(index).map_err(|error| source_error(&error))?;
            let name = entry.name().map_err(|error| source_error(&error))?.into_owned();
            if entry.is_symlink() {
                return Err(SourceError::Malformed(format!(
                    "`{}` in the zip is a link",
                    sanitize(&name, 120)
                )));
            }
            if entry.encrypted() {
                return Err(SourceError::Malformed(format!(
                    "`{}` in the zip is encrypted",
                    sanitize(&name, 120)
                )));
            }
            if entry.is_dir() {
                continue;
            }
            files.push(SourceFile { index, name, bytes: entry.size() });
        }
        Ok(files)
    }

    fn open<'a>(&'a mut self, file: &SourceFile, limits: &Limits) -> Result<Box<dyn Read + 'a>, SourceError> {
        let entry = self.archive.by_index(file.index).map_err(|error| source_error(&error))?;
        let packed = entry.compressed_size();
        let reader = RatioBounded { inner: entry, packed, unpacked: 0, ratio: limits.archive_ratio };
        Ok(Box::new(Bounded::new(reader, limits.file_bytes)))
    }
}

/// Fails once a file unpacks to more than `ratio` times its packed size.
struct RatioBounded<R> {
    inner: R,
    packed: u64,
    unpacked: u64,
    ratio: u64,
}

impl<R: Read> Read for RatioBounded<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf)?;
        self.unpacked += read as u64;
        if self.unpacked > RATIO_MATTERS_FROM && self.unpacked > self.packed.saturating_mul(self.ratio) {
            let words = format!("it unpacks to more than {} times its packed size", self.ratio);
            return Err(io::Error::other(LimitReached(words)));
        }
        Ok(read)
    }
}

fn source_error(error: &ZipError) -> SourceError {
    let words = sanitize(&error.to_string(), 200);
    match error {
        ZipError::Io(io)
            if !matches!(io.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData) =>
        {
            SourceError::Unreadable(words)
        }
        _ => SourceError::Malformed(format!("not a sound zip: {words}")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use zip::write::{SimpleFileOptions, ZipWriter};

    use super::super::source::checked_files;
    use super::*;

    fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in files {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn list(bytes: &[u8], limits: &Limits) -> Result<Vec<String>, SourceError> {
        let mut source = ZipSource::open(Cursor::new(bytes))?;
        let files = checked_files(&mut source, limits)?;
        Ok(files.into_iter().map(|(path, _)| path.to_string()).collect())
    }

    #[test]
    fn files_come_sorted_and_checked() {
        let bytes = zip_of(&[("b/c.xml", b"x"), ("a.xml", b"y")]);
        assert_eq!(list(&bytes, &Limits::default()).unwrap(), ["a.xml", "b/c.xml"]);
    }

    #[test]
    fn a_name_that_climbs_is_malformed() {
        for name in ["../evil.xml", "/abs.xml", "a/../../b.xml", "a\\b.xml"] {
            let bytes = zip_of(&[(name, b"x")]);
            assert!(matches!(list(&bytes, &Limits::default()), Err(SourceError::Malformed(_))), "{name}");
        }
    }

    #[test]
    fn a_link_is_malformed() {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        writer.add_symlink("report.xml", "/etc/passwd", SimpleFileOptions::default()).unwrap();
        let bytes = writer.finish().unwrap().into_inner();
        let Err(SourceError::Malformed(words)) = list(&bytes, &Limits::default()) else { panic!() };
        assert!(words.contains("is a link"), "{words}");
    }

    #[test]
    fn two_files_of_one_name_are_malformed() {
        // The writer refuses duplicates, so the second name is patched to equal the first.
        let mut bytes = zip_of(&[("aa.xml", b"x"), ("bb.xml", b"y")]);
        let at: Vec<usize> = (0..bytes.len() - 6).filter(|at| &bytes[*at..at + 6] == b"bb.xml").collect();
        for at in at {
            bytes[at..at + 6].copy_from_slice(b"aa.xml");
        }
        assert!(matches!(list(&bytes, &Limits::default()), Err(SourceError::Malformed(_))));
        // `./a` and `a` are one name as well.
        let bytes = zip_of(&[("./aa.xml", b"x"), ("aa.xml", b"y")]);
        assert!(matches!(list(&bytes, &Limits::default()), Err(SourceError::Malformed(_))));
    }

    #[test]
    fn a_bomb_is_too_large_before_it_fills_memory() {
        let bytes = zip_of(&[("bomb.xml", &vec![0_u8; 40 * 1024 * 1024])]);
        let mut source = ZipSource::open(Cursor::new(bytes.as_slice())).unwrap();
        let limits = Limits { archive_ratio: 100, ..Limits::default() };
        let file = source.list(&limits).unwrap().remove(0);
        let mut reader = source.open(&file, &limits).unwrap();
        let error = io::copy(&mut reader, &mut io::sink()).unwrap_err();
        assert!(error.to_string().contains("100 times"), "{error}");
    }

    #[test]
    fn many_entries_and_large_files_are_too_large() {
        let bytes = zip_of(&[("a", b"1"), ("b", b"2"), ("c", b"3")]);
        let few = Limits { archive_entries: 2, ..Limits::default() };
        assert!(matches!(list(&bytes, &few), Err(SourceError::TooLarge(_))));
        let small = Limits { archive_bytes: 2, ..Limits::default() };
        assert!(matches!(list(&bytes, &small), Err(SourceError::TooLarge(_))));
        let tiny = Limits { file_bytes: 0, ..Limits::default() };
        assert!(matches!(list(&bytes, &tiny), Err(SourceError::TooLarge(_))));
    }

    #[test]
    fn what_is_no_zip_is_malformed() {
        for bytes in [&b""[..], b"nine byte", b"PK\x03\x04 cut"] {
            assert!(matches!(ZipSource::open(Cursor::new(bytes)), Err(SourceError::Malformed(_))));
        }
        let whole = zip_of(&[("a.xml", b"0123456789")]);
        assert!(matches!(
            ZipSource::open(Cursor::new(&whole[..whole.len() - 30])),
            Err(SourceError::Malformed(_))
        ));
    }

    proptest::proptest! {
        #[test]
        fn a_mutated_zip_never_panics(at in 0_usize..400, byte in 0_u8..=255) {
            let mut bytes = zip_of(&[("a.xml", b"some text"), ("b/c.json", b"{}")]);
            let at = at % bytes.len();
            bytes[at] = byte;
            if let Ok(mut source) = ZipSource::open(Cursor::new(bytes.as_slice())) {
                let limits = Limits::default();
                if let Ok(files) = checked_files(&mut source, &limits) {
                    for (_, file) in files {
                        if let Ok(mut reader) = source.open(&file, &limits) {
                            let _ = io::copy(&mut reader, &mut io::sink());
                        }
                    }
                }
            }
        }
    }
}
