//! The arguments of `feedback-intake-check`, and those of every operator's verb that asks a forge.

use std::path::PathBuf;

use clap::Args;

use crate::app::feedback::Request;
use crate::app::forge_access::ForgeChoice;
use crate::model::{RepoSlug, Timestamp};

use super::FormArg;

/// Which forge is asked.
#[derive(Debug, Args)]
pub struct ForgeArgs {
    /// The forge; without it, inside a workflow, its own
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// A repository; may be repeated; without it, inside a workflow, its own
    #[arg(long = "repo", value_name = "OWNER/NAME")]
    repos: Vec<RepoSlug>,
}

impl From<ForgeArgs> for ForgeChoice {
    fn from(args: ForgeArgs) -> Self {
        Self { server: args.server, repos: args.repos }
    }
}

#[derive(Debug, Args)]
pub struct FeedbackArgs {
    /// An incident log in Markdown; may be repeated
    #[arg(long, value_name = "FILE")]
    incidents: Vec<PathBuf>,
    /// Operator notes in Markdown; may be repeated
    #[arg(long, value_name = "FILE")]
    notes: Vec<PathBuf>,
    /// A repair packet, or a folder a gate wrote its results to; may be repeated
    #[arg(long = "packet", value_name = "FILE")]
    packets: Vec<PathBuf>,
    /// A repository whose history is looked through for reverts
    #[arg(long, value_name = "DIR")]
    git: Option<PathBuf>,
    /// Read failed runs, reverts and the packets of open pull requests from the forge
    #[arg(long)]
    from_forge: bool,
    #[command(flatten)]
    forge: ForgeArgs,
    /// The policy whose `[feedback]` holds the thresholds; without one the default path where it is there
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// How many issues may be opened; none unless told
    #[arg(long, value_name = "N", default_value_t = 0)]
    allow_issues: u64,
    /// The time it is made for
    #[arg(long, value_name = "RFC3339")]
    now: Option<Timestamp>,
    #[command(flatten)]
    form: FormArg,
}

impl From<FeedbackArgs> for Request {
    fn from(args: FeedbackArgs) -> Self {
        Self {
            policy: args.policy,
            incidents: args.incidents,
            notes: args.notes,
            packets: args.packets,
            git: args.git,
            from_forge: args.from_forge,
            forge: args.forge.into(),
            allow_issues: args.allow_issues,
            now: args.now,
            form: args.form.format.into(),
        }
    }
}
