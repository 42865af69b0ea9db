//! What a digest asks of a forge beyond its repositories: the version, listings of repositories, who it is.

use super::super::forge_access::{Connection, server_text};
use super::super::in_run::TOKEN_VARIABLE;
use crate::context::ServerUrl;
use crate::error::Failure;
use crate::forge::ForgeError;
use crate::forge::rest::{Repo, Repository};
use crate::model::RepoSlug;

/// Longer than any job may run.
const TOTAL: std::time::Duration = std::time::Duration::from_hours(3);

/// A forge to ask.
pub struct Asker {
    connection: Connection,
    /// Whether the server lists artifacts by REST (v16); `None` where it does not say its version.
    pub major: Option<u64>,
}

/// The forge's address: given, or the workflow's.
///
/// # Errors
/// Exit 2 where there is none.
pub fn server_of(given: Option<&ServerUrl>) -> Result<ServerUrl, Failure> {
    let refused = |error: &dyn std::fmt::Display| {
        Failure::usage("no digest was made")
            .caused_by(error)
            .hint("name the forge by `--server URL`, or run it in a workflow")
    };
    if let Some(server) = given {
        return Ok(server.clone());
    }
    let text = server_text(None).map_err(|error| refused(&error))?;
    text.ok_or_else(|| refused(&"no server is known"))?.parse().map_err(|error| refused(&error))
}

impl Asker {
    /// Connects and asks for the version.
    ///
    /// # Errors
    /// Exit 4 where a token or the address is unusable.
    pub fn connect(server: &ServerUrl) -> Result<Self, Failure> {
        let connection = Connection::open(server, TOTAL, "no digest was made")?;
        let version = connection.client.version().ok();
        Ok(Self { major: version.and_then(|version| version.split('.').next()?.parse().ok()), connection })
    }

    /// The repository as it may be asked.
    pub fn repo<'a>(&'a self, slug: &'a RepoSlug) -> Repo<'a> {
        self.connection.repo(slug)
    }

    /// The repository of the job this runs in.
    pub fn own(&self) -> Option<&RepoSlug> {
        self.connection.own()
    }

    /// Whether the token is a person's.
    pub fn is_personal(&self) -> bool {
        self.connection.is_personal()
    }

    /// Requests so far.
    pub fn requests(&self) -> u64 {
        self.connection.client.requests_sent()
    }

    /// The login of the personal token.
    ///
    /// # Errors
    /// [`ForgeError`].
    pub fn login(&self) -> Result<String, ForgeError> {
        self.connection.client.login()
    }

    /// # Errors
    /// [`ForgeError`].
    pub fn repositories_of(&self, owner: &str) -> Result<Vec<RepoSlug>, ForgeError> {
        slugs(self.connection.client.repositories_of(owner, !self.is_personal()))
    }

    /// # Errors
    /// [`ForgeError`].
    pub fn repositories_with_topic(&self, topic: &str) -> Result<Vec<RepoSlug>, ForgeError> {
        slugs(self.connection.client.repositories_with_topic(topic, !self.is_personal()))
    }
}

fn slugs(found: Result<Vec<Repository>, ForgeError>) -> Result<Vec<RepoSlug>, ForgeError> {
    found.map(|all| all.into_iter().map(|one| one.slug).collect())
}

/// What a missing token could have helped with.
pub fn token_hint() -> String {
    format!("a personal token with read access, in `{TOKEN_VARIABLE}`, reads private repositories")
}
