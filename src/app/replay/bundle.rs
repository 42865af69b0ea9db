//! A replay bundle as a zip: the manifest, what was judged, and what was decided. Every file is listed with its hash.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Cursor, Read as _, Seek as _, Write as _};
use std::path::Path;

use zip::write::{SimpleFileOptions, ZipWriter};

use crate::app::judge::{Piece, limits};
use crate::app::read_named;
use crate::error::{EXIT_USAGE, Failure};
use crate::evidence::archive::ZipSource;
use crate::evidence::document;
use crate::evidence::read::{ArtifactContents, ArtifactState};
use crate::evidence::source::{ArtifactSource, SourceError, checked_files};
use crate::model::{Digest, RelPath};
use crate::report::replay_bundle::{
    BundledFile, CapturedEntry, CapturedFile, CapturedState, ReplayBundle, SCHEMA,
};
use crate::{output, sink};

/// The manifest's name in the bundle.
pub const MANIFEST: &str = "replay.json";
/// The policy's.
pub const POLICY: &str = "policy.toml";
/// The folder of what was decided.
pub const OUTPUTS: &str = "outputs";
/// A bundle is kept in memory while it is written and read; a larger judgement is not captured.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// An artifact as it was fetched, beside what was read of it.
pub enum Raw {
    Zip(File),
    /// Name and content of each file.
    Files(Vec<(String, File)>),
}

/// The files of a bundle in the making.
#[derive(Default)]
pub struct Files {
    kept: Vec<(RelPath, Vec<u8>)>,
    bytes: u64,
}

impl Files {
    /// Keeps a file under a path of ours.
    ///
    /// # Errors
    /// Why it cannot be kept.
    pub fn keep(&mut self, path: &str, bytes: Vec<u8>) -> Result<RelPath, String> {
        let path: RelPath = path.parse().map_err(|error| format!("{error}"))?;
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        if self.bytes > MAX_BYTES {
            return Err(format!("what was judged is over {MAX_BYTES} bytes"));
        }
        self.kept.push((path.clone(), bytes));
        Ok(path)
    }

    fn keep_file(&mut self, path: &str, mut file: &File) -> Result<RelPath, String> {
        let mut bytes = Vec::new();
        let left = MAX_BYTES.saturating_sub(self.bytes).saturating_add(1);
        file.rewind().and_then(|()| file.take(left).read_to_end(&mut bytes)).map_err(|e| e.to_string())?;
        self.keep(path, bytes)
    }

    /// Keeps what a file held, or why it could not be read.
    ///
    /// # Errors
    /// As [`Self::keep`].
    pub fn keep_read(&mut self, path: &str, read: &FileBytes) -> Result<CapturedFile, String> {
        Ok(match read {
            FileBytes::Absent => CapturedFile::Absent,
            FileBytes::Unreadable(why) => CapturedFile::Unreadable { why: why.clone() },
            FileBytes::Read(bytes) => CapturedFile::Read { file: self.keep(path, bytes.clone())? },
        })
    }

    /// Keeps an artifact: its bytes where there are any, else how it was found.
    ///
    /// # Errors
    /// As [`Self::keep`].
    pub fn keep_artifact(&mut self, number: usize, piece: &Piece) -> Result<CapturedState, String> {
        let why = |why: &String| why.clone();
        Ok(match &piece.state {
            ArtifactState::Missing => CapturedState::Missing,
            ArtifactState::Unfinished => CapturedState::Unfinished,
            ArtifactState::Expired => CapturedState::Expired,
            ArtifactState::Ambiguous(words) => CapturedState::Ambiguous { why: why(words) },
            ArtifactState::Superseded(words) => CapturedState::Superseded { why: why(words) },
            ArtifactState::Unavailable(words) => CapturedState::Unavailable { why: why(words) },
            ArtifactState::RunNotReady(code, words) => {
                CapturedState::RunNotReady { code: *code, why: why(words) }
            }
            ArtifactState::Read(read) => match (&piece.raw, read.as_ref()) {
                (Some(Raw::Zip(file)), read) => CapturedState::Zip {
                    file: self.keep_file(&format!("artifacts/{number}.zip"), file)?,
                    sha256: digest(read),
                },
                (Some(Raw::Files(files)), read) => {
                    let entries = files.iter().enumerate().map(|(index, (name, file))| {
                        let file = self.keep_file(&format!("artifacts/{number}/{index}"), file)?;
                        Ok(CapturedEntry { name: name.clone(), file })
                    });
                    let files = entries.collect::<Result<_, String>>()?;
                    CapturedState::Files { files, sha256: digest(read) }
                }
                (None, Err(error)) => refused(error),
                (None, Ok(_)) => return Err("an artifact that was read was not kept".to_owned()),
            },
        })
    }
}

/// Of an artifact as it was downloaded, where it could be read.
fn digest(read: &Result<ArtifactContents, SourceError>) -> Option<Digest> {
    read.as_ref().ok().and_then(|contents| contents.sha256.clone())
}

/// What lay at a path.
#[derive(Debug, Clone)]
pub enum FileBytes {
    Absent,
    Unreadable(String),
    Read(Vec<u8>),
}

fn refused(error: &SourceError) -> CapturedState {
    let (fault, why) = match error {
        SourceError::Malformed(why) => ("malformed", why),
        SourceError::TooLarge(why) => ("too_large", why),
        SourceError::Unreadable(why) => ("unreadable", why),
    };
    CapturedState::Refused { fault: fault.to_owned(), why: why.clone() }
}

/// Writes a bundle: the same judgement gives the same bytes.
///
/// # Errors
/// Why it could not be written.
pub fn write(path: &Path, mut bundle: ReplayBundle, files: &Files) -> Result<(), String> {
    bundle.files = files
        .kept
        .iter()
        .map(|(path, bytes)| BundledFile {
            path: path.clone(),
            sha256: Digest::of(bytes),
            bytes: bytes.len() as u64,
        })
        .collect();
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let manifest = output::json(&bundle);
    let all = std::iter::once((MANIFEST, manifest.as_bytes()))
        .chain(files.kept.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())));
    for (name, bytes) in all {
        writer.start_file(name, SimpleFileOptions::default()).map_err(|error| error.to_string())?;
        writer.write_all(bytes).map_err(|error| error.to_string())?;
    }
    let bytes = writer.finish().map_err(|error| error.to_string())?.into_inner();
    sink::write_file(path, &bytes).map_err(|error| error.to_string())
}

/// A bundle that was read: its manifest, and every file by its path.
pub struct Opened {
    pub bundle: ReplayBundle,
    pub files: BTreeMap<RelPath, Vec<u8>>,
}

/// Reads a bundle and checks every hash in it.
///
/// # Errors
/// Exit 2 for what is no bundle, or one that is not whole.
pub fn read(path: &Path) -> Result<Opened, Failure> {
    let bytes = read_named(path, "the bundle", EXIT_USAGE)?;
    let refused = |why: String| {
        Failure::usage("nothing was replayed")
            .caused_by(format!("`{}` is no `{SCHEMA}`", path.display()))
            .caused_by(why)
    };
    let mut files = unpack(&bytes).map_err(|error| refused(error.to_string()))?;
    let manifest = files
        .iter()
        .find(|(path, _)| path.as_str() == MANIFEST)
        .map(|(path, _)| path.clone())
        .and_then(|path| files.remove(&path))
        .ok_or_else(|| refused(format!("it has no `{MANIFEST}`")))?;
    let bundle: ReplayBundle =
        document::from_slice(&manifest).map_err(|error| refused(format!("`{MANIFEST}`: {error}")))?;
    if bundle.schema != SCHEMA {
        let other = crate::model::sanitize(&bundle.schema, 80);
        return Err(refused(format!("its `schema` is `{other}`")));
    }
    for listed in &bundle.files {
        match files.get(&listed.path) {
            Some(bytes) if Digest::of(bytes) == listed.sha256 => {}
            Some(_) => return Err(refused(format!("`{}` is not what was recorded", listed.path))),
            None => return Err(refused(format!("`{}` is missing", listed.path))),
        }
    }
    if let Some(other) = files.keys().find(|path| !bundle.files.iter().any(|listed| listed.path == **path)) {
        return Err(refused(format!("`{other}` is in it and not listed")));
    }
    Ok(Opened { bundle, files })
}

fn unpack(bytes: &[u8]) -> Result<BTreeMap<RelPath, Vec<u8>>, SourceError> {
    let limits = limits();
    let mut source = ZipSource::open(Cursor::new(bytes))?;
    let mut files = BTreeMap::new();
    let mut total = 0_u64;
    for (path, file) in checked_files(&mut source, &limits)? {
        total = total.saturating_add(file.bytes);
        if total > MAX_BYTES {
            return Err(SourceError::TooLarge(format!("it is over {MAX_BYTES} bytes unpacked")));
        }
        let mut content = Vec::new();
        source
            .open(&file, &limits)?
            .read_to_end(&mut content)
            .map_err(|error| SourceError::Unreadable(crate::model::sanitize(&error.to_string(), 200)))?;
        files.insert(path, content);
    }
    Ok(files)
}
