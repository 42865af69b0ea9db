//! The policy: its file's shape, its meaning, its waivers. A policy exists only when every part of it is sound.
//! What a gate's own keys mean is `gate/<kind>.rs`'s business; here they are carried as a table.

mod keys;
mod problem;
pub mod proposal;
mod raw;
mod table;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::evidence::attestation::signature::Key;
use crate::evidence::demand::PathPattern;
use crate::evidence::exit_codes::ExitCodes;
use crate::evidence::{Binding, Demand, Format};
use crate::model::{ActionKind, Code, Digest, EvidenceId, GateId, Timestamp, sanitize};

pub use keys::PolicyKeys;
pub use problem::{Problem, nearest};
pub use raw::{
    FeedbackRules, From, LoopLimits, NameMatch, OnFail, People, Protected, RawEvidence, RawGate, RawKey,
    RawPolicy, RawWaiver, RunRules,
};
pub use table::{Table, field_names};

/// Ids that the built-in gates have; a policy cannot use them.
pub const RESERVED_GATE_IDS: &[&str] = &["policy", "head", "run", "protected", "gates"];

/// Where a policy lives in a repository.
pub const DEFAULT_PATH: &str = ".forgejo/patchwarden.toml";

/// A policy whose every part but the gates' own keys is sound.
#[derive(Debug, Clone)]
pub struct Policy {
    pub people: People,
    pub run: RunRules,
    pub protected: Protected,
    pub limits: LoopLimits,
    /// The public keys that attestations may be signed with.
    pub keys: PolicyKeys,
    pub feedback: FeedbackRules,
    pub evidence: Vec<EvidenceEntry>,
    pub gates: Vec<Arc<GateEntry>>,
    pub waivers: Vec<Waiver>,
    /// Of the file's bytes.
    pub sha256: Digest,
}

/// One declared piece of evidence.
#[derive(Debug, Clone)]
pub struct EvidenceEntry {
    pub demand: Demand,
    /// Which job makes it; `None` where any may.
    pub from: Option<From>,
    /// As written, with every default filled in.
    pub raw: RawEvidence,
}

/// One gate, its own keys still unread.
#[derive(Debug, Clone)]
pub struct GateEntry {
    pub id: GateId,
    pub kind: String,
    pub title: Option<String>,
    pub enforce: bool,
    pub evidence: Vec<EvidenceId>,
    /// Whether the file names none; `evidence` is also empty where what it names is broken.
    pub names_no_evidence: bool,
    pub on_fail: Option<OnFail>,
    /// The kind's own keys.
    pub settings: Table,
    /// The common keys as written, with every default filled in.
    pub raw: RawGate,
}

/// Blockers that are accepted until a day.
#[derive(Debug, Clone)]
pub struct Waiver {
    pub code: Code,
    pub gate: Option<GateId>,
    pub subject: Option<String>,
    pub reason: String,
    /// The last day it holds, `YYYY-MM-DD`.
    pub expires: String,
    /// As written.
    pub raw: RawWaiver,
}

impl Waiver {
    /// Whether it still holds at this time.
    pub fn holds(&self, now: Timestamp) -> bool {
        now.day() <= self.expires
    }

    /// Whether it is about this blocker.
    pub fn covers(&self, gate: &GateId, code: Code, subject: &str) -> bool {
        self.code == code
            && self.gate.as_ref().is_none_or(|wanted| wanted == gate)
            && self.subject.as_ref().is_none_or(|wanted| wanted == subject)
    }
}

impl Policy {
    /// Reads a policy. The problems found so far come with it, so that those of the gates' own keys can join them.
    ///
    /// # Errors
    /// The problems, where the file is no TOML at all.
    pub fn read(text: &str) -> Result<(Self, Vec<Problem>), Vec<Problem>> {
        let mut problems = Vec::new();
        let mut root = Table::parse(text)?;
        let keys = keys::read(&mut root, &mut problems);
        let evidence = read_evidence(&mut root, &keys.checked(), &mut problems);
        let gates = read_gates(&mut root, &evidence, &mut problems);
        let waivers = read_waivers(&mut root, &gates, &mut problems);
        let people = root.take_table("people", &mut problems).read("`[people]`", &mut problems);
        let run = root.take_table("run", &mut problems).read("`[run]`", &mut problems);
        let protected = root.take_table("protected", &mut problems).read("`[protected]`", &mut problems);
        let limits = read_limits(&mut root, &mut problems);
        let feedback = root.take_table("feedback", &mut problems).read("`[feedback]`", &mut problems);
        read_rest(&root, &mut problems);
        let policy = Self {
            people: people.unwrap_or_default(),
            run: run.unwrap_or_default(),
            protected: protected.unwrap_or_default(),
            limits,
            keys,
            feedback: feedback.unwrap_or_default(),
            evidence: evidence.into_iter().filter_map(|(_, entry)| entry).collect(),
            gates,
            waivers,
            sha256: Digest::of(text),
        };
        for (key, globs) in
            [("protected.paths", &policy.protected.paths), ("run.ignore_jobs", &policy.run.ignore_jobs)]
        {
            for glob in globs {
                if let Err(error) = globset::Glob::new(glob) {
                    let message = format!("`{}` is not a glob: {error}", sanitize(glob, 80));
                    problems.push(Problem { line: 0, key: key.to_owned(), message, hint: None });
                }
            }
        }
        Ok((policy, problems))
    }

    /// The evidence of this id.
    pub fn evidence(&self, id: &EvidenceId) -> Option<&EvidenceEntry> {
        self.evidence.iter().find(|entry| &entry.demand.id == id)
    }
}

/// What is left at the top of the file: `version`, and keys nobody knows.
fn read_rest(root: &Table, problems: &mut Vec<Problem>) {
    let known = field_names::<RawPolicy>();
    for key in root.values.keys().filter(|key| !known.contains(&key.as_str())) {
        let mut problem = root.problem(key, format!("unknown key `{}`", sanitize(key, 60)));
        problem.hint = nearest(key, known.iter().copied()).map(|name| format!("did you mean `{name}`?"));
        problems.push(problem);
    }
    match root.values.get("version") {
        Some(toml::Value::Integer(1)) => {}
        Some(_) => problems.push(root.problem("version", "`version` is not 1, the only version there is")),
        None => {
            let mut problem = root.problem("", "`version` is missing");
            problem.hint = Some("write `version = 1` at the top".to_owned());
            problems.push(problem);
        }
    }
}

fn read_limits(root: &mut Table, problems: &mut Vec<Problem>) -> LoopLimits {
    let table = root.take_table("limits", problems);
    let place = table.place.clone();
    let limits: LoopLimits = table.read("`[limits]`", problems).unwrap_or_default();
    for (key, value) in [("max_attempts", limits.max_attempts), ("max_heads", limits.max_heads)] {
        if value == 0 {
            problems
                .push(place.problem(key, format!("`limits.{key}` is 0: no change could ever be repaired")));
        }
    }
    limits
}

/// Every declared id, with its entry where that is sound, so that a gate that names a broken one is not blamed.
type Declared = Vec<(String, Option<EvidenceEntry>)>;

fn read_evidence(root: &mut Table, keys: &Arc<[Key]>, problems: &mut Vec<Problem>) -> Declared {
    root.take_tables("evidence", problems)
        .into_iter()
        .map(|(name, table)| {
            let entry = read_evidence_entry(&name, table, keys, problems);
            (name, entry)
        })
        .collect()
}

fn read_evidence_entry(
    name: &str,
    table: Table,
    keys: &Arc<[Key]>,
    problems: &mut Vec<Problem>,
) -> Option<EvidenceEntry> {
    let place = table.place.clone();
    let raw: RawEvidence = table.read(&format!("evidence `{}`", sanitize(name, 60)), problems)?;
    let before = problems.len();
    let mut keep = |key: &str, message: String| problems.push(place.problem(key, message));
    let id = name.parse::<EvidenceId>().map_err(|error| keep("", error.to_string())).ok();
    let artifact = raw.artifact.parse().map_err(|error| keep("artifact", format!("{error}"))).ok();
    let artifact_glob = match raw.name_match {
        NameMatch::Exact => None,
        NameMatch::Glob => globset::Glob::new(&raw.artifact)
            .map_err(|error| {
                keep("artifact", format!("`{}` is not a glob: {error}", sanitize(&raw.artifact, 80)));
            })
            .ok()
            .map(|glob| glob.compile_matcher()),
    };
    let path =
        raw.path.as_deref().and_then(|path| PathPattern::new(path).map_err(|error| keep("path", error)).ok());
    let format = match raw.format.as_str() {
        "auto" => None,
        name => name.parse::<Format>().map_err(|error| keep("format", error)).ok(),
    };
    if raw.require_binding.contains(&Binding::AssertedByCaller) {
        keep("require_binding", "`asserted_by_caller` is no binding that can be asked for".to_owned());
    }
    for message in raw.exit_codes.iter().flat_map(ExitCodes::problems) {
        keep("exit_codes", message);
    }
    if problems.len() > before {
        return None;
    }
    let demand = Demand {
        id: id?,
        role: raw.role,
        artifact: artifact?,
        artifact_glob,
        path,
        format,
        require_binding: raw.require_binding.iter().copied().collect(),
        max_age: raw.max_age,
        optional: raw.optional,
        allow_dirty: raw.allow_dirty,
        producer_job: raw.from.as_ref().and_then(|from| from.job.clone()),
        command: raw.command.clone(),
        exit_codes: raw.exit_codes.clone(),
        keys: keys.clone(),
        // Until the gates are known.
        compared: true,
    };
    Some(EvidenceEntry { demand, from: raw.from.clone(), raw })
}

fn read_gates(root: &mut Table, evidence: &Declared, problems: &mut Vec<Problem>) -> Vec<Arc<GateEntry>> {
    let common = field_names::<RawGate>();
    let mut seen = BTreeSet::new();
    let mut gates = Vec::new();
    for table in root.take_array("gate", problems) {
        let named = table.values.get("id").and_then(toml::Value::as_str).unwrap_or("?").to_owned();
        let place = table.place.clone();
        let (common, settings) = table.split(common);
        let Some(raw) = common.read::<RawGate>(&format!("gate `{}`", sanitize(&named, 60)), problems) else {
            continue;
        };
        let id = match raw.id.parse::<GateId>() {
            Ok(id) => id,
            Err(error) => {
                problems.push(place.problem("id", error.to_string()));
                continue;
            }
        };
        if RESERVED_GATE_IDS.contains(&id.as_str()) {
            problems.push(place.problem("id", format!("gate id `{id}` is taken by a built-in gate")));
        }
        if !seen.insert(id.clone()) {
            problems.push(place.problem("id", format!("two gates have the id `{id}`")));
        }
        if let Some(on_fail) = &raw.on_fail
            && on_fail.action == ActionKind::RunCommand
            && on_fail.command.is_empty()
        {
            problems.push(
                place.problem("on_fail", format!("`on_fail` of gate `{id}` runs a command and names none")),
            );
        }
        let mut ids = Vec::new();
        for (index, name) in raw.evidence.iter().enumerate() {
            match evidence.iter().find(|(declared, _)| declared == name) {
                Some((_, Some(entry))) if !ids.contains(&entry.demand.id) => {
                    ids.push(entry.demand.id.clone());
                }
                Some((_, Some(_))) => {
                    let message = format!("gate `{id}` names evidence `{}` twice", sanitize(name, 60));
                    problems.push(place.problem(&format!("evidence[{index}]"), message));
                }
                Some((_, None)) => {}
                None => {
                    let message =
                        format!("gate `{id}` names evidence `{}`, which is not declared", sanitize(name, 60));
                    let mut problem = place.problem(&format!("evidence[{index}]"), message);
                    problem.hint = nearest(name, evidence.iter().map(|(declared, _)| declared.as_str()))
                        .map(|near| format!("did you mean `{near}`?"));
                    problems.push(problem);
                }
            }
        }
        gates.push(Arc::new(GateEntry {
            id,
            kind: raw.kind.clone(),
            title: raw.title.as_ref().map(|title| sanitize(title, 120)),
            enforce: raw.enforce,
            evidence: ids,
            names_no_evidence: raw.evidence.is_empty(),
            on_fail: raw.on_fail.clone(),
            settings,
            raw,
        }));
    }
    gates
}

fn read_waivers(root: &mut Table, gates: &[Arc<GateEntry>], problems: &mut Vec<Problem>) -> Vec<Waiver> {
    let mut waivers = Vec::new();
    for (index, table) in root.take_array("waiver", problems).into_iter().enumerate() {
        let place = table.place.clone();
        let what = format!("waiver {}", index + 1);
        let Some(raw) = table.read::<RawWaiver>(&what, problems) else { continue };
        let before = problems.len();
        let mut keep = |key: &str, message: String| problems.push(place.problem(key, message));
        let code = Code::from_name(&raw.code);
        match code {
            None => keep("code", format!("{what} names `{}`, which is no code", sanitize(&raw.code, 60))),
            Some(code) if !code.waivable() => keep("code", format!("`{}` cannot be waived", code.as_str())),
            Some(_) => {}
        }
        let gate = raw.gate.as_ref().map(|gate| gates.iter().find(|entry| entry.id.as_str() == gate));
        if let (Some(None), Some(name)) = (&gate, &raw.gate) {
            keep("gate", format!("{what} names gate `{}`, which is not declared", sanitize(name, 60)));
        }
        if raw.reason.trim().is_empty() {
            keep("reason", format!("{what} has an empty reason"));
        }
        let expires = raw.expires.date.filter(|_| raw.expires.time.is_none()).map(|date| date.to_string());
        if expires.is_none() {
            keep("expires", format!("{what}: `expires` is not a day such as 2026-12-31"));
        }
        if problems.len() > before {
            continue;
        }
        let (Some(code), Some(expires)) = (code, expires) else { continue };
        waivers.push(Waiver {
            code,
            gate: gate.flatten().map(|entry| entry.id.clone()),
            subject: raw.subject.clone(),
            reason: sanitize(&raw.reason, 300),
            expires,
            raw,
        });
    }
    waivers
}
