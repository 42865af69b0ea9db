//! The rules of one SARIF run and what they say of a result that states no level.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::rc::Rc;

use foldhash::quality::RandomState;

use crate::model::sanitize;

use super::super::content::ParseError;
use super::super::finding::Level;
use super::super::tally::Settled;
use super::super::wire::str_of;
use super::wire::{OverrideWire, ReferenceWire, ResultWire, RuleWire};

/// Rules and overrides of one run; CodeQL's largest suites have some 600, semgrep's registry some 3,000.
const RULES: usize = 20_000;

/// Bytes of a rule's id; the longest of the genuine samples has 41. A longer one is refused and not cut: two rules
/// that begin alike would be one, and the level of the one hide a finding of the other.
const ID_BYTES: usize = 1_000;

/// How a result names its rule.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct RuleRef {
    pub id: Option<Box<str>>,
    index: Option<usize>,
    /// `None` for the driver, else an extension.
    component: Option<usize>,
    invocation: Option<usize>,
}

impl RuleRef {
    /// # Errors
    /// [`ParseError::TooLarge`] for an id that is too long.
    pub fn of(result: &ResultWire<'_>) -> Result<Self, ParseError> {
        let mut named = result.rule.as_ref().map(Self::of_reference).transpose()?.unwrap_or_default();
        // 3.27.5 and 3.27.6: where both spellings are there they must agree, so either will do.
        if let Some(id) = str_of(&result.rule_id) {
            named.id = Some(whole(id)?.into());
        }
        named.index = result.rule_index.and_then(index).or(named.index);
        named.invocation = result.provenance.as_ref().and_then(|p| p.invocation_index).and_then(index);
        Ok(named)
    }

    fn of_reference(wire: &ReferenceWire<'_>) -> Result<Self, ParseError> {
        Ok(Self {
            id: str_of(&wire.id).map(whole).transpose()?.map(Into::into),
            index: wire.index.and_then(index),
            component: wire.tool_component.as_ref().and_then(|part| part.index).and_then(index),
            invocation: None,
        })
    }
}

/// -1 stands for no index (3.52.5).
fn index(number: i64) -> Option<usize> {
    usize::try_from(number).ok()
}

fn whole(id: &str) -> Result<&str, ParseError> {
    if id.len() > ID_BYTES {
        return Err(ParseError::TooLarge(format!("a rule's id is longer than {ID_BYTES} bytes")));
    }
    Ok(id)
}

struct Rule {
    id: Rc<str>,
    level: Option<Level>,
    security_severity: Option<String>,
}

struct Override {
    invocation: usize,
    rule: RuleRef,
    level: Level,
}

/// The rules of a run's driver and extensions, and the overrides of its invocations.
#[derive(Default)]
pub struct Rules {
    /// The driver's first, then the extensions' in their order.
    components: Vec<Vec<Rule>>,
    /// The first rule of each id, once one is looked for by its id: most results name their rule by its index.
    by_id: OnceCell<HashMap<Rc<str>, (usize, usize), RandomState>>,
    overrides: Vec<Override>,
    /// The overrides of each rule, once the run is read.
    sealed: HashMap<(usize, usize), Vec<(usize, Level)>>,
    total: usize,
}

impl Rules {
    /// Takes a rule of the driver (0) or of an extension (1 and up).
    ///
    /// # Errors
    /// [`ParseError::TooLarge`] for too many.
    pub fn add(&mut self, component: usize, wire: &RuleWire<'_>) -> Result<(), ParseError> {
        self.count()?;
        while self.components.len() <= component {
            self.components.push(Vec::new());
        }
        let id: Rc<str> = whole(str_of(&wire.id).unwrap_or(""))?.into();
        let severity = wire.properties.as_ref().and_then(|bag| bag.security_severity.as_str());
        let Some(rules) = self.components.get_mut(component) else { return Ok(()) };
        rules.push(Rule {
            id,
            level: wire.default_configuration.as_ref().and_then(|configuration| configuration.level),
            security_severity: severity.map(|text| sanitize(text, 80)),
        });
        Ok(())
    }

    /// Takes an override of the invocation of this index.
    ///
    /// # Errors
    /// [`ParseError::TooLarge`] for too many.
    pub fn add_override(&mut self, invocation: usize, wire: &OverrideWire<'_>) -> Result<(), ParseError> {
        self.count()?;
        if let Some(level) = wire.configuration.as_ref().and_then(|configuration| configuration.level) {
            let rule = RuleRef::of_reference(&wire.descriptor)?;
            self.overrides.push(Override { invocation, rule, level });
        }
        Ok(())
    }

    fn count(&mut self) -> Result<(), ParseError> {
        self.total += 1;
        if self.total > RULES {
            return Err(ParseError::TooLarge(format!("one run has more than {RULES} rules and overrides")));
        }
        Ok(())
    }

    /// Finds the rules of the overrides. To be called when the whole run is read.
    pub fn seal(&mut self) {
        for over in std::mem::take(&mut self.overrides) {
            if let Some(place) = self.find(&over.rule) {
                self.sealed.entry(place).or_default().push((over.invocation, over.level));
            }
        }
    }

    /// A result's rule and the level it has when it states none: an override of its invocation (of any, where it
    /// names none; the gravest), else the rule's default, else nothing (3.27.10).
    pub fn settle(&self, named: &RuleRef) -> Settled {
        let place = self.find(named);
        let rule = place.and_then(|place| self.at(place));
        let overridden = place
            .and_then(|place| self.sealed.get(&place))
            .into_iter()
            .flatten()
            .filter(|(invocation, _)| named.invocation.is_none_or(|own| own == *invocation))
            .map(|(_, level)| *level)
            .min();
        Settled {
            rule: named.id.as_deref().or(rule.map(|rule| rule.id.as_ref())).unwrap_or("").to_owned(),
            level: overridden.or(rule.and_then(|rule| rule.level)),
            security_severity: rule.and_then(|rule| rule.security_severity.clone()),
        }
    }

    fn at(&self, (component, index): (usize, usize)) -> Option<&Rule> {
        self.components.get(component)?.get(index)
    }

    fn index(&self) -> HashMap<Rc<str>, (usize, usize), RandomState> {
        let mut by_id = HashMap::default();
        for (component, rules) in self.components.iter().enumerate() {
            for (index, rule) in rules.iter().enumerate() {
                by_id.entry(Rc::clone(&rule.id)).or_insert((component, index));
            }
        }
        by_id
    }

    /// By index, then by id, then by the longest part of the id that ends before a `/` (3.52.4).
    fn find(&self, named: &RuleRef) -> Option<(usize, usize)> {
        let component = named.component.map_or(0, |extension| extension.saturating_add(1));
        let indexed = named.index.map(|index| (component, index)).filter(|place| self.at(*place).is_some());
        indexed.or_else(|| {
            let mut id = named.id.as_deref()?;
            let by_id = self.by_id.get_or_init(|| self.index());
            loop {
                if let Some(place) = by_id.get(id) {
                    return Some(*place);
                }
                id = id.rsplit_once('/')?.0;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Rules {
        let mut rules = Rules::default();
        for (component, json) in [
            (0, r#"{"id":"a","defaultConfiguration":{"level":"note"}}"#),
            (0, r#"{"id":"a/b","defaultConfiguration":{"level":"error"}}"#),
            (0, r#"{"id":"plain"}"#),
            (
                2,
                r#"{"id":"x","defaultConfiguration":{"level":"none"},"properties":{"security-severity":"9.8"}}"#,
            ),
        ] {
            rules.add(component, &serde_json::from_str(json).unwrap()).unwrap();
        }
        rules
    }

    fn settled(rules: &Rules, result: &str) -> (String, Option<Level>) {
        let settled = rules.settle(&RuleRef::of(&serde_json::from_str(result).unwrap()).unwrap());
        (settled.rule, settled.level)
    }

    #[test]
    fn a_rule_is_found_by_index_then_id_then_longest_prefix() {
        let rules = rules();
        let level = |result: &str| settled(&rules, result).1;
        assert_eq!(settled(&rules, r#"{"ruleIndex":1}"#), ("a/b".to_owned(), Some(Level::Error)));
        assert_eq!(level(r#"{"ruleIndex":0,"ruleId":"a/b"}"#), Some(Level::Note));
        assert_eq!(level(r#"{"ruleIndex":-1,"ruleId":"a/b"}"#), Some(Level::Error));
        assert_eq!(level(r#"{"ruleIndex":99,"ruleId":"a/c"}"#), Some(Level::Note));
        assert_eq!(level(r#"{"ruleId":"a/b/c/d"}"#), Some(Level::Error));
        assert_eq!(level(r#"{"ruleId":"ab"}"#), None);
        assert_eq!(level(r#"{"ruleId":"plain"}"#), None);
        assert_eq!(level(r#"{"rule":{"index":0,"toolComponent":{"index":1}}}"#), Some(Level::None));
        assert_eq!(settled(&rules, r#"{"rule":{"id":"x"}}"#), ("x".to_owned(), Some(Level::None)));
    }

    #[test]
    fn rules_that_begin_alike_are_two_or_refused() {
        let mut rules = Rules::default();
        let long = "r".repeat(ID_BYTES - 1);
        for (end, level) in [("y", "none"), ("x", "error")] {
            let json = format!(r#"{{"id":"{long}{end}","defaultConfiguration":{{"level":"{level}"}}}}"#);
            rules.add(0, &serde_json::from_str(&json).unwrap()).unwrap();
        }
        assert_eq!(settled(&rules, &format!(r#"{{"ruleId":"{long}x"}}"#)).1, Some(Level::Error));
        let longer = format!(r#"{{"ruleId":"{long}xx"}}"#);
        let refused = RuleRef::of(&serde_json::from_str(&longer).unwrap());
        assert!(matches!(refused, Err(ParseError::TooLarge(_))));
    }

    #[test]
    fn an_override_of_the_invocation_wins_over_the_default() {
        let mut rules = rules();
        let over = r#"{"descriptor":{"id":"a"},"configuration":{"level":"error"}}"#;
        rules.add_override(1, &serde_json::from_str(over).unwrap()).unwrap();
        rules.seal();
        let level = |result: &str| settled(&rules, result).1;
        assert_eq!(level(r#"{"ruleId":"a"}"#), Some(Level::Error));
        assert_eq!(level(r#"{"ruleId":"a","provenance":{"invocationIndex":1}}"#), Some(Level::Error));
        assert_eq!(level(r#"{"ruleId":"a","provenance":{"invocationIndex":0}}"#), Some(Level::Note));
        assert_eq!(level(r#"{"ruleId":"unknown"}"#), None);
    }
}
