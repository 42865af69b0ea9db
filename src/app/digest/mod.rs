//! `patchwarden digest`: reads many repositories' evidence, or a folder of it, and writes the week's digest.

mod folder;
mod outputs;
mod window;

use std::path::PathBuf;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::{Ended, OutputForm, clock};
use crate::digest::Partial;
use crate::error::{EXIT_USAGE, Failure};

pub use outputs::Outputs;
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
    /// Read a folder of downloads, and write the digest.
    Folder { folder: PathBuf, window: WindowRequest, artifacts: Vec<String>, outputs: Outputs },
    /// Join partials, and write the digest.
    Merge { files: Vec<PathBuf>, outputs: Outputs },
}

/// Reads, counts and writes.
///
/// # Errors
/// Exit 2 where something named is not there or cannot be, exit 4 where the forge could not be asked, exit 5 where a
/// result could not be written.
pub fn run(request: &Request) -> Ended {
    match &request.act {
        Act::Folder { folder, window, artifacts, outputs } => {
            let window = window.resolve(clock(window.now))?;
            let rows = folder::read(folder, window, &wanted(artifacts)?)?;
            outputs::write(&Partial { window, rows }, outputs, request.form)?;
        }
        Act::Merge { files, outputs } => {
            let partial = merge(files)?;
            outputs::write(&partial, outputs, request.form)?;
        }
    }
    Ok(0)
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
