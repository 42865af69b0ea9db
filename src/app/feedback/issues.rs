//! Opens issues for candidates: at most as many as allowed, none twice, each marked and labelled. It closes, edits,
//! merges and dispatches nothing.
//!
//! Any job may write the marker of a candidate into an issue of its own, and so keep this from opening one: then the
//! candidate is still listed, with the number of that issue.

use std::collections::BTreeMap;

use crate::feedback::{Candidate, FeedbackIntake, IssueOutcome, IssueRow, marker};
use crate::forge::ForgeError;
use crate::forge::rest::{Issue, NewIssue, Repo};
use crate::model::{Digest, Timestamp};
use crate::policy::FeedbackRules;
use crate::sink;

/// The colour of a label that has to be made: a grey that says nothing.
const COLOUR: &str = "#6b7280";

/// Issues that carry a marker, by key.
struct Known {
    open: BTreeMap<Digest, u64>,
    closed: BTreeMap<Digest, u64>,
}

/// Opens what may be opened; one row per candidate.
pub fn open(
    repo: Repo<'_>,
    document: &FeedbackIntake,
    rules: &FeedbackRules,
    allowed: u64,
    now: Timestamp,
) -> Vec<IssueRow> {
    let candidates = &document.candidates;
    let row = |candidate: &Candidate, outcome, number| IssueRow {
        dedupe_key: candidate.dedupe_key.clone(),
        title: candidate.title.clone(),
        outcome,
        number,
    };
    if candidates.is_empty() {
        return Vec::new();
    }
    let known = match known(repo, candidates, rules, now) {
        Ok(known) => known,
        Err(error) => {
            sink::say(&format!("no issue was opened: those that are there could not be listed: {error}"));
            return candidates.iter().map(|one| row(one, IssueOutcome::Failed, None)).collect();
        }
    };
    let mut labels = None;
    let mut opened = 0;
    let mut rows = Vec::new();
    for candidate in candidates {
        if let Some(number) = known.open.get(&candidate.dedupe_key) {
            rows.push(row(candidate, IssueOutcome::OpenAlready, Some(*number)));
        } else if let Some(number) = known.closed.get(&candidate.dedupe_key) {
            rows.push(row(candidate, IssueOutcome::RecentlyClosed, Some(*number)));
        } else if opened == allowed {
            rows.push(row(candidate, IssueOutcome::OverLimit, None));
        } else {
            opened += 1;
            let labels = labels.get_or_insert_with(|| label_ids(repo, candidates));
            let (outcome, number) = open_one(repo, candidate, labels);
            rows.push(row(candidate, outcome, number));
        }
    }
    rows
}

/// Open issues, and those closed since `reopen_after`, that carry the marker of a candidate.
fn known(
    repo: Repo<'_>,
    candidates: &[Candidate],
    rules: &FeedbackRules,
    now: Timestamp,
) -> Result<Known, ForgeError> {
    let keep = i64::try_from(rules.reopen_after.seconds()).unwrap_or(i64::MAX);
    let since = Timestamp::from_unix(now.unix().saturating_sub(keep));
    let open = repo.issues().state("open").list()?;
    let closed = repo.issues().state("closed").since(since).list()?;
    // The server's `since` is about the last change; an issue without a time may be recent.
    let recent = |issue: &&Issue| issue.updated.is_none_or(|updated| updated >= since);
    Ok(Known {
        open: by_key(open.iter(), candidates),
        closed: by_key(closed.iter().filter(recent), candidates),
    })
}

fn by_key<'i>(issues: impl Iterator<Item = &'i Issue>, candidates: &[Candidate]) -> BTreeMap<Digest, u64> {
    let mut found = BTreeMap::new();
    for issue in issues {
        for candidate in candidates.iter().filter(|one| carries(issue, one)) {
            found.insert(candidate.dedupe_key.clone(), issue.number);
        }
    }
    found
}

/// A whole line: what stands inside a sentence or a code span is no marker.
fn carries(issue: &Issue, candidate: &Candidate) -> bool {
    let marker = marker(&candidate.dedupe_key);
    issue.body.lines().any(|line| line.trim() == marker)
}

/// The ids of the labels by name. What is not there is made; where this token may not, issues go without.
fn label_ids(repo: Repo<'_>, candidates: &[Candidate]) -> BTreeMap<String, u64> {
    let mut ids: BTreeMap<String, u64> = match repo.labels() {
        Ok(labels) => labels.into_iter().map(|label| (label.name, label.id)).collect(),
        Err(error) => {
            sink::say(&format!("issues get no label: those of the repository could not be listed: {error}"));
            return BTreeMap::new();
        }
    };
    for name in candidates.iter().flat_map(|candidate| &candidate.labels) {
        if ids.contains_key(name) {
            continue;
        }
        match repo.make_label(name, COLOUR, "opened by patchwarden feedback-intake-check") {
            Ok(label) => drop(ids.insert(name.clone(), label.id)),
            Err(error) => {
                sink::say(&format!("label `{name}` is not there and could not be made: {error}"));
            }
        }
    }
    ids
}

/// Opens one. After an answer that got lost the list tells whether it arrived.
fn open_one(
    repo: Repo<'_>,
    candidate: &Candidate,
    labels: &BTreeMap<String, u64>,
) -> (IssueOutcome, Option<u64>) {
    let issue = NewIssue {
        title: candidate.title.clone(),
        body: candidate.body.clone(),
        labels: candidate.labels.iter().filter_map(|name| labels.get(name).copied()).collect(),
    };
    match repo.open_issue(&issue) {
        Ok(opened) => (IssueOutcome::Opened, Some(opened.number)),
        Err(error) if error.is_not_permitted() || error.is_not_found() => {
            sink::say(&format!("an issue was not opened: {error}"));
            (IssueOutcome::NotPermitted, None)
        }
        Err(error) => {
            let arrived = repo.issues().state("open").list().ok();
            let arrived = arrived.and_then(|issues| issues.into_iter().find(|one| carries(one, candidate)));
            if let Some(issue) = arrived {
                return (IssueOutcome::Opened, Some(issue.number));
            }
            sink::say(&format!("an issue was not opened: {error}"));
            (IssueOutcome::Failed, None)
        }
    }
}
