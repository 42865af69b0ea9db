//! What a gate on the base judges: the runs of the head with their jobs, what keeps one from being judged, and the
//! live artifacts each of them holds. Nothing a run says of itself is believed here but through the server.

use std::collections::{BTreeMap, BTreeSet};

use crate::app::judge::{Piece, SoundPolicy, limits};
use crate::context::{PathFilters, Trigger, WorkflowFile};
use crate::evidence::read::ArtifactState;
use crate::evidence::{Demand, Provenance};
use crate::forge::rest::{Repo, Run, RunStatus};
use crate::forge::{FetchLimits, Fetched, ForgeError, LiveArtifacts, Remote, both, in_parallel};
use crate::gate::{Blocker, ChangedPaths, JobEnd, JobsOfRun, RunJobs, RunNames};
use crate::model::{ArtifactName, Code, CommitSha, EvidenceId, RunId, cut_list, sanitize};

use super::await_runs::{Waited, workflow_of, workflow_text};
use super::fetch::RESULT_PREFIX;
use super::fetched::{Held, Looked, raw_of, read_fetched};
use super::lookups::{JobList, jobs_of};
use super::wanted::{Want, want_of};
use super::watch::Over;

/// Runs that are looked at, or workflows, at once.
const AT_ONCE: usize = 4;

/// The runs of the head, looked at once the wait is over.
pub struct HeadRuns<'a> {
    repo: Repo<'a>,
    wants: Vec<Want>,
    over: Over,
    runs: Vec<HeadRun>,
    /// By name and run.
    held: Held<(ArtifactName, usize)>,
}

/// One run that counts.
struct HeadRun {
    run: Run,
    jobs: Result<JobList, ForgeError>,
    /// Its workflow at the base: what its jobs' display names mean.
    workflow: Option<WorkflowFile>,
    /// `None` where this server shows them to nobody here.
    live: Result<Option<LiveArtifacts>, ForgeError>,
    trouble: Option<Blocker>,
}

impl<'a> HeadRuns<'a> {
    /// Looks at each run: its jobs, its workflow at the base, its live artifacts.
    pub fn look(repo: Repo<'a>, waited: &Waited, wants: Vec<Want>, base: &CommitSha) -> Self {
        let runs = in_parallel(&waited.runs, AT_ONCE, |run| HeadRun::look(repo, run, waited.over, base));
        Self { repo, wants, over: waited.over, runs, held: Held::default() }
    }

    /// Every report whose format is recognised, for a repository without a policy.
    pub fn recognise(&mut self) -> Looked {
        let remotes: Vec<(usize, Remote)> = self
            .runs
            .iter()
            .enumerate()
            .flat_map(|(at, run)| run.artifacts().into_iter().map(move |remote| (at, remote)))
            .filter(|(_, remote)| !remote.name.as_str().starts_with(RESULT_PREFIX))
            .collect();
        let keys = remotes.iter().map(|(at, remote)| ((remote.name.clone(), *at), remote.name.clone()));
        let fetched = fetch(self.repo, &remotes);
        self.held.look(keys.zip(fetched), &limits())
    }

    /// Reads every piece of evidence, each from the run it is meant to come from, and says how the runs' jobs ended.
    /// With `keep` the bytes stay at hand.
    pub fn gather(&mut self, sound: &SoundPolicy, keep: bool) -> (Vec<Piece>, RunJobs) {
        let mut pieces = Vec::new();
        let mut groups: BTreeMap<(ArtifactName, usize), (Remote, Vec<&Demand>)> = BTreeMap::new();
        for demand in sound.demands() {
            let want = want_of(&sound.policy, demand);
            match self.find(&want, demand) {
                Ok((at, remote)) => {
                    let group = groups.entry((remote.name.clone(), at)).or_insert((remote, Vec::new()));
                    group.1.push(demand);
                }
                Err(state) => {
                    let provenance = Provenance {
                        evidence: Some([demand.id.clone()].into()),
                        not_due: self.excuse(&want).cloned(),
                        ..Provenance::default()
                    };
                    pieces.push(Piece { provenance, ..Piece::new(demand.artifact.clone(), state) });
                }
            }
        }
        let remotes: Vec<(usize, Remote)> =
            groups.iter().map(|((_, at), (remote, _))| (*at, remote.clone())).collect();
        let key = |(at, remote): &(usize, Remote)| (remote.name.clone(), *at);
        let fetched = self.held.take(&remotes, key, |left| fetch(self.repo, left));
        let mut of_run: BTreeMap<usize, BTreeSet<EvidenceId>> = BTreeMap::new();
        for (((name, at), (_, demands)), fetched) in groups.into_iter().zip(fetched) {
            let Some(run) = self.runs.get(at) else { continue };
            let ids: BTreeSet<EvidenceId> = demands.iter().map(|demand| demand.id.clone()).collect();
            of_run.entry(at).or_default().extend(ids.iter().cloned());
            let raw = fetched.as_ref().ok().filter(|_| keep).and_then(raw_of);
            let state = read_fetched(fetched, &demands, &limits());
            pieces.push(Piece { raw, provenance: run.provenance(ids), ..Piece::new(name, state) });
        }
        (pieces, self.jobs(of_run))
    }

    /// The run and the artifact that a demand means, or what there is instead of it.
    fn find(&self, want: &Want, demand: &Demand) -> Result<(usize, Remote), ArtifactState> {
        let listed: Vec<Run> = self.runs.iter().map(|run| run.run.clone()).collect();
        let meant: BTreeSet<RunId> = want.runs(&listed).into_iter().map(|run| run.id).collect();
        let mut found: Vec<(usize, Remote)> = Vec::new();
        let mut troubles: Vec<ArtifactState> = Vec::new();
        let mut rerun = false;
        let mut any = false;
        for (at, run) in self.runs.iter().enumerate().filter(|(_, run)| meant.contains(&run.run.id)) {
            any = true;
            match run.usable() {
                Ok(()) => {
                    rerun |= run.was_rerun();
                    let fitting = run.artifacts().into_iter().filter(|remote| fits(demand, &remote.name));
                    found.extend(fitting.map(|remote| (at, remote)));
                }
                Err(why) => troubles.push(why),
            }
        }
        if found.len() > 1 {
            let names: Vec<String> =
                found.iter().filter_map(|(at, remote)| self.words(*at, remote)).collect();
            return Err(ArtifactState::Ambiguous(cut_list(&names, 5)));
        }
        if let Some(one) = found.pop() {
            return Ok(one);
        }
        Err(match troubles.into_iter().next() {
            Some(trouble) => trouble,
            None if !any => ArtifactState::RunNotReady(
                Code::RunNeverStarted,
                format!("no run of {} began", want.words()),
            ),
            // Which of the condemned were there before, this server shows nobody.
            None if rerun => ArtifactState::Superseded(
                "a job of the run was re-run, which condemns what was uploaded before, and nothing live has this name"
                    .to_owned(),
            ),
            None => ArtifactState::Missing,
        })
    }

    fn words(&self, at: usize, remote: &Remote) -> Option<String> {
        let run = &self.runs.get(at)?.run;
        let name = sanitize(remote.name.as_str(), 80);
        Some(format!("`{name}` of run {} of `{}`", run.number, sanitize(&run.workflow_file, 60)))
    }

    fn excuse(&self, want: &Want) -> Option<&String> {
        let same = |one: &&Want| (&one.workflow, &one.event) == (&want.workflow, &want.event);
        self.wants.iter().find(same)?.excused.as_ref()
    }

    /// The jobs of every run, and each want that no run came for.
    fn jobs(&self, mut of_run: BTreeMap<usize, BTreeSet<EvidenceId>>) -> RunJobs {
        let listed: Vec<Run> = self.runs.iter().map(|run| run.run.clone()).collect();
        let mut all: Vec<JobsOfRun> = Vec::new();
        for (at, run) in self.runs.iter().enumerate() {
            let jobs = match &run.jobs {
                Ok(jobs) => jobs.run_jobs(run.workflow.as_ref()),
                Err(error) => return RunJobs::Unknown(error.to_string()),
            };
            all.push(JobsOfRun {
                jobs,
                gate: None,
                names: RunNames {
                    workflow: Some(run.run.workflow_file.clone()),
                    event: Some(run.run.event.clone()),
                },
                evidence: Some(of_run.remove(&at).unwrap_or_default()),
                trouble: run.trouble.clone(),
            });
        }
        for want in self.wants.iter().filter(|want| want.excused.is_none() && !want.is_met(&listed)) {
            let words = want.words();
            let subject = words.replace('`', "");
            let reason = format!("no run of {words} began for the head");
            let trouble = Some(Blocker::new(Code::RunNeverStarted, subject, reason));
            all.push(JobsOfRun { evidence: Some(BTreeSet::new()), trouble, ..JobsOfRun::default() });
        }
        RunJobs::Known(all)
    }

    /// Every path that a `uses: ./…` of a run's workflow at the base names.
    pub fn local_uses(&self) -> Vec<String> {
        self.runs.iter().filter_map(|run| run.workflow.as_ref()).flat_map(WorkflowFile::local_uses).collect()
    }

    /// What a reader of the report should know of the wait.
    pub fn notes(&self) -> Vec<String> {
        let mut notes: Vec<String> = self
            .runs
            .iter()
            .map(|run| {
                let (number, file) = (run.run.number, sanitize(&run.run.workflow_file, 60));
                format!("judged run {number} of `{file}` on `{}`", sanitize(&run.run.event, 40))
            })
            .collect();
        if self.over == Over::HeadMoved {
            notes.push("the wait ended because the pull request has a newer head".to_owned());
        }
        notes
    }
}

fn fetch(repo: Repo<'_>, remotes: &[(usize, Remote)]) -> Vec<Result<Fetched, ForgeError>> {
    let remotes: Vec<Remote> = remotes.iter().map(|(_, remote)| remote.clone()).collect();
    repo.fetch_remote(&remotes, &FetchLimits::default())
}

/// Whether an artifact is one that a demand means; our own results never are, however wide the pattern.
fn fits(demand: &Demand, name: &ArtifactName) -> bool {
    match &demand.artifact_glob {
        Some(glob) => glob.is_match(name.as_str()) && !name.as_str().starts_with(RESULT_PREFIX),
        None => &demand.artifact == name,
    }
}

impl HeadRun {
    fn look(repo: Repo<'_>, run: &Run, over: Over, base: &CommitSha) -> Self {
        let ((jobs, workflow), live) = both(
            || both(|| jobs_of(repo, run.id), || workflow_of(repo, run, base)),
            || LiveArtifacts::list(repo, run.id, run.number),
        );
        let mut looked = Self { run: run.clone(), jobs, workflow, live, trouble: None };
        looked.trouble = looked.find_trouble(over);
        looked
    }

    fn find_trouble(&self, over: Over) -> Option<Blocker> {
        let file = sanitize(&self.run.workflow_file, 80);
        let name = format!("run {} of `{file}`", self.run.number);
        let blocker = |code, reason: String| Some(Blocker::new(code, file.clone(), reason));
        if self.run.needs_approval {
            return blocker(Code::RunAwaitsApproval, format!("{name} waits for a person to let it go"));
        }
        let jobs = self.jobs.as_ref().ok()?;
        if !jobs.all_done(self.run.status, self.workflow.as_ref()) || !self.run.status.is_done() {
            return match over {
                // The verdict is about the head that moved.
                Over::HeadMoved => None,
                _ if !jobs.any_started() => {
                    blocker(Code::RunNeverStarted, format!("no runner took a job of {name}"))
                }
                _ => blocker(Code::RunOutlivedWait, format!("{name} had not ended when the wait did")),
            };
        }
        let cancelled = |jobs: &JobList| jobs.run_jobs(None).iter().any(|job| job.end == JobEnd::Cancelled);
        if self.run.status == RunStatus::Cancelled || cancelled(jobs) {
            return blocker(Code::RunCancelled, format!("{name} was cancelled"));
        }
        if jobs.names().is_empty() && self.run.status == RunStatus::Failure {
            let reason =
                format!("{name} failed without a job: the file is no workflow as the server reads it");
            return blocker(Code::RunJobFailed, reason);
        }
        if matches!(self.live, Ok(None)) {
            let reason = format!("the server shows a job no artifact of {name}");
            return blocker(Code::RunArtifactsHidden, reason);
        }
        None
    }

    /// Whether its artifacts can be judged, or what there is instead of each.
    fn usable(&self) -> Result<(), ArtifactState> {
        if let Some(trouble) = &self.trouble {
            return Err(ArtifactState::RunNotReady(trouble.code, trouble.reason.clone()));
        }
        Err(ArtifactState::Unavailable(match (&self.jobs, &self.live) {
            (Err(error), _) => format!("the jobs could not be listed: {error}"),
            (_, Err(error)) => format!("the artifacts could not be listed: {error}"),
            (Ok(jobs), _) if !jobs.all_done(self.run.status, self.workflow.as_ref()) => {
                format!("run {} had not ended", self.run.number)
            }
            (Ok(_), Ok(_)) => return Ok(()),
        }))
    }

    fn artifacts(&self) -> Vec<Remote> {
        self.live.as_ref().ok().and_then(Option::as_ref).map(LiveArtifacts::all).unwrap_or_default()
    }

    fn was_rerun(&self) -> bool {
        self.jobs.as_ref().is_ok_and(|jobs| jobs.attempts(1).any_rerun())
    }

    /// What the run says of the evidence in an artifact of it. A `pull_request_target` run has the head as its commit
    /// while its jobs check out the base.
    fn provenance(&self, evidence: BTreeSet<EvidenceId>) -> Provenance {
        let starts = self.jobs.as_ref().map(|jobs| jobs.starts(self.workflow.as_ref())).unwrap_or_default();
        Provenance {
            evidence: Some(evidence),
            job_starts: Some(starts),
            named_head_only: self.run.event == Trigger::PullRequestTarget.as_str(),
            not_due: None,
        }
    }
}

/// The wants, each with why no run of it is to be expected, where the base's filters say so for certain.
pub fn excuse(repo: Repo<'_>, wants: Vec<Want>, changed: &ChangedPaths, base: &CommitSha) -> Vec<Want> {
    let ChangedPaths::Known(changed) = changed else { return wants };
    let paths: Vec<&str> = changed
        .iter()
        .flat_map(|file| [Some(file.path.as_str()), file.previous.as_deref()])
        .flatten()
        .collect();
    let excused = in_parallel(&wants, AT_ONCE, |want| {
        let text = want.workflow.as_deref().and_then(|file| workflow_text(repo, file, base));
        let filters = text.and_then(|(_, text)| PathFilters::of_event(&text, want.event()).ok().flatten());
        filters.and_then(|filters| filters.leave_out(&paths))
    });
    wants.into_iter().zip(excused).map(|(want, excused)| Want { excused, ..want }).collect()
}
