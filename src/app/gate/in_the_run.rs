//! The evidence of a gate that stands in the run it judges: fetched from the run's own artifact service, and
//! condemned where a re-run superseded it.

use std::collections::BTreeMap;

use crate::app::judge::{Piece, SoundPolicy, limits, pieces};
use crate::app::replay::bundle::Raw;
use crate::context::{Trigger, WorkflowFile};
use crate::evidence::Provenance;
use crate::evidence::read::{ArtifactState, Artifacts};
use crate::forge::{Client, ForgeError};
use crate::model::ArtifactName;

use super::fetch::{RunArtifacts, condemn_superseded};
use super::lookups::{JobList, display_names, live_names};
use super::scene::Scene;

/// What was asked of the run.
pub struct InTheRun<'a> {
    pub jobs: &'a Result<JobList, ForgeError>,
    /// `None` where the runner announces no artifact service.
    pub artifacts: Option<&'a RunArtifacts<'a>>,
    pub workflow: Option<&'a WorkflowFile>,
}

impl InTheRun<'_> {
    /// Fetches what the policy needs, and condemns what a re-run superseded; with `keep` the bytes stay at hand.
    pub fn gather(
        &self,
        scene: &Scene,
        client: &Client,
        sound: &SoundPolicy,
        keep: bool,
        notes: &mut Vec<String>,
    ) -> Vec<Piece> {
        let (artifacts, mut raw) = self.read(scene, client, sound, keep, notes);
        let named_head_only = scene.context.trigger == Some(Trigger::PullRequestTarget);
        let mut pieces = pieces(artifacts);
        for piece in &mut pieces {
            piece.raw = raw.remove(&piece.name);
            piece.provenance = Provenance { named_head_only, ..Provenance::default() };
        }
        pieces
    }

    fn read(
        &self,
        scene: &Scene,
        client: &Client,
        sound: &SoundPolicy,
        keep: bool,
        notes: &mut Vec<String>,
    ) -> (Artifacts, BTreeMap<ArtifactName, Raw>) {
        let demands = sound.demands();
        let Some(run_artifacts) = self.artifacts else {
            let why = "the runner announces no artifact service".to_owned();
            let unavailable = |name: &ArtifactName| (name.clone(), ArtifactState::Unavailable(why.clone()));
            return (demands.iter().map(|demand| unavailable(&demand.artifact)).collect(), BTreeMap::new());
        };
        let mut read = run_artifacts.read(&demands, &limits(), keep);
        let own = scene.context.run.as_ref().map_or(1, |run| run.attempt);
        match self.jobs {
            Ok(jobs) => {
                let attempts = jobs.attempts(own);
                if attempts.any_rerun() {
                    let live = live_names(client.repo(&scene.slug), &scene.context, jobs);
                    let names = jobs.names();
                    let displays_of = |id: &str| display_names(id, &names, self.workflow);
                    notes.extend(condemn_superseded(&mut read, &attempts, &live, &displays_of));
                }
            }
            Err(error) => {
                // Nobody knows whether a job was re-run, so nothing shows that any artifact is fresh.
                for state in
                    read.artifacts.values_mut().filter(|state| matches!(state, ArtifactState::Read(_)))
                {
                    *state = ArtifactState::Unavailable(format!(
                        "the jobs could not be listed, so nothing shows whether it is of the latest attempt: {error}"
                    ));
                }
            }
        }
        (read.artifacts, read.raw)
    }
}
