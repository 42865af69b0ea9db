//! A path inside an artifact or a repository: relative, forward slashes, nothing that climbs or hides.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text::sanitize;

/// A relative path of plain components, separated by `/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct RelPath(String);

/// Why a text cannot be a path inside an artifact.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RelPathError {
    #[error("the path is empty")]
    Empty,
    #[error("`{0}` is longer than {MAX_BYTES} bytes")]
    TooLong(String),
    #[error("`{0}` is an absolute path")]
    Absolute(String),
    #[error("`{0}` leaves its folder")]
    Climbs(String),
    #[error("`{0}` has a backslash or a control character")]
    Character(String),
}

const MAX_BYTES: usize = 1024;

impl RelPath {
    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last component.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

impl FromStr for RelPath {
    type Err = RelPathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shown = || sanitize(text, 120);
        if text.is_empty() {
            return Err(RelPathError::Empty);
        }
        if text.len() > MAX_BYTES {
            return Err(RelPathError::TooLong(shown()));
        }
        let drive = matches!(text.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic());
        if text.starts_with('/') || drive {
            return Err(RelPathError::Absolute(shown()));
        }
        let hostile = text.bytes().any(|byte| byte == b'\\' || byte.is_ascii_control());
        if hostile || (!text.is_ascii() && text.chars().any(char::is_control)) {
            return Err(RelPathError::Character(shown()));
        }
        if text.split('/').all(|part| !matches!(part, "" | "." | "..")) {
            return Ok(Self(text.to_owned()));
        }
        let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        if parts.contains(&"..") {
            return Err(RelPathError::Climbs(shown()));
        }
        if parts.is_empty() {
            return Err(RelPathError::Empty);
        }
        Ok(Self(parts.join("/")))
    }
}

impl TryFrom<String> for RelPath {
    type Error = RelPathError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<RelPath> for String {
    fn from(path: RelPath) -> Self {
        path.0
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside() {
        assert_eq!("./a//b/c.xml".parse::<RelPath>().unwrap().as_str(), "a/b/c.xml");
        assert!(matches!("../x".parse::<RelPath>(), Err(RelPathError::Climbs(_))));
        assert!(matches!("a/../../x".parse::<RelPath>(), Err(RelPathError::Climbs(_))));
        assert!(matches!("/etc/passwd".parse::<RelPath>(), Err(RelPathError::Absolute(_))));
        assert!(matches!("C:/x".parse::<RelPath>(), Err(RelPathError::Absolute(_))));
        assert!(matches!("a\\b".parse::<RelPath>(), Err(RelPathError::Character(_))));
        assert!(matches!("a\0b".parse::<RelPath>(), Err(RelPathError::Character(_))));
        assert!(matches!("./".parse::<RelPath>(), Err(RelPathError::Empty)));
    }

    proptest::proptest! {
        #[test]
        fn a_path_is_its_parts(text in "[a./é\u{85}]{0,12}") {
            let parts: Vec<&str> = text.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
            let refused = text.starts_with('/')
                || parts.is_empty()
                || parts.contains(&"..")
                || text.contains('\u{85}');
            let read = text.parse::<RelPath>().ok().map(String::from);
            proptest::prop_assert_eq!(read, (!refused).then(|| parts.join("/")));
        }
    }
}
