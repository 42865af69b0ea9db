//! What a report itself says went wrong with the tool: a bounded list, the rest counted.

use crate::model::{count, sanitize};

use super::limits::Limits;

/// Messages kept.
const KEPT: usize = 20;

/// The list in the making.
pub struct ToolErrors {
    kept: Vec<String>,
    more: u64,
    text: usize,
}

impl ToolErrors {
    /// None so far.
    pub fn new(limits: &Limits) -> Self {
        Self { kept: Vec::new(), more: 0, text: limits.text() }
    }

    /// Adds what the tool says, behind words of ours.
    pub fn add(&mut self, lead: &str, said: &str) {
        if self.kept.len() >= KEPT {
            self.more += 1;
            return;
        }
        let said = sanitize(said, self.text);
        self.kept.push(if said.is_empty() { lead.to_owned() } else { format!("{lead}: {said}") });
    }

    /// The messages, sanitized.
    pub fn finish(mut self) -> Vec<String> {
        if self.more > 0 {
            self.kept.push(count(self.more, "further error"));
        }
        self.kept
    }
}
