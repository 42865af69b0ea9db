//! What each lane says about the head: its answers, tied to the head or not, folded into one state.
//! Reviews are weighed by who could have written them (LIVE section 8).

use std::collections::{BTreeMap, BTreeSet};

use crate::context::Account;
use crate::context::patch_id;
use crate::context::pull_facts::{Listed, PullFacts, Review, ReviewState};
use crate::evidence::review_verdict::{ReviewVerdict, ReviewerClass, Severity, Vote};
use crate::evidence::{Content, Evidence};
use crate::model::{Code, CommitSha, Quote, sanitize};

use super::report::LaneState;
use super::settings::{BindingLevel, Lane, Settings, Source};

/// What one lane says.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    pub state: LaneState,
    /// How the answer that counts is tied to the head.
    pub bound: Option<BindingLevel>,
    /// For a request for changes: whether it blocks by the policy's ranking.
    pub grave: bool,
    /// Whether something that may hold an answer could not be read.
    pub unseen: bool,
    /// Whether it approves or abstains about a commit of which nobody knows if it is the same change.
    pub untold: bool,
    /// Why it is in this state, in our words.
    pub detail: String,
    pub quotes: Vec<Quote>,
}

impl Reading {
    pub(super) fn of(state: LaneState, detail: impl Into<String>) -> Self {
        Self {
            state,
            bound: None,
            grave: false,
            unseen: false,
            untold: false,
            detail: detail.into(),
            quotes: Vec::new(),
        }
    }

    fn unseen(detail: impl Into<String>) -> Self {
        Self { unseen: true, ..Self::of(LaneState::Missing, detail) }
    }
}

/// One answer of a lane.
struct Answer {
    vote: Vote,
    /// `None` where it is not tied to the head as the policy asks.
    bound: Option<BindingLevel>,
    /// Whether nobody knows if it is: a change that was to be compared could not be read.
    unknown: bool,
    /// Later answers have greater numbers.
    order: u64,
    grave: bool,
    quotes: Vec<Quote>,
}

/// Reads every lane. `artifacts` holds the evidence of each lane whose source is an artifact, in the lanes' order.
pub(super) struct Reader<'a> {
    pub settings: &'a Settings,
    pub head: &'a CommitSha,
    /// The facts, where they are of this head.
    pub pull: Option<&'a PullFacts>,
}

impl Reader<'_> {
    pub(super) fn read(&self, artifacts: &[Option<&Evidence>]) -> Vec<Reading> {
        let mut artifacts = artifacts.iter();
        let claimed: BTreeSet<&String> = self
            .settings
            .lanes
            .iter()
            .filter_map(|lane| match &lane.source {
                Source::Login(login) => Some(login),
                _ => None,
            })
            .collect();
        let mut taken: Vec<&Account> = Vec::new();
        self.settings
            .lanes
            .iter()
            .map(|lane| match &lane.source {
                Source::Artifact(_) => {
                    let evidence = artifacts.next().copied().flatten();
                    self.of_the_author(lane).unwrap_or_else(|| self.artifact(lane, evidence))
                }
                Source::Login(login) => {
                    self.of_the_author(lane).unwrap_or_else(|| self.forge(lane, |who| who.has_login(login)))
                }
                Source::Team(team) => {
                    let Some(pull) = self.pull else { return Reading::unseen("the forge was not asked") };
                    let members = pull.teams.get(team).filter(|members| members.complete);
                    let Some(Listed { items, .. }) = members else {
                        let shown = sanitize(team, 80);
                        return Reading::unseen(format!(
                            "the members of team `{shown}` could not be read; a job's own token sees no team, so name \
                             people as lanes, or give the gate the token of a member"
                        ));
                    };
                    // A person speaks in one lane only: in the one of their login, else in the first team they are in.
                    let own: Vec<&Account> = items
                        .iter()
                        .filter(|who| !claimed.contains(&who.login.to_ascii_lowercase()))
                        .filter(|who| !taken.iter().any(|other| other.is(who)))
                        .collect();
                    taken.extend(&own);
                    self.team(lane, &own)
                }
            })
            .collect()
    }

    /// The lane does not count where it is the author's own (DESIGN section 4, *Self-assessment never counts*).
    fn of_the_author(&self, lane: &Lane) -> Option<Reading> {
        let author = self.pull?.author.as_ref()?;
        let by_source = matches!(&lane.source, Source::Login(login) if author.has_login(login));
        let own = by_source
            || author.has_login(&lane.name)
            || lane.accounts.iter().any(|account| author.has_login(account));
        own.then(|| Reading::of(LaneState::Own, "the lane is the author's own"))
    }

    fn artifact(&self, lane: &Lane, evidence: Option<&Evidence>) -> Reading {
        let Some(evidence) = evidence else {
            return Reading::of(
                LaneState::Missing,
                "it was not looked for; offline, give the artifacts with `--evidence DIR`",
            );
        };
        let fault = |wanted: &[Code]| evidence.faults.iter().find(|fault| wanted.contains(&fault.code));
        let unseen = [Code::EvidenceUnavailable, Code::EvidenceUnfinished, Code::EvidenceTooLarge];
        if let Some(fault) = fault(&unseen) {
            return Reading::unseen(fault.detail.clone());
        }
        if let Some(fault) = fault(&[Code::EvidenceMissing, Code::EvidenceExpired]) {
            return Reading::of(LaneState::Missing, fault.detail.clone());
        }
        if let Some(fault) = fault(&[Code::EvidenceSuperseded, Code::EvidenceStale]) {
            return Reading::of(LaneState::Stale, fault.detail.clone());
        }
        let other = evidence.faults.iter().find(|fault| fault.code != Code::EvidenceWrongHead);
        let (Some(Content::Reviews(verdicts)), None) = (evidence.content.as_deref(), other) else {
            let detail = other.map_or("it is no review verdict", |fault| fault.detail.as_str());
            return Reading::of(LaneState::Unparsable, detail);
        };
        // Each verdict of another commit is one such fault; one more is the manifest's.
        let wrong_head = evidence.faults.len();
        let elsewhere = verdicts.iter().filter(|verdict| verdict.target_sha != *self.head).count();
        if wrong_head > elsewhere {
            return Reading::of(LaneState::Stale, "its manifest is for another commit");
        }
        if let Some(why) = verdicts.iter().find_map(|verdict| self.not_of_lane(lane, verdict)) {
            return why;
        }
        let answers =
            verdicts.iter().enumerate().map(|(order, verdict)| self.answer(order, verdict)).collect();
        fold(lane.class, answers)
    }

    /// A verdict that is another lane's, or by the author of the change.
    fn not_of_lane(&self, lane: &Lane, verdict: &ReviewVerdict) -> Option<Reading> {
        let author = self.pull.and_then(|pull| pull.author.as_ref());
        if author.is_some_and(|author| author.has_login(&verdict.reviewer.name)) {
            return Some(Reading::of(LaneState::Own, "the reviewer it names is the author"));
        }
        let unparsable = |detail: String| Some(Reading::of(LaneState::Unparsable, detail));
        if verdict.lane != lane.name {
            return unparsable(format!("it is the verdict of lane `{}`", sanitize(&verdict.lane, 60)));
        }
        if verdict.reviewer.class != lane.class {
            return unparsable(format!(
                "it says its reviewer is of class `{}`",
                verdict.reviewer.class.as_str()
            ));
        }
        if let (Some(says), Some(is)) = (&verdict.reviewer.family, &lane.family)
            && !says.eq_ignore_ascii_case(is)
        {
            return unparsable(format!("it says its reviewer is of family `{}`", sanitize(says, 60)));
        }
        None
    }

    fn answer(&self, order: usize, verdict: &ReviewVerdict) -> Answer {
        let worst =
            verdict.findings.iter().map(crate::evidence::review_verdict::ReviewFinding::severity).min();
        let quotes = verdict
            .findings
            .iter()
            .take(10)
            .map(|finding| {
                let place = match (&finding.path, finding.line) {
                    (Some(path), Some(line)) => format!("{path}:{line}: "),
                    (Some(path), None) => format!("{path}: "),
                    _ => String::new(),
                };
                Quote::new(finding.severity().as_str(), &format!("{place}{}", finding.title))
            })
            .collect();
        Answer {
            vote: verdict.verdict,
            bound: self.bound(Some(&verdict.target_sha)),
            unknown: self.tie_is_unknown(Some(&verdict.target_sha)),
            order: order as u64,
            grave: self.is_grave(worst),
            quotes,
        }
    }

    /// A request for changes without a finding blocks under any ranking: nothing says that it is small.
    fn is_grave(&self, worst: Option<Severity>) -> bool {
        match (self.settings.dissent.least(), worst) {
            (None, _) | (_, None) => true,
            (Some(least), Some(worst)) => worst <= least,
        }
    }

    fn forge(&self, lane: &Lane, is_theirs: impl Fn(&Account) -> bool) -> Reading {
        let Some(pull) = self.pull.filter(|pull| pull.reviews.complete) else {
            return Reading::unseen("the reviews could not be read");
        };
        let answers = pull
            .reviews
            .items
            .iter()
            .filter(|review| review.author.as_ref().is_some_and(|who| who.is_somebody() && is_theirs(who)))
            .filter_map(|review| self.review(lane.class, review))
            .collect();
        fold(lane.class, answers)
    }

    /// A review as an answer. Dismissing takes an approval away from anyone; a model's request for changes stays,
    /// because dismissing it and asking again must not turn it into an approval.
    fn review(&self, class: ReviewerClass, review: &Review) -> Option<Answer> {
        let vote = match review.state {
            ReviewState::Approved => Vote::Approve,
            ReviewState::ChangesRequested => Vote::ChangesRequested,
            ReviewState::Comment => Vote::Abstain,
            ReviewState::Pending | ReviewState::Requested | ReviewState::Unknown => return None,
        };
        if review.dismissed && (class == ReviewerClass::Human || vote != Vote::ChangesRequested) {
            return None;
        }
        let bound = self.bound(review.commit_id.as_ref());
        let unknown = self.tie_is_unknown(review.commit_id.as_ref());
        Some(Answer { vote, bound, unknown, order: review.id, grave: true, quotes: Vec::new() })
    }

    /// A team is one voice: any member's request for changes is its own, else any member's approval.
    fn team(&self, lane: &Lane, members: &[&Account]) -> Reading {
        let author = self.pull.and_then(|pull| pull.author.as_ref());
        let voices: Vec<Reading> = members
            .iter()
            .filter(|member| !author.is_some_and(|author| author.is(member)))
            .map(|member| self.forge(lane, |who| who.is(member)))
            .collect();
        if voices.is_empty() && !members.is_empty() {
            return Reading::of(LaneState::Own, "its only member who may speak in it is the author");
        }
        let rank = |reading: &Reading| match reading.state {
            _ if reading.unseen => 0,
            LaneState::ChangesRequested => 1,
            LaneState::Approved => 2,
            LaneState::Abstained => 3,
            LaneState::Stale => 4,
            LaneState::Missing | LaneState::Own | LaneState::Unparsable => 5,
        };
        voices
            .into_iter()
            .min_by_key(rank)
            .unwrap_or_else(|| Reading::of(LaneState::Missing, "nobody may speak in it"))
    }

    /// Whether the changes that `same_diff` compares were not both handed in.
    fn tie_is_unknown(&self, commit: Option<&CommitSha>) -> bool {
        let Some(commit) = commit.filter(|commit| *commit != self.head) else { return false };
        let known = |sha| self.pull.is_some_and(|pull| pull.diffs.contains_key(sha));
        self.settings.binding == BindingLevel::SameDiff && !(known(commit) && known(self.head))
    }

    /// How a commit is tied to the head, as far as the policy takes it.
    fn bound(&self, commit: Option<&CommitSha>) -> Option<BindingLevel> {
        let level = self.settings.binding;
        if commit == Some(self.head) {
            return Some(BindingLevel::ExactHead);
        }
        if level >= BindingLevel::SameDiff
            && let (Some(commit), Some(pull)) = (commit, self.pull)
            && same_diff(&pull.diffs, commit, self.head)
        {
            return Some(BindingLevel::SameDiff);
        }
        (level == BindingLevel::Any).then_some(BindingLevel::Any)
    }
}

/// Answers of which nobody knows whether they are about this change: a request for changes among them may be a dissent.
fn untold(answers: &[Answer]) -> Option<Reading> {
    let exact = |answer: &Answer| answer.bound == Some(BindingLevel::ExactHead);
    if answers.iter().any(exact) || !answers.iter().any(|answer| answer.unknown) {
        return None;
    }
    let dissents = |answer: &Answer| answer.unknown && answer.vote == Vote::ChangesRequested;
    let what = "it answered about another commit, whose change could not be compared with the head's";
    if answers.iter().any(dissents) {
        return Some(Reading::unseen(what));
    }
    let tied = answers.iter().any(|answer| answer.bound.is_some());
    (!tied).then(|| Reading { untold: true, ..Reading::of(LaneState::Stale, what) })
}

fn same_diff(diffs: &BTreeMap<CommitSha, String>, one: &CommitSha, other: &CommitSha) -> bool {
    let id = |sha| diffs.get(sha).and_then(|diff| patch_id(diff));
    matches!((id(one), id(other)), (Some(one), Some(other)) if one == other)
}

/// Several answers become one: those most closely tied to the head count; of a model the worst of them, of a person
/// the latest. A comment is an answer only where there is no other.
fn fold(class: ReviewerClass, answers: Vec<Answer>) -> Reading {
    if answers.is_empty() {
        return Reading::of(LaneState::Missing, "there is no answer");
    }
    if let Some(reading) = untold(&answers) {
        return reading;
    }
    let Some(closest) = answers.iter().filter_map(|answer| answer.bound).min() else {
        return Reading::of(LaneState::Stale, "it answered about another commit");
    };
    let mut bound: Vec<Answer> = answers.into_iter().filter(|answer| answer.bound == Some(closest)).collect();
    if class == ReviewerClass::Human && bound.iter().any(|answer| answer.vote != Vote::Abstain) {
        bound.retain(|answer| answer.vote != Vote::Abstain);
    }
    let counts = match class {
        // Of several requests for changes the gravest speaks, so that a small one after it hides nothing.
        ReviewerClass::Ai => {
            bound.into_iter().min_by_key(|answer| (answer.vote, !answer.grave, answer.order))
        }
        ReviewerClass::Human => bound.into_iter().max_by_key(|answer| answer.order),
    };
    let Some(answer) = counts else { return Reading::of(LaneState::Missing, "there is no answer") };
    let state = match answer.vote {
        Vote::Approve => LaneState::Approved,
        Vote::ChangesRequested => LaneState::ChangesRequested,
        Vote::Abstain => LaneState::Abstained,
    };
    Reading {
        bound: Some(closest),
        grave: answer.grave,
        quotes: answer.quotes,
        ..Reading::of(state, format!("bound by {}", closest.as_str()))
    }
}
