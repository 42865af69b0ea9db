//! The one place where gate outcomes become a verdict, and a verdict an exit code (DESIGN section 3).

use crate::gate::GateResult;
use crate::model::{Outcome, Verdict};

/// The exit code of a `pass`.
pub const EXIT_PASS: u8 = 0;
/// The exit code of `needs_human`.
pub const EXIT_NEEDS_HUMAN: u8 = 10;
/// The exit code of `blocked`.
pub const EXIT_BLOCKED: u8 = 11;
/// The exit code of `unmeasured`.
pub const EXIT_UNMEASURED: u8 = 12;

/// The verdict over all enforced gates: refused before unseen before a person, and `pass` last of all.
pub fn decide(results: &[GateResult]) -> Verdict {
    let any = |outcome| results.iter().any(|result| result.enforced && result.outcome == outcome);
    if any(Outcome::Fail) {
        Verdict::Blocked
    } else if any(Outcome::Unmeasured) {
        Verdict::Unmeasured
    } else if any(Outcome::NeedsHuman) {
        Verdict::NeedsHuman
    } else if any(Outcome::Pass) {
        Verdict::Pass
    } else {
        Verdict::Unmeasured
    }
}

/// `replay`: what was judged again differs from what was recorded.
pub const EXIT_DIFFERENT: u8 = 13;

/// The exit code of a verdict.
pub fn exit_code(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::NeedsHuman => EXIT_NEEDS_HUMAN,
        Verdict::Blocked => EXIT_BLOCKED,
        Verdict::Unmeasured => EXIT_UNMEASURED,
        Verdict::Pass => EXIT_PASS,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn result(outcome: Outcome, enforced: bool) -> GateResult {
        let id = "g".parse().unwrap();
        GateResult { enforced, ..GateResult::plain(id, "tests", outcome, String::new(), Vec::new()) }
    }

    #[test]
    fn nothing_judged_is_never_a_pass() {
        assert_eq!(decide(&[]), Verdict::Unmeasured);
        assert_eq!(decide(&[result(Outcome::Skipped, true)]), Verdict::Unmeasured);
        assert_eq!(decide(&[result(Outcome::Pass, false)]), Verdict::Unmeasured);
    }

    fn outcome() -> impl Strategy<Value = Outcome> {
        prop_oneof![
            Just(Outcome::Fail),
            Just(Outcome::Unmeasured),
            Just(Outcome::NeedsHuman),
            Just(Outcome::Pass),
            Just(Outcome::Skipped)
        ]
    }

    proptest! {
        #[test]
        fn a_pass_needs_a_pass_and_nothing_worse(outcomes in proptest::collection::vec((outcome(), any::<bool>()), 0..8)) {
            let results: Vec<_> = outcomes.iter().map(|(outcome, enforced)| result(*outcome, *enforced)).collect();
            let enforced: Vec<_> = outcomes.iter().filter(|(_, enforced)| *enforced).map(|(outcome, _)| *outcome).collect();
            let clean = enforced.contains(&Outcome::Pass)
                && enforced.iter().all(|outcome| matches!(outcome, Outcome::Pass | Outcome::Skipped));
            prop_assert_eq!(decide(&results) == Verdict::Pass, clean);
            prop_assert_eq!(exit_code(decide(&results)) == EXIT_PASS, clean);
        }

        #[test]
        fn order_does_not_matter(outcomes in proptest::collection::vec(outcome(), 0..8)) {
            let forward: Vec<_> = outcomes.iter().map(|outcome| result(*outcome, true)).collect();
            let backward: Vec<_> = forward.iter().rev().cloned().collect();
            prop_assert_eq!(decide(&forward), decide(&backward));
        }
    }
}
