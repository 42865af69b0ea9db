//! The forge as the verbs outside a judgement reach it: named on the command line, or the one this workflow runs on.
//! A personal token asks everything; a job's token its own repository alone; whatever else is read is public.

use std::time::Duration;

use crate::context::{ContextError, Server, ServerUrl, Variables};
use crate::error::{EXIT_CONTEXT, Failure};
use crate::forge::rest::Repo;
use crate::forge::{Client, Settings, Timeouts};
use crate::model::{RepoSlug, sanitize};

use super::gate::tune;
use super::in_run::{personal_token, variables};

const NOT_ASKED: &str = "the forge was not asked";

/// A client of one forge that knows which repository may be asked with which token.
pub struct Connection {
    pub client: Client,
    /// A personal token was given.
    personal: bool,
    /// The repository of the job this runs in, on that very server.
    own: Option<RepoSlug>,
}

impl Connection {
    /// Connects; nothing is sent. `total` is what all requests together may take, `what` says what did not happen if
    /// there is no connection.
    ///
    /// The token is `PATCHWARDEN_TOKEN`, else that of the job, which goes to the workflow's own server only.
    ///
    /// # Errors
    /// Exit 4 where a token, the environment or the address is unusable.
    pub fn open(server: &ServerUrl, total: Duration, what: &str) -> Result<Self, Failure> {
        let refused = |error: &dyn std::fmt::Display| Failure::new(EXIT_CONTEXT, what).caused_by(error);
        let unknown = |error: ContextError| refused(&error);
        let variables = variables();
        let home = of_workflow(&variables).map_err(unknown)?;
        let at_home = home.and_then(|text| text.parse::<ServerUrl>().ok()).as_ref() == Some(server);
        let (mut own, mut job, mut api) = (None, None, format!("{server}/api/v1"));
        if at_home {
            own = variables.find("REPOSITORY").map_err(unknown)?.and_then(|(_, slug)| slug.parse().ok());
            job = variables.job_token().map_err(unknown)?;
            if let Some((_, named)) = variables.find("API_URL").map_err(unknown)? {
                named.clone_into(&mut api);
            }
        }
        let personal = personal_token(&variables, what)?;
        let is_personal = personal.is_some();
        let api = api.parse().map_err(|error| refused(&error))?;
        let place = Server { url: server.clone(), api, token: personal.or(job) };
        let mut settings = Settings::new(&place, None, &variables);
        settings.timeouts.total = total;
        tune(&mut settings, &variables)?;
        let client = Client::new(settings).map_err(|error| refused(&error))?;
        Ok(Self { client, personal: is_personal, own })
    }

    /// The repository as it may be asked: a job's token is answered 404 for any but its own (LIVE section 8).
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
}

/// The address of the workflow's server, as the environment has it.
fn of_workflow(variables: &Variables) -> Result<Option<&str>, ContextError> {
    Ok(variables.find("SERVER_URL")?.map(|(_, text)| text))
}

/// The forge's address: the one given, else the workflow's; `None` where there is neither.
///
/// # Errors
/// [`ContextError`] where the environment contradicts itself.
pub fn server_text(given: Option<&str>) -> Result<Option<String>, ContextError> {
    match given {
        Some(text) => Ok(Some(text.to_owned())),
        None => Ok(of_workflow(&variables())?.map(str::to_owned)),
    }
}

/// Which forge and which repositories, as the caller says.
#[derive(Debug, Clone, Default)]
pub struct ForgeChoice {
    pub server: Option<String>,
    pub repos: Vec<RepoSlug>,
}

/// A connection, and the repositories it is for.
pub struct Access {
    connection: Connection,
    pub server: ServerUrl,
    repos: Vec<RepoSlug>,
}

impl Access {
    /// Connects; nothing is sent.
    ///
    /// # Errors
    /// Exit 2 for an address that is none, exit 4 where server or repository are not known.
    pub fn open(choice: &ForgeChoice) -> Result<Self, Failure> {
        let text = server_text(choice.server.as_deref()).map_err(|error| not_asked(error.to_string()))?;
        let Some(text) = text else {
            let hint = "name it with `--server https://forge.example`";
            return Err(not_asked("no server is known").hint(hint));
        };
        let server: ServerUrl = text.parse().map_err(|error| {
            Failure::usage(format!("`{}` is no forge", sanitize(&text, 120))).caused_by(format!("{error}"))
        })?;
        let connection = Connection::open(&server, Timeouts::default().total, NOT_ASKED)?;
        let repos = match (choice.repos.as_slice(), connection.own()) {
            ([], None) => {
                return Err(not_asked("no repository is known").hint("name it with `--repo OWNER/NAME`"));
            }
            ([], Some(own)) => vec![own.clone()],
            (repos, _) => repos.to_vec(),
        };
        Ok(Self { connection, server, repos })
    }

    /// The repositories, each as it may be asked.
    pub fn repos(&self) -> impl Iterator<Item = Repo<'_>> {
        self.repos.iter().map(|slug| self.connection.repo(slug))
    }

    /// The one repository.
    ///
    /// # Errors
    /// Exit 2 where there are several.
    pub fn one_repo(&self) -> Result<Repo<'_>, Failure> {
        match self.repos.as_slice() {
            [slug] => Ok(self.connection.repo(slug)),
            _ => Err(Failure::usage("several repositories were named where one is wanted")),
        }
    }

    /// The server's clock, as of its latest answer.
    pub fn server_date(&self) -> Option<crate::model::Timestamp> {
        self.connection.client.server_date()
    }
}

fn not_asked(cause: impl Into<String>) -> Failure {
    Failure::new(EXIT_CONTEXT, NOT_ASKED).caused_by(cause.into())
}
