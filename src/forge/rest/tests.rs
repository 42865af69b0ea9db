//! The handlers against recorded answers of both servers.

use super::*;
use crate::context::Fork;
use crate::forge::loopback::{Answer, Loopback};
use crate::forge::recorded::{exchanges, play};
use crate::model::{PullNumber, RelPath, RunId};

const BOTH: [&str; 2] = ["v15.0.3", "v16.0"];

fn slug() -> RepoSlug {
    "boss/demo".parse().unwrap()
}

fn sha(text: &str) -> CommitSha {
    text.parse().unwrap()
}

fn run(id: u64) -> RunId {
    id.try_into().unwrap()
}

fn number(number: u64) -> PullNumber {
    number.try_into().unwrap()
}

const HEAD: &str = "64253ac1575143920106926bea24626ebd094bed";

/// The pull request of `from_the_base.json`.
fn judged(version: &str) -> PullNumber {
    number(if version == "v16.0" { 12 } else { 11 })
}

/// The head and the base tip of `from_the_base.json`; both servers have their own.
fn head_and_base(version: &str) -> (CommitSha, CommitSha) {
    let records = exchanges(version, "from_the_base.json");
    let find = |name: &str| records.iter().find(|record| record.name == name).unwrap().target.clone();
    let head = find("runs-0").split_once("head_sha=").unwrap().1.split('&').next().unwrap().to_owned();
    let base = find("policy").split_once("ref=").unwrap().1.to_owned();
    (sha(&head), sha(&base))
}

#[test]
fn runs_of_a_head_are_found_and_ordered() {
    for version in BOTH {
        let (head, _) = head_and_base(version);
        let server = play(exchanges(version, "from_the_base.json"), |_| true);
        let client = server.client("");
        let runs = client.repo(&slug()).actions().runs().head_sha(&head).list().unwrap();
        assert_eq!(runs.len(), 2, "{version}");
        assert!(runs[0].id > runs[1].id);
        let events: Vec<&str> = runs.iter().map(|run| run.event.as_str()).collect();
        assert!(events.contains(&"pull_request") && events.contains(&"pull_request_target"), "{events:?}");
        for run in &runs {
            assert_eq!(run.head.as_ref(), Some(&head), "the head, for pull_request_target as well");
            assert_eq!(run.pull, Some(judged(version)));
            assert!(run.created.is_some() && !run.from_fork);
        }
        assert!(server.received()[0].target.contains("page=1"));
    }
    assert_eq!(head_and_base("v16.0").0.as_str(), HEAD);
}

#[test]
fn jobs_name_their_attempt_and_tasks_are_of_the_run() {
    let records = exchanges("v16.0", "again.json");
    let server = play(records, |record| record.name.starts_with("attempt-2/"));
    let again: RepoSlug = "boss/again".parse().unwrap();
    let client = server.client("");
    let actions = client.repo(&again).actions();
    let jobs = actions.run(run(60)).jobs().unwrap();
    let attempts: Vec<(&str, u64)> = jobs.iter().map(|job| (job.name.as_str(), job.attempt)).collect();
    assert_eq!(attempts, [("unit", 1), ("lint", 2), ("gate", 2), ("plain_gate", 2)]);
    assert_eq!(jobs[2].needs, ["unit", "lint"]);
    assert_eq!(jobs[0].status, RunStatus::Success);
    assert_eq!(server.received().len(), 1);
    let tasks = actions.tasks(1, None).unwrap();
    assert_eq!(tasks.len(), 6);
    assert_eq!(tasks.iter().filter(|task| task.name == "lint").count(), 2);
    assert!(actions.tasks(2, None).unwrap().is_empty());
}

#[test]
fn tasks_are_read_back_to_the_runs_creation_and_no_further() {
    let server = play(exchanges("v15.0.3", "again.json"), |record| record.name.starts_with("attempt-3/"));
    let again: RepoSlug = "boss/again".parse().unwrap();
    let client = server.client("");
    let since = "2026-11-21T09:31:00Z".parse().unwrap();
    let tasks = client.repo(&again).actions().tasks(1, Some(since)).unwrap();
    assert_eq!(tasks.iter().map(|task| task.id).collect::<Vec<_>>(), [107, 106, 105, 104]);
}

#[test]
fn before_v16_there_are_no_jobs_and_no_artifacts_by_rest() {
    let server = play(exchanges("v15.0.3", "push.json"), |_| true);
    let client = server.client("");
    let slug = slug();
    let run = client.repo(&slug).actions().run(run(46));
    assert!(run.artifacts().unwrap_err().is_not_found());
    assert!(client.own_run().unwrap_err().is_not_found());
    assert_eq!(run.get().unwrap().number, 1);
}

#[test]
fn live_artifacts_leave_out_the_condemned() {
    let again: RepoSlug = "boss/again".parse().unwrap();
    for (attempt, expected) in [(1, vec!["lint", "unit"]), (2, vec!["lint"]), (3, vec!["lint", "unit"])] {
        let wanted = format!("attempt-{attempt}/rest");
        let server = play(exchanges("v16.0", "again.json"), move |record| record.name.starts_with(&wanted));
        let client = server.client("");
        let artifacts = client.repo(&again).actions().run(run(60)).artifacts().unwrap();
        let names: Vec<&str> = artifacts.iter().map(|artifact| artifact.name.as_str()).collect();
        assert_eq!(names, expected, "attempt {attempt}");
    }
}

#[test]
fn artifact_zips_end_in_an_outcome() {
    let server = play(exchanges("v16.0", "from_the_base.json"), |_| true);
    let client = server.client("");
    let slug = slug();
    let actions = client.repo(&slug).actions();
    let Archive::Zip(zip) = actions.artifact_zip(224, 1000).unwrap() else { panic!("no zip") };
    assert_eq!(zip.bytes, 187);
    assert!(matches!(actions.artifact_zip(224, 186).unwrap(), Archive::TooLarge { limit: 186 }));
    let server = play(exchanges("v16.0", "push.json"), |_| true);
    let client = server.client("");
    let actions = client.repo(&slug).actions();
    assert!(matches!(actions.artifact_zip(136, 1000).unwrap(), Archive::Unfinished));
    let server = Loopback::start(|_| Answer::new(404, "{\"message\":\"resource does not exist\"}"));
    let client = server.client("");
    assert!(matches!(client.repo(&slug).actions().artifact_zip(1, 1000).unwrap(), Archive::Missing));
}

#[test]
fn web_routes_are_asked_without_a_token() {
    let server = play(exchanges("v15.0.3", "operator.json"), |_| true);
    let client = server.client("");
    let slug = slug();
    let artifacts = client.repo(&slug).web_artifacts(4).unwrap();
    assert!(
        artifacts
            .iter()
            .any(|artifact| artifact.name == "probe-two" && artifact.size == 225 && !artifact.expired)
    );
    let name = "probe-two".parse().unwrap();
    let zip = client.repo(&slug).web_artifact_zip(run(49), &name, 1000).unwrap();
    assert!(matches!(zip, Archive::Zip(zip) if zip.bytes == 225));
    assert!(server.received().iter().all(|request| request.header("authorization").is_none()));

    let again: RepoSlug = "boss/again".parse().unwrap();
    let server = play(exchanges("v15.0.3", "again.json"), |record| record.name.starts_with("attempt-2/web"));
    let client = server.client("");
    let name = "unit".parse().unwrap();
    let zip = client.repo(&again).web_artifact_zip(run(60), &name, 1000).unwrap();
    assert!(matches!(zip, Archive::Missing), "condemned by the re-run");
}

#[test]
fn a_name_that_climbs_is_never_asked_for() {
    let server = Loopback::start(|_| Answer::new(200, ""));
    let client = server.client("");
    let slug = slug();
    let climbing = "..".parse().unwrap();
    assert!(matches!(
        client.repo(&slug).web_artifact_zip(run(1), &climbing, 10),
        Err(ForgeError::Segment(_))
    ));
    let slashed = "a/../../x".parse().unwrap();
    let _ = client.repo(&slug).web_artifact_zip(run(1), &slashed, 10);
    assert!(server.received()[0].target.ends_with("/artifacts/a%2F..%2F..%2Fx"));
}

#[test]
fn a_policy_is_absent_only_at_a_commit_that_can_be_read() {
    for version in BOTH {
        let (_, base) = head_and_base(version);
        let mut records = exchanges(version, "from_the_base.json");
        let commit =
            format!("/api/v1/repos/boss/demo/git/commits/{base}?stat=false&verification=false&files=false");
        let mut readable = records[0].clone();
        readable.target = commit;
        readable.status = 200;
        readable.body = format!("{{\"sha\":\"{base}\"}}").into_bytes();
        records.push(readable);
        let server = play(records, |_| true);
        let client = server.client("");
        let slug = slug();
        let repo = client.repo(&slug);
        let path = |text: &str| text.parse::<RelPath>().unwrap();
        let policy = repo.file_at(&path(".forgejo/patchwarden.toml"), &base, 1000).unwrap();
        assert_eq!(policy, FileAt::Present(b"# policy\nversion = 1\n".to_vec()), "{version}");
        assert_eq!(
            repo.file_at(&path(".forgejo/none.toml"), &base, 1000).unwrap(),
            FileAt::Absent,
            "{version}"
        );
        assert!(matches!(
            repo.file_at(&path(".forgejo/patchwarden.toml"), &base, 20),
            Err(ForgeError::TooLarge { limit: 20, .. })
        ));
    }
}

#[test]
fn a_missing_commit_is_not_an_absent_policy() {
    let body = r#"{"message":"GetContentsOrList","errors":["object does not exist [id: 00, rel_path: ]"]}"#;
    let server = Loopback::start(move |request| {
        if request.target.contains("/contents/") { Answer::new(404, body) } else { Answer::new(404, "{}") }
    });
    let client = server.client("");
    let slug = slug();
    let path: RelPath = ".forgejo/patchwarden.toml".parse().unwrap();
    let err = client.repo(&slug).file_at(&path, &sha(HEAD), 1000).unwrap_err();
    assert!(err.is_not_found());
    // A repository the token cannot see says something else, and its commit is not even asked for.
    let server = Loopback::start(|_| Answer::new(404, r#"{"message":"The target couldn't be found."}"#));
    let client = server.client("");
    assert!(client.repo(&slug).file_at(&path, &sha(HEAD), 1000).is_err());
    assert_eq!(server.received().len(), 1);
}

#[test]
fn a_folder_or_a_link_is_no_file() {
    for body in [
        "[]",
        r#"{"type":"symlink","target":"x"}"#,
        r#"{"type":"file"}"#,
        r#"{"type":"file","encoding":"base64","content":"%"}"#,
    ] {
        let server = Loopback::start(move |_| Answer::new(200, body));
        let slug = slug();
        let client = server.client("");
        let err = client.repo(&slug).file_at(&"a/b".parse().unwrap(), &sha(HEAD), 1000).unwrap_err();
        assert!(matches!(err, ForgeError::Malformed { .. }), "{body}");
    }
}

#[test]
fn a_pull_request_with_its_files_reviews_and_pushes() {
    for version in BOTH {
        let server = play(exchanges(version, "from_the_base.json"), |_| true);
        let client = server.client("");
        let slug = slug();
        let repo = client.repo(&slug);
        let (head, base) = head_and_base(version);
        let pull = repo.pull(judged(version)).unwrap();
        assert_eq!((&pull.head, pull.base.as_ref()), (&head, Some(&base)), "{version}");
        assert_eq!((pull.state, pull.fork, pull.base_branch.as_str()), (PullState::Open, Fork::No, "main"));
        let files = repo.changed_files(judged(version)).unwrap();
        assert_eq!(pull.changed_files, Some(files.len() as u64));
        assert_eq!(files[0].at.as_ref(), Some(&head));
        assert!(files[0].path.starts_with("pb") && files[0].status == "added");
        assert!(repo.reviews(judged(version)).unwrap().is_empty());
        assert_eq!(repo.branch("main").unwrap().tip, base);

        let server = play(exchanges(version, "pull_request.json"), |_| true);
        let client = server.client("");
        let repo = client.repo(&slug);
        let review = repo.reviews(number(2)).unwrap().remove(0);
        assert_eq!(review.author.unwrap().id, -2, "any workflow can approve under the shared identity");
        assert_eq!((review.state, review.official, review.dismissed), (ReviewState::Approved, false, false));
        let pushes = repo.pushes(number(2)).unwrap();
        assert_eq!(
            (pushes.len(), pushes[0].forced, &pushes[0].commits[0]),
            (1, false, &review.commit.unwrap())
        );
        let comments = repo.comments(number(2)).unwrap();
        assert!(comments.iter().all(|comment| comment.author.as_ref().unwrap().login == "forgejo-actions"));
    }
}

#[test]
fn a_merged_pull_request_is_found_by_its_merge() {
    let records = exchanges("v16.0", "operator.json");
    let merge = sha("efc11cc98129036728f173b8e21f247007f4d201");
    let server = play(records, |_| true);
    let client = server.client("");
    let slug = slug();
    let pull = client.repo(&slug).pull_of_commit(&merge).unwrap().unwrap();
    assert_eq!((pull.state, pull.merge_commit.as_ref()), (PullState::Merged, Some(&merge)));
    let server = play(exchanges("v16.0", "push.json"), |_| true);
    let client = server.client("");
    let none = client.repo(&slug).pull_of_commit(&sha("537891b2bd3ed3d5ab8f32c94799ec951eedec2c")).unwrap();
    assert_eq!(none, None);
}

#[test]
fn the_forged_status_stays_in_the_history() {
    for version in BOTH {
        let (head, _) = head_and_base(version);
        let server = play(exchanges(version, "from_the_base.json"), |_| true);
        let client = server.client("");
        let slug = slug();
        let history = client.repo(&slug).status_history(&head).unwrap();
        assert!(
            history.iter().any(|status| status.target_url.is_empty() && status.state == StatusState::Success)
        );
        assert!(history.windows(2).all(|pair| pair[0].id < pair[1].id));
        let latest = client.repo(&slug).statuses(&head).unwrap();
        assert!(latest.len() < history.len());
        assert!(latest.windows(2).all(|pair| pair[0].context < pair[1].context));
    }
}

#[test]
fn a_renamed_repository_is_read_under_its_new_name_and_never_written() {
    let records = exchanges("v16.0", "operator.json");
    let renamed: RepoSlug = "boss/pw-action".parse().unwrap();
    let server = Loopback::start(move |request| {
        if request.target.contains("pw-action2/") {
            return Answer::new(200, r#"{"workflow_runs":[],"total_count":0}"#);
        }
        let name =
            if request.method == "GET" { "operator-renamed-repo" } else { "operator-renamed-repo-post" };
        let record = records.iter().find(|record| record.name == name).unwrap();
        record.answer()
    });
    let client = server.client("");
    assert!(client.repo(&renamed).actions().runs().list().unwrap().is_empty());
    let status = NewStatus {
        context: "x".to_owned(),
        state: StatusState::Success,
        target_url: String::new(),
        description: String::new(),
    };
    let err = client.repo(&renamed).post_status(&sha(HEAD), &status).unwrap_err();
    assert!(matches!(err, ForgeError::Redirect { .. }), "{err}");
}

#[test]
fn the_server_tells_its_version_and_paging() {
    let server = play(exchanges("v16.0", "operator.json"), |_| true);
    assert_eq!(server.client("").version().unwrap(), "16.0.0+gitea-1.22.0");
    let server = play(exchanges("v15.0.3", "push.json"), |_| true);
    let client = server.client("");
    assert_eq!(client.api_settings().unwrap().max_response_items, Some(50));
    let slug = slug();
    let repository = client.repo(&slug).get_repository().unwrap();
    assert_eq!(
        (repository.slug, repository.default_branch.as_str(), repository.private),
        (slug, "main", false)
    );
}

#[test]
fn a_sub_path_and_an_anonymous_question_are_kept() {
    let server = Loopback::start(|_| Answer::new(200, r#"{"workflow_runs":[],"total_count":0}"#));
    let client = server.client("/git");
    let slug = slug();
    client.repo(&slug).anonymously().actions().runs().list().unwrap();
    let request = &server.received()[0];
    assert!(
        request.target.starts_with("/git/api/v1/repos/boss/demo/actions/runs?page=1"),
        "{}",
        request.target
    );
    assert_eq!(request.header("authorization"), None);
}
