//! The path filters of one event in a workflow file: whether they leave a change out as a whole.
//! A pattern whose meaning is not certain leaves nothing out.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::workflow_file::WorkflowFileError;
use crate::model::sanitize;

/// The filters of one event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PathFilters {
    paths: Option<Vec<String>>,
    paths_ignore: Option<Vec<String>>,
}

impl PathFilters {
    /// Reads the filters of an event; `None` where the workflow does not listen to it.
    ///
    /// # Errors
    /// [`WorkflowFileError`] where the text is no workflow.
    pub fn of_event(text: &str, event: &str) -> Result<Option<Self>, WorkflowFileError> {
        let wire: WireWorkflow = serde_saphyr::from_str(text)
            .map_err(|error| WorkflowFileError::new(&sanitize(&error.to_string(), 200)))?;
        Ok(match wire.on {
            Some(WireOn::One(one)) => (one == event).then(Self::default),
            Some(WireOn::Many(many)) => many.iter().any(|one| one == event).then(Self::default),
            Some(WireOn::Filtered(mut events)) => events.remove(event).map(|filters| match filters {
                Some(WireFilters::Paths { paths, paths_ignore }) => Self { paths, paths_ignore },
                Some(WireFilters::Other(_)) | None => Self::default(),
            }),
            None => None,
        })
    }

    /// Why a change of these paths starts no run, where that is certain.
    pub fn leave_out(&self, changed: &[&str]) -> Option<String> {
        if changed.is_empty() {
            return None;
        }
        let matching = |patterns: &[String]| {
            let globs: Option<Vec<globset::GlobMatcher>> = patterns.iter().map(|one| matcher(one)).collect();
            globs.map(|globs| {
                let fits = |path: &&&str| globs.iter().any(|glob| glob.is_match(path));
                changed.iter().filter(fits).count()
            })
        };
        if let Some(paths) = &self.paths
            && matching(paths) == Some(0)
        {
            return Some("`paths` of the base's workflow names none of the changed files".to_owned());
        }
        if let Some(ignored) = &self.paths_ignore
            && matching(ignored) == Some(changed.len())
        {
            return Some("`paths-ignore` of the base's workflow names every changed file".to_owned());
        }
        None
    }
}

/// Only what every reader of such patterns reads alike: `*` and `**`. A `?` is one character to some and an optional
/// one to others.
fn matcher(pattern: &str) -> Option<globset::GlobMatcher> {
    if pattern.contains(['!', '+', '[', ']', '{', '}', '\\', '(', ')', '@', '$', '?']) {
        return None;
    }
    let glob = globset::GlobBuilder::new(pattern).literal_separator(true).build().ok()?;
    Some(glob.compile_matcher())
}

/// Foreign.
#[derive(Deserialize)]
struct WireWorkflow {
    on: Option<WireOn>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum WireOn {
    One(String),
    Many(Vec<String>),
    Filtered(BTreeMap<String, Option<WireFilters>>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum WireFilters {
    Paths {
        paths: Option<Vec<String>>,
        #[serde(rename = "paths-ignore")]
        paths_ignore: Option<Vec<String>>,
    },
    Other(serde::de::IgnoredAny),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left_out(filters: &str, changed: &[&str]) -> bool {
        let text = format!("on:\n  pull_request:\n{filters}\njobs: {{}}\n");
        PathFilters::of_event(&text, "pull_request").unwrap().unwrap().leave_out(changed).is_some()
    }

    #[test]
    fn only_a_change_that_is_left_out_as_a_whole_starts_nothing() {
        let docs = "    paths-ignore: ['docs/**', '*.md']";
        assert!(left_out(docs, &["docs/a/b.txt", "README.md"]));
        assert!(!left_out(docs, &["docs/a.md", "src/main.rs"]));
        assert!(!left_out(docs, &["src/README.md"]), "a star stays in its folder");
        assert!(left_out("    paths: [src/**]", &["docs/a.md"]));
        assert!(!left_out("    paths: [src/**]", &["docs/a.md", "src/a.rs"]));
        assert!(!left_out("    branches: [main]", &["docs/a.md"]));
        assert!(!left_out(docs, &[]), "what is not known is not left out");
    }

    #[test]
    fn what_is_not_certain_leaves_nothing_out() {
        assert!(!left_out("    paths: ['src/**', '!src/x']", &["docs/a.md"]));
        assert!(!left_out("    paths-ignore: ['**/[a-z]?']", &["docs/a.md"]));
    }

    #[test]
    fn an_event_that_is_not_listened_to_has_no_filters() {
        assert_eq!(PathFilters::of_event("on: push\njobs: {}\n", "pull_request").unwrap(), None);
        assert!(PathFilters::of_event("on: [push, pull_request]\n", "pull_request").unwrap().is_some());
        assert!(PathFilters::of_event("- a", "push").is_err());
    }
}
