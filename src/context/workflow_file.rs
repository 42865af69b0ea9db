//! A workflow file, as far as it matters here: its jobs with display names, needs, conditions and steps.
//! Expressions are left as they stand. Read within the YAML crate's budget, so no alias bomb unfolds.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::sanitize;

/// A workflow file's jobs by id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkflowFile {
    /// The `name:`.
    pub name: Option<String>,
    pub jobs: BTreeMap<String, WorkflowJob>,
    /// The events of `on:`, with the keys of their filters.
    pub on: BTreeMap<String, Vec<String>>,
}

/// One job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkflowJob {
    /// The display name, an expression perhaps.
    pub name: Option<String>,
    pub needs: Vec<String>,
    /// The job's `if:`.
    pub condition: Option<String>,
    pub steps: Vec<WorkflowStep>,
    /// The reusable workflow it calls.
    pub uses: Option<String>,
}

/// One step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkflowStep {
    pub uses: Option<String>,
    pub run: Option<String>,
    pub condition: Option<String>,
    /// The texts and numbers of `with:`.
    pub with: BTreeMap<String, String>,
    /// Those of `env:`.
    pub env: BTreeMap<String, String>,
    pub continue_on_error: Option<String>,
}

/// The text is no workflow file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is no workflow file: {0}")]
pub struct WorkflowFileError(String);

impl WorkflowFileError {
    /// `reason` is sanitized.
    pub(super) fn new(reason: &str) -> Self {
        Self(reason.to_owned())
    }
}

/// More than this is no workflow anyone wrote.
const MAX_BYTES: usize = 1024 * 1024;

impl WorkflowFile {
    /// Reads a workflow file.
    ///
    /// # Errors
    /// [`WorkflowFileError`] where it is no YAML of a workflow's shape, or larger than 1 MiB.
    pub fn parse(text: &str) -> Result<Self, WorkflowFileError> {
        if text.len() > MAX_BYTES {
            return Err(WorkflowFileError(format!("it is larger than {MAX_BYTES} bytes")));
        }
        let wire: WireWorkflow = serde_saphyr::from_str(text)
            .map_err(|error| WorkflowFileError(sanitize(&error.to_string(), 200)))?;
        let jobs = wire
            .jobs
            .unwrap_or_default()
            .into_iter()
            .map(|(id, job)| (id, job.unwrap_or_default().convert()))
            .collect();
        let on = match wire.on {
            None => BTreeMap::new(),
            Some(WireOn::One(event)) => [(event, Vec::new())].into(),
            Some(WireOn::Many(events)) => events.into_iter().map(|event| (event, Vec::new())).collect(),
            Some(WireOn::Filtered(events)) => events
                .into_iter()
                .map(|(event, filters)| (event, filters.map_or_else(Vec::new, WireFilters::keys)))
                .collect(),
        };
        Ok(Self { name: wire.name.map(WireScalar::text), jobs, on })
    }

    /// The id of the job with this display name: its own id, its `name:`, or either with matrix values behind it.
    /// `None` where none or several could be meant.
    pub fn job_of_display(&self, display: &str) -> Option<&str> {
        if let Some((id, _)) = self.jobs.get_key_value(display) {
            return Some(id);
        }
        let mut fitting =
            self.jobs.iter().filter(|(id, job)| job.displays_as(id, display)).map(|(id, _)| id.as_str());
        match (fitting.next(), fitting.next()) {
            (Some(id), None) => Some(id),
            _ => None,
        }
    }

    /// Every path in the repository that a `uses: ./…` names, without the `./`, sorted.
    pub fn local_uses(&self) -> Vec<String> {
        let steps = self.jobs.values().flat_map(|job| &job.steps).filter_map(|step| step.uses.as_ref());
        let called = self.jobs.values().filter_map(|job| job.uses.as_ref());
        let mut paths: Vec<String> = steps
            .chain(called)
            .filter_map(|uses| uses.strip_prefix("./"))
            .map(|path| path.trim_end_matches('/').to_owned())
            .collect();
        paths.sort();
        paths.dedup();
        paths
    }
}

impl WorkflowJob {
    fn displays_as(&self, id: &str, display: &str) -> bool {
        let base = self.name.as_deref().unwrap_or(id);
        match base.split_once("${{") {
            // Only what stands before an expression is known.
            Some((before, _)) => !before.trim().is_empty() && display.starts_with(before),
            None => display == base || display.strip_prefix(base).is_some_and(|rest| rest.starts_with(" (")),
        }
    }
}

/// Intentionally incomplete; foreign.
#[derive(Deserialize)]
struct WireWorkflow {
    name: Option<WireScalar>,
    on: Option<WireOn>,
    jobs: Option<BTreeMap<String, Option<WireJob>>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum WireOn {
    One(String),
    Many(Vec<String>),
    Filtered(BTreeMap<String, Option<WireFilters>>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum WireFilters {
    #[expect(clippy::zero_sized_map_values, reason = "the values are read past")]
    Keys(BTreeMap<String, serde::de::IgnoredAny>),
    /// `schedule:` holds a list.
    Other(serde::de::IgnoredAny),
}

impl WireFilters {
    fn keys(self) -> Vec<String> {
        match self {
            Self::Keys(keys) => keys.into_keys().collect(),
            Self::Other(_) => Vec::new(),
        }
    }
}

#[derive(Deserialize, Default)]
struct WireJob {
    name: Option<WireScalar>,
    needs: Option<WireNeeds>,
    #[serde(rename = "if")]
    condition: Option<WireScalar>,
    steps: Option<Vec<WireStep>>,
    uses: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum WireNeeds {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum WireScalar {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
}

impl WireScalar {
    fn text(self) -> String {
        match self {
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Float(value) => value.to_string(),
            Self::Text(text) => text,
        }
    }
}

#[derive(Deserialize)]
struct WireStep {
    uses: Option<String>,
    run: Option<String>,
    #[serde(rename = "if")]
    condition: Option<WireScalar>,
    with: Option<BTreeMap<String, Option<WireScalar>>>,
    env: Option<BTreeMap<String, Option<WireScalar>>>,
    #[serde(rename = "continue-on-error")]
    continue_on_error: Option<WireScalar>,
}

impl WireJob {
    fn convert(self) -> WorkflowJob {
        WorkflowJob {
            name: self.name.map(WireScalar::text),
            needs: match self.needs {
                None => Vec::new(),
                Some(WireNeeds::One(need)) => vec![need],
                Some(WireNeeds::Many(needs)) => needs,
            },
            condition: self.condition.map(WireScalar::text),
            steps: self.steps.unwrap_or_default().into_iter().map(WireStep::convert).collect(),
            uses: self.uses,
        }
    }
}

impl WireStep {
    fn convert(self) -> WorkflowStep {
        let texts = |map: Option<BTreeMap<String, Option<WireScalar>>>| {
            let given = map.unwrap_or_default().into_iter();
            given.filter_map(|(key, value)| Some((key, value?.text()))).collect()
        };
        WorkflowStep {
            uses: self.uses,
            run: self.run,
            condition: self.condition.map(WireScalar::text),
            with: texts(self.with),
            env: texts(self.env),
            continue_on_error: self.continue_on_error.map(WireScalar::text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CI: &str = "
on:
  pull_request:
    branches: [main]
  push:
jobs:
  unit:
    runs-on: docker
    steps:
      - uses: ./.forgejo/actions/setup/
      - run: make test
        if: true
  lint:
    name: Lint the tree
    needs: unit
    steps: []
  matrix:
    name: build ${{ matrix.os }}
    steps: [{uses: actions/checkout@v4, with: {fetch-depth: 0}}]
  gate:
    needs: [unit, lint]
    if: always()
    steps:
      - uses: ./record
";

    #[test]
    fn jobs_have_names_needs_and_conditions() {
        let file = WorkflowFile::parse(CI).unwrap();
        let gate = &file.jobs["gate"];
        assert_eq!(
            (gate.needs.as_slice(), gate.condition.as_deref()),
            (&["unit".to_owned(), "lint".to_owned()][..], Some("always()"))
        );
        assert_eq!(file.jobs["lint"].needs, ["unit"]);
        assert_eq!(file.jobs["unit"].steps[1].condition.as_deref(), Some("true"));
        assert_eq!(file.jobs["matrix"].steps[0].with["fetch-depth"], "0");
        assert_eq!(file.on["pull_request"], ["branches"]);
        assert_eq!(file.local_uses(), [".forgejo/actions/setup", "record"]);
    }

    #[test]
    fn display_names_lead_to_ids() {
        let file = WorkflowFile::parse(CI).unwrap();
        assert_eq!(file.job_of_display("unit"), Some("unit"));
        assert_eq!(file.job_of_display("Lint the tree"), Some("lint"));
        assert_eq!(file.job_of_display("build linux"), Some("matrix"));
        assert_eq!(file.job_of_display("unit (3.11, linux)"), Some("unit"));
        assert_eq!(file.job_of_display("other"), None);
    }

    #[test]
    fn what_is_no_workflow_is_refused() {
        for text in ["- a\n- b", "jobs: 3", "jobs: {a: {needs: {b: c}}}", "\t", "a: &a [*a, *a]"] {
            let _ = WorkflowFile::parse(text).map(|file| assert!(file.jobs.is_empty(), "{text}"));
        }
        assert!(WorkflowFile::parse("jobs: 3").is_err());
        assert!(WorkflowFile::parse(&" ".repeat(MAX_BYTES + 1)).is_err());
    }

    #[test]
    fn an_alias_bomb_is_refused_in_bounded_work() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for n in 1..12 {
            let before = n - 1;
            let again = vec![format!("*a{before}"); 10].join(", ");
            text = format!("{text}a{n}: &a{n} [{again}]\n");
        }
        text.push_str("jobs: {}\n");
        assert!(WorkflowFile::parse(&text).is_err());
    }
}
