//! The command line: clap and nothing else. Arguments become the requests of `app`, which know no clap.

mod window;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::app::record::{RecordRequest, ReportRequest};
use crate::app::{
    Command, OutputForm, accept, explain, gate, inspect, one_gate, policy, runtime_repair_check, schema,
};
use crate::error::{EXIT_USAGE, Failure};
use crate::evidence::Format;
use crate::gate::GateKind;
use crate::model::{CommitSha, EvidenceId, GateId, PullNumber, RepoSlug, Span, Timestamp};
use crate::policy::DEFAULT_PATH;

#[derive(Debug, Parser)]
#[command(
    name = "patchwarden",
    version,
    about = "A merge-evidence gate that lives wholly inside Forgejo Actions",
    after_help = "Example:\n  patchwarden gate --evidence artifacts --head \"$(git rev-parse HEAD)\" --policy .forgejo/patchwarden.toml",
    disable_help_subcommand = true
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Judge the evidence for a head commit
    #[command(
        after_help = "Example:\n  patchwarden gate --evidence artifacts --head \"$(git rev-parse HEAD)\"\n\nExit codes: 0 pass, 10 needs_human, 11 blocked, 12 unmeasured, 3 policy, 4 context, 5 output."
    )]
    Gate(GateArgs),
    /// Run a command and tie its report to the commit, the exit code and the times
    #[command(
        after_help = "Example:\n  patchwarden record --id unit --format junit --report junit.xml --out artifact -- pytest --junitxml=junit.xml\n\nThe exit code is the command's own; 124 timeout, 127 not found, 128+n signal n, 5 not recorded."
    )]
    Record(RecordArgs),
    /// Check whether what one repair entry asks for now holds
    #[command(
        after_help = "Example:\n  patchwarden accept --instruction repair_instruction.json --entry 1f3c9ab2 --policy .forgejo/patchwarden.toml --evidence artifacts --head \"$(git rev-parse HEAD)\"\n\nExit codes: 0 holds, 11 does not, 12 could not tell."
    )]
    Accept(AcceptArgs),
    /// Explain a code, or why a gate of a report decided as it did
    #[command(
        after_help = "Examples:\n  patchwarden explain tests.flaky\n  patchwarden explain --report patchwarden-out/gate_report.json unit"
    )]
    Explain(ExplainArgs),
    /// What a report is, what it measured, which traps it shows, which commit it is bound to
    #[command(after_help = "Example:\n  patchwarden inspect junit.xml artifacts/lint.zip")]
    Inspect(InspectArgs),
    /// Keep the ledger of what is still missing
    #[command(after_help = "Example:\n  patchwarden gaps list --open")]
    Gaps(window::GapsArgs),
    /// Rolling rates from event logs, and the thresholds they crossed
    #[command(
        after_help = "Examples:\n  patchwarden metrics events.ndjson\n  patchwarden metrics --format events events/ >> events/crossings.ndjson\n\nA rate is undefined until its window is full, and unmeasured where a line in it could not be read."
    )]
    Metrics(window::MetricsArgs),
    /// Who of the review lanes approves the head, and who is still wanted
    #[command(
        after_help = "Example:\n  patchwarden review-quorum --policy .forgejo/patchwarden.toml --evidence artifacts --pull pull_facts.json\n\nExit codes: 0 pass, 10 needs_human, 11 blocked, 12 unmeasured."
    )]
    ReviewQuorum(OneGateArgs),
    /// Whether a pull request keeps its promises: sections, labels, linked issue, title, size
    #[command(
        after_help = "Example:\n  patchwarden contract-check --policy .forgejo/patchwarden.toml --pull pull_facts.json\n\nExit codes: 0 pass, 11 blocked, 12 unmeasured."
    )]
    ContractCheck(OneGateArgs),
    /// Whether a judge's record still matches what it judged
    #[command(
        after_help = "Example:\n  patchwarden judge-check --policy .forgejo/patchwarden.toml --pull pull_facts.json\n\nExit codes: 0 pass, 10 needs_human, 11 blocked, 12 unmeasured."
    )]
    JudgeCheck(OneGateArgs),
    /// Whether a bundle of runtime evidence makes its repair class eligible for a dry run
    #[command(
        after_help = "Example:\n  patchwarden runtime-repair-check --bundle bundle --class deploy_drift_probe\n\nExit codes: 0 eligible_repair_dry_run, 10 needs_human, 11 blocked."
    )]
    RuntimeRepairCheck(RuntimeRepairArgs),
    /// Propose, check or show a policy
    #[command(subcommand, after_help = "Example:\n  patchwarden policy init --evidence artifacts --write")]
    Policy(PolicyVerb),
    /// List, show and validate the documents others rely on, and their JSON Schemas
    #[command(
        subcommand,
        after_help = "Example:\n  patchwarden schema validate patchwarden-out/gate_report.json"
    )]
    Schema(SchemaVerb),
    /// The operator's status, as text, JSON or a static page
    #[command(
        after_help = "Examples:\n  patchwarden status\n  patchwarden status --format html --result patchwarden-out --log events.ndjson --out status.html"
    )]
    Status(window::StatusArgs),
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Form {
    Text,
    Json,
}

impl From<Form> for OutputForm {
    fn from(form: Form) -> Self {
        match form {
            Form::Text => Self::Text,
            Form::Json => Self::Json,
        }
    }
}

#[derive(Debug, Args)]
struct FormArg {
    /// The form of what is printed
    #[arg(long, value_enum, default_value = "text")]
    format: Form,
}

/// Whose artifacts are judged.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum FromArg {
    /// Those of the run this step belongs to
    ThisRun,
}

#[derive(Debug, Args)]
struct GateArgs {
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
    /// Inside a workflow: whose artifacts are judged
    #[arg(long, value_enum, default_value = "this-run")]
    from: FromArg,
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

#[derive(Debug, Args)]
struct OneGateArgs {
    /// The policy
    #[arg(long, value_name = "FILE", default_value = DEFAULT_PATH)]
    policy: PathBuf,
    /// Which gate, where the policy has several of the kind
    #[arg(long, value_name = "ID")]
    gate: Option<GateId>,
    /// The folder whose sub-folders and .zip files are artifacts
    #[arg(long, value_name = "DIR")]
    evidence: Option<PathBuf>,
    /// What the forge says of the pull request: `patchwarden.pull_facts.v1`
    #[arg(long, value_name = "FILE")]
    pull: Option<PathBuf>,
    /// The full id of the head, where no facts name it
    #[arg(long, value_name = "SHA")]
    head: Option<CommitSha>,
    /// The time the judgement is made for
    #[arg(long, value_name = "RFC3339")]
    now: Option<Timestamp>,
    #[command(flatten)]
    form: FormArg,
}

#[derive(Debug, Args)]
struct RuntimeRepairArgs {
    /// The folder of evidence
    #[arg(long, value_name = "DIR")]
    bundle: PathBuf,
    /// The repair class it is judged under
    #[arg(long, value_name = "ID")]
    class: String,
    /// A file of repair classes in place of the built-in ones
    #[arg(long, value_name = "FILE")]
    classes: Option<PathBuf>,
    /// The time the judgement is made for
    #[arg(long, value_name = "RFC3339")]
    now: Option<Timestamp>,
    #[command(flatten)]
    form: FormArg,
}

#[derive(Debug, Args)]
struct RecordArgs {
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
    /// The command with its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// The help of `record --format`, so that no list of formats is kept by hand.
fn formats() -> String {
    let names: Vec<&str> = Format::ALL.iter().map(|format| format.as_str()).collect();
    format!("The evidence format of the report: {}", names.join(", "))
}

#[derive(Debug, Args)]
struct AcceptArgs {
    /// The packet
    #[arg(long, value_name = "FILE")]
    instruction: PathBuf,
    /// The entry's key, or at least its first eight digits
    #[arg(long, value_name = "KEY")]
    entry: String,
    /// The policy the packet was made by
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// The folder whose sub-folders and .zip files are artifacts
    #[arg(long, value_name = "DIR")]
    evidence: PathBuf,
    /// The full id of the commit the evidence is for
    #[arg(long, value_name = "SHA")]
    head: String,
    /// The time the judgement is made for
    #[arg(long, value_name = "RFC3339")]
    now: Option<Timestamp>,
    #[command(flatten)]
    form: FormArg,
}

#[derive(Debug, Args)]
struct ExplainArgs {
    /// A code, or with --report a gate
    #[arg(value_name = "CODE|GATE")]
    subject: String,
    /// The report the gate is in
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    #[command(flatten)]
    form: FormArg,
}

#[derive(Debug, Args)]
struct InspectArgs {
    /// Reports, zips or folders
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Read them as this format instead of deciding by content
    #[arg(long = "as", value_name = "FORMAT")]
    read_as: Option<Format>,
    #[command(flatten)]
    form: FormArg,
}

#[derive(Debug, Subcommand)]
enum PolicyVerb {
    /// Propose a policy for a folder of evidence, or one to start from
    #[command(after_help = "Example:\n  patchwarden policy init --evidence artifacts --write")]
    Init {
        /// The folder whose sub-folders and .zip files are artifacts
        #[arg(long, value_name = "DIR")]
        evidence: Option<PathBuf>,
        /// Write it instead of printing it
        #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = DEFAULT_PATH)]
        write: Option<PathBuf>,
    },
    /// Say everything that is wrong with a policy
    #[command(after_help = "Example:\n  patchwarden policy check .forgejo/patchwarden.toml")]
    Check {
        /// The policy
        #[arg(value_name = "FILE", default_value = DEFAULT_PATH)]
        file: PathBuf,
        #[command(flatten)]
        form: FormArg,
    },
    /// Show a policy with every default filled in
    #[command(after_help = "Example:\n  patchwarden policy show .forgejo/patchwarden.toml")]
    Show {
        /// The policy
        #[arg(value_name = "FILE", default_value = DEFAULT_PATH)]
        file: PathBuf,
        #[command(flatten)]
        form: FormArg,
    },
    /// Print the policy's JSON Schema
    #[command(after_help = "Example:\n  patchwarden policy schema > patchwarden.schema.json")]
    Schema,
}

#[derive(Debug, Subcommand)]
enum SchemaVerb {
    /// List every contract
    #[command(after_help = "Example:\n  patchwarden schema list")]
    List {
        #[command(flatten)]
        form: FormArg,
    },
    /// Print a contract's JSON Schema
    #[command(after_help = "Example:\n  patchwarden schema show patchwarden.gate_report.v1")]
    Show {
        /// The contract
        name: String,
    },
    /// Validate a document against its contract
    #[command(after_help = "Example:\n  patchwarden schema validate patchwarden-out/gate_report.json")]
    Validate {
        /// The document
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The contract, where the document does not name it
        #[arg(long = "as", value_name = "NAME")]
        name: Option<String>,
        #[command(flatten)]
        form: FormArg,
    },
}

/// What the arguments ask for.
#[derive(Debug)]
pub enum Parsed {
    /// Run this.
    Run(Box<Command>),
    /// Help or the version was asked for: print this.
    Show(String),
}

/// Reads the arguments, the program's name first.
///
/// # Errors
/// Exit 2, with clap's own words.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Parsed, Failure> {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) if !error.use_stderr() => return Ok(Parsed::Show(error.render().to_string())),
        Err(error) => {
            let words = error.render().to_string();
            let words = words.strip_prefix("error: ").unwrap_or(&words).trim_end();
            return Err(Failure::new(EXIT_USAGE, words));
        }
    };
    command(cli.verb).map(|command| Parsed::Run(Box::new(command)))
}

fn command(verb: Verb) -> Result<Command, Failure> {
    Ok(match verb {
        Verb::Gate(args) => Command::Gate(gate_request(args)?),
        Verb::Record(args) => Command::Record(record_request(args)?),
        Verb::Accept(args) => Command::Accept(accept_request(args)),
        Verb::Explain(args) => {
            let form = args.form.format.into();
            Command::Explain(match args.report {
                Some(report) => explain::Request::Gate { report, gate: args.subject, form },
                None => explain::Request::Code { code: args.subject, form },
            })
        }
        Verb::Inspect(args) => {
            let InspectArgs { files, read_as, form } = args;
            Command::Inspect(inspect::Request { files, format: read_as, form: form.format.into() })
        }
        Verb::Gaps(args) => Command::Gaps(args.into()),
        Verb::Metrics(args) => Command::Metrics(args.into()),
        Verb::ReviewQuorum(args) => Command::OneGate(one_gate_request(GateKind::ReviewQuorum, args)),
        Verb::ContractCheck(args) => Command::OneGate(one_gate_request(GateKind::Contract, args)),
        Verb::JudgeCheck(args) => Command::OneGate(one_gate_request(GateKind::Judge, args)),
        Verb::RuntimeRepairCheck(args) => Command::RuntimeRepairCheck(runtime_repair_request(args)),
        Verb::Policy(verb) => Command::Policy(match verb {
            PolicyVerb::Init { evidence, write } => policy::Request::Init { evidence, write },
            PolicyVerb::Check { file, form } => policy::Request::Check { file, form: form.format.into() },
            PolicyVerb::Show { file, form } => policy::Request::Show { file, form: form.format.into() },
            PolicyVerb::Schema => policy::Request::Schema,
        }),
        Verb::Status(args) => Command::Status(args.into()),
        Verb::Schema(verb) => Command::Schema(match verb {
            SchemaVerb::List { form } => schema::Request::List { form: form.format.into() },
            SchemaVerb::Show { name } => schema::Request::Show { name },
            SchemaVerb::Validate { file, name, form } => {
                schema::Request::Validate { file, name, form: form.format.into() }
            }
        }),
    })
}

fn gate_request(args: GateArgs) -> Result<gate::Request, Failure> {
    let GateArgs {
        evidence,
        head,
        base,
        repo,
        pull,
        policy,
        facts,
        diff,
        from: FromArg::ThisRun,
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
        commit_status,
        comment,
    })))
}

fn one_gate_request(kind: GateKind, args: OneGateArgs) -> one_gate::Request {
    let OneGateArgs { policy, gate, evidence, pull, head, now, form } = args;
    one_gate::Request { kind, policy, gate, evidence, pull, head, now, form: form.format.into() }
}

fn runtime_repair_request(args: RuntimeRepairArgs) -> runtime_repair_check::Request {
    let RuntimeRepairArgs { bundle, class, classes, now, form } = args;
    runtime_repair_check::Request { bundle, class, classes, now, form: form.format.into() }
}

fn record_request(args: RecordArgs) -> Result<RecordRequest, Failure> {
    let RecordArgs { id, format, report, tool, tool_version, input, head, timeout, out, command } = args;
    let reports = ReportRequest::of_arguments(id, format, &report)
        .map_err(|error| Failure::usage("the command was not run").caused_by(error))?;
    Ok(RecordRequest {
        directory: PathBuf::from("."),
        reports,
        tool,
        tool_version,
        inputs: input,
        head,
        timeout: timeout.map(|span| Duration::from_secs(span.seconds())),
        out,
        command,
    })
}

fn accept_request(args: AcceptArgs) -> accept::Request {
    let AcceptArgs { instruction, entry, policy, evidence, head, now, form } = args;
    accept::Request { instruction, entry, policy, evidence, head, now, form: form.format.into() }
}
