//! Where signals are read: files, git's history, the forge. What was named and is not there is an error; what the
//! forge does not answer is not seen, and said to be.

use std::path::Path;

use crate::app::git;
use crate::app::result_artifact::{Found, newest};
use crate::error::{EXIT_USAGE, Failure};
use crate::feedback::{Commit, FailedRun, Signal, Unseen, failed_runs, packet};
use crate::forge::ForgeError;
use crate::forge::rest::{PullState, Repo, Run, RunStatus};
use crate::model::{Timestamp, sanitize};
use crate::repair::RepairPacket;

use super::{Gathered, of_repo, read_named, read_text};

/// Between the parts of a commit, and between commits, in what git is asked to print.
const PART: char = '\u{1f}';
const COMMIT: char = '\u{1e}';

/// Reads a Markdown file; one without a single signal is said to be so, since it may be written another way.
pub fn markdown(
    path: &Path,
    what: &str,
    read: fn(&str, &str) -> Vec<Signal>,
    all: &mut Gathered,
) -> Result<(), Failure> {
    let name = path.display().to_string();
    let found = read(&read_text(path, what)?, &name);
    if found.is_empty() {
        let why = match what {
            "an incident log" => {
                "no heading in it begins with a day, as in `## 2026-11-02 Checkout was down`"
            }
            _ => "no list item in it begins with a kind, as in `- friction: …`",
        };
        all.not_seen.push(Unseen { what: name, why: why.to_owned() });
    }
    all.signals.extend(found);
    Ok(())
}

/// Reads a packet, or the one in a folder a gate wrote its results to.
pub fn packet_file(path: &Path, all: &mut Gathered) -> Result<(), Failure> {
    let file = if path.is_dir() { path.join("repair_instruction.json") } else { path.to_path_buf() };
    let bytes = read_named(&file, "a repair packet", EXIT_USAGE)?;
    let read: RepairPacket = crate::evidence::document::from_slice(&bytes).map_err(|error| {
        Failure::usage(format!("`{}` is not a repair packet", file.display())).caused_by(error)
    })?;
    all.signals.extend(packet(&read, &path.display().to_string()));
    Ok(())
}

/// The commits of a repository since then that git itself marked as reverts.
pub fn git_log(folder: &Path, since: Timestamp, all: &mut Gathered) -> Result<Vec<Commit>, Failure> {
    let failed = |error: git::GitError| {
        Failure::usage(format!("the history of `{}` could not be read", folder.display())).caused_by(error)
    };
    let shallow = git::ask(folder, &["rev-parse", "--is-shallow-repository"]).map_err(failed)?;
    if shallow.trim() == "true" {
        all.not_seen.push(Unseen {
            what: format!("older commits of {}", folder.display()),
            why: "the clone is shallow: fetch it with its history (`fetch-depth: 0`)".to_owned(),
        });
    }
    let since = format!("--since={since}");
    let format = format!("--format=%h{PART}%cs{PART}%s{PART}%b{COMMIT}");
    let out = git::ask(folder, &["log", &since, &format, "--end-of-options", "HEAD"]).map_err(failed)?;
    Ok(out.split(COMMIT).filter_map(|text| commit(text.trim_start_matches('\n'))).collect())
}

fn commit(text: &str) -> Option<Commit> {
    let mut parts = text.splitn(4, PART);
    let place = format!("commit {}", parts.next().filter(|id| !id.is_empty())?);
    let (day, subject, body) = (parts.next()?, parts.next()?, parts.next()?);
    Some(Commit { place, day: Some(day.to_owned()), subject: subject.to_owned(), body: body.to_owned() })
}

/// Failed runs of the default branch and packets of open pull requests become signals; merged pull requests that are
/// reverts are handed back, to be held against those git knows.
pub fn forge(repo: Repo<'_>, since: Timestamp, all: &mut Gathered) -> Vec<Commit> {
    match default_branch_failures(repo, since) {
        Ok(runs) => all.signals.extend(failed_runs(&runs)),
        Err(error) => unseen(repo, "the runs", &error, all),
    }
    open_packets(repo, all);
    match repo.closed_pulls(since) {
        Ok(pulls) => {
            let merged = pulls.into_iter().filter(|pull| pull.state == PullState::Merged);
            let merged = merged.filter(|pull| pull.merged_at.is_none_or(|at| at >= since));
            merged
                .map(|pull| Commit {
                    place: format!("{}#{}", repo.slug(), pull.number),
                    day: pull.merged_at.map(Timestamp::day),
                    subject: pull.title,
                    body: pull.body,
                })
                .collect()
        }
        Err(error) => {
            unseen(repo, "the merged pull requests", &error, all);
            Vec::new()
        }
    }
}

fn unseen(repo: Repo<'_>, what: &str, error: &ForgeError, all: &mut Gathered) {
    all.not_seen.push(Unseen { what: of_repo(what, repo.slug()), why: error.to_string() });
}

fn default_branch_failures(repo: Repo<'_>, since: Timestamp) -> Result<Vec<FailedRun>, ForgeError> {
    let branch = repo.get_repository()?.default_branch;
    let of_branch = |run: &Run| {
        let named = run.branch.as_deref().is_none_or(|name| name.trim_start_matches("refs/heads/") == branch);
        run.pull.is_none() && named && matches!(run.event.as_str(), "push" | "schedule")
    };
    let runs = repo.actions().runs().since(since).list()?;
    let failed = runs.into_iter().filter(|run| run.status == RunStatus::Failure && of_branch(run));
    Ok(failed
        .map(|run| FailedRun {
            repo: repo.slug().to_string(),
            number: run.number,
            workflow: sanitize(&run.workflow_file, 100),
            event: run.event,
            day: run.created.map(Timestamp::day),
            head: run.head.map(|head| head.short().to_owned()).unwrap_or_default(),
        })
        .collect())
}

fn open_packets(repo: Repo<'_>, all: &mut Gathered) {
    let pulls = match repo.open_pulls() {
        Ok(pulls) => pulls,
        Err(error) => return unseen(repo, "the open pull requests", &error, all),
    };
    for pull in pulls {
        let name = format!("{}#{}", repo.slug(), pull.number);
        let found = match repo.actions().runs().head_sha(&pull.head).list() {
            Ok(runs) => newest(repo, &runs, &pull.head),
            Err(error) => Found::Unread { why: error.to_string(), made: None },
        };
        match found {
            Found::Result(result) => {
                all.signals.extend(result.packet.iter().flat_map(|read| packet(read, &name)));
            }
            Found::None => {}
            Found::Unread { why, .. } => {
                all.not_seen.push(Unseen { what: format!("the repair packet of {name}"), why });
            }
        }
    }
}
