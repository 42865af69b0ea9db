//! The loop ends: a perfect agent reaches a pass or an operator, a useless one the operator, and no step leads back.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::Entry;
use super::*;
use crate::model::{Digest, Owner, Verdict};

/// A pull request whose obstacles go away exactly when what their entry asks for is done.
struct World<'a> {
    setup: &'a Setup,
    obstacles: Vec<Obstacle>,
    /// What is done for good, and what is done for the present head.
    done: BTreeSet<usize>,
    for_this_head: BTreeSet<usize>,
    head: u64,
    pushes: u64,
}

impl<'a> World<'a> {
    fn new(setup: &'a Setup, obstacles: &[Obstacle]) -> Self {
        let mut obstacles = obstacles.to_vec();
        let gates = setup.gates.len();
        for one in &mut obstacles {
            one.gate = u8::try_from(usize::from(one.gate) % gates).unwrap();
        }
        obstacles.sort_by_key(|one| (one.gate, one.code, one.subject, one.depth));
        obstacles.dedup_by_key(|one| (one.gate, one.code, one.subject));
        Self { setup, obstacles, done: BTreeSet::new(), for_this_head: BTreeSet::new(), head: 1, pushes: 1 }
    }

    fn is_done(&self, index: usize) -> bool {
        self.done.contains(&index) || self.for_this_head.contains(&index)
    }

    fn standing(&self) -> Vec<&Obstacle> {
        let open = |&(index, _): &(usize, &Obstacle)| !self.is_done(index);
        // What no gate enforces hides nothing: an agent may leave it.
        let enforced = |one: &Obstacle| self.setup.gates[usize::from(one.gate)].0;
        let lowest = self.obstacles.iter().enumerate().filter(open).filter(|(_, one)| enforced(one));
        let lowest = lowest.map(|(_, one)| one.depth).min().unwrap_or(u8::MAX);
        self.obstacles
            .iter()
            .enumerate()
            .filter(open)
            .map(|(_, one)| one)
            .filter(|one| one.depth <= lowest)
            .collect()
    }

    fn judge(&self, history: &History) -> RepairPacket {
        self.setup.plan(self.head, &self.standing(), history)
    }

    /// Does exactly what the entry asks for.
    fn perform(&mut self, entry: &Entry) {
        let is = |one: &Obstacle| {
            entry.source.gate.as_str() == format!("g{}", one.gate)
                && entry.source.code == one.code
                && entry.source.subject == format!("s{}", one.subject)
        };
        let index = self.obstacles.iter().position(is).expect("an entry is about an obstacle");
        if entry.acceptance.head == AcceptanceHead::Next {
            self.done.insert(index);
            self.push();
        } else if super::super::order::ends_with_the_head(entry) {
            self.for_this_head.insert(index);
        } else {
            self.done.insert(index);
        }
    }

    fn push(&mut self) {
        self.head += 1;
        self.pushes += 1;
        self.for_this_head.clear();
    }
}

/// Whether the pull request has a newer head, whose own packet counts.
fn head_moved(packet: &RepairPacket) -> bool {
    packet.entries.iter().any(|entry| entry.source.code == Code::HeadMoved)
}

fn next(packet: &RepairPacket) -> Option<&Entry> {
    let key: &Digest = packet.next.as_ref()?;
    packet.entries.iter().find(|entry| entry.key == *key)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Every step ends its own blocker, no state comes twice, and the number of heads is bounded by what there is to do.
    #[test]
    fn a_perfect_agent_reaches_a_pass_or_an_operator(
        setup in setup(), obstacles in obstacles(), operator_helps in any::<bool>(), lost in any::<bool>(),
    ) {
        let setup = Setup { max_attempts: setup.max_attempts + 1, ..setup };
        let mut world = World::new(&setup, &obstacles);
        let total = world.obstacles.len() as u64;
        let mut history = History { previous: None, heads: Some(1) };
        let mut states = BTreeSet::new();
        let mut steps = 0;
        let end = loop {
            let packet = world.judge(&history);
            let blockers: Vec<Digest> = packet.entries.iter().map(|entry| entry.key.clone()).collect();
            prop_assert!(states.insert((world.head, blockers)), "a state came twice");
            let Some(entry) = next(&packet) else { break packet };
            if entry.owner == Owner::Operator && !operator_helps {
                break packet;
            }
            let entry = entry.clone();
            world.perform(&entry);
            steps += 1;
            history = History { previous: (!lost).then_some(packet), heads: Some(world.pushes) };
            let after = world.judge(&history);
            prop_assert!(after.entries.iter().all(|one| one.blocker_key != entry.blocker_key), "it came back at once");
            prop_assert!(steps <= (total + 1) * (total + 1), "no end");
        };
        prop_assert!(world.pushes <= total + 1);
        let only_none = end.entries.iter().filter(|entry| entry.enforced).all(|entry| entry.action.kind == ActionKind::None);
        match next(&end) {
            Some(entry) => prop_assert_eq!(entry.owner, Owner::Operator),
            // `head.moved` asks for nothing: the new head has a run of its own.
            None => prop_assert!(
                head_moved(&end) || only_none || end.verdict == Verdict::Pass || end.verdict == Verdict::Unmeasured
            ),
        }
    }

    /// Pushing without mending anything: the operator is asked at exactly the head the policy says.
    #[test]
    fn a_useless_agent_reaches_the_operator_in_exactly_max_attempts(setup in setup(), obstacles in obstacles()) {
        let mut world = World::new(&setup, &obstacles);
        let mut history = History { previous: None, heads: Some(1) };
        for attempt in 1..=setup.max_attempts {
            let packet = world.judge(&history);
            let Some(entry) = next(&packet) else { return Ok(()) };
            let for_others = packet.entries.iter().any(|one| one.enforced && one.action.kind != ActionKind::None
                && one.owner != Owner::Operator);
            if attempt < setup.max_attempts {
                let already = !for_others;
                prop_assert_eq!(entry.owner == Owner::Operator, already, "attempt {}", attempt);
            } else {
                prop_assert_eq!(entry.owner, Owner::Operator);
            }
            world.push();
            history = after(packet, Some(world.pushes));
        }
    }

    /// With memory lost or forged at every head, the cap on heads ends it.
    #[test]
    fn the_cap_ends_what_memory_does_not(
        setup in setup(), obstacles in obstacles(), max_heads in 1_u64..9, forged in any::<bool>(),
    ) {
        let setup = Setup { max_heads, max_attempts: 1000, ..setup };
        let mut world = World::new(&setup, &obstacles);
        let mut history = History { previous: None, heads: Some(1) };
        for head in 1..=max_heads {
            let mut packet = world.judge(&history);
            if let Some(entry) = next(&packet).filter(|_| head == max_heads) {
                prop_assert_eq!(entry.owner, Owner::Operator);
            }
            world.push();
            packet.attempt = 1;
            packet.entries.clear();
            history = History { previous: forged.then_some(packet), heads: Some(world.pushes) };
        }
    }
}
