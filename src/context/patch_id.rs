//! The id of a change's content: equal for a change and its rebase, whatever the lines around it were numbered.
//! Like `git patch-id --stable`, but white space counts: in Python and YAML it is meaning.

use crate::model::Digest;

/// The patch id of a unified diff as `git diff` and the forge write it.
///
/// Per file: its header without blob ids, and every hunk's lines without the hunk's line numbers; then the files'
/// digests, sorted, so that the order of files does not matter. `None` where the diff is empty, is no diff, or changes
/// a binary file without carrying its content: none of these binds anything.
pub fn patch_id(diff: &str) -> Option<Digest> {
    let mut files: Vec<String> = Vec::new();
    let mut current: Option<String> = None;
    for line in diff.split('\n') {
        if line.starts_with("diff --git ") {
            files.extend(current.replace(format!("{line}\n")));
            continue;
        }
        if line.starts_with("Binary files ") {
            return None;
        }
        // Text before the first file is a mail's or a commit's, no part of the change.
        let Some(file) = &mut current else { continue };
        let numbering = line.starts_with("index ") || line.starts_with("similarity index ");
        if line.starts_with("@@") {
            file.push_str("@@\n");
        } else if !numbering {
            file.push_str(line);
            file.push('\n');
        }
    }
    files.extend(current);
    if files.is_empty() {
        return None;
    }
    let mut digests: Vec<Digest> = files.iter().map(|file| Digest::of(file.trim_end_matches('\n'))).collect();
    digests.sort();
    let parts: Vec<&str> = digests.iter().map(Digest::as_str).collect();
    Some(Digest::of_parts(&parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture(name: &str) -> String {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/patch-id");
        std::fs::read_to_string(format!("{folder}/{name}")).unwrap()
    }

    #[test]
    fn a_rebased_commit_keeps_its_id() {
        let before = patch_id(&fixture("before-rebase.diff")).unwrap();
        assert_eq!(patch_id(&fixture("after-rebase.diff")).unwrap(), before);
        assert_ne!(fixture("before-rebase.diff"), fixture("after-rebase.diff"));
        assert_ne!(patch_id(&fixture("amended.diff")).unwrap(), before);
    }

    #[test]
    fn white_space_is_content_and_file_order_is_not() {
        let file = |name: &str, line: &str| {
            format!(
                "diff --git a/{name} b/{name}\nindex 1..2\n--- a/{name}\n+++ b/{name}\n@@ -1 +1 @@\n-x\n+{line}\n"
            )
        };
        let (a, b) = (file("a", "  y"), file("b", "z"));
        assert_eq!(patch_id(&format!("{a}{b}")), patch_id(&format!("{b}{a}")));
        assert_ne!(patch_id(&a), patch_id(&file("a", "y")));
    }

    #[test]
    fn what_shows_no_content_binds_nothing() {
        assert_eq!(patch_id(""), None);
        assert_eq!(patch_id("no diff at all"), None);
        assert_eq!(patch_id(&fixture("binary.diff")), None);
    }
}
