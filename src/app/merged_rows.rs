//! The event log as the forge tells it: one `merged` row per merged pull request, from its timeline and the result its
//! gate left for the head that was merged. Nothing is stored; asked again, the forge tells it again.

use serde::Serialize;

use crate::forge::ForgeError;
use crate::forge::rest::{Pull, PullState, Repo};
use crate::model::{ActionKind, Timestamp};
use crate::output::json_line;

use super::result_artifact::{Found, newest};

/// A row as `metrics` reads it (docs/reference/metrics.md).
#[derive(Serialize)]
struct Row {
    kind: &'static str,
    work_item_id: String,
    project: String,
    payload: Payload,
    created_at: Timestamp,
}

#[derive(Serialize)]
struct Payload {
    /// Heads that were pushed until it merged; left out where the timeline could not be read, and the row is then
    /// malformed on purpose: the rates over it are unmeasured, not wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<u64>,
    /// `rebase_conflict` where the gate's last packet asks for a rebase, else `clean`; left out where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    final_verdict: Option<&'static str>,
}

/// The rows of a repository since then, oldest first, and what could not be read of them.
///
/// # Errors
/// [`ForgeError`] where the pull requests could not be listed.
pub fn merged_rows(repo: Repo<'_>, since: Timestamp) -> Result<(String, Vec<String>), ForgeError> {
    let mut merged: Vec<(Timestamp, Pull)> = repo
        .closed_pulls(since)?
        .into_iter()
        .filter(|pull| pull.state == PullState::Merged)
        .filter_map(|pull| Some((pull.merged_at?, pull)))
        .filter(|(at, _)| *at >= since)
        .collect();
    merged.sort_by_key(|(at, pull)| (*at, pull.number));
    let mut rows = String::new();
    let mut not_seen = Vec::new();
    for (at, pull) in merged {
        let row = Row {
            kind: "merged",
            work_item_id: pull.number.to_string(),
            project: repo.slug().to_string(),
            payload: Payload {
                attempts: attempts(repo, &pull, &mut not_seen),
                final_verdict: final_verdict(repo, &pull, &mut not_seen),
            },
            created_at: at,
        };
        rows.push_str(&json_line(&row));
    }
    Ok((rows, not_seen))
}

/// Heads pushed to the pull request. The timeline is the server's own, which no job can write.
fn attempts(repo: Repo<'_>, pull: &Pull, not_seen: &mut Vec<String>) -> Option<u64> {
    match repo.pushes(pull.number) {
        Ok(pushes) => Some((pushes.len() as u64).max(1)),
        Err(error) => {
            not_seen.push(format!("the pushes of {}#{}: {error}", repo.slug(), pull.number));
            None
        }
    }
}

fn final_verdict(repo: Repo<'_>, pull: &Pull, not_seen: &mut Vec<String>) -> Option<&'static str> {
    let found = match repo.actions().runs().head_sha(&pull.head).list() {
        Ok(runs) => newest(repo, &runs, &pull.head),
        Err(error) => Found::Unread { why: error.to_string(), made: None },
    };
    let subject = format!("the gate's result of {}#{}", repo.slug(), pull.number);
    match found {
        Found::Result(result) => {
            let entries = result.packet.iter().flat_map(|packet| &packet.entries);
            let conflict = entries.map(|entry| entry.action.kind).any(|kind| kind == ActionKind::Rebase);
            result.report.verdict.map(|_| if conflict { "rebase_conflict" } else { "clean" })
        }
        Found::None => {
            not_seen.push(format!("{subject}: no run of its head has one"));
            None
        }
        Found::Unread { why, .. } => {
            not_seen.push(format!("{subject}: {why}"));
            None
        }
    }
}
