//! The arguments of the operator's window: metrics, gaps and status. Part of the command line; clap and nothing else.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::app::gaps::{self, Act, ImportKind, new_gap};
use crate::app::{metrics, status};
use crate::ledger::{Change, DEFAULT_PATH, Severity, Source, Status};
use crate::model::{Span, Timestamp};

use super::FormArg;
use super::feedback::ForgeArgs;

#[derive(Debug, Clone, Copy, ValueEnum)]
enum MetricsForm {
    Text,
    Json,
    /// OpenMetrics text, for a scraper
    Openmetrics,
    /// A summary with each curve as a line of blocks, for an issue or a comment
    Markdown,
    /// A picture of the rolling rates
    Svg,
    /// The crossings the log does not carry yet, as rows to append to it
    Events,
}

#[derive(Debug, Args)]
pub struct MetricsArgs {
    /// Event logs (NDJSON), or folders of them
    #[arg(value_name = "FILE")]
    logs: Vec<PathBuf>,
    /// Derive the log from merged pull requests and the results their gates left
    #[arg(long)]
    from_forge: bool,
    #[command(flatten)]
    forge: ForgeArgs,
    /// With --from-forge, how far back they were merged
    #[arg(long, value_name = "SPAN", default_value = "90d")]
    window: Span,
    /// With --from-forge, the time the window ends
    #[arg(long, value_name = "RFC3339")]
    now: Option<Timestamp>,
    /// The work item whose merge ends the pinned windows, instead of the first healthy ones
    #[arg(long, value_name = "WORK_ITEM_ID")]
    pin: Option<String>,
    /// The form of what is printed
    #[arg(long, value_enum, default_value = "text")]
    format: MetricsForm,
    /// Also write metrics.json, rates.md and rates.svg into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl From<MetricsArgs> for metrics::Request {
    fn from(args: MetricsArgs) -> Self {
        let MetricsArgs { logs, from_forge, forge, window, now, pin, format, out } = args;
        let from_forge = from_forge.then(|| metrics::FromForge { forge: forge.into(), window, now });
        let form = match format {
            MetricsForm::Text => metrics::Form::Text,
            MetricsForm::Json => metrics::Form::Json,
            MetricsForm::Openmetrics => metrics::Form::OpenMetrics,
            MetricsForm::Markdown => metrics::Form::Markdown,
            MetricsForm::Svg => metrics::Form::Svg,
            MetricsForm::Events => metrics::Form::Events,
        };
        Self { logs, from_forge, pin, form, out }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum StatusForm {
    Text,
    Json,
    /// One page without script, network or address
    Html,
}

#[derive(Debug, Args)]
pub struct StatusArgs {
    /// The gap ledger; without one `docs/gaps.toml` where it is there
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,
    /// A folder a gate wrote its results to, or one report; may be repeated
    #[arg(long = "result", value_name = "DIR")]
    results: Vec<PathBuf>,
    /// An event log, or a folder of them; may be repeated
    #[arg(long = "log", value_name = "FILE")]
    logs: Vec<PathBuf>,
    /// A document of audit: what got through; may be repeated
    #[arg(long = "audit", value_name = "FILE")]
    audits: Vec<PathBuf>,
    /// A document of feedback-intake-check, whose candidates are shown as follow-ups
    #[arg(long, value_name = "FILE")]
    feedback: Option<PathBuf>,
    /// Ask the forge: open pull requests, runs, statuses, artifacts, results
    #[arg(long)]
    live: bool,
    #[command(flatten)]
    forge: ForgeArgs,
    /// With --live, serve the page on this loopback address until ended
    #[arg(long, value_name = "ADDR", requires = "live", conflicts_with_all = ["out", "format"])]
    watch: Option<String>,
    /// With --watch, how often the forge is asked again
    #[arg(long, value_name = "SPAN", default_value = "60s", requires = "watch")]
    every: Span,
    /// With --live, also audit what was merged this far back
    #[arg(long, value_name = "SPAN", requires = "live")]
    audit_since: Option<Span>,
    /// The time it is about; without one the ledger's latest day, with --live the clock
    #[arg(long, value_name = "RFC3339")]
    now: Option<Timestamp>,
    /// The form of the status
    #[arg(long, value_enum, default_value = "text")]
    format: StatusForm,
    /// Where it is written instead of to standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl From<StatusArgs> for status::Request {
    fn from(args: StatusArgs) -> Self {
        let StatusArgs {
            ledger,
            results,
            logs,
            audits,
            feedback,
            live,
            forge,
            watch,
            every,
            audit_since,
            now,
            format,
            out,
        } = args;
        let live = live.then(|| status::LiveRequest { forge: forge.into(), watch, every, audit_since });
        let form = match format {
            StatusForm::Text => status::Form::Text,
            StatusForm::Json => status::Form::Json,
            StatusForm::Html => status::Form::Html,
        };
        Self { ledger, results, logs, audits, feedback, now, form, out, live }
    }
}

#[derive(Debug, Args)]
pub struct GapsArgs {
    /// The ledger
    #[arg(long, value_name = "FILE", default_value = DEFAULT_PATH, global = true)]
    file: PathBuf,
    /// The time an edit is made at
    #[arg(long, value_name = "RFC3339", global = true)]
    now: Option<Timestamp>,
    #[command(subcommand)]
    verb: GapsVerb,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum As {
    Markdown,
    Sarif,
    Packet,
}

#[derive(Debug, Subcommand)]
#[command(defer = true)]
enum GapsVerb {
    /// Add a gap; prints its id
    #[command(
        after_help = "Example:\n  patchwarden gaps add --title \"no alert when a token expires\" --area observability --severity high --source audit"
    )]
    Add(AddArgs),
    /// Change a gap; closing one needs --closed-by
    #[command(
        after_help = "Example:\n  patchwarden gaps set PW-G004 --status done --closed-by \"pull request 41\""
    )]
    Set(SetArgs),
    /// List gaps
    #[command(after_help = "Example:\n  patchwarden gaps list --open --format json")]
    List {
        /// Only gaps of this status; may be repeated
        #[arg(long, value_name = "STATUS")]
        status: Vec<Status>,
        /// Only gaps that are not closed
        #[arg(long)]
        open: bool,
        #[command(flatten)]
        form: FormArg,
    },
    /// Show one gap
    #[command(after_help = "Example:\n  patchwarden gaps show PW-G004")]
    Show {
        /// Its id
        id: String,
        #[command(flatten)]
        form: FormArg,
    },
    /// Add gaps from Markdown task lists, SARIF, and packets that ended at the operator, each once
    #[command(after_help = "Example:\n  patchwarden gaps import --area security semgrep.sarif TODO.md")]
    Import {
        /// The files
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        /// What they are, instead of by their names
        #[arg(long = "as", value_enum)]
        kind: Option<As>,
        /// The area of the new gaps
        #[arg(long, value_name = "AREA", default_value = "unsorted")]
        area: String,
        /// The owner of the new gaps
        #[arg(long, value_name = "NAME", default_value = "operator")]
        owner: String,
    },
    /// Say everything that is wrong with the ledger
    #[command(after_help = "Example:\n  patchwarden gaps check --against origin/main")]
    Check {
        /// A commit or branch to compare with: ids that vanished, statuses that cannot follow
        #[arg(long, value_name = "REF")]
        against: Option<String>,
        #[command(flatten)]
        form: FormArg,
    },
    /// Move this branch's new gaps behind those of the branch that landed first
    #[command(after_help = "Example:\n  patchwarden gaps renumber --onto origin/main")]
    Renumber {
        /// The branch that keeps its ids
        #[arg(long, value_name = "REF")]
        onto: String,
    },
}

#[derive(Debug, Args)]
struct AddArgs {
    /// What is missing, in one line
    #[arg(long)]
    title: String,
    /// The part of the system it is in
    #[arg(long)]
    area: String,
    /// critical, high, medium or low
    #[arg(long)]
    severity: Severity,
    /// operator_note, audit, red_team, incident, repair_loop or review
    #[arg(long)]
    source: Source,
    /// A link or path that shows it; may be repeated
    #[arg(long, value_name = "LINK")]
    evidence: Vec<String>,
    /// Who owns it
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
    /// What to do next
    #[arg(long, value_name = "TEXT")]
    next_action: Option<String>,
    /// open, next, in_progress or blocked
    #[arg(long)]
    status: Option<Status>,
}

#[derive(Debug, Args)]
struct SetArgs {
    /// Its id
    id: String,
    /// open, next, in_progress, blocked, done or declined
    #[arg(long)]
    status: Option<Status>,
    /// What closed it: a commit, a pull request, a decision
    #[arg(long, value_name = "WHAT")]
    closed_by: Option<String>,
    /// What to do next
    #[arg(long, value_name = "TEXT")]
    next_action: Option<String>,
    /// Who owns it
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
    /// critical, high, medium or low
    #[arg(long)]
    severity: Option<Severity>,
    /// What is missing, in one line
    #[arg(long)]
    title: Option<String>,
    /// The part of the system it is in
    #[arg(long)]
    area: Option<String>,
    /// A further link or path that shows it; may be repeated
    #[arg(long, value_name = "LINK")]
    evidence: Vec<String>,
}

impl From<GapsArgs> for gaps::Request {
    fn from(args: GapsArgs) -> Self {
        let GapsArgs { file, now, verb } = args;
        let act = match verb {
            GapsVerb::Add(args) => Act::Add(Box::new(addition(args))),
            GapsVerb::Set(args) => {
                let SetArgs { id, status, closed_by, next_action, owner, severity, title, area, evidence } =
                    args;
                let change =
                    Change { status, title, area, severity, owner, next_action, evidence, closed_by };
                Act::Set { id, change: Box::new(change) }
            }
            GapsVerb::List { status, open, form } => Act::List { status, open, form: form.format.into() },
            GapsVerb::Show { id, form } => Act::Show { id, form: form.format.into() },
            GapsVerb::Import { files, kind, area, owner } => {
                Act::Import { files, kind: kind.map(Into::into), area, owner }
            }
            GapsVerb::Check { against, form } => Act::Check { against, form: form.format.into() },
            GapsVerb::Renumber { onto } => Act::Renumber { onto },
        };
        Self { file, now, act }
    }
}

impl From<As> for ImportKind {
    fn from(kind: As) -> Self {
        match kind {
            As::Markdown => Self::Markdown,
            As::Sarif => Self::Sarif,
            As::Packet => Self::Packet,
        }
    }
}

fn addition(args: AddArgs) -> crate::ledger::Addition {
    let AddArgs { title, area, severity, source, evidence, owner, next_action, status } = args;
    let mut gap = new_gap(title, area, severity, source);
    gap.evidence = evidence;
    gap.owner = owner.unwrap_or(gap.owner);
    gap.next_action = next_action.unwrap_or(gap.next_action);
    gap.status = status.unwrap_or(gap.status);
    gap
}
