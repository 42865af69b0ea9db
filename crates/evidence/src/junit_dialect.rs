//! Which tool's dialect a JUnit report is, as far as it shows, and what that dialect cannot prove.
//! It never changes an outcome: a report could call itself anything.

use super::content::ToolName;
use super::xml::Tag;

/// Names of root or suite elements, and the tools that give them.
const BY_NAME: [(&str, &str); 12] = [
    ("pytest tests", "pytest"),
    ("pytest", "pytest"),
    ("nextest-run", "cargo-nextest"),
    ("jest tests", "jest"),
    ("vitest tests", "vitest"),
    ("Mocha Tests", "mocha"),
    ("AllTests", "googletest"),
    ("mypy", "mypy"),
    ("ruff", "ruff"),
    ("semgrep results", "semgrep"),
    ("bandit", "bandit"),
    ("trivy", "trivy"),
];

/// Tools that write findings as failed tests. Clean, they write what they write when they looked at nothing:
/// ruff a case `No errors found`, semgrep no case, mypy one pseudo-test.
const ANALYSERS: [&str; 5] = ["mypy", "ruff", "semgrep", "bandit", "trivy"];

/// What was seen of a dialect.
#[derive(Debug, Default)]
pub struct Dialect {
    tool: Option<&'static str>,
    /// The root is `testsuites` without attributes, as node's and phpunit's are.
    bare_root: bool,
    cases_seen: bool,
}

impl Dialect {
    /// Looks at a suite or the root.
    pub fn see_suite(&mut self, tag: &Tag<'_>, root: bool) {
        if root {
            self.bare_root = tag.is_bare();
        }
        if self.tool.is_some() || self.cases_seen {
            return;
        }
        let name = tag.get("name");
        self.tool =
            name.and_then(|name| BY_NAME.iter().find(|(known, _)| *known == name)).map(|(_, tool)| *tool);
        if tag.get("package").is_some_and(|package| package == "org.ruff") {
            self.tool = Some("ruff");
        } else if tag.get("noNamespaceSchemaLocation").is_some_and(|place| place.contains("surefire")) {
            self.tool = Some("surefire");
        }
    }

    /// Looks at a case; only the first tells.
    pub fn see_case(&mut self, tag: &Tag<'_>) {
        if std::mem::replace(&mut self.cases_seen, true) || self.tool.is_some() {
            return;
        }
        if tag.get("class").is_some() && tag.get("assertions").is_some() {
            self.tool = Some("phpunit");
        } else if self.bare_root
            && tag.get("classname").is_some_and(|class| class == "test" || class == "suite")
        {
            self.tool = Some("node --test");
        }
    }

    /// Looks at the name of a suite's property.
    pub fn see_property(&mut self, name: &str) {
        if self.tool.is_none() && name == "go.version" {
            self.tool = Some("go");
        }
    }

    /// The tool, where its dialect shows it.
    pub fn tool(&self) -> Option<ToolName> {
        self.tool.map(|name| ToolName { name: name.to_owned(), version: None })
    }

    /// Whether the cases are findings of an analyser, not tests.
    pub fn is_analyser(&self) -> bool {
        self.tool.is_some_and(|tool| ANALYSERS.contains(&tool))
    }

    /// What a report of this dialect without a failure cannot prove.
    pub fn unproven(&self) -> Option<String> {
        let tool = self.tool.filter(|_| self.is_analyser())?;
        Some(format!("{tool} writes the same report when it looked at nothing"))
    }

    /// What a reader should know of the dialect.
    pub fn notes(&self) -> Vec<String> {
        match self.tool {
            Some(tool) if self.is_analyser() => {
                vec![format!("its cases are findings of {tool}, not tests; {tool}'s own format says more")]
            }
            _ => Vec::new(),
        }
    }
}
