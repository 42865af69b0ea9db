//! The arguments of the verbs that judge one gate of people, promises or runtimes over files.
//! They all take the same: a policy, evidence, and what the forge says of the pull request.

use std::path::PathBuf;

use clap::Args;

use crate::app::{one_gate, runtime_repair_check};
use crate::gate::GateKind;
use crate::model::{CommitSha, GateId, Timestamp};
use crate::policy::DEFAULT_PATH;

use super::FormArg;

#[derive(Debug, Args)]
pub(super) struct OneGateArgs {
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
    facts: Option<PathBuf>,
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
pub(super) struct RuntimeRepairArgs {
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

pub(super) fn one_gate_request(kind: GateKind, args: OneGateArgs) -> one_gate::Request {
    let OneGateArgs { policy, gate, evidence, facts, head, now, form } = args;
    one_gate::Request { kind, policy, gate, evidence, facts, head, now, form: form.format.into() }
}

pub(super) fn runtime_repair_request(args: RuntimeRepairArgs) -> runtime_repair_check::Request {
    let RuntimeRepairArgs { bundle, class, classes, now, form } = args;
    runtime_repair_check::Request { bundle, class, classes, now, form: form.format.into() }
}
