//! Reverts, by what git itself writes into their messages. A revert of a revert brings the change back and is none.

use super::signal::{Signal, SignalKind, SignalSource};

/// A commit, or a merged pull request, as far as it can be a revert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Where it was seen: its id, or `owner/name#4`.
    pub place: String,
    /// `YYYY-MM-DD`
    pub day: Option<String>,
    /// Untrusted text.
    pub subject: String,
    /// Untrusted text.
    pub body: String,
}

/// The reverts among these, each counted under what it took back. Where git knows a revert, the pull request that
/// brought it is the same one.
pub fn reverts(of_git: &[Commit], of_forge: &[Commit]) -> Vec<Signal> {
    let mut found: Vec<Signal> = of_git.iter().filter_map(revert).collect();
    let known: Vec<_> = found.iter().map(Signal::group).collect();
    found.extend(of_forge.iter().filter_map(revert).filter(|signal| !known.contains(&signal.group())));
    found
}

fn revert(commit: &Commit) -> Option<Signal> {
    let subject = commit.subject.trim();
    let taken_back = match subject.strip_prefix("Revert \"") {
        Some(rest) if rest.starts_with("Revert \"") => return None,
        Some(rest) => rest.strip_suffix('"').unwrap_or(rest).to_owned(),
        None => {
            let id = commit.body.split("This reverts commit ").nth(1)?;
            let id: String = id.chars().take_while(char::is_ascii_hexdigit).collect();
            (id.len() >= 7).then(|| format!("commit {}", id.get(..12).unwrap_or(&id)))?
        }
    };
    let signal = Signal::new(SignalKind::Incident, SignalSource::Revert, &taken_back, &commit.place);
    Some(signal.on(commit.day.clone()).detailed(subject))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(subject: &str, body: &str) -> Commit {
        Commit { place: "1f3c9ab2".to_owned(), day: None, subject: subject.to_owned(), body: body.to_owned() }
    }

    #[test]
    fn a_revert_is_known_by_what_git_writes() {
        let subjects = |one: Commit| reverts(&[one], &[]).into_iter().map(|s| s.subject).collect::<Vec<_>>();
        assert_eq!(subjects(commit("Revert \"Add a cache\"", "")), ["Add a cache"]);
        let by_body =
            commit("Take the cache out", "This reverts commit 1f3c9ab200112233445566778899aabbccddeeff.");
        assert_eq!(subjects(by_body), ["commit 1f3c9ab20011"]);
        assert!(
            subjects(commit("Revert \"Revert \"Add a cache\"\"", "This reverts commit 1f3c9ab2.")).is_empty()
        );
        assert!(subjects(commit("Revert the lights", "This reverts commit nothing")).is_empty());
    }

    #[test]
    fn the_pull_request_of_a_known_revert_is_not_a_second_one() {
        let (git, forge) =
            (commit("Revert \"a\"", ""), [commit("Revert \"A\"", ""), commit("Revert \"b\"", "")]);
        let found: Vec<_> = reverts(&[git], &forge).into_iter().map(|s| s.subject).collect();
        assert_eq!(found, ["a", "b"]);
    }
}
