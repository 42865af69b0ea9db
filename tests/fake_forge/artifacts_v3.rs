//! The v3 artifact protocol: file containers, chunked uploads, listings that show both protocols.
//! Source: the recorded push of v15.0.3 and v16.0; `artifacts.go` and `artifacts_chunks.go` for the rest.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use serde_json::{Value, json};

use super::artifacts::{Protocol, RowStatus};
use super::artifacts_v4::served;
use super::git::hex;
use super::http::{Reply, Request, go_json, no_route};
use super::state::{State, http_date};

pub const PREFIX: &str = "/api/actions_pipeline/";
const FORBIDDEN: &str = "\\/\":<>|*?\r\n";

impl State {
    pub fn artifacts_v3(&mut self, request: &Request) -> Reply {
        let segments = request.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let ["api", "actions_pipeline", "_apis", "pipelines", "workflows", run, "artifacts", rest @ ..] =
            segments.as_slice()
        else {
            return no_route();
        };
        let task = match self.service_task(request) {
            Ok(task) => task,
            Err((status, message)) => return Reply::text(status, message),
        };
        let own = self.task(task).expect("a task that asks").run;
        if run.parse() != Ok(own) {
            return Reply::text(400, "run-id does not match");
        }
        match (request.method.as_str(), rest) {
            ("POST", []) => self.create_v3(own, request),
            ("PATCH", []) => self.finalize_v3(own, request),
            ("GET", []) => self.list_v3(own),
            ("PUT", [hash, "upload"]) => self.upload_v3(own, hash, request),
            ("GET", [hash, "download_url"]) => self.files_v3(own, hash, request),
            ("GET", [id, "download"]) => self.download_v3(own, id, request),
            _ => no_route(),
        }
    }

    fn container(&self, run: i64, tail: &str) -> String {
        format!("{}api/actions_pipeline/_apis/pipelines/workflows/{run}/artifacts/{tail}", self.root_url)
    }

    /// Hands out an address and remembers nothing: names are looked at when a file arrives.
    fn create_v3(&mut self, run: i64, request: &Request) -> Reply {
        let Some(body) = request.json() else { return Reply::text(500, "Error decode request body") };
        let name = body["Name"].as_str().unwrap_or_default();
        let days = body["RetentionDays"].as_i64().map(|days| format!("?retentionDays={days}"));
        let tail = format!("{}/upload{}", md5_hex(name), days.unwrap_or_default());
        document(&json!({"fileContainerResourceUrl": self.container(run, &tail)}))
    }

    fn upload_v3(&mut self, run: i64, hash: &str, request: &Request) -> Reply {
        let item = clean(request.query("itemPath").unwrap_or_default());
        let (name, path) = item.split_once('/').unwrap_or((item.as_str(), ""));
        if name.chars().any(|c| FORBIDDEN.contains(c)) || path.chars().any(|c| "\":<>|*?\r\n".contains(c)) {
            return Reply::text(400, "Error checking artifact name contains invalid character");
        }
        if md5_hex(name) != hash {
            return Reply::text(400, "Invalid artifact hash");
        }
        let days = match request.query("retentionDays").map(str::parse::<i64>) {
            Some(Err(_)) => return Reply::text(400, "Error parse retention days"),
            Some(Ok(days)) => days,
            None => 90,
        };
        let length =
            request.header("x-tfs-filelength").and_then(|n| n.parse::<usize>().ok()).filter(|n| *n > 0);
        let known = self.artifacts.find(run, name, path);
        let at = match known.filter(|at| self.artifacts.rows[*at].status == RowStatus::Pending) {
            Some(at) => at,
            None => self.open_row(run, name, path, Protocol::V3, days),
        };
        let row = &mut self.artifacts.rows[at];
        if row.size == 0 {
            row.size = length.unwrap_or(request.body.len());
        }
        row.gzip = request.header("Content-Encoding") == Some("gzip");
        // The row is there and listed even where the chunk is refused.
        let range = request.header("Content-Range").and_then(content_range);
        let md5 = STANDARD.encode(Md5::digest(&request.body));
        match range {
            Some((start, total)) if request.header("x-actions-results-md5") == Some(md5.as_str()) => {
                row.chunks.retain(|(other, _, _)| *other != start);
                row.chunks.push((start, request.body.clone(), total));
                document(&json!({"message": "success"}))
            }
            _ => Reply::text(500, "Error save upload chunk"),
        }
    }

    /// Joins what is complete and says `success` whether anything was or not.
    fn finalize_v3(&mut self, run: i64, request: &Request) -> Reply {
        let name = request.query("artifactName").unwrap_or_default();
        if name.is_empty() {
            return Reply::text(400, "Error artifact name is empty");
        }
        for at in 0..self.artifacts.rows.len() {
            let row = &mut self.artifacts.rows[at];
            if row.run != run || row.name != name || row.protocol != Protocol::V3 || row.chunks.is_empty() {
                continue;
            }
            row.chunks.sort_by_key(|(start, _, _)| *start);
            let total = row.chunks.first().map_or(0, |(_, _, total)| *total);
            let mut content = Vec::new();
            for (start, part, _) in &row.chunks {
                if *start == content.len() {
                    content.extend(part);
                }
            }
            if content.len() == total {
                self.confirm_row(at, content);
            }
        }
        document(&json!({"message": "success"}))
    }

    /// Names of both protocols and of every status, in the order their first row was made.
    fn list_v3(&mut self, run: i64) -> Reply {
        let mut names: Vec<&str> = Vec::new();
        for row in self.artifacts.of_run(run) {
            if !names.contains(&row.name.as_str()) {
                names.push(&row.name);
            }
        }
        if names.is_empty() {
            return Reply::text(404, "Not Found");
        }
        let value: Vec<Value> = names
            .iter()
            .map(|name| {
                let url = self.container(run, &format!("{}/download_url", md5_hex(name)));
                json!({"name": name, "fileContainerResourceUrl": url})
            })
            .collect();
        document(&json!({"count": value.len(), "value": value}))
    }

    fn files_v3(&mut self, run: i64, hash: &str, request: &Request) -> Reply {
        let name = request.query("itemPath").unwrap_or_default();
        if name.chars().any(|c| FORBIDDEN.contains(c)) {
            return Reply::text(400, "Error checking artifact name contains invalid character");
        }
        if md5_hex(name) != hash {
            return Reply::text(400, "Invalid artifact hash");
        }
        let files: Vec<Value> = self
            .artifacts
            .of_run(run)
            .filter(|row| row.name == name)
            .map(|row| {
                let location = self.container(run, &format!("{}/download", row.id));
                json!({"path": format!("{name}/{}", row.path), "itemType": "file", "contentLocation": location})
            })
            .collect();
        if files.is_empty() {
            return Reply::text(404, "Error artifact not found");
        }
        document(&json!({"value": files}))
    }

    fn download_v3(&mut self, run: i64, id: &str, request: &Request) -> Reply {
        let Some(row) = self.artifacts.of_run(run).find(|row| id.parse() == Ok(row.id)) else {
            return Reply::text(404, "Error artifact not found");
        };
        let Some(content) = row.content.clone() else {
            return Reply::text(500, "Error reading file");
        };
        // Its date is that of the stored file and never moves, unlike that of a v4 download.
        let reply =
            served(Reply::content(request, &http_date(row.created), content), "attachment", &row.name);
        if row.gzip { reply.with("Content-Encoding", "gzip") } else { reply }
    }
}

fn document(value: &Value) -> Reply {
    Reply::document(200, go_json(value) + "\n")
}

pub fn md5_hex(text: &str) -> String {
    hex(&Md5::digest(text.as_bytes()))
}

/// `bytes S-E/TOTAL` as start and total.
fn content_range(header: &str) -> Option<(usize, usize)> {
    let (range, total) = header.strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = range.split_once('-')?;
    Some((start.parse().ok()?, total.parse().ok()?))
}

/// Go's path cleaning of a relative path: `..` never leaves the root.
fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            other => parts.push(other),
        }
    }
    parts.join("/")
}
