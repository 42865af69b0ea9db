//! What the answers mean: each capability with what is lost without it, and advice in order of weight.
//! Nothing is asked here.

use std::fmt::Write as _;

use serde::Serialize;

use crate::context::{Fork, is_glob};
use crate::forge::capabilities::{Answer, Capabilities, Capability};
use crate::model::{RepoSlug, cut_list, sanitize};

use super::arrangement::{self, Arrangement};

/// What was found beside the capabilities.
pub struct Seen {
    pub server: String,
    pub repo: RepoSlug,
    pub has_token: bool,
    pub surroundings: Surroundings,
    pub protection: Protection,
    pub people: People,
}

/// The step this is asked from.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    pub in_workflow: bool,
    /// Whether a personal token stands in for the job's own.
    pub personal_token: bool,
    /// The runner's version as it says.
    pub runner: Option<String>,
    /// The artifact protocols the runner announces.
    pub protocols: Vec<&'static str>,
    pub from_the_base: bool,
    /// `None` without a pull request.
    pub fork: Option<Fork>,
    /// The status context of this job, where the run is of a pull request and the job has no `name:`.
    pub context: Option<String>,
}

/// The branch's protection.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Protection {
    Unknown(String),
    Known {
        branch: String,
        is_protected: bool,
        required_approvals: u64,
        /// `null` where no check is required.
        required_contexts: Option<Vec<String>>,
    },
}

/// Who may clear `needs_human`.
#[derive(Debug, Clone)]
pub enum People {
    Unknown,
    NoPolicy,
    /// The policy has problems.
    Unsound,
    Listed {
        operators: Vec<String>,
        author: Option<String>,
    },
}

/// Everything `doctor` says.
#[derive(Serialize)]
pub struct Diagnosis {
    server: String,
    repo: RepoSlug,
    version: Option<String>,
    /// Entries a page has at most.
    page_limit: Option<u64>,
    /// `none`, `job` or `personal`.
    token: &'static str,
    runner: Option<String>,
    artifact_protocols: Vec<&'static str>,
    capabilities: Vec<CapabilityRow>,
    protection: Protection,
    arrangement: Arrangement,
    /// What weakens a promise, one sentence each.
    weak: Vec<String>,
    /// What cannot be seen from here, one sentence each.
    unseen: Vec<String>,
}

#[derive(Serialize)]
struct CapabilityRow {
    name: &'static str,
    what: &'static str,
    answer: &'static str,
    /// Why the question failed.
    reason: Option<String>,
    /// What is lost, unless the answer was yes or nothing was asked.
    without: Option<&'static str>,
}

impl Diagnosis {
    /// Puts together what was found.
    pub fn new(seen: Seen, found: Capabilities) -> Self {
        let weak = weak(&seen);
        let unseen = unseen(&seen);
        let reads_other_runs = found.has(Capability::LiveArtifacts);
        let arrangement = arrangement::find(&seen.protection, &seen.surroundings, reads_other_runs);
        let capabilities = found
            .findings
            .iter()
            .map(|one| CapabilityRow {
                name: one.capability.as_str(),
                what: one.capability.what(),
                answer: one.answer.as_str(),
                reason: match &one.answer {
                    Answer::Failed(error) => Some(error.to_string()),
                    Answer::Yes | Answer::NotFound | Answer::NotPermitted | Answer::NotAsked => None,
                },
                without: (!matches!(one.answer, Answer::Yes | Answer::NotAsked))
                    .then(|| one.capability.without()),
            })
            .collect();
        Self {
            server: seen.server,
            repo: seen.repo,
            version: found.version,
            page_limit: found.settings.and_then(|settings| settings.max_response_items),
            token: match (seen.has_token, seen.surroundings.personal_token) {
                (false, _) => "none",
                (true, true) => "personal",
                (true, false) => "job",
            },
            runner: seen.surroundings.runner,
            artifact_protocols: seen.surroundings.protocols,
            capabilities,
            protection: seen.protection,
            arrangement,
            weak,
            unseen,
        }
    }

    /// As text for people.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let unknown = || "unknown".to_owned();
        let version = self.version.clone().unwrap_or_else(unknown);
        let _ = writeln!(out, "server: {} ({version})", self.server);
        let _ = writeln!(out, "repository: {}, token: {}", self.repo, self.token);
        if let Some(runner) = &self.runner {
            let protocols = if self.artifact_protocols.is_empty() {
                "none".to_owned()
            } else {
                self.artifact_protocols.join(" and ")
            };
            let _ = writeln!(out, "runner: {runner}, artifact protocols: {protocols}");
        }
        for row in &self.capabilities {
            let _ = writeln!(out, "{:>13}  {}", row.answer, row.what);
            if let Some(reason) = &row.reason {
                let _ = writeln!(out, "{:>13}  because: {reason}", "");
            }
            if let Some(without) = row.without {
                let _ = writeln!(out, "{:>13}  without it: {without}", "");
            }
        }
        match &self.protection {
            Protection::Unknown(why) => {
                let _ = writeln!(out, "protection: unknown: {why}");
            }
            Protection::Known { branch, is_protected, required_approvals, required_contexts } => {
                let word = if *is_protected { "protected" } else { "not protected" };
                let contexts = match required_contexts.as_deref() {
                    None | Some([]) => "no required context".to_owned(),
                    Some(contexts) => format!("requires {}", cut_list(contexts, 10)),
                };
                let _ = writeln!(
                    out,
                    "protection: `{branch}` is {word}, approvals {required_approvals}, {contexts}"
                );
            }
        }
        let _ = writeln!(out, "arrangement: {}; next: {}", self.arrangement.name, self.arrangement.next_step);
        for line in &self.weak {
            let _ = writeln!(out, "weak: {line}");
        }
        for line in &self.unseen {
            let _ = writeln!(out, "unseen: {line}");
        }
        out
    }
}

fn weak(seen: &Seen) -> Vec<String> {
    let mut weak = Vec::new();
    let own = seen.surroundings.context.as_deref();
    match &seen.protection {
        Protection::Unknown(_) => {}
        Protection::Known { branch, is_protected: false, .. } => {
            weak.push(format!(
                "branch `{branch}` is not protected: anyone who may write merges without the gate"
            ));
        }
        Protection::Known { branch, required_contexts, .. } => {
            let contexts = required_contexts.as_deref().unwrap_or_default();
            if contexts.is_empty() {
                weak.push(format!("branch `{branch}` requires no status context: a red gate stops no merge"));
            }
            for context in contexts.iter().filter(|context| is_glob(context)) {
                weak.push(format!(
                    "the required context `{context}` is a glob: any job of a pull request can post a status that fits it, so spell it out"
                ));
            }
            if let Some(own) =
                own.filter(|own| !contexts.is_empty() && !contexts.iter().any(|one| one == own))
            {
                weak.push(format!(
                    "no required context is `{own}`, this job's: if it holds the gate, require that"
                ));
            }
        }
    }
    match &seen.people {
        People::Unknown => {}
        People::NoPolicy => {
            weak.push("there is no policy on the branch: the best verdict is `needs_human` (policy.none)".to_owned());
        }
        People::Unsound => weak.push(
            "the policy on the branch has problems, so every judgement ends with exit 3: run `patchwarden policy check`"
                .to_owned(),
        ),
        People::Listed { operators, author } => weak.extend(about_people(operators, author.as_deref())),
    }
    if seen.surroundings.in_workflow && !seen.surroundings.from_the_base {
        weak.push(
            "this run takes its workflow from the change: a pull request could drop the gate's step"
                .to_owned(),
        );
    }
    if seen.surroundings.is_fork() {
        weak.push(
            "this run is of a fork: its token may comment, and a commit status is `not_permitted`".to_owned(),
        );
    }
    weak
}

fn about_people(operators: &[String], author: Option<&str>) -> Option<String> {
    if operators.is_empty() {
        return Some("`[people] operators` is empty: nobody can clear `needs_human`".to_owned());
    }
    let author = author?;
    let is_author = |operator: &&String| operator.eq_ignore_ascii_case(author);
    if !operators.iter().any(|operator| is_author(&operator)) {
        return None;
    }
    let others = operators.iter().filter(|operator| !is_author(operator)).count();
    let author = sanitize(author, 60);
    Some(if others == 0 {
        format!(
            "`{author}` opened this pull request and is the only operator, so nobody can clear `needs_human`: agents need an account of their own"
        )
    } else {
        format!("`{author}` opened this pull request and is an operator: their approval does not count here")
    })
}

fn unseen(seen: &Seen) -> Vec<String> {
    let mut unseen = vec![
        "whether the gate's job has a runner of its own: a host-mode runner that also runs judged code isolates nothing"
            .to_owned(),
    ];
    if !matches!(&seen.people, People::Listed { author: Some(_), .. }) {
        unseen.push(
            "whether agents push under an account of their own: the approval of a change's author never counts"
                .to_owned(),
        );
    }
    unseen.push(
        "who may post a commit status: every job of this repository's branches can, under any context"
            .to_owned(),
    );
    unseen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(contexts: Option<&[&str]>, people: People) -> Seen {
        let contexts = contexts.map(|contexts| contexts.iter().map(|one| (*one).to_owned()).collect());
        Seen {
            server: "https://forge.example".to_owned(),
            repo: "boss/demo".parse().unwrap(),
            has_token: true,
            surroundings: Surroundings {
                in_workflow: true,
                from_the_base: true,
                context: Some("ci / gate (pull_request_target)".to_owned()),
                ..Surroundings::default()
            },
            protection: Protection::Known {
                branch: "main".to_owned(),
                is_protected: true,
                required_approvals: 0,
                required_contexts: contexts,
            },
            people,
        }
    }

    fn listed(operators: &[&str], author: &str) -> People {
        let operators = operators.iter().map(|one| (*one).to_owned()).collect();
        People::Listed { operators, author: Some(author.to_owned()) }
    }

    #[test]
    fn a_sound_arrangement_has_no_weakness() {
        let sound = seen(Some(&["ci / gate (pull_request_target)"]), listed(&["boss"], "agent"));
        assert_eq!(weak(&sound), Vec::<String>::new());
        assert!(unseen(&sound)[0].contains("runner of its own"));
    }

    #[test]
    fn what_lets_a_merge_by_is_said() {
        let said = |contexts, people| weak(&seen(contexts, people)).join("\n");
        let boss = || listed(&["boss"], "agent");
        assert!(said(None, boss()).contains("requires no status context"));
        assert!(said(Some(&["ci / *"]), boss()).contains("is a glob"));
        assert!(
            said(Some(&["ci / unit (pull_request)"]), boss()).contains("no required context is `ci / gate")
        );
        let mut bare = seen(None, boss());
        bare.protection = Protection::Known {
            branch: "main".to_owned(),
            is_protected: false,
            required_approvals: 0,
            required_contexts: None,
        };
        bare.surroundings.from_the_base = false;
        bare.surroundings.fork = Some(Fork::Yes);
        let words = weak(&bare).join("\n");
        for part in ["is not protected", "takes its workflow from the change", "`not_permitted`"] {
            assert!(words.contains(part), "{words}");
        }
    }

    #[test]
    fn an_author_cannot_be_their_own_operator() {
        let said = |people| weak(&seen(Some(&["ci / gate (pull_request_target)"]), people)).join("\n");
        assert!(said(listed(&["Boss"], "boss")).contains("agents need an account of their own"));
        assert!(said(listed(&["boss", "alice"], "boss")).contains("does not count here"));
        assert!(said(listed(&[], "boss")).contains("nobody can clear"));
        assert!(said(People::NoPolicy).contains("policy.none"));
        assert!(said(People::Unsound).contains("exit 3"));
    }
}
