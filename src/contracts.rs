//! The hand-off registry: every document others rely on, its JSON Schema, and validation against it.
//! Schemas are JSON by nature: here, and nowhere else above evidence and forge, untyped JSON is handled.

use std::io::Read as _;

use boon::{CompileError, Compiler, ErrorKind, Schemas, ValidationError};
use flate2::read::DeflateDecoder;
use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};
use serde::{Deserialize, Serialize};

use crate::audit::Audit;
use crate::context::PullFacts;
use crate::digest::EvidenceDigest;
use crate::evidence::manifest::Manifest;
use crate::evidence::review_verdict::ReviewVerdict;
use crate::feedback::FeedbackIntake;
use crate::gate::GateKind;
use crate::gate::review_quorum::ReviewQuorum;
use crate::gate::runtime_repair::RuntimeRepair;
use crate::ledger::LedgerDocument;
use crate::metrics::{CrossingEvent, MetricsReport};
use crate::model::{ActionKind, Code, Outcome, Owner, sanitize};
use crate::policy::RawPolicy;
use crate::repair::RepairPacket;
use crate::report::GateReport;
use crate::report::replay_bundle::ReplayBundle;
use crate::status::OperatorStatus;

/// One contract.
#[derive(Debug, Clone, Copy)]
pub struct Contract {
    /// Its name, as `schema` fields carry it.
    pub name: &'static str,
    /// One sentence.
    pub meaning: &'static str,
}

/// Each schema of docs/schemas, deflated by `build.rs`.
const PACKED: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/schemas.rs"));

macro_rules! contracts {
    ($($name:expr => $of_types:expr, $meaning:literal;)+) => {
        /// Every contract, in the order `schema list` shows.
        pub const ALL: &[Contract] = &[$(Contract { name: $name, meaning: $meaning },)+];

        /// The JSON Schema of a contract as its types are, which docs/schemas is held to. Only tests make it.
        pub fn schema_of_types(name: &str) -> Option<String> {
            $(if name == $name {
                let mut schema: Schema = $of_types();
                schema.insert("title".to_owned(), name.into());
                return Some(crate::output::json(&schema));
            })+
            None
        }
    };
}

contracts! {
    crate::report::SCHEMA => schema_of::<GateReport>,
        "the master document of one judgement";
    crate::repair::SCHEMA => schema_of::<RepairPacket>,
        "what an agent downloads and does, one entry per blocker";
    crate::report::replay_bundle::SCHEMA => schema_of::<ReplayBundle>,
        "everything one judgement was made from, to make it again offline";
    crate::evidence::manifest::SCHEMA => schema_of::<Manifest>,
        "ties reports to a head, a command and its exit code";
    crate::ledger::SCHEMA => schema_of::<LedgerDocument>,
        "what is still missing: the gap ledger";
    crate::metrics::SCHEMA => schema_of::<MetricsReport>,
        "rolling rates over merges, with every count they rest on";
    crate::metrics::CROSSING_SCHEMA => schema_of::<CrossingEvent>,
        "one row of the event log: a rate crossed a threshold";
    crate::feedback::SCHEMA => schema_of::<FeedbackIntake>,
        "signals from after the merge, and the follow-up work they suggest";
    crate::audit::SCHEMA => schema_of::<Audit>,
        "what got through: findings about merged pull requests, each with its evidence";
    crate::status::SCHEMA => schema_of::<OperatorStatus>,
        "what an operator needs to know, and what nobody could see";
    crate::digest::SCHEMA => schema_of::<EvidenceDigest>,
        "one week of the evidence of many repositories, with the trend and what could not be read";
    crate::context::pull_facts::SCHEMA => schema_of::<PullFacts>,
        "what the forge says of a pull request, for gates and for offline verbs";
    crate::evidence::review_verdict::SCHEMA => schema_of::<ReviewVerdict>,
        "what a review lane uploads";
    crate::gate::review_quorum::SCHEMA => schema_of::<ReviewQuorum>,
        "each review lane's state and next action, and the count against the need";
    crate::gate::runtime_repair::SCHEMA => schema_of::<RuntimeRepair>,
        "whether a bundle makes its repair class eligible for a dry run, and why not";
    "patchwarden.policy.v1" => policy_schema,
        "the policy file, as JSON Schema over its TOML";
    "patchwarden.code.v1" => schema_of::<CodeDocument>,
        "one row of the code table, as `explain CODE --format json` prints it";
}

/// One row of the code table.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct CodeDocument {
    /// Always `patchwarden.code.v1`.
    pub schema: String,
    pub code: Code,
    pub outcome: Outcome,
    pub owner: Owner,
    pub action: ActionKind,
    pub meaning: String,
    pub remedy: String,
    /// Whether a policy may waive it.
    pub waivable: bool,
}

impl CodeDocument {
    /// The row of a code.
    pub fn of(code: Code) -> Self {
        let info = code.info();
        Self {
            schema: "patchwarden.code.v1".to_owned(),
            code,
            outcome: info.outcome,
            owner: info.owner,
            action: info.action,
            meaning: info.meaning.to_owned(),
            remedy: info.remedy.to_owned(),
            waivable: code.waivable(),
        }
    }
}

impl Contract {
    /// Finds a contract by its name.
    pub fn from_name(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|contract| contract.name == name)
    }

    /// The JSON Schema (2020-12) as text; `None` where docs/schemas had none of it when this was built.
    pub fn schema_text(&self) -> Option<String> {
        let (_, packed) = PACKED.iter().find(|(name, _)| *name == self.name)?;
        let mut text = String::new();
        DeflateDecoder::new(*packed).read_to_string(&mut text).ok()?;
        Some(text)
    }

    /// What is wrong with a document of this contract; empty where nothing is.
    ///
    /// # Errors
    /// A sentence where the text is no JSON.
    pub fn validate(&self, text: &str) -> Result<Vec<String>, String> {
        let instance: serde_json::Value =
            serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))?;
        let schema = self.schema_text().ok_or("its schema was not built in")?;
        let schema = serde_json::from_str(&schema).map_err(|error| error.to_string())?;
        let unsound = |error: CompileError| error.to_string();
        let url = format!("https://schemas.invalid/{}", self.name);
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.add_resource(&url, schema).map_err(unsound)?;
        let index = compiler.compile(&url, &mut schemas).map_err(unsound)?;
        let mut problems = Vec::new();
        if let Err(error) = schemas.validate(&instance, index) {
            collect(&error, &mut problems);
        }
        Ok(problems)
    }
}

/// How many problems of one document are said.
const PROBLEMS: usize = 50;

/// The places where a document breaks its schema. Of alternatives it is said that none fits, not why each does not.
fn collect(error: &ValidationError<'_, '_>, problems: &mut Vec<String>) {
    let of_alternatives = matches!(error.kind, ErrorKind::AnyOf | ErrorKind::OneOf(_));
    if !error.causes.is_empty() && !of_alternatives {
        error.causes.iter().for_each(|cause| collect(cause, problems));
        return;
    }
    if problems.len() < PROBLEMS {
        let place = error.instance_location.to_string();
        let place =
            if place.is_empty() { "the document".to_owned() } else { format!("`{}`", sanitize(&place, 200)) };
        problems.push(format!("{place}: {}", sanitize(&error.kind.to_string(), 300)));
    }
}

fn generator() -> SchemaGenerator {
    SchemaSettings::draft2020_12().into_generator()
}

fn schema_of<T: JsonSchema>() -> Schema {
    generator().into_root_schema_for::<T>()
}

/// The policy's schema: the common keys of a gate joined with those of each kind.
fn policy_schema() -> Schema {
    let mut kinds = Vec::new();
    let mut generator = generator();
    for kind in GateKind::ALL {
        kinds.push((kind, kind.schema(&mut generator)));
    }
    let mut root = generator.into_root_schema_for::<RawPolicy>();
    let Some(common) = root.pointer("/$defs/RawGate").cloned() else { return root };
    let mut variants: Vec<serde_json::Value> = Vec::new();
    for (kind, own) in kinds {
        let mut variant = common.clone();
        let own = own.to_value();
        for key in ["properties", "required"] {
            match (variant.get_mut(key), own.get(key)) {
                (Some(serde_json::Value::Object(into)), Some(serde_json::Value::Object(more))) => {
                    into.extend(more.clone());
                }
                (Some(serde_json::Value::Array(into)), Some(serde_json::Value::Array(more))) => {
                    into.extend(more.clone());
                }
                _ => {}
            }
        }
        if let Some(properties) = variant.get_mut("properties").and_then(serde_json::Value::as_object_mut) {
            properties.insert("kind".to_owned(), serde_json::json!({ "const": kind.as_str() }));
        }
        if let Some(variant) = variant.as_object_mut() {
            variant.insert("description".to_owned(), kind.meaning().into());
        }
        variants.push(variant);
    }
    if let Some(defs) = root.get_mut("$defs").and_then(serde_json::Value::as_object_mut) {
        defs.insert("RawGate".to_owned(), serde_json::json!({ "oneOf": variants }));
    }
    root
}
