//! The server and the repository as such: version, paging settings, the repository's present name.

use serde::Deserialize;

use super::paging::{self, Count, Entry};
use super::{Repo, WireUser, malformed, required};
use crate::forge::body;
use crate::forge::client::Client;
use crate::forge::error::{Exchange, ForgeError};
use crate::forge::request::{Auth, Request};
use crate::model::{RepoSlug, sanitize};

/// The server's paging.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApiSettings {
    /// No page has more entries, whatever is asked for.
    pub max_response_items: Option<u64>,
    /// The largest file `contents` gives.
    pub max_blob_bytes: Option<u64>,
}

/// A repository as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// Its present name: a renamed one answers reads under the old name by redirect, and no writes.
    pub slug: RepoSlug,
    pub default_branch: String,
    pub private: bool,
}

impl Client {
    /// The version as the server writes it, such as `15.0.3+gitea-1.22.0`.
    ///
    /// # Errors
    /// [`ForgeError`].
    pub fn version(&self) -> Result<String, ForgeError> {
        let request = Request::get(self.api_url(&["version"])?);
        let wire: WireVersion = self.call(&request, body::json)?;
        Ok(sanitize(&required(wire.version, &request.exchange(), "version")?, 80))
    }

    /// The login a personal token belongs to.
    ///
    /// # Errors
    /// [`ForgeError`]; a job's token belongs to nobody who could be asked for.
    pub fn login(&self) -> Result<String, ForgeError> {
        let request = Request::get(self.api_url(&["user"])?);
        let wire: WireUser = self.call(&request, body::json)?;
        required(wire.login, &request.exchange(), "login")
    }

    /// The paging settings.
    ///
    /// # Errors
    /// [`ForgeError`].
    pub fn api_settings(&self) -> Result<ApiSettings, ForgeError> {
        let request = Request::get(self.api_url(&["settings", "api"])?);
        let wire: WireSettings = self.call(&request, body::json)?;
        Ok(ApiSettings {
            max_response_items: wire.max_response_items,
            max_blob_bytes: wire.default_max_blob_size,
        })
    }
}

impl Client {
    /// The repositories of an organisation, or of a person where there is no such organisation.
    ///
    /// # Errors
    /// [`ForgeError`]; 404 where there is neither, or none this token may know of.
    pub fn repositories_of(&self, owner: &str, anonymously: bool) -> Result<Vec<Repository>, ForgeError> {
        match self.repositories(&["orgs", owner, "repos"], &[], anonymously) {
            Err(err) if err.is_not_found() => self.repositories(&["users", owner, "repos"], &[], anonymously),
            result => result,
        }
    }

    /// The repositories that carry a topic, as far as this token may see them.
    ///
    /// # Errors
    /// [`ForgeError`].
    pub fn repositories_with_topic(
        &self,
        topic: &str,
        anonymously: bool,
    ) -> Result<Vec<Repository>, ForgeError> {
        self.repositories(&["repos", "search"], &[("q", topic), ("topic", "true")], anonymously)
    }

    fn repositories(
        &self,
        segments: &[&str],
        query: &[(&str, &str)],
        anonymously: bool,
    ) -> Result<Vec<Repository>, ForgeError> {
        let mut request = Request::get(self.api_url(segments)?);
        if !query.is_empty() {
            request.url.query_pairs_mut().extend_pairs(query);
        }
        if anonymously {
            request.auth = Auth::Anonymous;
        }
        let wire: Vec<WireRepository> = paging::all(self, &request, Count::Exact)?;
        wire.into_iter().map(|one| one.convert(&request.exchange())).collect()
    }
}

impl Entry for WireRepository {
    fn key(&self) -> String {
        self.full_name.clone().unwrap_or_default()
    }
}

impl WireRepository {
    fn convert(self, exchange: &Exchange) -> Result<Repository, ForgeError> {
        let slug = required(self.full_name, exchange, "full_name")?;
        Ok(Repository {
            slug: slug
                .parse()
                .map_err(|err: crate::model::NameError| malformed(exchange.clone(), &err.to_string()))?,
            default_branch: required(self.default_branch, exchange, "default_branch")?,
            private: self.private.unwrap_or(true),
        })
    }
}

impl Repo<'_> {
    /// The repository itself.
    ///
    /// # Errors
    /// [`ForgeError`]; 404 for one this token cannot see.
    pub fn get_repository(self) -> Result<Repository, ForgeError> {
        let request = self.get_request(&[])?;
        let exchange = request.exchange();
        self.client.call(&request, body::json::<WireRepository>)?.convert(&exchange)
    }

    /// Whether this account may write to the repository: `None` where the token may not ask.
    ///
    /// # Errors
    /// [`ForgeError`].
    pub fn may_write(self, login: &str) -> Result<Option<bool>, ForgeError> {
        match self.get::<WirePermission>(&["collaborators", login, "permission"]) {
            Ok(wire) => Ok(Some(matches!(wire.permission.as_deref(), Some("write" | "admin" | "owner")))),
            Err(err) if err.is_not_permitted() || err.is_not_found() => Ok(None),
            Err(err) => Err(err),
        }
    }
}

#[derive(Deserialize)]
struct WireVersion {
    version: Option<String>,
}

#[derive(Deserialize)]
struct WireSettings {
    max_response_items: Option<u64>,
    default_max_blob_size: Option<u64>,
}

#[derive(Deserialize)]
struct WireRepository {
    full_name: Option<String>,
    default_branch: Option<String>,
    private: Option<bool>,
}

#[derive(Deserialize)]
struct WirePermission {
    permission: Option<String>,
}
