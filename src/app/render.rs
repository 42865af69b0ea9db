//! `patchwarden render`: a report in another form. The key that signs an attestation comes by the environment.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::signature::{Ed25519KeyPair, KeyPair as _};

use crate::error::{EXIT_CONTEXT, EXIT_OUTPUT, EXIT_USAGE, Failure};
use crate::report::{self, GateReport};
use crate::{output, sink};

use super::{Ended, give, read_named};

/// Holds the key: base64 of an ed25519 private key, PKCS#8 or its 32-byte seed.
const KEY: &str = "PATCHWARDEN_SIGNING_KEY";

/// A form of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Sarif,
    Junit,
    Intoto,
    OpenMetrics,
    Markdown,
    Text,
}

/// The settings of `render`.
#[derive(Debug)]
pub struct Request {
    pub report: PathBuf,
    pub form: Form,
    pub out: Option<PathBuf>,
}

const WHAT: &str = "nothing was rendered";

/// Renders.
///
/// # Errors
/// Exit 2 for a file that is no report, 4 for one that attests nothing or a key that is none, 5 for an output that
/// failed.
pub fn run(request: &Request) -> Ended {
    let bytes = read_named(&request.report, "the report", EXIT_USAGE)?;
    let malformed = |why: String| {
        Failure::usage(WHAT)
            .caused_by(format!("`{}` is no `{}`", request.report.display(), report::SCHEMA))
            .caused_by(why)
    };
    let report: GateReport =
        crate::evidence::document::from_slice(&bytes).map_err(|error| malformed(error.to_string()))?;
    if report.schema != report::SCHEMA {
        return Err(malformed(format!("its `schema` is `{}`", crate::model::sanitize(&report.schema, 80))));
    }
    let text = match request.form {
        Form::Sarif => output::sarif(&report),
        Form::Junit => output::junit(&report),
        Form::OpenMetrics => output::openmetrics(&report),
        Form::Markdown => output::markdown(&report, None),
        Form::Text => output::text(&report, None),
        Form::Intoto => attest(&report)?,
    };
    match &request.out {
        None => give(&text)?,
        Some(path) => sink::write_file(path, text.as_bytes()).map_err(|error| {
            Failure::new(EXIT_OUTPUT, format!("`{}` could not be written", path.display())).caused_by(error)
        })?,
    }
    Ok(0)
}

/// The statement, in an envelope where there is a key.
fn attest(report: &GateReport) -> Result<String, Failure> {
    let failure = |why: String| Failure::new(EXIT_CONTEXT, WHAT).caused_by(why);
    let statement = output::intoto::statement(report).map_err(|error| failure(error.to_string()))?;
    let Some(text) = std::env::var_os(KEY).filter(|text| !text.is_empty()) else { return Ok(statement) };
    // Nothing of the key is ever quoted.
    let unusable = || {
        failure(format!("`{KEY}` is no base64 of an ed25519 key"))
            .hint("`openssl genpkey -algorithm ed25519 -outform DER | base64 -w0` makes one")
    };
    let bytes = text.to_str().and_then(|text| BASE64.decode(text.trim()).ok()).ok_or_else(unusable)?;
    let key = match bytes.len() {
        32 => Ed25519KeyPair::from_seed_unchecked(&bytes),
        _ => Ed25519KeyPair::from_pkcs8_maybe_unchecked(&bytes),
    };
    let key = key.map_err(|_| unusable())?;
    let signature = key.sign(&output::intoto::to_sign(&statement));
    Ok(output::intoto::envelope(&statement, signature.as_ref(), key.public_key().as_ref()))
}
