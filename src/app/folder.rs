//! A folder of evidence: each sub-folder and each `.zip` in it is one artifact. Links are never followed.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::app::judge::{Piece, readers};
use crate::app::read_ahead::{self, ReadAhead};
use crate::app::replay::bundle::Raw;
use crate::error::{EXIT_CONTEXT, Failure};
use crate::evidence::archive::ZipSource;
use crate::evidence::read::{ArtifactState, Artifacts, Recognised, read_artifact, recognise};
use crate::evidence::runtime_bundle::{self, Bundle, BundleFile};
use crate::evidence::source::{ArtifactSource, Bounded, HashedRead, SourceError, SourceFile, checked_files};
use crate::evidence::{Content, Demand, Limits, manifest};
use crate::forge::in_parallel;
use crate::model::{ArtifactName, Hashing, sanitize};

/// What is read before more threads than one read: to start one takes as long as to read some hundred KiB.
const ALONE_BYTES: u64 = 256 * 1024;

/// Where an artifact of the folder is.
#[derive(Debug, Clone)]
enum Place {
    Folder(PathBuf),
    Zip(PathBuf),
    /// A link, which is not followed.
    Link,
}

/// The artifacts of a folder, by name, sorted.
#[derive(Debug)]
pub struct EvidenceFolder {
    artifacts: BTreeMap<String, Vec<Place>>,
    /// Files that lie beside the artifacts and belong to none.
    pub loose: Vec<String>,
}

impl EvidenceFolder {
    /// Lists a folder.
    ///
    /// # Errors
    /// Exit 4 where the folder is not there or cannot be listed.
    pub fn open(folder: &Path) -> Result<Self, Failure> {
        let unreadable = |error: std::io::Error| {
            Failure::new(EXIT_CONTEXT, "no verdict was produced")
                .caused_by(format!("the evidence folder `{}` could not be listed", folder.display()))
                .caused_by(error)
        };
        let mut artifacts: BTreeMap<String, Vec<Place>> = BTreeMap::new();
        let mut loose = Vec::new();
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let kind = entry.file_type().map_err(unreadable)?;
            let is_zip =
                Path::new(&name).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zip"));
            let (name, place) = if kind.is_dir() {
                (name, Place::Folder(entry.path()))
            } else if is_zip {
                let stem = name.get(..name.len() - 4).unwrap_or(&name).to_owned();
                (stem, if kind.is_file() { Place::Zip(entry.path()) } else { Place::Link })
            } else if kind.is_symlink() {
                (name, Place::Link)
            } else {
                loose.push(name);
                continue;
            };
            artifacts.entry(name).or_default().push(place);
        }
        loose.sort();
        Ok(Self { artifacts, loose })
    }

    /// What a caller probably meant who named the artifact itself instead of the folder it lies in.
    pub fn hint(&self) -> Option<String> {
        let is_artifact = self.loose.iter().any(|name| name == manifest::FILE_NAME);
        is_artifact.then(|| {
            format!("`{}` lies in the evidence folder itself: name the folder above it", manifest::FILE_NAME)
        })
    }

    /// Reads what the demands need.
    pub fn read(&self, demands: &[&Demand], limits: &Limits) -> Artifacts {
        let mut by_artifact: BTreeMap<&ArtifactName, Vec<&Demand>> = BTreeMap::new();
        for demand in demands {
            by_artifact.entry(&demand.artifact).or_default().push(demand);
        }
        let mut left = by_artifact.into_iter();
        let (mut artifacts, mut bytes) = (Artifacts::new(), 0);
        while bytes < ALONE_BYTES
            && let Some((name, demands)) = left.next()
        {
            let state = self.read_one(name, &demands, limits);
            bytes += bytes_of(&state);
            artifacts.insert(name.clone(), state);
        }
        let left: Vec<_> = left.collect();
        artifacts.extend(in_parallel(&left, readers(), |(name, demands)| {
            ((*name).clone(), self.read_one(name, demands, limits))
        }));
        artifacts
    }

    fn read_one(&self, name: &ArtifactName, demands: &[&Demand], limits: &Limits) -> ArtifactState {
        let glob = demands.iter().find_map(|demand| demand.artifact_glob.as_ref());
        let fits = |candidate: &str| match glob {
            Some(glob) => glob.is_match(candidate),
            None => candidate == name.as_str(),
        };
        let fitting: Vec<(&String, &Place)> = self
            .artifacts
            .iter()
            .filter(|(candidate, _)| fits(candidate))
            .flat_map(|(candidate, places)| places.iter().map(move |place| (candidate, place)))
            .collect();
        match fitting.as_slice() {
            [] => ArtifactState::Missing,
            [(_, place)] => ArtifactState::Read(Box::new(
                source(place, limits).and_then(|mut source| read_artifact(source.as_mut(), demands, limits)),
            )),
            several => {
                let words: Vec<String> = several
                    .iter()
                    .map(|(name, place)| format!("`{}` as a {}", sanitize(name, 80), form(place)))
                    .collect();
                ArtifactState::Ambiguous(crate::model::cut_list(&words, 5))
            }
        }
    }

    /// Keeps the bytes of the artifacts that were read at hand.
    pub fn keep_bytes(&self, pieces: &mut [Piece], demands: &[&Demand]) {
        for piece in pieces.iter_mut().filter(|piece| matches!(piece.state, ArtifactState::Read(_))) {
            let named = |demand: &&&Demand| demand.artifact == piece.name;
            let glob = demands.iter().filter(named).find_map(|demand| demand.artifact_glob.as_ref());
            let fits = |candidate: &str| match glob {
                Some(glob) => glob.is_match(candidate),
                None => candidate == piece.name.as_str(),
            };
            let found = self.artifacts.iter().find(|(candidate, _)| fits(candidate));
            piece.raw = found.and_then(|(_, places)| places.first()).and_then(raw);
        }
    }

    /// Every report whose format is recognised, for a policy to be proposed. Artifacts that cannot be read are
    /// left out here: the proposal is about what is there, and what is refused is said when it is judged.
    pub fn recognise(&self, limits: &Limits) -> Vec<(ArtifactName, Recognised)> {
        let mut seen = Vec::new();
        for (name, places) in &self.artifacts {
            let (Ok(artifact), [place]) = (name.parse::<ArtifactName>(), places.as_slice()) else { continue };
            let found = source(place, limits).and_then(|mut source| recognise(source.as_mut(), limits));
            seen.extend(found.unwrap_or_default().into_iter().map(|one| (artifact.clone(), one)));
        }
        seen
    }

    /// The names of artifacts that cannot be read at all or stand twice, for the embedded policy to refuse.
    pub fn unreadable(&self, limits: &Limits) -> Vec<(ArtifactName, String)> {
        let mut refused = Vec::new();
        for (name, places) in &self.artifacts {
            let Ok(artifact) = name.parse::<ArtifactName>() else { continue };
            match places.as_slice() {
                [place] => {
                    let found =
                        source(place, limits).and_then(|mut source| recognise(source.as_mut(), limits));
                    if let Err(error) = found {
                        refused.push((artifact, error.to_string()));
                    }
                }
                _ => refused.push((artifact, "it stands there twice".to_owned())),
            }
        }
        refused
    }
}

/// Every file of a folder as one bundle, each read and hashed. A file that cannot be read stays in it as such.
///
/// # Errors
/// Exit 4 where the folder is not there, or is none that may be read: links, names that climb, bounds.
pub fn read_bundle(folder: &Path, limits: &Limits) -> Result<Bundle, Failure> {
    let refused = |error: SourceError| {
        Failure::new(EXIT_CONTEXT, "no verdict was produced")
            .caused_by(format!("the bundle `{}` could not be read", folder.display()))
            .caused_by(error)
    };
    let mut source = FolderSource::open(folder, limits).map_err(refused)?;
    let mut bundle = Bundle::default();
    for (path, file) in checked_files(&mut source, limits).map_err(refused)? {
        let mut hashing = source.open_hashed(&file, limits).map_err(refused)?;
        let parsed = runtime_bundle::parse(&mut std::io::BufReader::new(&mut hashing), limits);
        let (sha256, _) = hashing.finish().map_err(|error| refused(unreadable(&error)))?;
        let document = match parsed {
            Ok(parsed) => match parsed.into_content() {
                Content::Bundle(one) => one.files.into_iter().next().map(|file| file.document),
                _ => None,
            },
            Err(error) => Some(Err(error.to_string())),
        };
        let document = document.unwrap_or_else(|| Err("it is no document".to_owned()));
        bundle.files.push(BundleFile { path: path.into(), sha256, document });
    }
    Ok(bundle)
}

/// Of the files that were read.
fn bytes_of(state: &ArtifactState) -> u64 {
    match state {
        ArtifactState::Read(read) => {
            read.iter().flat_map(|contents| contents.files.values()).map(|file| file.bytes).sum()
        }
        _ => 0,
    }
}

fn form(place: &Place) -> &'static str {
    match place {
        Place::Folder(_) => "folder",
        Place::Zip(_) => "zip",
        Place::Link => "link",
    }
}

fn source(place: &Place, limits: &Limits) -> Result<Box<dyn ArtifactSource>, SourceError> {
    match place {
        Place::Folder(root) => {
            FolderSource::open(root, limits).map(|source| Box::new(source) as Box<dyn ArtifactSource>)
        }
        Place::Zip(path) => {
            let file = File::open(path).map_err(|error| unreadable(&error))?;
            // The zip reader seeks and reads in small steps.
            ZipSource::open(std::io::BufReader::new(file))
                .map(|source| Box::new(source) as Box<dyn ArtifactSource>)
        }
        Place::Link => Err(SourceError::Malformed("it is a link, and links are not followed".to_owned())),
    }
}

/// The bytes of an artifact; `None` where it is refused before any is read.
fn raw(place: &Place) -> Option<Raw> {
    match place {
        Place::Zip(path) => File::open(path).ok().map(Raw::Zip),
        Place::Folder(root) => {
            let source = FolderSource::open(root, &Limits::default()).ok()?;
            let open = |(name, path, _): (String, PathBuf, u64)| Some((name, File::open(path).ok()?));
            source.files.into_iter().map(open).collect::<Option<Vec<_>>>().map(Raw::Files)
        }
        Place::Link => None,
    }
}

fn unreadable(error: &std::io::Error) -> SourceError {
    SourceError::Unreadable(sanitize(&error.to_string(), 200))
}

/// An artifact that is a folder.
struct FolderSource {
    files: Vec<(String, PathBuf, u64)>,
}

impl FolderSource {
    fn open(root: &Path, limits: &Limits) -> Result<Self, SourceError> {
        let mut files = Vec::new();
        let mut folders = vec![(String::new(), root.to_owned(), 0_u64)];
        while let Some((prefix, folder, depth)) = folders.pop() {
            for entry in fs::read_dir(&folder).map_err(|error| unreadable(&error))? {
                let entry = entry.map_err(|error| unreadable(&error))?;
                let Ok(name) = entry.file_name().into_string() else {
                    return Err(SourceError::Malformed("a file name in it is not UTF-8".to_owned()));
                };
                let name = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
                let kind = entry.file_type().map_err(|error| unreadable(&error))?;
                if kind.is_dir() {
                    if depth >= limits.path_depth {
                        return Err(SourceError::TooLarge(format!("it is more than {depth} folders deep")));
                    }
                    folders.push((name, entry.path(), depth + 1));
                } else if kind.is_file() {
                    let bytes = entry.metadata().map_err(|error| unreadable(&error))?.len();
                    files.push((name, entry.path(), bytes));
                } else {
                    let shown = sanitize(&name, 120);
                    return Err(SourceError::Malformed(format!(
                        "`{shown}` in it is a link or no regular file"
                    )));
                }
                if files.len() as u64 > limits.archive_entries {
                    return Err(SourceError::TooLarge(format!(
                        "it holds more than {} files",
                        limits.archive_entries
                    )));
                }
            }
        }
        Ok(Self { files })
    }

    fn bounded(&self, file: &SourceFile, limits: &Limits) -> Result<Bounded<File>, SourceError> {
        let Some((_, path, _)) = self.files.get(file.index) else {
            return Err(SourceError::Unreadable("the file is gone".to_owned()));
        };
        let opened = File::open(path).map_err(|error| unreadable(&error))?;
        Ok(Bounded::new(opened, limits.file_bytes))
    }
}

impl ArtifactSource for FolderSource {
    fn list(&mut self, _: &Limits) -> Result<Vec<SourceFile>, SourceError> {
        Ok(self
            .files
            .iter()
            .enumerate()
            .map(|(index, (name, _, bytes))| SourceFile { index, name: name.clone(), bytes: *bytes })
            .collect())
    }

    fn open<'a>(&'a mut self, file: &SourceFile, limits: &Limits) -> Result<Box<dyn Read + 'a>, SourceError> {
        Ok(Box::new(self.bounded(file, limits)?))
    }

    fn open_hashed<'a>(
        &'a mut self,
        file: &SourceFile,
        limits: &Limits,
    ) -> Result<Box<dyn HashedRead + 'a>, SourceError> {
        let bounded = self.bounded(file, limits)?;
        if file.bytes < read_ahead::FROM_BYTES {
            return Ok(Box::new(Hashing::new(bounded)));
        }
        Ok(Box::new(ReadAhead::start(bounded).map_err(|error| unreadable(&error))?))
    }
}

/// Opens a folder, a zip or a single file the caller named as one artifact.
///
/// # Errors
/// [`SourceError`] where it is not there, unreadable, or refused as a whole.
pub fn open_path(path: &Path, limits: &Limits) -> Result<Box<dyn ArtifactSource>, SourceError> {
    let kind = fs::metadata(path).map_err(|error| unreadable(&error))?;
    if kind.is_dir() {
        return source(&Place::Folder(path.to_owned()), limits);
    }
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zip")) {
        return source(&Place::Zip(path.to_owned()), limits);
    }
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(Box::new(FolderSource { files: vec![(name, path.to_owned(), kind.len())] }))
}
