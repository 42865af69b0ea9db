//! Gate kind `judge`: an `openclaw.judge.v0` record by an allowed author is there and still matches what it judged.
//! A record is weighed by who could have written it: a comment by its account, a file by its run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::context::pull_facts::{Comment, JOB_LOGIN, Listed, PullFacts};
use crate::evidence::Content;
use crate::evidence::judge_record::JudgeRecord;
use crate::model::{Code, Digest, Quote, RepoSlug, Span, Timestamp, cut_list, sanitize};

use super::evaluate::Facts;
use super::registry::{Input, Judge, Judgement, KindSettings};
use super::result::Blocker;

/// The keys of a `judge` gate. Named evidence of format `judge-record` is believed as far as its run is.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Logins whose comments may carry a record. Default: none, so that only named evidence counts.
    #[serde(default)]
    authors: Vec<String>,
    /// What is judged: the pull request, or the issue it links to. Default `pull_request`.
    #[serde(default)]
    target: TargetKind,
    /// How old a record may be. Default: any age.
    max_age: Option<Span>,
}

/// What is judged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum TargetKind {
    #[default]
    PullRequest,
    Issue,
}

/// The label by which a judge asks for a person.
const OPERATOR_LABEL: &str = "judge/operator-needed";

impl KindSettings for Settings {
    fn problems(&self) -> Vec<(&'static str, String)> {
        let shared = self.authors.iter().any(|login| login.eq_ignore_ascii_case(JOB_LOGIN));
        let words = || format!("`{JOB_LOGIN}` is nobody: any workflow can comment in its name");
        if shared { vec![("authors", words())] } else { Vec::new() }
    }
}

/// The item as it is now.
struct Item<'a> {
    kind: TargetKind,
    number: u64,
    title: &'a str,
    body: &'a str,
    labels: &'a Listed<String>,
    comments: &'a Listed<Comment>,
}

/// One actor's newest record, or why it is none.
struct Newest {
    /// The author's login and the actor's name, or the evidence's id.
    by: String,
    /// Comments by their number; a file's record by when it was judged, before every comment.
    order: (u64, Timestamp),
    record: Result<JudgeRecord, String>,
}

impl Newest {
    /// The name a blocker and a waiver know it by.
    fn subject(&self) -> String {
        self.by.replace('`', "")
    }
}

impl Judge for Settings {
    fn judge(&self, input: &Input<'_>) -> Judgement {
        let mut judgement = Judgement { threshold: self.threshold(), ..Judgement::default() };
        let Some(pull) = input.facts.pull_of_head() else {
            return self.unseen(judgement, "the pull request was not read for this head");
        };
        let item = match self.item(pull) {
            Ok(item) => item,
            Err(why) => return self.unseen(judgement, why),
        };
        if !self.authors.is_empty() && !item.comments.complete {
            return self.unseen(judgement, "the comments could not be read");
        }
        if self.target == TargetKind::PullRequest && pull.commit_count.is_none() {
            return self.unseen(judgement, "the number of commits could not be read");
        }
        if !item.labels.complete {
            return self.unseen(judgement, "the labels could not be read");
        }
        let newest = self.newest(&item, input);
        judgement.judged = true;
        if newest.is_empty() && input.complete {
            let who: Vec<String> =
                self.authors.iter().map(|login| format!("`{}`", sanitize(login, 60))).collect();
            let reason = match who.as_slice() {
                [] => "there is no judge record".to_owned(),
                some => format!("no comment by {} carries a judge record", cut_list(some, 5)),
            };
            judgement.blockers.push(self.blocker(Code::JudgeMissing, "record", reason));
        }
        let mut words = Vec::new();
        for one in &newest {
            let before = judgement.blockers.len();
            self.check(one, &item, input.facts, &mut judgement);
            let mut found = judgement.blockers.iter().skip(before);
            let asks = |blocker: &Blocker| blocker.code == Code::JudgeOperatorNeeded;
            let holds = if found.all(asks) { "holds" } else { "does not hold" };
            words.push(format!("the record by {} {holds}", one.by));
        }
        judgement.observed = if words.is_empty() { "no record".to_owned() } else { words.join(", ") };
        if item.labels.items.iter().any(|label| label == OPERATOR_LABEL) {
            let reason = format!("the label `{OPERATOR_LABEL}` is set");
            judgement.blockers.push(Blocker::new(Code::JudgeOperatorNeeded, "label", reason));
        }
        judgement
    }
}

impl Settings {
    fn threshold(&self) -> String {
        let what = match self.target {
            TargetKind::PullRequest => "the pull request",
            TargetKind::Issue => "the linked issue",
        };
        let age = self.max_age.map(|max| format!(", at most {max} old")).unwrap_or_default();
        format!("a judge record that matches {what} as it is{age}")
    }

    fn unseen(&self, mut judgement: Judgement, why: &str) -> Judgement {
        "nothing to judge".clone_into(&mut judgement.observed);
        judgement.blockers.push(self.blocker(Code::JudgeUnseen, "record", why));
        judgement
    }

    /// A blocker that the judge can end; it is asked for by the first author's name.
    fn blocker(&self, code: Code, subject: &str, reason: impl Into<String>) -> Blocker {
        let blocker = Blocker::new(code, subject, reason);
        match self.authors.first() {
            Some(login) => blocker.on_lane(sanitize(login, 80)),
            None => blocker,
        }
    }

    fn item<'a>(&self, pull: &'a PullFacts) -> Result<Item<'a>, &'static str> {
        match self.target {
            TargetKind::PullRequest => Ok(Item {
                kind: self.target,
                number: pull.number.ok_or("the pull request's number is not known")?.get(),
                title: pull.title.as_deref().ok_or("the title could not be read")?,
                body: pull.body.as_deref().ok_or("the text could not be read")?,
                labels: &pull.labels,
                comments: &pull.comments,
            }),
            TargetKind::Issue => {
                if !pull.linked_issues.complete {
                    return Err("the linked issues could not be read");
                }
                let [issue] = pull.linked_issues.items.as_slice() else {
                    return Err(
                        "the pull request links to no one issue, so nobody knows which was to be judged",
                    );
                };
                Ok(Item {
                    kind: self.target,
                    number: issue.number,
                    title: &issue.title,
                    body: &issue.body,
                    labels: &issue.labels,
                    comments: &issue.comments,
                })
            }
        }
    }

    /// Each actor's newest record: of comments the one with the greatest number, which the server gives.
    fn newest(&self, item: &Item<'_>, input: &Input<'_>) -> Vec<Newest> {
        let mut newest: Vec<Newest> = Vec::new();
        let mut keep = |one: Newest| match newest.iter_mut().find(|other| other.by == one.by) {
            Some(other) if other.order < one.order => *other = one,
            Some(_) => {}
            None => newest.push(one),
        };
        for evidence in &input.evidence {
            let Some(Content::Judge(records)) = evidence.judgeable() else { continue };
            for record in records {
                let by = format!("`{}` in evidence `{}`", record.actor, evidence.id);
                keep(Newest { by, order: (0, record.judged_at), record: Ok(record.clone()) });
            }
        }
        for comment in &item.comments.items {
            let Some(author) = comment.author.as_ref().filter(|who| who.is_somebody()) else { continue };
            if !self.authors.iter().any(|login| author.has_login(login)) {
                continue;
            }
            let Some(found) = JudgeRecord::find(&comment.body) else { continue };
            let record = found.map_err(|error| error.to_string());
            // One account is one actor whatever its records call it, else a broken record would hide behind a name.
            let by = format!("`{}`", sanitize(&author.login.to_lowercase(), 80));
            keep(Newest { by, order: (comment.id, Timestamp::from_unix(0)), record });
        }
        newest
    }

    fn check(&self, newest: &Newest, item: &Item<'_>, facts: &Facts, judgement: &mut Judgement) {
        let record = match &newest.record {
            Ok(record) => record,
            Err(why) => {
                let reason = format!("the newest record by {} is none: {why}", newest.by);
                judgement.blockers.push(self.blocker(Code::JudgeMalformed, &newest.subject(), reason));
                return;
            }
        };
        let mut block = |code, why: String| {
            let reason = format!("the record by {}: {why}", newest.by);
            judgement.blockers.push(self.blocker(code, &newest.subject(), reason));
        };
        if let Some(why) = wrong_target(record, item, facts.repo.as_ref()) {
            block(Code::JudgeWrongTarget, why);
        }
        if let Some(why) = unbound(record, item) {
            block(Code::JudgeUnbound, why);
        }
        let changed = changed(record, item, facts);
        if !changed.is_empty() {
            block(Code::JudgeStale, format!("{} changed since it was judged", changed.join(", ")));
        } else if let Some(why) = self.too_old(record, facts.now) {
            block(Code::JudgeStale, why);
        }
        if record.escalation.as_deref() == Some("operator")
            || record.labels_to_apply.iter().any(|label| label == OPERATOR_LABEL)
        {
            let reason = format!("the record by {} leaves the decision to an operator", newest.by);
            let quotes = record.escalation_reason.iter().map(|why| Quote::new("reason", why)).collect();
            judgement
                .blockers
                .push(Blocker::new(Code::JudgeOperatorNeeded, newest.subject(), reason).with_quotes(quotes));
        }
        if record.snapshot.evidence_hash.binds_nothing() {
            judgement.notes.push(format!(
                "the record by {} has the digest of an empty input as its evidence hash: it binds no evidence",
                newest.by
            ));
        }
    }

    fn too_old(&self, record: &JudgeRecord, now: Timestamp) -> Option<String> {
        match (now.seconds_since(record.judged_at), self.max_age) {
            (None, _) => Some(format!("it was judged at {}, which is in the future", record.judged_at)),
            (Some(age), Some(max)) if age > max.seconds() => {
                Some(format!("it is {} old, the policy allows {max}", Span::from_seconds(age)))
            }
            (Some(_), _) => None,
        }
    }
}

fn wrong_target(record: &JudgeRecord, item: &Item<'_>, repo: Option<&RepoSlug>) -> Option<String> {
    let target = &record.target;
    let kind_fits = match item.kind {
        TargetKind::Issue => target.kind == "issue",
        TargetKind::PullRequest => matches!(target.kind.as_str(), "pull_request" | "pull" | "pr"),
    };
    let repo_fits = repo.is_none_or(|repo| repo.as_str().eq_ignore_ascii_case(target.repo.as_str()));
    let fits = kind_fits && repo_fits && target.number == item.number;
    (!fits)
        .then(|| format!("it is about {} {} of `{}`", sanitize(&target.kind, 40), target.number, target.repo))
}

/// What the record does not bind: the digest of an empty input is anybody's (DESIGN section 4).
fn unbound(record: &JudgeRecord, item: &Item<'_>) -> Option<String> {
    let snapshot = &record.snapshot;
    let mut missing = Vec::new();
    if snapshot.title_hash.binds_nothing() {
        missing.push("its title hash is of an empty input");
    }
    if snapshot.body_hash.binds_nothing() {
        missing.push("its body hash is of an empty input");
    }
    if item.kind == TargetKind::PullRequest {
        if snapshot.head_sha.is_none() {
            missing.push("it names no head");
        }
        if snapshot.commit_count.is_none() {
            missing.push("it names no number of commits");
        }
    }
    (!missing.is_empty()).then(|| missing.join(", "))
}

/// What is no longer as it was judged, by hashes recomputed from the live item (FORMATS section 3.4, rule 65).
fn changed(record: &JudgeRecord, item: &Item<'_>, facts: &Facts) -> Vec<&'static str> {
    let snapshot = &record.snapshot;
    let mut changed = Vec::new();
    if snapshot.title_hash != Digest::of(item.title) {
        changed.push("the title");
    }
    if snapshot.body_hash != body_hash(item.body) {
        changed.push("the text");
    }
    if !labels_match(record, item) {
        changed.push("the labels");
    }
    if item.kind == TargetKind::PullRequest {
        if snapshot.head_sha.as_ref().is_some_and(|head| *head != facts.head) {
            changed.push("the head");
        }
        let count = facts.pull_of_head().and_then(|pull| pull.commit_count);
        if let (Some(now), Some(then)) = (count, snapshot.commit_count)
            && now != then
        {
            changed.push("the number of commits");
        }
    }
    changed
}

/// SHA-256 of the text with LF line ends and one at its end.
fn body_hash(body: &str) -> Digest {
    let mut text = body.replace("\r\n", "\n");
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Digest::of(text)
}

/// How a producer may join labels into the text it hashes; the genuine records seen have none, so none shows which.
const LABEL_JOINTS: [&str; 5] = ["\n", ",", ", ", " ", ""];

/// The labels are the judged ones, those the record itself asks to set aside; and the hash is of the labels it lists.
fn labels_match(record: &JudgeRecord, item: &Item<'_>) -> bool {
    let snapshot = &record.snapshot;
    let joined = |joint: &&str| {
        let text = snapshot.labels.join(joint);
        Digest::of(&text) == snapshot.labels_hash || Digest::of(format!("{text}\n")) == snapshot.labels_hash
    };
    let applied = |label: &&String| record.labels_to_apply.contains(label);
    let sorted = |labels: &[String]| {
        let mut kept: Vec<String> = labels.iter().filter(|label| !applied(label)).cloned().collect();
        kept.sort();
        kept
    };
    LABEL_JOINTS.iter().any(joined) && sorted(&snapshot.labels) == sorted(&item.labels.items)
}

#[cfg(test)]
mod tests;
