//! Repair classes: what each may change, which evidence it wants and how fresh, what stays in a person's hands.

use std::collections::BTreeSet;
use std::fmt;

use schemars::JsonSchema;
use serde::de::{Deserializer, SeqAccess, Visitor, value::SeqAccessDeserializer};
use serde::{Deserialize, Serialize};

use crate::model::{Span, sanitize};
use crate::policy::{Problem, Table};

/// One class.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RepairClass {
    /// Its name, such as `openclaw_upgrade`.
    pub id: String,
    /// What carrying it out changes: one word or a list; `none` stands alone.
    #[serde(deserialize_with = "one_or_more")]
    pub mutates: Vec<Mutation>,
    /// The documents it wants, by role, such as `runtime-truth-report`.
    pub required_evidence: Vec<String>,
    /// How old each may be, from its `generated_at`.
    pub max_age: Span,
    /// Marks on a document or action that leave it to a person. Default: none.
    #[serde(default)]
    pub hard_manual: Vec<String>,
    /// Verbs that a plan of this class may use. Default: none.
    #[serde(default)]
    pub allowed_verbs: Vec<String>,
}

/// What a repair changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mutation {
    None,
    Runtime,
    Auth,
    Network,
    Destructive,
}

impl RepairClass {
    /// Whether carrying it out changes anything. A class that names nothing at all is taken to change something.
    pub fn is_mutating(&self) -> bool {
        self.mutates != [Mutation::None]
    }

    pub(super) fn unsound(&self) -> Vec<(&'static str, String)> {
        let id = sanitize(&self.id, 60);
        let mut wrong = Vec::new();
        if self.mutates.is_empty() || (self.mutates.len() > 1 && self.mutates.contains(&Mutation::None)) {
            wrong
                .push(("mutates", format!("class `{id}` says `none` together with more, or nothing at all")));
        }
        if self.required_evidence.is_empty() {
            wrong.push((
                "required_evidence",
                format!("class `{id}` requires no evidence, so it proves nothing"),
            ));
        }
        wrong
    }
}

fn one_or_more<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Mutation>, D::Error> {
    struct OneOrMore;

    impl<'de> Visitor<'de> for OneOrMore {
        type Value = Vec<Mutation>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("`none`, or one or more of `runtime`, `auth`, `network`, `destructive`")
        }

        fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Self::Value, E> {
            Mutation::deserialize(serde::de::value::StrDeserializer::<E>::new(word)).map(|one| vec![one])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
            Vec::deserialize(SeqAccessDeserializer::new(seq))
        }
    }

    deserializer.deserialize_any(OneOrMore)
}

/// The built-in classes' file.
const BUILT_IN: &str = include_str!("builtin_classes.toml");

/// The classes that are known where no file is given.
pub fn built_in() -> Vec<RepairClass> {
    // A test says that the file is sound.
    read_classes(BUILT_IN).unwrap_or_default()
}

/// Reads a file of classes: `[[class]]` tables.
///
/// # Errors
/// Every problem it has.
pub fn read_classes(text: &str) -> Result<Vec<RepairClass>, Vec<Problem>> {
    let mut root = Table::parse(text)?;
    let mut problems = Vec::new();
    let mut ids = BTreeSet::new();
    let mut classes = Vec::new();
    for table in root.take_array("class", &mut problems) {
        let place = table.place.clone();
        let Some(class) = table.read::<RepairClass>("a class", &mut problems) else { continue };
        for (key, message) in class.unsound() {
            problems.push(place.problem(key, message));
        }
        if !ids.insert(class.id.clone()) {
            problems
                .push(place.problem("id", format!("two classes have the id `{}`", sanitize(&class.id, 60))));
        }
        classes.push(class);
    }
    for key in root.values.keys().filter(|key| key.as_str() != "version") {
        problems.push(root.problem(key, format!("unknown key `{}`", sanitize(key, 60))));
    }
    if classes.is_empty() && problems.is_empty() {
        problems.push(root.problem("", "there is no `[[class]]`"));
    }
    if problems.is_empty() { Ok(classes) } else { Err(problems) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_classes_are_sound() {
        let ids: Vec<String> = read_classes(BUILT_IN).unwrap().into_iter().map(|class| class.id).collect();
        assert_eq!(ids, ["openclaw_upgrade", "deploy_drift_probe", "autoheal_probe"]);
        assert!(built_in().iter().any(RepairClass::is_mutating));
    }

    #[test]
    fn every_problem_of_a_file_has_its_line() {
        let text = "[[class]]\nid = \"a\"\nmutates = \"runtime\"\nrequired_evidence = []\nmax_age = \"1h\"\n\
                    [[class]]\nid = \"b\"\nmutates = [\"none\", \"auth\"]\nrequired_evidence = [\"x\"]\nmax_age = \"1h\"\n\
                    [[class]]\nid = \"c\"\nmutates = \"maybe\"\nrequired_evidence = [\"x\"]\nmax_age = \"1h\"\nextra = 1\n";
        let problems = read_classes(text).unwrap_err();
        let lines: Vec<u64> = problems.iter().map(|problem| problem.line).collect();
        assert_eq!(lines, [4, 8, 16, 13], "{problems:?}");
        assert_eq!(read_classes("version = 1").unwrap_err().len(), 1);
    }
}
