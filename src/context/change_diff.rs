//! A change written as one unified diff from the files of its two ends, the same way whoever asks.
//! Two changes written here can be compared by [`mod@super::patch_id`]: modes count, and so does every byte.

use std::fmt::Write as _;

use similar::TextDiff;

/// A file that differs between the two ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// Untrusted text.
    pub path: String,
    /// `None` where it is not there.
    pub old: Option<Side>,
    pub new: Option<Side>,
}

/// A file at one end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// Git's mode, such as `100644`.
    pub mode: String,
    /// Git's id of the content.
    pub id: String,
    /// `None` where it is no text, or too long to compare line by line: then the id stands for it.
    pub text: Option<String>,
}

/// Longer texts are compared as a whole: a diff of lines takes time by the square of them.
const MAX_LINES: usize = 5000;

/// The change as a diff. Paths are escaped and lines prefixed, so nothing in them can look like a header.
pub fn unified(changes: &[FileChange]) -> String {
    let mut out = String::new();
    for FileChange { path, old, new } in changes {
        let mode = |side: &Option<Side>| side.as_ref().map_or("none", |side| &side.mode).to_owned();
        let _ = writeln!(out, "diff --git {path:?} {path:?}");
        let _ = writeln!(out, "mode {:?} {:?}", mode(old), mode(new));
        let (before, after) = (text(old.as_ref()), text(new.as_ref()));
        if let (Some(before), Some(after)) = (before, after) {
            let diff = TextDiff::from_lines(before, after);
            let _ = write!(out, "{}", diff.unified_diff().context_radius(3));
            out.push('\n');
        } else {
            let id = |side: &Option<Side>| side.as_ref().map_or("none", |side| &side.id).to_owned();
            let _ = writeln!(out, "content {:?} {:?}", id(old), id(new));
        }
    }
    out
}

/// What can be compared line by line; a file that is not there is an empty one.
fn text(side: Option<&Side>) -> Option<&str> {
    let Some(side) = side else { return Some("") };
    side.text.as_deref().filter(|text| text.lines().count() <= MAX_LINES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::patch_id;

    fn side(mode: &str, text: &str) -> Side {
        Side { mode: mode.to_owned(), id: format!("id of {text}"), text: Some(text.to_owned()) }
    }

    fn change(path: &str, old: &str, new: &str) -> FileChange {
        FileChange { path: path.to_owned(), old: Some(side("100644", old)), new: Some(side("100644", new)) }
    }

    fn id(changes: &[FileChange]) -> Option<crate::model::Digest> {
        patch_id(&unified(changes))
    }

    #[test]
    fn a_change_keeps_its_id_when_lines_far_away_moved() {
        let (old, new) = ("1\n2\n3\n4\n5\n6\n", "1\n2\n3\n4\n5\nsix\n");
        let rebased = change("f", &format!("0\n{old}"), &format!("0\n{new}"));
        assert_eq!(id(&[change("f", old, new)]), id(&[rebased]));
        assert_ne!(id(&[change("f", old, new)]), id(&[change("f", old, "1\n2\n3\n4\n5\nsix \n")]));
        assert_ne!(id(&[change("f", old, new)]), id(&[change("g", old, new)]));
        assert_eq!(id(&[]), None);
    }

    #[test]
    fn a_mode_and_a_content_that_is_no_text_count() {
        let plain = change("f", "a\n", "a\n");
        let executable = FileChange { new: Some(side("100755", "a\n")), ..plain.clone() };
        assert_ne!(id(&[plain]), id(&[executable]));
        let binary = |id: &str| FileChange {
            new: Some(Side { mode: "100644".to_owned(), id: id.to_owned(), text: None }),
            ..change("f", "a", "b")
        };
        assert_ne!(id(&[binary("1")]), id(&[binary("2")]));
        let long = |last: &str| change("f", "a\n", &format!("{}{last}", "x\n".repeat(MAX_LINES + 1)));
        assert_ne!(id(&[long("1")]), id(&[long("2")]));
    }

    #[test]
    fn nothing_in_a_file_looks_like_a_header() {
        let one = change("f", "", "a\ndiff --git \"g\" \"g\"\nmode \"none\" \"100644\"\n+b\n");
        let two = [change("f", "", "a\n"), FileChange { old: None, ..change("g", "", "b\n") }];
        assert_ne!(id(&[one]), id(&two));
        let named = change("f\" \"f\"\n+evil\ndiff --git \"g", "", "a\n");
        assert_eq!(unified(&[named]).lines().filter(|line| line.starts_with("diff --git ")).count(), 1);
    }
}
