//! Both versions of every workflow file a pull request changes: at the merge base and at the head.

use crate::forge::rest::Repo;
use crate::forge::{both, in_parallel};
use crate::gate::{ChangedPath, ChangedPaths, WorkflowChange, WorkflowText};
use crate::model::{CommitSha, RelPath, sanitize};

use super::await_runs::FOLDERS;
use super::lookups::text_at;

/// More workflow files than this in one change are not compared; the change wants a person anyway.
const MAX_FILES: usize = 20;
/// Files that are asked for at once.
const AT_ONCE: usize = 4;

/// Reads both versions of each workflow file that is among the changed.
pub fn read(
    repo: Repo<'_>,
    changed: &ChangedPaths,
    base: &CommitSha,
    head: &CommitSha,
) -> Vec<WorkflowChange> {
    let ChangedPaths::Known(changed) = changed else { return Vec::new() };
    let touched = changed
        .iter()
        .filter(|file| is_workflow(&file.path) || file.previous.as_deref().is_some_and(is_workflow));
    let touched: Vec<&ChangedPath> = touched.take(MAX_FILES).collect();
    in_parallel(&touched, AT_ONCE, |file| versions(repo, file, base, head))
}

fn is_workflow(path: &str) -> bool {
    let inside =
        FOLDERS.iter().any(|folder| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')));
    inside && [".yml", ".yaml"].iter().any(|end| path.ends_with(end))
}

fn versions(repo: Repo<'_>, file: &ChangedPath, base: &CommitSha, head: &CommitSha) -> WorkflowChange {
    let before = file.previous.as_ref().unwrap_or(&file.path);
    // What lies elsewhere at the head, or under another name, runs no longer.
    let renamed = file.previous.as_ref().is_some_and(|previous| name(previous) != name(&file.path));
    let (at_base, at_head) = both(
        || if is_workflow(before) { text(repo, before, base) } else { WorkflowText::Absent },
        || {
            if !renamed && is_workflow(&file.path) {
                text(repo, &file.path, head)
            } else {
                WorkflowText::Absent
            }
        },
    );
    WorkflowChange { path: before.clone(), base: at_base, head: at_head }
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn text(repo: Repo<'_>, path: &str, at: &CommitSha) -> WorkflowText {
    let Ok(path) = path.parse::<RelPath>() else {
        return WorkflowText::Unreadable(format!("`{}` is no path", sanitize(path, 100)));
    };
    match text_at(repo, &path, at) {
        Ok(Some(text)) => WorkflowText::Present(text),
        Ok(None) => WorkflowText::Absent,
        Err(why) => WorkflowText::Unreadable(why),
    }
}

/// The folder that the change brings and that the server reads in place of the one the base's workflows lie in.
pub fn hidden_by(changed: &ChangedPaths, of_base: Option<&str>) -> Option<&'static str> {
    let ChangedPaths::Known(changed) = changed else { return None };
    let of_base = of_base?;
    let active = FOLDERS.iter().position(|folder| of_base.starts_with(folder))?;
    FOLDERS
        .into_iter()
        .take(active)
        .find(|folder| changed.iter().any(|file| is_workflow(&file.path) && file.path.starts_with(folder)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(path: &str) -> ChangedPaths {
        ChangedPaths::Known(vec![ChangedPath { path: path.to_owned(), previous: None }])
    }

    #[test]
    fn a_folder_that_comes_first_hides_the_others() {
        let github = Some(".github/workflows/ci.yml");
        assert_eq!(hidden_by(&changed(".forgejo/workflows/a.yml"), github), Some(".forgejo/workflows"));
        assert_eq!(hidden_by(&changed(".gitea/workflows/a.yaml"), github), Some(".gitea/workflows"));
        assert_eq!(hidden_by(&changed(".github/workflows/a.yml"), github), None);
        assert_eq!(hidden_by(&changed(".forgejo/workflows/README.md"), github), None);
        let forgejo = Some(".forgejo/workflows/ci.yml");
        assert_eq!(hidden_by(&changed(".github/workflows/a.yml"), forgejo), None);
        assert_eq!(hidden_by(&changed(".forgejo/workflows/a.yml"), None), None);
    }
}
