//! `[keys]`: the public keys that attestations may be signed with, from their PEM to what checks signatures.

use std::sync::Arc;

use crate::evidence::attestation::signature::{Key, PublicKey};
use crate::model::{EvidenceId, sanitize};

use super::problem::Problem;
use super::raw::RawKey;
use super::table::Table;

/// The keys of a policy, sorted by name.
#[derive(Debug, Clone, Default)]
pub struct PolicyKeys {
    keys: Arc<[Key]>,
    /// As written, with every default filled in.
    pub raw: Vec<(String, RawKey)>,
}

impl PolicyKeys {
    /// The keys, ready to check signatures.
    pub fn checked(&self) -> Arc<[Key]> {
        self.keys.clone()
    }
}

/// Reads the section.
pub(super) fn read(root: &mut Table, problems: &mut Vec<Problem>) -> PolicyKeys {
    let mut keys = Vec::new();
    let mut raws = Vec::new();
    for (name, table) in root.take_tables("keys", problems) {
        let place = table.place.clone();
        let shown = sanitize(&name, 60);
        let Some(raw) = table.read::<RawKey>(&format!("key `{shown}`"), problems) else { continue };
        // A key is called as evidence is.
        if let Err(error) = name.parse::<EvidenceId>() {
            problems.push(place.problem("", error.to_string()));
        }
        match PublicKey::from_pem(&raw.public_key) {
            Ok(public) => keys.push(Key { name: shown, public, held_outside: raw.held_outside }),
            Err(error) => problems.push(place.problem("public_key", format!("`public_key`: {error}"))),
        }
        raws.push((name, raw));
    }
    PolicyKeys { keys: keys.into(), raw: raws }
}
