//! A bundle of documents about a runtime: every file of a folder, each hashed, the JSON ones kept as values.
//! What the documents say of each other is the `runtime_repair` gate's business.

use std::io::{BufRead, Read};

use super::content::{Content, ParseError, Parsed};
use super::document::{Document, from_slice};
use super::limits::Limits;
use super::shape::Shape;
use super::source::Bounded;
use crate::model::Digest;

/// The files of one bundle, in the order of their paths.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bundle {
    pub files: Vec<BundleFile>,
}

/// One file of a bundle.
#[derive(Debug, Clone, PartialEq)]
pub struct BundleFile {
    /// Relative to the bundle; empty until the reader of the artifact has named it.
    pub path: String,
    /// Of its bytes, computed here.
    pub sha256: Digest,
    /// Its JSON, or why it has none. A file that is not meant to be JSON has none either.
    pub document: Result<Document, String>,
}

/// Reads one file of a bundle.
///
/// # Errors
/// [`ParseError`]: more than `document_bytes` bytes, or unreadable. Content that is no JSON is kept as such.
pub fn parse(reader: &mut dyn BufRead, limits: &Limits) -> Result<Parsed, ParseError> {
    let mut bytes = Vec::new();
    Bounded::new(reader, limits.document_bytes).read_to_end(&mut bytes)?;
    let document = from_slice::<Document>(&bytes).map_err(|error| error.to_string());
    let file = BundleFile { path: String::new(), sha256: Digest::of(&bytes), document };
    Ok(Parsed::new(Content::Bundle(Bundle { files: vec![file] })))
}

/// No single file shows that a bundle is meant: a policy names the format.
pub fn fits(_: &Shape) -> bool {
    false
}
