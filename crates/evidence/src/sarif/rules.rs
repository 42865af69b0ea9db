//! The rules of one SARIF run and what they say of a result that states no level.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::iter::successors;
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
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RuleRef {
    pub id: Option<Box<str>>,
    index: Option<usize>,
    /// 0 for the driver, which is meant where none is named (3.52.7); `None` for one that is not named by its index.
    component: Option<usize>,
    invocation: Option<usize>,
}

impl RuleRef {
    /// # Errors
    /// [`ParseError::TooLarge`] for an id that is too long.
    pub fn of(result: &ResultWire<'_>) -> Result<Self, ParseError> {
        let absent = ReferenceWire::default();
        let mut named = Self::of_reference(result.rule.as_ref().unwrap_or(&absent))?;
        // 3.27.5: where both spellings are there they must agree, so either will do.
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
            component: match &wire.tool_component {
                None => Some(0),
                Some(part) => part.index.and_then(index).map(|extension| extension.saturating_add(1)),
            },
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

/// A component, and which of its rules.
type At = (usize, usize);

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
    /// The gravest rule of each id in each component that has one, sorted, once one is looked for by its id: most results
    /// name their rule by its index.
    by_id: OnceCell<HashMap<Rc<str>, Vec<At>, RandomState>>,
    overrides: Vec<Override>,
    /// The overrides of each rule, once the run is read.
    sealed: HashMap<At, Vec<(usize, Level)>>,
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

    fn at(&self, (component, index): At) -> Option<&Rule> {
        self.components.get(component)?.get(index)
    }

    /// How grave what a rule finds is where nothing else says so.
    fn level(&self, at: At) -> Level {
        self.at(at).and_then(|rule| rule.level).unwrap_or(Level::Warning)
    }

    /// The first where they are equal.
    fn graver(&self, one: At, other: At) -> At {
        if self.level(other) < self.level(one) { other } else { one }
    }

    fn index(&self) -> HashMap<Rc<str>, Vec<At>, RandomState> {
        let mut by_id: HashMap<_, Vec<At>, _> = HashMap::default();
        for (component, rules) in self.components.iter().enumerate() {
            for (index, rule) in rules.iter().enumerate() {
                let (at, places) = ((component, index), by_id.entry(Rc::clone(&rule.id)).or_default());
                match places.last_mut() {
                    // Of two rules of one id nobody knows which is meant.
                    Some(last) if last.0 == component => *last = self.graver(*last, at),
                    _ => places.push(at),
                }
            }
        }
        by_id
    }

    /// By index, else by id. Where the two disagree, which they must not (3.27.6), as after a merge of logs: the graver.
    fn find(&self, named: &RuleRef) -> Option<At> {
        let indexed = named.component.zip(named.index).and_then(|at| Some((at, self.at(at)?)));
        let Some((at, rule)) = indexed else { return self.by_id(named) };
        let agrees = |id| rule.id.is_empty() || begins_with(id, &rule.id);
        if named.id.as_deref().is_none_or(agrees) {
            return Some(at);
        }
        match self.by_id(named) {
            Some(other) => Some(self.graver(other, at)),
            None => (self.level(at) < Level::Warning).then_some(at),
        }
    }

    /// By id, else by the longest part of the id that ends before a `/` (3.52.4): in the component; where that has none,
    /// or nobody knows which it is, the gravest of any.
    fn by_id(&self, named: &RuleRef) -> Option<At> {
        let by_id = self.by_id.get_or_init(|| self.index());
        let parts = successors(named.id.as_deref(), |id| id.rsplit_once('/').map(|(part, _)| part));
        let mut found = parts.filter_map(|part| by_id.get(part));
        let own = named.component.and_then(|own| {
            found.clone().find_map(|all| all.get(all.binary_search_by_key(&own, |at| at.0).ok()?))
        });
        own.copied().or_else(|| found.next()?.iter().copied().reduce(|one, other| self.graver(one, other)))
    }
}

/// Whether an id is that of a rule, or of a part of it: `CA1000/1` is of `CA1000`.
fn begins_with(id: &str, rule: &str) -> bool {
    id.strip_prefix(rule).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
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

    /// Component, id and level of each.
    fn rules_of(all: &[(usize, &str, &str)]) -> Rules {
        let mut rules = Rules::default();
        for (component, id, level) in all {
            let json = format!(r#"{{"id":"{id}","defaultConfiguration":{{"level":"{level}"}}}}"#);
            rules.add(*component, &serde_json::from_str(&json).unwrap()).unwrap();
        }
        rules
    }

    #[test]
    fn a_rule_is_looked_for_where_it_is_said_to_be() {
        let rules = rules_of(&[
            (0, "x", "none"),
            (0, "y/1", "error"),
            (1, "x", "note"),
            (2, "x", "error"),
            (2, "y/1/2", "none"),
        ]);
        let level = |result: &str| settled(&rules, result).1;
        assert_eq!(level(r#"{"ruleId":"x"}"#), Some(Level::None), "the driver, where nothing is named");
        assert_eq!(level(r#"{"ruleId":"y/1/2"}"#), Some(Level::Error), "the driver's, by a part of the id");
        for (extension, wanted) in [(0, Level::Note), (1, Level::Error), (7, Level::Error)] {
            let rule = format!(r#"{{"id":"x","toolComponent":{{"index":{extension}}}}}"#);
            assert_eq!(level(&format!(r#"{{"rule":{rule}}}"#)), Some(wanted), "{rule}");
        }
        for other in [r#"{"guid":"q"}"#, r#"{"name":"e","index":-1}"#] {
            let rule = format!(r#"{{"id":"x","index":0,"toolComponent":{other}}}"#);
            assert_eq!(level(&format!(r#"{{"rule":{rule}}}"#)), Some(Level::Error), "{other}: the gravest");
        }
    }

    #[test]
    fn of_an_index_and_an_id_that_disagree_the_graver_counts() {
        let rules = rules_of(&[(0, "other", "none"), (0, "own", "error"), (0, "", "error")]);
        for (result, wanted) in [
            (r#"{"ruleId":"own","ruleIndex":0}"#, Some(Level::Error)),
            (r#"{"ruleId":"other","ruleIndex":1}"#, Some(Level::Error)),
            (r#"{"ruleId":"unknown","ruleIndex":0}"#, None),
            (r#"{"ruleId":"otherwise","ruleIndex":0}"#, None),
            (r#"{"ruleId":"unknown","ruleIndex":1}"#, Some(Level::Error)),
            (r#"{"ruleId":"of a rule without id","ruleIndex":2}"#, Some(Level::Error)),
            (r#"{"ruleId":"other/1","ruleIndex":0}"#, Some(Level::None)),
            (r#"{"ruleIndex":0}"#, Some(Level::None)),
        ] {
            assert_eq!(settled(&rules, result).1, wanted, "{result}");
        }
    }

    #[test]
    fn of_rules_of_one_id_the_gravest_counts() {
        let rules = rules_of(&[(0, "twice", "note"), (0, "twice", "error"), (0, "twice", "none")]);
        assert_eq!(settled(&rules, r#"{"ruleId":"twice"}"#).1, Some(Level::Error));
        assert_eq!(
            settled(&rules, r#"{"ruleId":"twice","ruleIndex":2}"#).1,
            Some(Level::None),
            "it says which"
        );
    }

    #[test]
    fn rules_that_begin_alike_are_two_or_refused() {
        let long = "r".repeat(ID_BYTES - 1);
        let rules = rules_of(&[(0, &format!("{long}y"), "none"), (0, &format!("{long}x"), "error")]);
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
