//! What counts as the same answer: status, the headers that matter, every key and JSON type, the telling values,
//! plain text to the byte, archives by their entries.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};

use serde_json::Value;

use crate::cases::wire::Reply;

/// Headers whose value must be the recorded one.
const HEADERS: [&str; 16] = [
    "Content-Type",
    "Location",
    "Allow",
    "Link",
    "Content-Range",
    "Accept-Ranges",
    "Content-Encoding",
    "Content-Disposition",
    "Access-Control-Expose-Headers",
    "X-Total-Count",
    "X-Page",
    "X-PerPage",
    "X-PageCount",
    "X-HasMore",
    "X-Content-Type-Options",
    "Cache-Control",
];

/// Headers that must be there where they were recorded, and nowhere else.
const PRESENT: [&str; 3] = ["Last-Modified", "Etag", "Date"];

/// Keys whose value must be the recorded one; of all others only the type must.
const TELLING: &str = " id name status state attempt task_id run_id run_number index_in_repo event trigger_event \
    commit_sha head_sha head_branch display_title title workflow_id prettyref is_fork_pull_request need_approval \
    approved_by size_in_bytes databaseId count total_count number context target_url login private fork \
    default_branch draft merged merge_commit_sha merge_base mergeable label ref commit_id stale official dismissed \
    filename additions deletions changes changed_files body content encoding type path itemType needs protected \
    required_approvals enable_status_check user_can_merge message version expired is_locked max_response_items \
    default_paging_num comments review_comments color artifactId ok review_id repo_id owner_id last_commit_sha \
    workflowRunBackendId workflowJobRunBackendId expires_at created_at createdAt started stopped duration \
    description open_issues_count open_pr_counter admin push pull errors truncated html_url jobs ";

/// Keys whose text is made of a commit's or a blob's bytes, which the fake does not hash as git does.
fn is_telling(key: &str) -> bool {
    TELLING.contains(&format!(" {key} "))
}

/// Every way in which `ours` is not `recorded`. `base` is where ours came from.
pub fn differences(recorded: &Reply, ours: &Reply, base: &str) -> Vec<String> {
    let mut out = Vec::new();
    if recorded.status != ours.status {
        out.push(format!("status {} instead of {}", ours.status, recorded.status));
    }
    for name in HEADERS {
        let (theirs, own) = (recorded.header(name), ours.header(name));
        if theirs != own {
            out.push(format!("header {name}: {own:?} instead of {theirs:?}"));
        }
    }
    for name in PRESENT {
        if recorded.header(name).is_some() != ours.header(name).is_some() {
            out.push(format!("header {name}: there on one side only"));
        }
    }
    bodies(recorded, ours, base, &mut out);
    out
}

fn bodies(recorded: &Reply, ours: &Reply, base: &str, out: &mut Vec<String>) {
    if recorded.body == ours.body {
        return;
    }
    let is_json = recorded.header("Content-Type").is_some_and(|kind| kind.starts_with("application/json"));
    if is_json {
        let own = String::from_utf8_lossy(&ours.body).replace(base, "http://forge.example");
        match (serde_json::from_slice(&recorded.body), serde_json::from_str(&own)) {
            (Ok(theirs), Ok(own)) => return shape("", &sorted(theirs), &sorted(own), out),
            _ => return out.push("one of the bodies is no JSON".to_owned()),
        }
    }
    match (entries(&recorded.body), entries(&ours.body)) {
        (Some(theirs), Some(own)) if theirs == own => {}
        (Some(_), _) => out.push("the archives differ in their entries".to_owned()),
        _ => {
            let text = |body: &[u8]| String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned();
            out.push(format!("body {:?} instead of {:?}", text(&ours.body), text(&recorded.body)));
        }
    }
}

/// v4 listings come in random order on both sides.
fn sorted(mut value: Value) -> Value {
    if let Some(artifacts) = value.get_mut("artifacts").and_then(Value::as_array_mut) {
        artifacts.sort_by_key(|item| item["databaseId"].as_str().map(|id| id.parse::<i64>().unwrap()));
    }
    value
}

fn entries(zip: &[u8]) -> Option<BTreeMap<String, Vec<u8>>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(zip)).ok()?;
    let mut out = BTreeMap::new();
    for at in 0..archive.len() {
        let mut file = archive.by_index(at).ok()?;
        let mut content = Vec::new();
        file.read_to_end(&mut content).ok()?;
        out.insert(file.name().ok()?.into_owned(), content);
    }
    Some(out)
}

/// Keys and types of two documents, and the values that tell something.
pub fn shape(at: &str, theirs: &Value, ours: &Value, out: &mut Vec<String>) {
    match (theirs, ours) {
        (Value::Object(theirs), Value::Object(ours)) => {
            for (key, value) in theirs {
                match ours.get(key) {
                    Some(own) => shape(&format!("{at}.{key}"), value, own, out),
                    None => out.push(format!("{at}.{key} is missing")),
                }
            }
            for key in ours.keys().filter(|key| !theirs.contains_key(*key)) {
                out.push(format!("{at}.{key} is not in the recording"));
            }
        }
        (Value::Array(theirs), Value::Array(ours)) => {
            if theirs.len() != ours.len() {
                out.push(format!("{at} has {} items instead of {}", ours.len(), theirs.len()));
            }
            for (index, (theirs, ours)) in theirs.iter().zip(ours).enumerate() {
                shape(&format!("{at}[{index}]"), theirs, ours, out);
            }
        }
        _ => {
            let key = at.rsplit('.').next().unwrap_or(at).split('[').next().unwrap_or(at);
            if std::mem::discriminant(theirs) != std::mem::discriminant(ours) {
                out.push(format!("{at} is {ours} instead of {theirs}"));
            } else if theirs != ours && is_telling(key) {
                out.push(format!("{at} = {ours} instead of {theirs}"));
            }
        }
    }
}
