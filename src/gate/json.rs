//! Gate kind `json`: a CEL expression over a JSON document is true. A fault while evaluating is `unmeasured`:
//! an expression that could not be evaluated neither holds nor fails.

use std::collections::HashMap;
use std::sync::Arc;

use cel::objects::{Key, Map};
use cel::{Context, ExecutionError, Program, Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::{Content, Document, Evidence};
use crate::model::{Code, Quote, sanitize};

use super::cel_names::free_names;
use super::evaluate::{EvidenceSet, Facts};
use super::registry::{Input, Judge, Judgement, KindSettings};
use super::result::Blocker;

/// The keys of a `json` gate.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// A CEL expression that must be true. It sees the parsed document as `doc`, the run as `run`
    /// (`head`, `base`, `repo`, `pull_request`, `event`, `now`) and all evidence by id as `evidence`
    /// (`state`, `sha256`, `bytes`, `age_seconds`, `tool`, `bindings`).
    require: String,
}

impl KindSettings for Settings {
    fn problems(&self) -> Vec<(&'static str, String)> {
        match Program::compile(&self.require) {
            Ok(program) => {
                let known = ["doc", "run", "evidence"];
                free_names(program.expression())
                    .into_iter()
                    .filter(|name| !known.contains(&name.as_str()))
                    .map(|name| {
                        let name = sanitize(&name, 60);
                        ("require", format!("`require` uses `{name}`; known are `doc`, `run` and `evidence`"))
                    })
                    .collect()
            }
            Err(error) => {
                vec![("require", format!("`require` is not CEL: {}", sanitize(&error.to_string(), 200)))]
            }
        }
    }
}

impl Judge for Settings {
    fn judge(&self, input: &Input<'_>) -> Judgement {
        let mut observed = Vec::new();
        let mut blockers = Vec::new();
        for evidence in &input.evidence {
            let Some(Content::Document(document)) = evidence.judgeable() else { continue };
            match self.holds(document, input) {
                Ok(true) => observed.push(format!("true for `{}`", evidence.id)),
                Ok(false) => {
                    observed.push(format!("false for `{}`", evidence.id));
                    blockers.push(self.failed(evidence));
                }
                Err(why) => {
                    observed.push(format!("not evaluated for `{}`", evidence.id));
                    let reason =
                        format!("the expression could not be evaluated on evidence `{}`", evidence.id);
                    blockers.push(
                        Blocker::on_evidence(Code::PolicyExpressionError, &evidence.id, reason)
                            .with_quotes(vec![Quote::new("error", &why)]),
                    );
                }
            }
        }
        let threshold = format!("`{}`", sanitize(&self.require, 200));
        Judgement {
            observed: observed.join(", "),
            threshold,
            blockers,
            judged: input.any_counts(),
            ..Judgement::default()
        }
    }
}

impl Settings {
    /// # Errors
    /// Why the expression could not be evaluated; may hold words of the document.
    fn holds(&self, document: &Document, input: &Input<'_>) -> Result<bool, String> {
        let program = Program::compile(&self.require).map_err(|error| error.to_string())?;
        let mut context = Context::default();
        context.add_variable_from_value("doc", to_cel(document));
        context.add_variable_from_value("run", run_value(input.facts));
        context.add_variable_from_value("evidence", evidence_value(input.all));
        match program.execute(&context) {
            Ok(Value::Bool(holds)) => Ok(holds),
            Ok(other) => Err(format!("it is a {}, not true or false", other.type_of())),
            Err(error) => Err(error_words(&error)),
        }
    }

    fn failed(&self, evidence: &Evidence) -> Blocker {
        let reason = format!("`{}` is false for evidence `{}`", sanitize(&self.require, 200), evidence.id);
        Blocker::on_evidence(Code::PolicyRequirementFailed, &evidence.id, reason)
    }
}

/// What went wrong, with the types of the values and never the values: the crate would print whole maps of the
/// document, in an order that changes from run to run.
fn error_words(error: &ExecutionError) -> String {
    use ExecutionError as E;
    match error {
        E::UnsupportedTargetType { target } => format!("a function is not for a {}", target.type_of()),
        E::NotSupportedAsMethod { method, target } => format!("`{method}` is not for a {}", target.type_of()),
        E::UnsupportedKeyType(value) => format!("a {} is no key", value.type_of()),
        E::UnexpectedType { want, .. } => format!("a value is of another type than {want}"),
        E::ValuesNotComparable(one, other) => {
            format!("a {} and a {} cannot be compared", one.type_of(), other.type_of())
        }
        E::UnsupportedBinaryOperator(operator, one, other) => {
            format!("`{operator}` is not for a {} and a {}", one.type_of(), other.type_of())
        }
        E::UnsupportedIndex(index, target) => {
            format!("a {} is no index into a {}", index.type_of(), target.type_of())
        }
        E::DivisionByZero(_) | E::RemainderByZero(_) => "a number is divided by zero".to_owned(),
        E::Overflow(operator, _, _) => format!("the result of `{operator}` is out of range"),
        E::IndexOutOfBounds(_) => "an index is out of bounds".to_owned(),
        E::DuplicateKey(_) => "a map has a key twice".to_owned(),
        E::InvalidArgumentCount { .. }
        | E::NoSuchKey(_)
        | E::NoSuchOverload(_)
        | E::UndeclaredReference(_)
        | E::MissingArgumentOrTarget
        | E::FunctionError { .. } => error.to_string(),
        _ => "it is not supported".to_owned(),
    }
}

fn to_cel(document: &Document) -> Value {
    match document {
        Document::Null => Value::Null,
        Document::Bool(value) => Value::Bool(*value),
        Document::Int(value) => Value::Int(*value),
        Document::UInt(value) => Value::UInt(*value),
        Document::Float(value) => Value::Float(*value),
        Document::Text(text) => text_value(text),
        Document::List(list) => Value::List(Arc::new(list.iter().map(to_cel).collect())),
        Document::Map(map) => map_value(map.iter().map(|(key, value)| (key.as_str(), to_cel(value)))),
    }
}

fn text_value(text: &str) -> Value {
    Value::String(Arc::new(text.to_owned()))
}

fn map_value<'a>(entries: impl Iterator<Item = (&'a str, Value)>) -> Value {
    let map: HashMap<Key, Value> =
        entries.map(|(key, value)| (Key::String(Arc::new(key.to_owned())), value)).collect();
    Value::Map(Map { map: Arc::new(map) })
}

fn optional(text: Option<&str>) -> Value {
    text.map_or(Value::Null, text_value)
}

fn unsigned(number: Option<u64>) -> Value {
    number.and_then(|number| i64::try_from(number).ok()).map_or(Value::Null, Value::Int)
}

fn run_value(facts: &Facts) -> Value {
    let Facts { head, base, repo, pull_request, event, now, .. } = facts;
    map_value(
        [
            ("head", text_value(head.as_str())),
            ("base", optional(base.as_ref().map(crate::model::CommitSha::as_str))),
            ("repo", optional(repo.as_ref().map(crate::model::RepoSlug::as_str))),
            ("pull_request", unsigned(pull_request.map(crate::model::PullNumber::get))),
            ("event", optional(event.as_deref())),
            ("now", text_value(&now.to_string())),
        ]
        .into_iter(),
    )
}

fn evidence_value(set: &EvidenceSet) -> Value {
    map_value(set.iter().map(|(id, evidence)| {
        let bindings = evidence.bindings.iter().map(|binding| text_value(binding.as_str())).collect();
        let entry = map_value(
            [
                ("state", text_value(evidence.state().as_str())),
                ("sha256", optional(evidence.sha256.as_ref().map(crate::model::Digest::as_str))),
                ("bytes", unsigned(evidence.bytes)),
                ("age_seconds", unsigned(evidence.age_seconds)),
                ("tool", optional(evidence.tool.as_ref().map(|tool| tool.name.as_str()))),
                ("bindings", Value::List(Arc::new(bindings))),
            ]
            .into_iter(),
        );
        (id.as_str(), entry)
    }))
}
