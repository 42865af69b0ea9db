//! `patchwarden runtime-repair-check --bundle DIR --class ID`: a folder of runtime evidence under one repair class.
//! It reads and prints; it has no network and carries nothing out.

use std::path::{Path, PathBuf};

use crate::error::{EXIT_POLICY, Failure};
use crate::gate::runtime_repair::{RepairClass, built_in, decide, find_class, read_classes};
use crate::model::Timestamp;
use crate::{output, verdict};

use super::folder::read_bundle;
use super::judge::limits;
use super::{Ended, OutputForm, clock, give, read_named};

/// The settings of `runtime-repair-check`.
#[derive(Debug)]
pub struct Request {
    pub bundle: PathBuf,
    pub class: String,
    /// A file of classes; the built-in ones where there is none.
    pub classes: Option<PathBuf>,
    pub now: Option<Timestamp>,
    pub form: OutputForm,
}

/// Judges the bundle.
///
/// # Errors
/// Exit 2 for a class nobody knows, 3 for a file of classes with problems, 4 for a bundle that cannot be listed.
pub fn run(request: &Request) -> Ended {
    let classes = match &request.classes {
        Some(path) => read_class_file(path)?,
        None => built_in(),
    };
    let class = find_class(&classes, &request.class)
        .map_err(|words| Failure::usage("no verdict was produced").caused_by(words))?;
    let bundle = read_bundle(&request.bundle, &limits())?;
    let repair = decide(class, &bundle, clock(request.now));
    give(&match request.form {
        OutputForm::Text => output::runtime_repair(&repair),
        OutputForm::Json => output::json(&repair),
    })?;
    Ok(verdict::exit_code(repair.verdict.verdict()))
}

fn read_class_file(path: &Path) -> Result<Vec<RepairClass>, Failure> {
    let bytes = read_named(path, "the file of repair classes", EXIT_POLICY)?;
    let text = String::from_utf8(bytes).map_err(|_| {
        Failure::new(EXIT_POLICY, "no verdict was produced")
            .caused_by(format!("`{}` is not UTF-8 text", path.display()))
    })?;
    read_classes(&text).map_err(|problems| {
        Failure::problems("no verdict was produced", &path.display().to_string(), problems)
            .hint("docs/runtime-repair.md shows a class with every key")
    })
}
