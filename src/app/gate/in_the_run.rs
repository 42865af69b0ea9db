//! The evidence of a gate that stands in the run it judges: fetched from the run's own artifact service, and
//! condemned where a re-run superseded it.

use crate::app::judge::{SoundPolicy, assess_all, limits};
use crate::context::{Trigger, WorkflowFile};
use crate::evidence::Target;
use crate::evidence::read::{ArtifactState, Artifacts};
use crate::forge::{Client, ForgeError};
use crate::gate::{EvidenceSet, require_named_head};

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
    /// Every piece of evidence, judged on its own.
    pub fn evidence(
        &self,
        scene: &Scene,
        client: &Client,
        sound: &SoundPolicy,
        target: &Target,
        notes: &mut Vec<String>,
    ) -> EvidenceSet {
        let artifacts = self.read(scene, client, sound, notes);
        let mut evidence = assess_all(sound, &artifacts, target);
        if scene.context.trigger == Some(Trigger::PullRequestTarget) {
            require_named_head(&mut evidence);
        }
        evidence
    }

    /// Fetches what the policy needs, and condemns what a re-run superseded.
    fn read(
        &self,
        scene: &Scene,
        client: &Client,
        sound: &SoundPolicy,
        notes: &mut Vec<String>,
    ) -> Artifacts {
        let demands = sound.demands();
        let Some(run_artifacts) = self.artifacts else {
            let why = "the runner announces no artifact service".to_owned();
            return demands
                .iter()
                .map(|demand| (demand.artifact.clone(), ArtifactState::Unavailable(why.clone())))
                .collect();
        };
        let mut read = run_artifacts.read(&demands, &limits());
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
        read.artifacts
    }
}
