//! Repair packets that ended at the operator: the loop could not close by itself.

use crate::model::{ActionKind, Owner};
use crate::repair::RepairPacket;

use super::signal::{Signal, SignalKind, SignalSource};

/// One signal per entry that only the operator can end. They are counted under gate and code, so that the same
/// friction on several changes is seen as one; `name` is what the reader knows the packet by.
pub fn packet(packet: &RepairPacket, name: &str) -> Vec<Signal> {
    let ended = packet
        .entries
        .iter()
        .filter(|entry| entry.owner == Owner::Operator || entry.action.kind == ActionKind::None);
    ended
        .map(|entry| {
            let repo = packet.repo.as_ref().map(|repo| format!(" in {repo}")).unwrap_or_default();
            let subject = format!(
                "gate {} ends at the operator with {}{repo}",
                entry.source.gate,
                entry.source.code.as_str()
            );
            let head = packet.target_sha.short();
            let place = match (&packet.repo, packet.pull_request) {
                (Some(repo), Some(pull)) => format!("{repo}#{pull} at {head}"),
                _ => format!("{name} at {head}"),
            };
            Signal::new(SignalKind::Friction, SignalSource::RepairPacket, &subject, &place)
                .detailed(&entry.reason)
        })
        .collect()
}
