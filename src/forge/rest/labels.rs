//! Labels: issues take them by id, people name them.

use serde::{Deserialize, Serialize};

use super::paging::{self, Count, Entry};
use super::{Repo, required};
use crate::forge::error::{Exchange, ForgeError};
use crate::forge::request::Method;

/// A label of the repository. Several may have one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    pub id: u64,
    pub name: String,
}

impl Repo<'_> {
    /// The repository's own labels; those of its organisation are not among them.
    ///
    /// # Errors
    /// [`ForgeError`].
    pub fn labels(self) -> Result<Vec<Label>, ForgeError> {
        let request = self.get_request(&["labels"])?;
        let wire: Vec<WireLabel> = paging::all(self.client, &request, Count::Exact)?;
        wire.into_iter().map(|label| label.convert(&request.exchange())).collect()
    }

    /// Makes a label; `color` is `#` and six hex digits.
    ///
    /// # Errors
    /// [`ForgeError`]; 403 for a token that may not write.
    pub fn make_label(self, name: &str, color: &str, description: &str) -> Result<Label, ForgeError> {
        let exchange = self.get_request(&["labels"])?.exchange();
        let label = NewLabel { name, color, description };
        self.write::<WireLabel>(Method::Post, &["labels"], &label)?.convert(&exchange)
    }
}

#[derive(Serialize)]
struct NewLabel<'a> {
    name: &'a str,
    color: &'a str,
    description: &'a str,
}

#[derive(Deserialize)]
struct WireLabel {
    id: Option<u64>,
    name: Option<String>,
}

impl Entry for WireLabel {
    fn key(&self) -> String {
        self.id.unwrap_or(0).to_string()
    }
}

impl WireLabel {
    fn convert(self, exchange: &Exchange) -> Result<Label, ForgeError> {
        Ok(Label { id: required(self.id, exchange, "id")?, name: required(self.name, exchange, "name")? })
    }
}
