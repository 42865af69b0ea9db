//! The keys of a `review_quorum` gate, and what makes a set of lanes unsound.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::context::pull_facts::JOB_LOGIN;
use crate::evidence::review_verdict::{ReviewerClass, Severity};
use crate::model::{ArtifactName, EvidenceId, sanitize};

/// The keys of a `review_quorum` gate.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Who is asked. Fixed for a head: a lane that does not answer still counts among them.
    pub lanes: Vec<Lane>,
    /// Lanes that must approve. Default: every lane.
    pub need: Option<u64>,
    /// Human lanes among them. Default 0.
    #[serde(default)]
    pub need_human: u64,
    /// Model families among them, by the lanes' `family`. Default 0.
    #[serde(default)]
    pub need_families: u64,
    /// How an answer must be tied to the head. Default `exact_head`.
    #[serde(default)]
    pub binding: BindingLevel,
    /// Which request for changes blocks: `any`, or only one with a finding of this severity or a graver one.
    /// Default `any`.
    #[serde(default)]
    pub dissent: Dissent,
    /// What a tie is where dissent is ranked and as many lanes ask for changes as approve. Default `needs_human`.
    #[serde(default)]
    pub on_tie: OnTie,
}

/// One voice.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lane {
    /// Its name; an uploaded verdict carries it.
    pub name: String,
    pub class: ReviewerClass,
    /// The model's family, such as `openai`. Default: none.
    pub family: Option<String>,
    /// `artifact:NAME`, `forgejo:LOGIN` or `forgejo:team:ORG/TEAM`.
    pub source: Source,
    /// Accounts of the same agent or person: where one of them opened the change, the lane does not count.
    /// Default: none beside the source's own login and the lane's name.
    #[serde(default)]
    pub accounts: Vec<String>,
}

/// Where a lane's answer comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("pattern" = "^(artifact:.+|forgejo:team:[^/]+/[^/]+|forgejo:[^:/]+)$"))]
pub enum Source {
    Artifact(ArtifactName),
    /// Logins are compared without regard to case, so they are kept in lower case.
    Login(String),
    /// `ORG/TEAM`.
    Team(String),
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let login = |text: &str| !text.is_empty() && !text.contains([':', '/', ' ']);
        if let Some(name) = text.strip_prefix("artifact:") {
            return name.parse().map(Self::Artifact).map_err(|error| format!("{error}"));
        }
        if let Some(team) = text.strip_prefix("forgejo:team:")
            && team.split_once('/').is_some_and(|(org, team)| login(org) && login(team))
        {
            return Ok(Self::Team(team.to_owned()));
        }
        match text.strip_prefix("forgejo:") {
            Some(name) if name.eq_ignore_ascii_case(JOB_LOGIN) => {
                Err(format!("`{JOB_LOGIN}` is nobody: any workflow can review in its name"))
            }
            Some(name) if login(name) => Ok(Self::Login(name.to_ascii_lowercase())),
            _ => Err(format!(
                "`{}` is no source: write `artifact:NAME`, `forgejo:LOGIN` or `forgejo:team:ORG/TEAM`",
                sanitize(text, 80)
            )),
        }
    }
}

impl TryFrom<String> for Source {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Source> for String {
    fn from(source: Source) -> Self {
        source.to_string()
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Artifact(name) => write!(f, "artifact:{name}"),
            Self::Login(login) => write!(f, "forgejo:{login}"),
            Self::Team(team) => write!(f, "forgejo:team:{team}"),
        }
    }
}

/// How an answer is tied to the head; the strongest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BindingLevel {
    /// The answer names the head.
    #[default]
    ExactHead,
    /// Or a commit whose change against the merge base has the same patch id, computed here.
    SameDiff,
    /// Or any commit at all.
    Any,
}

impl BindingLevel {
    /// The word used in policies.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ExactHead => "exact_head",
            Self::SameDiff => "same_diff",
            Self::Any => "any",
        }
    }
}

/// Which request for changes blocks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Dissent {
    #[default]
    Any,
    Critical,
    High,
    Medium,
    Low,
    Info,
}

impl Dissent {
    /// The least grave finding that blocks; `None` where every request for changes does.
    pub fn least(self) -> Option<Severity> {
        match self {
            Self::Any => None,
            Self::Critical => Some(Severity::Critical),
            Self::High => Some(Severity::High),
            Self::Medium => Some(Severity::Medium),
            Self::Low => Some(Severity::Low),
            Self::Info => Some(Severity::Info),
        }
    }
}

/// What a tie is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnTie {
    #[default]
    NeedsHuman,
    Blocked,
}

impl Lane {
    /// Whether its answers come from somebody the server knows: an artifact proves no person.
    pub fn proves_a_person(&self) -> bool {
        self.class == ReviewerClass::Human && !matches!(self.source, Source::Artifact(_))
    }
}

impl Settings {
    /// The lanes that must approve.
    pub fn need(&self) -> u64 {
        self.need.unwrap_or(self.lanes.len() as u64)
    }

    /// What is wrong beyond types: key and sentence.
    pub fn unsound(&self) -> Vec<(&'static str, String)> {
        let mut wrong = Vec::new();
        let (mut names, mut sources) = (BTreeSet::new(), BTreeSet::new());
        for lane in &self.lanes {
            let name = sanitize(&lane.name, 60);
            if lane.name.parse::<EvidenceId>().is_err() {
                wrong.push((
                    "lanes",
                    format!("`{name}` is no name of a lane: use letters, digits, `.`, `_`, `-`"),
                ));
            }
            if !names.insert(&lane.name) {
                wrong.push(("lanes", format!("two lanes have the name `{name}`")));
            }
            if !sources.insert(&lane.source) {
                let source = sanitize(&lane.source.to_string(), 80);
                wrong.push(("lanes", format!("two lanes have the source `{source}`: one voice counts once")));
            }
        }
        let people = self.lanes.iter().filter(|lane| lane.proves_a_person()).count() as u64;
        let families: BTreeSet<&String> = self.lanes.iter().filter_map(|lane| lane.family.as_ref()).collect();
        let lanes = self.lanes.len() as u64;
        if self.need() == 0 {
            wrong.push(("need", "`need` is 0: a quorum of nobody approves everything".to_owned()));
        }
        for (key, need, have, what) in [
            ("need", self.need(), lanes, "lanes"),
            ("need_human", self.need_human, people, "human lanes on the forge"),
            ("need_families", self.need_families, families.len() as u64, "families"),
        ] {
            if need > have {
                wrong.push((
                    key,
                    format!("`{key}` is {need}, and there are {have} {what}: it can never be met"),
                ));
            }
        }
        wrong
    }
}
