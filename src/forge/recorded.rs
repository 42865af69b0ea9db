//! Recorded traffic of real servers for the tests: a loopback server that answers as the record does.

use std::path::Path;

use serde_json::Value;

use super::loopback::{Answer, Loopback, Received};

/// One recorded exchange.
#[derive(Clone)]
pub struct Recorded {
    pub name: String,
    pub method: String,
    pub target: String,
    /// What a request of the artifact service asks for.
    pub asked: Option<String>,
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// Every exchange of one file of `tests/fixtures/transcripts`.
pub fn exchanges(version: &str, file: &str) -> Vec<Recorded> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/transcripts").join(version).join(file);
    let list: Vec<Value> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    list.iter().map(recorded).collect()
}

fn recorded(entry: &Value) -> Recorded {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (request, response) = (&entry["request"], &entry["response"]);
    let body = match response["body_base64"].as_str() {
        Some(packed) => base64::Engine::decode(&base64::engine::general_purpose::STANDARD, packed).unwrap(),
        None => text(&response["body"]).into_bytes(),
    };
    let kept = ["link", "x-total-count", "content-type", "location", "date", "content-encoding"];
    let headers = response["headers"]
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| kept.contains(&name.to_lowercase().as_str()))
        .map(|(name, value)| (name.clone(), text(value)))
        .collect();
    Recorded {
        name: text(&entry["name"]),
        method: text(&request["method"]),
        target: text(&request["url"]),
        asked: asked(text(&request["body"]).as_bytes()),
        status: response["status"].as_u64().unwrap().try_into().unwrap(),
        headers,
        body,
    }
}

impl Recorded {
    pub fn answer(&self) -> Answer {
        self.headers.iter().fold(Answer::new(self.status, self.body.clone()), |answer, (name, value)| {
            answer.header(name, value)
        })
    }
}

/// Answers each request by the first record of the same method and address that `wanted` takes; 599 for any other.
pub fn play(records: Vec<Recorded>, wanted: impl Fn(&Recorded) -> bool + Send + Sync + 'static) -> Loopback {
    Loopback::start(move |request: &Received| {
        let found = records.iter().find(|record| {
            record.method == request.method
                && unpaged(&record.target) == unpaged(&request.target)
                && record.asked == asked(&request.body)
                && wanted(record)
        });
        found.map_or_else(|| Answer::new(599, format!("not recorded: {}", request.target)), Recorded::answer)
    })
}

/// The name in a JSON request.
fn asked(body: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(body).ok()?;
    value.get("name").or(value.get("name_filter"))?.as_str().map(str::to_owned)
}

/// The address without its paging: the record was made with other limits.
fn unpaged(target: &str) -> String {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("page=") && !pair.starts_with("limit="))
        .collect();
    format!("{path}?{}", kept.join("&"))
}
