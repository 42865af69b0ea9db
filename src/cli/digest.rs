//! The arguments of `digest`. Part of the command line; clap and nothing else.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::app::digest::{Act, Collect, Origin, Outputs, Post, Reading, Request, Sources, WindowRequest};
use crate::context::ServerUrl;
use crate::digest::{FileStem, IsoWeek, Shard};
use crate::model::{RepoSlug, Timestamp};

use super::FormArg;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct DigestArgs {
    #[command(subcommand)]
    verb: Option<DigestVerb>,
    #[command(flatten)]
    whole: WholeArgs,
}

#[derive(Debug, Args)]
struct WholeArgs {
    #[command(flatten)]
    reading: ReadingArgs,
    #[command(flatten)]
    outputs: OutputArgs,
    #[command(flatten)]
    post: PostArgs,
    #[command(flatten)]
    server: ServerArg,
    #[command(flatten)]
    form: FormArg,
}

#[derive(Debug, Subcommand)]
#[command(defer = true)]
enum DigestVerb {
    /// Print the matrix of jobs that share the work, for `strategy.matrix`
    #[command(after_help = "Example:\n  patchwarden digest plan --org acme --shards 4")]
    Plan {
        #[command(flatten)]
        sources: SourceArgs,
        #[command(flatten)]
        server: ServerArg,
        /// At most so many jobs
        #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=256))]
        shards: u32,
    },
    /// Read one shard, write its rows, and print the path of the file
    #[command(after_help = "Example:\n  patchwarden digest collect --org acme --shard 2/4 --out partials")]
    Collect {
        #[command(flatten)]
        reading: ReadingArgs,
        #[command(flatten)]
        server: ServerArg,
        /// Which of how many parts is read
        #[arg(long, value_name = "I/N")]
        shard: Option<Shard>,
        /// The folder of the file
        #[arg(long, value_name = "DIR", default_value = "patchwarden-digest")]
        out: PathBuf,
    },
    /// Join partials of a matrix into one digest
    #[command(after_help = "Example:\n  patchwarden digest merge partials/*.ndjson --out digest")]
    Merge {
        /// The partials, or the rows of digests over the same time
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        #[command(flatten)]
        outputs: OutputArgs,
        #[command(flatten)]
        post: PostArgs,
        #[command(flatten)]
        server: ServerArg,
        #[command(flatten)]
        form: FormArg,
    },
}

#[derive(Debug, Args)]
struct ReadingArgs {
    /// Read this folder of downloads, laid out as `[WEEK/][OWNER/NAME/][RUN/]ARTIFACT`, and ask no forge
    #[arg(long, value_name = "DIR", conflicts_with_all = ["repo", "repos_from", "org", "topic", "cache", "dry_run"])]
    artifacts_dir: Option<PathBuf>,
    #[command(flatten)]
    sources: SourceArgs,
    #[command(flatten)]
    window: WindowArgs,
    /// Only artifacts whose name fits this pattern; may be repeated
    #[arg(long = "artifact", value_name = "GLOB")]
    artifacts: Vec<String>,
    /// Keep what was fetched here, and fetch only what is new
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Ask nobody: read the cache alone
    #[arg(long, requires = "cache")]
    offline: bool,
    /// Only list, and say how many requests and bytes reading would take
    #[arg(long)]
    dry_run: bool,
    /// Requests under way at once
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=32))]
    concurrency: u8,
}

#[derive(Debug, Args)]
struct SourceArgs {
    /// Read this repository; may be repeated. Inside a workflow its own where nothing is named
    #[arg(long, value_name = "OWNER/NAME")]
    repo: Vec<RepoSlug>,
    /// Read the repositories this file lists, one a line
    #[arg(long, value_name = "FILE")]
    repos_from: Vec<PathBuf>,
    /// Read the repositories of this organisation or person
    #[arg(long, value_name = "NAME")]
    org: Vec<String>,
    /// Read the repositories that carry this topic
    #[arg(long, value_name = "TOPIC")]
    topic: Vec<String>,
}

#[derive(Debug, Args)]
struct ServerArg {
    /// The forge; inside a workflow its own. A personal token comes from the variable PATCHWARDEN_TOKEN
    #[arg(long, value_name = "URL", value_parser = |text: &str| text.parse::<ServerUrl>())]
    server: Option<ServerUrl>,
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

#[derive(Debug, Args)]
struct PostArgs {
    /// Post the digest as a comment on the one open issue of this repository that carries --label
    #[arg(long, value_name = "OWNER/REPO", requires = "label")]
    post_to: Option<RepoSlug>,
    /// The label of that issue
    #[arg(long, value_name = "LABEL", requires = "post_to")]
    label: Option<String>,
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

impl From<SourceArgs> for Sources {
    fn from(args: SourceArgs) -> Self {
        let SourceArgs { repo, repos_from, org, topic } = args;
        Self { repositories: repo, files: repos_from, owners: org, topics: topic }
    }
}

fn reading(args: ReadingArgs, server: Option<ServerUrl>, shard: Option<Shard>) -> Reading {
    let ReadingArgs { artifacts_dir, sources, window, artifacts, cache, offline, dry_run, concurrency } =
        args;
    let from = match artifacts_dir {
        Some(folder) => Origin::Folder(folder),
        None => Origin::Forge {
            collect: Box::new(Collect {
                sources: sources.into(),
                server,
                cache,
                offline,
                concurrency: usize::from(concurrency),
                shard,
            }),
            dry_run,
        },
    };
    Reading { from, window: window.into(), artifacts }
}

fn post(args: PostArgs, name: &str, server: Option<ServerUrl>) -> Option<Post> {
    let (repo, label) = (args.post_to?, args.label?);
    Some(Post { repo, label, name: name.to_owned(), server })
}

pub(super) fn digest_request(args: DigestArgs) -> Request {
    let text = crate::app::OutputForm::Text;
    match args.verb {
        None => {
            let WholeArgs { reading: read, outputs, post: to, server, form } = args.whole;
            let post = post(to, &outputs.name, server.server.clone());
            let reading = reading(read, server.server, None);
            Request { act: Act::Whole { reading, outputs: outputs.into(), post }, form: form.format.into() }
        }
        Some(DigestVerb::Plan { sources, server, shards }) => {
            let act = Act::Plan { sources: sources.into(), server: server.server, shards };
            Request { act, form: text }
        }
        Some(DigestVerb::Collect { reading: read, server, shard, out }) => {
            let reading = reading(read, server.server, shard);
            Request { act: Act::Collect { reading, folder: out }, form: text }
        }
        Some(DigestVerb::Merge { files, outputs, post: to, server, form }) => {
            let post = post(to, &outputs.name, server.server);
            let act = Act::Merge { files, outputs: outputs.into(), post };
            Request { act, form: form.format.into() }
        }
    }
}
