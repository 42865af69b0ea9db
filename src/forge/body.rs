//! Bodies, always bounded: small ones into memory, artifacts into an unnamed temporary file, hashed on the way.
//! An unnamed file vanishes with the process, so a kill leaves nothing behind.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, Write};

use flate2::bufread::MultiGzDecoder;
use serde::de::DeserializeOwned;

use super::client::Reply;
use super::error::{Broken, ForgeError};
use crate::model::{Digest, Hasher, sanitize};

/// A list of 50 runs carries 50 payloads of up to 30 kB each (FORGEJO section 3.2); nothing else comes near.
pub(super) const MAX_JSON: u64 = 32 * 1024 * 1024;

/// How much of a body that came compressed is unpacked at once.
const UNPACKED_AT_ONCE: usize = 32 * 1024;

/// Bytes that arrived whole, in an unnamed temporary file that stands at its start.
#[derive(Debug)]
pub struct Downloaded {
    pub file: File,
    pub digest: Digest,
    /// How many.
    pub bytes: u64,
}

/// Everything, up to `limit` bytes.
pub(super) fn read(reply: Reply, limit: u64) -> Result<Vec<u8>, ForgeError> {
    let exchange = reply.exchange().clone();
    if reply.announced_length().is_some_and(|length| length > limit) {
        return Err(ForgeError::TooLarge { exchange, limit });
    }
    let mut bytes = Vec::new();
    reply
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|err| Reply::broken(exchange.clone(), &err))?;
    if bytes.len() as u64 > limit { Err(ForgeError::TooLarge { exchange, limit }) } else { Ok(bytes) }
}

/// A JSON document.
pub(super) fn json<T: DeserializeOwned>(reply: Reply) -> Result<T, ForgeError> {
    let exchange = reply.exchange().clone();
    let bytes = read(reply, MAX_JSON)?;
    serde_json::from_slice(&bytes)
        .map_err(|err| ForgeError::Malformed { exchange, reason: sanitize(&err.to_string(), 200) })
}

/// Streams into a temporary file of at most `limit` bytes. A body the server stored compressed is unpacked;
/// the bound and the digest are of the unpacked bytes (FORGEJO section 2.2).
pub(super) fn save(reply: Reply, limit: u64) -> Result<Downloaded, ForgeError> {
    let exchange = reply.exchange().clone();
    let zipped = reply.header("content-encoding").is_some_and(|value| value.eq_ignore_ascii_case("gzip"));
    if !zipped && reply.announced_length().is_some_and(|length| length > limit) {
        return Err(ForgeError::TooLarge { exchange, limit });
    }
    let mut file = tempfile::tempfile()?;
    let copied = if zipped {
        copy(BufReader::with_capacity(UNPACKED_AT_ONCE, MultiGzDecoder::new(reply)), &mut file, limit)
    } else {
        copy(reply, &mut file, limit)
    };
    let (digest, bytes) = match copied {
        Ok(Some(done)) => done,
        Ok(None) => return Err(ForgeError::TooLarge { exchange, limit }),
        Err(Failed::Read(err)) if zipped && err.kind() == io::ErrorKind::InvalidInput => {
            return Err(ForgeError::Malformed { exchange, reason: "not the gzip it says it is".to_owned() });
        }
        Err(Failed::Read(err)) => return Err(Reply::broken(exchange, &err)),
        Err(Failed::Write(err)) => return Err(ForgeError::Io(err)),
    };
    file.rewind()?;
    Ok(Downloaded { file, digest, bytes })
}

enum Failed {
    Read(io::Error),
    Write(io::Error),
}

/// Digest and count of what was copied; `None` where there is more than `limit`.
fn copy(mut from: impl BufRead, to: &mut impl Write, limit: u64) -> Result<Option<(Digest, u64)>, Failed> {
    let mut hasher = Hasher::new();
    let mut bytes = 0_u64;
    loop {
        let piece = match from.fill_buf() {
            Ok([]) => return Ok(Some((hasher.finish(), bytes))),
            Ok(piece) => piece,
            Err(err) if err.kind() == io::ErrorKind::Interrupted => continue,
            Err(err) => return Err(Failed::Read(err)),
        };
        let count = piece.len();
        bytes += count as u64;
        if bytes > limit {
            return Ok(None);
        }
        hasher.update(piece);
        to.write_all(piece).map_err(Failed::Write)?;
        from.consume(count);
    }
}

impl ForgeError {
    /// Whether the answer began and did not arrive whole.
    pub fn broke_off(&self) -> bool {
        matches!(self, Self::Transport { broken: Broken::Body | Broken::Timeout, .. })
    }
}
