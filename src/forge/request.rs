//! One request as data: what is asked, with which credential, and whether it may be asked again.
//! `client.rs` turns it into HTTP.

use bytes::Bytes;
use url::Url;

use super::error::Exchange;
use crate::model::sanitize;

/// The methods the program uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Patch,
    Post,
    Put,
}

impl Method {
    /// As it stands in the request line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Patch => "PATCH",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }
}

/// Which credential goes along, if the address has the origin it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// None: signed addresses, web routes, public repositories a job token cannot see.
    Anonymous,
    /// `token <t>` for REST.
    Rest,
    /// `Bearer <runtime token>` for the artifact service.
    Runtime,
}

/// Whether the same request may be sent again after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// It changes something: only where it cannot have arrived (no connection, 429).
    Never,
    /// It reads, or writes the same bytes to the same place: also after a broken or missing answer, 502, 503, 504.
    Safe,
    /// As `Safe`, and after 500 as well, which REST answers while its database is busy.
    /// Not for the artifact service, where 500 means a bad token or an unreadable file (LIVE section 4).
    SafeAnd500,
}

/// What is sent along.
#[derive(Clone, PartialEq, Eq)]
pub enum Payload {
    None,
    Json(Bytes),
    /// Shared, so that sending them again copies nothing.
    Bytes(Bytes),
}

/// One request.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    pub method: Method,
    pub url: Url,
    pub auth: Auth,
    pub repeat: Repeat,
    pub payload: Payload,
    /// Headers beyond the ones every request has.
    pub headers: Vec<(&'static str, String)>,
}

impl Request {
    /// A `GET` of REST.
    pub fn get(url: Url) -> Self {
        Self::new(Method::Get, url, Auth::Rest, Repeat::SafeAnd500)
    }

    /// A request without payload and headers of its own.
    pub fn new(method: Method, url: Url, auth: Auth, repeat: Repeat) -> Self {
        Self { method, url, auth, repeat, payload: Payload::None, headers: Vec::new() }
    }

    /// The same request with a JSON payload.
    #[must_use]
    pub fn with_json(mut self, bytes: Vec<u8>) -> Self {
        self.payload = Payload::Json(bytes.into());
        self
    }

    /// The same request with plain bytes.
    #[must_use]
    pub fn with_bytes(mut self, bytes: Vec<u8>) -> Self {
        self.payload = Payload::Bytes(bytes.into());
        self
    }

    /// The same request with one more header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Method and path for messages.
    pub fn exchange(&self) -> Exchange {
        Exchange { method: self.method.as_str(), path: sanitize(self.url.path(), 200) }
    }
}

impl std::fmt::Debug for Request {
    /// Without query and payload: the one may hold a signature, the other anything.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Request({})", self.exchange())
    }
}
