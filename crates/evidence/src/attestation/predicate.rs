//! What a statement says, by its predicate: test results, verification summaries, provenance, link metadata.
//! Sources: in-toto/attestation `spec/`, slsa.dev, in-toto's link format 0.9.

use crate::content::{EmbeddedCommit, ParseError};
use crate::document::Document;
use crate::model::sanitize;

use super::{Attestation, Attests, Statement};

/// Statement v1 and v0.1 differ in nothing that is read here.
const STATEMENTS: [&str; 2] = ["https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"];

/// Reads a statement, or link metadata without its envelope.
pub(super) fn statement(document: &Document) -> Result<Statement, ParseError> {
    match text(document, &["_type"]) {
        Some("link") => link(document),
        Some(kind) if STATEMENTS.contains(&kind) => typed(document),
        Some(other) => Err(ParseError::Malformed(format!(
            "its `_type` is `{}`, which is no statement",
            sanitize(other, 80)
        ))),
        None => Err(ParseError::Malformed("it has no `_type`".to_owned())),
    }
}

fn typed(document: &Document) -> Result<Statement, ParseError> {
    let predicate_type = text(document, &["predicateType"])
        .ok_or_else(|| ParseError::Malformed("the statement has no `predicateType`".to_owned()))?;
    let nothing = Document::Null;
    let predicate = document.get("predicate").unwrap_or(&nothing);
    let subjects = list(document, "subject");
    let mut read = Statement {
        attestation: Attestation {
            predicate_type: sanitize(predicate_type, 120),
            attests: Attests::Presence,
            envelope: None,
        },
        commits: subjects.iter().filter_map(git_commit).map(|id| commit(id, None)).collect(),
        tool: None,
        empty: subjects.is_empty().then_some("the statement has no subject"),
        notes: Vec::new(),
    };
    match predicate_type.trim_end_matches('/').rsplit_once('/') {
        Some(("https://in-toto.io/attestation/test-result", _)) => {
            read.attestation.attests = test_result(predicate)?;
            read.tool = text(predicate, &["url"]).map(str::to_owned);
        }
        Some(("https://slsa.dev/verification_summary", _)) => {
            read.attestation.attests = verification_summary(predicate)?;
            read.tool = text(predicate, &["verifier", "id"]).map(str::to_owned);
        }
        Some(("https://in-toto.io/attestation/svr", _)) => {
            read.tool = text(predicate, &["verifier", "id"]).map(str::to_owned);
            if list(predicate, "properties").is_empty() {
                read.empty = Some("the verification result names no property");
            }
        }
        Some(("https://slsa.dev/provenance", version)) => provenance(predicate, version, &mut read),
        _ => read.notes.push(format!(
            "a predicate of type `{}` is only known to be there",
            sanitize(predicate_type, 120)
        )),
    }
    Ok(read)
}

/// `test-result/v0.1`: `result`, and the tests by their outcome.
fn test_result(predicate: &Document) -> Result<Attests, ParseError> {
    let failed = list(predicate, "failedTests").len();
    match text(predicate, &["result"]) {
        Some("PASSED" | "WARNED") if failed == 0 => Ok(Attests::Success),
        Some("PASSED" | "WARNED" | "FAILED") => {
            let first = list(predicate, "failedTests").first().and_then(Document::as_text).unwrap_or("");
            Ok(Attests::Failure(
                format!("{failed} failed tests {}", sanitize(first, 100)).trim_end().to_owned(),
            ))
        }
        other => Err(unknown_result("result", other)),
    }
}

/// SLSA's verification summary: `verificationResult` since v1, `verification_result` before.
fn verification_summary(predicate: &Document) -> Result<Attests, ParseError> {
    let result =
        text(predicate, &["verificationResult"]).or_else(|| text(predicate, &["verification_result"]));
    match result {
        Some("PASSED") => Ok(Attests::Success),
        Some("FAILED") => Ok(Attests::Failure("the verification failed".to_owned())),
        other => Err(unknown_result("verificationResult", other)),
    }
}

/// What is not one of the type's own words is neither success nor failure.
fn unknown_result(key: &str, found: Option<&str>) -> ParseError {
    ParseError::Malformed(match found {
        Some(word) => format!("its `{key}` is `{}`, which its type does not have", sanitize(word, 60)),
        None => format!("the predicate has no `{key}`"),
    })
}

/// SLSA provenance: v1 names the source among the resolved dependencies, earlier ones as the configuration's source.
/// What `environment` says of the event may be another object of the same source, such as an annotated tag.
fn provenance(predicate: &Document, version: &str, read: &mut Statement) {
    let is_v1 = version.starts_with("v1");
    let builder: &[&str] = if is_v1 { &["runDetails", "builder", "id"] } else { &["builder", "id"] };
    read.tool = text(predicate, builder).map(str::to_owned);
    let mut sources: Vec<EmbeddedCommit> = Vec::new();
    let mut add = |source: &Document, digest: &str| {
        if let Some(id) = text(source, &["digest", digest]) {
            let found = commit(id, text(source, &["uri"]));
            if !sources.iter().any(|known| known.id == found.id) {
                sources.push(found);
            }
        }
    };
    if is_v1 {
        if let Some(build) = predicate.get("buildDefinition") {
            for one in list(build, "resolvedDependencies") {
                add(one, "gitCommit");
            }
        }
    } else if let Some(source) =
        predicate.get("invocation").and_then(|invocation| invocation.get("configSource"))
    {
        add(source, "sha1");
    }
    if sources.len() > 1 {
        read.notes.push(format!("it names {} commits as sources, so none of them binds it", sources.len()));
    } else {
        read.commits.append(&mut sources);
    }
}

/// Link metadata: what a command ended with. It names no commit.
fn link(document: &Document) -> Result<Statement, ParseError> {
    let returned = document.get("byproducts").and_then(|products| products.get("return-value"));
    let (attests, empty) = match returned {
        Some(Document::Int(0)) => (Attests::Success, None),
        Some(Document::Int(code)) => (Attests::Failure(format!("the command returned {code}")), None),
        None | Some(Document::Null) => {
            (Attests::Presence, Some("the link does not say what its command returned"))
        }
        Some(_) => return Err(ParseError::Malformed("its `return-value` is no number".to_owned())),
    };
    Ok(Statement {
        attestation: Attestation { predicate_type: "link".to_owned(), attests, envelope: None },
        commits: Vec::new(),
        tool: Some("in-toto".to_owned()),
        empty,
        notes: Vec::new(),
    })
}

fn commit(id: &str, repository: Option<&str>) -> EmbeddedCommit {
    EmbeddedCommit { id: sanitize(id, 80), repository: repository.map(|uri| sanitize(uri, 200)) }
}

fn git_commit(subject: &Document) -> Option<&str> {
    text(subject, &["digest", "gitCommit"])
}

/// The text at the end of a path of keys.
fn text<'d>(document: &'d Document, path: &[&str]) -> Option<&'d str> {
    path.iter().try_fold(document, |at, key| at.get(key)).and_then(Document::as_text)
}

/// The list under a key; nothing there is an empty one.
fn list<'d>(document: &'d Document, key: &str) -> &'d [Document] {
    match document.get(key) {
        Some(Document::List(list)) => list,
        _ => &[],
    }
}
