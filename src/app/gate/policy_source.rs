//! The policy of a judgement inside a workflow: the file at the base, or the embedded one for what was recognised.

use crate::app::judge::SoundPolicy;
use crate::error::Failure;
use crate::gate::PolicyOrigin;
use crate::model::{CommitSha, RelPath, sanitize};
use crate::policy::proposal::{Seen, propose};
use crate::report::PolicyFacts;

use super::fetched::Looked;

/// The policy that judges.
pub struct Loaded {
    pub sound: SoundPolicy,
    pub origin: PolicyOrigin,
    pub facts: PolicyFacts,
    /// As it was read, or proposed.
    pub text: String,
}

impl Loaded {
    /// The policy a repository without one could begin with.
    pub fn proposed(&self) -> Option<String> {
        (self.origin == PolicyOrigin::Embedded).then(|| self.text.clone())
    }
}

/// Makes a policy of its text; without one the embedded policy, for what `look` recognises.
///
/// # Errors
/// Exit 3 with every problem it has.
pub fn load(
    path: &RelPath,
    text: Option<String>,
    at: &CommitSha,
    look: impl FnOnce() -> Looked,
    notes: &mut Vec<String>,
) -> Result<Loaded, Failure> {
    let (text, origin) = match text {
        Some(text) => (text, PolicyOrigin::File),
        None => (embedded(look(), notes), PolicyOrigin::Embedded),
    };
    let sound = sound(path, &text, at)?;
    let found = origin == PolicyOrigin::File;
    let facts = PolicyFacts {
        origin: if found { "base" } else { "embedded" },
        path: found.then(|| path.to_string()),
        git_ref: found.then(|| at.clone()),
        sha256: sound.policy.sha256.clone(),
    };
    Ok(Loaded { sound, origin, facts, text })
}

fn embedded(looked: Looked, notes: &mut Vec<String>) -> String {
    for (name, why) in looked.refused {
        notes.push(format!("artifact `{}` was not judged: {why}", sanitize(name.as_str(), 100)));
    }
    let seen: Vec<Seen> =
        looked.seen.into_iter().map(|(artifact, one)| Seen::in_artifact(artifact, one)).collect();
    propose(&seen)
}

/// Reads a policy's text.
///
/// # Errors
/// Exit 3 with every problem it has.
pub fn sound(path: &RelPath, text: &str, at: &CommitSha) -> Result<SoundPolicy, Failure> {
    let name = format!("{path} at base {}", at.short());
    SoundPolicy::read(text).map_err(|problems| Failure::policy("no verdict was produced", &name, problems))
}
