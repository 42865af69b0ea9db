//! Required sections of the pull request's or the linked issue's text.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::context::pull_facts::PullFacts;
use crate::evidence::markdown::{Line, checkbox, heading, lines};
use crate::model::{Code, count, sanitize};

use super::super::result::Blocker;
use super::unseen;

/// A section that must be there.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SectionRule {
    /// The heading's text, compared without regard to case and a colon at the end.
    pub heading: String,
    /// Where it stands. Default `pull_request`.
    #[serde(default, rename = "in")]
    pub place: Place,
    /// Lines of the template that are no content. Default: none beside the usual ones (`TODO`, `TBD`, `...`).
    #[serde(default)]
    pub placeholders: Vec<String>,
    /// Whether it must have checkboxes, all ticked. Default false.
    #[serde(default)]
    pub ticked: bool,
}

/// Where a section stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Place {
    #[default]
    PullRequest,
    /// In a linked issue's text.
    Issue,
    /// In either.
    Either,
}

/// What templates and issue forms leave where nobody wrote anything.
const PLACEHOLDERS: &[&str] =
    &["todo", "tbd", "fixme", "...", "…", "-", "*", "- [ ]", "* [ ]", "---", "***", "_no response_"];

/// What one text makes of a rule; the best first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Found {
    Kept,
    /// How many boxes are open; 0 where there is none at all.
    Unticked(usize),
    Empty,
    Missing,
}

/// Judges one section; of several texts it may stand in, the best counts.
pub(super) fn judge(rule: &SectionRule, pull: &PullFacts) -> Option<Blocker> {
    let shown = sanitize(&rule.heading, 120);
    let in_pull = rule.place != Place::Issue;
    let in_issue = rule.place != Place::PullRequest;
    let body = pull.body.as_ref().filter(|_| in_pull);
    let issues = pull.linked_issues.items.iter().map(|issue| &issue.body).filter(|_| in_issue);
    let best = body.into_iter().chain(issues).map(|text| find(rule, text)).min().unwrap_or(Found::Missing);
    if best == Found::Kept {
        return None;
    }
    if (in_pull && pull.body.is_none()) || (in_issue && !pull.linked_issues.complete) {
        return Some(unseen(&shown, format!("the text that section `{shown}` stands in could not be read")));
    }
    let (where_, whose) = match rule.place {
        Place::PullRequest => ("the pull request's text", "the pull request's"),
        Place::Issue => ("the linked issue's text", "the linked issue's"),
        Place::Either => ("the pull request's or linked issue's text", "the pull request's"),
    };
    let (code, reason, remedy) = match best {
        Found::Kept => return None,
        Found::Missing => (
            Code::ContractSectionMissing,
            format!("section `{shown}` is not in {where_}"),
            format!("add the section `{shown}` to {whose} text"),
        ),
        Found::Empty => (
            Code::ContractSectionEmpty,
            format!("section `{shown}` in {where_} holds nothing beyond the template"),
            format!("write what section `{shown}` of {whose} text asks for"),
        ),
        Found::Unticked(open) => (
            Code::ContractCheckboxOpen,
            match open {
                0 => format!("section `{shown}` in {where_} has no checkbox"),
                _ => format!("section `{shown}` in {where_} has {} unticked", count(open as u64, "item")),
            },
            format!("do what the checkboxes of section `{shown}` say, then tick them"),
        ),
    };
    Some(Blocker::new(code, shown, reason).on_section(rule.heading.trim()).with_remedy(remedy))
}

fn find(rule: &SectionRule, text: &str) -> Found {
    let lines = lines(text);
    let wanted = plain(&rule.heading);
    let mut inside: Option<usize> = None;
    let mut found = false;
    let mut content: Vec<&Line> = Vec::new();
    for line in &lines {
        if let Some((level, text)) = heading(line) {
            if inside.is_some_and(|own| level <= own) {
                inside = None;
            }
            if inside.is_none() && plain(text) == wanted {
                inside = Some(level);
                found = true;
            }
        } else if inside.is_some() {
            content.push(line);
        }
    }
    if !found {
        return Found::Missing;
    }
    let placeholders: Vec<String> = rule.placeholders.iter().map(|text| plain(text)).collect();
    let says = |line: &&&Line| {
        let text = plain(&line.text);
        line.code
            || !(text.is_empty() || PLACEHOLDERS.contains(&text.as_str()) || placeholders.contains(&text))
    };
    if !content.iter().any(|line| says(&line)) {
        return Found::Empty;
    }
    if rule.ticked {
        let boxes: Vec<bool> = content.iter().filter_map(|line| checkbox(line)).collect();
        let open = boxes.iter().filter(|ticked| !**ticked).count();
        if boxes.is_empty() || open > 0 {
            return Found::Unticked(open);
        }
    }
    Found::Kept
}

fn plain(text: &str) -> String {
    text.trim().trim_end_matches(':').trim_end().to_lowercase()
}
