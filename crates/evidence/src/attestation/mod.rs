//! in-toto attestations: bare statements, DSSE envelopes, Sigstore bundles, link metadata, and JSON Lines of them.
//! A statement is its writer's claim; `signature.rs` says whose, where the policy has keys (FORMATS section 1.6).

mod envelope;
mod predicate;
pub mod signature;
#[cfg(test)]
mod tests;

use std::io::{BufRead, Read};

use crate::model::sanitize;

use super::content::{Content, EmbeddedCommit, ParseError, Parsed, Substance};
use super::document::{Document, json_error};
use super::limits::Limits;
use super::shape::Shape;
use super::source::Bounded;

/// Statements that one file may hold.
const MAX_STATEMENTS: usize = 1_000;

/// One attestation, with what it was signed as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attestation {
    /// The address of the predicate's type; `link` for link metadata. Sanitized.
    pub predicate_type: String,
    pub attests: Attests,
    /// `None` for a bare statement and for link metadata, whose own form of signature is not checked.
    pub envelope: Option<Envelope>,
}

/// What a statement says of its subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attests {
    Success,
    /// In the statement's own words; sanitized.
    Failure(String),
    /// Its kind has no result: that it is there is all it says.
    Presence,
}

/// What a DSSE envelope's signatures are over, and the signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The pre-authentication encoding of type and payload (DSSE protocol 1.0.2).
    pub signed: Vec<u8>,
    pub signatures: Vec<Vec<u8>>,
}

/// A statement that was read, before it is joined with the others of its file.
struct Statement {
    attestation: Attestation,
    commits: Vec<EmbeddedCommit>,
    tool: Option<String>,
    /// Why it attests nothing, where it does not.
    empty: Option<&'static str>,
    notes: Vec<String>,
}

/// Whether any of them attests a failure; `None` where none has a result.
pub fn shows_red(attestations: &[Attestation]) -> Option<bool> {
    let results = attestations.iter().filter_map(|one| match one.attests {
        Attests::Success => Some(false),
        Attests::Failure(_) => Some(true),
        Attests::Presence => None,
    });
    results.reduce(|one, other| one || other)
}

/// Reads a file of attestations.
///
/// # Errors
/// [`ParseError`]: no JSON, none of the forms above, a predicate of a known type that is not as that type has it,
/// more than `document_bytes` bytes or 1,000 statements.
pub fn parse(reader: &mut dyn BufRead, limits: &Limits) -> Result<Parsed, ParseError> {
    let mut bytes = Vec::new();
    Bounded::new(reader, limits.document_bytes).read_to_end(&mut bytes)?;
    let mut statements = Vec::new();
    for document in serde_json::Deserializer::from_slice(&bytes).into_iter::<Document>() {
        let document = document.map_err(|error| json_error(&error))?;
        if statements.len() == MAX_STATEMENTS {
            return Err(ParseError::TooLarge(format!("it holds more than {MAX_STATEMENTS} statements")));
        }
        statements.push(envelope::open(&document)?);
    }
    if statements.is_empty() {
        return Err(ParseError::Malformed("it holds no statement".to_owned()));
    }
    let mut parsed = Parsed::new(Content::Document(Document::Null));
    let mut attestations = Vec::with_capacity(statements.len());
    for statement in statements {
        if let Some(why) = statement.empty {
            parsed.substance = Substance::Nothing(why.to_owned());
        }
        if let Attests::Failure(words) = &statement.attestation.attests {
            parsed.notes.push(format!("it attests a failure: {words}"));
        }
        let tool = statement.tool.map(|name| super::ToolName { name: sanitize(&name, 60), version: None });
        parsed.tool = parsed.tool.or(tool);
        parsed.partly_named |= statement.commits.is_empty();
        parsed.commits.extend(statement.commits);
        parsed.notes.extend(statement.notes);
        attestations.push(statement.attestation);
    }
    parsed.commits.dedup();
    parsed.content = Content::Attestations(attestations).into();
    Ok(parsed)
}

/// Whether content of this shape is an attestation.
pub fn fits(shape: &Shape) -> bool {
    let forms: [&[&str]; 4] = [
        &["payload", "payloadType", "signatures"],
        &["dsseEnvelope", "mediaType"],
        &["signed", "signatures"],
        &["_type", "predicateType"],
    ];
    match shape {
        Shape::JsonObject { keys, .. } | Shape::JsonLines { keys } => {
            forms.iter().any(|form| form.iter().all(|key| keys.contains(*key)))
        }
        _ => false,
    }
}
