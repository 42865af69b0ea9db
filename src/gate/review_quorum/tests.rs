//! Every combination of lane states up to four lanes, and reviews as facts: an approval never hurts, taking one away
//! never helps, and nobody approves their own change.

use proptest::prelude::*;

use super::reading::Reading;
use super::settings::{Dissent, Lane, OnTie};
use super::*;
use crate::context::Account;
use crate::context::pull_facts::{JOB_ACCOUNT_ID, JOB_LOGIN, Listed, PullFacts, Review, ReviewState};
use crate::evidence::review_verdict::ReviewerClass;
use crate::model::{CommitSha, Verdict};

fn sha(digit: char) -> CommitSha {
    digit.to_string().repeat(40).parse().unwrap()
}

fn lane(name: &str, class: ReviewerClass, source: &str) -> Lane {
    let family = (class == ReviewerClass::Ai).then(|| format!("family-{name}"));
    Lane { name: name.to_owned(), class, family, source: source.parse().unwrap(), accounts: Vec::new() }
}

fn settings(lanes: Vec<Lane>, need: u64) -> Settings {
    Settings {
        lanes,
        need: Some(need),
        need_human: 0,
        need_families: 0,
        binding: BindingLevel::ExactHead,
        dissent: Dissent::Any,
        on_tie: OnTie::NeedsHuman,
    }
}

fn account(id: i64, login: &str) -> Account {
    Account { id, login: login.to_owned() }
}

fn review(id: u64, who: Account, state: ReviewState, commit: &CommitSha) -> Review {
    Review {
        id,
        author: Some(who),
        state,
        commit_id: Some(commit.clone()),
        official: true,
        stale: false,
        dismissed: false,
        submitted_at: None,
    }
}

fn facts(reviews: Vec<Review>) -> PullFacts {
    PullFacts {
        author: Some(account(1, "author")),
        reviews: Listed::all(reviews),
        ..PullFacts::of_head(sha('a'))
    }
}

fn judge(settings: &Settings, pull: &PullFacts) -> ReviewQuorum {
    let readings = Reader { settings, head: &sha('a'), pull: Some(pull) }.read(&[]);
    let tally = Tally::count(settings, readings);
    let blockers = tally.blockers();
    tally.report(&sha('a'), &blockers)
}

fn state_of(settings: &Settings, pull: &PullFacts) -> LaneState {
    judge(settings, pull).lanes.first().unwrap().state
}

/// How bad a verdict is; greater is worse.
fn badness(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Pass => 0,
        Verdict::NeedsHuman => 1,
        Verdict::Unmeasured => 2,
        Verdict::Blocked => 3,
    }
}

fn verdict_of(settings: &Settings, states: &[(LaneState, bool)]) -> Verdict {
    let readings = states.iter().map(|(state, grave)| Reading { grave: *grave, ..Reading::of(*state, "") });
    let tally = Tally::count(settings, readings.collect());
    let blockers = tally.blockers();
    let verdict = super::tally::verdict(&blockers);
    assert_eq!(verdict == Verdict::Pass, blockers.is_empty());
    // Whoever stands in the way can be named: no wanted lane without its blocker. Texts are slow, so not for all.
    if states.len() < 4 {
        for wanted in &tally.report(&sha('a'), &blockers).wanted {
            let names =
                |b: &Blocker| b.lane.as_ref() == Some(wanted) || b.code == Code::ReviewQuorumUnreachable;
            assert!(blockers.iter().any(names), "{wanted} in {states:?}");
        }
    }
    verdict
}

/// The states, a request for changes being grave or small.
const KINDS: usize = LaneState::ALL.len() + 1;

/// Every combination of states over a number of lanes; a request for changes is grave or small.
fn combinations(lanes: usize) -> Vec<Vec<(LaneState, bool)>> {
    let mut all = vec![Vec::new()];
    for _ in 0..lanes {
        all = all
            .into_iter()
            .flat_map(|before: Vec<(LaneState, bool)>| {
                let states = LaneState::ALL.into_iter().map(|state| (state, true));
                let small = std::iter::once((LaneState::ChangesRequested, false));
                states.chain(small).map(move |state| [before.clone(), vec![state]].concat())
            })
            .collect();
    }
    all
}

/// Two models and two people, and every need that a policy may set over them.
fn rules(lanes: usize) -> Vec<Settings> {
    let four = [
        lane("codex", ReviewerClass::Ai, "forgejo:codex"),
        lane("alice", ReviewerClass::Human, "forgejo:alice"),
        lane("claude", ReviewerClass::Ai, "forgejo:claude"),
        lane("bob", ReviewerClass::Human, "forgejo:bob"),
    ];
    let lanes: Vec<Lane> = four.into_iter().take(lanes).collect();
    let mut rules = Vec::new();
    for need in 1..=lanes.len() as u64 {
        for need_human in 0..=1 {
            for need_families in 0..=2 {
                for on_tie in [OnTie::NeedsHuman, OnTie::Blocked] {
                    let rule =
                        Settings { need_human, need_families, on_tie, ..settings(lanes.clone(), need) };
                    if rule.unsound().is_empty() {
                        rules.push(rule);
                    }
                }
            }
        }
    }
    rules
}

/// "Adding an approval" is a lane that had not approved and now does; removing one is a lane that falls silent.
#[test]
fn an_approval_never_hurts_and_losing_one_never_helps() {
    let mut passes = 0;
    for lanes in 1..=4 {
        let all = combinations(lanes);
        for rule in rules(lanes) {
            let verdicts: Vec<u8> = all.iter().map(|states| badness(verdict_of(&rule, states))).collect();
            for (place, states) in all.iter().enumerate() {
                if verdicts[place] == badness(Verdict::Pass) {
                    passes += 1;
                    let with = |wanted| states.iter().filter(|(state, _)| *state == wanted).count() as u64;
                    assert!(with(LaneState::Approved) >= rule.need());
                    assert!(with(LaneState::Approved) > with(LaneState::ChangesRequested));
                    assert!(!states.contains(&(LaneState::ChangesRequested, true)));
                }
                for (index, (state, _)) in states.iter().enumerate() {
                    if *state == LaneState::Approved {
                        continue;
                    }
                    // Combinations stand in the order of numbers with a digit per lane; `Approved` is digit 0.
                    let weight = KINDS.pow(u32::try_from(lanes - 1 - index).unwrap());
                    let approving = place - (place / weight % KINDS) * weight;
                    assert_eq!(all[approving][index].0, LaneState::Approved);
                    assert!(verdicts[approving] <= verdicts[place], "{rule:?} {states:?} {index}");
                }
            }
        }
    }
    assert!(passes > 0);
}

#[test]
fn a_model_counts_by_its_worst_answer_and_a_person_by_the_latest() {
    let ask_again = |class: ReviewerClass| {
        let rule = settings(vec![lane("x", class, "forgejo:x")], 1);
        let reviews = vec![
            review(1, account(5, "x"), ReviewState::ChangesRequested, &sha('a')),
            review(2, account(5, "x"), ReviewState::Approved, &sha('a')),
        ];
        state_of(&rule, &facts(reviews))
    };
    assert_eq!(ask_again(ReviewerClass::Ai), LaneState::ChangesRequested);
    assert_eq!(ask_again(ReviewerClass::Human), LaneState::Approved);
}

#[test]
fn a_dismissed_dissent_of_a_model_stays_and_a_dismissed_approval_goes() {
    let dismissed = |class: ReviewerClass, state: ReviewState| {
        let rule = settings(vec![lane("x", class, "forgejo:x")], 1);
        let one = Review { dismissed: true, ..review(1, account(5, "x"), state, &sha('a')) };
        state_of(&rule, &facts(vec![one]))
    };
    assert_eq!(dismissed(ReviewerClass::Ai, ReviewState::ChangesRequested), LaneState::ChangesRequested);
    assert_eq!(dismissed(ReviewerClass::Human, ReviewState::ChangesRequested), LaneState::Missing);
    assert_eq!(dismissed(ReviewerClass::Ai, ReviewState::Approved), LaneState::Missing);
}

#[test]
fn the_author_and_the_shared_account_never_count() {
    let own = settings(vec![lane("me", ReviewerClass::Human, "forgejo:Author")], 1);
    let approving = |who| facts(vec![review(1, who, ReviewState::Approved, &sha('a'))]);
    assert_eq!(state_of(&own, &approving(account(1, "author"))), LaneState::Own);
    let by_account =
        Lane { accounts: vec!["author".to_owned()], ..lane("codex", ReviewerClass::Ai, "forgejo:codex") };
    assert_eq!(state_of(&settings(vec![by_account], 1), &approving(account(9, "codex"))), LaneState::Own);
    let alice = settings(vec![lane("alice", ReviewerClass::Human, "forgejo:alice")], 1);
    // A workflow that approves in the shared name, even under a login it made up.
    assert_eq!(state_of(&alice, &approving(account(JOB_ACCOUNT_ID, "alice"))), LaneState::Missing);
    assert!(format!("forgejo:{JOB_LOGIN}").parse::<Source>().is_err());
}

#[test]
fn the_commit_is_compared_and_the_servers_stale_flag_is_not_believed() {
    let alice = settings(vec![lane("alice", ReviewerClass::Human, "forgejo:alice")], 1);
    let flagged = |commit, stale| {
        let one = review(1, account(5, "alice"), ReviewState::Approved, &sha(commit));
        state_of(&alice, &facts(vec![Review { stale, ..one }]))
    };
    assert_eq!(flagged('a', true), LaneState::Approved);
    assert_eq!(flagged('b', false), LaneState::Stale);
}

#[test]
fn the_same_diff_binds_where_the_policy_says_so() {
    let diff = |line: &str| format!("diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-x\n+{line}\n");
    let mut pull = facts(vec![review(1, account(5, "alice"), ReviewState::Approved, &sha('b'))]);
    pull.diffs.insert(sha('a'), diff("y").replace("-1 +1", "-9 +9"));
    pull.diffs.insert(sha('b'), diff("y"));
    let rule = |binding| Settings {
        binding,
        ..settings(vec![lane("alice", ReviewerClass::Human, "forgejo:alice")], 1)
    };
    let quorum = judge(&rule(BindingLevel::SameDiff), &pull);
    assert_eq!(quorum.lanes[0].bound_by, Some(BindingLevel::SameDiff));
    assert!(quorum.notes[0].contains("same_diff"), "{:?}", quorum.notes);
    assert_eq!(state_of(&rule(BindingLevel::ExactHead), &pull), LaneState::Stale);
    pull.diffs.insert(sha('b'), diff("z"));
    assert_eq!(state_of(&rule(BindingLevel::SameDiff), &pull), LaneState::Stale);
    assert_eq!(state_of(&rule(BindingLevel::Any), &pull), LaneState::Approved);
    let mut unread = pull.clone();
    unread.diffs.clear();
    let verdict = |pull: &PullFacts| judge(&rule(BindingLevel::SameDiff), pull).verdict;
    assert_eq!((verdict(&pull), verdict(&unread)), (Verdict::Blocked, Verdict::Unmeasured));
    // Two empty diffs are equal and bind nothing.
    pull.diffs.values_mut().for_each(String::clear);
    assert_eq!(state_of(&rule(BindingLevel::SameDiff), &pull), LaneState::Stale);
}

#[test]
fn one_person_is_one_voice() {
    let lanes = vec![
        lane("team", ReviewerClass::Human, "forgejo:team:acme/core"),
        lane("other", ReviewerClass::Human, "forgejo:team:acme/docs"),
        lane("alice", ReviewerClass::Human, "forgejo:alice"),
    ];
    let mut pull = facts(vec![
        review(1, account(5, "Alice"), ReviewState::Approved, &sha('a')),
        review(2, account(6, "bob"), ReviewState::Approved, &sha('a')),
    ]);
    let members =
        |who: &[(i64, &str)]| Listed::all(who.iter().map(|(id, login)| account(*id, login)).collect());
    pull.teams.insert("acme/core".to_owned(), members(&[(5, "Alice"), (6, "bob")]));
    pull.teams.insert("acme/docs".to_owned(), members(&[(5, "Alice"), (6, "bob"), (1, "author")]));
    let quorum = judge(&settings(lanes, 3), &pull);
    let states: Vec<LaneState> = quorum.lanes.iter().map(|lane| lane.state).collect();
    assert_eq!(states, [LaneState::Approved, LaneState::Own, LaneState::Approved]);
    assert_eq!((quorum.count.approvals, quorum.verdict), (2, Verdict::Blocked));
}

#[test]
fn what_was_not_answered_is_unmeasured() {
    let rule = settings(vec![lane("alice", ReviewerClass::Human, "forgejo:alice")], 1);
    let mut pull = facts(Vec::new());
    pull.reviews.complete = false;
    assert_eq!(judge(&rule, &pull).verdict, Verdict::Unmeasured);
    let team = settings(vec![lane("core", ReviewerClass::Human, "forgejo:team:acme/core")], 1);
    assert_eq!(judge(&team, &facts(Vec::new())).verdict, Verdict::Unmeasured);
}

/// Whoever else answers joins no count, and a lane that does not answer stays one of those that were asked.
#[test]
fn the_lanes_of_the_policy_are_the_electorate() {
    let asked = settings(
        vec![
            lane("ada", ReviewerClass::Human, "forgejo:ada"),
            lane("bea", ReviewerClass::Human, "forgejo:bea"),
        ],
        2,
    );
    let by =
        |id: u64, login: &str, state| review(id, account(id.cast_signed() + 10, login), state, &sha('a'));
    let answers = vec![
        by(1, "ada", ReviewState::Approved),
        by(2, "stranger", ReviewState::Approved),
        by(3, "other", ReviewState::ChangesRequested),
    ];
    let judged = judge(&asked, &facts(answers));
    let states: Vec<LaneState> = judged.lanes.iter().map(|lane| lane.state).collect();
    assert_eq!(states, [LaneState::Approved, LaneState::Missing]);
    assert_eq!(judged.count.approvals, 1);
    assert_eq!(judged.verdict, Verdict::Blocked);
}

#[test]
fn who_is_still_wanted_stands_in_one_line() {
    let lanes = vec![
        lane("codex", ReviewerClass::Ai, "forgejo:codex"),
        lane("alice", ReviewerClass::Human, "forgejo:alice"),
    ];
    let pull = facts(vec![review(1, account(5, "codex"), ReviewState::Approved, &sha('a'))]);
    let quorum = judge(&settings(lanes, 2), &pull);
    assert_eq!(quorum.summary, "1 of 2 needed approvals; still wanted: `alice` (missing)");
    assert_eq!(quorum.lanes[1].next_action, NextAction::RedriveReviewLane);
}

#[test]
fn an_unsound_set_of_lanes_is_refused() {
    let twice = vec![
        lane("a", ReviewerClass::Human, "forgejo:alice"),
        lane("b", ReviewerClass::Human, "forgejo:ALICE"),
    ];
    assert_eq!(settings(twice, 1).unsound().len(), 1);
    let artifact = vec![lane("a", ReviewerClass::Human, "artifact:review")];
    assert_eq!(Settings { need_human: 1, ..settings(artifact, 1) }.unsound().len(), 1);
    assert_eq!(settings(Vec::new(), 0).unsound().len(), 1);
}

fn any_review() -> impl Strategy<Value = (bool, ReviewState, bool, bool)> {
    let state = prop_oneof![
        Just(ReviewState::Approved),
        Just(ReviewState::ChangesRequested),
        Just(ReviewState::Comment),
    ];
    (any::<bool>(), state, any::<bool>(), any::<bool>())
}

proptest! {
    /// The same law over reviews as the server lists them: one more approval, of any commit, never makes it worse.
    #[test]
    fn one_more_approving_review_never_hurts(
        reviews in proptest::collection::vec(any_review(), 0..6),
        by_codex in any::<bool>(),
        of_head in any::<bool>(),
        level in prop_oneof![
            Just(BindingLevel::ExactHead),
            Just(BindingLevel::SameDiff),
            Just(BindingLevel::Any),
        ],
        diffs in prop_oneof![Just(None), Just(Some("same")), Just(Some("other"))],
    ) {
        let who = |codex: bool| if codex { account(5, "codex") } else { account(6, "alice") };
        let commit = |head: bool| sha(if head { 'a' } else { 'b' });
        let mut list: Vec<Review> = reviews
            .iter()
            .enumerate()
            .map(|(id, (codex, state, head, dismissed))| Review {
                dismissed: *dismissed,
                ..review(id as u64, who(*codex), *state, &commit(*head))
            })
            .collect();
        let lanes = vec![
            lane("codex", ReviewerClass::Ai, "forgejo:codex"),
            lane("alice", ReviewerClass::Human, "forgejo:alice"),
        ];
        let rule = Settings { binding: level, ..settings(lanes, 1) };
        let of = |list: Vec<Review>| {
            let mut pull = facts(list);
            if let Some(other) = diffs {
                pull.diffs.insert(sha('a'), "diff --git a b\nsame".to_owned());
                pull.diffs.insert(sha('b'), format!("diff --git a b\n{other}"));
            }
            badness(judge(&rule, &pull).verdict)
        };
        let before = of(list.clone());
        list.push(review(99, who(by_codex), ReviewState::Approved, &commit(of_head)));
        prop_assert!(of(list) <= before);
    }
}
