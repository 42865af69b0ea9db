//! Holds the fake forge to the recordings: every recorded request is sent to it, every answer compared.
//! What cannot be reproduced stands in `EXCEPTIONS` with its reason; an exception nothing needs fails the test.

mod compare;
mod replay;
mod story;
mod transcript;
mod triggers;

use replay::Replay;

use crate::fake_forge::Version;

struct Exception {
    versions: &'static [Version],
    file: &'static str,
    entries: &'static [&'static str],
    /// What the difference says, or part of it.
    difference: &'static str,
    reason: &'static str,
}

const LOG: &str = "a log is what the job printed, and the scene's jobs print one line";
const OTHERS: &str = "the story leaves out what else was going on in the repository";

const EXCEPTIONS: &[Exception] = &[
    Exception {
        versions: &[Version::V16],
        file: "push",
        entries: &["rest-job-logs"],
        difference: "body ",
        reason: LOG,
    },
    Exception {
        versions: &[Version::V16],
        file: "pull_request",
        entries: &["rest-job-logs"],
        difference: "body ",
        reason: LOG,
    },
    Exception {
        versions: &[Version::V16],
        file: "rerun_of_one_job",
        entries: &["rest-job-logs"],
        difference: "body ",
        reason: LOG,
    },
    Exception {
        versions: &[Version::V16],
        file: "operator",
        entries: &["operator-job-logs"],
        difference: "body ",
        reason: LOG,
    },
    Exception {
        versions: &Version::ALL,
        file: "operator",
        entries: &["operator-diff"],
        difference: "body ",
        reason: "the index line names git's blob id, and the fake's ids are not SHA-1 of git objects",
    },
    Exception {
        versions: &Version::ALL,
        file: "from_the_base",
        entries: &["tasks"],
        difference: ".workflow_runs has 3 items",
        reason: OTHERS,
    },
    Exception {
        versions: &Version::ALL,
        file: "from_the_base",
        entries: &["tasks"],
        difference: ".total_count = 3",
        reason: OTHERS,
    },
    Exception {
        versions: &Version::ALL,
        file: "from_the_base",
        entries: &["runs-0", "runs-1", "runs-2", "pull"],
        difference: ".open_pr_counter = 1",
        reason: OTHERS,
    },
    Exception {
        versions: &[Version::V15],
        file: "push",
        entries: &["event.json"],
        difference: ".open_pr_counter = 0",
        reason: OTHERS,
    },
    Exception {
        versions: &[Version::V15],
        file: "push.tag",
        entries: &["event.json"],
        difference: ".open_pr_counter = 0",
        reason: OTHERS,
    },
];

fn hold(version: Version, tell: &[fn(&mut Replay<'_>)], requests: usize) {
    let exceptions: Vec<&Exception> = EXCEPTIONS.iter().filter(|e| e.versions.contains(&version)).collect();
    let mut used = vec![false; exceptions.len()];
    let mut unexplained = Vec::new();
    let mut replayed = 0;
    for act in tell {
        let forge = story::forge(version);
        let mut replay = Replay::new(&forge, version);
        act(&mut replay);
        assert_eq!(replay.unplayed(), Vec::<String>::new(), "entries the story never reached");
        replayed += replay.replayed;
        for found in replay.found {
            let excused = exceptions.iter().position(|e| {
                e.file == found.file
                    && e.entries.contains(&found.entry.as_str())
                    && found.what.contains(e.difference)
            });
            match excused {
                Some(at) => used[at] = true,
                None => unexplained
                    .push(format!("{}: {} ({}): {}", found.file, found.entry, found.job, found.what)),
            }
        }
    }
    assert!(unexplained.is_empty(), "{} differences:\n{}", unexplained.len(), unexplained.join("\n"));
    for (exception, used) in exceptions.iter().zip(used) {
        assert!(used, "stale exception: {} {:?}: {}", exception.file, exception.entries, exception.reason);
    }
    assert_eq!(replayed, requests, "requests replayed");
}

#[test]
fn v15_answers_as_recorded() {
    hold(Version::V15, &[story::demo, story::again, story::from_the_base, triggers::tell], 495);
}

#[test]
fn v16_answers_as_recorded() {
    hold(Version::V16, &[story::demo, story::again, story::from_the_base, triggers::tell], 526);
}
