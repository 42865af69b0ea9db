//! The weather: which request goes wrong, and how.
//! A fault is matched once per request, in the order the faults were set, before the route runs.

use super::http::Request;

/// What happens instead of, or to, the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection is reset before anything is answered, and the route never ran. To a client this is a
    /// connection that broke; for a refused `connect` see `FakeForge::stop_listening`.
    RefuseConnection,
    /// Nothing is answered until the client gives up or the forge is dropped; the route never ran.
    Stall,
    /// Nothing is answered until `FakeForge::let_go`; then the route runs as if nothing had been.
    Hold,
    /// The route ran, its effect stands, and the connection is reset without one byte of answer.
    LoseReply,
    /// The route ran; head and half of the body arrive, then the connection is reset.
    ResetMidBody,
    /// The route ran; the header gives the right length, half of the body arrives, then the stream ends.
    TruncatedBody,
    /// The route never ran; this status with a plain-text body, as a proxy in front would send it.
    Status(u16),
    /// 429 with `Retry-After` in seconds; the route never ran.
    TooManyRequests(u32),
    /// The route ran; its body is replaced by none, in a sound answer.
    EmptyBody,
    /// The route ran; its body is replaced by one that is neither JSON nor a zip, length and status kept right.
    MalformedBody,
}

/// Which requests a fault meets.
#[derive(Clone, Debug)]
pub struct At {
    nth: Option<usize>,
    method: Option<String>,
    part: String,
    times: usize,
}

impl At {
    /// The `n`th request the forge gets from now on, counted from 1.
    pub fn request(n: usize) -> Self {
        Self { nth: Some(n), method: None, part: String::new(), times: 1 }
    }

    /// The first request whose target (path and query) contains `part`.
    pub fn path(part: &str) -> Self {
        Self { nth: None, method: None, part: part.to_owned(), times: 1 }
    }

    pub fn any() -> Self {
        Self::path("").always()
    }

    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// The first `n` that match instead of the first one.
    pub fn times(mut self, n: usize) -> Self {
        self.times = n;
        self
    }

    pub fn always(self) -> Self {
        self.times(usize::MAX)
    }

    /// The `n`th that matches, counted from 1.
    pub fn nth(mut self, n: usize) -> Self {
        self.nth = Some(n);
        self
    }
}

#[derive(Default)]
pub struct Weather {
    set: Vec<(At, Fault, usize)>,
}

impl Weather {
    pub fn add(&mut self, at: At, fault: Fault) {
        self.set.push((at, fault, 0));
    }

    pub fn clear(&mut self) {
        self.set.clear();
    }

    /// The fault this request meets, if any; every matcher counts it either way.
    pub fn meet(&mut self, request: &Request) -> Option<Fault> {
        let mut met = None;
        for (at, fault, seen) in &mut self.set {
            let matches = at.method.as_ref().is_none_or(|method| *method == request.method)
                && request.target.contains(&at.part);
            if !matches {
                continue;
            }
            *seen += 1;
            let due = match at.nth {
                Some(nth) => *seen >= nth && *seen < nth.saturating_add(at.times),
                None => *seen <= at.times,
            };
            if due && met.is_none() {
                met = Some(fault.clone());
            }
        }
        met
    }
}
