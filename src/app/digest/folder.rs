//! A folder of downloads: `[WEEK/][OWNER/NAME/][RUN/]ARTIFACT`, an artifact being a folder, a `.zip` or a single report.
//! What a level does not say is unnamed: the week is then the digest's own. Links are never followed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use globset::GlobSet;

use super::super::folder::open_path;
use crate::digest::{IsoWeek, Row, RunFacts, RunReading, UNNAMED, Why, Window, limits};
use crate::error::Failure;
use crate::model::{RepoSlug, sanitize};

/// A run of the folder: when, whose, which.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct RunOf {
    week: IsoWeek,
    repo: String,
    run: Option<u64>,
}

/// Reads the artifacts of the window.
///
/// # Errors
/// Exit 2 where the folder cannot be listed.
pub fn read(folder: &Path, window: Window, wanted: &GlobSet) -> Result<BTreeSet<Row>, Failure> {
    let mut runs: BTreeMap<RunOf, Vec<(String, PathBuf)>> = BTreeMap::new();
    for entry in list(folder)? {
        match entry.name.parse::<IsoWeek>() {
            Ok(week) if entry.is_folder => repositories(&entry.path, week, &mut runs)?,
            _ => {}
        }
    }
    repositories(folder, window.week(), &mut runs)?;
    let limits = limits();
    let mut rows = BTreeSet::new();
    for (run, artifacts) in runs {
        if !window.weeks().contains(&run.week) {
            continue;
        }
        // A week that the window only touches begins where the window does.
        let facts = RunFacts {
            repo: run.repo,
            run: run.run,
            number: None,
            at: run.week.start().max(window.since),
            event: String::new(),
            workflow: String::new(),
            status: String::new(),
            head: None,
            pull: None,
        };
        let mut reading = RunReading::new(&facts);
        for (name, path) in artifacts.iter().filter(|(name, _)| wanted.is_match(name)) {
            if fs::symlink_metadata(path).is_ok_and(|kind| kind.is_symlink()) {
                reading.unread(Some(name), None, Why::Malformed, "it is a link, and links are not followed");
                continue;
            }
            match open_path(path, &limits) {
                Ok(mut source) => reading.artifact(name, source.as_mut(), &limits),
                Err(error) => reading.unread(Some(name), None, Why::Malformed, &error.to_string()),
            }
        }
        rows.extend(reading.finish());
    }
    Ok(rows)
}

struct Listed {
    name: String,
    path: PathBuf,
    /// And no link to one.
    is_folder: bool,
}

/// What lies in a folder, by name; hidden entries left out.
fn list(folder: &Path) -> Result<Vec<Listed>, Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::usage("no digest was made")
            .caused_by(format!("the folder `{}` could not be listed", folder.display()))
            .caused_by(error)
    };
    let mut listed = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_folder = entry.file_type().map_err(unreadable)?.is_dir();
        if !name.starts_with('.') {
            listed.push(Listed { name, path: entry.path(), is_folder });
        }
    }
    listed.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(listed)
}

type Runs = BTreeMap<RunOf, Vec<(String, PathBuf)>>;

/// Sorts what lies in a folder of one week.
fn repositories(folder: &Path, week: IsoWeek, runs: &mut Runs) -> Result<(), Failure> {
    let unnamed = RunOf { week, repo: UNNAMED.to_owned(), run: None };
    for entry in list(folder)? {
        if entry.is_folder && entry.name.parse::<IsoWeek>().is_ok() {
            continue;
        }
        let names = if entry.is_folder { names_of(&entry)? } else { Vec::new() };
        if names.is_empty() {
            place(&entry, &unnamed, runs)?;
        }
        for (repo, folder) in names {
            let run = RunOf { repo, ..unnamed.clone() };
            for entry in list(&folder)? {
                place(&entry, &run, runs)?;
            }
        }
    }
    Ok(())
}

/// The repositories of an owner's folder: sub-folders that hold folders of runs. None where it is something else.
fn names_of(owner: &Listed) -> Result<Vec<(String, PathBuf)>, Failure> {
    let mut names = Vec::new();
    for name in list(&owner.path)?.into_iter().filter(|entry| entry.is_folder) {
        let Ok(slug) = format!("{}/{}", owner.name, name.name).parse::<RepoSlug>() else { continue };
        if run_of(&name).is_none() && list(&name.path)?.iter().any(|entry| run_of(entry).is_some()) {
            names.push((slug.to_string(), name.path));
        }
    }
    Ok(names)
}

/// A folder called by a number holds the artifacts of that run.
fn run_of(entry: &Listed) -> Option<u64> {
    let digits = entry.is_folder && entry.name.bytes().all(|b| b.is_ascii_digit());
    if digits { entry.name.parse().ok() } else { None }
}

fn place(entry: &Listed, run: &RunOf, runs: &mut Runs) -> Result<(), Failure> {
    if let Some(number) = run_of(entry) {
        let run = RunOf { run: Some(number), ..run.clone() };
        for artifact in list(&entry.path)? {
            add(&artifact, run.clone(), runs);
        }
        return Ok(());
    }
    add(entry, run.clone(), runs);
    Ok(())
}

fn add(entry: &Listed, run: RunOf, runs: &mut Runs) {
    let stem = entry.name.strip_suffix(".zip").filter(|stem| !stem.is_empty() && !entry.is_folder);
    let name = sanitize(stem.unwrap_or(&entry.name), 200);
    runs.entry(run).or_default().push((name, entry.path.clone()));
}
