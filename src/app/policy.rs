//! `patchwarden policy init|check|show|schema`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::contracts::Contract;
use crate::error::{EXIT_BUG, EXIT_OUTPUT, EXIT_USAGE, Failure};
use crate::evidence::demand::Role;
use crate::policy::DEFAULT_PATH;
use crate::sink;

use super::folder::EvidenceFolder;
use super::gate::{embedded, read_policy_file};
use super::judge::SoundPolicy;
use super::{Ended, OutputForm, give};

/// The settings of `policy`.
#[derive(Debug)]
pub enum Request {
    /// Proposes a policy for a folder of evidence, and writes it where asked.
    Init {
        evidence: Option<PathBuf>,
        write: Option<PathBuf>,
    },
    Check {
        file: PathBuf,
        form: OutputForm,
    },
    Show {
        file: PathBuf,
        form: OutputForm,
    },
    Schema,
}

/// Runs one of them.
///
/// # Errors
/// Exit 3 for a policy with problems, exit 2 where a file to be written is there already.
pub fn run(request: &Request) -> Ended {
    match request {
        Request::Init { evidence, write } => init(evidence.as_deref(), write.as_deref()),
        Request::Check { file, form } => check(file, *form),
        Request::Show { file, form } => show(file, *form),
        Request::Schema => {
            let contract = Contract::from_name("patchwarden.policy.v1")
                .ok_or_else(|| Failure::new(EXIT_BUG, "the policy's schema is not registered"))?;
            give(&contract.schema_text())?;
            Ok(0)
        }
    }
}

/// What `init` writes where there is no evidence to look at yet.
const STARTER: &str = include_str!("starter_policy.toml");

fn init(evidence: Option<&Path>, write: Option<&Path>) -> Ended {
    let text = match evidence {
        Some(folder) => embedded(&EvidenceFolder::open(folder)?),
        None => STARTER.to_owned(),
    };
    let Some(path) = write else {
        give(&text)?;
        return Ok(0);
    };
    if path.exists() {
        return Err(Failure::new(
            EXIT_USAGE,
            format!("`{}` is there already and was not touched", path.display()),
        )
        .hint("print the proposal without `--write` and compare"));
    }
    sink::write_file(path, text.as_bytes()).map_err(|error| {
        Failure::new(EXIT_OUTPUT, format!("`{}` could not be written", path.display())).caused_by(error)
    })?;
    sink::say(&format!("wrote {}", path.display()));
    sink::say("hint: the agents' account and the person's must differ: an author's approval never counts");
    Ok(0)
}

fn load(file: &Path) -> Result<SoundPolicy, Failure> {
    let text = read_policy_file(file, "the policy could not be read")?;
    SoundPolicy::read(&text)
        .map_err(|problems| Failure::policy("the policy is not valid", &file.display().to_string(), problems))
}

fn check(file: &Path, form: OutputForm) -> Ended {
    let sound = load(file)?;
    let warnings = warnings(&sound);
    match form {
        OutputForm::Json => give(&crate::output::json(&warnings))?,
        OutputForm::Text => {
            let gates = crate::model::count(sound.policy.gates.len() as u64, "gate");
            let evidence = crate::model::count(sound.policy.evidence.len() as u64, "piece");
            let mut out = format!("{}: valid, {gates} over {evidence} of evidence\n", file.display());
            for warning in &warnings {
                let _ = writeln!(out, "warning: {warning}");
            }
            give(&out)?;
        }
    }
    Ok(0)
}

/// What is sound and probably not meant.
fn warnings(sound: &SoundPolicy) -> Vec<String> {
    let policy = &sound.policy;
    let mut warnings = Vec::new();
    if !policy.gates.iter().any(|gate| gate.enforce) {
        warnings.push("no gate is enforced: every judgement is `unmeasured` (policy.no_gates)".to_owned());
    }
    for entry in &policy.evidence {
        let judged = entry.demand.role == Role::Head;
        if judged && !policy.gates.iter().any(|gate| gate.evidence.contains(&entry.demand.id)) {
            warnings.push(format!("evidence `{}` is declared and no gate names it", entry.demand.id));
        }
    }
    if policy.people.operators.is_empty() {
        warnings.push(format!(
            "`[people] operators` is empty: nobody named in `{DEFAULT_PATH}` can clear `needs_human`"
        ));
    }
    warnings
}

fn show(file: &Path, form: OutputForm) -> Ended {
    let sound = load(file)?;
    let effective = effective(&sound);
    give(&match form {
        OutputForm::Json => crate::output::json(&plain_dates(effective.into())),
        OutputForm::Text => effective.to_string(),
    })?;
    Ok(0)
}

/// The same with dates as texts: JSON has none, and the TOML crate would show its own wrapping of them.
fn plain_dates(value: toml::Value) -> toml::Value {
    match value {
        toml::Value::Datetime(date) => toml::Value::String(date.to_string()),
        toml::Value::Array(items) => items.into_iter().map(plain_dates).collect::<Vec<_>>().into(),
        toml::Value::Table(table) => {
            let plain: toml::Table =
                table.into_iter().map(|(key, value)| (key, plain_dates(value))).collect();
            plain.into()
        }
        other => other,
    }
}

/// The policy with every default filled in, as the table it could have been written as.
fn effective(sound: &SoundPolicy) -> toml::Table {
    let policy = &sound.policy;
    let mut root = toml::Table::new();
    root.insert("version".to_owned(), toml::Value::Integer(1));
    let mut section = |name: &str, table: Result<toml::Table, toml::ser::Error>| {
        root.insert(name.to_owned(), toml::Value::Table(table.unwrap_or_default()));
    };
    section("people", toml::Table::try_from(&policy.people));
    section("run", toml::Table::try_from(&policy.run));
    section("protected", toml::Table::try_from(&policy.protected));
    section("limits", toml::Table::try_from(&policy.limits));
    section("feedback", toml::Table::try_from(&policy.feedback));
    let evidence = policy
        .evidence
        .iter()
        .map(|entry| {
            (entry.demand.id.to_string(), toml::Table::try_from(&entry.raw).unwrap_or_default().into())
        })
        .collect();
    root.insert("evidence".to_owned(), toml::Value::Table(evidence));
    let gates = sound
        .gates
        .effective()
        .map(|(entry, own)| {
            let mut table = toml::Table::try_from(&entry.raw).unwrap_or_default();
            table.extend(own.clone());
            toml::Value::Table(table)
        })
        .collect();
    root.insert("gate".to_owned(), toml::Value::Array(gates));
    let waivers = policy.waivers.iter().map(|waiver| {
        let mut table = toml::Table::try_from(&waiver.raw).unwrap_or_default();
        // Serializing wraps a date in a table of the TOML crate's own; a policy has the date itself.
        table.insert("expires".to_owned(), toml::Value::Datetime(waiver.raw.expires));
        toml::Value::Table(table)
    });
    root.insert("waiver".to_owned(), toml::Value::Array(waivers.collect()));
    root
}
