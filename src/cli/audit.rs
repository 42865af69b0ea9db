//! The arguments of `audit`: which repository, how far back, in which form.

use clap::{Args, ValueEnum};

use crate::app::audit::{Form, Request};
use crate::model::{Span, Timestamp};
use crate::policy::DEFAULT_PATH;

use super::feedback::ForgeArgs;

/// How the findings are printed.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum AuditForm {
    Text,
    Json,
    /// SARIF 2.1.0, which `gaps import` reads
    Sarif,
}

#[derive(Debug, Args)]
pub struct AuditArgs {
    #[command(flatten)]
    forge: ForgeArgs,
    /// How far back pull requests were merged
    #[arg(long, value_name = "SPAN", default_value = "7d")]
    since: Span,
    /// The policy's path in the repository
    #[arg(long, value_name = "FILE", default_value = DEFAULT_PATH)]
    policy: String,
    /// The time it is made for
    #[arg(long, value_name = "RFC3339")]
    now: Option<Timestamp>,
    /// How the result is printed
    #[arg(long, value_enum, default_value = "text")]
    format: AuditForm,
}

impl From<AuditArgs> for Request {
    fn from(args: AuditArgs) -> Self {
        Self {
            forge: args.forge.into(),
            since: args.since,
            policy: args.policy,
            now: args.now,
            form: match args.format {
                AuditForm::Text => Form::Text,
                AuditForm::Json => Form::Json,
                AuditForm::Sarif => Form::Sarif,
            },
        }
    }
}
