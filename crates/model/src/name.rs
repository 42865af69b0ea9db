//! Names and numbers that identify things: repositories, pull requests, runs, artifacts, evidence, gates.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text::sanitize;

/// Why a text cannot be the name it was meant to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error(
        "`{0}` is not an id: use letters, digits, `.`, `_` and `-`, at most 100, starting with a letter or digit"
    )]
    Id(String),
    #[error("`{0}` is not a repository: write `owner/name`")]
    Repo(String),
    #[error("an artifact name is 1 to 1024 bytes long")]
    Artifact,
    #[error("`{0}` is not a number above zero")]
    Number(String),
}

macro_rules! text_newtype {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(with = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                let check: fn(&str) -> Result<(), NameError> = $check;
                check(text).map(|()| Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

fn check_id(text: &str) -> Result<(), NameError> {
    let starts_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    let all_fit = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    if starts_well && all_fit && text.len() <= 100 { Ok(()) } else { Err(NameError::Id(sanitize(text, 120))) }
}

text_newtype!(
    /// The id of one declared piece of evidence.
    EvidenceId,
    check_id
);
text_newtype!(
    /// The id of one gate.
    GateId,
    check_id
);
text_newtype!(
    /// An artifact's name. The server takes nearly anything (LIVE section 4), so it is never used as a path
    /// and is sanitized wherever it is shown.
    ArtifactName,
    |text| if (1..=1024).contains(&text.len()) { Ok(()) } else { Err(NameError::Artifact) }
);
text_newtype!(
    /// A repository as `owner/name`.
    RepoSlug,
    |text| {
        let part = |part: &str| {
            !part.is_empty()
                && part != "."
                && part != ".."
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
        };
        match text.split_once('/') {
            Some((owner, name)) if part(owner) && part(name) && text.len() <= 200 => Ok(()),
            _ => Err(NameError::Repo(sanitize(text, 120))),
        }
    }
);

impl RepoSlug {
    /// The part before the slash.
    pub fn owner(&self) -> &str {
        self.0.split_once('/').map_or("", |(owner, _)| owner)
    }

    /// The part after the slash.
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, name)| name)
    }
}

macro_rules! number_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "u64", into = "u64")]
        #[schemars(with = "u64", extend("minimum" = 1))]
        pub struct $name(u64);

        impl $name {
            /// The number.
            pub fn get(self) -> u64 {
                self.0
            }
        }

        impl TryFrom<u64> for $name {
            type Error = NameError;

            fn try_from(number: u64) -> Result<Self, NameError> {
                if number == 0 { Err(NameError::Number("0".to_owned())) } else { Ok(Self(number)) }
            }
        }

        impl From<$name> for u64 {
            fn from(number: $name) -> Self {
                number.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                text.parse::<u64>()
                    .map_err(|_| NameError::Number(sanitize(text, 40)))
                    .and_then(Self::try_from)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number_newtype!(
    /// A pull request's number in its repository.
    PullNumber
);
number_newtype!(
    /// A run's id, unique in the whole server. Not its number (index) in the repository (LIVE section 0).
    RunId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_has_two_plain_parts() {
        let slug: RepoSlug = "acme/widget".parse().unwrap();
        assert_eq!((slug.owner(), slug.name()), ("acme", "widget"));
        for bad in ["acme", "acme/", "/widget", "a/b/c", "../x", "a/..", "a b/c", ""] {
            assert!(bad.parse::<RepoSlug>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn ids_stay_plain() {
        assert!("unit-tests.v2".parse::<GateId>().is_ok());
        for bad in ["", "-x", "a b", "é", "a/b", &"x".repeat(101)] {
            assert!(bad.parse::<EvidenceId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn zero_numbers_nothing() {
        assert!("0".parse::<PullNumber>().is_err());
        assert!("-1".parse::<RunId>().is_err());
        assert_eq!("46".parse::<RunId>().unwrap().get(), 46);
    }
}
