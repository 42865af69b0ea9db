//! The outputs of one judgement, and what each of them says did not pass.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::program::{Ran, run};

/// Everything `gate` gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    pub ran: Ran,
    pub report: Value,
    /// Null where there is no verdict.
    pub packet: Value,
    pub summary: String,
}

/// Runs `gate` in `folder` over its `evidence` into its `out`, and reads the outputs.
pub fn gate(folder: &Path, head: &str, more: &[&str]) -> Judged {
    let mut arguments = vec!["gate", "--evidence", "evidence", "--head", head, "--out", "out"];
    if !more.contains(&"--now") {
        arguments.extend(["--now", super::NOW]);
    }
    arguments.extend(more);
    let ran = run(folder, &arguments);
    read(folder, ran)
}

/// The outputs in `folder/out`.
pub fn read(folder: &Path, ran: Ran) -> Judged {
    let text = |name: &str| std::fs::read_to_string(folder.join("out").join(name));
    let report = text("gate_report.json").unwrap_or_else(|error| panic!("no report: {error}\n{ran:?}"));
    let packet = text("repair_instruction.json").map_or(Value::Null, |text| json(&text));
    let summary = text("summary.md").unwrap_or_else(|error| panic!("no summary: {error}\n{ran:?}"));
    Judged { report: json(&report), packet, summary, ran }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("not JSON: {error}\n{text}"))
}

impl Judged {
    /// The verdict's word; `none` where there is none.
    pub fn verdict(&self) -> &str {
        self.report["verdict"].as_str().unwrap_or("none")
    }

    /// Outcome of a gate.
    pub fn outcome(&self, gate: &str) -> &str {
        self.gates()
            .find(|one| one["id"] == gate)
            .map_or("no such gate", |one| one["outcome"].as_str().unwrap())
    }

    /// The codes of a gate's blockers, in order.
    pub fn codes(&self, gate: &str) -> Vec<&str> {
        let gate = self.gates().find(|one| one["id"] == gate).expect("the gate is in the report");
        gate["blockers"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect()
    }

    /// The gates of the report.
    pub fn gates(&self) -> impl Iterator<Item = &Value> {
        self.report["gates"].as_array().unwrap().iter()
    }

    /// `gate outcome` of each gate that did not pass, by the report.
    pub fn non_passing_by_report(&self) -> BTreeSet<String> {
        let words =
            |gate: &Value| format!("{} {}", gate["id"].as_str().unwrap(), gate["outcome"].as_str().unwrap());
        self.gates().filter(|gate| gate["outcome"] != "pass").map(words).collect()
    }

    /// The same by the text on standard output.
    pub fn non_passing_by_text(&self) -> BTreeSet<String> {
        let rows = self.ran.stdout.lines().filter_map(|line| {
            let mut words = line.strip_prefix("  ")?.split_whitespace();
            Some((words.next()?, words.next()?))
        });
        rows.filter(|(outcome, _)| NON_PASSING.contains(outcome))
            .map(|(outcome, id)| format!("{id} {outcome}"))
            .collect()
    }

    /// The same by the summary's table of gates, for gates without a title of their own.
    pub fn non_passing_by_summary(&self) -> BTreeSet<String> {
        let table = self.summary.lines().skip_while(|line| !line.starts_with("| gate |")).skip(2);
        let rows = table.take_while(|line| line.starts_with('|')).map(|line| {
            let mut cells = line.split('|').skip(1).map(str::trim);
            let id = cells.next().unwrap().trim_matches('`').to_owned();
            let outcome = cells.next().unwrap().replace(['*', '\\'], "");
            let outcome = outcome.split_whitespace().nth(1).unwrap().to_owned();
            (id, outcome)
        });
        rows.filter(|(_, outcome)| NON_PASSING.contains(&outcome.as_str()))
            .map(|(id, outcome)| format!("{id} {outcome}"))
            .collect()
    }

    /// The gates that have an entry in the repair packet.
    pub fn gates_of_packet(&self) -> BTreeSet<String> {
        let entries = self.packet["entries"].as_array().unwrap();
        entries.iter().map(|entry| entry["source"]["gate"].as_str().unwrap().to_owned()).collect()
    }

    /// Whether every output names the same set of gates that did not pass.
    ///
    /// # Errors
    /// Which output differs from the report, and how.
    pub fn outputs_agree(&self) -> Result<(), String> {
        let by_report = self.non_passing_by_report();
        // A skipped gate has nothing to repair: the packet alone does not name it.
        let with_blockers: BTreeSet<String> = by_report
            .iter()
            .filter(|one| !one.ends_with(" skipped"))
            .map(|one| one.split(' ').next().unwrap().to_owned())
            .collect();
        for (output, expected, said) in [
            ("the text", &by_report, self.non_passing_by_text()),
            ("the summary", &by_report, self.non_passing_by_summary()),
            ("the packet", &with_blockers, self.gates_of_packet()),
        ] {
            if *expected != said {
                return Err(format!("{output} says {said:?}, the report {expected:?}"));
            }
        }
        Ok(())
    }
}

const NON_PASSING: [&str; 4] = ["fail", "unmeasured", "needs_human", "skipped"];
