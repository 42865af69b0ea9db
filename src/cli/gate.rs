//! The arguments of `gate`: over a folder, or inside a workflow.
//! Which of the two is meant is said by `--evidence`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::app::gate;
use crate::error::Failure;
use crate::model::{PullNumber, RepoSlug, Span, Timestamp};
use crate::policy::DEFAULT_PATH;

use super::FormArg;

/// Whose artifacts are judged.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum FromArg {
    /// Those of the run this step belongs to
    ThisRun,
    /// Those of the head's own runs, awaited: for a gate that stands on the base
    HeadRuns,
}

#[derive(Debug, Args)]
pub(super) struct GateArgs {
    /// Judge offline: the folder whose sub-folders and .zip files are artifacts. Without it, inside a workflow, the
    /// artifacts of the run are judged
    #[arg(long, value_name = "DIR")]
    evidence: Option<PathBuf>,
    /// The full id of the commit the evidence is for
    #[arg(long, value_name = "SHA")]
    head: Option<String>,
    /// The full id of the base branch's tip
    #[arg(long, value_name = "SHA")]
    base: Option<String>,
    /// The repository the evidence is for
    #[arg(long, value_name = "OWNER/NAME")]
    repo: Option<RepoSlug>,
    /// The pull request the evidence is for
    #[arg(long, value_name = "N")]
    pull: Option<PullNumber>,
    /// The policy; inside a workflow its path in the repository, read at the base. Without one the embedded policy
    /// judges what it recognises
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Offline: what the forge says of the pull request, `patchwarden.pull_facts.v1`
    #[arg(long, value_name = "FILE", requires = "evidence")]
    facts: Option<PathBuf>,
    /// Offline: the change, as `git diff -M --unified=0 BASE...HEAD` prints it, for the coverage of changed lines
    #[arg(long, value_name = "FILE", requires = "evidence")]
    diff: Option<PathBuf>,
    /// The `repair_instruction.json` of an earlier head. Inside a workflow the newest is looked for where none is named
    #[arg(long, value_name = "FILE")]
    previous: Option<PathBuf>,
    /// Keep everything that was judged in one zip, for `patchwarden replay`
    #[arg(long, value_name = "FILE")]
    capture: Option<PathBuf>,
    /// Inside a workflow: whose artifacts are judged
    #[arg(long, value_enum, default_value = "this-run")]
    from: FromArg,
    /// With `--from head-runs`: how long the head's runs have to end
    #[arg(long, value_name = "SPAN", default_value = "30m")]
    wait: Span,
    /// With `--from head-runs`: how long they have to begin
    #[arg(long, value_name = "SPAN", default_value = "2m")]
    wait_start: Span,
    /// Inside a workflow: what `${{ toJSON(needs) }}` gives, which an action may not read itself
    #[arg(long, value_name = "JSON", env = "PATCHWARDEN_NEEDS", default_value = "", hide_env_values = true)]
    needs: String,
    /// Inside a workflow: post a commit status with the verdict under this context
    #[arg(long, value_name = "CONTEXT", num_args = 0..=1, default_missing_value = "patchwarden")]
    commit_status: Option<String>,
    /// Inside a workflow: keep one comment on the pull request up to date
    #[arg(long)]
    comment: bool,
    /// Where the report, the instruction and the summary are written
    #[arg(long, value_name = "DIR", default_value = "patchwarden-out")]
    out: PathBuf,
    /// The time the judgement is made for
    #[arg(long, value_name = "RFC3339")]
    now: Option<Timestamp>,
    #[command(flatten)]
    form: FormArg,
}

/// # Errors
/// Exit 2, where `--policy` is no path in a repository.
pub(super) fn gate_request(args: GateArgs) -> Result<gate::Request, Failure> {
    let GateArgs {
        evidence,
        head,
        base,
        repo,
        pull,
        policy,
        facts,
        diff,
        previous,
        capture,
        from,
        wait,
        wait_start,
        needs,
        commit_status,
        comment,
        out,
        now,
        form,
    } = args;
    let form = form.format.into();
    if let Some(evidence) = evidence {
        return Ok(gate::Request::Offline(Box::new(gate::offline::Request {
            evidence,
            head,
            base,
            repo,
            pull_request: pull,
            policy,
            facts,
            diff,
            previous,
            capture,
            out,
            now,
            form,
        })));
    }
    let path = policy.unwrap_or_else(|| PathBuf::from(DEFAULT_PATH));
    let policy = path
        .to_str()
        .ok_or_else(|| Failure::usage("`--policy` is not UTF-8"))?
        .parse()
        .map_err(|error| Failure::usage(format!("`--policy` is no path in a repository: {error}")))?;
    Ok(gate::Request::ThisRun(Box::new(gate::this_run::Request {
        policy,
        out,
        now,
        form,
        needs,
        pull,
        head,
        previous,
        capture,
        commit_status,
        comment,
        source: match from {
            FromArg::ThisRun => gate::this_run::Source::ThisRun,
            FromArg::HeadRuns => gate::this_run::Source::HeadRuns(gate::Waits { wait, start: wait_start }),
        },
    })))
}
