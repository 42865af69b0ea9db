//! The registry of evidence formats: name, kind, reader, and how its content is told from others.

use std::io::BufRead;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::content::{ParseError, Parsed};
use super::findings::{
    bandit, cargo_audit, cargo_messages, checkstyle, codeclimate, eslint, fallow, fallow_py, mypy, npm_audit,
    osv_scanner, pip_audit, rdjson, ruff, semgrep, trivy,
};
use super::limits::Limits;
use super::shape::Shape;
use super::{
    attestation, clover, cobertura, coveragepy_json, document, go_test, istanbul, jacoco, judge_record,
    junit, lcov, libtest, review_verdict, runtime_bundle, sarif, trx,
};

/// What a format's content is about; a gate kind judges one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Tests,
    Findings,
    Coverage,
    Document,
    Reviews,
    Judge,
    Bundle,
    Attestations,
}

macro_rules! formats {
    ($($variant:ident = $name:literal, $kind:ident, $parse:path, $fits:path, $meaning:literal;)+) => {
        /// A format that evidence may have.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum Format {
            $(
                #[doc = $meaning]
                #[serde(rename = $name)]
                $variant,
            )+
        }

        impl Format {
            /// Every format, in the registry's order.
            pub const ALL: &'static [Format] = &[$(Format::$variant),+];

            /// The name used in policies and manifests.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What its content is about.
            pub fn kind(self) -> Kind {
                match self { $(Self::$variant => Kind::$kind,)+ }
            }

            /// One sentence for `--help` and the docs.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)+ }
            }

            /// Reads a report of this format.
            ///
            /// # Errors
            /// [`ParseError`]: not this format, beyond a bound, or unreadable.
            pub fn parse(self, reader: &mut dyn BufRead, limits: &Limits) -> Result<Parsed, ParseError> {
                match self { $(Self::$variant => $parse(reader, limits),)+ }
            }

            /// Whether content of this shape is of this format.
            pub fn fits(self, shape: &Shape) -> bool {
                match self { $(Self::$variant => $fits(shape),)+ }
            }
        }
    };
}

formats! {
    Junit = "junit", Tests, junit::parse, junit::fits, "JUnit XML, in the dialect of any test runner";
    Trx = "trx", Tests, trx::parse, trx::fits, "TRX, the test results of `dotnet test`";
    GoTestJson = "go-test-json", Tests, go_test::parse, go_test::fits, "the output of `go test -json`";
    LibtestJson = "libtest-json", Tests, libtest::parse, libtest::fits, "libtest's JSON lines, of `cargo test` or cargo-nextest";
    Sarif = "sarif", Findings, sarif::parse, sarif::fits, "SARIF 2.1.0, of any analyser";
    RuffJson = "ruff-json", Findings, ruff::parse, ruff::fits, "ruff's JSON";
    EslintJson = "eslint-json", Findings, eslint::parse, eslint::fits, "ESLint's JSON";
    SemgrepJson = "semgrep-json", Findings, semgrep::parse, semgrep::fits, "semgrep's JSON";
    BanditJson = "bandit-json", Findings, bandit::parse, bandit::fits, "bandit's JSON";
    MypyJson = "mypy-json", Findings, mypy::parse, mypy::fits, "mypy's JSON lines (`-O json`)";
    CargoMessages = "cargo-messages", Findings, cargo_messages::parse, cargo_messages::fits, "cargo's and clippy's JSON messages";
    CargoAudit = "cargo-audit", Findings, cargo_audit::parse, cargo_audit::fits, "cargo-audit's JSON";
    PipAudit = "pip-audit", Findings, pip_audit::parse, pip_audit::fits, "pip-audit's JSON";
    NpmAudit = "npm-audit", Findings, npm_audit::parse, npm_audit::fits, "npm audit's JSON";
    OsvScanner = "osv-scanner", Findings, osv_scanner::parse, osv_scanner::fits, "osv-scanner's JSON";
    TrivyJson = "trivy-json", Findings, trivy::parse, trivy::fits, "trivy's JSON";
    Fallow = "fallow", Findings, fallow::parse, fallow::fits, "fallow's JSON (the npm package)";
    FallowPy = "fallow-py", Findings, fallow_py::parse, fallow_py::fits, "fallow-py's full report or fix plan";
    Rdjson = "rdjson", Findings, rdjson::parse, rdjson::fits, "reviewdog's diagnostics (rdjson)";
    Checkstyle = "checkstyle", Findings, checkstyle::parse, checkstyle::fits, "Checkstyle XML";
    CodeClimate = "codeclimate", Findings, codeclimate::parse, codeclimate::fits, "Code Climate's issues (GitLab code quality)";
    Cobertura = "cobertura", Coverage, cobertura::parse, cobertura::fits, "Cobertura XML coverage";
    Lcov = "lcov", Coverage, lcov::parse, lcov::fits, "LCOV tracefile coverage";
    Jacoco = "jacoco", Coverage, jacoco::parse, jacoco::fits, "JaCoCo XML coverage";
    Clover = "clover", Coverage, clover::parse, clover::fits, "Clover XML coverage, of OpenClover, istanbul or PHPUnit";
    CoveragepyJson = "coveragepy-json", Coverage, coveragepy_json::parse, coveragepy_json::fits, "the JSON report of coverage.py";
    IstanbulFinal = "istanbul-final", Coverage, istanbul::parse_final, istanbul::fits_final, "istanbul's coverage-final.json";
    IstanbulSummary = "istanbul-summary", Coverage, istanbul::parse_summary, istanbul::fits_summary, "istanbul's coverage-summary.json: totals alone";
    Json = "json", Document, document::parse, document::fits, "any JSON document, for an expression to judge";
    ReviewVerdict = "review-verdict", Reviews, review_verdict::parse, review_verdict::fits,
        "a review lane's verdict, `patchwarden.review_verdict.v1`";
    JudgeRecord = "judge-record", Judge, judge_record::parse, judge_record::fits,
        "a judge's record, `openclaw.judge.v0`, bare or between its markers";
    RuntimeBundle = "runtime-bundle", Bundle, runtime_bundle::parse, runtime_bundle::fits,
        "a folder of documents about a runtime, as `openclaw_safe_update` writes them";
    InToto = "in-toto", Attestations, attestation::parse, attestation::fits,
        "in-toto attestations: statements, DSSE envelopes, bundles, link metadata";
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.iter().copied().find(|format| format.as_str() == text).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|format| format.as_str()).collect();
            format!("`{}` is not a format; known are {}", crate::model::sanitize(text, 40), known.join(", "))
        })
    }
}

impl Format {
    /// The format of content with this shape: the one that fits it more closely than `json`,
    /// else `json` where it is JSON at all. `None` where nothing fits.
    ///
    /// # Errors
    /// The formats, two or more, that fit equally.
    pub fn of(shape: &Shape) -> Result<Option<Self>, Vec<Self>> {
        let close: Vec<Self> =
            Self::ALL.iter().copied().filter(|format| *format != Self::Json && format.fits(shape)).collect();
        match close.as_slice() {
            [] => Ok(Self::Json.fits(shape).then_some(Self::Json)),
            [one] => Ok(Some(*one)),
            _ => Err(close),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write as _};

    use zip::write::{SimpleFileOptions, ZipWriter};

    use super::super::archive::ZipSource;
    use super::super::read::inspect;
    use super::*;

    #[test]
    fn content_that_two_formats_fit_is_an_error_that_names_both() {
        let bytes = br#"{"version":"2.1.0","runs":[],"_type":"x","predicateType":"y"}"#;
        assert_eq!(Format::of(&Shape::of(bytes, true)), Err(vec![Format::Sarif, Format::InToto]));
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file("report.sarif", SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
        let mut source = ZipSource::open(zip.finish().unwrap()).unwrap();
        let read = inspect(&mut source, None, &Limits::default()).unwrap();
        let words = "its content fits `sarif` and `in-toto`: name one as `format`".to_owned();
        assert_eq!(read.readings[0].result.as_ref().err(), Some(&ParseError::Malformed(words)));
    }
}
