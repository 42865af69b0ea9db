//! What gates want to know of the pull request beyond what every judgement asks: reviews, comments, linked issues.
//! Asked only where a gate of the policy judges them or a person's approval could clear something.

use std::collections::BTreeSet;

use crate::context::Account;
use crate::context::pull_facts::{
    ChangedFile as FileFact, Comment as CommentFact, LinkedIssue, Listed, PullFacts, PullState as StateFact,
    Review as ReviewFact, ReviewState as StateOfReview,
};
use crate::evidence::Content;
use crate::forge::rest::{ChangedFile, Comment, Issue, Pull, PullState, Repo, Review, ReviewState};
use crate::forge::{ForgeError, in_parallel};
use crate::gate::{EvidenceSet, GateKind, GateResult, Gates};
use crate::model::{CommitSha, Outcome, PullNumber, RepoSlug};

use super::beside::join;
use super::same_diff;

/// Issues a text may name before the list counts as not complete.
const MAX_LINKED: usize = 10;
/// Issues or teams that are asked for at once.
const AT_ONCE: usize = 4;

/// What is worth asking for.
#[derive(Debug)]
pub struct Wanted {
    reviews: bool,
    comments: bool,
    issues: bool,
    /// `ORG/TEAM` of every lane that is a team.
    teams: BTreeSet<String>,
    /// Commits that verdicts of the run's own artifacts are about, where a quorum counts answers about another commit
    /// with the same change.
    same_diff: Option<Vec<CommitSha>>,
}

impl Wanted {
    /// By the kinds of the policy's gates, and whether something already waits for a person.
    pub fn by(gates: &Gates, builtin: &[GateResult], evidence: &EvidenceSet) -> Self {
        let any = |wanted: &[GateKind]| gates.kinds().any(|kind| wanted.contains(&kind));
        let quorums: Vec<toml::Table> = gates
            .effective()
            .filter(|(gate, _)| gate.kind == "review_quorum")
            .map(|(_, keys)| keys)
            .collect();
        let verdicts = evidence.values().filter_map(|evidence| match evidence.content.as_deref() {
            Some(Content::Reviews(verdicts)) => Some(verdicts),
            _ => None,
        });
        let waits = builtin.iter().any(|result| result.outcome == Outcome::NeedsHuman);
        Self {
            reviews: waits
                || any(&[
                    GateKind::ReviewQuorum,
                    GateKind::Judge,
                    GateKind::RuntimeRepair,
                    GateKind::Statuses,
                    GateKind::ProtectedPaths,
                ]),
            comments: any(&[GateKind::Judge]),
            issues: any(&[GateKind::Contract, GateKind::Judge]),
            teams: quorums.iter().flat_map(teams_of).collect(),
            same_diff: quorums
                .iter()
                .any(|keys| keys.get("binding").and_then(toml::Value::as_str) == Some("same_diff"))
                .then(|| verdicts.flatten().map(|verdict| verdict.target_sha.clone()).collect()),
        }
    }
}

/// The teams among a quorum's lanes.
fn teams_of(keys: &toml::Table) -> Vec<String> {
    let lanes = keys.get("lanes").and_then(toml::Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let sources = lanes.iter().filter_map(|lane| lane.get("source")?.as_str());
    sources.filter_map(|source| source.strip_prefix("forgejo:team:").map(str::to_owned)).collect()
}

/// The facts of the pull request for the head that is judged.
pub fn ask(
    repo: Repo<'_>,
    slug: &RepoSlug,
    pull: &Pull,
    head: &CommitSha,
    files: &Result<Vec<ChangedFile>, ForgeError>,
    wanted: &Wanted,
) -> PullFacts {
    let mut facts = PullFacts::of_head(pull.head.clone());
    facts.repo = Some(slug.clone());
    facts.number = Some(pull.number);
    facts.state = Some(match pull.state {
        PullState::Open => StateFact::Open,
        PullState::Merged => StateFact::Merged,
        PullState::Closed => StateFact::Closed,
    });
    facts.author.clone_from(&pull.author);
    facts.title = Some(pull.title.clone());
    facts.body = Some(pull.body.clone());
    facts.labels = Listed::all(pull.labels.clone());
    facts.head_branch = Some(pull.head_branch.clone());
    facts.base_branch = Some(pull.base_branch.clone());
    facts.base.clone_from(&pull.base);
    facts.merge_base.clone_from(&pull.merge_base);
    facts.files = files_of(files, pull, head);
    std::thread::scope(|scope| {
        let reviews = wanted.reviews.then(|| scope.spawn(|| listed(repo.reviews(pull.number), review)));
        let comments = wanted.comments.then(|| scope.spawn(|| listed(repo.comments(pull.number), comment)));
        let commits = wanted.comments.then(|| scope.spawn(|| repo.commit_count(pull.number).ok()));
        let issues = wanted.issues.then(|| scope.spawn(|| linked(repo, pull, wanted.comments)));
        let teams: Vec<&String> = wanted.teams.iter().collect();
        let found = in_parallel(&teams, AT_ONCE, |team| members(repo, team));
        facts.teams = teams.into_iter().cloned().zip(found).collect();
        facts.reviews = reviews.map(join).unwrap_or_default();
        facts.comments = comments.map(join).unwrap_or_default();
        facts.commit_count = commits.and_then(join);
        facts.linked_issues = issues.map(join).unwrap_or_default();
    });
    if let Some(by_artifacts) = &wanted.same_diff {
        facts.diffs = same_diff::diffs(repo, pull, head, &reviewed(&facts, by_artifacts));
    }
    facts
}

/// Not complete where the token may not see the team, as a job's own never may.
fn members(repo: Repo<'_>, team: &str) -> Listed<Account> {
    let Some((org, name)) = team.split_once('/') else { return Listed::default() };
    match repo.team_members(org, name) {
        Ok(Some(members)) => Listed::all(members),
        Ok(None) | Err(_) => Listed::default(),
    }
}

/// The commits that somebody answered about, newest answers first.
fn reviewed(facts: &PullFacts, by_artifacts: &[CommitSha]) -> Vec<CommitSha> {
    let by_people = facts.reviews.items.iter().rev().filter(|review| {
        let says = matches!(review.state, StateOfReview::Approved | StateOfReview::ChangesRequested);
        says && review.author.as_ref().is_some_and(Account::is_somebody)
    });
    by_people.filter_map(|review| review.commit_id.clone()).chain(by_artifacts.iter().cloned()).collect()
}

fn listed<W, F>(answer: Result<Vec<W>, ForgeError>, convert: impl Fn(W) -> F) -> Listed<F> {
    match answer {
        Ok(items) => Listed::all(items.into_iter().map(convert).collect()),
        Err(_) => Listed::default(),
    }
}

/// Complete only where the list is of this head and as long as the server says.
fn files_of(files: &Result<Vec<ChangedFile>, ForgeError>, pull: &Pull, head: &CommitSha) -> Listed<FileFact> {
    let Ok(files) = files else { return Listed::default() };
    let of_head = files.iter().all(|file| file.at.as_ref().is_none_or(|at| at == head));
    let all = pull.changed_files.is_none_or(|total| total == files.len() as u64);
    let items = files
        .iter()
        .map(|file| FileFact {
            path: file.path.clone(),
            previous: file.previous.clone(),
            status: file.status.clone(),
            additions: file.additions,
            deletions: file.deletions,
        })
        .collect();
    Listed { complete: of_head && all, items }
}

fn review(review: Review) -> ReviewFact {
    ReviewFact {
        id: review.id,
        author: review.author,
        state: match review.state {
            ReviewState::Approved => StateOfReview::Approved,
            ReviewState::ChangesRequested => StateOfReview::ChangesRequested,
            ReviewState::Comment => StateOfReview::Comment,
            ReviewState::Pending => StateOfReview::Pending,
            ReviewState::Requested => StateOfReview::Requested,
            ReviewState::Unknown => StateOfReview::Unknown,
        },
        commit_id: review.commit,
        official: review.official,
        stale: review.stale,
        dismissed: review.dismissed,
        submitted_at: review.submitted,
    }
}

fn comment(comment: Comment) -> CommentFact {
    CommentFact { id: comment.id, author: comment.author, body: comment.body, created_at: comment.created }
}

/// The issues that title and body name as `#N`.
fn linked(repo: Repo<'_>, pull: &Pull, with_comments: bool) -> Listed<LinkedIssue> {
    let mut numbers = named_issues(&format!("{}\n{}", pull.title, pull.body));
    numbers.retain(|number| *number != pull.number.get());
    let mut list = Listed::all(Vec::new());
    list.complete = numbers.len() <= MAX_LINKED;
    numbers.truncate(MAX_LINKED);
    let issues = in_parallel(&numbers, AT_ONCE, |number| {
        let issue = repo.issue(*number)?;
        let comments = if with_comments { comments_of(repo, *number) } else { Listed::default() };
        Ok(linked_issue(issue, comments))
    });
    for issue in issues {
        match issue {
            Ok(issue) => list.items.push(issue),
            // A number that names nothing is no link.
            Err(error) if ForgeError::is_not_found(&error) => {}
            Err(_) => list.complete = false,
        }
    }
    list
}

fn comments_of(repo: Repo<'_>, number: u64) -> Listed<CommentFact> {
    let Ok(number) = PullNumber::try_from(number) else { return Listed::default() };
    listed(repo.comments(number), comment)
}

fn linked_issue(issue: Issue, comments: Listed<CommentFact>) -> LinkedIssue {
    LinkedIssue {
        number: issue.number,
        open: issue.open,
        title: issue.title,
        body: issue.body,
        labels: Listed::all(issue.labels),
        comments,
    }
}

/// Every `#N` that stands as a word of its own, in order, each once.
fn named_issues(text: &str) -> Vec<u64> {
    let mut numbers: Vec<u64> = Vec::new();
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        if c == '#' && !before.is_alphanumeric() && before != '/' && before != '&' {
            let rest = text.get(at + 1..).unwrap_or_default();
            let digits: String = rest.chars().take_while(char::is_ascii_digit).take(12).collect();
            let ends = rest.get(digits.len()..).and_then(|rest| rest.chars().next());
            if let Ok(number) = digits.parse()
                && number > 0
                && !ends.is_some_and(|c| c.is_alphanumeric() || c == '_')
                && !numbers.contains(&number)
            {
                numbers.push(number);
            }
        }
        before = c;
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issues_are_named_by_words_of_their_own() {
        let text = "Closes #12, refs (#7) and #12; not a#3, /#4, #5x, &#39; or #0. ## 6";
        assert_eq!(named_issues(text), [12, 7]);
    }
}
