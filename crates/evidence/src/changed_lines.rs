//! The lines a change adds or alters, read from what `git diff -z`-like tools print as a patch.
//! A cut or strange patch is refused: a line that is not seen would not be asked for.

use std::collections::{BTreeMap, BTreeSet};

use super::limits::Limits;

/// By path at the head: the numbers of lines that the change adds or alters.
/// A file that only lost lines is there with none.
pub type ChangedLines = BTreeMap<String, BTreeSet<u32>>;

/// Why a patch could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    #[error("line {line} of the patch is not what `git diff` writes: {what}")]
    Malformed { line: u64, what: &'static str },
    #[error("the patch changes more than {0} lines")]
    TooLarge(u64),
}

/// Reads a patch as `git diff --unified=0` prints it (any other context works as well), bytes for bytes: paths may
/// be quoted with octal escapes (`core.quotePath`), files renamed, copied, deleted or binary, last lines without
/// an end. Deleted files are left out.
///
/// # Errors
/// [`PatchError`]: a hunk that is cut off or counts otherwise than it says, a text that is no patch,
/// or more than `Limits::coverage_lines` changed lines.
pub fn changed_lines(patch: &[u8], limits: &Limits) -> Result<ChangedLines, PatchError> {
    let mut reader = Patch { changed: ChangedLines::new(), path: None, hunk: None, lines: 0, at: 0 };
    let body = patch.strip_suffix(b"\n").unwrap_or(patch);
    if body.is_empty() {
        return Ok(reader.changed);
    }
    for line in body.split(|byte| *byte == b'\n') {
        reader.at += 1;
        reader.line(line)?;
        if reader.lines > limits.coverage_lines {
            return Err(PatchError::TooLarge(limits.coverage_lines));
        }
    }
    if reader.hunk.is_some() {
        return Err(reader.malformed("it ends inside a hunk"));
    }
    Ok(reader.changed)
}

/// What is left of a hunk.
#[derive(Debug, Clone, Copy)]
struct Hunk {
    next: u32,
    old_left: u32,
    new_left: u32,
}

struct Patch {
    changed: ChangedLines,
    /// The file at the head that hunks belong to; `None` before a file's header, and for deleted files.
    path: Option<String>,
    hunk: Option<Hunk>,
    lines: u64,
    at: u64,
}

impl Patch {
    fn malformed(&self, what: &'static str) -> PatchError {
        PatchError::Malformed { line: self.at, what }
    }

    fn line(&mut self, line: &[u8]) -> Result<(), PatchError> {
        if line.starts_with(b"\\ ") {
            return Ok(());
        }
        match self.hunk {
            Some(hunk) => self.hunk_line(line, hunk),
            None => self.header(line),
        }
    }

    /// A line inside a hunk: only the hunk's own counts say where it ends, whatever the line looks like.
    fn hunk_line(&mut self, line: &[u8], mut hunk: Hunk) -> Result<(), PatchError> {
        let (old, new, added) = match line.first() {
            Some(b'+') => (0, 1, true),
            Some(b'-') => (1, 0, false),
            // Some mailers take the blank off an empty line of context.
            Some(b' ') | None => (1, 1, false),
            Some(_) => return Err(self.malformed("a hunk is cut off")),
        };
        let left = hunk.old_left.checked_sub(old).zip(hunk.new_left.checked_sub(new));
        let Some((old_left, new_left)) = left else {
            return Err(self.malformed("a hunk has more lines than it says"));
        };
        if added && let Some(path) = &self.path {
            self.changed.entry(path.clone()).or_default().insert(hunk.next);
            self.lines += 1;
        }
        hunk = Hunk { next: hunk.next.saturating_add(new), old_left, new_left };
        self.hunk = (old_left > 0 || new_left > 0).then_some(hunk);
        Ok(())
    }

    fn header(&mut self, line: &[u8]) -> Result<(), PatchError> {
        if let Some(rest) = line.strip_prefix(b"diff --git ") {
            self.path = None;
            // Names in this line cannot be told apart where they have blanks; for a file without hunks it is all
            // there is, unless it was renamed.
            if let Some(path) = same_name_twice(rest) {
                self.path = Some(path);
            }
            return Ok(());
        }
        if line.starts_with(b"diff --cc ") || line.starts_with(b"diff --combined ") {
            return Err(self.malformed("it is a merge's combined diff"));
        }
        if line.starts_with(b"deleted file mode ") {
            self.path = None;
        } else if let Some(name) = line.strip_prefix(b"rename to ").or(line.strip_prefix(b"copy to ")) {
            self.begin(Some(unquoted(name).ok_or_else(|| self.malformed("a name is badly quoted"))?));
        } else if let Some(name) = line.strip_prefix(b"+++ ") {
            let name = unquoted(name).ok_or_else(|| self.malformed("a name is badly quoted"))?;
            // `/dev/null` is no file; without prefixes (`--no-prefix`) the whole name is the path.
            let path = (name != "/dev/null").then(|| name.strip_prefix("b/").unwrap_or(&name).to_owned());
            self.begin(path);
        } else if line.starts_with(b"Binary files ") || line.starts_with(b"GIT binary patch") {
            let path = self.path.take();
            self.begin(path);
        } else if let Some(rest) = line.strip_prefix(b"@@ -") {
            let hunk = hunk_header(rest).ok_or_else(|| self.malformed("a hunk's header is broken"))?;
            self.hunk = (hunk.old_left > 0 || hunk.new_left > 0).then_some(hunk);
        } else if matches!(line, [b'+' | b' ', ..] | [b'@', b'@', b'@', ..]) || is_stray_minus(line) {
            return Err(self.malformed("a line stands outside of any hunk"));
        } else if self.at == 1 {
            return Err(self.malformed("it does not begin with a file"));
        }
        Ok(())
    }

    /// Goes on with a file, which is part of the change even where no line of it is.
    fn begin(&mut self, path: Option<String>) {
        if let Some(path) = &path {
            self.changed.entry(path.clone()).or_default();
        }
        self.path = path;
    }
}

fn is_stray_minus(line: &[u8]) -> bool {
    line.starts_with(b"-") && !line.starts_with(b"--- ")
}

/// `a/NAME b/NAME` where both are one name.
fn same_name_twice(names: &[u8]) -> Option<String> {
    let half = names.len().checked_sub(1)? / 2;
    let (a, b) = (names.get(..half)?, names.get(half + 1..)?);
    let (a, b) = (unquoted(a)?, unquoted(b)?);
    let (a, b) = (a.strip_prefix("a/")?, b.strip_prefix("b/")?);
    (a == b).then(|| b.to_owned())
}

/// `1,2 +3,4 @@ …`: a count left out is 1.
fn hunk_header(rest: &[u8]) -> Option<Hunk> {
    let text = String::from_utf8_lossy(rest);
    let (ranges, _) = text.split_once(" @@")?;
    let (old, new) = ranges.split_once(" +")?;
    let range = |text: &str| -> Option<(u32, u32)> {
        let (start, count) = text.split_once(',').unwrap_or((text, "1"));
        Some((start.parse().ok()?, count.parse().ok()?))
    };
    let ((_, old_left), (next, new_left)) = (range(old)?, range(new)?);
    Some(Hunk { next, old_left, new_left })
}

/// A name as git writes it: in quotes with C's escapes where it has special bytes, else plain, with a tab behind it
/// where it has blanks. A name that is no UTF-8 keeps marks where it is not.
fn unquoted(name: &[u8]) -> Option<String> {
    let name = name.strip_suffix(b"\t").unwrap_or(name);
    let Some(inner) = name.strip_prefix(b"\"") else {
        return Some(String::from_utf8_lossy(name).into_owned());
    };
    let inner = inner.strip_suffix(b"\"")?;
    let mut out = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        out.push(match bytes.next()? {
            b'a' => 7,
            b'b' => 8,
            b't' => b'\t',
            b'n' => b'\n',
            b'v' => 11,
            b'f' => 12,
            b'r' => b'\r',
            first @ b'0'..=b'3' => {
                let digit = |byte: u8| (b'0'..=b'7').contains(&byte).then(|| byte - b'0');
                digit(first)? * 64 + digit(bytes.next()?)? * 8 + digit(bytes.next()?)?
            }
            other @ (b'"' | b'\\') => other,
            _ => return None,
        });
    }
    Some(String::from_utf8_lossy(&out).into_owned())
}

/// The paths in `git diff --name-only -z` or `git ls-files -z`: each ended by a zero byte, none quoted.
///
/// # Errors
/// [`PatchError::Malformed`] for a list whose last name has no end, or an empty name.
pub fn zero_ended_paths(list: &[u8]) -> Result<BTreeSet<String>, PatchError> {
    let Some(body) = list.strip_suffix(&[0]) else {
        let malformed = PatchError::Malformed { line: 1, what: "the list of names is cut off" };
        return if list.is_empty() { Ok(BTreeSet::new()) } else { Err(malformed) };
    };
    let names = body.split(|byte| *byte == 0);
    names
        .map(|name| match name {
            [] => Err(PatchError::Malformed { line: 1, what: "a name is empty" }),
            name => Ok(String::from_utf8_lossy(name).into_owned()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(patch: &str) -> Result<ChangedLines, PatchError> {
        changed_lines(patch.as_bytes(), &Limits::default())
    }

    fn expected(files: &[(&str, &[u32])]) -> ChangedLines {
        files.iter().map(|(path, lines)| ((*path).to_owned(), lines.iter().copied().collect())).collect()
    }

    #[test]
    fn what_git_prints_is_read() {
        let patch = include_bytes!("../../../tests/fixtures/git/unified0.patch");
        let changed = changed_lines(patch, &Limits::default()).unwrap();
        // Among them a line `++ b/fake`, which git shows as `+++ b/fake`.
        let files = expected(&[
            ("a.txt", &[2, 3, 5]),
            ("bin", &[]),
            ("fresh.rs", &[1]),
            ("new name.rs", &[6]),
            ("we\"ird\ttab.txt", &[2]),
            ("zażółć gęś.py", &[2]),
        ]);
        assert_eq!(changed, files);
    }

    #[test]
    fn context_and_carriage_returns_do_no_harm() {
        let patch = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,3 +1,4 @@ fn f()\n a\r\n+b\r\n\n c\n";
        assert_eq!(read(patch), Ok(expected(&[("x", &[2])])));
        let plain = "diff --git x x\n--- x\n+++ x\n@@ -0,0 +1 @@\n+a\n";
        assert_eq!(read(plain), Ok(expected(&[("x", &[1])])));
        assert_eq!(read(""), Ok(ChangedLines::new()));
    }

    #[test]
    fn a_patch_that_hides_lines_is_refused() {
        let start = "diff --git a/x b/x\n--- a/x\n+++ b/x\n";
        for rest in [
            "@@ -1 +1,2 @@\n-a\n+b\n",
            "@@ -1 +1 @@\n-a\n+b\n+c\n",
            "@@ -0,0 +1 @@\n+a\n b\n",
            "@@ -1 @@\n-a\n",
            "@@ -1 +1,x @@\n-a\n",
            "@@ -1,2 +1,2 @@\n-a\ndiff --git a/y b/y\n",
            "@@@ -1 -1 +1 @@@\n  a\n",
            "--- a/y\n+++ \"b/y\n",
        ] {
            assert!(matches!(read(&format!("{start}{rest}")), Err(PatchError::Malformed { .. })), "{rest}");
        }
        for text in ["<html>", "diff --cc x\n"] {
            assert!(matches!(read(text), Err(PatchError::Malformed { .. })), "{text}");
        }
        let few = Limits { coverage_lines: 1, ..Limits::default() };
        let two = format!("{start}@@ -0,0 +1,2 @@\n+a\n+b\n");
        assert_eq!(changed_lines(two.as_bytes(), &few), Err(PatchError::TooLarge(1)));
    }

    #[test]
    fn zero_ended_names_are_never_quoted() {
        let names = zero_ended_paths("src/app/zażółć.py\0a b\nc\0".as_bytes()).unwrap();
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["a b\nc", "src/app/zażółć.py"]);
        assert_eq!(zero_ended_paths(b""), Ok(BTreeSet::new()));
        for list in [&b"a"[..], b"a\0\0", b"a\0b"] {
            assert!(zero_ended_paths(list).is_err(), "{list:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(
            lines in proptest::collection::vec("([-+ ]|@@ -[0-2](,[0-2])? [+][0-2](,[0-2])? @@|[+]{3} b/x|diff --git a/x b/x).{0,3}", 0..12),
            bytes in proptest::collection::vec(any::<u8>(), 0..64),
        ) {
            let _ = read(&lines.join("\n"));
            let _ = changed_lines(&bytes, &Limits::default());
        }
    }
}
