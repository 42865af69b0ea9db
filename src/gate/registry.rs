//! The registry of gate kinds: name, settings, what evidence each judges. Adding a kind is one file and one line.

use std::collections::BTreeSet;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::evidence::demand::Role;
use crate::evidence::{Demand, Evidence, format::Kind};
use crate::model::{EvidenceId, GateId, RelPath};
use crate::policy::{GateEntry, Policy, Problem, nearest};

use super::baseline::BaselineSource;
use super::evaluate::Facts;
use super::result::Blocker;

/// What a gate is given to judge.
pub struct Input<'a> {
    /// The evidence it names whose content may be judged, in the policy's order.
    pub evidence: Vec<&'a Evidence>,
    /// Whether that is all it names and nothing is wrong with any of it. Totals are only compared when it is.
    pub complete: bool,
    /// What [`KindSettings::implied`] asked for, in its order; `None` where it was not looked for.
    pub implied: Vec<Option<&'a Evidence>>,
    /// All evidence of the judgement, for expressions.
    pub all: &'a super::evaluate::EvidenceSet,
    pub facts: &'a Facts,
}

impl Input<'_> {
    /// Whether any of the evidence it names counts.
    pub fn any_counts(&self) -> bool {
        self.evidence.iter().any(|evidence| evidence.counts())
    }
}

/// What a gate says.
#[derive(Debug, Default)]
pub struct Judgement {
    pub observed: String,
    pub threshold: String,
    pub blockers: Vec<Blocker>,
    /// Whether anything was judged: a gate without blockers passes only where something was.
    pub judged: bool,
    /// What a reader should know and what does not block.
    pub notes: Vec<String>,
    /// The kind's own contract, where it has one.
    pub detail: Option<Box<Detail>>,
}

/// The contract of a gate kind that has one of its own, for the verb that prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Detail {
    ReviewQuorum(super::review_quorum::ReviewQuorum),
    RuntimeRepair(super::runtime_repair::RuntimeRepair),
}

/// A gate that is ready to judge.
pub trait Judge {
    /// Judges; evidence that does not count at all has already become blockers.
    fn judge(&self, input: &Input<'_>) -> Judgement;

    /// What it compares with, where it compares at all.
    fn baseline(&self) -> Option<BaselineSource<'_>> {
        None
    }

    /// Whether it asks for the lines of the change ([`Facts::changed_lines`]).
    fn wants_changed_lines(&self) -> bool {
        false
    }
}

/// The keys of a gate kind as people write them. The doc comments become the schema.
pub trait KindSettings: DeserializeOwned + Serialize + JsonSchema + Judge + 'static {
    /// What is wrong with the settings beyond their types: key and sentence.
    fn problems(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Evidence that the settings ask for without the policy declaring it, such as a lane's artifact. It reaches the
    /// gate as [`Input::implied`], whatever is wrong with it: what its faults mean is the kind's own business.
    fn implied(&self, _gate: &GateId) -> Vec<Demand> {
        Vec::new()
    }
}

macro_rules! kinds {
    ($($variant:ident = $name:literal, $settings:ty, $judges:expr, $meaning:literal;)+) => {
        /// A kind of gate.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum GateKind {
            $(#[doc = $meaning] $variant,)+
        }

        impl GateKind {
            /// Every kind, in the registry's order.
            pub const ALL: &'static [GateKind] = &[$(GateKind::$variant),+];

            /// The name used in policies.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// One sentence for the docs.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)+ }
            }

            /// The kind of evidence it judges.
            fn judges(self) -> Evidences {
                match self { $(Self::$variant => $judges,)+ }
            }

            fn build(self, entry: &GateEntry, problems: &mut Vec<Problem>) -> Option<Built> {
                match self { $(Self::$variant => build::<$settings>(entry, problems),)+ }
            }

            /// The JSON Schema of its own keys.
            pub fn schema(self, generator: &mut SchemaGenerator) -> Schema {
                match self { $(Self::$variant => <$settings>::json_schema(generator),)+ }
            }
        }
    };
}

/// What evidence a kind of gate wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Evidences {
    /// At least one, of this kind.
    Of(Kind),
    /// At least one, of any kind.
    Any,
    /// Any number of this kind, or none: the gate judges facts of the pull request as well.
    Optional(Kind),
    /// None: the gate judges facts of the pull request.
    None,
}

kinds! {
    Tests = "tests", super::tests_gate::Settings, Evidences::Of(Kind::Tests),
        "tests ran, enough of them, and none failed";
    Findings = "findings", super::findings::Settings, Evidences::Of(Kind::Findings),
        "an analyser's findings stay within a number per level";
    Coverage = "coverage", super::coverage::Settings, Evidences::Of(Kind::Coverage),
        "lines and branches are covered to a percentage";
    Json = "json", super::json::Settings, Evidences::Of(Kind::Document),
        "an expression over a JSON document holds";
    Presence = "presence", super::presence::Settings, Evidences::Any,
        "a required report or attestation is there and not red";
    ReviewQuorum = "review_quorum", super::review_quorum::Settings, Evidences::None,
        "enough review lanes, people and models, approve the head, and none that counts asks for changes";
    Contract = "contract", super::contract::Settings, Evidences::None,
        "the pull request keeps its promises: sections, labels, a linked issue, title, size, coupled paths";
    Judge = "judge", super::judge::Settings, Evidences::Optional(Kind::Judge),
        "an `openclaw.judge.v0` record is there and still matches what it judged";
    Statuses = "statuses", super::statuses::Settings, Evidences::None,
        "the other commit statuses of the head are green by the jobs behind them";
    ProtectedPaths = "protected_paths", super::protected_paths::Settings, Evidences::None,
        "no path changed whose change the policy reserves to a person";
    RuntimeRepair = "runtime_repair", super::runtime_repair::Settings, Evidences::Of(Kind::Bundle),
        "a bundle of evidence about a runtime makes its repair class eligible, or a person decides";
}

impl GateKind {
    /// Finds a kind by its name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == name)
    }
}

fn build<S: KindSettings>(entry: &GateEntry, problems: &mut Vec<Problem>) -> Option<Built> {
    let settings: S = entry.settings.clone().read(&format!("gate `{}`", entry.id), problems)?;
    let wrong = settings.problems();
    if wrong.is_empty() {
        let implied = settings.implied(&entry.id);
        return Some(Built { judge: Box::new(settings), implied });
    }
    for (key, message) in wrong {
        problems.push(entry.settings.problem(key, format!("gate `{}`: {message}", entry.id)));
    }
    None
}

/// What judges, and can be shown.
trait Shown: Judge {
    /// Its own keys with every default filled in.
    fn effective(&self) -> toml::Table;
}

impl<S: KindSettings> Shown for S {
    fn effective(&self) -> toml::Table {
        toml::Table::try_from(self).unwrap_or_default()
    }
}

/// A gate's settings, ready to judge and to show.
struct Built {
    judge: Box<dyn Shown>,
    /// What it asks for beside declared evidence.
    implied: Vec<Demand>,
}

/// The gates of a policy, ready to judge, in the policy's order.
pub struct Gates(Vec<(Arc<GateEntry>, GateKind, Built)>);

impl Gates {
    /// Makes a policy's gates.
    ///
    /// # Errors
    /// Every problem of every gate's own keys.
    pub fn build(policy: &Policy) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut gates = Vec::new();
        for entry in &policy.gates {
            let Some(kind) = GateKind::from_name(&entry.kind) else {
                problems.push(unknown_kind(entry));
                continue;
            };
            check_evidence(policy, entry, kind, &mut problems);
            if let Some(built) = kind.build(entry, &mut problems) {
                check_baseline(policy, entry, kind, built.judge.as_ref(), &mut problems);
                gates.push((entry.clone(), kind, built));
            }
        }
        if problems.is_empty() { Ok(Self(gates)) } else { Err(problems) }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&GateEntry, GateKind, &dyn Judge, &[Demand])> {
        self.0.iter().map(|(entry, kind, built)| {
            (&**entry, *kind, &*built.judge as &dyn Judge, built.implied.as_slice())
        })
    }

    /// What the gates ask for beside the policy's declared evidence, in the policy's order.
    pub fn implied(&self) -> impl Iterator<Item = &Demand> {
        self.0.iter().flat_map(|(_, _, built)| &built.implied)
    }

    /// Only the gates of one kind, for the verbs that judge one.
    #[must_use]
    pub fn only(mut self, kind: GateKind, id: Option<&GateId>) -> Self {
        self.0.retain(|(entry, have, _)| *have == kind && id.is_none_or(|id| *id == entry.id));
        self
    }

    /// The gates' ids, in the policy's order.
    pub fn ids(&self) -> impl Iterator<Item = &GateId> {
        self.0.iter().map(|(entry, _, _)| &entry.id)
    }

    /// The files of the policy's repository that gates name as their baseline.
    pub fn baseline_files(&self) -> BTreeSet<&RelPath> {
        let sources = self.0.iter().filter_map(|(_, _, built)| built.judge.baseline());
        sources
            .filter_map(|source| match source {
                BaselineSource::File(path) => Some(path),
                BaselineSource::Evidence(_) => None,
            })
            .collect()
    }

    /// Whether any gate compares this evidence with another, or another with it.
    pub fn compare(&self, id: &EvidenceId) -> bool {
        self.0.iter().any(|(entry, _, built)| match built.judge.baseline() {
            None => false,
            Some(BaselineSource::Evidence(base)) => base == id || entry.evidence.contains(id),
            Some(BaselineSource::File(_)) => entry.evidence.contains(id),
        })
    }

    /// Whether any gate asks for the lines of the change.
    pub fn want_changed_lines(&self) -> bool {
        self.0.iter().any(|(_, _, built)| built.judge.wants_changed_lines())
    }

    /// Each gate with its own keys, every default filled in.
    pub fn effective(&self) -> impl Iterator<Item = (&GateEntry, toml::Table)> {
        self.0.iter().map(|(entry, _, built)| (entry.as_ref(), built.judge.effective()))
    }

    /// The gates' kinds, in the policy's order.
    pub fn kinds(&self) -> impl Iterator<Item = GateKind> {
        self.0.iter().map(|(_, kind, _)| *kind)
    }
}

fn unknown_kind(entry: &GateEntry) -> Problem {
    let names = || GateKind::ALL.iter().map(|kind| kind.as_str());
    let shown = crate::model::sanitize(&entry.kind, 60);
    let mut problem =
        entry.settings.problem("kind", format!("gate `{}` has the unknown kind `{shown}`", entry.id));
    problem.hint = Some(match nearest(&entry.kind, names()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("known are {}", names().collect::<Vec<_>>().join(", ")),
    });
    problem
}

/// Evidence of a declared format that the gate cannot judge is a mistake in the policy.
fn check_evidence(policy: &Policy, entry: &GateEntry, kind: GateKind, problems: &mut Vec<Problem>) {
    let wanted = kind.judges();
    let wants_none = matches!(wanted, Evidences::Optional(_) | Evidences::None);
    if wanted == Evidences::None && !entry.names_no_evidence {
        let message = format!("gate `{}` of kind `{}` takes no evidence", entry.id, kind.as_str());
        problems.push(entry.settings.problem("evidence", message));
    }
    if entry.names_no_evidence && !wants_none {
        let message = format!("gate `{}` names no evidence", entry.id);
        problems.push(entry.settings.problem("", message));
    }
    for (index, id) in entry.evidence.iter().enumerate() {
        if policy.evidence(id).is_some_and(|evidence| evidence.demand.role == Role::Baseline) {
            let message = format!("gate `{}` judges evidence `{id}`, which is a baseline", entry.id);
            problems.push(entry.settings.problem(&format!("evidence[{index}]"), message));
        }
    }
    let (Evidences::Of(wanted) | Evidences::Optional(wanted)) = wanted else { return };
    for (index, id) in entry.evidence.iter().enumerate() {
        let format = policy.evidence(id).and_then(|evidence| evidence.demand.format);
        if let Some(format) = format
            && format.kind() != wanted
        {
            let message = format!(
                "gate `{}` of kind `{}` cannot judge evidence `{id}` of format `{}`",
                entry.id,
                kind.as_str(),
                format.as_str()
            );
            problems.push(entry.settings.problem(&format!("evidence[{index}]"), message));
        }
    }
}

/// A baseline must be declared as one, and be what the gate judges.
fn check_baseline(
    policy: &Policy,
    entry: &GateEntry,
    kind: GateKind,
    judge: &dyn Judge,
    problems: &mut Vec<Problem>,
) {
    let Some(BaselineSource::Evidence(id)) = judge.baseline() else { return };
    let message = match policy.evidence(id).map(|evidence| &evidence.demand) {
        None => format!("gate `{}` compares with evidence `{id}`, which is not declared", entry.id),
        Some(demand) if demand.role != Role::Baseline => {
            format!("gate `{}` compares with evidence `{id}`, which has no `role = \"baseline\"`", entry.id)
        }
        Some(demand) if demand.format.is_some_and(|format| !kind.judges_content(format.kind())) => {
            format!("gate `{}` of kind `{}` cannot compare with evidence `{id}`", entry.id, kind.as_str())
        }
        Some(_) => return,
    };
    problems.push(entry.settings.problem("baseline", message));
}

impl GateKind {
    /// Whether content of this kind may be judged by it.
    pub(super) fn judges_content(self, kind: Kind) -> bool {
        match self.judges() {
            Evidences::Of(wanted) | Evidences::Optional(wanted) => wanted == kind,
            Evidences::Any => true,
            Evidences::None => false,
        }
    }

    /// Whether it judges nothing but a pull request, so that there is nothing for it where a run is about none.
    pub(super) fn wants_a_pull(self) -> bool {
        matches!(self, Self::ReviewQuorum | Self::Contract | Self::ProtectedPaths)
    }

    /// Whether it may have something to judge without any evidence.
    pub(super) fn judges_facts(self) -> bool {
        matches!(self.judges(), Evidences::Optional(_) | Evidences::None)
    }
}
