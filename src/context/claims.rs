//! The ids inside the runtime token. The signature is the server's business: nothing is trusted for what it says here,
//! the run id is compared, job and task ids are echoed and tell this job from its siblings (LIVE section 1).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::model::Token;

/// Run and job as `scp: "Actions.Results:<run id>:<job id>"` names them, and the task of this attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scope {
    pub run: u64,
    pub job: u64,
    pub task: Option<u64>,
}

#[derive(Deserialize)]
struct Claims {
    scp: Option<String>,
    #[serde(rename = "TaskID")]
    task_id: Option<u64>,
}

/// The scope of a runtime token; `None` where the runner fell back to the plain job token.
pub(super) fn scope(token: &Token) -> Option<Scope> {
    let payload = token.expose().split('.').nth(1)?;
    let bytes = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let claims: Claims = serde_json::from_slice(&bytes).ok()?;
    let task_id = claims.task_id;
    claims.scp?.split(' ').find_map(|word| {
        let (run, job) = word.strip_prefix("Actions.Results:")?.split_once(':')?;
        Some(Scope { run: run.parse().ok()?, job: job.parse().ok()?, task: task_id })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> Token {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims)).parse().unwrap()
    }

    #[test]
    fn the_scope_names_run_and_job() {
        let plain = token(r#"{"exp":1,"scp":"Actions.Results:46:82","TaskID":70}"#);
        assert_eq!(scope(&plain), Some(Scope { run: 46, job: 82, task: Some(70) }));
        let with_id_token = token(r#"{"scp":"generate_id_token:46:82 Actions.Results:46:82"}"#);
        assert_eq!(scope(&with_id_token), Some(Scope { run: 46, job: 82, task: None }));
    }

    #[test]
    fn anything_else_has_no_scope() {
        for text in ["0123456789abcdef0123456789abcdef01234567", "a.b.c", "..", "e30.e30.e30"] {
            assert_eq!(scope(&text.parse().unwrap()), None, "{text}");
        }
        assert_eq!(scope(&token(r#"{"scp":"Actions.Results:x:y"}"#)), None);
    }
}
