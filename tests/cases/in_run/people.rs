//! What only people may decide, inside a workflow: approvals as the forge lists them, read at the moment of judgement.
//! Whatever gate asks for a person, an operator's approval of exactly the head ends it, and nobody else's.

use super::yard::{POLICY, POLICY_PATH, Step, Yard, gate, green};
use crate::fake_forge::{At, Config, Fault, PullScene, RunScene, Trigger, Version};

/// The yard's policy with an operator and whatever else.
fn yard(version: Version, more: &str) -> Yard {
    let policy = POLICY.replace("version = 1", "version = 1\n[people]\noperators = [\"ada\", \"alice\"]");
    Yard::with(Config::new(version), Some(&format!("{policy}{more}")))
}

/// A pull request by Alice, and its run with two green producers.
fn green_run(yard: &Yard) -> (PullScene<'_>, RunScene<'_>) {
    let pull = yard.pull();
    let run = rerun_all(yard, pull);
    (pull, run)
}

#[test]
fn an_operators_approval_of_the_head_ends_what_waits_for_a_person() {
    for version in Version::ALL {
        let yard = yard(version, "");
        yard.demo().commit("feat").file(POLICY_PATH, "version = 1\n").push();
        let (pull, run) = green_run(&yard);
        let ran = gate(&yard.forge, run.job("gate"));
        ran.ended(10, &["protected:protected.path_changed"]);
        let summary = ran.summary.unwrap();
        // Who: an operator, and not the one who wrote the change. What then: the uploads have no manifests, and
        // re-running one job condemns those of all.
        assert!(summary.contains(&format!("`ada` approves exactly {}", pull.head())), "{summary}");
        assert!(!summary.contains("`alice`"), "{summary}");
        assert!(summary.contains("all jobs of the run are run again"), "{summary}");

        let review = pull.review("ada", "APPROVED", "looked at it");
        let run = rerun_all(&yard, pull);
        let ran = gate(&yard.forge, run.job("gate"));
        ran.ended(0, &[]);
        let gates = ran.report()["gates"].as_array().unwrap();
        let cleared = &gates.iter().find(|gate| gate["id"] == "protected").unwrap()["cleared"][0];
        assert_eq!((cleared["by"].as_str(), cleared["review"].as_i64()), (Some("ada"), Some(review)));
        assert!(ran.stdout.contains("cleared by `ada`"), "{}", ran.stdout);
    }
}

/// A new run of the pull request's head, its producers green again.
fn rerun_all<'y>(yard: &'y Yard, pull: PullScene<'y>) -> RunScene<'y> {
    let run = yard.run(Trigger::pull_request(pull.number));
    green(run);
    run
}

#[test]
fn no_other_approval_ends_it() {
    type Act = fn(&Yard, PullScene<'_>);
    let acts: [(&str, Act); 6] = [
        ("by the author, though an operator", |_, pull| {
            pull.review("alice", "APPROVED", "");
        }),
        ("by somebody else", |_, pull| {
            pull.review("mallory", "APPROVED", "");
        }),
        ("by any workflow's shared account", |_, pull| {
            pull.review("forgejo-actions", "APPROVED", "");
        }),
        ("dismissed", |_, pull| {
            let review = pull.review("ada", "APPROVED", "");
            pull.dismiss(review, "boss");
        }),
        ("taken back", |_, pull| {
            pull.review("ada", "APPROVED", "");
            pull.review("ada", "REQUEST_CHANGES", "");
        }),
        ("of the commit before", |yard, pull| {
            pull.review("ada", "APPROVED", "");
            yard.demo().commit("feat").file("more.txt", "more\n").push();
        }),
    ];
    for version in Version::ALL {
        for (what, act) in acts {
            let yard = yard(version, "");
            yard.demo().commit("feat").file(POLICY_PATH, "version = 1\n").push();
            let pull = yard.pull();
            act(&yard, pull);
            let ran = gate(&yard.forge, rerun_all(&yard, pull).job("gate"));
            assert_eq!(ran.code, 10, "{what}: {}", ran.stdout);
            ran.ended(10, &["protected:protected.path_changed"]);
        }
    }
}

const REVIEWS: &str = r#"
[[gate]]
id = "reviews"
kind = "review_quorum"
need = 2
lanes = [
  { name = "ada", class = "human", source = "forgejo:ada" },
  { name = "codex", class = "ai", source = "forgejo:codex-bot" },
]
"#;

#[test]
fn a_quorum_is_counted_from_the_pull_requests_reviews() {
    for version in Version::ALL {
        let yard = yard(version, REVIEWS);
        let (pull, run) = green_run(&yard);
        let ran = gate(&yard.forge, run.job("gate"));
        ran.ended(11, &["reviews:review.lane_missing", "reviews:review.lane_missing"]);
        assert!(ran.stdout.contains("still wanted: `ada` (missing), `codex` (missing)"), "{}", ran.stdout);

        pull.review("ada", "APPROVED", "");
        pull.review("codex-bot", "REQUEST_CHANGES", "no");
        pull.review("codex-bot", "APPROVED", "asked again");
        let run = rerun_all(&yard, pull);
        gate(&yard.forge, run.job("gate")).ended(11, &["reviews:review.changes_requested"]);

        yard.demo().commit("feat").file("feat.txt", "better\n").push();
        pull.review("ada", "APPROVED", "");
        pull.review("codex-bot", "APPROVED", "");
        let run = rerun_all(&yard, pull);
        gate(&yard.forge, run.job("gate")).ended(0, &[]);
    }
}

fn same_diff(version: Version) -> Yard {
    let reviews = "[[gate]]\nid = \"reviews\"\nkind = \"review_quorum\"\nbinding = \"same_diff\"\n\
                   lanes = [{ name = \"ada\", class = \"human\", source = \"forgejo:ada\" }]\n";
    yard(version, reviews)
}

/// The branch begins anew at the base's tip, with these files: a rebase, force-pushed.
fn rebase(yard: &Yard, files: &[(&str, &str)]) {
    let demo = yard.demo();
    demo.branch("feat", "main");
    let commit = demo.commit("feat").message("feat, rebased");
    files.iter().fold(commit, |commit, (path, text)| commit.file(path, text)).push();
}

#[test]
fn a_review_of_the_same_change_counts_where_the_policy_says_so() {
    for version in Version::ALL {
        let yard = same_diff(version);
        let pull = yard.pull();
        pull.review("ada", "APPROVED", "");
        yard.demo().commit("main").file("other.txt", "other\n").push();
        rebase(&yard, &[("feat.txt", "feat\n")]);
        let ran = gate(&yard.forge, rerun_all(&yard, pull).job("gate"));
        ran.ended(0, &[]);
        assert!(ran.stdout.contains("lane `ada` approves, bound by same_diff"), "{}", ran.stdout);

        rebase(&yard, &[("feat.txt", "feat \n")]);
        gate(&yard.forge, rerun_all(&yard, pull).job("gate")).ended(11, &["reviews:review.lane_stale"]);
        rebase(&yard, &[("feat.txt", "feat\n"), ("more.txt", "more\n")]);
        gate(&yard.forge, rerun_all(&yard, pull).job("gate")).ended(11, &["reviews:review.lane_stale"]);
    }
}

/// Bringing the branch up to date by a merge of the base changes nothing of what was reviewed.
#[test]
fn a_merge_of_the_base_keeps_the_change() {
    for version in Version::ALL {
        let yard = same_diff(version);
        let demo = yard.demo();
        demo.commit("feat").file("feat.txt", "feat\nand more\n").message("second").push();
        let pull = yard.pull();
        pull.review("ada", "APPROVED", "");
        let tip = demo.commit("main").file("other.txt", "other\n").push();
        demo.commit("feat").file("other.txt", "other\n").also_parent(&tip).message("merge").push();
        gate(&yard.forge, rerun_all(&yard, pull).job("gate")).ended(0, &[]);
    }
}

#[test]
fn a_change_that_could_not_be_read_is_unmeasured() {
    for version in Version::ALL {
        for route in ["/git/trees/", "/compare/"] {
            let yard = same_diff(version);
            let pull = yard.pull();
            pull.review("ada", "APPROVED", "");
            rebase(&yard, &[("feat.txt", "feat\n"), ("more.txt", "more\n")]);
            yard.forge.fault(At::path(route).always(), Fault::Status(502));
            gate(&yard.forge, rerun_all(&yard, pull).job("gate")).ended(12, &["reviews:review.unseen"]);
        }
    }
}

#[test]
fn a_team_is_seen_with_the_token_of_a_member_only() {
    let team = "[[gate]]\nid = \"reviews\"\nkind = \"review_quorum\"\n\
                lanes = [{ name = \"core\", class = \"human\", source = \"forgejo:team:acme/core\" }]\n";
    for version in Version::ALL {
        let yard = yard(version, team);
        yard.forge.team("acme", "Core", &["grace", "alice"]);
        let pull = yard.pull();
        pull.review("grace", "APPROVED", "");
        let run = rerun_all(&yard, pull);
        let ran = gate(&yard.forge, run.job("gate"));
        ran.ended(12, &["reviews:review.unseen"]);
        assert!(ran.blocker("review.unseen").contains("a job's own token sees no team"));
        let token = yard.forge.personal_token("grace");
        let step = Step::new(&yard.forge, run.job("gate")).env("PATCHWARDEN_TOKEN", &token);
        step.run().ended(0, &[]);
    }
}

const PROMISES: &str = r#"
[[gate]]
id = "promises"
kind = "contract"
linked_issue = "open"
max_files = 1
[[gate.sections]]
heading = "Test plan"
[gate.labels]
forbid = ["wip"]
"#;

#[test]
fn a_contract_is_judged_by_the_pull_request_as_it_is_now() {
    for version in Version::ALL {
        let yard = yard(version, PROMISES);
        let demo = yard.demo();
        let issue = demo.issue("boss", "It hangs", "");
        let body = format!("Closes #{issue}\n\n## Test plan\nran the suite\n");
        let pull = demo.pull("feat", "main").author("alice").open("Feature", &body);
        gate(&yard.forge, rerun_all(&yard, pull).job("gate")).ended(0, &[]);
        demo.put_label(pull.number, demo.label("wip", "#ff0000"), "alice");
        yard.demo().commit("feat").file("more.txt", "more\n").push();
        let ran = gate(&yard.forge, rerun_all(&yard, pull).job("gate"));
        ran.ended(11, &["promises:contract.label_forbidden", "promises:contract.too_many_files"]);
    }
}

#[test]
fn a_judge_is_read_from_the_comments_of_the_issue_or_the_pull_request() {
    for version in Version::ALL {
        for target in ["issue", "pull_request"] {
            let keys = "kind = \"judge\"\nauthors = [\"iskra\"]";
            let judge = format!("[[gate]]\nid = \"judged\"\n{keys}\ntarget = \"{target}\"\n");
            let yard = yard(version, &judge);
            let demo = yard.demo();
            let issue = demo.issue("boss", "It hangs", "");
            let pull = demo.pull("feat", "main").author("alice").open("Feature", &format!("Closes #{issue}"));
            let item = if target == "issue" { issue } else { pull.number };
            let ran = gate(&yard.forge, rerun_all(&yard, pull).job("gate"));
            ran.ended(11, &["judged:judge.missing"]);
            // What anybody else, and what any workflow writes, is not even read.
            let marker = "<!-- openclaw.judge.v0 -->\n{}\n<!-- /openclaw.judge.v0 -->";
            demo.comment(item, "mallory", marker);
            demo.comment(item, "forgejo-actions", marker);
            gate(&yard.forge, rerun_all(&yard, pull).job("gate")).ended(11, &["judged:judge.missing"]);
            demo.comment(item, "iskra", marker);
            gate(&yard.forge, rerun_all(&yard, pull).job("gate")).ended(11, &["judged:judge.malformed"]);
        }
    }
}
