//! The parts of SARIF 2.1.0 that are read, as they are written. Code edits (`fixes`) are not among them.

use serde::de::{Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, de};

use super::super::finding::Level;
use super::super::tally::Suppressed;
use super::super::wire::{First, Loose, Text};

/// 3.27, one result.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResultWire<'a> {
    #[serde(borrow)]
    pub rule_id: Option<Text<'a>>,
    pub rule_index: Option<i64>,
    #[serde(borrow)]
    pub rule: Option<ReferenceWire<'a>>,
    pub kind: Option<Kind>,
    pub level: Option<Level>,
    #[serde(borrow)]
    pub message: Option<MessageWire<'a>>,
    #[serde(borrow, default)]
    pub locations: First<LocationWire<'a>>,
    pub suppressions: Option<Suppressions>,
    pub baseline_state: Option<BaselineState>,
    pub provenance: Option<ProvenanceWire>,
    pub properties: Option<PropertiesWire>,
}

/// 3.27.9.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    Pass,
    Open,
    Informational,
    NotApplicable,
    Review,
    Fail,
}

/// 3.27.24.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum BaselineState {
    New,
    Unchanged,
    Updated,
    Absent,
}

/// 3.52, a reference to a rule.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub struct ReferenceWire<'a> {
    #[serde(borrow)]
    pub id: Option<Text<'a>>,
    pub index: Option<i64>,
    pub tool_component: Option<IndexWire>,
}

/// 3.54, a reference to a tool component, and other things that are found by an index.
#[derive(Deserialize)]
pub struct IndexWire {
    pub index: Option<i64>,
}

/// 3.48.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProvenanceWire {
    pub invocation_index: Option<i64>,
}

/// 3.11.
#[derive(Deserialize)]
pub struct MessageWire<'a> {
    #[serde(borrow)]
    pub text: Option<Text<'a>>,
    #[serde(borrow)]
    pub markdown: Option<Text<'a>>,
    #[serde(borrow)]
    pub id: Option<Text<'a>>,
}

impl MessageWire<'_> {
    /// The words, or the id of the words in the rule.
    pub fn words(&self) -> &str {
        [&self.text, &self.markdown, &self.id].into_iter().flatten().map(Text::as_str).next().unwrap_or("")
    }
}

/// 3.28.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LocationWire<'a> {
    #[serde(borrow)]
    pub physical_location: Option<PhysicalWire<'a>>,
}

/// 3.29.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PhysicalWire<'a> {
    #[serde(borrow)]
    pub artifact_location: Option<ArtifactLocationWire<'a>>,
    #[serde(borrow)]
    pub region: Option<RegionWire<'a>>,
}

/// 3.4.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub struct ArtifactLocationWire<'a> {
    #[serde(borrow)]
    pub uri: Option<Text<'a>>,
    #[serde(borrow)]
    pub uri_base_id: Option<Text<'a>>,
}

/// 3.30. Offsets of -1 mean that there is none.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegionWire<'a> {
    pub start_line: Option<i64>,
    pub start_column: Option<i64>,
    pub end_line: Option<i64>,
    pub end_column: Option<i64>,
    pub char_offset: Option<i64>,
    pub byte_offset: Option<i64>,
    #[serde(borrow)]
    pub snippet: Option<MessageWire<'a>>,
}

/// A property bag; `security-severity` is a CVSS score as text, by GitHub's convention.
#[derive(Deserialize)]
pub struct PropertiesWire {
    #[serde(rename = "security-severity", default)]
    pub security_severity: Loose,
}

/// 3.49, a rule.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleWire<'a> {
    #[serde(borrow)]
    pub id: Option<Text<'a>>,
    pub default_configuration: Option<ConfigurationWire>,
    pub properties: Option<PropertiesWire>,
}

/// 3.50.
#[derive(Deserialize)]
pub struct ConfigurationWire {
    pub level: Option<Level>,
}

/// 3.51.
#[derive(Deserialize)]
pub struct OverrideWire<'a> {
    #[serde(borrow, default)]
    pub descriptor: ReferenceWire<'a>,
    pub configuration: Option<ConfigurationWire>,
}

/// 3.58.
#[derive(Deserialize)]
pub struct NotificationWire<'a> {
    pub level: Option<Level>,
    #[serde(borrow)]
    pub message: Option<MessageWire<'a>>,
}

/// 3.26.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProvenanceOfCodeWire<'a> {
    #[serde(borrow)]
    pub repository_uri: Option<Text<'a>>,
    #[serde(borrow)]
    pub revision_id: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct SuppressionWire<'a> {
    #[serde(borrow)]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    status: Option<Text<'a>>,
}

/// 3.27.23 and 3.35: a result is suppressed where it has suppressions and every one is accepted,
/// which is also what an absent `status` means.
#[derive(Default)]
pub struct Suppressions(pub Option<Suppressed>);

impl<'de> Deserialize<'de> for Suppressions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Folding;
        impl<'de> Visitor<'de> for Folding {
            type Value = Suppressions;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list of suppressions")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Suppressions, A::Error> {
                let mut by = None;
                let mut all_accepted = true;
                while let Some(one) = list.next_element::<SuppressionWire<'_>>()? {
                    all_accepted &= one.status.is_none_or(|status| status.as_str() == "accepted");
                    by = match one.kind.as_ref().map(Text::as_str) {
                        Some("inSource") => Some(Suppressed::InSource),
                        Some("external") => by.or(Some(Suppressed::External)),
                        other => return Err(de::Error::custom(kind_fault(other))),
                    };
                }
                Ok(Suppressions(by.filter(|_| all_accepted)))
            }
        }
        deserializer.deserialize_seq(Folding)
    }
}

fn kind_fault(kind: Option<&str>) -> String {
    let kind = crate::model::sanitize(kind.unwrap_or(""), 40);
    format!("`{kind}` is no kind of suppression: `inSource` and `external` are")
}
