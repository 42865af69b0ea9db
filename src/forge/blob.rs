//! Bytes to upload: a file read in pieces from any place, and hashed while they are sent.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;

use crate::model::{Digest, Hasher};

/// A file that does not change while it is uploaded.
#[derive(Debug)]
pub struct Blob {
    file: File,
    bytes: u64,
    /// Computed once.
    digest: OnceLock<Digest>,
}

/// Read at once for the digest.
const HASHED: usize = 256 * 1024;

/// A piece is held in memory while it is sent, by each thread that sends one. Proxies allow bodies of this size
/// wherever they were opened for artifacts at all (FORGEJO section 2.5).
pub(super) const PIECE: u64 = 4 * 1024 * 1024;

impl Blob {
    /// Nothing is read yet.
    ///
    /// # Errors
    /// Those of asking for the size.
    pub fn new(file: File) -> io::Result<Self> {
        let bytes = file.metadata()?.len();
        Ok(Self { file, bytes, digest: OnceLock::new() })
    }

    /// Keeps the bytes in an unnamed temporary file.
    ///
    /// # Errors
    /// Those of writing.
    pub fn of_bytes(bytes: &[u8]) -> io::Result<Self> {
        let mut file = tempfile::tempfile()?;
        io::copy(&mut bytes.take(u64::MAX), &mut file)?;
        Self::new(file)
    }

    /// The digest of everything. The first who asks reads the file for it.
    ///
    /// # Errors
    /// Those of reading; [`io::ErrorKind::UnexpectedEof`] where the file became shorter, another where it is longer.
    pub fn digest(&self) -> io::Result<&Digest> {
        if let Some(known) = self.digest.get() {
            return Ok(known);
        }
        let (mut hasher, mut block, mut at) = (Hasher::new(), vec![0; HASHED], 0);
        while at < self.bytes {
            let wanted = usize::try_from(self.bytes - at).unwrap_or(HASHED).min(HASHED);
            let part = block.get_mut(..wanted).unwrap_or_default();
            self.file.read_exact_at(part, at)?;
            hasher.update(part);
            at += wanted as u64;
        }
        // A file of `/proc` has more than its size says, and one that grew is not the one that is sent.
        if self.file.read_at(&mut [0], at)? > 0 {
            return Err(io::Error::other("it is longer than its size says"));
        }
        Ok(self.digest.get_or_init(|| hasher.finish()))
    }

    /// How many bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The file itself, for tests that look at what is uploaded.
    #[cfg(test)]
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// First byte and length of each piece.
    pub(super) fn pieces(&self) -> Vec<(u64, u64)> {
        (0..self.bytes.div_ceil(PIECE))
            .map(|index| {
                let start = index * PIECE;
                (start, PIECE.min(self.bytes - start))
            })
            .collect()
    }

    /// The bytes of one piece.
    pub(super) fn piece(&self, (start, length): (u64, u64)) -> io::Result<Vec<u8>> {
        let length = usize::try_from(length).map_err(io::Error::other)?;
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, start)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_every_byte_once() {
        for bytes in [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE + 7] {
            let file = tempfile::tempfile().unwrap();
            file.set_len(bytes).unwrap();
            let blob = Blob::new(file).unwrap();
            let mut next = 0;
            for (start, length) in blob.pieces() {
                assert_eq!(start, next);
                assert_eq!(blob.piece((start, length)).unwrap().len() as u64, length);
                next += length;
            }
            assert_eq!((next, blob.bytes()), (bytes, bytes));
            let zeros = vec![0; usize::try_from(bytes).unwrap()];
            assert_eq!(blob.digest().unwrap(), &Digest::of(zeros));
        }
        assert!(Blob::new(File::open("/proc/cpuinfo").unwrap()).unwrap().digest().is_err(), "its size is 0");
        let blob = Blob::of_bytes(b"hello").unwrap();
        assert_eq!(
            (blob.digest().unwrap(), blob.piece((1, 3)).unwrap()),
            (&Digest::of("hello"), b"ell".to_vec())
        );
    }
}
