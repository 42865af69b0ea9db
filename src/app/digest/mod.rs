//! `patchwarden digest`: reads many repositories' evidence, or a folder of it, and writes the week's digest.

mod asker;
mod cache;
mod collect;
mod folder;
mod listing;
mod outputs;
mod post;
mod sources;
mod window;

use std::fmt::Write as _;
use std::path::PathBuf;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::{Ended, OutputForm, clock, give};
use crate::context::ServerUrl;
use crate::digest::{Matrix, Partial};
use crate::error::{EXIT_USAGE, Failure};
use crate::model::count;
use crate::sink;

use asker::{Asker, server_of};
use collect::{Collection, Dry};

pub use collect::Collect;
pub use outputs::Outputs;
pub use post::Post;
pub use sources::Sources;
pub use window::WindowRequest;

/// The settings of `digest`.
#[derive(Debug)]
pub struct Request {
    pub act: Act,
    pub form: OutputForm,
}

/// What is to be done.
#[derive(Debug)]
pub enum Act {
    /// Read, and write the digest.
    Whole { reading: Reading, outputs: Outputs, post: Option<Post> },
    /// Read, and write the rows alone.
    Collect { reading: Reading, folder: PathBuf },
    /// Print the matrix.
    Plan { sources: Sources, server: Option<ServerUrl>, shards: u32 },
    /// Join partials, and write the digest.
    Merge { files: Vec<PathBuf>, outputs: Outputs, post: Option<Post> },
}

/// What is read.
#[derive(Debug)]
pub struct Reading {
    pub from: Origin,
    pub window: WindowRequest,
    /// Patterns of artifact names.
    pub artifacts: Vec<String>,
}

/// Where it is read from.
#[derive(Debug)]
pub enum Origin {
    /// A folder of downloads.
    Folder(PathBuf),
    /// A forge; with `dry_run` only listings are asked for.
    Forge { collect: Box<Collect>, dry_run: bool },
}

/// Reads, counts and writes.
///
/// # Errors
/// Exit 2 where something named is not there or cannot be, exit 4 where the forge could not be asked, exit 5 where a
/// result could not be written or posted.
pub fn run(request: &Request) -> Ended {
    match &request.act {
        Act::Whole { reading, outputs, post } => {
            if let Some(partial) = read(reading, request.form)? {
                finish(&partial, outputs, post.as_ref(), request.form)?;
            }
        }
        Act::Collect { reading, folder } => {
            if let Some(partial) = read(reading, request.form)? {
                let path = folder.join(partial_name(reading));
                outputs::write_file(&path, &partial.to_ndjson())?;
                give(&format!("{}\n", path.display()))?;
            }
        }
        Act::Plan { sources, server, shards } => {
            let asker = Asker::connect(&server_of(server.as_ref())?)?;
            let repositories = sources.resolve(Some(&asker), None)?;
            give(&crate::output::json_line(&Matrix::of(&repositories, *shards)))?;
        }
        Act::Merge { files, outputs, post } => {
            finish(&merge(files)?, outputs, post.as_ref(), request.form)?;
        }
    }
    Ok(0)
}

fn finish(
    partial: &Partial,
    outputs: &Outputs,
    post: Option<&Post>,
    form: OutputForm,
) -> Result<(), Failure> {
    let digest = outputs::write(partial, outputs, form)?;
    post.map_or(Ok(()), |to| post::post(&digest, to))
}

/// The rows; `None` where only what would be fetched was asked for, and printed.
fn read(reading: &Reading, form: OutputForm) -> Result<Option<Partial>, Failure> {
    let window = reading.window.resolve(clock(reading.window.now))?;
    let wanted = wanted(&reading.artifacts)?;
    let rows = match &reading.from {
        Origin::Folder(folder) => folder::read(folder, window, &wanted)?,
        Origin::Forge { collect, dry_run } => {
            let collection = Collection::list(collect, window, &wanted)?;
            let dry = collection.dry();
            if *dry_run {
                give(&match form {
                    OutputForm::Text => dry_words(&dry),
                    OutputForm::Json => crate::output::json(&dry),
                })?;
                return Ok(None);
            }
            sink::progress(&format!("fetching {} artifacts, {} bytes", dry.requests, dry.bytes));
            collection.read()?
        }
    };
    Ok(Some(Partial { window, rows }))
}

/// The file of a job of a matrix: shards differ in it, so that their artifacts can be put into one folder.
fn partial_name(reading: &Reading) -> String {
    let shard = match &reading.from {
        Origin::Forge { collect, .. } => collect.shard.map(|shard| shard.to_string().replace('/', "-of-")),
        Origin::Folder(_) => None,
    };
    format!("rows-{}.ndjson", shard.unwrap_or_else(|| "all".to_owned()))
}

fn dry_words(dry: &Dry) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{} repositories ({} not readable), {}, {}: {} in the cache, {} expired",
        dry.repositories,
        dry.unreadable_repositories,
        count(dry.runs, "run"),
        count(dry.artifacts, "artifact"),
        dry.cached,
        dry.expired
    );
    let _ = writeln!(
        out,
        "{} for the listings sent; {} of {} to fetch",
        count(dry.requests_sent, "request"),
        count(dry.requests, "further request"),
        count(dry.bytes, "byte")
    );
    out
}

/// The artifacts that are read, by name; no pattern means every one.
fn wanted(patterns: &[String]) -> Result<GlobSet, Failure> {
    let mut set = GlobSetBuilder::new();
    let any = ["*".to_owned()];
    for pattern in if patterns.is_empty() { &any } else { patterns } {
        let glob = GlobBuilder::new(pattern).literal_separator(false).build();
        set.add(glob.map_err(|error| {
            Failure::usage("no digest was made").caused_by(format!("`--artifact`: {error}"))
        })?);
    }
    set.build().map_err(|error| Failure::usage("no digest was made").caused_by(error))
}

/// Every partial as one.
fn merge(files: &[PathBuf]) -> Result<Partial, Failure> {
    let mut all: Option<Partial> = None;
    for path in files {
        let refused = |error: &dyn std::fmt::Display| {
            Failure::new(EXIT_USAGE, "no digest was made")
                .caused_by(format!("`{}` is no partial that can be joined", path.display()))
                .caused_by(error)
        };
        let file = std::fs::File::open(path).map_err(|error| refused(&error))?;
        let partial = Partial::read(std::io::BufReader::new(file)).map_err(|error| refused(&error))?;
        all = Some(match all {
            None => partial,
            Some(all) => all.merge(partial).map_err(|error| refused(&error))?,
        });
    }
    all.ok_or_else(|| Failure::usage("no digest was made").caused_by("no partial was named"))
}

/// A failure of the window or the name.
fn refused(error: &dyn std::fmt::Display) -> Failure {
    Failure::usage("no digest was made").caused_by(error)
}
