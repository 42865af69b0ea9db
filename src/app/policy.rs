//! `patchwarden policy init|check|show|schema`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::context::{WorkflowFile, is_glob, look_at_gate_workflow};
use crate::contracts::Contract;
use crate::error::{EXIT_BUG, EXIT_OUTPUT, EXIT_POLICY, EXIT_USAGE, Failure};
use crate::evidence::demand::Role;
use crate::model::sanitize;
use crate::policy::DEFAULT_PATH;
use crate::sink;

use super::folder::EvidenceFolder;
use super::gate::{embedded, read_policy_file};
use super::judge::SoundPolicy;
use super::{Ended, OutputForm, give, read_named};

/// The settings of `policy`.
#[derive(Debug)]
pub enum Request {
    /// Proposes a policy for a folder of evidence, and writes it where asked.
    Init {
        evidence: Option<PathBuf>,
        write: Option<PathBuf>,
    },
    Check(Check),
    Show {
        file: PathBuf,
        form: OutputForm,
    },
    Schema,
}

/// What `check` looks at.
#[derive(Debug)]
pub struct Check {
    /// The policy; by default the one at the usual place, which may be missing where a workflow is named.
    pub file: Option<PathBuf>,
    /// The workflow file that holds the gate.
    pub workflow: Option<PathBuf>,
    /// The gate's job, where its step does not show it.
    pub job: Option<String>,
    /// Contexts that branch protection requires.
    pub required_contexts: Vec<String>,
    pub form: OutputForm,
}

/// Runs one of them.
///
/// # Errors
/// Exit 3 for a policy with problems, exit 2 where a file to be written is there already.
pub fn run(request: &Request) -> Ended {
    match request {
        Request::Init { evidence, write } => init(evidence.as_deref(), write.as_deref()),
        Request::Check(request) => check(request),
        Request::Show { file, form } => show(file, *form),
        Request::Schema => {
            let contract = Contract::from_name("patchwarden.policy.v1")
                .ok_or_else(|| Failure::new(EXIT_BUG, "the policy's schema is not registered"))?;
            give(&super::schema::text_of(contract)?)?;
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

fn check(request: &Check) -> Ended {
    let mut text = String::new();
    let mut warned = Vec::new();
    let usual = Path::new(DEFAULT_PATH);
    let file = match (&request.file, &request.workflow) {
        (Some(file), _) => Some(file.as_path()),
        (None, Some(_)) => usual.exists().then_some(usual),
        (None, None) => Some(usual),
    };
    if let Some(file) = file {
        let sound = load(file)?;
        let gates = crate::model::count(sound.policy.gates.len() as u64, "gate");
        let evidence = crate::model::count(sound.policy.evidence.len() as u64, "piece");
        let _ = writeln!(text, "{}: valid, {gates} over {evidence} of evidence", file.display());
        warned.extend(warnings(&sound));
    }
    check_workflow(request, &mut text, &mut warned)?;
    match request.form {
        OutputForm::Json => give(&crate::output::json(&warned))?,
        OutputForm::Text => {
            for warning in &warned {
                let _ = writeln!(text, "warning: {warning}");
            }
            give(&text)?;
        }
    }
    Ok(0)
}

/// The workflow that holds the gate, and the contexts that branch protection requires.
fn check_workflow(request: &Check, text: &mut String, warned: &mut Vec<String>) -> Result<(), Failure> {
    let globs = request.required_contexts.iter().filter(|context| is_glob(context));
    let mut refused: Vec<String> = globs
        .map(|context| {
            format!(
                "the required context `{}` is a glob: any job of a pull request can post a status that fits it, so spell it out",
                sanitize(context, 120)
            )
        })
        .collect();
    let mut name = "the required contexts".to_owned();
    if let Some(path) = &request.workflow {
        name = path.display().to_string();
        let bytes = read_named(path, "the workflow", EXIT_POLICY)?;
        let content = String::from_utf8_lossy(&bytes);
        let file = WorkflowFile::parse(&content).map_err(|error| {
            Failure::new(EXIT_POLICY, format!("`{name}` was not checked")).caused_by(error)
        })?;
        let file_name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let found =
            look_at_gate_workflow(&file, &file_name, request.job.as_deref(), &request.required_contexts);
        refused.extend(found.refused);
        warned.extend(found.warnings);
        let _ = writeln!(text, "{name}: the gate is in {}", crate::model::cut_list(&found.jobs, 5));
        for context in found.contexts {
            let _ = writeln!(text, "require before merging: {context}");
        }
    }
    if refused.is_empty() {
        return Ok(());
    }
    let problems = crate::model::count(refused.len() as u64, "problem");
    let mut failure = Failure::new(EXIT_POLICY, "the gate as it stands can be passed by")
        .caused_by(format!("`{name}` has {problems}"))
        .hint("docs/hardening.md says what each arrangement stops");
    failure.details = refused;
    Err(failure)
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
    let keys = policy
        .keys
        .raw
        .iter()
        .map(|(name, raw)| (name.clone(), toml::Table::try_from(raw).unwrap_or_default().into()))
        .collect();
    section("keys", Ok(keys));
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
