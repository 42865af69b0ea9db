//! `patchwarden feedback-intake-check`: read signals, hold them against thresholds, print; open issues where allowed.

mod issues;
mod sources;

use std::path::{Path, PathBuf};

use crate::error::{EXIT_OUTPUT, EXIT_USAGE, Failure};
use crate::feedback::{FeedbackIntake, Inputs, IssueOutcome, Signal, Unseen, intake, text};
use crate::model::{RepoSlug, Timestamp};
use crate::policy::{DEFAULT_PATH, FeedbackRules};

use super::forge_access::{Access, ForgeChoice};
use super::gate::read_policy_file;
use super::judge::SoundPolicy;
use super::{Ended, OutputForm, clock, give, read_named};

/// The settings of `feedback-intake-check`.
#[derive(Debug)]
pub struct Request {
    /// The policy whose `[feedback]` holds the thresholds; without one the default path where it is there.
    pub policy: Option<PathBuf>,
    /// Incident logs in Markdown.
    pub incidents: Vec<PathBuf>,
    /// Operator notes in Markdown.
    pub notes: Vec<PathBuf>,
    /// Repair packets, or folders a gate wrote its results to.
    pub packets: Vec<PathBuf>,
    /// A repository whose history is looked through for reverts.
    pub git: Option<PathBuf>,
    /// Whether failed runs, reverts and open packets are read from the forge.
    pub from_forge: bool,
    pub forge: ForgeChoice,
    /// How many issues may be opened.
    pub allow_issues: u64,
    pub now: Option<Timestamp>,
    pub form: OutputForm,
}

/// What was read from one place.
#[derive(Default)]
pub struct Gathered {
    pub signals: Vec<Signal>,
    pub not_seen: Vec<Unseen>,
}

/// Reads, judges, prints, and opens what it may.
///
/// # Errors
/// Exit 2 where a named file cannot be used or nothing was named, exit 3 for a policy with problems, exit 4 where the
/// forge is not known, exit 5 where an issue that was allowed could not be opened.
pub fn run(request: &Request) -> Ended {
    if nothing_to_read(request) {
        return Err(Failure::usage("nothing was named to read signals from").hint(
            "name `--incidents FILE`, `--notes FILE`, `--packet FILE`, `--git DIR` or `--from-forge`",
        ));
    }
    let rules = rules(request.policy.as_deref())?;
    let access = if request.from_forge || request.allow_issues > 0 {
        Some(Access::open(&request.forge)?)
    } else {
        None
    };
    // Where issues go is settled before anything is read.
    let into = match &access {
        Some(access) if request.allow_issues > 0 => Some(access.one_repo()?),
        _ => None,
    };
    let now = clock(request.now);
    let gathered = gather(request, &rules, access.as_ref(), now)?;
    let inputs = Inputs { now, signals: gathered.signals, not_seen: gathered.not_seen };
    let mut document = intake(inputs, &rules);
    if let Some(repo) = into {
        document.issues = issues::open(repo, &document, &rules, request.allow_issues, now);
    }
    give(&match request.form {
        OutputForm::Json => crate::output::json(&document),
        OutputForm::Text => text(&document),
    })?;
    outcome(&document)
}

fn nothing_to_read(request: &Request) -> bool {
    let files = [&request.incidents, &request.notes, &request.packets];
    files.iter().all(|files| files.is_empty()) && request.git.is_none() && !request.from_forge
}

/// An issue that was allowed and not opened is an effect that failed; what this token may not do is none.
fn outcome(document: &FeedbackIntake) -> Ended {
    let failed = document.issues.iter().filter(|row| row.outcome == IssueOutcome::Failed).count();
    if failed == 0 {
        return Ok(0);
    }
    Err(Failure::new(EXIT_OUTPUT, format!("{} not opened", crate::model::count(failed as u64, "issue")))
        .caused_by("the forge did not answer as it should")
        .hint("run it again: an issue that was opened after all is recognised by its marker"))
}

fn rules(path: Option<&Path>) -> Result<FeedbackRules, Failure> {
    let what = "the thresholds are not known";
    let path = match path {
        Some(path) => path,
        None if Path::new(DEFAULT_PATH).exists() => Path::new(DEFAULT_PATH),
        None => return Ok(FeedbackRules::default()),
    };
    let text = read_policy_file(path, what)?;
    let sound = SoundPolicy::read(&text)
        .map_err(|problems| Failure::policy(what, &path.display().to_string(), problems))?;
    Ok(sound.policy.feedback)
}

fn gather(
    request: &Request,
    rules: &FeedbackRules,
    access: Option<&Access>,
    now: Timestamp,
) -> Result<Gathered, Failure> {
    let mut all = Gathered::default();
    for path in &request.incidents {
        sources::markdown(path, "an incident log", crate::feedback::incidents, &mut all)?;
    }
    for path in &request.notes {
        sources::markdown(path, "operator notes", crate::feedback::notes, &mut all)?;
    }
    for path in &request.packets {
        sources::packet_file(path, &mut all)?;
    }
    let window = i64::try_from(rules.window.seconds()).unwrap_or(i64::MAX);
    let since = Timestamp::from_unix(now.unix().saturating_sub(window));
    let of_git = match &request.git {
        Some(folder) => sources::git_log(folder, since, &mut all)?,
        None => Vec::new(),
    };
    let mut of_forge = Vec::new();
    if let Some(access) = access.filter(|_| request.from_forge) {
        for repo in access.repos() {
            of_forge.extend(sources::forge(repo, since, &mut all));
        }
    }
    all.signals.extend(crate::feedback::reverts(&of_git, &of_forge));
    Ok(all)
}

fn read_text(path: &Path, what: &str) -> Result<String, Failure> {
    let bytes = read_named(path, what, EXIT_USAGE)?;
    String::from_utf8(bytes).map_err(|_| Failure::usage(format!("`{}` is not UTF-8 text", path.display())))
}

/// What the reader knows a repository's part by.
fn of_repo(what: &str, slug: &RepoSlug) -> String {
    format!("{what} of {slug}")
}
