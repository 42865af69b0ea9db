//! A server for the tests of this module: answers each request by a closure, breaks off where it is told to,
//! and stops when it is dropped.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustls::{ServerConnection, StreamOwned};

use super::{Backoff, Client, Proxy, Roots, Settings, Sleeper, Timeouts};

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Received {
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Received {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// What to answer.
pub struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// Bytes announced beyond those sent: the connection closes early. `None` announces no length at all.
    missing: Option<usize>,
    /// Nothing is sent and the connection stays open until the server stops.
    stalls: bool,
}

impl Answer {
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), missing: Some(0), stalls: false }
    }

    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub fn cut_short(mut self) -> Self {
        self.missing = Some(10);
        self
    }

    pub fn without_length(mut self) -> Self {
        self.missing = None;
        self
    }

    pub fn stall() -> Self {
        Self { stalls: true, ..Self::new(200, "") }
    }
}

/// A running server.
pub struct Loopback {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Loopback {
    pub fn start(answer: impl Fn(&Received) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let answer = Arc::new(answer);
        let thread = std::thread::spawn({
            let (received, stop) = (Arc::clone(&received), Arc::clone(&stop));
            move || {
                for stream in listener.incoming() {
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                    let (answer, received, stop) =
                        (Arc::clone(&answer), Arc::clone(&received), Arc::clone(&stop));
                    std::thread::spawn(move || serve(stream.unwrap(), &*answer, &received, &stop));
                }
            }
        });
        Self { address, received, stop, thread: Some(thread) }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// A client of this server under `sub_path`, with both tokens, no proxy and no waiting.
    pub fn client(&self, sub_path: &str) -> Client {
        Client::new(self.settings(sub_path)).unwrap()
    }

    pub fn settings(&self, sub_path: &str) -> Settings {
        let server = format!("{}{sub_path}", self.url());
        Settings {
            api: format!("{server}/api/v1").parse().unwrap(),
            token: Some("rest-secret".parse().unwrap()),
            runtime: Some((
                "runtime-secret".parse().unwrap(),
                vec![server.parse().unwrap(), format!("{server}/api/actions_pipeline/").parse().unwrap()],
            )),
            server: server.parse().unwrap(),
            timeouts: Timeouts { request: Duration::from_secs(20), ..Timeouts::default() },
            backoff: Backoff::default(),
            roots: Roots::default(),
            proxy: Proxy::Direct,
            sleeper: Arc::new(NoSleep::default()),
        }
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the listener; it may already be gone.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

/// Remembers how long it should have slept.
#[derive(Default)]
pub struct NoSleep(pub Mutex<Vec<Duration>>);

impl Sleeper for NoSleep {
    fn sleep(&self, time: Duration) {
        self.0.lock().unwrap().push(time);
    }
}

fn serve(
    mut stream: TcpStream,
    answer: &(dyn Fn(&Received) -> Answer + Send + Sync),
    received: &Mutex<Vec<Received>>,
    stop: &AtomicBool,
) {
    let Some(request) = read_request(&stream) else { return };
    received.lock().unwrap().push(request.clone());
    let answer = answer(&request);
    if answer.stalls {
        stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        while !stop.load(Ordering::SeqCst) && stream.read(&mut [0]).is_err() {}
        return;
    }
    let mut head = format!("HTTP/1.1 {} X\r\nConnection: close\r\n", answer.status);
    if let Some(missing) = answer.missing {
        write!(head, "Content-Length: {}\r\n", answer.body.len() + missing).unwrap();
    }
    for (name, value) in &answer.headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    head.push_str("\r\n");
    // The client may hang up first.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&answer.body));
}

fn read_request(stream: &TcpStream) -> Option<Received> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.push((name.to_lowercase(), value.to_owned()));
    }
    let length = headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Received { method, target, headers, body })
}

/// A certificate of the fixtures: `server.pem` is of `localhost` and `127.0.0.1`, `root.pem` signed it.
pub fn tls_fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls").join(name)
}

/// The server's side of TLS, which prefers these protocols in this order.
pub fn tls_server<S: Read + Write>(stream: S, protocols: &[&str]) -> StreamOwned<ServerConnection, S> {
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};

    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_file(tls_fixture("server.pem")).unwrap()],
            PrivateKeyDer::from_pem_file(tls_fixture("server-key.pem")).unwrap(),
        )
        .unwrap();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    StreamOwned::new(ServerConnection::new(Arc::new(config)).unwrap(), stream)
}

/// Answers one request with `hi` over TLS.
pub fn answer_over_tls(stream: impl Read + Write) {
    let mut tls = tls_server(stream, &[]);
    // A client that does not believe us hangs up in the handshake.
    if tls.read(&mut [0; 4096]).is_ok() {
        tls.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi").unwrap();
        tls.flush().unwrap();
    }
}
