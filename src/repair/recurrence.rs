//! Recurrence: how long each blocker stands, whether the set shrinks, and when a person is asked instead.
//! Memory is a hint from where anybody could have put it: it can hand an entry to an operator and do nothing else.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{ActionKind, CommitSha, Digest, Owner, count};
use crate::policy::LoopLimits;

use super::order::{ends_with_the_head, makes_a_head};
use super::packet::{Change, Entry, Progress, RepairPacket};

/// What is known of the heads before.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// The newest packet of an earlier head, or of this one.
    pub previous: Option<RepairPacket>,
    /// Heads the pull request had so far, this one included, where the forge says it.
    pub heads: Option<u64>,
}

/// Where the repair stands as a whole.
pub(super) struct Standing {
    pub attempt: u64,
    pub progress: Progress,
    pub change: Option<Change>,
}

/// Counts, compares, and hands to an operator what stood too long. `blockers` are those of all entries, the ones that
/// found no place included.
pub(super) fn apply(
    entries: &mut [Entry],
    blockers: &BTreeSet<Digest>,
    history: &History,
    head: &CommitSha,
    limits: &LoopLimits,
) -> Standing {
    let previous = history.previous.as_ref();
    let again = previous.is_some_and(|packet| packet.target_sha == *head);
    count_heads(entries, previous, again);
    let attempt = attempt(history, again);
    let exhausted = attempt >= limits.max_heads;
    let mut asked = false;
    let may_be_asked = |entry: &&mut Entry| {
        entry.enforced && entry.owner != Owner::Operator && entry.action.kind != ActionKind::None
    };
    for entry in entries.iter_mut().filter(may_be_asked) {
        let stood = entry.attempts >= limits.max_attempts;
        if stood || exhausted {
            ask_operator(entry, if stood { None } else { Some(attempt) });
            asked |= stood;
        }
    }
    let change = match previous {
        Some(packet) if again => packet.change,
        Some(packet) if packet.omitted == 0 => Some(compare(packet, blockers)),
        _ => None,
    };
    let progress = match (previous, change) {
        (Some(packet), _) if again => packet.progress,
        (None, _) if history.heads == Some(1) => Progress::First,
        (None, _) | (Some(_), None) => Progress::Unknown,
        _ if blockers.is_empty() => Progress::Progress,
        (_, Some(Change::Fewer | Change::Different)) if !asked => Progress::Progress,
        _ => Progress::NoProgress,
    };
    Standing { attempt, progress, change }
}

/// Heads so far. Of two sources the larger counts: one that says too little must not keep the loop going.
fn attempt(history: &History, again: bool) -> u64 {
    let told = history.previous.as_ref().map(|packet| packet.attempt.saturating_add(u64::from(!again)));
    told.into_iter().chain(history.heads).max().unwrap_or(1).max(1)
}

fn count_heads(entries: &mut [Entry], previous: Option<&RepairPacket>, again: bool) {
    let before: BTreeMap<&Digest, &Entry> = previous
        .iter()
        .flat_map(|packet| packet.entries.iter())
        .map(|entry| (&entry.blocker_key, entry))
        .collect();
    let pushes = entries.iter().any(|entry| entry.enforced && makes_a_head(entry));
    for entry in entries.iter_mut() {
        // While a push is still to be made, what it would undo is not due: a review of this head would be for nothing.
        let due = u64::from(!(pushes && ends_with_the_head(entry)));
        entry.attempts = due;
        let Some(before) = before.get(&entry.blocker_key) else { continue };
        // What is due on this head was tried on it, whatever an earlier packet says.
        (entry.heads_seen, entry.attempts) = if again {
            (before.heads_seen.max(1), before.attempts.max(due))
        } else {
            (before.heads_seen.saturating_add(1), before.attempts.saturating_add(due))
        };
    }
}

/// Hands an entry to an operator, with what was tried. Words and numbers are ours; nothing is taken from the memory
/// but how often.
fn ask_operator(entry: &mut Entry, all_heads: Option<u64>) {
    let tried = entry.action.kind.as_str();
    let stood = match all_heads {
        None => format!(
            "it stood on {}, and `{tried}` was asked for on {} without ending it",
            count(entry.heads_seen, "head"),
            count(entry.attempts, "head")
        ),
        Some(heads) => {
            format!("the pull request had {}, and `{tried}` is still to be done", count(heads, "head"))
        }
    };
    entry.owner = Owner::Operator;
    entry.action.kind = ActionKind::AskOperator;
    entry.action.summary = format!(
        "{stood}: look at it yourself, then mend it, change the policy at the base, or close the pull request"
    );
    entry.action.command = Vec::new();
}

fn compare(previous: &RepairPacket, now: &BTreeSet<Digest>) -> Change {
    let before: BTreeSet<Digest> = previous.entries.iter().map(|entry| entry.blocker_key.clone()).collect();
    match (before.is_subset(now), now.is_subset(&before)) {
        (true, true) => Change::Same,
        (true, false) => Change::More,
        (false, true) => Change::Fewer,
        (false, false) => Change::Different,
    }
}
