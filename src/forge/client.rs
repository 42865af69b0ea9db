//! The connection to one forge: credentials to their own origin only, redirects followed by hand, every status checked,
//! every body bounded, repetition where it is safe. The HTTP crates are named here and below.

mod dial;
mod http;

use std::io::{self, BufRead, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

use self::http::{Failed, Http, Response};
use super::error::{Broken, Exchange, ForgeError, redact};
use super::origin;
use super::request::{Auth, Method, Payload, Request};
use super::retry::{self, Backoff, Sleeper, ThreadSleeper};
use super::tls::{self, Roots};
use crate::context::{RunContext, Runtime, Server, ServerUrl, Variables};
use crate::model::{Timestamp, Token};

/// How to reach a forge and what may go there.
#[derive(Clone)]
pub struct Settings {
    /// The forge as it is reached from here.
    pub server: ServerUrl,
    /// The root of REST; the REST token goes to its origin and to the server's.
    pub api: ServerUrl,
    /// The REST token.
    pub token: Option<Token>,
    /// The runtime token with the addresses it belongs to.
    pub runtime: Option<(Token, Vec<ServerUrl>)>,
    pub timeouts: Timeouts,
    pub backoff: Backoff,
    pub roots: Roots,
    pub proxy: Proxy,
    pub sleeper: Arc<dyn Sleeper>,
}

/// How long anything may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    pub connect: Duration,
    /// From sending to the answer's head, and between any two pieces of its body.
    pub request: Duration,
    /// All requests of this client together, waits included.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            request: Duration::from_mins(1),
            total: Duration::from_mins(30),
        }
    }
}

/// Whether `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` are heeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proxy {
    FromEnvironment,
    Direct,
}

impl Settings {
    /// As [`Settings::new`], with the addresses and tokens of the context; `None` offline.
    pub fn of(context: &RunContext, variables: &Variables) -> Option<Self> {
        context.server.as_ref().map(|server| Self::new(server, context.runtime.as_ref(), variables))
    }

    /// With the roots the environment names, and defaults for everything else but the addresses and tokens.
    pub fn new(server: &Server, runtime: Option<&Runtime>, variables: &Variables) -> Self {
        let runtime = runtime.map(|runtime| {
            let urls = [&runtime.results_url, &runtime.pipeline_url];
            (runtime.token.clone(), urls.into_iter().flatten().cloned().collect())
        });
        Self {
            server: server.url.clone(),
            api: server.api.clone(),
            token: server.token.clone(),
            runtime,
            timeouts: Timeouts::default(),
            backoff: Backoff::default(),
            roots: Roots::of(variables),
            proxy: Proxy::FromEnvironment,
            sleeper: Arc::new(ThreadSleeper),
        }
    }
}

/// A client of one forge; cheap to share between threads by reference.
pub struct Client {
    http: Http,
    settings: Settings,
    ends: Instant,
    sent: AtomicU64,
    server_date: Mutex<Option<Timestamp>>,
}

/// An answer with a status from 200 to 299 whose body is still to be read.
pub struct Reply {
    exchange: Exchange,
    inner: Response,
    ends: Instant,
}

/// How many redirects are followed; a renamed repository takes one, object storage another.
const MAX_REDIRECTS: usize = 5;
/// How much of a failed answer is read for the message.
const MAX_ERROR_BODY: u64 = 4096;

impl Client {
    /// A client whose total time starts to run now.
    ///
    /// # Errors
    /// [`ForgeError::Setup`] where certificates are unusable.
    pub fn new(settings: Settings) -> Result<Self, ForgeError> {
        let tls = tls::configuration(&settings.roots)?;
        let proxies = (settings.proxy == Proxy::FromEnvironment).then(Matcher::from_env);
        let http = Http::new(tls, settings.timeouts.connect, proxies)
            .map_err(|err| ForgeError::Setup(err.to_string()))?;
        let ends = Instant::now() + settings.timeouts.total;
        Ok(Self { http, settings, ends, sent: AtomicU64::new(0), server_date: Mutex::new(None) })
    }

    /// The addresses and tokens this client works with.
    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Requests sent so far, redirects and repetitions included.
    pub fn requests_sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// The `Date` of the latest answer: what ages are counted to (DESIGN section 5).
    pub fn server_date(&self) -> Option<Timestamp> {
        self.server_date.lock().map_or(None, |date| *date)
    }

    /// Sends, and hands an answer with a status from 200 to 299 to `consume`; both are repeated where that is safe.
    ///
    /// # Errors
    /// [`ForgeError::Status`] for any other status, and whatever `consume` and the connection fail with.
    pub fn call<T>(
        &self,
        request: &Request,
        mut consume: impl FnMut(Reply) -> Result<T, ForgeError>,
    ) -> Result<T, ForgeError> {
        let mut next = 2;
        loop {
            let (error, retry_after) = match self.send(request) {
                Ok(reply) => match consume(reply) {
                    Ok(value) => return Ok(value),
                    Err(error) => (error, None),
                },
                Err(failed) => failed,
            };
            let backoff = self.settings.backoff;
            let Some(wait) = backoff.wait(next, request.repeat, &error, retry_after, jitter()) else {
                return Err(error);
            };
            if Instant::now() + wait >= self.ends {
                return Err(error);
            }
            self.settings.sleeper.sleep(wait);
            next += 1;
        }
    }

    /// One try, redirects included.
    fn send(&self, request: &Request) -> Result<Reply, (ForgeError, Option<Duration>)> {
        let mut url = request.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let response = self.exchange(request, &url).map_err(|error| (error, None))?;
            let status = response.status();
            if (200..300).contains(&status) {
                return Ok(Reply { exchange: request.exchange(), inner: response, ends: self.ends });
            }
            if !(300..400).contains(&status) {
                return Err(self.refused(request, response));
            }
            url = next_hop(request, &url, &response).map_err(|error| (error, None))?;
        }
        let reason = format!("more than {MAX_REDIRECTS} times");
        Err((ForgeError::Redirect { exchange: request.exchange(), reason }, None))
    }

    /// One request on the wire.
    fn exchange(&self, request: &Request, url: &Url) -> Result<Response, ForgeError> {
        let left = self.ends.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ForgeError::Deadline { exchange: request.exchange() });
        }
        let failed = |failed: Failed| ForgeError::Transport {
            exchange: request.exchange(),
            broken: failed.broken,
            reason: failed.reason,
        };
        let mut builder =
            hyper::Request::builder().method(request.method.as_str()).uri(http::uri(url).map_err(failed)?);
        if let Some(value) = self.credential(request.auth, url) {
            builder = builder.header(AUTHORIZATION, value);
        }
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        let (kind, payload) = match &request.payload {
            Payload::None => (None, Bytes::new()),
            Payload::Json(bytes) => (Some("application/json"), bytes.clone()),
            Payload::Bytes(bytes) => (Some("application/octet-stream"), bytes.clone()),
        };
        if let Some(kind) = kind {
            builder = builder.header(CONTENT_TYPE, kind);
        }
        let message = builder.body(Full::new(payload)).map_err(|err| {
            failed(Failed { broken: Broken::Other, reason: crate::model::sanitize(&err.to_string(), 200) })
        })?;
        self.sent.fetch_add(1, Ordering::Relaxed);
        let response = self.http.send(message, self.settings.timeouts.request.min(left)).map_err(failed)?;
        if let Some(date) = response.header("date").and_then(retry::http_date)
            && let Ok(mut server_date) = self.server_date.lock()
        {
            *server_date = Some(date);
        }
        Ok(response)
    }

    /// The header that goes to this address: none unless it has an origin the credential belongs to.
    fn credential(&self, auth: Auth, url: &Url) -> Option<HeaderValue> {
        let settings = &self.settings;
        match auth {
            Auth::Anonymous => None,
            Auth::Rest => {
                let ours = [&settings.server, &settings.api].iter().any(|home| origin::same(home.url(), url));
                settings.token.as_ref().filter(|_| ours).and_then(|token| secret_header("token", token))
            }
            Auth::Runtime => {
                let (token, homes) = settings.runtime.as_ref()?;
                let ours = homes.iter().any(|home| origin::same(home.url(), url));
                if ours { secret_header("Bearer", token) } else { None }
            }
        }
    }

    /// The error of an answer outside 200 to 299, with what the server said about trying again.
    fn refused(&self, request: &Request, response: Response) -> (ForgeError, Option<Duration>) {
        let retry_after =
            response.header("retry-after").and_then(|value| retry::retry_after(value, self.server_date()));
        let status = response.status();
        let mut body = Vec::new();
        // A body that breaks off still leaves the status.
        let _ = Reply { exchange: request.exchange(), inner: response, ends: self.ends }
            .take(MAX_ERROR_BODY)
            .read_to_end(&mut body);
        let secrets: Vec<&Token> =
            self.settings.token.iter().chain(self.settings.runtime.iter().map(|(token, _)| token)).collect();
        let body = redact(&String::from_utf8_lossy(&body), &secrets);
        (ForgeError::Status { exchange: request.exchange(), status, body }, retry_after)
    }
}

impl Reply {
    /// Method and path of the request.
    pub fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// A header of the answer, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.inner.header(name)
    }

    /// The length the server announced.
    pub fn announced_length(&self) -> Option<u64> {
        self.header("content-length").and_then(|value| value.parse().ok())
    }

    /// The error of a body that broke off or stalled.
    pub(super) fn broken(exchange: Exchange, err: &io::Error) -> ForgeError {
        let broken = if err.kind() == io::ErrorKind::TimedOut { Broken::Timeout } else { Broken::Body };
        let reason = match broken {
            Broken::Timeout => "the answer stalled".to_owned(),
            _ => "the answer broke off".to_owned(),
        };
        ForgeError::Transport { exchange, broken, reason }
    }
}

impl Read for Reply {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if Instant::now() >= self.ends {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.inner.read(buf)
    }
}

impl BufRead for Reply {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if Instant::now() >= self.ends {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.inner.consume(count);
    }
}

/// Where a redirect leads: for reads only, and never from https to http.
fn next_hop(request: &Request, from: &Url, response: &Response) -> Result<Url, ForgeError> {
    let refuse =
        |reason: &str| ForgeError::Redirect { exchange: request.exchange(), reason: reason.to_owned() };
    if request.method != Method::Get {
        return Err(refuse("only reads are followed; ask for the repository's present name first"));
    }
    let location = response.header("location").ok_or_else(|| refuse("without saying where to"))?;
    let to = from.join(location).map_err(|_| refuse("to something that is no address"))?;
    if !matches!(to.scheme(), "http" | "https") || (from.scheme() == "https" && to.scheme() == "http") {
        return Err(refuse("away from https"));
    }
    // A web route that wants a person: the page behind it would answer 200.
    if to.path().ends_with("/user/login") {
        return Err(refuse("to the login page"));
    }
    Ok(to)
}

/// `<scheme> <token>`, marked so that nothing below us logs it.
fn secret_header(scheme: &str, token: &Token) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("{scheme} {}", token.expose())).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// A random byte; without randomness every wait is the full one.
fn jitter() -> u8 {
    let mut byte = [u8::MAX];
    // An unavailable source leaves the byte as it is.
    let _ = getrandom::fill(&mut byte);
    let [byte] = byte;
    byte
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
