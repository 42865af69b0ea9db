//! The envelopes around a statement: DSSE, the Sigstore bundle around that, link metadata's own, or none.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

use crate::content::ParseError;
use crate::document::{Document, from_slice};
use crate::model::sanitize;

use super::predicate::statement;
use super::{Envelope, Statement};

const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// Signatures that one envelope may carry.
const MAX_SIGNATURES: usize = 16;

/// Takes a statement out of whatever it is in.
pub(super) fn open(document: &Document) -> Result<Statement, ParseError> {
    if let Some(envelope) = document.get("dsseEnvelope") {
        let mut opened = dsse(envelope)?;
        opened.notes.push("its Sigstore certificate and log entry were not checked".to_owned());
        return Ok(opened);
    }
    if document.get("payload").is_some() {
        return dsse(document);
    }
    if let (Some(signed), Some(_)) = (document.get("signed"), document.get("signatures")) {
        let mut opened = statement(signed)?;
        opened
            .notes
            .push("link metadata's own signatures are not checked: let in-toto write DSSE".to_owned());
        return Ok(opened);
    }
    statement(document)
}

/// DSSE: `{payloadType, payload, signatures}`, the payload in base64.
fn dsse(document: &Document) -> Result<Statement, ParseError> {
    let text = |key: &str| document.get(key).and_then(Document::as_text);
    let malformed = |words: &str| ParseError::Malformed(words.to_owned());
    let payload_type = text("payloadType").ok_or_else(|| malformed("the envelope has no `payloadType`"))?;
    if payload_type != PAYLOAD_TYPE {
        let shown = sanitize(payload_type, 80);
        return Err(ParseError::Malformed(format!("its payload is of type `{shown}`, not `{PAYLOAD_TYPE}`")));
    }
    let payload = text("payload").and_then(decode).ok_or_else(|| malformed("its payload is not base64"))?;
    let signatures = signatures(document)?;
    let mut opened = statement(&from_slice::<Document>(&payload)?)?;
    opened.attestation.envelope = Some(Envelope { signed: encoded(payload_type, &payload), signatures });
    Ok(opened)
}

fn signatures(document: &Document) -> Result<Vec<Vec<u8>>, ParseError> {
    let list = match document.get("signatures") {
        Some(Document::List(list)) => list.as_slice(),
        _ => return Err(ParseError::Malformed("the envelope has no list of `signatures`".to_owned())),
    };
    if list.len() > MAX_SIGNATURES {
        return Err(ParseError::TooLarge(format!("the envelope has more than {MAX_SIGNATURES} signatures")));
    }
    list.iter()
        .map(|one| one.get("sig").and_then(Document::as_text).and_then(decode))
        .collect::<Option<_>>()
        .ok_or_else(|| ParseError::Malformed("a signature of the envelope is not base64".to_owned()))
}

/// DSSE allows both alphabets of base64.
fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()
}

/// The pre-authentication encoding: `DSSEv1 LEN(type) type LEN(payload) payload` (DSSE protocol 1.0.2).
pub(super) fn encoded(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut out = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    out.extend_from_slice(payload);
    out
}
