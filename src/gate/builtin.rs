//! The gates every judgement has beside the policy's own: that there is a policy, and that something was judged.

use crate::model::{Code, GateId, Outcome};

use crate::policy::RESERVED_GATE_IDS;

use super::result::{Blocker, GateResult};

/// Where the policy that judged came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyOrigin {
    /// A file that the caller named or the repository has.
    File,
    /// The embedded one, because there is none.
    Embedded,
}

/// Asks for a person where the repository has no policy: the embedded one's best verdict is `needs_human`.
pub fn policy_gate(origin: PolicyOrigin) -> Option<GateResult> {
    match origin {
        PolicyOrigin::File => None,
        PolicyOrigin::Embedded => Some(builtin(
            "policy",
            Outcome::NeedsHuman,
            "no policy file",
            "a policy the repository agreed on",
            vec![Blocker::new(
                Code::PolicyNone,
                "policy",
                "there is no policy, so the embedded one judged what it recognised",
            )],
        )),
    }
}

/// Says that nothing was judged, where no enforced gate came to an outcome of its own.
pub fn no_gates(results: &[GateResult]) -> Option<GateResult> {
    let built_in = |result: &GateResult| RESERVED_GATE_IDS.contains(&result.id.as_str());
    let judged = results
        .iter()
        .any(|result| result.enforced && !built_in(result) && result.outcome != Outcome::Skipped);
    if judged {
        return None;
    }
    let reason = if results.iter().all(built_in) {
        "there is no gate".to_owned()
    } else {
        "every enforced gate was skipped, or none is enforced".to_owned()
    };
    Some(builtin(
        "gates",
        Outcome::Unmeasured,
        "nothing was judged",
        "at least one enforced gate that judges",
        vec![Blocker::new(Code::PolicyNoGates, "gates", reason)],
    ))
}

pub(super) fn builtin(
    id: &str,
    outcome: Outcome,
    observed: &str,
    threshold: &str,
    blockers: Vec<Blocker>,
) -> GateResult {
    GateResult {
        threshold: threshold.to_owned(),
        ..GateResult::plain(builtin_id(id), "builtin", outcome, observed.to_owned(), blockers)
    }
}

#[expect(
    clippy::expect_used,
    reason = "the built-in ids are literals that the id's rule accepts; a test says so"
)]
fn builtin_id(id: &str) -> GateId {
    id.parse().expect("a built-in gate id is a gate id")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_ids_are_reserved_gate_ids() {
        for id in RESERVED_GATE_IDS {
            assert_eq!(builtin_id(id).as_str(), *id);
        }
        assert!(policy_gate(PolicyOrigin::Embedded).is_some() && policy_gate(PolicyOrigin::File).is_none());
    }

    #[test]
    fn only_the_missing_policy_is_not_a_judgement() {
        let only_policy: Vec<_> = policy_gate(PolicyOrigin::Embedded).into_iter().collect();
        let said = no_gates(&only_policy).unwrap();
        assert_eq!((said.outcome, said.blockers[0].code), (Outcome::Unmeasured, Code::PolicyNoGates));
    }
}
