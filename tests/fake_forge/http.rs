//! HTTP as the fake forge sees it: a parsed request, a reply to be written, the error shapes of a real server.
//! Owns no socket; `server` reads and writes them.

use std::fmt::Write as _;

use serde_json::{Value, json};

pub struct Request {
    pub method: String,
    /// As sent, sub-path and query included.
    pub target: String,
    /// Without the query and the installation's sub-path, still percent-encoded.
    pub path: String,
    pub query: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
    /// `None` where the client gave no length (chunked), which the upload routes refuse.
    pub length: Option<usize>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Decoded path segments.
    pub fn segments(&self) -> Vec<String> {
        self.path.split('/').filter(|part| !part.is_empty()).map(|part| decode(part, false)).collect()
    }

    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// How long a reply is, as its header says it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    Length,
    /// Real servers stream JSON of more than 2 KiB.
    Chunked,
}

#[derive(Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub framing: Framing,
}

impl Reply {
    pub fn bytes(status: u16, kind: &str, body: Vec<u8>) -> Self {
        let headers = vec![("Content-Type".to_owned(), kind.to_owned())];
        Self { status, headers, body, framing: Framing::Length }
    }

    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), framing: Framing::Length }
    }

    /// A REST answer: a JSON document, a newline, and `nosniff`.
    pub fn json(status: u16, value: &Value) -> Self {
        Self::document(status, go_json(value) + "\n").with("X-Content-Type-Options", "nosniff")
    }

    /// A document of the artifact service; it ends without a newline where it comes from protojson.
    pub fn document(status: u16, text: String) -> Self {
        let mut reply = Self::bytes(status, "application/json;charset=utf-8", text.into_bytes());
        if reply.body.len() > 2048 {
            reply.framing = Framing::Chunked;
        }
        reply
    }

    /// Go's `http.Error`: plain text, newline, `nosniff`.
    pub fn text(status: u16, message: &str) -> Self {
        Self::bytes(status, "text/plain; charset=utf-8", format!("{message}\n").into_bytes())
            .with("X-Content-Type-Options", "nosniff")
    }

    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// `http.ServeContent`: whole, or one range of it.
    pub fn content(request: &Request, modified: &str, body: Vec<u8>) -> Self {
        let reply = Self::bytes(200, "application/octet-stream", Vec::new())
            .with("Accept-Ranges", "bytes")
            .with("Last-Modified", modified)
            .with("X-Content-Type-Options", "nosniff");
        let Some((first, last)) = request.header("Range").and_then(|range| one_range(range, body.len()))
        else {
            return Self { body, ..reply };
        };
        let total = body.len();
        let part = body[first..=last].to_vec();
        Self { status: 206, body: part, ..reply }
            .with("Content-Range", format!("bytes {first}-{last}/{total}"))
    }
}

fn one_range(range: &str, total: usize) -> Option<(usize, usize)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let first: usize = first.parse().ok()?;
    let end = total.checked_sub(1)?;
    let last = if last.is_empty() { end } else { last.parse::<usize>().ok()?.min(end) };
    (first <= last).then_some((first, last))
}

/// Go escapes `<`, `>` and `&` inside strings; outside strings none of them occurs in JSON.
pub fn go_json(value: &Value) -> String {
    value.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// REST's error document.
pub fn api_error(root_url: &str, status: u16, message: &str) -> Reply {
    Reply::json(status, &json!({"message": message, "url": format!("{root_url}api/swagger")}))
}

/// REST's 404 with its `errors` list, which a plain error document lacks.
pub fn api_not_found(root_url: &str, message: &str, errors: &[String]) -> Reply {
    let url = format!("{root_url}api/swagger");
    Reply::json(404, &json!({"message": message, "url": url, "errors": errors}))
}

/// What a route that does not exist on this version answers.
pub fn no_route() -> Reply {
    Reply::text(404, "404 page not found")
}

pub fn parse_query(text: &str) -> Vec<(String, String)> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key, true), decode(value, true))
        })
        .collect()
}

/// Percent-decoding; `+` is a space in queries only.
pub fn decode(text: &str, plus: bool) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' if plus => out.push(b' '),
            b'%' => {
                let hex: String = rest.by_ref().take(2).map(char::from).collect();
                out.push(u8::from_str_radix(&hex, 16).unwrap_or(b'?'));
            }
            other => out.push(other),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Go's `url.QueryEscape`.
pub fn escape(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            other => write!(out, "%{other:02X}").unwrap(),
        }
    }
    out
}
