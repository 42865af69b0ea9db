//! Entries that differ in their gate alone, joined: one report that is missing under sixty gates reads as one thing
//! to do. Only for people; the packet keeps one entry per blocker.

use crate::model::cut_list;
use crate::repair::Entry;

/// Gates and keys named before the rest is counted.
const NAMED: usize = 4;

/// Entries that ask for the same, the first of them standing for all. Never empty.
#[derive(Debug)]
pub struct Alike<'a> {
    pub first: &'a Entry,
    others: Vec<&'a Entry>,
}

/// Joins what is alike, in the order of the first of each.
pub fn join(entries: &[Entry]) -> Vec<Alike<'_>> {
    let mut joined: Vec<Alike<'_>> = Vec::new();
    for entry in entries {
        match joined.iter_mut().find(|group| same(group.first, entry)) {
            Some(group) => group.others.push(entry),
            None => joined.push(Alike { first: entry, others: Vec::new() }),
        }
    }
    joined
}

fn same(one: &Entry, other: &Entry) -> bool {
    one.source.code == other.source.code
        && one.source.subject == other.source.subject
        && one.reason == other.reason
        && one.enforced == other.enforced
        && one.owner == other.owner
        && one.action == other.action
        && one.acceptance.head == other.acceptance.head
        && one.untrusted == other.untrusted
}

impl<'a> Alike<'a> {
    fn all(&self) -> impl Iterator<Item = &'a Entry> {
        std::iter::once(self.first).chain(self.others.iter().copied())
    }

    /// Whether it stands for more than one entry.
    pub fn several(&self) -> bool {
        !self.others.is_empty()
    }

    /// ``gate `unit` ``, or ``gates `a`, `b` and 3 others``.
    pub fn gates(&self) -> String {
        let names: Vec<String> = self.all().map(|entry| format!("`{}`", entry.source.gate)).collect();
        format!("{} {}", if self.several() { "gates" } else { "gate" }, cut_list(&names, NAMED))
    }

    /// `entry 1f3c9ab2`, or `entries 1f3c9ab2, 9d8c7b6a and 3 others`; `mark` stands around each key.
    pub fn keys(&self, mark: &str) -> String {
        let keys: Vec<String> =
            self.all().map(|entry| format!("{mark}{}{mark}", entry.key.short())).collect();
        format!("{} {}", if self.several() { "entries" } else { "entry" }, cut_list(&keys, NAMED))
    }
}
