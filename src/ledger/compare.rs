//! A ledger against an earlier one of the same repository: what only their difference can show.

use crate::model::sanitize;
use crate::policy::Problem;

use super::gap::Ledger;

/// What went wrong between `before` and `after`: ids that vanished or were given to something else, and
/// statuses that cannot follow each other. `base` is what both grew from, where that is known: an id that is not in it
/// and means another gap on each side was given twice.
pub fn against(before: &Ledger, after: &Ledger, base: Option<&Ledger>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for old in &before.gaps {
        let Some(new) = after.gap(&old.id) else {
            problems.push(problem(
                0,
                format!("gap `{}` (`{}`) is gone: ids are never reused", old.id, sanitize(&old.title, 80)),
                "put it back and set it to `declined`, naming why in `closed_by`",
            ));
            continue;
        };
        if base.is_some_and(|base| base.gap(&old.id).is_none()) && new.title != old.title {
            let (theirs, ours) = (sanitize(&old.title, 80), sanitize(&new.title, 80));
            problems.push(problem(
                new.line,
                format!(
                    "gap `{}` is `{theirs}` there and `{ours}` here: two branches added a gap at once",
                    old.id
                ),
                "`patchwarden gaps renumber --onto` that branch gives yours the next id",
            ));
            continue;
        }
        if (&new.opened, new.source) != (&old.opened, old.source) {
            problems.push(problem(
                new.line,
                format!("gap `{}` was opened {} as `{}`, and now says {} and `{}`: an id is never reused, and where a gap came from does not change",
                    old.id, old.opened, old.source.as_str(), new.opened, new.source.as_str()),
                "restore `opened` and `source`, and give a new gap a new id",
            ));
        }
        if !old.status.may_become(new.status) {
            problems.push(problem(
                new.line,
                format!("gap `{}` went from `{}` to `{}`", old.id, old.status.as_str(), new.status.as_str()),
                "a closed gap can only become `open` again",
            ));
        }
    }
    problems
}

fn problem(line: u64, message: String, hint: &str) -> Problem {
    Problem { line, key: "gap".to_owned(), message, hint: Some(hint.to_owned()) }
}
