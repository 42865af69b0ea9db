//! The input `needs`: `${{ toJSON(needs) }}` as the workflow passes it, since an action may not read it (LIVE section 2).
//! It holds the direct needs only and can make a verdict worse, never better.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::sanitize;

/// How a needed job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum JobResult {
    Success,
    Failure,
    Cancelled,
    Skipped,
}

/// The input is not what `toJSON(needs)` writes. The workflow's to mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NeedsError {
    #[error("the input `needs` is not the JSON that `toJSON(needs)` writes: {0}")]
    Json(String),
    #[error("the input `needs` says job `{job}` ended as `{result}`, which is no result of a job")]
    Result { job: String, result: String },
}

#[derive(Deserialize)]
struct Need {
    result: Option<String>,
}

/// Results by job id; an empty input is no needs at all.
///
/// # Errors
/// [`NeedsError`] where the text is anything else: a workflow that passes it wrongly must learn of it.
pub fn parse_needs(text: &str) -> Result<BTreeMap<String, JobResult>, NeedsError> {
    if text.trim().is_empty() {
        return Ok(BTreeMap::new());
    }
    let needs: BTreeMap<String, Need> =
        serde_json::from_str(text).map_err(|err| NeedsError::Json(sanitize(&err.to_string(), 200)))?;
    needs
        .into_iter()
        .map(|(job, need)| {
            let result = match need.result.as_deref() {
                Some("success") => JobResult::Success,
                Some("failure") => JobResult::Failure,
                Some("cancelled") => JobResult::Cancelled,
                Some("skipped") => JobResult::Skipped,
                other => {
                    let result = sanitize(other.unwrap_or("null"), 40);
                    return Err(NeedsError::Result { job: sanitize(&job, 100), result });
                }
            };
            Ok((job, result))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_of_live_section_2() {
        let text = r#"{"build":{"outputs":{"tree":"abc"},"result":"success"},"failing":{"outputs":null,"result":"failure"}}"#;
        let needs = parse_needs(text).unwrap();
        assert_eq!(needs.get("build"), Some(&JobResult::Success));
        assert_eq!(needs.get("failing"), Some(&JobResult::Failure));
        assert!(parse_needs(" \n").unwrap().is_empty());
        assert!(parse_needs("{}").unwrap().is_empty());
    }

    #[test]
    fn anything_else_is_refused() {
        assert!(matches!(parse_needs("${{ toJSON(needs) }}"), Err(NeedsError::Json(_))));
        assert!(matches!(parse_needs(r#"{"a":{"result":"green"}}"#), Err(NeedsError::Result { .. })));
        assert!(matches!(parse_needs(r#"{"a":{}}"#), Err(NeedsError::Result { .. })));
    }
}
