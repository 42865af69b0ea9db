//! The loop ends for real policies: gates of every kind over reports, jobs, reviews and facts in every state these
//! generators make. `repair/tests` shows the same for blockers of any code at all, which is more and less at once.

mod agent;
mod world;

use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::gate::Reread;
use crate::model::{ActionKind, Digest, Owner, Verdict};
use crate::repair::{AcceptanceHead, Entry, History, RepairPacket};

use world::{Answer, Fault, Job, Other, Rules, State, World};

/// States that no agent alone can leave are left out where `free` is set.
fn state(free: bool) -> impl Strategy<Value = State> {
    use proptest::sample::select;
    let fault = prop_oneof![
        3 => Just(Fault::None),
        2 => select(vec![Fault::Missing, Fault::Malformed, Fault::Ambiguous, Fault::Unfinished, Fault::Unavailable,
            Fault::Expired, Fault::Superseded]),
    ];
    let faults = [fault.clone(), fault.clone(), fault.clone(), fault.clone(), fault.clone(), fault];
    let answer = || {
        select(vec![
            Answer::Missing,
            Answer::Approves(1),
            Answer::Approves(0),
            Answer::WantsChanges(1),
            Answer::Broken,
        ])
    };
    let jobs = if free {
        vec![Job::Fine, Job::Failed, Job::Unlisted]
    } else {
        vec![Job::Fine, Job::Failed, Job::Unlisted, Job::Unfinished]
    };
    let others =
        [Other::Green, Other::Red, Other::Missing, Other::Unanswered, Other::Pending, Other::Unverifiable];
    let others = others[..if free { 4 } else { 6 }].to_vec();
    let rereads = select(vec![
        Reread::Same,
        Reread::Same,
        Reread::PolicyMoved,
        Reread::Unanswered("so it is".to_owned()),
    ]);
    let record = select(vec![None, Some(String::new()), Some("<!-- openclaw.judge.v0 -->\n{".to_owned())]);
    let flags = proptest::array::uniform32(any::<bool>());
    (faults, flags, (answer(), answer()), select(jobs), select(others), rereads, record).prop_map(
        move |(faults, flags, (bot, codex), job, other, reread, record)| State {
            faults,
            red: std::array::from_fn(|at| flags[at]),
            unit_died: flags[6],
            job,
            bot,
            codex,
            critical: flags[7],
            record,
            title: flags[8],
            section: flags[9],
            label: flags[10],
            issue: flags[11],
            companion: flags[12],
            small: flags[13],
            other,
            files_listed: flags[14] || (free && flags[15]),
            people_listed: free || flags[16],
            protected: !free && flags[17],
            guarded: !free && flags[18],
            reread,
        },
    )
}

fn rules(max_attempts: impl Strategy<Value = u64>) -> impl Strategy<Value = Rules> {
    let bits = || proptest::array::uniform11(proptest::bool::weighted(0.8));
    (bits(), bits(), any::<bool>(), max_attempts).prop_map(|(kinds, enforced, on_fail, max_attempts)| Rules {
        kinds,
        enforced,
        on_fail,
        max_attempts,
        max_heads: 1000,
    })
}

fn next(packet: &RepairPacket) -> Option<Entry> {
    let key = packet.next.as_ref()?;
    packet.entries.iter().find(|entry| entry.key == *key).cloned()
}

/// Where a perfect agent comes to: the last packet, after how many heads.
fn walk(world: &mut World, operator_helps: bool, lost: bool) -> Result<RepairPacket, TestCaseError> {
    let mut packet = world.judge(&History { previous: None, heads: Some(1) }).packet;
    let mut states: BTreeSet<(u64, Vec<Digest>)> = BTreeSet::new();
    // Each of the faults and of what is red behind one, each job, promise and answer: no obstacle twice.
    for _ in 0..60 {
        let blockers: Vec<Digest> = packet.entries.iter().map(|entry| entry.blocker_key.clone()).collect();
        prop_assert!(states.insert((world.head, blockers)), "a state came twice: {:?}", packet.entries);
        let Some(entry) = next(&packet) else { return Ok(packet) };
        if entry.owner == Owner::Operator && !operator_helps {
            return Ok(packet);
        }
        let head = world.head;
        if !world.perform(&entry) {
            return Ok(packet);
        }
        let pushed = entry.acceptance.head == AcceptanceHead::Next;
        prop_assert_eq!(world.head != head, pushed, "the acceptance names the head that carries the fix");
        let history = History { previous: (!lost).then_some(packet), heads: Some(world.head) };
        packet = world.judge(&history).packet;
        let same = packet.entries.iter().find(|one| one.blocker_key == entry.blocker_key);
        prop_assert!(same.is_none(), "doing `{}` did not end {:?}", entry.action.kind.as_str(), entry.source);
    }
    Err(TestCaseError::fail("no end"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Every step ends its own blocker, no state comes twice, and the end is a pass or a person.
    #[test]
    fn a_perfect_agent_reaches_a_pass_or_an_operator(
        rules in rules(2_u64..6), state in state(false), operator_helps in any::<bool>(), lost in any::<bool>(),
    ) {
        let mut world = World::new(&rules, state);
        let end = walk(&mut world, operator_helps, lost)?;
        match next(&end) {
            Some(entry) => prop_assert_eq!(entry.owner, Owner::Operator),
            None => prop_assert!(
                end.verdict == Verdict::Pass || end.entries.iter().all(|one| !one.enforced || one.action.kind == ActionKind::None)
            ),
        }
    }

    /// What an agent, its lanes and its judge can end they do end, with nobody asked, whatever the gates are.
    #[test]
    fn nobody_is_asked_where_nothing_is_theirs(rules in rules(Just(1000)), state in state(true)) {
        let rules = Rules { enforced: [true; 11], kinds: { let mut kinds = rules.kinds; kinds[0] = true; kinds }, ..rules };
        let mut world = World::new(&rules, state);
        let end = walk(&mut world, false, false)?;
        prop_assert_eq!(end.verdict, Verdict::Pass, "{:?}", end.entries);
        prop_assert!(end.entries.is_empty());
    }

    /// Pushing without mending anything: the operator is asked at exactly the head the policy says.
    #[test]
    fn a_useless_agent_reaches_the_operator_in_exactly_max_attempts(rules in rules(1_u64..5), state in state(false)) {
        let mut world = World::new(&rules, state);
        // What was said of the first head goes with it, once.
        world.push();
        let mut history = History { previous: None, heads: Some(1) };
        for attempt in 1..=rules.max_attempts {
            let packet = world.judge(&history).packet;
            let Some(entry) = next(&packet) else { return Ok(()) };
            let for_others = packet.entries.iter().any(|one| {
                one.enforced && one.action.kind != ActionKind::None && one.owner != Owner::Operator
            });
            let asked = entry.owner == Owner::Operator;
            prop_assert_eq!(asked, attempt == rules.max_attempts || !for_others, "attempt {}: {:?}", attempt, entry);
            world.push();
            history = History { previous: Some(packet), heads: Some(attempt + 1) };
        }
    }

    /// The same head gives the same bytes, and a memory that is lost or another's changes no verdict.
    #[test]
    fn memory_changes_no_verdict(rules in rules(1_u64..5), state in state(false), other in state(false)) {
        let world = World::new(&rules, state);
        let none = History { previous: None, heads: Some(1) };
        let honest = world.judge(&none);
        let mut elsewhere = World::new(&rules, other);
        elsewhere.push();
        let forged = History { previous: Some(elsewhere.judge(&none).packet), heads: Some(u64::MAX) };
        let misled = world.judge(&forged);
        prop_assert_eq!(misled.verdict, honest.verdict);
        prop_assert_eq!(&misled.packet.packet_key, &honest.packet.packet_key);
        let again = world.judge(&none).packet;
        prop_assert_eq!(crate::output::json(&again), crate::output::json(&honest.packet));
    }
}

/// Every gate kind is judged here, so that a new one is not forgotten.
#[test]
fn the_policies_have_gates_of_every_kind() {
    let rules =
        Rules { kinds: [true; 11], enforced: [true; 11], on_fail: false, max_attempts: 3, max_heads: 20 };
    let text = rules.text();
    for kind in crate::gate::GateKind::ALL {
        assert!(text.contains(&format!("kind = \"{}\"", kind.as_str())), "{}", kind.as_str());
    }
}
