//! `patchwarden inspect FILE…`: what a file is, what it measured, which traps it shows, which commit it is bound to.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::error::{EXIT_USAGE, Failure};
use crate::evidence::read::{Listing, Reading, listing, read_file};
use crate::evidence::{Content, Format, Limits, Parsed, Substance, manifest::Manifest};
use crate::model::{Digest, count, sanitize};

use super::folder::open_path;
use super::judge::limits;
use super::{Ended, OutputForm, give};

/// The settings of `inspect`.
#[derive(Debug)]
pub struct Request {
    /// Reports, zips or folders.
    pub files: Vec<PathBuf>,
    /// Read them as this format instead of deciding by content.
    pub format: Option<Format>,
    pub form: OutputForm,
}

/// What is known of one file.
#[derive(Debug, Serialize)]
struct Inspected {
    file: String,
    sha256: Digest,
    bytes: u64,
    format: Option<&'static str>,
    /// What is wrong with it, where it cannot be read.
    malformed: Option<String>,
    tool: Option<String>,
    tool_version: Option<String>,
    /// What it says, in one line.
    says: Option<String>,
    /// Whether it shows that something was looked at: `measured`, `nothing` or `unproven`, with the reason.
    substance: Option<&'static str>,
    why: Option<String>,
    tool_errors: Vec<String>,
    /// Commits the report itself names.
    commits: Vec<String>,
    /// The commit the manifest beside it names, where it lists the file with this hash.
    bound_by_manifest: Option<String>,
    notes: Vec<String>,
}

/// Inspects.
///
/// # Errors
/// Exit 2 where a file is not there or cannot be read at all.
pub fn run(request: &Request) -> Ended {
    let mut all = Vec::new();
    for path in &request.files {
        all.extend(inspect_path(path, request.format)?);
    }
    give(&match request.form {
        OutputForm::Json => crate::output::json(&all),
        OutputForm::Text => all.iter().map(text).collect::<Vec<_>>().join("\n"),
    })?;
    Ok(0)
}

fn inspect_path(path: &Path, format: Option<Format>) -> Result<Vec<Inspected>, Failure> {
    let refused = |why: &dyn std::fmt::Display| {
        Failure::new(EXIT_USAGE, format!("`{}` could not be inspected", path.display())).caused_by(why)
    };
    // Nothing is compared here.
    let limits = Limits { rolls: false, ..limits() };
    let mut source = open_path(path, &limits).map_err(|error| refused(&error))?;
    let Listing { files, manifest } = listing(source.as_mut(), &limits).map_err(|error| refused(&error))?;
    let sound = match &manifest {
        Some(Ok(manifest)) => Some(manifest),
        Some(Err(error)) => return Err(refused(&format!("its manifest: {error}"))),
        None => None,
    };
    let whole = files.len() == 1 && path.is_file();
    let mut all = Vec::with_capacity(files.len());
    for (inner, file) in &files {
        // Only what is said of it is kept: an artifact may hold thousands of reports.
        let reading =
            read_file(source.as_mut(), inner, file, format, &limits).map_err(|error| refused(&error))?;
        let name = if whole { path.display().to_string() } else { format!("{}: {inner}", path.display()) };
        all.push(inspected(sanitize(&name, 300), reading, sound));
    }
    Ok(all)
}

fn inspected(file: String, reading: Reading, manifest: Option<&Manifest>) -> Inspected {
    let entry = manifest.and_then(|manifest| manifest.by_path(&reading.path));
    let bound = entry
        .filter(|entry| entry.sha256.as_ref() == Some(&reading.facts.sha256))
        .and_then(|_| manifest.map(|manifest| manifest.target_sha.to_string()));
    let mut known = Inspected {
        file,
        sha256: reading.facts.sha256,
        bytes: reading.facts.bytes,
        format: reading.format.map(Format::as_str),
        malformed: None,
        tool: None,
        tool_version: None,
        says: None,
        substance: None,
        why: None,
        tool_errors: Vec::new(),
        commits: Vec::new(),
        bound_by_manifest: bound,
        notes: Vec::new(),
    };
    match reading.result {
        Err(error) => known.malformed = Some(error.to_string()),
        Ok(parsed) => describe(&mut known, parsed),
    }
    known
}

fn describe(known: &mut Inspected, parsed: Parsed) {
    known.says = Some(says(&parsed.content));
    if let Some(tool) = parsed.tool {
        known.tool = Some(tool.name);
        known.tool_version = tool.version;
    }
    (known.substance, known.why) = match parsed.substance {
        Substance::Measured => (Some("measured"), None),
        Substance::Nothing(why) => (Some("nothing"), Some(why)),
        Substance::Unproven(why) => (Some("unproven"), Some(why)),
    };
    known.tool_errors = parsed.tool_errors;
    known.commits = parsed.commits.into_iter().map(|commit| sanitize(&commit.id, 80)).collect();
    known.notes = parsed.notes;
}

/// The content in one line.
fn says(content: &Content) -> String {
    match content {
        Content::Tests(tests) => {
            let counts = &tests.counts;
            format!(
                "{}: {} passed, {} failed, {} in error, {} flaky, {} skipped, {} to do",
                count(counts.total(), "test"),
                counts.passed,
                counts.failed,
                counts.errored,
                counts.flaky,
                counts.skipped,
                counts.todo
            )
        }
        Content::Findings(findings) => format!(
            "{}, {}, {}, {} suppressed",
            count(findings.counts.error, "error"),
            count(findings.counts.warning, "warning"),
            count(findings.counts.note, "note"),
            findings.suppressed
        ),
        Content::Coverage(coverage) => format!(
            "{} of {} covered, {} of {} in {}",
            coverage.lines_covered,
            count(coverage.lines_total, "line"),
            coverage.branches_covered,
            if coverage.branches_total == 1 {
                "1 branch".to_owned()
            } else {
                format!("{} branches", coverage.branches_total)
            },
            count(coverage.files.len() as u64, "file")
        ),
        Content::Reviews(verdicts) => count(verdicts.len() as u64, "review verdict"),
        Content::Judge(records) => count(records.len() as u64, "judge record"),
        Content::Bundle(bundle) => count(bundle.files.len() as u64, "file"),
        Content::Attestations(list) => {
            let kinds: Vec<String> = list.iter().map(|one| one.predicate_type.clone()).collect();
            format!("{}: {}", count(list.len() as u64, "attestation"), crate::model::cut_list(&kinds, 5))
        }
        Content::Document(_) => "a JSON document, for an expression to judge".to_owned(),
    }
}

fn text(known: &Inspected) -> String {
    let mut out = format!("{}\n", known.file);
    let mut line = |label: &str, words: &str| {
        let _ = writeln!(out, "  {label:<9} {words}");
    };
    line("format", known.format.unwrap_or("not known"));
    if let Some(why) = &known.malformed {
        line("malformed", why);
    }
    if let Some(tool) = &known.tool {
        line("tool", &format!("{tool} {}", known.tool_version.as_deref().unwrap_or("")));
    }
    if let Some(says) = &known.says {
        line("says", says);
    }
    match (known.substance, &known.why) {
        (Some(word), Some(why)) => line("measured", &format!("{word}: {why}")),
        (Some(_), None) => line("measured", "yes"),
        (None, _) => {}
    }
    for error in &known.tool_errors {
        line("error", error);
    }
    for commit in &known.commits {
        line("names", &format!("commit {commit}"));
    }
    line(
        "bound to",
        known.bound_by_manifest.as_deref().unwrap_or(if known.commits.is_empty() {
            "nothing"
        } else {
            "what it names itself"
        }),
    );
    for note in &known.notes {
        line("note", note);
    }
    line("sha256", known.sha256.hex());
    line("bytes", &known.bytes.to_string());
    out
}
