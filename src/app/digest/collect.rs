//! Collecting: list every repository, then read every run, both by a bounded number of threads. Whatever cannot be
//! read becomes a row; only a forge that cannot be asked at all is an error.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use globset::GlobSet;
use serde::Serialize;

use super::asker::{Asker, server_of};
use super::cache::Cache;
use super::listing::{ListedArtifact, ListedMerge, ListedRun, Listing, is_gone};
use super::sources::Sources;
use crate::context::ServerUrl;
use crate::digest::{
    IsoWeek, MergedRow, Place, RepositoryRow, RepositoryState, Row, RunReading, Shard, Why, Window, limits,
};
use crate::error::{EXIT_OUTPUT, Failure};
use crate::evidence::Limits;
use crate::evidence::archive::ZipSource;
use crate::forge::rest::Archive;
use crate::forge::{ForgeError, Permits, in_parallel, processors};
use crate::model::{RepoSlug, RunId};
use crate::sink;

/// What is collected, and how.
#[derive(Debug, Clone)]
pub struct Collect {
    pub sources: Sources,
    pub server: Option<ServerUrl>,
    pub cache: Option<PathBuf>,
    /// Only from the cache.
    pub offline: bool,
    /// Requests under way at once.
    pub concurrency: usize,
    pub shard: Option<Shard>,
}

/// Larger artifacts are not downloaded, in bytes.
const MAX_ZIP: u64 = 256 * 1024 * 1024;

/// What would be fetched.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Dry {
    pub repositories: u64,
    pub unreadable_repositories: u64,
    pub runs: u64,
    pub artifacts: u64,
    /// In the cache already.
    pub cached: u64,
    /// Not there any more.
    pub expired: u64,
    /// Sent for the listings.
    pub requests_sent: u64,
    /// One for each artifact that is not in the cache.
    pub requests: u64,
    pub bytes: u64,
}

/// A collection with everything it needs.
pub struct Collection<'a> {
    asker: Option<Asker>,
    cache: Option<Cache>,
    wanted: &'a GlobSet,
    limits: Limits,
    settings: &'a Collect,
    listings: Vec<Listing>,
    /// Of downloads: reading and counting go on beside them and hold none.
    under_way: Permits,
}

impl<'a> Collection<'a> {
    /// Lists what there is.
    ///
    /// # Errors
    /// Exit 2 or 4 where nothing can be asked, exit 5 where the cache cannot be written.
    pub fn list(settings: &'a Collect, window: Window, wanted: &'a GlobSet) -> Result<Self, Failure> {
        let server = server_of(settings.server.as_ref())?;
        let asker = if settings.offline { None } else { Some(Asker::connect(&server)?) };
        let cache = settings.cache.as_ref().map(|folder| Cache::new(folder, &server));
        if settings.offline && cache.is_none() {
            return Err(Failure::usage("no digest was made").caused_by("`--offline` needs `--cache`"));
        }
        let repositories = settings.sources.resolve(asker.as_ref(), settings.shard)?;
        let done = AtomicUsize::new(0);
        let listings = in_parallel(&repositories, settings.concurrency, |repo| {
            let listing = listing(asker.as_ref(), cache.as_ref(), repo, window);
            let number = done.fetch_add(1, Ordering::Relaxed) + 1;
            sink::progress(&format!("listed {number} of {} repositories", repositories.len()));
            listing
        });
        sink::progress("");
        let listings = listings.into_iter().collect::<Result<_, _>>()?;
        let under_way = Permits::new(settings.concurrency);
        Ok(Self { asker, cache, wanted, limits: limits(), settings, listings, under_way })
    }

    /// What reading would take; nothing more is sent.
    pub fn dry(&self) -> Dry {
        let mut dry = Dry {
            repositories: self.listings.len() as u64,
            requests_sent: self.asker.as_ref().map_or(0, Asker::requests),
            ..Dry::default()
        };
        for listing in &self.listings {
            let read = matches!(listing.state, RepositoryState::Read | RepositoryState::Renamed);
            dry.unreadable_repositories += u64::from(!read);
            for run in &listing.runs {
                dry.runs += 1;
                for artifact in self.wanted_of(run) {
                    dry.artifacts += 1;
                    let id = run.facts.run.unwrap_or(0);
                    if artifact.expired {
                        dry.expired += 1;
                    } else if self.cache.as_ref().is_some_and(|cache| cache.has(&listing.repo, id, artifact))
                    {
                        dry.cached += 1;
                    } else if artifact.size <= MAX_ZIP {
                        dry.requests += 1;
                        dry.bytes += artifact.size;
                    }
                }
            }
        }
        dry
    }

    fn wanted_of<'r>(&self, run: &'r ListedRun) -> impl Iterator<Item = &'r ListedArtifact> {
        let mut wanted: Vec<&ListedArtifact> =
            run.artifacts.iter().filter(|artifact| self.wanted.is_match(artifact.name.as_str())).collect();
        // The order decides which of two wordings of a finding is kept, so it must not be the server's.
        wanted.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
        wanted.into_iter()
    }

    /// Reads everything that was listed.
    ///
    /// # Errors
    /// Exit 5 where the cache cannot be written.
    pub fn read(&self) -> Result<BTreeSet<Row>, Failure> {
        let runs: Vec<(&Listing, &ListedRun)> = self
            .listings
            .iter()
            .flat_map(|listing| listing.runs.iter().map(move |run| (listing, run)))
            .collect();
        let done = AtomicUsize::new(0);
        let rows = Mutex::new(BTreeSet::new());
        // As many more as there are processors: while they read, every download that may be under way is.
        let read = in_parallel(&runs, self.settings.concurrency + processors(), |(listing, run)| {
            let found = self.run(&listing.repo, run)?;
            rows.lock().unwrap_or_else(PoisonError::into_inner).extend(found);
            let number = done.fetch_add(1, Ordering::Relaxed) + 1;
            sink::progress(&format!("read {number} of {} runs", runs.len()));
            Ok(())
        });
        sink::progress("");
        read.into_iter().collect::<Result<(), Failure>>()?;
        let mut rows = rows.into_inner().unwrap_or_else(PoisonError::into_inner);
        for listing in &self.listings {
            rows.insert(Row::Repository(self.state(listing, &rows)));
            rows.extend(listing.merged.iter().map(|merge| merged(&listing.repo, merge)));
        }
        Ok(rows)
    }

    /// The state of a repository after it was read: it may have gone meanwhile.
    fn state(&self, listing: &Listing, rows: &BTreeSet<Row>) -> RepositoryRow {
        let repo = listing.repo.to_string();
        let vanished =
            |row: &Row| matches!(row, Row::Unread(one) if one.place.repo == repo && one.why == Why::Gone);
        let (mut state, mut detail) = (listing.state, listing.detail.clone());
        if let Some(asker) = &self.asker
            && state < RepositoryState::Gone
            && rows.iter().any(vanished)
            && is_gone(asker.repo(&listing.repo))
        {
            (state, detail) = (RepositoryState::Gone, "it disappeared while it was read".to_owned());
        }
        RepositoryRow { repo, state, detail }
    }

    fn run(&self, repo: &RepoSlug, run: &ListedRun) -> Result<BTreeSet<Row>, Failure> {
        let mut reading = RunReading::new(&run.facts);
        for artifact in self.wanted_of(run) {
            self.artifact(repo, run, artifact, &mut reading)?;
        }
        Ok(reading.finish())
    }

    fn artifact(
        &self,
        repo: &RepoSlug,
        run: &ListedRun,
        artifact: &ListedArtifact,
        reading: &mut RunReading,
    ) -> Result<(), Failure> {
        let name = artifact.name.as_str();
        let id = run.facts.run.unwrap_or(0);
        if artifact.expired {
            reading.unread(Some(name), None, Why::Expired, "");
            return Ok(());
        }
        let kept = self.cache.as_ref().and_then(|cache| cache.zip(repo, id, artifact));
        let file = match (kept, &self.asker) {
            (Some(file), _) => file,
            (None, None) => {
                reading.unread(Some(name), None, Why::Offline, "");
                return Ok(());
            }
            (None, Some(_)) if artifact.size > MAX_ZIP => {
                let detail = format!("{} bytes, the bound is {MAX_ZIP}", artifact.size);
                reading.unread(Some(name), None, Why::TooLarge, &detail);
                return Ok(());
            }
            (None, Some(asker)) => match self.under_way.hold(|| fetch(asker, repo, id, artifact)) {
                Ok(Archive::Zip(mut zip)) => {
                    if let Some(cache) = &self.cache {
                        cache
                            .keep_zip(repo, id, artifact, &mut zip.file, &zip.digest)
                            .map_err(|error| unwritable(&error))?;
                    }
                    zip.file
                }
                other => {
                    let (why, detail) = missing(other);
                    reading.unread(Some(name), None, why, &detail);
                    return Ok(());
                }
            },
        };
        self.unpack(name, file, reading);
        Ok(())
    }

    fn unpack(&self, name: &str, file: File, reading: &mut RunReading) {
        match ZipSource::open(BufReader::new(file)) {
            Ok(mut source) => reading.artifact(name, &mut source, &self.limits),
            Err(error) => reading.unread(Some(name), None, Why::Malformed, &error.to_string()),
        }
    }
}

fn merged(repo: &RepoSlug, merge: &ListedMerge) -> Row {
    Row::Merged(MergedRow {
        place: Place { week: IsoWeek::of(merge.at), repo: repo.to_string(), run: None },
        pull: merge.pull,
        head: merge.head.to_string(),
        at: merge.at,
    })
}

fn fetch(asker: &Asker, repo: &RepoSlug, run: u64, artifact: &ListedArtifact) -> Result<Archive, ForgeError> {
    let repo = asker.repo(repo);
    match (artifact.id, RunId::try_from(run)) {
        (Some(id), _) => repo.actions().artifact_zip(id, MAX_ZIP),
        (None, Ok(run)) => repo.web_artifact_zip(run, &artifact.name, MAX_ZIP),
        (None, Err(_)) => Ok(Archive::Missing),
    }
}

fn missing(answer: Result<Archive, ForgeError>) -> (Why, String) {
    match answer {
        Ok(Archive::Missing | Archive::Zip(_)) => (Why::Gone, String::new()),
        Ok(Archive::Unfinished) => (Why::Unfinished, String::new()),
        Ok(Archive::TooLarge { limit }) => (Why::TooLarge, format!("the bound is {limit} bytes")),
        Err(error) if error.is_not_permitted() => (Why::NoAccess, error.to_string()),
        Err(error) => (Why::Unavailable, error.to_string()),
    }
}

/// What there is in a repository. What was asked for is kept in the cache, and the cache answers where nothing may be
/// asked.
fn listing(
    asker: Option<&Asker>,
    cache: Option<&Cache>,
    repo: &RepoSlug,
    window: Window,
) -> Result<Listing, Failure> {
    let Some(asker) = asker else { return Ok(cached(cache, repo, window)) };
    let listing = Listing::ask(asker, repo, window);
    if let Some(cache) = cache
        && !listing.runs.is_empty()
    {
        cache.keep_listing(&listing).map_err(|error| unwritable(&error))?;
    }
    Ok(listing)
}

/// What the cache knows of a repository in the window.
fn cached(cache: Option<&Cache>, repo: &RepoSlug, window: Window) -> Listing {
    match cache.and_then(|cache| cache.listing(repo)) {
        Some(mut listing) => {
            listing.runs.retain(|run| window.holds(run.facts.at));
            listing.merged.retain(|merge| window.holds(merge.at));
            listing
        }
        None => Listing {
            repo: repo.clone(),
            state: RepositoryState::Unavailable,
            detail: "it is not in the cache".to_owned(),
            runs: Vec::new(),
            merged: Vec::new(),
        },
    }
}

fn unwritable(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(EXIT_OUTPUT, "no digest was made")
        .caused_by("the cache could not be written")
        .caused_by(error)
}
