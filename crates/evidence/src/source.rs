//! Where an artifact's files are read from: a folder, a zip. The names are checked here, before anything is read.

use std::collections::BTreeSet;
use std::io::{self, Read};

use crate::model::{Digest, Hashing, RelPath, sanitize};

use super::limits::Limits;

/// One file of an artifact, as its source lists it.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// What to hand to [`ArtifactSource::open`].
    pub index: usize,
    /// As the source spells it; hostile.
    pub name: String,
    /// Size in bytes as the source claims it; reading stops at the bound whatever it claims.
    pub bytes: u64,
}

/// Why an artifact as a whole cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    #[error("{0}")]
    Malformed(String),
    #[error("{0}")]
    TooLarge(String),
    #[error("{0}")]
    Unreadable(String),
}

/// A bound was reached while reading; carried inside an [`io::Error`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LimitReached(pub String);

/// A file that is hashed while it is read.
pub trait HashedRead: Read {
    /// Reads what is left, then gives digest and size in bytes of the whole.
    ///
    /// # Errors
    /// Whatever reading answers; where it failed before, the same again.
    fn finish(self: Box<Self>) -> io::Result<(Digest, u64)>;
}

impl<R: Read> HashedRead for Hashing<R> {
    fn finish(self: Box<Self>) -> io::Result<(Digest, u64)> {
        Hashing::finish(*self)
    }
}

/// An artifact's files.
pub trait ArtifactSource {
    /// The files, in any order; folders are left out.
    ///
    /// # Errors
    /// [`SourceError`] where the artifact holds what no artifact may hold (links, too many files) or is unreadable.
    fn list(&mut self, limits: &Limits) -> Result<Vec<SourceFile>, SourceError>;

    /// Opens one file.
    ///
    /// # Errors
    /// [`SourceError`] as in [`Self::list`].
    fn open<'a>(&'a mut self, file: &SourceFile, limits: &Limits) -> Result<Box<dyn Read + 'a>, SourceError>;

    /// Opens one file to be read whole and hashed on the way.
    ///
    /// # Errors
    /// As [`Self::open`].
    fn open_hashed<'a>(
        &'a mut self,
        file: &SourceFile,
        limits: &Limits,
    ) -> Result<Box<dyn HashedRead + 'a>, SourceError> {
        Ok(Box::new(Hashing::new(self.open(file, limits)?)))
    }
}

/// Files that are in memory already: name and bytes.
pub struct MemoryFiles<'b>(pub Vec<(&'b str, &'b [u8])>);

impl ArtifactSource for MemoryFiles<'_> {
    fn list(&mut self, _: &Limits) -> Result<Vec<SourceFile>, SourceError> {
        let listed = self.0.iter().enumerate().map(|(index, (name, bytes))| SourceFile {
            index,
            name: (*name).to_owned(),
            bytes: bytes.len() as u64,
        });
        Ok(listed.collect())
    }

    fn open<'a>(&'a mut self, file: &SourceFile, limits: &Limits) -> Result<Box<dyn Read + 'a>, SourceError> {
        match self.0.get(file.index) {
            Some((_, bytes)) => Ok(Box::new(Bounded::new(*bytes, limits.file_bytes))),
            None => Err(SourceError::Unreadable("the file is gone".to_owned())),
        }
    }
}

/// The files of an artifact with checked names, sorted by name.
///
/// # Errors
/// [`SourceError`]: a name that climbs or is absolute, two files of one name, or a bound exceeded.
pub fn checked_files(
    source: &mut dyn ArtifactSource,
    limits: &Limits,
) -> Result<Vec<(RelPath, SourceFile)>, SourceError> {
    let listed = source.list(limits)?;
    if listed.len() as u64 > limits.archive_entries {
        return Err(SourceError::TooLarge(format!(
            "it holds {} files, the bound is {}",
            listed.len(),
            limits.archive_entries
        )));
    }
    let mut seen = BTreeSet::new();
    let mut total: u64 = 0;
    let mut files = Vec::with_capacity(listed.len());
    for file in listed {
        let path: RelPath = file
            .name
            .parse()
            .map_err(|error| SourceError::Malformed(format!("a file name is refused: {error}")))?;
        if path.as_str().split('/').count() as u64 > limits.path_depth {
            return Err(SourceError::TooLarge(format!(
                "`{}` lies more than {} folders deep",
                sanitize(path.as_str(), 120),
                limits.path_depth
            )));
        }
        if !seen.insert(path.clone()) {
            return Err(SourceError::Malformed(format!(
                "it holds two files named `{}`",
                sanitize(path.as_str(), 120)
            )));
        }
        if file.bytes > limits.file_bytes {
            return Err(too_large(path.as_str(), limits.file_bytes));
        }
        total = total.saturating_add(file.bytes);
        files.push((path, file));
    }
    if total > limits.archive_bytes {
        return Err(SourceError::TooLarge(format!(
            "it is {total} bytes unpacked, the bound is {}",
            limits.archive_bytes
        )));
    }
    files.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(files)
}

fn too_large(name: &str, bound: u64) -> SourceError {
    SourceError::TooLarge(format!("`{}` is larger than {bound} bytes", sanitize(name, 120)))
}

/// A reader that fails with [`LimitReached`] instead of giving more than `bound` bytes.
pub struct Bounded<R> {
    inner: R,
    left: u64,
    bound: u64,
}

impl<R: Read> Bounded<R> {
    /// Wraps a reader.
    pub fn new(inner: R, bound: u64) -> Self {
        Self { inner, left: bound, bound }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            io::Error::other(LimitReached(format!("it is larger than {} bytes", self.bound)))
        })?;
        Ok(read)
    }
}
