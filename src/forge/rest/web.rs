//! The web routes of a public repository: what is left for other runs, and for liveness, before v16 (FORGEJO section 3.6).
//! They answer anyone and heed no token. The listing wants the run's number, the download below it the run's id.

use serde::Deserialize;

use super::artifacts::{Archive, archive};
use super::{Repo, unusable};
use crate::forge::body;
use crate::forge::error::ForgeError;
use crate::forge::request::{Auth, Request};
use crate::model::{ArtifactName, RunId};

/// An artifact as the run's page lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebArtifact {
    pub name: String,
    pub size: u64,
    pub expired: bool,
}

impl Repo<'_> {
    /// The live and the expired artifacts of the run with this number, by name.
    ///
    /// # Errors
    /// [`ForgeError`]; 404 or a redirect to the login page where the repository is not public.
    pub fn web_artifacts(self, run_number: u64) -> Result<Vec<WebArtifact>, ForgeError> {
        let request = self.web_request(&run_number.to_string(), None)?;
        let listing: WireListing = self.client.call(&request, body::json)?;
        let mut artifacts: Vec<WebArtifact> = listing
            .artifacts
            .unwrap_or_default()
            .into_iter()
            .filter_map(|artifact| {
                let expired = artifact.status.as_deref() == Some("expired");
                Some(WebArtifact { name: artifact.name?, size: artifact.size.unwrap_or(0), expired })
            })
            .collect();
        artifacts.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(artifacts)
    }

    /// The zip of an artifact of the run with this id (v13 and later).
    ///
    /// # Errors
    /// [`ForgeError`] for anything but the outcomes of [`Archive`].
    pub fn web_artifact_zip(
        self,
        run: RunId,
        name: &ArtifactName,
        limit: u64,
    ) -> Result<Archive, ForgeError> {
        let request = self.web_request(&run.to_string(), Some(name.as_str()))?;
        archive(self.client.call(&request, |reply| body::save(reply, limit)))
    }

    fn web_request(&self, run: &str, name: Option<&str>) -> Result<Request, ForgeError> {
        let mut segments = vec![self.slug.owner(), self.slug.name(), "actions", "runs", run, "artifacts"];
        segments.extend(name);
        let url = self.client.settings().server.join(segments.iter().copied());
        let url = url.ok_or_else(|| unusable(&segments))?;
        Ok(Request { auth: Auth::Anonymous, ..Request::get(url) })
    }
}

#[derive(Deserialize)]
struct WireListing {
    artifacts: Option<Vec<WireWebArtifact>>,
}

#[derive(Deserialize)]
struct WireWebArtifact {
    name: Option<String>,
    size: Option<u64>,
    status: Option<String>,
}
