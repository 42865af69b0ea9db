//! `patchwarden gaps add|set|list|show|import|check|renumber`: the gap ledger of a repository.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::error::{EXIT_OUTPUT, EXIT_POLICY, EXIT_USAGE, Failure};
use crate::ledger::{
    self, Addition, Candidate, Change, EditError, Imported, Ledger, Severity, Source, Status,
};
use crate::model::{Timestamp, count, sanitize};
use crate::policy::Problem;
use crate::sink;

use super::{Ended, OutputForm, clock, git, give, read_named};

/// New gaps of one import; more than that is no list anybody works through.
const MAX_IMPORTED: usize = 500;

/// The settings of `gaps`.
#[derive(Debug)]
pub struct Request {
    /// The ledger.
    pub file: PathBuf,
    /// The day of an edit.
    pub now: Option<Timestamp>,
    pub act: Act,
}

/// What to do with it.
#[derive(Debug)]
pub enum Act {
    Add(Box<Addition>),
    Set { id: String, change: Box<Change> },
    List { status: Vec<Status>, open: bool, form: OutputForm },
    Show { id: String, form: OutputForm },
    Import { files: Vec<PathBuf>, kind: Option<ImportKind>, area: String, owner: String },
    Check { against: Option<String>, form: OutputForm },
    Renumber { onto: String },
}

/// What an imported file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportKind {
    Markdown,
    Sarif,
    Packet,
}

/// Does it.
///
/// # Errors
/// Exit 3 where the ledger has problems, exit 2 where what is asked for cannot be done with it.
pub fn run(request: &Request) -> Ended {
    let Request { file, now, act } = request;
    let today = || clock(*now).day();
    match act {
        Act::Add(addition) => add(file, addition, &today()),
        Act::Set { id, change } => set(file, id, change, &today()),
        Act::List { status, open, form } => list(file, status, *open, *form),
        Act::Show { id, form } => show(file, id, *form),
        Act::Import { files, kind, area, owner } => import(file, files, *kind, area, owner, &today()),
        Act::Check { against, form } => check(file, against.as_deref(), *form),
        Act::Renumber { onto } => renumber(file, onto),
    }
}

/// Reads a ledger.
///
/// # Errors
/// Exit 2 where it is not there, exit 3 where it has problems.
pub fn load(file: &Path) -> Result<Ledger, Failure> {
    let text = text_of(file).map_err(|failure| {
        if file.exists() {
            return failure;
        }
        failure.hint(
            "`patchwarden gaps add` makes one; another one is named with `--file` (`--ledger` in `status`)",
        )
    })?;
    ledger::read(&text).map_err(|problems| broken(&file.display().to_string(), problems))
}

fn text_of(file: &Path) -> Result<String, Failure> {
    let bytes = read_named(file, "the gap ledger", EXIT_USAGE)?;
    String::from_utf8(bytes).map_err(|_| Failure::usage(format!("`{}` is not UTF-8 text", file.display())))
}

fn broken(name: &str, problems: Vec<Problem>) -> Failure {
    let mut failure = Failure::policy("the gap ledger is not sound", name, problems);
    failure.exit_code = EXIT_POLICY;
    failure.hints = vec!["the rules are in docs/reference/gaps.md".to_owned()];
    failure
}

fn not_edited(file: &Path, error: EditError) -> Failure {
    match error {
        EditError::Problems(problems) => {
            let mut failure = broken(&file.display().to_string(), problems);
            "the ledger would not be sound, so it was not changed".clone_into(&mut failure.what);
            failure
        }
        EditError::ClosedBy(_) => Failure::usage("the gap was not changed")
            .caused_by(error)
            .hint("name it with `--closed-by`: a commit, a pull request, a decision"),
        EditError::NoGap(_) => Failure::usage("the gap was not changed")
            .caused_by(error)
            .hint("`patchwarden gaps list` shows them all"),
        EditError::Transition { .. } => Failure::usage("the gap was not changed")
            .caused_by(error)
            .hint("a closed gap is opened again first: `--status open`"),
        EditError::Shape => Failure::usage("the ledger was not changed").caused_by(error),
    }
}

fn save(file: &Path, text: &str) -> Result<(), Failure> {
    sink::write_kept_file(file, text.as_bytes()).map_err(|error| {
        Failure::new(EXIT_OUTPUT, format!("`{}` could not be written", file.display())).caused_by(error)
    })
}

/// The text, or `None` where the file is not there yet.
fn text_if_there(file: &Path) -> Result<Option<String>, Failure> {
    if file.exists() { text_of(file).map(Some) } else { Ok(None) }
}

fn add(file: &Path, addition: &Addition, today: &str) -> Ended {
    let text = text_if_there(file)?;
    let (text, ids) = ledger::add(text.as_deref(), std::slice::from_ref(addition), today)
        .map_err(|error| not_edited(file, error))?;
    save(file, &text)?;
    give(&format!("{}\n", ids.concat()))?;
    Ok(0)
}

fn set(file: &Path, id: &str, change: &Change, today: &str) -> Ended {
    let before = text_of(file)?;
    let after = ledger::set(&before, id, change, today).map_err(|error| not_edited(file, error))?;
    if after == before {
        sink::say(&format!("gap `{}` already is so", sanitize(id, 40)));
        return Ok(0);
    }
    save(file, &after)?;
    Ok(0)
}

fn list(file: &Path, status: &[Status], open: bool, form: OutputForm) -> Ended {
    let document = load(file)?.document(|gap| {
        (status.is_empty() || status.contains(&gap.status)) && !(open && gap.status.is_closed())
    });
    give(&match form {
        OutputForm::Json => crate::output::json(&document),
        OutputForm::Text => ledger::list(&document),
    })?;
    Ok(0)
}

fn show(file: &Path, id: &str, form: OutputForm) -> Ended {
    let ledger = load(file)?;
    let gap = ledger.gap(id).ok_or_else(|| {
        Failure::usage(format!("there is no gap `{}`", sanitize(id, 40)))
            .hint("`patchwarden gaps list` shows them all")
    })?;
    give(&match form {
        OutputForm::Json => crate::output::json(gap),
        OutputForm::Text => ledger::show(gap),
    })?;
    Ok(0)
}

fn check(file: &Path, against: Option<&str>, form: OutputForm) -> Ended {
    let ledger = load(file)?;
    if let Some(reference) = against
        && let Some(before) = ledger_at(reference, file)?
    {
        let base = match git::merge_base(reference, "HEAD", file) {
            // Where both began without a ledger, neither id was there before.
            Some(base) => {
                Some(ledger_at(&base, file)?.unwrap_or(Ledger { gaps: Vec::new(), ..ledger.clone() }))
            }
            None => None,
        };
        let problems = ledger::against(&before, &ledger, base.as_ref());
        if !problems.is_empty() {
            let name = format!("{} against {}", file.display(), sanitize(reference, 60));
            return Err(broken(&name, problems));
        }
    }
    let open = ledger.gaps.iter().filter(|gap| !gap.status.is_closed()).count() as u64;
    let gaps = count(ledger.gaps.len() as u64, "gap");
    give(&match form {
        OutputForm::Json => crate::output::json(&ledger.document(|_| true)),
        OutputForm::Text => format!("{}: sound, {gaps}, {open} open\n", file.display()),
    })?;
    Ok(0)
}

fn text_at(reference: &str, file: &Path) -> Result<Option<String>, Failure> {
    git::file_at(reference, file).map_err(|error| {
        Failure::usage(format!("the ledger at `{}` could not be read", sanitize(reference, 60)))
            .caused_by(error)
    })
}

/// The ledger at a commit, ids unchecked; `None` where that commit has none.
fn ledger_at(reference: &str, file: &Path) -> Result<Option<Ledger>, Failure> {
    let Some(text) = text_at(reference, file)? else { return Ok(None) };
    let name = format!("{} at {}", file.display(), sanitize(reference, 60));
    ledger::read_loosely(&text).map(|(ledger, _)| Some(ledger)).map_err(|problems| broken(&name, problems))
}

fn renumber(file: &Path, onto: &str) -> Ended {
    let here = text_of(file)?;
    let Some(theirs) = text_at(onto, file)? else {
        sink::say(&format!("`{}` has no ledger: nothing to renumber", sanitize(onto, 60)));
        return Ok(0);
    };
    let (text, side) = ours(&here, &theirs, file);
    let base = git::merge_base(onto, side, file).map(|base| ledger_at(&base, file)).transpose()?.flatten();
    let (after, renumbered) =
        ledger::renumber(&text, &theirs, base.as_ref()).map_err(|error| not_edited(file, error))?;
    if after != here {
        save(file, &after)?;
    }
    let mut out = String::new();
    for one in &renumbered {
        let _ = writeln!(out, "{} is now {}: {}", one.from, one.to, sanitize(&one.title, 100));
    }
    give(&out)?;
    Ok(0)
}

/// Our ledger and the commit it grew on: the file, or where git joined it with theirs into something unreadable,
/// what it was before.
fn ours(here: &str, theirs: &str, file: &Path) -> (String, &'static str) {
    if ledger::read_loosely(here).is_ok() {
        return (here.to_owned(), "HEAD");
    }
    // Sides of an unfinished merge or rebase first, then the commits a finished one came from.
    let sides = ["MERGE_HEAD", "REBASE_HEAD", "HEAD", "HEAD^1", "HEAD^2"];
    let before = sides.into_iter().find_map(|side| {
        let text = git::file_at(side, file).ok()??;
        (text != theirs && ledger::read_loosely(&text).is_ok()).then_some((text, side))
    });
    before.unwrap_or_else(|| (here.to_owned(), "HEAD"))
}

fn import(
    file: &Path,
    files: &[PathBuf],
    kind: Option<ImportKind>,
    area: &str,
    owner: &str,
    today: &str,
) -> Ended {
    let text = text_if_there(file)?;
    let ledger = match &text {
        Some(text) => ledger::read(text).map_err(|problems| broken(&file.display().to_string(), problems))?,
        None => Ledger { prefix: ledger::DEFAULT_PREFIX.to_owned(), gaps: Vec::new() },
    };
    let mut candidates = Vec::new();
    let mut settled = 0;
    for input in files {
        let imported = read_import(input, kind)?;
        candidates.extend(imported.candidates);
        settled += imported.settled;
    }
    let (fresh, known) = ledger::fresh(&ledger, candidates);
    if fresh.len() > MAX_IMPORTED {
        return Err(Failure::usage("nothing was imported")
            .caused_by(format!("{} new gaps are more than {MAX_IMPORTED}", fresh.len()))
            .hint("narrow the input to what somebody will work through"));
    }
    let additions: Vec<Addition> =
        fresh.into_iter().map(|candidate| addition(candidate, area, owner)).collect();
    let mut out = String::new();
    if !additions.is_empty() {
        let (after, ids) =
            ledger::add(text.as_deref(), &additions, today).map_err(|error| not_edited(file, error))?;
        save(file, &after)?;
        for (id, addition) in ids.iter().zip(&additions) {
            let _ = writeln!(out, "{id}: {}", addition.title);
        }
    }
    let _ = writeln!(out, "{} added, {known} known already, {settled} settled", additions.len());
    give(&out)?;
    Ok(0)
}

fn addition(candidate: Candidate, area: &str, owner: &str) -> Addition {
    let Candidate { title, fingerprint, evidence, source, severity } = candidate;
    Addition {
        title,
        area: area.to_owned(),
        status: Status::Open,
        severity,
        source,
        evidence,
        owner: owner.to_owned(),
        next_action: DEFAULT_ACTION.to_owned(),
        fingerprint: Some(fingerprint),
    }
}

/// The next action of a gap nobody has looked at yet.
pub const DEFAULT_ACTION: &str = "decide whether and how to close it";

fn read_import(input: &Path, kind: Option<ImportKind>) -> Result<Imported, Failure> {
    let bytes = read_named(input, "the file to import", EXIT_USAGE)?;
    let shown = input.display().to_string();
    let kind = kind.unwrap_or_else(|| guess(input, &bytes));
    let failed = |error: ledger::ImportError| {
        Failure::usage(format!("`{shown}` was not imported"))
            .caused_by(error)
            .hint("say what it is with `--as markdown|sarif|packet`")
    };
    match kind {
        ImportKind::Markdown => Ok(ledger::markdown(&String::from_utf8_lossy(&bytes), &shown)),
        ImportKind::Sarif => ledger::sarif(&bytes).map_err(failed),
        ImportKind::Packet => ledger::packet(&bytes).map_err(failed),
    }
}

/// What a file is by its name, and for `.json` by whether it names the packet's contract.
fn guess(input: &Path, bytes: &[u8]) -> ImportKind {
    let end = input.extension().and_then(|end| end.to_str()).unwrap_or_default().to_ascii_lowercase();
    match end.as_str() {
        "sarif" => ImportKind::Sarif,
        "json" => {
            let head = String::from_utf8_lossy(bytes.get(..bytes.len().min(400)).unwrap_or_default());
            if head.contains(crate::repair::SCHEMA) { ImportKind::Packet } else { ImportKind::Sarif }
        }
        _ => ImportKind::Markdown,
    }
}

/// Defaults of `gaps add`, for `cli.rs`.
pub fn new_gap(title: String, area: String, severity: Severity, source: Source) -> Addition {
    Addition {
        title,
        area,
        status: Status::Open,
        severity,
        source,
        evidence: Vec::new(),
        owner: "operator".to_owned(),
        next_action: DEFAULT_ACTION.to_owned(),
        fingerprint: None,
    }
}
