//! What gates want to know of the pull request beyond what every judgement asks: reviews, comments, linked issues.
//! Asked only where a gate of the policy judges them or a person's approval could clear something.

use crate::context::pull_facts::{
    ChangedFile as FileFact, Comment as CommentFact, LinkedIssue, Listed, PullFacts, PullState as StateFact,
    Review as ReviewFact, ReviewState as StateOfReview,
};
use crate::forge::ForgeError;
use crate::forge::rest::{ChangedFile, Comment, Issue, Pull, PullState, Repo, Review, ReviewState};
use crate::gate::GateResult;
use crate::model::{CommitSha, Outcome, RepoSlug};
use crate::policy::Policy;

/// Issues a text may name before the list counts as not complete.
const MAX_LINKED: usize = 10;

/// Which lists are worth asking for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    pub reviews: bool,
    pub comments: bool,
    pub issues: bool,
}

impl Wanted {
    /// By the kinds of the policy's gates, and whether something already waits for a person.
    pub fn by(policy: &Policy, builtin: &[GateResult]) -> Self {
        let kind = |kinds: &[&str]| policy.gates.iter().any(|gate| kinds.contains(&gate.kind.as_str()));
        let waits = builtin.iter().any(|result| result.outcome == Outcome::NeedsHuman);
        Self {
            reviews: waits
                || kind(&["review_quorum", "judge", "runtime_repair", "statuses", "protected_paths"]),
            comments: kind(&["judge"]),
            issues: kind(&["contract", "judge"]),
        }
    }
}

/// The facts of the pull request for the head that is judged.
pub fn ask(
    repo: Repo<'_>,
    slug: &RepoSlug,
    pull: &Pull,
    head: &CommitSha,
    files: &Result<Vec<ChangedFile>, ForgeError>,
    wanted: Wanted,
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
    if wanted.reviews {
        facts.reviews = listed(repo.reviews(pull.number), review);
    }
    if wanted.comments {
        facts.comments = listed(repo.comments(pull.number), comment);
    }
    if wanted.issues {
        facts.linked_issues = linked(repo, pull);
    }
    facts
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
fn linked(repo: Repo<'_>, pull: &Pull) -> Listed<LinkedIssue> {
    let mut numbers = named_issues(&format!("{}\n{}", pull.title, pull.body));
    numbers.retain(|number| *number != pull.number.get());
    let mut list = Listed::all(Vec::new());
    list.complete = numbers.len() <= MAX_LINKED;
    for number in numbers.into_iter().take(MAX_LINKED) {
        match repo.issue(number) {
            Ok(issue) => list.items.push(linked_issue(issue)),
            // A number that names nothing is no link.
            Err(error) if error.is_not_found() => {}
            Err(_) => list.complete = false,
        }
    }
    list
}

fn linked_issue(issue: Issue) -> LinkedIssue {
    LinkedIssue {
        number: issue.number,
        open: issue.open,
        title: issue.title,
        body: issue.body,
        labels: Listed::all(issue.labels),
        comments: Listed::default(),
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
