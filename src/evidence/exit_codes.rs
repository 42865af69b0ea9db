//! What an exit code means for the tool that gave it (FORMATS section 1.8): "non-zero" does not mean "findings",
//! "zero" does not mean "ran".

/// The meaning of an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// The tool found nothing to complain of.
    Clean,
    /// The tool complains of what it looked at.
    Red,
    /// The tool says that it had nothing to look at.
    Nothing,
    /// The tool itself failed.
    Crash,
}

/// One tool's non-zero codes; zero is always clean. A code in no list is a crash, unless `red` is empty:
/// then every non-zero code is red.
struct Tool {
    names: &'static [&'static str],
    red: &'static [i32],
    nothing: &'static [i32],
}

const TOOLS: &[Tool] = &[
    Tool { names: &["pytest"], red: &[1], nothing: &[5] },
    Tool { names: &["nextest", "cargo-nextest"], red: &[100], nothing: &[4] },
    Tool { names: &["ruff", "bandit", "semgrep", "eslint", "mypy", "cargo-audit"], red: &[1], nothing: &[] },
    Tool { names: &["jest", "vitest", "pip-audit", "npm-audit"], red: &[1], nothing: &[] },
    Tool { names: &["go", "gotestsum", "phpunit", "tsc"], red: &[1, 2], nothing: &[] },
    Tool { names: &["zizmor"], red: &[11, 12, 13, 14], nothing: &[3] },
    Tool { names: &["fallow-py", "pyfallow"], red: &[1], nothing: &[] },
    Tool { names: &["fallow"], red: &[1, 8], nothing: &[] },
    Tool { names: &["clippy", "cargo-clippy"], red: &[1, 101], nothing: &[] },
    // mocha's code is its number of failures.
    Tool { names: &["mocha"], red: &[], nothing: &[] },
];

/// What `code` means for a tool of this name; an unknown tool is taken to be red at any non-zero code.
pub fn meaning(tool: &str, code: i32) -> Meaning {
    if code == 0 {
        return Meaning::Clean;
    }
    let wanted = tool.to_ascii_lowercase();
    let Some(tool) = TOOLS.iter().find(|known| known.names.contains(&wanted.as_str())) else {
        return Meaning::Red;
    };
    if tool.red.is_empty() || tool.red.contains(&code) {
        Meaning::Red
    } else if tool.nothing.contains(&code) {
        Meaning::Nothing
    } else {
        Meaning::Crash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_as_their_tool_means_them() {
        assert_eq!(meaning("pytest", 1), Meaning::Red);
        assert_eq!(meaning("pytest", 4), Meaning::Crash);
        assert_eq!(meaning("pytest", 5), Meaning::Nothing);
        assert_eq!(meaning("Cargo-Nextest", 101), Meaning::Crash);
        assert_eq!(meaning("mocha", 7), Meaning::Red);
        assert_eq!(meaning("semgrep", 2), Meaning::Crash);
        assert_eq!(meaning("our-own-tool", 3), Meaning::Red);
        assert_eq!(meaning("our-own-tool", 0), Meaning::Clean);
    }
}
