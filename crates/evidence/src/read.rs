//! Reading one artifact: the manifest first, then the files that are asked for or that the manifest lists,
//! each once, hashed on the way and parsed within bounds.

use std::collections::BTreeMap;
use std::io::{BufReader, Read};

use crate::model::{ArtifactName, Code, Digest, RelPath, cut_list, sanitize};

use super::content::{ParseError, Parsed};
use super::demand::Demand;
use super::format::Format;
use super::limits::Limits;
use super::manifest::{FILE_NAME, Manifest};
use super::shape::{PREFIX_BYTES, Shape};
use super::source::{ArtifactSource, Bounded, SourceError, SourceFile, checked_files};
use super::text::{Controls, Text};

/// Size and hash of a file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFacts {
    pub bytes: u64,
    pub sha256: Digest,
}

/// One file as one demand reads it.
#[derive(Debug, Clone)]
pub struct Reading {
    pub path: RelPath,
    pub facts: FileFacts,
    /// The format it was read as; `None` where `auto` found none.
    pub format: Option<Format>,
    pub result: Result<Parsed, ParseError>,
}

/// What one demand found in the artifact.
#[derive(Debug, Clone)]
pub enum Found {
    /// No file fits; says what was looked for.
    NoFile(String),
    /// Several files fit where one is meant; says which.
    Several(String),
    /// The files that fit; more than one only where a glob asked for them.
    Files(Box<Files>),
}

/// Several files that are one piece of evidence. Each is joined with those before it as soon as it is read, so that
/// memory does not grow with their number.
#[derive(Debug, Clone, Default)]
pub struct Files {
    /// Sorted by path.
    pub read: Vec<FileRead>,
    /// What they say together; `None` where none could be read.
    pub joined: Option<Parsed>,
}

/// One file of several.
#[derive(Debug, Clone)]
pub struct FileRead {
    pub path: RelPath,
    pub facts: FileFacts,
    /// The format it was read as; `None` where `auto` found none.
    pub format: Option<Format>,
    /// It was read, and the report itself names no commit.
    pub names_no_commit: bool,
    /// Why it could not be read, or not be joined with the others.
    pub fault: Option<ParseError>,
}

impl Files {
    fn join(&mut self, reading: Reading, limits: &Limits) {
        let Reading { path, facts, format, result } = reading;
        let names_no_commit = result.as_ref().is_ok_and(|parsed| parsed.commits.is_empty());
        let fault = match (result, self.joined.take()) {
            (Ok(parsed), None) => {
                self.joined = Some(parsed);
                None
            }
            (Ok(parsed), Some(before)) => match before.merge(parsed, limits) {
                Ok(both) => {
                    self.joined = Some(both);
                    None
                }
                Err(error) => Some(error),
            },
            (Err(error), before) => {
                self.joined = before;
                Some(error)
            }
        };
        self.read.push(FileRead { path, facts, format, names_no_commit, fault });
    }
}

/// Everything read from one artifact.
#[derive(Debug)]
pub struct ArtifactContents {
    /// The names of all files.
    pub names: Vec<RelPath>,
    /// Of the artifact as it was downloaded; the shell fills it in where it downloaded one.
    pub sha256: Option<Digest>,
    /// Facts of each file that was read.
    pub files: BTreeMap<RelPath, FileFacts>,
    /// `None` where the artifact has no manifest.
    pub manifest: Option<Result<Manifest, ParseError>>,
    /// One per demand, in the order given.
    pub found: Vec<Found>,
}

/// An artifact as the shell found it, before any demand is judged.
#[derive(Debug)]
pub enum ArtifactState {
    /// There is none of this name.
    Missing,
    /// There are several of this name, or several fit the pattern; says which.
    Ambiguous(String),
    /// It was created and not finished.
    Unfinished,
    /// It was there and is gone by age.
    Expired,
    /// It belongs to an attempt that a later one replaced.
    Superseded(String),
    /// It could not be fetched.
    Unavailable(String),
    /// The run that should make it has not come so far; the code is the run's own, so that whoever mends one mends
    /// both.
    RunNotReady(Code, String),
    /// It was fetched and read, or refused as a whole.
    Read(Box<Result<ArtifactContents, SourceError>>),
}

/// Every artifact that was asked for, by name.
pub type Artifacts = BTreeMap<ArtifactName, ArtifactState>;

/// Reads what the demands need from one artifact.
///
/// # Errors
/// [`SourceError`] where the artifact as a whole is refused or unreadable.
pub fn read_artifact(
    source: &mut dyn ArtifactSource,
    demands: &[&Demand],
    limits: &Limits,
) -> Result<ArtifactContents, SourceError> {
    let files = checked_files(source, limits)?;
    let by_path: BTreeMap<RelPath, SourceFile> = files.into_iter().collect();
    let manifest = by_path
        .iter()
        .find(|(path, _)| path.as_str() == FILE_NAME)
        .map(|(_, file)| read_manifest(source, file, limits));
    let listed = manifest.as_ref().and_then(|manifest| manifest.as_ref().ok());

    let mut facts = BTreeMap::new();
    let mut found = Vec::with_capacity(demands.len());
    for demand in demands {
        let wanted = match select(demand, &by_path, listed) {
            Ok(paths) => paths,
            Err(nothing) => {
                found.push(nothing);
                continue;
            }
        };
        let limits = &Limits { rolls: demand.compared, ..limits.clone() };
        let mut files = Box::<Files>::default();
        for path in wanted {
            let Some(file) = by_path.get(&path) else { continue };
            let reading = read_file(source, &path, file, demand.format, limits)?;
            facts.insert(path, reading.facts.clone());
            files.join(reading, limits);
        }
        found.push(Found::Files(files));
    }
    // The manifest's other files are hashed, so that every claim it makes is checked.
    for entry in listed.iter().flat_map(|manifest| &manifest.evidence) {
        if let (false, Some(file)) = (facts.contains_key(&entry.path), by_path.get(&entry.path)) {
            facts.insert(entry.path.clone(), hash_file(source, file, limits)?);
        }
    }
    Ok(ArtifactContents { names: by_path.into_keys().collect(), sha256: None, files: facts, manifest, found })
}

/// The paths a demand means: its own path or glob, else the manifest's entry of its id, else the only file.
fn select(
    demand: &Demand,
    files: &BTreeMap<RelPath, SourceFile>,
    manifest: Option<&Manifest>,
) -> Result<Vec<RelPath>, Found> {
    let reports = || files.keys().filter(|path| path.as_str() != FILE_NAME);
    if let Some(pattern) = &demand.path {
        let fitting: Vec<RelPath> = reports().filter(|path| pattern.fits(path.as_str())).cloned().collect();
        if fitting.is_empty() {
            let there: Vec<String> = reports().map(quoted).collect();
            let there = if there.is_empty() { "none".to_owned() } else { cut_list(&there, 5) };
            return Err(Found::NoFile(format!("no file fits `{}`, there is {there}", pattern.as_str())));
        }
        return Ok(fitting);
    }
    if let Some(entry) = manifest.and_then(|manifest| manifest.by_id(&demand.id)) {
        if files.contains_key(&entry.path) {
            return Ok(vec![entry.path.clone()]);
        }
        return Err(Found::NoFile(format!(
            "the manifest lists `{}`, which is not there",
            sanitize(entry.path.as_str(), 120)
        )));
    }
    let all: Vec<RelPath> = reports().cloned().collect();
    match all.as_slice() {
        [] => Err(Found::NoFile("the artifact is empty".to_owned())),
        [_] => Ok(all),
        _ => {
            let names: Vec<String> = all.iter().map(quoted).collect();
            Err(Found::Several(format!("no `path` is set and it holds {}", cut_list(&names, 5))))
        }
    }
}

fn quoted(path: &RelPath) -> String {
    format!("`{}`", sanitize(path.as_str(), 80))
}

fn read_manifest(
    source: &mut dyn ArtifactSource,
    file: &SourceFile,
    limits: &Limits,
) -> Result<Manifest, ParseError> {
    let mut bytes = Vec::new();
    let reader = source.open(file, limits).map_err(parse_error)?;
    Bounded::new(reader, limits.document_bytes).read_to_end(&mut bytes)?;
    Manifest::parse(&bytes)
}

fn hash_file(
    source: &mut dyn ArtifactSource,
    file: &SourceFile,
    limits: &Limits,
) -> Result<FileFacts, SourceError> {
    let reader = source.open_hashed(file, limits)?;
    let (sha256, bytes) = reader.finish().map_err(|error| io_error(&file.name, error))?;
    Ok(FileFacts { bytes, sha256 })
}

/// Parses and hashes one file in one pass. A fault of the content is in the reading; a fault of the artifact is the
/// error.
///
/// # Errors
/// [`SourceError`] where the artifact as a whole is refused or unreadable.
pub fn read_file(
    source: &mut dyn ArtifactSource,
    path: &RelPath,
    file: &SourceFile,
    format: Option<Format>,
    limits: &Limits,
) -> Result<Reading, SourceError> {
    let (format, early) = match format {
        Some(format) => (Some(format), None),
        None => match sniff(source, file, limits)? {
            Ok(format) => (Some(format), None),
            Err(error) => (None, Some(error)),
        },
    };
    let mut hashing = source.open_hashed(file, limits)?;
    let mut result = match (format, early) {
        (_, Some(error)) => Err(error),
        (Some(format), None) => {
            // What reads text asks for more than this holds, and so past it.
            let mut buffered = BufReader::new(&mut hashing);
            format.parse(&mut buffered, limits)
        }
        (None, None) => Err(ParseError::Malformed("its format is not known".to_owned())),
    };
    if let Ok(parsed) = &mut result {
        parsed.read_from(path);
    }
    match hashing.finish() {
        Ok((sha256, bytes)) => {
            Ok(Reading { path: path.clone(), facts: FileFacts { bytes, sha256 }, format, result })
        }
        Err(error) => Err(io_error(&file.name, error)),
    }
}

/// Decides a file's format by its first bytes.
fn sniff(
    source: &mut dyn ArtifactSource,
    file: &SourceFile,
    limits: &Limits,
) -> Result<Result<Format, ParseError>, SourceError> {
    let mut reader = BufReader::new(source.open(file, limits)?);
    let mut prefix = Vec::new();
    let read = Text::open(&mut reader, Controls::Kept)
        .and_then(|text| text.take(PREFIX_BYTES as u64).read_to_end(&mut prefix));
    match read {
        // What is no text is said to be of no known format; it does not condemn the files beside it.
        Err(error) if error.kind() != std::io::ErrorKind::InvalidData => {
            return Err(io_error(&file.name, error));
        }
        Ok(_) | Err(_) => {}
    }
    let whole = prefix.len() < PREFIX_BYTES;
    let shape = Shape::of(&prefix, whole);
    Ok(match Format::of(&shape) {
        Ok(Some(format)) => Ok(format),
        Ok(None) => Err(ParseError::Malformed("its content fits no format that is known".to_owned())),
        Err(several) => {
            let names: Vec<_> = several.iter().map(|format| format!("`{}`", format.as_str())).collect();
            Err(ParseError::Malformed(format!(
                "its content fits {}: name one as `format`",
                names.join(" and ")
            )))
        }
    })
}

fn parse_error(error: SourceError) -> ParseError {
    match error {
        SourceError::Malformed(words) => ParseError::Malformed(words),
        SourceError::TooLarge(words) => ParseError::TooLarge(words),
        SourceError::Unreadable(words) => ParseError::Unreadable(words),
    }
}

fn io_error(name: &str, error: std::io::Error) -> SourceError {
    let name = sanitize(name, 120);
    match ParseError::from(error) {
        ParseError::Malformed(words) => SourceError::Malformed(format!("`{name}`: {words}")),
        ParseError::TooLarge(words) => SourceError::TooLarge(format!("`{name}`: {words}")),
        ParseError::Unreadable(words) => SourceError::Unreadable(format!("`{name}`: {words}")),
    }
}

/// One report whose format its content shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recognised {
    pub path: RelPath,
    pub format: Format,
    /// The id the artifact's manifest lists it under.
    pub recorded_as: Option<String>,
}

/// Every file of an artifact whose format is recognised, sorted by path.
///
/// # Errors
/// [`SourceError`] where the artifact as a whole is refused or unreadable.
pub fn recognise(source: &mut dyn ArtifactSource, limits: &Limits) -> Result<Vec<Recognised>, SourceError> {
    let files = checked_files(source, limits)?;
    let manifest = files
        .iter()
        .find(|(path, _)| path.as_str() == FILE_NAME)
        .and_then(|(_, file)| read_manifest(source, file, limits).ok());
    let mut recognised = Vec::new();
    for (path, file) in files.iter().filter(|(path, _)| path.as_str() != FILE_NAME) {
        if let Ok(format) = sniff(source, file, limits)? {
            let recorded_as = manifest
                .as_ref()
                .and_then(|manifest| manifest.by_path(path))
                .map(|entry| entry.id.to_string());
            recognised.push(Recognised { path: path.clone(), format, recorded_as });
        }
    }
    Ok(recognised)
}

/// Every file of an artifact, read.
pub struct Inspection {
    /// Sorted by path.
    pub readings: Vec<Reading>,
    /// `None` where the artifact has no manifest.
    pub manifest: Option<Result<Manifest, ParseError>>,
}

/// Reads every file of an artifact by the format its content shows, the manifest apart.
///
/// # Errors
/// [`SourceError`] where the artifact as a whole is refused or unreadable.
pub fn inspect(
    source: &mut dyn ArtifactSource,
    format: Option<Format>,
    limits: &Limits,
) -> Result<Inspection, SourceError> {
    let Listing { files, manifest } = listing(source, limits)?;
    let mut readings = Vec::new();
    for (path, file) in &files {
        readings.push(read_file(source, path, file, format, limits)?);
    }
    Ok(Inspection { readings, manifest })
}

/// The files of an artifact, none of them read but its manifest.
pub struct Listing {
    /// Sorted by path, the manifest left out.
    pub files: Vec<(RelPath, SourceFile)>,
    /// `None` where the artifact has no manifest.
    pub manifest: Option<Result<Manifest, ParseError>>,
}

/// Lists an artifact, for whoever reads its files one after the other and keeps none ([`read_file`]).
///
/// # Errors
/// [`SourceError`] where the artifact as a whole is refused or unreadable.
pub fn listing(source: &mut dyn ArtifactSource, limits: &Limits) -> Result<Listing, SourceError> {
    let mut manifest = None;
    let mut files = Vec::new();
    for (path, file) in checked_files(source, limits)? {
        if path.file_name() == FILE_NAME {
            manifest = Some(read_manifest(source, &file, limits));
        } else {
            files.push((path, file));
        }
    }
    Ok(Listing { files, manifest })
}
