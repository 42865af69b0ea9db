//! Artifacts of this run: fetched into temporary files, read within bounds, condemned where a re-run superseded them.

use std::collections::{BTreeMap, BTreeSet};

use crate::app::judge::readers;
use crate::app::replay::bundle::Raw;
use crate::evidence::read::{ArtifactContents, ArtifactState, Artifacts};
use crate::evidence::{Demand, Limits};
use crate::forge::{
    Artifacts as Service, AttemptClaim, FetchLimits, ForgeError, Listed, Listing, Liveness, Placement,
    RunAttempts, ServerSays, judge_attempt, take_in_parallel,
};
use crate::model::{ArtifactName, cut_list, sanitize};

use super::fetched::{Held, Looked, raw_of, read_fetched};

/// The prefix of the artifacts the gate itself uploads.
pub const RESULT_PREFIX: &str = "patchwarden-result-";

/// The run's artifacts by name, as listed; `Err` where no protocol answered.
pub struct RunArtifacts<'a> {
    pub service: &'a Service<'a>,
    pub listing: Result<Listing, ForgeError>,
    pub held: Held<ArtifactName>,
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
    pub fn read(&mut self, demands: &[&Demand], limits: &Limits, keep: bool) -> ReadArtifacts {
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
        let fetch = |left: &[&Listed]| self.service.fetch(left, &FetchLimits::default());
        let fetched = self.held.take(&listed, |one| one.name.clone(), fetch);
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
    pub fn recognise(&mut self, limits: &Limits) -> Looked {
        let Ok(listing) = &self.listing else { return Looked::default() };
        let listed: Vec<&Listed> =
            listing.artifacts.iter().filter(|one| !one.name.as_str().starts_with(RESULT_PREFIX)).collect();
        let fetched = self.service.fetch(&listed, &FetchLimits::default());
        let names = listed.iter().map(|one| (one.name.clone(), one.name.clone()));
        self.held.look(names.zip(fetched), limits)
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
