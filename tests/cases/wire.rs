//! A client that sends a request byte for byte and tidies nothing on the way.
//! Speaks HTTP/1.1 by hand: one connection, one request, and an answer that may break off.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::Value;

use crate::fake_forge::FakeForge;

#[derive(Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// A REST `GET` with a token, or as nobody where it is empty.
pub fn get(forge: &FakeForge, path: &str, token: &str) -> Reply {
    call(forge, "GET", path, token, "")
}

/// A call with a token in REST's own form, or as nobody where it is empty.
pub fn call(forge: &FakeForge, method: &str, path: &str, token: &str, body: &str) -> Reply {
    let headers = [("Authorization".to_owned(), format!("token {token}"))];
    let headers = if token.is_empty() { &[][..] } else { &headers[..] };
    let (base, below) = split(&forge.url());
    send(&base, method, &format!("{below}{path}"), headers, body.as_bytes())
}

/// A call of the v4 artifact service for a run.
pub fn twirp(forge: &FakeForge, method: &str, runtime_token: &str, body: &Value) -> Reply {
    let headers = [("Authorization".to_owned(), format!("Bearer {runtime_token}"))];
    let (base, below) = split(&forge.url());
    let path = format!("{below}/twirp/github.actions.results.api.v1.ArtifactService/{method}");
    send(&base, "POST", &path, &headers, body.to_string().as_bytes())
}

/// Origin and path of an address.
pub fn split(url: &str) -> (String, String) {
    let after = url.trim_start_matches("http://");
    let at = after.find('/').unwrap_or(after.len());
    (format!("http://{}", &after[..at]), after[at..].to_owned())
}

/// Sends a request to `base` (an `http://address` without path) and reads the whole reply.
pub fn send(base: &str, method: &str, target: &str, headers: &[(String, String)], body: &[u8]) -> Reply {
    let mut stream = TcpStream::connect(base.trim_start_matches("http://")).unwrap();
    let mut out = format!("{method} {target} HTTP/1.1\r\nHost: forge\r\nConnection: close\r\n");
    for (name, value) in headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("Content-Length")) {
        write!(out, "{name}: {value}\r\n").unwrap();
    }
    write!(out, "Content-Length: {}\r\n\r\n", body.len()).unwrap();
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
