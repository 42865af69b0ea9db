//! What an exit code means for the tool that gave it (FORMATS section 1.8): "non-zero" does not mean "findings",
//! "zero" does not mean "ran". A policy may say it for a tool of its own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

/// What a policy says of one command's non-zero codes, in place of its tool's row: zero is clean, what is listed
/// is what it is listed as, and every other code is the command's own failure.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExitCodes {
    /// Codes by which the command complains of what it looked at. Default: none.
    #[serde(default)]
    pub red: Vec<i32>,
    /// Codes by which the command says that it had nothing to look at. Default: none.
    #[serde(default)]
    pub nothing: Vec<i32>,
}

impl ExitCodes {
    /// What `code` means by this table.
    pub fn meaning(&self, code: i32) -> Meaning {
        match code {
            0 => Meaning::Clean,
            code if self.red.contains(&code) => Meaning::Red,
            code if self.nothing.contains(&code) => Meaning::Nothing,
            _ => Meaning::Crash,
        }
    }

    /// What is wrong with the table: a code that no command ends with, that always means something else,
    /// or that is listed as both.
    pub fn problems(&self) -> Vec<String> {
        let listed = self.red.iter().chain(&self.nothing);
        let fixed = listed.filter_map(|code| match code {
            0 => Some("`exit_codes` lists 0, which is always clean".to_owned()),
            126 | 127 => Some(format!("`exit_codes` lists {code}: the command could not be run")),
            1..=255 => None,
            _ => Some(format!("`exit_codes` lists {code}, which is not between 1 and 255")),
        });
        let both = self.red.iter().filter(|code| self.nothing.contains(code));
        fixed.chain(both.map(|code| format!("`exit_codes` lists {code} as `red` and as `nothing`"))).collect()
    }
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
    // `Semgrep OSS` is how semgrep calls itself in SARIF; 1 only with `--error`.
    Tool { names: &["semgrep", "semgrep oss"], red: &[1], nothing: &[] },
    Tool { names: &["ruff", "bandit", "eslint", "mypy", "cargo-audit"], red: &[1], nothing: &[] },
    Tool { names: &["jest", "vitest", "playwright", "pip-audit", "npm-audit"], red: &[1], nothing: &[] },
    // Python 3.12 and later: 5 no test was found (docs.python.org, `unittest`).
    Tool { names: &["unittest", "xmlrunner"], red: &[1], nothing: &[5] },
    Tool { names: &["go", "gotestsum", "phpunit", "tsc"], red: &[1, 2], nothing: &[] },
    Tool { names: &["zizmor"], red: &[11, 12, 13, 14], nothing: &[3] },
    Tool { names: &["fallow-py", "pyfallow"], red: &[1], nothing: &[] },
    Tool { names: &["fallow"], red: &[1, 8], nothing: &[] },
    Tool { names: &["clippy", "cargo-clippy"], red: &[1, 101], nothing: &[] },
    // cargo passes on what its subcommand ends with: 101 of itself, libtest and clippy, the others of nextest.
    Tool { names: &["cargo"], red: &[1, 100, 101], nothing: &[4] },
    // Surefire fails Maven's build, and with it Gradle's tests theirs: 1 is all either knows.
    Tool { names: &["surefire", "mvn", "mvnw", "maven", "gradle", "gradlew"], red: &[1], nothing: &[] },
    // 2 blocked, with every file written.
    Tool { names: &["openclaw_safe_update", "safe-update"], red: &[2], nothing: &[] },
    // 1 of VSTest, the others of Microsoft.Testing.Platform ("exit codes" on learn.microsoft.com): 2 a test failed,
    // 8 no test ran, 13 ended at the allowed number of failures.
    Tool { names: &["dotnet", "dotnet test"], red: &[1, 2, 13], nothing: &[8] },
    // Node's test runner as its reports name it; `node` alone runs anything.
    Tool { names: &["node --test"], red: &[1], nothing: &[] },
    // What RUN_ALL_TESTS gives (googletest primer).
    Tool { names: &["googletest"], red: &[1], nothing: &[] },
    // google/osv-scanner#676: 128 no packages were found.
    Tool { names: &["osv-scanner"], red: &[1], nothing: &[128] },
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
        assert_eq!(meaning("dotnet", 8), Meaning::Nothing);
        assert_eq!(meaning("dotnet", 3), Meaning::Crash);
        assert_eq!(meaning("node --test", 1), Meaning::Red);
        assert_eq!(meaning("googletest", 2), Meaning::Crash);
        assert_eq!(meaning("osv-scanner", 128), Meaning::Nothing);
    }

    /// Every tool of FORMATS section 1.8, by the names that commands, reports and SARIF drivers give it:
    /// what 1, 2, 3, 4, 5, 8, 100 and 101 mean, `r` red, `n` nothing, `-` a crash.
    #[test]
    fn every_tool_of_the_list_has_its_row() {
        const CODES: [i32; 8] = [1, 2, 3, 4, 5, 8, 100, 101];
        for (names, row) in [
            ("pytest", "r---n---"),
            ("nextest cargo-nextest", "---n--r-"),
            ("cargo", "r--n--rr"),
            ("clippy cargo-clippy", "r------r"),
            ("jest vitest playwright pip-audit npm-audit", "r-------"),
            ("mocha", "rrrrrrrr"),
            ("go gotestsum phpunit", "rr------"),
            ("ruff bandit eslint ESLint Bandit semgrep mypy cargo-audit", "r-------"),
            ("zizmor", "--n-----"),
            ("fallow-py pyfallow", "r-------"),
            ("fallow", "r----r--"),
            ("safe-update openclaw_safe_update", "-r------"),
            ("dotnet", "rr---n--"),
            ("surefire mvn gradle googletest", "r-------"),
            ("unittest xmlrunner", "r---n---"),
        ] {
            for name in names.split(' ').chain((names == "dotnet").then_some("dotnet test")) {
                let found: String = CODES
                    .iter()
                    .map(|code| match meaning(name, *code) {
                        Meaning::Red => 'r',
                        Meaning::Nothing => 'n',
                        Meaning::Crash => '-',
                        Meaning::Clean => panic!("only 0 is clean"),
                    })
                    .collect();
                assert_eq!(found, row, "{name}");
            }
        }
        assert_eq!([11, 14].map(|code| meaning("zizmor", code)), [Meaning::Red; 2]);
        assert_eq!(meaning("Semgrep OSS", 2), Meaning::Crash);
        assert_eq!(meaning("Semgrep OSS", 1), Meaning::Red);
        assert_eq!(meaning("node --test", 7), Meaning::Crash);
    }

    #[test]
    fn a_policys_table_stands_alone() {
        let table = ExitCodes { red: vec![1], nothing: vec![5] };
        let of = |code| table.meaning(code);
        assert_eq!([of(0), of(1), of(5)], [Meaning::Clean, Meaning::Red, Meaning::Nothing]);
        assert_eq!(of(2), Meaning::Crash);
        assert_eq!(ExitCodes::default().meaning(1), Meaning::Crash);
        assert!(table.problems().is_empty());
    }

    #[test]
    fn codes_with_a_fixed_meaning_are_refused() {
        let table = ExitCodes { red: vec![0, 1, 127, 300], nothing: vec![1, -1] };
        assert_eq!(table.problems().len(), 5, "{:?}", table.problems());
    }
}
