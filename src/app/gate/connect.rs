//! The connection of a judgement inside a workflow: what the context announces, and how long anything may take.

use std::time::Duration;

use crate::context::{RunContext, Variables};
use crate::error::Failure;
use crate::forge::{Client, Settings};
use crate::model::sanitize;

use super::outputs::no_verdict;

/// Shortens every wait for an answer; for tests (docs/development.md).
const TIMEOUT: &str = "PATCHWARDEN_TIMEOUT_MS";
/// Sets the first wait between two tries and bounds all of them; for tests (docs/development.md).
const BACKOFF: &str = "PATCHWARDEN_BACKOFF_MS";

/// Sets up the client; nothing is sent.
///
/// # Errors
/// Exit 4 where the environment announces no server, or something unusable.
pub fn connect(context: &RunContext, variables: &Variables) -> Result<Client, Failure> {
    let mut settings =
        Settings::of(context, variables).ok_or_else(|| no_verdict("the server's address is not known"))?;
    tune(&mut settings, variables)?;
    Client::new(settings).map_err(|error| no_verdict("the forge could not be reached").caused_by(error))
}

/// Takes waiting times from the environment, for tests.
///
/// # Errors
/// Exit 4 for a time that is none.
pub fn tune(settings: &mut Settings, variables: &Variables) -> Result<(), Failure> {
    if let Some(time) = milliseconds(variables, TIMEOUT)? {
        settings.timeouts.connect = time;
        settings.timeouts.request = time;
    }
    if let Some(time) = milliseconds(variables, BACKOFF)? {
        settings.backoff.first = time;
        settings.backoff.longest = time;
    }
    Ok(())
}

/// The pause between two questions of a wait, where a test sets one.
pub fn pause_for_tests(variables: &Variables) -> Option<Duration> {
    milliseconds(variables, BACKOFF).ok().flatten()
}

fn milliseconds(variables: &Variables, name: &str) -> Result<Option<Duration>, Failure> {
    let Some(text) = variables.exact(name) else { return Ok(None) };
    let number = text.parse::<u64>();
    let number =
        number.map_err(|_| no_verdict(format!("`{name}` is `{}`: not a number", sanitize(text, 40))))?;
    Ok(Some(Duration::from_millis(number)))
}
