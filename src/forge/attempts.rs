//! Whether an artifact is of its job's latest attempt. A re-run condemns every artifact of the run, and the artifact
//! service goes on serving them as if fresh; no time of the protocol tells (LIVE section 6, DESIGN section 4).

use std::collections::BTreeMap;

use super::rest::{Job, Task};

/// How often each job of one run was tried, by display name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunAttempts {
    jobs: BTreeMap<String, Tries>,
    /// The highest attempt any job is known to have.
    highest: u64,
    exact: bool,
}

/// The attempts of the jobs of one display name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tries {
    lowest: u64,
    highest: u64,
}

/// What the server's own listing of live artifacts says: REST on v16 and later, the web route of a public repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerSays {
    Live,
    NotLive,
    /// This server shows it to nobody who may ask here.
    Nothing,
}

/// What a manifest says about the job that made the artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim<'a> {
    /// The display name: a job id is mapped through the workflow file first.
    pub job: &'a str,
    pub attempt: u64,
}

/// Where the gate stands (DESIGN section 4, *Placement*).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    InTheRun,
    /// Then only the live listing counts: the judged change wrote the manifest and the workflow around it.
    FromTheBase,
}

/// What an artifact is.
/// Ordered from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Liveness {
    /// No job of the run was tried twice, or the server shows the artifact as live.
    Live,
    /// Only its manifest says so; the report tells that it was believed.
    BelievedByManifest,
    /// `evidence.superseded`.
    Superseded,
}

impl RunAttempts {
    /// From the jobs of the run (v16 and later), which name their attempts. `own` is this job's own attempt, where
    /// it belongs to the run.
    pub fn of_jobs(jobs: &[Job], own: Option<u64>) -> Self {
        let mut tries: BTreeMap<String, Tries> = BTreeMap::new();
        for job in jobs {
            let entry =
                tries.entry(job.name.clone()).or_insert(Tries { lowest: job.attempt, highest: job.attempt });
            entry.lowest = entry.lowest.min(job.attempt);
            entry.highest = entry.highest.max(job.attempt);
        }
        Self::new(tries, own, true)
    }

    /// From the tasks of the run, one row for each attempt that a runner took.
    ///
    /// A job that was skipped first has fewer rows than attempts, so these are lower bounds; two jobs of one display
    /// name look like one that was tried again. Both make an artifact look older, never fresher.
    pub fn of_tasks(tasks: &[Task], own: Option<u64>) -> Self {
        let mut tries: BTreeMap<String, Tries> = BTreeMap::new();
        for task in tasks {
            let entry = tries.entry(task.name.clone()).or_insert(Tries { lowest: 0, highest: 0 });
            entry.lowest += 1;
            entry.highest += 1;
        }
        Self::new(tries, own, false)
    }

    fn new(jobs: BTreeMap<String, Tries>, own: Option<u64>, exact: bool) -> Self {
        let highest = jobs.values().map(|tries| tries.highest).chain(own).max().unwrap_or(1);
        Self { jobs, highest, exact }
    }

    /// Whether any job is past its first attempt, so that every artifact was condemned at least once.
    pub fn any_rerun(&self) -> bool {
        self.highest > 1
    }

    /// The latest attempt of the jobs of this display name; a lower bound where it was counted from tasks.
    pub fn latest(&self, job: &str) -> Option<u64> {
        self.jobs.get(job).map(|tries| tries.highest)
    }

    /// Whether the claim can be of the job's latest attempt.
    fn agrees(&self, claim: Claim<'_>) -> bool {
        let Some(tries) = self.jobs.get(claim.job) else { return false };
        if self.exact {
            // Several jobs of one name must agree: the manifest does not say which it means.
            return tries.lowest == claim.attempt && tries.highest == claim.attempt;
        }
        // One skipped at first has more attempts than rows, but none has more than the run was tried.
        (tries.highest..=self.highest).contains(&claim.attempt)
    }
}

/// The rule of DESIGN section 4, *Attempts*.
pub fn judge(
    attempts: &RunAttempts,
    server: ServerSays,
    claim: Option<Claim<'_>>,
    placement: Placement,
) -> Liveness {
    if !attempts.any_rerun() || server == ServerSays::Live {
        return Liveness::Live;
    }
    match (placement, claim) {
        (Placement::InTheRun, Some(claim)) if attempts.agrees(claim) => Liveness::BelievedByManifest,
        _ => Liveness::Superseded,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::forge::recorded::{exchanges, play};
    use crate::forge::rest::RunStatus;

    /// What `again.json` holds after its attempt `n`: jobs on v16, tasks on both.
    fn recorded(version: &str, n: u64) -> Vec<RunAttempts> {
        let start = format!("attempt-{n}/rest-");
        let server = play(exchanges(version, "again.json"), move |record| record.name.starts_with(&start));
        let client = server.client("");
        let slug = "boss/again".parse().unwrap();
        let actions = client.repo(&slug).actions();
        let tasks = RunAttempts::of_tasks(&actions.tasks(1, None).unwrap(), Some(n));
        let jobs = actions.run(60.try_into().unwrap()).jobs();
        jobs.map(|jobs| RunAttempts::of_jobs(&jobs, Some(n))).into_iter().chain([tasks]).collect()
    }

    fn claim(job: &str, attempt: u64) -> Claim<'_> {
        Claim { job, attempt }
    }

    #[test]
    fn the_table_of_live_section_6() {
        use Liveness::{BelievedByManifest, Live, Superseded};
        for version in ["v15.0.3", "v16.0"] {
            let judge_all = |n, server, claim| -> Vec<Liveness> {
                recorded(version, n)
                    .iter()
                    .map(|attempts| judge(attempts, server, claim, Placement::InTheRun))
                    .collect()
            };
            let all = |n, server, claim, expected: Liveness| {
                for liveness in judge_all(n, server, claim) {
                    assert_eq!(liveness, expected, "{version} attempt {n} {server:?} {claim:?}");
                }
            };
            // Nothing was tried twice: whatever is there is live.
            all(1, ServerSays::Nothing, None, Live);
            // Only `lint` again: the server shows it and no longer shows `unit`, whose manifest clears it.
            all(2, ServerSays::Live, None, Live);
            all(2, ServerSays::NotLive, None, Superseded);
            all(2, ServerSays::NotLive, Some(claim("unit", 1)), BelievedByManifest);
            all(2, ServerSays::Nothing, Some(claim("lint", 2)), BelievedByManifest);
            // `lint` of the first attempt is what the artifact service would have served without an upload.
            all(2, ServerSays::NotLive, Some(claim("lint", 1)), Superseded);
            // Everything again: attempts differ between jobs for good.
            all(3, ServerSays::Live, None, Live);
            all(3, ServerSays::Nothing, Some(claim("unit", 2)), BelievedByManifest);
            all(3, ServerSays::Nothing, Some(claim("unit", 1)), Superseded);
            all(3, ServerSays::Nothing, Some(claim("lint", 3)), BelievedByManifest);
            all(3, ServerSays::Nothing, Some(claim("lint", 2)), Superseded);
            all(3, ServerSays::Nothing, Some(claim("elsewhere", 3)), Superseded);
            all(3, ServerSays::Nothing, None, Superseded);
        }
    }

    #[test]
    fn from_the_base_no_manifest_is_believed() {
        for attempts in recorded("v16.0", 2) {
            let judge = |server, claim| judge(&attempts, server, claim, Placement::FromTheBase);
            assert_eq!(judge(ServerSays::NotLive, Some(claim("unit", 1))), Liveness::Superseded);
            assert_eq!(judge(ServerSays::Nothing, Some(claim("lint", 2))), Liveness::Superseded);
            assert_eq!(judge(ServerSays::Live, None), Liveness::Live);
        }
    }

    #[test]
    fn the_gates_own_attempt_shows_a_rerun_that_tasks_hide() {
        // `skipped` had no task at its first attempt and has one now: a single row each.
        let tasks = [task("unit"), task("skipped")];
        assert!(!RunAttempts::of_tasks(&tasks, Some(1)).any_rerun());
        let attempts = RunAttempts::of_tasks(&tasks, Some(2));
        let judge = |claim| judge(&attempts, ServerSays::Nothing, claim, Placement::InTheRun);
        assert_eq!(judge(None), Liveness::Superseded);
        assert_eq!(judge(Some(claim("skipped", 2))), Liveness::BelievedByManifest);
        assert_eq!(judge(Some(claim("unit", 1))), Liveness::BelievedByManifest);
        assert_eq!(judge(Some(claim("skipped", 3))), Liveness::Superseded, "more than the run was tried");
    }

    #[test]
    fn jobs_of_one_name_must_agree() {
        let attempts = RunAttempts::of_jobs(&[job("test", 1), job("test", 2)], None);
        for attempt in [1, 2] {
            let judged =
                judge(&attempts, ServerSays::Nothing, Some(claim("test", attempt)), Placement::InTheRun);
            assert_eq!(judged, Liveness::Superseded);
        }
    }

    fn job(name: &str, attempt: u64) -> Job {
        Job {
            id: 1,
            name: name.to_owned(),
            attempt,
            needs: Vec::new(),
            status: RunStatus::Success,
            task: None,
        }
    }

    fn task(name: &str) -> Task {
        Task {
            id: 1,
            name: name.to_owned(),
            run_number: 1,
            head: None,
            status: RunStatus::Success,
            workflow_file: String::new(),
            created: None,
            started: None,
            updated: None,
        }
    }

    proptest! {
        /// A manifest of an attempt below the job's latest never clears anything, however it was counted.
        #[test]
        fn an_older_attempt_is_never_cleared(latest in 2_u64..6, older in 1_u64..5, own in proptest::option::of(1_u64..9)) {
            prop_assume!(older < latest);
            let rows: Vec<Task> = (0..latest).map(|_| task("unit")).collect();
            for attempts in [RunAttempts::of_jobs(&[job("unit", latest)], own), RunAttempts::of_tasks(&rows, own)] {
                for server in [ServerSays::NotLive, ServerSays::Nothing] {
                    for placement in [Placement::InTheRun, Placement::FromTheBase] {
                        prop_assert_eq!(judge(&attempts, server, Some(claim("unit", older)), placement), Liveness::Superseded);
                    }
                }
            }
        }
    }
}
