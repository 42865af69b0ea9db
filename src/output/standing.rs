//! Where a repair stands over several heads, as one line for people.

use std::fmt::Write as _;

use crate::model::count;
use crate::repair::{Change, RepairPacket};

/// `head 3: progress, fewer blockers than on the head before`; `None` where this is the only head known.
pub fn standing(packet: &RepairPacket) -> Option<String> {
    if packet.attempt < 2 || packet.entries.is_empty() {
        return None;
    }
    let mut out = format!("head {}: {}", packet.attempt, packet.progress.as_str().replace('_', " "));
    out.push_str(match packet.change {
        Some(Change::Fewer) => ", fewer blockers than on the head before",
        Some(Change::Same) => ", the same blockers as on the head before",
        Some(Change::More) => ", more blockers than on the head before",
        Some(Change::Different) => ", other blockers than on the head before",
        None => "",
    });
    let longest = packet.entries.iter().map(|entry| entry.heads_seen).max().unwrap_or(1);
    if longest > 1 {
        let _ = write!(out, "; one blocker stands on {}", count(longest, "head"));
    }
    Some(out)
}
