//! The v4 protocol: one zip per artifact, JSON over POST, signed addresses (FORGEJO section 2.3, LIVE section 4).
//! It lists only what was uploaded by v4. Fields beyond those here would be refused: the server parses strictly.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use url::Url;

use super::blob::Blob;
use super::body::{self, Downloaded};
use super::client::Client;
use super::error::{Exchange, ForgeError};
use super::request::{Auth, Method, Repeat, Request};
use super::{origin, parallel};
use crate::context::ServerUrl;
use crate::model::{ArtifactName, RunId, Timestamp, sanitize};

/// The artifact service by v4, for one run.
pub(super) struct V4<'a> {
    pub client: &'a Client,
    /// `ACTIONS_RESULTS_URL`.
    pub base: ServerUrl,
    pub run: RunId,
    /// Echoed by the server and not checked.
    pub job: u64,
}

/// An artifact as v4 lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub name: ArtifactName,
    /// `None` while the upload is not finished.
    pub size: Option<u64>,
}

/// Blocks under way at once; each is in memory.
const UPLOADS: usize = 4;

const SERVICE: [&str; 2] = ["twirp", "github.actions.results.api.v1.ArtifactService"];

impl V4<'_> {
    /// The run's v4 artifacts; a run that has none of either protocol is answered 404, which is an error here.
    pub fn list(&self) -> Result<Vec<Entry>, ForgeError> {
        let (exchange, wire) = self.ask::<WireList>("ListArtifacts", &self.named(None), Repeat::Safe)?;
        let entries = wire.artifacts.unwrap_or_default();
        entries.into_iter().map(|entry| entry.convert(&exchange)).collect()
    }

    /// The zip, of at most `limit` bytes; `None` where the artifact is not known.
    pub fn download(&self, name: &ArtifactName, limit: u64) -> Result<Option<Downloaded>, ForgeError> {
        let Some(url) = self.signed_url(name)? else { return Ok(None) };
        let request = Request::new(Method::Get, url, Auth::Anonymous, Repeat::Safe);
        self.client.call(&request, |reply| body::save(reply, limit)).map(Some)
    }

    /// Where the zip can be had without a token; `None` where v4 knows no such artifact.
    pub fn signed_url(&self, name: &ArtifactName) -> Result<Option<Url>, ForgeError> {
        let body = self.named(Some(name.as_str()));
        match self.ask::<WireSigned>("GetSignedArtifactURL", &body, Repeat::Safe) {
            Ok((exchange, wire)) => self.reachable(wire.signed_url, &exchange).map(Some),
            Err(err) if err.is_not_found() => Ok(None),
            Err(err) => Err(err),
        }
    }

    /// Uploads one zip under this name, in place of any earlier one.
    ///
    /// A finalize that failed has used up its blocks (LIVE section 4): what is served tells whether it took effect
    /// after all, and only if not is everything uploaded once more under new block ids.
    pub fn upload(
        &self,
        name: &ArtifactName,
        blob: &Blob,
        expires: Option<Timestamp>,
    ) -> Result<(), ForgeError> {
        if blob.bytes() == 0 {
            return Err(failed(name, "there is nothing to upload"));
        }
        match self.upload_once(name, blob, expires) {
            Err(err) if may_be_tried_anew(&err) => self.upload_once(name, blob, expires),
            result => result,
        }
    }

    fn upload_once(
        &self,
        name: &ArtifactName,
        blob: &Blob,
        expires: Option<Timestamp>,
    ) -> Result<(), ForgeError> {
        let target = self.create(name, expires)?;
        let pieces = blob.pieces();
        if let [only] = pieces.as_slice() {
            // Appending needs no block list, and must not be repeated: a second time would append again.
            let put = put(&target, "comp=appendBlock", Repeat::Never).with_bytes(blob.piece(*only)?);
            self.client.call(&put, |_| Ok(()))?;
        } else {
            // Hashing takes about as long as sending.
            let (sent, hashed) = parallel::both(|| self.put_blocks(&target, blob, &pieces), || blob.digest());
            hashed?;
            sent?;
        }
        self.finalize(name, blob)
    }

    /// Creating again resets what is there, so it may be repeated.
    fn create(&self, name: &ArtifactName, expires: Option<Timestamp>) -> Result<Url, ForgeError> {
        let body = WireCreate {
            run: self.run.to_string(),
            job: self.job.to_string(),
            name: name.as_str(),
            expires_at: expires,
            version: 4,
        };
        let (exchange, wire) = self.ask::<WireCreated>("CreateArtifact", &body, Repeat::Safe)?;
        if wire.ok != Some(true) {
            return Err(failed(name, "the server did not create it"));
        }
        self.reachable(wire.signed_upload_url, &exchange)
    }

    /// Sends the pieces side by side and then their order. Block ids are stored per run, not per artifact,
    /// so they are random; the same block twice is fine, so each may be repeated.
    fn put_blocks(&self, target: &Url, blob: &Blob, pieces: &[(u64, u64)]) -> Result<(), ForgeError> {
        let blocks =
            pieces.iter().map(|piece| Ok((*piece, block_id()?))).collect::<Result<Vec<_>, ForgeError>>()?;
        let sent = parallel::each(&blocks, UPLOADS, |(piece, id)| {
            let put = put(target, &format!("comp=block&blockid={id}"), Repeat::Safe);
            self.client.call(&put.with_bytes(blob.piece(*piece)?), |_| Ok(()))
        });
        sent.into_iter().collect::<Result<(), ForgeError>>()?;
        let ids: Vec<&str> = blocks.iter().map(|(_, id)| id.as_str()).collect();
        let list = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList><Latest>{}</Latest></BlockList>",
            ids.join("</Latest><Latest>")
        );
        let put = put(target, "comp=blocklist", Repeat::Safe).with_bytes(list.into_bytes());
        self.client.call(&put, |_| Ok(()))
    }

    fn finalize(&self, name: &ArtifactName, blob: &Blob) -> Result<(), ForgeError> {
        let body = WireFinalize {
            run: self.run.to_string(),
            job: self.job.to_string(),
            name: name.as_str(),
            size: blob.bytes().to_string(),
            hash: blob.digest()?.as_str(),
        };
        let finalized = match self.ask::<WireFinalized>("FinalizeArtifact", &body, Repeat::Never) {
            Ok((_, wire)) if wire.ok == Some(true) => return Ok(()),
            Ok(_) => failed(name, "the server did not finalize it"),
            Err(err) => err,
        };
        // The listing shows the size of what was appended, finalized or not; only the bytes themselves tell.
        match self.download(name, blob.bytes()) {
            Ok(Some(served)) if served.digest == *blob.digest()? => Ok(()),
            _ => Err(finalized),
        }
    }

    fn named<'a>(&self, name: Option<&'a str>) -> WireNamed<'a> {
        WireNamed { run: self.run.to_string(), job: self.job.to_string(), name }
    }

    fn ask<T: DeserializeOwned>(
        &self,
        method: &str,
        payload: &impl Serialize,
        repeat: Repeat,
    ) -> Result<(Exchange, T), ForgeError> {
        let url = self
            .base
            .join(SERVICE.into_iter().chain([method]))
            .ok_or_else(|| ForgeError::Segment(method.to_owned()))?;
        let request = Request::new(Method::Post, url, Auth::Runtime, repeat);
        let bytes = serde_json::to_vec(payload)
            .map_err(|err| ForgeError::Malformed { exchange: request.exchange(), reason: err.to_string() })?;
        let answer = self.client.call(&request.clone().with_json(bytes), body::json)?;
        Ok((request.exchange(), answer))
    }

    fn reachable(&self, returned: Option<String>, exchange: &Exchange) -> Result<Url, ForgeError> {
        let url = returned.and_then(|text| text.parse().ok()).ok_or_else(|| ForgeError::Malformed {
            exchange: exchange.clone(),
            reason: "the signed address is missing or unreadable".to_owned(),
        })?;
        Ok(origin::reachable(&url, &self.base))
    }
}

/// What went wrong on the way or at the merge may go right from the start; a refusal stays one.
fn may_be_tried_anew(error: &ForgeError) -> bool {
    matches!(
        error,
        ForgeError::Transport { .. }
            | ForgeError::Status { status: 500..=599, .. }
            | ForgeError::Upload { .. }
    )
}

/// The signed address with the operation behind it; the query before stays as the server wrote it, padding and all.
fn put(target: &Url, operation: &str, repeat: Repeat) -> Request {
    let mut url = target.clone();
    url.set_query(Some(&match target.query() {
        Some(query) => format!("{query}&{operation}"),
        None => operation.to_owned(),
    }));
    Request::new(Method::Put, url, Auth::Anonymous, repeat)
}

/// 96 random bits; hexadecimal, then base64 as the protocol wants it: letters and digits only, all of one length.
fn block_id() -> Result<String, ForgeError> {
    use base64::Engine as _;
    let mut random = [0_u8; 16];
    getrandom::fill(&mut random).map_err(|err| ForgeError::Setup(format!("no random numbers: {err}")))?;
    let hex = format!("{:024x}", u128::from_be_bytes(random) >> 32);
    Ok(base64::engine::general_purpose::STANDARD.encode(hex))
}

fn failed(name: &ArtifactName, reason: &str) -> ForgeError {
    ForgeError::Upload { name: sanitize(name.as_str(), 120), reason: reason.to_owned() }
}

#[derive(Serialize)]
struct WireNamed<'a> {
    #[serde(rename = "workflow_run_backend_id")]
    run: String,
    #[serde(rename = "workflow_job_run_backend_id")]
    job: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

#[derive(Serialize)]
struct WireCreate<'a> {
    #[serde(rename = "workflow_run_backend_id")]
    run: String,
    #[serde(rename = "workflow_job_run_backend_id")]
    job: String,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    version: u8,
}

#[derive(Serialize)]
struct WireFinalize<'a> {
    #[serde(rename = "workflow_run_backend_id")]
    run: String,
    #[serde(rename = "workflow_job_run_backend_id")]
    job: String,
    name: &'a str,
    size: String,
    hash: &'a str,
}

#[derive(Deserialize)]
struct WireList {
    artifacts: Option<Vec<WireEntry>>,
}

/// Numbers of 64 bits are strings; what is zero is left out.
#[derive(Deserialize)]
struct WireEntry {
    name: Option<String>,
    size: Option<String>,
}

impl WireEntry {
    fn convert(self, exchange: &Exchange) -> Result<Entry, ForgeError> {
        let malformed =
            |reason: &str| ForgeError::Malformed { exchange: exchange.clone(), reason: reason.to_owned() };
        let name =
            self.name.unwrap_or_default().parse().map_err(|_| malformed("an artifact without a name"))?;
        let size = self
            .size
            .map(|size| size.parse())
            .transpose()
            .map_err(|_| malformed("a size that is no number"))?;
        Ok(Entry { name, size })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireSigned {
    signed_url: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireCreated {
    ok: Option<bool>,
    signed_upload_url: Option<String>,
}

#[derive(Deserialize)]
struct WireFinalized {
    ok: Option<bool>,
}
