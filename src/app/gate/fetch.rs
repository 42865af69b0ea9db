//! Artifacts of this run: fetched into temporary files, read within bounds, condemned where a re-run superseded them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;

use crate::app::judge::readers;
use crate::app::replay::bundle::Raw;
use crate::evidence::archive::ZipSource;
use crate::evidence::read::{
    ArtifactContents, ArtifactState, Artifacts, Recognised, read_artifact, recognise,
};
use crate::evidence::source::{ArtifactSource, Bounded, HashedRead, SourceError, SourceFile};
use crate::evidence::{Demand, Limits};
use crate::forge::{
    Artifacts as Service, AttemptClaim, Downloaded, FetchLimits, Fetched, FetchedFile, ForgeError, Listed,
    Listing, Liveness, Placement, RunAttempts, ServerSays, judge_attempt, take_in_parallel,
};
use crate::model::{ArtifactName, Digest, cut_list, sanitize};

/// The prefix of the artifacts the gate itself uploads.
pub const RESULT_PREFIX: &str = "patchwarden-result-";

/// The run's artifacts by name, as listed; `Err` where no protocol answered.
pub struct RunArtifacts<'a> {
    pub service: &'a Service<'a>,
    pub listing: Result<Listing, ForgeError>,
}

/// What looking into every artifact found.
#[derive(Default)]
pub struct Looked {
    pub seen: Vec<(ArtifactName, Recognised)>,
    /// Artifacts that could not be looked into, and why.
    pub refused: Vec<(ArtifactName, String)>,
}

/// The artifacts that were asked for.
pub struct ReadArtifacts {
    /// By what the policy calls them: a name, or a pattern.
    pub artifacts: Artifacts,
    /// What the server calls those that were fetched.
    pub names: BTreeMap<ArtifactName, ArtifactName>,
    /// The bytes of those that were fetched, where they are to be kept.
    pub raw: BTreeMap<ArtifactName, Raw>,
}

impl RunArtifacts<'_> {
    /// Fetches and reads what the demands need; with `keep` their bytes stay at hand.
    pub fn read(&self, demands: &[&Demand], limits: &Limits, keep: bool) -> ReadArtifacts {
        let mut by_artifact: BTreeMap<&ArtifactName, Vec<&Demand>> = BTreeMap::new();
        for demand in demands {
            by_artifact.entry(&demand.artifact).or_default().push(demand);
        }
        let listing = match &self.listing {
            Ok(listing) => listing,
            Err(error) => {
                let why = format!("the artifacts could not be listed: {error}");
                let unavailable =
                    |name: &ArtifactName| (name.clone(), ArtifactState::Unavailable(why.clone()));
                let artifacts = by_artifact.into_keys().map(unavailable).collect();
                return ReadArtifacts { artifacts, names: BTreeMap::new(), raw: BTreeMap::new() };
            }
        };
        let mut artifacts = Artifacts::new();
        let mut wanted: Vec<(&ArtifactName, &Listed)> = Vec::new();
        for (name, demands) in &by_artifact {
            match find(listing, name, demands) {
                Ok(listed) => wanted.push((name, listed)),
                Err(state) => {
                    artifacts.insert((*name).clone(), state);
                }
            }
        }
        let listed: Vec<&Listed> = wanted.iter().map(|(_, listed)| *listed).collect();
        let fetched = self.service.fetch(&listed, &FetchLimits::default());
        let (mut names, mut raw) = (BTreeMap::new(), BTreeMap::new());
        for ((name, listed), fetched) in wanted.iter().zip(&fetched) {
            if let Some(bytes) = fetched.as_ref().ok().filter(|_| keep).and_then(raw_of) {
                raw.insert((*name).clone(), bytes);
            }
            names.insert((*name).clone(), listed.name.clone());
        }
        let wanted = wanted.into_iter().zip(fetched).collect();
        artifacts.extend(take_in_parallel(wanted, readers(), |((name, _), fetched)| {
            let demands = by_artifact.get(name).map(Vec::as_slice).unwrap_or_default();
            (name.clone(), read_fetched(fetched, demands, limits))
        }));
        ReadArtifacts { artifacts, names, raw }
    }

    /// Says what the run holds under names that nobody asked for, where one that was asked for is not there.
    pub fn unasked(&self, read: &ReadArtifacts) -> Option<String> {
        let missing = read.artifacts.values().any(|state| matches!(state, ArtifactState::Missing));
        let listing = self.listing.as_ref().ok().filter(|_| missing)?;
        let names: Vec<String> = listing
            .artifacts
            .iter()
            .filter(|one| !one.name.as_str().starts_with(RESULT_PREFIX))
            .filter(|one| !read.names.values().any(|asked| *asked == one.name))
            .map(|one| format!("`{}`", sanitize(one.name.as_str(), 80)))
            .collect();
        let words =
            || format!("the run holds artifacts that the policy does not name: {}", cut_list(&names, 5));
        (!names.is_empty()).then(words)
    }

    /// Every report whose format is recognised, and the artifacts that could not be looked into.
    pub fn recognise(&self, limits: &Limits) -> Looked {
        let mut looked = Looked::default();
        let Ok(listing) = &self.listing else { return looked };
        let listed: Vec<&Listed> =
            listing.artifacts.iter().filter(|one| !one.name.as_str().starts_with(RESULT_PREFIX)).collect();
        let fetched = self.service.fetch(&listed, &FetchLimits::default());
        for (listed, fetched) in listed.iter().zip(fetched) {
            let found = match fetched {
                Ok(fetched) => match source_of(fetched) {
                    Some(source) => source.and_then(|mut source| recognise(source.as_mut(), limits)),
                    None => Err(SourceError::Unreadable("it is not there to be fetched".to_owned())),
                },
                Err(error) => Err(SourceError::Unreadable(error.to_string())),
            };
            match found {
                Ok(found) => looked.seen.extend(found.into_iter().map(|one| (listed.name.clone(), one))),
                Err(error) => looked.refused.push((listed.name.clone(), error.to_string())),
            }
        }
        looked
    }
}

/// The one listed artifact that is meant.
fn find<'l>(
    listing: &'l Listing,
    name: &ArtifactName,
    demands: &[&Demand],
) -> Result<&'l Listed, ArtifactState> {
    let glob = demands.iter().find_map(|demand| demand.artifact_glob.as_ref());
    let fits = |listed: &&Listed| match glob {
        // Our own results are no evidence, however wide the pattern.
        Some(glob) => glob.is_match(listed.name.as_str()) && !listed.name.as_str().starts_with(RESULT_PREFIX),
        None => &listed.name == name,
    };
    let fitting: Vec<&Listed> = listing.artifacts.iter().filter(fits).collect();
    match fitting.as_slice() {
        [one] => Ok(one),
        [] => Err(match &listing.incomplete {
            Some(error) => ArtifactState::Unavailable(format!("the listing is not complete: {error}")),
            None => ArtifactState::Missing,
        }),
        several => {
            let names: Vec<String> =
                several.iter().map(|listed| format!("`{}`", sanitize(listed.name.as_str(), 80))).collect();
            Err(ArtifactState::Ambiguous(cut_list(&names, 5)))
        }
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
            let source = source_of(held);
            let read = match source {
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
pub fn source_of(fetched: Fetched) -> Option<Result<Box<dyn ArtifactSource>, SourceError>> {
    match fetched {
        Fetched::Zip(zip) => Some(
            ZipSource::open(std::io::BufReader::new(zip.file))
                .map(|source| Box::new(source) as Box<dyn ArtifactSource>),
        ),
        Fetched::Files(files) => Some(Ok(Box::new(FilesSource { files }))),
        Fetched::Missing | Fetched::Unfinished | Fetched::Expired | Fetched::Collides | Fetched::TooLarge => {
            None
        }
    }
}

/// An artifact of the v3 protocol: files, each in a temporary file.
struct FilesSource {
    files: Vec<FetchedFile>,
}

impl ArtifactSource for FilesSource {
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

impl FilesSource {
    fn opened(&mut self, file: &SourceFile, limits: &Limits) -> Result<HashedBefore<'_>, SourceError> {
        let unreadable = |error: std::io::Error| SourceError::Unreadable(sanitize(&error.to_string(), 200));
        let Some(found) = self.files.get_mut(file.index) else {
            return Err(SourceError::Unreadable("the file is gone".to_owned()));
        };
        let Downloaded { file, digest, bytes } = &mut found.content;
        std::io::Seek::rewind(file).map_err(unreadable)?;
        let reader = Bounded::new(file, limits.file_bytes);
        Ok(HashedBefore { reader, digest: digest.clone(), bytes: *bytes })
    }
}

/// A file that was hashed while it was fetched. It has no name, so nobody changed it since.
struct HashedBefore<'f> {
    reader: Bounded<&'f mut File>,
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

/// What the server's own listing of live artifacts says.
pub enum LiveNames {
    Known(BTreeSet<String>),
    /// This server shows it to nobody here.
    Hidden,
    /// It has such a listing and did not give it; says why.
    Unanswered(String),
}

/// Condemns what a re-run superseded (DESIGN section 4, *Attempts*). Gives a note for each artifact whose manifest
/// was believed. `displays_of` gives the display names of the jobs of an id, at least one.
pub fn condemn_superseded(
    read: &mut ReadArtifacts,
    attempts: &RunAttempts,
    live: &LiveNames,
    displays_of: &dyn Fn(&str) -> Vec<String>,
) -> Vec<String> {
    let mut notes = Vec::new();
    for (asked, state) in &mut read.artifacts {
        let ArtifactState::Read(contents) = &*state else { continue };
        let name = read.names.get(asked).unwrap_or(asked);
        let server = match live {
            LiveNames::Known(names) if names.contains(name.as_str()) => ServerSays::Live,
            LiveNames::Known(_) => ServerSays::NotLive,
            LiveNames::Hidden | LiveNames::Unanswered(_) => ServerSays::Nothing,
        };
        let claim = contents.as_ref().as_ref().ok().and_then(claimed);
        match (liveness(attempts, server, claim.as_ref(), displays_of), live) {
            (Liveness::Live, _) => {}
            (Liveness::BelievedByManifest, _) => notes.push(format!(
                "a job was re-run, so only the manifest of artifact `{}` says that it is of its job's latest attempt; it was believed",
                sanitize(name.as_str(), 100)
            )),
            (Liveness::Superseded, LiveNames::Unanswered(why)) => {
                let why = format!("a job of the run was re-run, and which artifacts are live could not be asked: {why}");
                *state = ArtifactState::Unavailable(why);
            }
            (Liveness::Superseded, _) => {
                let why = "a job of the run was re-run, and nothing shows that this is of its job's latest attempt";
                *state = ArtifactState::Superseded(why.to_owned());
            }
        }
    }
    notes
}

/// Job id and attempt as the manifest names them.
fn claimed(contents: &ArtifactContents) -> Option<(String, u64)> {
    let manifest = contents.manifest.as_ref()?.as_ref().ok()?;
    let producer = manifest.producer.as_ref()?;
    Some((producer.job.clone()?, producer.run_attempt?))
}

/// The jobs of a matrix share an id and differ in their attempts: a manifest does not say which it means, so the
/// worst of them counts.
fn liveness(
    attempts: &RunAttempts,
    server: ServerSays,
    claim: Option<&(String, u64)>,
    displays_of: &dyn Fn(&str) -> Vec<String>,
) -> Liveness {
    let judge = |claim| judge_attempt(attempts, server, claim, Placement::InTheRun);
    let Some((id, attempt)) = claim else { return judge(None) };
    let displays = displays_of(id);
    let judged = displays.iter().map(|job| judge(Some(AttemptClaim { job, attempt: *attempt })));
    judged.max().unwrap_or(Liveness::Superseded)
}
