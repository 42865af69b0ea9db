//! `patchwarden artifact list|download|upload`: the transport alone, both protocols, without Node.
//! A job reaches the artifacts of its own run only (FORGEJO section 2.1), and a listing says nothing of freshness.

pub mod pack;
mod unpack;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::error::{EXIT_OUTPUT, EXIT_USAGE, Failure};
use crate::evidence::Limits;
use crate::forge::{Artifacts as Service, FetchLimits, Listed, Protocol, check_artifact_name};
use crate::model::{ArtifactName, Digest, sanitize};
use crate::{output, sink};

use super::in_run::InRun;
use super::{Ended, OutputForm, give};

/// The settings of `artifact`.
#[derive(Debug)]
pub enum Request {
    List {
        form: OutputForm,
    },
    /// Into a folder that is not there yet, or empty.
    Download {
        name: ArtifactName,
        out: PathBuf,
        form: OutputForm,
    },
    /// A file, or a folder that becomes the artifact's root.
    Upload {
        name: ArtifactName,
        path: PathBuf,
        protocol: Protocol,
        form: OutputForm,
    },
}

/// Lists, downloads or uploads.
///
/// # Errors
/// Exit 2 for what cannot be asked, 4 outside a workflow, 5 where the forge did not do it.
pub fn run(request: &Request) -> Ended {
    match request {
        Request::List { form } => list(*form),
        Request::Download { name, out, form } => download(name, out, *form),
        Request::Upload { name, path, protocol, form } => upload(name, path, *protocol, *form),
    }
}

/// One row of `list`.
#[derive(Serialize)]
struct Row<'a> {
    /// Untrusted text, and no path.
    name: &'a ArtifactName,
    /// `null` where the server does not say.
    protocol: Option<&'static str>,
    /// Whether its upload was finished; `null` for files, of which nobody knows how many were meant.
    finished: Option<bool>,
    /// Of the zip.
    bytes: Option<u64>,
}

/// What was transferred.
#[derive(Serialize)]
struct Transferred<'a> {
    name: &'a ArtifactName,
    protocol: Option<&'static str>,
    /// Of the zip, or of all paths with their hashes.
    sha256: Option<Digest>,
    files: Vec<String>,
}

const NOT_LISTED: &str = "the artifacts were not listed";

fn list(form: OutputForm) -> Ended {
    let place = InRun::of_environment(NOT_LISTED)?;
    let listing = listing(&place.service(NOT_LISTED)?)?;
    let rows: Vec<Row<'_>> = listing
        .iter()
        .map(|one| Row {
            name: &one.name,
            protocol: one.protocol().map(Protocol::as_str),
            finished: one.is_finished(),
            bytes: one.size,
        })
        .collect();
    give(&match form {
        OutputForm::Json => output::json(&rows),
        OutputForm::Text => {
            let mut out = String::new();
            for row in &rows {
                let size = match (row.bytes, row.finished) {
                    (Some(bytes), _) => bytes.to_string(),
                    (None, Some(false)) => "unfinished".to_owned(),
                    (None, _) => "-".to_owned(),
                };
                // The name comes last: a line must not begin with what somebody else wrote.
                let name = sanitize(row.name.as_str(), 255);
                let _ = writeln!(out, "{size:>12}  {:<2}  {name}", row.protocol.unwrap_or("?"));
            }
            out
        }
    })?;
    Ok(0)
}

fn listing(service: &Service<'_>) -> Result<Vec<Listed>, Failure> {
    let listing = service
        .list()
        .map_err(|error| Failure::new(EXIT_OUTPUT, "the artifacts were not listed").caused_by(error))?;
    match listing.incomplete {
        None => Ok(listing.artifacts),
        Some(error) => Err(Failure::new(EXIT_OUTPUT, "the artifacts were not all listed").caused_by(error)),
    }
}

fn download(name: &ArtifactName, out: &Path, form: OutputForm) -> Ended {
    let shown = sanitize(name.as_str(), 120);
    let what = format!("the artifact `{shown}` was not downloaded");
    match unpack::is_free(out) {
        Ok(true) => {}
        Ok(false) => {
            return Err(Failure::new(EXIT_USAGE, what)
                .caused_by(format!("`{}` is there and not empty", out.display()))
                .hint("name a folder that is not there yet with `--out`"));
        }
        Err(error) => {
            return Err(Failure::new(EXIT_USAGE, what)
                .caused_by(format!("`{}` is no folder that can be written", out.display()))
                .caused_by(error));
        }
    }
    let failed = |cause: &dyn std::fmt::Display| Failure::new(EXIT_OUTPUT, &what).caused_by(cause);
    let place = InRun::of_environment(&what)?;
    let service = place.service(&what)?;
    let artifacts = listing(&service)?;
    let Some(listed) = artifacts.iter().find(|one| one.name == *name) else {
        return Err(
            failed(&"the run has no artifact of that name").hint("`patchwarden artifact list` shows them")
        );
    };
    let limits = Limits::default();
    // Asked for by name, to be unpacked: what may come out of it may also come in.
    let most = FetchLimits { artifact_bytes: limits.archive_bytes, ..FetchLimits::default() };
    let fetched = service.fetch(&[listed], &most).pop();
    let fetched = fetched.ok_or_else(|| failed(&"nothing was fetched"))?.map_err(|error| failed(&error))?;
    let sha256 = fetched.digest();
    let paths = unpack::unpack(fetched, out, &limits).map_err(|error| failed(&error))?;
    let files = paths.iter().map(|path| out.join(path.as_str()).display().to_string()).collect();
    let protocol = listed.protocol().map(Protocol::as_str);
    report(&Transferred { name, protocol, sha256, files }, form)
}

fn upload(name: &ArtifactName, path: &Path, protocol: Protocol, form: OutputForm) -> Ended {
    let what = format!("the artifact `{}` was not uploaded", sanitize(name.as_str(), 120));
    check_artifact_name(name).map_err(|error| Failure::new(EXIT_USAGE, &what).caused_by(error))?;
    let files = pack::files(path).map_err(|error| Failure::new(EXIT_USAGE, &what).caused_by(error))?;
    let place = InRun::of_environment(&what)?;
    let service = place.service(&what)?;
    let failed = |cause: &dyn std::fmt::Display| Failure::new(EXIT_OUTPUT, &what).caused_by(cause);
    let sha256 = match protocol {
        Protocol::V4 => {
            let zip = pack::zip(&files).map_err(|error| failed(&error))?;
            service.upload(name, &zip, None).map_err(|error| failed(&error))?;
            zip.digest().map_err(|error| failed(&error))?.clone()
        }
        Protocol::V3 => {
            let blobs = pack::blobs(&files).map_err(|error| failed(&error))?;
            let mut parts = Vec::with_capacity(blobs.len() * 2);
            for (path, blob) in &blobs {
                parts.extend([path.as_str(), blob.digest().map_err(|error| failed(&error))?.as_str()]);
            }
            service.upload_v3(name, &blobs, None).map_err(|error| failed(&error))?;
            Digest::of_parts(&parts)
        }
    };
    let files = files.into_iter().map(|(path, _)| path.to_string()).collect();
    report(&Transferred { name, protocol: Some(protocol.as_str()), sha256: Some(sha256), files }, form)
}

fn report(done: &Transferred<'_>, form: OutputForm) -> Ended {
    let name = sanitize(done.name.as_str(), 120);
    let digest = done.sha256.as_ref().map(Digest::to_string).unwrap_or_default();
    sink::say(&format!("artifact `{name}` {digest}"));
    give(&match form {
        OutputForm::Json => output::json(done),
        OutputForm::Text => done.files.iter().fold(String::new(), |mut out, file| {
            let _ = writeln!(out, "  {}", sanitize(file, 400));
            out
        }),
    })?;
    Ok(0)
}
