//! The recordings as data.
//! Reads `tests/fixtures/transcripts`; every body as the bytes that went over the wire.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::cases::wire::Reply;
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

impl Entry {
    pub fn with_body(&self, body: &str) -> Self {
        Self { body: body.as_bytes().to_vec(), ..self.clone() }
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
