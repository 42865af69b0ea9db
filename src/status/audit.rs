//! Audits in the status: what got through breaks the layer of the gates and asks for a person; what an audit could not
//! read is not seen.

use crate::audit::{Audit, Finding, Rule};
use crate::model::{count, sanitize};

use super::build::SHOWN;
use super::document::{Layer, LayerState, NextAction, NotSeen};

/// Next actions of one status that come from audits.
const ACTIONS: usize = 20;

/// What got through, as against what could not be read.
fn got_through(audit: &Audit) -> impl Iterator<Item = &Finding> {
    audit.findings.iter().filter(|one| one.rule != Rule::Unread)
}

/// Lets the layer of the gates rest on the audit, too.
pub fn add(layers: &mut [Layer], audit: &Audit) {
    let Some(layer) = layers.iter_mut().find(|layer| layer.name == "gates") else { return };
    let found = got_through(audit).count();
    if audit.merged == 0 {
        return;
    }
    if layer.state == LayerState::NotSeen {
        layer.supports.clear();
        layer.state = LayerState::Good;
    }
    if found == 0 {
        let unread = if audit.findings.is_empty() { "" } else { ", as far as it could be read" };
        let merged = count(audit.merged, "merged pull request");
        layer.supports.push(format!("{}: nothing got through in {merged}{unread}", audit.repo));
        if !audit.findings.is_empty() {
            layer.state = layer.state.max(LayerState::Attention);
        }
        return;
    }
    layer.state = LayerState::Broken;
    for one in got_through(audit).take(SHOWN) {
        layer.supports.push(format!("{}: {} ({})", one.place(&audit.repo), one.message, one.rule.as_str()));
    }
    if found > SHOWN {
        layer.supports.push(format!("and {}", count((found - SHOWN) as u64, "other finding")));
    }
}

/// What an audit could not read.
pub fn unread(audit: &Audit) -> Vec<NotSeen> {
    let unread = audit.findings.iter().filter(|one| one.rule == Rule::Unread);
    let what = |one: &Finding| format!("{} of merged {}", one.subject, one.place(&audit.repo));
    unread.map(|one| NotSeen::new(what(one), sanitize(&one.message, 300))).collect()
}

/// What a person does about what got through.
pub fn next_actions(audits: &[Audit]) -> Vec<NextAction> {
    let found = audits.iter().flat_map(|audit| got_through(audit).map(move |one| (audit, one)));
    let action = |(audit, one): (&Audit, &Finding)| NextAction {
        what: one.rule.next_action().to_owned(),
        because: format!("{}: {}", one.place(&audit.repo), one.message),
    };
    found.take(ACTIONS).map(action).collect()
}
