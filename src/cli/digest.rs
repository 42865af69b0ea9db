//! The arguments of `digest`. Part of the command line; clap and nothing else.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::app::digest::{Act, Outputs, Request, WindowRequest};
use crate::digest::{FileStem, IsoWeek};
use crate::error::Failure;
use crate::model::Timestamp;

use super::FormArg;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, flatten_help = false)]
pub struct DigestArgs {
    #[command(subcommand)]
    verb: Option<DigestVerb>,
    #[command(flatten)]
    whole: WholeArgs,
}

#[derive(Debug, Args)]
struct WholeArgs {
    /// Read this folder of downloads, [WEEK/][OWNER/NAME/][RUN/]ARTIFACT, and ask no forge
    #[arg(long, value_name = "DIR")]
    artifacts_dir: Option<PathBuf>,
    #[command(flatten)]
    window: WindowArgs,
    /// Only artifacts whose name fits this pattern; may be repeated
    #[arg(long = "artifact", value_name = "GLOB")]
    artifacts: Vec<String>,
    #[command(flatten)]
    outputs: OutputArgs,
    #[command(flatten)]
    form: FormArg,
}

#[derive(Debug, Subcommand)]
enum DigestVerb {
    /// Join partials of a matrix into one digest
    #[command(after_help = "Example:\n  patchwarden digest merge partials/*.ndjson --out digest")]
    Merge {
        /// The partials, or the rows of digests over the same time
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        #[command(flatten)]
        outputs: OutputArgs,
        #[command(flatten)]
        form: FormArg,
    },
}

#[derive(Debug, Args)]
struct WindowArgs {
    /// The ISO week the digest is about; without one the week of --now
    #[arg(long, value_name = "YYYY-Www")]
    week: Option<IsoWeek>,
    /// How many weeks are read, that one included: trends compare with the ones before
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=104))]
    weeks: u16,
    /// Read from here on instead of whole weeks
    #[arg(long, value_name = "RFC3339")]
    since: Option<Timestamp>,
    /// Read up to here, this moment left out
    #[arg(long, value_name = "RFC3339")]
    until: Option<Timestamp>,
    /// The time the digest is made at
    #[arg(long, value_name = "RFC3339")]
    now: Option<Timestamp>,
}

#[derive(Debug, Args)]
struct OutputArgs {
    /// Where the digest is written
    #[arg(long, value_name = "DIR", default_value = "patchwarden-digest")]
    out: PathBuf,
    /// The name of its files; YYYY, Www and WW stand for ISO year and week
    #[arg(long, value_name = "NAME", default_value = FileStem::DEFAULT)]
    name: String,
}

impl From<WindowArgs> for WindowRequest {
    fn from(args: WindowArgs) -> Self {
        let WindowArgs { week, weeks, since, until, now } = args;
        Self { week, weeks, since, until, now }
    }
}

impl From<OutputArgs> for Outputs {
    fn from(args: OutputArgs) -> Self {
        Self { folder: args.out, name: args.name }
    }
}

/// # Errors
/// Exit 2 where nothing says what is to be read.
pub(super) fn digest_request(args: DigestArgs) -> Result<Request, Failure> {
    match args.verb {
        Some(DigestVerb::Merge { files, outputs, form }) => {
            Ok(Request { act: Act::Merge { files, outputs: outputs.into() }, form: form.format.into() })
        }
        None => {
            let WholeArgs { artifacts_dir, window, artifacts, outputs, form } = args.whole;
            let folder = artifacts_dir.ok_or_else(|| {
                Failure::usage("no digest was made").caused_by("nothing says what is to be read")
            })?;
            let (window, outputs) = (window.into(), outputs.into());
            let act = Act::Folder { folder, window, artifacts, outputs };
            Ok(Request { act, form: form.format.into() })
        }
    }
}
