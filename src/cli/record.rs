//! The arguments of `record`: what is run, which reports it writes, where the artifact goes.
//! A report may be named by `--id` and `--format`, or again as `ID=FORMAT:PATH`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::app::record::{RecordRequest, ReportRequest};
use crate::app::record_verb;
use crate::error::Failure;
use crate::evidence::Format;
use crate::model::{ArtifactName, CommitSha, EvidenceId, Span};

#[derive(Debug, Args)]
pub(super) struct RecordArgs {
    /// The evidence id of the policy
    #[arg(long, value_name = "ID", requires = "evidence_format")]
    id: Option<EvidenceId>,
    #[arg(long = "format", id = "evidence_format", value_name = "FORMAT", requires = "id", help = formats())]
    format: Option<Format>,
    /// The report the command writes; again as ID=FORMAT:PATH for further reports of one command
    #[arg(long, value_name = "PATH", required = true)]
    report: Vec<OsString>,
    /// The tool's name; exit codes are read by it
    #[arg(long, value_name = "NAME")]
    tool: Option<String>,
    /// The tool's version
    #[arg(long, value_name = "VERSION")]
    tool_version: Option<String>,
    /// Files or folders the command looks at, hashed before it runs
    #[arg(long, value_name = "FILE", num_args = 1..)]
    input: Vec<PathBuf>,
    /// The commit, where git cannot tell it
    #[arg(long, value_name = "SHA")]
    head: Option<CommitSha>,
    /// How long the command may take, such as 30m
    #[arg(long, value_name = "SPAN")]
    timeout: Option<Span>,
    /// The folder that becomes the artifact
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Inside a workflow: upload the folder as an artifact of this name afterwards
    #[arg(long, value_name = "NAME")]
    upload: Option<ArtifactName>,
    /// The command with its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// The help of `record --format`, so that no list of formats is kept by hand.
fn formats() -> String {
    let names: Vec<&str> = Format::ALL.iter().map(|format| format.as_str()).collect();
    format!("The evidence format of the report: {}", names.join(", "))
}

/// # Errors
/// Exit 2, where a `--report` is no report.
pub(super) fn record_request(args: RecordArgs) -> Result<record_verb::Request, Failure> {
    let RecordArgs { id, format, report, tool, tool_version, input, head, timeout, out, upload, command } =
        args;
    let reports = ReportRequest::of_arguments(id, format, &report)
        .map_err(|error| Failure::usage("the command was not run").caused_by(error))?;
    let record = RecordRequest {
        directory: PathBuf::from("."),
        reports,
        tool,
        tool_version,
        inputs: input,
        head,
        timeout: timeout.map(|span| Duration::from_secs(span.seconds())),
        out,
        command,
    };
    Ok(record_verb::Request { record, upload })
}
