//! The arguments of the verbs around the closed loop: `repair`, `render`, `replay`.
//! Each reads files that a gate left and writes one.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::app::{render, repair, replay};
use crate::model::{CommitSha, GateId, Span, Timestamp};

use super::FormArg;

#[derive(Debug, Args)]
pub(super) struct RepairArgs {
    /// What exists already: a gate report, a review quorum, a runtime repair (as `--format json` prints them), or SARIF
    #[arg(value_name = "FILE")]
    verdict: PathBuf,
    /// The full id of the head; a verdict about another is refused
    #[arg(long, value_name = "SHA")]
    head: CommitSha,
    /// The policy that judged; commands and limits come from it
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The id of the gate, for a verdict that names none
    #[arg(long, value_name = "ID")]
    gate: Option<GateId>,
    /// The `repair_instruction.json` of an earlier head
    #[arg(long, value_name = "FILE")]
    previous: Option<PathBuf>,
    /// How old the verdict may be
    #[arg(long, value_name = "SPAN", default_value = "24h")]
    max_age: Span,
    /// Where the packet is written; printed where none is named
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The time of now
    #[arg(long, value_name = "RFC3339")]
    now: Option<Timestamp>,
}

#[derive(Debug, Args)]
pub(super) struct RenderArgs {
    /// The report
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// The form
    #[arg(value_enum, value_name = "FORMAT")]
    form: RenderForm,
    /// Where it is written; printed where none is named
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    /// What `gate --capture` wrote
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,
    #[command(flatten)]
    form: FormArg,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum RenderForm {
    /// SARIF 2.1.0, one result per blocker
    Sarif,
    /// JUnit, one test case per gate
    Junit,
    /// An in-toto Statement with a verification summary; in a DSSE envelope where PATCHWARDEN_SIGNING_KEY holds a key
    Intoto,
    /// `OpenMetrics` text
    Openmetrics,
    /// The summary, without what only the packet says
    Markdown,
    /// As `gate` prints it, without what only the packet says
    Text,
}

impl From<RepairArgs> for repair::Request {
    fn from(args: RepairArgs) -> Self {
        let RepairArgs { verdict, head, policy, gate, previous, max_age, out, now } = args;
        Self { verdict, head, policy, gate, previous, max_age, out, now }
    }
}

impl From<ReplayArgs> for replay::Request {
    fn from(args: ReplayArgs) -> Self {
        Self { bundle: args.bundle, form: args.form.format.into() }
    }
}

impl From<RenderArgs> for render::Request {
    fn from(args: RenderArgs) -> Self {
        let form = match args.form {
            RenderForm::Sarif => render::Form::Sarif,
            RenderForm::Junit => render::Form::Junit,
            RenderForm::Intoto => render::Form::Intoto,
            RenderForm::Openmetrics => render::Form::OpenMetrics,
            RenderForm::Markdown => render::Form::Markdown,
            RenderForm::Text => render::Form::Text,
        };
        Self { report: args.from, form, out: args.out }
    }
}
