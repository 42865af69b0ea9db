//! The outcome of one gate and the verdict over all of them (DESIGN section 3).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What one gate found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Measured, and refused; or required evidence is confirmed absent, stale, malformed, empty, for another head.
    Fail,
    /// The tool could not see.
    Unmeasured,
    /// Policy reserves this to a person.
    NeedsHuman,
    /// Measured, and within policy.
    Pass,
    /// Not applicable or waived; always with a written reason.
    Skipped,
}

impl Outcome {
    /// The word used in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Unmeasured => "unmeasured",
            Self::NeedsHuman => "needs_human",
            Self::Pass => "pass",
            Self::Skipped => "skipped",
        }
    }
}

/// What the whole of the gates says about the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everything enforced was measured and is within policy.
    Pass,
    /// Only a person may decide.
    NeedsHuman,
    /// Something was refused.
    Blocked,
    /// Something could not be seen, and nothing was refused.
    Unmeasured,
}

impl Verdict {
    /// The word used in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::NeedsHuman => "needs_human",
            Self::Blocked => "blocked",
            Self::Unmeasured => "unmeasured",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_equal_their_serialized_form() {
        for outcome in
            [Outcome::Fail, Outcome::Unmeasured, Outcome::NeedsHuman, Outcome::Pass, Outcome::Skipped]
        {
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.as_str());
        }
        for verdict in [Verdict::Pass, Verdict::NeedsHuman, Verdict::Blocked, Verdict::Unmeasured] {
            assert_eq!(serde_json::to_value(verdict).unwrap(), verdict.as_str());
        }
    }
}
