//! The arguments of the verbs that speak to the forge without judging. Part of the command line; clap and nothing else.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::app::{artifact, doctor};
use crate::forge::Protocol;
use crate::model::{ArtifactName, RepoSlug};
use crate::policy::DEFAULT_PATH;

use super::FormArg;

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum ProtocolArg {
    V3,
    V4,
}

#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(super) enum ArtifactVerb {
    /// List the artifacts of this run
    #[command(after_help = "Example:\n  patchwarden artifact list --format json")]
    List {
        #[command(flatten)]
        form: FormArg,
    },
    /// Download an artifact of this run
    #[command(after_help = "Example:\n  patchwarden artifact download unit-tests --out unit-tests")]
    Download {
        /// The artifact's name
        name: ArtifactName,
        /// The folder it becomes, not there yet or empty
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        #[command(flatten)]
        form: FormArg,
    },
    /// Upload a folder or a file as an artifact of this run
    #[command(after_help = "Example:\n  patchwarden artifact upload unit-tests reports")]
    Upload {
        /// The artifact's name
        name: ArtifactName,
        /// The folder that becomes the artifact's root, or a file
        path: PathBuf,
        /// How; v3 for consumers that know nothing else
        #[arg(long, value_enum, default_value = "v4")]
        protocol: ProtocolArg,
        #[command(flatten)]
        form: FormArg,
    },
}

impl From<ArtifactVerb> for artifact::Request {
    fn from(verb: ArtifactVerb) -> Self {
        match verb {
            ArtifactVerb::List { form } => Self::List { form: form.format.into() },
            ArtifactVerb::Download { name, out, form } => {
                Self::Download { name, out, form: form.format.into() }
            }
            ArtifactVerb::Upload { name, path, protocol, form } => {
                let protocol = match protocol {
                    ProtocolArg::V3 => Protocol::V3,
                    ProtocolArg::V4 => Protocol::V4,
                };
                Self::Upload { name, path, protocol, form: form.format.into() }
            }
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// Outside a workflow: the forge, such as `https://forge.example`
    #[arg(long, value_name = "URL", requires = "repo")]
    server: Option<String>,
    /// Outside a workflow: the repository
    #[arg(long, value_name = "OWNER/NAME", requires = "server")]
    repo: Option<RepoSlug>,
    /// The branch whose protection is looked at; default is the base, else the default branch
    #[arg(long, value_name = "NAME")]
    branch: Option<String>,
    /// The policy's path in the repository
    #[arg(long, value_name = "FILE", default_value = DEFAULT_PATH)]
    policy: String,
    #[command(flatten)]
    form: FormArg,
}

impl From<DoctorArgs> for doctor::Request {
    fn from(args: DoctorArgs) -> Self {
        let DoctorArgs { server, repo, branch, policy, form } = args;
        Self { outside: server.zip(repo), branch, policy, form: form.format.into() }
    }
}
