//! The live artifacts of a run that is not this step's: by REST on v16 and later, by the web routes of a public
//! repository before (LIVE section 9). What a re-run condemned is in neither listing.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use super::artifacts::{FetchLimits, Fetched};
use super::error::ForgeError;
use super::parallel::{self, WORKERS};
use super::rest::{Archive, Repo, RestArtifact, WebArtifact};
use crate::model::{ArtifactName, RunId};

/// What one run holds.
#[derive(Debug)]
pub struct LiveArtifacts {
    run: RunId,
    held: Held,
}

#[derive(Debug)]
enum Held {
    ByRest(Vec<RestArtifact>),
    ByWeb(Vec<WebArtifact>),
}

/// One artifact of one run.
#[derive(Debug, Clone)]
pub struct Remote {
    run: RunId,
    pub name: ArtifactName,
    place: Place,
}

#[derive(Debug, Clone, Copy)]
enum Place {
    Id(u64),
    ByName,
    Expired,
    /// Listed twice under one name.
    Twice,
}

impl LiveArtifacts {
    /// Lists them; `None` where this server shows them to nobody who may ask here: before v16 a private repository.
    ///
    /// # Errors
    /// [`ForgeError`] where there is such a listing and it was not given.
    pub fn list(repo: Repo<'_>, run: RunId, number: u64) -> Result<Option<Self>, ForgeError> {
        match repo.actions().run(run).artifacts() {
            Ok(listed) => return Ok(Some(Self { run, held: Held::ByRest(listed) })),
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error),
        }
        match repo.web_artifacts(number) {
            Ok(listed) => Ok(Some(Self { run, held: Held::ByWeb(listed) })),
            Err(error) if error.is_not_found() || error.is_not_permitted() => Ok(None),
            Err(ForgeError::Redirect { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Every artifact, by name. A name that is none of ours is left out: no policy can mean it.
    pub fn all(&self) -> Vec<Remote> {
        let mut found: Vec<Remote> = match &self.held {
            Held::ByRest(listed) => listed
                .iter()
                .map(|one| self.remote(one.name.clone(), one.expired, Place::Id(one.id)))
                .collect(),
            Held::ByWeb(listed) => listed
                .iter()
                .filter_map(|one| Some(self.remote(one.name.parse().ok()?, one.expired, Place::ByName)))
                .collect(),
        };
        let mut seen = BTreeSet::new();
        let twice: BTreeSet<ArtifactName> =
            found.iter().filter(|one| !seen.insert(&one.name)).map(|one| one.name.clone()).collect();
        for one in found.iter_mut().filter(|one| twice.contains(&one.name)) {
            one.place = Place::Twice;
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        found.dedup_by(|later, first| later.name == first.name);
        found
    }

    fn remote(&self, name: ArtifactName, expired: bool, place: Place) -> Remote {
        Remote { run: self.run, name, place: if expired { Place::Expired } else { place } }
    }
}

impl Repo<'_> {
    /// Fetches artifacts of other runs, several at once, each into a temporary file, in the order asked.
    pub fn fetch_remote(self, wanted: &[Remote], limits: &FetchLimits) -> Vec<Result<Fetched, ForgeError>> {
        let spent = AtomicU64::new(0);
        parallel::each(wanted, WORKERS, |remote| {
            let left = limits.total_bytes.saturating_sub(spent.load(Ordering::Relaxed));
            let limit = limits.artifact_bytes.min(left);
            let archive = match remote.place {
                Place::Expired => return Ok(Fetched::Expired),
                Place::Twice => return Ok(Fetched::Collides),
                Place::Id(id) => self.actions().artifact_zip(id, limit)?,
                Place::ByName => self.web_artifact_zip(remote.run, &remote.name, limit)?,
            };
            Ok(match archive {
                Archive::Zip(zip) => {
                    spent.fetch_add(zip.bytes, Ordering::Relaxed);
                    Fetched::Zip(zip)
                }
                Archive::Missing => Fetched::Missing,
                Archive::Unfinished => Fetched::Unfinished,
                Archive::TooLarge { .. } => Fetched::TooLarge,
            })
        })
    }
}
