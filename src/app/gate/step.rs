//! The end of the step inside a workflow: outputs to disk and log, the result artifact, the step's own files,
//! the effects that were opted into, the exit code.

use std::fs::OpenOptions;
use std::io::{Cursor, Write};

use zip::write::{SimpleFileOptions, ZipWriter};

use crate::context::{RunContext, Variables};
use crate::forge::rest::{NewStatus, StatusState};
use crate::forge::{Applied, Artifacts as Service, Blob, Client, Effects, ForgeError, FreshHead, Writer};
use crate::model::{ArtifactName, Digest, RepoSlug, Verdict};
use crate::{output, sink};

use super::fetch::RESULT_PREFIX;
use super::outputs::{self, Decided, PACKET_FILE, REPORT_FILE, SUMMARY_FILE};
use super::scene::Scene;
use super::this_run::Request;

/// Marks the one comment that is kept up to date.
const MARKER: &str = "<!-- patchwarden:gate -->";

/// Writes, uploads, applies effects, and gives the exit code. A failure on the way never removes what was written
/// and never improves the verdict.
pub fn finish(
    request: &Request,
    variables: &Variables,
    scene: &Scene,
    client: &Client,
    decided: &Decided,
    fresh: Option<&FreshHead>,
) -> u8 {
    let mut problems = outputs::write(&request.out, &decided.report, Some(&decided.packet));
    problems.extend(decided.problems.iter().cloned());
    problems.extend(outputs::print(request.form, &decided.report, Some(&decided.packet)));
    let summary = output::markdown(&decided.report, Some(&decided.packet));
    log_summary(&summary);
    problems.extend(append(variables, "STEP_SUMMARY", &summary));
    let uploaded = upload(&scene.context, client, decided, &summary);
    let (artifact, digest) = match &uploaded {
        Ok((name, digest)) => {
            sink::say(&format!("result artifact `{name}` {digest}"));
            let packet = Digest::of(output::json(&decided.packet));
            sink::say(&format!("{PACKET_FILE} {packet}"));
            (name.as_str(), digest.as_str())
        }
        Err(why) => {
            problems.push(format!("the result artifact was not uploaded: {why}"));
            ("", "")
        }
    };
    problems.extend(append(variables, "OUTPUT", &step_outputs(request, Some(decided), artifact, digest)));
    problems.extend(effects(request, scene, client, decided, fresh, digest));
    outputs::exit_code(&decided.report, &problems)
}

/// After a run without a verdict the summary still goes where people look, and the outputs say that there is none.
pub fn after_failure(request: &Request, variables: &Variables) {
    let mut problems = Vec::new();
    if let Ok(summary) = std::fs::read_to_string(request.out.join(SUMMARY_FILE)) {
        log_summary(&summary);
        problems.extend(append(variables, "STEP_SUMMARY", &summary));
    }
    problems.extend(append(variables, "OUTPUT", &step_outputs(request, None, "", "")));
    for problem in problems {
        sink::say(&format!("error: {problem}"));
    }
}

/// The summary in the log, folded. No line of it begins as a workflow command does, in either spelling.
fn log_summary(summary: &str) {
    sink::say("::group::patchwarden summary");
    for line in summary.lines() {
        let command = ["::", "##["].iter().any(|mark| line.trim_start().starts_with(mark));
        if command { sink::say(&format!("| {line}")) } else { sink::say(line) }
    }
    sink::say("::endgroup::");
}

/// Appends to one of the step's own files; says why where that failed. Outside a runner there is none.
fn append(variables: &Variables, name: &str, text: &str) -> Option<String> {
    let path = match variables.find(name) {
        Ok(Some((_, path))) => path.to_owned(),
        Ok(None) => return None,
        Err(error) => return Some(error.to_string()),
    };
    let written = OpenOptions::new()
        .append(true)
        .create(true)
        .open(&path)
        .and_then(|mut file| writeln!(file, "{}", text.trim_end()));
    written.err().map(|error| format!("`{path}` could not be written: {error}"))
}

/// The action's outputs. All values are ours: words, digests, and paths the caller gave.
fn step_outputs(request: &Request, decided: Option<&Decided>, artifact: &str, digest: &str) -> String {
    let file = |name: &str| request.out.join(name).display().to_string().replace(['\n', '\r'], " ");
    let verdict = decided.and_then(|decided| decided.report.verdict).map_or("", Verdict::as_str);
    let head = decided.map_or("", |decided| decided.packet.target_sha.as_str());
    let instructions = decided.map_or(String::new(), |_| file(PACKET_FILE));
    [
        format!("verdict={verdict}"),
        format!("target_sha={head}"),
        format!("report={}", file(REPORT_FILE)),
        format!("instructions={instructions}"),
        format!("summary={}", file(SUMMARY_FILE)),
        format!("result_artifact={artifact}"),
        format!("result_sha256={digest}"),
    ]
    .join("\n")
}

/// Uploads report, packet and summary as one artifact.
fn upload(
    context: &RunContext,
    client: &Client,
    decided: &Decided,
    summary: &str,
) -> Result<(ArtifactName, Digest), String> {
    let (Some(runtime), Some(run)) = (&context.runtime, &context.run) else {
        return Err("the runner announces no artifact service".to_owned());
    };
    let job = job_in_a_name(&run.job);
    let name: ArtifactName =
        format!("{RESULT_PREFIX}{job}-{}", run.attempt).parse().map_err(|error| format!("{error}"))?;
    let files = [
        (REPORT_FILE, output::json(&decided.report)),
        (PACKET_FILE, output::json(&decided.packet)),
        (SUMMARY_FILE, summary.to_owned()),
    ];
    let bytes = zip_of(&files).map_err(|error| error.to_string())?;
    let blob = Blob::of_bytes(&bytes).map_err(|error| error.to_string())?;
    let digest = blob.digest().map_err(|error| error.to_string())?.clone();
    let service = Service::new(client, runtime, run.id).map_err(|error| error.to_string())?;
    service.upload(&name, &blob, None).map_err(|error| error.to_string())?;
    Ok((name, digest))
}

/// A job's id as it stands in the name of its result artifact.
pub fn job_in_a_name(job: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' };
    job.chars().map(plain).take(100).collect()
}

/// A zip with fixed times: the same judgement gives the same bytes.
fn zip_of(files: &[(&str, String)]) -> Result<Vec<u8>, zip::result::ZipError> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files {
        writer.start_file(*name, SimpleFileOptions::default())?;
        writer.write_all(text.as_bytes())?;
    }
    Ok(writer.finish()?.into_inner())
}

/// Applies what was opted into, only with a head that was confirmed just now.
fn effects(
    request: &Request,
    scene: &Scene,
    client: &Client,
    decided: &Decided,
    fresh: Option<&FreshHead>,
    digest: &str,
) -> Vec<String> {
    let mut problems = Vec::new();
    if request.commit_status.is_none() && !request.comment {
        return problems;
    }
    let Some(fresh) = fresh else {
        problems.push("no status or comment was written: the head is not confirmed".to_owned());
        return problems;
    };
    let address = run_address(&scene.context, &scene.slug);
    let effects = Effects::new(client.repo(&scene.slug));
    let mut note = |what: &str, applied: Result<Option<Applied>, ForgeError>| match applied {
        Ok(Some(Applied::NotPermitted)) => sink::say(&format!("{what}: not_permitted: this token may not")),
        Ok(Some(_)) => sink::say(&format!("{what}: written")),
        Ok(None) => sink::say(&format!("{what}: there is no pull request")),
        Err(error) => problems.push(format!("{what} was not written: {error}")),
    };
    if let Some(name) = &request.commit_status {
        let status = status(name, decided, address.clone());
        note("commit status", effects.commit_status(fresh, &status).map(Some));
    }
    if request.comment {
        let text = comment(decided, &address, digest);
        let applied = person(scene, client).and_then(|login| {
            let writer = login.as_deref().map_or(Writer::Jobs, Writer::Login);
            effects.sticky_comment(fresh, writer, MARKER, &text)
        });
        note("comment", applied);
    }
    problems
}

/// Whose comment it will be: with a token that was given, its owner's, unless it is a job's own and may not ask.
fn person(scene: &Scene, client: &Client) -> Result<Option<String>, ForgeError> {
    if !scene.has_own_token {
        return Ok(None);
    }
    match client.login() {
        Ok(login) => Ok(Some(login)),
        Err(error) if error.is_not_permitted() => Ok(None),
        Err(error) => Err(error),
    }
}

fn run_address(context: &RunContext, slug: &RepoSlug) -> String {
    let number = context.run.as_ref().and_then(|run| run.number);
    match (&context.server, number) {
        (Some(server), Some(number)) => {
            format!("{}/{slug}/actions/runs/{number}", server.url.to_string().trim_end_matches('/'))
        }
        _ => String::new(),
    }
}

fn status(context: &str, decided: &Decided, target_url: String) -> NewStatus {
    let verdict = decided.report.verdict.unwrap_or(Verdict::Unmeasured);
    let state = match verdict {
        Verdict::Pass => StatusState::Success,
        Verdict::NeedsHuman => StatusState::Pending,
        Verdict::Blocked => StatusState::Failure,
        Verdict::Unmeasured => StatusState::Error,
    };
    let blockers = crate::model::count(decided.packet.entries.len() as u64, "blocker");
    let description = format!("{}: {blockers}", verdict.as_str());
    NewStatus { context: context.to_owned(), state, target_url, description }
}

/// The comment: display only. Any job can forge it, so it says where the real thing is.
fn comment(decided: &Decided, address: &str, digest: &str) -> String {
    let summary = output::markdown(&decided.report, Some(&decided.packet));
    format!(
        "{summary}\n\n---\nThis comment is display only: any job can edit it. The verdict is in the run {address}, result artifact `{digest}`.\n"
    )
}
