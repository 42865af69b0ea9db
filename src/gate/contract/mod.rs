//! Gate kind `contract`: what a pull request promises in words: sections, labels, a linked issue, a title, a size,
//! paths that change together. One blocker per miss.

mod sections;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::context::pull_facts::{ChangedFile, PullFacts};
use crate::model::{Code, Quote, count, sanitize};

use super::registry::{Input, Judge, Judgement, KindSettings};
use super::result::Blocker;
use sections::SectionRule;

/// The keys of a `contract` gate.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Sections that must be there. Default: none.
    #[serde(default)]
    sections: Vec<SectionRule>,
    /// Labels. Default: any.
    #[serde(default)]
    labels: Labels,
    /// Whether an issue must be linked: `open`, or `any` state. Default: no.
    linked_issue: Option<LinkRule>,
    /// A regular expression that must be found in the title. Default: any title. (`title` is the gate's own.)
    title_pattern: Option<String>,
    /// Files that may change. Default: any number.
    max_files: Option<u64>,
    /// Lines that may be added and removed together. Default: any number.
    max_lines: Option<u64>,
    /// Paths whose change asks for another's. Default: none.
    #[serde(default)]
    together: Vec<Together>,
}

/// Labels that must and must not be set, as globs.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Labels {
    /// For each, a label that fits must be set. Default: none.
    #[serde(default)]
    require: Vec<String>,
    /// No label that fits may be set. Default: none.
    #[serde(default)]
    forbid: Vec<String>,
}

/// Which linked issue is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum LinkRule {
    Open,
    Any,
}

/// A path whose change asks for another's.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Together {
    /// Globs: when one of these changes, on either side of a rename …
    when: Vec<String>,
    /// … one of these must change as well.
    require: Vec<String>,
}

impl KindSettings for Settings {
    fn problems(&self) -> Vec<(&'static str, String)> {
        let mut wrong = Vec::new();
        if let Some(Err(error)) = self.title_pattern.as_deref().map(regex::Regex::new) {
            wrong.push((
                "title_pattern",
                format!("`title_pattern` is no regular expression: {}", sanitize(&error.to_string(), 200)),
            ));
        }
        for rule in &self.sections {
            if rule.heading.trim().is_empty() {
                wrong.push(("sections", "a section has an empty heading".to_owned()));
            }
        }
        let labels = [("labels.require", &self.labels.require), ("labels.forbid", &self.labels.forbid)];
        let paths =
            self.together.iter().flat_map(|rule| [("together", &rule.when), ("together", &rule.require)]);
        for (key, globs) in labels.into_iter().chain(paths) {
            if key == "together" && globs.is_empty() {
                wrong.push((key, "`when` and `require` each need at least one glob".to_owned()));
            }
            for glob in globs {
                if let Err(error) = globset::Glob::new(glob) {
                    wrong.push((key, format!("`{}` is not a glob: {error}", sanitize(glob, 80))));
                }
            }
        }
        if self.threshold().is_empty() {
            wrong.push(("", "a contract that asks for nothing holds always".to_owned()));
        }
        wrong
    }
}

impl Judge for Settings {
    fn judge(&self, input: &Input<'_>) -> Judgement {
        let threshold = self.threshold();
        let Some(pull) = input.facts.pull_of_head() else {
            let blocker = unseen("pull request", "the pull request was not read for this head");
            return Judgement {
                observed: "nothing to judge".to_owned(),
                threshold,
                blockers: vec![blocker],
                ..Judgement::default()
            };
        };
        let mut blockers: Vec<Blocker> =
            self.sections.iter().filter_map(|rule| sections::judge(rule, pull)).collect();
        blockers.extend(self.judge_labels(pull));
        blockers.extend(self.linked_issue.and_then(|rule| judge_link(rule, pull)));
        blockers.extend(self.judge_title(pull));
        blockers.extend(self.judge_size(pull));
        blockers.extend(self.judge_together(pull));
        let unseen = blockers.iter().filter(|blocker| blocker.code == Code::ContractUnseen).count();
        let mut words = Vec::new();
        for (number, what) in [(blockers.len() - unseen, "missed promise"), (unseen, "unread promise")] {
            words.extend((number > 0).then(|| count(number as u64, what)));
        }
        let observed = if words.is_empty() { "kept".to_owned() } else { words.join(", ") };
        Judgement { observed, threshold, blockers, judged: true, ..Judgement::default() }
    }
}

/// What could not be read, named by what it is.
fn unseen(subject: &str, reason: impl Into<String>) -> Blocker {
    Blocker::new(Code::ContractUnseen, subject, reason)
}

fn globs(patterns: &[String]) -> globset::GlobSet {
    let mut set = globset::GlobSetBuilder::new();
    for glob in patterns.iter().filter_map(|pattern| globset::Glob::new(pattern).ok()) {
        set.add(glob);
    }
    set.build().unwrap_or_default()
}

fn judge_link(rule: LinkRule, pull: &PullFacts) -> Option<Blocker> {
    let issues = &pull.linked_issues;
    if issues.items.iter().any(|issue| issue.open || rule == LinkRule::Any) {
        return None;
    }
    if !issues.complete {
        return Some(unseen("linked issue", "the linked issues could not be read"));
    }
    let closed: Vec<String> = issues.items.iter().map(|issue| format!("#{}", issue.number)).collect();
    if closed.is_empty() {
        return Some(Blocker::new(Code::ContractIssueMissing, "issue", "the pull request links to no issue"));
    }
    let reason = format!("every linked issue is closed: {}", crate::model::cut_list(&closed, 5));
    Some(Blocker::new(Code::ContractIssueClosed, "issue", reason))
}

impl Settings {
    fn judge_labels(&self, pull: &PullFacts) -> Vec<Blocker> {
        let mut blockers = Vec::new();
        let set = &pull.labels.items;
        for pattern in &self.labels.forbid {
            let glob = globs(std::slice::from_ref(pattern));
            if let Some(label) = set.iter().find(|label| glob.is_match(label.as_str())) {
                let reason = format!(
                    "label `{}` is set, `{}` is forbidden",
                    sanitize(label, 80),
                    sanitize(pattern, 80)
                );
                let remedy = format!("end what label `{}` stands for, then take it off", sanitize(label, 80));
                blockers.push(
                    Blocker::new(Code::ContractLabelForbidden, sanitize(pattern, 80), reason)
                        .with_remedy(remedy),
                );
            }
        }
        let mut missing = Vec::new();
        for pattern in &self.labels.require {
            let glob = globs(std::slice::from_ref(pattern));
            if !set.iter().any(|label| glob.is_match(label.as_str())) {
                let shown = sanitize(pattern, 80);
                missing.push(
                    Blocker::new(
                        Code::ContractLabelMissing,
                        shown.clone(),
                        format!("no label fits `{shown}`"),
                    )
                    .with_remedy(format!("set a label that fits `{shown}`")),
                );
            }
        }
        let asked = !(self.labels.require.is_empty() && self.labels.forbid.is_empty());
        if asked && !pull.labels.complete {
            // What is missing from half a list is not known to be missing.
            blockers.push(unseen("labels", "the labels could not be read"));
            return blockers;
        }
        blockers.extend(missing);
        blockers
    }

    fn judge_title(&self, pull: &PullFacts) -> Option<Blocker> {
        let pattern = self.title_pattern.as_ref()?;
        let Some(title) = &pull.title else { return Some(unseen("title", "the title could not be read")) };
        if regex::Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(title)) {
            return None;
        }
        let shown = sanitize(pattern, 120);
        Some(
            Blocker::new(Code::ContractTitle, "title", format!("the title does not fit `{shown}`"))
                .with_remedy(format!("change the title so that it fits `{shown}`"))
                .with_quotes(vec![Quote::new("title", title)]),
        )
    }

    fn judge_size(&self, pull: &PullFacts) -> Vec<Blocker> {
        let files = &pull.files;
        let mut blockers = Vec::new();
        if let Some(max) = self.max_files {
            let found = files.items.len() as u64;
            if found > max {
                let reason = format!("{} changed, the contract allows {max}", count(found, "file"));
                blockers.push(Blocker::new(Code::ContractTooManyFiles, "files", reason));
            } else if !files.complete {
                blockers.push(unseen("files", "the list of changed files is not complete"));
            }
        }
        if let Some(max) = self.max_lines {
            let of = |file: &ChangedFile| Some(file.additions?.saturating_add(file.deletions?));
            let found = files.items.iter().filter_map(of).fold(0_u64, u64::saturating_add);
            if found > max {
                let reason = format!("{} changed, the contract allows {max}", count(found, "line"));
                blockers.push(Blocker::new(Code::ContractTooManyLines, "lines", reason));
            } else if !files.complete || files.items.iter().any(|file| of(file).is_none()) {
                blockers.push(unseen("lines", "the number of changed lines is not known"));
            }
        }
        blockers
    }

    fn judge_together(&self, pull: &PullFacts) -> Vec<Blocker> {
        if !self.together.is_empty() && !pull.files.complete {
            return vec![unseen("coupled paths", "the list of changed files is not complete")];
        }
        let paths: Vec<&String> = pull
            .files
            .items
            .iter()
            .flat_map(|file| [Some(&file.path), file.previous.as_ref()])
            .flatten()
            .collect();
        self.together.iter().filter_map(|rule| rule.judge(&paths)).collect()
    }

    fn threshold(&self) -> String {
        let mut words = Vec::new();
        if !self.sections.is_empty() {
            words.push(count(self.sections.len() as u64, "section"));
        }
        if !self.labels.require.is_empty() || !self.labels.forbid.is_empty() {
            words.push("labels".to_owned());
        }
        if let Some(rule) = self.linked_issue {
            let open = if rule == LinkRule::Open { "an open" } else { "a" };
            words.push(format!("{open} linked issue"));
        }
        if let Some(title) = &self.title_pattern {
            words.push(format!("a title that fits `{}`", sanitize(title, 80)));
        }
        words.extend(self.max_files.map(|max| format!("at most {}", count(max, "file"))));
        words.extend(self.max_lines.map(|max| format!("at most {}", count(max, "line"))));
        if !self.together.is_empty() {
            words.push("coupled paths changed together".to_owned());
        }
        words.join(", ")
    }
}

impl Together {
    fn judge(&self, paths: &[&String]) -> Option<Blocker> {
        let (when, require) = (globs(&self.when), globs(&self.require));
        let changed = paths.iter().find(|path| when.is_match(path.as_str()))?;
        if paths.iter().any(|path| require.is_match(path.as_str())) {
            return None;
        }
        let wanted: Vec<String> =
            self.require.iter().map(|glob| format!("`{}`", sanitize(glob, 80))).collect();
        let wanted = wanted.join(" or ");
        let reason = format!("`{}` changed and nothing under {wanted} did", sanitize(changed, 120));
        let subject = sanitize(&self.when.join(" "), 120);
        let mut blocker = Blocker::new(Code::ContractCompanionMissing, subject, reason)
            .with_remedy(format!("change {wanted} as well, and push"));
        blocker.paths = vec![sanitize(changed, 200)];
        Some(blocker)
    }
}
