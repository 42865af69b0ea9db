//! Artifacts by REST (v16 and later): the only listing that leaves out what a re-run condemned (LIVE section 6),
//! and the only way into other runs.

use serde::Deserialize;

use super::paging::{self, Count, Entry};
use super::runs::OneRun;
use super::{Actions, malformed, required, time};
use crate::forge::body::{self, Downloaded};
use crate::forge::error::{Exchange, ForgeError};
use crate::model::{ArtifactName, RunId, Timestamp};

/// An artifact that is finished and live, or expired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestArtifact {
    pub id: u64,
    pub name: ArtifactName,
    /// Of the stored files: for a v4 artifact its zip, for a v3 one its files before they are zipped on the fly.
    pub size: u64,
    pub expired: bool,
    pub run: Option<RunId>,
    pub created: Option<Timestamp>,
    /// Moves when it is uploaded again, and when a re-run condemns it.
    pub updated: Option<Timestamp>,
    pub expires: Option<Timestamp>,
}

/// What asking for an artifact's zip came to.
#[derive(Debug)]
pub enum Archive {
    Zip(Downloaded),
    /// Not there for this token, or taken away since it was listed.
    Missing,
    /// Some file of it was never finished, or a re-run condemned it meanwhile.
    Unfinished,
    /// More than the bytes allowed.
    TooLarge {
        limit: u64,
    },
}

impl OneRun<'_> {
    /// The live artifacts of this run, by name.
    ///
    /// # Errors
    /// [`ForgeError`]; 404 before v16.
    pub fn artifacts(self) -> Result<Vec<RestArtifact>, ForgeError> {
        let request = self.repo.get_request(&["actions", "runs", &self.id.to_string(), "artifacts"])?;
        list(self.repo, &request)
    }
}

impl Actions<'_> {
    /// The live artifacts of every run, by name; with `name` only those called exactly so.
    ///
    /// # Errors
    /// [`ForgeError`]; 404 before v16.
    pub fn artifacts(self, name: Option<&ArtifactName>) -> Result<Vec<RestArtifact>, ForgeError> {
        let mut request = self.repo.get_request(&["actions", "artifacts"])?;
        if let Some(name) = name {
            request.url.query_pairs_mut().append_pair("name", name.as_str());
        }
        list(self.repo, &request)
    }

    /// The live artifacts of every run that were created since, by name: newest are listed first, so the list is read
    /// until the first that is older.
    ///
    /// # Errors
    /// [`ForgeError`]; 404 before v16.
    pub fn artifacts_since(self, since: Timestamp) -> Result<Vec<RestArtifact>, ForgeError> {
        let request = self.repo.get_request(&["actions", "artifacts"])?;
        let recent =
            |one: &WireArtifact| time(one.created_at.as_deref()).is_none_or(|created| created >= since);
        let wire = paging::while_wanted(self.repo.client, &request, Count::Exact, recent)?;
        converted(wire, &request)
    }

    /// The zip of one artifact, of at most `limit` bytes.
    ///
    /// # Errors
    /// [`ForgeError`] for anything but the outcomes of [`Archive`].
    pub fn artifact_zip(self, id: u64, limit: u64) -> Result<Archive, ForgeError> {
        let request = self.repo.get_request(&["actions", "artifacts", &id.to_string(), "zip"])?;
        archive(self.repo.client.call(&request, |reply| body::save(reply, limit)))
    }
}

/// Sorts the outcome of a download.
pub(super) fn archive(result: Result<Downloaded, ForgeError>) -> Result<Archive, ForgeError> {
    match result {
        Ok(downloaded) => Ok(Archive::Zip(downloaded)),
        Err(ForgeError::TooLarge { limit, .. }) => Ok(Archive::TooLarge { limit }),
        Err(err) if err.is_not_found() && err.body().contains("not confirmed") => Ok(Archive::Unfinished),
        Err(err) if err.is_not_found() => Ok(Archive::Missing),
        Err(err) => Err(err),
    }
}

fn list(
    repo: super::Repo<'_>,
    request: &crate::forge::request::Request,
) -> Result<Vec<RestArtifact>, ForgeError> {
    converted(paging::all(repo.client, request, Count::Exact)?, request)
}

/// By name.
fn converted(
    wire: Vec<WireArtifact>,
    request: &crate::forge::request::Request,
) -> Result<Vec<RestArtifact>, ForgeError> {
    let mut artifacts: Vec<RestArtifact> =
        wire.into_iter().map(|artifact| artifact.convert(&request.exchange())).collect::<Result<_, _>>()?;
    artifacts.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
    Ok(artifacts)
}

#[derive(Deserialize)]
struct WireArtifact {
    id: Option<u64>,
    name: Option<String>,
    size_in_bytes: Option<u64>,
    expired: Option<bool>,
    run_id: Option<u64>,
    created_at: Option<String>,
    updated_at: Option<String>,
    expires_at: Option<String>,
}

impl Entry for WireArtifact {
    fn key(&self) -> String {
        self.id.unwrap_or(0).to_string()
    }
}

impl WireArtifact {
    fn convert(self, exchange: &Exchange) -> Result<RestArtifact, ForgeError> {
        let name = required(self.name, exchange, "name")?;
        Ok(RestArtifact {
            id: required(self.id, exchange, "id")?,
            name: name
                .parse()
                .map_err(|err: crate::model::NameError| malformed(exchange.clone(), &err.to_string()))?,
            size: self.size_in_bytes.unwrap_or(0),
            expired: self.expired.unwrap_or(false),
            run: self.run_id.and_then(|id| RunId::try_from(id).ok()),
            created: time(self.created_at.as_deref()),
            updated: time(self.updated_at.as_deref()),
            expires: time(self.expires_at.as_deref()),
        })
    }
}
