//! A full commit id. Short, upper-case and all-zero ids bind nothing and are refused by name.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A full commit id: 40 (SHA-1) or 64 (SHA-256) lower-case hexadecimal digits, not all zero.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("pattern" = "^([0-9a-f]{40}|[0-9a-f]{64})$"))]
pub struct CommitSha(String);

/// Why a text is no full commit id. All are the caller's to mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitShaError {
    #[error("`{0}` is not a commit id: it has a character that is no hexadecimal digit")]
    NotHex(String),
    #[error("`{0}` is not a full commit id: it has {1} digits instead of 40 or 64")]
    Length(String, usize),
    #[error("`{0}` is not a commit id as git writes it: upper-case digits")]
    UpperCase(String),
    #[error("`{0}` is the zero id, which names no commit")]
    Zero(String),
}

impl CommitSha {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first twelve digits, for people; never for comparing.
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

impl FromStr for CommitSha {
    type Err = CommitShaError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shown = || super::text::sanitize(text, 80);
        if !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(CommitShaError::NotHex(shown()));
        }
        if text.len() != 40 && text.len() != 64 {
            return Err(CommitShaError::Length(shown(), text.len()));
        }
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(CommitShaError::UpperCase(shown()));
        }
        if text.bytes().all(|b| b == b'0') {
            return Err(CommitShaError::Zero(shown()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for CommitSha {
    type Error = CommitShaError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<CommitSha> for String {
    fn from(sha: CommitSha) -> Self {
        sha.0
    }
}

impl fmt::Display for CommitSha {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for CommitSha {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CommitSha({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_full_lower_case_ids_are_commits() {
        let full = "1f3c".repeat(10);
        assert_eq!(full.parse::<CommitSha>().unwrap().as_str(), full);
        assert!("ab".repeat(32).parse::<CommitSha>().is_ok());
        let err = |text: &str| text.parse::<CommitSha>().unwrap_err();
        assert!(matches!(err("1f3c9ab"), CommitShaError::Length(_, 7)));
        assert!(matches!(err(""), CommitShaError::Length(_, 0)));
        assert!(matches!(err(&"0".repeat(40)), CommitShaError::Zero(_)));
        assert!(matches!(err(&"1F3C".repeat(10)), CommitShaError::UpperCase(_)));
        assert!(matches!(err("HEAD"), CommitShaError::NotHex(_)));
    }
}
