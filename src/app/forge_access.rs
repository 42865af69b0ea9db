//! The forge as the operator's verbs reach it: named on the command line, or the one this workflow runs on.

use std::sync::Arc;

use crate::context::ServerUrl;
use crate::error::{EXIT_CONTEXT, Failure};
use crate::forge::rest::Repo;
use crate::forge::{Backoff, Client, Proxy, Roots, Settings, ThreadSleeper, Timeouts};
use crate::model::{RepoSlug, sanitize};

use super::gate::tune;
use super::in_run::{personal_token, variables};

const NOT_ASKED: &str = "the forge was not asked";

/// Which forge and which repositories, as the caller says.
#[derive(Debug, Clone, Default)]
pub struct ForgeChoice {
    pub server: Option<String>,
    pub repos: Vec<RepoSlug>,
}

/// A connection, and the repositories it is for.
pub struct Access {
    client: Client,
    pub server: ServerUrl,
    repos: Vec<RepoSlug>,
    /// The repository a job's token can see; `None` where the token is a person's, or there is none.
    only: Option<RepoSlug>,
}

impl Access {
    /// Connects; nothing is sent.
    ///
    /// The token is `PATCHWARDEN_TOKEN`, else that of the job, which goes to the workflow's own server only.
    ///
    /// # Errors
    /// Exit 2 for an address that is none, exit 4 where server or repository are not known.
    pub fn open(choice: &ForgeChoice) -> Result<Self, Failure> {
        let variables = variables();
        let unknown = |error: crate::context::ContextError| not_asked(error.to_string());
        let of_workflow = variables.find("SERVER_URL").map_err(unknown)?.map(|(_, text)| text.to_owned());
        let Some(text) = choice.server.as_ref().or(of_workflow.as_ref()) else {
            let hint = "name it with `--server https://forge.example`";
            return Err(not_asked("no server is known").hint(hint));
        };
        let server = address(text)?;
        let home = of_workflow.as_deref().and_then(|text| text.parse::<ServerUrl>().ok());
        let at_home = home.as_ref() == Some(&server);
        let api = match variables.find("API_URL").map_err(unknown)? {
            Some((_, api)) if at_home => address(api)?,
            _ => address(&format!("{server}/api/v1"))?,
        };
        let own: Option<RepoSlug> = match variables.find("REPOSITORY").map_err(unknown)? {
            Some((_, slug)) if at_home => slug.parse().ok(),
            _ => None,
        };
        let personal = personal_token(&variables, NOT_ASKED)?;
        let job = if at_home { variables.job_token().map_err(unknown)? } else { None };
        let only = if personal.is_none() { own.clone() } else { None };
        let repos = match (choice.repos.as_slice(), own) {
            ([], None) => {
                return Err(not_asked("no repository is known").hint("name it with `--repo OWNER/NAME`"));
            }
            ([], Some(own)) => vec![own],
            (repos, _) => repos.to_vec(),
        };
        let mut settings = Settings {
            server: server.clone(),
            api,
            token: personal.or(job),
            runtime: None,
            timeouts: Timeouts::default(),
            backoff: Backoff::default(),
            roots: Roots::default(),
            proxy: Proxy::FromEnvironment,
            sleeper: Arc::new(ThreadSleeper),
        };
        tune(&mut settings, &variables)?;
        let client = Client::new(settings).map_err(|error| not_asked(error.to_string()))?;
        Ok(Self { client, server, repos, only })
    }

    /// The repositories. A job's token is answered 404 for any but its own, so others are asked without it.
    pub fn repos(&self) -> impl Iterator<Item = Repo<'_>> {
        self.repos.iter().map(|slug| {
            let repo = self.client.repo(slug);
            if self.only.as_ref().is_none_or(|only| only == slug) { repo } else { repo.anonymously() }
        })
    }

    /// The one repository.
    ///
    /// # Errors
    /// Exit 2 where there are several.
    pub fn one_repo(&self) -> Result<Repo<'_>, Failure> {
        match self.repos.as_slice() {
            [slug] => Ok(self.client.repo(slug)),
            _ => Err(Failure::usage("several repositories were named where one is wanted")),
        }
    }

    /// The server's clock, as of its latest answer.
    pub fn server_date(&self) -> Option<crate::model::Timestamp> {
        self.client.server_date()
    }
}

fn address(text: &str) -> Result<ServerUrl, Failure> {
    text.parse().map_err(|error| {
        Failure::usage(format!("`{}` is no forge", sanitize(text, 120))).caused_by(format!("{error}"))
    })
}

fn not_asked(cause: impl Into<String>) -> Failure {
    Failure::new(EXIT_CONTEXT, NOT_ASKED).caused_by(cause.into())
}
