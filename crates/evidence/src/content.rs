//! What a parsed report is, whatever its format: content, the tool that wrote it, and how much it proves.

use std::sync::Arc;

use crate::model::RelPath;

use super::attestation::{Attestation, shows_red};
use super::coverage::CoverageReport;
use super::document::Document;
use super::finding::FindingReport;
use super::format::Kind;
use super::judge_record::JudgeRecord;
use super::limits::Limits;
use super::review_verdict::ReviewVerdict;
use super::runtime_bundle::Bundle;
use super::test_report::TestReport;

/// The measured content of a report.
#[derive(Debug, Clone)]
pub enum Content {
    Tests(TestReport),
    Findings(FindingReport),
    Coverage(CoverageReport),
    Document(Document),
    /// Verdicts of one review lane, in the order of their files.
    Reviews(Vec<ReviewVerdict>),
    /// Records of judges, in the order of their files.
    Judge(Vec<JudgeRecord>),
    /// Documents about a runtime.
    Bundle(Bundle),
    /// Attestations, in the order of their files.
    Attestations(Vec<Attestation>),
}

impl Content {
    /// What it is about.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Tests(_) => Kind::Tests,
            Self::Findings(_) => Kind::Findings,
            Self::Coverage(_) => Kind::Coverage,
            Self::Document(_) => Kind::Document,
            Self::Reviews(_) => Kind::Reviews,
            Self::Judge(_) => Kind::Judge,
            Self::Bundle(_) => Kind::Bundle,
            Self::Attestations(_) => Kind::Attestations,
        }
    }

    /// Whether the report itself shows something red, for comparing with the command's exit code
    /// (DESIGN section 6). `None` where the content has no notion of it.
    pub fn shows_red(&self) -> Option<bool> {
        match self {
            Self::Tests(tests) => Some(tests.counts.failed + tests.counts.errored > 0),
            Self::Findings(findings) => Some(findings.counts.total() > 0),
            Self::Attestations(attestations) => shows_red(attestations),
            Self::Coverage(_) | Self::Document(_) | Self::Reviews(_) | Self::Judge(_) | Self::Bundle(_) => {
                None
            }
        }
    }
}

/// Name and version of the tool that wrote a report, as the report says; sanitized.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ToolName {
    pub name: String,
    pub version: Option<String>,
}

/// Whether the report shows that something was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Substance {
    /// Something was looked at.
    Measured,
    /// The report itself shows that nothing was looked at; says what it shows.
    Nothing(String),
    /// A blind run writes the same bytes: a manifest with exit code 0 and inputs must tell (DESIGN section 6);
    /// says what is missing.
    Unproven(String),
}

/// A commit that the report itself names as the one it was made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddedCommit {
    /// As written in the report; not yet checked to be a full id.
    pub id: String,
    /// The repository's address, where the report names it.
    pub repository: Option<String>,
}

/// One report, parsed.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// Shared, because it may be large and goes on into the judged evidence.
    pub content: Arc<Content>,
    pub tool: Option<ToolName>,
    pub substance: Substance,
    /// What the report itself says went wrong with the tool; each blocks as `evidence.tool_error`. Sanitized.
    pub tool_errors: Vec<String>,
    pub commits: Vec<EmbeddedCommit>,
    /// Whether a part of it names no commit, so that those it names bind only the rest.
    pub partly_named: bool,
    /// What a reader should know and what does not block, such as counts that do not add up. Sanitized.
    pub notes: Vec<String>,
}

impl Parsed {
    /// A report of this content that measured something and names no tool.
    pub fn new(content: Content) -> Self {
        Self {
            content: Arc::new(content),
            tool: None,
            substance: Substance::Measured,
            tool_errors: Vec::new(),
            commits: Vec::new(),
            partly_named: false,
            notes: Vec::new(),
        }
    }
}

impl Content {
    /// Joins the contents of two files of one piece of evidence, such as the classes of a surefire folder.
    ///
    /// # Errors
    /// [`ParseError::Malformed`] where the two cannot be added: different kinds, documents,
    /// or coverage that has totals alone; [`ParseError::TooLarge`] past a bound.
    pub fn merge(self, other: Self, limits: &Limits) -> Result<Self, ParseError> {
        match (self, other) {
            (Self::Tests(mut one), Self::Tests(other)) => {
                one.merge(other, limits);
                Ok(Self::Tests(one))
            }
            (Self::Coverage(mut one), Self::Coverage(other)) => {
                one.merge(other, limits)?;
                Ok(Self::Coverage(one))
            }
            (Self::Findings(one), Self::Findings(other)) => {
                Ok(Self::Findings(one.merge(other, limits.details())))
            }
            (Self::Reviews(mut one), Self::Reviews(other)) => {
                one.extend(other);
                Ok(Self::Reviews(one))
            }
            (Self::Judge(mut one), Self::Judge(other)) => {
                one.extend(other);
                Ok(Self::Judge(one))
            }
            (Self::Attestations(mut one), Self::Attestations(other)) => {
                one.extend(other);
                Ok(Self::Attestations(one))
            }
            (Self::Bundle(mut one), Self::Bundle(other)) => {
                one.files.extend(other.files);
                Ok(Self::Bundle(one))
            }
            (Self::Document(_), Self::Document(_)) => {
                Err(ParseError::Malformed("several documents cannot be joined".to_owned()))
            }
            _ => Err(ParseError::Malformed("the files are not of one kind".to_owned())),
        }
    }
}

impl Parsed {
    /// The content alone; not copied where nobody else has it.
    pub fn into_content(self) -> Content {
        Arc::unwrap_or_clone(self.content)
    }

    /// Tells the content which file it was read from, where that matters to it.
    pub fn read_from(&mut self, path: &RelPath) {
        if let Content::Bundle(bundle) = Arc::make_mut(&mut self.content) {
            for file in &mut bundle.files {
                path.as_str().clone_into(&mut file.path);
            }
        }
    }

    /// Joins two files of one piece of evidence. Together they prove what the less sure of them proves, but a test
    /// report without tests takes nothing away from one that has some: a class without tests in a surefire folder.
    ///
    /// # Errors
    /// As [`Content::merge`].
    pub fn merge(self, other: Self, limits: &Limits) -> Result<Self, ParseError> {
        let [one, other_one] = [self.content, other.content].map(Arc::unwrap_or_clone);
        let content = one.merge(other_one, limits)?;
        let tests = matches!(content, Content::Tests(_));
        let mut both = Self {
            content: Arc::new(content),
            tool: self.tool.or(other.tool),
            substance: match (self.substance, other.substance) {
                (Substance::Nothing(_), Substance::Measured)
                | (Substance::Measured, Substance::Nothing(_))
                    if tests =>
                {
                    Substance::Measured
                }
                (nothing @ Substance::Nothing(_), _) | (_, nothing @ Substance::Nothing(_)) => nothing,
                (unproven @ Substance::Unproven(_), _) | (_, unproven @ Substance::Unproven(_)) => unproven,
                (Substance::Measured, Substance::Measured) => Substance::Measured,
            },
            tool_errors: self.tool_errors,
            commits: self.commits,
            partly_named: self.partly_named || other.partly_named,
            notes: self.notes,
        };
        both.tool_errors.extend(other.tool_errors);
        for commit in other.commits {
            if !both.commits.contains(&commit) {
                both.commits.push(commit);
            }
        }
        for note in other.notes {
            if !both.notes.contains(&note) && both.notes.len() < limits.details() {
                both.notes.push(note);
            }
        }
        Ok(both)
    }
}

/// Why a report could not be read. The texts are ours and bounded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    #[error("{0}")]
    Malformed(String),
    #[error("{0}")]
    TooLarge(String),
    #[error("{0}")]
    Unreadable(String),
}

impl ParseError {
    /// Data that contradicts itself (a bad checksum, a cut-off stream) is malformed; anything else was not seen.
    pub fn from_io(error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        if let Some(limit) =
            error.get_ref().and_then(|inner| inner.downcast_ref::<super::source::LimitReached>())
        {
            return Self::TooLarge(limit.to_string());
        }
        match error.kind() {
            ErrorKind::InvalidData | ErrorKind::UnexpectedEof | ErrorKind::InvalidInput => {
                Self::Malformed(crate::model::sanitize(&error.to_string(), 200))
            }
            _ => Self::Unreadable(crate::model::sanitize(&error.to_string(), 200)),
        }
    }
}

impl From<std::io::Error> for ParseError {
    fn from(error: std::io::Error) -> Self {
        Self::from_io(&error)
    }
}
