//! How a person ends what the gates leave to a person: an approval of the exact head (DESIGN section 3).
//! Pure: who approved what is a fact of the pull request.

use std::collections::BTreeMap;

use crate::context::pull_facts::{PullFacts, Review, ReviewState};
use crate::evidence::Binding;
use crate::model::{Code, CommitSha, Outcome, sanitize};
use crate::policy::Policy;

use super::evaluate::{EvidenceSet, Facts};
use super::result::{Cleared, GateResult};

/// Whose approval counts.
#[derive(Debug, Clone, Copy)]
enum Approvers<'a> {
    /// The policy's `[people] operators`.
    Operators(&'a [String]),
    /// There is no policy at the base: any person but the author with write permission. The server says who has it
    /// by calling the review official.
    AnyWriter,
}

impl Approvers<'_> {
    fn include(self, review: &Review) -> bool {
        match self {
            Self::Operators(logins) => {
                logins.iter().any(|login| review.author.as_ref().is_some_and(|who| who.has_login(login)))
            }
            Self::AnyWriter => review.official,
        }
    }
}

/// The reviews of somebody's own that ask for or approve something, of this head, undismissed: each account's latest.
/// The author of the change is left out, and so is the account that all jobs share.
pub(super) fn latest_of_head<'a>(pull: &'a PullFacts, head: &CommitSha) -> Vec<&'a Review> {
    let Some(author) = &pull.author else { return Vec::new() };
    let mut latest: BTreeMap<i64, &Review> = BTreeMap::new();
    for review in &pull.reviews.items {
        let Some(who) = &review.author else { continue };
        let says = matches!(review.state, ReviewState::Approved | ReviewState::ChangesRequested);
        let counts = who.is_somebody() && !who.is(author) && !review.dismissed;
        if !says || !counts || review.commit_id.as_ref() != Some(head) {
            continue;
        }
        let slot = latest.entry(who.id).or_insert(review);
        if review.id > slot.id {
            *slot = review;
        }
    }
    latest.into_values().collect()
}

/// The approval of exactly this head by one of the approvers, where the facts show it beyond doubt: they are of this
/// head, name the author, and list every review.
fn approval<'a>(approvers: Approvers<'_>, facts: &'a Facts) -> Option<&'a Review> {
    let pull = facts.pull_of_head().filter(|pull| pull.reviews.complete)?;
    latest_of_head(pull, &facts.head)
        .into_iter()
        .filter(|review| review.state == ReviewState::Approved && approvers.include(review))
        .min_by_key(|review| review.id)
}

/// Ends every `needs_human` blocker that an approval ends, and says of every other who can end it and how.
pub(super) fn clear(results: &mut [GateResult], policy: &Policy, evidence: &EvidenceSet, facts: &Facts) {
    let no_policy = results.iter().flat_map(|result| &result.blockers).any(|b| b.code == Code::PolicyNone);
    let approvers =
        if no_policy { Approvers::AnyWriter } else { Approvers::Operators(&policy.people.operators) };
    let approval = approval(approvers, facts);
    let remedy = remedy(approvers, evidence, facts);
    for result in results {
        clear_one(result, approval, &remedy);
    }
}

fn clear_one(result: &mut GateResult, approval: Option<&Review>, remedy: &str) {
    let wants_person = |code: Code| code.info().outcome == Outcome::NeedsHuman;
    let who = approval.and_then(|review| Some((review.author.as_ref()?, review.id)));
    let Some((by, review)) = who else {
        for blocker in result.blockers.iter_mut().filter(|blocker| wants_person(blocker.code)) {
            blocker.remedy = Some(remedy.to_owned());
        }
        return;
    };
    let (ended, left): (Vec<_>, Vec<_>) =
        std::mem::take(&mut result.blockers).into_iter().partition(|blocker| wants_person(blocker.code));
    result.blockers = left;
    let by = sanitize(&by.login, 80);
    result.cleared.extend(ended.into_iter().map(|blocker| Cleared { blocker, by: by.clone(), review }));
    if result.outcome == Outcome::NeedsHuman {
        result.outcome = Outcome::Pass;
    }
}

/// Who can end it, by what act, and what starts the next judgement.
fn remedy(approvers: Approvers<'_>, evidence: &EvidenceSet, facts: &Facts) -> String {
    let author = facts.pull.as_ref().and_then(|pull| pull.author.as_ref());
    let who = match approvers {
        Approvers::AnyWriter => "any person but the author with write permission".to_owned(),
        Approvers::Operators(logins) => {
            let mut eligible: Vec<String> = logins
                .iter()
                .filter(|login| !author.is_some_and(|author| author.has_login(login)))
                .filter(|login| !login.eq_ignore_ascii_case(crate::context::pull_facts::JOB_LOGIN))
                .map(|login| format!("`{}`", sanitize(login, 80)))
                .collect();
            eligible.dedup();
            if eligible.is_empty() {
                return "nobody may clear this as things are: give `[people] operators` of the base branch's policy \
                        a person who is not the author, or let an admin merge"
                    .to_owned();
            }
            eligible.join(" or ")
        }
    };
    format!("{who} approves exactly {} on the forge, then {}", facts.head, rerun(evidence, facts))
}

/// What to run again. Re-running one job condemns the artifacts of all (LIVE section 6), so it is enough only where
/// the gate reads another run's artifacts, or where every piece of evidence names its own attempt.
fn rerun(evidence: &EvidenceSet, facts: &Facts) -> &'static str {
    let named = |evidence: &crate::evidence::Evidence| evidence.bindings.contains(&Binding::Manifest);
    match facts.event.as_deref() {
        None => "the gate judges again with the new facts",
        Some("pull_request_target") => "the gate's job is run again",
        Some(_) if evidence.values().all(named) => "the gate's job is run again",
        Some(_) => "all jobs of the run are run again: re-running one condemns what the others uploaded",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Account;
    use crate::context::pull_facts::{JOB_ACCOUNT_ID, Listed};
    use crate::gate::builtin::{PolicyOrigin, builtin, policy_gate};
    use crate::gate::result::Blocker;

    fn sha(digit: char) -> CommitSha {
        digit.to_string().repeat(40).parse().unwrap()
    }

    fn account(id: i64, login: &str) -> Account {
        Account { id, login: login.to_owned() }
    }

    fn approval_by(who: Account) -> Review {
        Review {
            id: 7,
            author: Some(who),
            state: ReviewState::Approved,
            commit_id: Some(sha('a')),
            official: false,
            stale: false,
            dismissed: false,
            submitted_at: None,
        }
    }

    fn facts(reviews: Vec<Review>) -> Facts {
        let pull = PullFacts {
            author: Some(account(1, "author")),
            reviews: Listed::all(reviews),
            ..PullFacts::of_head(sha('a'))
        };
        Facts { pull: Some(pull), ..Facts::of_head(sha('a'), "2026-11-21T10:00:00Z".parse().unwrap()) }
    }

    fn protected() -> GateResult {
        let blocker = Blocker::new(Code::ProtectedPathChanged, "paths", "a workflow changed");
        builtin("protected", Outcome::NeedsHuman, "", "", vec![blocker])
    }

    fn cleared(mut result: GateResult, operators: &str, facts: &Facts) -> GateResult {
        let text = format!("version = 1\n[people]\noperators = [{operators}]\n");
        let (policy, _) = Policy::read(&text).unwrap();
        clear(std::slice::from_mut(&mut result), &policy, &EvidenceSet::new(), facts);
        result
    }

    #[test]
    fn an_operators_approval_of_the_head_ends_it_and_is_listed() {
        let result = cleared(protected(), "\"Alice\"", &facts(vec![approval_by(account(5, "alice"))]));
        assert_eq!(result.outcome, Outcome::Pass);
        assert!(result.blockers.is_empty());
        assert_eq!((result.cleared[0].by.as_str(), result.cleared[0].review), ("alice", 7));
    }

    #[test]
    fn nobody_else_and_nothing_less_ends_it() {
        let alice = || approval_by(account(5, "alice"));
        let later_no = Review { id: 8, state: ReviewState::ChangesRequested, ..alice() };
        let mut unlisted = facts(vec![alice()]);
        unlisted.pull.as_mut().unwrap().reviews.complete = false;
        let mut nameless = facts(vec![alice()]);
        nameless.pull.as_mut().unwrap().author = None;
        let mut moved = facts(vec![alice()]);
        moved.pull.as_mut().unwrap().head = sha('b');
        for facts in [
            facts(vec![Review { dismissed: true, ..alice() }]),
            facts(vec![Review { commit_id: Some(sha('b')), ..alice() }]),
            facts(vec![alice(), later_no]),
            facts(vec![approval_by(account(6, "mallory"))]),
            facts(vec![approval_by(account(JOB_ACCOUNT_ID, "alice"))]),
            unlisted,
            nameless,
            moved,
        ] {
            let result = cleared(protected(), "\"alice\"", &facts);
            assert_eq!((result.outcome, result.blockers.len()), (Outcome::NeedsHuman, 1));
        }
        let own = cleared(protected(), "\"author\"", &facts(vec![approval_by(account(1, "author"))]));
        assert_eq!(own.outcome, Outcome::NeedsHuman);
        assert!(own.blockers[0].remedy.as_deref().unwrap().contains("nobody may clear this"));
    }

    #[test]
    fn the_remedy_names_who_and_what_to_run_again() {
        let mut in_run = facts(Vec::new());
        in_run.event = Some("pull_request".to_owned());
        let remedy = |result: GateResult| result.blockers[0].remedy.clone().unwrap();
        let words = remedy(cleared(protected(), "\"alice\", \"author\"", &in_run));
        assert!(words.starts_with("`alice` approves exactly aaaa"), "{words}");
        // Without any evidence nothing is condemned by running the gate's job alone.
        assert!(words.ends_with("then the gate's job is run again"), "{words}");
    }

    #[test]
    fn without_a_policy_an_official_review_of_anybody_else_counts() {
        let no_policy = || policy_gate(PolicyOrigin::Embedded).unwrap();
        let one = approval_by(account(5, "alice"));
        let official = Review { official: true, ..one.clone() };
        assert_eq!(cleared(no_policy(), "", &facts(vec![one])).outcome, Outcome::NeedsHuman);
        assert_eq!(cleared(no_policy(), "", &facts(vec![official.clone()])).outcome, Outcome::Pass);
        let own = Review { author: Some(account(1, "author")), ..official };
        assert_eq!(cleared(no_policy(), "", &facts(vec![own])).outcome, Outcome::NeedsHuman);
    }

    #[test]
    fn what_is_refused_stays_refused() {
        let blocker = Blocker::new(Code::TestsFailed, "unit", "1 test failed");
        let failed = builtin("head", Outcome::Fail, "", "", vec![blocker]);
        let result = cleared(failed, "\"alice\"", &facts(vec![approval_by(account(5, "alice"))]));
        assert_eq!((result.outcome, result.blockers.len(), result.cleared.len()), (Outcome::Fail, 1, 0));
    }
}
