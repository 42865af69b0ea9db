//! Where a finding lies: the spellings of reports made into a path of the repository, or refused as one.
//! Folders that a CI runner checks out into are taken off; any other absolute path is no path of the repository.

use std::borrow::Cow;

use crate::model::RelPath;

/// A place as a report gives it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// Relative to the repository.
    pub path: Option<String>,
    /// What the report says, where that is no path of the repository.
    pub stated: Option<String>,
}

impl Place {
    /// From a path as most tools print it: relative to the working folder, or absolute.
    pub fn of_path(text: &str) -> Self {
        let text = text.trim();
        if text.is_empty() {
            return Self::default();
        }
        let slashed =
            if text.contains('\\') { Cow::Owned(text.replace('\\', "/")) } else { Cow::Borrowed(text) };
        let inside = strip_workspace(&slashed).unwrap_or(&slashed);
        // A `RelPath` error costs a message; most paths that fail are plainly absolute.
        let path = if inside.starts_with('/') { None } else { inside.parse::<RelPath>().ok() };
        match path {
            Some(path) => Self { path: Some(path.into()), stated: None },
            None => Self { path: None, stated: Some(text.to_owned()) },
        }
    }

    /// From a URI or URI reference as SARIF has them (3.4.3): percent-encoded, maybe with a scheme.
    pub fn of_uri(uri: &str) -> Self {
        let outside = || Self { path: None, stated: Some(uri.to_owned()) };
        let Some(decoded) = percent_decoded(uri.trim()) else { return outside() };
        let path = match decoded.split_once(':').filter(|(scheme, _)| is_scheme(scheme)) {
            None => &decoded,
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("file") => match rest.strip_prefix("//") {
                // The part up to the next slash is a host, as a rule an empty one.
                Some(rest) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or(""),
                None => rest,
            },
            Some(_) => return outside(),
        };
        let place = Self::of_path(path);
        if place.is_outside() { outside() } else { place }
    }

    /// Whether the report named a place that is no path of the repository.
    pub fn is_outside(&self) -> bool {
        self.stated.is_some()
    }

    /// What stands for the place in a fingerprint.
    pub fn identity(&self) -> &str {
        self.path.as_deref().or(self.stated.as_deref()).unwrap_or("")
    }
}

/// A URI's scheme; one letter is a Windows drive.
fn is_scheme(text: &str) -> bool {
    text.len() > 1
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
}

/// The path below the folder that a runner checks a repository out into: `/workspace/OWNER/REPO` and
/// `…/hostexecutor` of the Forgejo runner (containers, host mode), the fixed ones of GitHub's.
fn strip_workspace(path: &str) -> Option<&str> {
    let below = |rest: &'_ str, folders: usize| -> Option<usize> {
        let at = rest.match_indices('/').nth(folders)?.0;
        Some(path.len() - rest.len() + at + 1)
    };
    let at = if let Some(rest) = path.strip_prefix("/workspace/") {
        below(rest, 1)?
    } else if let Some(rest) = path.strip_prefix("/github/workspace/") {
        path.len() - rest.len()
    } else if let Some(rest) = ["/home/runner/work/", "/__w/"].iter().find_map(|root| path.strip_prefix(root))
    {
        below(rest, 1)?
    } else {
        let host = "/hostexecutor/";
        path.find("/act/").and_then(|_| path.find(host)).map(|at| at + host.len())?
    };
    path.get(at..)
}

/// `None` where the encoding is broken or what it encodes is no UTF-8.
fn percent_decoded(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_become_paths_of_the_repository() {
        for (uri, path) in [
            ("src/a.py", "src/a.py"),
            ("./src//a.py", "src/a.py"),
            (r"src\lib.rs", "src/lib.rs"),
            ("src/b%C5%82%C4%85d%20sk%C5%82adni.py", "src/błąd składni.py"),
            ("file:///workspace/acme/widget/src/a.py", "src/a.py"),
            ("file:///root/.cache/act/0123abcd/hostexecutor/src/a.py", "src/a.py"),
            ("file:///home/runner/work/widget/widget/a.py", "a.py"),
            ("file:///github/workspace/a%23b.py", "a#b.py"),
        ] {
            assert_eq!(Place::of_uri(uri), Place { path: Some(path.into()), stated: None }, "{uri}");
        }
    }

    #[test]
    fn what_lies_outside_is_no_path() {
        for uri in [
            "file:///build/w/a.py",
            "file:///workspace/acme/widget/../../etc/passwd",
            "/etc/passwd",
            "../x",
            "a/%2e%2e/%2e%2e/x",
            "https://example.com/a.py",
            "C:/x/a.cs",
            "file:///D:/a/b/c.cs",
            "%zz",
            "%ff",
            "a%00b",
        ] {
            let place = Place::of_uri(uri);
            assert_eq!(place, Place { path: None, stated: Some(uri.into()) });
        }
        assert_eq!(Place::of_uri(" "), Place::default());
        assert_eq!(Place::of_path("src/100%.py").path.as_deref(), Some("src/100%.py"), "no URI");
    }
}
