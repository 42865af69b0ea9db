//! What starts a run, and everything that follows from it: head, ref, the two event words, actor, payload.
//! Source: the table of recorded triggers and `events/*.json`; payloads are Forgejo's webhooks, not GitHub's.

use serde_json::{Value, json};

use super::Version;
use super::auth::{Access, Principal};
use super::git;
use super::state::{ACTIONS_USER, State, rfc3339};

const ZEROS: &str = "0000000000000000000000000000000000000000";

#[derive(Clone, Debug)]
pub enum Trigger {
    Push {
        branch: String,
    },
    PushTag {
        tag: String,
    },
    /// Actions are Forgejo's words: `opened`, `synchronized`, `closed`, `label_updated`.
    PullRequest {
        number: i64,
        action: &'static str,
    },
    PullRequestTarget {
        number: i64,
        action: &'static str,
    },
    Review {
        number: i64,
    },
    /// The newest comment of the issue or pull request.
    IssueComment {
        number: i64,
    },
    Issues {
        number: i64,
    },
    Dispatch {
        reference: String,
        inputs: Vec<(String, String)>,
    },
    Schedule,
    Release {
        tag: String,
        name: String,
    },
}

impl Trigger {
    pub fn push(branch: &str) -> Self {
        Self::Push { branch: branch.to_owned() }
    }

    pub fn pull_request(number: i64) -> Self {
        Self::PullRequest { number, action: "opened" }
    }

    pub fn pull_request_target(number: i64) -> Self {
        Self::PullRequestTarget { number, action: "opened" }
    }
}

/// A trigger resolved at the moment it fired. A run keeps it: a payload is never rewritten.
#[derive(Clone)]
pub struct Occasion {
    /// REST `trigger_event`, `GITHUB_EVENT_NAME`.
    pub trigger_event: &'static str,
    /// REST `event`, which knows fewer words.
    pub event: &'static str,
    /// REST `commit_sha`, where statuses go: the head even for `pull_request_target`.
    pub run_sha: String,
    /// `GITHUB_SHA`: the tip of the base for `pull_request_target`.
    pub env_sha: String,
    pub env_ref: String,
    pub pretty_ref: String,
    pub head_ref: String,
    pub base_ref: String,
    pub actor: String,
    pub fork: bool,
    /// A fork's `pull_request` run waits for a person.
    pub held: bool,
    pub payload: Value,
}

impl State {
    pub fn occasion(&self, repo: i64, workflow: &str, trigger: &Trigger) -> Occasion {
        match trigger {
            Trigger::Push { branch } => self.pushed(repo, &format!("refs/heads/{branch}")),
            Trigger::PushTag { tag } => self.pushed(repo, &format!("refs/tags/{tag}")),
            Trigger::PullRequest { number, action } => {
                let mut occasion = self.on_pull(repo, *number, action);
                occasion.held = occasion.fork;
                occasion
            }
            Trigger::PullRequestTarget { number, action } => {
                let occasion = self.on_pull(repo, *number, action);
                let base = occasion.base_ref.clone();
                let env_sha = self.repo(repo).branches[&base].tip.clone();
                let env_ref = format!("refs/heads/{base}");
                Occasion { trigger_event: "pull_request_target", env_sha, env_ref, ..occasion }
            }
            Trigger::Review { number } => self.on_review(repo, *number),
            Trigger::IssueComment { number } => {
                let payload = self.comment_payload(repo, *number);
                let actor = payload["sender"]["login"].as_str().unwrap_or_default().to_owned();
                Occasion { actor, payload, ..self.at_default(repo, "issue_comment", "issue_comment") }
            }
            Trigger::Issues { number } => {
                let payload = json!({
                    "action": "opened", "commit_id": "", "number": number,
                    "issue": self.issue_json(repo, *number), "repository": self.payload_repo(repo, &self.repo(repo).owner),
                    "sender": self.owner_json(repo),
                });
                Occasion { payload, ..self.at_default(repo, "issues", "issues") }
            }
            Trigger::Dispatch { reference, inputs } => self.on_dispatch(repo, workflow, reference, inputs),
            Trigger::Schedule => {
                let occasion = self.at_default(repo, "schedule", "push");
                // Before v16 a scheduled run's ref is the bare branch name.
                let env_ref = match self.version {
                    Version::V15 => occasion.pretty_ref.clone(),
                    Version::V16 => occasion.env_ref.clone(),
                };
                let (actor, payload) = (ACTIONS_USER.to_owned(), json!({"action": "schedule"}));
                Occasion { env_ref, actor, payload, ..occasion }
            }
            Trigger::Release { tag, name } => {
                let payload = json!({
                    "action": "published", "release": self.release_json(repo, tag, name),
                    "repository": self.payload_repo(repo, &self.repo(repo).owner), "sender": self.owner_json(repo),
                });
                let pushed = self.pushed(repo, &format!("refs/tags/{tag}"));
                Occasion { trigger_event: "release", event: "release", payload, ..pushed }
            }
        }
    }

    fn plain(&self, repo: i64, word: &'static str, sha: &str, reference: &str) -> Occasion {
        let short = reference.trim_start_matches("refs/heads/").trim_start_matches("refs/tags/");
        Occasion {
            trigger_event: word,
            event: word,
            run_sha: sha.to_owned(),
            env_sha: sha.to_owned(),
            env_ref: reference.to_owned(),
            pretty_ref: short.to_owned(),
            head_ref: String::new(),
            base_ref: String::new(),
            actor: self.repo(repo).owner.clone(),
            fork: false,
            held: false,
            payload: Value::Null,
        }
    }

    fn at_default(&self, repo: i64, word: &'static str, event: &'static str) -> Occasion {
        let branch = &self.repo(repo).default_branch;
        let sha = self.repo(repo).branches[branch].tip.clone();
        Occasion { event, ..self.plain(repo, word, &sha, &format!("refs/heads/{branch}")) }
    }

    fn pushed(&self, repo: i64, reference: &str) -> Occasion {
        let after = self.repo(repo).resolve(reference).unwrap_or_else(|| panic!("no ref `{reference}`"));
        let branch =
            reference.strip_prefix("refs/heads/").and_then(|name| self.repo(repo).branches.get(name));
        let old = branch.and_then(|branch| branch.before.clone());
        let before = old.clone().unwrap_or_else(|| ZEROS.to_owned());
        let commit = self.payload_commit(repo, &after);
        let fresh = old.map(|old| git::range(&self.commits, &old, &after)).unwrap_or_default();
        let commits: Vec<Value> = fresh.iter().map(|commit| self.payload_commit(repo, &commit.sha)).collect();
        let html = self.repo_html(repo);
        let sender = self.owner_json(repo);
        let payload = json!({
            "ref": reference, "before": before, "after": after,
            "compare_url": format!("{html}/compare/{before}...{after}"),
            "commits": commits, "total_commits": 0, "head_commit": commit,
            "repository": self.payload_repo(repo, &self.repo(repo).owner), "pusher": sender, "sender": sender,
        });
        Occasion { payload, ..self.plain(repo, "push", &after, reference) }
    }

    fn on_pull(&self, repo: i64, number: i64, action: &str) -> Occasion {
        let issue =
            self.repo(repo).issue(number).unwrap_or_else(|| panic!("no pull request {number}")).clone();
        let pull = issue.pull.unwrap_or_else(|| panic!("{number} is no pull request"));
        let sender = self.user_json(&issue.author);
        let mut payload = json!({
            "action": action, "number": number, "commit_id": "", "review": null, "requested_reviewer": null,
            "pull_request": self.pull_json(repo, number, Access { read: true, write: false, admin: false }),
            "repository": self.payload_repo(repo, &issue.author), "sender": sender,
        });
        if let Some(label) = issue.labels.last().filter(|_| action == "label_updated") {
            payload["label"] = self.label_json(repo, *label);
            payload["label"]["color"] = json!("");
        }
        if matches!(action, "label_updated" | "synchronized") {
            payload["repository"] = self.repo_json(repo, Access::NONE);
        }
        if action == "synchronized" {
            // Whether it can be merged is looked at only afterwards.
            payload["pull_request"]["mergeable"] = json!(false);
        }
        let reference = format!("refs/pull/{number}/head");
        Occasion {
            pretty_ref: format!("#{number}"),
            head_ref: pull.head_branch,
            base_ref: pull.base_branch,
            actor: issue.author,
            fork: pull.head_repo != repo,
            payload,
            ..self.plain(repo, "pull_request", &pull.head_sha, &reference)
        }
    }

    /// Reviews name the bare commit as their ref, and neither head nor base branch.
    fn on_review(&self, repo: i64, number: i64) -> Occasion {
        let mut occasion = self.on_pull(repo, number, "reviewed");
        let issue = self.repo(repo).issue(number).and_then(|issue| issue.pull.as_ref());
        let review = issue.and_then(|pull| pull.reviews.last()).expect("a review that triggers").clone();
        let (word, event) = match review.state.as_str() {
            "APPROVED" => ("pull_request_review_approved", "pull_request_approved"),
            "REQUEST_CHANGES" => ("pull_request_review_rejected", "pull_request_rejected"),
            _ => ("pull_request_review_comment", "pull_request_comment"),
        };
        occasion.payload["review"] = json!({"type": word, "content": review.body});
        occasion.payload["sender"] = self.user_json(&review.user);

        let env_ref = occasion.run_sha.clone();
        let (head_ref, base_ref, actor) = (String::new(), String::new(), review.user);
        Occasion {
            trigger_event: "pull_request_review",
            event,
            env_ref,
            head_ref,
            base_ref,
            actor,
            ..occasion
        }
    }

    fn comment_payload(&self, repo: i64, number: i64) -> Value {
        let issue = self.repo(repo).issue(number).unwrap_or_else(|| panic!("no issue {number}"));
        let comment = issue.timeline.iter().rev().find(|entry| entry.kind == "comment");
        let comment = comment.expect("a comment that triggers").clone();
        let is_pull = issue.pull.is_some();
        json!({
            "action": "created", "is_pull": is_pull, "issue": self.issue_json(repo, number),
            "comment": self.comment_json(repo, number, &comment),
            "repository": self.payload_repo(repo, &comment.user),
            "sender": self.user_json(&comment.user),
        })
    }

    fn on_dispatch(
        &self,
        repo: i64,
        workflow: &str,
        reference: &str,
        inputs: &[(String, String)],
    ) -> Occasion {
        let full =
            if reference.starts_with("refs/") { reference.into() } else { format!("refs/heads/{reference}") };
        let sha = self.repo(repo).resolve(&full).unwrap_or_else(|| panic!("no ref `{full}`"));
        let inputs: serde_json::Map<String, Value> =
            inputs.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
        let payload = json!({
            "inputs": inputs, "ref": full, "repository": self.repo_json(repo, Access::NONE),
            "sender": self.owner_json(repo), "workflow": format!(".forgejo/workflows/{workflow}"),
        });
        Occasion { event: "", payload, ..self.plain(repo, "workflow_dispatch", &sha, &full) }
    }

    /// The repository with the permissions of whoever did it, as most payloads have it; some show none at all.
    fn payload_repo(&self, repo: i64, doer: &str) -> Value {
        self.repo_json(repo, self.access(&Principal::Person(doer.to_owned()), repo))
    }

    fn owner_json(&self, repo: i64) -> Value {
        self.user_json(&self.repo(repo).owner)
    }

    /// The commit shape of payloads, which is not that of REST.
    fn payload_commit(&self, repo: i64, sha: &str) -> Value {
        let commit = &self.commits[sha];
        let none = git::Tree::new();
        let before = commit.parents.first().and_then(|sha| self.commits.get(sha)).map_or(&none, |c| &c.tree);
        let changes = git::changes(before, &commit.tree);
        let of = |words: &[&str]| -> Vec<&String> {
            changes
                .iter()
                .filter(|change| words.contains(&change.status))
                .map(|change| &change.path)
                .collect()
        };
        let email = self.users.iter().find(|user| user.login == commit.author).map(|user| user.email.clone());
        let author = json!({"name": commit.author, "email": email, "username": commit.author});
        json!({
            "id": commit.sha, "message": commit.message, "timestamp": rfc3339(Some(commit.when)),
            "url": format!("{}/commit/{}", self.repo_html(repo), commit.sha),
            "author": author, "committer": author, "verification": null,
            "added": of(&["added", "renamed"]), "removed": of(&["deleted"]), "modified": of(&["changed"]),
        })
    }

    fn release_json(&self, repo: i64, tag: &str, name: &str) -> Value {
        let (api, html) = (self.repo_api(repo), self.repo_html(repo));
        let at = rfc3339(Some(self.now));
        json!({
            "id": 3, "tag_name": tag, "target_commitish": "", "name": name, "body": "",
            "url": format!("{api}/releases/3"), "html_url": format!("{html}/releases/tag/{tag}"),
            "tarball_url": format!("{html}/archive/{tag}.tar.gz"), "zipball_url": format!("{html}/archive/{tag}.zip"),
            "hide_archive_links": false, "upload_url": format!("{api}/releases/3/assets"),
            "draft": false, "prerelease": false, "created_at": at, "published_at": at,
            "author": self.owner_json(repo), "assets": [],
            "archive_download_count": {"zip": 0, "tar_gz": 0},
        })
    }
}
