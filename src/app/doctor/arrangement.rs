//! Which arrangement of docs/hardening.md the branch's required contexts show, and the next step that would harden it.
//! A required context names the event of the job that must succeed; that says where the gate stands.

use serde::Serialize;

use super::diagnosis::{Protection, Surroundings};

/// One of the arrangements of docs/hardening.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Arrangement {
    pub name: &'static str,
    /// What would harden it, in the imperative.
    pub next_step: &'static str,
}

const UNSEEN: Arrangement = Arrangement {
    name: "unknown",
    next_step: "ask with a token that may read the branch, so that its required contexts are seen",
};
const NONE: Arrangement = Arrangement {
    name: "none",
    next_step: "protect the branch and require the gate's context, spelled out, event included",
};
const IN_THE_RUN: Arrangement = Arrangement {
    name: "gate in the run",
    next_step: "let the gate stand on the base, as in examples/from-the-base, so that no change can edit it",
};
const IN_THE_RUN_BEFORE_V16: Arrangement = Arrangement {
    name: "gate in the run",
    next_step: "upgrade to v16 to let the gate stand on the base; before, only a public repository's can read the head's artifacts",
};
const ON_THE_BASE: Arrangement = Arrangement {
    name: "gate on the base",
    next_step: "let those you do not trust work from forks, whose tokens post no status, and give the gate a runner of its own",
};
const ON_THE_BASE_FROM_A_FORK: Arrangement = Arrangement {
    name: "gate on the base, this pull request from a fork",
    next_step: "give the gate a runner of its own, and keep accounts that push branches to the repository to people",
};

/// What is found. `reads_other_runs` is whether the server shows a job the artifacts of other runs.
pub fn find(protection: &Protection, surroundings: &Surroundings, reads_other_runs: bool) -> Arrangement {
    let contexts = match protection {
        Protection::Unknown(_) => return UNSEEN,
        Protection::Known { is_protected: false, .. } => return NONE,
        Protection::Known { required_contexts, .. } => required_contexts.as_deref().unwrap_or_default(),
    };
    let of = |event: &str| contexts.iter().any(|context| context.ends_with(&format!("({event})")));
    if of("pull_request_target") {
        return if surroundings.is_fork() { ON_THE_BASE_FROM_A_FORK } else { ON_THE_BASE };
    }
    match (contexts.is_empty(), reads_other_runs) {
        (true, _) => NONE,
        (false, true) => IN_THE_RUN,
        (false, false) => IN_THE_RUN_BEFORE_V16,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Fork;

    fn requiring(contexts: &[&str]) -> Protection {
        Protection::Known {
            branch: "main".to_owned(),
            is_protected: true,
            required_approvals: 0,
            required_contexts: Some(contexts.iter().map(|one| (*one).to_owned()).collect()),
        }
    }

    #[test]
    fn the_required_context_says_where_the_gate_stands() {
        let plain = Surroundings::default();
        let fork = Surroundings { fork: Some(Fork::Yes), ..Surroundings::default() };
        let base = requiring(&["ci / unit (pull_request)", "gate / gate (pull_request_target)"]);
        assert_eq!(find(&base, &plain, true), ON_THE_BASE);
        assert_eq!(find(&base, &fork, true), ON_THE_BASE_FROM_A_FORK);
        assert_eq!(find(&requiring(&["ci / gate (pull_request)"]), &plain, true), IN_THE_RUN);
        assert_eq!(find(&requiring(&["ci / gate (pull_request)"]), &plain, false), IN_THE_RUN_BEFORE_V16);
        assert_eq!(find(&requiring(&[]), &plain, true), NONE);
        assert_eq!(find(&Protection::Unknown("403".to_owned()), &plain, true), UNSEEN);
    }
}
