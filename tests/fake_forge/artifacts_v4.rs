//! The v4 artifact protocol: the twirp calls, the signed upload and download addresses.
//! Source: the recorded push of v15.0.3 and v16.0; `routers/api/actions/artifactsv4.go` for what was not recorded.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::artifacts::{Protocol, RowStatus};
use super::auth::sign;
use super::git::hex;
use super::http::{Reply, Request, escape, go_json};
use super::state::{State, Status, http_date, rfc3339};

pub const PREFIX: &str = "/twirp/github.actions.results.api.v1.ArtifactService/";
const ADDRESS_LIFE: i64 = 3600;
const DAY: i64 = 24 * 3600;

/// A decoded request message: its fields by snake-case name.
type Message = BTreeMap<&'static str, String>;

impl State {
    pub fn artifacts_v4(&mut self, request: &Request) -> Reply {
        let method = request.path.strip_prefix(PREFIX).unwrap_or_default().to_owned();
        match method.as_str() {
            "UploadArtifact" => return self.only(request, "PUT", Self::upload_v4),
            "DownloadArtifact" => return self.only(request, "GET", Self::download_v4),
            "CreateArtifact"
            | "FinalizeArtifact"
            | "ListArtifacts"
            | "GetSignedArtifactURL"
            | "DeleteArtifact" => {}
            _ => return super::http::no_route(),
        }
        if request.method != "POST" {
            return Reply::empty(405).with("Allow", "POST");
        }
        let task = match self.service_task(request) {
            Ok(task) => task,
            Err((status, message)) => return Reply::text(status, message),
        };
        let Some(message) = decode(&method, request) else {
            return Reply::text(500, "Error decode request body");
        };
        let run = self.task(task).expect("a task that asks").run;
        if message.get("workflow_run_backend_id") != Some(&run.to_string()) {
            return Reply::text(400, "run-id does not match");
        }
        match method.as_str() {
            "CreateArtifact" => self.create_v4(task, run, &message),
            "FinalizeArtifact" => self.finalize_v4(run, &message),
            "ListArtifacts" => self.list_v4(run, &message),
            "GetSignedArtifactURL" => self.signed_v4(task, run, &message),
            _ => self.delete_v4(run, &message),
        }
    }

    fn only(&mut self, request: &Request, method: &str, act: fn(&mut Self, &Request) -> Reply) -> Reply {
        if request.method == method { act(self, request) } else { Reply::empty(405).with("Allow", method) }
    }

    fn create_v4(&mut self, task: i64, run: i64, message: &Message) -> Reply {
        let name = field(message, "name");
        // The server truncates whole hours to days: "in one day" becomes none.
        let expires = message.get("expires_at").and_then(|at| at.parse::<jiff::Timestamp>().ok());
        let days = expires.map_or(90, |at| (at.as_second() - self.now) / DAY);
        let at = self.open_row(run, name, &format!("{name}.zip"), Protocol::V4, days);
        let id = self.artifacts.rows[at].id;
        proto(&json!({"ok": true, "signedUploadUrl": self.address("UploadArtifact", name, task, id)}))
    }

    fn address(&self, endpoint: &str, name: &str, task: i64, artifact: i64) -> String {
        let expires = jiff::Timestamp::from_second(self.now + ADDRESS_LIFE).expect("a time of this era");
        let expires = expires.strftime("%Y-%m-%d %H:%M:%S.000000001 +0000 UTC").to_string();
        let sig = sign(endpoint, &expires, name, task, artifact);
        let (root, base) = (&self.root_url, PREFIX.trim_start_matches('/'));
        let (expires, name) = (escape(&expires), escape(name));
        format!(
            "{root}{base}{endpoint}?sig={sig}&expires={expires}&artifactName={name}&taskID={task}&artifactID={artifact}"
        )
    }

    /// The row a signed address is for, or the refusal.
    fn signed_row(&self, endpoint: &str, request: &Request) -> Result<usize, Reply> {
        let get = |name: &str| request.query(name).unwrap_or_default().to_owned();
        let (expires, name) = (get("expires"), get("artifactName"));
        let (task, id) = (get("taskID").parse().unwrap_or(0), get("artifactID").parse().unwrap_or(0));
        let until = expires.split_once('.').map(|(at, _)| format!("{}Z", at.replace(' ', "T")));
        let until =
            until.and_then(|at| at.parse::<jiff::Timestamp>().ok()).map_or(0, jiff::Timestamp::as_second);
        if get("sig") != sign(endpoint, &expires, &name, task, id) || until < self.now {
            return Err(Reply::text(401, "Error unauthorized"));
        }
        if self.task(task).is_none_or(|task| task.status != Status::Running) {
            return Err(Reply::text(500, "Error runner api getting task: task is not running"));
        }
        let found = self.artifacts.rows.iter().position(|row| row.id == id && row.name == name);
        found.ok_or_else(|| Reply::text(404, "Error artifact not found"))
    }

    fn upload_v4(&mut self, request: &Request) -> Reply {
        let at = match self.signed_row("UploadArtifact", request) {
            Ok(at) => at,
            Err(refusal) => return refusal,
        };
        let comp = request.query("comp").unwrap_or_default();
        if !comp.is_empty() && request.length.is_none() {
            return Reply::text(500, "Error upload chunk");
        }
        let body = request.body.clone();
        let row = &mut self.artifacts.rows[at];
        match (comp, request.query("blockid")) {
            ("block", Some(id)) => {
                let _ = self.artifacts.blocks.insert((row.run, body.len(), id.to_owned()), body);
            }
            ("block" | "appendBlock", _) => {
                row.size += body.len();
                row.chunks.push((row.chunks.len(), body, 0));
            }
            ("blocklist", _) => {
                row.block_list = Some(latest_blocks(&String::from_utf8_lossy(&body)));
                return Reply::document(201, "\"created\"\n".to_owned());
            }
            // A single Put Blob is ignored without a word.
            _ => return Reply::empty(200),
        }
        Reply::document(201, "\"appended\"\n".to_owned())
    }

    /// Joins what was uploaded. The parts are gone afterwards, whether that worked or not.
    fn finalize_v4(&mut self, run: i64, message: &Message) -> Reply {
        let name = field(message, "name");
        let Some(at) = self.artifacts.find(run, name, &format!("{name}.zip")) else {
            return Reply::text(404, "Error artifact not found");
        };
        let row = &mut self.artifacts.rows[at];
        let (list, chunks) = (row.block_list.take(), std::mem::take(&mut row.chunks));
        let joined = match list {
            Some(ids) => {
                let parts: Option<Vec<Vec<u8>>> =
                    ids.iter().map(|id| self.artifacts.take_block(run, id)).collect();
                parts.filter(|parts| !parts.is_empty()).map(|parts| parts.concat())
            }
            None if chunks.is_empty() => None,
            None => Some(chunks.into_iter().flat_map(|(_, part, _)| part).collect()),
        };
        let wanted = message.get("hash").and_then(|hash| hash.strip_prefix("sha256:"));
        let Some(content) = joined.filter(|content| wanted.is_none_or(|hash| sha256(content) == hash)) else {
            self.artifacts.rows[at].size = 0;
            return Reply::text(500, "Error merge chunks");
        };
        self.confirm_row(at, content);
        proto(&json!({"ok": true, "artifactId": self.artifacts.rows[at].id.to_string()}))
    }

    fn list_v4(&mut self, run: i64, message: &Message) -> Reply {
        if self.artifacts.of_run(run).next().is_none() {
            return Reply::text(404, "Not Found");
        }
        let job = field(message, "workflow_job_run_backend_id");
        let v3: Vec<&str> = self
            .artifacts
            .of_run(run)
            .filter(|row| row.protocol == Protocol::V3)
            .map(|row| row.name.as_str())
            .collect();
        let mut listed: Vec<Value> = Vec::new();
        for row in self.artifacts.of_run(run) {
            let by_name = message.get("name_filter").is_none_or(|name| *name == row.name);
            let by_id = message.get("id_filter").is_none_or(|id| *id == row.id.to_string());
            // A name that both protocols use is hidden from this one.
            if row.protocol == Protocol::V3 || v3.contains(&row.name.as_str()) || !by_name || !by_id {
                continue;
            }
            let mut item = json!({
                "workflowRunBackendId": run.to_string(),
                "workflowJobRunBackendId": job,
                "databaseId": row.id.to_string(),
                "name": row.name,
                "createdAt": rfc3339(Some(row.created)),
            });
            if row.size > 0 {
                item["size"] = json!(row.size.to_string());
            }
            listed.push(item);
        }
        self.shuffle(&mut listed);
        proto(&if listed.is_empty() { json!({}) } else { json!({"artifacts": listed}) })
    }

    fn signed_v4(&mut self, task: i64, run: i64, message: &Message) -> Reply {
        let name = field(message, "name");
        let Some(at) = self.artifacts.find(run, name, &format!("{name}.zip")) else {
            return Reply::text(404, "Error artifact not found");
        };
        let id = self.artifacts.rows[at].id;
        proto(&json!({"signedUrl": self.address("DownloadArtifact", name, task, id)}))
    }

    fn download_v4(&mut self, request: &Request) -> Reply {
        let row = match self.signed_row("DownloadArtifact", request) {
            Ok(at) => &self.artifacts.rows[at],
            Err(refusal) => return refusal,
        };
        let Some(content) = row.content.clone() else {
            return Reply::text(500, "serve content: unable to read");
        };
        served(Reply::content(request, &http_date(row.updated), content), "inline", &row.name)
    }

    /// Marks the row; listings and downloads of jobs do not care until the nightly clean-up.
    fn delete_v4(&mut self, run: i64, message: &Message) -> Reply {
        let name = field(message, "name");
        let Some(at) = self.artifacts.find(run, name, &format!("{name}.zip")) else {
            return Reply::text(404, "Error artifact not found");
        };
        let now = self.now;
        let row = &mut self.artifacts.rows[at];
        if row.status == RowStatus::Confirmed {
            row.status = RowStatus::PendingDeletion;
            row.updated = now;
        }
        proto(&json!({"ok": true, "artifactId": row.id.to_string()}))
    }
}

impl super::artifacts::Artifacts {
    fn take_block(&mut self, run: i64, id: &str) -> Option<Vec<u8>> {
        let key = self.blocks.keys().find(|(of, _, block)| *of == run && block == id)?.clone();
        self.blocks.remove(&key)
    }
}

/// The headers every stored file is served with.
pub fn served(reply: Reply, disposition: &str, name: &str) -> Reply {
    let escaped = escape(name);
    reply
        .with("Access-Control-Expose-Headers", "Content-Disposition")
        .with("Cache-Control", "private, max-age=300")
        .with(
            "Content-Disposition",
            format!("{disposition}; filename=\"{name}\"; filename*=UTF-8''{escaped}"),
        )
}

/// protojson: no newline at the end.
fn proto(value: &Value) -> Reply {
    Reply::document(200, go_json(value))
}

fn field<'m>(message: &'m Message, name: &str) -> &'m str {
    message.get(name).map(String::as_str).unwrap_or_default()
}

const RUN: (&str, &str) = ("workflow_run_backend_id", "workflowRunBackendId");
const JOB: (&str, &str) = ("workflow_job_run_backend_id", "workflowJobRunBackendId");
const NAME: (&str, &str) = ("name", "name");

/// Strict protojson: snake or camel case, numbers also as strings, and no field the message does not have.
fn decode(method: &str, request: &Request) -> Option<Message> {
    let own: &[(&'static str, &'static str)] = match method {
        "CreateArtifact" => &[RUN, JOB, NAME, ("expires_at", "expiresAt"), ("version", "version")],
        "FinalizeArtifact" => &[RUN, JOB, NAME, ("size", "size"), ("hash", "hash")],
        "ListArtifacts" => &[RUN, JOB, ("name_filter", "nameFilter"), ("id_filter", "idFilter")],
        _ => &[RUN, JOB, NAME],
    };
    let mut message = Message::new();
    for (key, value) in request.json()?.as_object()? {
        let (name, _) = own.iter().find(|(snake, camel)| key == snake || key == camel)?;
        match value {
            Value::String(text) => drop(message.insert(name, text.clone())),
            Value::Number(number) => drop(message.insert(name, number.to_string())),
            Value::Null => {}
            _ => return None,
        }
    }
    Some(message)
}

/// The ids of a block list in their order. Only `Latest` is recognised.
fn latest_blocks(xml: &str) -> Vec<String> {
    let parts = xml.split("<Latest>").skip(1);
    parts.filter_map(|part| part.split_once("</Latest>")).map(|(id, _)| id.to_owned()).collect()
}

pub fn sha256(content: &[u8]) -> String {
    hex(&Sha256::digest(content))
}
