//! Serves the live page on loopback, for an operator's own machine: one page, read-only, re-read at an interval.
//! It answers GET and HEAD for its own address only, so that no other site can read it through a browser.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};

use crate::error::{EXIT_OUTPUT, Failure};
use crate::model::sanitize;

/// How long a client may take to send what it asks for.
const PATIENCE: Duration = Duration::from_secs(5);

/// The page as it is now; whoever re-reads replaces it.
#[derive(Clone, Default)]
pub struct Shown(Arc<Mutex<Bytes>>);

impl Shown {
    /// Shows this from now on.
    pub fn replace(&self, page: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Bytes::from(page);
    }

    fn now(&self) -> Bytes {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Takes the address, which must be one of loopback: `127.0.0.1:8080`, `[::1]:8080`; port 0 takes a free one.
///
/// # Errors
/// Exit 2 for any other address, exit 5 where it is taken.
pub fn listen(address: &str) -> Result<TcpListener, Failure> {
    let shown = sanitize(address, 60);
    let parsed: SocketAddr = address.parse().map_err(|_| {
        Failure::usage(format!("`{shown}` is no address to listen on")).hint("write `--watch 127.0.0.1:8080`")
    })?;
    if !parsed.ip().is_loopback() {
        return Err(Failure::usage(format!("`{shown}` is not served: it is not a loopback address"))
            .caused_by("the page shows what your token may read, and asks nobody who they are")
            .hint("write `--watch 127.0.0.1:8080`"));
    }
    TcpListener::bind(parsed).map_err(|error| {
        Failure::new(EXIT_OUTPUT, format!("`{shown}` could not be listened on")).caused_by(error)
    })
}

/// Serves until the process ends.
///
/// # Errors
/// Exit 5 where the listener cannot be used.
pub fn serve(listener: TcpListener, shown: &Shown) -> Result<Infallible, Failure> {
    let failed = |error: std::io::Error| Failure::new(EXIT_OUTPUT, "the page is not served").caused_by(error);
    let address = listener.local_addr().map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    runtime.block_on(async move {
        let listener = tokio::net::TcpListener::from_std(listener).map_err(failed)?;
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                // Out of file handles, most likely: others have to end first.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let shown = shown.clone();
            let answer = service_fn(move |request| {
                let answer = answer(&request, address, &shown);
                async move { Ok::<_, Infallible>(answer) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(PATIENCE)
                .serve_connection(TokioIo::new(stream), answer);
            tokio::spawn(async move { drop(connection.await) });
        }
    })
}

fn answer(request: &Request<Incoming>, address: SocketAddr, shown: &Shown) -> Response<Full<Bytes>> {
    let own = request.headers().get(HOST).is_some_and(|host| is_own(host, address));
    let path = request.uri().path();
    if !own {
        return plain(StatusCode::MISDIRECTED_REQUEST, "this is another site's name for this address");
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refused = plain(StatusCode::METHOD_NOT_ALLOWED, "this page is read-only");
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    if !matches!(path, "/" | "/live.html") {
        return plain(StatusCode::NOT_FOUND, "there is only one page here");
    }
    let mut page = Response::new(Full::new(shown.now()));
    guard(&mut page, "text/html; charset=utf-8");
    let policy = "frame-ancestors 'none'";
    page.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    page
}

/// A name that leads here from this machine only. Any other one was pointed here by somebody else's DNS.
fn is_own(host: &HeaderValue, address: SocketAddr) -> bool {
    let names = [address.to_string(), format!("localhost:{}", address.port())];
    host.to_str().is_ok_and(|host| names.iter().any(|name| name.eq_ignore_ascii_case(host)))
}

fn plain(status: StatusCode, words: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(words.as_bytes())));
    *response.status_mut() = status;
    guard(&mut response, "text/plain; charset=utf-8");
    response
}

fn guard(response: &mut Response<Full<Bytes>>, kind: &'static str) {
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}
