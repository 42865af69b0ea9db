//! What this server and this token can do, found by asking: a version says what there might be, an answer what there is.
//! Each capability says which promise suffers without it; `doctor` prints that.

use super::artifacts::Artifacts;
use super::client::Client;
use super::error::ForgeError;
use super::parallel::{self, WORKERS};
use super::rest::{ApiSettings, Repo};
use crate::model::{RepoSlug, RunId};

/// Something that can be asked for without changing anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Capability {
    ArtifactService,
    BranchRead,
    Jobs,
    LiveArtifacts,
    OwnRun,
    Repository,
    Runs,
    Tasks,
    WebArtifacts,
}

/// How the forge answered.
#[derive(Debug)]
pub enum Answer {
    Yes,
    /// 404: no such thing on this server, or none this token may know of.
    NotFound,
    /// 401 or 403.
    NotPermitted,
    /// Asking made no sense here: no run, no artifact service.
    NotAsked,
    /// Nobody knows: the question failed.
    Failed(ForgeError),
}

/// One capability with its answer.
#[derive(Debug)]
pub struct Finding {
    pub capability: Capability,
    pub answer: Answer,
}

/// Everything that was found.
#[derive(Debug)]
pub struct Capabilities {
    /// As the server writes it; `None` where it did not answer.
    pub version: Option<String>,
    /// `None` where the server did not answer.
    pub settings: Option<ApiSettings>,
    /// In the order of [`Capability::ALL`].
    pub findings: Vec<Finding>,
}

/// What the questions are about.
pub struct Subject<'a> {
    pub client: &'a Client,
    pub repo: &'a RepoSlug,
    /// The run's id and its number in web addresses.
    pub run: Option<(RunId, u64)>,
    /// A branch to read, such as the base.
    pub branch: Option<&'a str>,
    pub artifacts: Option<&'a Artifacts<'a>>,
}

impl Capability {
    /// Every capability, in alphabetical order.
    pub const ALL: [Self; 9] = [
        Self::ArtifactService,
        Self::BranchRead,
        Self::Jobs,
        Self::LiveArtifacts,
        Self::OwnRun,
        Self::Repository,
        Self::Runs,
        Self::Tasks,
        Self::WebArtifacts,
    ];

    /// The word used in outputs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ArtifactService => "artifact_service",
            Self::BranchRead => "branch_read",
            Self::Jobs => "jobs",
            Self::LiveArtifacts => "live_artifacts",
            Self::OwnRun => "own_run",
            Self::Repository => "repository",
            Self::Runs => "runs",
            Self::Tasks => "tasks",
            Self::WebArtifacts => "web_artifacts",
        }
    }

    /// What it is.
    pub fn what(self) -> &'static str {
        match self {
            Self::ArtifactService => "the run's artifact service",
            Self::BranchRead => "a branch with its protection",
            Self::Jobs => "the jobs of a run with their attempts (v16)",
            Self::LiveArtifacts => "the live artifacts of a run by REST (v16)",
            Self::OwnRun => "the run of the job's own token (v16)",
            Self::Repository => "the repository",
            Self::Runs => "the runs of a head (v12)",
            Self::Tasks => "the tasks of the repository",
            Self::WebArtifacts => "the web route to artifacts, for public repositories",
        }
    }

    /// What cannot be had without it.
    pub fn without(self) -> &'static str {
        match self {
            Self::ArtifactService => "no evidence of this run can be read and no result uploaded",
            Self::BranchRead => "head and base cannot be read again, so every verdict is `unmeasured`",
            Self::Jobs => {
                "attempts are counted from tasks, and a skipped job is seen only through the input `needs`"
            }
            Self::LiveArtifacts => {
                "a gate from the base cannot read the head's artifacts; after a re-run evidence needs a manifest"
            }
            Self::OwnRun => "the run is known only from its environment",
            Self::Repository => "nothing of the repository can be asked: the policy cannot be read",
            Self::Runs => "a gate from the base cannot find the head's runs",
            Self::Tasks => "before v16 nothing tells whether a job was tried again or how it ended",
            Self::WebArtifacts => {
                "before v16 nothing but a manifest tells a live artifact from one a re-run condemned"
            }
        }
    }
}

/// Asks everything, several questions at once.
pub fn probe(subject: &Subject<'_>) -> Capabilities {
    let ((version, settings), findings) = parallel::both(
        || (subject.client.version().ok(), subject.client.api_settings().ok()),
        || {
            parallel::each(&Capability::ALL, WORKERS, |capability| Finding {
                capability: *capability,
                answer: subject
                    .ask(*capability)
                    .map_or_else(Answer::of, |asked| if asked { Answer::Yes } else { Answer::NotAsked }),
            })
        },
    );
    Capabilities { version, settings, findings }
}

impl Capabilities {
    /// Whether the forge said yes.
    pub fn has(&self, capability: Capability) -> bool {
        self.findings
            .iter()
            .any(|found| found.capability == capability && matches!(found.answer, Answer::Yes))
    }
}

impl Answer {
    /// The word used in outputs.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::NotFound => "not_found",
            Self::NotPermitted => "not_permitted",
            Self::NotAsked => "not_asked",
            Self::Failed(_) => "failed",
        }
    }

    fn of(error: ForgeError) -> Self {
        if error.is_not_found() {
            Self::NotFound
        } else if error.is_not_permitted() {
            Self::NotPermitted
        } else {
            Self::Failed(error)
        }
    }
}

impl Subject<'_> {
    /// `false` where there is nothing to ask about.
    fn ask(&self, capability: Capability) -> Result<bool, ForgeError> {
        let repo: Repo<'_> = self.client.repo(self.repo);
        let actions = repo.actions();
        match (capability, self.run) {
            (Capability::ArtifactService, _) => match self.artifacts {
                Some(artifacts) => artifacts.list().map(|_| true),
                None => Ok(false),
            },
            (Capability::BranchRead, _) => match self.branch {
                Some(branch) => repo.branch(branch).map(|_| true),
                None => Ok(false),
            },
            (Capability::OwnRun, _) => self.client.own_run().map(|_| true),
            (Capability::Repository, _) => repo.get_repository().map(|_| true),
            (_, None) => Ok(false),
            (Capability::Jobs, Some((run, _))) => actions.run(run).jobs().map(|_| true),
            (Capability::LiveArtifacts, Some((run, _))) => actions.run(run).artifacts().map(|_| true),
            (Capability::Runs, Some((_, number))) => actions.runs().run_number(number).list().map(|_| true),
            (Capability::Tasks, Some((run, number))) => {
                // The run's own age keeps this from reading every task there ever was; v11 has no runs to ask.
                let created = actions.run(run).get().ok().and_then(|run| run.created);
                actions.tasks(number, created).map(|_| true)
            }
            (Capability::WebArtifacts, Some((_, number))) => repo.web_artifacts(number).map(|_| true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::recorded::{exchanges, play};

    fn found(version: &str) -> Capabilities {
        let mut records = exchanges(version, "push.json");
        records.extend(exchanges(version, "operator.json"));
        let server = play(records, |_| true);
        let client = server.client("");
        let repo = "boss/demo".parse().unwrap();
        let run = Some((46.try_into().unwrap(), 1));
        probe(&Subject { client: &client, repo: &repo, run, branch: Some("main"), artifacts: None })
    }

    #[test]
    fn v15_and_v16_differ_in_what_they_answer() {
        for (version, new) in [("v15.0.3", false), ("v16.0", true)] {
            let found = found(version);
            assert!(
                found.version.as_deref().is_some_and(|text| version.starts_with(&format!("v{}", &text[..2])))
            );
            assert_eq!(found.settings.unwrap().max_response_items, Some(50));
            for capability in [Capability::Jobs, Capability::LiveArtifacts, Capability::OwnRun] {
                assert_eq!(found.has(capability), new, "{version} {capability:?}");
            }
            for capability in
                [Capability::Repository, Capability::Runs, Capability::Tasks, Capability::BranchRead]
            {
                assert!(found.has(capability), "{version} {capability:?}");
            }
            let service = &found.findings[0];
            assert_eq!(service.capability, Capability::ArtifactService);
            assert!(matches!(service.answer, Answer::NotAsked));
        }
    }

    #[test]
    fn what_was_not_answered_is_told_from_what_is_not_there() {
        let found = found("v15.0.3");
        let answer =
            |capability| &found.findings.iter().find(|found| found.capability == capability).unwrap().answer;
        assert!(matches!(answer(Capability::Jobs), Answer::NotFound));
        // Not recorded for this run: the player answers 599.
        assert!(matches!(answer(Capability::WebArtifacts), Answer::Failed(_)));
    }

    #[test]
    fn every_capability_says_what_is_lost_without_it() {
        for capability in Capability::ALL {
            assert!(!capability.what().is_empty() && !capability.without().ends_with('.'), "{capability:?}");
        }
    }
}
