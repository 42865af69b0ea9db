//! The recordings as data, and a client that sends one of their requests byte for byte.
//! Reads `tests/fixtures/transcripts`; speaks HTTP by hand so that nothing of a request is tidied on the way.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::fake_forge::Version;

#[derive(Clone)]
pub struct Entry {
    pub name: String,
    pub job: String,
    pub method: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub reply: Reply,
}

#[derive(Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Entry {
    pub fn with_body(&self, body: &str) -> Self {
        Self { body: body.as_bytes().to_vec(), ..self.clone() }
    }
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

pub fn folder(version: Version) -> PathBuf {
    let name = match version {
        Version::V15 => "v15.0.3",
        Version::V16 => "v16.0",
    };
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/transcripts").join(name)
}

pub fn load(version: Version, file: &str) -> Vec<Entry> {
    let text = std::fs::read_to_string(folder(version).join(format!("{file}.json"))).unwrap();
    let entries: Vec<Value> = serde_json::from_str(&text).unwrap();
    entries.iter().map(entry).collect()
}

fn entry(value: &Value) -> Entry {
    let (request, response) = (&value["request"], &value["response"]);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    Entry {
        name: text(&value["name"]),
        job: text(&value["job"]),
        method: text(&request["method"]),
        url: text(&request["url"]),
        headers: headers(request),
        body: body(request),
        reply: Reply {
            status: u16::try_from(response["status"].as_u64().unwrap()).unwrap(),
            headers: headers(response),
            body: body(response),
        },
    }
}

fn headers(of: &Value) -> Vec<(String, String)> {
    let pairs = of["headers"].as_object().unwrap().iter();
    pairs.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
}

fn body(of: &Value) -> Vec<u8> {
    match (&of["body"], &of["body_base64"]) {
        (Value::String(text), _) => text.clone().into_bytes(),
        (_, Value::String(coded)) => STANDARD.decode(coded).unwrap(),
        _ => Vec::new(),
    }
}

/// Sends a request to `base` (an `http://address` without path) and reads the whole reply.
pub fn send(base: &str, method: &str, target: &str, headers: &[(String, String)], body: &[u8]) -> Reply {
    let mut stream = TcpStream::connect(base.trim_start_matches("http://")).unwrap();
    let mut out = format!("{method} {target} HTTP/1.1\r\nHost: forge\r\nConnection: close\r\n");
    for (name, value) in headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("Content-Length")) {
        out += &format!("{name}: {value}\r\n");
    }
    out += &format!("Content-Length: {}\r\n\r\n", body.len());
    stream.write_all(out.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    read_reply(&mut stream, method == "HEAD").expect("a whole reply")
}

/// Reads one reply; none where the stream ends or breaks before its end.
pub fn read_reply(stream: &mut TcpStream, head_only: bool) -> Option<Reply> {
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    loop {
        let mut slots = [httparse::EMPTY_HEADER; 64];
        let mut head = httparse::Response::new(&mut slots);
        if let httparse::Status::Complete(taken) = head.parse(&bytes).ok()? {
            let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
            let headers: Vec<_> = head.headers.iter().map(|h| (h.name.to_owned(), text(h.value))).collect();
            let mut reply = Reply { status: head.code?, headers, body: Vec::new() };
            let rest = bytes.split_off(taken);
            if !head_only {
                reply.body = read_body(stream, &reply, rest)?;
            }
            return Some(reply);
        }
        let n = stream.read(&mut part).ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&part[..n]);
    }
}

fn read_body(stream: &mut TcpStream, reply: &Reply, mut rest: Vec<u8>) -> Option<Vec<u8>> {
    let mut part = [0; 4096];
    let chunked = reply.header("Transfer-Encoding").is_some();
    let length = reply.header("Content-Length").and_then(|n| n.parse::<usize>().ok());
    let done =
        |rest: &[u8]| if chunked { rest.ends_with(b"0\r\n\r\n") } else { rest.len() >= length.unwrap_or(0) };
    while !done(&rest) {
        let n = stream.read(&mut part).ok().filter(|n| *n > 0)?;
        rest.extend_from_slice(&part[..n]);
    }
    if !chunked {
        return Some(rest);
    }
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|pair| pair == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).ok()?, 16).ok()?;
        body.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest.drain(..end + 2 + size + 2);
    }
    Some(body)
}
