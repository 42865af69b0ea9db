//! Which lines of which jobs differ between two versions of a workflow file. By text alone: jobs are told apart by
//! their indentation, expressions are left as they stand, and what cannot be told apart counts as outside the jobs.

use std::collections::BTreeMap;

/// A stretch of lines that is not the same in both versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineChange {
    /// The job's id; `None` outside the jobs. Untrusted text.
    pub job: Option<String>,
    /// First and last line at the base, counted from 1; `None` where lines were only added.
    pub base: Option<(usize, usize)>,
    /// The same at the head; `None` where lines were only taken away.
    pub head: Option<(usize, usize)>,
    /// The lines at the head. Untrusted text.
    pub text: Vec<String>,
}

/// A job's lines with the number of the first.
type Block<'t> = (usize, Vec<&'t str>);

/// Compares two versions, by job; a file that is not there is empty.
pub fn line_changes(base: &str, head: &str) -> Vec<LineChange> {
    let (before, after) = (blocks(base), blocks(head));
    let mut ids: Vec<&Option<String>> = before.keys().chain(after.keys()).collect();
    ids.sort();
    ids.dedup();
    let none: Block<'_> = (1, Vec::new());
    ids.into_iter()
        .filter_map(|id| {
            let old = before.get(id).unwrap_or(&none);
            let new = after.get(id).unwrap_or(&none);
            change(id.as_ref(), old, new)
        })
        .collect()
}

/// What lies between the lines that both begin with and the lines that both end with.
fn change(job: Option<&String>, old: &Block<'_>, new: &Block<'_>) -> Option<LineChange> {
    let same = |pair: &(&&str, &&str)| pair.0.trim_end() == pair.1.trim_end();
    let start = old.1.iter().zip(&new.1).take_while(same).count();
    let most = old.1.len().min(new.1.len()) - start;
    let end = old.1.iter().rev().zip(new.1.iter().rev()).take(most).take_while(same).count();
    let range = |block: &Block<'_>| {
        let last = block.1.len() - end;
        (last > start).then(|| (block.0 + start, block.0 + last - 1))
    };
    let (base, head) = (range(old), range(new));
    if base.is_none() && head.is_none() {
        return None;
    }
    let text = new.1.iter().take(new.1.len() - end).skip(start).map(|line| (*line).to_owned()).collect();
    Some(LineChange { job: job.cloned(), base, head, text })
}

/// The lines of each job under `jobs:`, and all before it under no name.
fn blocks(text: &str) -> BTreeMap<Option<String>, Block<'_>> {
    let mut blocks: BTreeMap<Option<String>, Block<'_>> = BTreeMap::new();
    let mut current: Option<String> = None;
    let mut inside = false;
    let mut indent: Option<usize> = None;
    for (number, line) in text.lines().enumerate() {
        let bare = line.trim_start();
        let depth = line.len() - bare.len();
        let speaks = !bare.is_empty() && !bare.starts_with('#');
        if speaks && depth == 0 {
            inside = bare.starts_with("jobs:");
            current = None;
        } else if speaks && inside {
            let of_jobs = *indent.get_or_insert(depth);
            if depth == of_jobs
                && let Some((id, _)) = bare.split_once(':')
            {
                current = Some(id.trim_matches(['"', '\'', ' ']).to_owned());
            }
        }
        blocks.entry(current.clone()).or_insert((number + 1, Vec::new())).1.push(line);
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "on: push\njobs:\n  unit:\n    steps:\n      - run: make test\n      - run: make report\n  lint:\n    steps:\n      - run: make lint\n";

    #[test]
    fn the_lines_of_the_job_that_changed_are_named() {
        let head = BASE.replace("make test", "true");
        let found = line_changes(BASE, &head);
        assert_eq!(
            found,
            [LineChange {
                job: Some("unit".to_owned()),
                base: Some((5, 5)),
                head: Some((5, 5)),
                text: vec!["      - run: true".to_owned()],
            }]
        );
        assert_eq!(line_changes(BASE, BASE), []);
    }

    #[test]
    fn jobs_that_come_and_go_are_whole() {
        let head = BASE.replace("  lint:", "  other:");
        let found = line_changes(BASE, &head);
        assert_eq!(found.len(), 2);
        assert_eq!(
            (&found[0].job, found[0].base, found[0].head),
            (&Some("lint".to_owned()), Some((7, 9)), None)
        );
        assert_eq!(
            (&found[1].job, found[1].base, found[1].head),
            (&Some("other".to_owned()), None, Some((7, 9)))
        );
    }

    #[test]
    fn what_is_outside_the_jobs_has_no_job() {
        let found = line_changes(BASE, &BASE.replace("on: push", "on: workflow_dispatch"));
        assert_eq!((found.len(), &found[0].job, found[0].head), (1, &None, Some((1, 1))));
        assert_eq!(line_changes("", BASE).len(), 3);
        assert_eq!(line_changes(BASE, "").iter().filter(|one| one.head.is_none()).count(), 3);
    }

    proptest::proptest! {
        /// Nothing is missed: two texts whose lines differ always show a change, and no text makes it panic.
        #[test]
        fn a_difference_is_always_shown(base in "[a-z:# \n]{0,60}", head in "[a-z:# \n]{0,60}") {
            let lines = |text: &str| -> Vec<String> { text.lines().map(|line| line.trim_end().to_owned()).collect() };
            let order = |text: &str| { let mut all = lines(text); all.sort(); all };
            if order(&base) != order(&head) {
                proptest::prop_assert!(!line_changes(&base, &head).is_empty());
            }
        }
    }
}
