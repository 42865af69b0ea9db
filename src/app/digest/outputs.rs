//! What a digest leaves: four files side by side, and one of them on standard output.

use std::path::{Path, PathBuf};

use super::super::{OutputForm, give};
use super::refused;
use crate::digest::{EvidenceDigest, FileStem, Partial, aggregate, markdown, page};
use crate::error::{EXIT_OUTPUT, Failure};
use crate::sink;

/// Where the files go and how they are called.
#[derive(Debug, Clone)]
pub struct Outputs {
    pub folder: PathBuf,
    /// With `YYYY`, `Www` and `WW` for the week.
    pub name: String,
}

/// Writes the digest as Markdown, JSON, page and rows, and prints it.
///
/// # Errors
/// Exit 2 for a name that is no file's, exit 5 where something could not be written.
pub fn write(partial: &Partial, outputs: &Outputs, form: OutputForm) -> Result<EvidenceDigest, Failure> {
    let stem = FileStem::new(&outputs.name, partial.window.week()).map_err(|error| refused(&error))?;
    let digest = aggregate(partial);
    let (text, json) = (markdown(&digest), crate::output::json(&digest));
    write_file(&outputs.folder.join(stem.with("ndjson")), &partial.to_ndjson())?;
    write_file(&outputs.folder.join(stem.with("html")), &page(&digest))?;
    write_file(&outputs.folder.join(stem.with("json")), &json)?;
    write_file(&outputs.folder.join(stem.with("md")), &text)?;
    give(match form {
        OutputForm::Text => &text,
        OutputForm::Json => &json,
    })?;
    Ok(digest)
}

/// Writes one file.
///
/// # Errors
/// Exit 5.
pub fn write_file(path: &Path, text: &str) -> Result<(), Failure> {
    sink::write_file(path, text.as_bytes()).map_err(|error| {
        Failure::new(EXIT_OUTPUT, format!("`{}` could not be written", path.display())).caused_by(error)
    })
}
