//! What a step of a job sees: its environment, its event file, the files of the runner's commands.
//! Source: `env/*.txt` of both versions; `ACTIONS_RESULTS_URL` has no trailing slash, `ACTIONS_RUNTIME_URL` has one.

use std::collections::BTreeMap;
use std::path::Path;

use super::http::go_json;
use super::state::State;

/// The environment of a step of `task`, with its files made under `folder`.
pub fn environment(state: &State, task: i64, folder: &Path) -> BTreeMap<String, String> {
    let task = state.task(task).expect("a task of this forge");
    let run = state.run(task.run);
    let job = run.jobs.iter().find(|job| job.id == task.job).expect("a job of this run");
    let (occasion, repo) = (&run.occasion, state.repo(run.repo));
    let files = folder.join("workflow");
    for made in [&files, &folder.join("hostexecutor"), &folder.join("tmp")] {
        std::fs::create_dir_all(made).expect("a folder for the step");
    }
    let file = |name: &str, content: &str| -> String {
        let path = files.join(name);
        std::fs::write(&path, content).expect("a file for the step");
        path.display().to_string()
    };
    let base = &state.base_url;
    let reference = occasion.env_ref.as_str();
    let ref_name = reference.trim_start_matches("refs/heads/").trim_start_matches("refs/tags/");
    let ref_name = ref_name.trim_start_matches("refs/pull/").trim_end_matches("/head");
    let ref_type = match reference {
        _ if reference.starts_with("refs/heads/") => "branch",
        _ if reference.starts_with("refs/tags/") => "tag",
        _ => "",
    };
    let workflow_ref = format!("{}/.forgejo/workflows/{}@{reference}", repo.slug(), run.workflow);
    let both: [(&str, String); 32] = [
        ("ACTION", "1".into()),
        ("ACTIONS", "true".into()),
        ("ACTION_PATH", String::new()),
        ("ACTION_REF", String::new()),
        ("ACTION_REPOSITORY", String::new()),
        ("ACTOR", occasion.actor.clone()),
        ("API_URL", format!("{base}/api/v1")),
        ("BASE_REF", occasion.base_ref.clone()),
        ("ENV", file("envs.txt", "")),
        ("EVENT_NAME", occasion.trigger_event.into()),
        ("EVENT_PATH", file("event.json", &go_json(&occasion.payload))),
        ("HEAD_REF", occasion.head_ref.clone()),
        ("JOB", job.key.clone()),
        ("OUTPUT", file("outputcmd.txt", "")),
        ("PATH", file("pathcmd.txt", "")),
        ("REF", reference.into()),
        ("REF_NAME", ref_name.into()),
        ("REF_TYPE", ref_type.into()),
        ("REPOSITORY", repo.slug()),
        ("REPOSITORY_OWNER", repo.owner.clone()),
        ("RETENTION_DAYS", String::new()),
        ("RUN_ATTEMPT", task.attempt.to_string()),
        ("RUN_ID", run.id.to_string()),
        ("RUN_NUMBER", run.index.to_string()),
        ("SERVER_URL", base.clone()),
        ("SHA", occasion.env_sha.clone()),
        ("STATE", file("statecmd.txt", "")),
        ("STEP_SUMMARY", file("SUMMARY.md", "")),
        ("TOKEN", task.token.clone()),
        ("WORKFLOW", run.workflow_name()),
        ("WORKFLOW_REF", workflow_ref),
        ("WORKSPACE", folder.join("hostexecutor").display().to_string()),
    ];
    let mut out = BTreeMap::new();
    for (name, value) in both {
        out.insert(format!("FORGEJO_{name}"), value.clone());
        out.insert(format!("GITHUB_{name}"), value);
    }
    let own = [
        ("ACT", "true".to_owned()),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", String::new()),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", String::new()),
        ("ACTIONS_RESULTS_URL", base.clone()),
        ("ACTIONS_RUNTIME_TOKEN", task.runtime_token.clone()),
        ("ACTIONS_RUNTIME_URL", format!("{base}/api/actions_pipeline/")),
        ("CI", "true".into()),
        ("FORGEJO_ACTIONS_RUNNER_VERSION", "dev".into()),
        ("GITEA_ACTIONS", "true".into()),
        ("GITEA_ACTIONS_RUNNER_VERSION", "dev".into()),
        ("HOME", folder.display().to_string()),
        ("ImageOS", "xyz".into()),
        ("PATH", std::env::var("PATH").unwrap_or_default()),
        ("PWD", folder.join("hostexecutor").display().to_string()),
        ("RUNNER_ARCH", "X64".into()),
        ("RUNNER_OS", "Linux".into()),
        ("RUNNER_PERFLOG", "/dev/null".into()),
        ("RUNNER_TEMP", folder.join("tmp").display().to_string()),
        ("RUNNER_TOOL_CACHE", folder.join(".cache/act/tool_cache").display().to_string()),
        ("RUNNER_TRACKING_ID", String::new()),
        ("USER", "forge".into()),
    ];
    out.extend(own.map(|(name, value)| (name.to_owned(), value)));
    out
}
