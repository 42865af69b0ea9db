//! The evidence of a gate that stands in the run it judges: what was fetched from the run's own artifact service,
//! condemned where a re-run superseded it.

use std::collections::BTreeMap;

use crate::app::judge::{Piece, SoundPolicy, pieces};
use crate::context::{RunContext, Trigger, WorkflowFile};
use crate::evidence::Provenance;
use crate::evidence::read::{ArtifactState, Artifacts};
use crate::forge::ForgeError;
use crate::forge::rest::Repo;

use super::fetch::{ReadArtifacts, condemn_superseded};
use super::lookups::{JobList, display_names, live_names};
use super::scene::Scene;

/// What was asked of the run.
pub struct InTheRun<'a> {
    pub jobs: &'a Result<JobList, ForgeError>,
    pub workflow: Option<&'a WorkflowFile>,
    pub repo: Repo<'a>,
}

impl InTheRun<'_> {
    /// Every artifact with what its run says of it; `read` is `None` where the runner announces no artifact service.
    pub fn pieces(
        &self,
        scene: &Scene,
        read: Option<ReadArtifacts>,
        sound: &SoundPolicy,
        notes: &mut Vec<String>,
    ) -> Vec<Piece> {
        let (artifacts, mut raw) = match read {
            Some(mut read) => {
                let raw = std::mem::take(&mut read.raw);
                (self.without_superseded(read, &scene.context, notes), raw)
            }
            None => (no_service(sound), BTreeMap::new()),
        };
        let named_head_only = scene.context.trigger == Some(Trigger::PullRequestTarget);
        let mut pieces = pieces(artifacts);
        for piece in &mut pieces {
            piece.raw = raw.remove(&piece.name);
            piece.provenance = Provenance { named_head_only, ..Provenance::default() };
        }
        pieces
    }

    fn without_superseded(
        &self,
        mut read: ReadArtifacts,
        context: &RunContext,
        notes: &mut Vec<String>,
    ) -> Artifacts {
        let own = context.run.as_ref().map_or(1, |run| run.attempt);
        match self.jobs {
            Ok(jobs) => {
                let attempts = jobs.attempts(own);
                if attempts.any_rerun() {
                    let live = live_names(self.repo, context, jobs);
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
        read.artifacts
    }
}

fn no_service(sound: &SoundPolicy) -> Artifacts {
    let why = "the runner announces no artifact service".to_owned();
    let unavailable = |artifact| (artifact, ArtifactState::Unavailable(why.clone()));
    sound.demands().iter().map(|demand| unavailable(demand.artifact.clone())).collect()
}
