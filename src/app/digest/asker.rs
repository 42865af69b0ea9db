//! The connection of a digest: which forge, and with which token what is asked. A personal token asks everything;
//! a job's token only its own repository, for any other would be answered 404 (LIVE section 8); the rest is public.

use super::super::in_run::{TOKEN_VARIABLE, personal_token, variables};
use crate::context::{Server, ServerUrl, Variables};
use crate::error::{EXIT_CONTEXT, Failure};
use crate::forge::rest::{Repo, Repository};
use crate::forge::{Client, ForgeError, Settings};
use crate::model::RepoSlug;

/// Longer than any job may run.
const TOTAL: std::time::Duration = std::time::Duration::from_hours(3);

/// A forge to ask.
pub struct Asker {
    client: Client,
    /// A personal token was given.
    personal: bool,
    /// The repository of the job, whose token may ask only there.
    own: Option<RepoSlug>,
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
    let variables = variables();
    let (_, text) = variables.need("SERVER_URL").map_err(|error| refused(&error))?;
    text.parse().map_err(|error| refused(&error))
}

impl Asker {
    /// Connects and asks for the version.
    ///
    /// # Errors
    /// Exit 4 where a token or the address is unusable.
    pub fn connect(server: &ServerUrl) -> Result<Self, Failure> {
        let variables = variables();
        let refused =
            |error: &dyn std::fmt::Display| Failure::new(EXIT_CONTEXT, "no digest was made").caused_by(error);
        let personal = personal_token(&variables, "no digest was made")?;
        let job = in_job(&variables, server).map_err(|error| refused(&error))?;
        let (own, job_token) = match job {
            Some((repo, token)) => (Some(repo), token),
            None => (None, None),
        };
        let api = format!("{server}/api/v1").parse().map_err(|error| refused(&error))?;
        let is_personal = personal.is_some();
        let place = Server { url: server.clone(), api, token: personal.or(job_token) };
        let mut settings = Settings::new(&place, None);
        settings.timeouts.total = TOTAL;
        super::super::gate::tune(&mut settings, &variables)?;
        let client = Client::new(settings).map_err(|error| refused(&error))?;
        let major = client.version().ok().and_then(|version| version.split('.').next()?.parse().ok());
        Ok(Self { client, personal: is_personal, own, major })
    }

    /// The repository as it may be asked.
    pub fn repo<'a>(&'a self, slug: &'a RepoSlug) -> Repo<'a> {
        let repo = self.client.repo(slug);
        if self.personal || self.own.as_ref() == Some(slug) { repo } else { repo.anonymously() }
    }

    /// The repository of the job this runs in.
    pub fn own(&self) -> Option<&RepoSlug> {
        self.own.as_ref()
    }

    /// Whether the token is a person's.
    pub fn is_personal(&self) -> bool {
        self.personal
    }

    /// Requests so far.
    pub fn requests(&self) -> u64 {
        self.client.requests_sent()
    }

    /// The login of the personal token.
    ///
    /// # Errors
    /// [`ForgeError`].
    pub fn login(&self) -> Result<String, ForgeError> {
        self.client.login()
    }

    /// # Errors
    /// [`ForgeError`].
    pub fn repositories_of(&self, owner: &str) -> Result<Vec<RepoSlug>, ForgeError> {
        slugs(self.client.repositories_of(owner, !self.personal))
    }

    /// # Errors
    /// [`ForgeError`].
    pub fn repositories_with_topic(&self, topic: &str) -> Result<Vec<RepoSlug>, ForgeError> {
        slugs(self.client.repositories_with_topic(topic, !self.personal))
    }
}

fn slugs(found: Result<Vec<Repository>, ForgeError>) -> Result<Vec<RepoSlug>, ForgeError> {
    found.map(|all| all.into_iter().map(|one| one.slug).collect())
}

type Job = (RepoSlug, Option<crate::model::Token>);

/// The job's repository and token, where this is a step of a workflow on that very server.
fn in_job(variables: &Variables, server: &ServerUrl) -> Result<Option<Job>, crate::context::ContextError> {
    let (Some((_, at)), Some((_, repo))) = (variables.find("SERVER_URL")?, variables.find("REPOSITORY")?)
    else {
        return Ok(None);
    };
    let here = at.parse::<ServerUrl>().is_ok_and(|url| url == *server);
    match repo.parse::<RepoSlug>() {
        Ok(repo) if here => Ok(Some((repo, variables.job_token()?))),
        _ => Ok(None),
    }
}

/// What a missing token could have helped with.
pub fn token_hint() -> String {
    format!("a personal token with read access, in `{TOKEN_VARIABLE}`, reads private repositories")
}
