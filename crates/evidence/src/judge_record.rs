//! `openclaw.judge.v0`: the record a judge writes between two HTML markers into a comment, or into a file
//! (FORMATS section 3.4). Here it is found and read; whether it still holds is the gate's business.

use std::io::{BufRead, Read};

use serde::Deserialize;

use super::content::{Content, ParseError, Parsed, Substance, ToolName};
use super::document::from_slice;
use super::limits::Limits;
use super::markdown::{Fences, is_indented};
use super::shape::Shape;
use super::source::Bounded;
use crate::model::{CommitSha, Digest, RepoSlug, Timestamp, sanitize};

/// The format's name.
pub const SCHEMA: &str = "openclaw.judge.v0";

const OPEN: &str = "<!-- openclaw.judge.v0 -->";
const CLOSE: &str = "<!-- /openclaw.judge.v0 -->";

/// Bytes of a comment that are looked at; a genuine record is about two thousand.
const MAX_BYTES: usize = 256 * 1024;

/// One judge's record about one item. Fields that no check needs are checked for their type and dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgeRecord {
    pub judged_at: Timestamp,
    /// Who judged, as the record says; sanitized.
    pub actor: String,
    pub target: Target,
    pub snapshot: Snapshot,
    pub labels_to_apply: Vec<String>,
    /// `operator` asks for a person; sanitized.
    pub escalation: Option<String>,
    /// Why it escalates. Untrusted text.
    pub escalation_reason: Option<String>,
}

/// The item that was judged.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Target {
    /// `issue` or `pull_request`.
    pub kind: String,
    pub number: u64,
    pub repo: RepoSlug,
}

/// The item as it was judged.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Snapshot {
    pub title_hash: Digest,
    pub body_hash: Digest,
    pub labels: Vec<String>,
    pub labels_hash: Digest,
    pub evidence_hash: Digest,
    /// Null for an issue.
    pub head_sha: Option<CommitSha>,
    /// Null for an issue.
    pub commit_count: Option<u64>,
    pub state: String,
    pub updated_at: Timestamp,
}

/// Intentionally incomplete beyond the checks: keys that are not here are ignored.
#[derive(Deserialize)]
#[expect(dead_code, reason = "some fields are read for their types alone; what they say is for people")]
struct Wire {
    schema: String,
    judged_at: Timestamp,
    judge_actor: WireActor,
    target: Target,
    target_snapshot: Snapshot,
    priority: String,
    recommended_next_action: String,
    #[serde(default)]
    labels_to_apply: Vec<String>,
    escalation: Option<WireEscalation>,
    impact: Option<i64>,
    reach: Option<i64>,
    confidence: Option<i64>,
    effort_hint: Option<String>,
    rationale_summary: Option<String>,
    #[serde(default)]
    evidence_refs: Vec<WireReference>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "some fields are read for their types alone; what they say is for people")]
struct WireActor {
    name: String,
    runtime: Option<String>,
}

#[derive(Deserialize)]
struct WireEscalation {
    kind: String,
    reason: Option<String>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "some fields are read for their types alone; what they say is for people")]
struct WireReference {
    #[serde(rename = "type")]
    kind: String,
    value: Option<String>,
    note: Option<String>,
}

impl JudgeRecord {
    /// Reads one record from JSON.
    ///
    /// # Errors
    /// [`ParseError::Malformed`]: no JSON, another schema, a field that is missing or of another type.
    pub fn from_json(text: &str) -> Result<Self, ParseError> {
        let wire: Wire = from_slice(text.as_bytes())?;
        if wire.schema != SCHEMA {
            let shown = sanitize(&wire.schema, 80);
            return Err(ParseError::Malformed(format!("its `schema` is `{shown}`, not `{SCHEMA}`")));
        }
        let (escalation, escalation_reason) = match wire.escalation {
            Some(WireEscalation { kind, reason }) => (Some(sanitize(&kind, 60)), reason),
            None => (None, None),
        };
        Ok(Self {
            judged_at: wire.judged_at,
            actor: sanitize(&wire.judge_actor.name, 60),
            target: wire.target,
            snapshot: wire.target_snapshot,
            labels_to_apply: wire.labels_to_apply,
            escalation,
            escalation_reason,
        })
    }

    /// Finds the record in a comment. `None` where there is no marker outside code and quotes.
    ///
    /// A marker stands alone on its line, not inside a code fence, not indented as code, not in a block quote: there
    /// it is somebody's talk about a record. Two records, a record inside a record, or one that never ends is none.
    ///
    /// # Errors
    /// [`ParseError::Malformed`]: a marker is there and no one record is.
    pub fn find(comment: &str) -> Option<Result<Self, ParseError>> {
        if comment.len() > MAX_BYTES {
            let long = || ParseError::Malformed(format!("the comment is longer than {MAX_BYTES} bytes"));
            return comment.contains(OPEN).then(|| Err(long()));
        }
        let mut fences = Fences::default();
        let mut records: Vec<String> = Vec::new();
        let mut inside: Option<String> = None;
        let malformed = |words: &str| Some(Err(ParseError::Malformed(words.to_owned())));
        for line in comment.lines() {
            let line = line.trim_end_matches('\r');
            let marker = line.trim();
            if let Some(record) = &mut inside {
                if marker == OPEN {
                    return malformed("a record begins inside a record");
                }
                if marker == CLOSE {
                    records.extend(inside.take());
                } else {
                    record.push_str(line);
                    record.push('\n');
                }
            } else if !fences.is_code(line) && !is_indented(line) {
                if marker == OPEN {
                    inside = Some(String::new());
                } else if marker == CLOSE {
                    return malformed("a record ends that never began");
                }
            }
        }
        match (records.as_slice(), inside) {
            (_, Some(_)) => malformed("the record never ends"),
            ([], None) => None,
            ([one], None) => Some(Self::from_json(one)),
            (several, None) => malformed(&format!("there are {} records in one comment", several.len())),
        }
    }
}

/// Reads a file: the bare record, or a comment that holds it between its markers.
///
/// # Errors
/// [`ParseError`]: no one record, or more than `document_bytes` bytes.
pub fn parse(reader: &mut dyn BufRead, limits: &Limits) -> Result<Parsed, ParseError> {
    let mut text = String::new();
    Bounded::new(reader, limits.document_bytes).read_to_string(&mut text)?;
    let record = match JudgeRecord::find(&text) {
        Some(found) => found?,
        None => JudgeRecord::from_json(&text)?,
    };
    let tool = ToolName { name: record.actor.clone(), version: None };
    let unbound = record.snapshot.title_hash.binds_nothing();
    let mut parsed = Parsed::new(Content::Judge(vec![record]));
    parsed.tool = Some(tool);
    if unbound {
        parsed.substance = Substance::Nothing("the record judged an item without a title".to_owned());
    }
    Ok(parsed)
}

/// Whether content of this shape is a record.
pub fn fits(shape: &Shape) -> bool {
    matches!(shape, Shape::JsonObject { texts, .. } if texts.get("schema").is_some_and(|name| name == SCHEMA))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(name: &str) -> String {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/openclaw-judge");
        std::fs::read_to_string(format!("{folder}/{name}")).unwrap()
    }

    fn found(text: &str) -> Result<JudgeRecord, String> {
        JudgeRecord::find(text).unwrap().map_err(|error| error.to_string())
    }

    #[test]
    fn the_genuine_comment_and_file_hold_one_record() {
        let comment = sample("comment-envelope.md");
        let record = found(&comment).unwrap();
        assert_eq!(record, JudgeRecord::from_json(&sample("judge-record.issue68.json")).unwrap());
        assert_eq!((record.actor.as_str(), record.target.number), ("iskra", 68));
        assert_eq!(record.escalation.as_deref(), Some("operator"));
        assert_eq!(found(&comment.replace('\n', "\r\n")).unwrap(), record);
        assert_eq!(found(&format!("Judged.\n\n{comment}\nSee above.")).unwrap(), record);
        for text in [comment, sample("judge-record.issue68.json")] {
            let parsed = parse(&mut text.as_bytes(), &Limits::default()).unwrap();
            assert!(matches!(parsed.into_content(), Content::Judge(records) if records == [record.clone()]));
        }
    }

    fn prefixed(text: &str, prefix: &str) -> String {
        text.lines().flat_map(|line| [prefix, line, "\n"]).collect()
    }

    #[test]
    fn talk_about_a_record_is_no_record() {
        let comment = sample("comment-envelope.md");
        let quoted = prefixed(&comment, "> ");
        let indented = prefixed(&comment, "    ");
        for text in [
            format!("```html\n{comment}\n```\n"),
            format!("~~~~\n```\n{comment}\n```\n~~~~\n"),
            quoted,
            indented,
            format!("look for {OPEN} in it"),
            "nothing".to_owned(),
        ] {
            assert_eq!(JudgeRecord::find(&text), None, "{text}");
        }
    }

    #[test]
    fn a_record_beside_a_quoted_one_still_counts() {
        let comment = sample("comment-envelope.md");
        let quoted = prefixed(&comment, "> ");
        assert!(found(&format!("{quoted}\n{comment}")).is_ok());
        // A marker inside the record's own JSON text is a word in it.
        let inner = comment.replace("no_prior_judgment", OPEN);
        assert!(found(&inner).is_ok());
    }

    #[test]
    fn no_one_record_is_malformed() {
        let comment = sample("comment-envelope.md");
        for (text, words) in [
            (format!("{comment}\n{comment}"), "there are 2 records in one comment"),
            (comment.replace(CLOSE, ""), "never ends"),
            (comment.replacen(OPEN, "", 1), "never began"),
            (comment.replacen(OPEN, &format!("{OPEN}\n{OPEN}"), 1), "begins inside a record"),
            (
                comment
                    .replace(SCHEMA, "openclaw.judge.v1")
                    .replace("!-- openclaw.judge.v1", "!-- openclaw.judge.v0")
                    .replace("/openclaw.judge.v1", "/openclaw.judge.v0"),
                "`openclaw.judge.v1`",
            ),
            (comment.replace("\"impact\": 5", "\"impact\": \"5\""), "invalid type"),
            (comment.replace("\"number\": 68", "\"number\": 68, \"number\": 69"), "duplicate field"),
            (comment.replace("sha256:0cf9", "0cf9"), "sha256:"),
            (format!("{OPEN}\n```json\n{{}}\n```\n{CLOSE}"), "not JSON"),
            (format!("{OPEN}\n{}\n{CLOSE}", "x".repeat(MAX_BYTES)), "longer than"),
        ] {
            let error = found(&text).unwrap_err();
            assert!(error.contains(words), "{error} has no {words}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_comment_is_looked_through(text in r"(<!-- /?openclaw\.judge\.v0 -->|[`~> \n{}a]){0,30}") {
            let _ = JudgeRecord::find(&text);
        }
    }
}
