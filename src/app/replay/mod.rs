//! `patchwarden replay BUNDLE`: a captured judgement made again offline and compared byte for byte.

pub mod bundle;
mod judge;

use std::fmt::Write as _;
use std::path::PathBuf;

use serde::Serialize;

use crate::model::{Verdict, sanitize};
use crate::output;
use crate::verdict::{EXIT_DIFFERENT, EXIT_PASS};

use super::gate::{PACKET_FILE, REPORT_FILE, SUMMARY_FILE};
use super::{Ended, OutputForm, give};
use bundle::OUTPUTS;

/// The settings of `replay`.
#[derive(Debug)]
pub struct Request {
    pub bundle: PathBuf,
    pub form: OutputForm,
}

/// What `replay` prints as JSON.
#[derive(Debug, Serialize)]
struct Replayed {
    identical: bool,
    /// The version that recorded the bundle.
    recorded_by: String,
    verdict: Option<Verdict>,
    outputs: Vec<Compared>,
}

/// One output, recorded and replayed.
#[derive(Debug, Serialize)]
struct Compared {
    file: String,
    identical: bool,
    /// The first line that differs, from 1; null where none does.
    line: Option<u64>,
    recorded: Option<String>,
    replayed: Option<String>,
}

/// Judges again: exit 0 where every output is the same bytes, 13 where one differs.
///
/// # Errors
/// Exit 2 for what is no whole bundle, 3 for a policy this version does not take.
pub fn run(request: &Request) -> Ended {
    let opened = bundle::read(&request.bundle)?;
    let again = judge::judge(&opened)?;
    let replayed = [
        (REPORT_FILE, output::json(&again.report)),
        (PACKET_FILE, output::json(&again.packet)),
        (SUMMARY_FILE, output::markdown(&again.report, Some(&again.packet))),
    ];
    let outputs = replayed
        .into_iter()
        .map(|(name, text)| Ok(compare(name, &judge::text_of(&opened, &format!("{OUTPUTS}/{name}"))?, &text)))
        .collect::<Result<Vec<Compared>, crate::error::Failure>>()?;
    let result = Replayed {
        identical: outputs.iter().all(|one| one.identical),
        recorded_by: sanitize(&opened.bundle.tool.version, 40),
        verdict: again.report.verdict,
        outputs,
    };
    give(&match request.form {
        OutputForm::Json => output::json(&result),
        OutputForm::Text => text(&result),
    })?;
    Ok(if result.identical { EXIT_PASS } else { EXIT_DIFFERENT })
}

fn compare(name: &str, recorded: &str, replayed: &str) -> Compared {
    let mut same = Compared {
        file: name.to_owned(),
        identical: recorded == replayed,
        line: None,
        recorded: None,
        replayed: None,
    };
    if same.identical {
        return same;
    }
    let (mut before, mut after) = (recorded.lines(), replayed.lines());
    for number in 1.. {
        let (one, other) = (before.next(), after.next());
        if one != other || one.is_none() {
            same.line = Some(number);
            same.recorded = one.map(|line| sanitize(line, 200));
            same.replayed = other.map(|line| sanitize(line, 200));
            break;
        }
    }
    same
}

fn text(result: &Replayed) -> String {
    let mut out = String::new();
    for one in result.outputs.iter().filter(|one| !one.identical) {
        let shown = |line: &Option<String>| line.clone().unwrap_or_else(|| "(the end)".to_owned());
        let _ = writeln!(
            out,
            "different: `{}` from line {}\n  recorded: {}\n  replayed: {}",
            one.file,
            one.line.unwrap_or(0),
            shown(&one.recorded),
            shown(&one.replayed)
        );
    }
    let verdict = result.verdict.map_or("none", Verdict::as_str);
    let words = if result.identical { "identical" } else { "different" };
    let _ = writeln!(out, "{words}: verdict {verdict}, recorded by version {}", result.recorded_by);
    out
}
