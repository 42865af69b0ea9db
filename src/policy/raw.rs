//! The shape of the policy file, key by key, as people write it. The JSON Schema comes from these types;
//! the keys of a gate beyond the common ones are in `gate/<kind>.rs`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::Binding;
use crate::evidence::demand::Role;
use crate::evidence::exit_codes::ExitCodes;
use crate::model::{ActionKind, Span};

/// `[people]`: who may decide what the gates leave to a person.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct People {
    /// Logins whose approval of the exact head clears `needs_human`. Default: none.
    #[serde(default)]
    pub operators: Vec<String>,
}

/// `[run]`: which jobs of the run count.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunRules {
    /// Job ids, or globs over them, whose result does not matter. Default: none.
    #[serde(default)]
    pub ignore_jobs: Vec<String>,
}

/// `[protected]`: paths beside the built-in ones whose change wants a person.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Protected {
    /// Globs over repository paths. Default: none beside the built-in ones.
    #[serde(default)]
    pub paths: Vec<String>,
}

/// `[limits]`: when the repair loop ends at a person.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoopLimits {
    /// Heads one blocker may survive. Default 3, at least 1.
    #[serde(default = "three")]
    pub max_attempts: u64,
    /// Heads of the pull request before a person is asked. Default 20, at least 1.
    #[serde(default = "twenty")]
    pub max_heads: u64,
}

fn three() -> u64 {
    3
}

fn twenty() -> u64 {
    20
}

impl Default for LoopLimits {
    fn default() -> Self {
        Self { max_attempts: three(), max_heads: twenty() }
    }
}

/// `[feedback]`: what `feedback-intake-check` takes for a follow-up. No gate reads it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FeedbackRules {
    /// How far back signals count. Default `30d`.
    #[serde(default = "thirty_days")]
    pub window: Span,
    /// Entries of the incident log of one title. Default 1; 0 switches it off, here and below.
    #[serde(default = "one")]
    pub incidents: u64,
    /// Failed runs of one workflow on the default branch. Default 3.
    #[serde(default = "three")]
    pub ci_failures: u64,
    /// Reverts of one change. Default 1.
    #[serde(default = "one")]
    pub reverts: u64,
    /// Repair packets that ended at the operator with one gate and code. Default 1.
    #[serde(default = "one")]
    pub stuck_repairs: u64,
    /// Operator notes of one kind and wording. Default 1.
    #[serde(default = "one")]
    pub notes: u64,
    /// How long a closed issue keeps its candidate from being opened again. Default `30d`.
    #[serde(default = "thirty_days")]
    pub reopen_after: Span,
    /// Labels of the issues, beside the signal's kind. Default `feedback`.
    #[serde(default = "feedback_label")]
    pub labels: Vec<String>,
}

fn one() -> u64 {
    1
}

fn thirty_days() -> Span {
    Span::from_seconds(30 * 86_400)
}

fn feedback_label() -> Vec<String> {
    vec!["feedback".to_owned()]
}

impl Default for FeedbackRules {
    fn default() -> Self {
        Self {
            window: thirty_days(),
            incidents: one(),
            ci_failures: three(),
            reverts: one(),
            stuck_repairs: one(),
            notes: one(),
            reopen_after: thirty_days(),
            labels: feedback_label(),
        }
    }
}

/// How an artifact's name is compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NameMatch {
    /// The name is the artifact's whole name.
    #[default]
    Exact,
    /// The name is a glob that must fit exactly one artifact.
    Glob,
}

/// Which job makes the evidence. A key that is absent fits any.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct From {
    /// The workflow's file name.
    pub workflow: Option<String>,
    /// The event that starts it.
    pub event: Option<String>,
    /// The job's id in the workflow file.
    pub job: Option<String>,
}

/// `[evidence.ID]`: one piece of evidence.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawEvidence {
    /// The artifact's name.
    pub artifact: String,
    /// Whose report it is: of the judged head, or of the base, for gates to compare with. Default `head`.
    #[serde(default)]
    pub role: Role,
    /// How the name is compared. Default `exact`.
    #[serde(default, rename = "match")]
    pub name_match: NameMatch,
    /// The file in the artifact; a glob joins the files that fit. Default: the manifest's entry of this id,
    /// else the only file.
    pub path: Option<String>,
    /// A format's name, or `auto` to decide by content. Default `auto`.
    #[serde(default = "auto")]
    pub format: String,
    /// Bindings to the head that are asked for beside the run itself. Default: none.
    #[serde(default)]
    pub require_binding: Vec<Binding>,
    /// How old it may be. Default: any age.
    pub max_age: Option<Span>,
    /// Whether its absence is a skip and not a failure. Default false.
    #[serde(default)]
    pub optional: bool,
    /// Whether uncommitted changes before the command are accepted. Default false.
    #[serde(default)]
    pub allow_dirty: bool,
    /// The command that makes it, as an argument vector; repair instructions carry it. Default: none.
    #[serde(default)]
    pub command: Vec<String>,
    /// Which job makes it. Default: any.
    pub from: Option<From>,
    /// What the command's non-zero exit codes mean; every other one is a crash. Default: what they mean for its tool.
    pub exit_codes: Option<ExitCodes>,
}

/// `[keys.NAME]`: a public key that attestations may be signed with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawKey {
    /// A PEM block `PUBLIC KEY`: Ed25519, ECDSA P-256, or RSA of at least 2048 bits for RSA-PSS.
    pub public_key: String,
    /// Whether its private half is kept where no job of the judged repository can use it. Only then a signature by it
    /// binds evidence. Default false.
    #[serde(default)]
    pub held_outside: bool,
}

fn auto() -> String {
    "auto".to_owned()
}

/// What an agent is told when a gate fails, in place of the code's own action.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OnFail {
    /// The action's kind.
    pub action: ActionKind,
    /// The command to run, as an argument vector. Default: none.
    #[serde(default)]
    pub command: Vec<String>,
    /// One sentence in the imperative.
    pub summary: String,
}

/// The keys every `[[gate]]` has.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawGate {
    /// The gate's id, unique in the policy.
    pub id: String,
    /// The gate's kind.
    pub kind: String,
    /// What people read instead of the id. Default: the id.
    pub title: Option<String>,
    /// Evidence ids the gate judges. Default: none.
    #[serde(default)]
    pub evidence: Vec<String>,
    /// Whether the outcome counts towards the verdict. Default true.
    #[serde(default = "yes")]
    pub enforce: bool,
    /// What an agent is told when the gate fails. Default: the code's own action.
    pub on_fail: Option<OnFail>,
}

fn yes() -> bool {
    true
}

/// `[[waiver]]`: blockers that are accepted for a time.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawWaiver {
    /// The code that is waived.
    pub code: String,
    /// The gate it is waived in. Default: every gate.
    pub gate: Option<String>,
    /// The blocker's subject it is waived for. Default: every subject.
    pub subject: Option<String>,
    /// Why, for people.
    pub reason: String,
    /// The last day it holds, in UTC, as a TOML date.
    #[schemars(with = "String", extend("format" = "date"))]
    pub expires: toml::value::Datetime,
}

/// The whole file, for its schema; it is read section by section, so that every problem is found.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawPolicy {
    /// Always 1.
    #[schemars(extend("const" = 1))]
    pub version: u64,
    #[serde(default)]
    pub people: People,
    #[serde(default)]
    pub run: RunRules,
    #[serde(default)]
    pub protected: Protected,
    #[serde(default)]
    pub limits: LoopLimits,
    /// Public keys by name.
    #[serde(default)]
    pub keys: BTreeMap<String, RawKey>,
    #[serde(default)]
    pub feedback: FeedbackRules,
    /// Evidence by id.
    #[serde(default)]
    pub evidence: BTreeMap<String, RawEvidence>,
    /// Gates, judged and shown in this order.
    #[serde(default)]
    pub gate: Vec<RawGate>,
    /// Waivers.
    #[serde(default)]
    pub waiver: Vec<RawWaiver>,
}
