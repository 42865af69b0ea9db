//! Artifacts that were fetched into temporary files: looked into where no policy names them, and read, from the same bytes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;

use crate::app::replay::bundle::Raw;
use crate::evidence::archive::ZipSource;
use crate::evidence::read::{ArtifactContents, ArtifactState, Recognised, read_artifact, recognise};
use crate::evidence::source::{ArtifactSource, Bounded, HashedRead, SourceError, SourceFile};
use crate::evidence::{Demand, Limits};
use crate::forge::{Downloaded, FetchLimits, Fetched, FetchedFile, ForgeError};
use crate::model::{ArtifactName, Digest, sanitize};

/// What looking into every artifact found.
#[derive(Default)]
pub struct Looked {
    pub seen: Vec<(ArtifactName, Recognised)>,
    /// Artifacts that could not be looked into, and why.
    pub refused: Vec<(ArtifactName, String)>,
}

/// What was fetched to look into it, until it is judged.
pub struct Held<K>(BTreeMap<K, Fetched>);

impl<K> Default for Held<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord> Held<K> {
    /// Looks into what was fetched, each under its key and its name, and holds what is there.
    pub fn look(
        &mut self,
        fetched: impl Iterator<Item = ((K, ArtifactName), Result<Fetched, ForgeError>)>,
        limits: &Limits,
    ) -> Looked {
        let mut looked = Looked::default();
        for ((key, name), fetched) in fetched {
            let found = match &fetched {
                Ok(fetched) => match source_of(fetched) {
                    Some(source) => source.and_then(|mut source| recognise(source.as_mut(), limits)),
                    None => Err(SourceError::Unreadable("it is not there to be fetched".to_owned())),
                },
                Err(error) => Err(SourceError::Unreadable(error.to_string())),
            };
            match found {
                Ok(found) => looked.seen.extend(found.into_iter().map(|one| (name.clone(), one))),
                Err(error) => looked.refused.push((name, error.to_string())),
            }
            if let Ok(fetched) = fetched {
                self.0.insert(key, fetched);
            }
        }
        looked
    }

    /// What is held of each, else what `fetch` answers for it; in the order asked.
    pub fn take<T: Clone>(
        &mut self,
        wanted: &[T],
        key: impl Fn(&T) -> K,
        fetch: impl FnOnce(&[T]) -> Vec<Result<Fetched, ForgeError>>,
    ) -> Vec<Result<Fetched, ForgeError>> {
        let held: Vec<Option<Fetched>> = wanted.iter().map(|one| self.0.remove(&key(one))).collect();
        let left = wanted.iter().zip(&held).filter(|(_, held)| held.is_none());
        let left: Vec<T> = left.map(|(one, _)| one.clone()).collect();
        let mut fetched = if left.is_empty() { Vec::new() } else { fetch(&left) }.into_iter();
        held.into_iter().filter_map(|held| held.map(Ok).or_else(|| fetched.next())).collect()
    }
}

/// Reads what was fetched, or says what there is instead of it.
pub fn read_fetched(
    fetched: Result<Fetched, ForgeError>,
    demands: &[&Demand],
    limits: &Limits,
) -> ArtifactState {
    let fetched = match fetched {
        Ok(fetched) => fetched,
        Err(error) => return ArtifactState::Unavailable(error.to_string()),
    };
    let digest = fetched.digest();
    match fetched {
        // It was listed a moment ago: this is no sign that nobody uploaded it.
        Fetched::Missing => {
            ArtifactState::Unavailable("it is listed, and asking for it was answered 404".to_owned())
        }
        Fetched::Unfinished => ArtifactState::Unfinished,
        Fetched::Expired => ArtifactState::Expired,
        Fetched::Collides => ArtifactState::Ambiguous(
            "one of each protocol, of which neither can be told from the other".to_owned(),
        ),
        Fetched::TooLarge => {
            let words = format!("it is larger than {} bytes", FetchLimits::default().artifact_bytes);
            ArtifactState::Read(Box::new(Err(SourceError::TooLarge(words))))
        }
        held @ (Fetched::Zip(_) | Fetched::Files(_)) => {
            let read = match source_of(&held) {
                Some(source) => source.and_then(|mut source| read_artifact(source.as_mut(), demands, limits)),
                None => Err(SourceError::Unreadable("it is not there to be read".to_owned())),
            };
            ArtifactState::Read(Box::new(read.map(|contents| with_digest(contents, digest))))
        }
    }
}

fn with_digest(mut contents: ArtifactContents, digest: Option<Digest>) -> ArtifactContents {
    contents.sha256 = digest;
    contents
}

/// The bytes of a fetched artifact, by handles of their own; `None` where there are none or no handle is left.
pub fn raw_of(fetched: &Fetched) -> Option<Raw> {
    match fetched {
        Fetched::Zip(zip) => zip.file.try_clone().ok().map(Raw::Zip),
        Fetched::Files(files) => {
            let each = files.iter().map(|one| Some((one.path.clone(), one.content.file.try_clone().ok()?)));
            each.collect::<Option<Vec<_>>>().map(Raw::Files)
        }
        Fetched::Missing | Fetched::Unfinished | Fetched::Expired | Fetched::Collides | Fetched::TooLarge => {
            None
        }
    }
}

/// Where the files of a fetched artifact are read from; `None` where nothing was fetched.
fn source_of(fetched: &Fetched) -> Option<Result<Box<dyn ArtifactSource + '_>, SourceError>> {
    match fetched {
        Fetched::Zip(zip) => Some(
            ZipSource::open(std::io::BufReader::new(&zip.file))
                .map(|source| Box::new(source) as Box<dyn ArtifactSource + '_>),
        ),
        Fetched::Files(files) => Some(Ok(Box::new(FilesSource { files }))),
        Fetched::Missing | Fetched::Unfinished | Fetched::Expired | Fetched::Collides | Fetched::TooLarge => {
            None
        }
    }
}

/// An artifact of the v3 protocol: files, each in a temporary file.
struct FilesSource<'f> {
    files: &'f [FetchedFile],
}

impl ArtifactSource for FilesSource<'_> {
    fn list(&mut self, _: &Limits) -> Result<Vec<SourceFile>, SourceError> {
        let listed = self.files.iter().enumerate();
        Ok(listed
            .map(|(index, file)| SourceFile { index, name: file.path.clone(), bytes: file.content.bytes })
            .collect())
    }

    fn open<'a>(&'a mut self, file: &SourceFile, limits: &Limits) -> Result<Box<dyn Read + 'a>, SourceError> {
        Ok(Box::new(self.opened(file, limits)?))
    }

    fn open_hashed<'a>(
        &'a mut self,
        file: &SourceFile,
        limits: &Limits,
    ) -> Result<Box<dyn HashedRead + 'a>, SourceError> {
        Ok(Box::new(self.opened(file, limits)?))
    }
}

impl FilesSource<'_> {
    fn opened(&self, file: &SourceFile, limits: &Limits) -> Result<HashedBefore<'_>, SourceError> {
        let unreadable = |error: std::io::Error| SourceError::Unreadable(sanitize(&error.to_string(), 200));
        let Some(found) = self.files.get(file.index) else {
            return Err(SourceError::Unreadable("the file is gone".to_owned()));
        };
        let Downloaded { file, digest, bytes } = &found.content;
        // A handle that is shared stands where the last reader left it.
        std::io::Seek::rewind(&mut &*file).map_err(unreadable)?;
        let reader = Bounded::new(file, limits.file_bytes);
        Ok(HashedBefore { reader, digest: digest.clone(), bytes: *bytes })
    }
}

/// A file that was hashed while it was fetched. It has no name, so nobody changed it since.
struct HashedBefore<'f> {
    reader: Bounded<&'f File>,
    digest: Digest,
    bytes: u64,
}

impl Read for HashedBefore<'_> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        self.reader.read(buf)
    }
}

impl HashedRead for HashedBefore<'_> {
    fn finish(self: Box<Self>) -> std::io::Result<(Digest, u64)> {
        Ok((self.digest, self.bytes))
    }
}
