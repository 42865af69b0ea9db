//! The commit a record is for: from git, from the caller, from the event; and whether the files are that commit.
//! Values are those that Forgejo sends (LIVE section 3).

use super::*;

#[test]
fn changed_tracked_files_make_it_dirty_and_the_command_itself_does_not() {
    let place = Place::in_git();
    fs::write(place.at("untracked"), "").unwrap();
    place.record(&place.request("echo two >tracked")).unwrap();
    assert_eq!(place.manifest().dirty, Some(false));
    let second = RecordRequest { reports: vec![report("lint", "b.xml")], ..place.request("true") };
    place.record(&second).unwrap();
    assert_eq!(place.manifest().dirty, Some(true), "before the second command they were changed");
    place.warned_first("tracked files differ");
}

#[test]
fn a_changed_submodule_is_dirty_and_its_untracked_files_are_not() {
    let inner = Place::in_git();
    let mut place = Place::in_git();
    place.env.insert("GIT_ALLOW_PROTOCOL".to_owned(), "file".to_owned());
    place.git(&["submodule", "-q", "add", inner.folder.path().to_str().unwrap(), "sub"]);
    place.git(&["commit", "-qm", "sub"]);
    let dirty = || git::look(place.folder.path(), &place.env, &mut Vec::new()).unwrap().dirty;
    fs::write(place.at("sub/untracked"), "").unwrap();
    assert_eq!(dirty(), Some(false));
    fs::write(place.at("sub/tracked"), "two\n").unwrap();
    assert_eq!(dirty(), Some(true));
}

#[test]
fn outside_git_the_head_is_given_or_there_is_none() {
    let place = Place::outside_git();
    let error = place.record(&place.request("touch ran")).unwrap_err();
    assert!(matches!(error, RecordError::Head(HeadError::None)), "{error:?}");
    assert!(!place.at("ran").exists());
    place.entry("true");
    let manifest = place.manifest();
    assert_eq!((manifest.target_sha.as_str(), manifest.tree_sha, manifest.dirty), (HEAD, None, None));
}

#[test]
fn a_repository_without_a_commit_says_so() {
    let place = Place::outside_git();
    place.git(&["init", "-q"]);
    assert!(matches!(place.record(&place.request("true")), Err(RecordError::Head(HeadError::None))));
    place.warned_first("git could not name the head");
    place.entry("true");
    place.warned_first("git could not name the head");
}

#[test]
fn a_head_that_git_denies_is_refused_with_both_named() {
    let place = Place::in_git();
    let request = RecordRequest { head: Some(HEAD.parse().unwrap()), ..place.request("true") };
    let error = place.record(&request).unwrap_err();
    assert!(matches!(error, RecordError::Head(HeadError::Disagree { .. })), "{error:?}");
    let words = error.to_string();
    assert!(words.contains(HEAD) && words.contains(&place.git(&["rev-parse", "HEAD"])), "{words}");
}

/// A place outside git with the environment and payload of an event as Forgejo sends them (LIVE section 3).
fn event(name: &str, commit: &str) -> Place {
    let mut place = Place::outside_git();
    let payload = format!(
        r#"{{"action":"opened","number":2,"pull_request":{{"number":2,"head":{{"sha":"{}"}},"base":{{"sha":"{}"}}}},
        "repository":{{"full_name":"boss/demo"}}}}"#,
        "ab".repeat(20),
        "cd".repeat(20)
    );
    fs::write(place.at("event.json"), payload).unwrap();
    let path = place.at("event.json");
    for (name, value) in [
        ("GITHUB_EVENT_NAME", name),
        ("GITHUB_EVENT_PATH", path.to_str().unwrap()),
        ("GITHUB_SHA", commit),
        ("GITHUB_JOB", "unit"),
        ("GITHUB_RUN_ID", "49"),
        ("GITHUB_RUN_ATTEMPT", "3"),
        ("GITHUB_WORKFLOW", "probe"),
        ("GITHUB_WORKFLOW_REF", "boss/demo/.forgejo/workflows/ci.yml@refs/pull/2/head"),
        ("FORGEJO_REPOSITORY", "boss/demo"),
    ] {
        place.env.insert(name.to_owned(), value.to_owned());
    }
    place
}

#[test]
fn the_head_of_a_pull_request_event_is_not_the_base() {
    let place = event("pull_request_target", &"cd".repeat(20));
    place.record(&place.request("true")).unwrap();
    let manifest = place.manifest();
    assert_eq!(manifest.target_sha.as_str(), "ab".repeat(20));
    assert_eq!(manifest.base_sha.unwrap().as_str(), "cd".repeat(20));
    assert_eq!(manifest.pull_request.unwrap().get(), 2);
    assert_eq!(manifest.repo.unwrap().as_str(), "boss/demo");
    let producer = manifest.producer.unwrap();
    assert_eq!((producer.workflow.as_deref(), producer.job.as_deref()), (Some("ci.yml"), Some("unit")));
    assert_eq!((producer.run_id.unwrap().get(), producer.run_attempt), (49, Some(3)));
}

#[test]
fn without_its_payload_a_pull_request_target_has_no_head() {
    let place = event("pull_request_target", &"cd".repeat(20));
    fs::remove_file(place.at("event.json")).unwrap();
    let error = place.record(&place.request("true")).unwrap_err();
    assert!(matches!(error, RecordError::Head(HeadError::None)), "{error:?}");
}

#[test]
fn an_event_that_contradicts_its_commit_is_refused() {
    let place = event("pull_request", &"cd".repeat(20));
    let error = place.record(&place.request("true")).unwrap_err();
    assert!(matches!(error, RecordError::Head(HeadError::EventDisagrees { .. })), "{error:?}");
}

#[test]
fn a_checkout_of_another_commit_than_the_pull_requests_is_said() {
    let mut place = Place::in_git();
    let event = event("pull_request", &"ab".repeat(20));
    place.env.extend(event.env.clone());
    place.record(&place.request("true")).unwrap();
    place.warned_first("no evidence for the pull request");
    assert_eq!(place.manifest().target_sha.as_str(), place.git(&["rev-parse", "HEAD"]));
}
