//! Which policy judges: the one at the tip of the base the pull request has now, read by API, never the head's.

use super::yard::{POLICY, POLICY_PATH, Step, Yard, gate, green};
use crate::fake_forge::{At, Config, Fault, Trigger, Version};

/// After the policy and the changed files were read, before head and base are read again.
fn late() -> At {
    At::path("GetSignedArtifactURL")
}

#[test]
fn a_head_that_rewrites_the_policy_is_judged_by_the_bases() {
    for version in Version::ALL {
        let yard = Yard::new(version);
        let loose = POLICY.replace("[[gate]]", "[[waiver]]\ncode = \"tests.failed\"\n[[gate]]");
        yard.demo().commit("feat").file(POLICY_PATH, loose).push();
        let ran = gate(&yard.forge, yard.green().job("gate"));
        ran.ended(10, &["protected:protected.path_changed"]);
        assert_eq!(ran.report()["policy"]["ref"], yard.demo().tip("main"));
    }
}

#[test]
fn a_policy_that_only_the_head_has_is_no_policy() {
    for version in Version::ALL {
        let yard = Yard::with(Config::new(version), None);
        yard.demo().commit("feat").file(POLICY_PATH, "version = 1\n").push();
        let ran = gate(&yard.forge, yard.green().job("gate"));
        ran.ended(10, &["policy:policy.none", "protected:protected.path_changed"]);
        assert_eq!(ran.report()["policy"]["origin"], "embedded");
        let proposed = ran.report()["proposed_policy"].as_str().unwrap();
        assert!(proposed.contains("[[gate]]") && proposed.contains("junit.xml"), "{proposed}");
        assert!(ran.summary.unwrap().contains("[[gate]]"));
    }
}

#[test]
fn what_could_not_be_read_is_no_absent_policy() {
    for version in Version::ALL {
        for status in [401, 403, 404, 413, 500, 502] {
            let yard = Yard::new(version);
            let run = yard.green();
            yard.forge.fault(At::path("/contents/.forgejo/patchwarden.toml").always(), Fault::Status(status));
            gate(&yard.forge, run.job("gate")).gave_up(3, &status.to_string());
        }
    }
}

/// The server says `object does not exist` of a missing commit as well (LIVE section 7).
#[test]
fn a_missing_commit_is_no_absent_policy() {
    for version in Version::ALL {
        let yard = Yard::with(Config::new(version), None);
        let run = yard.green();
        yard.forge.fault(At::path("/git/commits/").always(), Fault::Status(404));
        gate(&yard.forge, run.job("gate")).gave_up(3, "object does not exist");
    }
}

#[test]
fn a_policy_with_problems_names_all_of_them() {
    let broken = POLICY.replace("kind = \"tests\"", "kind = \"tests\"\ntreshold = 3");
    let yard = Yard::with(Config::new(Version::V16), Some(&broken));
    let ran = gate(&yard.forge, yard.green().job("gate"));
    ran.gave_up(3, "2 problems");
    assert!(ran.stderr.contains("treshold"), "{}", ran.stderr);
}

/// The base branch is gone: there is no tip to read a policy at, and the head's own must not step in.
#[test]
fn without_a_base_the_heads_policy_does_not_judge() {
    for version in Version::ALL {
        let yard = Yard::new(version);
        yard.demo().branch("side", "main");
        let pull = yard.demo().pull("feat", "side").open("Feature", "");
        let run = yard.run(Trigger::pull_request(pull.number));
        green(run);
        yard.demo().delete_branch("side");
        let ran = gate(&yard.forge, run.job("gate"));
        assert_eq!(ran.code, 3, "{}", ran.stderr);
        assert!(ran.packet.is_none());
    }
}

#[test]
fn a_head_that_moved_meanwhile_blocks() {
    for version in Version::ALL {
        let yard = Yard::new(version);
        let run = yard.green();
        let judged = yard.demo().tip("feat");
        let step = Step::new(&yard.forge, run.job("gate")).arguments(&["--commit-status", "--comment"]);
        let ran = step.run_while(&yard.forge, late(), || {
            yard.demo().commit("feat").file("more.txt", "more\n").push();
        });
        ran.ended(11, &["head:head.moved"]);
        assert_eq!(ran.report()["target"]["target_sha"], judged);
        assert!(ran.blocker("head.moved").contains(&yard.demo().tip("feat")));
        let wrote = |part: &str| {
            yard.forge.requests().iter().any(|seen| seen.method == "POST" && seen.target.contains(part))
        };
        assert!(
            !wrote("/statuses/") && !wrote("/comments"),
            "nothing is written about a head nobody will merge"
        );
    }
}

#[test]
fn a_base_that_moved_meanwhile_is_followed_while_its_policy_stays() {
    for version in Version::ALL {
        let yard = Yard::new(version);
        let run = yard.green();
        let step = Step::new(&yard.forge, run.job("gate"));
        let ran = step.run_while(&yard.forge, late(), || {
            yard.demo().commit("main").file("other.txt", "other\n").push();
        });
        ran.ended(0, &[]);
    }
}

#[test]
fn a_policy_that_moved_meanwhile_is_not_confirmed() {
    for version in Version::ALL {
        let yard = Yard::new(version);
        let run = yard.green();
        let step = Step::new(&yard.forge, run.job("gate"));
        let ran = step.run_while(&yard.forge, late(), || {
            yard.demo().commit("main").file(POLICY_PATH, format!("{POLICY}\n# stricter\n")).push();
        });
        ran.ended(12, &["head:head.policy_moved"]);
    }
}

#[test]
fn a_pull_request_that_was_retargeted_meanwhile_blocks() {
    for version in Version::ALL {
        let yard = Yard::new(version);
        yard.demo().branch("stable", "main");
        let pull = yard.pull();
        let run = yard.run(Trigger::pull_request(pull.number));
        green(run);
        let step = Step::new(&yard.forge, run.job("gate"));
        let ran = step.run_while(&yard.forge, late(), || {
            yard.demo().commit("stable").file("s.txt", "s\n").push();
            pull.retarget("stable");
        });
        ran.ended(11, &["head:head.base_changed"]);
    }
}

/// The pull request is read at the end as it is then: a base that changed before the gate began is simply the base.
#[test]
fn a_pull_request_that_was_retargeted_before_is_judged_by_its_present_base() {
    for version in Version::ALL {
        let yard = Yard::new(version);
        let pull = yard.pull();
        let run = yard.run(Trigger::pull_request(pull.number));
        green(run);
        let strict = POLICY.replace("evidence = [\"unit\"]", "evidence = [\"unit\"]\nmin_tests = 3");
        yard.demo().branch("stable", "main").commit("stable").file(POLICY_PATH, strict).push();
        pull.retarget("stable");
        let ran = gate(&yard.forge, run.job("gate"));
        assert_eq!(ran.report()["policy"]["ref"], yard.demo().tip("stable"));
        assert!(ran.blockers().contains(&"unit:tests.too_few".to_owned()), "{:?}", ran.blockers());
    }
}

#[test]
fn a_workflow_file_that_cannot_be_read_hides_the_local_actions_it_uses() {
    for version in Version::ALL {
        let yard = Yard::new(version);
        let run = yard.green();
        yard.forge.fault(At::path("/contents/.forgejo/workflows/ci.yml").always(), Fault::Status(502));
        gate(&yard.forge, run.job("gate")).ended(12, &["protected:protected.files_unknown"]);
    }
}
