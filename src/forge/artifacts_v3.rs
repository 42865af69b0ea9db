//! The v3 protocol: an artifact is a set of files, each its own download (FORGEJO section 2.2, LIVE section 5).
//! Its listing shows the artifacts of both protocols; one of v4 appears as the single file `<name>/<name>.zip`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};
use url::Url;

use super::blob::Blob;
use super::body::{self, Downloaded};
use super::client::Client;
use super::error::{Exchange, ForgeError};
use super::origin;
use super::request::{Auth, Method, Repeat, Request};
use crate::context::ServerUrl;
use crate::model::{ArtifactName, RelPath, RunId, sanitize};

/// The artifact service by v3, for one run.
pub(super) struct V3<'a> {
    pub client: &'a Client,
    /// `ACTIONS_RUNTIME_URL`, which ends in `api/actions_pipeline`.
    pub base: ServerUrl,
    pub run: RunId,
}

/// An artifact as v3 lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub name: ArtifactName,
    /// Where its files are listed.
    pub container: Url,
}

/// A file of an artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileEntry {
    /// Below the artifact's name. Untrusted text, and no path of ours.
    pub path: String,
    pub location: Url,
}

impl V3<'_> {
    /// Every artifact of the run; none at all is answered 404, which is an error here.
    pub fn list(&self) -> Result<Vec<Entry>, ForgeError> {
        let request = Request::new(Method::Get, self.artifacts_url()?, Auth::Runtime, Repeat::Safe);
        let wire = self.client.call(&request, body::json::<WireList>)?;
        let exchange = request.exchange();
        wire.value
            .unwrap_or_default()
            .into_iter()
            .map(|entry| {
                let name = entry.name.unwrap_or_default();
                Ok(Entry {
                    name: name.parse().map_err(|_| malformed(&exchange, "an artifact without a name"))?,
                    container: self.reachable(entry.container, &exchange)?,
                })
            })
            .collect()
    }

    /// The files of an artifact, by path; `None` where it is not known.
    pub fn files(&self, entry: &Entry) -> Result<Option<Vec<FileEntry>>, ForgeError> {
        let mut url = entry.container.clone();
        url.query_pairs_mut().append_pair("itemPath", entry.name.as_str());
        let request = Request::new(Method::Get, url, Auth::Runtime, Repeat::Safe);
        let wire = match self.client.call(&request, body::json::<WireFiles>) {
            Ok(wire) => wire,
            Err(err) if err.is_not_found() => return Ok(None),
            Err(err) => return Err(err),
        };
        let exchange = request.exchange();
        let prefix = format!("{}/", entry.name);
        let mut files = wire
            .value
            .unwrap_or_default()
            .into_iter()
            .filter(|file| file.kind.as_deref() == Some("file"))
            .map(|file| {
                let path = file.path.unwrap_or_default();
                let path = path
                    .strip_prefix(&prefix)
                    .filter(|path| !path.is_empty())
                    .ok_or_else(|| malformed(&exchange, "a file outside its artifact"))?;
                Ok(FileEntry { path: path.to_owned(), location: self.reachable(file.location, &exchange)? })
            })
            .collect::<Result<Vec<_>, ForgeError>>()?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Some(files))
    }

    /// One file, of at most `limit` bytes. The token goes along to the forge and not to object storage.
    pub fn download(&self, file: &FileEntry, limit: u64) -> Result<Downloaded, ForgeError> {
        let request = Request::new(Method::Get, file.location.clone(), Auth::Runtime, Repeat::Safe);
        self.client.call(&request, |reply| body::save(reply, limit))
    }

    /// Uploads files under this name. Every chunk is acknowledged by its MD5, and the listing is looked at afterwards,
    /// because the server finalizes an incomplete upload without a word (FORGEJO section 2.2).
    pub fn upload(
        &self,
        name: &ArtifactName,
        files: &[(RelPath, Blob)],
        days: Option<u32>,
    ) -> Result<(), ForgeError> {
        let target = self.create(name, days)?;
        for (path, blob) in files {
            self.put_file(name, &target, path, blob)?;
        }
        let mut url = self.artifacts_url()?;
        url.query_pairs_mut().append_pair("artifactName", name.as_str());
        let finalize = Request::new(Method::Patch, url, Auth::Runtime, Repeat::Never);
        self.client.call(&finalize.with_json(b"{}".to_vec()), |_| Ok(()))?;
        let entry = self.list()?.into_iter().find(|entry| entry.name == *name);
        let listed = entry.map(|entry| self.files(&entry)).transpose()?.flatten().unwrap_or_default();
        let missing = files.iter().find(|(path, _)| !listed.iter().any(|file| file.path == path.as_str()));
        match missing {
            None => Ok(()),
            Some((path, _)) => Err(ForgeError::Upload {
                name: sanitize(name.as_str(), 120),
                reason: format!("`{}` is not listed afterwards", sanitize(path.as_str(), 120)),
            }),
        }
    }

    /// Has no effect on the server but to name an address.
    fn create(&self, name: &ArtifactName, days: Option<u32>) -> Result<Url, ForgeError> {
        let request = Request::new(Method::Post, self.artifacts_url()?, Auth::Runtime, Repeat::Safe);
        let exchange = request.exchange();
        let body = WireCreate { kind: "actions_storage", name: name.as_str(), days };
        let bytes = serde_json::to_vec(&body).map_err(|err| malformed(&exchange, &err.to_string()))?;
        let wire: WireEntry = self.client.call(&request.with_json(bytes), body::json)?;
        self.reachable(wire.container, &exchange)
    }

    /// The same chunk to the same range replaces itself, so each may be repeated.
    fn put_file(
        &self,
        name: &ArtifactName,
        target: &Url,
        path: &RelPath,
        blob: &Blob,
    ) -> Result<(), ForgeError> {
        let mut url = target.clone();
        url.query_pairs_mut().append_pair("itemPath", &format!("{name}/{path}"));
        let total = blob.bytes();
        for piece in blob.pieces() {
            let bytes = blob.piece(piece)?;
            let (start, end) = (piece.0, piece.0 + piece.1 - 1);
            let put = Request::new(Method::Put, url.clone(), Auth::Runtime, Repeat::Safe)
                .with_header("content-range", format!("bytes {start}-{end}/{total}"))
                .with_header("x-actions-results-md5", STANDARD.encode(Md5::digest(&bytes)))
                .with_header("x-tfs-filelength", total.to_string())
                .with_bytes(bytes);
            self.client.call(&put, |_| Ok(()))?;
        }
        Ok(())
    }

    fn artifacts_url(&self) -> Result<Url, ForgeError> {
        let run = self.run.to_string();
        let mut url = self
            .base
            .join(["_apis", "pipelines", "workflows", &run, "artifacts"])
            .ok_or_else(|| ForgeError::Segment(run.clone()))?;
        url.query_pairs_mut().append_pair("api-version", "6.0-preview");
        Ok(url)
    }

    fn reachable(&self, returned: Option<String>, exchange: &Exchange) -> Result<Url, ForgeError> {
        let url = returned
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| malformed(exchange, "an address is missing or unreadable"))?;
        Ok(origin::reachable(&url, &self.base))
    }
}

fn malformed(exchange: &Exchange, reason: &str) -> ForgeError {
    ForgeError::Malformed { exchange: exchange.clone(), reason: sanitize(reason, 200) }
}

#[derive(Serialize)]
struct WireCreate<'a> {
    #[serde(rename = "Type")]
    kind: &'a str,
    #[serde(rename = "Name")]
    name: &'a str,
    #[serde(rename = "RetentionDays", skip_serializing_if = "Option::is_none")]
    days: Option<u32>,
}

#[derive(Deserialize)]
struct WireList {
    value: Option<Vec<WireEntry>>,
}

#[derive(Deserialize)]
struct WireEntry {
    name: Option<String>,
    #[serde(rename = "fileContainerResourceUrl")]
    container: Option<String>,
}

#[derive(Deserialize)]
struct WireFiles {
    value: Option<Vec<WireFile>>,
}

#[derive(Deserialize)]
struct WireFile {
    path: Option<String>,
    #[serde(rename = "itemType")]
    kind: Option<String>,
    #[serde(rename = "contentLocation")]
    location: Option<String>,
}
