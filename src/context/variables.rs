//! The environment as a map, asked by the name without its prefix: Forgejo, Gitea and GitHub spell the same things.
//! The runner sets `FORGEJO_` and `GITHUB_` alike (FORGEJO section 1.1), so two that differ are an error.

use std::collections::BTreeMap;

use super::ContextError;
use crate::model::{Token, sanitize};

/// The variables of the step, by full name.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Variables(BTreeMap<String, String>);

const PREFIXES: [&str; 3] = ["FORGEJO_", "GITEA_", "GITHUB_"];

impl Variables {
    /// From names and values; a later one replaces an earlier of the same name.
    pub fn new<K: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// The value of exactly this name; an empty one is as good as none.
    pub fn exact(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The value of `FORGEJO_<name>`, `GITEA_<name>` or `GITHUB_<name>`, with the full name it was found under.
    ///
    /// # Errors
    /// [`ContextError::Disagree`] where two of them are set and differ.
    pub fn find(&self, name: &str) -> Result<Option<(String, &str)>, ContextError> {
        let mut found: Option<(String, &str)> = None;
        for prefix in PREFIXES {
            let full = format!("{prefix}{name}");
            let Some(value) = self.exact(&full) else { continue };
            match &found {
                Some((first, earlier)) if *earlier != value => {
                    return Err(ContextError::Disagree {
                        what: "variables of one meaning",
                        left: first.clone(),
                        left_value: sanitize(earlier, 120),
                        right: full,
                        right_value: sanitize(value, 120),
                    });
                }
                Some(_) => {}
                None => found = Some((full, value)),
            }
        }
        Ok(found)
    }

    /// As [`Variables::find`], where absence is an error.
    ///
    /// # Errors
    /// [`ContextError::Unset`] besides those of `find`.
    pub fn need(&self, name: &str) -> Result<(String, &str), ContextError> {
        self.find(name)?.ok_or_else(|| ContextError::Unset(format!("GITHUB_{name}")))
    }

    /// The first token set under `TOKEN`: a step may overwrite one prefix and not the other, and no value is shown.
    ///
    /// # Errors
    /// [`ContextError::Token`] where it cannot be one.
    pub fn job_token(&self) -> Result<Option<Token>, ContextError> {
        for prefix in PREFIXES {
            let full = format!("{prefix}TOKEN");
            if let Some(text) = self.exact(&full) {
                return text.parse().map(Some).map_err(|reason| ContextError::Token { name: full, reason });
            }
        }
        Ok(None)
    }

    /// The file the event's payload stands in.
    ///
    /// # Errors
    /// [`ContextError::Disagree`] where two prefixes name different files.
    pub fn event_path(&self) -> Result<Option<&str>, ContextError> {
        Ok(self.find("EVENT_PATH")?.map(|(_, path)| path))
    }
}

impl std::fmt::Debug for Variables {
    /// Names only: values may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_of_the_three_prefixes_will_do() {
        for prefix in PREFIXES {
            let variables = Variables::new([(format!("{prefix}SHA"), "x")]);
            assert_eq!(variables.need("SHA").unwrap().1, "x");
        }
        assert_eq!(
            Variables::new([("GITHUB_SHA", "")]).need("SHA"),
            Err(ContextError::Unset("GITHUB_SHA".to_owned()))
        );
    }

    #[test]
    fn two_that_differ_are_both_named() {
        let variables = Variables::new([("FORGEJO_SHA", "aaa"), ("GITHUB_SHA", "bbb")]);
        let message = variables.find("SHA").unwrap_err().to_string();
        for part in ["FORGEJO_SHA", "aaa", "GITHUB_SHA", "bbb"] {
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn tokens_may_differ_and_are_never_shown() {
        let variables = Variables::new([("FORGEJO_TOKEN", "secret-one"), ("GITHUB_TOKEN", "secret-two")]);
        assert_eq!(variables.job_token().unwrap().unwrap().expose(), "secret-one");
        assert!(!format!("{variables:?}").contains("secret"));
    }
}
