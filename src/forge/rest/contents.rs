//! A file at a commit. Absence is confirmed twice: the server says `object does not exist` of a missing commit
//! as well, so the commit itself is asked for before a file is called absent (LIVE section 7).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::{Repo, malformed, segments};
use crate::forge::body;
use crate::forge::error::ForgeError;
use crate::model::{CommitSha, RelPath};

/// What a path holds at a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileAt {
    Present(Vec<u8>),
    /// The commit can be read and has no such file.
    Absent,
}

impl Repo<'_> {
    /// The bytes of the file, of at most `limit`.
    ///
    /// # Errors
    /// [`ForgeError`] for any other answer, such as a 404 of a commit or repository this token cannot see, and
    /// where the path is a folder, a link or a submodule.
    pub fn file_at(self, path: &RelPath, sha: &CommitSha, limit: u64) -> Result<FileAt, ForgeError> {
        let mut all = vec!["contents"];
        all.extend(segments(path.as_str()));
        let mut request = self.get_request(&all)?;
        request.url.query_pairs_mut().append_pair("ref", sha.as_str());
        let exchange = request.exchange();
        match self
            .client
            .call(&request, |reply| body::read(reply, limit.saturating_mul(2).saturating_add(64 * 1024)))
        {
            Ok(bytes) => {
                let entry: WireEntry = serde_json::from_slice(&bytes)
                    .map_err(|_| malformed(exchange.clone(), "the path is not one file"))?;
                let content = entry.decode().map_err(|reason| malformed(exchange.clone(), reason))?;
                if content.len() as u64 > limit {
                    return Err(ForgeError::TooLarge { exchange, limit });
                }
                Ok(FileAt::Present(content))
            }
            Err(err) if err.is_not_found() && err.body().contains("object does not exist") => {
                if self.has_commit(sha)? { Ok(FileAt::Absent) } else { Err(err) }
            }
            Err(err) => Err(err),
        }
    }

    /// Whether the commit can be read.
    ///
    /// # Errors
    /// [`ForgeError`] for anything but the commit and 404.
    pub fn has_commit(self, sha: &CommitSha) -> Result<bool, ForgeError> {
        let mut request = self.get_request(&["git", "commits", sha.as_str()])?;
        // Without these a commit comes with every file it changed.
        request.url.query_pairs_mut().extend_pairs([
            ("stat", "false"),
            ("verification", "false"),
            ("files", "false"),
        ]);
        match self.client.call(&request, body::json::<WireCommit>) {
            Ok(commit) => Ok(commit.sha.as_deref() == Some(sha.as_str())),
            Err(err) if err.is_not_found() => Ok(false),
            Err(err) => Err(err),
        }
    }
}

#[derive(Deserialize)]
struct WireEntry {
    #[serde(rename = "type")]
    kind: Option<String>,
    encoding: Option<String>,
    content: Option<String>,
}

impl WireEntry {
    fn decode(self) -> Result<Vec<u8>, &'static str> {
        if self.kind.as_deref() != Some("file") {
            return Err("the path is no plain file");
        }
        let (Some("base64"), Some(content)) = (self.encoding.as_deref(), self.content) else {
            return Err("the file's content is not given");
        };
        let packed: Vec<u8> = content.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
        STANDARD.decode(packed).map_err(|_| "the file's content is not base64")
    }
}

#[derive(Deserialize)]
struct WireCommit {
    sha: Option<String>,
}
