//! The command line: clap and nothing else. Arguments become the requests of `app`, which know no clap.
//! Verbs are deferred: the arguments of one are built when it is named, not those of all at every start.

mod audit;
mod digest;
mod feedback;
mod forge;
mod gate;
mod loop_verbs;
mod people;
mod record;
mod window;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::app::{Command, OutputForm, accept, explain, inspect, policy, schema};
use crate::error::{EXIT_USAGE, Failure};
use crate::evidence::Format;
use crate::gate::GateKind;
use crate::model::Timestamp;
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
#[command(defer = true)]
enum Verb {
    /// Judge the evidence for a head commit
    #[command(
        after_help = "Example:\n  patchwarden gate --evidence artifacts --head \"$(git rev-parse HEAD)\"\n\nExit codes: 0 pass, 10 needs_human, 11 blocked, 12 unmeasured, 3 policy, 4 context, 5 output."
    )]
    Gate(gate::GateArgs),
    /// Run a command and tie its report to the commit, the exit code and the times
    #[command(
        after_help = "Example:\n  patchwarden record --id unit --format junit --report junit.xml --out artifact -- pytest --junitxml=junit.xml\n\nThe exit code is the command's own; 124 timeout, 127 not found, 128+n signal n, 5 not recorded."
    )]
    Record(record::RecordArgs),
    /// Check whether what one repair entry asks for now holds
    #[command(
        after_help = "Example:\n  patchwarden accept --instruction repair_instruction.json --entry 1f3c9ab2 --policy .forgejo/patchwarden.toml --evidence artifacts --head \"$(git rev-parse HEAD)\"\n\nExit codes: 0 holds, 11 does not, 12 could not tell."
    )]
    Accept(AcceptArgs),
    /// Turn a verdict that exists already into a repair packet
    #[command(
        after_help = "Examples:\n  patchwarden repair gate_report.json --head \"$(git rev-parse HEAD)\" --policy .forgejo/patchwarden.toml --out repair_instruction.json\n  patchwarden repair suggestions.sarif --head \"$(git rev-parse HEAD)\"\n\nExit codes: 0 a packet was made; 2 no verdict, 3 another policy, 4 stale or of another head: nothing is written."
    )]
    Repair(loop_verbs::RepairArgs),
    /// Judge a captured bundle again, offline, and compare byte for byte
    #[command(
        after_help = "Example:\n  patchwarden gate --evidence artifacts --head \"$(git rev-parse HEAD)\" --capture judgement.zip\n  patchwarden replay judgement.zip\n\nExit codes: 0 identical, 13 different."
    )]
    Replay(loop_verbs::ReplayArgs),
    /// Show a gate's report in another form: SARIF, JUnit, in-toto, OpenMetrics
    #[command(
        after_help = "Example:\n  patchwarden render --from patchwarden-out/gate_report.json sarif --out gate.sarif"
    )]
    Render(loop_verbs::RenderArgs),
    /// List, download or upload artifacts of this run, without Node
    #[command(
        subcommand,
        after_help = "Examples:\n  patchwarden artifact list\n  patchwarden artifact download unit-tests --out unit-tests"
    )]
    Artifact(forge::ArtifactVerb),
    /// Show what this server, runner and token can do, and what that costs the promises
    #[command(
        after_help = "Examples:\n  patchwarden doctor\n  PATCHWARDEN_TOKEN=… patchwarden doctor --server https://forge.example --repo owner/name\n\nOnly reads. The exit code is 0 unless the forge could not be asked."
    )]
    Doctor(forge::DoctorArgs),
    /// What got through: merged pull requests held against what stood behind their green contexts
    #[command(
        after_help = "Examples:\n  patchwarden audit --since 7d\n  patchwarden audit --server https://forge.example --repo owner/name --format sarif > audit.sarif\n  patchwarden gaps import audit.sarif\n  patchwarden audit --format json > audit.json && patchwarden status --audit audit.json\n\nOnly reads. The exit code is 0 unless the forge could not be asked; findings are in the result."
    )]
    Audit(audit::AuditArgs),
    /// Explain a code, or why a gate of a report decided as it did
    #[command(
        after_help = "Examples:\n  patchwarden explain tests.flaky\n  patchwarden explain --report patchwarden-out/gate_report.json unit"
    )]
    Explain(ExplainArgs),
    /// What a report is, what it measured, which traps it shows, which commit it is bound to
    #[command(after_help = "Example:\n  patchwarden inspect junit.xml artifacts/lint.zip")]
    Inspect(InspectArgs),
    /// Hold signals from after the merge against thresholds, and propose follow-up work
    #[command(
        after_help = "Example:\n  patchwarden feedback-intake-check --incidents INCIDENTS.md --notes NOTES.md --git .\n\nNothing is written unless --allow-issues says how many issues may be opened."
    )]
    FeedbackIntakeCheck(feedback::FeedbackArgs),
    /// Keep the ledger of what is still missing
    #[command(after_help = "Example:\n  patchwarden gaps list --open")]
    Gaps(window::GapsArgs),
    /// Rolling rates from event logs, and the thresholds they crossed
    #[command(
        after_help = "Examples:\n  patchwarden metrics events.ndjson\n  patchwarden metrics --format events events/ >> events/crossings.ndjson\n  patchwarden metrics --from-forge --server https://forge.example --repo owner/name\n\nA rate is undefined until its window is full, and unmeasured where a line in it could not be read."
    )]
    Metrics(window::MetricsArgs),
    /// The weekly digest of the evidence of many repositories
    #[command(
        after_help = "Examples:\n  patchwarden digest --org acme --cache digest-cache --out digest\n  patchwarden digest --artifacts-dir downloads --week 2026-W47 --out digest\n  patchwarden digest merge partials/*.ndjson --out digest"
    )]
    Digest(Box<digest::DigestArgs>),
    /// Who of the review lanes approves the head, and who is still wanted
    #[command(
        after_help = "Example:\n  patchwarden review-quorum --policy .forgejo/patchwarden.toml --evidence artifacts --facts pull_facts.json\n\nExit codes: 0 pass, 10 needs_human, 11 blocked, 12 unmeasured."
    )]
    ReviewQuorum(people::OneGateArgs),
    /// Whether a pull request keeps its promises: sections, labels, linked issue, title, size
    #[command(
        after_help = "Example:\n  patchwarden contract-check --policy .forgejo/patchwarden.toml --facts pull_facts.json\n\nExit codes: 0 pass, 11 blocked, 12 unmeasured."
    )]
    ContractCheck(people::OneGateArgs),
    /// Whether a judge's record still matches what it judged
    #[command(
        after_help = "Example:\n  patchwarden judge-check --policy .forgejo/patchwarden.toml --facts pull_facts.json\n\nExit codes: 0 pass, 10 needs_human, 11 blocked, 12 unmeasured."
    )]
    JudgeCheck(people::OneGateArgs),
    /// Whether a bundle of runtime evidence makes its repair class eligible for a dry run
    #[command(
        after_help = "Example:\n  patchwarden runtime-repair-check --bundle bundle --class deploy_drift_probe\n\nExit codes: 0 eligible_repair_dry_run, 10 needs_human, 11 blocked."
    )]
    RuntimeRepairCheck(people::RuntimeRepairArgs),
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
        after_help = "Examples:\n  patchwarden status\n  patchwarden status --format html --result patchwarden-out --log events.ndjson --out status.html\n  patchwarden status --live --format html --server https://forge.example --repo owner/name --out live.html\n  patchwarden status --live --watch 127.0.0.1:8080 --server https://forge.example --repo owner/name"
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
#[command(defer = true)]
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
    /// Say everything that is wrong with a policy, and with the workflow that holds the gate
    #[command(
        after_help = "Examples:\n  patchwarden policy check .forgejo/patchwarden.toml\n  patchwarden policy check --workflow .forgejo/workflows/ci.yml --required-context 'ci / gate (pull_request)'"
    )]
    Check {
        /// The policy; with `--workflow` it may be left out
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
        /// The workflow file that holds the gate
        #[arg(long, value_name = "FILE")]
        workflow: Option<PathBuf>,
        /// The gate's job, where its step does not show it
        #[arg(long, value_name = "ID", requires = "workflow")]
        job: Option<String>,
        /// A status context that branch protection requires; may be repeated
        #[arg(long, value_name = "CONTEXT")]
        required_context: Vec<String>,
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
#[command(defer = true)]
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
        Verb::Gate(args) => Command::Gate(gate::gate_request(args)?),
        Verb::Record(args) => Command::Record(record::record_request(args)?),
        Verb::Audit(args) => Command::Audit(args.into()),
        Verb::Accept(args) => Command::Accept(accept_request(args)),
        Verb::Repair(args) => Command::Repair(args.into()),
        Verb::Replay(args) => Command::Replay(args.into()),
        Verb::Render(args) => Command::Render(args.into()),
        Verb::Artifact(verb) => Command::Artifact(verb.into()),
        Verb::Doctor(args) => Command::Doctor(args.into()),
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
        Verb::FeedbackIntakeCheck(args) => Command::Feedback(args.into()),
        Verb::Gaps(args) => Command::Gaps(args.into()),
        Verb::Metrics(args) => Command::Metrics(args.into()),
        Verb::Digest(args) => Command::Digest(Box::new(digest::digest_request(*args))),
        Verb::ReviewQuorum(args) => Command::OneGate(people::one_gate_request(GateKind::ReviewQuorum, args)),
        Verb::ContractCheck(args) => Command::OneGate(people::one_gate_request(GateKind::Contract, args)),
        Verb::JudgeCheck(args) => Command::OneGate(people::one_gate_request(GateKind::Judge, args)),
        Verb::RuntimeRepairCheck(args) => Command::RuntimeRepairCheck(people::runtime_repair_request(args)),
        Verb::Policy(verb) => Command::Policy(match verb {
            PolicyVerb::Init { evidence, write } => policy::Request::Init { evidence, write },
            PolicyVerb::Check { file, workflow, job, required_context, form } => {
                policy::Request::Check(policy::Check {
                    file,
                    workflow,
                    job,
                    required_contexts: required_context,
                    form: form.format.into(),
                })
            }
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

fn accept_request(args: AcceptArgs) -> accept::Request {
    let AcceptArgs { instruction, entry, policy, evidence, head, now, form } = args;
    accept::Request { instruction, entry, policy, evidence, head, now, form: form.format.into() }
}
