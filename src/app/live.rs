//! What a forge shows of repositories right now: open pull requests with their runs, statuses, artifacts and the
//! results their gates left. It sends GETs only; what is not answered is not seen.

use crate::audit::Audit;
use crate::forge::ForgeError;
use crate::forge::rest::{Pull, Repo, Run, RunStatus, StatusState};
use crate::model::{Span, Timestamp, count, sanitize};
use crate::policy::DEFAULT_PATH;
use crate::status::{ArtifactRow, NotSeen, Observation, Observed, Seen};

use super::audit;
use super::gate::RESULT_PREFIX;
use super::result_artifact::{Found, newest};

/// Open pull requests of one repository that are looked at; the rest is said to be not seen.
const PULLS: usize = 50;

/// What was seen of all repositories.
#[derive(Default)]
pub struct Snapshot {
    pub seen: Vec<Seen>,
    pub observations: Vec<Observation>,
    pub artifacts: Vec<ArtifactRow>,
    pub not_seen: Vec<NotSeen>,
    /// What was found to have got through.
    pub audits: Vec<Audit>,
    /// What could be read, by the name under which it would otherwise be not seen.
    pub read: Vec<String>,
}

impl Snapshot {
    /// Adds a repository.
    pub fn add(&mut self, repo: Repo<'_>, now: Timestamp) {
        let slug = repo.slug();
        if let Some(pulls) = self.answer(format!("the open pull requests of {slug}"), repo.open_pulls()) {
            if pulls.len() > PULLS {
                let more = count((pulls.len() - PULLS) as u64, "further open pull request");
                let why = format!("only the first {PULLS} are looked at");
                self.not_seen.push(NotSeen::new(format!("{more} of {slug}"), why));
            }
            for pull in pulls.iter().take(PULLS) {
                self.pull(repo, pull, now);
            }
        }
        self.default_branch(repo);
    }

    /// Audits what a repository merged within `reach`.
    pub fn audit(&mut self, repo: Repo<'_>, reach: Span, now: Timestamp) {
        let audit = audit::of_repo(repo, reach, now, DEFAULT_PATH);
        let audit = self.answer(format!("the merged pull requests of {}", repo.slug()), audit);
        self.audits.extend(audit);
    }

    /// The answer, noted as read or as not seen.
    fn answer<T>(&mut self, what: String, answer: Result<T, ForgeError>) -> Option<T> {
        match answer {
            Ok(value) => {
                self.read.push(what);
                Some(value)
            }
            Err(error) => {
                self.not_seen.push(NotSeen::new(what, error.to_string()));
                None
            }
        }
    }

    fn pull(&mut self, repo: Repo<'_>, pull: &Pull, now: Timestamp) {
        let subject = format!("{}#{}", repo.slug(), pull.number);
        let statuses = repo.statuses(&pull.head);
        if let Some(statuses) = self.answer(format!("the statuses of {subject}"), statuses) {
            let green = [StatusState::Success, StatusState::Skipped];
            for status in statuses.iter().filter(|status| !green.contains(&status.state)) {
                self.observations.push(Observation {
                    kind: Observed::Status,
                    subject: subject.clone(),
                    what: format!("status {}", sanitize(&status.context, 120)),
                    state: status.state.as_str().to_owned(),
                    detail: sanitize(&status.description, 200),
                });
            }
        }
        let runs = repo.actions().runs().head_sha(&pull.head).list();
        let Some(runs) = self.answer(format!("the runs of {subject}"), runs) else { return };
        self.runs(&subject, &runs);
        self.result(repo, pull, &subject, &runs, now);
        self.list_artifacts(repo, &subject, &runs, now);
    }

    fn runs(&mut self, subject: &str, runs: &[Run]) {
        for run in runs.iter().filter(|run| run.status != RunStatus::Success) {
            let waits = if run.needs_approval { "it waits for a maintainer's approval" } else { "" };
            self.observations.push(Observation {
                kind: Observed::Run,
                subject: subject.to_owned(),
                what: format!("run {} of {}", run.number, sanitize(&run.workflow_file, 100)),
                state: run.status.as_str().to_owned(),
                detail: waits.to_owned(),
            });
        }
    }

    fn result(&mut self, repo: Repo<'_>, pull: &Pull, subject: &str, runs: &[Run], now: Timestamp) {
        let what = format!("the gate's result of {subject}");
        match newest(repo, runs, &pull.head) {
            Found::Result(result) => {
                self.read.push(what);
                self.seen.push(Seen {
                    name: subject.to_owned(),
                    report: result.report,
                    packet: result.packet,
                });
            }
            Found::None => {
                self.read.push(what);
                self.observations.push(Observation {
                    kind: Observed::NoResult,
                    subject: subject.to_owned(),
                    what: "the gate's result".to_owned(),
                    state: "missing".to_owned(),
                    detail: format!("no run of {} has one", pull.head.short()),
                });
            }
            Found::Unread { why, made } => {
                self.not_seen.push(NotSeen::new(what, why).last_seen(made, now));
            }
        }
    }

    /// The artifacts of the head's runs that no report speaks of.
    fn list_artifacts(&mut self, repo: Repo<'_>, subject: &str, runs: &[Run], now: Timestamp) {
        for run in runs {
            let what = format!("the artifacts of run {} of {}", run.number, repo.slug());
            let listed = match repo.actions().run(run.id).artifacts() {
                Err(error) if error.is_not_found() => {
                    let why = "this server lists artifacts to other jobs from v16 on";
                    self.not_seen.push(NotSeen::new(what, why));
                    continue;
                }
                other => self.answer(what, other),
            };
            for artifact in listed.unwrap_or_default() {
                let name = sanitize(artifact.name.as_str(), 120);
                let told = self.seen.last().is_some_and(|seen| {
                    seen.name == subject
                        && seen.report.evidence.iter().any(|one| one.artifact == artifact.name)
                });
                if artifact.expired {
                    let gone = NotSeen::new(format!("artifact {name} of {subject}"), "it has expired");
                    self.not_seen.push(gone.last_seen(artifact.created, now));
                } else if !told && !name.starts_with(RESULT_PREFIX) {
                    self.artifacts.push(ArtifactRow {
                        subject: subject.to_owned(),
                        artifact: name,
                        evidence: String::new(),
                        counted: false,
                        tool: None,
                        age_seconds: artifact.created.and_then(|created| now.seconds_since(created)),
                    });
                }
            }
        }
    }

    fn default_branch(&mut self, repo: Repo<'_>) {
        let slug = repo.slug();
        let runs = repo.get_repository().and_then(|found| {
            let tip = repo.branch(&found.default_branch)?.tip;
            repo.actions().runs().head_sha(&tip).list()
        });
        if let Some(runs) = self.answer(format!("the runs of the default branch of {slug}"), runs) {
            let merged: Vec<Run> = runs.into_iter().filter(|run| run.pull.is_none()).collect();
            self.runs(slug.as_str(), &merged);
        }
    }
}
