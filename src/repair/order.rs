//! The order in which doing one entry never undoes one before, the entry that comes next, and the packet's bound.
//! Nothing here looks at memory, so the same blockers are always kept and ordered alike.

use crate::model::{ActionKind, Code, Owner};

use super::packet::{AcceptanceHead, Entry};

/// The most a packet may be, as it is written.
pub const MAX_BYTES: usize = 64 * 1024;
/// What is not entries: the packet's own fields.
const ENVELOPE: usize = 2 * 1024;
/// What recurrence may add to an entry: longer numbers, and the sentence that asks an operator.
const MEMORY: usize = 640;
/// Quotes and paths an entry keeps where the packet would be too large with all of them.
const QUOTES: usize = 4;
const PATHS: usize = 8;

/// Sorts entries: a new base first, then what makes a new head, then what needs the final head, and people last.
/// Within one rank what the verdict depends on comes first, else the order of the policy's gates stays. That the head
/// moved comes before all: nothing else is worth doing then.
pub(super) fn sort(mut entries: Vec<Entry>) -> Vec<Entry> {
    entries.sort_by_key(|entry| (!says_the_head_moved(entry), rank(entry.action.kind), !entry.enforced));
    entries
}

fn says_the_head_moved(entry: &Entry) -> bool {
    entry.source.code == Code::HeadMoved
}

/// The place of an action. Text of the pull request outlives a push, a review or an approval does not.
fn rank(kind: ActionKind) -> u8 {
    match kind {
        ActionKind::Rebase => 0,
        ActionKind::SplitChange => 1,
        ActionKind::FixFindings
        | ActionKind::FixTests
        | ActionKind::RaiseCoverage
        | ActionKind::FixReviewFindings => 2,
        ActionKind::RunCommand => 3,
        ActionKind::ProduceEvidence => 4,
        ActionKind::AddSection | ActionKind::EditPullRequest => 5,
        ActionKind::PushEmptyCommit => 6,
        ActionKind::RerunWorkflow => 7,
        ActionKind::RedriveReviewLane => 8,
        ActionKind::AskOperator => 9,
        ActionKind::None => 10,
    }
}

/// Whether doing what the entry asks for makes a new head, and with it stales reviews and approvals.
pub(super) fn makes_a_head(entry: &Entry) -> bool {
    entry.acceptance.head == AcceptanceHead::Next
}

/// Whether the next push undoes it.
pub(super) fn ends_with_the_head(entry: &Entry) -> bool {
    matches!(
        entry.action.kind,
        ActionKind::RedriveReviewLane | ActionKind::RerunWorkflow | ActionKind::AskOperator
    ) && !makes_a_head(entry)
}

/// The first entry whose turn it is and that somebody other than an operator can do, else the first there is; of what
/// the verdict depends on. None once the head moved: whatever was done now would be done to a head nobody judged.
pub(super) fn next(entries: &[Entry]) -> Option<&Entry> {
    if entries.iter().any(says_the_head_moved) {
        return None;
    }
    let wanted = || entries.iter().filter(|entry| entry.enforced && entry.action.kind != ActionKind::None);
    let pushes = wanted().any(makes_a_head);
    wanted()
        .find(|entry| entry.owner != Owner::Operator && !(pushes && ends_with_the_head(entry)))
        .or_else(|| wanted().next())
}

/// Keeps what fits: quotes go first, then advisory entries, then the last ones. Order stays.
pub(super) fn bound(entries: Vec<Entry>) -> Vec<Entry> {
    let budget = MAX_BYTES - ENVELOPE;
    let sizes: Vec<usize> = entries.iter().map(size).collect();
    if sizes.iter().sum::<usize>() <= budget {
        return entries;
    }
    let mut used = 0;
    let mut kept: Vec<(usize, Entry)> = Vec::new();
    let (enforced, advisory): (Vec<_>, Vec<_>) =
        entries.into_iter().enumerate().partition(|(_, entry)| entry.enforced);
    for (index, mut entry) in enforced.into_iter().chain(advisory) {
        entry.untrusted.truncate(QUOTES);
        entry.action.paths.truncate(PATHS);
        used += size(&entry);
        if used > budget {
            break;
        }
        kept.push((index, entry));
    }
    kept.sort_by_key(|(index, _)| *index);
    kept.into_iter().map(|(_, entry)| entry).collect()
}

/// Bytes of an entry in the packet, indented as it stands there, with what recurrence may add.
fn size(entry: &Entry) -> usize {
    // Structs of strings, numbers and lists: serializing them cannot fail.
    let text = serde_json::to_string_pretty(entry).unwrap_or_default();
    text.len() + 4 * text.lines().count() + 2 + MEMORY
}
