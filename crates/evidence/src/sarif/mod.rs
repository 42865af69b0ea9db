//! SARIF 2.1.0 of any analyser, every run of it, read result by result (FORMATS 1.2).
//! What only the end of a run tells (its tool, its rules, its overrides) is settled there.

mod rules;
mod run;
mod wire;

use std::io::BufRead;

use crate::model::{cut_list, sanitize};

use super::content::{Content, EmbeddedCommit, ParseError, Parsed, Substance, ToolName};
use super::json_stream::JsonStream;
use super::limits::Limits;
use super::shape::Shape;
use super::tally::Tally;
use super::tool_errors::ToolErrors;
use super::wire::Text;
use rules::RuleRef;

/// Commits kept of those a file names.
const COMMITS: usize = 100;

/// What the runs read so far showed.
struct Log {
    tally: Tally<RuleRef>,
    errors: ToolErrors,
    tools: Vec<Shown>,
    commits: Vec<EmbeddedCommit>,
    runs: u64,
    /// Runs that made no scan, by number from 1.
    without_results: Vec<String>,
    /// Results with a level although their `kind` is not `fail`.
    contradictions: u64,
}

/// A tool and whether any of its runs shows that it looked at something.
struct Shown {
    tool: ToolName,
    something: bool,
}

/// Reads SARIF 2.1.0.
///
/// # Errors
/// [`ParseError`]: not JSON, another version, a value the standard does not have, or beyond a bound.
pub fn parse(reader: &mut dyn BufRead, limits: &Limits) -> Result<Parsed, ParseError> {
    let mut json = JsonStream::open(reader, limits)?;
    let mut log = Log {
        tally: Tally::new(limits),
        errors: ToolErrors::new(limits),
        tools: Vec::new(),
        commits: Vec::new(),
        runs: 0,
        without_results: Vec::new(),
        contradictions: 0,
    };
    let mut version = None;
    let mut runs = false;
    json.object(&mut |json, key| {
        match key {
            "version" => version = Some(json.value::<Text<'_>>()?.as_str().to_owned()),
            "runs" => {
                runs = true;
                json.list(&mut |json| run::read(json, &mut log))?;
            }
            "inlineExternalProperties" => {
                json.list(&mut |_| Err(elsewhere("inlineExternalProperties")))?;
            }
            _ => json.skip()?,
        }
        Ok(())
    })?;
    json.end()?;
    match version.as_deref() {
        Some("2.1.0") if runs => Ok(log.finish()),
        Some("2.1.0") => Err(ParseError::Malformed("it is no SARIF: it has no `runs`".to_owned())),
        Some(other) => Err(ParseError::Malformed(format!(
            "SARIF of version `{}` is not read, 2.1.0 is",
            sanitize(other, 40)
        ))),
        None => Err(ParseError::Malformed("it is no SARIF: it has no `version`".to_owned())),
    }
}

/// Results that are not where they are looked for could be any number.
fn elsewhere(key: &str) -> ParseError {
    ParseError::Malformed(format!("its results may be elsewhere (`{key}`), which is not read"))
}

impl Log {
    /// Notes a run's tool and whether that run shows that something was looked at.
    fn tool(&mut self, tool: ToolName, something: bool) {
        match self.tools.iter_mut().find(|shown| shown.tool.name == tool.name) {
            Some(shown) => {
                shown.something |= something;
                shown.tool.version = shown.tool.version.take().or(tool.version);
            }
            None => self.tools.push(Shown { tool, something }),
        }
    }

    fn commit(&mut self, commit: EmbeddedCommit) {
        if self.commits.len() < COMMITS && !self.commits.contains(&commit) {
            self.commits.push(commit);
        }
    }

    fn substance(&self) -> Substance {
        if self.runs == 0 {
            return Substance::Nothing("`runs` is empty: no tool ran".to_owned());
        }
        if !self.without_results.is_empty() {
            // 3.14.23: absent or null results mean that no scan was made.
            let runs = cut_list(&self.without_results, 5);
            return Substance::Nothing(format!("no `results`, so no scan was made, in run {runs}"));
        }
        let blind: Vec<String> = self
            .tools
            .iter()
            .filter(|shown| !shown.something)
            .map(|shown| format!("`{}`", shown.tool.name))
            .collect();
        if blind.is_empty() {
            return Substance::Measured;
        }
        Substance::Unproven(format!(
            "{} reports no results, and neither `executionSuccessful` nor `artifacts` say that it looked at anything",
            cut_list(&blind, 5)
        ))
    }

    fn finish(self) -> Parsed {
        let substance = self.substance();
        let mut notes: Vec<String> = self.tally.note().into_iter().collect();
        if self.tools.len() > 1 {
            let names: Vec<String> =
                self.tools.iter().map(|shown| format!("`{}`", shown.tool.name)).collect();
            notes.push(format!("it has runs of several tools: {}", cut_list(&names, 8)));
        }
        if self.contradictions > 0 {
            let results = crate::model::count(self.contradictions, "result");
            notes.push(format!(
                "{results} with a level and a `kind` other than `fail` counted at level `none`"
            ));
        }
        Parsed {
            tool: self.tools.into_iter().next().map(|shown| shown.tool),
            substance,
            tool_errors: self.errors.finish(),
            commits: self.commits,
            notes,
            ..Parsed::new(Content::Findings(self.tally.finish()))
        }
    }
}

/// Whether this is SARIF by its outer keys.
pub fn fits(shape: &Shape) -> bool {
    let Shape::JsonObject { keys, texts } = shape else { return false };
    let by_schema = texts.get("$schema").is_some_and(|schema| schema.contains("sarif"));
    // Where `runs` comes first and is long, nothing else is seen.
    keys.contains("runs") && (by_schema || keys.contains("version") || keys.len() == 1)
}

#[cfg(test)]
mod tests;
