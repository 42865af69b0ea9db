//! `patchwarden schema list|show|validate`: the hand-off registry.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::contracts::{ALL, Contract};
use crate::error::{EXIT_BUG, EXIT_USAGE, Failure};
use crate::model::sanitize;
use crate::policy::nearest;
use crate::verdict::EXIT_BLOCKED;

use super::{Ended, OutputForm, give, read_named};

/// The settings of `schema`.
#[derive(Debug)]
pub enum Request {
    List { form: OutputForm },
    Show { name: String },
    Validate { file: PathBuf, name: Option<String>, form: OutputForm },
}

/// Lists, shows or validates.
///
/// # Errors
/// Exit 2 for an unknown contract or an unreadable file.
pub fn run(request: &Request) -> Ended {
    match request {
        Request::List { form } => {
            give(&list(*form))?;
            Ok(0)
        }
        Request::Show { name } => {
            give(&text_of(contract(name)?)?)?;
            Ok(0)
        }
        Request::Validate { file, name, form } => validate(file, name.as_deref(), *form),
    }
}

/// The schema of a contract.
///
/// # Errors
/// Exit 1: it was not built in.
pub(super) fn text_of(contract: &Contract) -> Result<String, Failure> {
    let missing = || Failure::new(EXIT_BUG, format!("the schema of `{}` was not built in", contract.name));
    contract.schema_text().ok_or_else(missing)
}

fn list(form: OutputForm) -> String {
    if form == OutputForm::Json {
        let rows: Vec<std::collections::BTreeMap<&str, &str>> =
            ALL.iter().map(|one| [("name", one.name), ("meaning", one.meaning)].into()).collect();
        return crate::output::json(&rows);
    }
    let width = ALL.iter().map(|one| one.name.len()).max().unwrap_or(0);
    let mut out = String::new();
    for one in ALL {
        let _ = writeln!(out, "{:<width$}  {}", one.name, one.meaning);
    }
    out
}

fn contract(name: &str) -> Result<&'static Contract, Failure> {
    Contract::from_name(name).ok_or_else(|| {
        let failure = Failure::usage(format!("`{}` is no contract", sanitize(name, 80)));
        match nearest(name, ALL.iter().map(|one| one.name)) {
            Some(near) => failure.hint(format!("did you mean `{near}`?")),
            None => failure.hint("`patchwarden schema list` shows them"),
        }
    })
}

fn validate(file: &std::path::Path, name: Option<&str>, form: OutputForm) -> Ended {
    let shown = file.display();
    let bytes = read_named(file, "the document", EXIT_USAGE)?;
    let text =
        String::from_utf8(bytes).map_err(|_| Failure::usage(format!("`{shown}` is not UTF-8 text")))?;
    let name = match name {
        Some(name) => name.to_owned(),
        None => {
            crate::evidence::document::from_slice::<Named>(text.as_bytes())
                .map_err(|error| {
                    Failure::usage(format!("`{shown}` does not say which contract it is"))
                        .caused_by(error)
                        .hint("name it with `--as NAME`")
                })?
                .schema
        }
    };
    let problems = contract(&name)?
        .validate(&text)
        .map_err(|error| Failure::usage(format!("`{shown}` could not be validated")).caused_by(error))?;
    match form {
        OutputForm::Json => give(&crate::output::json(&problems))?,
        OutputForm::Text if problems.is_empty() => give(&format!("{shown}: valid {name}\n"))?,
        OutputForm::Text => {
            let mut out = format!("{shown}: not a valid {name}\n");
            for problem in &problems {
                let _ = writeln!(out, "  {problem}");
            }
            give(&out)?;
        }
    }
    Ok(if problems.is_empty() { 0 } else { EXIT_BLOCKED })
}

/// Any of our documents names its contract.
#[derive(serde::Deserialize)]
struct Named {
    schema: String,
}
