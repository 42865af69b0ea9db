//! What can go wrong between us and the forge, always with the method and path it went wrong at.
//! Bodies are bounded and rid of tokens and signatures before they get in here; addresses lose their query.

use std::fmt;

use crate::model::{Token, sanitize};

/// Method and path of one request, for messages. The query is left out: it may hold a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    pub method: &'static str,
    pub path: String,
}

impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{} {}`", self.method, self.path)
    }
}

/// At which point the connection failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// No connection: nothing was sent, so the same request may be sent again whatever it does.
    Connect,
    /// No answer in time.
    Timeout,
    /// The answer broke off.
    Body,
    /// Anything else on the way.
    Other,
}

/// A failed call. Whether it means "unmeasured" or "absent" is the caller's to say.
#[derive(Debug, thiserror::Error)]
pub enum ForgeError {
    #[error("{exchange} was answered with status {status}{}", Shown(body))]
    Status { exchange: Exchange, status: u16, body: String },
    #[error("{exchange} failed: {reason}")]
    Transport { exchange: Exchange, broken: Broken, reason: String },
    #[error("{exchange} was not sent: the time for all requests is used up")]
    Deadline { exchange: Exchange },
    #[error("{exchange} was answered with more than {limit} bytes")]
    TooLarge { exchange: Exchange, limit: u64 },
    #[error("{exchange} was answered with something unreadable: {reason}")]
    Malformed { exchange: Exchange, reason: String },
    #[error("{exchange} was redirected: {reason}")]
    Redirect { exchange: Exchange, reason: String },
    #[error("{exchange} listed {got} of {total} entries")]
    Incomplete { exchange: Exchange, got: u64, total: u64 },
    #[error("`{0}` cannot be part of an address")]
    Segment(String),
    #[error("the runner announces no artifact service: `{0}` is not set")]
    NoService(&'static str),
    #[error("`{name}` cannot be the name of an artifact: {reason}")]
    ArtifactName { name: String, reason: &'static str },
    #[error("uploading artifact `{name}` failed: {reason}")]
    Upload { name: String, reason: String },
    #[error("the connection could not be set up: {0}")]
    Setup(String),
    #[error("a temporary file failed")]
    Io(#[from] std::io::Error),
}

struct Shown<'a>(&'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, ": {}", self.0) }
    }
}

impl ForgeError {
    /// The status of the answer, where there was one outside 200 to 299.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// 404: absent, or invisible to this token.
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(404)
    }

    /// 401 or 403: this token may not. A fork's may not post a status (LIVE section 8).
    pub fn is_not_permitted(&self) -> bool {
        matches!(self.status(), Some(401 | 403))
    }

    /// The text of the answer, bounded and redacted.
    pub fn body(&self) -> &str {
        match self {
            Self::Status { body, .. } => body,
            _ => "",
        }
    }
}

/// Characters of an answer's text that are kept; the forge's own messages are under half of it.
const MAX_BODY: usize = 500;

/// What remains of an answer's text in an error: no token, no signature, one line, cut to `MAX_BODY`.
pub(super) fn redact(text: &str, secrets: &[&Token]) -> String {
    let mut text = text.to_owned();
    for secret in secrets {
        text = text.replace(secret.expose(), "***");
    }
    sanitize(&without_signatures(&text), MAX_BODY)
}

/// Cuts the value of every `sig=` and `X-Amz-Signature=` in the text.
fn without_signatures(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) =
        ["sig=", "ignature="].iter().filter_map(|key| rest.find(key).map(|at| at + key.len())).min()
    {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        out.push_str("***");
        let end = after.find(|c: char| matches!(c, '&' | '"' | '\'' | '<' | '\\') || c.is_whitespace());
        rest = end.map_or("", |end| after.get(end..).unwrap_or(""));
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_token_and_no_signature_survives() {
        let token: Token = "deadbeefdeadbeef".parse().unwrap();
        let text =
            "no deadbeefdeadbeef for \"http://f.example/x?sig=abc%3D&expires=1\"\n&X-Amz-Signature=0123 end";
        let shown = redact(text, &[&token]);
        for secret in ["deadbeef", "abc%3D", "0123"] {
            assert!(!shown.contains(secret), "{shown}");
        }
        assert!(shown.contains("expires=1") && shown.ends_with("end"), "{shown}");
        assert!(redact(&"x".repeat(10_000), &[]).chars().count() <= MAX_BODY + 1);
    }
}
