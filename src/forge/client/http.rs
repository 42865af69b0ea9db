//! HTTP as the threads of this program use it: a request goes out, they wait for the head, and read the body.
//! One thread of its own moves the bytes of all connections.

use std::error::Error;
use std::io::{self, BufRead, Read};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, HeaderValue, PROXY_AUTHORIZATION, USER_AGENT};
use hyper::{Request, Uri};
use hyper_util::client::legacy;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use url::Url;

use super::dial::Dial;
use crate::forge::error::Broken;

/// The most one read takes in: ten connections at once are held in a tenth of the memory that 400 KiB of each take.
const READ_AT_ONCE: usize = 64 * 1024;

/// All connections of one client.
pub(super) struct Http {
    client: legacy::Client<Dial, Full<Bytes>>,
    dial: Dial,
    runtime: Handle,
    /// Dropped to stop the thread.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// The head of an answer, and its body as it comes.
pub(super) struct Response {
    head: hyper::http::response::Parts,
    body: Incoming,
    /// What came and was not read.
    left: Bytes,
    within: Duration,
}

/// At which point a request failed, and with which words.
pub(super) struct Failed {
    pub broken: Broken,
    pub reason: String,
}

impl Http {
    /// Starts the thread; `connect` bounds the opening of a connection.
    ///
    /// # Errors
    /// Those of starting it.
    pub(super) fn new(tls: ClientConfig, connect: Duration, proxies: Option<Matcher>) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new().name("connections".to_owned()).spawn(move || {
            // An error is a dropped sender, which is what stops it.
            let _ = runtime.block_on(stopped);
            // A name that is still being looked up is not waited for.
            runtime.shutdown_background();
        })?;
        let dial = Dial::new(tls, connect, proxies);
        let client = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .http1_max_buf_size(READ_AT_ONCE)
            .build(dial.clone());
        Ok(Self { client, dial, runtime: handle, stop: Some(stop), thread: Some(thread) })
    }

    /// Sends, and waits for the head; `within` is also how long any piece of the body may take.
    ///
    /// # Errors
    /// Where no answer came. Any status is an answer.
    pub(super) fn send(
        &self,
        mut request: Request<Full<Bytes>>,
        within: Duration,
    ) -> Result<Response, Failed> {
        let password = self.dial.proxy_password(request.uri());
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        let ours = concat!("patchwarden/", env!("CARGO_PKG_VERSION"));
        headers.insert(USER_AGENT, HeaderValue::from_static(ours));
        if let Some(password) = password {
            headers.insert(PROXY_AUTHORIZATION, password);
        }
        // Connections are opened by whoever waits for them, and belong to the runtime.
        let _runtime = self.runtime.enter();
        match wait(self.client.request(request), within) {
            None => Err(Failed { broken: Broken::Timeout, reason: "no answer in time".to_owned() }),
            Some(Err(err)) => {
                let broken = if err.is_connect() { Broken::Connect } else { Broken::Other };
                Err(Failed { broken, reason: innermost(&err) })
            }
            Some(Ok(response)) => {
                let (head, body) = response.into_parts();
                Ok(Response { head, body, left: Bytes::new(), within })
            }
        }
    }
}

impl Drop for Http {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It ends by itself; a panic in it has ended the program.
            let _ = thread.join();
        }
    }
}

impl Response {
    pub(super) fn status(&self) -> u16 {
        self.head.status.as_u16()
    }

    /// A header, if it is text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

impl BufRead for Response {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.left.is_empty() {
            match wait(self.body.frame(), self.within) {
                None => return Err(io::ErrorKind::TimedOut.into()),
                Some(None) => break,
                // What is no data are trailers, which say nothing we ask for.
                Some(Some(frame)) => {
                    self.left = frame.map_err(io::Error::other)?.into_data().unwrap_or_default();
                }
            }
        }
        Ok(&self.left)
    }

    fn consume(&mut self, count: usize) {
        self.left.advance(count.min(self.left.len()));
    }
}

impl Read for Response {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buf)?;
        self.consume(count);
        Ok(count)
    }
}

/// The address as the HTTP crate has it.
///
/// # Errors
/// Where it will not take it.
pub(super) fn uri(url: &Url) -> Result<Uri, Failed> {
    url.as_str()
        .parse()
        .map_err(|_| Failed { broken: Broken::Other, reason: "the address cannot be sent".to_owned() })
}

/// The innermost cause; what stands around it repeats where it happened.
fn innermost(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    crate::model::sanitize(&cause.to_string(), 200)
}

/// Wakes a thread that waits for a future.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// What the future becomes, or `None` after that time.
fn wait<T>(future: impl Future<Output = T>, within: Duration) -> Option<T> {
    let ends = Instant::now() + within;
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(value);
        }
        let left = ends.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return None;
        }
        thread::park_timeout(left);
    }
}
