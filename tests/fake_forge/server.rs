//! The sockets: one thread that accepts, one per connection, HTTP/1.1 with keep-alive, and the faults on the wire.
//! Hand-written over `std::net` because resets, stalls and short bodies need the raw stream; `httparse` reads heads.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::net::sockopt::set_socket_reuseport;
use rustix::net::{
    AddressFamily, Shutdown as Ends, SocketFlags, SocketType, bind, listen, shutdown, socket_with,
};

use super::faults::Fault;
use super::http::{Framing, Reply, Request, parse_query};

/// What the sockets need from the forge.
pub trait Service: Send + Sync + 'static {
    /// The path under which the installation lives, without a trailing slash; empty at the root.
    fn sub_path(&self) -> &str;
    fn latency(&self) -> Duration;
    /// Notes the request and says what goes wrong with it.
    fn meet(&self, request: &Request) -> Option<Fault>;
    /// Returns when the test lets go.
    fn hold(&self);
    fn answer(&self, request: &Request) -> Reply;
    fn date(&self) -> String;
}

/// Open or closed, and who is connected: closing shuts every connection, so that no thread waits for ever.
#[derive(Default)]
struct Gate {
    closed: AtomicBool,
    streams: Mutex<Vec<Weak<TcpStream>>>,
}

impl Gate {
    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    fn admit(&self, stream: TcpStream) -> Arc<TcpStream> {
        let stream = Arc::new(stream);
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.retain(|other| other.strong_count() > 0);
        streams.push(Arc::downgrade(&stream));
        stream
    }

    fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        for stream in self.streams.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            if let Some(stream) = stream.upgrade() {
                drop(stream.shutdown(Shutdown::Both));
            }
        }
    }
}

pub struct Server {
    address: SocketAddr,
    gate: Arc<Gate>,
    acceptor: Mutex<Option<JoinHandle<()>>>,
    /// Has the port too and does not listen, so that no other test's server gets it once this one stopped.
    _port: OwnedFd,
}

impl Server {
    pub fn listen() -> (TcpListener, SocketAddr) {
        let socket = bound(SocketAddr::from(([127, 0, 0, 1], 0))).expect("loopback has a free port");
        listen(&socket, 128).expect("a bound socket can listen");
        let listener = TcpListener::from(socket);
        let address = listener.local_addr().expect("a bound socket has an address");
        (listener, address)
    }

    pub fn start(listener: TcpListener, address: SocketAddr, service: Arc<dyn Service>) -> Self {
        let gate = Arc::new(Gate::default());
        let inner = Arc::clone(&gate);
        let port = bound(address).expect("a port that may be shared can be bound twice");
        let acceptor = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if inner.is_closed() {
                    // Closing it is not enough: a process that another test starts just now has a copy until it runs.
                    let _ = shutdown(&listener, Ends::Both);
                    return;
                }
                let Ok(stream) = stream else { continue };
                let stream = inner.admit(stream);
                let (service, gate) = (Arc::clone(&service), Arc::clone(&inner));
                std::thread::spawn(move || converse(&stream, service.as_ref(), &gate));
            }
        });
        Self { address, gate, acceptor: Mutex::new(Some(acceptor)), _port: port }
    }

    /// Closes the listening socket: from now on a connection is truly refused.
    pub fn stop(&self) {
        self.gate.close();
        let acceptor = self.acceptor.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(acceptor) = acceptor {
            // Wakes `accept`, which sees the closed gate and drops the listener.
            drop(TcpStream::connect(self.address));
            drop(acceptor.join());
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A socket of this address that does not listen, so that a connection to it is refused. Others of ours may have the
/// address as well; where the port is 0, the kernel takes one that nobody has.
fn bound(address: SocketAddr) -> rustix::io::Result<OwnedFd> {
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    set_socket_reuseport(&socket, true)?;
    bind(&socket, &address)?;
    Ok(socket)
}

/// Serves one connection until it ends, breaks, or a fault ends it.
fn converse(stream: &TcpStream, service: &dyn Service, gate: &Gate) {
    let mut buffer = Vec::new();
    while !gate.is_closed() {
        let Some(request) = read_request(stream, &mut buffer, service.sub_path()) else { return };
        let fault = service.meet(&request);
        if !service.latency().is_zero() {
            std::thread::sleep(service.latency());
        }
        let head_only = request.method == "HEAD";
        match fault {
            Some(Fault::RefuseConnection) => return reset(stream),
            Some(Fault::Stall) => return stall(stream),
            Some(Fault::Hold) => service.hold(),
            Some(Fault::Status(status)) => {
                let reply = Reply::text(status, "the proxy in front has an opinion");
                write_reply(stream, service, &reply, head_only, None);
                continue;
            }
            Some(Fault::TooManyRequests(seconds)) => {
                let reply = Reply::text(429, "slow down").with("Retry-After", seconds.to_string());
                write_reply(stream, service, &reply, head_only, None);
                continue;
            }
            _ => {}
        }
        let mut reply = service.answer(&request);
        match fault {
            Some(Fault::LoseReply) => return reset(stream),
            Some(Fault::ResetMidBody) => {
                write_reply(stream, service, &reply, head_only, Some(reply.body.len() / 2));
                return reset(stream);
            }
            Some(Fault::TruncatedBody) => {
                write_reply(stream, service, &reply, head_only, Some(reply.body.len() / 2));
                drop(stream.shutdown(Shutdown::Both));
                return;
            }
            Some(Fault::EmptyBody) => {
                reply.body.clear();
                reply.framing = Framing::Length;
            }
            Some(Fault::MalformedBody) => {
                reply.body = b"<html><body>{\"not\": [what you asked for".to_vec();
                reply.framing = Framing::Length;
            }
            _ => {}
        }
        if !write_reply(stream, service, &reply, head_only, None) {
            return;
        }
    }
}

/// Sends RST instead of FIN: with a zero linger the kernel throws away what was not sent.
fn reset(stream: &TcpStream) {
    // Where the client is gone already there is nothing to reset.
    rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO)).ok();
}

/// Waits, without a clock, until the client hangs up or the forge stops and shuts the connection.
fn stall(mut stream: &TcpStream) {
    let mut rest = [0; 1024];
    while matches!(stream.read(&mut rest), Ok(n) if n > 0) {}
}

fn read_request(mut stream: &TcpStream, buffer: &mut Vec<u8>, sub_path: &str) -> Option<Request> {
    let mut part = [0; 16 * 1024];
    loop {
        let mut slots = [httparse::EMPTY_HEADER; 64];
        let mut head = httparse::Request::new(&mut slots);
        if let httparse::Status::Complete(taken) = head.parse(buffer).ok()? {
            let mut request = request_of(&head, sub_path)?;
            let chunked = request.header("Transfer-Encoding").is_some();
            buffer.drain(..taken);
            if chunked {
                request.body = read_chunks(stream, buffer)?;
            } else {
                let length = request.length.unwrap_or(0);
                while buffer.len() < length {
                    read_more(&mut stream, buffer, &mut part)?;
                }
                request.body = buffer.drain(..length).collect();
            }
            return Some(request);
        }
        read_more(&mut stream, buffer, &mut part)?;
    }
}

fn read_more(stream: &mut &TcpStream, buffer: &mut Vec<u8>, part: &mut [u8]) -> Option<()> {
    let n = stream.read(part).ok().filter(|n| *n > 0)?;
    buffer.extend_from_slice(&part[..n]);
    Some(())
}

fn request_of(head: &httparse::Request<'_, '_>, sub_path: &str) -> Option<Request> {
    let target = head.path?.to_owned();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let headers: Vec<(String, String)> = head
        .headers
        .iter()
        .map(|header| (header.name.to_owned(), String::from_utf8_lossy(header.value).into_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("Content-Length"));
    Some(Request {
        method: head.method?.to_owned(),
        path: path.strip_prefix(sub_path).unwrap_or("/outside-the-installation").to_owned(),
        query: parse_query(query),
        length: length.and_then(|(_, value)| value.trim().parse().ok()),
        headers,
        body: Vec::new(),
        target,
    })
}

fn read_chunks(mut stream: &TcpStream, buffer: &mut Vec<u8>) -> Option<Vec<u8>> {
    let mut part = [0; 16 * 1024];
    let mut body = Vec::new();
    loop {
        let end = loop {
            if let Some(at) = buffer.windows(2).position(|pair| pair == b"\r\n") {
                break at;
            }
            read_more(&mut stream, buffer, &mut part)?;
        };
        let size = usize::from_str_radix(std::str::from_utf8(&buffer[..end]).ok()?.trim(), 16).ok()?;
        let whole = end + 2 + size + 2;
        while buffer.len() < whole {
            read_more(&mut stream, buffer, &mut part)?;
        }
        body.extend_from_slice(&buffer[end + 2..end + 2 + size]);
        buffer.drain(..whole);
        if size == 0 {
            return Some(body);
        }
    }
}

/// Writes the head and the body, or only the first `cut` bytes of it; false when the client is gone.
fn write_reply(
    mut stream: &TcpStream,
    service: &dyn Service,
    reply: &Reply,
    head_only: bool,
    cut: Option<usize>,
) -> bool {
    let mut out = format!("HTTP/1.1 {} {}\r\n", reply.status, reason(reply.status)).into_bytes();
    out.extend(format!("Date: {}\r\n", service.date()).into_bytes());
    for (name, value) in &reply.headers {
        out.extend(format!("{name}: {value}\r\n").into_bytes());
    }
    // A cut body must have promised more than it brings, so it never goes out in chunks.
    let chunked = reply.framing == Framing::Chunked && cut.is_none();
    let length = if chunked {
        "Transfer-Encoding: chunked\r\n\r\n".to_owned()
    } else {
        format!("Content-Length: {}\r\n\r\n", reply.body.len())
    };
    out.extend(length.into_bytes());
    let body = &reply.body[..cut.unwrap_or(reply.body.len())];
    if !head_only && chunked {
        for chunk in body.chunks(2048) {
            out.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
            out.extend(chunk);
            out.extend(b"\r\n");
        }
        out.extend(b"0\r\n\r\n");
    } else if !head_only {
        out.extend(body);
    }
    stream.write_all(&out).and_then(|()| stream.flush()).is_ok()
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        413 => "Request Entity Too Large",
        422 => "Unprocessable Entity",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        _ => "Status",
    }
}
