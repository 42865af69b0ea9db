//! Every recorded event and environment of both servers, and what must not be believed.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::*;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/transcripts")
}

const VERSIONS: [&str; 2] = ["v15.0.3", "v16.0"];

fn environment(version: &str, name: &str) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(fixtures().join(version).join("env").join(name)).unwrap();
    text.lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// The event's payload, and the variables made of its `github` context where the record has one.
fn event(version: &str, name: &str) -> (Value, Vec<(String, String)>) {
    let text = std::fs::read(fixtures().join(version).join("events").join(name)).unwrap();
    let record: Value = serde_json::from_slice(&text).unwrap();
    let variables = record["context"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| (format!("GITHUB_{}", key.to_uppercase()), value.as_str().unwrap().to_owned()))
        .collect();
    (record["event"].clone(), variables)
}

fn context(variables: &[(String, String)], payload: &Value) -> Result<RunContext, ContextError> {
    build(variables, payload, &Inputs::default())
}

fn build(
    variables: &[(String, String)],
    payload: &Value,
    inputs: &Inputs,
) -> Result<RunContext, ContextError> {
    let bytes = serde_json::to_vec(payload).unwrap();
    RunContext::from_workflow(&Variables::new(variables.iter().cloned()), Some(&bytes), inputs)
}

fn set(variables: &mut Vec<(String, String)>, name: &str, value: &str) {
    variables.retain(|(key, _)| key != name);
    variables.push((name.to_owned(), value.to_owned()));
}

#[test]
fn every_recorded_event_has_the_head_of_the_table() {
    for version in VERSIONS {
        let mut seen = 0;
        for entry in std::fs::read_dir(fixtures().join(version).join("events")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let (payload, mut variables) = event(version, &name);
            if variables.is_empty() {
                variables = environment(version, &name.replace(".json", ".txt"));
            }
            let context =
                context(&variables, &payload).unwrap_or_else(|err| panic!("{version}/{name}: {err}"));
            let sha = variables.iter().find(|(key, _)| key == "GITHUB_SHA").unwrap().1.as_str();
            let head_of_pull = payload["pull_request"]["head"]["sha"].as_str();
            match &context.head {
                Head::ToAsk(number) => {
                    assert!(name.starts_with("issue_comment"), "{name}");
                    assert_eq!(Some(number.get()), payload["issue"]["number"].as_u64());
                }
                Head::Known(head) => assert_eq!(head.as_str(), head_of_pull.unwrap_or(sha), "{name}"),
            }
            if let Some(pull) = &context.pull {
                assert_eq!(Some(pull.number.get()), payload["number"].as_u64(), "{name}");
                assert_eq!(pull.fork, if name.contains("fork") { Fork::Yes } else { Fork::No }, "{name}");
                let author = pull.author.as_ref().unwrap();
                assert_eq!(Some(author.login.as_str()), payload["pull_request"]["user"]["login"].as_str());
                let base = context.base.as_ref().unwrap();
                assert_eq!(base.branch.as_deref(), Some("main"));
                assert_eq!(
                    base.sha.as_ref().map(CommitSha::as_str),
                    payload["pull_request"]["base"]["sha"].as_str()
                );
                assert!(context.merge_base.is_some());
            }
            seen += 1;
        }
        assert_eq!(seen, 15, "{version}");
    }
}

#[test]
fn triggers_are_recognised() {
    for (name, trigger) in [
        ("issue_comment.created.json", Trigger::IssueComment),
        ("issues.opened.json", Trigger::Issues),
        ("pull_request.closed.json", Trigger::PullRequest),
        ("pull_request.label_updated.json", Trigger::PullRequest),
        ("pull_request.opened.json", Trigger::PullRequest),
        ("pull_request.synchronized.json", Trigger::PullRequest),
        ("pull_request_review.reviewed.json", Trigger::PullRequestReview),
        ("push.json", Trigger::Push),
        ("push.tag.json", Trigger::Push),
        ("release.tag.json", Trigger::Release),
        ("schedule.json", Trigger::Schedule),
        ("workflow_dispatch.json", Trigger::WorkflowDispatch),
    ] {
        for version in VERSIONS {
            let (payload, mut variables) = event(version, name);
            assert_eq!(context(&variables, &payload).unwrap().trigger, Some(trigger), "{name}");
            // Inside a called workflow the word is lost and the payload stays.
            if trigger != Trigger::Issues {
                set(&mut variables, "GITHUB_EVENT_NAME", "workflow_call");
                assert_eq!(context(&variables, &payload).unwrap().trigger, Some(trigger), "called {name}");
            }
        }
    }
}

#[test]
fn every_recorded_environment_names_its_run() {
    for version in VERSIONS {
        for (name, run, number, event_file) in [
            ("pull_request_target.txt", 48, 3, "pull_request_target.json"),
            ("pull_request.txt", 49, 4, "pull_request_target.json"),
            ("pull_request_target_from_fork.txt", 52, 7, "pull_request_target_from_fork.json"),
            ("pull_request_from_fork_approved.txt", 53, 8, "pull_request_from_fork_approved.json"),
        ] {
            let context = context(&environment(version, name), &event(version, event_file).0).unwrap();
            let identity = context.run.unwrap();
            assert_eq!(
                (identity.id.get(), identity.number, identity.attempt),
                (run, Some(number), 1),
                "{name}"
            );
            assert_eq!(identity.job, "build");
            assert_eq!(identity.workflow_file.as_deref(), Some(".forgejo/workflows/probe.yml"));
            assert_eq!(context.repo.unwrap().as_str(), "boss/demo");
            let runtime = context.runtime.unwrap();
            assert_eq!(runtime.results_url.unwrap().as_str(), "http://forge.example");
            assert_eq!(runtime.pipeline_url.unwrap().as_str(), "http://forge.example/api/actions_pipeline");
            assert_eq!(context.server.unwrap().api.as_str(), "http://forge.example/api/v1");
        }
        let push = json!({"after": "537891b2bd3ed3d5ab8f32c94799ec951eedec2c", "before": "0".repeat(40)});
        let context = context(&environment(version, "push.txt"), &push).unwrap();
        assert_eq!(context.run.unwrap().id.get(), 46);
        assert_eq!(context.base, Some(Base { branch: Some("main".to_owned()), sha: None }));
    }
}

#[test]
fn a_checkout_of_another_commit_than_the_payload_names_both() {
    let (payload, mut variables) = event("v16.0", "pull_request.opened.json");
    let other = "ab".repeat(20);
    set(&mut variables, "GITHUB_SHA", &other);
    let message = context(&variables, &payload).unwrap_err().to_string();
    assert!(message.contains(&other), "{message}");
    assert!(message.contains(payload["pull_request"]["head"]["sha"].as_str().unwrap()), "{message}");

    let (payload, mut variables) = event("v16.0", "push.json");
    set(&mut variables, "GITHUB_SHA", &other);
    assert!(matches!(context(&variables, &payload), Err(ContextError::Disagree { what: "heads", .. })));
}

#[test]
fn the_base_commit_of_a_target_event_is_never_the_head() {
    let (payload, _) = event("v16.0", "pull_request_target_from_fork.json");
    let variables = environment("v16.0", "pull_request_target_from_fork.txt");
    let context = context(&variables, &payload).unwrap();
    let sha = variables.iter().find(|(key, _)| key == "GITHUB_SHA").unwrap().1.clone();
    assert_ne!(context.head.known().unwrap().as_str(), sha);
    assert_eq!(context.base.unwrap().sha.unwrap().as_str(), sha);
}

#[test]
fn githubs_merge_commit_is_not_compared() {
    let (payload, mut variables) = event("v16.0", "pull_request.opened.json");
    set(&mut variables, "GITHUB_SHA", &"ab".repeat(20));
    set(&mut variables, "GITHUB_REF", "refs/pull/1/merge");
    let context = context(&variables, &payload).unwrap();
    assert_eq!(context.head.known().map(CommitSha::as_str), payload["pull_request"]["head"]["sha"].as_str());
}

#[test]
fn numbers_and_base_branches_must_agree() {
    let (mut payload, variables) = event("v16.0", "pull_request.opened.json");
    payload["number"] = json!(2);
    assert!(matches!(
        context(&variables, &payload),
        Err(ContextError::Disagree { what: "pull request numbers", .. })
    ));
    let (payload, mut variables) = event("v16.0", "pull_request.opened.json");
    set(&mut variables, "GITHUB_REF", "refs/pull/9/head");
    assert!(matches!(
        context(&variables, &payload),
        Err(ContextError::Disagree { what: "pull request numbers", .. })
    ));
    let (payload, mut variables) = event("v16.0", "pull_request.opened.json");
    set(&mut variables, "GITHUB_BASE_REF", "release");
    assert!(matches!(
        context(&variables, &payload),
        Err(ContextError::Disagree { what: "base branches", .. })
    ));
}

#[test]
fn a_head_that_is_not_there_is_an_error() {
    let (payload, mut variables) = event("v16.0", "schedule.json");
    set(&mut variables, "GITHUB_SHA", "");
    assert_eq!(context(&variables, &payload), Err(ContextError::NoHead("schedule".to_owned())));

    let (mut payload, variables) = event("v16.0", "pull_request.opened.json");
    payload["pull_request"]["head"]["sha"] = json!("");
    assert_eq!(context(&variables, &payload), Err(ContextError::NoHead("pull_request".to_owned())));
    payload["pull_request"]["head"]["sha"] = json!("1f3c9ab");
    assert!(matches!(context(&variables, &payload), Err(ContextError::Invalid { .. })));

    let (payload, mut variables) = event("v16.0", "push.json");
    set(&mut variables, "GITHUB_EVENT_NAME", "fork");
    assert_eq!(context(&variables, &payload), Err(ContextError::NoHead("fork".to_owned())));
}

#[test]
fn inputs_add_and_never_contradict() {
    let (payload, variables) = event("v16.0", "pull_request.opened.json");
    let other: CommitSha = "ab".repeat(20).parse().unwrap();
    let inputs = Inputs { head: Some(other.clone()), ..Inputs::default() };
    assert!(matches!(build(&variables, &payload, &inputs), Err(ContextError::Disagree { .. })));
    let seven = Inputs { pull: Some(7.try_into().unwrap()), ..Inputs::default() };
    assert!(matches!(
        build(&variables, &payload, &seven),
        Err(ContextError::Disagree { what: "pull requests", .. })
    ));
    let (payload, mut variables) = event("v16.0", "workflow_dispatch.json");
    assert_eq!(build(&variables, &payload, &seven).unwrap().head, Head::ToAsk(7.try_into().unwrap()));
    set(&mut variables, "GITHUB_EVENT_NAME", "fork");
    assert_eq!(build(&variables, &payload, &inputs).unwrap().head, Head::Known(other));
    let token = Inputs { token: Some("personal".parse().unwrap()), ..Inputs::default() };
    set(&mut variables, "GITHUB_EVENT_NAME", "workflow_dispatch");
    let server = build(&variables, &payload, &token).unwrap().server.unwrap();
    assert_eq!(server.token.unwrap().expose(), "personal");
}

#[test]
fn forks_are_told_by_ids_a_gone_repository_and_the_agit_flow() {
    let (payload, variables) = event("v16.0", "pull_request.opened.json");
    let fork = |change: &dyn Fn(&mut Value)| {
        let mut payload = payload.clone();
        change(&mut payload["pull_request"]);
        context(&variables, &payload).unwrap().pull.unwrap().fork
    };
    assert_eq!(fork(&|_| {}), Fork::No);
    assert_eq!(fork(&|pull| pull["flow"] = json!(1)), Fork::Yes);
    assert_eq!(fork(&|pull| pull["head"]["repo_id"] = json!(-1)), Fork::Yes);
    assert_eq!(
        fork(&|pull| {
            pull["head"]["repo_id"] = Value::Null;
            pull["head"]["repo"] = Value::Null;
        }),
        Fork::Yes
    );
    assert_eq!(
        fork(&|pull| {
            pull["base"]["repo_id"] = Value::Null;
            pull["base"]["repo"] = Value::Null;
        }),
        Fork::Unknown
    );
}

#[test]
fn annotated_tags_are_judged_by_their_commit() {
    let (mut payload, variables) = event("v16.0", "push.tag.json");
    payload["after"] = json!("cd".repeat(20));
    let context = context(&variables, &payload).unwrap();
    assert_eq!(context.head.known().map(CommitSha::as_str), payload["head_commit"]["id"].as_str());
    assert_eq!(context.base, None);
}

#[test]
fn hostile_payloads_are_errors_and_nothing_worse() {
    let (_, variables) = event("v16.0", "pull_request.opened.json");
    let variables = Variables::new(variables);
    for bytes in [
        &b""[..],
        b"{}",
        b"null",
        b"[]",
        b"{\"number\":-1}",
        b"{\"pull_request\":{}}",
        b"\xff",
        b"{\"number\":0}",
    ] {
        assert!(RunContext::from_workflow(&variables, Some(bytes), &Inputs::default()).is_err(), "{bytes:?}");
    }
    let deep = "[".repeat(100_000);
    assert!(RunContext::from_workflow(&variables, Some(deep.as_bytes()), &Inputs::default()).is_err());
    assert!(matches!(
        RunContext::from_workflow(&variables, None, &Inputs::default()),
        Err(ContextError::NoPayload(_))
    ));
}

#[test]
fn offline_there_is_a_head_and_little_else() {
    let head: CommitSha = "ab".repeat(20).parse().unwrap();
    let context = RunContext::offline(head.clone(), None, None);
    assert_eq!(context.head.known(), Some(&head));
    assert!(context.server.is_none() && context.run.is_none() && context.pull.is_none());
}
