//! The hand-off registry: every document others rely on, its JSON Schema, and validation against it.
//! Schemas are JSON by nature: here, and nowhere else above evidence and forge, untyped JSON is handled.

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
use crate::model::{ActionKind, Code, Outcome, Owner};
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
    make: fn() -> Schema,
}

/// Every contract, in the order `schema list` shows.
pub const ALL: &[Contract] = &[
    Contract {
        name: crate::report::SCHEMA,
        meaning: "the master document of one judgement",
        make: schema_of::<GateReport>,
    },
    Contract {
        name: crate::repair::SCHEMA,
        meaning: "what an agent downloads and does, one entry per blocker",
        make: schema_of::<RepairPacket>,
    },
    Contract {
        name: crate::report::replay_bundle::SCHEMA,
        meaning: "everything one judgement was made from, to make it again offline",
        make: schema_of::<ReplayBundle>,
    },
    Contract {
        name: crate::evidence::manifest::SCHEMA,
        meaning: "ties reports to a head, a command and its exit code",
        make: schema_of::<Manifest>,
    },
    Contract {
        name: crate::ledger::SCHEMA,
        meaning: "what is still missing: the gap ledger",
        make: schema_of::<LedgerDocument>,
    },
    Contract {
        name: crate::metrics::SCHEMA,
        meaning: "rolling rates over merges, with every count they rest on",
        make: schema_of::<MetricsReport>,
    },
    Contract {
        name: crate::metrics::CROSSING_SCHEMA,
        meaning: "one row of the event log: a rate crossed a threshold",
        make: schema_of::<CrossingEvent>,
    },
    Contract {
        name: crate::feedback::SCHEMA,
        meaning: "signals from after the merge, and the follow-up work they suggest",
        make: schema_of::<FeedbackIntake>,
    },
    Contract {
        name: crate::audit::SCHEMA,
        meaning: "what got through: findings about merged pull requests, each with its evidence",
        make: schema_of::<Audit>,
    },
    Contract {
        name: crate::status::SCHEMA,
        meaning: "what an operator needs to know, and what nobody could see",
        make: schema_of::<OperatorStatus>,
    },
    Contract {
        name: crate::digest::SCHEMA,
        meaning: "one week of the evidence of many repositories, with the trend and what could not be read",
        make: schema_of::<EvidenceDigest>,
    },
    Contract {
        name: crate::context::pull_facts::SCHEMA,
        meaning: "what the forge says of a pull request, for gates and for offline verbs",
        make: schema_of::<PullFacts>,
    },
    Contract {
        name: crate::evidence::review_verdict::SCHEMA,
        meaning: "what a review lane uploads",
        make: schema_of::<ReviewVerdict>,
    },
    Contract {
        name: crate::gate::review_quorum::SCHEMA,
        meaning: "each review lane's state and next action, and the count against the need",
        make: schema_of::<ReviewQuorum>,
    },
    Contract {
        name: crate::gate::runtime_repair::SCHEMA,
        meaning: "whether a bundle makes its repair class eligible for a dry run, and why not",
        make: schema_of::<RuntimeRepair>,
    },
    Contract {
        name: "patchwarden.policy.v1",
        meaning: "the policy file, as JSON Schema over its TOML",
        make: policy_schema,
    },
    Contract {
        name: "patchwarden.code.v1",
        meaning: "one row of the code table, as `explain CODE --format json` prints it",
        make: schema_of::<CodeDocument>,
    },
];

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

    /// The JSON Schema (2020-12) as text.
    pub fn schema_text(&self) -> String {
        let mut schema = (self.make)();
        schema.insert("title".to_owned(), self.name.into());
        crate::output::json(&schema)
    }

    /// What is wrong with a document of this contract; empty where nothing is.
    ///
    /// # Errors
    /// A sentence where the text is no JSON.
    pub fn validate(&self, text: &str) -> Result<Vec<String>, String> {
        let instance: serde_json::Value =
            serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))?;
        let schema = (self.make)();
        let validator = jsonschema::draft202012::new(schema.as_value()).map_err(|error| error.to_string())?;
        Ok(validator
            .iter_errors(&instance)
            .take(50)
            .map(|error| {
                let place = error.instance_path().to_string();
                let place = if place.is_empty() { "the document".to_owned() } else { format!("`{place}`") };
                format!("{place}: {}", crate::model::sanitize(&error.to_string(), 300))
            })
            .collect())
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
