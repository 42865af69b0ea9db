//! What a parsed report is, whatever its format: content, the tool that wrote it, and how much it proves.

use super::coverage::CoverageReport;
use super::document::Document;
use super::finding::FindingReport;
use super::format::Kind;
use super::limits::Limits;
use super::test_report::TestReport;

/// The measured content of a report.
#[derive(Debug, Clone)]
pub enum Content {
    Tests(TestReport),
    Findings(FindingReport),
    Coverage(CoverageReport),
    Document(Document),
}

impl Content {
    /// What it is about.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Tests(_) => Kind::Tests,
            Self::Findings(_) => Kind::Findings,
            Self::Coverage(_) => Kind::Coverage,
            Self::Document(_) => Kind::Document,
        }
    }

    /// Whether the report itself shows something red, for comparing with the command's exit code
    /// (DESIGN section 6). `None` where the content has no notion of it.
    pub fn shows_red(&self) -> Option<bool> {
        match self {
            Self::Tests(tests) => Some(tests.counts.failed + tests.counts.errored > 0),
            Self::Findings(findings) => Some(findings.counts.total() > 0),
            Self::Coverage(_) | Self::Document(_) => None,
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
    pub content: Content,
    pub tool: Option<ToolName>,
    pub substance: Substance,
    /// What the report itself says went wrong with the tool; each blocks as `evidence.tool_error`. Sanitized.
    pub tool_errors: Vec<String>,
    pub commits: Vec<EmbeddedCommit>,
    /// What a reader should know and what does not block, such as counts that do not add up. Sanitized.
    pub notes: Vec<String>,
}

impl Parsed {
    /// A report of this content that measured something and names no tool.
    pub fn new(content: Content) -> Self {
        Self {
            content,
            tool: None,
            substance: Substance::Measured,
            tool_errors: Vec::new(),
            commits: Vec::new(),
            notes: Vec::new(),
        }
    }
}

impl Parsed {
    /// Joins the next file of the same piece of evidence: contents are added, of everything that can be wrong
    /// with either the worse is kept. The tool is the first file's.
    ///
    /// # Errors
    /// [`ParseError::Malformed`] where the two are not of one kind, or of a kind that cannot be added.
    pub fn merge(self, other: Self, limits: &Limits) -> Result<Self, ParseError> {
        let content = match (self.content, other.content) {
            (Content::Tests(mut both), Content::Tests(more)) => {
                both.merge(more, limits);
                Content::Tests(both)
            }
            (Content::Findings(one), Content::Findings(more)) => {
                Content::Findings(one.merge(more, limits.details()))
            }
            (Content::Coverage(mut both), Content::Coverage(more)) => {
                both.merge(more, limits)?;
                Content::Coverage(both)
            }
            (Content::Document(_), Content::Document(_)) => {
                return Err(ParseError::Malformed("several JSON documents cannot be joined".to_owned()));
            }
            _ => return Err(ParseError::Malformed("it is of another kind than the files before it".to_owned())),
        };
        let join = |mut list: Vec<String>, more: Vec<String>| {
            list.extend(more);
            list
        };
        let mut commits = self.commits;
        commits.extend(other.commits);
        Ok(Self {
            content,
            tool: self.tool.or(other.tool),
            substance: self.substance.worse(other.substance),
            tool_errors: join(self.tool_errors, other.tool_errors),
            commits,
            notes: join(self.notes, other.notes),
        })
    }
}

impl Substance {
    /// The one that proves less.
    fn worse(self, other: Self) -> Self {
        match (&self, &other) {
            (Self::Nothing(_), _) | (Self::Unproven(_), Self::Measured | Self::Unproven(_)) => self,
            (Self::Measured, _) | (Self::Unproven(_), Self::Nothing(_)) => other,
        }
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
