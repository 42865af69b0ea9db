//! The step this program runs in, for verbs that judge nothing: its run, its server, its artifact service.
//! Variables come from the environment, a personal token from `PATCHWARDEN_TOKEN` alone.

use crate::context::{StepContext, Variables};
use crate::error::{EXIT_CONTEXT, Failure};
use crate::forge::{Artifacts as Service, Client, Settings};
use crate::model::Token;

/// The variable that carries a personal token: an argument could be read by other processes.
pub const TOKEN_VARIABLE: &str = "PATCHWARDEN_TOKEN";

/// A step of a workflow, with a connection to its forge.
pub struct InRun {
    pub step: StepContext,
    pub client: Client,
}

/// The process's environment, as far as it is text.
pub fn variables() -> Variables {
    Variables::new(
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
    )
}

/// The personal token, where one was given.
///
/// # Errors
/// Exit 4 where it cannot be one; `what` says what did not happen.
pub fn personal_token(variables: &Variables, what: &str) -> Result<Option<Token>, Failure> {
    variables.exact(TOKEN_VARIABLE).map(str::parse::<Token>).transpose().map_err(|error| {
        Failure::new(EXIT_CONTEXT, what).caused_by(format!("variable `{TOKEN_VARIABLE}`: {error}"))
    })
}

impl InRun {
    /// Reads where this is. `what` says what did not happen if it is nowhere.
    ///
    /// # Errors
    /// Exit 4 where this is no step of a workflow, or the connection cannot be set up.
    pub fn of_environment(what: &str) -> Result<Self, Failure> {
        let variables = variables();
        let token = personal_token(&variables, what)?;
        let step = StepContext::from_workflow(&variables, token.as_ref()).map_err(|error| {
            Failure::new(EXIT_CONTEXT, what)
                .caused_by(error)
                .hint("run it in a step of a workflow: only a job can reach its run's artifacts")
        })?;
        let settings = Settings::new(&step.server, step.runtime.as_ref(), &variables);
        let client =
            Client::new(settings).map_err(|error| Failure::new(EXIT_CONTEXT, what).caused_by(error))?;
        Ok(Self { step, client })
    }

    /// The artifact service of the run. `what` says what did not happen if there is none.
    ///
    /// # Errors
    /// Exit 4 where the runner announces none.
    pub fn service(&self, what: &str) -> Result<Service<'_>, Failure> {
        let runtime = self.step.runtime.as_ref().ok_or_else(|| {
            Failure::new(EXIT_CONTEXT, what)
                .caused_by("the runner announces no artifact service: `ACTIONS_RUNTIME_TOKEN` is not set")
        })?;
        Service::new(&self.client, runtime, self.step.run.id)
            .map_err(|error| Failure::new(EXIT_CONTEXT, what).caused_by(error))
    }
}
